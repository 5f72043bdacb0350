/* Everything that the safety process owns besides the wheels' fd: lidar, sonar, keys, and what the
 * motor board says. Once a tick they are read, and what they say is brought into the gate's terms.
 *
 * Nothing here waits or allocates after devices_open. A device that is missing is no error of
 * opening (it may come back); only what can never work is. One thread.
 */
#ifndef SAFETY_DEVICES_H
#define SAFETY_DEVICES_H

#include <stdbool.h>
#include <stdint.h>

#include "hal/base/serial_line.h"
#include "hal/body/battery.h"
#include "hal/body/keys.h"
#include "hal/body/lidar.h"
#include "hal/body/motor.h"
#include "hal/body/sonar.h"
#include "safety/gate.h"
#include "safety/setup.h"

struct devices {
    struct motor *motor;            /* borrowed */
    struct serial_line *motor_line; /* reads what the board reports; NULL: it can report nothing */
    struct lidar *lidar;
    struct sonar *sonar;
    struct keys *keys;
    struct battery battery;
    struct sonar_judge sonar_judge;
    struct keys_judge keys_judge;
    struct motor_news news;
    uint64_t sonar_seq;    /* of the last reading that the gate was told */
    int64_t lidar_good_ns; /* beams have come without a gap since then; 0: they do not */
    struct lidar_point points[LIDAR_POINTS_MAX];
};

/* What they said in this tick. Zeroed: nothing good. */
struct devices_news {
    bool estop_pressed; /* or unreadable */
    bool keys_unreadable;
    bool start_pressed; /* in one tick for each press */
    bool lidar_runs;    /* packets come, and its clock does not lie */
    bool self_test;     /* everything that has to be there is there, by now */
    int motor_error;    /* 0, or -errno: its line hung up */
    uint32_t reasons;   /* REASON_BATTERY_LOW, _USB_SUPPLY, _BATTERY_SILENT, _SONAR_OFF */
    int32_t sonar_mm;   /* as in wire_verdict */
    int32_t battery_mv;
};

/* `motor` is open and stays the caller's, to be closed after devices_close: it is read from now on.
 * Threads are started: whatever is to be forked comes before. On failure `ret_error` is one line
 * that names the section. 0 or -errno; undo with devices_close, which accepts a zeroed struct. */
int devices_open(struct devices *devices, const struct setup *setup, struct motor *motor,
                 int64_t now_ns, char *ret_error, size_t error_size);
void devices_close(struct devices *devices);

/* One tick: reads everything and tells the gate. `moving`: the wheels were told to drive ahead,
 * back or sideways. */
void devices_poll(struct devices *devices, struct gate *gate, bool moving, int64_t now_ns,
                  struct devices_news *ret_news);

/* Tells the gate which bearings the lidar does not look at. Once, before the first poll. */
void devices_mask(const struct devices *devices, struct gate *gate);

#endif
