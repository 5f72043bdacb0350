/* What can be configured about the gate. Every key can only make it stricter than it is compiled.
 */
#ifndef SAFETY_GATE_OPTIONS_H
#define SAFETY_GATE_OPTIONS_H

#include <stdbool.h>

#include "hal/base/setting.h"

/* [gate] */
struct gate_options {
    int64_t forward_mm_s, backward_mm_s, strafe_mm_s, turn_mrad_s;
    bool measured; /* the decelerations below were measured on this car */
    int64_t decel_forward_mm_s2, decel_strafe_mm_s2, decel_turn_mm_s2;
    int64_t reaction_ms;
    int64_t rim_min_mm_s;
    int64_t front_mm, rear_mm, half_width_mm;
    int64_t margin_mm; /* more than what is compiled in */
    int64_t revolution_ms;
};

extern const struct setting_table gate_table;

#endif
