/* See brake.h. This is the parent's side; the child is brake_child.c.
 *
 * The pidfd by which the child watches its parent is made by the parent, of itself, before the
 * fork: a child that asked for its parent afterwards could be too late and watch init. Being told
 * to end is the end of the socket, so there is no message that could be lost for it.
 *
 * A child that hangs is found by its socket: the queue to it is kept so short that about ten unread
 * frames fill it. From there on, and when the child is dead, the rule is the child's own: end the
 * other side first, for good, then write stop frames, so that there is one writer at any time.
 */
#include "safety/brake.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hal/base/clock.h"
#include "safety/brake_child.h"

#define START_WAIT_MS 1000
#define END_WAIT_MS   300 /* ten stop frames take 90 ms */
#define KILL_WAIT_MS  50
#define SOCKET_BUFFER 4096 /* the kernel doubles it: about ten frames, see the test */

struct brake {
    int motor_fd; /* the caller's */
    int socket;
    int child; /* pidfd; -1: there is none */
    struct brake_child_stop stop;
};

static void close_if_open(int fd)
{
    if (fd >= 0) {
        (void)close(fd);
    }
}

static bool stop_fill(struct brake_child_stop *stop, const void *frame, size_t size)
{
    if (size == 0 || size > sizeof(stop->frame)) {
        return false;
    }
    stop->size = size;
    memcpy(stop->frame, frame, size);
    return true;
}

static bool child_fill(struct brake_child *child, const struct brake_options *options)
{
    size_t length = strlen(options->latch_path);

    if (options->silence_ms < BRAKE_SILENCE_MIN_MS || options->silence_ms > BRAKE_SILENCE_MAX_MS ||
        length >= sizeof(child->latch_path) ||
        !stop_fill(&child->stop, options->stop_frame, options->stop_size)) {
        return false;
    }
    child->motor_fd = options->motor_fd;
    child->silence_ns = options->silence_ms * CLOCK_NS_PER_MS;
    child->latched = options->latched;
    child->priority = options->priority;
    memcpy(child->latch_path, options->latch_path, length + 1);
    return true;
}

static int set_non_blocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ? -errno : 0;
}

/* The child inherits its end of the socket and the pidfd of this process. No signal of the parent's
 * reaches it before it has said which ones it wants. */
static int child_fork(struct brake *brake, struct brake_child *child)
{
    sigset_t all, before;
    pid_t pid;
    int error;

    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, &before);
    pid = fork();
    if (pid == 0) {
        (void)close(brake->socket);
        brake_child_run(child);
    }
    error = -errno;
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    if (pid < 0) {
        return error;
    }
    /* Not reaped yet, so the number is still its own. */
    brake->child = pidfd_open(pid, 0);
    if (brake->child < 0) {
        error = -errno;
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
        return error;
    }
    return 0;
}

static bool child_is_dead(const struct brake *brake, int wait_ms)
{
    struct pollfd pollfd = {.fd = brake->child, .events = POLLIN};

    return poll(&pollfd, 1, wait_ms) == 1;
}

/* The first report is BRAKE_READY; an end of the socket instead is a child that died. */
static int child_await(const struct brake *brake)
{
    struct pollfd pollfd = {.fd = brake->socket, .events = POLLIN};
    struct brake_report report;

    if (poll(&pollfd, 1, START_WAIT_MS) != 1) {
        return -ETIMEDOUT;
    }
    return recv(brake->socket, &report, sizeof(report), MSG_DONTWAIT) == sizeof(report) ? 0
                                                                                        : -EPIPE;
}

/* The sockets and the pidfd of this process; then the fork. */
static int brake_fork(struct brake *brake, struct brake_child *child)
{
    int sockets[2], size = SOCKET_BUFFER, result;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sockets) != 0) {
        return -errno;
    }
    brake->socket = sockets[0];
    child->socket = sockets[1];
    child->parent = pidfd_open(getpid(), 0);
    result = child->parent < 0 ? -errno : 0;
    if (result == 0 && setsockopt(brake->socket, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) != 0) {
        result = -errno;
    }
    if (result == 0) {
        result = child_fork(brake, child);
    }
    close_if_open(child->parent);
    (void)close(child->socket);
    return result;
}

int brake_start(const struct brake_options *options, struct brake **ret_brake)
{
    struct brake_child child = {0};
    struct brake *brake;
    int result;

    if (!child_fill(&child, options)) {
        return -EINVAL;
    }
    result = set_non_blocking(options->motor_fd);
    if (result != 0) {
        return result;
    }
    brake = calloc(1, sizeof(*brake));
    if (brake == NULL) {
        return -ENOMEM;
    }
    *brake = (struct brake){options->motor_fd, .socket = -1, .child = -1, .stop = child.stop};
    result = brake_fork(brake, &child);
    if (result == 0) {
        result = child_await(brake);
    }
    if (result != 0) {
        (void)brake_takeover(brake);
        brake_free(brake);
        return result;
    }
    *ret_brake = brake;
    return 0;
}

int brake_send(struct brake *brake, const void *frame, size_t size, bool latched, int64_t now_ns)
{
    struct brake_child_message message = {
        .sent_ns = now_ns, .size = (uint32_t)size, .latched = latched};

    if (size == 0 || size > sizeof(message.frame)) {
        return -EINVAL;
    }
    memcpy(message.frame, frame, size);
    if (send(brake->socket, &message, BRAKE_CHILD_HEAD + size, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) {
        return 0;
    }
    return errno == EAGAIN ? -EAGAIN : -EPIPE;
}

int brake_read(struct brake *brake, struct brake_report *ret_report)
{
    struct brake_report report;
    ssize_t size = recv(brake->socket, &report, sizeof(report), MSG_DONTWAIT);

    if (size < 0 && errno == ECONNRESET) {
        /* It died with frames unread; what it had said comes behind that error. */
        size = recv(brake->socket, &report, sizeof(report), MSG_DONTWAIT);
    }
    if (size == sizeof(report)) {
        *ret_report = report;
        return 1;
    }
    return size < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -EPIPE;
}

int brake_report_fd(const struct brake *brake)
{
    return brake->socket;
}

int brake_fd(const struct brake *brake)
{
    return brake->child;
}

/* True: the child ended by itself and wrote its stop frames. */
static bool child_reap(const struct brake *brake)
{
    siginfo_t info = {0};

    if (waitid(P_PIDFD, (id_t)brake->child, &info, WEXITED | WNOHANG) != 0) {
        return false;
    }
    return info.si_pid != 0 && info.si_code == CLD_EXITED && info.si_status == 0;
}

int brake_stop(struct brake *brake)
{
    (void)shutdown(brake->socket, SHUT_WR);
    if (child_is_dead(brake, END_WAIT_MS) && child_reap(brake)) {
        return 0;
    }
    return brake_takeover(brake);
}

/* A child that is being killed may still be in a write; so its death is waited for, but not for
 * ever: nothing keeps the stop frames from being written. */
int brake_takeover(struct brake *brake)
{
    if (brake->child >= 0) {
        (void)pidfd_send_signal(brake->child, SIGKILL, NULL, 0);
        (void)child_is_dead(brake, KILL_WAIT_MS);
        (void)child_reap(brake);
    }
    return brake_child_stop(brake->motor_fd, &brake->stop) ? 0 : -EIO;
}

void brake_free(struct brake *brake)
{
    if (brake == NULL) {
        return;
    }
    close_if_open(brake->socket);
    close_if_open(brake->child);
    free(brake);
}

static bool lock_await(int fd)
{
    int64_t end_ns = clock_now_ns() + BRAKE_LOCK_WAIT_MS * CLOCK_NS_PER_MS;

    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (clock_now_ns() >= end_ns) {
            return false;
        }
        (void)poll(NULL, 0, BRAKE_STOP_GAP_MS);
    }
    return true;
}

int brake_stop_motors(int fd, const void *stop_frame, size_t stop_size)
{
    struct brake_child_stop stop;
    bool written, locked;

    if (!stop_fill(&stop, stop_frame, stop_size) || set_non_blocking(fd) != 0) {
        return -EIO;
    }
    written = brake_child_stop_once(fd, &stop);
    locked = lock_await(fd);
    written = brake_child_stop(fd, &stop) || written;
    if (!written) {
        return -EIO;
    }
    return locked ? 0 : BRAKE_HELD;
}
