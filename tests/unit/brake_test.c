/* The brake when somebody dies or hangs: a safety process that drives is killed, stopped or loses
 * its brake, at random phases; the board must get a stop in time and nothing after it.
 *
 * NAV_TEST_KILLS is the number of rides of each kind. Their bound is the silence, 20 ms, and what a
 * thread that only sleeps was late at worst in the same run.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "tests/unit/brake_board.h"

#define RIDES_DEFAULT 5
#define SLACK_MS      20
#define START_MS      2000 /* until the first frames are there */
#define STALLED_MAX   5

enum victim {
    VICTIM_PARENT,
    VICTIM_CHILD,
    VICTIM_BOTH,
    VICTIM_GROUP,
};

struct kind {
    const char *name;
    enum victim victim;
    int number; /* of the signal */
    int64_t silence_ms;
    void (*judge)(int status); /* how the driver ended */
};

static void was_killed(int status)
{
    board_assert_killed(status, SIGKILL);
}

/* The driver; its first word is the brake's pid. */
static void drives(struct driver *driver)
{
    pid_t pid = driver_brake_pid(driver);

    driver_tell(driver, &pid, sizeof(pid));
    driver_drive(driver);
}

static void strike(const struct kind *kind, pid_t driver, pid_t brake)
{
    assert_true(driver > 1 && brake > 1);
    switch (kind->victim) {
    case VICTIM_PARENT:
        assert_int_equal(kill(driver, kind->number), 0);
        break;
    case VICTIM_CHILD:
        assert_int_equal(kill(brake, kind->number), 0);
        break;
    case VICTIM_BOTH:
        assert_int_equal(kill(driver, SIGSTOP), 0); /* it must not see the other's end */
        assert_int_equal(kill(brake, kind->number), 0);
        assert_int_equal(kill(driver, kind->number), 0);
        break;
    case VICTIM_GROUP:
        assert_int_equal(kill(-driver, kind->number), 0);
        break;
    }
}

/* Starts driving and strikes; when that was. 0: it did not get so far, because a stall of this
 * machine was longer than the silence and the brake did what it is for. */
static int64_t ride_begin(struct board *board, const struct kind *kind, pid_t *ret_driver)
{
    pid_t driver = board_launch(board, kind->silence_ms, drives), brake;
    int64_t end_ns = clock_now_ns() + START_MS * MS, struck_ns;

    *ret_driver = driver;
    board_hear(board, &brake, sizeof(brake));
    while (board_driving_count(board) < 5 && clock_now_ns() < end_ns) {
        board_read(board);
    }
    board_read_for(board, rand() % 20000 * INT64_C(1000));
    if (board->count == 0 || board->frames[board->count - 1].stop) {
        return 0;
    }
    struck_ns = clock_now_ns();
    strike(kind, driver, brake);
    return struck_ns;
}

static void ride_forget(struct board *board)
{
    board->count = board->used = 0;
}

/* Rides until one is struck; how long it took to the first stop. */
static int64_t ride(struct board *board, const struct kind *kind)
{
    for (int i = 0; i < STALLED_MAX; i++) {
        pid_t driver;
        int64_t struck_ns = ride_begin(board, kind, &driver), stop_ns;
        int status = board_await_end(board, driver);

        if (struck_ns != 0) {
            kind->judge(status);
            stop_ns = board_assert_stopped(board);
            ride_forget(board);
            return stop_ns - struck_ns;
        }
        was_killed(status);
        ride_forget(board);
    }
    fail_msg("this machine stalls longer than the silence all the time");
    return 0;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static int ride_count(void)
{
    const char *wanted = getenv("NAV_TEST_KILLS");
    int count = wanted != NULL ? atoi(wanted) : 0;

    return count > 0 && count <= 10000 ? count : RIDES_DEFAULT;
}

/* The bound is judged when all rides of a kind are over, with the worst stall of the run until
 * then: the reference is one thread, and not every stall of the others hits it in the same ride. */
static void judge_times(const struct kind *kind, int64_t *took_ns, size_t count)
{
    static int64_t worst_stall_ns;
    int64_t stall_ns = board_stall_ns();

    worst_stall_ns = stall_ns > worst_stall_ns ? stall_ns : worst_stall_ns;
    qsort(took_ns, count, sizeof(*took_ns), compare);
    print_message("%s, T %d ms: %zu rides, stop after p50 %.1f ms, max %.1f ms; stall %.1f ms\n",
                  kind->name, (int)kind->silence_ms, count, (double)took_ns[count / 2] / 1e6,
                  (double)took_ns[count - 1] / 1e6, (double)stall_ns / 1e6);
    assert_true(took_ns[count - 1] <= (kind->silence_ms + SLACK_MS) * MS + worst_stall_ns);
}

static void rides(struct board *board, const struct kind *kind)
{
    size_t count = (size_t)ride_count();
    int64_t *took_ns = calloc(count, sizeof(*took_ns));

    assert_non_null(took_ns);
    for (size_t i = 0; i < count; i++) {
        took_ns[i] = ride(board, kind);
    }
    judge_times(kind, took_ns, count);
    free(took_ns);
}

static void was_terminated(int status)
{
    board_assert_killed(status, SIGTERM);
}

/* A sanitizer makes an exit of it. */
static void crashed(int status)
{
    assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void took_over(int status)
{
    board_assert_exit(status, 3);
}

static void a_killed_parent_is_followed_by_stops(void **state)
{
    rides(*state, &(struct kind){"SIGKILL to the parent", VICTIM_PARENT, SIGKILL, 100, was_killed});
}

static void a_crashed_parent_is_followed_by_stops(void **state)
{
    rides(*state, &(struct kind){"SIGSEGV to the parent", VICTIM_PARENT, SIGSEGV, 100, crashed});
}

static void a_hung_parent_is_killed_and_followed_by_stops(void **state)
{
    struct kind kind = {"SIGSTOP to the parent", VICTIM_PARENT, SIGSTOP, 100, was_killed};

    rides(*state, &kind);
    kind.silence_ms = BRAKE_SILENCE_MIN_MS;
    rides(*state, &kind);
    kind.silence_ms = BRAKE_SILENCE_MAX_MS;
    rides(*state, &kind);
}

static void a_killed_child_is_followed_by_the_parents_stops(void **state)
{
    rides(*state, &(struct kind){"SIGKILL to the child", VICTIM_CHILD, SIGKILL, 100, took_over});
}

static void a_hung_child_is_followed_by_the_parents_stops(void **state)
{
    rides(*state, &(struct kind){"SIGSTOP to the child", VICTIM_CHILD, SIGSTOP, 100, took_over});
}

static void a_terminated_group_is_followed_by_stops(void **state)
{
    rides(*state,
          &(struct kind){"SIGTERM to the group", VICTIM_GROUP, SIGTERM, 100, was_terminated});
}

static void a_stopped_terminal_job_is_killed(void **state)
{
    rides(*state, &(struct kind){"SIGTSTP to the group", VICTIM_GROUP, SIGTSTP, 100, was_killed});
}

/* Nobody is left to stop the wheels: that is what --stop-motors is for. */
static void when_both_are_killed_stop_motors_stops(void **state)
{
    const struct kind kind = {"SIGKILL to both", VICTIM_BOTH, SIGKILL, 100, was_killed};
    struct board *board = *state;

    for (int i = 0; i < ride_count(); i++) {
        pid_t driver;
        int64_t struck_ns = ride_begin(board, &kind, &driver);
        int fd;

        kind.judge(board_await_end(board, driver));
        if (struck_ns != 0) {
            assert_false(board->frames[board->count - 1].stop); /* it drives on */
            fd = board_line(board);
            assert_int_equal(brake_stop_motors(fd, board_stop_frame, FRAME_SIZE), 0);
            close(fd);
            board_read(board);
            (void)board_assert_stopped(board);
        }
        ride_forget(board);
    }
}

static void ignores_what_goes_to_a_group(struct driver *driver)
{
    static const int numbers[] = {SIGTERM, SIGINT,  SIGHUP,  SIGQUIT, SIGPIPE,
                                  SIGUSR1, SIGTSTP, SIGTTOU, SIGALRM};

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        CHECK(kill(driver_brake_pid(driver), numbers[i]) == 0);
        for (int frame = 0; frame < 5; frame++) {
            CHECK(driver_send(driver) == 0);
            CHECK(!driver_brake_is_dead(driver, 5));
        }
    }
    CHECK(brake_stop(driver->brake) == 0);
}

static void the_child_ignores_signals_to_its_group(void **state)
{
    struct board *board = *state;
    pid_t driver = board_launch(board, 200, ignores_what_goes_to_a_group);

    board_assert_exit(board_await_end(board, driver), 0);
    assert_int_equal(board_driving_count(board), 45);
    (void)board_assert_stopped(board);
    assert_int_equal(board->garbage, 0);
}

static void is_told_to_stop(struct driver *driver)
{
    int64_t took_ns;

    for (int i = 0; i < 10; i++) {
        CHECK(driver_send(driver) == 0);
        poll(NULL, 0, 5);
    }
    took_ns = clock_now_ns();
    CHECK(brake_stop(driver->brake) == 0);
    took_ns = clock_now_ns() - took_ns;
    CHECK(driver_brake_is_dead(driver, 0));
    CHECK(driver_send(driver) == -EPIPE);
    driver_tell(driver, &took_ns, sizeof(took_ns));
}

static void a_child_that_is_told_to_stops_within_200_ms(void **state)
{
    struct board *board = *state;
    int64_t took_ns;

    (void)board_stall_ns();
    board_assert_exit(board_await_end(board, board_launch(board, 100, is_told_to_stop)), 0);
    /* The flush may have thrown away all that it drove, when nothing moved the pty's bytes on. */
    assert_true(board->count >= BRAKE_STOPS);
    for (size_t i = 1; i <= BRAKE_STOPS; i++) {
        assert_true(board->frames[board->count - i].stop);
    }
    board_hear(board, &took_ns, sizeof(took_ns));
    assert_true(took_ns <= 200 * MS + BRAKE_STOPS * board_stall_ns());
}

static void says_nothing(struct driver *driver)
{
    poll(NULL, 0, 300);
    CHECK(!driver_brake_is_dead(driver, 0)); /* brake_free ends it */
}

static void silence_counts_from_the_first_frame(void **state)
{
    struct board *board = *state;

    board_assert_exit(board_await_end(board, board_launch(board, 30, says_nothing)), 0);
    board_assert_never_drove(board, 1);
}

static void sends_old_frames(struct driver *driver)
{
    uint8_t frame[FRAME_SIZE];

    board_driving_frame(frame, 1);
    CHECK(driver_send_stop(driver, false) == 0);
    for (;;) {
        int64_t old_ns = clock_now_ns() - driver->silence_ms * MS;

        CHECK(brake_send(driver->brake, frame, FRAME_SIZE, false, old_ns) == 0);
        CHECK(brake_send(driver->brake, frame, FRAME_SIZE, false, old_ns + 9999 * MS) == 0);
        poll(NULL, 0, 10);
    }
}

static void frames_that_are_too_old_are_neither_written_nor_a_heartbeat(void **state)
{
    struct board *board = *state;

    board_assert_killed(board_await_end(board, board_launch(board, 100, sends_old_frames)),
                        SIGKILL);
    board_assert_never_drove(board, 2);
}

#define T(name) cmocka_unit_test_setup_teardown(name, board_setup, board_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_killed_parent_is_followed_by_stops),
        T(a_crashed_parent_is_followed_by_stops),
        T(a_hung_parent_is_killed_and_followed_by_stops),
        T(a_killed_child_is_followed_by_the_parents_stops),
        T(a_hung_child_is_followed_by_the_parents_stops),
        T(a_terminated_group_is_followed_by_stops),
        T(a_stopped_terminal_job_is_killed),
        T(when_both_are_killed_stop_motors_stops),
        T(the_child_ignores_signals_to_its_group),
        T(a_child_that_is_told_to_stops_within_200_ms),
        T(silence_counts_from_the_first_frame),
        T(frames_that_are_too_old_are_neither_written_nor_a_heartbeat),
    };

    return board_prepare() != 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
