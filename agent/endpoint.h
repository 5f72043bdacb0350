/* Which of the configured model servers is asked: the first one that can be used. */
#ifndef AGENT_ENDPOINT_H
#define AGENT_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>

#include "hal/base/log.h"
#include "vlm/vlm.h"

#define ENDPOINT_TEXT_SIZE 384

/* Everything is borrowed. */
struct endpoint_list {
    const struct vlm_endpoint_options *options;
    char (*names)[64];
    size_t count;
    const struct question_options *question;
    const struct picture_options *picture;
    char *const *prompts; /* by enum question */
    enum question kind;   /* that is asked */
    bool may_change;      /* to the percept question */
    bool has_note;
};

struct endpoint {
    struct vlm *vlm;               /* NULL: none */
    struct vlm *percept;           /* NULL: not wanted */
    char text[ENDPOINT_TEXT_SIZE]; /* which one; or why the last one cannot be used */
};

enum endpoint_result {
    ENDPOINT_NONE = 1,
};

/* Blocks, see vlm_learn. Logs what is learned, and why each one cannot be used unless that is
 * `told` already (NULL: nothing is). 0, ENDPOINT_NONE or -errno; free both with vlm_free. */
int endpoint_choose(const struct endpoint_list *list, struct log *log, const char *told,
                    struct endpoint *ret_endpoint);

#endif
