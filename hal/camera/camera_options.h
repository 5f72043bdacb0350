/* What can be configured about the camera. */
#ifndef HAL_CAMERA_CAMERA_OPTIONS_H
#define HAL_CAMERA_CAMERA_OPTIONS_H

#include "hal/base/setting.h"

enum camera_driver_choice {
    CAMERA_DRIVER_NONE,
    CAMERA_DRIVER_LIBCAMERA,
    CAMERA_DRIVER_SIM,
};

/* [camera] */
struct camera_options {
    int driver; /* enum camera_driver_choice */
    char id[SETTING_STRING_SIZE];
    int64_t width_px, height_px;
    int64_t timeout_ms;
    char socket[SETTING_STRING_SIZE];
};

extern const struct setting_table camera_table;

#endif
