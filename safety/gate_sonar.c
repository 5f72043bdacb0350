/* See gate_sonar.h.
 *
 * A reading that is not nearer than what the lidar has in the cone is the same thing, seen by both.
 * A nearer one is something that the lidar cannot see: it is somewhere on the arc of the cone at
 * that range, so the box is as wide as the cone. One echo may be a ghost and counts for 200 ms; the
 * second near the same place makes it real. It is over when an echo from well behind it arrived
 * twice (no echo proves nothing: glancing surfaces give none), when it lies behind the car, and
 * after 8 s.
 *
 * A reading that stays the same while the car drives at it is none. What stands beside the cone was
 * never in it: after turning or strafing the car has to drive a little until the cone covers the
 * width of the hull again.
 */
#include "safety/gate_sonar.h"

#define UM             1000
#define NEAR_MM        1000 /* farther readings need no box yet */
#define NEARER_MM      60   /* than the lidar's point: another thing */
#define SAME_MM        150  /* as far apart: the same thing */
#define DEEP_MM        40   /* half depth of a box */
#define WIDE_MM        40   /* least half width */
#define CONE_PERCENT   27
#define NARROW_PERCENT 15 /* a box in here is in the cone for sure */
#define THROUGH        2  /* echoes from behind it, and it is over */
#define STUCK_UM       200000
#define BESIDE_MAX_UM  200000
#define BESIDE_TURN    400 /* mm of forward motion for each rad */
#define BESIDE_STRAFE  2   /* and for each mm of strafing */
#define EXTENT_MAX_UM  2000000
#define FAR_UM         10000000 /* farther than anything that is held */
#define GAP_MS         500      /* without a tick: nothing is known of the motion */

static int64_t absolute(int64_t value)
{
    return value < 0 ? -value : value;
}

static int64_t greater(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t lesser(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t limited(int64_t value)
{
    return greater(-FAR_UM, lesser(value, FAR_UM));
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

/* Half of what the bounds leave open, rounded up. */
static int64_t doubt(int64_t lo, int64_t hi)
{
    return greater(hi - lo, 0) / 2 + 1;
}

static void box_move(struct gate_sonar_box *box, const struct gate_sums *step)
{
    int64_t turn = (step->lo[GATE_TURN] + step->hi[GATE_TURN]) / 2;
    int64_t blur = doubt(step->lo[GATE_TURN], step->hi[GATE_TURN]);
    int64_t x = box->x_um - (step->lo[GATE_FORWARD] + step->hi[GATE_FORWARD]) / 2;
    int64_t y = box->y_um - (step->lo[GATE_STRAFE] + step->hi[GATE_STRAFE]) / 2;
    int64_t ex = box->ex_um, ey = box->ey_um;

    box->x_um = limited(x + y * turn / 1000000);
    box->y_um = limited(y - x * turn / 1000000);
    box->ex_um += doubt(step->lo[GATE_FORWARD], step->hi[GATE_FORWARD]) +
                  (absolute(y) * blur + ey * absolute(turn)) / 1000000;
    box->ey_um += doubt(step->lo[GATE_STRAFE], step->hi[GATE_STRAFE]) +
                  (absolute(x) * blur + ex * absolute(turn)) / 1000000;
    if (step->time_ms >= GAP_MS) {
        box->ex_um = EXTENT_MAX_UM;
        box->ey_um = EXTENT_MAX_UM;
    }
    box->ex_um = lesser(box->ex_um, EXTENT_MAX_UM);
    box->ey_um = lesser(box->ey_um, EXTENT_MAX_UM);
}

static bool box_is_over(const struct gate_sonar_box *box, const struct gate_model *model,
                        int64_t now_ms)
{
    int64_t limit_ms = box->seen < 2 ? GATE_SONAR_FRESH_MS : GATE_SONAR_HOLD_MS;

    return now_ms - box->seen_ms >= limit_ms || box->through >= THROUGH ||
           box->x_um + box->ex_um < -model->rear_mm * (int64_t)UM ||
           absolute(box->x_um) - box->ex_um > 2 * NEAR_MM * (int64_t)UM ||
           absolute(box->y_um) - box->ey_um > 2 * NEAR_MM * (int64_t)UM;
}

/* The box of a reading as it is by now. */
static struct gate_sonar_box box_make(const struct gate_sonar *sonar,
                                      const struct gate_model *model, const struct gate_age *age)
{
    int64_t x = model->sonar_x_mm + sonar->reading_mm + DEEP_MM / 2;
    int64_t half = greater(sonar->reading_mm * CONE_PERCENT / 100, WIDE_MM);
    int64_t spread = absolute(age->sine);

    return (struct gate_sonar_box){
        .x_um = (x * age->cosine / TRIG_ONE - age->x_mm) * UM,
        .y_um = (-x * age->sine / TRIG_ONE - age->y_mm) * UM,
        .ex_um = (DEEP_MM + age->ex_mm + half * (age->blur_q10 + spread / 16) / 1024) * UM,
        .ey_um = (half + age->ey_mm + (x * age->blur_q10 + DEEP_MM * spread / 16) / 1024) * UM,
        .seen_ms = sonar->reading_ms,
        .seen = 1,
    };
}

static bool is_same(const struct gate_sonar_box *a, const struct gate_sonar_box *b)
{
    return absolute(a->x_um - b->x_um) <= SAME_MM * (int64_t)UM &&
           absolute(a->y_um - b->y_um) < a->ey_um + b->ey_um;
}

/* A new place for a box: the same one, a free one, or the last, which then covers both. */
static void box_store(struct gate_sonar *sonar, const struct gate_sonar_box *box)
{
    struct gate_sonar_box *place = NULL;

    for (int i = 0; i < GATE_SONAR_BOXES; i++) {
        struct gate_sonar_box *held = &sonar->boxes[i];

        if (held->seen > 0 && is_same(held, box)) {
            int seen = held->seen + 1;

            *held = *box;
            held->seen = seen < 2 ? seen : 2;
            return;
        }
        if (held->seen == 0) {
            place = held;
        }
    }
    if (place != NULL) {
        *place = *box;
        return;
    }
    place = &sonar->boxes[GATE_SONAR_BOXES - 1];
    place->ex_um = greater(place->ex_um, absolute(place->x_um - box->x_um) + box->ex_um);
    place->ey_um = greater(place->ey_um, absolute(place->y_um - box->y_um) + box->ey_um);
    place->seen_ms = box->seen_ms;
    place->seen = 2;
}

/* An echo from behind it: it is not there. */
static void look_through(struct gate_sonar *sonar, const struct gate_model *model)
{
    int64_t start = model->sonar_x_mm * (int64_t)UM;
    int64_t echo = start + sonar->reading_mm * (int64_t)UM;

    for (int i = 0; i < GATE_SONAR_BOXES; i++) {
        struct gate_sonar_box *box = &sonar->boxes[i];
        bool in_cone = absolute(box->y_um) * 100 <= (box->x_um - start) * NARROW_PERCENT;

        if (box->seen > 0 && in_cone && box->x_um + box->ex_um + NEARER_MM * UM < echo) {
            box->through = (int)lesser(box->through + 1, THROUGH);
        }
    }
}

static void judge(struct gate_sonar *sonar, const struct gate_model *model,
                  const struct gate_age ages[GATE_AGES], int32_t cone_x_mm, int64_t now_ms)
{
    int64_t age_ms = greater(now_ms - sonar->reading_ms, 0);

    sonar->pending = false;
    if (age_ms >= GATE_SONAR_FRESH_MS || sonar->reading_mm == GATE_SONAR_MAX) {
        return;
    }
    look_through(sonar, model);
    if (sonar->reading_mm <= NEAR_MM &&
        model->sonar_x_mm + sonar->reading_mm < cone_x_mm - NEARER_MM) {
        struct gate_sonar_box box = box_make(sonar, model, &ages[age_ms / GATE_AGE_STEP_MS]);

        box_store(sonar, &box);
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
                     int32_t cone_x_mm, int64_t now_ms)
{
    look_beside(sonar, drift);
    for (int i = 0; i < GATE_SONAR_BOXES; i++) {
        if (sonar->boxes[i].seen > 0) {
            box_move(&sonar->boxes[i], &drift->step);
        }
    }
    if (sonar->pending) {
        judge(sonar, model, ages, cone_x_mm, now_ms);
    }
    for (int i = 0; i < GATE_SONAR_BOXES; i++) {
        if (box_is_over(&sonar->boxes[i], model, now_ms)) {
            sonar->boxes[i].seen = 0;
        }
    }
}

void gate_sonar_add(const struct gate_sonar *sonar, struct gate_boxes *boxes)
{
    for (int i = 0; i < GATE_SONAR_BOXES; i++) {
        const struct gate_sonar_box *held = &sonar->boxes[i];
        struct gate_box box = {
            .x_mm = (int32_t)(held->x_um / UM),
            .y_mm = (int32_t)(held->y_um / UM),
            .ex_mm = (int32_t)(held->ex_um / UM) + 1,
            .ey_mm = (int32_t)(held->ey_um / UM) + 1,
            .reason = REASON_SONAR_NEAR,
        };

        if (held->seen > 0) {
            gate_boxes_add(boxes, &box);
        }
    }
}
