/* Any bytes as a reply: a decision that is one, or a fault with a printable detail. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hal/base/text.h"
#include "vlm/reply.h"

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_detail(const struct reply *reply)
{
    REQUIRE(memchr(reply->detail, '\0', sizeof(reply->detail)) != NULL);
    for (size_t at = 0, step; reply->detail[at] != '\0'; at += step) {
        step = text_step(reply->detail + at, strlen(reply->detail + at));
        REQUIRE(step > 0);
    }
}

static void check_decision(const struct decision *decision, enum question question)
{
    int best = 0;

    REQUIRE(decision->question == question);
    REQUIRE(decision->word >= 0 && decision->word < word_count(question));
    REQUIRE(decision->confidence_permille >= WORD_CONFIDENCE_UNKNOWN &&
            decision->confidence_permille <= 1000);
    for (int word = 0; word < WORD_COUNT_MAX; word++) {
        REQUIRE(decision->word_permille[word] >= 0 && decision->word_permille[word] <= 1000);
        best = decision->word_permille[word] > best ? decision->word_permille[word] : best;
    }
    if (decision->confidence_permille != WORD_CONFIDENCE_UNKNOWN) {
        REQUIRE(decision->confidence_permille == best);
    } else {
        REQUIRE(best == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reply reply;
    /* A copy of exactly this size, so that the sanitizer sees a read behind its end. */
    char *text = malloc(size > 0 ? size : 1);

    REQUIRE(text != NULL);
    if (size > 0) {
        memcpy(text, data, size);
    }
    for (int shape = REPLY_COMPLETION; shape <= REPLY_CHAT; shape++) {
        for (int question = QUESTION_ACTION; question <= QUESTION_PERCEPT; question++) {
            enum fault fault =
                reply_parse(text, size, (enum reply_shape)shape, (enum question)question, &reply);

            REQUIRE(fault >= FAULT_NONE && fault < FAULT_COUNT);
            check_detail(&reply);
            if (fault == FAULT_NONE) {
                check_decision(&reply.decision, (enum question)question);
            }
        }
    }
    REQUIRE(reply_refusal(500, text, size, &reply) == FAULT_HTTP);
    check_detail(&reply);
    free(text);
    return 0;
}
