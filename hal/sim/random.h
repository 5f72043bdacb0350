/* Numbers for a simulation that can be repeated: the same seed gives the same ones everywhere.
 * Caller's memory, one thread. */
#ifndef HAL_SIM_RANDOM_H
#define HAL_SIM_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct random {
    uint64_t state;
};

/* Neighbouring seeds give unrelated numbers. */
void random_init(struct random *random, uint64_t seed);

/* All 64 bits. */
uint64_t random_next(struct random *random);

/* From `least` to `most`, evenly. */
double random_between(struct random *random, double least, double most);

/* True so often. */
bool random_is(struct random *random, double probability);

/* Around 0 with this standard deviation, at most 3.5 of them: a sum of four, close enough to a
 * bell and cheap. */
double random_normal(struct random *random, double deviation);

#endif
