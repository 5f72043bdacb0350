/* See brake_child.h, and brake.h for what is promised.
 *
 * The child is one loop over two descriptors: the socket (frames) and a pidfd of the parent (its
 * death). While something waits for room in the tty it is tried again and again instead of polled:
 * a poll of a tty waits for a worker of the kernel (hal/base/serial_line.h). The loop ends in
 * exactly one way, child_end, and that writes the stop frames; so there is no way out of it that
 * leaves the wheels turning.
 *
 *   told (end of the socket), parent gone, silence, motor fault -> child_end
 *
 * Silence is counted from the time in the frame, not from its arrival: frames that wait in the
 * socket while the child is not scheduled are no proof that the parent lives, and one that is older
 * than the silence must not reach the wheels. Everything that waits is read before silence is
 * judged, so a child that was late itself does not blame its parent.
 *
 * Output. The tty gets whole frames. `rest` is what is left of a frame that the tty took a part of;
 * `next` is the newest frame that waits behind it or for room. A stop frame waits for nothing: it
 * throws away the queue, the rest and what waits. A board that had received half a frame then takes
 * the beginning of the stop frame for its end and drops both for their checksum; which is why stop
 * frames never come alone: the parent sends one a tick, the child ten.
 */
#include "safety/brake_child.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "hal/base/clock.h"
#include "hal/base/log.h"
#include "safety/latch.h"

#define READ_MAX 64                    /* frames that are read in one turn */
#define RETRY_NS (2 * CLOCK_NS_PER_MS) /* 250 bytes at 1 Mbaud */

enum end {
    END_NOT_YET,
    END_TOLD,
    END_PARENT_GONE,
    END_SILENCE,
    END_MOTOR_FAULT,
};

bool brake_child_hear(struct brake_child *child, int64_t sent_ns, int64_t now_ns)
{
    if (sent_ns > now_ns || now_ns - sent_ns >= child->silence_ns) {
        return false;
    }
    child->heard_ns = sent_ns;
    return true;
}

int64_t brake_child_left_ns(const struct brake_child *child, int64_t now_ns)
{
    int64_t left_ns = child->heard_ns + child->silence_ns - now_ns;

    if (child->heard_ns == 0) {
        return -1;
    }
    return left_ns > 0 ? left_ns : 0;
}

static void sleep_ms(int64_t ms)
{
    struct timespec time = {.tv_nsec = (long)(ms * CLOCK_NS_PER_MS)};

    while (nanosleep(&time, &time) != 0 && errno == EINTR) {
    }
}

bool brake_child_stop_once(int fd, const struct brake_child_stop *stop)
{
    if (write(fd, stop->frame, stop->size) == (ssize_t)stop->size) {
        return true;
    }
    (void)tcflush(fd, TCOFLUSH);
    return write(fd, stop->frame, stop->size) == (ssize_t)stop->size;
}

bool brake_child_stop(int fd, const struct brake_child_stop *stop)
{
    bool written = false;

    (void)tcflush(fd, TCOFLUSH);
    for (int i = 0; i < BRAKE_STOPS; i++) {
        if (i > 0) {
            sleep_ms(BRAKE_STOP_GAP_MS);
        }
        written = brake_child_stop_once(fd, stop) || written;
    }
    return written;
}

static void child_report(const struct brake_child *child, enum brake_news news, int error)
{
    struct brake_report report = {news, error};

    /* A parent that does not read its warnings has other problems. */
    (void)send(child->socket, &report, sizeof(report), MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* What goes to a whole group (a terminal, systemctl stop) is for the parent; what hits this process
 * alone (SEGV, KILL) still ends it. */
static void child_ignore_signals(void)
{
    static const int ignored[] = {SIGTERM, SIGINT,  SIGHUP,  SIGQUIT, SIGPIPE, SIGUSR1,
                                  SIGUSR2, SIGALRM, SIGTSTP, SIGTTIN, SIGTTOU};
    sigset_t none;

    for (int number = 1; number <= SIGRTMAX; number++) {
        (void)signal(number, SIG_DFL); /* nothing of the parent's handlers may run here */
    }
    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++) {
        (void)signal(ignored[i], SIG_IGN);
    }
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* What it would rather have; without it, it works as well as the system lets it. Locking may take
 * long on a busy machine, so it comes before the parent is told that frames are welcome; the
 * warnings come behind that word. */
static void child_get_ready(const struct brake_child *child)
{
    struct sched_param param = {.sched_priority = child->priority + 1};
    int lock_error = mlockall(MCL_CURRENT | MCL_FUTURE) != 0 ? errno : 0, priority_error = 0;

    if (child->priority > 0 && sched_setscheduler(0, SCHED_FIFO, &param) != 0) {
        priority_error = errno;
    }
    child_report(child, BRAKE_READY, 0);
    if (lock_error != 0) {
        child_report(child, BRAKE_NO_MLOCK, lock_error);
    }
    if (priority_error != 0) {
        child_report(child, BRAKE_NO_PRIORITY, priority_error);
    }
}

static void child_tell_full(struct brake_child *child, bool full)
{
    if (child->full != full) {
        child->full = full;
        child_report(child, full ? BRAKE_QUEUE_FULL : BRAKE_QUEUE_FREE, 0);
    }
}

static bool is_waiting(const struct brake_child *child)
{
    return child->rest_size > 0 || child->next_size > 0;
}

/* How many bytes the tty took, maybe none; -1: it is gone, and child->error says why. */
static ssize_t child_write(struct brake_child *child, const uint8_t *bytes, size_t size)
{
    ssize_t written = write(child->motor_fd, bytes, size);

    if (written < 0 && errno != EAGAIN && errno != EINTR) {
        child->error = errno;
        return -1;
    }
    return written < 0 ? 0 : written;
}

/* Completes the frame that was begun, then writes the one that waits. */
static enum end child_write_waiting(struct brake_child *child)
{
    ssize_t written;

    if (child->rest_size > 0) {
        written = child_write(child, child->rest, child->rest_size);
        if (written < 0) {
            return END_MOTOR_FAULT;
        }
        child->rest_size -= (size_t)written;
        memmove(child->rest, child->rest + written, child->rest_size);
    }
    if (child->rest_size == 0 && child->next_size > 0) {
        written = child_write(child, child->next, child->next_size);
        if (written < 0) {
            return END_MOTOR_FAULT;
        }
        if (written > 0) {
            child->rest_size = child->next_size - (size_t)written;
            memcpy(child->rest, child->next + written, child->rest_size);
            child->next_size = 0;
        }
    }
    child_tell_full(child, is_waiting(child));
    return END_NOT_YET;
}

static bool is_stop(const struct brake_child *child, const struct brake_child_message *message)
{
    return message->size >= child->stop.size &&
           memcmp(message->frame, child->stop.frame, child->stop.size) == 0;
}

static enum end child_offer(struct brake_child *child, const struct brake_child_message *message)
{
    memcpy(child->next, message->frame, message->size);
    child->next_size = message->size;
    return child_write_waiting(child);
}

/* A stop frame throws away what is in front of it: what waited before it came, and, when it has to
 * wait itself, what the tty holds. */
static enum end child_take_frame(struct brake_child *child,
                                 const struct brake_child_message *message)
{
    bool stop = is_stop(child, message);
    enum end end;

    if (stop && is_waiting(child)) {
        (void)tcflush(child->motor_fd, TCOFLUSH);
        child->rest_size = 0;
    }
    end = child_offer(child, message);
    if (stop && end == END_NOT_YET && is_waiting(child)) {
        (void)tcflush(child->motor_fd, TCOFLUSH);
        child->rest_size = 0;
        end = child_offer(child, message);
    }
    return end;
}

static void child_keep_latch(struct brake_child *child, bool latched)
{
    int result;

    if (latched == child->latched) {
        return;
    }
    child->latched = latched;
    result = latched ? latch_set(child->latch_path) : latch_clear(child->latch_path);
    if (result != 0) {
        child_report(child, BRAKE_LATCH_FAULT, -result);
    }
}

static enum end child_take(struct brake_child *child, const struct brake_child_message *message,
                           ssize_t size)
{
    enum end end = END_NOT_YET;
    int64_t now_ns = clock_now_ns();

    if (size < (ssize_t)BRAKE_CHILD_HEAD || (size_t)size != BRAKE_CHILD_HEAD + message->size ||
        message->size == 0 || message->size > sizeof(message->frame) || message->sent_ns > now_ns) {
        return END_NOT_YET; /* no message of ours, so no heartbeat */
    }
    if (brake_child_hear(child, message->sent_ns, now_ns)) {
        end = child_take_frame(child, message);
    }
    /* Behind the frame: no file system may delay it. */
    child_keep_latch(child, message->latched != 0);
    return end;
}

static enum end child_read(struct brake_child *child)
{
    struct brake_child_message message;
    enum end end = END_NOT_YET;

    for (int i = 0; i < READ_MAX && end == END_NOT_YET; i++) {
        ssize_t size = recv(child->socket, &message, sizeof(message), MSG_DONTWAIT | MSG_TRUNC);

        if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
            return END_NOT_YET;
        }
        if (size <= 0) {
            return END_TOLD;
        }
        end = child_take(child, &message, size);
    }
    return end;
}

/* True: the parent is gone. */
static bool child_wait(const struct brake_child *child)
{
    int64_t left_ns = brake_child_left_ns(child, clock_now_ns());
    struct pollfd fds[] = {{.fd = child->parent, .events = POLLIN},
                           {.fd = child->socket, .events = POLLIN}};
    struct timespec timeout = {.tv_nsec = (long)left_ns}; /* at most BRAKE_SILENCE_MAX_MS */

    if (is_waiting(child) && (left_ns < 0 || left_ns > RETRY_NS)) {
        left_ns = timeout.tv_nsec = RETRY_NS;
    }
    return ppoll(fds, 2, left_ns >= 0 ? &timeout : NULL, NULL) > 0 && fds[0].revents != 0;
}

static enum end child_turn(struct brake_child *child)
{
    enum end end;

    if (child_wait(child)) {
        return END_PARENT_GONE; /* what it had still sent is void */
    }
    end = child_read(child);
    if (end == END_NOT_YET && is_waiting(child)) {
        end = child_write_waiting(child);
    }
    if (end == END_NOT_YET && brake_child_left_ns(child, clock_now_ns()) == 0) {
        end = END_SILENCE;
    }
    return end;
}

__attribute__((noreturn)) static void child_end(struct brake_child *child, enum end end)
{
    struct log log;
    bool written;

    if (end == END_SILENCE) {
        (void)pidfd_send_signal(child->parent, SIGKILL, NULL, 0);
    } else if (end == END_MOTOR_FAULT) {
        child_report(child, BRAKE_MOTOR_FAULT, child->error);
    }
    written = brake_child_stop(child->motor_fd, &child->stop);
    log_init(&log, "turbonav-brake");
    if (end == END_SILENCE) {
        log_error(&log, "no frame for %d ms: killed the safety process, %s",
                  (int)(child->silence_ns / CLOCK_NS_PER_MS),
                  written ? "stopped the motors" : "the motors do not take a stop frame");
    }
    _exit(written ? 0 : 1);
}

void brake_child_run(struct brake_child *child)
{
    enum end end = END_NOT_YET;

    child_ignore_signals();
    (void)brake_child_stop_once(child->motor_fd, &child->stop);
    (void)prctl(PR_SET_NAME, "turbonav-brake");
    child_get_ready(child);
    while (end == END_NOT_YET) {
        end = child_turn(child);
    }
    child_end(child, end);
}
