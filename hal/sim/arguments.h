/* The command line of turbonav-sim. */
#ifndef HAL_SIM_ARGUMENTS_H
#define HAL_SIM_ARGUMENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "hal/sim/scanner.h"

#define ARGUMENTS_PROGRAM "turbonav-sim"

/* The strings are the command line's own. */
struct arguments {
    const char *dir, *room;
    const char *log, *picture; /* NULL: not wanted */
    uint64_t seed;
    enum scanner_family lidar;
    int seconds; /* 0: until a signal */
    int fps, view_deg, battery_mv;
    bool chaos, json;
};

enum arguments_result {
    ARGUMENTS_ANSWERED = 1, /* --help or --version was printed: exit with 0 */
    ARGUMENTS_REFUSED = 2,  /* one line was printed to standard error: exit with 64 */
};

/* 0, ARGUMENTS_ANSWERED or ARGUMENTS_REFUSED. */
int arguments_parse(int argc, char **argv, struct arguments *ret_arguments);

#endif
