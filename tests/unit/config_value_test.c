/* Values: numbers with their units, switches, choices, texts and paths. What each type takes, and
 * what it says about a value it does not take. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/config.h"
#include "config/value.h"
#include "tests/unit/config_fixture.h"

#define DELAY(value) (accepted("[robot]\ndelay = " value "\n").delay_ms)

static void numbers_take_every_unit_that_converts(void **state)
{
    (void)state;
    assert_int_equal(DELAY("300"), 300);
    assert_int_equal(DELAY("300 ms"), 300);
    assert_int_equal(DELAY("300ms"), 300);
    assert_int_equal(DELAY("0.3 s"), 300);
    assert_int_equal(DELAY("0.3000 s"), 300);
    assert_int_equal(DELAY("300.0"), 300);
    assert_int_equal(DELAY("300000 us"), 300);
    assert_int_equal(DELAY("00300"), 300);
    assert_int_equal(DELAY("300\t ms"), 300);
    assert_int_equal(accepted("[robot]\nreach = 12 m").reach_mm, 12000);
    assert_int_equal(accepted("[robot]\nreach = 1.5 cm").reach_mm, 15);
    assert_int_equal(accepted("[robot]\nreach = -0.5 m").reach_mm, -500);
    assert_int_equal(accepted("[robot]\nforward = 20 cm/s").speed_mm_s, 200);
    assert_int_equal(accepted("[robot]\nforward = 0.2 m/s").speed_mm_s, 200);
    assert_int_equal(accepted("[robot]\nturn = 1.25 rad/s").turn_mrad_s, 1250);
    assert_int_equal(accepted("[robot]\nbattery = 6.6V").battery_mv, 6600);
    assert_int_equal(accepted("[robot]\nrate = 20 Hz").rate_hz, 20);
    assert_int_equal(accepted("[robot]\nshare = 80%").share_percent, 80);
    assert_int_equal(accepted("[robot]\nwidth = 960 px").width_px, 960);
    assert_int_equal(accepted("[robot]\ncount = 7").count, 7);
}

static void numbers_that_are_none_are_refused(void **state)
{
    static const char *const wrong[] = {
        "x",   "ms",       "-",     "+300",   "1e3",    "0x10",     ".5",      "5.",
        "1,5", "3 0",      "300 m", "300 km", "300 MS", "300 %",    "300 s s", "--3",
        "- 3", "300 ms x", "1.2.3", "inf",    "nan",    "\xd9\xa3",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char text[64], expected[128];

        snprintf(text, sizeof(text), "[robot]\ndelay = %s\n", wrong[i]);
        snprintf(expected, sizeof(expected),
                 "/etc/car.conf:2: [robot] delay = %s: expected a number of ms from 10 to 60000",
                 wrong[i]);
        refused(text, expected);
    }
    refused("[robot]\ncount = 3 ms",
            "/etc/car.conf:2: [robot] count = 3 ms: expected a number from 1 to 30");
    refused("[robot]\ndelay =",
            "/etc/car.conf:2: [robot] delay = \"\": expected a number of ms from 10 to 60000");
}

static void numbers_end_at_both_ends_of_their_range(void **state)
{
    (void)state;
    assert_int_equal(DELAY("10"), 10);
    assert_int_equal(DELAY("60000"), 60000);
    assert_int_equal(DELAY("60 s"), 60000);
    refused("[robot]\ndelay = 9",
            "/etc/car.conf:2: [robot] delay = 9: expected a number of ms from 10 to 60000");
    refused("[robot]\ndelay = 60.001 s",
            "/etc/car.conf:2: [robot] delay = 60.001 s: expected a number of ms from 10 to 60000");
    refused("[robot]\nforward = -1",
            "/etc/car.conf:2: [robot] forward = -1: expected a number of mm/s from 0 to 1000");
    refused("[robot]\nforward = 99 km",
            "/etc/car.conf:2: [robot] forward = 99 km: expected a number of mm/s from 0 to 1000");
}

static void numbers_are_never_rounded(void **state)
{
    (void)state;
    refused("[robot]\ndelay = 300.5",
            "/etc/car.conf:2: [robot] delay = 300.5: expected a whole number of ms from 10 to "
            "60000");
    refused("[robot]\ndelay = 0.3005 s",
            "/etc/car.conf:2: [robot] delay = 0.3005 s: expected a whole number of ms from 10 to "
            "60000");
    refused("[robot]\ndelay = 300001 us",
            "/etc/car.conf:2: [robot] delay = 300001 us: expected a whole number of ms from 10 to "
            "60000");
    refused("[robot]\ndelay = 0.000000000000000001 s",
            "/etc/car.conf:2: [robot] delay = 0.000000000000000001 s: expected a whole number of "
            "ms from 10 to 60000");
}

static void numbers_do_not_overflow(void **state)
{
    (void)state;
    assert_true(accepted("[robot]\nwide = 9223372036854775807").wide == INT64_MAX);
    assert_true(accepted("[robot]\nwide = -9223372036854775807 us").wide == -INT64_MAX);
    assert_true(accepted("[robot]\nwide = 9223372036854 s").wide == INT64_C(9223372036854000000));
    for (int i = 0; i < 3; i++) {
        static const char *const large[] = {"9223372036854775808", "9223372036855 s",
                                            "99999999999999999999999999999999"};
        char text[96], expected[192];

        snprintf(text, sizeof(text), "[robot]\nwide = %s", large[i]);
        snprintf(expected, sizeof(expected),
                 "/etc/car.conf:2: [robot] wide = %s: expected a number of us from "
                 "-9223372036854775808 to 9223372036854775807",
                 large[i]);
        refused(text, expected);
    }
}

static void multiples_are_kept(void **state)
{
    (void)state;
    assert_int_equal(accepted("[robot]\nwidth = 96").width_px, 96);
    refused("[robot]\nwidth = 500",
            "/etc/car.conf:2: [robot] width = 500: expected a multiple of 48 px from 96 to 1920");
    refused("[robot]\nwidth = 48",
            "/etc/car.conf:2: [robot] width = 48: expected a multiple of 48 px from 96 to 1920");
}

static void switches_take_eight_words(void **state)
{
    (void)state;
    assert_true(accepted("[robot]\nlamp = yes").lamp);
    assert_true(accepted("[robot]\nlamp = True").lamp);
    assert_true(accepted("[robot]\nlamp = ON").lamp);
    assert_true(accepted("[robot]\nlamp = 1").lamp);
    assert_false(accepted("[robot]\nlamp = no").lamp);
    assert_false(accepted("[robot]\nlamp = false").lamp);
    assert_false(accepted("[robot]\nlamp = off").lamp);
    assert_false(accepted("[robot]\nlamp = 0").lamp);
    refused("[robot]\nlamp = 2", "/etc/car.conf:2: [robot] lamp = 2: expected yes or no");
    refused("[robot]\nlamp =", "/etc/car.conf:2: [robot] lamp = \"\": expected yes or no");
}

static void choices_list_what_there_is(void **state)
{
    (void)state;
    assert_int_equal(accepted("[robot]\nmode = walk").mode, 0);
    assert_int_equal(accepted("[robot]\nmode = stand").mode, 2);
    refused("[robot]\nmode = fly",
            "/etc/car.conf:2: [robot] mode = fly: expected walk, drive or stand");
    refused("[robot]\nmode = dirve", "/etc/car.conf:2: [robot] mode = dirve: expected walk, drive "
                                     "or stand; did you mean \"drive\"?");
    refused("[robot]\nmode = Walk", "/etc/car.conf:2: [robot] mode = Walk: expected walk, drive or "
                                    "stand; did you mean \"walk\"?");
}

static void strings_are_judged_by_their_module(void **state)
{
    (void)state;
    assert_string_equal(accepted("[robot]\nlabel = two words").label, "two words");
    assert_string_equal(accepted("[robot]\nlabel =").label, "");
    assert_string_equal(accepted("[robot]\nlabel = K\xc3\xbc"
                                 "che")
                            .label,
                        "K\xc3\xbc"
                        "che");
    assert_string_equal(accepted("[robot]\nlabel = a=b:c").label, "a=b:c");
    refused("[robot]\nlabel = bad", "/etc/car.conf:2: [robot] label = bad: expected a good label");
}

static void paths_start_at_the_folder_of_the_file(void **state)
{
    (void)state;
    assert_string_equal(accepted("[robot]\nprompt = a.txt").prompt, "/etc/a.txt");
    assert_string_equal(accepted("[robot]\nprompt = ./a/b.txt").prompt, "/etc/a/b.txt");
    assert_string_equal(accepted("[robot]\nprompt = ../a.txt").prompt, "/etc/../a.txt");
    assert_string_equal(accepted("[robot]\nprompt = /a.txt").prompt, "/a.txt");
    refused("[robot]\nprompt =", "/etc/car.conf:2: [robot] prompt = \"\": expected a path");
}

static void paths_of_a_relative_file_start_at_the_working_directory(void **state)
{
    struct fixture *fixture = *state;
    char expected[SETTING_STRING_SIZE], here[256];
    const char *text = "[robot]\nprompt = a.txt";

    assert_non_null(getcwd(here, sizeof(here)));
    assert_int_equal(config_load_bytes(fixture->config, "car.conf", text, strlen(text)), 0);
    snprintf(expected, sizeof(expected), "%s/a.txt", here);
    assert_string_equal(fixture_robot(fixture).prompt, expected);
    assert_int_equal(config_load_bytes(fixture->config, "sub/car.conf", text, strlen(text)), 0);
    snprintf(expected, sizeof(expected), "%s/sub/a.txt", here);
    assert_string_equal(fixture_robot(fixture).prompt, expected);
    assert_int_equal(config_load_bytes(fixture->config, "/car.conf", text, strlen(text)), 0);
    assert_string_equal(fixture_robot(fixture).prompt, "/a.txt");
}

static void a_path_that_its_folder_makes_too_long_is_refused(void **state)
{
    struct fixture *fixture = *state;
    char folder[600];
    const char *text = "[robot]\nprompt = a.txt";

    memset(folder, 'f', sizeof(folder));
    folder[0] = '/';
    memcpy(folder + 185, "/x.conf", 8);
    assert_int_equal(config_load_bytes(fixture->config, folder, text, strlen(text)),
                     CONFIG_REFUSED);
    assert_non_null(strstr(config_error(fixture->config), "expected at most 189 bytes, folder"));
    memset(folder + 185, 'f', 8);
    memcpy(folder + 592, "/x.conf", 8);
    assert_int_equal(config_load_bytes(fixture->config, folder, text, strlen(text)),
                     CONFIG_REFUSED);
    assert_non_null(strstr(config_error(fixture->config), "expected at most 511 bytes, with the"));
    assert_null(strchr(config_error(fixture->config), '\n'));
}

static void a_refused_value_leaves_the_field_alone(void **state)
{
    struct robot robot = {.delay_ms = 77};
    char expected[VALUE_EXPECTED_SIZE];

    (void)state;
    assert_int_equal(value_parse(&fixture_robot_table.settings[0], "70 s", NULL, &robot, expected),
                     VALUE_REFUSED);
    assert_int_equal(robot.delay_ms, 77);
    assert_string_equal(expected, "a number of ms from 10 to 60000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(numbers_take_every_unit_that_converts),
        FIXTURE_TEST(numbers_that_are_none_are_refused),
        FIXTURE_TEST(numbers_end_at_both_ends_of_their_range),
        FIXTURE_TEST(numbers_are_never_rounded),
        FIXTURE_TEST(numbers_do_not_overflow),
        FIXTURE_TEST(multiples_are_kept),
        FIXTURE_TEST(switches_take_eight_words),
        FIXTURE_TEST(choices_list_what_there_is),
        FIXTURE_TEST(strings_are_judged_by_their_module),
        FIXTURE_TEST(paths_start_at_the_folder_of_the_file),
        FIXTURE_TEST(paths_of_a_relative_file_start_at_the_working_directory),
        FIXTURE_TEST(a_path_that_its_folder_makes_too_long_is_refused),
        FIXTURE_TEST(a_refused_value_leaves_the_field_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
