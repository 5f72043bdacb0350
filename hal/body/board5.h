/* The bytes of the TurboPi's board for the Raspberry Pi 5 ("RasAdapter5", "RasAdapter5A"), which
 * sits on /dev/ttyAMA0 at 1 Mbaud: frames to the board, reports from it.
 *
 *     AA 55 func len data[len] crc8      crc8: CRC-8/MAXIM over func, len and data
 *
 * Numbers are little endian. Sources: ros_robot_controller_sdk.py of Hiwonder/TurboPi and the
 * vendor's documented packets; the worked packets are in tests/unit/board5_test.c. The sibling
 * board "RRC Lite" has the same frames but another meaning of the duty command: never send to it.
 *
 * Pure: no I/O, clock or allocation. Caller's memory, one thread per decoder.
 */
#ifndef HAL_BODY_BOARD5_H
#define HAL_BODY_BOARD5_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BOARD5_BAUD          1000000
#define BOARD5_MOTORS        4
#define BOARD5_FULL_PERMILLE 1000 /* duty */
#define BOARD5_SERVOS        6    /* PWM ports, counted from 1 */
#define BOARD5_PULSE_MIN_US  500
#define BOARD5_PULSE_MAX_US  2500
#define BOARD5_MOVE_MAX_MS   30000
#define BOARD5_LIGHTS        2  /* RGB */
#define BOARD5_DATA_MAX      36 /* longest known: SBUS report; longer is noise */
#define BOARD5_FRAME_MAX     (BOARD5_DATA_MAX + 5)
#define BOARD5_MOTORS_SIZE   27 /* of a frame with all four duties */

enum board5_func {
    BOARD5_FUNC_SYS = 0,
    BOARD5_FUNC_LED = 1,
    BOARD5_FUNC_BUZZER = 2,
    BOARD5_FUNC_MOTOR = 3,
    BOARD5_FUNC_SERVO = 4,
    BOARD5_FUNC_BUS_SERVO = 5,
    BOARD5_FUNC_KEY = 6,
    BOARD5_FUNC_IMU = 7,
    BOARD5_FUNC_GAMEPAD = 8,
    BOARD5_FUNC_SBUS = 9,
    BOARD5_FUNC_OLED = 10,
    BOARD5_FUNC_RGB = 11,
    BOARD5_FUNC_COUNT, /* from here on: noise */
};

/* Frames to the board.
 *
 * Each function writes one whole frame to `ret_bytes` and returns its size, or writes nothing and
 * returns 0: `size` is too small for it, or an argument is outside of what is stated. */

/* Any function and data, 1..BOARD5_DATA_MAX bytes. Also builds the board's reports. */
size_t board5_encode(enum board5_func func, const uint8_t *data, size_t data_size,
                     uint8_t *ret_bytes, size_t size);

/* Duty of motors 1 to 4, in permille of full: -1000..1000, as the board understands the sign
 * (mirrored motors are not its concern). The board keeps a duty for ever: it has no time-out that
 * anybody knows of. */
size_t board5_encode_motors(const int duty_permille[BOARD5_MOTORS], uint8_t *ret_bytes,
                            size_t size);

/* All four duties 0. */
size_t board5_encode_stop(uint8_t *ret_bytes, size_t size);

/* A row of beeps or flashes. All zero: off. */
struct board5_beat {
    uint16_t on_ms;
    uint16_t off_ms; /* with on_ms > 0 never 0: it can then stay on for ever */
    uint16_t repeat;
};

size_t board5_encode_buzzer(uint16_t freq_hz, struct board5_beat beat, uint8_t *ret_bytes,
                            size_t size);

/* `led` counts from 1. */
size_t board5_encode_led(uint8_t led, struct board5_beat beat, uint8_t *ret_bytes, size_t size);

struct board5_light {
    uint8_t index; /* 0, 1 */
    uint8_t red, green, blue;
};

/* 1..BOARD5_LIGHTS of them. */
size_t board5_encode_lights(const struct board5_light *lights, size_t count, uint8_t *ret_bytes,
                            size_t size);

struct board5_move {
    uint8_t servo;     /* 1..BOARD5_SERVOS */
    uint16_t pulse_us; /* 500..2500; what the mechanism stands is the caller's */
};

/* 1..BOARD5_SERVOS of them, that get there together after 0..30000 ms. A port keeps its last pulse
 * for ever: there is no "off". */
size_t board5_encode_moves(const struct board5_move *moves, size_t count, uint16_t move_ms,
                           uint8_t *ret_bytes, size_t size);

/* Asks for a BOARD5_REPORT_SERVO of servo 1..BOARD5_SERVOS. */
size_t board5_encode_servo_read(uint8_t servo, uint8_t *ret_bytes, size_t size);

/* Reports from the board. */

enum board5_kind {
    BOARD5_REPORT_OTHER,   /* a whole frame, of no interest: see func and data */
    BOARD5_REPORT_BATTERY, /* value: mV; about once a second, unasked */
    BOARD5_REPORT_KEY,     /* value: event of key `id`; nobody saw this board send it */
    BOARD5_REPORT_SERVO,   /* value: us that servo `id` was last told, 0 since power-up; no
                              feedback */
};

struct board5_report {
    enum board5_kind kind;
    int id;
    int value;
    enum board5_func func;
    size_t size; /* of data */
    uint8_t data[BOARD5_DATA_MAX];
};

/* Zeroed: ready. Fields are the decoder's; the counters may be read. */
struct board5_decoder {
    uint64_t frames;     /* whole ones with a good CRC */
    uint64_t bad_frames; /* that looked like one until the CRC */
    uint64_t bad_bytes;  /* that belonged to no frame */
    size_t size;
    uint8_t bytes[BOARD5_FRAME_MAX];
};

/* Takes bytes from *bytes until a frame is complete or *size is 0, and moves both on. True: a
 * report. Call until it returns false. Total: any bytes in pieces of any size; behind any noise at
 * most one frame is lost. */
bool board5_next(struct board5_decoder *decoder, const uint8_t **bytes, size_t *size,
                 struct board5_report *ret_report);

#endif
