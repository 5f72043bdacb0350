/* serial on pseudo terminals: all that can be shown without a UART. That a real rate is set cannot;
 * that it is asked for can, because a pty remembers it. */
#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "hal/base/clock.h"
#include "hal/base/serial.h"

#define BAUD 1000000

struct pty {
    int master;
    char path[64];
};

static struct pty pty_open(void)
{
    struct pty pty = {.master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)};

    assert_true(pty.master >= 0);
    assert_int_equal(grantpt(pty.master), 0);
    assert_int_equal(unlockpt(pty.master), 0);
    assert_int_equal(ptsname_r(pty.master, pty.path, sizeof(pty.path)), 0);
    return pty;
}

static int open_line(const struct pty *pty)
{
    int fd = -1;

    assert_int_equal(serial_open(pty->path, BAUD, 0, &fd), 0);
    assert_true(fd >= 0);
    return fd;
}

static void every_byte_passes_unchanged_both_ways(void **state)
{
    struct pty pty = pty_open();
    int fd = open_line(&pty);
    uint8_t bytes[256], got[256];

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)i;
    }
    assert_int_equal(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
    assert_int_equal(read(pty.master, got, sizeof(got)), sizeof(got));
    assert_memory_equal(got, bytes, sizeof(bytes));
    memset(got, 0, sizeof(got));
    assert_int_equal(write(pty.master, bytes, sizeof(bytes)), sizeof(bytes));
    assert_int_equal(read(fd, got, sizeof(got)), sizeof(got));
    assert_memory_equal(got, bytes, sizeof(bytes));
    serial_close(fd);
    close(pty.master);
}

static void line_is_8n1_without_flow_control_at_its_rate(void **state)
{
    static const int rates[] = {115200, 230400, 256000, 460800, 1000000};
    struct pty pty = pty_open();

    (void)state;
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        struct termios2 line;
        int fd = -1;

        assert_int_equal(serial_open(pty.path, rates[i], 0, &fd), 0);
        assert_int_equal(ioctl(fd, TCGETS2, &line), 0);
        assert_int_equal(line.c_ispeed, rates[i]);
        assert_int_equal(line.c_ospeed, rates[i]);
        assert_int_equal(line.c_cflag & (CSIZE | PARENB | CSTOPB | CRTSCTS | CREAD), CS8 | CREAD);
        assert_int_equal(line.c_iflag | line.c_oflag | line.c_lflag, 0);
        serial_close(fd);
    }
    close(pty.master);
}

static void line_never_blocks_and_is_not_inherited(void **state)
{
    struct pty pty = pty_open();
    int fd = open_line(&pty);
    uint8_t byte;

    (void)state;
    assert_int_equal(read(fd, &byte, 1), -1);
    assert_int_equal(errno, EAGAIN);
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    serial_close(fd);
    close(pty.master);
}

static void hang_up_is_an_error_and_not_silence(void **state)
{
    struct pty pty = pty_open();
    int fd = open_line(&pty);
    uint8_t byte;
    ssize_t size;

    (void)state;
    close(pty.master);
    size = read(fd, &byte, 1);
    assert_true(size == 0 || (size == -1 && errno == EIO));
    assert_int_equal(write(fd, "x", 1), -1);
    assert_int_equal(errno, EIO);
    serial_close(fd);
}

static void second_program_is_refused(void **state)
{
    struct pty pty = pty_open();
    int fd = open_line(&pty);
    int second = -7;

    (void)state;
    assert_int_equal(serial_open(pty.path, BAUD, 0, &second), -EBUSY);
    assert_int_equal(second, -7);
    serial_close(fd);
    second = open_line(&pty);
    serial_close(second);
    close(pty.master);
}

static void wait_for_the_lock_has_an_end(void **state)
{
    struct pty pty = pty_open();
    int fd = open_line(&pty), second = -7;
    int64_t start_ns = clock_now_ns();

    (void)state;
    assert_int_equal(serial_open(pty.path, BAUD, 60, &second), -EBUSY);
    assert_true(clock_now_ns() - start_ns >= 60 * CLOCK_NS_PER_MS);
    serial_close(fd);
    close(pty.master);
}

/* The child holds the lock alone and loses it by being killed. */
static void lock_of_a_program_that_was_killed_is_free(void **state)
{
    struct pty pty = pty_open();
    int fd = open_line(&pty);
    const struct timespec moment = {.tv_nsec = 30 * CLOCK_NS_PER_MS};
    pid_t child = fork();
    int second = -1;

    (void)state;
    if (child == 0) {
        (void)nanosleep(&moment, NULL);
        raise(SIGKILL);
    }
    assert_true(child > 0);
    serial_close(fd);
    assert_int_equal(serial_open(pty.path, BAUD, 0, &second), -EBUSY); /* the child's copy */
    assert_int_equal(serial_open(pty.path, BAUD, 5000, &second), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    serial_close(second);
    close(pty.master);
}

static void what_is_no_line_is_refused(void **state)
{
    struct pty pty = pty_open();
    int fd = -7;

    (void)state;
    assert_int_equal(serial_open("/dev/null", BAUD, 0, &fd), -ENOTTY);
    assert_int_equal(serial_open("/nonexistent/tty", BAUD, 0, &fd), -ENOENT);
    assert_int_equal(serial_open(pty.path, 9601, 0, &fd), -EINVAL);
    assert_int_equal(serial_open(pty.path, 0, 0, &fd), -EINVAL);
    assert_int_equal(fd, -7);
    close(pty.master);
}

static void ptys_are_told_from_devices_and_files(void **state)
{
    struct pty pty = pty_open();
    int fd = open_line(&pty);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int folder = open("/", O_RDONLY | O_CLOEXEC);

    (void)state;
    assert_true(serial_is_pty(fd));
    assert_false(serial_is_pty(null));
    assert_false(serial_is_pty(folder));
    assert_false(serial_is_pty(-1));
    close(folder);
    close(null);
    serial_close(fd);
    close(pty.master);
}

static void flush_throws_away_what_nobody_read(void **state)
{
    struct pty pty = pty_open();
    int fd = open_line(&pty);
    uint8_t bytes[4096] = {0};
    ssize_t size;
    int left = 0;

    (void)state;
    do {
        size = write(fd, bytes, sizeof(bytes)); /* nobody reads: until it is full */
    } while (size > 0);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(serial_flush_output(fd), 0);
    assert_true(write(fd, "x", 1) == 1);
    assert_int_equal(fcntl(pty.master, F_SETFL, O_NONBLOCK), 0);
    while ((size = read(pty.master, bytes, sizeof(bytes))) > 0) {
        left += (int)size;
    }
    assert_in_range(left, 1, 8192); /* what the master's side had already */
    assert_int_equal(serial_flush_output(-1), -EBADF);
    serial_close(fd);
    serial_close(-1);
    close(pty.master);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_passes_unchanged_both_ways),
        cmocka_unit_test(line_is_8n1_without_flow_control_at_its_rate),
        cmocka_unit_test(line_never_blocks_and_is_not_inherited),
        cmocka_unit_test(hang_up_is_an_error_and_not_silence),
        cmocka_unit_test(second_program_is_refused),
        cmocka_unit_test(wait_for_the_lock_has_an_end),
        cmocka_unit_test(lock_of_a_program_that_was_killed_is_free),
        cmocka_unit_test(what_is_no_line_is_refused),
        cmocka_unit_test(ptys_are_told_from_devices_and_files),
        cmocka_unit_test(flush_throws_away_what_nobody_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
