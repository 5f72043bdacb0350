/* sim-bench: what the simulator costs. One JSON line.
 *
 * In a room (the file that is named, or random ones): a picture of 640x480, the beams of one turn
 * of the lidar (450), one step of 10 ms of the car, and how many times faster than real time the
 * whole loop goes in virtual time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hal/base/clock.h"
#include "hal/base/histogram.h"
#include "hal/sim/eye.h"
#include "hal/sim/furnish.h"
#include "tests/sim/loop.h"

#define TIMES        200
#define ROOMS        20
#define ROOM_SECONDS 20

static struct plan plan;
static struct world world;
static struct car car;

struct place {
    struct world_pose pose;
    struct random random;
};

static void picture(struct place *place)
{
    static uint8_t rgb[640 * 480 * 3];
    static const struct eye eye = {.height_mm = CAR_CAMERA_MM, .view_rad = 1.22, .noise = 3};

    eye_render(&eye, &world, &place->pose, &place->random, 640, 480, rgb);
}

static void turn_of_beams(struct place *place)
{
    float distance[12];

    for (int packet = 0; packet < 450 / 12; packet++) {
        place->pose.angle_rad += 12 * 0.01396;
        world_scan(&world, WORLD_LIDAR, CAR_LIDAR_MM, &place->pose, -0.01396, 12, 12000, distance);
    }
}

static void car_moves(struct place *place)
{
    static const int duty[MECANUM_WHEELS] = {-400, 400, -400, 400};

    car.pose = place->pose;
    car_tell(&car, duty);
    car_step(&car, &world, 0.01);
}

static void measure(const char *name, void (*act)(struct place *place))
{
    static struct histogram times;
    struct place place = {{(double)plan.x_mm, (double)plan.y_mm, (double)plan.angle_rad}, {0}};

    random_init(&place.random, 1);
    histogram_init(&times);
    for (int i = 0; i < TIMES; i++) {
        int64_t begin_ns = clock_now_ns();

        act(&place);
        histogram_add(&times, clock_now_ns() - begin_ns);
        place.pose.angle_rad += 0.37;
    }
    (void)printf("\"%s\":{\"p50_us\":%.1f,\"p99_us\":%.1f},", name,
                 (double)histogram_permille(&times, 500) / 1e3,
                 (double)histogram_permille(&times, 990) / 1e3);
}

static double times_real_time(void)
{
    static struct loop loop;
    struct loop_options options = loop_defaults();
    int64_t begin_ns = clock_now_ns();

    options.model = LOOP_RANDOM;
    options.vices = true;
    options.noise_mm = 8;
    for (uint64_t seed = 1; seed <= ROOMS; seed++) {
        furnish(&plan, seed);
        loop_init(&loop, &plan, &options, seed);
        loop_run(&loop, ROOM_SECONDS * 1000);
    }
    return ROOMS * ROOM_SECONDS * 1e9 / (double)(clock_now_ns() - begin_ns);
}

int main(int argc, char **argv)
{
    struct world_pose pose = {0, 0, 0};
    struct mecanum_settings wheels = car_wheels();
    struct car_vices vices = car_vices_none();
    char error[300] = "";

    if (argc != 2 || plan_load(argv[1], &plan, error, sizeof(error)) != 0) {
        (void)fprintf(stderr, "usage: sim-bench PLAN\n%s\n", error);
        return 64;
    }
    world_init(&world, &plan);
    car_init(&car, &wheels, &vices, &pose, CAR_FULL_MV);
    (void)printf("{\"faces\":%d,", world.face_count);
    measure("picture_640x480", picture);
    measure("turn_of_450_beams", turn_of_beams);
    measure("step_of_the_car", car_moves);
    (void)printf("\"times_real_time\":%.0f}\n", times_real_time());
    return 0;
}
