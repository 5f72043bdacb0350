/* What a service tells systemd: the sd_notify protocol, so that nothing links libsystemd.
 *
 * Without NOTIFY_SOCKET (a terminal, a test) every call does nothing and succeeds. A message is one
 * datagram of lines "NAME=value"; it is sent without waiting, and one that does not fit into the
 * receiver's queue is lost: the watchdog is patient for several of them.
 *
 * Source: sd_notify(3) and sd_watchdog_enabled(3) of systemd 252.
 */
#ifndef HAL_BASE_NOTIFY_H
#define HAL_BASE_NOTIFY_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

/* Caller's memory; one thread. */
struct notify {
    int fd; /* -1: nobody wants to know */
    struct sockaddr_un address;
    socklen_t address_size;
};

/* Reads NOTIFY_SOCKET: a path, or an abstract name that begins with '@'. 0, also without the
 * variable; -EINVAL: neither; -errno: no socket. After an error the struct may be used and tells
 * nobody. */
int notify_open(struct notify *notify);

void notify_close(struct notify *notify);

/* "READY=1", "STATUS=exploring", "WATCHDOG=1", "STOPPING=1", or several of them joined by newlines.
 * 0; -errno: -EAGAIN is a full queue. Never blocks. */
int notify_send(const struct notify *notify, const char *state);

/* The time within which "WATCHDOG=1" is expected, from WATCHDOG_USEC and WATCHDOG_PID; 0: it is
 * not, at least not from this process. Send it in half of that time. */
int64_t notify_watchdog_ns(void);

#endif
