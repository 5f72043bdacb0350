/* The bodies of answers, as each family of servers writes them (facts sections 4.1, 5 and 8). */
#ifndef VLM_STANDIN_REPLY_H
#define VLM_STANDIN_REPLY_H

#include <cjson/cJSON.h>
#include <stddef.h>

#include "vlm/standin/answer.h"
#include "vlm/standin/inquiry.h"

#define REPLY_BUILD "b0-turbonav-standin"

/* How the body goes out. */
enum delivery {
    DELIVERY_WHOLE,
    DELIVERY_SLOW,  /* a byte at a time */
    DELIVERY_CUT,   /* half of it, then the connection closes */
    DELIVERY_NEVER, /* nothing: the connection closes */
};

/* The body belongs to the reply and is freed with free(). */
struct reply {
    int status;
    const char *content_type;
    char *body; /* NULL when size is 0 */
    size_t size;
    enum delivery delivery;
};

struct timings {
    size_t cached_tokens;
    size_t prompt_tokens; /* computed, without the cached ones */
    double prompt_ms;
    double predicted_ms;
};

/* Prints the tree, which it takes and deletes. Out of memory gives an empty 500. */
void reply_json(struct reply *reply, int status, cJSON *tree);

/* The error object of the flavour. */
void reply_refusal(struct reply *reply, const struct options *options,
                   const struct refusal *refusal);

/* A good answer of the chat or the completion route. `number` makes the id of the answer. */
void reply_answer(struct reply *reply, const struct options *options, const struct inquiry *inquiry,
                  const struct answer *answer, const struct timings *timings, unsigned long number);

#endif
