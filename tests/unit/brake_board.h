/* A motor board that only listens, and a safety process that only drives: what the tests of brake.c
 * share.
 *
 * Three processes: the test (the board, on the master side of a pty), the driver (the safety
 * process) and its brake. The test is their subreaper, so it knows when both are gone. Functions
 * that begin with board_ assert with cmocka and belong to the test; those that begin with driver_
 * belong to the driver, where a failed CHECK ends the process: its brake then stops the motors, and
 * the exit code tells.
 */
#ifndef TESTS_UNIT_BRAKE_BOARD_H
#define TESTS_UNIT_BRAKE_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

#include "hal/base/clock.h"
#include "safety/brake.h"

#define MS         CLOCK_NS_PER_MS
#define FRAME_SIZE 27
#define FRAMES_MAX 20000
#define STOP_WORDS 5 /* fewer stop frames than these are no stop */

/* The stop frame of facts/hardware.md 1h. */
extern const uint8_t board_stop_frame[FRAME_SIZE];

struct board {
    int master; /* -1: nobody reads */
    char slave[64], folder[32], latch[64];
    int tell[2]; /* pipe: what the driver has to say */
    uint8_t bytes[FRAME_SIZE];
    size_t used;
    size_t garbage; /* bytes that belong to no whole frame */
    size_t count;
    struct {
        int64_t at_ns;
        bool stop;
    } frames[FRAMES_MAX];
};

struct driver {
    struct board *board;
    struct brake *brake;
    int fd;
    unsigned sent;
    int64_t silence_ms;
};

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

/* Once, in main: become the subreaper, start the reference thread. 0 or 1. */
int board_prepare(void);

/* How late a thread that only sleeps was at worst, since the last call. */
int64_t board_stall_ns(void);

/* For cmocka: a fresh pty and folder in *state. */
int board_setup(void **state);
int board_teardown(void **state);

/* The line as the safety process opens it; not locked. Any process. */
int board_line(const struct board *board);

/* Four wheels at four speeds that are not zero. */
void board_driving_frame(uint8_t frame[FRAME_SIZE], unsigned number);

/* Until the pty takes no more, with driving frames; the fd is non-blocking. Any process. */
void board_fill_line(int fd);

/* Forks a driver with a brake, in a process group of its own. */
pid_t board_launch(struct board *board, int64_t silence_ms, void (*run)(struct driver *driver));

/* Reads what came, waiting a millisecond for it; or for so long. */
void board_read(struct board *board);
void board_read_for(struct board *board, int64_t ns);

/* What the driver told. */
void board_hear(struct board *board, void *bytes, size_t size);

/* Reads until driver and brake are gone; the driver's status. */
int board_await_end(struct board *board, pid_t driver);

size_t board_driving_count(const struct board *board);

/* The last words are stops; whether anything drove before them does not matter. */
void board_assert_stands(const struct board *board);

/* The last driving frame is followed by STOP_WORDS stop frames or more, and by nothing else; when
 * the first of them came. */
int64_t board_assert_stopped(const struct board *board);

/* Nothing but stop frames: the ten, and up to `more` before them, which the flush of the ten may
 * have thrown away. */
void board_assert_never_drove(const struct board *board, size_t more);

void board_assert_exit(int status, int code);
void board_assert_killed(int status, int number);

/* One frame to the brake: as brake_send. */
int driver_send(struct driver *driver);
int driver_send_stop(struct driver *driver, bool latched);

/* The brake dies within this time. */
bool driver_brake_is_dead(const struct driver *driver, int wait_ms);

pid_t driver_brake_pid(const struct driver *driver);

void driver_tell(const struct driver *driver, const void *bytes, size_t size);

/* Waits for a report of this kind; others are passed over. */
struct brake_report driver_await(struct driver *driver, enum brake_news news);

/* Drives at 200 Hz until something is wrong with the brake, and then does what a safety process
 * does: exits with 3 when its own stop frames were written, 4 when not. */
__attribute__((noreturn)) void driver_drive(struct driver *driver);

#endif
