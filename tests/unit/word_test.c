/* word: every word is found, in any case, and nothing that only looks like one. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "vlm/word.h"

static const enum question questions[] = {QUESTION_ACTION, QUESTION_PERCEPT};
#define QUESTIONS (sizeof(questions) / sizeof(questions[0]))

static int find(enum question question, const char *text)
{
    return word_find(question, text, strlen(text));
}

/* A word, its letters in upper case where the bits of `upper` say so. */
static void word_copy(enum question question, int word, unsigned upper, char *ret_text)
{
    const char *text = word_text(question, word);

    strcpy(ret_text, text);
    for (size_t i = 0; text[i] != '\0'; i++) {
        ret_text[i] = (char)(upper >> i & 1 ? toupper(text[i]) : text[i]);
    }
}

static void vocabularies_are_those_of_the_prompts(void **state)
{
    (void)state;
    assert_int_equal(word_count(QUESTION_ACTION), 5);
    assert_string_equal(word_text(QUESTION_ACTION, ACTION_STOP), "stop");
    assert_string_equal(word_text(QUESTION_ACTION, ACTION_FORWARD), "forward");
    assert_string_equal(word_text(QUESTION_ACTION, ACTION_LEFT), "left");
    assert_string_equal(word_text(QUESTION_ACTION, ACTION_RIGHT), "right");
    assert_string_equal(word_text(QUESTION_ACTION, ACTION_BACKWARD), "backward");
    assert_int_equal(word_count(QUESTION_PERCEPT), 4);
    assert_string_equal(word_text(QUESTION_PERCEPT, PERCEPT_NONE), "none");
    assert_string_equal(word_text(QUESTION_PERCEPT, PERCEPT_LEFT), "left");
    assert_string_equal(word_text(QUESTION_PERCEPT, PERCEPT_CENTER), "center");
    assert_string_equal(word_text(QUESTION_PERCEPT, PERCEPT_RIGHT), "right");
}

static void every_word_fits_the_limits(void **state)
{
    (void)state;
    for (size_t q = 0; q < QUESTIONS; q++) {
        assert_in_range(word_count(questions[q]), 1, WORD_COUNT_MAX);
        for (int word = 0; word < word_count(questions[q]); word++) {
            assert_in_range(strlen(word_text(questions[q], word)), 1, WORD_SIZE_MAX - 1);
        }
    }
}

static void every_word_is_found_in_every_mixture_of_case(void **state)
{
    char text[WORD_SIZE_MAX];

    (void)state;
    for (size_t q = 0; q < QUESTIONS; q++) {
        for (int word = 0; word < word_count(questions[q]); word++) {
            unsigned mixtures = 1u << strlen(word_text(questions[q], word));

            for (unsigned upper = 0; upper < mixtures; upper++) {
                word_copy(questions[q], word, upper, text);
                assert_int_equal(find(questions[q], text), word);
            }
        }
    }
}

static void bytes_behind_the_size_do_not_count(void **state)
{
    static const char letters[] = {'l', 'e', 'f', 't'}; /* not terminated */

    (void)state;
    assert_int_equal(word_find(QUESTION_ACTION, letters, sizeof(letters)), ACTION_LEFT);
    assert_int_equal(word_find(QUESTION_ACTION, "leftover", 4), ACTION_LEFT);
}

static void beginning_of_a_word_is_no_word(void **state)
{
    (void)state;
    for (size_t q = 0; q < QUESTIONS; q++) {
        for (int word = 0; word < word_count(questions[q]); word++) {
            const char *text = word_text(questions[q], word);

            for (size_t size = 0; size < strlen(text); size++) {
                assert_int_equal(word_find(questions[q], text, size), WORD_NONE);
            }
        }
    }
}

static void longer_word_is_no_word(void **state)
{
    char text[1 + WORD_SIZE_MAX];

    (void)state;
    for (size_t q = 0; q < QUESTIONS; q++) {
        for (int word = 0; word < word_count(questions[q]); word++) {
            size_t size = strlen(word_text(questions[q], word));

            for (const char *more = "s .0\x01\xff"; *more != '\0'; more++) {
                word_copy(questions[q], word, 0, text + 1);
                text[0] = text[size + 1] = *more;
                assert_int_equal(word_find(questions[q], text + 1, size + 1), WORD_NONE);
                assert_int_equal(word_find(questions[q], text, size + 1), WORD_NONE);
                assert_int_equal(word_find(questions[q], text, size + 2), WORD_NONE);
            }
        }
    }
}

static void terminator_is_no_part_of_a_word(void **state)
{
    (void)state;
    assert_int_equal(word_find(QUESTION_ACTION, "left", 4), ACTION_LEFT);
    assert_int_equal(word_find(QUESTION_ACTION, "left", 5), WORD_NONE);
    assert_int_equal(word_find(QUESTION_ACTION, "le\0t", 4), WORD_NONE);
}

static void words_of_the_other_question_are_not_found(void **state)
{
    static const char *const actions[] = {"stop", "forward", "backward"};
    static const char *const percepts[] = {"none", "center"};

    (void)state;
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        assert_int_equal(find(QUESTION_PERCEPT, actions[i]), WORD_NONE);
    }
    for (size_t i = 0; i < sizeof(percepts) / sizeof(percepts[0]); i++) {
        assert_int_equal(find(QUESTION_ACTION, percepts[i]), WORD_NONE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vocabularies_are_those_of_the_prompts),
        cmocka_unit_test(every_word_fits_the_limits),
        cmocka_unit_test(every_word_is_found_in_every_mixture_of_case),
        cmocka_unit_test(bytes_behind_the_size_do_not_count),
        cmocka_unit_test(beginning_of_a_word_is_no_word),
        cmocka_unit_test(longer_word_is_no_word),
        cmocka_unit_test(terminator_is_no_part_of_a_word),
        cmocka_unit_test(words_of_the_other_question_are_not_found),
    };

    return cmocka_run_group_tests_name("word", tests, NULL, NULL);
}
