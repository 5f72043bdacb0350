/* See random.h. SplitMix64: Steele, Lea and Flood, "Fast splittable pseudorandom number
 * generators", 2014. */
#include "hal/sim/random.h"

#define GAMMA UINT64_C(0x9e3779b97f4a7c15)

uint64_t random_next(struct random *random)
{
    uint64_t mixed = random->state += GAMMA;

    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ mixed >> 31;
}

void random_init(struct random *random, uint64_t seed)
{
    random->state = seed;
    random->state = random_next(random);
}

double random_between(struct random *random, double least, double most)
{
    return least + (most - least) * (double)(random_next(random) >> 11) / 9007199254740992.0;
}

bool random_is(struct random *random, double probability)
{
    return random_between(random, 0, 1) < probability;
}

/* The four 16-bit parts of one number: their sum has a deviation of 65536 / sqrt(3). */
double random_normal(struct random *random, double deviation)
{
    uint64_t bits = random_next(random);
    double sum = (double)(bits & 0xffff) + (double)(bits >> 16 & 0xffff) +
                 (double)(bits >> 32 & 0xffff) + (double)(bits >> 48);

    return (sum - 131070) / 37837.0 * deviation;
}
