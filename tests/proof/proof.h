/* What every proof needs. CBMC gives the functions below their meaning; nothing links them. */
#ifndef TESTS_PROOF_PROOF_H
#define TESTS_PROOF_PROOF_H

#include <stdbool.h>
#include <stdint.h>

#include "safety/gate_model.h"

void __CPROVER_assume(bool condition);
void __CPROVER_assert(bool condition, const char *description);

int32_t nondet_int32(void);
int64_t nondet_int64(void);
uint32_t nondet_uint32(void);

static inline int32_t any(int32_t least, int32_t most)
{
    int32_t value = nondet_int32();

    __CPROVER_assume(value >= least && value <= most);
    return value;
}

#endif
