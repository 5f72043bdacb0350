/* The motor board: one of several drivers behind one face.
 *
 *   board5  the TurboPi's board for the Pi 5, see board5.h
 *   null    no board: frames go to /dev/null. For a bench without a car; never found by `auto`
 *
 * A motor owns the fd of its device and the decoder of what comes back. It makes the frames but
 * does not write them: in operation the brake child, which inherits the fd, is the only writer. The
 * one exception is motor_probe, at start, before there is anything else to write. The caller polls
 * and reads the fd and hands the bytes to motor_take.
 *
 * Opening writes nothing, so the caller can put the zeros of a stop in front of everything else.
 * One thread. Only motor_open (for the lock) and motor_probe wait, both up to a deadline; encoding
 * and taking do no I/O and no allocation.
 */
#ifndef HAL_BODY_MOTOR_H
#define HAL_BODY_MOTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hal/body/board5.h"
#include "hal/body/motor_options.h"

#define MOTOR_COUNT     4
#define MOTOR_FRAME_MAX BOARD5_FRAME_MAX
#define MOTOR_PROBE_MS  1500 /* the board reports its battery about once a second */

enum motor_result {
    MOTOR_FAULT = 1, /* nothing that speaks like a board is on the line */
};

/* What the board said. */
struct motor_news {
    int battery_mv;   /* the newest in these bytes; -1: none */
    uint64_t reports; /* since it was opened: that meant something */
    uint64_t bad_frames, bad_bytes;
};

struct motor;

/* A kind of board. To add one: another const struct motor_driver in motor.c, its row in
 * motor_drivers and its word in motor_options. */
struct motor_driver {
    const char *name;

    /* Opens and locks the device; as serial_open. */
    int (*open)(const char *device, int lock_wait_ms, int *ret_fd);

    /* Waits for a sign of life until `timeout_ms` are over: 0, MOTOR_FAULT or -errno. NULL: this
     * kind cannot be found by looking for it. */
    int (*probe)(struct motor *motor, int timeout_ms, struct motor_news *ret_news);

    /* Received bytes. NULL: nothing ever comes, do not read the fd. */
    void (*take)(struct motor *motor, const uint8_t *bytes, size_t size, struct motor_news *news);

    /* Frames, as the encoders of board5.h: whole or none, 0 for none. */
    size_t (*encode)(const int duty_permille[MOTOR_COUNT], uint8_t *ret_bytes, size_t size);
    size_t (*encode_moves)(const struct board5_move *moves, size_t count, uint16_t move_ms,
                           uint8_t *ret_bytes, size_t size);
    size_t (*encode_buzzer)(uint16_t freq_hz, struct board5_beat beat, uint8_t *ret_bytes,
                            size_t size);
};

extern const struct motor_driver *const motor_drivers[];
extern const size_t motor_driver_count;

/* Opens the configured device, and waits up to `lock_wait_ms` for another program to let go of it.
 * 0, -ENOMEM or as serial_open: -EBUSY, -ENOTTY, -ENOENT and so on. Free with motor_close, which
 * accepts NULL. */
int motor_open(const struct motor_options *options, int lock_wait_ms, struct motor **ret_motor);
void motor_close(struct motor *motor);

/* Is a board there? Asked only when the driver is `auto`; a driver that was named is taken at its
 * word: 0 at once. Blocks up to `timeout_ms`, and writes requests for a servo's position, which
 * move nothing. 0; MOTOR_FAULT: no board, and `auto` never falls back to `null`; -errno: the line
 * failed, -EIO when it hung up. */
int motor_probe(struct motor *motor, int timeout_ms, struct motor_news *ret_news);

const char *motor_name(const struct motor *motor);

/* Valid until motor_close, non-blocking. */
int motor_fd(const struct motor *motor);

/* False: nothing to read there, do not poll the fd for reading. */
bool motor_can_report(const struct motor *motor);

/* True: the device is a pseudo terminal, so this is a simulation. */
bool motor_is_simulated(const struct motor *motor);

/* Bytes that were read from the fd, in pieces of any size. */
void motor_take(struct motor *motor, const uint8_t *bytes, size_t size,
                struct motor_news *ret_news);

/* One frame with the duties of motors 1 to 4 in permille, -1000..1000. Returns its size, at most
 * MOTOR_FRAME_MAX; 0, and nothing written, when a duty is out of range or `size` too small. */
size_t motor_encode(const struct motor *motor, const int duty_permille[MOTOR_COUNT],
                    uint8_t *ret_bytes, size_t size);

/* The same for servos and buzzer; limits in board5.h. */
size_t motor_encode_moves(const struct motor *motor, const struct board5_move *moves, size_t count,
                          uint16_t move_ms, uint8_t *ret_bytes, size_t size);
size_t motor_encode_buzzer(const struct motor *motor, uint16_t freq_hz, struct board5_beat beat,
                           uint8_t *ret_bytes, size_t size);

#endif
