/* See gpio_options.h. Chip and lines as the car has them (facts, hardware section 4). */
#include "hal/body/gpio_options.h"

#include <stddef.h>

static const char *check_chip(const char *value)
{
    return value[0] == '\0' ? "the label or the path of a GPIO chip" : NULL;
}

static const char *const driver_choices[] = {"gpio", "sim", "off", NULL};

static const struct setting gpio_settings[] = {
    {.key = "chip",
     .type = SETTING_STRING,
     .offset = offsetof(struct gpio_options, chip),
     .fallback = "pinctrl-rp1",
     .check = check_chip,
     .help = "label of the chip with the keys (its number changes with the kernel), or its path"},
};

const struct setting_table gpio_table = {
    .section = "gpio",
    .settings = gpio_settings,
    .count = sizeof(gpio_settings) / sizeof(gpio_settings[0]),
    .size = sizeof(struct gpio_options),
    .help = "The Pi's input and output lines",
};

#define FIELD(name) offsetof(struct keys_options, name)
static const struct setting keys_settings[] = {
    {.key = "driver",
     .type = SETTING_CHOICE,
     .offset = FIELD(driver),
     .fallback = "gpio",
     .choices = driver_choices,
     .help = "the two keys; off has no e-stop key, sim is for a car of ptys alone"},
    {.key = "estop_line",
     .type = SETTING_NUMBER,
     .offset = FIELD(estop_line),
     .fallback = "13",
     .min = 0,
     .max = 63,
     .help = "GPIO line of the e-stop key, KEY1 (gpio)"},
    {.key = "start_line",
     .type = SETTING_NUMBER,
     .offset = FIELD(start_line),
     .fallback = "23",
     .min = 0,
     .max = 63,
     .help = "GPIO line of the start key, KEY2 (gpio)"},
    {.key = "lights",
     .type = SETTING_BOOL,
     .offset = FIELD(lights),
     .fallback = "yes",
     .help = "show the state on LED1 and LED2 (gpio)"},
    {.key = "light1_line",
     .type = SETTING_NUMBER,
     .offset = FIELD(light1_line),
     .fallback = "16",
     .min = 0,
     .max = 63,
     .help = "GPIO line of LED1, the blue one: stopped (gpio)"},
    {.key = "light2_line",
     .type = SETTING_NUMBER,
     .offset = FIELD(light2_line),
     .fallback = "26",
     .min = 0,
     .max = 63,
     .help = "GPIO line of LED2: ready or driving (gpio)"},
    {.key = "lights_active_low",
     .type = SETTING_BOOL,
     .offset = FIELD(lights_active_low),
     .fallback = "no",
     .help = "the lights are on when their line is low; the vendor does not say"},
    {.key = "debounce",
     .type = SETTING_NUMBER,
     .offset = FIELD(debounce_ms),
     .unit = "ms",
     .fallback = "30",
     .min = 10,
     .max = 200,
     .help = "how long the start key has to keep its level; the e-stop key acts at once"},
    {.key = "socket",
     .type = SETTING_PATH,
     .offset = FIELD(socket),
     .fallback = "/run/turbonav/sim-keys.sock",
     .help = "where the simulator sends its keys (sim)"},
};
#undef FIELD

const struct setting_table keys_table = {
    .section = "keys",
    .settings = keys_settings,
    .count = sizeof(keys_settings) / sizeof(keys_settings[0]),
    .size = sizeof(struct keys_options),
    .help = "E-stop key, start key and lights on the board",
};
