/* Contracts of what several files of the gate call: assumed by the proofs of the callers, shown by
 * model_proof.c and trig_proof.c. ACSL, read by Frama-C's WP. */
#ifndef TESTS_PROOF_CONTRACTS_H
#define TESTS_PROOF_CONTRACTS_H

#include "safety/gate_model.h"
#include "safety/trig.h"

/* Faster than anything in the stopping table: mm/s, or mrad/s at an arm of 126 mm. */
#define ARM_MM    126
#define SPEED_MAX 8100

/*@ logic integer size(integer a) = a < 0 ? -a : a;

    predicate unit(integer q14) = -TRIG_ONE <= q14 <= TRIG_ONE;

    // What gate_model_init makes of any configuration.
    predicate model(struct gate_model m) =
        100 <= m.front_mm <= 200 && 95 <= m.rear_mm <= 200 && 85 <= m.half_width_mm <= 200 &&
        m.arm_mm == ARM_MM && 130 <= m.rim_min_mm_s <= 140 && m.creep_mm_s == 150 &&
        50 <= m.reaction_ms <= 200 &&
        0 <= m.margin_fast_mm <= 200 && 0 <= m.margin_creep_mm <= 200 &&
        0 <= m.margin_start_mm <= 50 && 0 <= m.margin_coast_mm <= 50 &&
        0 <= m.margin_ahead_mm <= 50;

    // A thousand times the speed of the fastest wheel, before it is rounded up.
    logic integer exact_rim(struct twist t) =
        1000 * (size(t.vx_mm_s) + size(t.vy_mm_s)) + ARM_MM * size(t.wz_mrad_s);

    predicate is_rounded(integer rim, integer exact) = 1000 * (rim - 1) < exact <= 1000 * rim;
*/

/*@ requires \valid_read(model) && \valid_read(twist) && model(*model);
    assigns \nothing;
    ensures 0 <= \result;
    ensures \result < INT32_MAX ==> is_rounded(\result, exact_rim(*twist));
    ensures exact_rim(*twist) <= 1000000000 ==> \result < INT32_MAX; */
int32_t gate_model_rim(const struct gate_model *model, const struct twist *twist);

/*@ requires \valid_read(model) && model(*model) && 0 <= axis < GATE_AXES;
    assigns \nothing;
    ensures \result >= -1;
    ensures \result >= 0 ==> 0 <= speed <= SPEED_MAX;
    ensures axis != GATE_TURN && 0 <= speed && (speed + 7) / 8 < GATE_BINS ==>
        1000 * \result >= speed * (model->reaction_ms + model->tau_ms[axis][(speed + 7) / 8]); */
int32_t gate_model_stop(const struct gate_model *model, enum gate_axis axis, int32_t speed);

/*@ assigns \nothing;
    ensures unit(\result);
    ensures mrad == 0 ==> \result == 0; */
int32_t trig_sin(int32_t mrad);

/*@ assigns \nothing;
    ensures unit(\result);
    ensures mrad == 0 ==> \result == TRIG_ONE; */
int32_t trig_cos(int32_t mrad);

#endif
