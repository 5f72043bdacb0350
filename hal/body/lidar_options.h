/* What can be configured about the lidar. */
#ifndef HAL_BODY_LIDAR_OPTIONS_H
#define HAL_BODY_LIDAR_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "hal/base/setting.h"

#define LIDAR_SLOTS 720 /* of half a degree, counter-clockwise, slot 0 begins straight ahead */

enum lidar_family {
    LIDAR_FAMILY_AUTO, /* ld06, else rplidar_c1, else rplidar_a1 */
    LIDAR_FAMILY_LD06, /* and LD19, STL-19P, MS200 */
    LIDAR_FAMILY_RPLIDAR_A1,
    LIDAR_FAMILY_RPLIDAR_C1,
    LIDAR_FAMILY_OFF,
};

/* [lidar] */
struct lidar_options {
    int family;                       /* enum lidar_family */
    char device[SETTING_STRING_SIZE]; /* its tty */
    int64_t yaw_mdeg;                 /* where its mark points, counter-clockwise from ahead */
    int64_t x_mm, y_mm; /* where it stands: ahead and to the left of the car's centre */
    int64_t range_min_mm, range_max_mm;
    int64_t latency_us;
    char mask[SETTING_STRING_SIZE];
};

extern const struct setting_table lidar_table;

/* Reads a list of sectors such as "85-95, 350-10": whole degrees from 0 to 360, counter-clockwise
 * from straight ahead, each from its first to its second number. Writes which slots they cover;
 * NULL only judges. Returns NULL, or what was expected; then the output is untouched. */
const char *lidar_options_mask(const char *text, bool ret_slots[LIDAR_SLOTS]);

#endif
