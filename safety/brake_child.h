/* The two halves of the brake's private conversation: what runs in the child, and the stop frames
 * that either side writes. Only brake.c includes this, and the test in virtual time; everybody else
 * brake.h.
 */
#ifndef SAFETY_BRAKE_CHILD_H
#define SAFETY_BRAKE_CHILD_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "safety/brake.h"

/* One heartbeat; sent as far as the frame goes. */
struct brake_child_message {
    int64_t sent_ns;
    uint32_t size;
    uint32_t latched;
    uint8_t frame[BRAKE_FRAME_MAX];
};

#define BRAKE_CHILD_HEAD offsetof(struct brake_child_message, frame)

struct brake_child_stop {
    size_t size;
    uint8_t frame[BRAKE_FRAME_MAX];
};

/* All that the child knows: made by the parent, and the child's own after the fork. */
struct brake_child {
    int motor_fd, socket;
    int parent; /* pidfd */
    int priority;
    struct brake_child_stop stop;
    int64_t silence_ns;
    char latch_path[PATH_MAX];
    bool latched;
    int64_t heard_ns; /* when the newest frame was sent; 0: none yet */
    uint8_t rest[BRAKE_FRAME_MAX], next[BRAKE_FRAME_MAX];
    size_t rest_size, next_size;
    bool full; /* as told */
    int error;
};

/* What the child decides by time alone. Pure, so that it is tested in virtual time; all times are
 * of one monotonic clock. */

/* A frame that was sent then is read now. True: it may reach the wheels, and is a heartbeat. */
bool brake_child_hear(struct brake_child *child, int64_t sent_ns, int64_t now_ns);

/* How long the child may sleep before it judges again. 0: it is silent, and the wheels have to stop
 * now; -1: for ever, because no frame has come yet. */
int64_t brake_child_left_ns(const struct brake_child *child, int64_t now_ns);

/* The child's life, called right behind the fork with every signal blocked. */
__attribute__((noreturn)) void brake_child_run(struct brake_child *child);

/* One whole stop frame; when the tty has no room, in front of what it has not sent. */
bool brake_child_stop_once(int fd, const struct brake_child_stop *stop);

/* Throws away what the tty has not sent and writes ten stop frames, so that a cut frame in front of
 * the first costs nothing; 90 ms. True: at least one was written. */
bool brake_child_stop(int fd, const struct brake_child_stop *stop);

#endif
