/* What can be configured about the camera. */
#ifndef HAL_CAMERA_CAMERA_OPTIONS_H
#define HAL_CAMERA_CAMERA_OPTIONS_H

#include "hal/base/setting.h"

enum camera_driver_choice {
    CAMERA_DRIVER_NONE,
    CAMERA_DRIVER_SIM,
};

/* [camera] */
struct camera_options {
    int driver; /* enum camera_driver_choice */
    char socket[SETTING_STRING_SIZE];
};

extern const struct setting_table camera_table;

#endif
