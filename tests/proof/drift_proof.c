/* Theorems 5 and 6 for the ageing: shown by Frama-C's WP.
 *
 * 5: whatever the car is told within the ceilings and whatever times pass, nothing overflows, and
 * every bound stays within its range: by induction over the calls, for any history.
 *
 * 6: the displacement of an axis is in the interval of its sums whenever its velocity was in its
 * bounds: a tick adds the bounds times its length (sums_make); the span of an age takes in what was
 * added since every tick that touches it (span_since; lo_since and hi_since stand for the sums);
 * and the middle and half of an interval cover it (theorem_6_interval).
 *
 * Assumed: that outputs_push and gate_drift_advance leave the rings in their ranges. Each writes
 * one entry, of values that are shown to be in range; the solvers do not get through the array.
 */
#include "safety/gate_drift.h"
#include "safety/limits.h"
#include "tests/proof/contracts.h"

#define COAST_MAX 2100 /* 1500 mrad/s, and 30 % of it and 1 more */
#define DRIFT_MAX 10000
#define TIME_MAX  (INT64_MAX / 4)
#define GAP_MS    10000
#define SPAN_UM   2000000
#define TICK_UM   (DRIFT_MAX * (int64_t)GAP_MS)

/*@ axiomatic since {
        logic integer lo_since(integer i, integer back);
        logic integer hi_since(integer i, integer back);
    }
*/

/*@ predicate axis(integer lo, integer hi, integer most) = -most <= lo <= hi <= most;

    lemma monotone: \forall integer a, b, m; a <= b && 0 <= m ==> a * m <= b * m;

    lemma added: \forall integer v, m; -DRIFT_MAX <= v <= DRIFT_MAX && 0 <= m <= GAP_MS ==>
        -TICK_UM <= v * m <= TICK_UM;

    predicate bounded(struct gate_bounds b, integer most) =
        axis(b.lo[0], b.hi[0], most) && axis(b.lo[1], b.hi[1], most) &&
        axis(b.lo[2], b.hi[2], most);

    predicate moved(struct gate_sums s, integer most) =
        axis(s.lo[0], s.hi[0], most) && axis(s.lo[1], s.hi[1], most) &&
        axis(s.lo[2], s.hi[2], most);

    // Limited, but not in order yet.
    predicate limited(struct gate_sums s) =
        \forall integer i; 0 <= i < GATE_AXES ==>
            -SPAN_UM <= s.lo[i] <= SPAN_UM && -SPAN_UM <= s.hi[i] <= SPAN_UM;

    // Place of a tick in the ring.
    logic integer place(struct gate_drift d, integer back) =
        (d.newest + GATE_TICKS - back) % GATE_TICKS;

    // lo_since and hi_since are any sums that grow from tick to tick by what the tick added.
    predicate grows(struct gate_drift d, integer back) =
        \forall integer i; 0 <= i < GATE_AXES ==>
            lo_since(i, back + 1) == lo_since(i, back) + d.ticks[place(d, back)].lo[i] &&
            hi_since(i, back + 1) == hi_since(i, back) + d.ticks[place(d, back)].hi[i];

    predicate followed(struct gate_sums since, integer back) =
        moved(since, back * TICK_UM) &&
        \forall integer i; 0 <= i < GATE_AXES ==>
            since.lo[i] == lo_since(i, back) && since.hi[i] == hi_since(i, back);

    predicate covers(struct gate_sums span, integer back) =
        \forall integer i; 0 <= i < GATE_AXES ==>
            (lo_since(i, back) >= -SPAN_UM ==> span.lo[i] <= lo_since(i, back)) &&
            (hi_since(i, back) <= SPAN_UM ==> span.hi[i] >= hi_since(i, back));

    predicate wider(struct gate_sums span, struct gate_sums other) =
        \forall integer i; 0 <= i < GATE_AXES ==>
            span.lo[i] <= other.lo[i] && span.hi[i] >= other.hi[i];

    predicate holds(struct gate_sums span, struct gate_sums since) =
        \forall integer i; 0 <= i < GATE_AXES ==>
            (since.lo[i] >= -SPAN_UM ==> span.lo[i] <= since.lo[i]) &&
            (since.hi[i] <= SPAN_UM ==> span.hi[i] >= since.hi[i]);

    predicate covers_all(struct gate_sums span, integer first, integer last) =
        \forall integer k; first <= k <= last ==> covers(span, k);

    lemma goes_on: \forall struct gate_sums span, other, since, integer first, last, next;
        covers_all(other, first, last) && wider(span, other) && holds(span, since) &&
        followed(since, next) && next == last + 1 ==> covers_all(span, first, next);

    predicate is_after(struct gate_drift d, integer back, integer time_ms) =
        d.ticks[place(d, back)].time_ms > time_ms;

    predicate ring(struct gate_drift d) =
        0 <= d.newest < GATE_TICKS &&
        d.ticks[place(d, 1)].time_ms <= d.ticks[d.newest].time_ms &&
        \forall integer i; 0 <= i < GATE_TICKS ==>
            moved(d.ticks[i], TICK_UM) && 0 <= d.ticks[i].time_ms <= TIME_MAX;

    predicate outputs(struct gate_drift d) =
        0 <= d.newest_output < GATE_OUTPUTS &&
        \forall integer i; 0 <= i < GATE_OUTPUTS ==>
            bounded(d.outputs[i], LIMITS_TURN_MRAD_S);

    // What every call keeps.
    predicate in_range(struct gate_drift d) =
        ring(d) && outputs(d) && 0 <= d.output_ms <= TIME_MAX &&
        bounded(d.coast, COAST_MAX) && bounded(d.speed, DRIFT_MAX) &&
        bounded(d.held, DRIFT_MAX) && 0 <= d.step.time_ms <= GAP_MS;

    predicate ceiling(struct twist t) =
        -LIMITS_BACKWARD_MM_S <= t.vx_mm_s <= LIMITS_FORWARD_MM_S &&
        -LIMITS_STRAFE_MM_S <= t.vy_mm_s <= LIMITS_STRAFE_MM_S &&
        -LIMITS_TURN_MRAD_S <= t.wz_mrad_s <= LIMITS_TURN_MRAD_S;

    predicate permilles(struct gate_model m) =
        (\forall integer i; 0 <= i < GATE_AXES ==>
            0 <= m.fast_permille[i] <= 300 && 0 <= m.slow_permille[i] <= 300 &&
            100 <= m.decel_mm_s2[i] <= 1500) &&
        0 <= m.side_by_forward <= 1000 && 0 <= m.forward_by_side <= 1000 &&
        0 <= m.turn_by_forward <= 1000 && 0 <= m.turn_by_side <= 1000 &&
        0 <= m.shift_by_turn <= 1000;
*/

/*@ assigns \nothing;
    ensures \result == (a < b ? a : b); */
static int32_t lesser(int32_t a, int32_t b);

/*@ assigns \nothing;
    ensures \result == (a > b ? a : b); */
static int32_t greater(int32_t a, int32_t b);

/*@ assigns \nothing;
    ensures \result == (a < b ? a : b); */
static int64_t lesser64(int64_t a, int64_t b);

/*@ assigns \nothing;
    ensures \result == (a > b ? a : b); */
static int64_t greater64(int64_t a, int64_t b);

/*@ requires \valid(bounds) && \valid_read(other) && \separated(bounds, other);
    assigns *bounds;
    ensures \forall integer most; bounded(\old(*bounds), most) && bounded(*other, most) ==>
        bounded(*bounds, most); */
static void bounds_join(struct gate_bounds *bounds, const struct gate_bounds *other);

/*@ requires \valid(sums) && 0 <= axis < GATE_AXES && 0 <= ms <= GAP_MS;
    requires -DRIFT_MAX <= lo <= hi <= DRIFT_MAX;
    assigns sums->lo[axis], sums->hi[axis];
    ensures sums->lo[axis] == lo * ms && sums->hi[axis] == hi * ms;
    ensures -TICK_UM <= sums->lo[axis] <= sums->hi[axis] <= TICK_UM; */
static void sums_set(struct gate_sums *sums, int axis, int32_t lo, int32_t hi, int64_t ms);

/*@ requires \valid_read(speed) && bounded(*speed, DRIFT_MAX) && 0 <= ms <= GAP_MS;
    assigns \nothing;
    ensures moved(\result, TICK_UM);
    ensures \forall integer i; 0 <= i < GATE_AXES ==>
        \result.lo[i] == speed->lo[i] * ms && \result.hi[i] == speed->hi[i] * ms; */
static struct gate_sums sums_make(const struct gate_bounds *speed, int64_t ms);

/*@ requires \valid_read(drift) && 0 <= drift->newest < GATE_TICKS && 0 <= back < GATE_TICKS;
    assigns \nothing;
    ensures \result == &drift->ticks[place(*drift, back)]; */
static const struct gate_sums *tick_before(const struct gate_drift *drift, int back);

/*@ requires \valid(sums) && \valid_read(tick) && \separated(sums, tick);
    requires moved(*tick, TICK_UM) && moved(*sums, GATE_TICKS * TICK_UM);
    assigns sums->lo[0 .. 2], sums->hi[0 .. 2];
    ensures \forall integer k; 0 <= k && moved(\old(*sums), k * TICK_UM) ==>
        moved(*sums, (k + 1) * TICK_UM);
    ensures \forall integer i; 0 <= i < GATE_AXES ==>
        sums->lo[i] == \old(sums->lo[i]) + tick->lo[i] &&
        sums->hi[i] == \old(sums->hi[i]) + tick->hi[i]; */
static void sums_add(struct gate_sums *sums, const struct gate_sums *tick);

/*@ requires \valid(span) && \valid_read(since) && \separated(span, since);
    requires limited(*span) && moved(*since, GATE_TICKS * TICK_UM);
    assigns span->lo[0 .. 2], span->hi[0 .. 2];
    ensures limited(*span) && moved(*span, SPAN_UM);
    ensures wider(*span, \old(*span)) && holds(*span, *since); */
static void span_join(struct gate_sums *span, const struct gate_sums *since);

/*@ requires 0 <= value <= DRIFT_MAX && 0 <= part <= 1000;
    assigns \nothing;
    ensures 0 <= \result <= value;
    ensures 1000 * (\result - 1) < value * part <= 1000 * \result; */
static int32_t permille(int32_t value, int32_t part);

/*@ requires \valid_read(model) && permilles(*model) && 0 <= axis < GATE_AXES;
    requires -LIMITS_TURN_MRAD_S <= speed <= LIMITS_TURN_MRAD_S;
    assigns \nothing;
    ensures -COAST_MAX <= \result <= COAST_MAX;
    ensures speed >= 0 ? \result >= speed : \result <= speed; */
static int32_t stretched(const struct gate_model *model, int axis, int32_t speed);

/*@ requires \valid_read(model) && permilles(*model) && 0 <= axis < GATE_AXES;
    requires -LIMITS_TURN_MRAD_S <= speed <= LIMITS_TURN_MRAD_S;
    assigns \nothing;
    ensures -COAST_MAX <= \result <= COAST_MAX;
    ensures speed >= 0 ? 0 <= \result <= speed : speed <= \result <= 0; */
static int32_t shrunk(const struct gate_model *model, int axis, int32_t speed);

/*@ requires \valid_read(model) && permilles(*model) && model->arm_mm == ARM_MM;
    requires 0 <= axis < GATE_AXES && 0 <= passed_ms <= GAP_MS;
    assigns \nothing;
    ensures 0 <= \result <= 200000; */
static int32_t braking(const struct gate_model *model, int axis, int64_t passed_ms);

/*@ requires \valid_read(drift) && \valid_read(model);
    requires outputs(*drift) && 50 <= model->reaction_ms <= 200;
    assigns \nothing;
    ensures bounded(\result, LIMITS_TURN_MRAD_S); */
static struct gate_bounds told_lately(const struct gate_drift *drift,
                                      const struct gate_model *model);

/*@ requires \valid(coast) && \valid_read(model) && \valid_read(told);
    requires \separated(coast, model) && \separated(coast, told);
    requires permilles(*model) && bounded(*told, LIMITS_TURN_MRAD_S) && bounded(*coast, COAST_MAX);
    requires 0 <= axis < GATE_AXES && 0 <= brake <= 200000;
    assigns coast->lo[axis], coast->hi[axis];
    ensures bounded(*coast, COAST_MAX);
    // No less than it may still be rolling, and no less than it was told.
    ensures coast->lo[axis] <= \old(coast->lo[axis]) + brake;
    ensures coast->hi[axis] >= \old(coast->hi[axis]) - brake;
    ensures told->lo[axis] < 0 ==> coast->lo[axis] <= told->lo[axis];
    ensures told->hi[axis] > 0 ==> coast->hi[axis] >= told->hi[axis]; */
static void coast_axis(struct gate_bounds *coast, const struct gate_model *model,
                       const struct gate_bounds *told, int axis, int32_t brake);

/*@ requires \valid(drift) && \valid_read(model) && \separated(drift, model);
    requires permilles(*model) && model->arm_mm == ARM_MM && 50 <= model->reaction_ms <= 200;
    requires outputs(*drift) && 0 <= drift->step.time_ms <= GAP_MS;
    requires bounded(drift->coast, COAST_MAX);
    assigns drift->coast;
    ensures bounded(drift->coast, COAST_MAX); */
static void coast_follow(struct gate_drift *drift, const struct gate_model *model);

/*@ requires \valid_read(bounds) && bounded(*bounds, COAST_MAX) && 0 <= axis < GATE_AXES;
    assigns \nothing;
    ensures 0 <= \result <= COAST_MAX; */
static int32_t most(const struct gate_bounds *bounds, int axis);

/*@ requires \valid(drift) && 0 <= axis < GATE_AXES && 0 <= unasked <= 2 * COAST_MAX;
    requires bounded(drift->coast, COAST_MAX) && bounded(drift->speed, DRIFT_MAX);
    assigns drift->speed.lo[axis], drift->speed.hi[axis];
    ensures bounded(drift->speed, DRIFT_MAX);
    ensures drift->speed.lo[axis] <= drift->coast.lo[axis];
    ensures drift->speed.hi[axis] >= drift->coast.hi[axis]; */
static void speed_axis(struct gate_drift *drift, int axis, int32_t unasked);

/*@ requires \valid(drift) && \valid_read(model) && \separated(drift, model);
    requires permilles(*model) && bounded(drift->coast, COAST_MAX);
    requires bounded(drift->speed, DRIFT_MAX);
    assigns drift->speed;
    ensures bounded(drift->speed, DRIFT_MAX);
    ensures \forall integer i; 0 <= i < GATE_AXES ==>
        drift->speed.lo[i] <= drift->coast.lo[i] && drift->speed.hi[i] >= drift->coast.hi[i]; */
static void speed_follow(struct gate_drift *drift, const struct gate_model *model);

/*@ requires -SPAN_UM <= lo <= hi <= SPAN_UM;
    assigns \nothing;
    ensures -2000 <= \result <= 2000;
    ensures 2000 * \result - 1000 <= lo + hi <= 2000 * \result + 1000; */
static int32_t middle(int64_t lo, int64_t hi);

/*@ requires -SPAN_UM <= lo <= hi <= SPAN_UM;
    assigns \nothing;
    ensures 1 <= \result <= 2001;
    ensures 2000 * (\result - 1) >= hi - lo; */
static int32_t half(int64_t lo, int64_t hi);

/*@ requires -2000 <= centre <= 2000 && 0 <= extent <= 2001;
    assigns \nothing;
    ensures 0 <= \result <= 4001 && \result == size(centre) + extent; */
static int32_t farthest(int32_t centre, int32_t extent);

/*@ requires 0 <= along <= 2000 && 0 <= across <= 2000 && 0 <= angle <= TRIG_MRAD_MAX;
    assigns \nothing;
    ensures 0 <= \result <= 3002; */
static int32_t bent(int32_t along, int32_t across, int32_t angle);

/*@ requires 0 <= blur <= TRIG_MRAD_MAX;
    assigns \nothing;
    ensures 1 <= \result <= 600; */
static int32_t bend_q10(int32_t blur);

/*@ predicate aged(struct gate_age a) =
        unit(a.cosine) && unit(a.sine) && -2000 <= a.x_mm <= 2000 && -2000 <= a.y_mm <= 2000 &&
        0 <= a.ex_mm <= 5003 && 0 <= a.ey_mm <= 5003 && 0 <= a.blur_q10 <= 1100 &&
        0 <= a.bend_q10 <= 600 && 0 <= a.far_mm <= INT16_MAX;
*/

/*@ assigns \nothing;
    ensures aged(\result); */
static struct gate_age anywhere(void);

/*@ requires \valid_read(span) && \valid(turned) && \separated(span, turned);
    requires moved(*span, SPAN_UM) && 0 <= *turned <= 4001;
    assigns *turned;
    ensures 0 <= *turned <= 4001 && *turned >= \old(*turned) && aged(\result); */
static struct gate_age age_make(const struct gate_sums *span, int32_t *turned);

/*@ requires \valid_read(drift) && \valid(back) && \valid(since);
    requires \separated(drift, back, since) && ring(*drift);
    requires 0 <= *back < GATE_TICKS && followed(*since, *back) && grows(*drift, *back);
    assigns *back, *since;
    ensures *back == \old(*back) + 1 && followed(*since, *back); */
static void walk(const struct gate_drift *drift, int *back, struct gate_sums *since);

/*@ requires \valid_read(drift) && ring(*drift) && 0 <= back < GATE_TICKS;
    assigns \nothing;
    ensures \result == 1 <==> back + 1 < GATE_TICKS && is_after(*drift, back, time_ms); */
static bool is_behind(const struct gate_drift *drift, int back, int64_t time_ms);

/*@ requires \valid_read(drift) && \valid(back) && \valid(since);
    requires \separated(drift, back, since) && ring(*drift);
    requires 0 <= *back < GATE_TICKS && followed(*since, *back);
    requires \forall integer k; 0 <= k < GATE_TICKS ==> grows(*drift, k);
    assigns *back, *since;
    ensures 0 <= *back < GATE_TICKS && followed(*since, *back);
    ensures *back + 1 == GATE_TICKS || !is_after(*drift, *back + 1, young_ms - 1);
    ensures moved(\result, SPAN_UM);
    // Every tick from there to the first one that is not after the span.
    ensures \forall integer last;
        *back <= last < GATE_TICKS &&
        (\forall integer k; *back <= k < last ==> is_after(*drift, k, old_ms)) ==>
            covers(\result, last); */
static struct gate_sums span_since(const struct gate_drift *drift, int64_t young_ms, int64_t old_ms,
                                   int *back, struct gate_sums *since);

/*@ requires \valid_read(given) && ceiling(*given);
    assigns \nothing;
    ensures bounded(\result, LIMITS_TURN_MRAD_S); */
static struct gate_bounds told_make(const struct twist *given);

/*@ requires \valid(drift) && \valid_read(given) && \separated(drift, given) && ring(*drift);
    requires outputs(*drift) && ceiling(*given) && 0 <= drift->output_ms <= TIME_MAX;
    assigns drift->outputs[0 .. GATE_OUTPUTS - 1], drift->output_ms, drift->newest_output;
    ensures outputs(*drift) && 0 <= drift->output_ms <= TIME_MAX; */
static void outputs_push(struct gate_drift *drift, const struct twist *given);

/*@ requires \valid(drift) && \valid_read(model) && \valid_read(given);
    requires \separated(drift, model) && \separated(drift, given) && in_range(*drift);
    requires model(*model) && permilles(*model) && ceiling(*given);
    assigns *drift;
    ensures in_range(*drift); */
void gate_drift_output(struct gate_drift *drift, const struct gate_model *model,
                       const struct twist *given);

/*@ requires \valid(drift) && in_range(*drift) && 0 <= now_ms <= TIME_MAX;
    assigns drift->newest, drift->held, drift->step, drift->ticks[0 .. GATE_TICKS - 1];
    ensures 0 <= drift->newest < GATE_TICKS;
    ensures 0 <= drift->step.time_ms <= GAP_MS;
    ensures bounded(drift->held, DRIFT_MAX); */
void gate_drift_advance(struct gate_drift *drift, int64_t now_ms);

/*@ requires \valid_read(drift) && \valid(ages + (0 .. GATE_AGES - 1));
    requires \separated(drift, ages + (0 .. GATE_AGES - 1)) && ring(*drift);
    requires \forall integer k; 0 <= k < GATE_TICKS ==> grows(*drift, k);
    requires \forall integer i; lo_since(i, 0) == 0 && hi_since(i, 0) == 0;
    assigns ages[0 .. GATE_AGES - 1]; */
void gate_drift_ages(const struct gate_drift *drift, int64_t oldest_ms,
                     struct gate_age ages[GATE_AGES]);

#include "safety/gate_drift.c"

/* What is in the interval is in the middle, give or take the half. */
/*@ requires -SPAN_UM <= lo <= moved_um <= hi <= SPAN_UM;
    assigns \nothing;
    ensures \result == 1; */
static bool theorem_6_interval(int64_t lo, int64_t hi, int64_t moved_um)
{
    int64_t m = middle(lo, hi), h = half(lo, hi);

    return 1000 * (m - h) <= moved_um && moved_um <= 1000 * (m + h);
}
