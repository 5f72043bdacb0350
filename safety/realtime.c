/* See realtime.h. */
#include "safety/realtime.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "hal/base/clock.h"

#define STACK_TOUCHED (64 * 1024)

/* Makes the stack's pages resident, so that the loop does not fault them in one by one. */
static void touch_stack(void)
{
    volatile char pages[STACK_TOUCHED];

    for (size_t i = 0; i < sizeof(pages); i += 1024) {
        pages[i] = 0;
    }
}

int realtime_enter(int *ret_lock_error, int *ret_priority_error)
{
    struct sched_param param = {.sched_priority = REALTIME_PRIORITY};

    touch_stack();
    *ret_lock_error = mlockall(MCL_CURRENT | MCL_FUTURE) < 0 ? -errno : 0;
    *ret_priority_error = sched_setscheduler(0, SCHED_FIFO, &param) < 0 ? -errno : 0;
    return *ret_priority_error == 0 ? REALTIME_PRIORITY : 0;
}

void realtime_ticker_init(struct realtime_ticker *ticker, int64_t period_ns)
{
    *ticker =
        (struct realtime_ticker){.next_ns = clock_now_ns() + period_ns, .period_ns = period_ns};
}

int64_t realtime_ticker_wait(struct realtime_ticker *ticker, int64_t *ret_late_ns)
{
    const struct timespec due = {.tv_sec = ticker->next_ns / CLOCK_NS_PER_S,
                                 .tv_nsec = ticker->next_ns % CLOCK_NS_PER_S};
    int64_t now_ns, late_ns;

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) == EINTR) {
    }
    now_ns = clock_now_ns();
    late_ns = now_ns - ticker->next_ns;
    *ret_late_ns = late_ns;
    ticker->next_ns += ticker->period_ns;
    if (late_ns > ticker->period_ns) {
        ticker->skipped += (uint64_t)(late_ns / ticker->period_ns);
        ticker->next_ns = now_ns + ticker->period_ns;
    }
    return now_ns;
}
