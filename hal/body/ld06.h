/* Frames of the LD06, LD19, STL-19P (LDROBOT) and MS200 (ORADAR) lidars, decoded byte by byte.
 *
 * These devices talk by themselves at 230400 8N1 and need no request. A frame has 47 bytes and 12
 * points. Pure: no I/O, clock, log or allocation; caller's memory; one thread. Total: any bytes.
 *
 * Frame: 54 2C, speed deg/s u16, start angle 0.01 deg u16, 12 x { distance mm u16, intensity u8 },
 * end angle u16, time stamp ms u16 (wraps at 30000), CRC-8 of bytes 0..45 (polynomial 0x4D, most
 * significant bit first, from 0); little endian. Sources: ldrobotSensorTeam/ldlidar_stl_sdk
 * ldlidar_driver/src/dataprocess/lipkg.cpp, LD19 data sheet (both real frames in
 * tests/unit/ld06_test.c). MS200: ORADAR's SDK; at power-up it also sends AA 55 type len data xor
 * 31 F2, which is skipped.
 */
#ifndef HAL_BODY_LD06_H
#define HAL_BODY_LD06_H

#include "hal/body/lidar_driver.h"

#define LD06_FRAME_SIZE 47
#define LD06_POINTS     12
#define LD06_BAUD       230400
#define LD06_CLOCK_MS   30000 /* the device's time stamp counts 0..29999 */
#define LD06_LISTEN_MS  1500  /* it talks 0.5-0.7 s after power-up */

enum ld06_result {
    LD06_NOTHING,
    LD06_PACKET, /* `beams` are new */
};

struct ld06 {
    struct lidar_beam beams[LD06_POINTS];
    struct lidar_health health;
    /* Private. */
    uint8_t window[LD06_FRAME_SIZE];
    size_t size;
    uint8_t last[LD06_FRAME_SIZE]; /* the last valid frame */
    int64_t last_ns;
    int64_t latency_ns;
    int64_t listen_until_ns; /* 0: tick was not called yet */
    uint32_t clock_strikes, clock_good;
};

extern const struct lidar_driver ld06_driver;

/* `latency_ns` makes every beam so much older. */
void ld06_init(struct ld06 *ld06, int64_t latency_ns);

/* `time_ns`: when this byte had arrived at the latest. The times of beams come from it and from
 * nothing that the device says about time: the last beam of a frame was measured before the frame's
 * first byte was sent, the others as much earlier as turning to them took. So within a frame times
 * do not decrease, and a frame's first beam may be older than the last one of the frame before by
 * at most a frame's duration (7.9 ms). */
enum ld06_result ld06_push(struct ld06 *ld06, uint8_t byte, int64_t time_ns);

#endif
