/* A reply as it comes in, piece by piece: libcurl's two callbacks and where they write.
 *
 * The buffer grows up to REPLY_SIZE_MAX and keeps the size it once needed, so that a stream of
 * replies allocates nothing. Caller's memory, one thread.
 */
#ifndef VLM_RECEIVER_H
#define VLM_RECEIVER_H

#include <stdbool.h>
#include <stddef.h>

struct receiver {
    char *text; /* terminated */
    size_t size, capacity;
    bool too_large; /* a piece was refused for that */
    bool closes;    /* the server said Connection: close, or speaks HTTP/1.0 */
};

/* 0 or -ENOMEM. Undo with receiver_fini, which accepts a zeroed receiver. */
int receiver_init(struct receiver *receiver);
void receiver_fini(struct receiver *receiver);

/* Forgets the last reply. */
void receiver_reset(struct receiver *receiver);

/* For CURLOPT_WRITEFUNCTION and CURLOPT_HEADERFUNCTION, with the receiver as data. */
size_t receiver_on_body(char *data, size_t one, size_t count, void *receiver);
size_t receiver_on_header(char *data, size_t one, size_t count, void *receiver);

#endif
