/* Something that the sonar saw, as an arc: made, moved, covered with boxes and cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "safety/gate_arc.h"

#define DEGREE 17453

static struct gate_model model;
static struct gate_boxes boxes;
static const struct gate_age now = {.cosine = TRIG_ONE};

static int setup(void **state)
{
    (void)state;
    gate_model_init(&model, NULL);
    boxes.count = 0;
    return 0;
}

/* A step without doubt: um, um, urad. */
static struct gate_sums step_of(int64_t forward, int64_t strafe, int64_t turn)
{
    return (struct gate_sums){
        .time_ms = 10, .lo = {forward, strafe, turn}, .hi = {forward, strafe, turn}};
}

static bool is_covered(double x, double y)
{
    for (int i = 0; i < boxes.count; i++) {
        const struct gate_box *box = &boxes.list[i];

        if (fabs(x - box->x_mm) <= box->ex_mm && fabs(y - box->y_mm) <= box->ey_mm) {
            return true;
        }
    }
    return false;
}

static void cover(const struct gate_arc *arc)
{
    boxes.count = 0;
    gate_arc_add(arc, &model, &boxes);
}

static void reading_is_an_arc_across_the_cone(void **state)
{
    struct gate_arc arc = gate_arc_make(&model, 400, &now);

    (void)state;
    cover(&arc);
    for (int degree = -15; degree <= 15; degree++) {
        double angle = degree * M_PI / 180;

        assert_true(is_covered(90 + 400 * cos(angle), 400 * sin(angle)));
        assert_false(is_covered(90 + 300 * cos(angle), 300 * sin(angle)));
        assert_false(is_covered(90 + 520 * cos(angle), 520 * sin(angle)));
    }
    assert_false(is_covered(90, 400));
}

static void near_reading_is_as_wide_as_the_sonar(void **state)
{
    struct gate_arc arc = gate_arc_make(&model, 1, &now);

    (void)state;
    assert_int_equal(arc.half_urad, 3141593);
    arc = gate_arc_make(&model, 100, &now);
    assert_int_equal(arc.half_urad, 400000);
}

/* The car turned left meanwhile, so it is on the right by now. */
static void aged_reading_is_turned_and_moved_back(void **state)
{
    struct gate_age age = {.cosine = 16026, .sine = 3406, .x_mm = 30, .y_mm = 5, .blur_q10 = 20};
    struct gate_arc arc = gate_arc_make(&model, 500, &age);

    (void)state;
    assert_in_range(-arc.bearing_urad, 208000, 210000); /* asin(3406 / 16384) = 0.2094 */
    assert_in_range(arc.x_um, 57000, 59000);
    assert_in_range(-arc.y_um, 22000, 24000);
    assert_true(arc.half_urad > 263700 + 20000);
}

static void turning_keeps_the_distance(void **state)
{
    struct gate_arc arc = gate_arc_make(&model, 500, &now);
    const struct gate_sums step = {.time_ms = 10, .lo = {0, 0, 8000}, .hi = {0, 0, 12000}};

    (void)state;
    for (int i = 0; i < 157; i++) {
        gate_arc_move(&arc, &step);
    }
    assert_in_range(-arc.bearing_urad, 1560000, 1580000);
    assert_in_range(-arc.y_um, 85000, 95000); /* the sonar was 90 mm ahead of the centre */
    assert_in_range(arc.half_urad, 263700 + 157 * 2000, 263700 + 157 * 2002);
    assert_in_range(arc.extent_um, 41000, 80000);
    cover(&arc);
    assert_true(is_covered(0, -90 - 520));
    for (int degree = 0; degree < 360; degree++) {
        assert_false(is_covered(300 * cos(degree * M_PI / 180), 300 * sin(degree * M_PI / 180)));
    }
}

static void turning_round_and_round_ends_as_a_circle(void **state)
{
    struct gate_arc arc = gate_arc_make(&model, 500, &now);
    const struct gate_sums step = {.time_ms = 10, .lo = {0, 0, -24000}, .hi = {0, 0, -16000}};

    (void)state;
    for (int i = 0; i < 1000; i++) {
        gate_arc_move(&arc, &step);
        assert_in_range(arc.bearing_urad + 3141593, 0, 2 * 3141593);
    }
    assert_int_equal(arc.half_urad, 3141593);
    cover(&arc);
    assert_int_equal(boxes.count, GATE_ARC_PIECES);
    for (int degree = 0; degree < 360; degree++) {
        double angle = degree * M_PI / 180;

        assert_true(is_covered((double)arc.x_um / 1000 + 520 * cos(angle),
                               (double)arc.y_um / 1000 + 520 * sin(angle)));
    }
}

static void driving_brings_it_nearer(void **state)
{
    struct gate_arc arc = gate_arc_make(&model, 500, &now);
    const struct gate_sums step = step_of(3000, 1000, 0);

    (void)state;
    for (int i = 0; i < 100; i++) {
        gate_arc_move(&arc, &step);
    }
    assert_int_equal(arc.x_um, 90000 - 300000);
    assert_int_equal(arc.y_um, -100000);
    assert_in_range(arc.extent_um, 41000, 42000);
}

/* Along a circle of half a metre: back at the start after one turn, to a few millimetres. */
static void driving_a_circle_comes_back(void **state)
{
    struct gate_arc arc = gate_arc_make(&model, 500, &now);
    const struct gate_sums step = step_of(5000, 0, 10000);

    (void)state;
    for (int i = 0; i < 628; i++) {
        gate_arc_move(&arc, &step);
    }
    assert_in_range(arc.x_um, 90000 - 4000, 90000 + 4000);
    assert_in_range(arc.y_um + 10000, 6000, 14000);
    assert_in_range(arc.bearing_urad + 10000, 8000, 15000);
}

static void doubt_grows_with_what_is_open(void **state)
{
    struct gate_arc arc = gate_arc_make(&model, 500, &now);
    const struct gate_sums step = {.time_ms = 10, .lo = {2000, -500, 0}, .hi = {4000, 500, 0}};
    int64_t before = arc.extent_um;

    (void)state;
    gate_arc_move(&arc, &step);
    assert_in_range(arc.extent_um - before, 1118, 1400); /* hypot(1000, 500) and roundings */
    for (int i = 0; i < 5000; i++) {
        gate_arc_move(&arc, &step);
    }
    assert_int_equal(arc.extent_um, 2000000);
    assert_int_equal(arc.x_um, -10000000);
}

static void after_a_gap_it_may_be_anywhere(void **state)
{
    struct gate_arc arc = gate_arc_make(&model, 500, &now);
    struct gate_sums step = step_of(0, 0, 0);

    (void)state;
    step.time_ms = 499;
    gate_arc_move(&arc, &step);
    assert_true(arc.extent_um < 100000);
    step.time_ms = 500;
    gate_arc_move(&arc, &step);
    assert_int_equal(arc.extent_um, 2000000);
    assert_int_equal(arc.half_urad, 3141593);
}

static void doubtful_things_let_the_car_creep(void **state)
{
    struct gate_arc arc = gate_arc_make(&model, 500, &now);

    (void)state;
    arc.extent_um = 100000;
    cover(&arc);
    assert_int_equal(boxes.list[0].cap_mm_s, 0);
    arc.extent_um = 100001;
    cover(&arc);
    assert_int_equal(boxes.list[0].cap_mm_s, model.creep_mm_s);
}

static void same_is_on_the_same_bearing_as_far_away(void **state)
{
    const struct gate_arc held = gate_arc_make(&model, 500, &now);
    struct gate_arc seen = gate_arc_make(&model, 650, &now);

    (void)state;
    assert_true(gate_arc_is_same(&held, &seen));
    seen = gate_arc_make(&model, 651, &now);
    assert_false(gate_arc_is_same(&held, &seen));
    seen = gate_arc_make(&model, 349, &now);
    assert_false(gate_arc_is_same(&held, &seen));
    seen = held;
    seen.bearing_urad = 2 * 263700 - 1;
    assert_true(gate_arc_is_same(&held, &seen));
    seen.bearing_urad = -2 * 263700;
    assert_false(gate_arc_is_same(&held, &seen));
    seen = held;
    seen.y_um = 150001;
    assert_false(gate_arc_is_same(&held, &seen));
}

/* As along a pane that is met aslant: always as far ahead, while the car drives. */
static void receding_thing_keeps_what_was_nearer(void **state)
{
    const struct gate_sums step = step_of(12000, 0, 0);
    struct gate_arc arc = gate_arc_make(&model, 400, &now), seen = arc;

    (void)state;
    for (int i = 0; i < 5; i++) {
        gate_arc_move(&arc, &step);
        gate_arc_renew(&arc, &seen);
        assert_int_equal(arc.x_um, seen.x_um);
    }
    assert_in_range(arc.deep_um, 59000, 60000);
    cover(&arc);
    for (int mm = 440; mm <= 510; mm++) {
        assert_true(is_covered(mm, 0));
    }
    assert_false(is_covered(380, 0));
    for (int i = 0; i < 20; i++) {
        gate_arc_move(&arc, &step);
        gate_arc_renew(&arc, &seen);
    }
    assert_int_equal(arc.deep_um, 150000);
}

/* What stood in the way is gone, or the car drove away and looks at another thing. */
static void thing_that_recedes_before_a_resting_car_is_no_deeper(void **state)
{
    struct gate_arc arc = gate_arc_make(&model, 400, &now), seen = gate_arc_make(&model, 450, &now);
    const struct gate_sums back = step_of(-12000, 0, 0);

    (void)state;
    gate_arc_renew(&arc, &seen);
    assert_int_equal(arc.deep_um, 0);
    gate_arc_move(&arc, &back);
    seen.radius_mm += 50;
    gate_arc_renew(&arc, &seen);
    assert_int_equal(arc.deep_um, 0);
}

static void approached_thing_is_no_deeper(void **state)
{
    const struct gate_sums step = {.time_ms = 50, .lo = {9000, 0, 0}, .hi = {13000, 0, 0}};
    struct gate_arc arc = gate_arc_make(&model, 400, &now), seen = arc;

    (void)state;
    gate_arc_move(&arc, &step);
    seen.radius_mm -= 10; /* a little less than half way between the bounds */
    gate_arc_renew(&arc, &seen);
    assert_int_equal(arc.deep_um, 0);
    arc.deep_um = 30000;
    seen.radius_mm -= 20; /* nearer by itself */
    gate_arc_renew(&arc, &seen);
    assert_int_equal(arc.deep_um, 10000);
    seen.radius_mm -= 20;
    gate_arc_renew(&arc, &seen);
    assert_int_equal(arc.deep_um, 0);
}

static void echo_from_behind_passed_the_middle_of_the_cone(void **state)
{
    struct gate_arc arc = gate_arc_make(&model, 500, &now);
    struct gate_arc_part part = gate_arc_seen_through(&arc, &model, 1500);

    (void)state;
    assert_in_range(part.to_urad, 7 * DEGREE, 9 * DEGREE); /* atan 0.15 = 8.5 degrees */
    assert_in_range(-part.from_urad, 7 * DEGREE, 9 * DEGREE);
    part = gate_arc_seen_through(&arc, &model, 590);
    assert_true(part.from_urad >= part.to_urad);
    arc.bearing_urad = 10 * DEGREE; /* its right end is in the cone */
    part = gate_arc_seen_through(&arc, &model, 1500);
    assert_int_equal(part.from_urad, -arc.half_urad);
    assert_in_range(-part.to_urad, 0, 3 * DEGREE);
    arc.bearing_urad = 30 * DEGREE;
    part = gate_arc_seen_through(&arc, &model, 1500);
    assert_true(part.from_urad >= part.to_urad);
    arc.bearing_urad = 180 * DEGREE; /* behind the car */
    part = gate_arc_seen_through(&arc, &model, 1500);
    assert_true(part.from_urad >= part.to_urad);
}

static void cut_leaves_the_ends(void **state)
{
    const struct gate_arc arc = {.half_urad = 20 * DEGREE, .bearing_urad = 5 * DEGREE};
    struct gate_arc left[2];

    (void)state;
    assert_int_equal(gate_arc_cut(&arc, &(struct gate_arc_part){-8 * DEGREE, 10 * DEGREE}, left),
                     2);
    assert_int_equal(left[0].bearing_urad, -9 * DEGREE);
    assert_int_equal(left[0].half_urad, 6 * DEGREE);
    assert_int_equal(left[1].bearing_urad, 20 * DEGREE);
    assert_int_equal(left[1].half_urad, 5 * DEGREE);
    assert_int_equal(gate_arc_cut(&arc, &(struct gate_arc_part){-20 * DEGREE, 10 * DEGREE}, left),
                     1);
    assert_int_equal(left[0].bearing_urad, 20 * DEGREE);
    assert_int_equal(gate_arc_cut(&arc, &(struct gate_arc_part){-10 * DEGREE, 20 * DEGREE}, left),
                     1);
    assert_int_equal(left[0].bearing_urad, -10 * DEGREE);
    assert_int_equal(gate_arc_cut(&arc, &(struct gate_arc_part){-20 * DEGREE, 20 * DEGREE}, left),
                     0);
}

static void cut_leaves_no_splinter(void **state)
{
    const struct gate_arc arc = {.half_urad = 20 * DEGREE, .bearing_urad = 5 * DEGREE};
    struct gate_arc left[2];

    (void)state;
    assert_int_equal(gate_arc_cut(&arc, &(struct gate_arc_part){-17 * DEGREE, 10 * DEGREE}, left),
                     1);
    assert_memory_equal(&left[0], &arc, sizeof(arc));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(reading_is_an_arc_across_the_cone, setup),
        cmocka_unit_test_setup(near_reading_is_as_wide_as_the_sonar, setup),
        cmocka_unit_test_setup(aged_reading_is_turned_and_moved_back, setup),
        cmocka_unit_test_setup(turning_keeps_the_distance, setup),
        cmocka_unit_test_setup(turning_round_and_round_ends_as_a_circle, setup),
        cmocka_unit_test_setup(driving_brings_it_nearer, setup),
        cmocka_unit_test_setup(driving_a_circle_comes_back, setup),
        cmocka_unit_test_setup(doubt_grows_with_what_is_open, setup),
        cmocka_unit_test_setup(after_a_gap_it_may_be_anywhere, setup),
        cmocka_unit_test_setup(doubtful_things_let_the_car_creep, setup),
        cmocka_unit_test_setup(same_is_on_the_same_bearing_as_far_away, setup),
        cmocka_unit_test_setup(receding_thing_keeps_what_was_nearer, setup),
        cmocka_unit_test_setup(thing_that_recedes_before_a_resting_car_is_no_deeper, setup),
        cmocka_unit_test_setup(approached_thing_is_no_deeper, setup),
        cmocka_unit_test_setup(echo_from_behind_passed_the_middle_of_the_cone, setup),
        cmocka_unit_test_setup(cut_leaves_the_ends, setup),
        cmocka_unit_test_setup(cut_leaves_no_splinter, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
