/* body: the picture stands in the text as base64, and a smaller one leaves nothing of a larger. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "vlm/body.h"

static void base64_is_that_of_rfc_4648(void **state)
{
    static const struct {
        const char *bytes, *text;
    } cases[] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
        {"\xff\xfb\xbf", "//u/"},
    };
    struct body body;

    (void)state;
    assert_int_equal(body_init(&body, "<", ">"), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t size = strlen(cases[i].text);

        assert_int_equal(
            body_set_picture(&body, (const uint8_t *)cases[i].bytes, strlen(cases[i].bytes)), 0);
        assert_int_equal(body.size, size + 2);
        assert_int_equal(strlen(body.text), size + 2);
        assert_int_equal(body.text[0], '<');
        assert_memory_equal(body.text + 1, cases[i].text, size);
        assert_int_equal(body.text[size + 1], '>');
    }
    body_fini(&body);
}

static void smaller_picture_leaves_nothing_of_a_larger_one(void **state)
{
    struct body body;
    uint8_t large[3000];
    const char *text;

    (void)state;
    memset(large, 7, sizeof(large));
    assert_int_equal(body_init(&body, "{\"a\":\"", "\"}"), 0);
    assert_int_equal(body_set_picture(&body, large, sizeof(large)), 0);
    assert_int_equal(body.size, 6 + 4000 + 2);
    text = body.text;
    assert_int_equal(body_set_picture(&body, (const uint8_t *)"foo", 3), 0);
    assert_string_equal(body.text, "{\"a\":\"Zm9v\"}");
    assert_ptr_equal(body.text, text); /* nothing was allocated for it */
    body_fini(&body);
}

static void zeroed_body_can_be_undone(void **state)
{
    struct body body = {0};

    (void)state;
    body_fini(&body);
    assert_null(body.text);
}

static void note_is_written_between(void **state)
{
    char tail[BODY_NOTE_SIZE + 20], long_note[2 * BODY_NOTE_SIZE + 1];
    struct body body;

    (void)state;
    (void)snprintf(tail, sizeof(tail), " %sCommand:\"}", BODY_NOTE);
    assert_int_equal(body_init(&body, "<", tail), 0);
    assert_int_equal(body_set_picture(&body, (const uint8_t *)"foo", 3), 0);
    assert_string_equal(body.text, "<Zm9v Command:\"}");
    body_set_note(&body, "Clear: left 7 cm. ");
    assert_string_equal(body.text, "<Zm9v Command:\"}"); /* from the next picture on */
    assert_int_equal(body_set_picture(&body, (const uint8_t *)"foo", 3), 0);
    assert_string_equal(body.text, "<Zm9v Clear: left 7 cm. Command:\"}");
    assert_int_equal(body.size, strlen(body.text));
    memset(long_note, 'x', sizeof(long_note) - 1);
    long_note[sizeof(long_note) - 1] = '\0';
    body_set_note(&body, long_note);
    assert_int_equal(body_set_picture(&body, (const uint8_t *)"foo", 3), 0);
    assert_int_equal(body.size, 16 + BODY_NOTE_SIZE);
    assert_string_equal(body.text + 6 + BODY_NOTE_SIZE, "Command:\"}");
    body_fini(&body);
    assert_int_equal(body_init(&body, "<", ">"), 0);
    body_set_note(&body, "nowhere to stand");
    assert_int_equal(body_set_picture(&body, (const uint8_t *)"foo", 3), 0);
    assert_string_equal(body.text, "<Zm9v>");
    body_fini(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64_is_that_of_rfc_4648),
        cmocka_unit_test(smaller_picture_leaves_nothing_of_a_larger_one),
        cmocka_unit_test(note_is_written_between),
        cmocka_unit_test(zeroed_body_can_be_undone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
