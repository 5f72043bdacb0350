/* See safety_options.h. Data only, see vlm_options.c. What is a limit can be made stricter here,
 * and where a machine stalls that drives no wheels (config/sim.conf) wider within what is compiled
 * in. */
#include "safety/safety_options.h"

#include <stddef.h>

#include "safety/brake.h"
#include "safety/latch.h"
#include "safety/limits.h"
#include "safety/wire.h"

#define STRING_OF(value) #value
#define STRING(value)    STRING_OF(value)

#define FIELD(name) offsetof(struct safety_options, name)
static const struct setting safety_settings[] = {
    {.key = "socket",
     .type = SETTING_PATH,
     .offset = FIELD(socket),
     .fallback = WIRE_SOCKET_PATH,
     .help = "where the agent connects"},
    {.key = "latch",
     .type = SETTING_PATH,
     .offset = FIELD(latch),
     .fallback = LATCH_PATH,
     .help = "file that exists while the e-stop is latched; its folder must outlive the service"},
    {.key = "group",
     .type = SETTING_STRING,
     .offset = FIELD(group),
     .fallback = "turbonav",
     .help = "group whose members may connect; empty: root and the service's own user only"},
    {.key = "brake",
     .type = SETTING_NUMBER,
     .offset = FIELD(brake_ms),
     .unit = "ms",
     .fallback = STRING(BRAKE_SILENCE_MS),
     .min = BRAKE_SILENCE_MIN_MS,
     .max = BRAKE_SILENCE_MAX_MS,
     .help = "silence of the loop after which the brake stops the wheels and kills it"},
    {.key = "frame",
     .type = SETTING_NUMBER,
     .offset = FIELD(frame_ms),
     .unit = "ms",
     .fallback = STRING(LIMITS_FRAME_MS),
     .min = 100,
     .max = LIMITS_FRAME_CEILING_MS,
     .help = "a decision from a picture that is not younger is void"},
    {.key = "travel",
     .type = SETTING_NUMBER,
     .offset = FIELD(travel_mm),
     .unit = "mm",
     .fallback = STRING(LIMITS_TRAVEL_MM),
     .min = 20,
     .max = LIMITS_TRAVEL_MM,
     .help = "the car goes no further than this on one decision"},
    {.key = "late",
     .type = SETTING_NUMBER,
     .offset = FIELD(late_ms),
     .unit = "ms",
     .fallback = "30",
     .min = 10,
     .max = 150,
     .help = "a tick that is later stops the wheels; three in a second drop permission"},
};
#undef FIELD

const struct setting_table safety_table = {
    .section = "safety",
    .settings = safety_settings,
    .count = sizeof(safety_settings) / sizeof(safety_settings[0]),
    .size = sizeof(struct safety_options),
    .help = "The process that owns the wheels",
};

#define FIELD(name) offsetof(struct look_options, name)
static const struct setting look_settings[] = {
    {.key = "pan_port",
     .type = SETTING_NUMBER,
     .offset = FIELD(pan_port),
     .fallback = "2",
     .min = 0,
     .max = 6,
     .help = "servo port of the camera's pan; 0: none"},
    {.key = "tilt_port",
     .type = SETTING_NUMBER,
     .offset = FIELD(tilt_port),
     .fallback = "1",
     .min = 0,
     .max = 6,
     .help = "servo port of the camera's tilt; 0: none"},
    {.key = "pan_center",
     .type = SETTING_NUMBER,
     .offset = FIELD(pan_center_us),
     .unit = "us",
     .fallback = "1500",
     .min = 1100,
     .max = 1900,
     .help = "pulse that looks straight ahead"},
    {.key = "tilt_center",
     .type = SETTING_NUMBER,
     .offset = FIELD(tilt_center_us),
     .unit = "us",
     .fallback = "1535",
     .min = 1100,
     .max = 1900,
     .help = "pulse that looks level"},
    {.key = "pan_reversed",
     .type = SETTING_BOOL,
     .offset = FIELD(pan_reversed),
     .fallback = "no",
     .help = "a longer pulse looks to the right"},
    {.key = "tilt_reversed",
     .type = SETTING_BOOL,
     .offset = FIELD(tilt_reversed),
     .fallback = "no",
     .help = "a longer pulse looks down"},
    {.key = "limit",
     .type = SETTING_NUMBER,
     .offset = FIELD(limit_us),
     .unit = "us",
     .fallback = "400",
     .min = 0,
     .max = 900,
     .help = "pulses go no further from their center; a blocked servo pulls the supply down"},
};
#undef FIELD

const struct setting_table look_table = {
    .section = "look",
    .settings = look_settings,
    .count = sizeof(look_settings) / sizeof(look_settings[0]),
    .size = sizeof(struct look_options),
    .help = "The camera's pan and tilt, which hang on the motor board",
};
