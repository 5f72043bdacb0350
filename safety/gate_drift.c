/* See gate_drift.h.
 *
 * Bounds of the commanded motion ("coast") are the extremes of what was told in the last 60 ms
 * (the reaction and a tick), because somewhere in them lies what the wheels obey now, widened by
 * how much faster or slower they may be than told. They close in no faster than the car is assumed
 * to brake: what may still be rolling is rolling. Bounds of the true velocity ("speed") add what
 * drive and floor do unasked.
 *
 * A displacement since time t is the sum of the velocity from t to now, so its interval is the sum
 * of the bounds. Sums are kept at the ticks; between two ticks the bounds were constant and the
 * sums are straight lines, so that the interval of a span of ages is the hull of the sums at all
 * ticks that touch it. Ticks less than 4 ms apart share an entry that holds for the hull of their
 * bounds.
 *
 * The velocity is the car's own, whose frame turns underway: leaving that out moves the sum by at
 * most its length times the angle, which is added to the blur.
 */
#include "safety/gate_drift.h"

#include "safety/limits.h"
#include "safety/trig.h"

#define SUMS_APART_MS 4
#define GAP_MAX_MS    10000
#define FAR_BLUR_MRAD 250
#define BLUR_ALL_MM   2000 /* wider than anything that matters */

static int32_t lesser(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static int32_t greater(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

static int64_t lesser64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t greater64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void bounds_join(struct gate_bounds *bounds, const struct gate_bounds *other)
{
    for (int axis = 0; axis < GATE_AXES; axis++) {
        bounds->lo[axis] = lesser(bounds->lo[axis], other->lo[axis]);
        bounds->hi[axis] = greater(bounds->hi[axis], other->hi[axis]);
    }
}

/* What was summed up until one of two times: the most of lo and the least of hi, so that taking it
 * off the sums of now leaves an interval that holds for either. */
static void sums_join(struct gate_sums *sums, const struct gate_sums *other)
{
    for (int axis = 0; axis < GATE_AXES; axis++) {
        sums->lo[axis] = greater64(sums->lo[axis], other->lo[axis]);
        sums->hi[axis] = lesser64(sums->hi[axis], other->hi[axis]);
    }
}

void gate_drift_init(struct gate_drift *drift, int64_t now_ms)
{
    *drift = (struct gate_drift){.output_ms = now_ms};
    for (int i = 0; i < GATE_SUMS; i++) {
        drift->sums[i].time_ms = now_ms;
    }
}

static const struct gate_sums *sums_before(const struct gate_drift *drift, int back)
{
    return &drift->sums[(drift->newest + GATE_SUMS - back) % GATE_SUMS];
}

static void sums_add(struct gate_sums *sums, const struct gate_bounds *speed, int64_t ms)
{
    for (int axis = 0; axis < GATE_AXES; axis++) {
        sums->lo[axis] += speed->lo[axis] * ms;
        sums->hi[axis] += speed->hi[axis] * ms;
    }
}

void gate_drift_advance(struct gate_drift *drift, int64_t now_ms)
{
    const struct gate_sums *newest = sums_before(drift, 0);
    struct gate_sums next = *newest;
    int64_t passed_ms = now_ms > newest->time_ms ? now_ms - newest->time_ms : 0;

    drift->step = (struct gate_sums){.time_ms = lesser64(passed_ms, GAP_MAX_MS)};
    sums_add(&drift->step, &drift->speed, drift->step.time_ms);
    if (passed_ms == 0) {
        return;
    }
    if (newest->time_ms - sums_before(drift, 1)->time_ms < SUMS_APART_MS) {
        next = *sums_before(drift, 1);
        passed_ms = now_ms - next.time_ms;
        bounds_join(&drift->held, &drift->speed);
    } else {
        drift->newest = (drift->newest + 1) % GATE_SUMS;
        drift->held = drift->speed;
    }
    sums_add(&next, &drift->held, lesser64(passed_ms, GAP_MAX_MS));
    next.time_ms = now_ms;
    drift->sums[drift->newest] = next;
}

/* Remembers what is told now; periods of 10 ms, whatever the ticks are. */
static void outputs_push(struct gate_drift *drift, const struct twist *given)
{
    int64_t now_ms = sums_before(drift, 0)->time_ms;
    struct gate_bounds told = {{given->vx_mm_s, given->vy_mm_s, given->wz_mrad_s},
                               {given->vx_mm_s, given->vy_mm_s, given->wz_mrad_s}};

    if (now_ms - drift->output_ms < LIMITS_TICK_MS) {
        bounds_join(&drift->outputs[drift->newest_output], &told);
        return;
    }
    drift->output_ms = now_ms;
    drift->newest_output = (drift->newest_output + 1) % GATE_OUTPUTS;
    drift->outputs[drift->newest_output] = told;
}

/* A speed of this axis that was told, as large as it may really be, and as small. */
static int32_t stretched(const struct gate_model *model, int axis, int32_t speed)
{
    int32_t size = speed < 0 ? -speed : speed;
    int32_t more = (size * model->fast_permille[axis] + 999) / 1000;

    return speed < 0 ? speed - more : speed + more;
}

static int32_t shrunk(const struct gate_model *model, int axis, int32_t speed)
{
    int32_t size = speed < 0 ? -speed : speed;
    int32_t less = (size * model->slow_permille[axis] + 999) / 1000;

    less = lesser(less, size);
    return speed < 0 ? speed + less : speed - less;
}

/* Braking of an axis in its own unit per ms and tick. */
static int32_t braking(const struct gate_model *model, int axis, int64_t passed_ms)
{
    int64_t rim = model->decel_mm_s2[axis] * passed_ms / 1000;

    return (int32_t)(axis == GATE_TURN ? rim * 1000 / model->arm_mm : rim);
}

static void coast_follow(struct gate_drift *drift, const struct gate_model *model)
{
    int count = model->reaction_ms / LIMITS_TICK_MS + 1;
    struct gate_bounds told = drift->outputs[drift->newest_output];

    for (int i = 1; i < count && i < GATE_OUTPUTS; i++) {
        bounds_join(&told,
                    &drift->outputs[(drift->newest_output + GATE_OUTPUTS - i) % GATE_OUTPUTS]);
    }
    for (int axis = 0; axis < GATE_AXES; axis++) {
        int32_t brake = braking(model, axis, drift->step.time_ms);
        int32_t lo = told.lo[axis] < 0 ? stretched(model, axis, told.lo[axis])
                                       : shrunk(model, axis, told.lo[axis]);
        int32_t hi = told.hi[axis] > 0 ? stretched(model, axis, told.hi[axis])
                                       : shrunk(model, axis, told.hi[axis]);

        drift->coast.lo[axis] = lesser(lo, drift->coast.lo[axis] + brake);
        drift->coast.hi[axis] = greater(hi, drift->coast.hi[axis] - brake);
    }
}

/* Largest size of an axis within its bounds. */
static int32_t most(const struct gate_bounds *bounds, int axis)
{
    return greater(bounds->hi[axis], -bounds->lo[axis]);
}

static void speed_follow(struct gate_drift *drift, const struct gate_model *model)
{
    int32_t x = most(&drift->coast, GATE_FORWARD);
    int32_t y = most(&drift->coast, GATE_STRAFE);
    int32_t shift = most(&drift->coast, GATE_TURN) * model->shift_by_turn;
    const int32_t unasked[GATE_AXES] = {
        (y * model->forward_by_side + shift + 999) / 1000,
        (x * model->side_by_forward + shift + 999) / 1000,
        (x * model->turn_by_forward + y * model->turn_by_side + 999) / 1000,
    };

    for (int axis = 0; axis < GATE_AXES; axis++) {
        drift->speed.lo[axis] = drift->coast.lo[axis] - unasked[axis];
        drift->speed.hi[axis] = drift->coast.hi[axis] + unasked[axis];
    }
}

void gate_drift_output(struct gate_drift *drift, const struct gate_model *model,
                       const struct twist *given)
{
    outputs_push(drift, given);
    coast_follow(drift, model);
    speed_follow(drift, model);
}

/* Middle and half of an interval, the half rounded so that both together cover it. */
static int32_t middle(int64_t lo, int64_t hi)
{
    int64_t twice = lo + hi;

    return (int32_t)(twice < 0 ? -((-twice + 1000) / 2000) : (twice + 1000) / 2000);
}

static int32_t half(int64_t lo, int64_t hi)
{
    return (int32_t)((hi - lo + 1999) / 2000 + 1);
}

/* `turned`: the largest angle of this and all younger ages. */
static struct gate_age age_make(const struct gate_sums *span, int32_t *turned)
{
    int32_t turn = middle(span->lo[GATE_TURN], span->hi[GATE_TURN]);
    int32_t blur = half(span->lo[GATE_TURN], span->hi[GATE_TURN]);
    int32_t angle = greater(*turned, (turn < 0 ? -turn : turn) + blur);
    struct gate_age age = {
        .cosine = trig_cos(turn),
        .sine = trig_sin(turn),
        .x_mm = middle(span->lo[GATE_FORWARD], span->hi[GATE_FORWARD]),
        .y_mm = middle(span->lo[GATE_STRAFE], span->hi[GATE_STRAFE]),
        .ex_mm = half(span->lo[GATE_FORWARD], span->hi[GATE_FORWARD]),
        .ey_mm = half(span->lo[GATE_STRAFE], span->hi[GATE_STRAFE]),
    };
    int32_t x = (age.x_mm < 0 ? -age.x_mm : age.x_mm) + age.ex_mm;
    int32_t y = (age.y_mm < 0 ? -age.y_mm : age.y_mm) + age.ey_mm;

    *turned = angle;
    if (angle > TRIG_MRAD_MAX || x > BLUR_ALL_MM || y > BLUR_ALL_MM) {
        return (struct gate_age){
            .cosine = TRIG_ONE, .ex_mm = BLUR_ALL_MM, .ey_mm = BLUR_ALL_MM, .far_mm = INT16_MAX};
    }
    age.ex_mm += ((y + x * angle / 2000 + 1) * angle + 999) / 1000;
    age.ey_mm += ((x + y * angle / 2000 + 1) * angle + 999) / 1000;
    age.blur_q10 = (blur * 1024 + 999) / 1000;
    age.bend_q10 = blur * blur / 1900 + 1;
    /* With such a blur more than half of a distance is left, less what the car moved. */
    age.far_mm = blur <= FAR_BLUR_MRAD ? 2 * (x + y + age.ex_mm + age.ey_mm) : INT16_MAX;
    return age;
}

void gate_drift_ages(const struct gate_drift *drift, struct gate_age ages[GATE_AGES])
{
    const struct gate_sums *now = sums_before(drift, 0);
    int32_t turned = 0;
    int back = 0; /* of the newest tick that still touches the span */

    for (int i = 0; i < GATE_AGES; i++) {
        int64_t young_ms = now->time_ms - i * GATE_AGE_STEP_MS;
        int64_t old_ms = young_ms - GATE_AGE_STEP_MS;
        struct gate_sums span;
        int last;

        while (back + 1 < GATE_SUMS && sums_before(drift, back + 1)->time_ms >= young_ms) {
            back++;
        }
        span = *sums_before(drift, back);
        for (last = back; last < GATE_SUMS - 1 && sums_before(drift, last)->time_ms > old_ms;) {
            last++;
            sums_join(&span, sums_before(drift, last));
        }
        for (int axis = 0; axis < GATE_AXES; axis++) {
            span.lo[axis] = now->lo[axis] - span.lo[axis];
            span.hi[axis] = now->hi[axis] - span.hi[axis];
        }
        ages[i] = age_make(&span, &turned);
    }
}
