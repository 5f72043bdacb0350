/* The battery in virtual time, to the millivolt and the nanosecond. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hal/body/battery.h"
#include "safety/wire.h"

_Static_assert((int)BATTERY_REASON_LOW == (int)REASON_BATTERY_LOW, "see battery.h");
_Static_assert((int)BATTERY_REASON_USB == (int)REASON_USB_SUPPLY, "see battery.h");
_Static_assert((int)BATTERY_REASON_SILENT == (int)REASON_BATTERY_SILENT, "see battery.h");

#define SECOND INT64_C(1000000000)

static const struct battery_limits limits = {
    .warn_mv = 7200,
    .stop_mv = BATTERY_STOP_MV,
    .recover_mv = 300,
    .silence_ns = 2 * SECOND,
};

static struct battery battery_new_at(int reading_mv)
{
    struct battery battery;

    battery_init(&battery, &limits);
    battery_report(&battery, reading_mv, SECOND);
    return battery;
}

/* The median is this from here on. */
static void settle(struct battery *battery, int reading_mv)
{
    battery_report(battery, reading_mv, SECOND);
    battery_report(battery, reading_mv, SECOND);
}

static void check(const struct battery *battery, enum battery_level level, uint32_t reasons)
{
    assert_int_equal(battery_level(battery), level);
    assert_int_equal(battery_reasons(battery, SECOND), reasons);
}

static void nothing_is_known_before_the_first_report(void **state)
{
    struct battery battery;

    (void)state;
    battery_init(&battery, &limits);
    assert_int_equal(battery_mv(&battery), -1);
    check(&battery, BATTERY_UNKNOWN, REASON_BATTERY_SILENT);
    assert_int_equal(battery_reasons(&battery, 0), REASON_BATTERY_SILENT);
}

static void first_report_counts_at_once_to_the_millivolt(void **state)
{
    static const struct {
        int reading_mv;
        enum battery_level level;
        uint32_t reasons;
    } cases[] = {
        {0, BATTERY_EMPTY, REASON_BATTERY_LOW},
        {2999, BATTERY_EMPTY, REASON_BATTERY_LOW},
        {3000, BATTERY_USB, REASON_USB_SUPPLY},
        {4550, BATTERY_USB, REASON_USB_SUPPLY},
        {5500, BATTERY_USB, REASON_USB_SUPPLY},
        {5501, BATTERY_EMPTY, REASON_BATTERY_LOW},
        {6799, BATTERY_EMPTY, REASON_BATTERY_LOW},
        {6800, BATTERY_WARNING, 0},
        {7199, BATTERY_WARNING, 0},
        {7200, BATTERY_GOOD, 0},
        {8400, BATTERY_GOOD, 0},
        {13000, BATTERY_GOOD, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct battery battery = battery_new_at(cases[i].reading_mv);

        check(&battery, cases[i].level, cases[i].reasons);
        assert_int_equal(battery_mv(&battery), cases[i].reading_mv);
    }
}

static void sag_of_one_reading_changes_nothing(void **state)
{
    struct battery battery = battery_new_at(7400);

    (void)state;
    for (int i = 0; i < 9; i++) {
        battery_report(&battery, i % 3 == 0 ? 6100 : 7400, SECOND);
        check(&battery, BATTERY_GOOD, 0);
        assert_int_equal(battery_mv(&battery), 7400);
    }
}

static void two_low_readings_of_three_stop(void **state)
{
    struct battery battery = battery_new_at(7400);

    (void)state;
    battery_report(&battery, 6799, SECOND);
    check(&battery, BATTERY_GOOD, 0);
    battery_report(&battery, 7400, SECOND);
    check(&battery, BATTERY_GOOD, 0);
    battery_report(&battery, 6700, SECOND);
    check(&battery, BATTERY_EMPTY, REASON_BATTERY_LOW);
}

static void empty_is_left_only_above_the_hysteresis(void **state)
{
    struct battery battery = battery_new_at(6799);

    (void)state;
    settle(&battery, 7099);
    check(&battery, BATTERY_EMPTY, REASON_BATTERY_LOW);
    settle(&battery, 7100);
    check(&battery, BATTERY_WARNING, 0);
    settle(&battery, 6800);
    check(&battery, BATTERY_WARNING, 0);
}

static void warning_is_left_only_above_the_hysteresis(void **state)
{
    struct battery battery = battery_new_at(7199);

    (void)state;
    settle(&battery, 7499);
    check(&battery, BATTERY_WARNING, 0);
    settle(&battery, 7500);
    check(&battery, BATTERY_GOOD, 0);
    settle(&battery, 7200);
    check(&battery, BATTERY_GOOD, 0);
    settle(&battery, 6500);
    settle(&battery, 7499);
    check(&battery, BATTERY_WARNING, 0);
    settle(&battery, 6500);
    settle(&battery, 7500);
    check(&battery, BATTERY_GOOD, 0);
}

static void battery_that_is_switched_on_starts_afresh(void **state)
{
    struct battery battery = battery_new_at(6700);

    (void)state;
    settle(&battery, 4550);
    check(&battery, BATTERY_USB, REASON_USB_SUPPLY);
    settle(&battery, 6800);
    check(&battery, BATTERY_WARNING, 0);
}

static void silence_begins_after_two_seconds(void **state)
{
    struct battery battery = battery_new_at(7400);

    (void)state;
    assert_int_equal(battery_reasons(&battery, 3 * SECOND - 1), 0);
    assert_int_equal(battery_reasons(&battery, 3 * SECOND), REASON_BATTERY_SILENT);
    assert_int_equal(battery_reasons(&battery, 3 * SECOND + 1), REASON_BATTERY_SILENT);
    battery_report(&battery, 7400, 5 * SECOND);
    assert_int_equal(battery_reasons(&battery, 5 * SECOND), 0);
    assert_int_equal(battery_reasons(&battery, 5 * SECOND - 1), REASON_BATTERY_SILENT);
}

static void silence_does_not_make_an_empty_battery_good(void **state)
{
    struct battery battery = battery_new_at(6500);

    (void)state;
    assert_int_equal(battery_reasons(&battery, 9 * SECOND),
                     REASON_BATTERY_SILENT | REASON_BATTERY_LOW);
    battery = battery_new_at(4500);
    assert_int_equal(battery_reasons(&battery, 9 * SECOND),
                     REASON_BATTERY_SILENT | REASON_USB_SUPPLY);
}

static void impossible_reading_is_no_report(void **state)
{
    struct battery battery = battery_new_at(7400);

    (void)state;
    for (int i = 0; i < 3; i++) {
        battery_report(&battery, BATTERY_MAX_MV + 1, 9 * SECOND);
        battery_report(&battery, -1, 9 * SECOND);
    }
    check(&battery, BATTERY_GOOD, 0);
    assert_int_equal(battery_mv(&battery), 7400);
    assert_int_equal(battery_reasons(&battery, 9 * SECOND), REASON_BATTERY_SILENT);
}

static void median_does_not_depend_on_the_order(void **state)
{
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                     {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

    (void)state;
    for (int i = 0; i < 6; i++) {
        struct battery battery = battery_new_at(8000);

        for (int j = 0; j < 3; j++) {
            battery_report(&battery, 7300 + 100 * orders[i][j], SECOND);
        }
        assert_int_equal(battery_mv(&battery), 7400);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_known_before_the_first_report),
        cmocka_unit_test(first_report_counts_at_once_to_the_millivolt),
        cmocka_unit_test(sag_of_one_reading_changes_nothing),
        cmocka_unit_test(two_low_readings_of_three_stop),
        cmocka_unit_test(empty_is_left_only_above_the_hysteresis),
        cmocka_unit_test(warning_is_left_only_above_the_hysteresis),
        cmocka_unit_test(battery_that_is_switched_on_starts_afresh),
        cmocka_unit_test(silence_begins_after_two_seconds),
        cmocka_unit_test(silence_does_not_make_an_empty_battery_good),
        cmocka_unit_test(impossible_reading_is_no_report),
        cmocka_unit_test(median_does_not_depend_on_the_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
