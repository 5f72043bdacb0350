/* The syntax of a file: sections, keys, comments, bytes, and the limits of lines and files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/config.h"
#include "tests/unit/config_fixture.h"

static void an_empty_file_changes_nothing(void **state)
{
    (void)state;
    assert_int_equal(accepted("").delay_ms, 500);
    assert_int_equal(accepted("\n\r\n  \t \n# a comment\n; another\n   # indented").delay_ms, 500);
}

static void unknown_words_name_the_nearest_known_one(void **state)
{
    (void)state;
    refused("[robot]\n\nforwrad = 1",
            "/etc/car.conf:3: [robot] forwrad: unknown key; did you mean \"forward\"?");
    refused("[robot]\nForward = 1",
            "/etc/car.conf:2: [robot] Forward: unknown key; did you mean \"forward\"?");
    refused("[robot]\nzzz = 1", "/etc/car.conf:2: [robot] zzz: unknown key");
    refused("[robt]", "/etc/car.conf:1: [robt]: unknown section; did you mean [robot]?");
    refused("[lidar]", "/etc/car.conf:1: [lidar]: unknown section");
    refused("[vlm \"a\"]\nurll = x",
            "/etc/car.conf:2: [vlm \"a\"] urll: unknown key; did you mean \"url\"?");
}

static void a_wrong_section_is_refused_even_when_it_is_empty(void **state)
{
    (void)state;
    refused("[vlm]", "/etc/car.conf:1: [vlm]: expected a name, as in [vlm \"panda\"]");
    refused("[robot \"x\"]", "/etc/car.conf:1: [robot] stands once and has no name");
    refused("[vlm \"\"]", "/etc/car.conf:1: [vlm] \"\": expected a name of 1 to 32 letters, "
                          "digits, '-' or '_'");
    refused("[vlm \"a b\"]", "/etc/car.conf:1: [vlm] a b: expected a name of 1 to 32 letters, "
                             "digits, '-' or '_'");
    refused("[vlm \"a123456789b123456789c123456789d12\"]",
            "/etc/car.conf:1: [vlm] a123456789b123456789c123456789d12: expected a name of 1 to 32 "
            "letters, digits, '-' or '_'");
}

static void section_lines_have_one_form(void **state)
{
    static const char *const wrong[] = {"[robot",         "[]",        "[ ]",           "[robot] x",
                                        "[vlm panda]",    "[vlm \"a]", "[vlm \"a\" b]", "[\"a\"]",
                                        "[vlm \"a\"b\"]", "[robot]]"};

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char expected[128];

        snprintf(expected, sizeof(expected),
                 "/etc/car.conf:1: %s: expected [section] or [section \"name\"]", wrong[i]);
        refused(wrong[i], expected);
    }
    assert_int_equal(accepted("  [ robot ]  ; x\n  delay = 20").delay_ms, 20);
    assert_int_equal(accepted("[robot] # x ] y\ndelay = 20").delay_ms, 20);
    assert_int_equal(accepted("[robot]\ncount = 2\n[robot]\ndelay = 20").delay_ms, 20);
    assert_int_equal(accepted("[vlm   \"a\" ]\nurl=x\n[robot]\ndelay=20").delay_ms, 20);
}

static void there_are_no_more_sections_than_the_table_allows(void **state)
{
    (void)state;
    accepted("[vlm \"a\"]\nurl = x\n[vlm \"b\"]\nurl = x\n[vlm \"a\"]\n");
    refused("[vlm \"a\"]\nurl = x\n[vlm \"b\"]\nurl = x\n[vlm \"c\"]\n",
            "/etc/car.conf:5: [vlm \"c\"]: expected at most 2 [vlm] sections");
}

static void a_required_key_is_missed_where_its_section_begins(void **state)
{
    (void)state;
    refused("\n[vlm \"a\"]\nmodel = x\n",
            "/etc/car.conf:2: [vlm \"a\"] url: missing, but required: where it listens");
}

static void a_key_is_given_once_in_a_file(void **state)
{
    (void)state;
    refused("[robot]\ndelay = 20\ncount = 2\ndelay = 20\n",
            "/etc/car.conf:4: [robot] delay: given twice, first at /etc/car.conf:2");
    refused("[robot]\ndelay = 20\n[robot]\ndelay = 20\n",
            "/etc/car.conf:4: [robot] delay: given twice, first at /etc/car.conf:2");
    accepted("[vlm \"a\"]\nurl = x\n[vlm \"b\"]\nurl = x\n");
}

static void lines_that_are_nothing_are_refused(void **state)
{
    static const char *const wrong[] = {"delay", "delay 20", "= 20", "delay ; x = 20", ":"};

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char text[64], expected[128];

        snprintf(text, sizeof(text), "[robot]\n%s\ncount = wrong too\n", wrong[i]);
        snprintf(expected, sizeof(expected),
                 "/etc/car.conf:2: %s: expected key = value, [section] or a comment", wrong[i]);
        refused(text, expected);
    }
    refused("[robot]\ndelay", "/etc/car.conf:2: delay: expected key = value, [section] or a "
                              "comment");
    refused("delay = 20", "/etc/car.conf:1: delay: expected a [section] before the first key");
}

static void an_indented_line_is_a_line_of_its_own(void **state)
{
    struct robot robot = accepted("[robot]\n  label = one\n  delay = 20\n");

    (void)state;
    assert_string_equal(robot.label, "one");
    assert_int_equal(robot.delay_ms, 20);
    refused("[robot]\nlabel = one\n  two\n",
            "/etc/car.conf:3: two: expected key = value, [section] or a comment");
}

static void comments_after_a_value_begin_with_a_semicolon(void **state)
{
    (void)state;
    assert_int_equal(accepted("[robot]\ndelay = 20 ; fast\n").delay_ms, 20);
    assert_int_equal(accepted("[robot]\ndelay = 20\t; fast\n").delay_ms, 20);
    assert_string_equal(accepted("[robot]\nlabel = ; nothing").label, "");
    assert_string_equal(accepted("[robot]\nlabel = a;b#c").label, "a;b#c");
    refused("[robot]\ndelay = 20 # fast",
            "/etc/car.conf:2: [robot] delay = 20 # fast: expected no '#' at the start or after a "
            "blank; a comment after a value begins with ' ;'");
    refused("[robot]\nlabel = #x",
            "/etc/car.conf:2: [robot] label = #x: expected no '#' at the start or after a blank; a "
            "comment after a value begins with ' ;'");
    refused("[robot]\nlabel =;x",
            "/etc/car.conf:2: [robot] label = ;x: expected no ';' at the start or after a blank, "
            "where it begins a comment");
}

static void bytes_that_are_no_text_are_refused(void **state)
{
    static const char *const wrong[] = {"\x01",
                                        "\x1b[31m",
                                        "\x7f",
                                        "\r x",
                                        "\v",
                                        "\xff",
                                        "\xc3",
                                        "\xc0\x80",
                                        "\xe2\x28\xa1",
                                        "\xed\xa0\x80",
                                        "\xf4\x90\x80\x80",
                                        "\xc2\x85",
                                        "\xe2\x80\xa8"};

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char text[64], expected[128];

        snprintf(text, sizeof(text), "[robot]\nlabel = a%s\n", wrong[i]);
        snprintf(expected, sizeof(expected),
                 "/etc/car.conf:2: byte 0x%02x: expected printable UTF-8 text",
                 (unsigned char)wrong[i][0]);
        refused(text, expected);
    }
    refused_bytes("[robot]\n# \0\n", 12,
                  "/etc/car.conf:2: byte 0x00: expected printable UTF-8 text");
}

static void lines_may_end_as_on_windows_and_begin_with_a_mark(void **state)
{
    (void)state;
    assert_int_equal(accepted("\xef\xbb\xbf[robot]\r\ndelay = 20\r\n").delay_ms, 20);
    assert_int_equal(accepted("[robot]\ndelay = 20").delay_ms, 20);
}

static void lines_are_as_long_as_inih_takes_them(void **state)
{
    char text[600], value[256];

    (void)state;
    memset(value, 'v', sizeof(value));
    value[190] = '\0';
    snprintf(text, sizeof(text), "[robot]\n     label = %s    \n", value);
    assert_string_equal(accepted(text).label, value);
    value[190] = 'v';
    value[191] = '\0';
    snprintf(text, sizeof(text), "[robot]\nlabel = %s\n", value);
    refused(text, "/etc/car.conf:2: line of 199 bytes: expected at most 198");
    /* Fits without the blanks, but `config show` writes them. */
    snprintf(text, sizeof(text), "[robot]\nlabel=%s\n", value);
    refused(text, "/etc/car.conf:2: [robot] label = "
                  "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv...: expected at "
                  "most 190 bytes");
    snprintf(text, sizeof(text), "[robot]\n# %s%s\ndelay = 20", value, value);
    assert_int_equal(accepted(text).delay_ms, 20);
}

static void what_is_right_is_read_behind_a_mistake(void **state)
{
    static const struct {
        const char *line, *error;
        int64_t delay_ms; /* after "delay = 20" behind it; 500: the line may have been a title */
    } cases[] = {
        {"forwrad = 1", "[robot] forwrad: unknown key; did you mean \"forward\"?", 20},
        {"lamp = 2", "[robot] lamp = 2: expected yes or no", 20},
        {"[robt]", "[robt]: unknown section; did you mean [robot]?", 500},
        {"[vlm", "[vlm: expected [section] or [section \"name\"]", 500},
        {"vlm]", "vlm]: expected key = value, [section] or a comment", 500},
        {"[v\x01lm]", "byte 0x01: expected printable UTF-8 text", 500},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[256], expected[256];
        struct robot robot;

        snprintf(text, sizeof(text),
                 "[robot]\n%s\ndelay = 20\n[robot]\nreach = 30\nnothing\n[robot]\ncount = 4\n",
                 cases[i].line);
        snprintf(expected, sizeof(expected), "/etc/car.conf:2: %s", cases[i].error);
        robot = refused(text, expected);
        assert_int_equal(robot.delay_ms, cases[i].delay_ms);
        assert_int_equal(robot.reach_mm, 30);
        assert_int_equal(robot.count, 4);
        assert_false(robot.lamp);
    }
}

static void files_are_at_most_64_kb(void **state)
{
    struct fixture *fixture = *state;
    char *bytes = malloc(65537);

    assert_non_null(bytes);
    memset(bytes, '\n', 65537);
    assert_int_equal(config_load_bytes(fixture->config, "/x", bytes, 65536), 0);
    assert_int_equal(config_load_bytes(fixture->config, "/x", bytes, 65537), CONFIG_REFUSED);
    assert_string_equal(config_error(fixture->config), "/x: larger than 64 kB");
    bytes[65536] = '\0';
    fixture_write(fixture, "car.conf", bytes);
    assert_int_equal(fixture_load(fixture, NULL, NULL), 0);
    bytes[65535] = '#';
    fixture_write(fixture, "car.conf", bytes);
    assert_int_equal(truncate(fixture_path(fixture, "car.conf"), 65537), 0);
    assert_int_equal(fixture_load(fixture, NULL, NULL), CONFIG_REFUSED);
    assert_non_null(strstr(config_error(fixture->config), "/car.conf: larger than 64 kB"));
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(an_empty_file_changes_nothing),
        FIXTURE_TEST(unknown_words_name_the_nearest_known_one),
        FIXTURE_TEST(a_wrong_section_is_refused_even_when_it_is_empty),
        FIXTURE_TEST(section_lines_have_one_form),
        FIXTURE_TEST(there_are_no_more_sections_than_the_table_allows),
        FIXTURE_TEST(a_required_key_is_missed_where_its_section_begins),
        FIXTURE_TEST(a_key_is_given_once_in_a_file),
        FIXTURE_TEST(lines_that_are_nothing_are_refused),
        FIXTURE_TEST(an_indented_line_is_a_line_of_its_own),
        FIXTURE_TEST(comments_after_a_value_begin_with_a_semicolon),
        FIXTURE_TEST(bytes_that_are_no_text_are_refused),
        FIXTURE_TEST(lines_may_end_as_on_windows_and_begin_with_a_mark),
        FIXTURE_TEST(lines_are_as_long_as_inih_takes_them),
        FIXTURE_TEST(what_is_right_is_read_behind_a_mistake),
        FIXTURE_TEST(files_are_at_most_64_kb),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
