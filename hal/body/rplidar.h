/* RPLIDAR A1 and C1 (Slamtec): requests, and their answers decoded byte by byte.
 *
 * Pure: no I/O, clock, log or allocation; caller's memory; one thread. Total: any bytes. How a scan
 * is started stands in rplidar_start.h.
 *
 * Request: A5 command, or with bit 7 set A5 command length payload xor (of every byte before it).
 * Answer: descriptor A5 5A, u32 (bits 0-29 length, 30-31 mode: 0 one answer, 1 many), u8 type; then
 * the answer, or one after the other until a stop. Little endian. Source: Slamtec/rplidar_sdk
 * sdk/include/sl_lidar_cmd.h, sdk/src/sl_lidar_driver.cpp,
 * sdk/src/dataunpacker/unpacker/handler_capsules.cpp (angles, and the delays of a point).
 */
#ifndef HAL_BODY_RPLIDAR_H
#define HAL_BODY_RPLIDAR_H

#include "hal/body/lidar_driver.h"

#define RPLIDAR_REQUEST_MAX        LIDAR_ORDER_MAX
#define RPLIDAR_CAPSULE_SIZE       84
#define RPLIDAR_EXPRESS_POINTS     32
#define RPLIDAR_DENSE_POINTS       40
#define RPLIDAR_MODEL_MAJOR(model) ((model) >> 4)
#define RPLIDAR_HEALTH_ERROR       2 /* 0 good, 1 warning */

enum rplidar_request {
    RPLIDAR_SCAN = 0x20,
    RPLIDAR_FORCE_SCAN = 0x21,
    RPLIDAR_STOP = 0x25,
    RPLIDAR_RESET = 0x40,
    RPLIDAR_GET_INFO = 0x50,
    RPLIDAR_GET_HEALTH = 0x52,
    RPLIDAR_GET_SAMPLE_RATE = 0x59,
    RPLIDAR_EXPRESS_SCAN = 0x82,     /* argument: the mode; 0 is the legacy express scan */
    RPLIDAR_GET_TYPICAL_MODE = 0x84, /* of GET_LIDAR_CONF: entry 0x7C */
    RPLIDAR_MOTOR_RPM = 0xA8,        /* argument: 1/min; model major 6 and later */
    RPLIDAR_MOTOR_PWM = 0xF0,        /* argument: 0..1023; A2, A3 with the accessory board */
};

/* Type of an answer, as its descriptor says. */
enum rplidar_answer {
    RPLIDAR_ANSWER_NONE = 0,
    RPLIDAR_ANSWER_INFO = 0x04,
    RPLIDAR_ANSWER_HEALTH = 0x06,
    RPLIDAR_ANSWER_CONF = 0x20,
    RPLIDAR_ANSWER_SCAN = 0x81,
    RPLIDAR_ANSWER_EXPRESS = 0x82,
    RPLIDAR_ANSWER_DENSE = 0x85,
};

enum rplidar_event {
    RPLIDAR_NOTHING,
    RPLIDAR_SCANNING,     /* the descriptor of a scan that we understand: `answer` */
    RPLIDAR_NO_SUCH_SCAN, /* the descriptor of one that we do not */
    RPLIDAR_INFO,         /* `info` is new */
    RPLIDAR_HEALTH,       /* `device_health` is new */
    RPLIDAR_MODE,         /* `typical_mode` is new */
    RPLIDAR_BEAMS,        /* `beams` and `beam_count` are new */
};

struct rplidar_info {
    uint8_t model;     /* RPLIDAR_MODEL_MAJOR of it: 1 = A1, 4 = C1 */
    uint16_t firmware; /* major << 8 | minor */
    uint8_t hardware;
    uint8_t serial[16];
};

struct rplidar_device_health {
    uint8_t status; /* RPLIDAR_HEALTH_ERROR: needs a reset */
    uint16_t error;
};

struct rplidar {
    struct lidar_beam beams[LIDAR_BEAMS_MAX];
    size_t beam_count;
    enum rplidar_answer answer; /* what is expected now; NONE: a descriptor */
    struct rplidar_info info;
    struct rplidar_device_health device_health;
    uint16_t typical_mode;
    struct lidar_health health;
    /* Private. */
    uint8_t window[RPLIDAR_CAPSULE_SIZE];
    size_t size, wanted;
    uint32_t good_nodes; /* in a row */
    uint8_t previous[RPLIDAR_CAPSULE_SIZE];
    bool has_previous;
    int64_t previous_ns;
    int64_t byte_ns, sample_ns, latency_ns;
};

/* `sample_ns`: the time between two points, rather too long than too short: it makes beams older.
 */
void rplidar_init(struct rplidar *rplidar, int baud, int64_t sample_ns, int64_t latency_ns);

/* Forgets what was begun and waits for a descriptor: before each request. Counters stay. */
void rplidar_expect(struct rplidar *rplidar);

/* `time_ns`: when this byte had arrived at the latest. A beam is as old as the bytes of its answer
 * take on the line, one and a half samples (the SDK's model of its filter), the samples behind it
 * in the same capsule, and the latency. Capsules need the next one for their angles, so their beams
 * come one capsule late, with their own times. */
enum rplidar_event rplidar_push(struct rplidar *rplidar, uint8_t byte, int64_t time_ns);

/* Writes a request; returns its size. `argument` is for those that have one. */
size_t rplidar_request(enum rplidar_request request, uint16_t argument,
                       uint8_t ret_bytes[static RPLIDAR_REQUEST_MAX]);

#endif
