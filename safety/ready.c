/* See ready.h.
 *
 * An epoll, because its price is that of what is ready and not that of what is watched. It is
 * level-triggered: what was not read to its end is told again by the next poll, so that nothing can
 * be missed by who reads less than all. A descriptor that is closed leaves it by itself, as long as
 * no other process has a copy: what is closed here, connections, was accepted after the brake was
 * forked.
 */
#include "safety/ready.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#define ALL UINT32_MAX

int ready_open(struct ready *ready)
{
    *ready = (struct ready){.fd = epoll_create1(EPOLL_CLOEXEC)};
    return ready->fd < 0 ? -errno : 0;
}

void ready_close(struct ready *ready)
{
    if (ready->fd >= 0) {
        (void)close(ready->fd);
        ready->fd = -1;
    }
}

int ready_add(struct ready *ready, enum ready_source source, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = source};

    if (ready == NULL) {
        return 0;
    }
    if (epoll_ctl(ready->fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        return -errno;
    }
    ready->sources |= UINT32_C(1) << source;
    return 0;
}

void ready_poll(struct ready *ready)
{
    struct epoll_event events[READY_SOURCES];
    int count = epoll_wait(ready->fd, events, READY_SOURCES, 0);

    ready->sources = count < 0 ? ALL : 0;
    for (int i = 0; i < count; i++) {
        ready->sources |= UINT32_C(1) << events[i].data.u32;
    }
}

bool ready_has(const struct ready *ready, enum ready_source source)
{
    return ready == NULL || (ready->sources >> source & 1) != 0;
}
