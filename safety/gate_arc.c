/* See gate_arc.h.
 *
 * The doubt about where the centre is grows with what the car drives, and with its turning as far
 * as the centre is off the axis, which is little. The doubt about the bearing grows with every turn
 * until the arc is a circle: then nothing is known but that the thing is not within.
 *
 * Along a pane of glass that is met aslant the echo slides: it always comes from as far ahead,
 * while what it came from first comes nearer and leaves the cone. So a thing that recedes, by more
 * than the car may have been slower than it was told, grows inward by that much, but by no more
 * than the car drove ahead in that time: what recedes farther is another thing.
 *
 * The gate knows axis-parallel boxes only, so the arc is cut into pieces of 30 degrees at most: as
 * wide as the piece is along its tangent, as deep as its sagitta, and both turned to the axes.
 */
#include "safety/gate_arc.h"

#define UM            1000
#define DEEP_MM       40 /* half depth of an arc */
#define DEEP_MAX_UM   150000
#define AHEAD_MM      20     /* its middle behind the echo */
#define NEARER_MM     60     /* than an echo: that came from behind */
#define SAME_UM       150000 /* as far apart: the same thing */
#define CONE_URAD     263700 /* half the cone: 27 percent of its length */
#define CONE_LEAST_MM 40     /* and at least so wide */
#define NARROW        15     /* percent: for sure in the cone */
#define PI_URAD       3141593
#define TURN_URAD     (2 * PI_URAD)
#define SLOT_URAD     8727 /* what is lost by rounding to half a degree */
#define PIECE_URAD    525000
#define LOOK_URAD     17500 /* an arc is looked at every degree */
#define LOOKS_MAX     360
#define SPLIT_URAD    70000  /* a part as narrow stays with what is between */
#define DOUBTFUL_UM   100000 /* what may be so much nearer than it is lets the car creep only */
#define EXTENT_MAX_UM 2000000
#define FAR_UM        10000000 /* farther than anything that is held */
#define GAP_MS        500      /* without a tick: nothing is known of the motion */

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

/* The same angle, from -pi to pi. */
static int64_t wrapped(int64_t urad)
{
    int64_t angle = urad % TURN_URAD;

    if (angle > PI_URAD) {
        return angle - TURN_URAD;
    }
    return angle < -PI_URAD ? angle + TURN_URAD : angle;
}

/* The slot that an angle is in; it looks up to SLOT_URAD beside it. */
static int32_t slot_of(int64_t urad)
{
    int64_t angle = wrapped(urad);

    return (int32_t)((angle < 0 ? angle + TURN_URAD : angle) * TRIG_SLOTS / TURN_URAD) % TRIG_SLOTS;
}

/* The angle of an age from its sine: the first two terms. The third, of the largest angle that an
 * age has, is less than the fifteenth part. */
static int64_t angle_of(int32_t sine)
{
    int64_t urad = (int64_t)sine * 1000000 / TRIG_ONE;

    return urad + urad * urad / 1000000 * urad / 6000000;
}

struct gate_arc gate_arc_make(const struct gate_model *model, int32_t reading_mm,
                              const struct gate_age *age)
{
    int32_t x = model->sonar_x_mm;
    int64_t turned = angle_of(age->sine);
    int32_t blur = x * (age->blur_q10 + age->bend_q10) / 1024 + 1;
    int64_t extent = (int64_t)(DEEP_MM + age->ex_mm + age->ey_mm + blur) * UM;
    int64_t cone = greater(CONE_URAD, (int64_t)CONE_LEAST_MM * 1000000 / greater(reading_mm, 1));

    return (struct gate_arc){
        .x_um = (int64_t)(x * age->cosine / TRIG_ONE - age->x_mm) * UM,
        .y_um = (int64_t)(-x * age->sine / TRIG_ONE - age->y_mm) * UM,
        .extent_um = lesser(extent, EXTENT_MAX_UM),
        .bearing_urad = wrapped(-turned),
        .half_urad = lesser(cone + (int64_t)age->blur_q10 * UM + absolute(turned) / 15, PI_URAD),
        .radius_mm = reading_mm + AHEAD_MM,
    };
}

/* Half of what the bounds leave open, rounded up. */
static int64_t doubt(const struct gate_sums *step, enum gate_axis axis)
{
    return greater(step->hi[axis] - step->lo[axis], 0) / 2 + 1;
}

/* Of a vector; up to an eighth too much, never too little. */
static int64_t length(int64_t x, int64_t y)
{
    return greater(x, y) + lesser(x, y) / 2 + 1;
}

static int64_t middle(const struct gate_sums *step, enum gate_axis axis)
{
    return (step->lo[axis] + step->hi[axis]) / 2;
}

/* Half of the way, the turn, the other half: as the car went, to the second order. */
void gate_arc_move(struct gate_arc *arc, const struct gate_sums *step)
{
    int64_t forward = middle(step, GATE_FORWARD), strafe = middle(step, GATE_STRAFE);
    int64_t turn = middle(step, GATE_TURN), blur = doubt(step, GATE_TURN);
    int64_t x = limited(arc->x_um - forward / 2), y = limited(arc->y_um - strafe / 2);

    x = limited(x + y * turn / 1000000);
    y = limited(y - x * turn / 1000000);
    arc->x_um = limited(x - (forward - forward / 2));
    arc->y_um = limited(y - (strafe - strafe / 2));
    arc->extent_um += length(doubt(step, GATE_FORWARD) + absolute(y) * blur / 1000000,
                             doubt(step, GATE_STRAFE) + absolute(x) * blur / 1000000);
    arc->bearing_urad = wrapped(arc->bearing_urad - turn);
    arc->half_urad = lesser(arc->half_urad + blur, PI_URAD);
    if (step->time_ms >= GAP_MS) {
        arc->extent_um = EXTENT_MAX_UM;
        arc->half_urad = PI_URAD;
    }
    arc->extent_um = lesser(arc->extent_um, EXTENT_MAX_UM);
}

static int64_t between(const struct gate_arc *a, const struct gate_arc *b)
{
    return absolute(wrapped(a->bearing_urad - b->bearing_urad));
}

/* How much farther ahead a new reading is, which looks along x. */
static int64_t receded(const struct gate_arc *held, const struct gate_arc *seen)
{
    return seen->x_um - held->x_um + (int64_t)(seen->radius_mm - held->radius_mm) * UM;
}

bool gate_arc_is_same(const struct gate_arc *held, const struct gate_arc *seen)
{
    int64_t along = receded(held, seen);

    return absolute(along) <= SAME_UM && absolute(held->y_um - seen->y_um) <= SAME_UM &&
           between(held, seen) < held->half_urad + seen->half_urad;
}

void gate_arc_renew(struct gate_arc *held, const struct gate_arc *seen)
{
    int64_t along = receded(held, seen);
    int64_t doubt_um = greater(held->extent_um - seen->extent_um, 0);
    int64_t slid = lesser(along - doubt_um, seen->x_um - held->x_um);
    int64_t deep = held->deep_um + (along > 0 ? greater(slid, 0) : along);

    *held = *seen;
    held->deep_um = greater(lesser(deep, DEEP_MAX_UM), 0);
}

/* Whether a point of it is well in the cone, and an echo of this length came from behind it. */
static bool is_seen_through(const struct gate_arc *arc, const struct gate_model *model,
                            int64_t offset_urad, int32_t reading_mm)
{
    int32_t slot = slot_of(arc->bearing_urad + offset_urad);
    int64_t radius_um = (int64_t)arc->radius_mm * UM;
    int64_t x =
        arc->x_um + radius_um * trig_slot_cos(slot) / TRIG_ONE - (int64_t)model->sonar_x_mm * UM;
    int64_t y = arc->y_um + radius_um * trig_slot_sin(slot) / TRIG_ONE;

    return absolute(y) * 100 <= x * NARROW &&
           x + arc->extent_um + NEARER_MM * UM < (int64_t)reading_mm * UM;
}

struct gate_arc_part gate_arc_seen_through(const struct gate_arc *arc,
                                           const struct gate_model *model, int32_t reading_mm)
{
    int64_t count = lesser(2 * arc->half_urad / LOOK_URAD + 1, LOOKS_MAX);
    struct gate_arc_part part = {arc->half_urad, arc->half_urad};

    for (int i = 0; i <= count; i++) {
        int64_t offset = 2 * arc->half_urad * i / count - arc->half_urad;

        if (is_seen_through(arc, model, offset, reading_mm)) {
            part.from_urad = lesser(part.from_urad, offset);
            part.to_urad = offset;
        } else if (part.from_urad < offset) {
            break;
        }
    }
    return part;
}

static struct gate_arc arc_between(const struct gate_arc *arc, int64_t from_urad, int64_t to_urad)
{
    struct gate_arc part = *arc;
    int64_t from = greater(-PI_URAD, lesser(from_urad, PI_URAD));

    part.half_urad = lesser(greater((to_urad - from + 1) / 2, 0), PI_URAD);
    part.bearing_urad = wrapped(arc->bearing_urad + from + part.half_urad);
    return part;
}

int gate_arc_cut(const struct gate_arc *arc, const struct gate_arc_part *part,
                 struct gate_arc ret_left[2])
{
    int64_t before = part->from_urad + arc->half_urad, after = arc->half_urad - part->to_urad;
    int count = 0;

    if (before > 0 && after > 0 && lesser(before, after) < SPLIT_URAD) {
        ret_left[0] = *arc;
        return 1;
    }
    if (before > 0) {
        ret_left[count++] = arc_between(arc, -arc->half_urad, part->from_urad);
    }
    if (after > 0) {
        ret_left[count++] = arc_between(arc, part->to_urad, arc->half_urad);
    }
    return count;
}

/* `half`: the angle from the middle of the piece to its ends. */
static void piece_add(const struct gate_arc *arc, int32_t slot, int64_t half_urad, int32_t cap_mm_s,
                      struct gate_boxes *boxes)
{
    int32_t cosine = trig_slot_cos(slot), sine = trig_slot_sin(slot);
    int64_t half = half_urad + SLOT_URAD;
    int64_t inward = arc->deep_um / UM / 2;
    int64_t wide = arc->radius_mm * half / 1000000 + 1;
    int64_t deep = wide * half / 2000000 + inward + 1;
    int64_t extent = arc->extent_um / UM + 4; /* four roundings */
    int32_t radius = arc->radius_mm - (int32_t)inward;
    struct gate_box box = {
        .x_mm = (int32_t)(arc->x_um / UM + radius * cosine / TRIG_ONE),
        .y_mm = (int32_t)(arc->y_um / UM + radius * sine / TRIG_ONE),
        .ex_mm = (int32_t)(extent + (wide * absolute(sine) + deep * absolute(cosine)) / TRIG_ONE),
        .ey_mm = (int32_t)(extent + (wide * absolute(cosine) + deep * absolute(sine)) / TRIG_ONE),
        .cap_mm_s = cap_mm_s,
        .reason = REASON_SONAR_NEAR,
    };

    gate_boxes_add(boxes, &box);
}

void gate_arc_add(const struct gate_arc *arc, const struct gate_model *model,
                  struct gate_boxes *boxes)
{
    int32_t cap_mm_s = arc->extent_um > DOUBTFUL_UM ? model->creep_mm_s : 0;
    int64_t count = lesser(2 * arc->half_urad / PIECE_URAD + 1, GATE_ARC_PIECES);
    int64_t half = arc->half_urad / count + 1;

    for (int i = 0; i < count; i++) {
        int64_t middle_urad = arc->bearing_urad + (2 * i + 1 - count) * half;

        piece_add(arc, slot_of(middle_urad), half, cap_mm_s, boxes);
    }
}
