/* The car as a body: from the duties of its wheels to where it is.
 *
 * It has the vices of the real one: a dead band, wheels that differ, commands that arrive late,
 * motors that take time to start and to stop, drift to the side, turns that are not what was asked,
 * a battery that sags and a board that resets below 6 V. What it does to a contact is to stand
 * still; the contact is counted with the speed at which it came.
 *
 * Sources: facts/hardware.md section 2 (kinematics, dead band), gate-spec.md (drift, deceleration,
 * delay: the gate's assumptions, until the real car is measured). Millimetres, radians. Caller's
 * memory, one thread, no clock.
 */
#ifndef HAL_SIM_CAR_H
#define HAL_SIM_CAR_H

#include <stdbool.h>

#include "hal/body/mecanum.h"
#include "hal/sim/random.h"
#include "hal/sim/world.h"

#define CAR_DELAY_MAX    8    /* steps of 10 ms that a duty can be on its way */
#define CAR_CONTACT_MM_S 50   /* slower is a touch, not a contact */
#define CAR_FULL_MV      8300 /* two cells */
#define CAR_BROWN_OUT_MV 6000
#define CAR_LIDAR_MM     115 /* height of its plane */
#define CAR_SONAR_MM     60
#define CAR_SONAR_X_MM   90
#define CAR_CAMERA_MM    130
#define CAR_CAMERA_X_MM  60

/* How it differs from the car that it should be. Zeroed scales stand still: use car_vices_none. */
struct car_vices {
    double forward, strafe;       /* as much of what the wheels say */
    double turn_left, turn_right; /* the same; the two differ */
    double trim[MECANUM_WHEELS];  /* of each wheel's speed */
    double side_by_forward, forward_by_side, turn_by_forward_rad_mm, turn_by_side_rad_mm;
    double shift_by_turn_mm;         /* of the centre, for each radian */
    double decel_mm_s2, accel_mm_s2; /* at the rim */
    int delay;                       /* steps of 10 ms */
};

struct car {
    struct mecanum_settings wheels; /* what a duty really does */
    struct world_hull hull;
    struct car_vices vices;
    struct world_pose pose;
    int duty[CAR_DELAY_MAX + 1][MECANUM_WHEELS]; /* 0: just told */
    double rim_mm_s[MECANUM_WHEELS];
    double charge_mv, supply_mv; /* without load, and now */
    double reset_s;              /* the board is restarting for so long */
    int resets;
    double slice_s; /* since the delay line moved */

    double distance_mm, turned_rad;
    double gap_mm, least_gap_mm; /* to the nearest thing: now, ever (at most 300) */
    double approach_mm_s;        /* by its own motion, in the last step */
    int contacts;                /* faster than CAR_CONTACT_MM_S */
    int unseen_contacts;         /* of them with what the lidar could not see: glass, black, low */
    double closing_mm_s;         /* of the fastest contact with anything else, however slow */
    bool touches;
    double still_s;         /* since it moved last */
    double longest_still_s; /* ever, the time before its first motion left out */
};

/* The wheels as the defaults of [motor] believe them to be. */
struct mecanum_settings car_wheels(void);

/* A car without vices, and one with vices within what the gate assumes times `excess` (1: the
 * limits themselves are drawn often). */
struct car_vices car_vices_none(void);
struct car_vices car_vices_draw(struct random *random, double excess);

/* At rest in the pose, with a battery of `charge_mv`. */
void car_init(struct car *car, const struct mecanum_settings *wheels, const struct car_vices *vices,
              const struct world_pose *pose, int charge_mv);

/* What the board was told; it holds until it is told something else. Permille, motors 1 to 4. */
void car_tell(struct car *car, const int duty[MECANUM_WHEELS]);

/* What the sonar on the car's front measures: the nearest thing in its cone, 0: no echo. Where in
 * the room it is, when `ret_place_mm` is not NULL and there is an echo. */
double car_sonar_mm(const struct car *car, const struct world *world, double ret_place_mm[2]);

/* Moves on by up to 10 ms. */
void car_step(struct car *car, const struct world *world, double seconds);

#endif
