/* rplidar_start, in virtual time: a bench ticks the driver every millisecond as the device would,
 * notes each request with its time, and answers as the device that a test describes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "hal/body/rplidar_start.h"

#define MS INT64_C(1000000)

/* What the device answers. Zeroed: everything, in good health, with an express scan. */
struct device {
    bool is_mute, no_info, no_health, no_scan, no_beams;
    int mutes;         /* so many info requests are not answered */
    int sick;          /* so many health requests are answered with status 2 */
    uint8_t status;    /* of the others */
    bool no_mode;      /* old firmware */
    uint8_t mode;      /* the typical one */
    uint8_t express;   /* type of the scan that an express request begins; 0: 0x82; 1: no answer */
    bool talks_beside; /* sends answers that nobody asked for before each right one */
};

struct bench {
    struct device device;
    const struct lidar_driver *driver;
    struct rplidar_start start;
    int64_t now_ns;
    enum lidar_phase phase;
    char log[1000]; /* "ms:request " */
    uint8_t request[LIDAR_ORDER_MAX];
    size_t request_size;
    int requests, beams, motor_on, capsules;
};

static void send(struct bench *bench, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        const struct lidar_beam *beams = NULL;
        size_t count = bench->driver->push(&bench->start, bytes[i], bench->now_ns, &beams);

        assert_int_equal(count > 0, beams != NULL);
        for (size_t k = 0; k < count; k++) {
            assert_true(beams[k].time_ns < bench->now_ns);
        }
        bench->beams += (int)count;
    }
}

static void send_answer(struct bench *bench, uint8_t type, const uint8_t *payload, uint8_t size)
{
    uint8_t bytes[7 + 20] = {0xA5, 0x5A, size, 0, 0, type >= 0x80 ? 0x40 : 0, type};

    if (payload != NULL) {
        memcpy(bytes + 7, payload, size);
    }
    send(bench, bytes, payload != NULL ? 7U + size : 7U);
}

static void send_info(struct bench *bench)
{
    const uint8_t info[20] = {bench->start.is_c1 ? 0x41 : 0x18, 0x1D, 0x01, 7};

    send_answer(bench, 0x04, info, sizeof(info));
}

static void send_health(struct bench *bench, uint8_t status)
{
    const uint8_t health[3] = {status, 0x21, 0x80};

    send_answer(bench, 0x06, health, sizeof(health));
}

static void send_mode(struct bench *bench)
{
    const uint8_t mode[6] = {0x7C, 0, 0, 0, bench->device.mode, 0};

    send_answer(bench, 0x20, mode, sizeof(mode));
}

/* All distances 0, an eighth of a turn each. */
static void send_capsule(struct bench *bench)
{
    uint8_t bytes[RPLIDAR_CAPSULE_SIZE] = {0};
    int start_q6 = bench->capsules++ % 8 * 45 * 64;
    uint8_t sum = (uint8_t)((start_q6 & 0xFF) ^ start_q6 >> 8);

    bytes[0] = 0xA0 | (sum & 0xF);
    bytes[1] = 0x50 | sum >> 4;
    bytes[2] = (uint8_t)start_q6;
    bytes[3] = (uint8_t)(start_q6 >> 8);
    send(bench, bytes, sizeof(bytes));
}

/* The wrong answers, one of each. */
static void talk_beside(struct bench *bench, uint8_t asked)
{
    if (asked != 0x50) {
        send_info(bench);
    }
    if (asked != 0x52) {
        send_health(bench, 0);
    }
    if (asked != 0x84) {
        send_mode(bench);
    }
}

static void answer_express(struct bench *bench)
{
    uint8_t type = bench->device.express == 0 ? 0x82 : bench->device.express;

    if (type != 1) {
        send_answer(bench, type, NULL, 84);
    }
}

static void answer(struct bench *bench)
{
    struct device *device = &bench->device;
    uint8_t asked = bench->request[1];

    if (device->is_mute) {
        return;
    }
    if (device->talks_beside) {
        talk_beside(bench, asked);
    }
    if (asked == 0x50 && !device->no_info && device->mutes-- <= 0) {
        send_info(bench);
    } else if (asked == 0x52 && !device->no_health) {
        send_health(bench, device->sick-- > 0 ? 2 : device->status);
    } else if (asked == 0x84 && !device->no_mode) {
        send_mode(bench);
    } else if (asked == 0x82) {
        answer_express(bench);
    } else if (asked == 0x20 && !device->no_scan) {
        send_answer(bench, 0x81, NULL, 5);
    }
}

static void beams_send(struct bench *bench)
{
    static const uint8_t node[] = {0x3E, 0x01, 0x10, 0x20, 0x10};

    if (bench->device.no_beams) {
        return;
    }
    if (bench->start.rplidar.answer == RPLIDAR_ANSWER_SCAN) {
        send(bench, node, sizeof(node));
    } else if (bench->start.rplidar.answer > RPLIDAR_ANSWER_SCAN) {
        send_capsule(bench);
    }
}

static void tick(struct bench *bench)
{
    size_t length = strlen(bench->log);
    struct lidar_order order;

    memset(&order, 0xFF, sizeof(order));
    bench->phase = bench->driver->tick(&bench->start, bench->now_ns, &order);
    assert_true(order.motor == LIDAR_MOTOR_KEEP || order.motor == LIDAR_MOTOR_ON);
    if (order.motor == LIDAR_MOTOR_ON) {
        bench->motor_on++;
        (void)snprintf(bench->log + length, sizeof(bench->log) - length, "%d:motor ",
                       (int)(bench->now_ns / MS) - 1000);
    }
    bench->request_size = order.size;
    memcpy(bench->request, order.bytes, sizeof(order.bytes));
    if (order.size > 0) {
        assert_int_equal(order.bytes[0], 0xA5);
        bench->requests++;
        (void)snprintf(bench->log + length, sizeof(bench->log) - length, "%d:%02x ",
                       (int)(bench->now_ns / MS) - 1000, order.bytes[1]);
    }
}

static struct bench bench_new(const struct lidar_driver *driver, struct device device)
{
    struct bench bench = {.device = device, .driver = driver, .now_ns = 1000 * MS};

    assert_int_equal(driver->state_size, sizeof(bench.start));
    memset(&bench.start, 0xAA, sizeof(bench.start));
    driver->init(&bench.start, 2 * MS);
    return bench;
}

/* One tick a millisecond; answers and beams come before the next one. */
static void run(struct bench *bench, int ms)
{
    for (int i = 0; i < ms; i++) {
        tick(bench);
        if (bench->request_size > 0) {
            answer(bench);
        } else {
            beams_send(bench);
        }
        bench->now_ns += MS;
    }
}

static struct bench bench_run(const struct lidar_driver *driver, struct device device, int ms)
{
    struct bench bench = bench_new(driver, device);

    run(&bench, ms);
    return bench;
}

static const struct lidar_health *health_of(const struct bench *bench)
{
    return bench->driver->health(&bench->start);
}

static void assert_failed(const struct bench *bench, enum lidar_fault fault)
{
    assert_int_equal(bench->phase, LIDAR_PHASE_FAILED);
    assert_int_equal(health_of(bench)->fault, fault);
    assert_int_equal(bench->start.attempts, RPLIDAR_ATTEMPTS_MAX);
}

static void assert_running(const struct bench *bench, const char *log)
{
    assert_string_equal(bench->log, log);
    assert_int_equal(bench->phase, LIDAR_PHASE_RUNNING);
    assert_int_equal(health_of(bench)->fault, LIDAR_FAULT_NONE);
    assert_true(bench->beams > 0);
}

static void a1_is_stopped_asked_started_and_then_turned(void **state)
{
    struct bench bench = bench_run(&rplidar_a1_driver, (struct device){0}, 100);

    (void)state;
    assert_running(&bench, "0:25 50:50 51:52 52:82 53:motor ");
    assert_int_equal(health_of(&bench)->model, 0x18);
    assert_int_equal(health_of(&bench)->firmware, 0x011D);
    assert_int_equal(health_of(&bench)->resets, 0);
    assert_string_equal(bench.driver->name, "rplidar_a1");
    assert_int_equal(bench.driver->baud, 115200);
}

static void a1_is_asked_for_the_legacy_express_scan(void **state)
{
    static const uint8_t request[] = {0xA5, 0x82, 5, 0, 0, 0, 0, 0, 0x22};
    struct bench bench = bench_new(&rplidar_a1_driver, (struct device){.mode = 7});

    (void)state;
    while (bench.request[1] != 0x82) {
        run(&bench, 1);
    }
    assert_int_equal(bench.request_size, sizeof(request));
    assert_memory_equal(bench.request, request, sizeof(request));
}

static void c1_is_asked_for_its_typical_mode_and_turns_by_itself(void **state)
{
    static const uint8_t request[] = {0xA5, 0x82, 5, 3, 0, 0, 0, 0, 0x21};
    struct device device = {.mode = 3, .express = 0x85};
    struct bench bench = bench_new(&rplidar_c1_driver, device);

    (void)state;
    while (bench.request[1] != 0x82) {
        run(&bench, 1);
    }
    assert_memory_equal(bench.request, request, sizeof(request));
    run(&bench, 100);
    assert_running(&bench, "0:25 50:50 51:52 52:84 53:82 ");
    assert_int_equal(bench.motor_on, 0);
    assert_string_equal(bench.driver->name, "rplidar_c1");
    assert_int_equal(bench.driver->baud, 460800);
    assert_int_equal(bench.beams % RPLIDAR_DENSE_POINTS, 0);
}

static void c1_that_knows_no_modes_does_the_standard_scan(void **state)
{
    struct bench bench = bench_run(&rplidar_c1_driver, (struct device){.no_mode = true}, 700);

    (void)state;
    assert_running(&bench, "0:25 50:50 51:52 52:84 552:20 ");
}

static void a1_that_knows_no_express_scan_does_the_standard_scan(void **state)
{
    struct bench bench = bench_run(&rplidar_a1_driver, (struct device){.express = 1}, 700);

    (void)state;
    assert_running(&bench, "0:25 50:50 51:52 52:82 552:25 602:50 603:52 604:20 605:motor ");
    assert_int_equal(bench.start.attempts, 0);
}

static void mode_that_we_do_not_decode_is_stopped_at_once(void **state)
{
    struct device device = {.express = 0x84, .mode = 2};
    struct bench bench = bench_run(&rplidar_c1_driver, device, 200);

    (void)state;
    assert_running(&bench, "0:25 50:50 51:52 52:84 53:82 54:25 104:50 105:52 106:20 ");
}

static void warning_does_not_keep_it_from_starting(void **state)
{
    struct bench bench = bench_run(&rplidar_a1_driver, (struct device){.status = 1}, 100);

    (void)state;
    assert_running(&bench, "0:25 50:50 51:52 52:82 53:motor ");
    assert_int_equal(health_of(&bench)->device_error, 0x8021);
}

static void health_of_2_is_answered_by_a_reset(void **state)
{
    struct bench bench = bench_run(&rplidar_a1_driver, (struct device){.sick = 1}, 1300);

    (void)state;
    assert_running(&bench, "0:25 50:50 51:52 52:40 1052:25 1102:50 1103:52 1104:82 1105:motor ");
    assert_int_equal(health_of(&bench)->resets, 1);
    assert_int_equal(bench.start.attempts, 1);
}

static void health_of_2_after_two_resets_is_given_up(void **state)
{
    struct bench bench = bench_run(&rplidar_c1_driver, (struct device){.sick = 99}, 5000);

    (void)state;
    assert_failed(&bench, LIDAR_FAULT_UNHEALTHY);
    assert_string_equal(bench.log, "0:25 50:50 51:52 52:40 1052:25 1102:50 1103:52 1104:40 "
                                   "2104:25 2154:50 2155:52 ");
    assert_int_equal(health_of(&bench)->resets, 2);
    assert_int_equal(bench.beams, 0);
}

static void device_that_never_answers_is_given_up_after_three_attempts(void **state)
{
    struct bench bench = bench_run(&rplidar_c1_driver, (struct device){.is_mute = true}, 1650);

    (void)state;
    assert_int_equal(bench.phase, LIDAR_PHASE_STARTING);
    run(&bench, 1);
    assert_failed(&bench, LIDAR_FAULT_NO_ANSWER);
    assert_string_equal(bench.log, "0:25 50:50 550:25 600:50 1100:25 1150:50 ");
}

static void given_up_is_given_up(void **state)
{
    struct bench bench = bench_run(&rplidar_a1_driver, (struct device){.is_mute = true}, 2000);
    int requests = bench.requests;

    (void)state;
    send_info(&bench);
    send_health(&bench, 0);
    run(&bench, 10000);
    assert_failed(&bench, LIDAR_FAULT_NO_ANSWER);
    assert_int_equal(bench.requests, requests);
    assert_int_equal(bench.motor_on, 0);
}

static void device_that_answers_late_in_the_day_starts(void **state)
{
    struct bench bench = bench_run(&rplidar_a1_driver, (struct device){.mutes = 2}, 1250);

    (void)state;
    assert_running(&bench, "0:25 50:50 550:25 600:50 1100:25 1150:50 1151:52 1152:82 1153:motor ");
    assert_int_equal(bench.start.attempts, 2);
}

static void missing_health_is_no_answer(void **state)
{
    struct bench bench = bench_run(&rplidar_a1_driver, (struct device){.no_health = true}, 1700);

    (void)state;
    assert_failed(&bench, LIDAR_FAULT_NO_ANSWER);
    assert_string_equal(bench.log,
                        "0:25 50:50 51:52 551:25 601:50 602:52 1102:25 1152:50 1153:52 ");
}

static void device_that_does_not_begin_to_scan_is_given_up(void **state)
{
    struct device device = {.express = 1, .no_scan = true};
    struct bench bench = bench_run(&rplidar_a1_driver, device, 3000);

    (void)state;
    assert_failed(&bench, LIDAR_FAULT_NO_SCAN);
    assert_string_equal(bench.log, "0:25 50:50 51:52 52:82 552:25 602:50 603:52 604:20 "
                                   "1104:25 1154:50 1155:52 1156:20 1656:25 1706:50 1707:52 "
                                   "1708:20 ");
}

static void device_that_does_not_turn_is_given_up(void **state)
{
    struct bench bench = bench_run(&rplidar_a1_driver, (struct device){.no_beams = true}, 9162);

    (void)state;
    assert_int_equal(bench.phase, LIDAR_PHASE_STARTING);
    run(&bench, 1);
    assert_failed(&bench, LIDAR_FAULT_NO_BEAMS);
    assert_int_equal(bench.motor_on, 3);
}

static void reason_is_that_of_the_last_attempt(void **state)
{
    struct bench bench = bench_run(&rplidar_c1_driver, (struct device){.sick = 1}, 60);

    (void)state;
    assert_int_equal(health_of(&bench)->fault, LIDAR_FAULT_UNHEALTHY);
    bench.device.is_mute = true;
    run(&bench, 3000);
    assert_failed(&bench, LIDAR_FAULT_NO_ANSWER);
}

/* Each answer comes between two that belong to other steps. */
static void answer_counts_only_in_the_step_that_asked_for_it(void **state)
{
    struct device device = {.talks_beside = true, .no_mode = true, .no_scan = true};
    struct bench a1 = bench_run(&rplidar_a1_driver, (struct device){.talks_beside = true}, 100);
    struct bench c1 = bench_run(&rplidar_c1_driver, (struct device){.talks_beside = true}, 100);
    struct bench none = bench_run(&rplidar_c1_driver, device, 3500);

    (void)state;
    assert_running(&a1, "0:25 50:50 51:52 52:82 53:motor ");
    assert_running(&c1, "0:25 50:50 51:52 52:84 53:82 ");
    assert_failed(&none, LIDAR_FAULT_NO_SCAN);
}

static void what_comes_while_it_settles_is_thrown_away(void **state)
{
    static const char banner[] = "RP LIDAR System.\r\n";
    struct bench bench = bench_new(&rplidar_a1_driver, (struct device){.sick = 1});

    (void)state;
    for (int i = 0; i < 1100; i++) {
        run(&bench, 1);
        if (bench.start.step == RPLIDAR_STEP_STOP || bench.start.step == RPLIDAR_STEP_RESET) {
            send_info(&bench);
            send_health(&bench, 2);
            send(&bench, (const uint8_t *)banner, strlen(banner));
        }
    }
    run(&bench, 100);
    assert_running(&bench, "0:25 50:50 51:52 52:40 1052:25 1102:50 1103:52 1104:82 1105:motor ");
    assert_int_equal(health_of(&bench)->skipped_bytes, 0);
}

/* An answer that begins before the request and ends after it is not its answer. */
static void half_an_answer_is_forgotten_with_the_next_request(void **state)
{
    static const uint8_t half[] = {0xA5, 0x5A, 0x14, 0, 0, 0, 0x04, 0x18, 0x1D};
    struct bench bench = bench_new(&rplidar_a1_driver, (struct device){.mutes = 1});

    (void)state;
    run(&bench, 500);
    send(&bench, half, sizeof(half));
    run(&bench, 250);
    assert_running(&bench, "0:25 50:50 550:25 600:50 601:52 602:82 603:motor ");
}

static void late_tick_neither_skips_a_wait_nor_sends_twice(void **state)
{
    struct bench bench = bench_new(&rplidar_c1_driver, (struct device){0});

    (void)state;
    tick(&bench);
    bench.now_ns += 10000 * MS;
    tick(&bench);
    tick(&bench);
    assert_string_equal(bench.log, "0:25 10000:50 ");
    bench.now_ns += 499 * MS;
    tick(&bench);
    assert_int_equal(bench.requests, 2);
}

static void running_scan_goes_on_without_requests(void **state)
{
    struct bench bench = bench_run(&rplidar_a1_driver, (struct device){0}, 100);
    int beams = bench.beams;

    (void)state;
    run(&bench, 10000);
    assert_running(&bench, "0:25 50:50 51:52 52:82 53:motor ");
    assert_int_equal(bench.beams, beams + 10000 * RPLIDAR_EXPRESS_POINTS);
    bench.device.no_beams = true;
    run(&bench, 10000); /* the device in lidar.c notices the silence */
    assert_int_equal(bench.phase, LIDAR_PHASE_RUNNING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a1_is_stopped_asked_started_and_then_turned),
        cmocka_unit_test(a1_is_asked_for_the_legacy_express_scan),
        cmocka_unit_test(c1_is_asked_for_its_typical_mode_and_turns_by_itself),
        cmocka_unit_test(c1_that_knows_no_modes_does_the_standard_scan),
        cmocka_unit_test(a1_that_knows_no_express_scan_does_the_standard_scan),
        cmocka_unit_test(mode_that_we_do_not_decode_is_stopped_at_once),
        cmocka_unit_test(warning_does_not_keep_it_from_starting),
        cmocka_unit_test(health_of_2_is_answered_by_a_reset),
        cmocka_unit_test(health_of_2_after_two_resets_is_given_up),
        cmocka_unit_test(device_that_never_answers_is_given_up_after_three_attempts),
        cmocka_unit_test(given_up_is_given_up),
        cmocka_unit_test(device_that_answers_late_in_the_day_starts),
        cmocka_unit_test(missing_health_is_no_answer),
        cmocka_unit_test(device_that_does_not_begin_to_scan_is_given_up),
        cmocka_unit_test(device_that_does_not_turn_is_given_up),
        cmocka_unit_test(reason_is_that_of_the_last_attempt),
        cmocka_unit_test(answer_counts_only_in_the_step_that_asked_for_it),
        cmocka_unit_test(what_comes_while_it_settles_is_thrown_away),
        cmocka_unit_test(half_an_answer_is_forgotten_with_the_next_request),
        cmocka_unit_test(late_tick_neither_skips_a_wait_nor_sends_twice),
        cmocka_unit_test(running_scan_goes_on_without_requests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
