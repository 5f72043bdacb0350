/* What can be configured about the safety process itself. */
#ifndef SAFETY_SAFETY_OPTIONS_H
#define SAFETY_SAFETY_OPTIONS_H

#include <stdbool.h>

#include "hal/base/setting.h"

/* [safety] */
struct safety_options {
    char socket[SETTING_STRING_SIZE];
    char latch[SETTING_STRING_SIZE];
    char group[SETTING_STRING_SIZE]; /* whose members may connect; "": none */
    int64_t brake_ms;
    int64_t frame_ms;
    int64_t travel_mm;
    int64_t late_ms;
};

/* [look] */
struct look_options {
    int64_t pan_port, tilt_port; /* 0: there is none */
    int64_t pan_center_us, tilt_center_us;
    bool pan_reversed, tilt_reversed;
    int64_t limit_us;
};

extern const struct setting_table safety_table;
extern const struct setting_table look_table;

#endif
