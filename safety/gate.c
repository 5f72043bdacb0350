/* See gate.h.
 *
 * One step: time passes (gate_drift), all that may be in the way becomes boxes (gate_world,
 * gate_sonar), a proposal is made here, and gate_confirm alone lets it pass.
 *
 * The proposal. What is asked is cut to the ceilings, may grow only so fast (slew), and no axis
 * reverses while the opposite motion may be under way. If what is under way cannot end clear of
 * hard boxes, it is zero. Else each axis alone goes down a ladder of eight speeds to the fastest
 * that hits nothing, and then what is left of all of them together: so the car slides along a wall
 * instead of stopping at it. A box that stops a rung is asked again about the next one, so that one
 * pass over the boxes serves the whole ladder; should an earlier box hit a lower rung, gate_confirm
 * refuses it.
 *
 * After a veto the way has to be clear for ten ticks on end before motion starts again; a stop
 * takes one tick.
 */
#include "safety/gate.h"

#define RUNGS           8
#define REVERSAL_MM_S   60
#define REVERSAL_MRAD_S 500
#define NEAR_ROOM_MM    10 /* a lower rung may bend a little out of what the top one sweeps */
#define TIME_SLACK_MS   1000
#define TIME_MAX        (INT64_MAX / 4)

static const struct twist still = {0};

/* All that one proposal is made of. */
struct attempt {
    struct gate *gate;
    enum gate_margin margin;
    uint32_t reasons;
};

static int32_t lesser(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static int32_t clamp(int32_t value, int32_t least, int32_t most)
{
    return value < least ? least : lesser(value, most);
}

static bool is_still(const struct twist *twist)
{
    return twist->vx_mm_s == 0 && twist->vy_mm_s == 0 && twist->wz_mrad_s == 0;
}

static bool is_equal(const struct twist *a, const struct twist *b)
{
    return a->vx_mm_s == b->vx_mm_s && a->vy_mm_s == b->vy_mm_s && a->wz_mrad_s == b->wz_mrad_s;
}

static int64_t clamp_time(int64_t time_ms)
{
    if (time_ms < 0) {
        return 0;
    }
    return time_ms < TIME_MAX ? time_ms : TIME_MAX;
}

void gate_init(struct gate *gate, const struct gate_model *model, int64_t now_ms)
{
    *gate = (struct gate){.model = *model, .now_ms = clamp_time(now_ms)};
    gate_world_init(&gate->world, model, gate->now_ms);
    gate_sonar_init(&gate->sonar, gate->now_ms);
    gate_drift_init(&gate->drift, gate->now_ms);
    gate->slew.time_ms = gate->now_ms;
}

void gate_mask(struct gate *gate, int first, int count)
{
    gate_world_mask(&gate->world, first, count);
}

void gate_beam(struct gate *gate, int slot, int32_t distance_mm, int64_t time_ms)
{
    if (time_ms >= gate->now_ms - TIME_SLACK_MS && time_ms <= gate->now_ms + TIME_SLACK_MS) {
        gate_world_beam(&gate->world, &gate->model, slot, distance_mm, time_ms);
    }
}

void gate_sonar(struct gate *gate, int32_t reading_mm, int64_t time_ms)
{
    if (time_ms >= gate->now_ms - TIME_SLACK_MS && time_ms <= gate->now_ms + TIME_SLACK_MS) {
        gate_sonar_read(&gate->sonar, reading_mm, time_ms);
    }
}

void gate_scan(const struct gate *gate, uint16_t sector_mm[GATE_SECTORS])
{
    gate_world_scan(&gate->world, &gate->model, gate->now_ms, sector_mm);
}

/* What is not given, and what the gate itself misses. */
static uint32_t permits_judge(const struct gate *gate, const struct gate_view *view,
                              uint32_t permits, uint32_t *reasons)
{
    if ((permits & GATE_PERMIT_ARMED) == 0) {
        *reasons |= REASON_NOT_ARMED;
    }
    if ((permits & GATE_PERMIT_SELF_TEST) == 0) {
        *reasons |= REASON_SELF_TEST;
    }
    if ((permits & GATE_PERMIT_LIDAR) == 0 ||
        !gate_world_is_fresh(&gate->world, &gate->model, gate->now_ms)) {
        *reasons |= REASON_LIDAR_STALE;
        permits &= ~(uint32_t)GATE_PERMIT_LIDAR;
    } else if (view->returns < GATE_BLIND_CELLS) {
        *reasons |= REASON_LIDAR_BLIND;
        permits &= ~(uint32_t)GATE_PERMIT_LIDAR;
    }
    return permits & GATE_PERMIT_ALL;
}

static struct gate_ceilings ceilings_make(const struct gate *gate, int32_t cap_mm_s,
                                          uint32_t *reasons)
{
    const struct gate_model *model = &gate->model;
    struct gate_ceilings ceilings = {model->forward_mm_s, model->backward_mm_s, model->strafe_mm_s,
                                     model->turn_mrad_s,
                                     clamp(model->rim_mm_s, 0, cap_mm_s < 0 ? 0 : cap_mm_s)};
    enum gate_sonar_state sonar = gate_sonar_state(&gate->sonar, gate->now_ms);
    int32_t forward = model->forward_mm_s;

    if (sonar == GATE_SONAR_IS_FAULTY) {
        *reasons |= REASON_SONAR_FAULT;
        forward = model->creep_mm_s;
    } else if (sonar == GATE_SONAR_IS_OFF) {
        *reasons |= REASON_SONAR_OFF;
        forward = model->no_sonar_mm_s;
    } else if (!gate_sonar_has_looked(&gate->sonar)) {
        forward = model->no_sonar_mm_s;
    }
    ceilings.forward_mm_s = lesser(ceilings.forward_mm_s, forward);
    return ceilings;
}

/* `part` of `whole` of a value that is not negative; never more than the value. */
static int32_t part_of(int32_t value, int32_t part, int32_t whole)
{
    int64_t result = (int64_t)value * part / whole;

    return result < value ? (int32_t)result : value;
}

/* The same of any value, rounded toward zero. */
static int32_t share(int32_t value, int32_t part, int32_t whole)
{
    return value < 0 ? -part_of(-value, part, whole) : part_of(value, part, whole);
}

static struct twist fraction(const struct twist *twist, int32_t part, int32_t whole)
{
    return (struct twist){share(twist->vx_mm_s, part, whole), share(twist->vy_mm_s, part, whole),
                          share(twist->wz_mrad_s, part, whole)};
}

static struct twist cut(const struct gate_model *model, const struct twist *asked,
                        const struct gate_ceilings *ceilings, uint32_t *reasons)
{
    struct twist wish = {
        clamp(asked->vx_mm_s, -ceilings->backward_mm_s, ceilings->forward_mm_s),
        clamp(asked->vy_mm_s, -ceilings->strafe_mm_s, ceilings->strafe_mm_s),
        clamp(asked->wz_mrad_s, -ceilings->turn_mrad_s, ceilings->turn_mrad_s),
    };
    int32_t rim = gate_model_rim(model, &wish);

    if (rim > ceilings->rim_mm_s) {
        wish = fraction(&wish, ceilings->rim_mm_s, rim);
    }
    if (!is_equal(&wish, asked)) {
        *reasons |= REASON_CEILING;
    }
    return wish;
}

/* An axis without what would work against a motion that may still be under way. */
static int32_t unopposed(int32_t wish, int32_t lo, int32_t hi, int32_t limit, uint32_t *reasons)
{
    if ((wish > 0 && lo <= -limit) || (wish < 0 && hi >= limit)) {
        *reasons |= REASON_REVERSAL;
        return 0;
    }
    return wish;
}

static struct twist without_plugging(const struct gate_bounds *coast, const struct twist *wish,
                                     uint32_t *reasons)
{
    return (struct twist){
        unopposed(wish->vx_mm_s, coast->lo[GATE_FORWARD], coast->hi[GATE_FORWARD], REVERSAL_MM_S,
                  reasons),
        unopposed(wish->vy_mm_s, coast->lo[GATE_STRAFE], coast->hi[GATE_STRAFE], REVERSAL_MM_S,
                  reasons),
        unopposed(wish->wz_mrad_s, coast->lo[GATE_TURN], coast->hi[GATE_TURN], REVERSAL_MRAD_S,
                  reasons),
    };
}

/* The end of an interval that is farther from zero. */
static int32_t farther(const struct gate_bounds *bounds, enum gate_axis axis)
{
    return bounds->hi[axis] >= -bounds->lo[axis] ? bounds->hi[axis] : bounds->lo[axis];
}

/* What is under way anyway, at its farthest. */
static void coast_init(struct gate_motion *motion, const struct gate *gate)
{
    const struct gate_bounds *coast = &gate->drift.coast;
    struct twist under_way = {farther(coast, GATE_FORWARD), farther(coast, GATE_STRAFE),
                              farther(coast, GATE_TURN)};

    gate_motion_init(motion, &gate->model, &under_way, GATE_MARGIN_COASTING);
}

/* Whether what is under way can end clear of everything hard. */
static bool can_stop(struct attempt *attempt, const struct gate_motion *coasting)
{
    const struct gate *gate = attempt->gate;

    for (int i = 0; i < gate->near_count; i++) {
        const struct gate_box *box = &gate->boxes.list[gate->near[i]];

        if (box->cap_mm_s == 0 && gate_motion_hits(coasting, box)) {
            attempt->reasons |= REASON_STOPPING | box->reason;
            return false;
        }
    }
    return true;
}

/* A motion without end meets every box. */
static void cover(struct gate_rectangle *around, const struct gate_motion *motion)
{
    const struct gate_rectangle everything = {-INT16_MAX, INT16_MAX, -INT16_MAX, INT16_MAX};
    const struct gate_rectangle *swept = motion->endless ? &everything : &motion->swept;

    around->min_x = lesser(around->min_x, swept->min_x - NEAR_ROOM_MM);
    around->max_x = -lesser(-around->max_x, -swept->max_x - NEAR_ROOM_MM);
    around->min_y = lesser(around->min_y, swept->min_y - NEAR_ROOM_MM);
    around->max_y = -lesser(-around->max_y, -swept->max_y - NEAR_ROOM_MM);
}

/* Most boxes are out of reach of anything that this proposal may become: one look at them serves
 * every rung of every axis. A box that is missed here cannot be hit: gate_confirm asks them all. */
static void gather(struct attempt *attempt, const struct twist alone[GATE_AXES],
                   const struct twist *wish, const struct gate_motion *coasting)
{
    struct gate *gate = attempt->gate;
    const struct gate_model *model = &gate->model;
    struct gate_rectangle around = {0};
    struct gate_motion motion;
    int count = 0;

    cover(&around, coasting);
    gate_motion_init(&motion, model, wish, attempt->margin);
    cover(&around, &motion);
    for (int axis = 0; axis < GATE_AXES; axis++) {
        gate_motion_init(&motion, model, &alone[axis], attempt->margin);
        cover(&around, &motion);
    }
    for (int i = 0; i < gate->boxes.count; i++) {
        if (gate_rectangle_overlaps(&around, &gate->boxes.list[i])) {
            count = lesser(count, i); /* it always is; said so that a prover sees it */
            gate->near[count] = (uint16_t)i;
            count++;
        }
    }
    gate->near_count = lesser(count, gate->boxes.count);
}

/* The twist of a rung below the top: evenly down to creep speed, rung 0. The whole, with this rim
 * speed, is faster. */
static struct twist rung_twist(const struct gate_model *model, const struct twist *whole,
                               int32_t rim, int rung)
{
    int32_t least = (model->rim_min_mm_s + model->creep_mm_s) / 2;

    return fraction(whole, least + (rim - least) * rung / (RUNGS - 1), rim);
}

/* The fastest of eight speeds that hits nothing; zero when none does. */
static struct twist descend(struct attempt *attempt, const struct twist *whole)
{
    const struct gate *gate = attempt->gate;
    const struct gate_model *model = &gate->model;
    int32_t rim = gate_model_rim(model, whole);
    int rung = RUNGS - 1;
    struct twist twist = *whole;
    struct gate_motion motion;

    gate_motion_init(&motion, model, &twist, attempt->margin);
    for (int i = 0; i < gate->near_count; i++) {
        const struct gate_box *box = &gate->boxes.list[gate->near[i]];

        while (gate_box_counts(box, motion.rim_mm_s) && gate_motion_hits(&motion, box)) {
            attempt->reasons |= box->reason;
            if (rung <= 0 || rim <= model->creep_mm_s) {
                return still;
            }
            rung--;
            twist = rung_twist(model, whole, rim, rung);
            gate_motion_init(&motion, model, &twist, attempt->margin);
        }
    }
    return twist;
}

/* The axis that turns the wheels most, alone. */
static struct twist largest(const struct gate_model *model, const struct twist alone[GATE_AXES])
{
    struct twist best = alone[0];

    for (int axis = 1; axis < GATE_AXES; axis++) {
        if (gate_model_rim(model, &alone[axis]) > gate_model_rim(model, &best)) {
            best = alone[axis];
        }
    }
    return best;
}

static struct twist propose(struct attempt *attempt, const struct twist *wish)
{
    const struct gate_model *model = &attempt->gate->model;
    struct twist alone[GATE_AXES] = {
        {.vx_mm_s = wish->vx_mm_s}, {.vy_mm_s = wish->vy_mm_s}, {.wz_mrad_s = wish->wz_mrad_s}};
    struct twist both, proposal;
    struct gate_motion coasting;
    int moving = 0;

    if (is_still(wish)) {
        return still;
    }
    coast_init(&coasting, attempt->gate);
    gather(attempt, alone, wish, &coasting);
    if (!can_stop(attempt, &coasting)) {
        return still;
    }
    for (int axis = 0; axis < GATE_AXES; axis++) {
        if (!is_still(&alone[axis])) {
            alone[axis] = descend(attempt, &alone[axis]);
            moving += is_still(&alone[axis]) ? 0 : 1;
        }
    }
    both = (struct twist){alone[0].vx_mm_s, alone[1].vy_mm_s, alone[2].wz_mrad_s};
    proposal = moving > 1 ? descend(attempt, &both) : both;
    if (is_still(&proposal)) {
        proposal = largest(model, alone);
    }
    return proposal;
}

/* The wish on those axes only that are left in the proposal. */
static struct twist narrowed(const struct twist *wish, const struct twist *proposal)
{
    return (struct twist){proposal->vx_mm_s == 0 ? 0 : wish->vx_mm_s,
                          proposal->vy_mm_s == 0 ? 0 : wish->vy_mm_s,
                          proposal->wz_mrad_s == 0 ? 0 : wish->wz_mrad_s};
}

/* A start shares the slowest speed of the wheels among the axes that are wished for. When some of
 * them are blocked, the share of the others is too slow alone: they are given all of it. */
static struct twist propose_from(struct attempt *attempt, const struct twist *wish)
{
    struct gate *gate = attempt->gate;
    const struct gate_model *model = &gate->model;
    const struct slew before = gate->slew;
    struct twist target = *wish;

    for (;;) {
        struct twist ramped, proposal, rest;

        gate->slew = before;
        ramped = slew_step(&gate->slew, model, gate->now_ms, &gate->given, &target);
        proposal = propose(attempt, &ramped);
        if (is_still(&proposal) || gate_model_rim(model, &proposal) >= model->rim_min_mm_s) {
            return proposal;
        }
        rest = narrowed(&target, &proposal);
        if (is_equal(&rest, &target)) {
            attempt->reasons |= REASON_TOO_SLOW;
            return still;
        }
        target = rest;
    }
}

/* After a veto: nothing until the way was clear for ten ticks on end. */
static struct twist hold_back(struct attempt *attempt, const struct twist *proposal, bool vetoed)
{
    struct gate *gate = attempt->gate;

    if (vetoed) {
        gate->blocked = GATE_CLEAR_TICKS;
        return still;
    }
    if (gate->blocked > 0 && !is_still(proposal)) {
        gate->blocked--;
        attempt->reasons |= REASON_CLEARING;
        return still;
    }
    return *proposal;
}

/* Armed and asked for a motion, but something that the car senses is against all of it. */
static bool is_vetoed(const struct gate_case *gate_case, const struct twist *wish,
                      const struct twist *proposal, uint32_t reasons)
{
    if (is_still(wish) || (gate_case->permits & GATE_PERMIT_ARMED) == 0) {
        return false;
    }
    return is_still(proposal) && (reasons & REASON_TOO_SLOW) == 0;
}

static struct twist decide(struct gate *gate, struct gate_case *gate_case, uint32_t *reasons)
{
    struct attempt attempt = {.gate = gate};
    const struct gate_model *model = &gate->model;
    struct twist wish = cut(model, &gate_case->asked, &gate_case->ceilings, reasons);
    struct twist proposal = still, given;

    attempt.margin = is_still(&gate->given) ? GATE_MARGIN_STARTING : GATE_MARGIN_RUNNING;
    wish = without_plugging(&gate->drift.coast, &wish, reasons);
    if (gate_case->permits == GATE_PERMIT_ALL) {
        proposal = propose_from(&attempt, &wish);
    }
    proposal =
        hold_back(&attempt, &proposal, is_vetoed(gate_case, &wish, &proposal, attempt.reasons));
    given = gate_confirm(model, gate_case, &proposal);
    if (!is_equal(&given, &proposal)) {
        attempt.reasons |= REASON_OBSTACLE;
        gate->blocked = GATE_CLEAR_TICKS;
    }
    *reasons |= attempt.reasons;
    return given;
}

static int32_t clearance(int32_t clear_mm)
{
    return lesser(clear_mm, GATE_CLEAR_MAX);
}

/* Of what the lidar and the sonar told and is still to be judged. */
static int64_t oldest_age_ms(const struct gate *gate)
{
    int64_t world_ms = gate->now_ms - gate->world.oldest_ms;
    int64_t sonar_ms = gate->sonar.pending ? gate->now_ms - gate->sonar.reading_ms : 0;

    return world_ms > sonar_ms ? world_ms : sonar_ms;
}

void gate_step(struct gate *gate, const struct gate_input *input, struct gate_output *ret_output)
{
    struct gate_age ages[GATE_AGES];
    struct gate_view view;
    struct gate_output output = {0};
    struct gate_case gate_case = {.asked = input->asked, .boxes = gate->boxes.list};
    int64_t now_ms = clamp_time(input->now_ms);
    uint32_t permits = input->permits;

    if (now_ms < gate->now_ms) {
        permits &=
            ~(uint32_t)GATE_PERMIT_LIDAR; /* a clock that runs backward: nothing has an age */
        now_ms = gate->now_ms;
    }
    gate->now_ms = now_ms;
    gate->boxes.count = 0;
    gate_drift_advance(&gate->drift, gate->now_ms);
    gate_drift_ages(&gate->drift, oldest_age_ms(gate), ages);
    gate_world_points(&gate->world, &gate->model, ages,
                      gate->model.sonar_x_mm + gate->sonar.reading_mm, gate->now_ms, &gate->boxes,
                      &view);
    gate_sonar_step(&gate->sonar, &gate->model, &gate->drift, ages, &view, gate->now_ms);
    gate_sonar_add(&gate->sonar, &gate->model, &gate->boxes);
    gate_world_cells(&gate->world, &gate->model,
                     gate_sonar_state(&gate->sonar, gate->now_ms) == GATE_SONAR_IS_GOOD,
                     gate->now_ms, &gate->boxes, &view);
    gate_case.count = gate->boxes.count;
    gate_case.permits = permits_judge(gate, &view, permits, &output.reasons);
    gate_case.ceilings = ceilings_make(gate, input->cap_mm_s, &output.reasons);
    gate->given = decide(gate, &gate_case, &output.reasons);
    gate_drift_output(&gate->drift, &gate->model, &gate->given);
    output.given = gate->given;
    output.clear_front_mm = clearance(view.clear_mm[0]);
    output.clear_left_mm = clearance(view.clear_mm[1]);
    output.clear_rear_mm = clearance(view.clear_mm[2]);
    output.clear_right_mm = clearance(view.clear_mm[3]);
    output.open_bearing_mrad = gate_world_open_bearing(&view);
    *ret_output = output;
}
