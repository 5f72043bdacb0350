/* See gate_drift.h.
 *
 * Bounds of the commanded motion ("coast") are the extremes of what was told in the last 60 ms
 * (the reaction and a tick), because somewhere in them lies what the wheels obey now, widened by
 * how much faster or slower they may be than told. They close in no faster than the car is assumed
 * to brake: what may still be rolling is rolling. Bounds of the true velocity ("speed") add what
 * drive and floor do unasked.
 *
 * A displacement since time t is the sum of the velocity from t to now, so its interval is the sum
 * of the bounds. What each tick added is kept; between two ticks the bounds were constant and the
 * sum is a straight line, so that the interval of a span of ages is the hull of what was added
 * since all ticks that touch it. Ticks less than 4 ms apart share an entry that holds for the hull
 * of their bounds.
 *
 * The velocity is the car's own, whose frame turns underway: leaving that out moves the sum by at
 * most its length times the angle, which is added to the blur.
 */
#include "safety/gate_drift.h"

#include "safety/limits.h"
#include "safety/trig.h"

#define TICKS_APART_MS 4
#define GAP_MAX_MS     10000
#define FAR_BLUR_MRAD  250
#define BLUR_ALL_MM    2000                          /* wider than anything that matters */
#define SPAN_MAX       (BLUR_ALL_MM * (int64_t)1000) /* micrometres, and microradians */

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

void gate_drift_init(struct gate_drift *drift, int64_t now_ms)
{
    *drift = (struct gate_drift){.output_ms = now_ms};
    for (int i = 0; i < GATE_TICKS; i++) {
        drift->ticks[i].time_ms = now_ms;
    }
}

static const struct gate_sums *tick_before(const struct gate_drift *drift, int back)
{
    return &drift->ticks[(drift->newest + GATE_TICKS - back) % GATE_TICKS];
}

static void sums_set(struct gate_sums *sums, int axis, int32_t lo, int32_t hi, int64_t ms)
{
    sums->lo[axis] = lo * ms;
    sums->hi[axis] = hi * ms;
}

/* What a speed that lies within bounds adds in a time. */
static struct gate_sums sums_make(const struct gate_bounds *speed, int64_t ms)
{
    struct gate_sums sums = {0};

    for (int axis = 0; axis < GATE_AXES; axis++) {
        sums_set(&sums, axis, speed->lo[axis], speed->hi[axis], ms);
    }
    return sums;
}

void gate_drift_advance(struct gate_drift *drift, int64_t now_ms)
{
    int64_t last_ms = tick_before(drift, 0)->time_ms;
    int64_t before_ms = tick_before(drift, 1)->time_ms;
    int64_t passed_ms = now_ms > last_ms ? lesser64(now_ms - last_ms, GAP_MAX_MS) : 0;

    drift->step = sums_make(&drift->speed, passed_ms);
    drift->step.time_ms = passed_ms;
    if (passed_ms == 0) {
        return;
    }
    if (last_ms - before_ms < TICKS_APART_MS) {
        bounds_join(&drift->held, &drift->speed);
        passed_ms = lesser64(now_ms - before_ms, GAP_MAX_MS);
    } else {
        drift->held = drift->speed;
        drift->newest = (drift->newest + 1) % GATE_TICKS;
    }
    drift->ticks[drift->newest] = sums_make(&drift->held, passed_ms);
    drift->ticks[drift->newest].time_ms = now_ms;
}

static struct gate_bounds told_make(const struct twist *given)
{
    return (struct gate_bounds){{given->vx_mm_s, given->vy_mm_s, given->wz_mrad_s},
                                {given->vx_mm_s, given->vy_mm_s, given->wz_mrad_s}};
}

/* Remembers what is told now; periods of 10 ms, whatever the ticks are. */
static void outputs_push(struct gate_drift *drift, const struct twist *given)
{
    int64_t now_ms = tick_before(drift, 0)->time_ms;
    const struct gate_bounds told = told_make(given);

    if (now_ms - drift->output_ms < LIMITS_TICK_MS) {
        bounds_join(&drift->outputs[drift->newest_output], &told);
        return;
    }
    drift->output_ms = now_ms;
    drift->newest_output = (drift->newest_output + 1) % GATE_OUTPUTS;
    drift->outputs[drift->newest_output] = told;
}

/* Rounded up. */
static int32_t permille(int32_t value, int32_t part)
{
    return (value * part + 999) / 1000;
}

/* A speed of this axis that was told, as large as it may really be, and as small. */
static int32_t stretched(const struct gate_model *model, int axis, int32_t speed)
{
    int32_t size = speed < 0 ? -speed : speed;
    int32_t more = permille(size, model->fast_permille[axis]);

    return speed < 0 ? speed - more : speed + more;
}

static int32_t shrunk(const struct gate_model *model, int axis, int32_t speed)
{
    int32_t size = speed < 0 ? -speed : speed;
    int32_t less = lesser(permille(size, model->slow_permille[axis]), size);

    return speed < 0 ? speed + less : speed - less;
}

/* Braking of an axis in its own unit per ms and tick. */
static int32_t braking(const struct gate_model *model, int axis, int64_t passed_ms)
{
    int64_t rim = model->decel_mm_s2[axis] * passed_ms / 1000;

    return (int32_t)(axis == GATE_TURN ? rim * 1000 / model->arm_mm : rim);
}

/* The extremes of what was told and may be obeyed now. */
static struct gate_bounds told_lately(const struct gate_drift *drift,
                                      const struct gate_model *model)
{
    int count = model->reaction_ms / LIMITS_TICK_MS + 1;
    struct gate_bounds told = drift->outputs[drift->newest_output];

    /*@ loop invariant 1 <= i && bounded(told, LIMITS_TURN_MRAD_S);
        loop assigns i, told; */
    for (int i = 1; i < count && i < GATE_OUTPUTS; i++) {
        bounds_join(&told,
                    &drift->outputs[(drift->newest_output + GATE_OUTPUTS - i) % GATE_OUTPUTS]);
    }
    return told;
}

/* The bounds of one axis, which close in by `brake` at most. */
static void coast_axis(struct gate_bounds *coast, const struct gate_model *model,
                       const struct gate_bounds *told, int axis, int32_t brake)
{
    int32_t lo = told->lo[axis] < 0 ? stretched(model, axis, told->lo[axis])
                                    : shrunk(model, axis, told->lo[axis]);
    int32_t hi = told->hi[axis] > 0 ? stretched(model, axis, told->hi[axis])
                                    : shrunk(model, axis, told->hi[axis]);

    coast->lo[axis] = lesser(lo, coast->lo[axis] + brake);
    coast->hi[axis] = greater(hi, coast->hi[axis] - brake);
}

static void coast_follow(struct gate_drift *drift, const struct gate_model *model)
{
    const struct gate_bounds told = told_lately(drift, model);

    for (int axis = 0; axis < GATE_AXES; axis++) {
        coast_axis(&drift->coast, model, &told, axis, braking(model, axis, drift->step.time_ms));
    }
}

/* Largest size of an axis within its bounds. */
static int32_t most(const struct gate_bounds *bounds, int axis)
{
    return greater(bounds->hi[axis], -bounds->lo[axis]);
}

static void speed_axis(struct gate_drift *drift, int axis, int32_t unasked)
{
    drift->speed.lo[axis] = drift->coast.lo[axis] - unasked;
    drift->speed.hi[axis] = drift->coast.hi[axis] + unasked;
}

static void speed_follow(struct gate_drift *drift, const struct gate_model *model)
{
    int32_t x = most(&drift->coast, GATE_FORWARD);
    int32_t y = most(&drift->coast, GATE_STRAFE);
    int32_t turn = most(&drift->coast, GATE_TURN);

    speed_axis(drift, GATE_FORWARD,
               permille(y, model->forward_by_side) + permille(turn, model->shift_by_turn));
    speed_axis(drift, GATE_STRAFE,
               permille(x, model->side_by_forward) + permille(turn, model->shift_by_turn));
    speed_axis(drift, GATE_TURN,
               permille(x, model->turn_by_forward) + permille(y, model->turn_by_side));
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

/* As far as an interval reaches, and what angle does to a length; millimetres and milliradians. */
static int32_t farthest(int32_t centre, int32_t extent)
{
    return (centre < 0 ? -centre : centre) + extent;
}

static int32_t bent(int32_t along, int32_t across, int32_t angle)
{
    return ((across + along * angle / 2000 + 1) * angle + 999) / 1000;
}

/* Half of the square of an angle, and a little more. */
static int32_t bend_q10(int32_t blur)
{
    return blur * blur / 1900 + 1;
}

static struct gate_age anywhere(void)
{
    return (struct gate_age){
        .cosine = TRIG_ONE, .ex_mm = BLUR_ALL_MM, .ey_mm = BLUR_ALL_MM, .far_mm = INT16_MAX};
}

/* `turned`: the largest angle of this and all younger ages. */
static struct gate_age age_make(const struct gate_sums *span, int32_t *turned)
{
    int32_t turn = middle(span->lo[GATE_TURN], span->hi[GATE_TURN]);
    int32_t blur = half(span->lo[GATE_TURN], span->hi[GATE_TURN]);
    int32_t angle = greater(*turned, farthest(turn, blur));
    struct gate_age age = {
        .cosine = trig_cos(turn),
        .sine = trig_sin(turn),
        .x_mm = middle(span->lo[GATE_FORWARD], span->hi[GATE_FORWARD]),
        .y_mm = middle(span->lo[GATE_STRAFE], span->hi[GATE_STRAFE]),
        .ex_mm = half(span->lo[GATE_FORWARD], span->hi[GATE_FORWARD]),
        .ey_mm = half(span->lo[GATE_STRAFE], span->hi[GATE_STRAFE]),
    };
    int32_t x = farthest(age.x_mm, age.ex_mm), y = farthest(age.y_mm, age.ey_mm);

    *turned = angle;
    if (angle > TRIG_MRAD_MAX || x > BLUR_ALL_MM || y > BLUR_ALL_MM) {
        return anywhere();
    }
    age.ex_mm += bent(x, y, angle);
    age.ey_mm += bent(y, x, angle);
    age.blur_q10 = (blur * 1024 + 999) / 1000;
    age.bend_q10 = bend_q10(blur);
    /* With such a blur more than half of a distance is left, less what the car moved. */
    age.far_mm = blur <= FAR_BLUR_MRAD ? 2 * (x + y + age.ex_mm + age.ey_mm) : INT16_MAX;
    return age;
}

static void sums_add(struct gate_sums *sums, const struct gate_sums *tick)
{
    for (int axis = 0; axis < GATE_AXES; axis++) {
        sums->lo[axis] += tick->lo[axis];
        sums->hi[axis] += tick->hi[axis];
    }
}

static void span_join(struct gate_sums *span, const struct gate_sums *since)
{
    for (int axis = 0; axis < GATE_AXES; axis++) {
        span->lo[axis] = lesser64(span->lo[axis], greater64(since->lo[axis], -SPAN_MAX));
        span->hi[axis] = greater64(span->hi[axis], lesser64(since->hi[axis], SPAN_MAX));
    }
}

/* Goes back by a tick; `since`: what was added since the one that is `back` before the newest. */
static void walk(const struct gate_drift *drift, int *back, struct gate_sums *since)
{
    sums_add(since, tick_before(drift, *back));
    (*back)++;
}

static bool is_behind(const struct gate_drift *drift, int back, int64_t time_ms)
{
    return back + 1 < GATE_TICKS && tick_before(drift, back)->time_ms > time_ms;
}

/* The span of ages between two times: the hull of what was added since every tick that touches it.
 * `back` is at one that is not older than `young_ms`, or at the newest, and is moved on. */
static struct gate_sums span_since(const struct gate_drift *drift, int64_t young_ms, int64_t old_ms,
                                   int *back, struct gate_sums *since)
{
    struct gate_sums span = {.lo = {SPAN_MAX, SPAN_MAX, SPAN_MAX},
                             .hi = {-SPAN_MAX, -SPAN_MAX, -SPAN_MAX}};
    struct gate_sums until;
    int last;

    /*@ loop invariant 0 <= *back < GATE_TICKS && followed(*since, *back);
        loop assigns *back, *since; */
    while (*back + 1 < GATE_TICKS && tick_before(drift, *back + 1)->time_ms >= young_ms) {
        walk(drift, back, since);
    }
    last = *back;
    until = *since;
    span_join(&span, &until);
    /*@ loop invariant *back <= last < GATE_TICKS && followed(until, last);
        loop invariant limited(span) && moved(span, SPAN_UM);
        loop invariant covers_all(span, *back, last);
        loop invariant \forall integer k; *back <= k < last ==> is_after(*drift, k, old_ms);
        loop assigns last, until, span; */
    while (is_behind(drift, last, old_ms)) {
        walk(drift, &last, &until);
        span_join(&span, &until);
    }
    return span;
}

void gate_drift_ages(const struct gate_drift *drift, int64_t oldest_ms,
                     struct gate_age ages[GATE_AGES])
{
    int64_t now_ms = tick_before(drift, 0)->time_ms;
    struct gate_sums since = {0};
    int32_t turned = 0;
    int back = 0, i = 0;

    /*@ loop invariant 0 <= i <= GATE_AGES && 0 <= turned <= 4001;
        loop invariant 0 <= back < GATE_TICKS && followed(since, back);
        loop assigns i, turned, back, since, ages[0 .. GATE_AGES - 1]; */
    for (; i < GATE_AGES && i * GATE_AGE_STEP_MS <= oldest_ms; i++) {
        int64_t young_ms = now_ms - i * GATE_AGE_STEP_MS;
        struct gate_sums span =
            span_since(drift, young_ms, young_ms - GATE_AGE_STEP_MS, &back, &since);

        ages[i] = age_make(&span, &turned);
    }
    /*@ loop invariant 0 <= i <= GATE_AGES;
        loop assigns i, ages[0 .. GATE_AGES - 1]; */
    for (; i < GATE_AGES; i++) {
        ages[i] = anywhere();
    }
}
