/* escape: a car that gets nowhere gets itself out, one that gets on is left alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/core/escape.h"

#define STEP_NS INT64_C(30000000)

static const struct escape_options options = {
    .forward_mm_s = 300, .shift_mm_s = 150, .turn_mrad_s = 1200, .stuck_ms = 6000};
static const struct twist ahead = {.vx_mm_s = 300};
static const struct twist none;

struct drive {
    struct escape escape;
    struct wire_verdict verdict;
    struct twist out;
    int64_t now_ns;
};

static struct drive *fresh(void)
{
    static struct drive drive;

    drive = (struct drive){.now_ns = STEP_NS,
                           .verdict = {.mission = 1,
                                       .reasons = REASON_OBSTACLE,
                                       .clear_front_mm = 20,
                                       .clear_left_mm = 500,
                                       .clear_rear_mm = 400,
                                       .clear_right_mm = 300,
                                       .open_bearing_mrad = -2000}};
    escape_init(&drive.escape, &options);
    return &drive;
}

static bool step(struct drive *drive, const struct twist *wish)
{
    drive->now_ns += STEP_NS;
    return escape_step(&drive->escape, wish, &drive->verdict, drive->now_ns, &drive->out);
}

/* Until it escapes, or so many steps. */
static int steps_until_escape(struct drive *drive, const struct twist *wish, int most)
{
    for (int i = 0; i < most; i++) {
        if (step(drive, wish)) {
            return i;
        }
    }
    return most;
}

/* The gate gives what is asked. */
static void obey(struct drive *drive)
{
    drive->verdict.given = drive->out;
    drive->verdict.reasons = 0;
}

static void blocked_car_turns_to_the_longest_way(void **state)
{
    struct drive *drive = fresh();
    int steps = steps_until_escape(drive, &ahead, 100);

    (void)state;
    assert_in_range(steps, ESCAPE_BLOCKED_MS / 30 - 2, ESCAPE_BLOCKED_MS / 30 + 2);
    assert_int_equal(drive->out.wz_mrad_s, -1200);
    assert_int_equal(drive->out.vx_mm_s, 0);
    assert_int_equal(drive->escape.count, 1);
}

static void closed_way_ahead_is_turned_away_from(void **state)
{
    struct drive *drive = fresh();

    (void)state;
    drive->verdict.open_bearing_mrad = 100;
    (void)steps_until_escape(drive, &ahead, 100);
    assert_int_equal(drive->out.wz_mrad_s, 1200); /* there is more room on the left */
    drive = fresh();
    drive->verdict.open_bearing_mrad = -100;
    drive->verdict.clear_left_mm = 100;
    (void)steps_until_escape(drive, &ahead, 100);
    assert_int_equal(drive->out.wz_mrad_s, -1200);
}

static void turn_is_followed_by_driving_on_and_the_model(void **state)
{
    struct drive *drive = fresh();
    int turned = 0, went = 0;

    (void)state;
    (void)steps_until_escape(drive, &ahead, 100);
    while (step(drive, &ahead) && turned + went < 500) {
        turned += drive->out.wz_mrad_s != 0;
        went += drive->out.vx_mm_s == 300;
        obey(drive);
    }
    /* 2 rad at 1.2 rad/s, then 350 mm at 0.3 m/s; steps of 30 ms. */
    assert_in_range(turned, 48, 58);
    assert_in_range(went, 36, 42);
    assert_int_equal(drive->escape.phase, ESCAPE_WATCHES);
}

static void refused_turn_shifts_to_the_side_with_room(void **state)
{
    struct drive *drive = fresh();
    bool shifted = false;

    (void)state;
    (void)steps_until_escape(drive, &ahead, 100);
    for (int i = 0; i < 20 && !shifted; i++) {
        assert_true(step(drive, &ahead));
        shifted = drive->escape.phase == ESCAPE_SHIFTS;
    }
    assert_true(shifted);
    assert_int_equal(drive->out.vy_mm_s, 150);
    for (int i = 0; i < 60 && drive->escape.phase == ESCAPE_SHIFTS; i++) {
        obey(drive);
        (void)step(drive, &ahead);
    }
    assert_int_equal(drive->escape.phase, ESCAPE_TURNS);
}

static void nothing_possible_ends_all_the_same(void **state)
{
    struct drive *drive = fresh();
    int steps = 0;

    (void)state;
    (void)steps_until_escape(drive, &ahead, 100);
    while (step(drive, &ahead) && steps < 1000) {
        steps++;
    }
    assert_in_range(steps, 20, 400);
    /* And the next try turns the other way. */
    (void)steps_until_escape(drive, &ahead, 100);
    assert_int_equal(drive->escape.count, 2);
    assert_int_equal(drive->out.wz_mrad_s, -1200);
}

static void wish_that_gets_nowhere_is_stuck_too(void **state)
{
    struct drive *drive = fresh();
    int steps;

    (void)state;
    drive->verdict.reasons = 0;
    drive->verdict.given = (struct twist){.vx_mm_s = 5};
    steps = steps_until_escape(drive, &ahead, 400);
    assert_in_range(steps, 6000 / 30 - 3, 6000 / 30 + 3);
}

static void car_that_gets_on_is_left_alone(void **state)
{
    struct drive *drive = fresh();

    (void)state;
    drive->verdict.reasons = REASON_CEILING;
    drive->verdict.given = (struct twist){.vx_mm_s = 200};
    assert_int_equal(steps_until_escape(drive, &ahead, 2000), 2000);
}

static void who_wishes_for_nothing_is_not_stuck(void **state)
{
    struct drive *drive = fresh();

    (void)state;
    assert_int_equal(steps_until_escape(drive, &none, 2000), 2000);
}

static void vetoes_that_change_are_no_wall(void **state)
{
    struct drive *drive = fresh();

    (void)state;
    for (int i = 0; i < 150; i++) {
        drive->verdict.reasons = i % 2 == 0 ? REASON_OBSTACLE : REASON_DARK;
        assert_false(step(drive, &ahead));
    }
}

static void switched_off_it_never_escapes(void **state)
{
    struct drive *drive = fresh();

    (void)state;
    drive->escape.options.stuck_ms = 0;
    assert_int_equal(steps_until_escape(drive, &ahead, 2000), 2000);
}

/* A pause between two answers is not driving time. */
static void pause_is_not_reckoned(void **state)
{
    struct drive *drive = fresh();

    (void)state;
    for (int i = 0; i < 2; i++) {
        drive->now_ns += INT64_C(60000000000);
        assert_false(step(drive, &ahead));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocked_car_turns_to_the_longest_way),
        cmocka_unit_test(closed_way_ahead_is_turned_away_from),
        cmocka_unit_test(turn_is_followed_by_driving_on_and_the_model),
        cmocka_unit_test(refused_turn_shifts_to_the_side_with_room),
        cmocka_unit_test(nothing_possible_ends_all_the_same),
        cmocka_unit_test(wish_that_gets_nowhere_is_stuck_too),
        cmocka_unit_test(car_that_gets_on_is_left_alone),
        cmocka_unit_test(who_wishes_for_nothing_is_not_stuck),
        cmocka_unit_test(vetoes_that_change_are_no_wall),
        cmocka_unit_test(switched_off_it_never_escapes),
        cmocka_unit_test(pause_is_not_reckoned),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
