/* See keys.h. The start key's judge is ready after a debounced release and fires on a debounced
 * press; a level that cannot be read takes the readiness away, so that a loose wire starts nothing.
 */
#include "hal/body/keys.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "hal/base/clock.h"
#include "hal/body/gpio.h"
#include "hal/body/sim_input.h"

#define BLINK_FAULT_NS (CLOCK_NS_PER_S / 4) /* on, and as long off */
#define BLINK_READY_NS (CLOCK_NS_PER_S / 2)

void keys_judge_init(struct keys_judge *judge, int64_t debounce_ms)
{
    *judge = (struct keys_judge){.debounce_ns = debounce_ms * CLOCK_NS_PER_MS};
}

static bool start_step(struct keys_judge *judge, enum keys_level level, int64_t now_ns)
{
    if (level != judge->seen) {
        judge->seen = level;
        judge->since_ns = now_ns;
    }
    if (level != KEYS_RELEASED && level != KEYS_PRESSED) {
        judge->ready = false;
        return false;
    }
    if (now_ns - judge->since_ns < judge->debounce_ns) {
        return false;
    }
    if (level == KEYS_RELEASED) {
        judge->ready = true;
        return false;
    }
    if (!judge->ready) {
        return false;
    }
    judge->ready = false;
    return true;
}

struct keys_verdict keys_judge_step(struct keys_judge *judge, const struct keys_levels *levels,
                                    int64_t now_ns)
{
    return (struct keys_verdict){
        .estop_released = levels->estop == KEYS_RELEASED || levels->estop == KEYS_OFF,
        .start = start_step(judge, levels->start, now_ns),
        .unreadable = levels->estop == KEYS_UNREADABLE || levels->start == KEYS_UNREADABLE,
        .off = levels->estop == KEYS_OFF,
    };
}

static bool blink(int64_t now_ns, int64_t half_ns)
{
    return now_ns / half_ns % 2 == 0;
}

struct keys_lights keys_lights_of(enum keys_mode mode, int64_t now_ns)
{
    struct keys_lights lights = {0};

    switch (mode) {
    case KEYS_MODE_FAULT:
        lights.light1 = blink(now_ns, BLINK_FAULT_NS);
        break;
    case KEYS_MODE_ESTOP:
        lights.light1 = true;
        break;
    case KEYS_MODE_READY:
        lights.light2 = blink(now_ns, BLINK_READY_NS);
        break;
    case KEYS_MODE_ARMED:
        lights.light2 = true;
        break;
    }
    return lights;
}

/* --- gpio --- */

struct board {
    struct gpio *gpio;
    struct gpio_line *estop, *start;
    struct gpio_line *light1, *light2; /* both or none */
    int light_error;                   /* why none; 0: not wanted */
};

static void board_close(void *argument)
{
    struct board *board = argument;

    gpio_line_close(board->light2);
    gpio_line_close(board->light1);
    gpio_line_close(board->start);
    gpio_line_close(board->estop);
    gpio_close(board->gpio);
    free(board);
}

static int keys_request(struct board *board, const struct keys_place *place)
{
    int r = gpio_open(place->gpio->chip, &board->gpio);

    if (r == 0) {
        r = gpio_input_open(board->gpio, (unsigned int)place->options->estop_line, &board->estop);
    }
    if (r == 0) {
        r = gpio_input_open(board->gpio, (unsigned int)place->options->start_line, &board->start);
    }
    return r;
}

static void lights_request(struct board *board, const struct keys_options *options)
{
    int r = gpio_output_open(board->gpio, (unsigned int)options->light1_line,
                             options->lights_active_low, &board->light1);

    if (r == 0) {
        r = gpio_output_open(board->gpio, (unsigned int)options->light2_line,
                             options->lights_active_low, &board->light2);
    }
    if (r < 0) {
        gpio_line_close(board->light1);
        board->light1 = NULL;
        board->light_error = r;
    }
}

static int board_open(const struct keys_place *place, void **ret_device)
{
    struct board *board = calloc(1, sizeof(*board));
    int r;

    if (board == NULL) {
        return -ENOMEM;
    }
    r = keys_request(board, place);
    if (r < 0) {
        board_close(board);
        return r;
    }
    if (place->options->lights) {
        lights_request(board, place->options);
    }
    *ret_device = board;
    return 0;
}

static enum keys_level level_get(struct gpio_line *line)
{
    bool active;

    if (gpio_line_get(line, &active) < 0) {
        return KEYS_UNREADABLE;
    }
    return active ? KEYS_PRESSED : KEYS_RELEASED;
}

static struct keys_levels board_read(void *argument, int64_t now_ns)
{
    const struct board *board = argument;

    (void)now_ns;
    return (struct keys_levels){level_get(board->estop), level_get(board->start)};
}

static int board_light(void *argument, const struct keys_lights *lights)
{
    const struct board *board = argument;
    int r, r2;

    if (board->light1 == NULL) {
        return board->light_error;
    }
    r = gpio_line_set(board->light1, lights->light1);
    r2 = gpio_line_set(board->light2, lights->light2);
    return r < 0 ? r : r2;
}

static const struct keys_driver driver_gpio = {
    .name = "gpio",
    .open = board_open,
    .close = board_close,
    .read = board_read,
    .light = board_light,
};

/* --- Any driver. --- */

static const struct keys_driver driver_off = {.name = "off"};

static const struct keys_driver *const drivers[] = {
    [KEYS_DRIVER_GPIO] = &driver_gpio,
    [KEYS_DRIVER_SIM] = &sim_input_keys_driver,
    [KEYS_DRIVER_OFF] = &driver_off,
};

struct keys {
    const struct keys_driver *driver;
    void *device;
    struct keys_lights lights; /* as they are */
    bool known;                /* false: nobody knows how they are */
};

int keys_open(const struct keys_options *options, const struct gpio_options *gpio, bool sim_allowed,
              struct keys **ret_keys)
{
    const struct keys_place place = {options, gpio, sim_allowed};
    struct keys *keys = calloc(1, sizeof(*keys));
    int r;

    if (keys == NULL) {
        return -ENOMEM;
    }
    keys->driver = drivers[options->driver];
    if (keys->driver->open != NULL) {
        r = keys->driver->open(&place, &keys->device);
        if (r < 0) {
            free(keys);
            return r;
        }
    }
    *ret_keys = keys;
    return 0;
}

void keys_close(struct keys *keys)
{
    if (keys == NULL) {
        return;
    }
    if (keys->driver->close != NULL) {
        keys->driver->close(keys->device);
    }
    free(keys);
}

struct keys_levels keys_read(struct keys *keys, int64_t now_ns)
{
    if (keys->driver->read == NULL) {
        return (struct keys_levels){KEYS_OFF, KEYS_OFF};
    }
    return keys->driver->read(keys->device, now_ns);
}

int keys_show(struct keys *keys, enum keys_mode mode, int64_t now_ns)
{
    struct keys_lights lights = keys_lights_of(mode, now_ns);
    int r;

    if (keys->driver->light == NULL) {
        return 0;
    }
    if (keys->known && lights.light1 == keys->lights.light1 &&
        lights.light2 == keys->lights.light2) {
        return 0;
    }
    r = keys->driver->light(keys->device, &lights);
    keys->lights = lights;
    keys->known = r == 0;
    return r;
}

const char *keys_name(const struct keys *keys)
{
    return keys->driver->name;
}
