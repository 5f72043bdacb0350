/* What the stand-in answers: tokens with their probabilities.
 *
 * Which word, the picture decides: picture.c gives a logit for each word of an action question (the
 * choices include "forward") or of a percept question (they include "center"). Choices that are in
 * neither get logits at random. Without a picture the word that does not move the car is likely.
 * Then comes the sampling that the inquiry asks for. A prompt that asks for a thought gets one
 * first, the same text every time.
 */
#ifndef VLM_STANDIN_ANSWER_H
#define VLM_STANDIN_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vlm/standin/fault.h"
#include "vlm/standin/inquiry.h"
#include "vlm/standin/slot.h"

enum {
    ANSWER_TOKENS_MAX = 64, /* the real server's limit is the context */
};

struct answer_choice {
    uint32_t id;
    const char *text; /* valid as long as the answer */
    double probability;
};

struct answer_token {
    uint32_t id;
    char text[INQUIRY_CHOICE_SIZE];
    double probability;
    bool chosen; /* from answer.choices; else it was certain */
};

struct answer {
    struct answer_token tokens[ANSWER_TOKENS_MAX];
    size_t token_count;
    size_t thought_count; /* of them, the first ones, are a thought */
    bool ended;           /* by an end of turn, not by the limit */
    /* The distribution that chosen tokens were taken from, the likeliest first. */
    struct answer_choice choices[INQUIRY_CHOICES_MAX];
    size_t choice_count;
};

/* Makes the answer. `fault` may be NULL; the kinds that change words are applied. The caller is in
 * the slot. The answer is valid as long as the inquiry and the fault. */
void answer_make(const struct inquiry *inquiry, const struct options *options, struct slot *slot,
                 const struct fault *fault, struct answer *ret_answer);

/* The text of tokens [from, to), terminated, cut at `size`. */
void answer_text(const struct answer *answer, size_t from, size_t to, char *buffer, size_t size);

#endif
