/* See gate_motion.h.
 *
 * The stopping motion is a screw: displacement and angle, the chord rotated by half the angle. Seen
 * from the car a fixed thing goes from where it is to where it is seen from the end, on an arc; the
 * hull is inflated by how far the arc may be from its chord, so that a straight segment is enough.
 *
 * Does a segment, from the box seen at the start to the box seen at the end, come into a rectangle,
 * the hull inflated by margins and by the box's extents? By separating axes: not if both ends lie
 * beyond the same side, and not if the rectangle lies on one side of the segment's line, which is a
 * cross product against the sum of the extents. All in doubled units, because the centre of the
 * hull may lie between two millimetres. Touching the rectangle's side is no hit, touching its
 * corner is.
 *
 * What is within the margin already is another case. At speed it is a hit. At creep speed it is one
 * only if one of the gaps that it has shrinks: so the way back is always open, and a car that was
 * pushed against a chair can leave. A blur that reaches into the bare hull has no gap; then the
 * largest one, the way in which it is nearest to being outside, counts.
 */
#include "safety/gate_motion.h"

#include "safety/trig.h"

#define SIDES 4

static int32_t absolute(int32_t value)
{
    return value < 0 ? -value : value;
}

static int32_t lesser(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static int32_t greater(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

/* value * q14, rounded to the nearest; exact for an angle of 0. */
static int32_t scaled(int32_t value, int32_t q14)
{
    int32_t product = value * q14;

    return (product + (product < 0 ? -TRIG_ONE / 2 : TRIG_ONE / 2)) / TRIG_ONE;
}

/* `part` of `whole` of a value, rounded up. */
static int32_t share(int32_t value, int32_t part, int32_t whole)
{
    return (value * part + whole - 1) / whole;
}

/* Displacement of one axis with its sign; clears `ok` when there is none. */
static int32_t travel(const struct gate_model *model, enum gate_axis axis, int32_t speed, bool *ok)
{
    int32_t size = gate_model_stop(model, axis, speed == INT32_MIN ? INT32_MAX : absolute(speed));

    if (size < 0 || size > GATE_TRAVEL_MAX) {
        *ok = false;
        return 0;
    }
    return speed < 0 ? -size : size;
}

/* How far a thing near the hull may be off the chord of its arc. Every axis brakes on its own, so
 * the screw is not perfect either: a quarter of length times angle instead of an eighth. */
static int32_t deviation(const struct gate_model *model, int32_t dx, int32_t dy, int32_t angle)
{
    int32_t radius = greater(model->front_mm, model->rear_mm) + model->half_width_mm;
    int32_t turn = absolute(angle);

    if (turn == 0) {
        return 0;
    }
    return share(absolute(dx) + absolute(dy) + share(radius, turn, 1000), turn, 4000) + 1;
}

/* More room on the side that the car goes to: half a millimetre for each mm/s, up to the margin. */
static int32_t ahead(const struct gate_model *model, int32_t speed)
{
    return speed <= 0 ? 0 : lesser(model->margin_ahead_mm, (speed + 1) / 2);
}

static void inflate(struct gate_motion *motion, const struct gate_model *model,
                    const struct twist *twist, int32_t room, bool look_ahead)
{
    int32_t x = look_ahead ? twist->vx_mm_s : 0;
    int32_t y = look_ahead ? twist->vy_mm_s : 0;

    motion->bare = (struct gate_rectangle){-model->rear_mm, model->front_mm, -model->half_width_mm,
                                           model->half_width_mm};
    motion->hull.min_x = motion->bare.min_x - room - ahead(model, -x);
    motion->hull.max_x = motion->bare.max_x + room + ahead(model, x);
    motion->hull.min_y = motion->bare.min_y - room - ahead(model, -y);
    motion->hull.max_y = motion->bare.max_y + room + ahead(model, y);
}

/* The half extent of a box that is turned: of its own side and of what the other one adds. */
static int32_t turned(int32_t own, int32_t other, int32_t spread)
{
    return own + share(other, spread, TRIG_ONE);
}

static void sweep(struct gate_motion *motion)
{
    const struct gate_rectangle *hull = &motion->hull;
    int32_t by_x = turned(0, greater(-hull->min_y, hull->max_y), motion->spread);
    int32_t by_y = turned(0, greater(-hull->min_x, hull->max_x), motion->spread);

    motion->swept.min_x = hull->min_x + lesser(motion->dx_mm, 0) - by_x;
    motion->swept.max_x = hull->max_x + greater(motion->dx_mm, 0) + by_x;
    motion->swept.min_y = hull->min_y + lesser(motion->dy_mm, 0) - by_y;
    motion->swept.max_y = hull->max_y + greater(motion->dy_mm, 0) + by_y;
}

void gate_motion_init(struct gate_motion *motion, const struct gate_model *model,
                      const struct twist *twist, enum gate_margin margin)
{
    bool ok = true;
    int32_t x = travel(model, GATE_FORWARD, twist->vx_mm_s, &ok);
    int32_t y = travel(model, GATE_STRAFE, twist->vy_mm_s, &ok);
    int32_t angle = travel(model, GATE_TURN, twist->wz_mrad_s, &ok);
    int32_t room, half_cosine, half_sine;

    *motion = (struct gate_motion){.rim_mm_s = gate_model_rim(model, twist)};
    motion->endless = !ok;
    if (!ok) {
        return;
    }
    motion->slow = motion->rim_mm_s <= model->creep_mm_s;
    room = motion->slow ? model->margin_creep_mm : model->margin_fast_mm;
    if (margin == GATE_MARGIN_STARTING) {
        room += model->margin_start_mm;
    } else if (margin == GATE_MARGIN_COASTING) {
        room = model->margin_coast_mm;
    }
    room += deviation(model, x, y, angle);
    half_cosine = trig_cos(angle / 2);
    half_sine = trig_sin(angle / 2);
    motion->cosine = trig_cos(angle);
    motion->sine = trig_sin(angle);
    motion->spread = absolute(motion->sine);
    motion->dx_mm = scaled(x, half_cosine) - scaled(y, half_sine);
    motion->dy_mm = scaled(y, half_cosine) + scaled(x, half_sine);
    inflate(motion, model, twist, room, margin != GATE_MARGIN_COASTING);
    sweep(motion);
}

/* The distance from each side of the bare hull to the box; negative: not beyond that side. */
static void gaps(const struct gate_rectangle *bare, const struct gate_box *box, int32_t gap[SIDES])
{
    gap[0] = box->x_mm - box->ex_mm - bare->max_x;
    gap[1] = bare->min_x - box->x_mm - box->ex_mm;
    gap[2] = box->y_mm - box->ey_mm - bare->max_y;
    gap[3] = bare->min_y - box->y_mm - box->ey_mm;
}

static bool shrinks(int32_t before, int32_t after, int32_t least)
{
    return before >= least && after < before;
}

static bool gap_shrinks(const struct gate_rectangle *bare, const struct gate_box *start,
                        const struct gate_box *end)
{
    int32_t before[SIDES], after[SIDES];
    int32_t least; /* a gap of this size is one that counts */

    gaps(bare, start, before);
    gaps(bare, end, after);
    least = greater(greater(before[0], before[1]), greater(before[2], before[3]));
    least = lesser(least, 0);
    return shrinks(before[0], after[0], least) || shrinks(before[1], after[1], least) ||
           shrinks(before[2], after[2], least) || shrinks(before[3], after[3], least);
}

static int64_t product(int32_t a, int32_t b)
{
    return (int64_t)a * b;
}

/* Whether both ends of a segment lie beyond the same side of what reaches `half` from 0. */
static bool is_beyond(int32_t from, int32_t to, int32_t half)
{
    return (from >= half && to >= half) || (from <= -half && to <= -half);
}

/* Whether the line through (x, y) along (dx, dy) passes a rectangle around 0 on one side. */
static bool is_beside(int32_t x, int32_t y, int32_t dx, int32_t dy, int32_t half_x, int32_t half_y)
{
    int64_t cross = product(x, dy) - product(y, dx);
    int64_t reach = product(half_x, absolute(dy)) + product(half_y, absolute(dx));

    return cross > reach || cross < -reach;
}

/* The segment between the centres of two boxes of the same size against the hull grown by it. */
static bool segment_meets(const struct gate_rectangle *hull, const struct gate_box *start,
                          const struct gate_box *end)
{
    int32_t centre_x = hull->min_x + hull->max_x, centre_y = hull->min_y + hull->max_y;
    int32_t half_x = hull->max_x - hull->min_x + 2 * start->ex_mm;
    int32_t half_y = hull->max_y - hull->min_y + 2 * start->ey_mm;
    int32_t x0 = 2 * start->x_mm - centre_x, y0 = 2 * start->y_mm - centre_y;
    int32_t x1 = 2 * end->x_mm - centre_x, y1 = 2 * end->y_mm - centre_y;

    return !is_beyond(x0, x1, half_x) && !is_beyond(y0, y1, half_y) &&
           !is_beside(x0, y0, x1 - x0, y1 - y0, half_x, half_y);
}

bool gate_motion_meets(const struct gate_motion *motion, const struct gate_box *box)
{
    struct gate_box start = *box, end = *box;
    int32_t x = box->x_mm - motion->dx_mm, y = box->y_mm - motion->dy_mm;

    start.ex_mm = turned(box->ex_mm, box->ey_mm, motion->spread);
    start.ey_mm = turned(box->ey_mm, box->ex_mm, motion->spread);
    end.ex_mm = start.ex_mm;
    end.ey_mm = start.ey_mm;
    end.x_mm = scaled(x, motion->cosine) + scaled(y, motion->sine);
    end.y_mm = scaled(y, motion->cosine) - scaled(x, motion->sine);
    if (motion->slow && gate_rectangle_overlaps(&motion->hull, &start)) {
        return gap_shrinks(&motion->bare, &start, &end);
    }
    return segment_meets(&motion->hull, &start, &end);
}
