/* A question as the server understands it: the prompt, how to choose the answer, what to tell.
 *
 * Reading is as strict as the real server: wrong types and values are refused with its messages,
 * null is absent, unknown fields are ignored. Any thread; a question belongs to one request.
 */
#ifndef VLM_STANDIN_INQUIRY_H
#define VLM_STANDIN_INQUIRY_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vlm/standin/prompt.h"

enum {
    INQUIRY_CHOICES_MAX = 32,
    INQUIRY_CHOICE_SIZE = 32, /* bytes, terminator included */
    INQUIRY_BIAS_MIN = 50,    /* a token biased by this much outweighs every other */
    INQUIRY_UNLIMITED = -1,
};

/* One thing that the answer may begin with. */
struct choice {
    uint32_t id; /* of its first token */
    char text[INQUIRY_CHOICE_SIZE];
};

enum ending {
    ENDING_WORD,  /* the answer is one choice, then the end of the turn */
    ENDING_LIMIT, /* biased tokens outweigh the end of the turn: tokens up to the limit */
};

struct inquiry {
    bool chat;
    struct prompt prompt;
    bool thinks;             /* the prompt asks for a thought first */
    bool thought_in_content; /* reasoning_format none */
    int n_predict;           /* tokens, INQUIRY_UNLIMITED: until it ends by itself */
    int top_k;               /* 0: all */
    double temperature;
    bool samples_top_k, samples_temperature; /* these samplers are in the chain */
    int n_probs;
    bool post_sampling_probs;
    bool cache_prompt;
    bool seeded;
    uint64_t seed;
    struct choice choices[INQUIRY_CHOICES_MAX];
    size_t choice_count;
    enum ending ending;
    const char *model;            /* in the body, or the server's */
    const cJSON *response_fields; /* in the body, or NULL */
};

/* Reads a body of /completion or, with `chat`, of /v1/chat/completions. The body must outlive the
 * question. 0, or the HTTP status of a refusal; inquiry_fini() in both cases. */
int inquiry_read(const struct options *options, const char *marker, bool chat, const cJSON *body,
                 struct inquiry *inquiry, struct refusal *refusal);
void inquiry_fini(struct inquiry *inquiry);

#endif
