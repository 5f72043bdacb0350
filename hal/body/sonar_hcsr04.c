/* See sonar_hcsr04.h. Before each trigger the edges that are left over from the last measurement
 * are thrown away, and an edge from before the trigger is never taken for its echo. A module that
 * hears nothing holds the echo for 38 ms, which decodes as no echo.
 */
#include "hal/body/sonar_hcsr04.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "hal/base/clock.h"
#include "hal/body/gpio.h"

#define PERIOD_MS     60
#define TRIGGER_US    12
#define LEFT_OVER_MAX 64 /* edges; more than the kernel queues of one line */

struct device {
    struct gpio *gpio;
    struct gpio_line *trigger;
    struct gpio_line *echo;
};

enum sonar_kind sonar_hcsr04_decode(int64_t width_ns, int32_t *ret_mm)
{
    int64_t mm = width_ns / SONAR_HCSR04_NS_PER_MM;
    enum sonar_kind kind;

    if (width_ns < 0) {
        return SONAR_NONSENSE;
    }
    if (mm >= SONAR_FAR_MM) {
        return SONAR_NO_ECHO;
    }
    kind = sonar_classify((int32_t)mm);
    if (kind == SONAR_GOOD) {
        *ret_mm = (int32_t)mm;
    }
    return kind;
}

static void device_close(void *argument)
{
    struct device *device = argument;

    gpio_line_close(device->echo);
    gpio_line_close(device->trigger);
    gpio_close(device->gpio);
    free(device);
}

static int device_open(const struct sonar_place *place, void **ret_device)
{
    const struct sonar_options *options = &place->options;
    struct device *device = calloc(1, sizeof(*device));
    int r;

    if (device == NULL) {
        return -ENOMEM;
    }
    r = gpio_open(place->gpio.chip, &device->gpio);
    if (r == 0) {
        r = gpio_output_open(device->gpio, (unsigned int)options->trigger_line, false,
                             &device->trigger);
    }
    if (r == 0) {
        r = gpio_edges_open(device->gpio, (unsigned int)options->echo_line, &device->echo);
    }
    if (r < 0) {
        device_close(device);
        return r;
    }
    *ret_device = device;
    return 0;
}

static int edges_drop(struct device *device)
{
    int r = 0;

    for (int i = 0; i < LEFT_OVER_MAX && r == 0; i++) {
        struct gpio_edge edge;

        r = gpio_line_wait(device->echo, 0);
        if (r == 0) {
            r = gpio_line_read(device->echo, &edge);
        }
    }
    return r < 0 ? r : 0;
}

static int trigger(struct device *device)
{
    const struct timespec time = {.tv_nsec = TRIGGER_US * 1000};
    int r = gpio_line_set(device->trigger, true);

    if (r < 0) {
        return r;
    }
    (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
    return gpio_line_set(device->trigger, false);
}

/* The next such edge that is not older than `since_ns`: 0, GPIO_TIMEOUT or -errno. */
static int edge_wait(struct device *device, bool rising, int64_t since_ns, int64_t deadline_ns,
                     int64_t *ret_time_ns)
{
    for (int64_t rest_ns; (rest_ns = deadline_ns - clock_now_ns()) > 0;) {
        struct gpio_edge edge;
        int r = gpio_line_wait(device->echo, rest_ns);

        if (r == 0) {
            r = gpio_line_read(device->echo, &edge);
        }
        if (r != 0) {
            return r;
        }
        if (edge.rising == rising && edge.time_ns >= since_ns) {
            *ret_time_ns = edge.time_ns;
            return 0;
        }
    }
    return GPIO_TIMEOUT;
}

static int echo_measure(struct device *device, int64_t trigger_ns, int64_t *ret_width_ns)
{
    int64_t deadline_ns = trigger_ns + SONAR_HCSR04_ECHO_MS * CLOCK_NS_PER_MS;
    int64_t rise_ns = trigger_ns, fall_ns = trigger_ns;
    int r = edges_drop(device);

    if (r == 0) {
        r = trigger(device);
    }
    if (r == 0) {
        r = edge_wait(device, true, trigger_ns, deadline_ns, &rise_ns);
    }
    if (r == 0) {
        r = edge_wait(device, false, rise_ns, deadline_ns, &fall_ns);
    }
    if (r == 0) {
        *ret_width_ns = fall_ns - rise_ns;
    }
    return r;
}

static void device_measure(void *argument, struct sonar_reading *ret_reading)
{
    struct sonar_reading reading = {.time_ns = clock_now_ns()};
    int64_t width_ns = -1;
    int r = echo_measure(argument, reading.time_ns, &width_ns);

    if (r < 0) {
        reading.kind = SONAR_BUS;
        reading.error = r;
    } else if (r == GPIO_TIMEOUT) {
        reading.kind = SONAR_TIMEOUT;
    } else {
        reading.kind = sonar_hcsr04_decode(width_ns, &reading.mm);
    }
    *ret_reading = reading;
}

const struct sonar_driver sonar_hcsr04_driver = {
    .name = "hcsr04",
    .period_ms = PERIOD_MS,
    .open = device_open,
    .close = device_close,
    .measure = device_measure,
};
