/* What can be configured about the wheels: the board, how the wheels hang on it, and the battery.
 */
#ifndef HAL_BODY_MOTOR_OPTIONS_H
#define HAL_BODY_MOTOR_OPTIONS_H

#include <stdint.h>

#include "hal/base/setting.h"
#include "hal/body/battery.h"
#include "hal/body/mecanum.h"

/* Of the GPIO header of a Pi 5; /dev/serial0 is another one there. */
#define MOTOR_DEVICE "/dev/ttyAMA0"

enum motor_driver_choice {
    MOTOR_DRIVER_AUTO,
    MOTOR_DRIVER_BOARD5,
    MOTOR_DRIVER_NULL,
};

/* [motor] */
struct motor_options {
    int driver; /* enum motor_driver_choice */
    char device[SETTING_STRING_SIZE];
    char signs[SETTING_STRING_SIZE]; /* "- + - +": motors 1 to 4 */
    char trims[SETTING_STRING_SIZE]; /* "100 100 100 100": percent */
    char table[SETTING_STRING_SIZE]; /* "200:40 500:100": mm/s:percent of duty */
    int64_t arm_mm;
    int64_t dead_band_percent;
    int64_t turn_left_percent;
    int64_t turn_right_percent;
    int64_t slew_percent; /* of full duty, in a tick */
};

/* [battery] */
struct battery_options {
    int64_t warn_mv;
    int64_t stop_mv;
    int64_t recover_mv;
    int64_t silence_ms;
};

extern const struct setting_table motor_table;
extern const struct setting_table battery_table;

/* The wheels' settings, read from the strings. NULL; or what was expected, as the end of the
 * sentence "[motor]: expected ...", and `ret_settings` is untouched: each key by itself was checked
 * by its table, but the dead band must also lie below the table's first duty. */
const char *motor_options_settings(const struct motor_options *options,
                                   struct mecanum_settings *ret_settings);

/* NULL, or what was expected: `stop` must not lie above `warn`. */
const char *battery_options_limits(const struct battery_options *options,
                                   struct battery_limits *ret_limits);

#endif
