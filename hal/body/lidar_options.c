/* See lidar_options.h. Data, and the one check that it needs: every program links it to understand
 * the whole file, also those that never open a lidar. */
#include "hal/body/lidar_options.h"

#include <stddef.h>
#include <string.h>

#define DEGREES          360
#define SLOTS_PER_DEGREE (LIDAR_SLOTS / DEGREES)

static const char *skip_blanks(const char *c)
{
    while (*c == ' ' || *c == '\t') {
        c++;
    }
    return c;
}

/* 0..360, or -1. */
static int degrees_read(const char **at)
{
    const char *c = skip_blanks(*at);
    int degrees = 0;

    if (*c < '0' || *c > '9') {
        return -1;
    }
    while (*c >= '0' && *c <= '9') {
        degrees = degrees * 10 + (*c++ - '0');
        if (degrees > DEGREES) {
            return -1;
        }
    }
    *at = skip_blanks(c);
    return degrees;
}

static void sector_cover(bool slots[LIDAR_SLOTS], int from, int to)
{
    int width = to > from ? to - from : to - from + DEGREES;

    for (int i = 0; i < width * SLOTS_PER_DEGREE; i++) {
        slots[(from * SLOTS_PER_DEGREE + i) % LIDAR_SLOTS] = true;
    }
}

const char *lidar_options_mask(const char *text, bool ret_slots[LIDAR_SLOTS])
{
    static const char expected[] = "sectors in degrees such as 85-95, 350-10; or nothing";
    bool slots[LIDAR_SLOTS] = {false};
    const char *c = skip_blanks(text);

    while (*c != '\0') {
        int from = degrees_read(&c), to;

        if (from < 0 || *c != '-') {
            return expected;
        }
        c++;
        to = degrees_read(&c);
        if (to < 0 || to == from || (*c != ',' && *c != '\0')) {
            return expected;
        }
        sector_cover(slots, from, to);
        if (*c == ',' && *(c = skip_blanks(c + 1)) == '\0') {
            return expected;
        }
    }
    if (ret_slots != NULL) {
        memcpy(ret_slots, slots, sizeof(slots));
    }
    return NULL;
}

static const char *check_mask(const char *value)
{
    return lidar_options_mask(value, NULL);
}

static const char *const family_choices[] = {"auto",       "ld06", "rplidar_a1",
                                             "rplidar_c1", "off",  NULL};

#define FIELD(name) offsetof(struct lidar_options, name)
static const struct setting lidar_settings[] = {
    {.key = "family",
     .type = SETTING_CHOICE,
     .offset = FIELD(family),
     .fallback = "auto",
     .choices = family_choices,
     .help = "ld06 is also LD19, STL-19P, MS200; auto listens and asks; off does not drive"},
    {.key = "device",
     .type = SETTING_PATH,
     .offset = FIELD(device),
     .fallback = "/dev/turbonav-lidar",
     .help = "its serial line; on the pins of a Pi 5 with uart2-pi5 it is /dev/ttyAMA2"},
    {.key = "yaw",
     .type = SETTING_NUMBER,
     .offset = FIELD(yaw_mdeg),
     .unit = "mdeg",
     .fallback = "0",
     .min = -180000,
     .max = 180000,
     .help = "where its mark points, counter-clockwise from straight ahead; 180000 is backwards"},
    {.key = "x",
     .type = SETTING_NUMBER,
     .offset = FIELD(x_mm),
     .unit = "mm",
     .fallback = "0",
     .min = -150,
     .max = 150,
     .help = "how far ahead of the car's centre it stands"},
    {.key = "y",
     .type = SETTING_NUMBER,
     .offset = FIELD(y_mm),
     .unit = "mm",
     .fallback = "0",
     .min = -150,
     .max = 150,
     .help = "how far to the left of the car's centre it stands"},
    {.key = "range_min",
     .type = SETTING_NUMBER,
     .offset = FIELD(range_min_mm),
     .unit = "mm",
     .fallback = "30",
     .min = 1,
     .max = 200,
     .help = "nearer returns are not believed: such a bearing counts as not seen"},
    {.key = "range_max",
     .type = SETTING_NUMBER,
     .offset = FIELD(range_max_mm),
     .unit = "mm",
     .fallback = "12000",
     .min = 1000,
     .max = 30000,
     .help = "farther returns count as none"},
    {.key = "latency",
     .type = SETTING_NUMBER,
     .offset = FIELD(latency_us),
     .unit = "us",
     .fallback = "2000",
     .min = 0,
     .max = 50000,
     .help = "what lidar and USB adapter add to the time on the line; makes points older"},
    {.key = "mask",
     .type = SETTING_STRING,
     .offset = FIELD(mask),
     .fallback = "",
     .check = check_mask,
     .help = "sectors where it sees the car, such as 170-190; no driving into them"},
};
#undef FIELD

const struct setting_table lidar_table = {
    .section = "lidar",
    .settings = lidar_settings,
    .count = sizeof(lidar_settings) / sizeof(lidar_settings[0]),
    .size = sizeof(struct lidar_options),
    .help = "The lidar",
};
