/* How fast the speed may grow: a limit of acceleration in message time and in wall time.
 *
 * One call adds at most one step to the rim speed, however late it comes; calls that come faster
 * share the allowance of the time that has passed. A slow-down is never limited, on any axis: what
 * is asked to be zero is zero in the same call. Zeroed memory is a good state. Pure; one thread.
 */
#ifndef SAFETY_SLEW_H
#define SAFETY_SLEW_H

#include <stdint.h>

#include "safety/gate_model.h"

#define SLEW_STEP_MM_S 10 /* at the rim, per tick of 10 ms: 1 m/s2 */

struct slew {
    int64_t time_ms;        /* of the last call */
    int32_t allowance_mm_s; /* 0..SLEW_STEP_MM_S */
};

/* The twist that comes nearest to `wish`, when `last` is what the wheels were told before. From
 * below the wheels' slowest speed it may begin with that speed at once, because nothing lies
 * between. Each axis of the answer is between zero and the wish; its rim speed is at most the
 * larger of the last one's and the slowest, plus one step. Ranges: every axis within +-10000. */
struct twist slew_step(struct slew *slew, const struct gate_model *model, int64_t now_ms,
                       const struct twist *last, const struct twist *wish);

#endif
