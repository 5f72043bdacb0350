/* Theorem 5 for trig: any argument, no overflow, and every result within +-16384. (The error bound
 * of theorem 4 is checked for all 2001 arguments by tests/unit/trig_test.c, which is a proof as
 * well.) */
#include "tests/proof/proof.h"

#include "safety/trig.h"

int main(void)
{
    int32_t mrad = nondet_int32(), slot = nondet_int32();
    int32_t values[4] = {trig_sin(mrad), trig_cos(mrad), trig_slot_sin(slot), trig_slot_cos(slot)};

    for (int i = 0; i < 4; i++) {
        __CPROVER_assert(values[i] >= -TRIG_ONE && values[i] <= TRIG_ONE, "5: within one");
    }
    return 0;
}
