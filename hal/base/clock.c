/* See clock.h. */
#include "hal/base/clock.h"

#include <time.h>

int64_t clock_now_ns(void)
{
    struct timespec now;

    /* Cannot fail: the clock exists on every kernel this runs on and the address is valid. */
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * CLOCK_NS_PER_S + now.tv_nsec;
}
