/* See gpio.h. For libgpiod 2.x: a line is a request of one offset with a descriptor of its own. Its
 * time stamps are CLOCK_MONOTONIC unless asked for otherwise.
 */
#include "hal/body/gpio.h"

#include <errno.h>
#include <gpiod.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHIPS_MAX 64
#define CONSUMER  "turbonav-safety"

struct gpio {
    struct gpiod_chip *chip;
};

struct gpio_line {
    struct gpiod_line_request *request;
    struct gpiod_edge_event_buffer *events; /* room for one; only of edges */
    unsigned int offset;
};

/* What is wanted of a line. */
struct wish {
    enum gpiod_line_direction direction;
    enum gpiod_line_bias bias;
    enum gpiod_line_edge edges;
    bool active_low;
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

static bool has_label(struct gpiod_chip *chip, const char *label)
{
    struct gpiod_chip_info *info = gpiod_chip_get_info(chip);
    bool has = info != NULL && strcmp(gpiod_chip_info_get_label(info), label) == 0;

    if (info != NULL) {
        gpiod_chip_info_free(info);
    }
    return has;
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
        if (has_label(chip, label)) {
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

static int settings_fill(struct gpiod_line_settings *settings, const struct wish *wish)
{
    gpiod_line_settings_set_active_low(settings, wish->active_low);
    if (gpiod_line_settings_set_direction(settings, wish->direction) < 0 ||
        gpiod_line_settings_set_bias(settings, wish->bias) < 0 ||
        gpiod_line_settings_set_edge_detection(settings, wish->edges) < 0 ||
        gpiod_line_settings_set_output_value(settings, GPIOD_LINE_VALUE_INACTIVE) < 0) {
        return failure();
    }
    return 0;
}

/* The library's objects that only live as long as a request is made. */
struct request_parts {
    struct gpiod_line_settings *settings;
    struct gpiod_line_config *lines;
    struct gpiod_request_config *request;
};

static int request_make(struct gpio *gpio, const struct request_parts *parts,
                        const struct wish *wish, struct gpio_line *line)
{
    int r;

    if (parts->settings == NULL || parts->lines == NULL || parts->request == NULL) {
        return -ENOMEM;
    }
    r = settings_fill(parts->settings, wish);
    if (r < 0) {
        return r;
    }
    if (gpiod_line_config_add_line_settings(parts->lines, &line->offset, 1, parts->settings) < 0) {
        return failure();
    }
    gpiod_request_config_set_consumer(parts->request, CONSUMER);
    line->request = gpiod_chip_request_lines(gpio->chip, parts->request, parts->lines);
    return line->request == NULL ? failure() : 0;
}

static int line_request(struct gpio *gpio, const struct wish *wish, struct gpio_line *line)
{
    struct request_parts parts = {
        .settings = gpiod_line_settings_new(),
        .lines = gpiod_line_config_new(),
        .request = gpiod_request_config_new(),
    };
    int r;

    errno = 0;
    r = request_make(gpio, &parts, wish, line);
    if (parts.request != NULL) {
        gpiod_request_config_free(parts.request);
    }
    if (parts.lines != NULL) {
        gpiod_line_config_free(parts.lines);
    }
    if (parts.settings != NULL) {
        gpiod_line_settings_free(parts.settings);
    }
    return r;
}

static int line_open(struct gpio *gpio, unsigned int number, const struct wish *wish,
                     struct gpio_line **ret_line)
{
    struct gpio_line *line = calloc(1, sizeof(*line));
    int r;

    if (line == NULL) {
        return -ENOMEM;
    }
    line->offset = number;
    if (wish->edges != GPIOD_LINE_EDGE_NONE) {
        line->events = gpiod_edge_event_buffer_new(1);
        if (line->events == NULL) {
            r = -ENOMEM;
            goto fail;
        }
    }
    r = line_request(gpio, wish, line);
    if (r < 0) {
        goto fail;
    }
    *ret_line = line;
    return 0;

fail:
    gpio_line_close(line);
    return r;
}

int gpio_input_open(struct gpio *gpio, unsigned int number, struct gpio_line **ret_line)
{
    const struct wish wish = {
        .direction = GPIOD_LINE_DIRECTION_INPUT,
        .bias = GPIOD_LINE_BIAS_PULL_UP,
        .edges = GPIOD_LINE_EDGE_NONE,
        .active_low = true,
    };

    return line_open(gpio, number, &wish, ret_line);
}

int gpio_output_open(struct gpio *gpio, unsigned int number, bool active_low,
                     struct gpio_line **ret_line)
{
    const struct wish wish = {
        .direction = GPIOD_LINE_DIRECTION_OUTPUT,
        .bias = GPIOD_LINE_BIAS_AS_IS,
        .edges = GPIOD_LINE_EDGE_NONE,
        .active_low = active_low,
    };

    return line_open(gpio, number, &wish, ret_line);
}

int gpio_edges_open(struct gpio *gpio, unsigned int number, struct gpio_line **ret_line)
{
    const struct wish wish = {
        .direction = GPIOD_LINE_DIRECTION_INPUT,
        .bias = GPIOD_LINE_BIAS_PULL_DOWN,
        .edges = GPIOD_LINE_EDGE_BOTH,
    };

    return line_open(gpio, number, &wish, ret_line);
}

void gpio_line_close(struct gpio_line *line)
{
    if (line == NULL) {
        return;
    }
    if (line->request != NULL) {
        gpiod_line_request_release(line->request);
    }
    if (line->events != NULL) {
        gpiod_edge_event_buffer_free(line->events);
    }
    free(line);
}

int gpio_line_get(struct gpio_line *line, bool *ret_active)
{
    enum gpiod_line_value value;

    errno = 0;
    value = gpiod_line_request_get_value(line->request, line->offset);
    if (value == GPIOD_LINE_VALUE_ERROR) {
        return failure();
    }
    *ret_active = value == GPIOD_LINE_VALUE_ACTIVE;
    return 0;
}

int gpio_line_set(struct gpio_line *line, bool active)
{
    enum gpiod_line_value value = active ? GPIOD_LINE_VALUE_ACTIVE : GPIOD_LINE_VALUE_INACTIVE;

    errno = 0;
    return gpiod_line_request_set_value(line->request, line->offset, value) < 0 ? failure() : 0;
}

int gpio_line_wait(struct gpio_line *line, int64_t timeout_ns)
{
    int r;

    errno = 0;
    r = gpiod_line_request_wait_edge_events(line->request, timeout_ns);
    if (r < 0) {
        return failure();
    }
    return r == 0 ? GPIO_TIMEOUT : 0;
}

int gpio_line_read(struct gpio_line *line, struct gpio_edge *ret_edge)
{
    struct gpiod_edge_event *event;

    errno = 0;
    if (gpiod_line_request_read_edge_events(line->request, line->events, 1) != 1) {
        return failure();
    }
    event = gpiod_edge_event_buffer_get_event(line->events, 0);
    if (event == NULL) {
        return failure();
    }
    ret_edge->time_ns = (int64_t)gpiod_edge_event_get_timestamp_ns(event);
    ret_edge->rising = gpiod_edge_event_get_event_type(event) == GPIOD_EDGE_EVENT_RISING_EDGE;
    return 0;
}
