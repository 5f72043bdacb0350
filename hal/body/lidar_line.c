/* See lidar_line.h.
 *
 * One atomic word says whose the job is: FREE and DONE are the polling thread's, ASKED is this
 * one's. Everything else in the job is plain memory that is handed over with it (release when it is
 * set, acquire when it is seen). The eventfd only wakes the thread; a wake-up without a job is
 * harmless.
 *
 * A thread that hangs in the kernel cannot be ended. lidar_line_free waits for it a while and then
 * leaves it, and the memory that it may still touch, behind: the program is about to exit.
 */
#include "hal/body/lidar_line.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "hal/base/serial.h"
#include "hal/base/thread.h"

#define LOCK_WAIT_MS 200 /* a predecessor may just be exiting */
#define END_WAIT_MS  500

enum owner {
    JOB_FREE,
    JOB_ASKED,
    JOB_DONE,
};

enum kind {
    JOB_OPEN,
    JOB_MOTOR,
};

struct lidar_line {
    pthread_t thread;
    int wake_fd;  /* written by the polling thread */
    int ended_fd; /* written by the other one, last of all */
    char *path;
    atomic_int owner; /* enum owner */
    /* The job. */
    enum kind kind;
    int fd; /* to be closed or switched */
    int baud;
    bool motor_on;
    int result;
    int result_fd;
    /* Not part of the job, because it may come while one is under way. */
    atomic_bool is_ending;
    atomic_int end_fd;
};

static void job_do(struct lidar_line *line)
{
    int dtr = TIOCM_DTR;

    switch (line->kind) {
    case JOB_OPEN:
        serial_close(line->fd);
        line->result = serial_open(line->path, line->baud, LOCK_WAIT_MS, &line->result_fd);
        break;
    case JOB_MOTOR:
        (void)ioctl(line->fd, line->motor_on ? TIOCMBIC : TIOCMBIS, &dtr);
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

static void *thread_main(void *user)
{
    struct lidar_line *line = user;

    for (;;) {
        uint64_t count;

        if (atomic_load_explicit(&line->owner, memory_order_acquire) == JOB_ASKED) {
            job_do(line);
            atomic_store_explicit(&line->owner, JOB_DONE, memory_order_release);
        }
        if (atomic_load(&line->is_ending)) {
            break;
        }
        if (read(line->wake_fd, &count, sizeof(count)) < 0 && errno != EINTR) {
            break;
        }
    }
    if (atomic_load(&line->owner) == JOB_DONE && line->kind == JOB_OPEN && line->result == 0) {
        serial_close(line->result_fd); /* nobody took it */
    }
    serial_close(atomic_load(&line->end_fd));
    wake(line->ended_fd);
    return NULL;
}

static void memory_free(struct lidar_line *line)
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

int lidar_line_new(const char *path, struct lidar_line **ret_line)
{
    struct lidar_line *line = calloc(1, sizeof(*line));
    int r;

    if (line == NULL) {
        return -ENOMEM;
    }
    line->wake_fd = eventfd(0, EFD_CLOEXEC);
    line->ended_fd = eventfd(0, EFD_CLOEXEC);
    line->path = strdup(path);
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

void lidar_line_free(struct lidar_line *line, int fd)
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

bool lidar_line_is_busy(const struct lidar_line *line)
{
    return atomic_load_explicit(&line->owner, memory_order_acquire) != JOB_FREE;
}

static void job_ask(struct lidar_line *line, enum kind kind, int fd)
{
    assert(!lidar_line_is_busy(line));
    line->kind = kind;
    line->fd = fd;
    line->result_fd = -1;
    atomic_store_explicit(&line->owner, JOB_ASKED, memory_order_release);
    wake(line->wake_fd);
}

void lidar_line_open(struct lidar_line *line, int old_fd, int baud)
{
    line->baud = baud;
    job_ask(line, JOB_OPEN, old_fd);
}

void lidar_line_switch_motor(struct lidar_line *line, int fd, bool on)
{
    line->motor_on = on;
    job_ask(line, JOB_MOTOR, fd);
}

int lidar_line_take(struct lidar_line *line, int *ret_fd)
{
    int result;

    if (atomic_load_explicit(&line->owner, memory_order_acquire) != JOB_DONE) {
        return LIDAR_LINE_BUSY;
    }
    result = line->result;
    if (result == 0) {
        *ret_fd = line->result_fd;
    }
    atomic_store_explicit(&line->owner, JOB_FREE, memory_order_release);
    return result;
}
