/* See fault.h. */
#include "vlm/standin/fault.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {
    [FAULT_NONE] = "none",
    [FAULT_HTTP_500] = "http-500",
    [FAULT_HTTP_503] = "http-503",
    [FAULT_HANG] = "hang",
    [FAULT_SLOW_BODY] = "slow-body",
    [FAULT_CUT] = "cut",
    [FAULT_GARBAGE] = "garbage",
    [FAULT_TRUNCATED] = "truncated",
    [FAULT_UNKNOWN_WORD] = "unknown-word",
    [FAULT_EMPTY] = "empty",
    [FAULT_REASONING] = "reasoning",
    [FAULT_SEVERAL_WORDS] = "several-words",
    [FAULT_ALWAYS] = "always",
    [FAULT_HUGE] = "huge",
    [FAULT_DEEP] = "deep",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const char *fault_name(enum fault_kind kind)
{
    return names[kind];
}

static int kind_parse(const char *text, size_t size, enum fault_kind *ret_kind)
{
    for (size_t i = FAULT_NONE + 1; i < COUNT(names); i++) {
        if (strlen(names[i]) == size && memcmp(names[i], text, size) == 0) {
            *ret_kind = (enum fault_kind)i;
            return 0;
        }
    }
    return -EINVAL;
}

static int number_parse(const char *text, unsigned long *ret_number)
{
    char *end;

    if (text[0] < '1' || text[0] > '9') {
        return -EINVAL;
    }
    errno = 0;
    unsigned long number = strtoul(text, &end, 10);

    if (errno != 0 || *end != '\0') {
        return -EINVAL;
    }
    *ret_number = number;
    return 0;
}

/* What follows the name of the kind: "=WORD", then "@N" or "/N", each of them optional. */
static int tail_parse(struct fault *fault, const char *text)
{
    if (text[0] == '=') {
        size_t size = strcspn(text + 1, "@/");

        if (fault->kind != FAULT_ALWAYS || size == 0 || size >= sizeof(fault->word)) {
            return -EINVAL;
        }
        memcpy(fault->word, text + 1, size);
        text += 1 + size;
    }
    if ((fault->kind == FAULT_ALWAYS) != (fault->word[0] != '\0')) {
        return -EINVAL;
    }
    switch (text[0]) {
    case '\0':
        return 0;
    case '@':
        return number_parse(text + 1, &fault->only);
    case '/':
        return number_parse(text + 1, &fault->every);
    default:
        return -EINVAL;
    }
}

int fault_parse(const char *text, struct fault *ret_fault)
{
    struct fault fault = {0};
    size_t size = strcspn(text, "=@/");
    int error = kind_parse(text, size, &fault.kind);

    if (error == 0) {
        error = tail_parse(&fault, text + size);
    }
    if (error == 0) {
        *ret_fault = fault;
    }
    return error;
}

const struct fault *fault_find(const struct fault *faults, size_t count, unsigned long number)
{
    for (size_t i = 0; i < count; i++) {
        bool this_one = faults[i].only == 0 || faults[i].only == number;
        bool this_time = faults[i].every == 0 || number % faults[i].every == 0;

        if (this_one && this_time) {
            return &faults[i];
        }
    }
    return NULL;
}

int fault_body(enum fault_kind kind, char **ret_body, size_t *ret_size)
{
    static const char garbage[] = "\x16\x03\x01 this is not JSON \xff\xfe{{{";
    size_t size = kind == FAULT_HUGE   ? FAULT_HUGE_BYTES
                  : kind == FAULT_DEEP ? FAULT_DEEP_BYTES
                                       : sizeof(garbage) - 1;
    char *body = malloc(size);

    if (body == NULL) {
        return -ENOMEM;
    }
    if (kind == FAULT_HUGE) {
        static const char head[] = "{\"content\":\"", tail[] = "\"}";

        memset(body, 'a', size);
        memcpy(body, head, sizeof(head) - 1);
        memcpy(body + size - (sizeof(tail) - 1), tail, sizeof(tail) - 1);
    } else if (kind == FAULT_DEEP) {
        memset(body, '[', size / 2);
        memset(body + size / 2, ']', size - size / 2);
    } else {
        memcpy(body, garbage, size);
    }
    *ret_body = body;
    *ret_size = size;
    return 0;
}
