/* The only path to a speed: a proposal is given as it is, or not at all.
 *
 * What proposes may be clever; this is short and has to be right. A mistake in the proposer can
 * cost liveness, never safety. The theorems of tests/proof are about this function. Pure; any
 * thread.
 */
#ifndef SAFETY_GATE_CONFIRM_H
#define SAFETY_GATE_CONFIRM_H

#include <stdint.h>

#include "safety/gate_motion.h"

/* All of them, or no motion. */
enum gate_permit {
    GATE_PERMIT_ARMED = 1 << 0,
    GATE_PERMIT_SELF_TEST = 1 << 1, /* passed */
    GATE_PERMIT_LIDAR = 1 << 2,     /* beams arrive */
    GATE_PERMIT_ALL = (1 << 3) - 1,
};

/* Of each axis in each direction, and of the rim speed; a negative one refuses everything. */
struct gate_ceilings {
    int32_t forward_mm_s, backward_mm_s, strafe_mm_s, turn_mrad_s, rim_mm_s;
};

/* What a proposal is judged by. Zeroed: nothing is allowed. */
struct gate_case {
    uint32_t permits; /* enum gate_permit */
    struct twist asked;
    struct gate_ceilings ceilings;
    const struct gate_box *boxes;
    int count;
};

/* The proposal if
 *   every permit is given,
 *   each of its axes lies between zero and what is asked,
 *   no ceiling is exceeded and the rim speed is at least the wheels' slowest,
 *   it has a stopping distance, and its stopping motion hits no box that counts at its rim speed;
 * otherwise zero. */
struct twist gate_confirm(const struct gate_model *model, const struct gate_case *gate_case,
                          const struct twist *proposal);

#endif
