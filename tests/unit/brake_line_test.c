/* The brake and its line: a full queue, a device that goes away, the latch file, --stop-motors. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "tests/unit/brake_board.h"

#define NOBODY 65534

static void tell_word(struct driver *driver)
{
    driver_tell(driver, "!", 1);
}

static void hear_word(struct board *board)
{
    char word;

    board_hear(board, &word, 1);
}

/* Four frames in a row until the tty is full; nobody reads it. */
static void fill(struct driver *driver)
{
    uint8_t frames[4 * FRAME_SIZE];
    struct brake_report report;

    for (unsigned i = 0; i < 20000; i++) {
        int result;

        for (unsigned part = 0; part < 4; part++) {
            board_driving_frame(frames + part * FRAME_SIZE, (i + part) % 200);
        }
        result = brake_send(driver->brake, frames, sizeof(frames), false, clock_now_ns());
        CHECK(result == 0 || result == -EAGAIN);
        poll(NULL, 0, result == 0 ? 0 : 1);
        while (brake_read(driver->brake, &report) == 1) {
            if (report.news == BRAKE_QUEUE_FULL) {
                return;
            }
        }
    }
    CHECK(!"the tty is never full");
}

static void send_for_100_ms(struct driver *driver)
{
    for (int i = 0; i < 20; i++) {
        CHECK(driver_send(driver) == 0);
        CHECK(!driver_brake_is_dead(driver, 5));
    }
}

static void fills_and_drives_on(struct driver *driver)
{
    fill(driver);
    tell_word(driver);
    driver_drive(driver);
}

static void a_full_queue_does_not_stop_the_child(void **state)
{
    struct board *board = *state;
    pid_t driver = board_launch(board, 100, fills_and_drives_on);
    int64_t struck_ns;
    int status, master = board->master;

    hear_word(board);
    poll(NULL, 0, 500);
    assert_int_equal(waitpid(driver, &status, WNOHANG), 0); /* alive: the child hears it */
    (void)board_stall_ns();
    struck_ns = clock_now_ns();
    assert_int_equal(kill(driver, SIGKILL), 0);
    board->master = -1; /* still nobody reads */
    board_assert_killed(board_await_end(board, driver), SIGKILL);
    assert_true(clock_now_ns() - struck_ns <= 200 * MS + BRAKE_STOPS * board_stall_ns());
    board->master = master;
    board_read_for(board, 20 * MS);
    (void)board_assert_stopped(board);
    print_message("%zu driving frames waited in the pty, %zu bytes were cut\n",
                  board_driving_count(board), board->garbage);
}

static void fills_and_stops(struct driver *driver)
{
    fill(driver);
    for (int i = 0; i < 20; i++) {
        CHECK(driver_send_stop(driver, false) == 0);
        CHECK(!driver_brake_is_dead(driver, 5));
    }
    (void)driver_await(driver, BRAKE_QUEUE_FREE);
    tell_word(driver);
    for (;;) {
        CHECK(driver_send_stop(driver, false) == 0);
        CHECK(!driver_brake_is_dead(driver, 5));
    }
}

static void stop_frames_go_in_front_of_a_full_queue(void **state)
{
    struct board *board = *state;
    pid_t driver = board_launch(board, 100, fills_and_stops);

    hear_word(board);
    board_read_for(board, 20 * MS); /* only now somebody reads */
    board_assert_stands(board);     /* all that drives may have been thrown away */
    assert_int_equal(kill(driver, SIGKILL), 0);
    board_assert_killed(board_await_end(board, driver), SIGKILL);
    board_assert_stands(board); /* all that drives may have been thrown away */
}

static void fills_the_line_and_stops_once(struct driver *driver)
{
    board_fill_line(driver->fd); /* past the child */
    CHECK(driver_send_stop(driver, false) == 0);
    poll(NULL, 0, 50);
    tell_word(driver);
    for (;;) {
        poll(NULL, 0, 100);
    }
}

static void a_single_stop_frame_gets_through_a_full_queue(void **state)
{
    struct board *board = *state;
    pid_t driver = board_launch(board, 200, fills_the_line_and_stops_once);

    hear_word(board);
    board_read_for(board, 20 * MS);
    assert_true(board->count > 0 && board->frames[board->count - 1].stop);
    board_assert_killed(board_await_end(board, driver), SIGKILL); /* by the silence */
    (void)board_assert_stopped(board);
}

static void fills_until_it_is_free(struct driver *driver)
{
    fill(driver);
    tell_word(driver);
    send_for_100_ms(driver);
    (void)driver_await(driver, BRAKE_QUEUE_FREE);
    send_for_100_ms(driver);
    tell_word(driver);
    driver_drive(driver);
}

static void frames_are_whole_when_a_full_queue_drains(void **state)
{
    struct board *board = *state;
    pid_t driver = board_launch(board, 100, fills_until_it_is_free);
    struct pollfd told = {.fd = board->tell[0], .events = POLLIN};

    hear_word(board);
    while (poll(&told, 1, 0) == 0) {
        board_read(board);
    }
    hear_word(board);
    assert_int_equal(board->garbage, 0);
    assert_true(board_driving_count(board) > 100);
    assert_int_equal(kill(driver, SIGKILL), 0);
    board_assert_killed(board_await_end(board, driver), SIGKILL);
    (void)board_assert_stopped(board);
}

static void drives_into_a_hangup(struct driver *driver)
{
    struct brake_report report = {0};

    tell_word(driver);
    for (int i = 0; i < 1000 && report.news != BRAKE_MOTOR_FAULT; i++) {
        (void)driver_send(driver);
        while (report.news != BRAKE_MOTOR_FAULT && brake_read(driver->brake, &report) == 1) {
        }
        poll(NULL, 0, 5);
    }
    CHECK(report.news == BRAKE_MOTOR_FAULT && report.error == EIO);
    CHECK(driver_brake_is_dead(driver, 300)); /* by itself */
    CHECK(brake_read(driver->brake, &report) == -EPIPE);
    CHECK(brake_takeover(driver->brake) == -EIO);
}

static void a_device_that_goes_away_is_reported(void **state)
{
    struct board *board = *state;
    pid_t driver = board_launch(board, 100, drives_into_a_hangup);

    hear_word(board);
    board_read_for(board, 30 * MS);
    close(board->master);
    board->master = -1;
    board_assert_exit(board_await_end(board, driver), 0);
}

static void send_latched(struct driver *driver, bool latched)
{
    for (int i = 0; i < 5; i++) {
        CHECK(driver_send_stop(driver, latched) == 0);
        CHECK(!driver_brake_is_dead(driver, 5));
    }
}

static void latches(struct driver *driver)
{
    const char *path = driver->board->latch;

    CHECK(access(path, F_OK) != 0);
    send_latched(driver, true);
    CHECK(access(path, F_OK) == 0);
    send_latched(driver, false);
    CHECK(access(path, F_OK) != 0);
    send_latched(driver, true);
    CHECK(brake_stop(driver->brake) == 0);
    CHECK(access(path, F_OK) == 0);
}

static void the_child_keeps_the_latch_file(void **state)
{
    struct board *board = *state;

    board_assert_exit(board_await_end(board, board_launch(board, 200, latches)), 0);
}

static void latches_in_vain(struct driver *driver)
{
    CHECK(rmdir(driver->board->folder) == 0);
    send_latched(driver, true);
    CHECK(driver_await(driver, BRAKE_LATCH_FAULT).error == ENOENT);
    send_latched(driver, true);
    CHECK(brake_stop(driver->brake) == 0);
}

static void a_latch_that_cannot_be_written_is_reported(void **state)
{
    struct board *board = *state;

    board_assert_exit(board_await_end(board, board_launch(board, 200, latches_in_vain)), 0);
    assert_int_equal(board_driving_count(board), 0);
}

static void sends_what_is_no_frame(struct driver *driver)
{
    static const uint8_t bytes[BRAKE_FRAME_MAX + 1];

    CHECK(brake_send(driver->brake, bytes, 0, false, clock_now_ns()) == -EINVAL);
    CHECK(brake_send(driver->brake, bytes, sizeof(bytes), false, clock_now_ns()) == -EINVAL);
    CHECK(brake_stop(driver->brake) == 0);
}

static void frames_have_a_size(void **state)
{
    struct board *board = *state;

    board_assert_exit(board_await_end(board, board_launch(board, 100, sends_what_is_no_frame)), 0);
    board_assert_never_drove(board, 1);
}

static void has_no_rights(struct driver *driver)
{
    const struct rlimit none = {0, 0};
    const struct brake_options options = {
        .motor_fd = driver->fd,
        .stop_frame = board_stop_frame,
        .stop_size = FRAME_SIZE,
        .silence_ms = 100,
        .latch_path = driver->board->latch,
        .priority = 10,
    };
    struct driver poor = *driver;

    CHECK(setrlimit(RLIMIT_MEMLOCK, &none) == 0 && setrlimit(RLIMIT_RTPRIO, &none) == 0);
    CHECK(geteuid() != 0 || setresuid(NOBODY, NOBODY, NOBODY) == 0);
    CHECK(brake_start(&options, &poor.brake) == 0);
    (void)driver_await(&poor, BRAKE_NO_PRIORITY); /* a sanitizer makes mlockall() nothing */
    CHECK(driver_send_stop(&poor, false) == 0);
    CHECK(brake_stop(poor.brake) == 0);
    brake_free(poor.brake);
}

static void a_child_without_rights_warns_and_works(void **state)
{
    struct board *board = *state;

    board_assert_exit(board_await_end(board, board_launch(board, 100, has_no_rights)), 0);
    board_assert_never_drove(board, BRAKE_STOPS + 3);
}

static void options_out_of_range_are_refused(void **state)
{
    static const uint8_t frame[BRAKE_FRAME_MAX + 1];
    struct board *board = *state;
    const struct brake_options good = {
        .motor_fd = board->master,
        .stop_frame = frame,
        .stop_size = 1,
        .silence_ms = BRAKE_SILENCE_MS,
        .latch_path = "/nowhere",
    };
    struct brake_options options[6] = {good, good, good, good, good, good};
    struct brake *brake = NULL;

    options[0].silence_ms = BRAKE_SILENCE_MIN_MS - 1;
    options[1].silence_ms = BRAKE_SILENCE_MAX_MS + 1;
    options[2].stop_size = 0;
    options[3].stop_size = sizeof(frame);
    options[4].silence_ms = INT64_MIN;
    options[5].motor_fd = -1;
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(brake_start(&options[i], &brake), i < 5 ? -EINVAL : -EBADF);
        assert_null(brake);
    }
    brake_free(NULL);
}

/* --stop-motors, against somebody who holds the lock for so long. */
static int stop_motors_against(struct board *board, int hold_ms, int64_t *ret_took_ns)
{
    int fd = board_line(board), held = board_line(board), result;
    int64_t start_ns;
    pid_t holder;

    assert_int_equal(flock(held, LOCK_EX | LOCK_NB), 0);
    holder = fork();
    assert_true(holder >= 0);
    if (holder == 0) {
        poll(NULL, 0, hold_ms);
        _exit(0);
    }
    close(held);
    start_ns = clock_now_ns();
    result = brake_stop_motors(fd, board_stop_frame, FRAME_SIZE);
    *ret_took_ns = clock_now_ns() - start_ns;
    board_read(board);
    assert_int_equal(waitpid(holder, NULL, 0), holder);
    close(fd);
    return result;
}

static void stop_motors_waits_for_the_lock_and_not_for_ever(void **state)
{
    struct board *board = *state;
    int64_t took_ns;

    assert_int_equal(stop_motors_against(board, 100, &took_ns), 0);
    board_assert_never_drove(board, 1);
    assert_true(took_ns >= 180 * MS);
    board->count = 0;
    assert_int_equal(stop_motors_against(board, 1000, &took_ns), BRAKE_HELD);
    board_assert_never_drove(board, 1);
    assert_true(took_ns >= BRAKE_LOCK_WAIT_MS * MS);
}

static void stop_motors_fails_where_nothing_can_be_written(void **state)
{
    static const uint8_t frame[BRAKE_FRAME_MAX + 1];
    struct board *board = *state;
    int fd = board_line(board), reader = open("/dev/null", O_RDONLY | O_CLOEXEC);

    assert_int_equal(brake_stop_motors(fd, frame, 0), -EIO);
    assert_int_equal(brake_stop_motors(fd, frame, sizeof(frame)), -EIO);
    assert_int_equal(brake_stop_motors(-1, frame, 1), -EIO);
    assert_int_equal(brake_stop_motors(reader, frame, 1), -EIO);
    close(board->master);
    board->master = -1;
    assert_int_equal(brake_stop_motors(fd, board_stop_frame, FRAME_SIZE), -EIO);
    close(fd);
    close(reader);
}

static void stop_motors_gets_through_a_full_queue(void **state)
{
    struct board *board = *state;
    int fd = board_line(board);

    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    board_fill_line(fd);
    assert_int_equal(brake_stop_motors(fd, board_stop_frame, FRAME_SIZE), 0);
    board_read_for(board, 20 * MS);
    (void)board_assert_stopped(board);
    close(fd);
}

#define T(name) cmocka_unit_test_setup_teardown(name, board_setup, board_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_full_queue_does_not_stop_the_child),
        T(stop_frames_go_in_front_of_a_full_queue),
        T(a_single_stop_frame_gets_through_a_full_queue),
        T(frames_are_whole_when_a_full_queue_drains),
        T(a_device_that_goes_away_is_reported),
        T(the_child_keeps_the_latch_file),
        T(a_latch_that_cannot_be_written_is_reported),
        T(frames_have_a_size),
        T(a_child_without_rights_warns_and_works),
        T(options_out_of_range_are_refused),
        T(stop_motors_waits_for_the_lock_and_not_for_ever),
        T(stop_motors_fails_where_nothing_can_be_written),
        T(stop_motors_gets_through_a_full_queue),
    };

    return board_prepare() != 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
