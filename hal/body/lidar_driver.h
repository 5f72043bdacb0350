/* What a lidar family is to the device in lidar.c: bytes in, beams out, and now and then bytes
 * back.
 *
 * A driver is pure: no I/O, clock, log or allocation. Its state lives in memory that the device
 * gives it; `init` is called after each opening of the tty, so a driver never sees two openings.
 * One thread: the one that polls the device. The families are listed in lidar.c.
 */
#ifndef HAL_BODY_LIDAR_DRIVER_H
#define HAL_BODY_LIDAR_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIDAR_BEAMS_MAX 40 /* of one packet; RPLIDAR dense capsule */
#define LIDAR_ORDER_MAX 16 /* bytes of one request */

/* One measurement in the device's own frame. */
struct lidar_beam {
    int64_t time_ns;        /* not younger than the measurement, as far as the line lets us know */
    int32_t clockwise_mdeg; /* 0..359999 from the device's mark, clockwise seen from above */
    int32_t distance_mm;    /* 0: no return */
    int32_t intensity;      /* 0..255; 0: not told */
};

enum lidar_phase {
    LIDAR_PHASE_STARTING,
    LIDAR_PHASE_RUNNING, /* beams have come */
    LIDAR_PHASE_FAILED,  /* gave up: `fault` of the health says why; wants to be opened anew */
};

/* Why a driver, or the device on its behalf, gave up. */
enum lidar_fault {
    LIDAR_FAULT_NONE,
    LIDAR_FAULT_NO_FRAMES, /* listened, and no valid frame came */
    LIDAR_FAULT_NO_ANSWER, /* no answer to a request */
    LIDAR_FAULT_UNHEALTHY, /* reports an error of its own, also after resets */
    LIDAR_FAULT_NO_SCAN,   /* answers, but does not begin to scan in a way that we understand */
    LIDAR_FAULT_NO_BEAMS,  /* began to scan, but nothing came: does it turn? */
    LIDAR_FAULT_SILENT,    /* was running, then no packet for a second */
};

/* Counters since `init`, and what the device told about itself. */
struct lidar_health {
    int64_t packet_ns;      /* byte time of the last valid packet; meaningless while packets is 0 */
    uint32_t packets;       /* valid: checksum and geometry */
    uint32_t bad_frames;    /* began like a frame, and checksum or check bits were wrong */
    uint32_t bad_geometry;  /* checksum right, angles or speed impossible: not used */
    uint32_t repeats;       /* the same packet again, byte by byte: not used */
    uint32_t skipped_bytes; /* bytes that belonged to nothing valid */
    uint32_t info_frames;   /* MS200: of no use to us */
    uint32_t clock_stops;   /* the device's time stamp did not move between two packets */
    uint32_t clock_jumps;   /* it moved otherwise than the line's clock, or out of its range */
    bool clock_lies;        /* such things happen again and again: do not trust what it says */
    uint32_t resets;        /* RPLIDAR: resets that it took to start */
    uint8_t model;          /* RPLIDAR: as it says; 0: not told */
    uint16_t firmware;      /* RPLIDAR: major << 8 | minor */
    uint16_t device_error;  /* RPLIDAR: error code of its health answer */
    enum lidar_fault fault;
};

enum lidar_motor {
    LIDAR_MOTOR_KEEP,
    LIDAR_MOTOR_ON, /* on a Slamtec USB adapter: DTR clear */
    LIDAR_MOTOR_OFF,
};

/* What a driver wants done. Zeroed: nothing. */
struct lidar_order {
    uint8_t bytes[LIDAR_ORDER_MAX];
    size_t size;
    enum lidar_motor motor;
};

struct lidar_driver {
    const char *name;
    int baud;
    size_t state_size;

    /* `latency_ns`: what device and adapter add to the time on the line; makes beams older. */
    void (*init)(void *state, int64_t latency_ns);

    /* One byte, and when it had arrived at the latest. Returns the number of beams that it
     * completed, at most LIDAR_BEAMS_MAX; they are valid until the next call. */
    size_t (*push)(void *state, uint8_t byte, int64_t time_ns, const struct lidar_beam **ret_beams);

    /* Once per poll, after the bytes. Times do not decrease from call to call. */
    enum lidar_phase (*tick)(void *state, int64_t now_ns, struct lidar_order *ret_order);

    /* Valid as long as the state. */
    const struct lidar_health *(*health)(const void *state);
};

#endif
