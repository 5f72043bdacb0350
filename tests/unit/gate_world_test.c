/* Slots, cells and their ages, and the dead reckoning under them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "safety/gate_world.h"

static struct gate_world world;
static struct gate_drift drift;
static struct gate_model model;
static struct gate_boxes boxes;
static struct gate_view view;
static int32_t echo_x_mm;

static int setup(void **state)
{
    (void)state;
    gate_model_init(&model, NULL);
    gate_world_init(&world, &model, 1000);
    gate_drift_init(&drift, 1000);
    return 0;
}

static void see(int64_t now_ms)
{
    struct gate_age ages[GATE_AGES];

    gate_drift_advance(&drift, now_ms);
    gate_drift_ages(&drift, GATE_AGE_MAX_MS, ages);
    boxes.count = 0;
    gate_world_points(&world, &model, ages, echo_x_mm, now_ms, &boxes, &view);
}

static void beam(int slot, int32_t range_mm, int64_t time_ms)
{
    gate_world_beam(&world, &model, slot, range_mm, time_ms);
}

static void point_is_where_it_was_seen(void **state)
{
    (void)state;
    beam(180, 300, 1000);
    see(1000);
    assert_int_equal(boxes.count, 1);
    assert_int_equal(boxes.list[0].x_mm, 0);
    assert_int_equal(boxes.list[0].y_mm, 300);
    assert_true(boxes.list[0].ex_mm <= 3);
    assert_int_equal(boxes.list[0].cap_mm_s, 0);
    assert_int_equal(boxes.list[0].reason, REASON_OBSTACLE);
}

static void point_lasts_250_ms(void **state)
{
    (void)state;
    beam(0, 300, 1000);
    see(1249);
    assert_int_equal(boxes.count, 1);
    see(1250);
    assert_int_equal(boxes.count, 0);
}

static void dark_point_lasts_400_ms(void **state)
{
    (void)state;
    beam(0, 300, 1000);
    beam(1, 0, 1100);
    see(1399);
    assert_int_equal(boxes.count, 1);
    see(1400);
    assert_int_equal(boxes.count, 0);
}

static void nearer_point_of_the_same_turn_stays(void **state)
{
    (void)state;
    beam(0, 300, 1000);
    beam(0, 400, 1049);
    see(1050);
    assert_int_equal(boxes.list[0].x_mm, 300);
    beam(0, 250, 1049);
    see(1050);
    assert_int_equal(boxes.list[0].x_mm, 250);
    beam(0, 400, 1099);
    see(1100);
    assert_int_equal(boxes.list[0].x_mm, 400);
}

static void neighbours_older_than_50_ms_are_replaced(void **state)
{
    (void)state;
    beam(719, 300, 1000);
    beam(1, 300, 1001);
    beam(0, 350, 1050);
    see(1050);
    assert_int_equal(boxes.count, 2);
}

static void older_beam_than_known_is_ignored(void **state)
{
    (void)state;
    beam(0, 300, 1000);
    beam(0, 200, 999);
    see(1000);
    assert_int_equal(boxes.list[0].x_mm, 300);
}

static void nonsense_is_ignored(void **state)
{
    (void)state;
    beam(-1, 300, 1000);
    beam(720, 300, 1000);
    beam(0, -1, 1000);
    see(1000);
    assert_int_equal(boxes.count, 0);
    assert_false(gate_world_is_fresh(&world, &model, 1000));
}

static void longest_range_is_16_m(void **state)
{
    (void)state;
    beam(0, INT32_MAX, 1000);
    see(1000);
    assert_int_equal(view.cell_mm[0], GATE_RANGE_MAX);
    assert_int_equal(boxes.count, 0);
}

static void point_inside_the_hull_is_put_on_it(void **state)
{
    static const int slots[] = {0, 180, 360, 540};
    static const int32_t x[] = {100, 0, -95, 0}, y[] = {0, 85, 0, -85};

    (void)state;
    for (int i = 0; i < 4; i++) {
        (void)setup(NULL);
        beam(slots[i], 80, 1000);
        see(1000);
        assert_int_equal(boxes.list[0].x_mm, x[i]);
        assert_int_equal(boxes.list[0].y_mm, y[i]);
    }
}

static void future_point_is_an_obstacle_and_no_evidence(void **state)
{
    (void)state;
    beam(0, 300, 1010);
    see(1000);
    assert_int_equal(boxes.count, 1);
    assert_true(view.unseen[0]);
    assert_false(gate_world_is_fresh(&world, &model, 1000));
    assert_true(gate_world_is_fresh(&world, &model, 1010));
}

static void beams_are_fresh_for_100_ms(void **state)
{
    (void)state;
    beam(0, 0, 1000);
    assert_true(gate_world_is_fresh(&world, &model, 1099));
    assert_false(gate_world_is_fresh(&world, &model, 1100));
}

static void cell_is_unseen_after_250_and_dark_after_400_ms(void **state)
{
    (void)state;
    beam(185, 3000, 1000);
    see(1249);
    assert_false(view.unseen[18]);
    see(1250);
    assert_true(view.unseen[18]);
    beam(186, 0, 1390);
    see(1399);
    gate_world_cells(&world, &model, true, 1399, &boxes, &view);
    assert_int_equal(boxes.count, GATE_CELLS - 1);
    boxes.count = 0;
    beam(186, 0, 1400);
    see(1400);
    gate_world_cells(&world, &model, true, 1400, &boxes, &view);
    assert_int_equal(boxes.count, GATE_CELLS);
    assert_int_equal(boxes.list[18].reason, REASON_DARK);
    assert_int_equal(boxes.list[18].cap_mm_s, 250);
    assert_int_equal(boxes.list[17].reason, REASON_UNSEEN);
    assert_int_equal(boxes.list[17].cap_mm_s, 0);
}

static void unseen_ahead_is_soft_with_a_sonar_only(void **state)
{
    (void)state;
    gate_world_mask(&world, 1, 1);
    for (int good = 0; good < 2; good++) {
        see(1000);
        gate_world_cells(&world, &model, good != 0, 1000, &boxes, &view);
        assert_int_equal(boxes.list[0].cap_mm_s, 0);
        assert_int_equal(boxes.list[2].cap_mm_s, good * 150);
        assert_int_equal(boxes.list[69].cap_mm_s, good * 150);
        assert_int_equal(boxes.list[3].cap_mm_s, 0);
        assert_int_equal(boxes.list[68].cap_mm_s, 0);
    }
}

/* No motion away from it or beside it is stopped by what was not seen. */
static void unseen_cells_lie_around_the_margins(void **state)
{
    (void)state;
    see(1000);
    gate_world_cells(&world, &model, false, 1000, &boxes, &view);
    for (int i = 0; i < boxes.count; i++) {
        const struct gate_box *box = &boxes.list[i];
        int32_t x = box->x_mm < 0 ? -box->x_mm - model.rear_mm : box->x_mm - model.front_mm;
        int32_t y = (box->y_mm < 0 ? -box->y_mm : box->y_mm) - model.half_width_mm;

        assert_true(x - box->ex_mm >= 60 || y - box->ey_mm >= 60);
        assert_true(x <= 75 && y <= 75);
    }
}

static void masked_slots_wrap_around(void **state)
{
    (void)state;
    gate_world_mask(&world, 715, 10);
    gate_world_mask(&world, 0, 100000);
    assert_true(world.masked[717] && world.masked[3] && world.masked[400]);
    beam(3, 300, 1000);
    see(1000);
    assert_int_equal(boxes.count, 0);
}

static void echo_is_compared_with_what_is_in_the_cone(void **state)
{
    (void)state;
    echo_x_mm = 500;
    see(1000);
    assert_int_equal(view.echo_gap_mm, GATE_FAR);
    beam(0, 700, 1000);
    beam(40, 500, 1000); /* 20 degrees: beside it */
    beam(360, 200, 1000);
    see(1000);
    assert_in_range(view.echo_gap_mm, 198, 200);
    beam(20, 500, 1000); /* 10 degrees: in it, 492 mm ahead */
    see(1000);
    assert_in_range(view.echo_gap_mm, 6, 8);
    echo_x_mm = 400;
    see(1000);
    assert_in_range(view.echo_gap_mm, 90, 92);
}

/* A masked bearing is never looked at, and what is there is the sonar's alone. */
static void cone_was_seen_when_each_of_its_cells_was(void **state)
{
    (void)state;
    see(1000);
    assert_false(view.cone_was_seen);
    for (int i = 0; i < 30; i++) {
        beam(i, i == 3 ? 0 : 500, 1000);
        beam(719 - i, 500, 1000);
    }
    see(1000);
    assert_true(view.cone_was_seen);
    see(1000 + model.seen_ms - 1);
    assert_true(view.cone_was_seen);
    see(1000 + model.seen_ms);
    assert_false(view.cone_was_seen);
    gate_world_mask(&world, 690, 60);
    see(1000 + model.seen_ms);
    assert_true(view.cone_was_seen);
}

static void boxes_have_room_for_all_and_no_more(void **state)
{
    const struct gate_box box = {0};

    (void)state;
    boxes.count = GATE_BOXES_MAX - 1;
    gate_boxes_add(&boxes, &box);
    gate_boxes_add(&boxes, &box);
    assert_int_equal(boxes.count, GATE_BOXES_MAX);
}

static void displacement_is_the_sum_of_the_bounds(void **state)
{
    const struct twist forward = {.vx_mm_s = 200};
    struct gate_age ages[GATE_AGES];

    (void)state;
    for (int i = 1; i <= 60; i++) {
        gate_drift_advance(&drift, 1000 + 10 * i);
        gate_drift_output(&drift, &model, &forward);
    }
    gate_drift_ages(&drift, GATE_AGE_MAX_MS, ages);
    assert_int_equal(drift.coast.lo[GATE_FORWARD], 170);
    assert_int_equal(drift.coast.hi[GATE_FORWARD], 210);
    assert_int_equal(drift.speed.hi[GATE_STRAFE], 26);
    assert_true(ages[9].x_mm - ages[9].ex_mm <= 15); /* 90 ms at 170 mm/s */
    assert_true(ages[9].x_mm + ages[9].ex_mm >= 21); /* 100 ms at 210 mm/s */
    assert_in_range(ages[9].x_mm, 17, 19);
}

static void what_rolls_decays_as_assumed(void **state)
{
    const struct twist fast = {.vx_mm_s = 200, .wz_mrad_s = -500}, still = {0};

    (void)state;
    for (int i = 1; i <= 60; i++) {
        gate_drift_advance(&drift, 1000 + 10 * i);
        gate_drift_output(&drift, &model, i < 40 ? &fast : &still);
        if (i == 44) { /* 50 ms after the stop nothing has changed */
            assert_int_equal(drift.coast.hi[GATE_FORWARD], 210);
            assert_int_equal(drift.coast.lo[GATE_TURN], -650);
        }
        if (i == 45) {
            assert_int_equal(drift.coast.hi[GATE_FORWARD], 200);
            assert_int_equal(drift.coast.lo[GATE_TURN], -571);
        }
    }
    assert_int_equal(drift.coast.hi[GATE_FORWARD], 50);
    assert_int_equal(drift.coast.lo[GATE_TURN], 0);
}

static void ticks_closer_than_4_ms_share_a_sum(void **state)
{
    const struct twist one = {.vx_mm_s = 200}, other = {.vx_mm_s = -200};
    int newest;

    (void)state;
    gate_drift_advance(&drift, 1010);
    gate_drift_output(&drift, &model, &one);
    gate_drift_advance(&drift, 1012);
    newest = drift.newest;
    gate_drift_output(&drift, &model, &other);
    gate_drift_advance(&drift, 1013);
    assert_int_equal(drift.newest, newest);
    assert_int_equal(drift.ticks[newest].hi[GATE_FORWARD], 210 * 3 + 0);
    assert_true(drift.ticks[newest].lo[GATE_FORWARD] <= -210);
    gate_drift_advance(&drift, 1013);
    assert_int_equal(drift.step.time_ms, 0);
    gate_drift_advance(&drift, 1000);
    assert_int_equal(drift.step.time_ms, 0);
    gate_drift_advance(&drift, 1000000);
    assert_int_equal(drift.step.time_ms, 10000);
}

static void slow_reaction_remembers_longer(void **state)
{
    const struct twist fast = {.vx_mm_s = 200}, rest = {0};

    (void)state;
    model.reaction_ms = 1000; /* more than is remembered: all that is remembered counts */
    gate_drift_advance(&drift, 1010);
    gate_drift_output(&drift, &model, &fast);
    for (int i = 2; i <= GATE_OUTPUTS; i++) {
        gate_drift_advance(&drift, 1000 + 10 * i);
        gate_drift_output(&drift, &model, &rest);
        assert_int_equal(drift.coast.hi[GATE_FORWARD], 210);
    }
}

static void scan_has_the_nearest_of_each_sector(void **state)
{
    uint16_t sectors[GATE_SECTORS];

    (void)state;
    beam(4, 500, 1000);
    beam(6, 400, 1000);
    beam(7, 450, 1000);
    gate_world_scan(&world, &model, 1000, sectors);
    assert_int_equal(sectors[0], 0);
    assert_int_equal(sectors[1], 400);
    gate_world_scan(&world, &model, 1250, sectors);
    assert_int_equal(sectors[1], 0);
}

static void wild_motion_blurs_everything(void **state)
{
    const struct twist spin = {.wz_mrad_s = 10000}, fast = {.vx_mm_s = 10000},
                       side = {.vy_mm_s = 10000};
    const struct twist *wild[] = {&spin, &fast, &side};
    struct gate_age ages[GATE_AGES];

    (void)state;
    for (int i = 0; i < 3; i++) {
        (void)setup(NULL);
        model.turn_by_forward = 0;
        model.turn_by_side = 0;
        gate_drift_advance(&drift, 1010);
        gate_drift_output(&drift, &model, wild[i]);
        gate_drift_advance(&drift, 1410);
        gate_drift_ages(&drift, GATE_AGE_MAX_MS, ages);
        assert_true(ages[39].ex_mm >= 2000);
    }
}

static void what_is_older_than_asked_for_is_anywhere(void **state)
{
    const struct twist forward = {.vx_mm_s = 200};
    struct gate_age all[GATE_AGES], young[GATE_AGES];

    (void)state;
    gate_drift_advance(&drift, 1010);
    gate_drift_output(&drift, &model, &forward);
    gate_drift_advance(&drift, 1050);
    gate_drift_ages(&drift, GATE_AGE_MAX_MS, all);
    gate_drift_ages(&drift, 20, young);
    assert_memory_equal(young, all, 3 * sizeof(all[0]));
    for (int i = 3; i < GATE_AGES; i++) {
        assert_int_equal(young[i].cosine, TRIG_ONE);
        assert_int_equal(young[i].ex_mm, 2000);
        assert_int_equal(young[i].ey_mm, 2000);
        assert_int_equal(young[i].far_mm, INT16_MAX);
    }
}

static void no_known_point_is_older_than_the_oldest(void **state)
{
    (void)state;
    assert_int_equal(world.oldest_ms, 1000);
    beam(0, 300, 1010);
    beam(100, 300, 990);
    assert_int_equal(world.oldest_ms, 990);
    see(1200);
    assert_int_equal(world.oldest_ms, 990);
    see(1240);
    assert_int_equal(world.oldest_ms, 1010);
    see(1300);
    assert_int_equal(world.oldest_ms, 1300);
}

static void wide_blur_of_the_angle_is_never_far(void **state)
{
    const struct twist spin = {.wz_mrad_s = 1500};
    struct gate_age ages[GATE_AGES];

    (void)state;
    gate_drift_advance(&drift, 1010);
    gate_drift_output(&drift, &model, &spin);
    gate_drift_advance(&drift, 1410);
    gate_drift_ages(&drift, GATE_AGE_MAX_MS, ages);
    assert_int_equal(ages[39].far_mm, INT16_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(point_is_where_it_was_seen, setup),
        cmocka_unit_test_setup(point_lasts_250_ms, setup),
        cmocka_unit_test_setup(dark_point_lasts_400_ms, setup),
        cmocka_unit_test_setup(nearer_point_of_the_same_turn_stays, setup),
        cmocka_unit_test_setup(neighbours_older_than_50_ms_are_replaced, setup),
        cmocka_unit_test_setup(older_beam_than_known_is_ignored, setup),
        cmocka_unit_test_setup(nonsense_is_ignored, setup),
        cmocka_unit_test_setup(longest_range_is_16_m, setup),
        cmocka_unit_test_setup(point_inside_the_hull_is_put_on_it, setup),
        cmocka_unit_test_setup(future_point_is_an_obstacle_and_no_evidence, setup),
        cmocka_unit_test_setup(beams_are_fresh_for_100_ms, setup),
        cmocka_unit_test_setup(cell_is_unseen_after_250_and_dark_after_400_ms, setup),
        cmocka_unit_test_setup(unseen_ahead_is_soft_with_a_sonar_only, setup),
        cmocka_unit_test_setup(unseen_cells_lie_around_the_margins, setup),
        cmocka_unit_test_setup(masked_slots_wrap_around, setup),
        cmocka_unit_test_setup(echo_is_compared_with_what_is_in_the_cone, setup),
        cmocka_unit_test_setup(cone_was_seen_when_each_of_its_cells_was, setup),
        cmocka_unit_test_setup(boxes_have_room_for_all_and_no_more, setup),
        cmocka_unit_test_setup(displacement_is_the_sum_of_the_bounds, setup),
        cmocka_unit_test_setup(what_rolls_decays_as_assumed, setup),
        cmocka_unit_test_setup(ticks_closer_than_4_ms_share_a_sum, setup),
        cmocka_unit_test_setup(slow_reaction_remembers_longer, setup),
        cmocka_unit_test_setup(scan_has_the_nearest_of_each_sector, setup),
        cmocka_unit_test_setup(wild_motion_blurs_everything, setup),
        cmocka_unit_test_setup(what_is_older_than_asked_for_is_anywhere, setup),
        cmocka_unit_test_setup(no_known_point_is_older_than_the_oldest, setup),
        cmocka_unit_test_setup(wide_blur_of_the_angle_is_never_far, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
