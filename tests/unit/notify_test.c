/* What systemd is told, heard on a socket of the test. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "hal/base/notify.h"

struct fixture {
    int fd;
    char folder[32], path[64];
    struct notify notify;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    strcpy(fixture->folder, "/tmp/notifyXXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    snprintf(fixture->path, sizeof(fixture->path), "%s/socket", fixture->folder);
    fixture->fd = -1;
    fixture->notify.fd = -1;
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    notify_close(&fixture->notify);
    if (fixture->fd >= 0) {
        close(fixture->fd);
    }
    unlink(fixture->path);
    rmdir(fixture->folder);
    free(fixture);
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    return 0;
}

/* A receiver at this name; what systemd would put into the environment. */
static void listen_at(struct fixture *fixture, const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(name);

    memcpy(address.sun_path, name, length);
    if (name[0] == '@') {
        address.sun_path[0] = '\0';
    }
    fixture->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(fixture->fd, (struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)),
                     0);
    assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
}

static void assert_heard(struct fixture *fixture, const char *expected)
{
    char text[256] = {0};

    assert_int_equal(recv(fixture->fd, text, sizeof(text) - 1, 0), strlen(expected));
    assert_string_equal(text, expected);
}

static void a_message_is_one_datagram(void **state)
{
    struct fixture *fixture = *state;

    listen_at(fixture, fixture->path);
    assert_int_equal(notify_open(&fixture->notify), 0);
    assert_int_equal(notify_send(&fixture->notify, "READY=1\nSTATUS=armed"), 0);
    assert_int_equal(notify_send(&fixture->notify, "WATCHDOG=1"), 0);
    assert_heard(fixture, "READY=1\nSTATUS=armed");
    assert_heard(fixture, "WATCHDOG=1");
}

static void abstract_names_are_found(void **state)
{
    struct fixture *fixture = *state;
    char name[64];

    snprintf(name, sizeof(name), "@turbonav-notify-test-%d", (int)getpid());
    listen_at(fixture, name);
    assert_int_equal(notify_open(&fixture->notify), 0);
    assert_int_equal(notify_send(&fixture->notify, "READY=1"), 0);
    assert_heard(fixture, "READY=1");
}

static void without_a_receiver_nothing_happens(void **state)
{
    struct fixture *fixture = *state;

    unsetenv("NOTIFY_SOCKET");
    assert_int_equal(notify_open(&fixture->notify), 0);
    assert_int_equal(fixture->notify.fd, -1);
    assert_int_equal(notify_send(&fixture->notify, "READY=1"), 0);
    notify_close(&fixture->notify);
}

static void names_that_are_none_are_refused(void **state)
{
    static const char *const names[] = {"", "/", "@", "run/notify"};
    struct fixture *fixture = *state;
    char name[sizeof(fixture->notify.address.sun_path) + 1];

    for (size_t i = 0; i < 4; i++) {
        setenv("NOTIFY_SOCKET", names[i], 1);
        assert_int_equal(notify_open(&fixture->notify), -EINVAL);
        assert_int_equal(notify_send(&fixture->notify, "READY=1"), 0);
    }
    memset(name, '/', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    setenv("NOTIFY_SOCKET", name, 1);
    assert_int_equal(notify_open(&fixture->notify), -EINVAL);
}

static void a_dead_receiver_is_an_error_and_a_new_one_is_found(void **state)
{
    struct fixture *fixture = *state;

    listen_at(fixture, fixture->path);
    assert_int_equal(notify_open(&fixture->notify), 0);
    close(fixture->fd);
    assert_int_equal(notify_send(&fixture->notify, "READY=1"), -ECONNREFUSED);
    unlink(fixture->path);
    assert_int_equal(notify_send(&fixture->notify, "READY=1"), -ENOENT);
    listen_at(fixture, fixture->path);
    assert_int_equal(notify_send(&fixture->notify, "READY=1"), 0);
    assert_heard(fixture, "READY=1");
}

static void a_full_queue_never_blocks(void **state)
{
    struct fixture *fixture = *state;
    int result = 0;

    listen_at(fixture, fixture->path);
    assert_int_equal(notify_open(&fixture->notify), 0);
    for (int i = 0; i < 10000 && result == 0; i++) {
        result = notify_send(&fixture->notify, "WATCHDOG=1");
    }
    assert_int_equal(result, -EAGAIN);
}

static void the_watchdog_time_is_for_this_process(void **state)
{
    char pid[16];

    (void)state;
    assert_int_equal(notify_watchdog_ns(), 0);
    setenv("WATCHDOG_USEC", "200000", 1);
    assert_int_equal(notify_watchdog_ns(), 200000000);
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    setenv("WATCHDOG_PID", pid, 1);
    assert_int_equal(notify_watchdog_ns(), 200000000);
    setenv("WATCHDOG_PID", "1", 1);
    assert_int_equal(notify_watchdog_ns(), 0);
}

static void a_watchdog_time_that_is_none_is_none(void **state)
{
    static const char *const texts[] = {
        "", "0", "-5", " 5", "200ms", "0x5", "99999999999999999999", "9223372036854775807"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        setenv("WATCHDOG_USEC", texts[i], 1);
        assert_int_equal(notify_watchdog_ns(), 0);
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_message_is_one_datagram),
        T(abstract_names_are_found),
        T(without_a_receiver_nothing_happens),
        T(names_that_are_none_are_refused),
        T(a_dead_receiver_is_an_error_and_a_new_one_is_found),
        T(a_full_queue_never_blocks),
        T(the_watchdog_time_is_for_this_process),
        T(a_watchdog_time_that_is_none_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
