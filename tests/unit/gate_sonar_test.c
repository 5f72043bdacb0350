/* What the sonar alone sees: made a box, held, moved, passed and seen through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "safety/gate_sonar.h"

static struct gate_sonar sonar;
static struct gate_drift drift;
static struct gate_model model;
static struct gate_boxes boxes;
static int64_t now_ms;

static int setup(void **state)
{
    (void)state;
    now_ms = 1000;
    gate_model_init(&model, NULL);
    gate_sonar_init(&sonar, now_ms);
    gate_drift_init(&drift, now_ms);
    return 0;
}

/* One tick of 10 ms under way; a reading of 0 is none. */
static void tick(struct twist given, int32_t reading_mm, int32_t cone_x_mm)
{
    struct gate_age ages[GATE_AGES];

    now_ms += 10;
    gate_drift_advance(&drift, now_ms);
    gate_drift_output(&drift, &model, &given);
    gate_drift_ages(&drift, ages);
    if (reading_mm != 0) {
        gate_sonar_read(&sonar, reading_mm, now_ms);
    }
    gate_sonar_step(&sonar, &model, &drift, ages, cone_x_mm, now_ms);
    boxes.count = 0;
    gate_sonar_add(&sonar, &boxes);
}

static const struct twist still = {0}, forward = {.vx_mm_s = 200};

static void good_after_three_readings(void **state)
{
    (void)state;
    for (int i = 1; i <= 4; i++) {
        tick(still, 3000 + i, GATE_FAR);
        assert_int_equal(gate_sonar_state(&sonar, now_ms),
                         i < 3 ? GATE_SONAR_IS_FAULTY : GATE_SONAR_IS_GOOD);
    }
    tick(still, GATE_SONAR_FAULT, GATE_FAR);
    assert_int_equal(gate_sonar_state(&sonar, now_ms), GATE_SONAR_IS_FAULTY);
}

static void errors_are_never_far(void **state)
{
    static const int32_t errors[] = {INT32_MIN, -1, 0x7fffffff, 5001, 65535, 99999};

    (void)state;
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        (void)setup(NULL);
        tick(still, 900, GATE_FAR);
        tick(still, 900, GATE_FAR);
        tick(still, 900, GATE_FAR);
        assert_int_equal(gate_sonar_state(&sonar, now_ms), GATE_SONAR_IS_GOOD);
        tick(still, errors[i], GATE_FAR);
        assert_int_equal(gate_sonar_state(&sonar, now_ms), GATE_SONAR_IS_FAULTY);
        gate_sonar_read(&sonar, 0, now_ms + 1);
        assert_int_equal(sonar.good, 0);
    }
}

static void good_reading_lasts_200_ms(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        tick(still, 3000, GATE_FAR);
    }
    assert_int_equal(gate_sonar_state(&sonar, now_ms + 199), GATE_SONAR_IS_GOOD);
    assert_int_equal(gate_sonar_state(&sonar, now_ms + 200), GATE_SONAR_IS_FAULTY);
    assert_int_equal(gate_sonar_state(&sonar, now_ms - 1), GATE_SONAR_IS_FAULTY);
    gate_sonar_read(&sonar, 3000, now_ms + 200);
    assert_int_equal(sonar.good, 1);
}

static void old_and_repeated_readings_are_ignored(void **state)
{
    (void)state;
    gate_sonar_read(&sonar, 3000, now_ms);
    gate_sonar_read(&sonar, 400, now_ms);
    gate_sonar_read(&sonar, 400, now_ms - 1);
    assert_int_equal(sonar.reading_mm, 3000);
}

static void switched_off_is_off(void **state)
{
    (void)state;
    tick(still, GATE_SONAR_OFF, GATE_FAR);
    assert_int_equal(gate_sonar_state(&sonar, now_ms + 100000), GATE_SONAR_IS_OFF);
}

static void what_the_lidar_sees_too_is_no_box(void **state)
{
    (void)state;
    tick(still, 300, 90 + 300 + 60);
    assert_int_equal(boxes.count, 0);
    tick(still, 300, 90 + 300 + 61);
    assert_int_equal(boxes.count, 1);
    assert_int_equal(boxes.list[0].reason, REASON_SONAR_NEAR);
    assert_true(boxes.list[0].x_mm - boxes.list[0].ex_mm <= 390);
    assert_true(boxes.list[0].ey_mm >= 81);
}

static void far_readings_are_no_box(void **state)
{
    (void)state;
    tick(still, 1001, GATE_FAR);
    assert_int_equal(boxes.count, 0);
    tick(still, GATE_SONAR_MAX, GATE_FAR);
    assert_int_equal(boxes.count, 0);
}

static void one_echo_counts_for_200_ms(void **state)
{
    (void)state;
    tick(still, 300, GATE_FAR);
    for (int i = 1; i < 20; i++) {
        tick(still, 0, GATE_FAR);
        assert_int_equal(boxes.count, 1);
    }
    tick(still, 0, GATE_FAR);
    assert_int_equal(boxes.count, 0);
}

static void two_echoes_hold_for_8_seconds(void **state)
{
    (void)state;
    tick(still, 300, GATE_FAR);
    tick(still, 310, GATE_FAR);
    tick(still, 300, GATE_FAR);
    for (int i = 1; i < 800; i++) {
        tick(still, 0, GATE_FAR);
        assert_int_equal(boxes.count, 1);
    }
    tick(still, 0, GATE_FAR);
    assert_int_equal(boxes.count, 0);
}

static void held_box_comes_nearer_and_is_passed(void **state)
{
    int32_t before;

    (void)state;
    tick(still, 200, GATE_FAR);
    tick(still, 200, GATE_FAR);
    before = boxes.list[0].x_mm;
    for (int i = 0; i < 100; i++) {
        tick(forward, 0, GATE_FAR);
    }
    assert_true(boxes.list[0].x_mm < before - 150);
    for (int i = 0; i < 300; i++) {
        tick(forward, 0, GATE_FAR);
    }
    assert_int_equal(boxes.count, 0);
}

static void held_box_turns_with_the_car(void **state)
{
    (void)state;
    tick(still, 300, GATE_FAR);
    tick(still, 300, GATE_FAR);
    for (int i = 0; i < 60; i++) {
        tick((struct twist){0, 0, 1000}, 0, GATE_FAR);
    }
    assert_int_equal(boxes.count, 1);
    assert_true(boxes.list[0].y_mm < -150);
}

static void far_away_is_forgotten(void **state)
{
    (void)state;
    tick(still, 900, GATE_FAR);
    tick(still, 900, GATE_FAR);
    for (int i = 0; i < 700; i++) {
        tick((struct twist){-200, 0, 0}, 0, GATE_FAR);
    }
    assert_int_equal(boxes.count, 0);
    (void)setup(NULL);
    tick(still, 900, GATE_FAR);
    tick(still, 900, GATE_FAR);
    sonar.boxes[GATE_SONAR_BOXES - 1].y_um = 2900000;
    tick(still, 0, GATE_FAR);
    assert_int_equal(boxes.count, 0);
}

static void second_echo_from_behind_removes_it(void **state)
{
    (void)state;
    tick(still, 300, GATE_FAR);
    tick(still, 300, GATE_FAR);
    tick(still, GATE_SONAR_MAX, GATE_FAR);
    tick(still, GATE_SONAR_MAX, GATE_FAR);
    assert_int_equal(boxes.count, 1);
    tick(still, 1500, GATE_FAR);
    assert_int_equal(boxes.count, 1);
    tick(still, 1500, GATE_FAR);
    assert_int_equal(boxes.count, 0);
}

static void box_beside_the_cone_is_not_seen_through(void **state)
{
    (void)state;
    tick(still, 300, GATE_FAR);
    tick(still, 300, GATE_FAR);
    sonar.boxes[GATE_SONAR_BOXES - 1].y_um = 300000;
    tick(still, 1500, GATE_FAR);
    tick(still, 1500, GATE_FAR);
    assert_int_equal(boxes.count, 1);
}

static void thing_beside_a_held_one_is_another(void **state)
{
    (void)state;
    tick(still, 300, GATE_FAR);
    sonar.boxes[GATE_SONAR_BOXES - 1].y_um = 400000;
    tick(still, 300, GATE_FAR);
    assert_int_equal(boxes.count, 2);
}

static void fifth_thing_joins_the_last_box(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        tick(still, 860 - 190 * i, GATE_FAR);
        tick(still, 860 - 190 * i, GATE_FAR);
    }
    assert_int_equal(boxes.count, GATE_SONAR_BOXES);
    assert_true(boxes.list[GATE_SONAR_BOXES - 1].x_mm - boxes.list[GATE_SONAR_BOXES - 1].ex_mm <=
                190);
}

static void constant_reading_while_driving_at_it_is_a_fault(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) {
        tick(forward, 700, GATE_FAR);
    }
    assert_int_equal(gate_sonar_state(&sonar, now_ms), GATE_SONAR_IS_FAULTY);
    tick(forward, 690, GATE_FAR);
    assert_int_equal(gate_sonar_state(&sonar, now_ms), GATE_SONAR_IS_GOOD);
    for (int i = 0; i < 200; i++) {
        tick(forward, GATE_SONAR_MAX, GATE_FAR);
    }
    assert_int_equal(gate_sonar_state(&sonar, now_ms), GATE_SONAR_IS_GOOD);
}

static void strafing_hides_what_stands_beside_the_cone(void **state)
{
    int ticks = 0;

    (void)state;
    assert_true(gate_sonar_has_looked(&sonar));
    for (int i = 0; i < 100; i++) {
        tick((struct twist){0, 200, 0}, 0, GATE_FAR);
    }
    assert_false(gate_sonar_has_looked(&sonar));
    for (int i = 0; i < 200 && !gate_sonar_has_looked(&sonar); i++, ticks++) {
        tick(forward, 0, GATE_FAR);
    }
    assert_in_range(ticks * 2, 100, 300); /* mm at 200 mm/s */
}

static void reading_that_is_judged_late_is_dropped(void **state)
{
    (void)state;
    gate_sonar_read(&sonar, 300, now_ms + 1);
    now_ms += 300;
    tick(still, 0, GATE_FAR);
    assert_int_equal(boxes.count, 0);
}

static void held_box_after_a_gap_may_be_anywhere(void **state)
{
    (void)state;
    tick(still, 300, GATE_FAR);
    tick(still, 300, GATE_FAR);
    now_ms += 490;
    tick(still, 0, GATE_FAR);
    assert_true(boxes.list[0].ex_mm >= 2000);
    assert_true(boxes.list[0].ey_mm >= 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(good_after_three_readings, setup),
        cmocka_unit_test_setup(errors_are_never_far, setup),
        cmocka_unit_test_setup(good_reading_lasts_200_ms, setup),
        cmocka_unit_test_setup(old_and_repeated_readings_are_ignored, setup),
        cmocka_unit_test_setup(switched_off_is_off, setup),
        cmocka_unit_test_setup(what_the_lidar_sees_too_is_no_box, setup),
        cmocka_unit_test_setup(far_readings_are_no_box, setup),
        cmocka_unit_test_setup(one_echo_counts_for_200_ms, setup),
        cmocka_unit_test_setup(two_echoes_hold_for_8_seconds, setup),
        cmocka_unit_test_setup(held_box_comes_nearer_and_is_passed, setup),
        cmocka_unit_test_setup(held_box_turns_with_the_car, setup),
        cmocka_unit_test_setup(far_away_is_forgotten, setup),
        cmocka_unit_test_setup(second_echo_from_behind_removes_it, setup),
        cmocka_unit_test_setup(box_beside_the_cone_is_not_seen_through, setup),
        cmocka_unit_test_setup(thing_beside_a_held_one_is_another, setup),
        cmocka_unit_test_setup(fifth_thing_joins_the_last_box, setup),
        cmocka_unit_test_setup(constant_reading_while_driving_at_it_is_a_fault, setup),
        cmocka_unit_test_setup(strafing_hides_what_stands_beside_the_cone, setup),
        cmocka_unit_test_setup(reading_that_is_judged_late_is_dropped, setup),
        cmocka_unit_test_setup(held_box_after_a_gap_may_be_anywhere, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
