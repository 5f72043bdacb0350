/* See brake_board.h. */
#include "tests/unit/brake_board.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>

#include <cmocka.h>

#define GIVE_UP_MS 5000

const uint8_t board_stop_frame[FRAME_SIZE] = {
    0xaa, 0x55, 0x03, 0x16, 0x05, 0x04, 0, 0, 0, 0, 0, 1, 0,    0,
    0,    0,    2,    0,    0,    0,    0, 3, 0, 0, 0, 0, 0x69,
};

static _Atomic int64_t stall_ns;
static atomic_bool reference_runs;

static void *reference(void *unused)
{
    int64_t next_ns = clock_now_ns();

    (void)unused;
    for (;;) {
        struct timespec at;
        int64_t late_ns;

        next_ns += MS;
        at = (struct timespec){next_ns / CLOCK_NS_PER_S, next_ns % CLOCK_NS_PER_S};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
        late_ns = clock_now_ns() - next_ns;
        atomic_store(&reference_runs, true);
        if (late_ns > atomic_load(&stall_ns)) {
            atomic_store(&stall_ns, late_ns);
        }
        next_ns = late_ns > 0 ? clock_now_ns() : next_ns;
    }
    return NULL;
}

/* Comes back when the thread is in its loop, where it allocates nothing: a fork while it starts
 * would leave the child with a sanitizer's allocator that is locked for ever. */
int board_prepare(void)
{
    unsigned seed = (unsigned)clock_now_ns();
    pthread_t thread;

    srand(seed);
    print_message("seed %u\n", seed);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0 ||
        pthread_create(&thread, NULL, reference, NULL) != 0) {
        return 1;
    }
    while (!atomic_load(&reference_runs)) {
        sched_yield();
    }
    return 0;
}

int64_t board_stall_ns(void)
{
    return atomic_exchange(&stall_ns, 0);
}

int board_setup(void **state)
{
    struct board *board = calloc(1, sizeof(*board));

    assert_non_null(board);
    board->master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    assert_true(board->master >= 0);
    assert_int_equal(grantpt(board->master), 0);
    assert_int_equal(unlockpt(board->master), 0);
    assert_int_equal(ptsname_r(board->master, board->slave, sizeof(board->slave)), 0);
    strcpy(board->folder, "/tmp/brakeXXXXXX");
    assert_non_null(mkdtemp(board->folder));
    snprintf(board->latch, sizeof(board->latch), "%s/estop", board->folder);
    assert_int_equal(pipe2(board->tell, O_CLOEXEC), 0);
    *state = board;
    return 0;
}

int board_teardown(void **state)
{
    struct board *board = *state;

    if (board->master >= 0) {
        close(board->master);
    }
    close(board->tell[0]);
    close(board->tell[1]);
    unlink(board->latch);
    rmdir(board->folder);
    free(board);
    return 0;
}

int board_line(const struct board *board)
{
    int fd = open(board->slave, O_RDWR | O_NOCTTY | O_CLOEXEC);
    struct termios raw;

    CHECK(fd >= 0 && tcgetattr(fd, &raw) == 0);
    cfmakeraw(&raw);
    CHECK(tcsetattr(fd, TCSANOW, &raw) == 0);
    return fd;
}

static uint8_t checksum(const uint8_t *bytes, size_t size)
{
    uint8_t crc = 0;

    while (size-- > 0) {
        crc ^= *bytes++;
        for (int i = 0; i < 8; i++) {
            crc = (uint8_t)((crc >> 1) ^ ((crc & 1) != 0 ? 0x8c : 0));
        }
    }
    return crc;
}

void board_driving_frame(uint8_t frame[FRAME_SIZE], unsigned number)
{
    memcpy(frame, board_stop_frame, FRAME_SIZE);
    for (int wheel = 0; wheel < 4; wheel++) {
        frame[7 + 5 * wheel + 1] = (uint8_t)(number + 1);
        frame[7 + 5 * wheel + 2] = (uint8_t)(0x10 * wheel + 8);
        frame[7 + 5 * wheel + 3] = 0x42;
    }
    frame[FRAME_SIZE - 1] = checksum(frame + 2, FRAME_SIZE - 3);
}

/* What the pty holds moves on by itself for a moment; so it is filled more than once. */
void board_fill_line(int fd)
{
    uint8_t frame[FRAME_SIZE];

    board_driving_frame(frame, 1);
    for (int i = 0; i < 10; i++) {
        while (write(fd, frame, sizeof(frame)) > 0) {
        }
        poll(NULL, 0, 5);
    }
}

static void take_byte(struct board *board, uint8_t byte)
{
    static const uint8_t head[] = {0xaa, 0x55, 0x03, 0x16};

    board->bytes[board->used++] = byte;
    while (board->used > 0) {
        size_t known = board->used < sizeof(head) ? board->used : sizeof(head);
        bool good = memcmp(board->bytes, head, known) == 0;

        if (good && board->used < FRAME_SIZE) {
            return;
        }
        if (good && checksum(board->bytes + 2, FRAME_SIZE - 3) == board->bytes[FRAME_SIZE - 1]) {
            assert_true(board->count < FRAMES_MAX);
            board->frames[board->count].at_ns = clock_now_ns();
            board->frames[board->count].stop =
                memcmp(board->bytes, board_stop_frame, FRAME_SIZE) == 0;
            board->count++;
            board->used = 0;
            return;
        }
        board->garbage++;
        board->used--;
        memmove(board->bytes, board->bytes + 1, board->used);
    }
}

void board_read(struct board *board)
{
    struct pollfd pollfd = {.fd = board->master, .events = POLLIN};
    uint8_t bytes[4096];
    ssize_t size;

    if (poll(&pollfd, 1, 1) == 1) {
        while ((size = read(board->master, bytes, sizeof(bytes))) > 0) {
            for (ssize_t i = 0; i < size; i++) {
                take_byte(board, bytes[i]);
            }
        }
    }
}

void board_read_for(struct board *board, int64_t ns)
{
    int64_t end_ns = clock_now_ns() + ns;

    while (clock_now_ns() < end_ns) {
        board_read(board);
    }
}

void board_hear(struct board *board, void *bytes, size_t size)
{
    struct pollfd pollfd = {.fd = board->tell[0], .events = POLLIN};

    assert_int_equal(poll(&pollfd, 1, GIVE_UP_MS), 1);
    assert_int_equal(read(board->tell[0], bytes, size), size);
}

int board_await_end(struct board *board, pid_t driver)
{
    int64_t end_ns = clock_now_ns() + GIVE_UP_MS * MS;
    int status = -1, other;

    for (;;) {
        pid_t pid = waitpid(-1, &other, WNOHANG);

        status = pid == driver ? other : status;
        if (pid < 0 && errno == ECHILD) {
            break;
        }
        assert_true(clock_now_ns() < end_ns);
        board_read(board);
    }
    board_read(board);
    return status;
}

size_t board_driving_count(const struct board *board)
{
    size_t count = 0;

    for (size_t i = 0; i < board->count; i++) {
        count += board->frames[i].stop ? 0 : 1;
    }
    return count;
}

/* Of the stops behind the last frame that drives, the first. */
static size_t first_stop(const struct board *board)
{
    size_t first = board->count;

    while (first > 0 && board->frames[first - 1].stop) {
        first--;
    }
    return first;
}

void board_assert_stands(const struct board *board)
{
    assert_true(board->count - first_stop(board) >= STOP_WORDS);
}

int64_t board_assert_stopped(const struct board *board)
{
    board_assert_stands(board);
    assert_true(first_stop(board) > 0); /* it did drive */
    return board->frames[first_stop(board)].at_ns;
}

void board_assert_never_drove(const struct board *board, size_t more)
{
    assert_int_equal(board_driving_count(board), 0);
    assert_in_range(board->count, BRAKE_STOPS, BRAKE_STOPS + more);
}

void board_assert_exit(int status, int code)
{
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), code);
}

void board_assert_killed(int status, int number)
{
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), number);
}

/* The driver. */

static void driver_run(struct board *board, int64_t silence_ms, void (*run)(struct driver *driver))
{
    struct driver driver = {.board = board, .silence_ms = silence_ms};
    struct brake_options options = {
        .stop_frame = board_stop_frame,
        .stop_size = sizeof(board_stop_frame),
        .silence_ms = silence_ms,
        .latch_path = board->latch,
    };

    setpgid(0, 0);
    signal(SIGSEGV, SIG_DFL); /* cmocka would go on with the test */
    close(board->master);
    driver.fd = board_line(board);
    options.motor_fd = driver.fd;
    CHECK(brake_start(&options, &driver.brake) == 0);
    run(&driver);
    brake_free(driver.brake);
}

pid_t board_launch(struct board *board, int64_t silence_ms, void (*run)(struct driver *driver))
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        driver_run(board, silence_ms, run);
        _exit(0);
    }
    return pid;
}

int driver_send(struct driver *driver)
{
    uint8_t frame[FRAME_SIZE];

    board_driving_frame(frame, driver->sent++ % 200);
    return brake_send(driver->brake, frame, sizeof(frame), false, clock_now_ns());
}

int driver_send_stop(struct driver *driver, bool latched)
{
    return brake_send(driver->brake, board_stop_frame, FRAME_SIZE, latched, clock_now_ns());
}

bool driver_brake_is_dead(const struct driver *driver, int wait_ms)
{
    struct pollfd pollfd = {.fd = brake_fd(driver->brake), .events = POLLIN};

    return poll(&pollfd, 1, wait_ms) == 1;
}

pid_t driver_brake_pid(const struct driver *driver)
{
    char path[64], line[128];
    FILE *file;
    int pid = -1;

    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", brake_fd(driver->brake));
    file = fopen(path, "r");
    CHECK(file != NULL);
    while (pid <= 0 && fgets(line, sizeof(line), file) != NULL) {
        (void)sscanf(line, "Pid: %d", &pid);
    }
    fclose(file);
    CHECK(pid > 1);
    return pid;
}

void driver_tell(const struct driver *driver, const void *bytes, size_t size)
{
    CHECK(write(driver->board->tell[1], bytes, size) == (ssize_t)size);
}

struct brake_report driver_await(struct driver *driver, enum brake_news news)
{
    struct brake_report report;

    for (int i = 0; i < 1000; i++) {
        int result = brake_read(driver->brake, &report);

        if (result == 1 && report.news == news) {
            return report;
        }
        CHECK(result >= 0);
        if (result == 0) {
            poll(NULL, 0, 1);
        }
    }
    CHECK(!"the brake did not say it");
    return (struct brake_report){0};
}

void driver_drive(struct driver *driver)
{
    for (;;) {
        if (driver_send(driver) != 0 || driver_brake_is_dead(driver, 5)) {
            _exit(brake_takeover(driver->brake) == 0 ? 3 : 4);
        }
    }
}
