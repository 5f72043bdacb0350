/* serial_line on pseudo terminals: what comes is handed over byte by byte and in order, whatever
 * the sizes of what is written and taken; what does not fit waits; behind the last byte comes why.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "hal/base/serial_line.h"

#define BAUD       230400
#define WAIT_MS    5000 /* until a test fails */
#define SILENCE_MS 50

struct fixture {
    struct serial_line *line;
    int master, slave;
    char path[64];
};

static int setup(void **state)
{
    static struct fixture fixture;
    struct termios raw;

    fixture = (struct fixture){0};
    assert_int_equal(openpty(&fixture.master, &fixture.slave, fixture.path, NULL, NULL), 0);
    assert_int_equal(tcgetattr(fixture.slave, &raw), 0);
    cfmakeraw(&raw);
    assert_int_equal(tcsetattr(fixture.slave, TCSANOW, &raw), 0);
    assert_int_equal(fcntl(fixture.slave, F_SETFL, O_NONBLOCK), 0);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    serial_line_free(fixture->line, -1);
    (void)close(fixture->slave);
    (void)close(fixture->master);
    return 0;
}

static void watch(struct fixture *fixture)
{
    assert_int_equal(serial_line_new(fixture->path, fixture->slave, &fixture->line), 0);
}

static uint8_t byte_of(size_t index)
{
    return (uint8_t)(index * 7 + index / 251);
}

static void send(const struct fixture *fixture, size_t first, size_t size)
{
    uint8_t bytes[8192];

    for (size_t i = 0; i < size; i++) {
        bytes[i] = byte_of(first + i);
    }
    assert_int_equal(write(fixture->master, bytes, size), size);
}

static void wait_unread(const struct fixture *fixture, size_t size)
{
    for (int i = 0; i < WAIT_MS && serial_line_unread(fixture->line) != size; i++) {
        (void)poll(NULL, 0, 1);
    }
    assert_int_equal(serial_line_unread(fixture->line), size);
}

/* Takes so many bytes, in pieces of at most `piece`; they are those that were sent. */
static void expect(const struct fixture *fixture, size_t first, size_t size, size_t piece)
{
    uint8_t bytes[8192];
    size_t got = 0;

    for (int i = 0; i < WAIT_MS && got < size; i++) {
        int error = 1;
        size_t count = serial_line_read(fixture->line, bytes, piece, &error);

        assert_true(count <= piece);
        assert_int_equal(error, 0);
        for (size_t k = 0; k < count; k++) {
            assert_int_equal(bytes[k], byte_of(first + got + k));
        }
        got += count;
        if (count == 0) {
            (void)poll(NULL, 0, 1);
        }
    }
    assert_int_equal(got, size);
}

static int take(const struct fixture *fixture, int *ret_fd)
{
    int r = serial_line_take(fixture->line, ret_fd);

    for (int i = 0; i < WAIT_MS && r == SERIAL_LINE_BUSY; i++) {
        assert_true(serial_line_is_busy(fixture->line));
        (void)poll(NULL, 0, 1);
        r = serial_line_take(fixture->line, ret_fd);
    }
    assert_false(serial_line_is_busy(fixture->line));
    return r;
}

static int wait_error(const struct fixture *fixture)
{
    uint8_t byte;
    int error = 0;

    for (int i = 0; i < WAIT_MS && error == 0; i++) {
        assert_int_equal(serial_line_read(fixture->line, &byte, 1, &error), 0);
        (void)poll(NULL, 0, 1);
    }
    return error;
}

static void bytes_come_in_order_over_the_end_of_the_ring(void **state)
{
    struct fixture *fixture = *state;
    size_t at = 0;

    watch(fixture);
    for (size_t size = 1; size < 4000; size = size * 2 + 3) {
        send(fixture, at, size);
        expect(fixture, at, size, size % 61 + 1);
        at += size;
    }
    for (int i = 0; i < 8; i++, at += 3000) {
        send(fixture, at, 3000);
        wait_unread(fixture, 3000);
        expect(fixture, at, 3000, 3000);
    }
    assert_true(at > 4 * SERIAL_LINE_RING);
    assert_int_equal(serial_line_unread(fixture->line), 0);
}

static void silent_line_has_no_bytes_and_no_error(void **state)
{
    struct fixture *fixture = *state;
    uint8_t byte;
    int error = 1;

    watch(fixture);
    (void)poll(NULL, 0, SILENCE_MS);
    assert_int_equal(serial_line_read(fixture->line, &byte, 1, &error), 0);
    assert_int_equal(error, 0);
}

static void what_does_not_fit_waits_and_is_not_lost(void **state)
{
    struct fixture *fixture = *state;
    size_t more = 3000;

    watch(fixture);
    send(fixture, 0, SERIAL_LINE_RING);
    wait_unread(fixture, SERIAL_LINE_RING);
    send(fixture, SERIAL_LINE_RING, more);
    (void)poll(NULL, 0, SILENCE_MS);
    assert_int_equal(serial_line_unread(fixture->line), SERIAL_LINE_RING);
    expect(fixture, 0, SERIAL_LINE_RING + more, 1000);
}

static void behind_the_last_byte_comes_that_the_line_hung_up(void **state)
{
    struct fixture *fixture = *state;
    int error;

    watch(fixture);
    send(fixture, 0, 100);
    wait_unread(fixture, 100);
    assert_int_equal(close(fixture->master), 0);
    fixture->master = -1;
    (void)poll(NULL, 0, SILENCE_MS);
    expect(fixture, 0, 100, 7);
    error = wait_error(fixture);
    assert_true(error == -EIO || error == -ENODEV);
    assert_int_equal(wait_error(fixture), error);
}

static void line_is_opened_and_read_from_then_on(void **state)
{
    struct fixture *fixture = *state;
    int fd = -1;

    assert_int_equal(serial_line_new(fixture->path, -1, &fixture->line), 0);
    assert_int_equal(serial_line_take(fixture->line, &fd), SERIAL_LINE_BUSY);
    for (int round = 0; round < 3; round++) {
        serial_line_open(fixture->line, fd, BAUD);
        fd = -1;
        assert_int_equal(take(fixture, &fd), 0);
        assert_true(fd >= 0);
        send(fixture, 0, 50);
        expect(fixture, 0, 50, 50);
        assert_int_equal(write(fd, "ask", 3), 3);
        send(fixture, 50, 20); /* forgotten with what is not read before the next opening */
        wait_unread(fixture, 20);
    }
    serial_line_free(fixture->line, fd);
    fixture->line = NULL;
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    assert_int_equal(errno, EBADF);
}

static void opening_what_is_not_there_fails_and_may_be_tried_again(void **state)
{
    struct fixture *fixture = *state;
    int fd = -1;

    assert_int_equal(serial_line_new("/nonexistent/tty", -1, &fixture->line), 0);
    for (int round = 0; round < 3; round++) {
        serial_line_open(fixture->line, -1, BAUD);
        assert_true(serial_line_is_busy(fixture->line));
        assert_int_equal(take(fixture, &fd), -ENOENT);
        assert_int_equal(fd, -1);
    }
}

static void line_that_hung_up_can_be_opened_anew(void **state)
{
    struct fixture *fixture = *state;
    int old, fd = -1, other_master, other_slave;
    char path[64];

    assert_int_equal(openpty(&other_master, &other_slave, path, NULL, NULL), 0);
    old = dup(other_slave);
    assert_int_equal(serial_line_new(fixture->path, old, &fixture->line), 0);
    assert_int_equal(close(other_master), 0);
    assert_true(wait_error(fixture) < 0);
    serial_line_open(fixture->line, old, BAUD);
    assert_int_equal(take(fixture, &fd), 0);
    send(fixture, 0, 10);
    expect(fixture, 0, 10, 10);
    assert_int_equal(close(other_slave), 0);
    serial_line_free(fixture->line, fd);
    fixture->line = NULL;
}

static void modem_line_that_is_none_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    int fd = -1;

    watch(fixture);
    serial_line_set_dtr(fixture->line, fixture->slave, true);
    send(fixture, 0, 10);
    assert_int_equal(take(fixture, &fd), 0);
    assert_int_equal(fd, fixture->slave);
    expect(fixture, 0, 10, 10);
}

static void callers_line_stays_open_and_what_nobody_took_is_closed(void **state)
{
    struct fixture *fixture = *state;
    struct pollfd master = {.fd = fixture->master, .events = POLLIN};

    watch(fixture);
    serial_line_free(fixture->line, -1);
    assert_int_equal(write(fixture->slave, "x", 1), 1);
    assert_int_equal(poll(&master, 1, WAIT_MS), 1);
    assert_int_equal(master.revents, POLLIN);
    assert_int_equal(tcflush(fixture->master, TCIFLUSH), 0);
    assert_int_equal(serial_line_new(fixture->path, -1, &fixture->line), 0);
    assert_int_equal(close(fixture->slave), 0);
    serial_line_open(fixture->line, -1, BAUD);
    serial_line_free(fixture->line, -1);
    fixture->line = NULL;
    assert_int_equal(poll(&master, 1, WAIT_MS), 1);
    assert_true((master.revents & POLLHUP) != 0);
    fixture->slave = -1;
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(bytes_come_in_order_over_the_end_of_the_ring),
        CASE(silent_line_has_no_bytes_and_no_error),
        CASE(what_does_not_fit_waits_and_is_not_lost),
        CASE(behind_the_last_byte_comes_that_the_line_hung_up),
        CASE(line_is_opened_and_read_from_then_on),
        CASE(opening_what_is_not_there_fails_and_may_be_tried_again),
        CASE(line_that_hung_up_can_be_opened_anew),
        CASE(modem_line_that_is_none_changes_nothing),
        CASE(callers_line_stays_open_and_what_nobody_took_is_closed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
