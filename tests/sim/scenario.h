/* A scenario: a text file that says what room, what model, what goes wrong, and what must hold.
 *
 *     room     living                  a file of hal/sim/rooms; or: random SEED
 *     seconds  60
 *     model    looks                   also: random, adverse, silent, script LETTERS (loop.h)
 *     fault    lidar_silent 5000 8000  from, to, in ms
 *     expect   contacts = 0            also <= and >=; see the table in scenario.c
 *
 * Further: seed, question, period, latency, noise, dropout, vices, lidar, battery, stuck,
 * on_degenerate. A '#' begins a comment. */
#ifndef TESTS_SIM_SCENARIO_H
#define TESTS_SIM_SCENARIO_H

#include "tests/sim/loop.h"

#define SCENARIO_EXPECTATIONS_MAX 16

struct scenario_expectation {
    int what;      /* row of the table of measures */
    char relation; /* = < > */
    double value;
    char text[60]; /* as it was written */
};

struct scenario {
    char room[64]; /* name, or empty: random */
    uint64_t room_seed, seed;
    int seconds;
    struct loop_options options;
    struct scenario_expectation expectations[SCENARIO_EXPECTATIONS_MAX];
    int expectation_count;
};

/* 0; -EINVAL and "FILE:LINE: ..."; -errno of the file. */
int scenario_load(const char *path, struct scenario *scenario, char *ret_error, size_t error_size);

/* The value that an expectation is about, after a run. */
double scenario_measure(const struct scenario_expectation *expectation, const struct loop *loop);

bool scenario_holds(const struct scenario_expectation *expectation, const struct loop *loop);

#endif
