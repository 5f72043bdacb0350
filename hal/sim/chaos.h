/* What goes wrong with the sensors of a simulated car, and when: one trouble after the other, with
 * pauses, as the seed says. Caller's memory, pure. */
#ifndef HAL_SIM_CHAOS_H
#define HAL_SIM_CHAOS_H

#include <stdbool.h>
#include <stdint.h>

#include "hal/sim/random.h"

enum chaos_trouble {
    CHAOS_NONE,
    CHAOS_LIDAR_SILENT,
    CHAOS_LIDAR_BLIND,
    CHAOS_LIDAR_GARBAGE,
    CHAOS_SONAR_FAULT,
    CHAOS_CAMERA_COVERED,
    CHAOS_KEYS_SILENT, /* and the sonar with them: nothing is told */
    CHAOS_BOARD_DEAF,  /* the motor board reads nothing */
    CHAOS_COUNT,
};

struct chaos {
    struct random random;
    enum chaos_trouble trouble; /* now */
    int64_t until_ns;
    int count; /* so far */
};

/* The first trouble comes two to five seconds after `now_ns`. */
void chaos_init(struct chaos *chaos, uint64_t seed, int64_t now_ns);

/* True when the trouble has changed. */
bool chaos_step(struct chaos *chaos, int64_t now_ns);

/* "lidar silent"; "none". */
const char *chaos_name(enum chaos_trouble trouble);

#endif
