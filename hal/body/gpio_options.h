/* What can be configured about the GPIO chip, the keys and the lights. */
#ifndef HAL_BODY_GPIO_OPTIONS_H
#define HAL_BODY_GPIO_OPTIONS_H

#include <stdbool.h>

#include "hal/base/setting.h"

/* [gpio] */
struct gpio_options {
    char chip[SETTING_STRING_SIZE]; /* label, or path when there is a '/' in it */
};

enum keys_driver_choice {
    KEYS_DRIVER_GPIO,
    KEYS_DRIVER_SIM,
    KEYS_DRIVER_OFF,
};

/* [keys] */
struct keys_options {
    int driver;         /* enum keys_driver_choice */
    int64_t estop_line; /* of gpio, on the chip of [gpio] */
    int64_t start_line;
    bool lights;
    int64_t light1_line;
    int64_t light2_line;
    bool lights_active_low;
    int64_t debounce_ms;              /* of the start key alone */
    char socket[SETTING_STRING_SIZE]; /* of sim */
};

extern const struct setting_table gpio_table;
extern const struct setting_table keys_table;

#endif
