/* The properties are checked on a million random motions and settings of the usual kind, with a
 * fixed seed; the figures by hand come from the kinematics in facts/hardware.md 2. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hal/body/mecanum.h"

#define RUNS        1000000
#define TWO_DEGREES (2.0 * 3.14159265358979 / 180)

static const struct mecanum_settings plain = {
    .arm_mm = MECANUM_ARM_MM,
    .turn_left_percent = 100,
    .turn_right_percent = 100,
    .sign = {-1, 1, -1, 1},
    .trim_percent = {100, 100, 100, 100},
    .dead_band_permille = 300,
    .points = 2,
    .point = {{200, 400}, {500, 1000}},
    .slew_permille = 50,
};

static uint32_t random_state = 88172645;

static int random_between(int low, int high)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return low + (int)(random_state % (uint32_t)(high - low + 1));
}

static void check_four(const int *got, int a, int b, int c, int d)
{
    assert_int_equal(got[0], a);
    assert_int_equal(got[1], b);
    assert_int_equal(got[2], c);
    assert_int_equal(got[3], d);
}

static void check_mix(const struct mecanum_settings *settings, int vx, int vy, int wz,
                      const int wanted_um_s[4])
{
    int32_t rim[MECANUM_WHEELS];

    mecanum_mix(settings, vx, vy, wz, rim);
    for (int i = 0; i < MECANUM_WHEELS; i++) {
        assert_int_equal(rim[i], wanted_um_s[i]);
    }
}

static void duties_for(const struct mecanum_settings *settings, int vx, int vy, int wz,
                       int ret_duty[MECANUM_WHEELS])
{
    int32_t rim[MECANUM_WHEELS];

    mecanum_mix(settings, vx, vy, wz, rim);
    mecanum_duties(settings, rim, ret_duty);
}

static void each_axis_turns_the_wheels_that_it_should(void **state)
{
    (void)state;
    check_mix(&plain, 100, 0, 0, (const int[]){100000, 100000, 100000, 100000});
    check_mix(&plain, 0, 100, 0, (const int[]){-100000, 100000, 100000, -100000});
    check_mix(&plain, 0, 0, 1000, (const int[]){-126000, 126000, -126000, 126000});
    check_mix(&plain, 100, 20, -500, (const int[]){143000, 57000, 183000, 17000});
}

/* The vendor's own mixer, duty for duty: see the worked packets. */
static void signs_are_the_vendors(void **state)
{
    int duty[MECANUM_WHEELS];

    (void)state;
    duties_for(&plain, 250, 0, 0, duty);
    check_four(duty, -500, 500, -500, 500);
    duties_for(&plain, -250, 0, 0, duty);
    check_four(duty, 500, -500, 500, -500);
    duties_for(&plain, 0, -250, 0, duty); /* to the right */
    check_four(duty, -500, -500, 500, 500);
    duties_for(&plain, 0, 0, -1984, duty); /* clockwise */
    check_four(duty, -500, -500, -500, -500);
}

static void standing_still_is_four_zeros(void **state)
{
    const int32_t still[MECANUM_WHEELS] = {0};
    int duty[MECANUM_WHEELS] = {1, 2, 3, 4};

    (void)state;
    duties_for(&plain, 0, 0, 0, duty);
    check_four(duty, 0, 0, 0, 0);
    memset(duty, 1, sizeof(duty));
    mecanum_duties(&plain, still, duty);
    check_four(duty, 0, 0, 0, 0);
}

static void zeroed_settings_turn_nothing(void **state)
{
    const struct mecanum_settings zeroed = {0};
    const int32_t rim[MECANUM_WHEELS] = {100000, -100000, 1, 0};
    const int none[MECANUM_WHEELS] = {0}, wanted[MECANUM_WHEELS] = {100, -100, 1, 0};
    int duty[MECANUM_WHEELS];

    (void)state;
    check_mix(&zeroed, 300, 100, 500, none);
    check_mix(&zeroed, 0, 0, 0, none);
    duties_for(&zeroed, 300, 100, 500, duty);
    check_four(duty, 0, 0, 0, 0);
    mecanum_duties(&zeroed, rim, duty);
    check_four(duty, 0, 0, 0, 0);
    mecanum_slew(&zeroed, none, wanted, duty);
    check_four(duty, 0, 0, 0, 0);
    mecanum_slew(&zeroed, none, none, duty);
    check_four(duty, 0, 0, 0, 0);
    assert_int_equal(mecanum_rim_um_s(&zeroed, 0, 500), 0);
    assert_int_equal(mecanum_rim_um_s(&zeroed, 0, -500), 0);
}

/* A request that cannot be meant. */
static void absurd_motion_is_a_stop(void **state)
{
    static const int absurd[][3] = {
        {MECANUM_ASK_MAX_MM_S + 1, 0, 0},
        {-MECANUM_ASK_MAX_MM_S - 1, 0, 0},
        {0, MECANUM_ASK_MAX_MM_S + 1, 0},
        {0, -MECANUM_ASK_MAX_MM_S - 1, 0},
        {0, 0, MECANUM_ASK_MAX_MRAD_S + 1},
        {0, 0, -MECANUM_ASK_MAX_MRAD_S - 1},
        {INT32_MIN, INT32_MIN, INT32_MIN},
        {INT32_MAX, 0, 0},
        {0, INT32_MAX, 0},
        {0, 0, INT32_MIN},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(absurd) / sizeof(absurd[0]); i++) {
        check_mix(&plain, absurd[i][0], absurd[i][1], absurd[i][2], (const int[]){0, 0, 0, 0});
    }
}

static void table_without_points_turns_nothing(void **state)
{
    const int32_t rim[MECANUM_WHEELS] = {100000, -100000, 100000, -100000};
    struct mecanum_settings settings = plain;
    int duty[MECANUM_WHEELS];

    (void)state;
    settings.points = 0;
    check_mix(&settings, 300, 100, 500, (const int[]){0, 0, 0, 0});
    mecanum_duties(&settings, rim, duty);
    check_four(duty, 0, 0, 0, 0);
    assert_int_equal(mecanum_rim_um_s(&settings, 1, 500), 0);
}

/* Rounding included: no car that drives backwards better than forwards. */
static void opposite_motion_has_the_opposite_duties(void **state)
{
    struct mecanum_settings settings = plain;

    (void)state;
    settings.trim_percent[1] = 97;
    settings.turn_left_percent = settings.turn_right_percent = 103;
    for (int run = 0; run < RUNS / 10; run++) {
        int duty[MECANUM_WHEELS], opposite[MECANUM_WHEELS];
        int x = random_between(-700, 700), y = random_between(-700, 700);
        int wz = random_between(-3000, 3000);
        int32_t rim[MECANUM_WHEELS];

        duties_for(&settings, x, y, wz, duty);
        duties_for(&settings, -x, -y, -wz, opposite);
        check_four(opposite, -duty[0], -duty[1], -duty[2], -duty[3]);
        mecanum_mix(&settings, x, y, wz, rim);
        check_mix(&settings, -x, -y, -wz, (const int[]){-rim[0], -rim[1], -rim[2], -rim[3]});
    }
}

static void largest_values_do_not_overflow(void **state)
{
    struct mecanum_settings settings = plain;
    int32_t rim[MECANUM_WHEELS];

    (void)state;
    settings.arm_mm = MECANUM_ARM_MAX_MM;
    settings.turn_left_percent = 200;
    settings.point[1].speed_mm_s = MECANUM_SPEED_MAX_MM_S;
    check_mix(&settings, -MECANUM_ASK_MAX_MM_S, 0, 0,
              (const int[]){-5000000, -5000000, -5000000, -5000000});
    mecanum_mix(&settings, MECANUM_ASK_MAX_MM_S, MECANUM_ASK_MAX_MM_S, MECANUM_ASK_MAX_MRAD_S, rim);
    assert_int_equal(rim[0], -2500000);
    assert_int_equal(rim[1], 5000000);
    assert_int_equal(rim[2], 0);
    assert_int_equal(rim[3], 2500000);
}

/* x, y and arm * wz of four rim speeds, mm/s. */
static void motion_of(const double rim_um_s[MECANUM_WHEELS], double ret_motion[3])
{
    ret_motion[0] = (rim_um_s[0] + rim_um_s[1] + rim_um_s[2] + rim_um_s[3]) / 4000;
    ret_motion[1] = (-rim_um_s[0] + rim_um_s[1] + rim_um_s[2] - rim_um_s[3]) / 4000;
    ret_motion[2] = (-rim_um_s[0] + rim_um_s[1] - rim_um_s[2] + rim_um_s[3]) / 4000;
}

static double length(const double *vector)
{
    return sqrt(vector[0] * vector[0] + vector[1] * vector[1] + vector[2] * vector[2]);
}

static double angle_between(const double *a, const double *b)
{
    double dot = a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
    double cosine = dot / (length(a) * length(b));

    return acos(cosine > 1 ? 1 : cosine);
}

static void check_direction(const double asked[3], const double rim_um_s[MECANUM_WHEELS],
                            double tolerance_mm_s)
{
    double given[3];

    motion_of(rim_um_s, given);
    assert_true(length(given) <= length(asked) + tolerance_mm_s);
    if (length(given) > 0) {
        assert_true(angle_between(asked, given) <= TWO_DEGREES);
    }
}

/* Random motions up to ten times what the wheels can do, none too small for the gate. */
static void random_motion(int motion[3])
{
    int span = random_between(0, 3) == 0 ? 5000 : 600;

    do {
        motion[0] = random_between(-span, span);
        motion[1] = random_between(-span, span);
        motion[2] = random_between(-4 * span, 4 * span);
    } while (abs(motion[0]) + abs(motion[1]) + abs(motion[2]) * MECANUM_ARM_MM / 1000 < 130);
}

static void saturation_keeps_the_direction(void **state)
{
    (void)state;
    for (int run = 0; run < RUNS; run++) {
        struct mecanum_settings settings = plain;
        int motion[3];
        int32_t rim[MECANUM_WHEELS];
        double as_double[MECANUM_WHEELS];

        for (int i = 0; i < MECANUM_WHEELS; i++) {
            settings.trim_percent[i] = random_between(80, 120);
        }
        random_motion(motion);
        mecanum_mix(&settings, motion[0], motion[1], motion[2], rim);
        for (int i = 0; i < MECANUM_WHEELS; i++) {
            as_double[i] = rim[i];
            assert_true(llabs((long long)rim[i] * settings.trim_percent[i]) <= 500100LL * 100);
        }
        check_direction((const double[]){motion[0], motion[1], motion[2] * 0.126}, as_double, 0.01);
    }
}

/* Through the table to duties of whole permille and back: what the wheels are expected to do. A
 * permille is up to 2 mm/s here. */
static void duties_keep_the_direction(void **state)
{
    (void)state;
    for (int run = 0; run < RUNS; run++) {
        struct mecanum_settings settings = plain;
        int motion[3], duty[MECANUM_WHEELS];
        double rim[MECANUM_WHEELS];

        for (int i = 0; i < MECANUM_WHEELS; i++) {
            settings.trim_percent[i] = random_between(80, 120);
        }
        random_motion(motion);
        duties_for(&settings, motion[0], motion[1], motion[2], duty);
        for (int i = 0; i < MECANUM_WHEELS; i++) {
            rim[i] = mecanum_rim_um_s(&settings, i, duty[i]);
            assert_in_range(abs(duty[i]) + 1, 1, 1001);
            assert_true(duty[i] == 0 || abs(duty[i]) > settings.dead_band_permille);
        }
        check_direction((const double[]){motion[0], motion[1], motion[2] * 0.126}, rim, 2.5);
    }
}

static int duty_at(const struct mecanum_settings *settings, int32_t speed_um_s)
{
    const int32_t rim[MECANUM_WHEELS] = {0, speed_um_s, 0, 0};
    int duty[MECANUM_WHEELS];

    mecanum_duties(settings, rim, duty);
    return duty[1];
}

static void table_is_straight_lines_from_the_dead_band(void **state)
{
    (void)state;
    assert_int_equal(duty_at(&plain, 999), 0);
    assert_int_equal(duty_at(&plain, -999), 0);
    assert_int_equal(duty_at(&plain, 1000), 301);
    assert_int_equal(duty_at(&plain, -1000), -301);
    assert_int_equal(duty_at(&plain, 100000), 350);
    assert_int_equal(duty_at(&plain, 200000), 400);
    assert_int_equal(duty_at(&plain, 350000), 700);
    assert_int_equal(duty_at(&plain, 499900), 1000);
    assert_int_equal(duty_at(&plain, 500000), 1000);
    assert_int_equal(duty_at(&plain, 2000000), 1000);
}

static void longest_table_is_used_to_its_end(void **state)
{
    struct mecanum_settings settings = plain;

    (void)state;
    settings.points = MECANUM_POINTS_MAX;
    for (int i = 0; i < MECANUM_POINTS_MAX; i++) {
        settings.point[i] = (struct mecanum_point){100 * (i + 1), 400 + 50 * i};
    }
    assert_int_equal(duty_at(&settings, 750000), 725);
    assert_int_equal(duty_at(&settings, 800001), 750);
    assert_int_equal(mecanum_rim_um_s(&settings, 1, 725), 750000);
    assert_int_equal(mecanum_rim_um_s(&settings, 1, 900), 800000);
}

static void flat_table_still_starts_above_the_dead_band(void **state)
{
    struct mecanum_settings settings = plain;

    (void)state;
    settings.points = 1;
    settings.point[0] = (struct mecanum_point){500, 310};
    assert_int_equal(duty_at(&settings, 1000), 301);
    assert_int_equal(duty_at(&settings, 24000), 301);
    assert_int_equal(duty_at(&settings, 75000), 302);
    assert_int_equal(duty_at(&settings, 500000), 310);
}

static void more_speed_is_never_less_duty(void **state)
{
    int last = 0;

    (void)state;
    for (int32_t speed = 0; speed <= 600000; speed += 100) {
        int duty = duty_at(&plain, speed);

        assert_true(duty >= last);
        last = duty;
    }
}

static void inverse_is_within_one_permille(void **state)
{
    (void)state;
    assert_int_equal(mecanum_rim_um_s(&plain, 1, 300), 0);
    assert_int_equal(mecanum_rim_um_s(&plain, 1, -300), 0);
    assert_int_equal(mecanum_rim_um_s(&plain, 1, 301), 2000);
    assert_int_equal(mecanum_rim_um_s(&plain, 0, 400), -200000);
    assert_int_equal(mecanum_rim_um_s(&plain, 0, -700), 350000);
    assert_int_equal(mecanum_rim_um_s(&plain, 1, 1000), 500000);
    assert_int_equal(mecanum_rim_um_s(&plain, 1, 1001), 500000);
    for (int duty = 301; duty <= 1000; duty++) {
        assert_int_equal(duty_at(&plain, mecanum_rim_um_s(&plain, 1, duty)), duty);
    }
}

static void trim_and_turn_factors_drive_harder(void **state)
{
    struct mecanum_settings settings = plain;
    int duty[MECANUM_WHEELS];

    (void)state;
    settings.trim_percent[2] = 120;
    settings.turn_left_percent = 150;
    settings.turn_right_percent = 80;
    duties_for(&settings, 250, 0, 0, duty);
    check_four(duty, -500, 500, -600, 500);
    assert_int_equal(mecanum_rim_um_s(&settings, 2, duty[2]), 250000);
    check_mix(&settings, 0, 0, 1000, (const int[]){-189000, 189000, -189000, 189000});
    check_mix(&settings, 0, 0, 1, (const int[]){-189, 189, -189, 189});
    check_mix(&settings, 0, 0, -1000, (const int[]){100800, -100800, 100800, -100800});
    /* The trimmed wheel is the first at its limit: all four get slower. */
    duties_for(&settings, 500, 0, 0, duty);
    check_four(duty, -833, 833, -1000, 833);
}

static void duty_grows_by_the_slew_at_most(void **state)
{
    const int wanted[MECANUM_WHEELS] = {-500, 500, -250, 0};
    int duty[MECANUM_WHEELS] = {0};

    (void)state;
    mecanum_slew(&plain, duty, wanted, duty);
    check_four(duty, -50, 50, -25, 0);
    for (int tick = 1; tick < 9; tick++) {
        mecanum_slew(&plain, duty, wanted, duty);
    }
    check_four(duty, -450, 450, -225, 0);
    mecanum_slew(&plain, duty, wanted, duty);
    check_four(duty, -500, 500, -250, 0);
    mecanum_slew(&plain, duty, wanted, duty);
    check_four(duty, -500, 500, -250, 0);
}

static void stop_passes_at_once(void **state)
{
    const int stop[MECANUM_WHEELS] = {0}, slow[MECANUM_WHEELS] = {-310, 310, -900, 0};
    int duty[MECANUM_WHEELS] = {-1000, 700, -400, 301};

    (void)state;
    mecanum_slew(&plain, duty, slow, duty);
    check_four(duty, -310, 310, -450, 0);
    mecanum_slew(&plain, duty, stop, duty);
    check_four(duty, 0, 0, 0, 0);
}

static void wheel_that_turns_around_is_zero_for_a_tick(void **state)
{
    const int wanted[MECANUM_WHEELS] = {40, -500, 400, -400};
    int duty[MECANUM_WHEELS] = {-40, 500, 400, -400};

    (void)state;
    mecanum_slew(&plain, duty, wanted, duty);
    check_four(duty, 0, 0, 400, -400);
    mecanum_slew(&plain, duty, wanted, duty);
    check_four(duty, 4, -50, 400, -400);
}

static void check_slew_step(int last, int wanted, int got)
{
    assert_true(abs(got) <= (abs(last) > abs(wanted) ? abs(last) : abs(wanted)));
    assert_true(abs(got) <= abs(last) + plain.slew_permille);
    assert_true((int64_t)got * last >= 0);   /* through zero */
    assert_true((int64_t)got * wanted >= 0); /* never the other way */
    assert_true(wanted != 0 || got == 0);
    if ((int64_t)last * wanted >= 0 && abs(wanted) <= abs(last)) {
        assert_int_equal(got, wanted);
    }
}

static void slew_arrives_and_never_overshoots(void **state)
{
    (void)state;
    for (int run = 0; run < RUNS / 20; run++) {
        int duty[MECANUM_WHEELS], wanted[MECANUM_WHEELS];
        int ticks = 0;

        for (int i = 0; i < MECANUM_WHEELS; i++) {
            duty[i] = random_between(-1000, 1000);
            wanted[i] = random_between(0, 3) == 0 ? 0 : random_between(-1000, 1000);
        }
        while (memcmp(duty, wanted, sizeof(duty)) != 0) {
            int last[MECANUM_WHEELS];

            memcpy(last, duty, sizeof(last));
            mecanum_slew(&plain, last, wanted, duty);
            for (int i = 0; i < MECANUM_WHEELS; i++) {
                check_slew_step(last[i], wanted[i], duty[i]);
            }
            ticks++;
            assert_true(ticks <= 1 + 1000 / plain.slew_permille);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_axis_turns_the_wheels_that_it_should),
        cmocka_unit_test(signs_are_the_vendors),
        cmocka_unit_test(standing_still_is_four_zeros),
        cmocka_unit_test(zeroed_settings_turn_nothing),
        cmocka_unit_test(absurd_motion_is_a_stop),
        cmocka_unit_test(table_without_points_turns_nothing),
        cmocka_unit_test(opposite_motion_has_the_opposite_duties),
        cmocka_unit_test(largest_values_do_not_overflow),
        cmocka_unit_test(saturation_keeps_the_direction),
        cmocka_unit_test(duties_keep_the_direction),
        cmocka_unit_test(table_is_straight_lines_from_the_dead_band),
        cmocka_unit_test(longest_table_is_used_to_its_end),
        cmocka_unit_test(flat_table_still_starts_above_the_dead_band),
        cmocka_unit_test(more_speed_is_never_less_duty),
        cmocka_unit_test(inverse_is_within_one_permille),
        cmocka_unit_test(trim_and_turn_factors_drive_harder),
        cmocka_unit_test(duty_grows_by_the_slew_at_most),
        cmocka_unit_test(stop_passes_at_once),
        cmocka_unit_test(wheel_that_turns_around_is_zero_for_a_tick),
        cmocka_unit_test(slew_arrives_and_never_overshoots),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
