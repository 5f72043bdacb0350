/* From what the model said to what the car should try.
 *
 * Speed follows confidence: none below the hold threshold, from half to full between hold and full,
 * half where the server tells no confidence. An action is a motion; a percept (where is the most
 * open floor) is steered: ahead, in an arc to a side, or turning on the spot where there is none. A
 * model that says left and right in turn would make the car tremble on the spot: a turn to the
 * other side waits until it was said several times in a row, so that one side wins. A car that gets
 * nowhere gets itself out (escape.h), unless it was told to stop.
 *
 * The result is a wish; the gate decides. Pure: no I/O, clock, log or allocation.
 */
#ifndef AGENT_CORE_EXPLORER_H
#define AGENT_CORE_EXPLORER_H

#include "agent/core/escape.h"
#include "agent/core/explorer_options.h"
#include "safety/wire.h"
#include "vlm/word.h"

/* Why the intent is what it is. */
enum explorer_reason {
    EXPLORER_BLOCKED, /* the verdict says that the car is not armed */
    EXPLORER_DRIVES,  /* as answered */
    EXPLORER_STOPS,   /* as answered: a wish to stand still */
    EXPLORER_HOLDS,   /* not confident enough */
    EXPLORER_WAITS,   /* a turn to the other side that was not said often enough yet */
    EXPLORER_ESCAPES, /* was stuck: on its own way out */
};

struct intent {
    struct twist twist;
    enum explorer_reason reason;
};

/* Caller's memory; read-only outside. */
struct explorer {
    struct explorer_options options;
    int side;     /* of the last turn: 1 left, -1 right, 0 none */
    int opposing; /* answers in a row that speak against it */
    struct escape escape;
};

void explorer_init(struct explorer *explorer, const struct explorer_options *options);

/* One answer, what the safety process last said, and when: monotonic, never less than before. */
struct intent explorer_step(struct explorer *explorer, const struct decision *decision,
                            const struct wire_verdict *verdict, int64_t now_ns);

/* "drives", "holds": for people and JSON. */
const char *explorer_reason_name(enum explorer_reason reason);

#endif
