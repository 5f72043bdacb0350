/* See hub.h. Head and tail of a queue only grow; each is written by one side, and what stands
 * between them was written before its head was. */
#include "agent/core/hub.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct hub {
    _Atomic uint64_t record_head, record_tail;
    _Atomic uint64_t command_head, command_tail;
    _Atomic uint64_t stops, dropped;
    int record_fd, command_fd;
    struct hub_record records[HUB_RECORDS];
    struct hub_command commands[HUB_COMMANDS];
};

int hub_new(struct hub **ret_hub)
{
    struct hub *hub = calloc(1, sizeof(*hub));

    if (hub == NULL) {
        return -ENOMEM;
    }
    hub->record_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    hub->command_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (hub->record_fd < 0 || hub->command_fd < 0) {
        int result = -errno;

        hub_free(hub);
        return result;
    }
    *ret_hub = hub;
    return 0;
}

void hub_free(struct hub *hub)
{
    if (hub == NULL) {
        return;
    }
    if (hub->record_fd >= 0) {
        (void)close(hub->record_fd);
    }
    if (hub->command_fd >= 0) {
        (void)close(hub->command_fd);
    }
    free(hub);
}

/* A counter that is full is readable already. */
static void wake(int fd)
{
    uint64_t one = 1;
    ssize_t size = write(fd, &one, sizeof(one));

    (void)size;
}

static void calm(int fd)
{
    uint64_t count;
    ssize_t size = read(fd, &count, sizeof(count));

    (void)size; /* nothing waits: another call took it */
}

struct hub_record *hub_record(struct hub *hub)
{
    uint64_t head = atomic_load_explicit(&hub->record_head, memory_order_relaxed);
    uint64_t tail = atomic_load_explicit(&hub->record_tail, memory_order_acquire);

    if (head - tail >= HUB_RECORDS) {
        (void)atomic_fetch_add(&hub->dropped, 1);
        return NULL;
    }
    hub->records[head % HUB_RECORDS].size = 0;
    return &hub->records[head % HUB_RECORDS];
}

void hub_tell(struct hub *hub)
{
    (void)atomic_fetch_add_explicit(&hub->record_head, 1, memory_order_release);
    wake(hub->record_fd);
}

int hub_command_fd(const struct hub *hub)
{
    return hub->command_fd;
}

bool hub_command(struct hub *hub, struct hub_command *ret_command)
{
    uint64_t tail = atomic_load_explicit(&hub->command_tail, memory_order_relaxed);

    calm(hub->command_fd);
    if (tail == atomic_load_explicit(&hub->command_head, memory_order_acquire)) {
        return false;
    }
    *ret_command = hub->commands[tail % HUB_COMMANDS];
    (void)atomic_fetch_add_explicit(&hub->command_tail, 1, memory_order_release);
    return true;
}

int hub_record_fd(const struct hub *hub)
{
    return hub->record_fd;
}

const struct hub_record *hub_peek(struct hub *hub)
{
    uint64_t tail = atomic_load_explicit(&hub->record_tail, memory_order_relaxed);

    calm(hub->record_fd);
    if (tail == atomic_load_explicit(&hub->record_head, memory_order_acquire)) {
        return NULL;
    }
    return &hub->records[tail % HUB_RECORDS];
}

void hub_done(struct hub *hub)
{
    (void)atomic_fetch_add_explicit(&hub->record_tail, 1, memory_order_release);
}

int hub_order(struct hub *hub, const struct hub_command *command)
{
    uint64_t head = atomic_load_explicit(&hub->command_head, memory_order_relaxed);
    uint64_t tail = atomic_load_explicit(&hub->command_tail, memory_order_acquire);

    if (head - tail >= HUB_COMMANDS) {
        return -EAGAIN;
    }
    hub->commands[head % HUB_COMMANDS] = *command;
    hub->commands[head % HUB_COMMANDS].stops = atomic_load(&hub->stops);
    (void)atomic_fetch_add_explicit(&hub->command_head, 1, memory_order_release);
    wake(hub->command_fd);
    return 0;
}

void hub_stop(struct hub *hub)
{
    (void)atomic_fetch_add(&hub->stops, 1);
    wake(hub->command_fd);
}

uint64_t hub_stops(const struct hub *hub)
{
    return atomic_load(&hub->stops);
}

uint64_t hub_dropped(const struct hub *hub)
{
    return atomic_load(&hub->dropped);
}
