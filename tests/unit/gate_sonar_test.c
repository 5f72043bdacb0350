/* What the sonar alone sees: made an arc, held, moved and seen through. */
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
static bool lidar_looked;

static int setup(void **state)
{
    (void)state;
    now_ms = 1000;
    lidar_looked = true;
    gate_model_init(&model, NULL);
    gate_sonar_init(&sonar, now_ms);
    gate_drift_init(&drift, now_ms);
    return 0;
}

/* One tick of 10 ms under way; a reading of 0 is none. */
static void tick(struct twist given, int32_t reading_mm, int32_t echo_gap_mm)
{
    const struct gate_view view = {.echo_gap_mm = echo_gap_mm, .cone_was_seen = lidar_looked};
    struct gate_age ages[GATE_AGES];

    now_ms += 10;
    gate_drift_advance(&drift, now_ms);
    gate_drift_output(&drift, &model, &given);
    gate_drift_ages(&drift, GATE_AGE_MAX_MS, ages);
    if (reading_mm != 0) {
        gate_sonar_read(&sonar, reading_mm, now_ms);
    }
    gate_sonar_step(&sonar, &model, &drift, ages, &view, now_ms);
    boxes.count = 0;
    gate_sonar_add(&sonar, &model, &boxes);
}

/* Things that are held. */
static int held(void)
{
    int count = 0;

    for (int i = 0; i < GATE_SONAR_THINGS; i++) {
        count += sonar.things[i].seen > 0 ? 1 : 0;
    }
    assert_true(boxes.count >= count);
    return count;
}

/* Of all boxes: how near ahead, how far aside. */
static int32_t nearest(void)
{
    int32_t least = INT32_MAX;

    for (int i = 0; i < boxes.count; i++) {
        int32_t near = boxes.list[i].x_mm - boxes.list[i].ex_mm;

        least = near < least ? near : least;
    }
    return least;
}

static int32_t widest(void)
{
    int32_t most = INT32_MIN;

    for (int i = 0; i < boxes.count; i++) {
        int32_t left = boxes.list[i].y_mm + boxes.list[i].ey_mm;

        most = left > most ? left : most;
    }
    return most;
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

static void what_the_lidar_sees_too_is_no_thing(void **state)
{
    (void)state;
    tick(still, 300, 57);
    assert_int_equal(held(), 0);
    tick(still, 300, 58);
    assert_int_equal(held(), 1);
    assert_int_equal(boxes.list[0].reason, REASON_SONAR_NEAR);
    assert_true(nearest() <= 390);
    assert_true(widest() >= 81);
    (void)setup(NULL);
    tick(still, 900, 60);
    assert_int_equal(held(), 0);
    tick(still, 900, 61);
    assert_int_equal(held(), 1);
}

/* Beside what the lidar sees something may stand that it does not. */
static void what_is_close_ahead_is_something_while_it_shows(void **state)
{
    (void)state;
    tick(still, 101, 0);
    assert_int_equal(held(), 0);
    for (int i = 0; i < 5; i++) {
        tick(still, 100, 0);
        assert_int_equal(held(), 1);
    }
    for (int i = 1; i < 20; i++) {
        tick(still, 0, 0);
        assert_int_equal(held(), 1);
    }
    tick(still, 0, 0);
    assert_int_equal(held(), 0);
}

static void far_readings_are_no_thing(void **state)
{
    (void)state;
    tick(still, 1001, GATE_FAR);
    assert_int_equal(held(), 0);
    tick(still, GATE_SONAR_MAX, GATE_FAR);
    assert_int_equal(held(), 0);
}

static void one_echo_counts_for_200_ms(void **state)
{
    (void)state;
    tick(still, 300, GATE_FAR);
    for (int i = 1; i < 20; i++) {
        tick(still, 0, GATE_FAR);
        assert_int_equal(held(), 1);
    }
    tick(still, 0, GATE_FAR);
    assert_int_equal(held(), 0);
}

static void two_echoes_hold_for_8_seconds(void **state)
{
    (void)state;
    tick(still, 300, GATE_FAR);
    tick(still, 310, GATE_FAR);
    tick(still, 300, GATE_FAR);
    for (int i = 1; i < 800; i++) {
        tick(still, 0, GATE_FAR);
        assert_int_equal(held(), 1);
    }
    tick(still, 0, GATE_FAR);
    assert_int_equal(held(), 0);
}

/* Before the lidar has looked, every wall is nearer than what it has. */
static void thing_where_the_lidar_has_not_looked_is_not_held(void **state)
{
    (void)state;
    lidar_looked = false;
    for (int i = 0; i < 10; i++) {
        tick(still, 300 + i, GATE_FAR);
        assert_int_equal(held(), 1);
    }
    for (int i = 1; i < 20; i++) {
        tick(still, 0, GATE_FAR);
        assert_int_equal(held(), 1);
    }
    tick(still, 0, GATE_FAR);
    assert_int_equal(held(), 0);
    tick(still, 300, GATE_FAR);
    lidar_looked = true;
    tick(still, 301, GATE_FAR);
    lidar_looked = false; /* what is real stays real */
    tick(still, 302, GATE_FAR);
    for (int i = 0; i < 100; i++) {
        tick(still, 0, GATE_FAR);
    }
    assert_int_equal(held(), 1);
}

static void held_thing_comes_nearer_and_is_passed(void **state)
{
    int32_t before;

    (void)state;
    tick(still, 200, GATE_FAR);
    tick(still, 200, GATE_FAR);
    before = nearest();
    for (int i = 0; i < 100; i++) {
        tick(forward, 0, GATE_FAR);
    }
    assert_true(nearest() < before - 150);
    for (int i = 0; i < 300; i++) {
        tick(forward, 0, GATE_FAR);
    }
    assert_int_equal(held(), 1); /* behind the car, which may come back */
    assert_true(boxes.list[0].x_mm + boxes.list[0].ex_mm < -95);
}

static void held_thing_turns_with_the_car(void **state)
{
    (void)state;
    tick(still, 300, GATE_FAR);
    tick(still, 300, GATE_FAR);
    for (int i = 0; i < 60; i++) {
        tick((struct twist){0, 0, 1000}, 0, GATE_FAR);
    }
    assert_int_equal(held(), 1);
    assert_true(boxes.list[0].y_mm < -150);
}

static void second_echo_from_behind_opens_the_middle(void **state)
{
    (void)state;
    tick(still, 300, GATE_FAR);
    tick(still, 300, GATE_FAR);
    tick(still, GATE_SONAR_MAX, GATE_FAR);
    tick(still, GATE_SONAR_MAX, GATE_FAR);
    tick(still, 1500, GATE_FAR);
    assert_int_equal(held(), 1);
    tick(still, 1501, GATE_FAR);
    assert_int_equal(held(), 2); /* the edges of the cone */
    tick(still, 1500, GATE_FAR);
    tick(still, 1501, GATE_FAR);
    assert_int_equal(held(), 2);
}

/* Turning to and fro sweeps the middle of the cone over all of it. */
static void thing_that_is_seen_through_everywhere_is_gone(void **state)
{
    (void)state;
    tick(still, 400, GATE_FAR);
    tick(still, 401, GATE_FAR);
    for (int i = 0; i < 300 && held() > 0; i++) {
        tick((struct twist){0, 0, i < 80 ? 800 : -800}, 1500 + i % 2, GATE_FAR);
    }
    assert_int_equal(held(), 0);
}

static void thing_that_shows_again_is_not_opened(void **state)
{
    (void)state;
    tick(still, 300, GATE_FAR);
    for (int i = 0; i < 10; i++) {
        tick(still, 300, GATE_FAR);
        tick(still, 1500, GATE_FAR);
    }
    assert_int_equal(held(), 1);
}

/* Ten ticks are a veto's: what leaves the cone on its edge still stands before the hull. */
static void thing_that_leaves_the_cone_at_the_side_stays(void **state)
{
    (void)state;
    tick(still, 260, GATE_FAR);
    tick(still, 250, GATE_FAR);
    tick(forward, 1500, GATE_FAR);
    tick(forward, 1495, GATE_FAR);
    tick(forward, 1490, GATE_FAR);
    assert_int_equal(held(), 2);
    assert_true(nearest() < 350);
    for (int i = 0; i < boxes.count; i++) {
        int32_t aside = boxes.list[i].y_mm < 0 ? -boxes.list[i].y_mm : boxes.list[i].y_mm;

        assert_true(aside - boxes.list[i].ey_mm < 85);
    }
}

static void thing_beside_the_cone_is_not_seen_through(void **state)
{
    (void)state;
    tick(still, 300, GATE_FAR);
    tick(still, 300, GATE_FAR);
    sonar.things[0].arc.bearing_urad = 700000;
    tick(still, 1500, GATE_FAR);
    tick(still, 1500, GATE_FAR);
    assert_int_equal(held(), 1);
}

static void thing_beside_a_held_one_is_another(void **state)
{
    (void)state;
    tick(still, 300, GATE_FAR);
    sonar.things[0].arc.bearing_urad = 700000;
    tick(still, 300, GATE_FAR);
    assert_int_equal(held(), 2);
}

/* Eight are held; the ninth takes the place of the one that least is known of. */
static void ninth_thing_replaces_the_most_doubtful(void **state)
{
    (void)state;
    for (int i = 0; i < GATE_SONAR_THINGS; i++) {
        tick(still, 300, GATE_FAR);
        sonar.things[i].arc.bearing_urad = 1500000 + i;
        sonar.things[i].arc.extent_um += i == 5 ? 2000 : i;
    }
    assert_int_equal(held(), GATE_SONAR_THINGS);
    tick(still, 500, GATE_FAR);
    assert_int_equal(held(), GATE_SONAR_THINGS);
    for (int i = 0; i < GATE_SONAR_THINGS; i++) {
        assert_int_equal(sonar.things[i].arc.radius_mm, i == 5 ? 520 : 320);
    }
}

/* No place for a second part: it is opened on no side. */
static void thing_without_room_for_two_parts_stays_whole(void **state)
{
    (void)state;
    for (int i = 0; i < GATE_SONAR_THINGS; i++) {
        tick(still, 500, GATE_FAR);
        sonar.things[i].arc.bearing_urad += i + 1 < GATE_SONAR_THINGS ? 1500000 : 0;
    }
    tick(still, 1500, GATE_FAR);
    tick(still, 1500, GATE_FAR);
    assert_int_equal(held(), GATE_SONAR_THINGS);
    assert_true(sonar.things[GATE_SONAR_THINGS - 1].arc.half_urad > 263000);
    sonar.things[0].seen = 0;
    tick(still, 1500, GATE_FAR);
    assert_int_equal(held(), GATE_SONAR_THINGS);
    assert_true(sonar.things[GATE_SONAR_THINGS - 1].arc.half_urad < 200000);
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
    assert_int_equal(held(), 0);
}

static void held_thing_after_a_gap_may_be_anywhere(void **state)
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
        cmocka_unit_test_setup(what_the_lidar_sees_too_is_no_thing, setup),
        cmocka_unit_test_setup(what_is_close_ahead_is_something_while_it_shows, setup),
        cmocka_unit_test_setup(far_readings_are_no_thing, setup),
        cmocka_unit_test_setup(one_echo_counts_for_200_ms, setup),
        cmocka_unit_test_setup(two_echoes_hold_for_8_seconds, setup),
        cmocka_unit_test_setup(thing_where_the_lidar_has_not_looked_is_not_held, setup),
        cmocka_unit_test_setup(held_thing_comes_nearer_and_is_passed, setup),
        cmocka_unit_test_setup(held_thing_turns_with_the_car, setup),
        cmocka_unit_test_setup(second_echo_from_behind_opens_the_middle, setup),
        cmocka_unit_test_setup(thing_that_is_seen_through_everywhere_is_gone, setup),
        cmocka_unit_test_setup(thing_that_shows_again_is_not_opened, setup),
        cmocka_unit_test_setup(thing_that_leaves_the_cone_at_the_side_stays, setup),
        cmocka_unit_test_setup(thing_beside_the_cone_is_not_seen_through, setup),
        cmocka_unit_test_setup(thing_beside_a_held_one_is_another, setup),
        cmocka_unit_test_setup(ninth_thing_replaces_the_most_doubtful, setup),
        cmocka_unit_test_setup(thing_without_room_for_two_parts_stays_whole, setup),
        cmocka_unit_test_setup(constant_reading_while_driving_at_it_is_a_fault, setup),
        cmocka_unit_test_setup(strafing_hides_what_stands_beside_the_cone, setup),
        cmocka_unit_test_setup(reading_that_is_judged_late_is_dropped, setup),
        cmocka_unit_test_setup(held_thing_after_a_gap_may_be_anywhere, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
