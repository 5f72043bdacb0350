/* prompt: the file's text without the blanks at its end, or one line that says what is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/core/prompt.h"

struct place {
    char folder[64], path[96];
};

static int setup(void **state)
{
    struct place *place = calloc(1, sizeof(*place));

    assert_non_null(place);
    strcpy(place->folder, "/tmp/prompt_test.XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    (void)snprintf(place->path, sizeof(place->path), "%s/prompt.txt", place->folder);
    *state = place;
    return 0;
}

static int teardown(void **state)
{
    struct place *place = *state;

    (void)remove(place->path); /* missing in some tests, a folder in one */
    assert_int_equal(rmdir(place->folder), 0);
    free(place);
    return 0;
}

static void file_write(const struct place *place, const char *bytes, size_t size)
{
    FILE *file = fopen(place->path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* `size` times the letter 'a', then `tail`. */
static void file_write_letters(const struct place *place, size_t size, const char *tail)
{
    char *bytes = malloc(size + strlen(tail) + 1);

    assert_non_null(bytes);
    memset(bytes, 'a', size);
    strcpy(bytes + size, tail);
    file_write(place, bytes, size + strlen(tail));
    free(bytes);
}

/* The file's prompt, to be freed; nothing is said of an error. */
static char *text_of(const struct place *place)
{
    char *text = NULL, error[200] = "untouched";

    assert_int_equal(prompt_read(place->path, &text, error, sizeof(error)), 0);
    assert_string_equal(error, "untouched");
    assert_non_null(text);
    return text;
}

static void assert_text(const struct place *place, const char *expected)
{
    char *text = text_of(place);

    assert_string_equal(text, expected);
    free(text);
}

static void assert_refused(const struct place *place, const char *why)
{
    char *text = (char *)"untouched", error[200] = "", expected[200];

    assert_int_equal(prompt_read(place->path, &text, error, sizeof(error)), PROMPT_REFUSED);
    (void)snprintf(expected, sizeof(expected), "%s: %s", place->path, why);
    assert_string_equal(error, expected);
    assert_string_equal(text, "untouched");
}

static void text_is_that_of_the_file(void **state)
{
    file_write(*state, "Where is\n\tthe fl\xc3\xb6or?", 21);
    assert_text(*state, "Where is\n\tthe fl\xc3\xb6or?");
}

static void blanks_at_the_end_are_dropped(void **state)
{
    file_write(*state, " one\n\n two \t\n \n", 15);
    assert_text(*state, " one\n\n two");
}

static void prompt_of_exactly_the_limit_is_read(void **state)
{
    char *text;

    file_write_letters(*state, PROMPT_SIZE_MAX, "");
    text = text_of(*state);
    assert_int_equal(strlen(text), 16384);
    free(text);
    file_write_letters(*state, PROMPT_SIZE_MAX - 1, "\n");
    text = text_of(*state);
    assert_int_equal(strlen(text), 16383);
    free(text);
}

static void prompt_beyond_the_limit_is_refused(void **state)
{
    static const char why[] = "a prompt of more than 16 kB; expected about 2 kB of text";

    file_write_letters(*state, PROMPT_SIZE_MAX + 1, "");
    assert_refused(*state, why);
    file_write_letters(*state, PROMPT_SIZE_MAX, "\n"); /* blanks count as well */
    assert_refused(*state, why);
    file_write_letters(*state, 5 * PROMPT_SIZE_MAX, "");
    assert_refused(*state, why);
}

static const char no_text[] =
    "a prompt with control characters or bytes that are not UTF-8; expected plain text";

static void control_characters_are_refused_wherever_they_stand(void **state)
{
    static const char carriage_returns[] =
        "a prompt with carriage returns; expected lines that end with a line feed alone";

    for (int c = 0; c < 0x80; c++) {
        const char places[][3] = {{(char)c, 'a', 'b'}, {'a', (char)c, 'b'}, {'a', 'b', (char)c}};

        for (size_t i = 0; i < 3; i++) {
            file_write(*state, places[i], 3);
            if ((c >= 0x20 && c != 0x7f) || c == '\n' || c == '\t') {
                free(text_of(*state));
            } else {
                assert_refused(*state, c == '\r' ? carriage_returns : no_text);
            }
        }
    }
}

static void utf8_is_text_and_other_bytes_are_not(void **state)
{
    file_write(*state, "\xc3\xa4~\xe2\x82\xac", 6);
    assert_text(*state, "\xc3\xa4~\xe2\x82\xac");
    file_write(*state, "\xe4hm", 3);
    assert_refused(*state, no_text);
    file_write(*state, "\xc3", 1);
    assert_refused(*state, no_text);
}

static void empty_prompt_is_refused(void **state)
{
    file_write(*state, "", 0);
    assert_refused(*state, "an empty prompt");
    file_write(*state, " \n\t \n", 5);
    assert_refused(*state, "an empty prompt");
}

static void missing_file_is_refused(void **state)
{
    assert_refused(*state, "No such file or directory");
}

static void directory_is_refused(void **state)
{
    struct place *place = *state;

    assert_int_equal(mkdir(place->path, 0700), 0);
    assert_refused(place, "Is a directory");
}

static void long_error_is_cut_to_its_buffer(void **state)
{
    struct place *place = *state;
    char error[20];
    char *text = NULL;

    memset(error, 'x', sizeof(error));
    assert_int_equal(prompt_read(place->path, &text, error, 10), PROMPT_REFUSED);
    assert_int_equal(strlen(error), 9);
    assert_memory_equal(error, place->path, 9);
    assert_int_equal(error[10], 'x');
}

#define PROMPT_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMPT_TEST(text_is_that_of_the_file),
        PROMPT_TEST(blanks_at_the_end_are_dropped),
        PROMPT_TEST(prompt_of_exactly_the_limit_is_read),
        PROMPT_TEST(prompt_beyond_the_limit_is_refused),
        PROMPT_TEST(control_characters_are_refused_wherever_they_stand),
        PROMPT_TEST(utf8_is_text_and_other_bytes_are_not),
        PROMPT_TEST(empty_prompt_is_refused),
        PROMPT_TEST(missing_file_is_refused),
        PROMPT_TEST(directory_is_refused),
        PROMPT_TEST(long_error_is_cut_to_its_buffer),
    };

    return cmocka_run_group_tests_name("prompt", tests, NULL, NULL);
}
