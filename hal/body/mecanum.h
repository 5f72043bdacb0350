/* From a motion of the car to the duty of its four wheels, and back.
 *
 * Base frame at the centre of rotation: x forward, y left, wz counter-clockwise; mm/s and mrad/s.
 * Wheels in the order of the motors: 1 front left, 2 front right, 3 rear left, 4 rear right. The
 * speed of a wheel is that of its rim, forward, in um/s so that nothing is lost to rounding; a duty
 * is in permille of full, signed as the board wants it.
 *
 * Source: mecanum.py of Hiwonder/TurboPi (half track 67 mm, half wheelbase 59 mm: arm 126 mm; left
 * motors mirrored). Duty is open loop: what speed comes of it depends on floor and battery, and the
 * table from speed to duty is configuration until the car is measured.
 *
 * Pure: integers only; no I/O, clock, allocation or float. Any thread.
 */
#ifndef HAL_BODY_MECANUM_H
#define HAL_BODY_MECANUM_H

#include <stdint.h>

#define MECANUM_WHEELS         4
#define MECANUM_POINTS_MAX     8
#define MECANUM_FULL_PERMILLE  1000
#define MECANUM_SPEED_MAX_MM_S 5000 /* of the table */
#define MECANUM_ARM_MM         126
#define MECANUM_ARM_MAX_MM     1000

/* Beyond these nothing is asked in earnest: the answer is to stand still. */
#define MECANUM_ASK_MAX_MM_S   100000
#define MECANUM_ASK_MAX_MRAD_S 100000

struct mecanum_point {
    int speed_mm_s;    /* of the rim */
    int duty_permille; /* that it takes */
};

/* Zeroed: nothing ever turns. */
struct mecanum_settings {
    int arm_mm;            /* half track + half wheelbase, up to MECANUM_ARM_MAX_MM */
    int turn_left_percent; /* turns to the left are asked for so much faster, up to 200 */
    int turn_right_percent;
    int sign[MECANUM_WHEELS];         /* 1, or -1: mirrored */
    int trim_percent[MECANUM_WHEELS]; /* this wheel is driven so much faster, 1..200 */
    int dead_band_permille; /* up to here no wheel turns; below the duty of the first point */
    int points;             /* 1..MECANUM_POINTS_MAX */
    struct mecanum_point point[MECANUM_POINTS_MAX]; /* both values rise from point to point, from
                                                       above 0; the last one is the top speed */
    int slew_permille; /* by which a duty may grow from tick to tick, at least 1 */
};

/* The rim speeds of a motion, as fast as the wheels can: when one of them (trim included) would
 * have to turn faster than the table's last speed, all four are scaled down, so that the direction
 * stays. A motion beyond MECANUM_ASK_* gives four zeros. */
void mecanum_mix(const struct mecanum_settings *settings, int vx_mm_s, int vy_mm_s, int wz_mrad_s,
                 int32_t ret_rim_um_s[MECANUM_WHEELS]);

/* The duties for these rim speeds. 0 for a wheel slower than 1 mm/s; any other starts above the
 * dead band. From there to the table's first point and between its points: straight lines. Never
 * above the last point's duty. */
void mecanum_duties(const struct mecanum_settings *settings, const int32_t rim_um_s[MECANUM_WHEELS],
                    int ret_duty[MECANUM_WHEELS]);

/* The other way: the speed at which wheel 0..3 is expected to turn with this duty. */
int32_t mecanum_rim_um_s(const struct mecanum_settings *settings, int wheel, int duty_permille);

/* The duties of the next tick on the way from the last ones to the wanted ones, so that four
 * motors that start together do not pull the supply down.
 *
 * Only growth is limited: a wheel gets slower, or zero, at once. One that changes its direction is
 * at zero for one tick. Wheels that grow do so in proportion and arrive in the same tick. This is
 * for the supply and not for the motion: it should be steeper than the acceleration that the gate
 * allows, so that it only acts on the step across the dead band. `ret_duty` may be `last`. */
void mecanum_slew(const struct mecanum_settings *settings, const int last[MECANUM_WHEELS],
                  const int wanted[MECANUM_WHEELS], int ret_duty[MECANUM_WHEELS]);

#endif
