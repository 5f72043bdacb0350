/* Monotonic time. Only the mains and the HAL (which stamps at capture) read it; everything else
 * takes the time as a parameter, so that it can be tested in virtual time. */
#ifndef HAL_BASE_CLOCK_H
#define HAL_BASE_CLOCK_H

#include <stdint.h>

#define CLOCK_NS_PER_MS INT64_C(1000000)
#define CLOCK_NS_PER_S  INT64_C(1000000000)

/* CLOCK_MONOTONIC in nanoseconds. Any thread. Never fails. */
int64_t clock_now_ns(void);

#endif
