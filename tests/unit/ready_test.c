/* What has something to read, asked once a tick. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "safety/ready.h"

struct fixture {
    struct ready ready;
    int ours, theirs; /* of a connection, watched as READY_BRAKE */
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    int pair[2];

    assert_non_null(fixture);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    fixture->ours = pair[0];
    fixture->theirs = pair[1];
    assert_int_equal(ready_open(&fixture->ready), 0);
    assert_int_equal(ready_add(&fixture->ready, READY_BRAKE, fixture->ours), 0);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    ready_close(&fixture->ready);
    ready_close(&fixture->ready);
    close(fixture->ours);
    close(fixture->theirs);
    free(fixture);
    return 0;
}

static void assert_only(struct ready *ready, uint32_t sources)
{
    ready_poll(ready);
    for (int source = 0; source < READY_SOURCES; source++) {
        assert_int_equal(ready_has(ready, source), sources >> source & 1);
    }
}

static void a_source_is_ready_until_it_is_read_to_its_end(void **state)
{
    struct fixture *fixture = *state;
    char byte;

    assert_only(&fixture->ready, 0);
    assert_int_equal(send(fixture->theirs, "a", 1, 0), 1);
    assert_int_equal(send(fixture->theirs, "b", 1, 0), 1);
    assert_only(&fixture->ready, 1 << READY_BRAKE);
    assert_int_equal(recv(fixture->ours, &byte, 1, 0), 1);
    assert_only(&fixture->ready, 1 << READY_BRAKE);
    assert_int_equal(recv(fixture->ours, &byte, 1, 0), 1);
    assert_only(&fixture->ready, 0);
}

static void the_end_of_the_other_side_makes_a_source_ready(void **state)
{
    struct fixture *fixture = *state;

    close(fixture->theirs);
    fixture->theirs = -1;
    assert_only(&fixture->ready, 1 << READY_BRAKE);
    assert_only(&fixture->ready, 1 << READY_BRAKE);
}

static void a_new_source_is_ready_until_the_next_poll(void **state)
{
    struct fixture *fixture = *state;

    assert_true(ready_has(&fixture->ready, READY_BRAKE));
    assert_false(ready_has(&fixture->ready, READY_DOOR));
    assert_only(&fixture->ready, 0);
}

static void every_source_can_be_ready_at_once(void **state)
{
    struct fixture *fixture = *state;
    int fds[READY_SOURCES];

    assert_int_equal(send(fixture->theirs, "a", 1, 0), 1);
    for (int source = 0; source < READY_SOURCES; source++) {
        fds[source] = source != READY_BRAKE ? dup(fixture->ours) : -1;
        if (fds[source] >= 0) {
            assert_int_equal(ready_add(&fixture->ready, source, fds[source]), 0);
        }
    }
    assert_only(&fixture->ready, (UINT32_C(1) << READY_SOURCES) - 1);
    for (int source = 0; source < READY_SOURCES; source++) {
        close(fds[source]);
    }
}

static void a_source_that_was_closed_is_forgotten(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(send(fixture->theirs, "a", 1, 0), 1);
    close(fixture->ours);
    fixture->ours = -1;
    assert_only(&fixture->ready, 0);
}

static void what_cannot_be_watched_is_refused(void **state)
{
    struct fixture *fixture = *state;
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

    assert_int_equal(ready_add(&fixture->ready, READY_DOOR, -1), -EBADF);
    assert_int_equal(ready_add(&fixture->ready, READY_DOOR, fd), -EPERM);
    assert_false(ready_has(&fixture->ready, READY_DOOR));
    close(fd);
}

static void without_a_poll_that_works_every_source_is_ready(void **state)
{
    struct fixture *fixture = *state;

    ready_close(&fixture->ready);
    assert_only(&fixture->ready, (UINT32_C(1) << READY_SOURCES) - 1);
    assert_true(ready_has(NULL, READY_DOOR));
    assert_int_equal(ready_add(NULL, READY_DOOR, fixture->ours), 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(a_source_is_ready_until_it_is_read_to_its_end),
        CASE(the_end_of_the_other_side_makes_a_source_ready),
        CASE(a_new_source_is_ready_until_the_next_poll),
        CASE(every_source_can_be_ready_at_once),
        CASE(a_source_that_was_closed_is_forgotten),
        CASE(what_cannot_be_watched_is_refused),
        CASE(without_a_poll_that_works_every_source_is_ready),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
