/* Theorem 7: what slew gives is between zero and the wish on each axis; its rim speed is at most
 * the larger of the last one's and the slowest, plus one step; an axis that is asked to be zero is
 * zero. For every last and wished twist within the ceilings and every state. */
#include "tests/proof/proof.h"

#include "safety/slew.h"

static bool is_between(int32_t value, int32_t asked)
{
    return asked >= 0 ? value >= 0 && value <= asked : value <= 0 && value >= asked;
}

int main(void)
{
    struct gate_model model;
    struct slew slew = {nondet_int64(), any(0, SLEW_STEP_MM_S)};
    struct twist last = {any(-400, 400), any(-200, 200), any(-1500, 1500)};
    struct twist wish = {any(-400, 400), any(-200, 200), any(-1500, 1500)};
    struct twist out;
    int32_t most;

    model.arm_mm = 126;
    model.rim_min_mm_s = 130;
    out = slew_step(&slew, &model, nondet_int64(), &last, &wish);
    __CPROVER_assert(is_between(out.vx_mm_s, wish.vx_mm_s) &&
                         is_between(out.vy_mm_s, wish.vy_mm_s) &&
                         is_between(out.wz_mrad_s, wish.wz_mrad_s),
                     "7: between zero and the wish, zero at once");
    most = gate_model_rim(&model, &last);
    most = (most > 130 ? most : 130) + SLEW_STEP_MM_S;
    __CPROVER_assert(gate_model_rim(&model, &out) <= most, "7: one step more at most");
    __CPROVER_assert(slew.allowance_mm_s >= 0 && slew.allowance_mm_s <= SLEW_STEP_MM_S,
                     "7: the allowance stays in its range");
    return 0;
}
