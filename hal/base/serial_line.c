/* See serial_line.h.
 *
 * One atomic word says whose the job is: FREE and DONE are the polling thread's, ASKED is this
 * one's. Everything else in the job is plain memory that is handed over with it (release when it is
 * set, acquire when it is seen). The eventfd only wakes the thread; a wake-up without a job is
 * harmless.
 *
 * The ring has one who fills it and one who empties it, each with a counter of its own that only
 * grows and wraps. No lock: who holds one and was preempted would let the loop wait as well, and so
 * would a pipe. While a line is being opened, the ring is this thread's alone.
 *
 * A thread that hangs in the kernel cannot be ended. serial_line_free waits for it a while and then
 * leaves it, and the memory that it may still touch, behind: the program is about to exit.
 */
#include "hal/base/serial_line.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "hal/base/clock.h"
#include "hal/base/serial.h"
#include "hal/base/thread.h"

_Static_assert((SERIAL_LINE_RING & (SERIAL_LINE_RING - 1)) == 0, "its counters wrap");

#define LOCK_WAIT_MS 200 /* a predecessor may just be exiting */
#define END_WAIT_MS  500

enum owner {
    JOB_FREE,
    JOB_ASKED,
    JOB_DONE,
};

enum kind {
    JOB_OPEN,
    JOB_DTR,
};

struct serial_line {
    pthread_t thread;
    int wake_fd;  /* written by the polling thread */
    int ended_fd; /* written by the other one, last of all */
    char *path;
    atomic_int owner; /* enum owner */
    /* The job. */
    enum kind kind;
    int fd; /* to be closed or switched */
    int baud;
    bool dtr_on;
    int result;
    int result_fd;
    /* The ring. */
    atomic_uint filled;        /* bytes; this thread's, but for the polling one to see */
    atomic_uint emptied;       /* the other way round */
    atomic_int error;          /* 0 or -errno: behind the last byte */
    _Atomic int64_t looked_ns; /* when the polling thread looked last */
    uint8_t ring[SERIAL_LINE_RING];
    /* The thread's. */
    int reading_fd; /* -1: none, or it came to its end */
    /* Not part of the job, because it may come while one is under way. */
    atomic_bool is_ending;
    atomic_int end_fd;
};

static void ring_forget(struct serial_line *line)
{
    atomic_store(&line->filled, 0);
    atomic_store(&line->emptied, 0);
    atomic_store(&line->error, 0);
}

static size_t ring_room(const struct serial_line *line)
{
    unsigned emptied = atomic_load_explicit(&line->emptied, memory_order_acquire);

    return SERIAL_LINE_RING - (atomic_load_explicit(&line->filled, memory_order_relaxed) - emptied);
}

/* One read, into the free part up to the end of the ring and that from its beginning. */
static void ring_fill(struct serial_line *line)
{
    unsigned filled = atomic_load_explicit(&line->filled, memory_order_relaxed);
    size_t room = ring_room(line), at = filled % SERIAL_LINE_RING;
    size_t to_end = room < SERIAL_LINE_RING - at ? room : SERIAL_LINE_RING - at;
    const struct iovec parts[] = {{line->ring + at, to_end}, {line->ring, room - to_end}};
    ssize_t size = readv(line->reading_fd, parts, 2);

    if (size > 0) {
        atomic_store_explicit(&line->filled, filled + (unsigned)size, memory_order_release);
    } else if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
        /* The line hung up: a USB adapter or the other side of a pty is gone. */
        line->reading_fd = -1;
        atomic_store_explicit(&line->error, size == 0 ? -ENODEV : -errno, memory_order_release);
    }
}

static void job_do(struct serial_line *line)
{
    int dtr = TIOCM_DTR;

    switch (line->kind) {
    case JOB_OPEN:
        serial_close(line->fd);
        ring_forget(line);
        line->result = serial_open(line->path, line->baud, LOCK_WAIT_MS, &line->result_fd);
        line->reading_fd = line->result == 0 ? line->result_fd : -1;
        break;
    case JOB_DTR:
        (void)ioctl(line->fd, line->dtr_on ? TIOCMBIS : TIOCMBIC, &dtr);
        line->result = 0;
        line->result_fd = line->fd;
        break;
    }
}

/* Cannot fail: it would take 2^64 - 2 of them unread. */
static void wake(int fd)
{
    uint64_t one = 1;
    ssize_t written = write(fd, &one, sizeof(one));

    (void)written;
}

/* Until it is time to read for the next look. */
static struct timespec rest_time(const struct serial_line *line)
{
    const int64_t period_ns = SERIAL_LINE_PERIOD_MS * CLOCK_NS_PER_MS;
    const int64_t lead_ns = SERIAL_LINE_LEAD_US * INT64_C(1000);
    int64_t since_ns = clock_now_ns() - atomic_load(&line->looked_ns) + lead_ns;

    return (struct timespec){.tv_nsec = (long)(period_ns - since_ns % period_ns)};
}

/* Sleeps until there is a byte to read or something to do. False: that is not possible. */
static bool wait_and_read(struct serial_line *line)
{
    bool has_room = ring_room(line) > 0;
    struct pollfd fds[] = {{.fd = line->wake_fd, .events = POLLIN},
                           {.fd = has_room ? line->reading_fd : -1, .events = POLLIN}};
    struct timespec rest;
    uint64_t count;

    if (poll(fds, 2, has_room ? -1 : SERIAL_LINE_PERIOD_MS) < 0) {
        return errno == EINTR;
    }
    if (fds[1].revents != 0) {
        ring_fill(line);
        rest = rest_time(line);
        (void)ppoll(fds, 1, &rest, NULL);
    }
    return fds[0].revents == 0 || read(line->wake_fd, &count, sizeof(count)) > 0;
}

static void *thread_main(void *user)
{
    const struct sched_param fifo = {.sched_priority = SERIAL_LINE_PRIORITY};
    struct serial_line *line = user;

    (void)pthread_setschedparam(pthread_self(), SCHED_FIFO, &fifo);
    do {
        if (atomic_load_explicit(&line->owner, memory_order_acquire) == JOB_ASKED) {
            job_do(line);
            atomic_store_explicit(&line->owner, JOB_DONE, memory_order_release);
        }
    } while (!atomic_load(&line->is_ending) && wait_and_read(line));
    if (atomic_load(&line->owner) == JOB_DONE && line->kind == JOB_OPEN && line->result == 0) {
        serial_close(line->result_fd); /* nobody took it */
    }
    serial_close(atomic_load(&line->end_fd));
    wake(line->ended_fd);
    return NULL;
}

static void memory_free(struct serial_line *line)
{
    if (line->wake_fd >= 0) {
        (void)close(line->wake_fd);
    }
    if (line->ended_fd >= 0) {
        (void)close(line->ended_fd);
    }
    free(line->path);
    free(line);
}

int serial_line_new(const char *path, int fd, struct serial_line **ret_line)
{
    struct serial_line *line = calloc(1, sizeof(*line));
    int r;

    if (line == NULL) {
        return -ENOMEM;
    }
    line->wake_fd = eventfd(0, EFD_CLOEXEC);
    line->ended_fd = eventfd(0, EFD_CLOEXEC);
    line->path = strdup(path);
    line->reading_fd = fd;
    atomic_store(&line->end_fd, -1);
    if (line->wake_fd < 0 || line->ended_fd < 0) {
        r = -errno;
    } else {
        r = line->path == NULL ? -ENOMEM : thread_start(thread_main, line, &line->thread);
    }
    if (r < 0) {
        memory_free(line);
        return r;
    }
    *ret_line = line;
    return 0;
}

void serial_line_free(struct serial_line *line, int fd)
{
    struct pollfd ended = {.events = POLLIN};

    if (line == NULL) {
        return;
    }
    ended.fd = line->ended_fd;
    atomic_store(&line->end_fd, fd);
    atomic_store(&line->is_ending, true);
    wake(line->wake_fd);
    if (poll(&ended, 1, END_WAIT_MS) == 1) {
        (void)pthread_join(line->thread, NULL);
        memory_free(line);
    } else {
        (void)pthread_detach(line->thread);
    }
}

bool serial_line_is_busy(const struct serial_line *line)
{
    return atomic_load_explicit(&line->owner, memory_order_acquire) != JOB_FREE;
}

static void job_ask(struct serial_line *line, enum kind kind, int fd)
{
    assert(!serial_line_is_busy(line));
    line->kind = kind;
    line->fd = fd;
    line->result_fd = -1;
    atomic_store_explicit(&line->owner, JOB_ASKED, memory_order_release);
    wake(line->wake_fd);
}

void serial_line_open(struct serial_line *line, int old_fd, int baud)
{
    line->baud = baud;
    job_ask(line, JOB_OPEN, old_fd);
}

void serial_line_set_dtr(struct serial_line *line, int fd, bool on)
{
    line->dtr_on = on;
    job_ask(line, JOB_DTR, fd);
}

int serial_line_take(struct serial_line *line, int *ret_fd)
{
    int result;

    if (atomic_load_explicit(&line->owner, memory_order_acquire) != JOB_DONE) {
        return SERIAL_LINE_BUSY;
    }
    result = line->result;
    if (result == 0) {
        *ret_fd = line->result_fd;
    }
    atomic_store_explicit(&line->owner, JOB_FREE, memory_order_release);
    return result;
}

size_t serial_line_read(struct serial_line *line, uint8_t *bytes, size_t size, int *ret_error)
{
    /* Before the bytes: what came ahead of the error is seen then. */
    int error = atomic_load_explicit(&line->error, memory_order_acquire);
    size_t unread = serial_line_unread(line);
    unsigned emptied = atomic_load_explicit(&line->emptied, memory_order_relaxed);
    size_t at = emptied % SERIAL_LINE_RING, count = unread < size ? unread : size;
    size_t to_end = count < SERIAL_LINE_RING - at ? count : SERIAL_LINE_RING - at;

    atomic_store_explicit(&line->looked_ns, clock_now_ns(), memory_order_relaxed);
    memcpy(bytes, line->ring + at, to_end);
    memcpy(bytes + to_end, line->ring, count - to_end);
    atomic_store_explicit(&line->emptied, emptied + (unsigned)count, memory_order_release);
    *ret_error = count == 0 ? error : 0;
    return count;
}

size_t serial_line_unread(const struct serial_line *line)
{
    unsigned filled = atomic_load_explicit(&line->filled, memory_order_acquire);

    return filled - atomic_load_explicit(&line->emptied, memory_order_relaxed);
}
