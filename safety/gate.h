/* The gate: what is asked of the wheels, and what of it is safe.
 *
 * It never adds motion. Missing, stale or lying sensors close it on every axis; the sonar can only
 * close it. The specification is integers throughout: mm, ms, mm/s, mrad/s.
 *
 *   gate_beam    each beam of each lidar packet, at once
 *   gate_sonar   each reading
 *   gate_step    once a tick, 100 Hz, last
 *
 * Caller's memory of fixed size, about 40 kB, without pointers; one thread. Pure: no I/O, clock,
 * log, allocation, float or assert. Total: any order of calls, any values, any times. Times are
 * milliseconds of one monotonic clock.
 */
#ifndef SAFETY_GATE_H
#define SAFETY_GATE_H

#include "safety/gate_confirm.h"
#include "safety/gate_drift.h"
#include "safety/gate_model.h"
#include "safety/gate_sonar.h"
#include "safety/gate_world.h"
#include "safety/slew.h"
#include "safety/wire.h"

#define GATE_CLEAR_TICKS 10        /* after a veto */
#define GATE_BLIND_CELLS 8         /* fewer with a return: not to be believed */
#define GATE_NO_CAP      INT32_MAX /* of gate_input.cap_mm_s */
#define GATE_CLEAR_MAX   12000     /* mm: a clearance with nothing in sight */

/* Zeroed: no motion. */
struct gate_input {
    int64_t now_ms;
    struct twist asked;
    uint32_t permits; /* enum gate_permit; what is missing keeps the wheels still */
    int32_t cap_mm_s; /* rim speed from outside: battery; 0: none allowed */
};

struct gate_output {
    struct twist given;
    uint32_t reasons; /* enum wire_reason: of this tick */
    int32_t clear_front_mm, clear_left_mm, clear_rear_mm, clear_right_mm; /* from the hull */
    int32_t open_bearing_mrad; /* where the way is longest */
};

struct gate {
    struct gate_model model;
    struct gate_world world;
    struct gate_sonar sonar;
    struct gate_drift drift;
    struct gate_boxes boxes; /* of the last step */
    int near_count;
    uint16_t near[GATE_BOXES_MAX]; /* places in it that the last proposal might have met */
    struct slew slew;
    struct twist given; /* in the last step */
    int64_t now_ms;     /* of the last step */
    int blocked;        /* ticks that the way still has to be clear for */
};

/* At rest, nothing seen, every sensor silent. `model` is copied. */
void gate_init(struct gate *gate, const struct gate_model *model, int64_t now_ms);

/* Beams into the slots first..first+count-1, around the turn, say nothing from now on, and no
 * motion into their bearings is allowed. */
void gate_mask(struct gate *gate, int first, int count);

/* One beam: slot 0..719 of half a degree, counter-clockwise from ahead, distance from the lidar (0:
 * no return), at its capture. A slot, distance or time that cannot be (more than a second from the
 * last step) is ignored. */
void gate_beam(struct gate *gate, int slot, int32_t distance_mm, int64_t time_ms);

/* One reading of the sonar: mm from 1 to GATE_SONAR_MAX, which means no echo; GATE_SONAR_OFF when
 * it is switched off; anything else is a fault. The same limits of time. */
void gate_sonar(struct gate *gate, int32_t reading_mm, int64_t time_ms);

/* Judges one tick. What it gives is what the wheels have to be told until the next one. */
void gate_step(struct gate *gate, const struct gate_input *input, struct gate_output *ret_output);

/* Nearest return in each sector of two degrees, for the wire; 0: none. */
void gate_scan(const struct gate *gate, uint16_t sector_mm[GATE_SECTORS]);

#endif
