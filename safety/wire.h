/* What agent and safety process say to each other: the values.
 *
 * Base frame at the centre of rotation: x forward, y left, wz counter-clockwise. */
#ifndef SAFETY_WIRE_H
#define SAFETY_WIRE_H

#include <stdbool.h>
#include <stdint.h>

/* A motion. Zeroed: stand still. */
struct twist {
    int32_t vx_mm_s;
    int32_t vy_mm_s;
    int32_t wz_mrad_s;
};

/* What the safety process lets the car do. Zeroed: nothing. */
struct verdict {
    bool permitted;
};

#endif
