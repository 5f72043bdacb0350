/* turbonav-safety --check: one table of everything that is there, wheels still. */
#ifndef SAFETY_CHECK_H
#define SAFETY_CHECK_H

#include <stdio.h>

#include "safety/cycle.h"

/* What start-up found out about the process itself. */
struct check_privileges {
    int lock_error, priority_error; /* 0 or -errno */
};

/* Prints the table after the cycle has run for a while. Returns how many rows are not good. */
int check_print(const struct cycle *cycle, const struct check_privileges *privileges, FILE *out);

#endif
