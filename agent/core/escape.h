/* Stuck, and out of it again: from verdicts alone.
 *
 * The car is stuck when the gate gave nothing three times in a row for the same reasons, for
 * ESCAPE_BLOCKED_MS, or when it got nowhere for `stuck_ms` although motion was wished for. Then,
 * for a few seconds, the model is not followed: the car turns toward the bearing where the way is
 * longest, shifts to the side with the most room when it cannot turn, and drives on a little. Where
 * the way is longest ahead but closed (glass, something low), it turns away to the side that has
 * more room. What it wishes for is judged by the gate like anything else.
 *
 * Where it got to is reckoned from the verdicts' `given`. Pure: no I/O, clock, log or allocation;
 * caller's memory, one thread.
 */
#ifndef AGENT_CORE_ESCAPE_H
#define AGENT_CORE_ESCAPE_H

#include <stdbool.h>
#include <stdint.h>

#include "safety/wire.h"

#define ESCAPE_BLOCKED_MS 600
#define ESCAPE_PLACE_MM   200  /* further away is another place */
#define ESCAPE_PLACE_MRAD 1200 /* so is another direction */

struct escape_options {
    int32_t forward_mm_s, shift_mm_s, turn_mrad_s; /* how fast */
    int32_t stuck_ms;                              /* without progress; 0: never escapes */
};

enum escape_phase {
    ESCAPE_WATCHES, /* the model drives */
    ESCAPE_TURNS,
    ESCAPE_SHIFTS,
    ESCAPE_GOES,
};

/* Fields are the module's; `phase` and `count` may be read. */
struct escape {
    struct escape_options options;
    enum escape_phase phase;
    uint32_t count; /* escapes so far */
    int tries;      /* since the car was last in another place */
    int64_t now_ns;
    /* Since the last progress: the wished-for time, and how far it got. */
    int64_t wished_ns;
    double x_mm, y_mm, angle_mrad;
    /* Vetoes in a row. */
    uint32_t reasons;
    int vetoes;
    int64_t blocked_ns;
    /* The phase: what is left of it, and how long it may take. */
    double left;
    int64_t end_ns;
    int shifts;
    struct twist twist;
};

/* `options` are copied. */
void escape_init(struct escape *escape, const struct escape_options *options);

/* With each answer: what the model's answer comes to, and the last verdict. True: the car is
 * getting itself out, and `ret_twist` is the wish instead. */
bool escape_step(struct escape *escape, const struct twist *wish,
                 const struct wire_verdict *verdict, int64_t now_ns, struct twist *ret_twist);

#endif
