/* The model, the stopping motion and the confirmation: exact to the millimetre. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "safety/gate_confirm.h"
#include "safety/limits.h"

static struct gate_model measured, unmeasured;

static int setup(void **state)
{
    struct gate_options options = {
        .forward_mm_s = 400,
        .backward_mm_s = 200,
        .strafe_mm_s = 200,
        .turn_mrad_s = 1500,
        .measured = true,
        .decel_forward_mm_s2 = 1500,
        .decel_strafe_mm_s2 = 1000,
        .decel_turn_mm_s2 = 1260,
        .revolution_ms = 100,
    };

    (void)state;
    gate_model_init(&measured, &options);
    gate_model_init(&unmeasured, NULL);
    return 0;
}

static bool hits(struct twist twist, struct gate_box box, enum gate_margin margin)
{
    struct gate_motion motion;

    gate_motion_init(&motion, &measured, &twist, margin);
    return gate_motion_hits(&motion, &box);
}

static struct gate_box point(int32_t x, int32_t y)
{
    return (struct gate_box){.x_mm = x, .y_mm = y, .reason = REASON_OBSTACLE};
}

/* All decelerations that configuration allows and all speeds: a proof by enumeration. */
static void table_stops_in_time(void **state)
{
    struct gate_model model = measured;

    (void)state;
    for (int decel = 300; decel <= 1500; decel++) {
        model.decel_mm_s2[0] = decel;
        gate_model_tabulate(&model);
        for (int speed = 0; speed <= 1016; speed++) {
            if (2 * decel * model.tau_ms[0][(speed + 7) / 8] < 1000 * speed) {
                fail_msg("%d mm/s at %d mm/s2", speed, decel);
            }
        }
        for (int i = 1; i < GATE_BINS; i++) {
            assert_true(model.tau_ms[0][i] >= model.tau_ms[0][i - 1]);
        }
    }
}

/* A pure translation: whenever some position on the way puts a point strictly inside the inflated
 * hull, it is a hit. Every position in steps of 1/64 of the way. */
static void no_position_on_the_way_is_missed(void **state)
{
    uint32_t seed = 1;

    (void)state;
    for (int i = 0; i < 400000; i++) {
        struct gate_motion motion;
        struct gate_box box = {0};
        struct twist twist = {0};
        bool inside = false;

        seed = seed * 1664525 + 1013904223;
        twist.vx_mm_s = (int32_t)(seed >> 8) % 801 - 400;
        seed = seed * 1664525 + 1013904223;
        twist.vy_mm_s = (int32_t)(seed >> 8) % 401 - 200;
        seed = seed * 1664525 + 1013904223;
        box.x_mm = (int32_t)(seed >> 8) % 801 - 400;
        seed = seed * 1664525 + 1013904223;
        box.y_mm = (int32_t)(seed >> 8) % 601 - 300;
        gate_motion_init(&motion, &measured, &twist, GATE_MARGIN_RUNNING);
        for (int part = 0; part <= 64 && !motion.slow && !inside; part++) {
            int32_t x = 64 * box.x_mm - part * motion.dx_mm;
            int32_t y = 64 * box.y_mm - part * motion.dy_mm;

            inside = x > 64 * motion.hull.min_x && x < 64 * motion.hull.max_x &&
                     y > 64 * motion.hull.min_y && y < 64 * motion.hull.max_y;
        }
        if (inside && !gate_motion_hits(&motion, &box)) {
            fail_msg("%d %d at %d %d", twist.vx_mm_s, twist.vy_mm_s, box.x_mm, box.y_mm);
        }
    }
}

static void table_ends_at_1016(void **state)
{
    (void)state;
    assert_true(gate_model_stop(&measured, GATE_FORWARD, 1016) > 0);
    assert_int_equal(gate_model_stop(&measured, GATE_FORWARD, 1017), -1);
    assert_int_equal(gate_model_stop(&measured, GATE_FORWARD, -1), -1);
    assert_int_equal(gate_model_stop(&measured, GATE_TURN, INT32_MAX), -1);
    assert_int_equal(gate_model_stop(&measured, GATE_FORWARD, 0), 0);
}

static void weak_brake_of_a_test_is_at_least_100(void **state)
{
    struct gate_model model = measured;

    (void)state;
    model.decel_mm_s2[0] = 0;
    gate_model_tabulate(&model);
    assert_int_equal(model.tau_ms[0][127], 5080);
}

static void unmeasured_is_one_metre_per_second_squared_and_300(void **state)
{
    struct twist turn = {100, -100, -1000};

    (void)state;
    assert_int_equal(unmeasured.decel_mm_s2[GATE_FORWARD], 1000);
    assert_int_equal(unmeasured.rim_mm_s, 300);
    assert_int_equal(gate_model_rim(&unmeasured, &turn), 326);
    turn = (struct twist){INT32_MIN, INT32_MIN, INT32_MIN};
    assert_int_equal(gate_model_rim(&unmeasured, &turn), INT32_MAX);
}

static void options_only_tighten(void **state)
{
    struct gate_options loose = {.forward_mm_s = 9999,
                                 .backward_mm_s = 9999,
                                 .strafe_mm_s = 9999,
                                 .turn_mrad_s = 9999,
                                 .measured = true,
                                 .decel_forward_mm_s2 = 9999,
                                 .decel_strafe_mm_s2 = 9999,
                                 .decel_turn_mm_s2 = 9999,
                                 .margin_mm = -50};
    struct gate_model model;

    (void)state;
    gate_model_init(&model, &loose);
    assert_int_equal(model.forward_mm_s, LIMITS_FORWARD_MM_S);
    assert_int_equal(model.turn_mrad_s, LIMITS_TURN_MRAD_S);
    assert_int_equal(model.decel_mm_s2[GATE_FORWARD], 1500);
    assert_int_equal(model.reaction_ms, 50);
    assert_int_equal(model.front_mm, 100);
    assert_int_equal(model.margin_fast_mm, 40);
    loose.margin_mm = 15;
    loose.half_width_mm = 120;
    loose.measured = false;
    gate_model_init(&model, &loose);
    assert_int_equal(model.margin_fast_mm, 55);
    assert_int_equal(model.half_width_mm, 120);
    assert_int_equal(model.decel_mm_s2[GATE_FORWARD], 1000);
}

static void slow_lidar_waits_longer_and_drives_slower(void **state)
{
    struct gate_options options = {.measured = true, .revolution_ms = 182};
    struct gate_model model;

    (void)state;
    gate_model_init(&model, &options);
    assert_int_equal(model.seen_ms, 273);
    assert_int_equal(model.rim_mm_s, 300);
    options.revolution_ms = 1000;
    gate_model_init(&model, &options);
    assert_int_equal(model.seen_ms, 300);
    options.revolution_ms = 170;
    gate_model_init(&model, &options);
    assert_int_equal(model.seen_ms, 250);
    assert_int_equal(model.rim_mm_s, 500);
}

/* gate-spec.md: 0.11 m at 0.2 m/s, 0.13 at 0.3, 0.16 at 0.4. */
static void veto_distances_are_as_specified(void **state)
{
    static const int32_t expected[][2] = {{200, 110}, {300, 132}, {400, 160}};

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct twist twist = {.vx_mm_s = expected[i][0]};
        int32_t distance = 0;

        while (hits(twist, point(100 + distance, 0), GATE_MARGIN_RUNNING)) {
            distance++;
        }
        assert_in_range(distance, expected[i][1] - 2, expected[i][1] + 2);
        assert_true(hits(twist, point(100 + distance + 19, 0), GATE_MARGIN_STARTING));
        assert_false(hits(twist, point(100 + distance + 20, 0), GATE_MARGIN_STARTING));
    }
}

static void gap_takes_25_cm_at_speed_and_21_at_creep(void **state)
{
    struct twist fast = {.vx_mm_s = 200}, slow = {.vx_mm_s = 150};

    (void)state;
    assert_true(hits(fast, point(150, 124), GATE_MARGIN_RUNNING));
    assert_false(hits(fast, point(150, 125), GATE_MARGIN_RUNNING));
    assert_true(hits(slow, point(150, -104), GATE_MARGIN_RUNNING));
    assert_false(hits(slow, point(150, -105), GATE_MARGIN_RUNNING));
}

static void all_four_ways_look_ahead(void **state)
{
    (void)state;
    assert_true(hits((struct twist){-200, 0, 0}, point(-95 - 100, 0), GATE_MARGIN_RUNNING));
    assert_true(hits((struct twist){0, 200, 0}, point(0, 85 + 100), GATE_MARGIN_RUNNING));
    assert_true(hits((struct twist){0, -200, 0}, point(0, -85 - 100), GATE_MARGIN_RUNNING));
    assert_false(hits((struct twist){0, -200, 0}, point(0, 85 + 60), GATE_MARGIN_RUNNING));
    assert_false(hits((struct twist){-200, 0, 0}, point(100 + 60, 0), GATE_MARGIN_RUNNING));
}

static void turn_sweeps_its_corners(void **state)
{
    struct twist turn = {.wz_mrad_s = 1500};

    (void)state;
    assert_true(hits(turn, point(100, 140), GATE_MARGIN_RUNNING));
    assert_false(hits(turn, point(0, 190), GATE_MARGIN_RUNNING));
    assert_true(
        hits(turn, (struct gate_box){.y_mm = 190, .ex_mm = 80, .ey_mm = 50}, GATE_MARGIN_RUNNING));
}

static void diagonal_passes_a_corner(void **state)
{
    struct twist diagonal = {200, 200, 0};

    (void)state;
    assert_true(hits(diagonal, point(180, 160), GATE_MARGIN_RUNNING));
    assert_false(hits(diagonal, point(205, -110), GATE_MARGIN_RUNNING));
    assert_false(hits(diagonal, point(-110, 205), GATE_MARGIN_RUNNING));
}

static void what_is_within_the_margin_may_be_left_slowly(void **state)
{
    struct gate_box ahead = point(105, 0);

    (void)state;
    assert_false(hits((struct twist){-140, 0, 0}, ahead, GATE_MARGIN_RUNNING));
    assert_true(hits((struct twist){-160, 0, 0}, ahead, GATE_MARGIN_RUNNING));
    assert_true(hits((struct twist){140, 0, 0}, ahead, GATE_MARGIN_RUNNING));
    assert_false(hits((struct twist){0, 140, 0}, ahead, GATE_MARGIN_RUNNING));
    assert_false(hits((struct twist){0}, ahead, GATE_MARGIN_RUNNING));
}

static void blur_over_the_hull_may_be_left_as_well(void **state)
{
    struct gate_box blur = {.x_mm = 105, .ex_mm = 20, .ey_mm = 5};

    (void)state;
    assert_false(hits((struct twist){-140, 0, 0}, blur, GATE_MARGIN_RUNNING));
    assert_true(hits((struct twist){140, 0, 0}, blur, GATE_MARGIN_RUNNING));
}

static void motion_without_an_end_hits_everything(void **state)
{
    (void)state;
    assert_true(hits((struct twist){INT32_MIN, 0, 0}, point(15000, 0), GATE_MARGIN_COASTING));
    assert_true(hits((struct twist){0, INT32_MAX, 0}, point(15000, 0), GATE_MARGIN_RUNNING));
    assert_true(hits((struct twist){0, 0, 7000}, point(15000, 0), GATE_MARGIN_RUNNING));
}

static void coasting_needs_little_room(void **state)
{
    (void)state;
    assert_true(hits((struct twist){400, 0, 0}, point(182, 0), GATE_MARGIN_COASTING));
    assert_false(hits((struct twist){400, 0, 0}, point(186, 0), GATE_MARGIN_COASTING));
    assert_false(hits((struct twist){400, 0, 0}, point(120, 96), GATE_MARGIN_COASTING));
}

static struct gate_case case_make(struct twist asked)
{
    return (struct gate_case){
        .permits = GATE_PERMIT_ALL, .asked = asked, .ceilings = {400, 200, 200, 1500, 500}};
}

static bool confirms(const struct gate_case *gate_case, struct twist proposal)
{
    struct twist given = gate_confirm(&measured, gate_case, &proposal);
    bool same = given.vx_mm_s == proposal.vx_mm_s && given.vy_mm_s == proposal.vy_mm_s &&
                given.wz_mrad_s == proposal.wz_mrad_s;

    assert_true(same || (given.vx_mm_s == 0 && given.vy_mm_s == 0 && given.wz_mrad_s == 0));
    return same;
}

static void confirm_wants_every_permit(void **state)
{
    struct gate_case gate_case = case_make((struct twist){200, 0, 0});

    (void)state;
    for (uint32_t permits = 0; permits < 16; permits++) {
        gate_case.permits = permits;
        assert_int_equal(confirms(&gate_case, (struct twist){200, 0, 0}),
                         permits == GATE_PERMIT_ALL);
    }
}

static void confirm_never_exceeds_what_is_asked(void **state)
{
    struct gate_case gate_case = case_make((struct twist){200, -150, 500});

    (void)state;
    assert_true(confirms(&gate_case, (struct twist){200, -150, 500}));
    assert_true(confirms(&gate_case, (struct twist){200, 0, 0}));
    assert_false(confirms(&gate_case, (struct twist){201, 0, 0}));
    assert_false(confirms(&gate_case, (struct twist){-200, 0, 0}));
    assert_false(confirms(&gate_case, (struct twist){200, 1, 0}));
    assert_false(confirms(&gate_case, (struct twist){200, -151, 0}));
    assert_false(confirms(&gate_case, (struct twist){200, 0, 501}));
    assert_false(confirms(&gate_case, (struct twist){200, 0, -1}));
}

static void confirm_keeps_each_ceiling(void **state)
{
    static const struct twist most[] = {{400, 0, 0},  {-200, 0, 0}, {0, 200, 0},
                                        {0, -200, 0}, {0, 0, 1500}, {0, 0, -1500}};
    static const struct twist step[] = {{1, 0, 0},  {-1, 0, 0}, {0, 1, 0},
                                        {0, -1, 0}, {0, 0, 1},  {0, 0, -1}};

    (void)state;
    for (int i = 0; i < 6; i++) {
        struct twist more = {most[i].vx_mm_s + step[i].vx_mm_s, most[i].vy_mm_s + step[i].vy_mm_s,
                             most[i].wz_mrad_s + step[i].wz_mrad_s};
        struct gate_case gate_case = case_make(more);

        assert_true(confirms(&gate_case, most[i]));
        assert_false(confirms(&gate_case, more));
    }
}

static void confirm_keeps_rim_speeds(void **state)
{
    struct gate_case gate_case = case_make((struct twist){400, 200, 0});

    (void)state;
    assert_true(confirms(&gate_case, (struct twist){400, 100, 0}));
    assert_false(confirms(&gate_case, (struct twist){400, 101, 0}));
    assert_true(confirms(&gate_case, (struct twist){130, 0, 0}));
    assert_false(confirms(&gate_case, (struct twist){129, 0, 0}));
}

static void confirm_hits_nothing_that_counts(void **state)
{
    struct gate_case gate_case = case_make((struct twist){400, 0, 0});
    struct gate_box boxes[2] = {point(15000, 0), point(220, 0)};

    (void)state;
    gate_case.boxes = boxes;
    gate_case.count = 1;
    assert_true(confirms(&gate_case, (struct twist){400, 0, 0}));
    gate_case.count = 2;
    assert_false(confirms(&gate_case, (struct twist){400, 0, 0}));
    boxes[1].cap_mm_s = 250;
    assert_false(confirms(&gate_case, (struct twist){300, 0, 0}));
    boxes[1].x_mm = 190;
    assert_false(confirms(&gate_case, (struct twist){251, 0, 0}));
    assert_true(confirms(&gate_case, (struct twist){250, 0, 0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_stops_in_time),
        cmocka_unit_test(no_position_on_the_way_is_missed),
        cmocka_unit_test(table_ends_at_1016),
        cmocka_unit_test(weak_brake_of_a_test_is_at_least_100),
        cmocka_unit_test(unmeasured_is_one_metre_per_second_squared_and_300),
        cmocka_unit_test(options_only_tighten),
        cmocka_unit_test(slow_lidar_waits_longer_and_drives_slower),
        cmocka_unit_test(veto_distances_are_as_specified),
        cmocka_unit_test(gap_takes_25_cm_at_speed_and_21_at_creep),
        cmocka_unit_test(all_four_ways_look_ahead),
        cmocka_unit_test(turn_sweeps_its_corners),
        cmocka_unit_test(diagonal_passes_a_corner),
        cmocka_unit_test(what_is_within_the_margin_may_be_left_slowly),
        cmocka_unit_test(blur_over_the_hull_may_be_left_as_well),
        cmocka_unit_test(motion_without_an_end_hits_everything),
        cmocka_unit_test(coasting_needs_little_room),
        cmocka_unit_test(confirm_wants_every_permit),
        cmocka_unit_test(confirm_never_exceeds_what_is_asked),
        cmocka_unit_test(confirm_keeps_each_ceiling),
        cmocka_unit_test(confirm_keeps_rim_speeds),
        cmocka_unit_test(confirm_hits_nothing_that_counts),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
