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

static struct twist all_kept(const struct twist *last, const struct twist *wish)
{
    return (struct twist){kept(last->vx_mm_s, wish->vx_mm_s), kept(last->vy_mm_s, wish->vy_mm_s),
                          kept(last->wz_mrad_s, wish->wz_mrad_s)};
}

/* `part` of `whole` of a value, rounded toward zero. 0 <= part < whole. */
static int32_t share(int32_t value, int32_t part, int32_t whole)
{
    return (int32_t)((int64_t)value * part / whole);
}

static int32_t between(int32_t from, int32_t to, int32_t part, int32_t whole)
{
    return from + share(to - from, part, whole);
}

/* What a time earns: one step for a tick, and never more. */
static int32_t earned(uint64_t elapsed_ms)
{
    return elapsed_ms < LIMITS_TICK_MS ? (int32_t)elapsed_ms * SLEW_STEP_MM_S / LIMITS_TICK_MS
                                       : SLEW_STEP_MM_S;
}

static void refill(struct slew *slew, int64_t now_ms)
{
    if (now_ms <= slew->time_ms) {
        return;
    }
    slew->allowance_mm_s += earned((uint64_t)now_ms - (uint64_t)slew->time_ms);
    slew->time_ms = now_ms;
    if (slew->allowance_mm_s > SLEW_STEP_MM_S) {
        slew->allowance_mm_s = SLEW_STEP_MM_S;
    }
}

/* `part` of `whole` of the way. */
static struct twist toward(const struct twist *from, const struct twist *to, int32_t part,
                           int32_t whole)
{
    return (struct twist){between(from->vx_mm_s, to->vx_mm_s, part, whole),
                          between(from->vy_mm_s, to->vy_mm_s, part, whole),
                          between(from->wz_mrad_s, to->wz_mrad_s, part, whole)};
}

/* More rim speed, by less than what is lacking. That of a turn is rounded up. */
static struct twist raised(const struct twist *from, int32_t from_rim, const struct twist *to,
                           int32_t to_rim, int32_t more)
{
    int32_t part = to->wz_mrad_s != 0 && more > 0 ? more - 1 : more;

    return toward(from, to, part, to_rim - from_rim);
}

struct twist slew_step(struct slew *slew, const struct gate_model *model, int64_t now_ms,
                       const struct twist *last, const struct twist *wish)
{
    const struct twist left = all_kept(last, wish);
    int32_t have = gate_model_rim(model, &left);
    int32_t goal = gate_model_rim(model, wish);
    int32_t start = have < model->rim_min_mm_s ? model->rim_min_mm_s - have : 0;
    int32_t more;

    refill(slew, now_ms);
    more = start + slew->allowance_mm_s;
    if (goal - have <= more) {
        slew->allowance_mm_s -= goal - have > start ? goal - have - start : 0;
        return *wish;
    }
    slew->allowance_mm_s = 0;
    return raised(&left, have, wish, goal, more);
}
