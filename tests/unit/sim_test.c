/* world, car, survey, chart, eye: rays meet what they should, the body moves as its wheels say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>
#include <unistd.h>

#include "hal/sim/car.h"
#include "hal/sim/chart.h"
#include "hal/sim/eye.h"
#include "hal/sim/survey.h"

static struct plan plan;
static struct world world;
static struct car car;

static struct mecanum_settings wheels;

static void build(const char *text)
{
    char error[200];

    assert_int_equal(plan_read(text, strlen(text), &plan, error, sizeof(error)), 0);
    world_init(&world, &plan);
}

static float ray(enum world_sense sense, double height_mm, double degrees)
{
    struct world_pose from = {0, 0, degrees * M_PI / 180};
    float distance;

    world_scan(&world, sense, height_mm, &from, 0, 1, 12000, &distance);
    return distance;
}

static void each_sensor_meets_what_it_can(void **state)
{
    (void)state;
    build("wall 1030 -100 1030 100 height=100\nwall 2030 -100 2030 100 material=black\n"
          "wall -1030 -100 -1030 100 material=glass\nwall -2030 -900 -2030 900\n"
          "wall -100 530 100 530 material=soft\n");
    assert_true(fabsf(ray(WORLD_SONAR, 60, 0) - 1000) < 1);
    assert_true(ray(WORLD_LIDAR, 115, 0) == 0); /* over the low one, into the black one */
    assert_true(fabsf(ray(WORLD_SONAR, 115, 0) - 2000) < 1);
    assert_true(fabsf(ray(WORLD_LIDAR, 115, 180) - 1000) < 1); /* glass, straight on */
    build("wall -1030 -500 -1030 500 material=glass\nwall -2030 -2000 -2030 2000\n");
    assert_true(fabsf(ray(WORLD_LIDAR, 115, 160) - 2128) < 2); /* through it */
    assert_true(fabsf(ray(WORLD_SONAR, 60, 160) - 1064) < 2);
    assert_true(fabsf(ray(WORLD_CAMERA, 130, 180) - 2000) < 1);
    build("wall -100 530 100 530 material=soft\nwall -100 930 100 930\n");
    assert_true(fabsf(ray(WORLD_LIDAR, 115, 90) - 500) < 1);
    assert_true(fabsf(ray(WORLD_SONAR, 60, 90) - 900) < 1);
    assert_true(ray(WORLD_LIDAR, 115, -90) == 0);
}

/* The wedge must leave out nothing: beam by beam is the same as all at once. */
static void scan_in_pieces_is_the_same_scan(void **state)
{
    float whole[360], one;

    (void)state;
    build("room -2000 -1500 4000 3000\nbox 500 300 300 200 turn=30\ntable -900 -900 500 400\n");
    for (int way = -1; way <= 1; way += 2) {
        struct world_pose from = {-300, 200, 0.7};

        world_scan(&world, WORLD_LIDAR, 115, &from, way * M_PI / 180, 360, 12000, whole);
        for (int i = 0; i < 360; i++) {
            struct world_pose turned = {-300, 200, 0.7 + i * way * M_PI / 180};

            world_scan(&world, WORLD_LIDAR, 115, &turned, 0, 1, 12000, &one);
            assert_true(fabsf(one - whole[i]) < 0.01F);
        }
        for (int i = 0; i < 360; i += 12) {
            struct world_pose turned = {-300, 200, 0.7 + i * way * M_PI / 180};
            float piece[12];

            world_scan(&world, WORLD_LIDAR, 115, &turned, way * M_PI / 180, 12, 12000, piece);
            for (int k = 0; k < 12; k++) {
                assert_true(fabsf(piece[k] - whole[i + k]) < 0.01F);
            }
        }
    }
}

static void hull_and_walls_have_a_distance(void **state)
{
    const struct world_hull hull = {100, 95, 85, 150};
    struct world_pose pose = {0, 0, 0};

    (void)state;
    build("wall 330 -500 330 500\nwall -500 315 500 315 bottom=200\nwall -500 -215 500 -215\n");
    assert_true(fabs(world_gap(&world, &pose, &hull, 400) - 100) < 0.01);
    pose.x_mm = 150;
    assert_true(fabs(world_gap(&world, &pose, &hull, 400) - 50) < 0.01);
    pose.x_mm = 205;
    assert_true(world_gap(&world, &pose, &hull, 400) == 0);
    build("box 10 10 20 20\n"); /* wholly inside */
    pose.x_mm = 0;
    assert_true(world_gap(&world, &pose, &hull, 400) == 0);
}

static void place(double x, double y, double angle)
{
    struct world_pose pose = {x, y, angle};
    struct car_vices vices = car_vices_none();

    wheels = car_wheels();
    car_init(&car, &wheels, &vices, &pose, CAR_FULL_MV);
}

static void drive(int vx, int vy, int wz, double seconds)
{
    int32_t rim[MECANUM_WHEELS];
    int duty[MECANUM_WHEELS];

    mecanum_mix(&wheels, vx, vy, wz, rim);
    mecanum_duties(&wheels, rim, duty);
    for (int i = 0; i < (int)(seconds * 100); i++) {
        car_tell(&car, duty);
        car_step(&car, &world, 0.01);
    }
}

static void wheels_make_the_motion_that_was_mixed(void **state)
{
    (void)state;
    build("room -9000 -9000 18000 18000\n");
    place(0, 0, 0);
    drive(200, 0, 0, 5);
    assert_true(car.pose.x_mm > 950 && car.pose.x_mm < 1000 && fabs(car.pose.y_mm) < 1);
    place(0, 0, M_PI / 2);
    drive(0, 200, 0, 5);
    assert_true(car.pose.x_mm < -950 && car.pose.x_mm > -1000 && fabs(car.pose.y_mm) < 1);
    place(0, 0, 0);
    drive(0, 0, 1200, 5);
    assert_true(car.pose.angle_rad > 5.7 && car.pose.angle_rad < 6);
    assert_true(hypot(car.pose.x_mm, car.pose.y_mm) < 1);
}

static void stopping_takes_its_way(void **state)
{
    double before;

    (void)state;
    build("room -9000 -9000 18000 18000\n");
    place(0, 0, 0);
    drive(300, 0, 0, 3);
    before = car.pose.x_mm;
    drive(0, 0, 0, 1);
    /* Two steps of delay and one of the queue at 300 mm/s, then 300^2 / 2 / 1500. */
    assert_true(car.pose.x_mm - before > 30 && car.pose.x_mm - before < 42);
    assert_true(car.still_s > 0.5);
}

static void contact_is_counted_once_with_its_speed(void **state)
{
    (void)state;
    build("wall 630 -500 630 500\n");
    place(0, 0, 0);
    drive(300, 0, 0, 4);
    assert_int_equal(car.contacts, 1);
    assert_int_equal(car.unseen_contacts, 0);
    assert_true(car.closing_mm_s > 280 && car.closing_mm_s < 310);
    assert_true(car.pose.x_mm <= 500);
    build("wall 630 -500 630 500 material=black\n");
    place(0, 0, 0);
    drive(300, 0, 0, 4);
    assert_int_equal(car.contacts, 1);
    assert_int_equal(car.unseen_contacts, 1);
    assert_true(car.closing_mm_s == 0);
}

static void empty_battery_resets_the_board(void **state)
{
    (void)state;
    build("room -9000 -9000 18000 18000\n");
    place(0, 0, 0);
    car.charge_mv = 6150;
    drive(400, 0, 0, 3);
    assert_true(car.resets >= 1);
    assert_true(car.distance_mm < 900);
}

static void walker_goes_its_way_and_waits_for_the_car(void **state)
{
    struct world_pose far = {9000, 9000, 0}, near = {1000, 0, 0};

    (void)state;
    build("room -9000 -9000 18000 18000\nperson 0 0 2000 0 speed=500\n");
    world_step(&world, 1, &far);
    assert_true(fabs(world.walkers[0].x_mm - 500) < 1);
    for (int i = 0; i < 100; i++) {
        world_step(&world, 0.1, &near);
    }
    assert_true(world.walkers[0].x_mm <= 601);
    for (int i = 0; i < 45; i++) {
        world_step(&world, 0.1, &far);
    }
    assert_true(world.walkers[0].x_mm < 1700); /* turned around at its last stop */
}

static void survey_knows_what_can_be_reached_and_was_seen(void **state)
{
    static struct survey survey;
    struct world_pose pose = {-1000, 0, 0};

    (void)state;
    build("start -1000 0 0\nroom -2000 -1000 4000 2000\nwall 0 -1000 0 1000\n");
    survey_init(&survey, &plan);
    /* Half of the room, less a border of 140 mm and half a wall. */
    assert_in_range(survey.reachable, 1080, 1200);
    assert_true(survey_share(&survey) == 0);
    survey_look(&survey, &world, &pose, 1.2);
    assert_true(survey_share(&survey) > 0.15 && survey_share(&survey) < 0.35);
    for (int i = 0; i < 12; i++) {
        pose.angle_rad += M_PI / 6;
        survey_look(&survey, &world, &pose, 1.2);
    }
    assert_true(survey_share(&survey) > 0.99);
}

static void picture_has_floor_below_and_the_wall_above(void **state)
{
    static uint8_t rgb[320 * 240 * 3];
    struct eye eye = {.height_mm = 130, .view_rad = 1.2};
    struct world_pose pose = {0, 0, 0};
    struct random random;
    const uint8_t *wall = rgb + 3 * (60 * 320 + 160), *floor = rgb + 3 * (230 * 320 + 160);

    (void)state;
    random_init(&random, 1);
    build("floor color=00c000 texture=plain\nroom -2000 -2000 4000 4000 color=c00000\n");
    eye_render(&eye, &world, &pose, &random, 320, 240, rgb);
    assert_true(wall[0] > 80 && wall[1] < 20);
    assert_true(floor[1] > 80 && floor[0] < 20);
}

static void chart_is_a_png_or_nothing(void **state)
{
    static struct chart chart;
    static struct survey survey;
    struct world_pose pose = {0, 0, 0};
    char path[] = "/tmp/turbonav-chart-XXXXXX";
    unsigned char head[8] = {0};
    int fd = mkstemp(path);
    FILE *file;

    (void)state;
    assert_true(fd >= 0);
    (void)close(fd);
    build("room -1000 -1000 2000 2000\n");
    survey_init(&survey, &plan);
    chart_init(&chart);
    chart_add(&chart, CHART_WAY, &pose);
    assert_int_equal(chart_write(&chart, &world, &survey, &pose, path), 0);
    file = fopen(path, "re");
    assert_int_equal(fread(head, 1, 8, file), 8);
    (void)fclose(file);
    assert_memory_equal(head, "\x89PNG\r\n\x1a\n", 8);
    (void)unlink(path);
    assert_true(chart_write(&chart, &world, &survey, &pose, "/nowhere/x.png") < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_sensor_meets_what_it_can),
        cmocka_unit_test(scan_in_pieces_is_the_same_scan),
        cmocka_unit_test(hull_and_walls_have_a_distance),
        cmocka_unit_test(wheels_make_the_motion_that_was_mixed),
        cmocka_unit_test(stopping_takes_its_way),
        cmocka_unit_test(contact_is_counted_once_with_its_speed),
        cmocka_unit_test(empty_battery_resets_the_board),
        cmocka_unit_test(walker_goes_its_way_and_waits_for_the_car),
        cmocka_unit_test(survey_knows_what_can_be_reached_and_was_seen),
        cmocka_unit_test(picture_has_floor_below_and_the_wall_above),
        cmocka_unit_test(chart_is_a_png_or_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
