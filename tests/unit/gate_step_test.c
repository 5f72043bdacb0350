/* The gate in virtual time, each rule at its exact boundary. A ring of returns around the car is
 * the ordinary case; each test takes something away from it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "safety/gate.h"

#define FAR_MM 3000

static struct gate gate;
static struct gate_model model;
static int64_t now_ms;
static struct gate_output output;

static void measured_model(void)
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

    gate_model_init(&model, &options);
}

/* A whole turn of beams at one moment. */
static void look(int32_t range_mm, int64_t time_ms)
{
    for (int slot = 0; slot < GATE_SLOTS; slot++) {
        gate_beam(&gate, slot, range_mm, time_ms);
    }
}

static struct gate_output judge_with(struct twist asked, uint32_t permits, int32_t cap_mm_s)
{
    struct gate_input input = {now_ms, asked, permits, cap_mm_s};

    gate_step(&gate, &input, &output);
    return output;
}

static struct gate_output judge(struct twist asked)
{
    return judge_with(asked, GATE_PERMIT_ALL, GATE_NO_CAP);
}

/* One tick of an ordinary world. */
static struct gate_output tick(struct twist asked)
{
    now_ms += 10;
    look(FAR_MM, now_ms);
    gate_sonar(&gate, GATE_SONAR_MAX, now_ms);
    return judge(asked);
}

static void repeat(int ticks, struct twist asked)
{
    for (int i = 0; i < ticks; i++) {
        (void)tick(asked);
    }
}

static int setup(void **state)
{
    (void)state;
    measured_model();
    now_ms = 1000;
    gate_init(&gate, &model, now_ms);
    repeat(5, (struct twist){0});
    return 0;
}

static const struct twist forward = {.vx_mm_s = 400};
static const struct twist none = {0};

static void nothing_seen_is_no_motion(void **state)
{
    (void)state;
    gate_init(&gate, &model, now_ms);
    (void)judge(forward);
    assert_int_equal(output.given.vx_mm_s, 0);
    assert_true(output.reasons & REASON_LIDAR_STALE);
    assert_true(output.reasons & REASON_SONAR_FAULT);
    assert_int_equal(output.open_bearing_mrad, 0);
}

static int32_t widest_box_mm(void)
{
    int32_t widest = 0;

    for (int i = 0; i < gate.boxes.count; i++) {
        widest = gate.boxes.list[i].ex_mm > widest ? gate.boxes.list[i].ex_mm : widest;
    }
    return widest;
}

/* A car that stands moves nothing, however old it is. */
static void old_news_are_aged_by_what_they_are(void **state)
{
    (void)state;
    for (int64_t age_ms = 0; age_ms < model.seen_ms; age_ms++) {
        gate_init(&gate, &model, now_ms);
        gate_beam(&gate, 0, 300, now_ms - age_ms);
        (void)judge(none);
        assert_in_range(gate.boxes.count, 72, 73); /* and the cells */
        assert_in_range(widest_box_mm(), 9, 20);
    }
    for (int64_t age_ms = 0; age_ms < GATE_SONAR_FRESH_MS; age_ms++) {
        gate_init(&gate, &model, now_ms);
        gate_sonar(&gate, 300, now_ms - age_ms);
        (void)judge(none);
        assert_true(gate.boxes.count > 72);
        assert_in_range(widest_box_mm(), 40, 200);
    }
}

static void free_way_is_given_with_a_ramp(void **state)
{
    (void)state;
    (void)tick(forward);
    assert_int_equal(output.given.vx_mm_s, 140);
    (void)tick(forward);
    assert_int_equal(output.given.vx_mm_s, 150);
    repeat(30, forward);
    assert_int_equal(output.given.vx_mm_s, 400);
    assert_int_equal(output.reasons, 0);
    (void)tick(none);
    assert_int_equal(output.given.vx_mm_s, 0);
}

static void zeroed_input_is_no_motion(void **state)
{
    struct gate_input input = {.now_ms = now_ms, .asked = forward};

    (void)state;
    gate_step(&gate, &input, &output);
    assert_int_equal(output.given.vx_mm_s, 0);
    assert_true(output.reasons & REASON_NOT_ARMED);
    assert_true(output.reasons & REASON_SELF_TEST);
    assert_true(output.reasons & REASON_LIDAR_STALE);
}

static void each_permit_has_its_reason(void **state)
{
    static const uint32_t reasons[] = {REASON_NOT_ARMED, REASON_SELF_TEST, REASON_LIDAR_STALE};

    (void)state;
    for (int i = 0; i < 3; i++) {
        (void)tick(none);
        (void)judge_with(forward, GATE_PERMIT_ALL & ~(1u << i), GATE_NO_CAP);
        assert_int_equal(output.given.vx_mm_s, 0);
        assert_int_equal(output.reasons &
                             (REASON_NOT_ARMED | REASON_SELF_TEST | REASON_LIDAR_STALE),
                         reasons[i]);
    }
}

static void lidar_is_stale_after_100_ms(void **state)
{
    (void)state;
    repeat(20, forward);
    now_ms += 99;
    gate_sonar(&gate, GATE_SONAR_MAX, now_ms);
    (void)judge(forward);
    assert_true(output.given.vx_mm_s > 0);
    now_ms += 1;
    (void)judge(forward);
    assert_int_equal(output.given.vx_mm_s, 0);
    assert_true(output.reasons & REASON_LIDAR_STALE);
    now_ms += 1;
    (void)judge(forward);
    assert_int_equal(output.given.vx_mm_s, 0);
}

static void after_a_veto_ten_clear_ticks_pass(void **state)
{
    (void)state;
    repeat(5, forward);
    now_ms += 100;
    (void)judge(forward);
    assert_int_equal(output.given.vx_mm_s, 0);
    for (int i = 0; i < GATE_CLEAR_TICKS; i++) {
        (void)tick(forward);
        assert_int_equal(output.given.vx_mm_s, 0);
        assert_true(output.reasons & REASON_CLEARING);
    }
    (void)tick(forward);
    assert_int_equal(output.given.vx_mm_s, 140);
    assert_int_equal(output.reasons & REASON_CLEARING, 0);
}

static void clearing_starts_anew_when_blocked_again(void **state)
{
    (void)state;
    now_ms += 100;
    (void)judge(forward);
    repeat(9, forward);
    now_ms += 100;
    (void)judge(forward);
    repeat(10, forward);
    assert_int_equal(output.given.vx_mm_s, 0);
    (void)tick(forward);
    assert_int_equal(output.given.vx_mm_s, 140);
}

static void lidar_without_returns_is_blind(void **state)
{
    (void)state;
    gate_init(&gate, &model, now_ms);
    now_ms += 10;
    look(0, now_ms);
    for (int cell = 0; cell < GATE_BLIND_CELLS - 1; cell++) {
        gate_beam(&gate, cell * 10 + 5, FAR_MM, now_ms);
    }
    (void)judge(forward);
    assert_true(output.reasons & REASON_LIDAR_BLIND);
    assert_int_equal(output.given.vx_mm_s, 0);
    gate_beam(&gate, 355, FAR_MM, now_ms);
    (void)judge(none);
    assert_int_equal(output.reasons & REASON_LIDAR_BLIND, 0);
}

static void clock_that_runs_backward_is_no_motion(void **state)
{
    (void)state;
    repeat(5, forward);
    now_ms -= 1;
    (void)judge(forward);
    assert_int_equal(output.given.vx_mm_s, 0);
    assert_true(output.reasons & REASON_LIDAR_STALE);
    now_ms = INT64_MIN;
    (void)judge(forward);
    assert_int_equal(output.given.vx_mm_s, 0);
    now_ms = INT64_MAX;
    (void)judge(forward);
    assert_int_equal(output.given.vx_mm_s, 0);
}

static void beams_from_another_time_say_nothing(void **state)
{
    (void)state;
    now_ms += 110;
    look(FAR_MM, now_ms + 1001);
    look(FAR_MM, now_ms - 1200);
    (void)judge(forward);
    assert_true(output.reasons & REASON_LIDAR_STALE);
    gate_sonar(&gate, 300, now_ms + 1001);
    gate_sonar(&gate, 300, now_ms - 1001);
    (void)judge(none);
    assert_int_equal(output.reasons & REASON_SONAR_NEAR, 0);
}

static void beams_from_the_near_future_do_not_keep_it_fresh(void **state)
{
    (void)state;
    now_ms += 100;
    look(FAR_MM, now_ms + 5);
    (void)judge(forward);
    assert_true(output.reasons & REASON_LIDAR_STALE);
    assert_int_equal(output.given.vx_mm_s, 0);
}

static void wall_ahead_stops_and_says_why(void **state)
{
    (void)state;
    now_ms += 10;
    for (int slot = -20; slot <= 20; slot++) {
        gate_beam(&gate, (slot + GATE_SLOTS) % GATE_SLOTS, 150, now_ms);
    }
    (void)judge(forward);
    assert_int_equal(output.given.vx_mm_s, 0);
    assert_true(output.reasons & REASON_OBSTACLE);
    assert_true(output.clear_front_mm <= 50);
}

static void wall_beside_is_slid_along(void **state)
{
    (void)state;
    repeat(2, none);
    for (int i = 0; i < 40; i++) {
        now_ms += 10;
        look(FAR_MM, now_ms);
        for (int slot = 170; slot <= 190; slot++) {
            gate_beam(&gate, slot, 120, now_ms);
        }
        gate_sonar(&gate, GATE_SONAR_MAX, now_ms);
        (void)judge((struct twist){200, 150, 0});
    }
    assert_in_range(output.given.vx_mm_s, 130, 150);
    assert_int_equal(output.given.vy_mm_s, 0);
    assert_true(output.reasons & REASON_OBSTACLE);
}

static void unseen_after_250_ms_is_hard(void **state)
{
    (void)state;
    for (int age = 249; age <= 251; age++) {
        (void)setup(NULL);
        for (int64_t later = 10; later <= age; later += 10) {
            for (int slot = 0; slot < GATE_SLOTS; slot++) {
                if (slot < 160 || slot >= 200) {
                    gate_beam(&gate, slot, FAR_MM, now_ms + later);
                }
            }
            gate_sonar(&gate, GATE_SONAR_MAX, now_ms + later);
        }
        now_ms += age;
        (void)judge((struct twist){0, 200, 0});
        assert_int_equal(output.given.vy_mm_s != 0, age < 250);
        assert_int_equal((output.reasons & REASON_UNSEEN) != 0, age >= 250);
        assert_int_equal(output.clear_left_mm == GATE_CLEAR_MAX, age >= 250);
    }
}

static void dark_is_an_obstacle_above_250_mm_s(void **state)
{
    uint32_t reasons = 0;

    (void)state;
    for (int i = 0; i < 80; i++) {
        now_ms += 10;
        for (int slot = 0; slot < GATE_SLOTS; slot++) {
            gate_beam(&gate, slot, slot < 60 || slot > 660 ? 0 : FAR_MM, now_ms);
        }
        gate_sonar(&gate, GATE_SONAR_MAX, now_ms);
        reasons |= judge(forward).reasons;
    }
    assert_in_range(output.given.vx_mm_s, 200, 250);
    assert_true(reasons & REASON_DARK);
}

static void unseen_ahead_may_be_crept_into_with_a_good_sonar(void **state)
{
    (void)state;
    for (int i = 0; i < 60; i++) {
        now_ms += 10;
        for (int slot = 30; slot < 690; slot++) {
            gate_beam(&gate, slot, FAR_MM, now_ms);
        }
        gate_sonar(&gate, GATE_SONAR_MAX, now_ms);
        (void)judge(forward);
    }
    assert_in_range(output.given.vx_mm_s, 130, 150);
    assert_true(output.reasons & REASON_UNSEEN);
}

static void masked_bearing_is_never_free(void **state)
{
    (void)state;
    gate_mask(&gate, -5, 10);
    gate_mask(&gate, 715, 3);
    repeat(30, forward);
    assert_int_equal(output.given.vx_mm_s, 0);
    assert_true(output.reasons & REASON_UNSEEN);
    (void)tick((struct twist){-200, 0, 0});
    repeat(11, (struct twist){-200, 0, 0});
    assert_true(output.given.vx_mm_s < 0);
}

static void silent_sonar_means_creeping_ahead(void **state)
{
    (void)state;
    repeat(30, forward);
    for (int i = 0; i < 20; i++) {
        now_ms += 10;
        look(FAR_MM, now_ms);
        (void)judge(forward);
        assert_int_equal((output.reasons & REASON_SONAR_FAULT) != 0, i >= 19);
    }
    assert_int_equal(output.given.vx_mm_s, 150);
}

static void sonar_switched_off_means_250(void **state)
{
    (void)state;
    for (int i = 0; i < 40; i++) {
        now_ms += 10;
        look(FAR_MM, now_ms);
        gate_sonar(&gate, GATE_SONAR_OFF, now_ms);
        (void)judge(forward);
    }
    assert_int_equal(output.given.vx_mm_s, 250);
    assert_true(output.reasons & REASON_SONAR_OFF);
    assert_false(output.reasons & REASON_SONAR_FAULT);
}

static void first_way_after_a_turn_is_limited(void **state)
{
    int limited = 0;

    (void)state;
    repeat(60, (struct twist){0, 0, 1200});
    repeat(30, none);
    for (int i = 0; i < 200; i++) {
        (void)tick(forward);
        limited += output.given.vx_mm_s == 250 ? 1 : 0;
    }
    assert_true(limited > 10);
    assert_int_equal(output.given.vx_mm_s, 400);
}

static void what_only_the_sonar_sees_stops(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        now_ms += 10;
        look(FAR_MM, now_ms);
        gate_sonar(&gate, 60 + i % 2, now_ms);
        (void)judge(forward);
    }
    assert_int_equal(output.given.vx_mm_s, 0);
    assert_true(output.reasons & REASON_SONAR_NEAR);
}

static void battery_cap_is_a_rim_speed(void **state)
{
    (void)state;
    for (int i = 0; i < 30; i++) {
        now_ms += 10;
        look(FAR_MM, now_ms);
        gate_sonar(&gate, GATE_SONAR_MAX, now_ms);
        (void)judge_with(forward, GATE_PERMIT_ALL, 200);
    }
    assert_int_equal(output.given.vx_mm_s, 200);
    assert_true(output.reasons & REASON_CEILING);
    (void)judge_with(forward, GATE_PERMIT_ALL, -5);
    assert_int_equal(output.given.vx_mm_s, 0);
}

static void below_the_slowest_speed_is_zero(void **state)
{
    (void)state;
    repeat(5, (struct twist){129, 0, 0});
    assert_int_equal(output.given.vx_mm_s, 0);
    assert_true(output.reasons & REASON_TOO_SLOW);
    repeat(5, (struct twist){130, 0, 0});
    assert_int_equal(output.given.vx_mm_s, 130);
    repeat(5, (struct twist){0, 0, -1032});
    assert_int_equal(output.given.wz_mrad_s, -1032);
}

static void axis_reverses_only_when_it_stands(void **state)
{
    static const struct twist one[] = {{200, 0, 0}, {0, 200, 0}, {0, 0, 1500}};
    static const struct twist other[] = {{-200, 0, 0}, {0, -200, 0}, {0, 0, -1500}};

    (void)state;
    for (int i = 0; i < 3; i++) {
        int waited = 0;

        repeat(30, one[i]);
        (void)tick(other[i]);
        assert_true(output.reasons & REASON_REVERSAL);
        while (gate_model_rim(&model, &output.given) == 0 && waited < 100) {
            (void)tick(other[i]);
            waited++;
        }
        assert_in_range(waited, 5, 30);
        repeat(30, other[i]);
        (void)tick(one[i]);
        assert_true(output.reasons & REASON_REVERSAL);
        repeat(40, none);
    }
}

static void what_is_under_way_must_end_clear(void **state)
{
    (void)state;
    repeat(40, forward);
    now_ms += 10;
    look(FAR_MM, now_ms);
    for (int slot = -20; slot <= 20; slot++) {
        gate_beam(&gate, (slot + GATE_SLOTS) % GATE_SLOTS, 160, now_ms);
    }
    (void)judge((struct twist){0, 200, 0});
    assert_int_equal(output.given.vy_mm_s, 0);
    assert_true(output.reasons & REASON_STOPPING);
    assert_true(output.reasons & REASON_OBSTACLE);
}

static void car_that_could_not_stop_does_not_start(void **state)
{
    const struct gate_ceilings ceilings = {400, 200, 200, 1500, 500};
    struct gate_case nothing_around = {
        .asked = forward, .ceilings = ceilings, .permits = GATE_PERMIT_ALL};

    (void)state;
    assert_int_equal(gate_confirm(&model, &nothing_around, &forward).vx_mm_s, 400);
    model.reaction_ms = 8000; /* more than a metre at the slowest speed */
    assert_int_equal(gate_confirm(&model, &nothing_around, &forward).vx_mm_s, 0);
    gate_init(&gate, &model, now_ms);
    repeat(20, forward);
    assert_int_equal(output.given.vx_mm_s, 0);
    assert_true(output.reasons & REASON_OBSTACLE);
}

static void longest_way_is_reported(void **state)
{
    uint16_t sectors[GATE_SECTORS];

    (void)state;
    now_ms += 60;
    for (int slot = 0; slot < GATE_SLOTS; slot++) {
        gate_beam(&gate, slot, slot > 500 && slot < 580 ? 5000 : 1000, now_ms);
    }
    (void)judge(none);
    assert_in_range(output.open_bearing_mrad + 2000, 2000 - 1850, 2000 - 1290);
    assert_in_range(output.clear_front_mm, 890, 900);
    assert_in_range(output.clear_left_mm, 905, 915);
    assert_in_range(output.clear_rear_mm, 895, 905);
    gate_scan(&gate, sectors);
    assert_int_equal(sectors[0], 1000);
    assert_int_equal(sectors[130], 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_seen_is_no_motion, setup),
        cmocka_unit_test_setup(old_news_are_aged_by_what_they_are, setup),
        cmocka_unit_test_setup(free_way_is_given_with_a_ramp, setup),
        cmocka_unit_test_setup(zeroed_input_is_no_motion, setup),
        cmocka_unit_test_setup(each_permit_has_its_reason, setup),
        cmocka_unit_test_setup(lidar_is_stale_after_100_ms, setup),
        cmocka_unit_test_setup(after_a_veto_ten_clear_ticks_pass, setup),
        cmocka_unit_test_setup(clearing_starts_anew_when_blocked_again, setup),
        cmocka_unit_test_setup(lidar_without_returns_is_blind, setup),
        cmocka_unit_test_setup(clock_that_runs_backward_is_no_motion, setup),
        cmocka_unit_test_setup(beams_from_another_time_say_nothing, setup),
        cmocka_unit_test_setup(beams_from_the_near_future_do_not_keep_it_fresh, setup),
        cmocka_unit_test_setup(wall_ahead_stops_and_says_why, setup),
        cmocka_unit_test_setup(wall_beside_is_slid_along, setup),
        cmocka_unit_test_setup(unseen_after_250_ms_is_hard, setup),
        cmocka_unit_test_setup(dark_is_an_obstacle_above_250_mm_s, setup),
        cmocka_unit_test_setup(unseen_ahead_may_be_crept_into_with_a_good_sonar, setup),
        cmocka_unit_test_setup(masked_bearing_is_never_free, setup),
        cmocka_unit_test_setup(silent_sonar_means_creeping_ahead, setup),
        cmocka_unit_test_setup(sonar_switched_off_means_250, setup),
        cmocka_unit_test_setup(first_way_after_a_turn_is_limited, setup),
        cmocka_unit_test_setup(what_only_the_sonar_sees_stops, setup),
        cmocka_unit_test_setup(battery_cap_is_a_rim_speed, setup),
        cmocka_unit_test_setup(below_the_slowest_speed_is_zero, setup),
        cmocka_unit_test_setup(axis_reverses_only_when_it_stands, setup),
        cmocka_unit_test_setup(what_is_under_way_must_end_clear, setup),
        cmocka_unit_test_setup(car_that_could_not_stop_does_not_start, setup),
        cmocka_unit_test_setup(longest_way_is_reported, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
