/* What a person gets to read: the configuration in effect, the reference of the keys, error lines
 * and the suggestions in them. The real tables are held to "their defaults can be read" and to the
 * round trip. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/config.h"
#include "config/list.h"
#include "hal/base/text.h"
#include "tests/unit/config_fixture.h"

static char *shown(const struct config *config)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    config_show(config, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void assert_same_values(const struct config *a, const struct config *b,
                               const struct setting_table *const *all, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t instances = config_count(a, all[i]);
        void *of_a = malloc(all[i]->size), *of_b = malloc(all[i]->size);

        assert_int_equal(config_count(b, all[i]), instances);
        for (size_t j = 0; j < instances; j++) {
            config_get(a, all[i], j, of_a);
            config_get(b, all[i], j, of_b);
            assert_memory_equal(of_a, of_b, all[i]->size);
            if (all[i]->instances > 0) {
                assert_string_equal(config_name(a, all[i], j), config_name(b, all[i], j));
            }
        }
        free(of_a);
        free(of_b);
    }
}

static void what_show_prints_gives_the_same_configuration(void **state)
{
    struct fixture *fixture = *state;
    char *const environment[] = {"NAV_VLLM_URL=http://x/v1", "TURBONAV_ROBOT_BATTERY=6.6V", NULL};
    char longest[256] = "robot.label=";
    const char *const assignments[] = {"robot.reach=-3", "vlm.b-2.url=a;b#c", longest, NULL};
    struct config *copy;
    char *text;

    memset(longest + strlen(longest), 'l', 190);
    fixture_write(
        fixture, "car.conf",
        "[vlm \"a\"]\nurl = y\nmodel = M\xc3\xbc \tm\n[robot]\nprompt = p/q\nlamp = on\n");
    assert_int_equal(fixture_load(fixture, environment, assignments), 0);
    text = shown(fixture->config);
    assert_int_equal(config_new(fixture_tables, FIXTURE_TABLE_COUNT, &copy), 0);
    if (config_load_bytes(copy, "/copy.conf", text, strlen(text)) != 0) {
        fail_msg("%s\n%s", config_error(copy), text);
    }
    assert_same_values(fixture->config, copy, fixture_tables, FIXTURE_TABLE_COUNT);
    free(text);
    config_free(copy);
}

static void show_says_where_every_value_comes_from(void **state)
{
    struct fixture *fixture = *state;
    char *const environment[] = {"NAV_VLLM_URL=http://x/v1", "TURBONAV_ROBOT_RATE=6", NULL};
    const char *const assignments[] = {"robot.reach=5 cm", NULL};
    char line[600], *text;

    fixture_write(fixture, "car.conf", "[robot]\n\ndelay = 2 s\n");
    assert_int_equal(fixture_load(fixture, environment, assignments), 0);
    text = shown(fixture->config);
    snprintf(line, sizeof(line), "delay   = 2000 ms                ; %s:3\n",
             fixture_path(fixture, "car.conf"));
    assert_non_null(strstr(text, line));
    assert_non_null(strstr(text, "url   = http://x/v1  ; environment NAV_VLLM_URL\n"));
    assert_non_null(strstr(text, "rate    = 6 Hz                   ; environment TURBONAV_ROBOT_"));
    assert_non_null(strstr(text, "reach   = 50 mm                  ; command line\n"));
    assert_non_null(strstr(text, "label   =                        ; default\n"));
    free(text);
}

static void keys_name_everything_a_person_needs(void **state)
{
    struct fixture *fixture = *state;
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    config_keys(fixture->config, out);
    assert_int_equal(fclose(out), 0);
    assert_non_null(strstr(text, "\n[vlm \"NAME\"], up to 2\nA server.\n"));
    assert_non_null(strstr(text, "text; required\n         NAV_VLLM_URL, for the first of them\n"));
    assert_non_null(strstr(text, "  forward  a number\n"
                                 "           number of mm/s from 0 to 1000; default 0.3 m/s\n"
                                 "           TURBONAV_ROBOT_FORWARD\n"));
    assert_non_null(strstr(text, "number of ms from 10 to 60000; default 500 ms\n"));
    assert_non_null(strstr(text, "multiple of 48 px from 96 to 1920; default 480 px\n"));
    assert_non_null(strstr(text, "walk, drive or stand; default drive\n"));
    assert_non_null(strstr(text, "yes or no; default no\n"));
    assert_non_null(strstr(text, "text; default empty\n"));
    free(text);
}

static void the_shipped_tables_are_sound(void **state)
{
    struct config *config, *copy;
    char *text;

    (void)state;
    assert_int_equal(config_new(config_list, config_list_count, &config), 0);
    assert_int_equal(config_new(config_list, config_list_count, &copy), 0);
    text = shown(config);
    assert_int_equal(config_load_bytes(copy, "/copy.conf", text, strlen(text)), 0);
    assert_same_values(config, copy, config_list, config_list_count);
    for (size_t i = 0; i < config_list_count; i++) {
        for (size_t j = 0; j < config_list[i]->count; j++) {
            const struct setting *setting = &config_list[i]->settings[j];

            assert_true(setting->type != SETTING_NUMBER || setting->min <= setting->max);
            assert_true(setting->offset < config_list[i]->size);
            assert_true(strlen(setting->key) <= 32);
            assert_null(strchr(setting->help, '\n'));
        }
    }
    free(text);
    config_free(copy);
    config_free(config);
}

static void error_lines_stay_one_printable_line(void **state)
{
    struct fixture *fixture = *state;
    const char *assignments[] = {"robot.delay=1\n\x1b[2J\x80", NULL};

    fixture_write(fixture, "car.conf", "");
    assert_int_equal(fixture_load(fixture, NULL, assignments), CONFIG_REFUSED);
    assert_string_equal(config_error(fixture->config),
                        "command line: [robot] delay = 1\\x0a\\x1b[2J\\x80: expected printable "
                        "UTF-8 text");
    assert_int_equal(config_load_file(fixture->config, "/no\nfile"), CONFIG_REFUSED);
    assert_string_equal(config_error(fixture->config), "/no\\x0afile: No such file or directory");
}

static const char *nearest_to(const char *word, const char *known)
{
    static struct text_nearest nearest;

    text_nearest_init(&nearest, word);
    text_nearest_offer(&nearest, known);
    return nearest.best;
}

static void only_close_words_are_suggested(void **state)
{
    char long_word[TEXT_WORD_SIZE + 8];

    (void)state;
    assert_string_equal(nearest_to("forwrad", "forward"), "forward");
    assert_string_equal(nearest_to("fowrad", "forward"), "forward");
    assert_string_equal(nearest_to("backward", "forward"), "");
    assert_string_equal(nearest_to("x", "y"), "");
    assert_string_equal(nearest_to("", "y"), "");
    assert_string_equal(nearest_to("flip-votes", "flip_votes"), "flip_votes");
    memset(long_word, 'a', sizeof(long_word));
    long_word[sizeof(long_word) - 1] = '\0';
    assert_string_equal(nearest_to(long_word, "aaaa"), "");
    assert_string_equal(nearest_to("aaaa", long_word), "");
    long_word[TEXT_WORD_SIZE - 1] = '\0';
    assert_string_equal(nearest_to(long_word, long_word), long_word);
}

static void escaped_text_is_cut_between_characters(void **state)
{
    char line[12];

    (void)state;
    text_escape("abcdefghijk", 11, line, sizeof(line));
    assert_string_equal(line, "abcdefghijk");
    text_escape("abcdefghijkl", 12, line, sizeof(line));
    assert_string_equal(line, "abcdefgh...");
    text_escape("abcdef\n\n\n\n", 10, line, sizeof(line));
    assert_string_equal(line, "abcdef...");
    text_escape("abcdefg\xc3\xbc\xc3\xbc\xc3\xbc", 13, line, sizeof(line));
    assert_string_equal(line, "abcdefg...");
    text_escape("\xc3", 1, line, sizeof(line));
    assert_string_equal(line, "\\xc3");
    text_escape("", 0, line, sizeof(line));
    assert_string_equal(line, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(what_show_prints_gives_the_same_configuration),
        FIXTURE_TEST(show_says_where_every_value_comes_from),
        FIXTURE_TEST(keys_name_everything_a_person_needs),
        FIXTURE_TEST(the_shipped_tables_are_sound),
        FIXTURE_TEST(error_lines_stay_one_printable_line),
        FIXTURE_TEST(only_close_words_are_suggested),
        FIXTURE_TEST(escaped_text_is_cut_between_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
