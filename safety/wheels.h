/* turbonav-safety --wheels: the first drive, on blocks. After a typed confirmation one wheel after
 * the other turns forward, slowly and for half a second, so that a person sees whether signs, plugs
 * and the speed table are right.
 *
 * The gate has no part in it (a wheel in the air needs none) and no agent can connect meanwhile;
 * the brake, the e-stop key, its latch and the battery guard work as ever.
 */
#ifndef SAFETY_WHEELS_H
#define SAFETY_WHEELS_H

#include <stdbool.h>
#include <stdio.h>

#include "safety/cycle.h"

enum wheels_result {
    WHEELS_REFUSED = 1, /* or broken off; why is on `out` */
    WHEELS_LOST,        /* the board or the brake: take over and exit */
};

/* `cycle` is open but for its peer. Reads the confirmation from `in_fd`, which should be a
 * terminal, and ends when `stop_fd` is readable. The caller ends the brake, which stops the wheels
 * whatever happened here. 0 or enum wheels_result. */
int wheels_run(struct cycle *cycle, bool latched, int in_fd, int stop_fd, FILE *out);

#endif
