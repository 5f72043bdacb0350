/* One tick of the safety process: from what the sensors and the agent said to one frame for the
 * wheels, and what the agent is told about it.
 *
 * The order within a tick is fixed: devices, then messages, then permission, gate and mixing, then
 * the frame, then the reports. Nothing waits, allocates, opens or logs. One thread; caller's
 * memory.
 */
#ifndef SAFETY_CYCLE_H
#define SAFETY_CYCLE_H

#include <stdbool.h>
#include <stdint.h>

#include "safety/brake.h"
#include "safety/devices.h"
#include "safety/gate.h"
#include "safety/peer.h"
#include "safety/permit.h"
#include "safety/ready.h"
#include "safety/setup.h"

#define CYCLE_LATE_MAX 3 /* late ticks within a second that drop permission */

/* Fields are the module's, but for those that are borrowed. */
struct cycle {
    const struct setup *setup;
    struct motor *motor; /* borrowed, as brake and peer */
    struct brake *brake;
    struct peer *peer;
    struct ready *ready; /* polled by the caller before each tick; NULL: everything is tried */
    struct devices *devices;
    struct gate gate;
    struct permit permit;
    int duty[MOTOR_COUNT];
    struct twist given;
    struct gate_output judged;
    struct permit_output permission;
    struct devices_news news;
    struct wire_verdict verdict; /* the last one that was sent */
    uint64_t tick, sent;
    uint32_t changed, overruns;
    uint32_t faults; /* of this tick, that drop permission */
    bool queue_full, self_test_passed;
    int64_t late_ns[CYCLE_LATE_MAX]; /* when the last late ticks were */
    int late_next;
    struct wire_look look; /* still to be sent; source header.type 0: none */
    int64_t verdict_ns, scan_ns;
};

enum cycle_result {
    CYCLE_MOTOR_LOST =
        1, /* the wheels were or have to be stopped another way: take over and exit */
};

void cycle_init(struct cycle *cycle, const struct setup *setup, bool latched, int64_t now_ns);

/* One tick that was due `late_ns` before `now_ns`. 0, CYCLE_MOTOR_LOST. */
int cycle_tick(struct cycle *cycle, int64_t now_ns, int64_t late_ns);

/* One line for systemd and for people: what the car does and why not more. */
void cycle_status(const struct cycle *cycle, char *ret_line, size_t size);

#endif
