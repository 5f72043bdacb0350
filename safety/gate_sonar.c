/* See gate_sonar.h.
 *
 * An echo from as far as what the lidar has in the cone is most likely of that. Any other is of
 * something that the lidar cannot see: it is somewhere across the cone at that range, an arc
 * (gate_arc). One echo may be a ghost and counts for 200 ms; the second near the same place makes
 * it real, when the lidar has looked there and could have seen it. Before that, at the start and
 * after an outage, every wall is one that it has not. Close before the bumper an echo counts in any
 * case, while it comes: beside what the lidar sees may stand what it does not.
 *
 * What is real is held for 8 s. It ends earlier, bearing by bearing, where two echoes on end came
 * from well behind it. Only the middle of the cone counts for that: what leaves the cone on its
 * edge, as a near thing does when the car comes nearer, may still be before the hull, which is
 * wider than the cone there. No echo proves nothing: glancing surfaces give none.
 *
 * A reading that stays the same while the car drives at it is none. What stands beside the cone was
 * never in it: after turning or strafing the car has to drive a little until the cone covers the
 * width of the hull again.
 */
#include "safety/gate_sonar.h"

#define NEAR_MM        1000 /* farther readings are nothing yet */
#define BEFORE_MM      100  /* a reading as near is something, whatever the lidar has */
#define APART_MM       60   /* from what the lidar has: another thing */
#define APART_LEAST_MM 20
#define STUCK_UM       200000
#define BESIDE_MAX_UM  200000
#define BESIDE_TURN    400 /* mm of forward motion for each rad */
#define BESIDE_STRAFE  2   /* and for each mm of strafing */

static int64_t greater(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t lesser(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void gate_sonar_init(struct gate_sonar *sonar, int64_t now_ms)
{
    *sonar = (struct gate_sonar){.reading_ms = now_ms - GATE_SONAR_FRESH_MS};
}

void gate_sonar_read(struct gate_sonar *sonar, int32_t reading_mm, int64_t time_ms)
{
    if (time_ms <= sonar->reading_ms) {
        return;
    }
    sonar->off = reading_mm == GATE_SONAR_OFF;
    if (reading_mm < 1 || reading_mm > GATE_SONAR_MAX) {
        sonar->good = 0;
        sonar->pending = false;
        return;
    }
    if (time_ms - sonar->reading_ms >= GATE_SONAR_FRESH_MS) {
        sonar->good = 0;
    }
    if (reading_mm != sonar->reading_mm || reading_mm == GATE_SONAR_MAX) {
        sonar->stuck_um = 0;
    }
    sonar->good += sonar->good < GATE_SONAR_GOOD ? 1 : 0;
    sonar->reading_mm = reading_mm;
    sonar->reading_ms = time_ms;
    sonar->pending = true;
}

enum gate_sonar_state gate_sonar_state(const struct gate_sonar *sonar, int64_t now_ms)
{
    if (sonar->off) {
        return GATE_SONAR_IS_OFF;
    }
    if (sonar->good < GATE_SONAR_GOOD || sonar->stuck_um >= STUCK_UM ||
        now_ms < sonar->reading_ms || now_ms - sonar->reading_ms >= GATE_SONAR_FRESH_MS) {
        return GATE_SONAR_IS_FAULTY;
    }
    return GATE_SONAR_IS_GOOD;
}

bool gate_sonar_has_looked(const struct gate_sonar *sonar)
{
    return sonar->beside_um == 0;
}

static bool is_over(const struct gate_sonar_thing *thing, int64_t now_ms)
{
    int64_t limit_ms = thing->seen < 2 ? GATE_SONAR_FRESH_MS : GATE_SONAR_HOLD_MS;

    return now_ms - thing->seen_ms >= limit_ms;
}

/* The place that a new thing takes: a free one, or that of the thing that least is known of. */
static struct gate_sonar_thing *place_for_new(struct gate_sonar *sonar)
{
    struct gate_sonar_thing *place = &sonar->things[0];

    for (int i = 1; i < GATE_SONAR_THINGS; i++) {
        struct gate_sonar_thing *thing = &sonar->things[i];

        if (place->seen > 0 && (thing->seen == 0 || thing->arc.extent_um > place->arc.extent_um)) {
            place = thing;
        }
    }
    return place;
}

/* What was held there already is known better now. Two echoes make it real, unless the lidar had
 * not looked there. */
static void thing_store(struct gate_sonar *sonar, const struct gate_sonar_thing *thing,
                        bool may_be_real)
{
    for (int i = 0; i < GATE_SONAR_THINGS; i++) {
        struct gate_sonar_thing *held = &sonar->things[i];

        if (held->seen > 0 && gate_arc_is_same(&held->arc, &thing->arc)) {
            gate_arc_renew(&held->arc, &thing->arc);
            held->seen_ms = thing->seen_ms;
            held->seen = held->seen >= 2 || may_be_real ? 2 : 1;
            held->through = false;
            return;
        }
    }
    *place_for_new(sonar) = *thing;
}

/* It is not there. A thing that falls apart needs a second place; without one it stays whole. */
static void thing_cut(struct gate_sonar *sonar, struct gate_sonar_thing *thing,
                      const struct gate_arc_part *part)
{
    struct gate_sonar_thing *other = place_for_new(sonar);
    struct gate_arc left[2] = {thing->arc, thing->arc};
    int count = gate_arc_cut(&thing->arc, part, left);

    if (count == 2 && other->seen > 0) {
        return;
    }
    if (count == 0) {
        thing->seen = 0;
        return;
    }
    thing->arc = left[0];
    if (count == 2) {
        *other = *thing;
        other->arc = left[1];
    }
}

/* An echo from behind it, for the second time on end. */
static void look_through(struct gate_sonar *sonar, const struct gate_model *model)
{
    for (int i = 0; i < GATE_SONAR_THINGS; i++) {
        struct gate_sonar_thing *thing = &sonar->things[i];
        struct gate_arc_part part;
        bool again = thing->through;

        if (thing->seen == 0) {
            continue;
        }
        part = gate_arc_seen_through(&thing->arc, model, sonar->reading_mm);
        thing->through = part.from_urad < part.to_urad;
        if (thing->through && again) {
            thing_cut(sonar, thing, &part);
        }
    }
}

/* Whether the lidar has something in the cone as far away: then the echo is most likely of that.
 * The nearer, the less apart they may be. */
static bool is_explained(const struct gate_sonar *sonar, const struct gate_view *view)
{
    return view->echo_gap_mm <= lesser(APART_MM, APART_LEAST_MM + sonar->reading_mm / 8);
}

static void judge(struct gate_sonar *sonar, const struct gate_model *model,
                  const struct gate_age ages[GATE_AGES], const struct gate_view *view,
                  int64_t now_ms)
{
    int64_t age_ms = greater(now_ms - sonar->reading_ms, 0);

    sonar->pending = false;
    if (age_ms >= GATE_SONAR_FRESH_MS || sonar->reading_mm == GATE_SONAR_MAX) {
        return;
    }
    look_through(sonar, model);
    if (sonar->reading_mm <= (is_explained(sonar, view) ? BEFORE_MM : NEAR_MM)) {
        struct gate_sonar_thing thing = {
            .arc = gate_arc_make(model, sonar->reading_mm, &ages[age_ms / GATE_AGE_STEP_MS]),
            .seen_ms = sonar->reading_ms,
            .seen = 1,
        };

        thing_store(sonar, &thing, view->cone_was_seen && !is_explained(sonar, view));
    }
}

/* Largest speed that an axis was told and may still have. */
static int64_t most(const struct gate_bounds *coast, enum gate_axis axis)
{
    return greater(coast->hi[axis], -(int64_t)coast->lo[axis]);
}

static void look_beside(struct gate_sonar *sonar, const struct gate_drift *drift)
{
    const struct gate_sums *step = &drift->step;
    int64_t gained = greater(step->lo[GATE_FORWARD], 0);
    int64_t lost = (most(&drift->coast, GATE_TURN) * BESIDE_TURN / 1000 +
                    most(&drift->coast, GATE_STRAFE) * BESIDE_STRAFE) *
                   step->time_ms;

    sonar->beside_um = greater(lesser(sonar->beside_um + lost - gained, BESIDE_MAX_UM), 0);
    if (sonar->stuck_um < STUCK_UM) {
        sonar->stuck_um += gained;
    }
}

void gate_sonar_step(struct gate_sonar *sonar, const struct gate_model *model,
                     const struct gate_drift *drift, const struct gate_age ages[GATE_AGES],
                     const struct gate_view *view, int64_t now_ms)
{
    look_beside(sonar, drift);
    for (int i = 0; i < GATE_SONAR_THINGS; i++) {
        if (sonar->things[i].seen > 0) {
            gate_arc_move(&sonar->things[i].arc, &drift->step);
        }
    }
    if (sonar->pending) {
        judge(sonar, model, ages, view, now_ms);
    }
    for (int i = 0; i < GATE_SONAR_THINGS; i++) {
        if (is_over(&sonar->things[i], now_ms)) {
            sonar->things[i].seen = 0;
        }
    }
}

void gate_sonar_add(const struct gate_sonar *sonar, const struct gate_model *model,
                    struct gate_boxes *boxes)
{
    for (int i = 0; i < GATE_SONAR_THINGS; i++) {
        if (sonar->things[i].seen > 0) {
            gate_arc_add(&sonar->things[i].arc, model, boxes);
        }
    }
}
