/* Theorem 3, and 5 for the motion: shown by Frama-C's WP, over mathematical integers.
 *
 * 3: for a motion without a turn and a point box, gate_motion_hits holds whenever some position
 * along the straight line of the motion puts the point strictly inside the inflated hull. Pre: the
 * coordinates within +-GATE_COORDINATE_MAX, each way within +-2000 mm, a hull within +-HULL_MM, and
 * either a fast motion or a point outside the inflated hull at the start: at creep speed what is
 * within the margin already is judged by whether a gap shrinks (gate_motion.h). The position is the
 * fraction n / m of the way: what is strictly inside stays so at some fraction nearby.
 *
 * 5: for every twist, and every box within the ranges of gate_motion.h, nothing here overflows,
 * shifts or divides wrongly; the motion that gate_motion_init makes is one that the rest is shown
 * for.
 *
 * The contracts come first and the code is read in below them, so that it carries none. What is
 * named theorem_* or lemma_* is never run; its assertions are the steps of a proof.
 */
#include "safety/gate_motion.h"
#include "tests/proof/contracts.h"

#define HULL_MM  3000
#define SWEPT_MM 8000

/*@ predicate beyond(integer from, integer to, integer half) =
        (from >= half && to >= half) || (from <= -half && to <= -half);

    predicate beside(integer x, integer y, integer dx, integer dy, integer hx, integer hy) =
        x * dy - y * dx > hx * size(dy) + hy * size(dx) ||
        x * dy - y * dx < -(hx * size(dy) + hy * size(dx));

    predicate meets(integer x0, integer y0, integer x1, integer y1, integer hx, integer hy) =
        !beyond(x0, x1, hx) && !beyond(y0, y1, hy) && !beside(x0, y0, x1 - x0, y1 - y0, hx, hy);

    predicate rectangle(struct gate_rectangle r, integer most) =
        -most <= r.min_x <= r.max_x <= most && -most <= r.min_y <= r.max_y <= most;

    predicate box(struct gate_box b, integer most, integer extent) =
        -most <= b.x_mm <= most && -most <= b.y_mm <= most &&
        0 <= b.ex_mm <= extent && 0 <= b.ey_mm <= extent;

    predicate motion(struct gate_motion m) =
        -2 * GATE_TRAVEL_MAX <= m.dx_mm <= 2 * GATE_TRAVEL_MAX &&
        -2 * GATE_TRAVEL_MAX <= m.dy_mm <= 2 * GATE_TRAVEL_MAX &&
        unit(m.cosine) && unit(m.sine) && 0 <= m.spread <= TRIG_ONE &&
        rectangle(m.bare, HULL_MM) && rectangle(m.hull, HULL_MM) &&
        rectangle(m.swept, SWEPT_MM);

    predicate translation(struct gate_motion m) =
        m.cosine == TRIG_ONE && m.sine == 0 && m.spread == 0;

    predicate sweeps(struct gate_motion m) =
        m.swept.min_x <= m.hull.min_x && m.swept.min_x <= m.hull.min_x + m.dx_mm &&
        m.swept.max_x >= m.hull.max_x && m.swept.max_x >= m.hull.max_x + m.dx_mm &&
        m.swept.min_y <= m.hull.min_y && m.swept.min_y <= m.hull.min_y + m.dy_mm &&
        m.swept.max_y >= m.hull.max_y && m.swept.max_y >= m.hull.max_y + m.dy_mm;

    predicate straight(struct gate_motion m, struct gate_box b) =
        translation(m) && b.ex_mm == 0 && b.ey_mm == 0 &&
        (m.slow == 0 || b.x_mm <= m.hull.min_x || b.x_mm >= m.hull.max_x ||
         b.y_mm <= m.hull.min_y || b.y_mm >= m.hull.max_y);

    predicate comes_in(struct gate_motion m, struct gate_box b) =
        meets(2 * b.x_mm - m.hull.min_x - m.hull.max_x, 2 * b.y_mm - m.hull.min_y - m.hull.max_y,
              2 * (b.x_mm - m.dx_mm) - m.hull.min_x - m.hull.max_x,
              2 * (b.y_mm - m.dy_mm) - m.hull.min_y - m.hull.max_y,
              m.hull.max_x - m.hull.min_x, m.hull.max_y - m.hull.min_y);

    predicate overlaps(struct gate_rectangle r, struct gate_box b) =
        b.x_mm + b.ex_mm > r.min_x && b.x_mm - b.ex_mm < r.max_x &&
        b.y_mm + b.ey_mm > r.min_y && b.y_mm - b.ey_mm < r.max_y;
*/

/*@ requires value > INT32_MIN;
    assigns \nothing;
    ensures \result == size(value); */
static int32_t absolute(int32_t value);

/*@ assigns \nothing;
    ensures \result == (a < b ? a : b); */
static int32_t lesser(int32_t a, int32_t b);

/*@ assigns \nothing;
    ensures \result == (a > b ? a : b); */
static int32_t greater(int32_t a, int32_t b);

/*@ requires -62000 <= value <= 62000 && unit(q14);
    assigns \nothing;
    ensures -size(value) <= \result <= size(value);
    ensures q14 == TRIG_ONE ==> \result == value;
    ensures q14 == 0 ==> \result == 0; */
static int32_t scaled(int32_t value, int32_t q14);

/*@ requires 0 <= value <= GATE_EXTENT_MAX && 0 <= part <= whole <= TRIG_ONE && 1 <= whole;
    assigns \nothing;
    ensures 0 <= \result <= value;
    ensures part == 0 ==> \result == 0; */
static int32_t share(int32_t value, int32_t part, int32_t whole);

/*@ requires 0 <= own <= GATE_EXTENT_MAX && 0 <= other <= GATE_EXTENT_MAX;
    requires 0 <= spread <= TRIG_ONE;
    assigns \nothing;
    ensures own <= \result <= own + other;
    ensures spread == 0 ==> \result == own; */
static int32_t turned(int32_t own, int32_t other, int32_t spread);

/*@ requires -600000 <= a <= 600000 && -600000 <= b <= 600000;
    assigns \nothing;
    ensures \result == a * b;
    ensures -360000000000 <= \result <= 360000000000; */
static int64_t product(int32_t a, int32_t b);

/*@ requires half >= 0;
    assigns \nothing;
    ensures \result == 1 <==> beyond(from, to, half); */
static bool is_beyond(int32_t from, int32_t to, int32_t half);

/*@ requires -600000 <= x <= 600000 && -600000 <= y <= 600000;
    requires -600000 <= dx <= 600000 && -600000 <= dy <= 600000;
    requires 0 <= half_x <= 600000 && 0 <= half_y <= 600000;
    assigns \nothing;
    ensures \result == 1 <==> beside(x, y, dx, dy, half_x, half_y); */
static bool is_beside(int32_t x, int32_t y, int32_t dx, int32_t dy, int32_t half_x, int32_t half_y);

/*@ requires \valid_read(hull) && \valid_read(start) && \valid_read(end);
    requires rectangle(*hull, HULL_MM);
    requires box(*start, 124000, 2 * GATE_EXTENT_MAX) && box(*end, 124000, 2 * GATE_EXTENT_MAX);
    assigns \nothing;
    ensures \result == 1 <==> meets(
        2 * start->x_mm - hull->min_x - hull->max_x, 2 * start->y_mm - hull->min_y - hull->max_y,
        2 * end->x_mm - hull->min_x - hull->max_x, 2 * end->y_mm - hull->min_y - hull->max_y,
        hull->max_x - hull->min_x + 2 * start->ex_mm, hull->max_y - hull->min_y + 2 * start->ey_mm);
*/
static bool segment_meets(const struct gate_rectangle *hull, const struct gate_box *start,
                          const struct gate_box *end);

/*@ requires \valid_read(bare) && \valid_read(box) && \valid(gap + (0 .. 3));
    requires rectangle(*bare, HULL_MM) && box(*box, 124000, 2 * GATE_EXTENT_MAX);
    requires \separated(bare, gap + (0 .. 3)) && \separated(box, gap + (0 .. 3));
    assigns gap[0 .. 3];
    ensures \forall integer i; 0 <= i < 4 ==> -400000 <= gap[i] <= 400000; */
static void gaps(const struct gate_rectangle *bare, const struct gate_box *box, int32_t gap[4]);

/*@ requires \valid_read(bare) && \valid_read(start) && \valid_read(end);
    requires rectangle(*bare, HULL_MM);
    requires box(*start, 124000, 2 * GATE_EXTENT_MAX) && box(*end, 124000, 2 * GATE_EXTENT_MAX);
    assigns \nothing; */
static bool gap_shrinks(const struct gate_rectangle *bare, const struct gate_box *start,
                        const struct gate_box *end);

/*@ assigns \nothing; */
static bool shrinks(int32_t before, int32_t after, int32_t least);

/*@ requires \valid_read(rectangle) && \valid_read(box);
    requires rectangle(*rectangle, SWEPT_MM) && box(*box, 124000, 2 * GATE_EXTENT_MAX);
    assigns \nothing;
    ensures \result == 1 <==> overlaps(*rectangle, *box); */
static inline bool gate_rectangle_overlaps(const struct gate_rectangle *rectangle,
                                           const struct gate_box *box);

/*@ requires \valid_read(motion) && \valid_read(box);
    requires motion(*motion) && box(*box, GATE_COORDINATE_MAX, GATE_EXTENT_MAX);
    assigns \nothing;
    ensures straight(*motion, *box) ==> (\result == 1 <==> comes_in(*motion, *box)); */
bool gate_motion_meets(const struct gate_motion *motion, const struct gate_box *box);

/*@ requires \valid_read(model) && \valid(ok) && \separated(model, ok) && model(*model);
    requires 0 <= axis < GATE_AXES;
    assigns *ok;
    ensures -GATE_TRAVEL_MAX <= \result <= GATE_TRAVEL_MAX;
    ensures *ok == 0 || (*ok == \old(*ok) && -SPEED_MAX <= speed <= SPEED_MAX);*/
static int32_t travel(const struct gate_model *model, enum gate_axis axis, int32_t speed, bool *ok);

/*@ requires \valid_read(model) && model(*model);
    requires -GATE_TRAVEL_MAX <= dx <= GATE_TRAVEL_MAX;
    requires -GATE_TRAVEL_MAX <= dy <= GATE_TRAVEL_MAX;
    requires -GATE_TRAVEL_MAX <= angle <= GATE_TRAVEL_MAX;
    assigns \nothing;
    ensures 0 <= \result <= 2401; */
static int32_t deviation(const struct gate_model *model, int32_t dx, int32_t dy, int32_t angle);

/*@ requires \valid_read(model) && model(*model) && speed < INT32_MAX;
    assigns \nothing;
    ensures 0 <= \result <= 50; */
static int32_t ahead(const struct gate_model *model, int32_t speed);

/*@ requires \valid(motion) && \valid_read(model) && \valid_read(twist);
    requires \separated(motion, model) && \separated(motion, twist);
    requires model(*model) && 0 <= room <= 2700;
    requires -SPEED_MAX <= twist->vx_mm_s <= SPEED_MAX && -SPEED_MAX <= twist->vy_mm_s <= SPEED_MAX;
    assigns motion->bare, motion->hull;
    ensures rectangle(motion->bare, HULL_MM) && rectangle(motion->hull, HULL_MM);
    ensures motion->hull.min_x <= 0 <= motion->hull.max_x;
    ensures motion->hull.min_y <= 0 <= motion->hull.max_y; */
static void inflate(struct gate_motion *motion, const struct gate_model *model,
                    const struct twist *twist, int32_t room, bool look_ahead);

/*@ requires \valid(motion) && rectangle(motion->hull, HULL_MM);
    requires motion->hull.min_x <= 0 <= motion->hull.max_x;
    requires motion->hull.min_y <= 0 <= motion->hull.max_y;
    requires -2 * GATE_TRAVEL_MAX <= motion->dx_mm <= 2 * GATE_TRAVEL_MAX;
    requires -2 * GATE_TRAVEL_MAX <= motion->dy_mm <= 2 * GATE_TRAVEL_MAX;
    requires 0 <= motion->spread <= TRIG_ONE;
    assigns motion->swept;
    ensures rectangle(motion->swept, SWEPT_MM) && sweeps(*motion); */
static void sweep(struct gate_motion *motion);

/*@ requires \valid(motion) && \valid_read(model) && \valid_read(twist);
    requires \separated(motion, model) && \separated(motion, twist) && model(*model);
    assigns *motion;
    ensures motion->endless == 0 ==> motion(*motion) && sweeps(*motion); */
void gate_motion_init(struct gate_motion *motion, const struct gate_model *model,
                      const struct twist *twist, enum gate_margin margin);

/*@ requires \valid_read(motion) && \valid_read(box);
    requires motion(*motion) && box(*box, GATE_COORDINATE_MAX, GATE_EXTENT_MAX);
    assigns \nothing;
    ensures straight(*motion, *box) && overlaps(motion->swept, *box) &&
        comes_in(*motion, *box) ==> \result == 1; */
static inline bool gate_motion_hits(const struct gate_motion *motion, const struct gate_box *box);

/*@ requires \valid_read(box);
    assigns \nothing; */
static inline bool gate_box_counts(const struct gate_box *box, int32_t rim_mm_s);

#include "safety/gate_motion.c"

/*@ requires 0 <= n <= m && 0 < m;
    requires -m * half < (m - n) * from + n * to < m * half;
    assigns \nothing;
    ensures !beyond(from, to, half); */
static void lemma_not_beyond(int from, int to, int half, int n, int m)
{
    /*@ assert from >= half ==> (m - n) * from >= (m - n) * half; */
    /*@ assert to >= half ==> n * to >= n * half; */
    /*@ assert from <= -half ==> (m - n) * from <= (m - n) * -half; */
    /*@ assert to <= -half ==> n * to <= n * -half; */
}

/*@ requires 0 <= n <= m && 0 < m;
    assigns \nothing;
    ensures way >= 0 ==> 0 <= n * way <= m * way;
    ensures way < 0 ==> m * way <= n * way <= 0; */
static void lemma_on_the_way(int way, int n, int m)
{
}

/*@ requires 0 <= n <= m && 0 < m;
    requires -m * hx < m * x + n * dx < m * hx;
    requires -m * hy < m * y + n * dy < m * hy;
    assigns \nothing;
    ensures !beside(x, y, dx, dy, hx, hy); */
static void lemma_not_beside(int x, int y, int dx, int dy, int hx, int hy, int n, int m)
{
    /*@ assert (m * x + n * dx) * dy - (m * y + n * dy) * dx == m * (x * dy - y * dx); */
    /*@ assert -(m * (hx * size(dy))) <= (m * x + n * dx) * dy <= m * (hx * size(dy)); */
    /*@ assert -(m * (hy * size(dx))) <= (m * y + n * dy) * dx <= m * (hy * size(dx)); */
    /*@ assert -(m * (hx * size(dy) + hy * size(dx))) <= m * (x * dy - y * dx) <=
               m * (hx * size(dy) + hy * size(dx)); */
}

/*@ requires \valid_read(motion) && \valid_read(box);
    requires motion(*motion) && sweeps(*motion) && straight(*motion, *box);
    requires box(*box, GATE_COORDINATE_MAX, 0);
    requires 0 <= n <= m && 0 < m <= 1000000;
    requires m * motion->hull.min_x < m * box->x_mm - n * motion->dx_mm < m * motion->hull.max_x;
    requires m * motion->hull.min_y < m * box->y_mm - n * motion->dy_mm < m * motion->hull.max_y;
    assigns \nothing;
    ensures \result == 1; */
static bool theorem_3(const struct gate_motion *motion, const struct gate_box *box, int n, int m)
{
    int hx = motion->hull.max_x - motion->hull.min_x, hy = motion->hull.max_y - motion->hull.min_y;
    int x = 2 * box->x_mm - motion->hull.min_x - motion->hull.max_x;
    int y = 2 * box->y_mm - motion->hull.min_y - motion->hull.max_y;
    int dx = -2 * motion->dx_mm, dy = -2 * motion->dy_mm;

    lemma_not_beyond(x, x + dx, hx, n, m);
    lemma_not_beyond(y, y + dy, hy, n, m);
    lemma_not_beside(x, y, dx, dy, hx, hy, n, m);
    lemma_on_the_way(motion->dx_mm, n, m);
    lemma_on_the_way(motion->dy_mm, n, m);
    /*@ assert comes_in(*motion, *box); */
    /*@ assert m * (box->x_mm - motion->swept.min_x) > 0; */
    /*@ assert m * (motion->swept.max_x - box->x_mm) > 0; */
    /*@ assert m * (box->y_mm - motion->swept.min_y) > 0; */
    /*@ assert m * (motion->swept.max_y - box->y_mm) > 0; */
    /*@ assert overlaps(motion->swept, *box); */
    return gate_motion_hits(motion, box);
}
