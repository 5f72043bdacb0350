/* See slot.h.
 *
 * The queue is a ticket lock on a condition variable: a ticket is drawn under the mutex, so the
 * order of arrival is the order of service. A thread that sleeps inside the slot holds the turn but
 * not the mutex. Stopping is an eventfd that becomes readable and stays so: every wait polls it.
 */
#include "vlm/standin/slot.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "hal/base/clock.h"

struct slot {
    pthread_mutex_t mutex;
    pthread_cond_t turn;
    unsigned long next_ticket;
    unsigned long now_serving;
    bool stopped;
    int stop_fd;

    /* Of whoever is inside. */
    unsigned long questions;
    int64_t free_ns;
    uint64_t random;
    uint64_t *tokens;
    size_t token_count, token_room;
};

/* poll() may end late, so the last stretch is slept on its own; that sleep ends 0.13 ms late at the
 * median on a virtual machine (measured), so the very last part of it is spun away. */
#define LAST_STRETCH_NS (CLOCK_NS_PER_MS * 2)
#define SPIN_NS         (CLOCK_NS_PER_MS / 5)

int slot_new(uint64_t seed, struct slot **ret_slot)
{
    struct slot *slot = calloc(1, sizeof(*slot));

    if (slot == NULL) {
        return -ENOMEM;
    }
    slot->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (slot->stop_fd < 0) {
        int error = -errno;

        free(slot);
        return error;
    }
    (void)pthread_mutex_init(&slot->mutex, NULL);
    (void)pthread_cond_init(&slot->turn, NULL);
    slot->random = seed;
    *ret_slot = slot;
    return 0;
}

void slot_free(struct slot *slot)
{
    if (slot == NULL) {
        return;
    }
    (void)pthread_cond_destroy(&slot->turn);
    (void)pthread_mutex_destroy(&slot->mutex);
    (void)close(slot->stop_fd);
    free(slot->tokens);
    free(slot);
}

int slot_enter(struct slot *slot)
{
    (void)pthread_mutex_lock(&slot->mutex);

    unsigned long ticket = slot->next_ticket++;

    while (!slot->stopped && slot->now_serving != ticket) {
        (void)pthread_cond_wait(&slot->turn, &slot->mutex);
    }

    bool stopped = slot->stopped;

    (void)pthread_mutex_unlock(&slot->mutex);
    if (stopped) {
        return SLOT_STOPPED;
    }
    slot->questions++;
    return 0;
}

void slot_leave(struct slot *slot)
{
    slot->free_ns = clock_now_ns();
    (void)pthread_mutex_lock(&slot->mutex);
    slot->now_serving++;
    (void)pthread_cond_broadcast(&slot->turn);
    (void)pthread_mutex_unlock(&slot->mutex);
}

unsigned long slot_question(const struct slot *slot)
{
    return slot->questions;
}

int64_t slot_free_ns(const struct slot *slot)
{
    return slot->free_ns;
}

uint64_t slot_random(struct slot *slot)
{
    uint64_t bits = slot->random += 0x9e3779b97f4a7c15U; /* splitmix64 */

    bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9U;
    bits = (bits ^ bits >> 27) * 0x94d049bb133111ebU;
    return bits ^ bits >> 31;
}

double slot_chance(struct slot *slot)
{
    return (double)(slot_random(slot) >> 11) / (double)(1ULL << 53);
}

int slot_remember(struct slot *slot, const uint64_t *tokens, size_t count, size_t *ret_cached)
{
    size_t cached = 0;

    while (cached + 1 < count && cached < slot->token_count &&
           tokens[cached] == slot->tokens[cached]) {
        cached++;
    }
    if (count > slot->token_room) {
        free(slot->tokens);
        slot->token_count = slot->token_room = 0;
        slot->tokens = calloc(count, sizeof(tokens[0]));
        if (slot->tokens == NULL) {
            return -ENOMEM;
        }
        slot->token_room = count;
    }
    memcpy(slot->tokens, tokens, count * sizeof(tokens[0]));
    slot->token_count = count;
    *ret_cached = cached;
    return 0;
}

void slot_stop(struct slot *slot)
{
    (void)pthread_mutex_lock(&slot->mutex);
    slot->stopped = true;
    (void)pthread_cond_broadcast(&slot->turn);
    (void)pthread_mutex_unlock(&slot->mutex);
    (void)eventfd_write(slot->stop_fd, 1);
}

/* Waits on the stop and `fd` (-1: none). 0 at the time-out (negative: never). */
static int wait_events(struct slot *slot, int fd, int64_t timeout_ns)
{
    struct pollfd fds[] = {
        {.fd = slot->stop_fd, .events = POLLIN},
        {.fd = fd, .events = POLLRDHUP},
    };
    struct timespec timeout = {
        .tv_sec = timeout_ns / CLOCK_NS_PER_S,
        .tv_nsec = timeout_ns % CLOCK_NS_PER_S,
    };
    int ready;

    do {
        ready = ppoll(fds, 2, timeout_ns < 0 ? NULL : &timeout, NULL);
    } while (ready < 0 && errno == EINTR);
    if (fds[0].revents != 0) {
        return SLOT_STOPPED;
    }
    return fds[1].revents != 0 ? SLOT_HUNG_UP : 0;
}

int slot_wait_until(struct slot *slot, int64_t until_ns)
{
    int64_t left_ns = until_ns - clock_now_ns();
    struct timespec until = {
        .tv_sec = (until_ns - SPIN_NS) / CLOCK_NS_PER_S,
        .tv_nsec = (until_ns - SPIN_NS) % CLOCK_NS_PER_S,
    };

    if (left_ns > LAST_STRETCH_NS) {
        int outcome = wait_events(slot, -1, left_ns - LAST_STRETCH_NS);

        if (outcome != 0) {
            return outcome;
        }
    }
    if (left_ns > SPIN_NS) {
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) {
        }
    }
    while (clock_now_ns() < until_ns) {
    }
    return 0;
}

int slot_wait_hang_up(struct slot *slot, int fd)
{
    return wait_events(slot, fd, -1);
}
