/* Theorem 4 for the stopping table, and 5 for the model: shown by Frama-C's WP.
 *
 * 4: an entry is the smallest whole number of ms with 2 * a * tau >= v, so it grows with the speed;
 * and a distance that gate_model_stop gives for a motion straight ahead or to the side is at least
 * what the reaction and braking at the assumed deceleration take: v * reaction + v * v / 2a.
 *
 * 5: no overflow, whatever the speed, and the contracts of contracts.h. That gate_model_tabulate
 * fills every entry is seen by tests/unit/gate_model_test.c.
 */
#include "safety/gate_model.h"
#include "tests/proof/contracts.h"

/*@ predicate table(struct gate_model m, integer axis) =
        100 <= m.decel_mm_s2[axis] <= 1500 &&
        \forall integer bin; 0 <= bin < GATE_BINS ==>
            2 * m.decel_mm_s2[axis] * m.tau_ms[axis][bin] >= 1000 * (bin * GATE_BIN_MM_S) &&
            0 <= m.tau_ms[axis][bin] <= 5080;
*/

/*@ requires INT32_MIN <= (a < b ? a : b) <= INT32_MAX;
    assigns \nothing;
    ensures \result == (a < b ? a : b); */
static int32_t lesser(int64_t a, int64_t b);

/*@ requires 0 <= bin < GATE_BINS && 100 <= decel_mm_s2 <= 1500;
    assigns \nothing;
    ensures 2 * decel_mm_s2 * \result >= 1000 * (bin * GATE_BIN_MM_S);
    ensures \result > 0 ==> 2 * decel_mm_s2 * (\result - 1) < 1000 * (bin * GATE_BIN_MM_S);
    ensures 0 <= \result <= 5080; */
static uint16_t tau_ms(int32_t bin, int32_t decel_mm_s2);

/*@ requires 0 <= speed <= SPEED_MAX && 0 <= ms <= 66000;
    assigns \nothing;
    ensures 0 <= \result;
    ensures 1000 * (\result - 1) < speed * ms <= 1000 * \result; */
static int32_t distance(int64_t speed, int64_t ms);

#include "safety/gate_model.c"

/*@ requires 0 <= bin < GATE_BINS - 1 && 100 <= decel_mm_s2 <= 1500;
    assigns \nothing;
    ensures \result == 1; */
static bool theorem_4_monotone(int32_t bin, int32_t decel_mm_s2)
{
    return tau_ms(bin, decel_mm_s2) <= tau_ms(bin + 1, decel_mm_s2);
}

/* From tau >= v / 2a and v <= bin. */
/*@ requires 0 <= speed <= bin && 100 <= a && 2 * a * tau >= 1000 * bin && 0 <= tau;
    assigns \nothing;
    ensures 2 * a * (speed * tau) >= 1000 * (speed * speed); */
static void lemma_braking(int speed, int bin, int a, int tau)
{
    /*@ assert 2 * a * tau >= 1000 * speed; */
    /*@ assert speed * (2 * a * tau) >= speed * (1000 * speed); */
}

/*@ requires \valid_read(model) && model(*model) && table(*model, axis);
    requires axis == GATE_FORWARD || axis == GATE_STRAFE;
    requires 0 <= speed && (speed + 7) / 8 < GATE_BINS;
    assigns \nothing;
    ensures 2 * model->decel_mm_s2[axis] * (1000 * \result - speed * model->reaction_ms) >=
            1000 * (speed * speed); */
static int32_t theorem_4_distance(const struct gate_model *model, enum gate_axis axis,
                                  int32_t speed)
{
    int bin = (speed + GATE_BIN_MM_S - 1) / GATE_BIN_MM_S;
    int a = model->decel_mm_s2[axis], tau = model->tau_ms[axis][bin];

    lemma_braking(speed, bin * GATE_BIN_MM_S, a, tau);
    return gate_model_stop(model, axis, speed);
}
