/* note: it tells what it is asked to tell, of this question, and never more than has room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/core/note.h"
#include "vlm/vlm.h"

static const struct wire_verdict verdict = {
    .header.seq = 1, .clear_left_mm = 1205, .clear_front_mm = 459, .clear_right_mm = 12000};

static void expect(const struct note *note, enum question question, const char *text)
{
    char written[NOTE_SIZE + 1];

    note_write(note, question, &verdict, written);
    assert_string_equal(written, text);
}

static void only_what_is_asked_for_is_told(void **state)
{
    struct note note = {0};

    (void)state;
    note_add(&note, ACTION_LEFT);
    expect(&note, QUESTION_ACTION, "");
    note.clearances = true;
    expect(&note, QUESTION_ACTION, "Clear: left 120 cm, front 45 cm, right 1200 cm. ");
    note.decisions = true;
    expect(&note, QUESTION_ACTION,
           "Clear: left 120 cm, front 45 cm, right 1200 cm. Before: left. ");
    note.clearances = false;
    expect(&note, QUESTION_ACTION, "Before: left. ");
}

static void last_three_answers_are_told(void **state)
{
    struct note note = {.decisions = true};

    (void)state;
    expect(&note, QUESTION_PERCEPT, "");
    note_add(&note, PERCEPT_NONE);
    note_add(&note, PERCEPT_LEFT);
    note_add(&note, PERCEPT_CENTER);
    note_add(&note, PERCEPT_RIGHT);
    expect(&note, QUESTION_PERCEPT, "Before: left, center, right. ");
}

static void without_a_verdict_there_are_no_clearances(void **state)
{
    struct wire_verdict none = {.clear_front_mm = 100};
    struct note note = {.clearances = true};
    char written[NOTE_SIZE + 1];

    (void)state;
    note_write(&note, QUESTION_ACTION, &none, written);
    assert_string_equal(written, "");
}

static void longest_note_has_room(void **state)
{
    struct wire_verdict far = {
        .header.seq = 1, .clear_left_mm = 12000, .clear_front_mm = 12000, .clear_right_mm = 12000};
    struct note note = {.clearances = true, .decisions = true};
    char written[NOTE_SIZE + 1];

    (void)state;
    for (int i = 0; i < NOTE_DECISIONS; i++) {
        note_add(&note, ACTION_BACKWARD);
    }
    note_write(&note, QUESTION_ACTION, &far, written);
    assert_int_equal(written[strlen(written) - 2], '.');
    assert_true(strlen(written) <= VLM_NOTE_MAX);
    assert_int_equal(NOTE_SIZE, VLM_NOTE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_asked_for_is_told),
        cmocka_unit_test(last_three_answers_are_told),
        cmocka_unit_test(without_a_verdict_there_are_no_clearances),
        cmocka_unit_test(longest_note_has_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
