/* See camera_options.h. Data only, see vlm/meson.build. */
#include "hal/camera/camera_options.h"

#define FIELD(name) offsetof(struct camera_options, name)
static const char *const driver_choices[] = {"none", "sim", NULL};

static const struct setting camera_settings[] = {
    {.key = "driver",
     .type = SETTING_CHOICE,
     .offset = FIELD(driver),
     .fallback = "none",
     .choices = driver_choices,
     .help = "where pictures come from; sim is the simulator; none leaves recorded frames"},
    {.key = "socket",
     .type = SETTING_PATH,
     .offset = FIELD(socket),
     .fallback = "/run/turbonav/sim-camera.sock",
     .help = "where the simulator gives its pictures (sim)"},
};
#undef FIELD

const struct setting_table camera_table = {
    .section = "camera",
    .settings = camera_settings,
    .count = sizeof(camera_settings) / sizeof(camera_settings[0]),
    .size = sizeof(struct camera_options),
    .help = "The camera",
};
