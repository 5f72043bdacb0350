/* The one slot: questions are served strictly one after the other, in the order in which they came.
 *
 * It owns what a slot owns in the real server: the queue in front of it, the memory of the last
 * prompt (the cache), and here also the random numbers and the count of questions. slot_enter(),
 * slot_stop() and slot_wait_until() may be called by any thread; the others only between
 * slot_enter() and slot_leave().
 */
#ifndef VLM_STANDIN_SLOT_H
#define VLM_STANDIN_SLOT_H

#include <stddef.h>
#include <stdint.h>

struct slot;

/* What happened instead of the thing waited for. */
enum slot_outcome {
    SLOT_STOPPED = 1, /* slot_stop() was called */
    SLOT_HUNG_UP,     /* the client closed its connection */
};

/* `seed` starts the random numbers. -errno. slot_free() accepts NULL; nobody may be inside. */
int slot_new(uint64_t seed, struct slot **ret_slot);
void slot_free(struct slot *slot);

/* Waits for the turn of the caller. 0, or SLOT_STOPPED and the caller is not in the slot. */
int slot_enter(struct slot *slot);
void slot_leave(struct slot *slot);

/* Number of the question that is inside, from 1. */
unsigned long slot_question(const struct slot *slot);
/* When the slot became free for it, monotonic. */
int64_t slot_free_ns(const struct slot *slot);
/* Uniform 64 bits, and uniform in [0, 1). */
uint64_t slot_random(struct slot *slot);
double slot_chance(struct slot *slot);

/* How many of the `count` tokens are the same as at the start of the last prompt, but never all:
 * the last is always computed anew. Then remembers these instead. -ENOMEM forgets everything. */
int slot_remember(struct slot *slot, const uint64_t *tokens, size_t count, size_t *ret_cached);

/* Wakes everyone who waits here, for good. Safe at any time, from any thread. */
void slot_stop(struct slot *slot);

/* Sleeps until the monotonic time. 0 or SLOT_STOPPED. */
int slot_wait_until(struct slot *slot, int64_t until_ns);
/* Sleeps until the peer of the socket closes it. SLOT_HUNG_UP or SLOT_STOPPED. */
int slot_wait_hang_up(struct slot *slot, int fd);

#endif
