/* See car.h. A step: the duty that is due turns into wanted rim speeds, the wheels follow as fast
 * as motors and friction let them, the wheels make the motion, the motion gets its vices, and the
 * hull either has room for it or the car stays where it is. */
#include "hal/sim/car.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SLICE_S        0.01
#define RESTING_A      0.4
#define MOTOR_A        0.6 /* at full duty */
#define RESISTANCE_OHM 0.15
#define CAPACITY_AS    7920.0 /* 2200 mAh */
#define EMPTYING_MV    1900.0 /* from full to empty */
#define RESET_S        0.8
#define SONAR_BEAMS    9
#define SONAR_HALF_RAD 0.22 /* the gate reckons with 27 %, which is 0.26 */
#define SONAR_MOST_MM  4000
#define FAR_MM         300.0
#define TOUCH_MM       5.0
#define TRIM           0.01                    /* at most */
#define TRIM_RAD_MM    (TRIM / MECANUM_ARM_MM) /* that much it turns the car */

struct mecanum_settings car_wheels(void)
{
    return (struct mecanum_settings){
        .arm_mm = MECANUM_ARM_MM,
        .turn_left_percent = 100,
        .turn_right_percent = 100,
        .sign = {-1, 1, -1, 1},
        .trim_percent = {100, 100, 100, 100},
        .dead_band_permille = 300,
        .points = 2,
        .point = {{200, 400}, {500, 1000}},
        .slew_permille = 400,
    };
}

struct car_vices car_vices_none(void)
{
    return (struct car_vices){
        .forward = 1,
        .strafe = 1,
        .turn_left = 1,
        .turn_right = 1,
        .trim = {1, 1, 1, 1},
        .decel_mm_s2 = 1500,
        .accel_mm_s2 = 2000,
        .delay = 2,
    };
}

/* Often one of the limits, because that is where a wrong bound shows. */
static double vice(struct random *random, double least, double most)
{
    switch (random_next(random) % 4) {
    case 0:
        return least;
    case 1:
        return most;
    default:
        return random_between(random, least, most);
    }
}

struct car_vices car_vices_draw(struct random *random, double excess)
{
    struct car_vices vices;

    /* The wheels' differences come on top of all this. */
    vices.forward = 1 + excess * vice(random, -0.15 + TRIM, 0.05 - TRIM);
    vices.strafe = 1 + excess * vice(random, -0.25 + TRIM, 0.05 - TRIM);
    vices.turn_left = 1 + excess * vice(random, -0.3 + TRIM, 0.3 - TRIM);
    vices.turn_right = 1 + excess * vice(random, -0.3 + TRIM, 0.3 - TRIM);
    for (int i = 0; i < MECANUM_WHEELS; i++) {
        vices.trim[i] = 1 + excess * random_between(random, -TRIM, TRIM);
    }
    vices.side_by_forward = excess * vice(random, -0.12 + TRIM, 0.12 - TRIM);
    vices.forward_by_side = excess * vice(random, -0.25 + TRIM, 0.25 - TRIM);
    vices.turn_by_forward_rad_mm =
        excess * vice(random, -0.00025 + TRIM_RAD_MM, 0.00025 - TRIM_RAD_MM);
    vices.turn_by_side_rad_mm = excess * vice(random, -0.0005 + TRIM_RAD_MM, 0.0005 - TRIM_RAD_MM);
    vices.shift_by_turn_mm = excess * vice(random, -30, 30);
    vices.decel_mm_s2 = 1000 * vice(random, 1, 2) / excess;
    vices.accel_mm_s2 = random_between(random, 1000, 3000);
    vices.delay = (int)random_between(random, 1, 4.99);
    return vices;
}

void car_init(struct car *car, const struct mecanum_settings *wheels, const struct car_vices *vices,
              const struct world_pose *pose, int charge_mv)
{
    memset(car, 0, sizeof(*car));
    car->wheels = *wheels;
    car->vices = *vices;
    car->pose = *pose;
    car->hull =
        (struct world_hull){.front_mm = 100, .rear_mm = 95, .half_width_mm = 85, .top_mm = 150};
    car->charge_mv = car->supply_mv = charge_mv;
    car->gap_mm = car->least_gap_mm = FAR_MM;
}

double car_sonar_mm(const struct car *car, const struct world *world, double ret_place_mm[2])
{
    struct world_pose from = car->pose;
    float distance[SONAR_BEAMS];
    double nearest = 0, bearing = 0;

    from.x_mm += CAR_SONAR_X_MM * cos(from.angle_rad);
    from.y_mm += CAR_SONAR_X_MM * sin(from.angle_rad);
    from.angle_rad -= SONAR_HALF_RAD;
    world_scan(world, WORLD_SONAR, CAR_SONAR_MM, &from, 2 * SONAR_HALF_RAD / (SONAR_BEAMS - 1),
               SONAR_BEAMS, SONAR_MOST_MM, distance);
    for (int i = 0; i < SONAR_BEAMS; i++) {
        double echo = (double)distance[i];

        if (echo > 0 && (nearest == 0 || echo < nearest)) {
            nearest = echo;
            bearing = from.angle_rad + i * 2 * SONAR_HALF_RAD / (SONAR_BEAMS - 1);
        }
    }
    if (ret_place_mm != NULL && nearest > 0) {
        ret_place_mm[0] = from.x_mm + nearest * cos(bearing);
        ret_place_mm[1] = from.y_mm + nearest * sin(bearing);
    }
    return nearest;
}

void car_tell(struct car *car, const int duty[MECANUM_WHEELS])
{
    memcpy(car->duty[0], duty, sizeof(car->duty[0]));
}

/* The supply under load, and whether the board lives through it. */
static void draw_current(struct car *car, const int duty[MECANUM_WHEELS], double seconds)
{
    double current = RESTING_A;

    for (int i = 0; i < MECANUM_WHEELS; i++) {
        current += MOTOR_A * abs(duty[i]) / MECANUM_FULL_PERMILLE;
    }
    car->charge_mv -= current * seconds / CAPACITY_AS * EMPTYING_MV;
    car->supply_mv = car->charge_mv - 1000 * current * RESISTANCE_OHM;
    if (car->supply_mv < CAR_BROWN_OUT_MV && car->reset_s == 0) {
        car->resets++;
        car->reset_s = RESET_S;
        memset(car->duty, 0, sizeof(car->duty));
    }
}

static void turn_wheels(struct car *car, double seconds)
{
    static const int none[MECANUM_WHEELS] = {0};
    const int *duty = car->reset_s > 0 ? none : car->duty[car->vices.delay];
    double power;

    draw_current(car, duty, seconds);
    car->reset_s = fmax(0, car->reset_s - seconds);
    power = fmin(1, car->supply_mv / (CAR_FULL_MV - 500.0));
    for (int i = 0; i < MECANUM_WHEELS; i++) {
        double goal =
            mecanum_rim_um_s(&car->wheels, i, duty[i]) / 1000.0 * power * car->vices.trim[i];
        double speed = car->rim_mm_s[i];
        bool slows = fabs(goal) < fabs(speed) || goal * speed < 0;
        double most = (slows ? car->vices.decel_mm_s2 : car->vices.accel_mm_s2) * seconds;

        car->rim_mm_s[i] = speed + fmin(fmax(goal - speed, -most), most);
    }
}

struct motion {
    double forward_mm_s, left_mm_s, turn_rad_s;
};

static struct motion motion_of(const struct car *car)
{
    const struct car_vices *vices = &car->vices;
    const double *rim = car->rim_mm_s;
    double forward = (rim[0] + rim[1] + rim[2] + rim[3]) / 4 * vices->forward;
    double left = (-rim[0] + rim[1] + rim[2] - rim[3]) / 4 * vices->strafe;
    double turn = (-rim[0] + rim[1] - rim[2] + rim[3]) / 4 / car->wheels.arm_mm;

    turn *= turn > 0 ? vices->turn_left : vices->turn_right;
    return (struct motion){
        .forward_mm_s = forward + left * vices->forward_by_side + turn * vices->shift_by_turn_mm,
        .left_mm_s = left + forward * vices->side_by_forward + turn * vices->shift_by_turn_mm,
        .turn_rad_s =
            turn + forward * vices->turn_by_forward_rad_mm + left * vices->turn_by_side_rad_mm,
    };
}

static struct world_pose moved(const struct world_pose *pose, const struct motion *motion,
                               double seconds)
{
    double middle = pose->angle_rad + motion->turn_rad_s * seconds / 2;

    return (struct world_pose){
        .x_mm = pose->x_mm +
                (motion->forward_mm_s * cos(middle) - motion->left_mm_s * sin(middle)) * seconds,
        .y_mm = pose->y_mm +
                (motion->forward_mm_s * sin(middle) + motion->left_mm_s * cos(middle)) * seconds,
        .angle_rad = pose->angle_rad + motion->turn_rad_s * seconds,
    };
}

/* The car came against something by its own motion: as fast as the gap closed, in this step as far
 * as it went or in the one before. */
static void collide(struct car *car, const struct world *world, const struct world_pose *next,
                    double seconds)
{
    double closing = fmax(car->gap_mm / seconds, car->approach_mm_s);

    bool seen = world_lidar_gap(world, next, &car->hull, CAR_LIDAR_MM, TOUCH_MM) < TOUCH_MM;

    if (!car->touches && closing > CAR_CONTACT_MM_S) {
        car->contacts++;
        car->unseen_contacts += seen ? 0 : 1;
    }
    car->closing_mm_s = seen ? fmax(car->closing_mm_s, closing) : car->closing_mm_s;
    car->touches = true;
    car->approach_mm_s = 0;
    memset(car->rim_mm_s, 0, sizeof(car->rim_mm_s));
}

void car_step(struct car *car, const struct world *world, double seconds)
{
    struct motion motion;
    struct world_pose next;
    double after_mm;

    turn_wheels(car, seconds);
    car->slice_s += seconds;
    if (car->slice_s >= SLICE_S - 1e-9) {
        car->slice_s = 0;
        memmove(car->duty[1], car->duty[0], sizeof(car->duty) - sizeof(car->duty[0]));
    }
    motion = motion_of(car);
    if (motion.forward_mm_s == 0 && motion.left_mm_s == 0 && motion.turn_rad_s == 0) {
        car->still_s += seconds;
        if (car->distance_mm + car->turned_rad > 0) {
            car->longest_still_s = fmax(car->longest_still_s, car->still_s);
        }
        if (world->plan->walker_count > 0 || car->still_s == seconds) {
            car->gap_mm = world_gap(world, &car->pose, &car->hull, FAR_MM);
        }
        return;
    }
    next = moved(&car->pose, &motion, seconds);
    car->gap_mm = world_gap(world, &car->pose, &car->hull, FAR_MM); /* walkers may have come */
    after_mm = world_gap(world, &next, &car->hull, FAR_MM);
    car->still_s = 0;
    if (after_mm == 0) {
        collide(car, world, &next, seconds);
        return;
    }
    car->approach_mm_s = (car->gap_mm - after_mm) / seconds;
    car->touches = car->touches && after_mm < TOUCH_MM;
    car->distance_mm += hypot(motion.forward_mm_s, motion.left_mm_s) * seconds;
    car->turned_rad += fabs(motion.turn_rad_s) * seconds;
    car->pose = next;
    car->gap_mm = after_mm;
    car->least_gap_mm = fmin(car->least_gap_mm, after_mm);
}
