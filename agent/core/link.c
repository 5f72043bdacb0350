/* See link.h. The connection is the state: everything that was said on one is void on the next, so
 * cutting it resets the sequence, the mission and the wish. */
#include "agent/core/link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "hal/base/clock.h"
#include "safety/limits.h"

#define RECONNECT_NS (500 * CLOCK_NS_PER_MS)
#define RENEW_NS     (LIMITS_INTENT_RENEW_MS * CLOCK_NS_PER_MS)
#define FRAME_NS     (LIMITS_FRAME_MS * CLOCK_NS_PER_MS)
#define EVENTS_MAX   16
#define BURST_MAX    64 /* messages taken in one step */

struct link {
    struct sockaddr_un address;
    int fd, error;
    int64_t connect_ns; /* next attempt */
    uint64_t seq;
    uint64_t mission;        /* 0: not asked for */
    struct wire_intent wish; /* source 0: none */
    int64_t renew_ns, until_ns;
    struct wire_scan scan; /* seq 0: none since it was taken */
    struct wire_verdict verdict;
    int64_t verdict_ns;
    struct wire_event events[EVENTS_MAX];
    int first, waiting;
};

int link_new(const char *path, struct link **ret_link)
{
    struct link *link;

    if (strlen(path) >= sizeof(link->address.sun_path)) {
        return -ENAMETOOLONG;
    }
    link = calloc(1, sizeof(*link));
    if (link == NULL) {
        return -ENOMEM;
    }
    link->address.sun_family = AF_UNIX;
    memcpy(link->address.sun_path, path, strlen(path) + 1);
    link->fd = -1;
    link->error = -ENOTCONN;
    *ret_link = link;
    return 0;
}

static void cut(struct link *link, int error, int64_t now_ns)
{
    if (link->fd >= 0) {
        (void)close(link->fd);
    }
    link->fd = -1;
    link->error = error;
    link->connect_ns = now_ns + RECONNECT_NS;
    link->seq = 0;
    link->mission = 0;
    link->wish = (struct wire_intent){0};
    link->verdict = (struct wire_verdict){0};
    link->verdict_ns = 0;
    link->scan = (struct wire_scan){0};
}

void link_free(struct link *link)
{
    if (link == NULL) {
        return;
    }
    if (link->fd >= 0) {
        (void)close(link->fd); /* which disarms */
    }
    free(link);
}

/* Sends a message whose header is still to be filled. 0; -EAGAIN: no room; -ENOTCONN. */
static int send_message(struct link *link, enum wire_type type, void *message, int64_t now_ns)
{
    struct wire_header *header = message;

    if (link->fd < 0) {
        return -ENOTCONN;
    }
    *header = wire_header(type, link->seq + 1, now_ns);
    if (send(link->fd, message, header->size, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) {
        link->seq++;
        return 0;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) {
        return -EAGAIN;
    }
    cut(link, -errno, now_ns);
    return -ENOTCONN;
}

static void connect_now(struct link *link, int64_t now_ns)
{
    struct wire_plain hello;
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0 || connect(fd, (const struct sockaddr *)&link->address, sizeof(link->address)) < 0) {
        int error = -errno;

        if (fd >= 0) {
            (void)close(fd);
        }
        cut(link, error, now_ns);
        return;
    }
    cut(link, 0, now_ns);
    link->fd = fd;
    (void)send_message(link, WIRE_HELLO, &hello, now_ns);
}

static void keep_event(struct link *link, const struct wire_event *event)
{
    if (link->waiting < EVENTS_MAX) {
        link->events[(link->first + link->waiting) % EVENTS_MAX] = *event;
        link->waiting++;
    }
}

static void receive(struct link *link, int64_t now_ns)
{
    for (int i = 0; i < BURST_MAX && link->fd >= 0; i++) {
        char bytes[WIRE_SIZE_MAX];
        union wire_report report;
        ssize_t size = recv(link->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

        if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
            return;
        }
        if (size <= 0) {
            cut(link, size < 0 ? -errno : -ECONNRESET, now_ns);
            return;
        }
        if (wire_report_read(bytes, (size_t)size, &report) != WIRE_OK) {
            continue;
        }
        if (report.header.type == WIRE_VERDICT) {
            link->verdict = report.verdict;
            link->verdict_ns = now_ns;
        } else if (report.header.type == WIRE_SCAN) {
            link->scan = report.scan;
        } else if (report.header.type == WIRE_EVENT) {
            keep_event(link, &report.event);
        }
    }
}

static void renew(struct link *link, int64_t now_ns)
{
    struct wire_intent intent = link->wish;

    if (intent.source == 0 || now_ns < link->renew_ns) {
        return;
    }
    if (now_ns >= link->until_ns) {
        link->wish = (struct wire_intent){0};
        return;
    }
    link->renew_ns = now_ns + RENEW_NS;
    (void)send_message(link, WIRE_INTENT, &intent, now_ns);
}

void link_step(struct link *link, int64_t now_ns)
{
    if (link->fd < 0 && now_ns >= link->connect_ns) {
        connect_now(link, now_ns);
    }
    receive(link, now_ns);
    renew(link, now_ns);
}

int link_fd(const struct link *link)
{
    return link->fd;
}

int64_t link_wake_ns(const struct link *link)
{
    if (link->fd < 0) {
        return link->connect_ns;
    }
    return link->wish.source != 0 ? link->renew_ns : INT64_MAX;
}

bool link_is_up(const struct link *link)
{
    return link->fd >= 0;
}

int link_error(const struct link *link)
{
    return link->fd >= 0 ? 0 : link->error;
}

int link_arm(struct link *link, uint64_t mission, int64_t now_ns)
{
    struct wire_arm arm = {.mission = mission};
    int result = send_message(link, WIRE_ARM, &arm, now_ns);

    if (result == 0) {
        link->mission = mission;
        link->wish = (struct wire_intent){0};
    }
    return result;
}

static void wish(struct link *link, const struct wire_intent *intent, int64_t until_ns,
                 int64_t now_ns)
{
    if (link->mission == 0) {
        return;
    }
    link->wish = *intent;
    link->wish.mission = link->mission;
    link->until_ns = until_ns;
    link->renew_ns = now_ns;
    renew(link, now_ns);
}

void link_wish(struct link *link, const struct twist *twist, uint64_t frame_seq, int64_t capture_ns,
               int64_t now_ns)
{
    struct wire_intent intent = {
        .frame_seq = frame_seq,
        .capture_ns = capture_ns,
        .twist = *twist,
        .source = WIRE_SOURCE_VLM,
    };

    wish(link, &intent, capture_ns + FRAME_NS, now_ns);
}

void link_drive(struct link *link, const struct twist *twist, uint64_t number, int64_t received_ns,
                int64_t until_ns, int64_t now_ns)
{
    struct wire_intent intent = {
        .frame_seq = number,
        .capture_ns = received_ns,
        .twist = *twist,
        .source = WIRE_SOURCE_DRIVE,
    };

    wish(link, &intent, until_ns, now_ns);
}

int link_look(struct link *link, int32_t pan_mrad, int32_t tilt_mrad, int64_t now_ns)
{
    struct wire_look look = {.pan_mrad = pan_mrad, .tilt_mrad = tilt_mrad};

    return send_message(link, WIRE_LOOK, &look, now_ns);
}

int link_say(struct link *link, enum wire_type type, int64_t now_ns)
{
    struct wire_plain plain;

    return send_message(link, type, &plain, now_ns);
}

void link_disarm(struct link *link, int64_t now_ns)
{
    struct wire_plain disarm;

    link->wish = (struct wire_intent){0};
    link->mission = 0;
    (void)send_message(link, WIRE_DISARM, &disarm, now_ns);
}

struct wire_verdict link_verdict(const struct link *link, int64_t now_ns)
{
    if (link->verdict_ns == 0 ||
        now_ns - link->verdict_ns > LINK_VERDICT_FRESH_MS * CLOCK_NS_PER_MS) {
        return (struct wire_verdict){0};
    }
    return link->verdict;
}

bool link_scan(struct link *link, struct wire_scan *ret_scan)
{
    if (link->scan.header.seq == 0) {
        return false;
    }
    *ret_scan = link->scan;
    link->scan.header.seq = 0;
    return true;
}

bool link_event(struct link *link, struct wire_event *ret_event)
{
    if (link->waiting == 0) {
        return false;
    }
    *ret_event = link->events[link->first];
    link->first = (link->first + 1) % EVENTS_MAX;
    link->waiting--;
    return true;
}
