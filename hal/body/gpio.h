/* Single GPIO lines of one chip: keys, lights, and edges with the kernel's time stamps.
 *
 * There are two files behind this header, for libgpiod 1.6 (Debian 12) and 2.x (Debian 13); meson
 * chooses one. The chip is found by its label, because its number changes from kernel to kernel
 * (facts: gpiochip4, 0, 11 to 15 on the Pi 5, always "pinctrl-rp1"), or given as a path.
 *
 * A chip and its lines belong to one thread; several threads open the chip several times. Lines are
 * closed before their chip. Levels are logical: active, not high. No function here allocates, but
 * the _open ones; none waits, but gpio_line_wait.
 *
 * Functions return 0 or -errno, unless stated otherwise; -EIO where the library does not say why.
 */
#ifndef HAL_BODY_GPIO_H
#define HAL_BODY_GPIO_H

#include <stdbool.h>
#include <stdint.h>

struct gpio;
struct gpio_line;

enum gpio_result {
    GPIO_TIMEOUT = 1, /* no edge in time */
};

struct gpio_edge {
    int64_t time_ns; /* CLOCK_MONOTONIC, taken in the interrupt (kernel 5.7 and later) */
    bool rising;
};

/* `chip` is a label, or a path when there is a '/' in it. -ENODEV: no chip of that label, or the
 * path is none; -EACCES: there are chips that this user may not open, and none of the others is it.
 * Free with gpio_close, which accepts NULL. */
int gpio_open(const char *chip, struct gpio **ret_gpio);
void gpio_close(struct gpio *gpio);

/* A key to ground: pull-up, active low. -EBUSY: another program has the line; -EINVAL: the chip has
 * no such line (also of the other two). Free with gpio_line_close, which accepts NULL. */
int gpio_input_open(struct gpio *gpio, unsigned int number, struct gpio_line **ret_line);

/* A light or a trigger; inactive until it is set. */
int gpio_output_open(struct gpio *gpio, unsigned int number, bool active_low,
                     struct gpio_line **ret_line);

/* Both edges of an input, active high, with a pull-down: a wire that fell off is silent. */
int gpio_edges_open(struct gpio *gpio, unsigned int number, struct gpio_line **ret_line);

void gpio_line_close(struct gpio_line *line);

/* Of an input. */
int gpio_line_get(struct gpio_line *line, bool *ret_active);

/* Of an output. */
int gpio_line_set(struct gpio_line *line, bool active);

/* Waits for an edge: 0 when gpio_line_read has one, GPIO_TIMEOUT, or -errno. */
int gpio_line_wait(struct gpio_line *line, int64_t timeout_ns);

/* Takes the oldest edge; waits when there is none, so ask gpio_line_wait first. */
int gpio_line_read(struct gpio_line *line, struct gpio_edge *ret_edge);

#endif
