/* A request body whose text is built once and whose picture is written in place.
 *
 * Everything around the picture is fixed but a note, so the text is laid out once: head, room for
 * base64, tail; the note goes where BODY_NOTE stands in the tail. Giving it a picture writes the
 * base64 behind the head and the tail behind that; the memory grows only when a picture is larger
 * than any before. Two bodies let the next picture be written while the server still reads the last
 * one.
 *
 * Caller's memory, one thread.
 */
#ifndef VLM_BODY_H
#define VLM_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BODY_NOTE_SIZE 320 /* bytes */

/* Stands for the note where head and tail are made: no JSON writer escapes it and no text has it.
 */
#define BODY_NOTE_64 "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@"
#define BODY_NOTE    BODY_NOTE_64 BODY_NOTE_64 BODY_NOTE_64 BODY_NOTE_64 BODY_NOTE_64

struct body {
    char *text;
    size_t size; /* of the complete text; 0 while it holds no picture */
    size_t capacity;
    size_t head_size;
    char *tail;
    size_t tail_size;
    size_t note_at; /* in the tail */
    bool has_note;
    char note[BODY_NOTE_SIZE];
    size_t note_size;
};

/* 0 or -ENOMEM. `head`, which must have no note, and `tail` are copied. Undo with body_fini, which
 * accepts a zeroed body. */
int body_init(struct body *body, const char *head, const char *tail);
void body_fini(struct body *body);

/* What the note says from the next picture on: printable UTF-8 without '"' and '\\', up to
 * BODY_NOTE_SIZE bytes. Without a note in the tail nothing happens. */
void body_set_note(struct body *body, const char *note);

/* Writes the picture as base64 (RFC 4648 section 4, padded, no line breaks: llama-server stops at
 * the first foreign character without a word). 0 or -ENOMEM, then the body holds no picture. */
int body_set_picture(struct body *body, const uint8_t *bytes, size_t size);

#endif
