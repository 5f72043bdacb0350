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
    WHEELS_REFUSED = 1, /* or broken off; why is on `out` and in the report */
    WHEELS_LOST,        /* the board or the brake: take over and exit */
};

/* What came of it, for a program. */
struct wheels_report {
    const char *reason; /* why it was refused or broken off; NULL: every wheel was driven */
    struct {
        int duty_permille; /* asked for, or would have been */
        int driven_ms;
        bool done;
    } wheel[MECANUM_WHEELS];
};

/* `cycle` is open but for its peer. Reads the confirmation from `in_fd`, which should be a
 * terminal, and ends when its READY_STOP is ready; `out` is for the person there. The caller ends
 * the brake, which stops the wheels whatever happened here. 0 or enum wheels_result; the report is
 * filled either way. */
int wheels_run(struct cycle *cycle, bool latched, int in_fd, FILE *out,
               struct wheels_report *ret_report);

/* Prints it as one line of JSON. */
void wheels_print_json(const struct wheels_report *report, FILE *out);

#endif
