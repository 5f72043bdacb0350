/* See json.h. The check is a recursive descent whose recursion is the nesting, so its depth is
 * bounded by JSON_DEPTH_MAX. Everything behind the check relies on it: a lookup walks text that is
 * known to be whole and well formed, and only needs to skip values. */
#include "vlm/json.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct scan {
    const char *at, *end;
    int depth;
};

static void skip_blanks(struct scan *scan)
{
    while (scan->at < scan->end &&
           (*scan->at == ' ' || *scan->at == '\t' || *scan->at == '\n' || *scan->at == '\r')) {
        scan->at++;
    }
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static enum json_result check_escape(struct scan *scan)
{
    if (scan->at == scan->end) {
        return JSON_TRUNCATED;
    }
    char c = *scan->at++;

    if (c != 'u') {
        return strchr("\"\\/bfnrt", c) != NULL ? JSON_OK : JSON_INVALID;
    }
    for (int i = 0; i < 4; i++) {
        if (scan->at == scan->end) {
            return JSON_TRUNCATED;
        }
        if (!is_hex(*scan->at++)) {
            return JSON_INVALID;
        }
    }
    return JSON_OK;
}

/* From the opening quote to behind the closing one. */
static enum json_result check_string(struct scan *scan)
{
    scan->at++;
    while (scan->at < scan->end) {
        unsigned char c = (unsigned char)*scan->at++;

        if (c == '"') {
            return JSON_OK;
        }
        if (c < 0x20) {
            return JSON_INVALID;
        }
        if (c == '\\') {
            enum json_result result = check_escape(scan);

            if (result != JSON_OK) {
                return result;
            }
        }
    }
    return JSON_TRUNCATED;
}

static enum json_result check_digits(struct scan *scan)
{
    if (scan->at == scan->end) {
        return JSON_TRUNCATED;
    }
    if (!is_digit(*scan->at)) {
        return JSON_INVALID;
    }
    while (scan->at < scan->end && is_digit(*scan->at)) {
        scan->at++;
    }
    return JSON_OK;
}

static bool skip_any(struct scan *scan, const char *set)
{
    if (scan->at < scan->end && strchr(set, *scan->at) != NULL) {
        scan->at++;
        return true;
    }
    return false;
}

static enum json_result check_number(struct scan *scan)
{
    enum json_result result = JSON_OK;

    (void)skip_any(scan, "-");
    if (!skip_any(scan, "0")) {
        result = check_digits(scan);
    }
    if (result == JSON_OK && skip_any(scan, ".")) {
        result = check_digits(scan);
    }
    if (result == JSON_OK && skip_any(scan, "eE")) {
        (void)skip_any(scan, "+-");
        result = check_digits(scan);
    }
    return result;
}

static enum json_result check_literal(struct scan *scan, const char *literal)
{
    for (; *literal != '\0'; literal++, scan->at++) {
        if (scan->at == scan->end) {
            return JSON_TRUNCATED;
        }
        if (*scan->at != *literal) {
            return JSON_INVALID;
        }
    }
    return JSON_OK;
}

static enum json_result check_value(struct scan *scan);

static enum json_result check_name(struct scan *scan)
{
    enum json_result result;

    skip_blanks(scan);
    if (scan->at == scan->end) {
        return JSON_TRUNCATED;
    }
    if (*scan->at != '"') {
        return JSON_INVALID;
    }
    result = check_string(scan);
    if (result != JSON_OK) {
        return result;
    }
    skip_blanks(scan);
    return check_literal(scan, ":");
}

/* From the opening bracket to behind the closing one. */
static enum json_result check_container(struct scan *scan, bool object, char closing)
{
    enum json_result result;

    if (++scan->depth > JSON_DEPTH_MAX) {
        return JSON_DEPTH;
    }
    scan->at++;
    skip_blanks(scan);
    if (scan->at < scan->end && *scan->at == closing) {
        scan->at++;
        scan->depth--;
        return JSON_OK;
    }
    for (;;) {
        result = object ? check_name(scan) : JSON_OK;
        if (result == JSON_OK) {
            result = check_value(scan);
        }
        if (result != JSON_OK) {
            return result;
        }
        skip_blanks(scan);
        if (scan->at == scan->end) {
            return JSON_TRUNCATED;
        }
        char c = *scan->at++;

        if (c == closing) {
            scan->depth--;
            return JSON_OK;
        }
        if (c != ',') {
            return JSON_INVALID;
        }
    }
}

static enum json_result check_value(struct scan *scan)
{
    skip_blanks(scan);
    if (scan->at == scan->end) {
        return JSON_TRUNCATED;
    }
    switch (*scan->at) {
    case '{':
        return check_container(scan, true, '}');
    case '[':
        return check_container(scan, false, ']');
    case '"':
        return check_string(scan);
    case 't':
        return check_literal(scan, "true");
    case 'f':
        return check_literal(scan, "false");
    case 'n':
        return check_literal(scan, "null");
    default:
        return check_number(scan);
    }
}

static enum json_type type_at(const char *start)
{
    switch (*start) {
    case '{':
        return JSON_OBJECT;
    case '[':
        return JSON_ARRAY;
    case '"':
        return JSON_STRING;
    case 't':
        return JSON_TRUE;
    case 'f':
        return JSON_FALSE;
    case 'n':
        return JSON_NULL;
    default:
        return JSON_NUMBER;
    }
}

enum json_result json_check(const char *text, size_t size, struct json *ret_root)
{
    struct scan scan = {.at = text, .end = text + size};
    enum json_result result;

    if (size > 0 && memchr(text, '\0', size) != NULL) {
        return JSON_NUL;
    }
    skip_blanks(&scan);
    if (scan.at == scan.end) {
        return JSON_EMPTY;
    }
    const char *start = scan.at;

    result = check_value(&scan);
    if (result != JSON_OK) {
        return result;
    }
    const char *end = scan.at;

    skip_blanks(&scan);
    if (scan.at != scan.end) {
        return JSON_INVALID;
    }
    *ret_root = (struct json){.type = type_at(start), .start = start, .end = end};
    return JSON_OK;
}

static const char *skip_string(const char *at)
{
    for (at++; *at != '"'; at++) {
        if (*at == '\\') {
            at++;
        }
    }
    return at + 1;
}

/* Behind the checked value that starts at `at`. `end` bounds the container around it. */
static const char *skip_value(const char *at, const char *end)
{
    int depth = 0;

    while (at < end) {
        switch (*at) {
        case '"':
            at = skip_string(at);
            break;
        case '{':
        case '[':
            depth++;
            at++;
            break;
        case '}':
        case ']':
            depth--;
            at++;
            break;
        case ',':
        case ' ':
        case '\t':
        case '\n':
        case '\r':
            if (depth == 0) {
                return at;
            }
            at++;
            break;
        default:
            at++;
        }
    }
    return at;
}

/* To the next element of a container: behind blanks, a comma and blanks. NULL at its end. */
static const char *next_element(struct json container, const char *at)
{
    struct scan scan = {.at = at, .end = container.end - 1};

    skip_blanks(&scan);
    if (skip_any(&scan, ",")) {
        skip_blanks(&scan);
    }
    return scan.at < scan.end ? scan.at : NULL;
}

static struct json value_at(struct json container, const char *at)
{
    return (struct json){
        .type = type_at(at), .start = at, .end = skip_value(at, container.end - 1)};
}

bool json_member(struct json object, const char *name, struct json *ret_value)
{
    size_t length = strlen(name);

    if (object.type != JSON_OBJECT) {
        return false;
    }
    for (const char *at = next_element(object, object.start + 1); at != NULL;) {
        const char *name_end = skip_string(at);
        bool found = (size_t)(name_end - at) == length + 2 && memcmp(at + 1, name, length) == 0;
        struct scan scan = {.at = name_end, .end = object.end};

        skip_blanks(&scan);
        scan.at++; /* the colon */
        skip_blanks(&scan);
        struct json value = value_at(object, scan.at);

        if (found) {
            *ret_value = value;
            return true;
        }
        at = next_element(object, value.end);
    }
    return false;
}

bool json_element(struct json array, size_t index, struct json *ret_value)
{
    if (array.type != JSON_ARRAY) {
        return false;
    }
    const char *at = next_element(array, array.start + 1);

    for (; at != NULL; index--) {
        struct json value = value_at(array, at);

        if (index == 0) {
            *ret_value = value;
            return true;
        }
        at = next_element(array, value.end);
    }
    return false;
}

static unsigned hex4(const char *at)
{
    unsigned value = 0;

    for (int i = 0; i < 4; i++) {
        char c = at[i];
        unsigned digit = is_digit(c) ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);

        value = value << 4 | digit;
    }
    return value;
}

/* A \u escape, with its partner when it is half of a surrogate pair. A lone half becomes U+FFFD. */
static uint32_t code_point(const char **at)
{
    uint32_t code = hex4(*at);

    *at += 4;
    if (code < 0xd800 || code > 0xdfff) {
        return code;
    }
    if (code <= 0xdbff && (*at)[0] == '\\' && (*at)[1] == 'u') {
        uint32_t low = hex4(*at + 2);

        if (low >= 0xdc00 && low <= 0xdfff) {
            *at += 6;
            return 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        }
    }
    return 0xfffd;
}

static int utf8_encode(uint32_t code, char *out)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xe0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3f));
        out[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3f));
    out[2] = (char)(0x80 | (code >> 6 & 0x3f));
    out[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

/* One character of a string, from `at`; its bytes go to `out`. */
static const char *next_character(const char *at, char *out, int *ret_bytes)
{
    static const char letters[] = "bfnrt", meanings[] = "\b\f\n\r\t";

    *ret_bytes = 1;
    if (*at != '\\') {
        out[0] = *at;
        return at + 1;
    }
    at++;
    if (*at == 'u') {
        at++;
        *ret_bytes = utf8_encode(code_point(&at), out);
        return at;
    }
    const char *letter = strchr(letters, *at);

    out[0] = letter != NULL ? meanings[letter - letters] : *at;
    return at + 1;
}

int json_text(struct json string, char *buffer, size_t capacity)
{
    size_t used = 0;

    if (string.type != JSON_STRING) {
        return JSON_NO_STRING;
    }
    for (const char *at = string.start + 1; at < string.end - 1;) {
        char character[4];
        int bytes;

        at = next_character(at, character, &bytes);
        if (used + (size_t)bytes >= capacity) {
            buffer[used] = '\0';
            return JSON_CUT;
        }
        memcpy(buffer + used, character, (size_t)bytes);
        used += (size_t)bytes;
    }
    buffer[used] = '\0';
    return (int)used;
}

bool json_number(struct json number, double *ret_number)
{
    char text[64]; /* a longer number is none that anyone meant */
    size_t size = (size_t)(number.end - number.start);

    if (number.type != JSON_NUMBER || size >= sizeof(text)) {
        return false;
    }
    memcpy(text, number.start, size);
    text[size] = '\0';
    double value = strtod(text, NULL);

    if (!isfinite(value)) {
        return false;
    }
    *ret_number = value;
    return true;
}
