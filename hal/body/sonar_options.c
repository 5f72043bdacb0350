/* See sonar_options.h. Lines and device as the car has them (facts, hardware section 3). */
#include "hal/body/sonar_options.h"

#include <stddef.h>

static const char *const driver_choices[] = {"i2c", "hcsr04", "sim", "off", NULL};

#define FIELD(name) offsetof(struct sonar_options, name)
static const struct setting sonar_settings[] = {
    {.key = "driver",
     .type = SETTING_CHOICE,
     .offset = FIELD(driver),
     .fallback = "i2c",
     .choices = driver_choices,
     .help = "the sensor; off drives slower, sim is for a car of ptys alone"},
    {.key = "device",
     .type = SETTING_PATH,
     .offset = FIELD(device),
     .fallback = "/dev/i2c-1",
     .help = "I2C bus of the glowing sensor, which answers at 0x77 (i2c)"},
    {.key = "trigger_line",
     .type = SETTING_NUMBER,
     .offset = FIELD(trigger_line),
     .fallback = "22",
     .min = 0,
     .max = 63,
     .help = "GPIO line that starts a measurement (hcsr04)"},
    {.key = "echo_line",
     .type = SETTING_NUMBER,
     .offset = FIELD(echo_line),
     .fallback = "24",
     .min = 0,
     .max = 63,
     .help = "GPIO line of the echo, behind a divider: its 5 V are too much for the Pi (hcsr04)"},
    {.key = "socket",
     .type = SETTING_PATH,
     .offset = FIELD(socket),
     .fallback = "/run/turbonav/sim-sonar.sock",
     .help = "where the simulator sends its distances (sim)"},
    {.key = "stale",
     .type = SETTING_NUMBER,
     .offset = FIELD(stale_ms),
     .unit = "ms",
     .fallback = "120",
     .min = 60,
     .max = 500,
     .help = "a reading whose trigger is longer ago is a fault"},
};
#undef FIELD

const struct setting_table sonar_table = {
    .section = "sonar",
    .settings = sonar_settings,
    .count = sizeof(sonar_settings) / sizeof(sonar_settings[0]),
    .size = sizeof(struct sonar_options),
    .help = "The ultrasonic sensor; it can only close the way, never open it",
};
