/* What can be configured about the ultrasonic sensor. */
#ifndef HAL_BODY_SONAR_OPTIONS_H
#define HAL_BODY_SONAR_OPTIONS_H

#include "hal/base/setting.h"

enum sonar_driver_choice {
    SONAR_DRIVER_I2C,
    SONAR_DRIVER_HCSR04,
    SONAR_DRIVER_SIM,
    SONAR_DRIVER_OFF,
};

/* [sonar] */
struct sonar_options {
    int driver;                       /* enum sonar_driver_choice */
    char device[SETTING_STRING_SIZE]; /* of i2c */
    int64_t trigger_line;             /* of hcsr04, on the chip of [gpio] */
    int64_t echo_line;
    char socket[SETTING_STRING_SIZE]; /* of sim */
    int64_t stale_ms;
};

extern const struct setting_table sonar_table;

#endif
