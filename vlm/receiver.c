/* See receiver.h. */
#include "vlm/receiver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "vlm/reply.h"

#define START_CAPACITY (16 * 1024)

int receiver_init(struct receiver *receiver)
{
    *receiver = (struct receiver){.capacity = START_CAPACITY, .text = malloc(START_CAPACITY)};
    if (receiver->text == NULL) {
        return -ENOMEM;
    }
    receiver->text[0] = '\0';
    return 0;
}

void receiver_fini(struct receiver *receiver)
{
    free(receiver->text);
    *receiver = (struct receiver){0};
}

void receiver_reset(struct receiver *receiver)
{
    receiver->size = 0;
    receiver->text[0] = '\0';
    receiver->too_large = false;
    receiver->closes = false;
}

static bool grow(struct receiver *receiver, size_t need)
{
    size_t capacity = receiver->capacity;
    char *text;

    while (capacity < need) {
        capacity *= 2;
    }
    text = realloc(receiver->text, capacity);
    if (text == NULL) {
        return false;
    }
    receiver->text = text;
    receiver->capacity = capacity;
    return true;
}

size_t receiver_on_body(char *data, size_t one, size_t count, void *user)
{
    struct receiver *receiver = user;
    size_t bytes = one * count, size = receiver->size + bytes;

    if (size > REPLY_SIZE_MAX) {
        receiver->too_large = true;
        return 0;
    }
    if (size + 1 > receiver->capacity && !grow(receiver, size + 1)) {
        return 0;
    }
    memcpy(receiver->text + receiver->size, data, bytes);
    receiver->text[size] = '\0';
    receiver->size = size;
    return bytes;
}

size_t receiver_on_header(char *data, size_t one, size_t count, void *user)
{
    static const char name[] = "connection:", word[] = "close";
    struct receiver *receiver = user;
    size_t bytes = one * count, start = sizeof(name) - 1, length = sizeof(word) - 1;

    if (bytes >= 8 && memcmp(data, "HTTP/1.0", 8) == 0) {
        receiver->closes = true; /* the custom of that version */
    }
    if (bytes > start && strncasecmp(data, name, start) == 0) {
        for (size_t i = start; i + length <= bytes; i++) {
            receiver->closes |= strncasecmp(data + i, word, length) == 0;
        }
    }
    return bytes;
}
