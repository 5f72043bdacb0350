/* See notify.h. The descriptor is not connected: the receiver may be restarted (systemctl
 * daemon-reexec) and an address finds it again. Credentials, which the receiver wants, are added by
 * the kernel. */
#include "hal/base/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int notify_open(struct notify *notify)
{
    const char *path = getenv("NOTIFY_SOCKET");
    size_t length = path != NULL ? strlen(path) : 0;

    *notify = (struct notify){.fd = -1, .address = {.sun_family = AF_UNIX}};
    if (path == NULL) {
        return 0;
    }
    if ((path[0] != '/' && path[0] != '@') || length < 2 ||
        length >= sizeof(notify->address.sun_path)) {
        return -EINVAL;
    }
    memcpy(notify->address.sun_path, path, length);
    if (path[0] == '@') {
        notify->address.sun_path[0] = '\0';
    }
    notify->address_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return notify->fd < 0 ? -errno : 0;
}

void notify_close(struct notify *notify)
{
    if (notify->fd >= 0) {
        (void)close(notify->fd);
    }
    notify->fd = -1;
}

int notify_send(const struct notify *notify, const char *state)
{
    ssize_t sent;

    if (notify->fd < 0) {
        return 0;
    }
    sent = sendto(notify->fd, state, strlen(state), MSG_DONTWAIT | MSG_NOSIGNAL,
                  (const struct sockaddr *)&notify->address, notify->address_size);
    return sent < 0 ? -errno : 0;
}

/* A positive decimal number and nothing else; 0: it is not. */
static int64_t number_of(const char *text)
{
    char *end;
    long long number;

    if (text == NULL || text[0] < '0' || text[0] > '9') {
        return 0;
    }
    errno = 0;
    number = strtoll(text, &end, 10);
    return errno == 0 && *end == '\0' ? number : 0;
}

int64_t notify_watchdog_ns(void)
{
    const char *pid = getenv("WATCHDOG_PID");
    int64_t usec = number_of(getenv("WATCHDOG_USEC"));

    if (pid != NULL && number_of(pid) != getpid()) {
        return 0;
    }
    return usec <= INT64_MAX / 1000 ? usec * 1000 : 0;
}
