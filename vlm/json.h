/* Reading a JSON text in place: no copy, no allocation, bounded stack.
 *
 * A server's reply is foreign input on the hot path, so it is checked against the whole grammar
 * (RFC 8259) first, with a limit on nesting; only then are values looked up. A struct json is a
 * view: a type and the bytes of one value; it is valid as long as the text is. Strings may hold
 * bytes that are not UTF-8; numbers are anything the grammar allows. Of members with equal names
 * the first counts.
 *
 * Pure, any thread.
 */
#ifndef VLM_JSON_H
#define VLM_JSON_H

#include <stdbool.h>
#include <stddef.h>

#define JSON_DEPTH_MAX 24 /* llama-server's replies reach 7 */

enum json_result {
    JSON_OK,
    JSON_EMPTY,     /* nothing but blanks */
    JSON_NUL,       /* a NUL byte anywhere */
    JSON_TRUNCATED, /* correct as far as it goes */
    JSON_DEPTH,     /* nested deeper than JSON_DEPTH_MAX */
    JSON_INVALID,
};

enum json_type {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT,
};

struct json {
    enum json_type type;
    const char *start, *end; /* first byte of the value, first byte behind it */
};

/* Checks all of `text` and gives the outermost value. On anything but JSON_OK `ret_root` is
 * untouched. */
enum json_result json_check(const char *text, size_t size, struct json *ret_root);

/* Of a checked value. False, and the output untouched, when `object` is no object or has no such
 * member, `array` no array or too short. Member names with escapes are never equal to `name`. */
bool json_member(struct json object, const char *name, struct json *ret_value);
bool json_element(struct json array, size_t index, struct json *ret_value);

#define JSON_NO_STRING (-1)
#define JSON_CUT       (-2)

/* The string's text, escapes resolved to UTF-8, terminated. Returns the bytes written without the
 * terminator; JSON_NO_STRING when `string` is none, the buffer untouched; JSON_CUT when the text
 * has `capacity` bytes or more, the buffer holding what fits of it in whole characters. */
int json_text(struct json string, char *buffer, size_t capacity);

/* False when `number` is no number, or none that a double can hold. */
bool json_number(struct json number, double *ret_number);

#endif
