/* What the gate believes about the car: its hull, how fast it may go, how it stops, how wrong its
 * motion may be. One visible struct of numbers and the stopping table that is made from them.
 *
 * The numbers are assumptions until the car is measured (facts/hardware.md, gate-spec.md). What
 * configuration changes in them can only make the gate stricter. Caller's memory; pure; the struct
 * is constant after gate_model_init, so that any thread may read it.
 */
#ifndef SAFETY_GATE_MODEL_H
#define SAFETY_GATE_MODEL_H

#include <stdint.h>

#include "safety/gate_options.h"
#include "safety/wire.h"

enum gate_axis {
    GATE_FORWARD = 0, /* mm/s */
    GATE_STRAFE = 1,  /* mm/s, to the left */
    GATE_TURN = 2,    /* mrad/s, counter-clockwise; at the rim: mm/s */
};

#define GATE_AXES     3
#define GATE_BIN_MM_S 8
#define GATE_BINS     128 /* up to 1016 mm/s */

struct gate_model {
    /* The bare hull around the centre of rotation, wheels and lidar included. */
    int32_t front_mm, rear_mm, half_width_mm;
    int32_t arm_mm;                 /* rim speed of a turn: arm * |wz| / 1000 */
    int32_t lidar_x_mm, lidar_y_mm; /* where the beams start */
    int32_t sonar_x_mm;             /* where the echo is measured from */

    /* Ceilings. */
    int32_t forward_mm_s, backward_mm_s, strafe_mm_s, turn_mrad_s;
    int32_t rim_mm_s;      /* of the fastest wheel */
    int32_t rim_min_mm_s;  /* what a wheel can turn at all */
    int32_t creep_mm_s;    /* rim speed up to which the small margin is enough */
    int32_t no_sonar_mm_s; /* forward, without what the sonar sees */
    int32_t dark_mm_s;     /* rim speed into a bearing that gives no return */

    /* Stopping. */
    int32_t reaction_ms;                   /* tick, wire, actuator */
    int32_t decel_mm_s2[GATE_AXES];        /* at the rim */
    uint16_t tau_ms[GATE_AXES][GATE_BINS]; /* entry i: v / 2a for v of 8i-7..8i, rounded up */

    /* Margins around the hull. */
    int32_t margin_fast_mm, margin_creep_mm;
    int32_t margin_ahead_mm; /* more, in the direction of travel: lidar noise, slip */
    int32_t margin_start_mm; /* more, when starting from rest */
    int32_t margin_coast_mm; /* of the motion that is under way anyway */

    /* How wrong a commanded motion may be, in thousandths of it: less along its axis, more. */
    int32_t slow_permille[GATE_AXES], fast_permille[GATE_AXES];
    /* What is added unasked: sideways by forward, forward by strafing (permille), turn (mrad/s per
     * m/s), shift of the centre (mm/s per rad/s). */
    int32_t side_by_forward, forward_by_side, turn_by_forward, turn_by_side, shift_by_turn;

    /* Ages of what the lidar said. */
    int32_t fresh_ms; /* without any beam: no motion */
    int32_t seen_ms;  /* a point, and a bearing, is known for so long */
    int32_t dark_ms;  /* a point whose bearing gives no return any more; a bearing without one */
};

/* Fills a model from the configuration; NULL: the defaults. */
void gate_model_init(struct gate_model *model, const struct gate_options *options);

/* Makes the stopping table anew, for who changed a deceleration (the tests do). */
void gate_model_tabulate(struct gate_model *model);

/* The speed of the fastest wheel, the one number for "how fast". Saturates; never negative. */
int32_t gate_model_rim(const struct gate_model *model, const struct twist *twist);

/* How far one axis still goes until it stands, rounded up: mm, for a turn mrad. `speed` >= 0 in the
 * unit of the axis; -1: too fast for the table. */
int32_t gate_model_stop(const struct gate_model *model, enum gate_axis axis, int32_t speed);

#endif
