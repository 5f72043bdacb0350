/* What the stand-in does with a request, without HTTP.
 *
 * Each request runs on the thread of its connection. Only questions (/completion and
 * /v1/chat/completions) go through the slot; everything else is answered beside it, as in the real
 * server.
 */
#ifndef VLM_STANDIN_ROUTES_H
#define VLM_STANDIN_ROUTES_H

#include <stddef.h>
#include <stdint.h>

#include "hal/base/log.h"
#include "vlm/standin/options.h"
#include "vlm/standin/prompt.h"
#include "vlm/standin/reply.h"
#include "vlm/standin/slot.h"

/* Constant while the server runs, except what the slot guards. */
struct standin {
    const struct options *options;
    struct slot *slot;
    struct log *log; /* used inside the slot only */
    char marker[PROMPT_MARKER_SIZE];
    int64_t ready_ns; /* until then it is "loading" */
};

struct request {
    const char *method;
    const char *path;
    const char *body; /* terminated */
    size_t size;
    int64_t arrived_ns; /* when the last byte was there */
    int fd;             /* the connection, only to notice that the client hung up */
};

/* Fills the reply; may sleep. */
void routes_answer(struct standin *standin, const struct request *request, struct reply *ret_reply);

#endif
