/* Starts a scan of an RPLIDAR: what to send, when, and what to make of the answers.
 *
 * Pure, as rplidar.h: the device in lidar.c sends what `tick` orders and pushes what came. Two
 * drivers: rplidar_a1 (115200, motor by DTR of Slamtec's USB adapter) and rplidar_c1 (460800, turns
 * by itself while it scans).
 *
 * Order: stop, wait, info, health, [C1: which scan mode is the typical one,] scan, [A1: motor on],
 * first beams. Sources: Slamtec/rplidar_sdk sdk/src/sl_lidar_driver.cpp (wait after a stop, reset
 * on health error, DTR), kaiaai/LDS src/LDS_RPLIDAR_A1.cpp and LDS_RPLIDAR_C1.cpp (order, spin-up
 * of about 1 s).
 */
#ifndef HAL_BODY_RPLIDAR_START_H
#define HAL_BODY_RPLIDAR_START_H

#include "hal/body/rplidar.h"

#define RPLIDAR_ATTEMPTS_MAX 3
#define RPLIDAR_SETTLE_MS                                                                          \
    50 /* after a stop; at least 10, and time to read what is still queued                         \
        */
#define RPLIDAR_RESET_MS   1000 /* 0.5 to 1 s, with a banner as text */
#define RPLIDAR_ANSWER_MS  500
#define RPLIDAR_SPIN_UP_MS 3000 /* until the first beams */

enum rplidar_step {
    RPLIDAR_STEP_STOP,
    RPLIDAR_STEP_INFO,
    RPLIDAR_STEP_HEALTH,
    RPLIDAR_STEP_RESET,
    RPLIDAR_STEP_MODE,
    RPLIDAR_STEP_EXPRESS,
    RPLIDAR_STEP_SCAN,
    RPLIDAR_STEP_MOTOR,
    RPLIDAR_STEP_SPIN_UP,
    RPLIDAR_STEP_RUN,
    RPLIDAR_STEP_FAILED,
};

struct rplidar_start {
    struct rplidar rplidar;
    enum rplidar_step step;
    bool is_c1;
    bool is_sent;    /* the request of this step */
    bool no_express; /* tried, without success */
    int64_t deadline_ns;
    int attempts; /* that failed */
};

extern const struct lidar_driver rplidar_a1_driver;
extern const struct lidar_driver rplidar_c1_driver;

#endif
