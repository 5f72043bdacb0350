/* The command line of turbonav-agent. */
#ifndef AGENT_ARGUMENTS_H
#define AGENT_ARGUMENTS_H

#include <stdbool.h>
#include <stdint.h>

#define ARGUMENTS_PROGRAM         "turbonav-agent"
#define ARGUMENTS_ASSIGNMENTS_MAX 64

/* The strings are the command line's own. */
struct arguments {
    bool explore; /* with a car; false: a dry run */
    bool serve;   /* with a car, on orders over HTTP */
    bool loop, json;
    const char *frames;                                     /* NULL: the camera's */
    const char *vlm, *config;                               /* NULL: not given */
    uint64_t limit;                                         /* 0: none */
    int64_t period_ns;                                      /* 0: no wanted rate */
    const char *assignments[ARGUMENTS_ASSIGNMENTS_MAX + 1]; /* NULL-terminated */
};

enum arguments_result {
    ARGUMENTS_ANSWERED = 1, /* --help or --version was printed: exit with 0 */
    ARGUMENTS_REFUSED = 2,  /* one line was printed to standard error: exit with 64 */
};

/* 0, ARGUMENTS_ANSWERED or ARGUMENTS_REFUSED. */
int arguments_parse(int argc, char **argv, struct arguments *ret_arguments);

#endif
