/* See body.h. */
#include "vlm/body.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char alphabet[64] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void body_set_note(struct body *body, const char *note)
{
    size_t size = strlen(note);

    if (body->has_note) {
        body->note_size = size < BODY_NOTE_SIZE ? size : BODY_NOTE_SIZE;
        memcpy(body->note, note, body->note_size);
    }
}

/* What stands for the note is cut out of the tail. */
static void find_note(struct body *body)
{
    char *mark = strstr(body->tail, BODY_NOTE);

    if (mark != NULL) {
        body->has_note = true;
        body->note_at = (size_t)(mark - body->tail);
        memmove(mark, mark + BODY_NOTE_SIZE, strlen(mark + BODY_NOTE_SIZE) + 1);
        body->tail_size -= BODY_NOTE_SIZE;
    }
}

int body_init(struct body *body, const char *head, const char *tail)
{
    assert(strstr(head, BODY_NOTE) == NULL);
    *body = (struct body){.head_size = strlen(head), .tail_size = strlen(tail)};
    body->capacity = body->head_size + body->tail_size;
    body->text = malloc(body->capacity + 1);
    body->tail = strdup(tail);
    if (body->text == NULL || body->tail == NULL) {
        body_fini(body);
        return -ENOMEM;
    }
    memcpy(body->text, head, body->head_size);
    find_note(body);
    return 0;
}

void body_fini(struct body *body)
{
    free(body->text);
    free(body->tail);
    *body = (struct body){0};
}

static char *encode(const uint8_t *bytes, size_t size, char *out)
{
    size_t i;

    for (i = 0; i + 3 <= size; i += 3) {
        uint32_t bits = (uint32_t)bytes[i] << 16 | (uint32_t)bytes[i + 1] << 8 | bytes[i + 2];

        *out++ = alphabet[bits >> 18];
        *out++ = alphabet[bits >> 12 & 63];
        *out++ = alphabet[bits >> 6 & 63];
        *out++ = alphabet[bits & 63];
    }
    if (i < size) {
        uint32_t bits = (uint32_t)bytes[i] << 16 | (i + 1 < size ? (uint32_t)bytes[i + 1] << 8 : 0);

        *out++ = alphabet[bits >> 18];
        *out++ = alphabet[bits >> 12 & 63];
        *out++ = i + 1 < size ? alphabet[bits >> 6 & 63] : '=';
        *out++ = '=';
    }
    return out;
}

static char *append(char *out, const char *bytes, size_t size)
{
    memcpy(out, bytes, size);
    return out + size;
}

int body_set_picture(struct body *body, const uint8_t *bytes, size_t size)
{
    size_t need = body->head_size + (size + 2) / 3 * 4 + body->note_size + body->tail_size;
    char *end;

    body->size = 0;
    if (need > body->capacity) {
        char *text = realloc(body->text, need + 1);

        if (text == NULL) {
            return -ENOMEM;
        }
        body->text = text;
        body->capacity = need;
    }
    end = encode(bytes, size, body->text + body->head_size);
    end = append(end, body->tail, body->note_at);
    end = append(end, body->note, body->note_size);
    end = append(end, body->tail + body->note_at, body->tail_size - body->note_at);
    *end = '\0';
    body->size = need;
    return 0;
}
