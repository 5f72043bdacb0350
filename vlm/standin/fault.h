/* What the stand-in does wrong on purpose, and on which questions.
 *
 * A fault is written KIND, KIND@N (only the Nth question) or KIND/N (every Nth). Questions are
 * counted from 1 in the order in which the slot takes them; requests that are refused before they
 * reach the slot do not count. Of several faults that match a question the first given wins.
 * Pure. Any thread.
 */
#ifndef VLM_STANDIN_FAULT_H
#define VLM_STANDIN_FAULT_H

#include <stddef.h>

#include "vlm/word.h"

enum fault_kind {
    FAULT_NONE,
    FAULT_HTTP_500,
    FAULT_HTTP_503,
    FAULT_HANG,      /* holds the slot until the client hangs up */
    FAULT_SLOW_BODY, /* one byte every 100 ms */
    FAULT_CUT,       /* the connection closes in the middle of the body */
    FAULT_GARBAGE,   /* 200 with bytes that are not JSON */
    FAULT_TRUNCATED, /* 200 with the first half of the JSON, and its Content-Length */
    FAULT_UNKNOWN_WORD,
    FAULT_EMPTY,     /* no content at all */
    FAULT_REASONING, /* no content, the tokens went to a thought */
    FAULT_SEVERAL_WORDS,
    FAULT_ALWAYS, /* one word whatever the picture shows */
    FAULT_HUGE,   /* a body of 2 MB */
    FAULT_DEEP,   /* arrays in each other, FAULT_DEEP_BYTES of brackets */
};

enum {
    FAULT_COUNT_MAX = 16,
    FAULT_SLOW_BODY_MS = 100,
    FAULT_HUGE_BYTES = 2 << 20,
    FAULT_DEEP_BYTES = 200000,
};

struct fault {
    enum fault_kind kind;
    unsigned long only;       /* this question; 0: any */
    unsigned long every;      /* each question whose number this divides; 0: any */
    char word[WORD_SIZE_MAX]; /* FAULT_ALWAYS */
};

/* Reads one fault. 0, or -EINVAL when `text` is none. */
int fault_parse(const char *text, struct fault *ret_fault);

/* The fault of question `number`; NULL when it is to be answered well. */
const struct fault *fault_find(const struct fault *faults, size_t count, unsigned long number);

/* "garbage", ... */
const char *fault_name(enum fault_kind kind);

/* Makes the body of FAULT_GARBAGE, FAULT_HUGE or FAULT_DEEP; the caller frees it with free().
 * -ENOMEM. */
int fault_body(enum fault_kind kind, char **ret_body, size_t *ret_size);

#endif
