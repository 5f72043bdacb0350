/* Which descriptors of the loop have something to read: asked once a tick by one system call, where
 * a read that finds nothing would be one for each of them.
 *
 * No serial line is among them, for which a poll may wait (hal/base/serial_line.h).
 *
 * What arrives after ready_poll waits for the next tick, as what arrives after a read does.
 * Caller's memory; one thread; nothing waits.
 */
#ifndef SAFETY_READY_H
#define SAFETY_READY_H

#include <stdbool.h>
#include <stdint.h>

#include "safety/permit.h"

enum ready_source {
    READY_STOP,  /* signals */
    READY_BRAKE, /* reports of the child, or its end */
    READY_DOOR,  /* who wants to connect */
    READY_FIRST, /* the first of the connections */
    READY_SOURCES = READY_FIRST + PERMIT_CONNECTIONS,
};

struct ready {
    int fd;
    uint32_t sources; /* a bit for each */
};

/* No descriptor yet. 0; close with ready_close. -errno: `fd` is -1. */
int ready_open(struct ready *ready);

/* -1 as `fd` is allowed. */
void ready_close(struct ready *ready);

/* From now on `fd` is this source, until it is closed. Until the next ready_poll it counts as
 * ready. 0, also for NULL; -errno. */
int ready_add(struct ready *ready, enum ready_source source, int fd);

/* Looks at all of them. Should that fail, every source is ready: who reads in vain learns it. */
void ready_poll(struct ready *ready);

/* Whether a read may find something, at the last ready_poll. NULL: always. */
bool ready_has(const struct ready *ready, enum ready_source source);

#endif
