/* See slew.h.
 *
 * What an axis has already (the same sign as the wish, no more than it) is kept. What it lacks is
 * added in proportion, so that all axes arrive together, until the allowance is used up. Time only
 * fills the allowance: one mm/s per ms, up to one step. A clock that stands still or runs backward
 * fills nothing.
 */
#include "safety/slew.h"

#include "safety/limits.h"

static int32_t absolute(int32_t value)
{
    return value < 0 ? -value : value;
}

/* What of the wish is there already. */
static int32_t kept(int32_t last, int32_t wish)
{
    if ((last < 0) != (wish < 0)) {
        return 0;
    }
    return absolute(last) < absolute(wish) ? last : wish;
}

/* `part` of `whole` of the way from `from` to `to`, rounded toward `from`. 0 <= part < whole. */
static int32_t between(int32_t from, int32_t to, int32_t part, int32_t whole)
{
    return from + (int32_t)((int64_t)(to - from) * part / whole);
}

static void refill(struct slew *slew, int64_t now_ms)
{
    uint64_t elapsed_ms = (uint64_t)now_ms - (uint64_t)slew->time_ms;

    if (now_ms <= slew->time_ms) {
        return;
    }
    slew->time_ms = now_ms;
    if (elapsed_ms >= LIMITS_TICK_MS) {
        slew->allowance_mm_s = SLEW_STEP_MM_S;
        return;
    }
    slew->allowance_mm_s += (int32_t)elapsed_ms * SLEW_STEP_MM_S / LIMITS_TICK_MS;
    if (slew->allowance_mm_s > SLEW_STEP_MM_S) {
        slew->allowance_mm_s = SLEW_STEP_MM_S;
    }
}

struct twist slew_step(struct slew *slew, const struct gate_model *model, int64_t now_ms,
                       const struct twist *last, const struct twist *wish)
{
    struct twist out = {kept(last->vx_mm_s, wish->vx_mm_s), kept(last->vy_mm_s, wish->vy_mm_s),
                        kept(last->wz_mrad_s, wish->wz_mrad_s)};
    int32_t have = gate_model_rim(model, &out);
    int32_t lack = gate_model_rim(model, wish) - have;
    int32_t start = have < model->rim_min_mm_s ? model->rim_min_mm_s - have : 0;
    int32_t more;

    refill(slew, now_ms);
    more = start + slew->allowance_mm_s;
    if (lack <= more) {
        slew->allowance_mm_s -= lack > start ? lack - start : 0;
        return *wish;
    }
    slew->allowance_mm_s = 0;
    if (wish->wz_mrad_s != 0 && more > 0) {
        more--; /* the rim speed of a turn is rounded up */
    }
    out.vx_mm_s = between(out.vx_mm_s, wish->vx_mm_s, more, lack);
    out.vy_mm_s = between(out.vy_mm_s, wish->vy_mm_s, more, lack);
    out.wz_mrad_s = between(out.wz_mrad_s, wish->wz_mrad_s, more, lack);
    return out;
}
