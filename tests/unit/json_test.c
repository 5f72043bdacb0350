/* json: the check accepts exactly the grammar, names why it refuses, and lookups find values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "vlm/json.h"

static enum json_result check(const char *text)
{
    struct json root;

    return json_check(text, strlen(text), &root);
}

static struct json parse(const char *text)
{
    struct json root = {0};

    assert_int_equal(json_check(text, strlen(text), &root), JSON_OK);
    return root;
}

static void accepts_every_kind_of_value(void **state)
{
    static const char *const texts[] = {
        "null",
        "true",
        "false",
        "0",
        "-0",
        "12",
        "-1.5e3",
        "1E+2",
        "0.25e-7",
        "\"\"",
        "\"a\\u00e9\"",
        "[]",
        "{}",
        "[1,[2,{}],3]",
        " [ ] ",
        "{\"a\":{}}",
        "\r\n\t1 ",
        "\"\\\\\\\"\\/\\b\"",
        "{\"a\" : 1 , \"b\" :[ ] }",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (check(texts[i]) != JSON_OK) {
            fail_msg("refused: %s", texts[i]);
        }
    }
}

static void names_why_it_refuses(void **state)
{
    static const struct {
        const char *text;
        enum json_result result;
    } cases[] = {
        {"", JSON_EMPTY},
        {" \n", JSON_EMPTY},
        {"{", JSON_TRUNCATED},
        {"{\"a", JSON_TRUNCATED},
        {"{\"a\"", JSON_TRUNCATED},
        {"{\"a\":", JSON_TRUNCATED},
        {"{\"a\":1", JSON_TRUNCATED},
        {"{\"a\":1,", JSON_TRUNCATED},
        {"[1,", JSON_TRUNCATED},
        {"\"\\", JSON_TRUNCATED},
        {"\"\\u12", JSON_TRUNCATED},
        {"tru", JSON_TRUNCATED},
        {"-", JSON_TRUNCATED},
        {"1.", JSON_TRUNCATED},
        {"1e", JSON_TRUNCATED},
        {"1e+", JSON_TRUNCATED},
        {"{a:1}", JSON_INVALID},
        {"{\"a\" 1}", JSON_INVALID},
        {"{\"a\":1 \"b\":2}", JSON_INVALID},
        {"{\"a\":1,}", JSON_INVALID},
        {"[1,]", JSON_INVALID},
        {"[1 2]", JSON_INVALID},
        {"01", JSON_INVALID},
        {"+1", JSON_INVALID},
        {".5", JSON_INVALID},
        {"1.x", JSON_INVALID},
        {"\"\\x\"", JSON_INVALID},
        {"\"\\u12g4\"", JSON_INVALID},
        {"\"\n\"", JSON_INVALID},
        {"trux", JSON_INVALID},
        {"nul1", JSON_INVALID},
        {"1 2", JSON_INVALID},
        {"]", JSON_INVALID},
        {"NaN", JSON_INVALID},
        {"'a'", JSON_INVALID},
        {"<html>", JSON_INVALID},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (check(cases[i].text) != cases[i].result) {
            fail_msg("%s: %d instead of %d", cases[i].text, check(cases[i].text), cases[i].result);
        }
    }
}

static void nul_byte_is_named_wherever_it_stands(void **state)
{
    static const char text[] = "{\"a\":\"b\0c\"}";
    struct json root;

    (void)state;
    assert_int_equal(json_check(text, sizeof(text) - 1, &root), JSON_NUL);
    assert_int_equal(json_check("\0", 1, &root), JSON_NUL);
    assert_int_equal(json_check("1\0", 2, &root), JSON_NUL);
}

static void nesting_is_accepted_up_to_the_limit(void **state)
{
    char text[2 * JSON_DEPTH_MAX + 4];
    struct json root;

    (void)state;
    memset(text, '[', JSON_DEPTH_MAX + 1);
    memset(text + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
    assert_int_equal(json_check(text, 2 * JSON_DEPTH_MAX + 2, &root), JSON_DEPTH);
    assert_int_equal(json_check(text + 1, 2 * JSON_DEPTH_MAX, &root), JSON_OK);
}

static void every_cut_of_an_object_is_truncated(void **state)
{
    static const char text[] =
        "{\"content\":\"for\\u0077ard\",\"n\":[1.5e3,true,null,{\"x\":\"\"}]}";
    struct json root;

    (void)state;
    for (size_t size = 1; size < sizeof(text) - 1; size++) {
        assert_int_equal(json_check(text, size, &root), JSON_TRUNCATED);
    }
    assert_int_equal(json_check(text, sizeof(text) - 1, &root), JSON_OK);
}

static void members_and_elements_are_found(void **state)
{
    struct json root =
        parse("{ \"a\" : [ 10 , {\"b\":\"x,]}\\\"\"} , [] ] , \"c\":false,\"c\":true,\"d\":{}}");
    struct json list, value, inner;
    double number = 0;
    char text[16];

    (void)state;
    assert_true(json_member(root, "a", &list));
    assert_true(json_element(list, 0, &value));
    assert_true(json_number(value, &number));
    assert_true(number == 10.0);
    assert_true(json_element(list, 1, &value));
    assert_true(json_member(value, "b", &inner));
    assert_int_equal(json_text(inner, text, sizeof(text)), 5);
    assert_string_equal(text, "x,]}\"");
    assert_true(json_element(list, 2, &value));
    assert_int_equal(value.type, JSON_ARRAY);
    assert_false(json_element(value, 0, &inner));
    assert_false(json_element(list, 3, &value));
    assert_true(json_member(root, "c", &value));
    assert_int_equal(value.type, JSON_FALSE);
    assert_true(json_member(root, "d", &value));
    assert_false(json_member(value, "a", &inner));
    assert_false(json_member(root, "e", &value));
    assert_false(json_member(list, "a", &value));
    assert_false(json_element(root, 0, &value));
}

static void escapes_do_not_hide_what_comes_behind_them(void **state)
{
    struct json root = parse("{\"\\u0061\":1,\"b\":\"\\\"\\\\\",\"a\":[\"\\n\",\"\\\"],\",5]}");
    struct json value, element;
    double number = 0;

    (void)state;
    assert_true(json_member(root, "a", &value)); /* a name with escapes is never equal */
    assert_int_equal(value.type, JSON_ARRAY);
    assert_true(json_element(value, 2, &element));
    assert_true(json_number(element, &number));
    assert_true(number == 5.0);
    assert_false(json_element(value, 3, &element));
    assert_false(json_member(root, "u0061", &value));
    assert_false(json_member(root, "\\u0061x", &value));
}

static void escapes_become_utf8(void **state)
{
    static const struct {
        const char *json, *text;
    } cases[] = {
        {"\"\\b\\f\\n\\r\\t\\/\\\\\\\"\"", "\b\f\n\r\t/\\\""},
        {"\"\\u0041\\u00e9\\u20AC\"", "A\xc3\xa9\xe2\x82\xac"},
        {"\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80"},
        {"\"\\ud83dx\"", "\xef\xbf\xbdx"},
        {"\"\\ud83d\\u0041\"", "\xef\xbf\xbd"
                               "A"},
        {"\"\\ud83d\\n\"", "\xef\xbf\xbd\n"},
        {"\"\\ud83d\\ud83d\\ude00\"", "\xef\xbf\xbd\xf0\x9f\x98\x80"},
        {"\"\\ud83d\\uffff\"", "\xef\xbf\xbd\xef\xbf\xbf"},
        {"\"\\ude00\"", "\xef\xbf\xbd"},
        {"\"\xe2\x82\xac\"", "\xe2\x82\xac"},
    };
    char text[32];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int size = json_text(parse(cases[i].json), text, sizeof(text));

        assert_int_equal(size, (int)strlen(cases[i].text));
        assert_string_equal(text, cases[i].text);
    }
}

static void long_text_is_cut_and_terminated(void **state)
{
    char text[4];

    (void)state;
    assert_int_equal(json_text(parse("\"abcdef\""), text, sizeof(text)), JSON_CUT);
    assert_string_equal(text, "abc");
    assert_int_equal(json_text(parse("\"ab\\u20ac\""), text, sizeof(text)), JSON_CUT);
    assert_string_equal(text, "ab");
    assert_int_equal(json_text(parse("\"abc\""), text, sizeof(text)), 3);
    assert_int_equal(json_text(parse("12"), text, sizeof(text)), JSON_NO_STRING);
}

static void numbers_outside_of_a_double_are_refused(void **state)
{
    char digits[80];
    double number = 7;

    (void)state;
    memset(digits, '9', sizeof(digits) - 1);
    digits[sizeof(digits) - 1] = '\0';
    assert_false(json_number(parse(digits), &number));
    assert_false(json_number(parse("1e999"), &number));
    assert_false(json_number(parse("\"1\""), &number));
    assert_true(number == 7.0);
    assert_true(json_number(parse("-2.5e-1"), &number));
    assert_true(number == -0.25);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_every_kind_of_value),
        cmocka_unit_test(names_why_it_refuses),
        cmocka_unit_test(nul_byte_is_named_wherever_it_stands),
        cmocka_unit_test(nesting_is_accepted_up_to_the_limit),
        cmocka_unit_test(every_cut_of_an_object_is_truncated),
        cmocka_unit_test(members_and_elements_are_found),
        cmocka_unit_test(escapes_do_not_hide_what_comes_behind_them),
        cmocka_unit_test(escapes_become_utf8),
        cmocka_unit_test(long_text_is_cut_and_terminated),
        cmocka_unit_test(numbers_outside_of_a_double_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
