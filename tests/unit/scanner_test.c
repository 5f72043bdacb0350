/* scanner: what it sends is what the real decoders read back, of what really stands there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "hal/body/ld06.h"
#include "hal/body/rplidar.h"
#include "hal/body/rplidar_start.h"
#include "hal/sim/scanner.h"

/* A square of 4 m with the car in its middle, turned by 30 degrees. */
static const char square[] = "room -2000 -2000 4000 4000\n";
static const struct world_pose middle = {0, 0, M_PI / 6};

static const struct world *room(const char *text)
{
    static struct plan plan;
    static struct world world;
    char error[200];

    assert_int_equal(plan_read(text, strlen(text), &plan, error, sizeof(error)), 0);
    world_init(&world, &plan);
    return &world;
}

static double wall_mm(int32_t clockwise_mdeg)
{
    double angle = M_PI / 6 - clockwise_mdeg * M_PI / 180000;

    return 2000 / fmax(fabs(cos(angle)), fabs(sin(angle)));
}

static int check_beams(const struct lidar_beam *beams, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_true(fabs(beams[i].distance_mm - wall_mm(beams[i].clockwise_mdeg)) < 4);
    }
    return (int)count;
}

static int read_turn(struct scanner *scanner, struct ld06 *ld06, const struct world *world,
                     bool check)
{
    uint8_t bytes[SCANNER_PACKET_MAX];
    int64_t now_ns = 1000000000;
    int beams = 0;

    for (int packet = 0; packet < 38; packet++, now_ns += scanner_period_ns(scanner)) {
        size_t size = scanner_packet(scanner, world, &middle, 115, now_ns, bytes);

        for (size_t i = 0; i < size; i++) {
            if (ld06_push(ld06, bytes[i], now_ns + 2000000) == LD06_PACKET) {
                beams += check ? check_beams(ld06->beams, LD06_POINTS) : LD06_POINTS;
            }
        }
    }
    return beams;
}

static void ld06_reads_back_the_walls(void **state)
{
    const struct world *world = room(square);
    struct scanner scanner;
    struct ld06 ld06;

    (void)state;
    scanner_init(&scanner, SCANNER_LD06, 1);
    ld06_init(&ld06, 0);
    assert_int_equal(read_turn(&scanner, &ld06, world, true), 38 * 12);
    assert_int_equal(ld06.health.bad_frames, 0);
    assert_int_equal(scanner_period_ns(&scanner), 2666666);
}

static void garbage_is_no_packet(void **state)
{
    const struct world *world = room(square);
    struct scanner scanner;
    struct ld06 ld06;

    (void)state;
    scanner_init(&scanner, SCANNER_LD06, 1);
    ld06_init(&ld06, 0);
    scanner.fault = SCANNER_GARBAGE;
    assert_int_equal(read_turn(&scanner, &ld06, world, false), 0);
    scanner.fault = SCANNER_SILENT;
    assert_int_equal(read_turn(&scanner, &ld06, world, false), 0);
}

static void blind_lidar_has_no_return(void **state)
{
    const struct world *world = room(square);
    struct scanner scanner;
    struct ld06 ld06;

    (void)state;
    scanner_init(&scanner, SCANNER_LD06, 1);
    ld06_init(&ld06, 0);
    scanner.fault = SCANNER_BLIND;
    assert_true(read_turn(&scanner, &ld06, world, false) > 0);
    for (int i = 0; i < LD06_POINTS; i++) {
        assert_int_equal(ld06.beams[i].distance_mm, 0);
    }
}

static void frozen_lidar_repeats_the_last_distances(void **state)
{
    const struct world *world = room(square);
    struct world_pose elsewhere = {500, 500, 0};
    uint8_t before[SCANNER_PACKET_MAX], after[SCANNER_PACKET_MAX];
    struct scanner scanner;

    (void)state;
    scanner_init(&scanner, SCANNER_LD06, 1);
    (void)scanner_packet(&scanner, world, &middle, 115, 0, before);
    scanner.fault = SCANNER_FROZEN;
    (void)scanner_packet(&scanner, world, &elsewhere, 115, 0, after);
    assert_memory_equal(before + 6, after + 6, 36);
    assert_memory_not_equal(before + 4, after + 4, 2); /* the angle goes on */
}

/* The way that turbonav-safety takes: stop, info, health, scan. */
static int converse(struct scanner *scanner, const struct world *world,
                    const struct lidar_driver *driver, void *lidar)
{
    int64_t now_ns = 1000000000, packet_ns = now_ns;
    int beams = 0;

    for (int i = 0; i < 400; i++, now_ns += 10000000) {
        struct lidar_order order = {0};
        uint8_t bytes[SCANNER_PACKET_MAX];
        const struct lidar_beam *found;

        while (packet_ns < now_ns) {
            size_t size = scanner_packet(scanner, world, &middle, 115, packet_ns, bytes);

            for (size_t k = 0; k < size; k++) {
                size_t count = driver->push(lidar, bytes[k], now_ns, &found);

                beams += count > 0 ? check_beams(found, count) : 0;
            }
            packet_ns += scanner_period_ns(scanner);
        }
        (void)driver->tick(lidar, now_ns, &order);
        for (size_t k = 0; k < order.size; k++) {
            uint8_t answer[SCANNER_ANSWER_MAX];
            size_t size = scanner_take(scanner, order.bytes[k], answer);

            for (size_t m = 0; m < size; m++) {
                (void)driver->push(lidar, answer[m], now_ns, &found);
            }
        }
    }
    return beams;
}

static void c1_starts_on_request_and_reads_back_the_walls(void **state)
{
    const struct world *world = room(square);
    const struct lidar_driver *driver = &rplidar_c1_driver;
    void *lidar = calloc(1, driver->state_size);
    struct scanner scanner;
    uint8_t bytes[SCANNER_PACKET_MAX];

    (void)state;
    scanner_init(&scanner, SCANNER_RPLIDAR_C1, 1);
    assert_int_equal(scanner_packet(&scanner, world, &middle, 115, 0, bytes), 0);
    driver->init(lidar, 0);
    assert_true(converse(&scanner, world, driver, lidar) > 5000);
    assert_int_equal(driver->health(lidar)->bad_frames, 0);
    assert_int_equal(driver->health(lidar)->model, 0x41);
    free(lidar);
}

static void foreign_requests_are_not_answered(void **state)
{
    struct scanner scanner;
    uint8_t answer[SCANNER_ANSWER_MAX];

    (void)state;
    scanner_init(&scanner, SCANNER_RPLIDAR_C1, 1);
    for (int i = 0; i < 100000; i++) {
        (void)scanner_take(&scanner, (uint8_t)(i * 7919 >> 3), answer);
    }
    scanner_init(&scanner, SCANNER_LD06, 1);
    assert_int_equal(scanner_take(&scanner, 0xa5, answer) + scanner_take(&scanner, 0x50, answer),
                     0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ld06_reads_back_the_walls),
        cmocka_unit_test(garbage_is_no_packet),
        cmocka_unit_test(blind_lidar_has_no_return),
        cmocka_unit_test(frozen_lidar_repeats_the_last_distances),
        cmocka_unit_test(c1_starts_on_request_and_reads_back_the_walls),
        cmocka_unit_test(foreign_requests_are_not_answered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
