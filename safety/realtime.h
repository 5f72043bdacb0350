/* What a loop needs so that the kernel does not keep it from its ticks. */
#ifndef SAFETY_REALTIME_H
#define SAFETY_REALTIME_H

#include <stdint.h>

#define REALTIME_PRIORITY 50 /* SCHED_FIFO; below the kernel's own threads on an RT kernel */

/* Locks all memory, and asks for SCHED_FIFO. Each may be refused: `ret_lock_error` and
 * `ret_priority_error` are 0 or -errno. Returns the priority that the process has now, 0 without.
 */
int realtime_enter(int *ret_lock_error, int *ret_priority_error);

/* Absolute ticks. */
struct realtime_ticker {
    int64_t next_ns;
    int64_t period_ns;
    uint64_t skipped; /* ticks that were not, because one was later than a period */
};

void realtime_ticker_init(struct realtime_ticker *ticker, int64_t period_ns);

/* Sleeps until the next tick, or not at all when it is past; ticks that were missed are not caught
 * up with. Returns the time, and by how much it is late. */
int64_t realtime_ticker_wait(struct realtime_ticker *ticker, int64_t *ret_late_ns);

#endif
