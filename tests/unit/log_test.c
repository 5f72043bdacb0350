/* Lines for people: what is written, what is filtered, what is lost and told. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "hal/base/log.h"

/* A log that writes into a pipe. */
struct fixture {
    int read_fd;
    struct log log;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    int fds[2];

    assert_non_null(fixture);
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
    log_init(&fixture->log, "prog");
    assert_int_equal(fixture->log.fd, STDERR_FILENO);
    fixture->log.fd = fds[1];
    fixture->read_fd = fds[0];
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    close(fixture->log.fd);
    close(fixture->read_fd);
    free(fixture);
    return 0;
}

/* What is in the pipe now, up to `size` - 1 bytes. */
static size_t take(struct fixture *fixture, char *text, size_t size)
{
    size_t used = 0;
    ssize_t n;

    assert_int_equal(fcntl(fixture->read_fd, F_SETFL, O_NONBLOCK), 0);
    while (used < size - 1 && (n = read(fixture->read_fd, text + used, size - 1 - used)) > 0) {
        used += (size_t)n;
    }
    text[used] = '\0';
    return used;
}

static void assert_written(struct fixture *fixture, const char *expected)
{
    char text[4096];

    take(fixture, text, sizeof(text));
    assert_string_equal(text, expected);
}

static void fill_pipe(struct fixture *fixture)
{
    static const char block[4096];

    assert_int_equal(fcntl(fixture->log.fd, F_SETFL, O_NONBLOCK), 0);
    while (write(fixture->log.fd, block, sizeof(block)) > 0) {
    }
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(fcntl(fixture->log.fd, F_SETFL, 0), 0);
}

static void lines_begin_with_the_program_and_the_level(void **state)
{
    struct fixture *fixture = *state;

    log_error(&fixture->log, "no %s", "camera");
    log_warning(&fixture->log, "slow by %d ms", 5);
    log_info(&fixture->log, "ready");
    assert_written(fixture, "prog: error: no camera\nprog: warning: slow by 5 ms\nprog: ready\n");
}

static void lines_above_the_level_are_not_written(void **state)
{
    struct fixture *fixture = *state;

    log_debug(&fixture->log, "not yet");
    fixture->log.level = LOG_LEVEL_DEBUG;
    log_debug(&fixture->log, "detail");
    fixture->log.level = LOG_LEVEL_ERROR;
    log_warning(&fixture->log, "hidden");
    log_info(&fixture->log, "hidden");
    log_error(&fixture->log, "told");
    assert_written(fixture, "prog: detail\nprog: error: told\n");
    assert_int_equal(fixture->log.dropped, 0);
}

static void the_journal_gets_priorities_instead(void **state)
{
    struct fixture *fixture = *state;
    int fd = fixture->log.fd;

    assert_int_equal(setenv("JOURNAL_STREAM", "8:12345", 1), 0);
    log_init(&fixture->log, "prog");
    assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
    fixture->log.fd = fd;
    fixture->log.level = LOG_LEVEL_DEBUG;
    log_error(&fixture->log, "a");
    log_warning(&fixture->log, "b");
    log_info(&fixture->log, "c");
    log_debug(&fixture->log, "d");
    assert_written(fixture, "<3>a\n<4>b\n<6>c\n<7>d\n");
}

static void long_lines_are_cut_at_a_kilobyte(void **state)
{
    struct fixture *fixture = *state;
    char message[3000], text[4096];
    size_t prefix = strlen("prog: ");

    memset(message, 'x', sizeof(message));
    message[sizeof(message) - 1] = '\0';
    log_info(&fixture->log, "%s", message);
    log_info(&fixture->log, "next");
    assert_int_equal(take(fixture, text, sizeof(text)), 1024 + strlen("prog: next\n"));
    assert_memory_equal(text + prefix, message, 1023 - prefix);
    assert_string_equal(text + 1023, "\nprog: next\n");
}

static void lines_of_just_a_kilobyte_are_whole(void **state)
{
    struct fixture *fixture = *state;
    char message[1023 - 6 + 1], text[4096];

    memset(message, 'x', sizeof(message));
    message[sizeof(message) - 1] = '\0';
    log_info(&fixture->log, "%s", message);
    assert_int_equal(take(fixture, text, sizeof(text)), 1024);
    assert_int_equal(text[1022], 'x');
    assert_int_equal(text[1023], '\n');
}

static void a_full_pipe_drops_lines_and_tells_how_many(void **state)
{
    struct fixture *fixture = *state;
    size_t size = 1 << 20;
    char *filling = malloc(size);

    assert_non_null(filling);
    fill_pipe(fixture);
    for (int i = 0; i < 3; i++) {
        log_error(&fixture->log, "lost");
    }
    log_debug(&fixture->log, "filtered, so not lost");
    assert_int_equal(fixture->log.dropped, 3);
    take(fixture, filling, size);
    log_error(&fixture->log, "seen");
    log_error(&fixture->log, "again");
    assert_int_equal(fixture->log.dropped, 0);
    assert_written(fixture, "prog: error: (3 lines dropped) seen\nprog: error: again\n");
    free(filling);
}

static void a_line_is_one_write(void **state)
{
    struct fixture *fixture = *state;
    int fds[2];
    char text[64];

    /* A packet pipe hands out one write at a time. */
    assert_int_equal(pipe2(fds, O_DIRECT | O_CLOEXEC), 0);
    close(fixture->log.fd);
    close(fixture->read_fd);
    fixture->log.fd = fds[1];
    fixture->read_fd = fds[0];
    log_error(&fixture->log, "one %s %d", "line", 1);
    log_error(&fixture->log, "another");
    assert_int_equal(read(fds[0], text, sizeof(text)), strlen("prog: error: one line 1\n"));
    assert_memory_equal(text, "prog: error: one line 1\n", strlen("prog: error: one line 1\n"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(lines_begin_with_the_program_and_the_level),
        T(lines_above_the_level_are_not_written),
        T(the_journal_gets_priorities_instead),
        T(long_lines_are_cut_at_a_kilobyte),
        T(lines_of_just_a_kilobyte_are_whole),
        T(a_full_pipe_drops_lines_and_tells_how_many),
        T(a_line_is_one_write),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
