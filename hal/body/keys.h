/* The two keys and two lights on the motor board: KEY1 is the e-stop, KEY2 starts.
 *
 * The e-stop works by level: whoever reads it pressed once has read it pressed, without debouncing,
 * and a key that cannot be read is pressed. The start key is debounced and gives one edge for each
 * press; one that is down at the start gives none. What latches, and what an edge may do, is the
 * safety process's affair.
 *
 * One thread: the loop. Reading and showing are one short ioctl for each line and allocate nothing.
 * (Source of the lines: facts, hardware section 4.)
 */
#ifndef HAL_BODY_KEYS_H
#define HAL_BODY_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "hal/body/gpio_options.h"

enum keys_level {
    KEYS_UNREADABLE = 0,
    KEYS_RELEASED,
    KEYS_PRESSED,
    KEYS_OFF, /* by configuration */
};

struct keys_levels {
    enum keys_level estop;
    enum keys_level start;
};

/* --- The judge: pure, one thread, caller's memory. --- */

/* Zeroed: stop. */
struct keys_verdict {
    bool estop_released; /* not pressed, or switched off; false when it cannot be read */
    bool start;          /* in one step for each press */
    bool unreadable;     /* either of them */
    bool off;
};

struct keys_judge {
    int64_t debounce_ns;
    int64_t since_ns;     /* the start key has its level since then */
    enum keys_level seen; /* that level */
    bool ready;           /* it was released for long enough: the next press counts */
};

void keys_judge_init(struct keys_judge *judge, int64_t debounce_ms);

/* Once per tick. */
struct keys_verdict keys_judge_step(struct keys_judge *judge, const struct keys_levels *levels,
                                    int64_t now_ns);

/* --- The lights. --- */

enum keys_mode {
    KEYS_MODE_FAULT = 0, /* light 1 blinks twice a second */
    KEYS_MODE_ESTOP,     /* light 1 */
    KEYS_MODE_READY,     /* light 2 blinks once a second */
    KEYS_MODE_ARMED,     /* light 2 */
};

struct keys_lights {
    bool light1;
    bool light2;
};

/* Pure. */
struct keys_lights keys_lights_of(enum keys_mode mode, int64_t now_ns);

/* --- The device. --- */

struct keys;

struct keys_place {
    const struct keys_options *options;
    const struct gpio_options *gpio;
    bool sim_allowed;
};

/* `place` is valid during `open` alone. */
struct keys_driver {
    const char *name;
    /* 0 or -errno; -EPERM: simulated, and that is not allowed. */
    int (*open)(const struct keys_place *place, void **ret_device);
    void (*close)(void *device);
    struct keys_levels (*read)(void *device, int64_t now_ns);
    int (*light)(void *device, const struct keys_lights *lights); /* 0 or -errno; NULL: none */
};

/* -EPERM: the driver is `sim` and `sim_allowed` is not set (SIM_INPUT_REFUSED says it in words);
 * otherwise what gpio.h says of the chip and of the two keys. A light that cannot be had is no
 * error here, but of keys_show. Free with keys_close, which accepts NULL. */
int keys_open(const struct keys_options *options, const struct gpio_options *gpio, bool sim_allowed,
              struct keys **ret_keys);
void keys_close(struct keys *keys);

/* What the keys are now. Switched off: KEYS_OFF. */
struct keys_levels keys_read(struct keys *keys, int64_t now_ns);

/* Sets the lights when they have to change; after an error, again. 0, also without lights, or
 * -errno. */
int keys_show(struct keys *keys, enum keys_mode mode, int64_t now_ns);

/* "gpio", "sim", "off". */
const char *keys_name(const struct keys *keys);

#endif
