/* See value.h.
 *
 * A number is a decimal fraction with an optional unit of the same quantity as the key's: "300",
 * "300 ms" and "0.3 s" are one value. The conversion is exact or refused: nothing is rounded, so
 * what `config show` prints is what was meant. That is why degrees are missing from the table of
 * units: no whole number of mrad/s is a whole number of degrees per second.
 *
 * The same text rules hold for every source, because every accepted value must survive being
 * printed by `config show` and read from a file again: printable, and no comment mark (';' or '#')
 * at the start or behind a blank. In a file inih has already cut off " ; ..." as a comment, but it
 * would keep " # ..." as part of the value, which nobody means.
 */
#include "config/value.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "hal/base/text.h"

enum quantity {
    QUANTITY_TIME,
    QUANTITY_LENGTH,
    QUANTITY_SPEED,
    QUANTITY_TURN_RATE,
    QUANTITY_VOLTAGE,
    QUANTITY_FREQUENCY,
    QUANTITY_SHARE,
    QUANTITY_PIXELS,
};

/* Only units of one quantity convert into each other; `size` is in the smallest of them. */
static const struct unit {
    const char *name;
    enum quantity quantity;
    int64_t size;
} units[] = {
    {"us", QUANTITY_TIME, 1},
    {"ms", QUANTITY_TIME, 1000},
    {"s", QUANTITY_TIME, 1000000},
    {"mm", QUANTITY_LENGTH, 1},
    {"cm", QUANTITY_LENGTH, 10},
    {"m", QUANTITY_LENGTH, 1000},
    {"mm/s", QUANTITY_SPEED, 1},
    {"cm/s", QUANTITY_SPEED, 10},
    {"m/s", QUANTITY_SPEED, 1000},
    {"mrad/s", QUANTITY_TURN_RATE, 1},
    {"rad/s", QUANTITY_TURN_RATE, 1000},
    {"mV", QUANTITY_VOLTAGE, 1},
    {"V", QUANTITY_VOLTAGE, 1000},
    {"Hz", QUANTITY_FREQUENCY, 1},
    {"%", QUANTITY_SHARE, 1},
    {"px", QUANTITY_PIXELS, 1},
};

enum number_result {
    NUMBER_GOOD,
    NUMBER_WRONG,   /* no number, another quantity, too large to count with */
    NUMBER_INEXACT, /* good, but not a whole number of the key's unit */
};

/* value = mantissa / 10^places */
struct decimal {
    int64_t mantissa;
    int places;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool take_digits(const char **text, int64_t *mantissa, int *count)
{
    const char *c = *text;

    for (; is_digit(*c); c++) {
        if (__builtin_mul_overflow(*mantissa, 10, mantissa) ||
            __builtin_add_overflow(*mantissa, *c - '0', mantissa)) {
            return false;
        }
    }
    *count = (int)(c - *text);
    *text = c;
    return *count > 0;
}

/* Moves `text` behind the number. Digits are wanted on both sides of a point. */
static bool take_decimal(const char **text, struct decimal *ret_decimal)
{
    struct decimal decimal = {0};
    bool negative = **text == '-';
    int whole;

    *text += negative;
    if (!take_digits(text, &decimal.mantissa, &whole)) {
        return false;
    }
    if (**text == '.') {
        (*text)++;
        if (!take_digits(text, &decimal.mantissa, &decimal.places)) {
            return false;
        }
    }
    while (decimal.places > 0 && decimal.mantissa % 10 == 0) {
        decimal.mantissa /= 10;
        decimal.places--;
    }
    if (negative) {
        decimal.mantissa = -decimal.mantissa;
    }
    *ret_decimal = decimal;
    return true;
}

static const struct unit *find_unit(const char *name)
{
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(units[i].name, name) == 0) {
            return &units[i];
        }
    }
    return NULL;
}

/* How many of `wanted` one `given` is: times *ret_up, divided by *ret_down. */
static bool unit_factor(const char *given, const char *wanted, int64_t *ret_up, int64_t *ret_down)
{
    const struct unit *from, *to;

    if (*given == '\0' || (wanted != NULL && strcmp(given, wanted) == 0)) {
        *ret_up = *ret_down = 1;
        return true;
    }
    from = find_unit(given);
    to = wanted == NULL ? NULL : find_unit(wanted);
    if (from == NULL || to == NULL || from->quantity != to->quantity) {
        return false;
    }
    *ret_up = from->size;
    *ret_down = to->size;
    return true;
}

static enum number_result parse_number(const char *text, const char *unit, int64_t *ret_number)
{
    struct decimal decimal;
    int64_t up, down;

    if (!take_decimal(&text, &decimal)) {
        return NUMBER_WRONG;
    }
    text += strspn(text, " \t");
    if (!unit_factor(text, unit, &up, &down) ||
        __builtin_mul_overflow(decimal.mantissa, up, &decimal.mantissa)) {
        return NUMBER_WRONG;
    }
    for (int i = 0; i < decimal.places; i++) {
        if (__builtin_mul_overflow(down, 10, &down)) {
            return NUMBER_INEXACT; /* the divisor exceeds any mantissa, which is not zero here */
        }
    }
    if (decimal.mantissa % down != 0) {
        return NUMBER_INEXACT;
    }
    *ret_number = decimal.mantissa / down;
    return NUMBER_GOOD;
}

static void describe_number(const struct setting *setting, const char *kind, char *text)
{
    const char *unit = setting->unit == NULL ? "" : setting->unit;

    if (setting->multiple > 1) {
        snprintf(text, VALUE_EXPECTED_SIZE,
                 "a multiple of %" PRId64 "%s%s from %" PRId64 " to %" PRId64, setting->multiple,
                 *unit == '\0' ? "" : " ", unit, setting->min, setting->max);
        return;
    }
    snprintf(text, VALUE_EXPECTED_SIZE, "a %s%s%s from %" PRId64 " to %" PRId64, kind,
             *unit == '\0' ? "" : " of ", unit, setting->min, setting->max);
}

static void describe_choice(const struct setting *setting, char *text)
{
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; setting->choices[i] != NULL && used < VALUE_EXPECTED_SIZE; i++) {
        const char *between = setting->choices[i + 1] == NULL ? " or " : ", ";

        used += (size_t)snprintf(text + used, VALUE_EXPECTED_SIZE - used, "%s%s",
                                 i == 0 ? "" : between, setting->choices[i]);
    }
}

void value_describe(const struct setting *setting, char ret_text[static VALUE_EXPECTED_SIZE])
{
    switch (setting->type) {
    case SETTING_STRING:
        snprintf(ret_text, VALUE_EXPECTED_SIZE, "text");
        break;
    case SETTING_PATH:
        snprintf(ret_text, VALUE_EXPECTED_SIZE, "a path");
        break;
    case SETTING_NUMBER:
        describe_number(setting, "number", ret_text);
        break;
    case SETTING_BOOL:
        snprintf(ret_text, VALUE_EXPECTED_SIZE, "yes or no");
        break;
    case SETTING_CHOICE:
        describe_choice(setting, ret_text);
        break;
    }
}

static int read_number(const struct setting *setting, const char *text, int64_t *field,
                       char *ret_expected)
{
    int64_t number;
    enum number_result result = parse_number(text, setting->unit, &number);

    if (result == NUMBER_GOOD && number >= setting->min && number <= setting->max &&
        (setting->multiple <= 1 || number % setting->multiple == 0)) {
        *field = number;
        return 0;
    }
    describe_number(setting, result == NUMBER_INEXACT ? "whole number" : "number", ret_expected);
    return VALUE_REFUSED;
}

static int read_bool(const struct setting *setting, const char *text, bool *field,
                     char *ret_expected)
{
    static const char *const words[][4] = {{"no", "false", "off", "0"}, {"yes", "true", "on", "1"}};

    for (size_t value = 0; value < 2; value++) {
        for (size_t i = 0; i < 4; i++) {
            if (strcasecmp(text, words[value][i]) == 0) {
                *field = value == 1;
                return 0;
            }
        }
    }
    value_describe(setting, ret_expected);
    return VALUE_REFUSED;
}

static int read_choice(const struct setting *setting, const char *text, int *field,
                       char *ret_expected)
{
    struct text_nearest nearest;
    size_t used;

    text_nearest_init(&nearest, text);
    for (int i = 0; setting->choices[i] != NULL; i++) {
        if (strcmp(text, setting->choices[i]) == 0) {
            *field = i;
            return 0;
        }
        text_nearest_offer(&nearest, setting->choices[i]);
    }
    describe_choice(setting, ret_expected);
    used = strlen(ret_expected);
    if (nearest.best[0] != '\0') {
        snprintf(ret_expected + used, VALUE_EXPECTED_SIZE - used, "; did you mean \"%s\"?",
                 nearest.best);
    }
    return VALUE_REFUSED;
}

/* Field and text are compared as a whole elsewhere (tests, fuzzing), so the rest is zeroed. */
static int store_text(const char *text, char *field, char *ret_expected)
{
    size_t length = strlen(text);

    if (length >= SETTING_STRING_SIZE) {
        snprintf(ret_expected, VALUE_EXPECTED_SIZE, "at most %d bytes", SETTING_STRING_SIZE - 1);
        return VALUE_REFUSED;
    }
    memset(field, 0, SETTING_STRING_SIZE);
    memcpy(field, text, length);
    return 0;
}

static int read_string(const struct setting *setting, const char *text, char *field,
                       char *ret_expected)
{
    const char *expected = setting->check == NULL ? NULL : setting->check(text);

    if (expected != NULL) {
        snprintf(ret_expected, VALUE_EXPECTED_SIZE, "%s", expected);
        return VALUE_REFUSED;
    }
    return store_text(text, field, ret_expected);
}

/* NULL when the text may be a value, else what was expected. */
static const char *check_text(const char *text)
{
    bool after_blank = true;
    size_t length = strlen(text), step;

    for (size_t i = 0; i < length; i += step) {
        step = text[i] == '\t' ? 1 : text_step(text + i, length - i);
        if (step == 0) {
            return "printable UTF-8 text";
        }
        if (after_blank && text[i] == '#') {
            return "no '#' at the start or after a blank; a comment after a value begins with ' ;'";
        }
        if (after_blank && text[i] == ';') {
            return "no ';' at the start or after a blank, where it begins a comment";
        }
        after_blank = text[i] == ' ' || text[i] == '\t';
    }
    return NULL;
}

static int read_path(const struct setting *setting, const char *text, const char *folder,
                     char *field, char *ret_expected)
{
    char path[SETTING_STRING_SIZE];
    const char *expected;
    int n;

    if (text[0] == '\0' && (setting->fallback == NULL || setting->fallback[0] != '\0')) {
        snprintf(ret_expected, VALUE_EXPECTED_SIZE, "a path");
        return VALUE_REFUSED;
    }
    if (text[0] == '/' || text[0] == '\0' || folder == NULL) {
        return store_text(text, field, ret_expected);
    }
    while (strncmp(text, "./", 2) == 0) {
        text += 2;
    }
    n = snprintf(path, sizeof(path), "%s/%s", strcmp(folder, "/") == 0 ? "" : folder, text);
    if (n < 0 || n >= SETTING_STRING_SIZE) {
        snprintf(ret_expected, VALUE_EXPECTED_SIZE, "at most %d bytes, with the folder \"%.100s\"",
                 SETTING_STRING_SIZE - 1, folder);
        return VALUE_REFUSED;
    }
    /* The folder comes from outside like the value, and is judged like it. */
    expected = check_text(path);
    if (expected != NULL) {
        snprintf(ret_expected, VALUE_EXPECTED_SIZE, "a folder's name with %s", expected);
        return VALUE_REFUSED;
    }
    return store_text(path, field, ret_expected);
}

int value_parse(const struct setting *setting, const char *text, const char *folder, void *module,
                char ret_expected[static VALUE_EXPECTED_SIZE])
{
    void *field = (char *)module + setting->offset;
    const char *expected = check_text(text);

    if (expected != NULL) {
        snprintf(ret_expected, VALUE_EXPECTED_SIZE, "%s", expected);
        return VALUE_REFUSED;
    }
    switch (setting->type) {
    case SETTING_STRING:
        return read_string(setting, text, field, ret_expected);
    case SETTING_PATH:
        return read_path(setting, text, folder, field, ret_expected);
    case SETTING_NUMBER:
        return read_number(setting, text, field, ret_expected);
    case SETTING_BOOL:
        return read_bool(setting, text, field, ret_expected);
    case SETTING_CHOICE:
        return read_choice(setting, text, field, ret_expected);
    }
    return VALUE_REFUSED;
}

void value_print(const struct setting *setting, const void *module,
                 char ret_text[static VALUE_TEXT_SIZE])
{
    const void *field = (const char *)module + setting->offset;

    switch (setting->type) {
    case SETTING_STRING:
    case SETTING_PATH:
        snprintf(ret_text, VALUE_TEXT_SIZE, "%s", (const char *)field);
        break;
    case SETTING_NUMBER:
        snprintf(ret_text, VALUE_TEXT_SIZE, "%" PRId64 "%s%s", *(const int64_t *)field,
                 setting->unit == NULL ? "" : " ", setting->unit == NULL ? "" : setting->unit);
        break;
    case SETTING_BOOL:
        snprintf(ret_text, VALUE_TEXT_SIZE, "%s", *(const bool *)field ? "yes" : "no");
        break;
    case SETTING_CHOICE:
        snprintf(ret_text, VALUE_TEXT_SIZE, "%s", setting->choices[*(const int *)field]);
        break;
    }
}
