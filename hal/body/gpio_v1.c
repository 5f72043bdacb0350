/* See gpio.h. For libgpiod 1.6: a line is a part of its chip and stays valid as long as that is
 * open.
 *
 * The chips are tried by number instead of with the library's iterator, which gives up at the first
 * chip that cannot be opened, although the wanted one may come later.
 */
#include "hal/body/gpio.h"

#include <errno.h>
#include <gpiod.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hal/base/clock.h"

#define CHIPS_MAX 64
#define CONSUMER  "turbonav-safety"

struct gpio {
    struct gpiod_chip *chip;
};

struct gpio_line {
    struct gpiod_line *line;
};

static int failure(void)
{
    return errno > 0 ? -errno : -EIO;
}

static int chip_open(const char *path, struct gpiod_chip **ret_chip)
{
    struct gpiod_chip *chip;

    errno = 0;
    chip = gpiod_chip_open(path);
    if (chip == NULL) {
        /* What the library says of a file that is no chip. */
        bool no_chip = errno == ENOTTY || errno == ENOENT || errno == ENOTDIR || errno == EISDIR;

        return no_chip ? -ENODEV : failure();
    }
    *ret_chip = chip;
    return 0;
}

static int chip_find(const char *label, struct gpiod_chip **ret_chip)
{
    int found = -ENODEV;

    for (int i = 0; i < CHIPS_MAX; i++) {
        char path[sizeof("/dev/gpiochip") + 10];
        struct gpiod_chip *chip;
        int r;

        (void)snprintf(path, sizeof(path), "/dev/gpiochip%d", i);
        r = chip_open(path, &chip);
        if (r == -ENODEV) {
            continue;
        }
        if (r < 0) {
            found = r;
            continue;
        }
        if (strcmp(gpiod_chip_label(chip), label) == 0) {
            *ret_chip = chip;
            return 0;
        }
        gpiod_chip_close(chip);
    }
    return found;
}

int gpio_open(const char *chip, struct gpio **ret_gpio)
{
    struct gpio *gpio = calloc(1, sizeof(*gpio));
    int r;

    if (gpio == NULL) {
        return -ENOMEM;
    }
    r = strchr(chip, '/') != NULL ? chip_open(chip, &gpio->chip) : chip_find(chip, &gpio->chip);
    if (r < 0) {
        free(gpio);
        return r;
    }
    *ret_gpio = gpio;
    return 0;
}

void gpio_close(struct gpio *gpio)
{
    if (gpio == NULL) {
        return;
    }
    gpiod_chip_close(gpio->chip);
    free(gpio);
}

static int line_open(struct gpio *gpio, unsigned int number,
                     int (*request)(struct gpiod_line *line, int flags), int flags,
                     struct gpio_line **ret_line)
{
    struct gpio_line *line = calloc(1, sizeof(*line));

    if (line == NULL) {
        return -ENOMEM;
    }
    errno = 0;
    line->line = gpiod_chip_get_line(gpio->chip, number);
    if (line->line == NULL || request(line->line, flags) < 0) {
        int r = failure();

        free(line);
        return r;
    }
    *ret_line = line;
    return 0;
}

static int request_input(struct gpiod_line *line, int flags)
{
    return gpiod_line_request_input_flags(line, CONSUMER, flags);
}

static int request_output(struct gpiod_line *line, int flags)
{
    return gpiod_line_request_output_flags(line, CONSUMER, flags, 0);
}

static int request_edges(struct gpiod_line *line, int flags)
{
    return gpiod_line_request_both_edges_events_flags(line, CONSUMER, flags);
}

int gpio_input_open(struct gpio *gpio, unsigned int number, struct gpio_line **ret_line)
{
    int flags = GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_UP | GPIOD_LINE_REQUEST_FLAG_ACTIVE_LOW;

    return line_open(gpio, number, request_input, flags, ret_line);
}

int gpio_output_open(struct gpio *gpio, unsigned int number, bool active_low,
                     struct gpio_line **ret_line)
{
    int flags = active_low ? GPIOD_LINE_REQUEST_FLAG_ACTIVE_LOW : 0;

    return line_open(gpio, number, request_output, flags, ret_line);
}

int gpio_edges_open(struct gpio *gpio, unsigned int number, struct gpio_line **ret_line)
{
    return line_open(gpio, number, request_edges, GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_DOWN, ret_line);
}

void gpio_line_close(struct gpio_line *line)
{
    if (line == NULL) {
        return;
    }
    gpiod_line_release(line->line);
    free(line);
}

int gpio_line_get(struct gpio_line *line, bool *ret_active)
{
    int value;

    errno = 0;
    value = gpiod_line_get_value(line->line);
    if (value < 0) {
        return failure();
    }
    *ret_active = value > 0;
    return 0;
}

int gpio_line_set(struct gpio_line *line, bool active)
{
    errno = 0;
    return gpiod_line_set_value(line->line, active) < 0 ? failure() : 0;
}

int gpio_line_wait(struct gpio_line *line, int64_t timeout_ns)
{
    struct timespec timeout = {
        .tv_sec = timeout_ns / CLOCK_NS_PER_S,
        .tv_nsec = timeout_ns % CLOCK_NS_PER_S,
    };
    int r;

    errno = 0;
    r = gpiod_line_event_wait(line->line, &timeout);
    if (r < 0) {
        return failure();
    }
    return r == 0 ? GPIO_TIMEOUT : 0;
}

int gpio_line_read(struct gpio_line *line, struct gpio_edge *ret_edge)
{
    struct gpiod_line_event event;

    errno = 0;
    if (gpiod_line_event_read(line->line, &event) < 0) {
        return failure();
    }
    ret_edge->time_ns = (int64_t)event.ts.tv_sec * CLOCK_NS_PER_S + event.ts.tv_nsec;
    ret_edge->rising = event.event_type == GPIOD_LINE_EVENT_RISING_EDGE;
    return 0;
}
