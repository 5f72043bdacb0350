/* See camera_options.h. Data only, see vlm/meson.build. */
#include "hal/camera/camera_options.h"

#define FIELD(name) offsetof(struct camera_options, name)
static const char *const driver_choices[] = {"none", "libcamera", "sim", NULL};

static const struct setting camera_settings[] = {
    {.key = "driver",
     .type = SETTING_CHOICE,
     .offset = FIELD(driver),
     .fallback = "libcamera",
     .choices = driver_choices,
     .help = "libcamera is USB or the Pi's connector; sim is the simulator; none is no camera"},
    {.key = "id",
     .type = SETTING_STRING,
     .offset = FIELD(id),
     .fallback = "",
     .help = "which one, as 'turbonav camera list' shows it; empty takes the only one (libcamera)"},
    {.key = "width",
     .type = SETTING_NUMBER,
     .offset = FIELD(width_px),
     .unit = "px",
     .fallback = "640",
     .min = 32,
     .max = 4096,
     .help = "of the picture that the camera is asked for; it gives the next size (libcamera)"},
    {.key = "height",
     .type = SETTING_NUMBER,
     .offset = FIELD(height_px),
     .unit = "px",
     .fallback = "480",
     .min = 32,
     .max = 4096,
     .help = "the same for its height"},
    {.key = "timeout",
     .type = SETTING_NUMBER,
     .offset = FIELD(timeout_ms),
     .unit = "ms",
     .fallback = "1000",
     .min = 200,
     .max = 60000,
     .help = "a camera that gives no picture for so long is opened again (libcamera)"},
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
