/* A request body whose text is built once and whose picture is written in place.
 *
 * Everything around the picture is fixed, so the text is laid out once: head, room for base64,
 * tail. Giving it a picture writes the base64 behind the head and the tail behind that; the memory
 * grows only when a picture is larger than any before. Two bodies let the next picture be written
 * while the server still reads the last one.
 *
 * Caller's memory, one thread.
 */
#ifndef VLM_BODY_H
#define VLM_BODY_H

#include <stddef.h>
#include <stdint.h>

struct body {
    char *text;
    size_t size; /* of the complete text; 0 while it holds no picture */
    size_t capacity;
    size_t head_size;
    char *tail;
    size_t tail_size;
};

/* 0 or -ENOMEM. `head` and `tail` are copied. Undo with body_fini, which accepts a zeroed body. */
int body_init(struct body *body, const char *head, const char *tail);
void body_fini(struct body *body);

/* Writes the picture as base64 (RFC 4648 section 4, padded, no line breaks: llama-server stops at
 * the first foreign character without a word). 0 or -ENOMEM, then the body holds no picture. */
int body_set_picture(struct body *body, const uint8_t *bytes, size_t size);

#endif
