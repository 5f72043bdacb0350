/* Rooms by the dozen: a plan as the seed says, for tests that ask about every room.
 *
 * Walls, furniture, legs of chairs and tables, a corridor, two rooms with a door between them, or
 * clutter; some of it black. The car stands in a free place. */
#ifndef HAL_SIM_FURNISH_H
#define HAL_SIM_FURNISH_H

#include "hal/sim/plan.h"

/* The same seed makes the same room. */
void furnish(struct plan *plan, uint64_t seed);

#endif
