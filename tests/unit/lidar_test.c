/* lidar: the device on a pseudo terminal, in virtual time. What a lidar sends becomes points in the
 * car's frame with the times of the line; a line that is lost or silent is opened again. Only the
 * thread that opens and reads is waited for in real time. */
#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "hal/body/lidar.h"

#define MS         INT64_C(1000000)
#define S          (1000 * MS)
#define FRAME_SIZE 47
#define BYTE_NS    INT64_C(43402)
#define WAIT_MS    5000 /* of real time, until a test fails */

/* A lidar of the LD06 family at the other end of the line, ten turns a second. */
struct bench {
    struct lidar *lidar;
    char folder[64], path[80]; /* a link to the tty, as udev makes one */
    int master_fd, slave_fd;   /* -1: unplugged */
    int64_t now_ns;
    struct lidar_point points[LIDAR_POINTS_MAX];
    size_t count;
    int stamp_ms, start_cdeg, distance_mm;
};

static void plug(struct bench *bench)
{
    char name[64];

    assert_int_equal(openpty(&bench->master_fd, &bench->slave_fd, name, NULL, NULL), 0);
    (void)unlink(bench->path);
    assert_int_equal(symlink(name, bench->path), 0);
}

static void unplug(struct bench *bench)
{
    assert_int_equal(unlink(bench->path), 0);
    assert_int_equal(close(bench->slave_fd), 0);
    assert_int_equal(close(bench->master_fd), 0);
    bench->master_fd = bench->slave_fd = -1;
}

static struct lidar_options ordinary(int family)
{
    return (struct lidar_options){
        .family = family, .range_min_mm = 30, .range_max_mm = 12000, .latency_us = 2000};
}

static struct bench *bench_new(struct lidar_options options)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    const char *folder = getenv("TMPDIR");

    assert_non_null(bench);
    (void)snprintf(bench->folder, sizeof(bench->folder), "%s/lidar-XXXXXX",
                   folder != NULL && strlen(folder) < 40 ? folder : "/tmp");
    assert_non_null(mkdtemp(bench->folder));
    (void)snprintf(bench->path, sizeof(bench->path), "%s/tty", bench->folder);
    (void)snprintf(options.device, sizeof(options.device), "%s", bench->path);
    bench->now_ns = 1000 * S;
    bench->distance_mm = 1000;
    plug(bench);
    assert_int_equal(lidar_open(&options, &bench->lidar), 0);
    return bench;
}

static void bench_free(struct bench *bench)
{
    lidar_close(bench->lidar);
    if (bench->master_fd >= 0) {
        unplug(bench);
    }
    assert_int_equal(rmdir(bench->folder), 0);
    free(bench);
}

static struct lidar_status status_of(const struct bench *bench)
{
    return lidar_status_get(bench->lidar);
}

static size_t poll_after(struct bench *bench, int64_t ns)
{
    bench->now_ns += ns;
    bench->count = lidar_poll(bench->lidar, bench->now_ns, bench->points);
    assert_true(bench->count <= LIDAR_POINTS_MAX);
    for (size_t i = 0; i < bench->count; i++) {
        assert_true(bench->points[i].time_ns < bench->now_ns);
        assert_true(bench->points[i].slot < LIDAR_SLOTS);
        assert_false(lidar_is_masked(bench->lidar, bench->points[i].slot));
    }
    return bench->count;
}

/* Polls, without letting virtual time pass, until the thread is done. */
static void wait_for(struct bench *bench, enum lidar_state state)
{
    for (int i = 0; i < WAIT_MS && status_of(bench).state != state; i++) {
        (void)poll(NULL, 0, i > 0);
        poll_after(bench, 0);
    }
    assert_int_equal(status_of(bench).state, state);
}

/* The bytes are there for the next poll when this returns. */
static void line_write(struct bench *bench, const uint8_t *bytes, size_t size)
{
    assert_int_equal(lidar_unread(bench->lidar), 0);
    assert_int_equal(write(bench->master_fd, bytes, size), size);
    for (int i = 0; i < WAIT_MS && lidar_unread(bench->lidar) != size; i++) {
        (void)poll(NULL, 0, i > 0);
    }
    assert_int_equal(lidar_unread(bench->lidar), size);
}

static void put16(uint8_t *bytes, int value)
{
    bytes[0] = (uint8_t)value;
    bytes[1] = (uint8_t)(value >> 8);
}

static uint8_t crc(const uint8_t *bytes, size_t size)
{
    unsigned sum = 0;

    for (size_t i = 0; i < size * 8; i++) {
        unsigned bit = (bytes[i / 8] >> (7 - i % 8)) & 1U;

        sum = sum << 1 ^ ((sum >> 7 ^ bit) & 1U ? 0x4D : 0);
        sum &= 0xFF;
    }
    return (uint8_t)sum;
}

/* Twelve points a degree apart. */
static void frame_make(struct bench *bench, uint8_t *frame)
{
    memset(frame, 0, FRAME_SIZE);
    frame[0] = 0x54;
    frame[1] = 0x2C;
    put16(frame + 2, 3600);
    put16(frame + 4, bench->start_cdeg);
    for (int i = 0; i < 12; i++) {
        put16(frame + 6 + 3 * i, bench->distance_mm);
        frame[8 + 3 * i] = (uint8_t)(100 + i);
    }
    put16(frame + 42, (bench->start_cdeg + 1100) % 36000);
    put16(frame + 44, bench->stamp_ms);
    frame[46] = crc(frame, 46);
    bench->start_cdeg = (bench->start_cdeg + 1200) % 36000;
    bench->stamp_ms = (bench->stamp_ms + 3) % 30000;
}

/* One frame whose points begin at this angle, clockwise; then a poll. */
static size_t frame_at(struct bench *bench, int start_cdeg)
{
    uint8_t frame[FRAME_SIZE];

    bench->start_cdeg = start_cdeg;
    frame_make(bench, frame);
    line_write(bench, frame, sizeof(frame));
    return poll_after(bench, 3 * MS);
}

static void assert_point(const struct lidar_point *point, double deg, int distance_mm)
{
    assert_int_equal(point->slot, (int)(deg * 2 + 720) % 720);
    assert_int_equal(point->distance_mm, distance_mm);
}

static void clockwise_of_the_device_is_counter_clockwise_of_the_car(void **state)
{
    struct bench *bench = bench_new(ordinary(LIDAR_FAMILY_LD06));

    (void)state;
    wait_for(bench, LIDAR_STARTING);
    bench->distance_mm = 11999;
    for (int start_cdeg = 0; start_cdeg < 36000; start_cdeg += 1250) {
        assert_int_equal(frame_at(bench, start_cdeg), 12);
        for (int i = 0; i < 12; i++) {
            assert_point(&bench->points[i], 360 - start_cdeg / 100.0 - i, 11999);
            assert_int_equal(bench->points[i].intensity, 100 + i);
        }
    }
    assert_int_equal(status_of(bench).state, LIDAR_RUNNING);
    bench_free(bench);
}

static void mounting_turns_the_points(void **state)
{
    static const int yaws_deg[] = {-180, -90, -30, 45, 90, 180};

    (void)state;
    for (size_t k = 0; k < sizeof(yaws_deg) / sizeof(yaws_deg[0]); k++) {
        struct lidar_options options = ordinary(LIDAR_FAMILY_LD06);
        struct bench *bench;

        options.yaw_mdeg = yaws_deg[k] * 1000;
        bench = bench_new(options);
        wait_for(bench, LIDAR_STARTING);
        assert_int_equal(frame_at(bench, 35500), 12);
        for (int i = 0; i < 12; i++) {
            assert_point(&bench->points[i], yaws_deg[k] + 5 - i, 1000);
        }
        bench_free(bench);
    }
}

/* From its first to its second number: 359, 0 and 1 are covered, 2 is not. */
static void masked_bearings_are_not_told(void **state)
{
    struct lidar_options options = ordinary(LIDAR_FAMILY_LD06);
    struct bench *bench;

    (void)state;
    (void)snprintf(options.mask, sizeof(options.mask), "359-2, 90-91");
    bench = bench_new(options);
    for (int slot = 0; slot < LIDAR_SLOTS; slot++) {
        bool is_masked = slot < 4 || slot >= 718 || slot == 180 || slot == 181;

        assert_int_equal(lidar_is_masked(bench->lidar, slot), is_masked);
    }
    wait_for(bench, LIDAR_STARTING);
    assert_int_equal(frame_at(bench, 35500), 9); /* 5 .. -6 degrees */
    assert_int_equal(bench->points[3].slot, 4);
    assert_int_equal(bench->points[4].slot, 716);
    assert_int_equal(status_of(bench).masked, 3);
    bench_free(bench);
}

static void mask_that_is_none_is_refused(void **state)
{
    struct lidar_options options = ordinary(LIDAR_FAMILY_LD06);
    struct lidar *lidar = NULL;

    (void)state;
    (void)snprintf(options.mask, sizeof(options.mask), "10-");
    assert_int_equal(lidar_open(&options, &lidar), -EINVAL);
    assert_null(lidar);
    lidar_close(NULL);
}

static void range_decides_what_is_believed(void **state)
{
    static const struct {
        int distance_mm;
        size_t points;
        int told_mm;
    } cases[] = {{0, 12, 0},   {1, 0, 0},          {29, 0, 0},
                 {30, 12, 30}, {12000, 12, 12000}, {12001, 12, 0}};
    struct lidar_options options = ordinary(LIDAR_FAMILY_LD06);
    struct bench *bench;

    (void)state;
    bench = bench_new(options);
    wait_for(bench, LIDAR_STARTING);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bench->distance_mm = cases[i].distance_mm;
        assert_int_equal(frame_at(bench, 9000), cases[i].points);
        for (size_t k = 0; k < cases[i].points; k++) {
            assert_int_equal(bench->points[k].distance_mm, cases[i].told_mm);
            assert_int_equal(bench->points[k].slot, (270 - k) * 2);
        }
    }
    assert_int_equal(status_of(bench).too_near, 24);
    bench_free(bench);
}

/* 6 frames in reads of any size: a point's angle and distance do not depend on it. */
static void size_of_the_reads_changes_no_point(void **state)
{
    static const size_t chunks[] = {282, 1, 3, 46, 47, 48, 200};
    static struct lidar_point whole[72];
    uint8_t bytes[6 * FRAME_SIZE];

    (void)state;
    for (size_t c = 0; c < sizeof(chunks) / sizeof(chunks[0]); c++) {
        struct bench *bench = bench_new(ordinary(LIDAR_FAMILY_LD06));
        size_t count = 0;

        wait_for(bench, LIDAR_STARTING);
        for (size_t i = 0; i < 6; i++) {
            frame_make(bench, bytes + i * FRAME_SIZE);
        }
        for (size_t at = 0, size; at < sizeof(bytes); at += size) {
            size = at + chunks[c] < sizeof(bytes) ? chunks[c] : sizeof(bytes) - at;
            line_write(bench, bytes + at, size);
            poll_after(bench, (int64_t)size * BYTE_NS);
            for (size_t i = 0; i < bench->count; i++, count++) {
                struct lidar_point *point = &bench->points[i];

                if (c == 0) {
                    whole[count] = *point;
                }
                /* All the bytes came at the line's rate, so the times are the same as well. */
                assert_memory_equal(point, &whole[count], sizeof(*point));
            }
        }
        assert_int_equal(count, 72);
        bench_free(bench);
    }
}

/* A tick that comes late: what it reads cannot have come faster than at the line's rate. */
static void bytes_that_waited_are_as_old_as_the_line_makes_them(void **state)
{
    struct bench *bench = bench_new(ordinary(LIDAR_FAMILY_LD06));
    uint8_t bytes[64 * FRAME_SIZE];
    int64_t behind_ns = (int64_t)(sizeof(bytes) - 43 * FRAME_SIZE) * BYTE_NS;

    (void)state;
    wait_for(bench, LIDAR_STARTING);
    for (size_t i = 0; i < 64; i++) {
        frame_make(bench, bytes + i * FRAME_SIZE);
    }
    line_write(bench, bytes, sizeof(bytes));
    assert_int_equal(poll_after(bench, 200 * MS), 43 * 12); /* 2048 bytes; 960 stay unread */
    assert_int_equal(bench->points[43 * 12 - 1].time_ns,
                     bench->now_ns - behind_ns - FRAME_SIZE * BYTE_NS - 2 * MS);
    for (size_t i = 12; i < 43 * 12; i++) {
        assert_int_equal(bench->points[i].time_ns - bench->points[i - 12].time_ns,
                         FRAME_SIZE * BYTE_NS);
    }
    assert_int_equal(poll_after(bench, 0), 21 * 12);
    assert_int_equal(bench->points[21 * 12 - 1].time_ns,
                     bench->now_ns - FRAME_SIZE * BYTE_NS - 2 * MS);
    bench_free(bench);
}

static void missing_lidar_is_looked_for_twice_a_second(void **state)
{
    struct bench *bench = bench_new(ordinary(LIDAR_FAMILY_LD06));

    (void)state;
    unplug(bench);
    wait_for(bench, LIDAR_OPENING);
    wait_for(bench, LIDAR_CLOSED);
    assert_int_equal(status_of(bench).error, -ENOENT);
    poll_after(bench, 499 * MS);
    assert_int_equal(status_of(bench).state, LIDAR_CLOSED);
    poll_after(bench, MS);
    assert_int_equal(status_of(bench).state, LIDAR_OPENING);
    wait_for(bench, LIDAR_CLOSED);
    plug(bench);
    poll_after(bench, 500 * MS);
    wait_for(bench, LIDAR_STARTING);
    assert_int_equal(status_of(bench).error, 0);
    assert_int_equal(status_of(bench).openings, 1);
    assert_int_equal(frame_at(bench, 0), 12);
    bench_free(bench);
}

static void lidar_that_was_unplugged_is_opened_again_and_counts_on(void **state)
{
    struct bench *bench = bench_new(ordinary(LIDAR_FAMILY_LD06));

    (void)state;
    wait_for(bench, LIDAR_STARTING);
    for (uint32_t round = 1; round < 4; round++) {
        assert_int_equal(frame_at(bench, 0), 12);
        assert_int_equal(frame_at(bench, 1200), 12);
        assert_int_equal(status_of(bench).state, LIDAR_RUNNING);
        assert_int_equal(status_of(bench).openings, round);
        assert_int_equal(status_of(bench).health.packets, 2 * round);
        unplug(bench);
        bench->now_ns += MS;
        wait_for(bench, LIDAR_CLOSED);
        assert_true(status_of(bench).error == -EIO || status_of(bench).error == -ENODEV);
        assert_int_equal(status_of(bench).health.packets, 2 * round);
        plug(bench);
        poll_after(bench, 500 * MS);
        wait_for(bench, LIDAR_STARTING);
    }
    bench_free(bench);
}

static void silent_lidar_is_opened_again(void **state)
{
    struct bench *bench = bench_new(ordinary(LIDAR_FAMILY_LD06));

    (void)state;
    wait_for(bench, LIDAR_STARTING);
    frame_at(bench, 0);
    poll_after(bench, 1000 * MS);
    assert_int_equal(status_of(bench).state, LIDAR_RUNNING);
    poll_after(bench, MS);
    assert_int_equal(status_of(bench).state, LIDAR_CLOSED);
    assert_string_equal(lidar_fault_name(status_of(bench).fault), "silent");
    wait_for(bench, LIDAR_STARTING); /* at once: it was open for long enough */
    assert_int_equal(status_of(bench).fault, LIDAR_FAULT_SILENT);
    frame_at(bench, 0);
    assert_int_equal(status_of(bench).fault, LIDAR_FAULT_NONE);
    assert_int_equal(status_of(bench).openings, 2);
    bench_free(bench);
}

static void fail_to_start(struct bench *bench, const char *family, const char *fault)
{
    wait_for(bench, LIDAR_STARTING);
    assert_string_equal(status_of(bench).family, family);
    for (int i = 0; i < 3000 && status_of(bench).state == LIDAR_STARTING; i++) {
        poll_after(bench, MS);
    }
    assert_int_equal(status_of(bench).state, LIDAR_CLOSED);
    assert_string_equal(lidar_fault_name(status_of(bench).fault), fault);
}

static void auto_tries_all_families_in_turn_and_keeps_the_one_that_ran(void **state)
{
    struct bench *bench = bench_new(ordinary(LIDAR_FAMILY_AUTO));

    (void)state;
    fail_to_start(bench, "ld06", "no_frames");
    fail_to_start(bench, "rplidar_c1", "no_answer");
    fail_to_start(bench, "rplidar_a1", "no_answer");
    wait_for(bench, LIDAR_STARTING);
    assert_int_equal(tcflush(bench->slave_fd, TCIFLUSH), 0);
    assert_int_equal(frame_at(bench, 0), 12);
    poll_after(bench, 1001 * MS);
    wait_for(bench, LIDAR_STARTING);
    assert_string_equal(status_of(bench).family, "ld06");
    bench_free(bench);
}

static void family_that_is_named_is_the_only_one_tried(void **state)
{
    struct bench *a1 = bench_new(ordinary(LIDAR_FAMILY_RPLIDAR_A1));
    struct bench *c1 = bench_new(ordinary(LIDAR_FAMILY_RPLIDAR_C1));

    (void)state;
    for (int i = 0; i < 2; i++) {
        fail_to_start(a1, "rplidar_a1", "no_answer");
        fail_to_start(c1, "rplidar_c1", "no_answer");
    }
    bench_free(a1);
    bench_free(c1);
}

/* Reads what the device was asked; it has the line to itself, so this is the request and no more.
 */
static void assert_asked(struct bench *bench, const uint8_t *request, size_t size)
{
    struct pollfd master = {.fd = bench->master_fd, .events = POLLIN};
    uint8_t bytes[64];

    assert_int_equal(poll(&master, 1, WAIT_MS), 1);
    assert_int_equal(read(bench->master_fd, bytes, sizeof(bytes)), size);
    assert_memory_equal(bytes, request, size);
}

#define ASSERT_ASKED(bench, ...)                                                                   \
    assert_asked(bench, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))
#define ANSWER(bench, ...)                                                                         \
    line_write(bench, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void rplidar_a1_is_asked_over_the_line_and_runs(void **state)
{
    struct bench *bench = bench_new(ordinary(LIDAR_FAMILY_RPLIDAR_A1));
    uint8_t capsule[84] = {0xA0, 0x50};

    (void)state;
    wait_for(bench, LIDAR_STARTING);
    poll_after(bench, MS);
    ASSERT_ASKED(bench, 0xA5, 0x25);
    poll_after(bench, 50 * MS);
    ASSERT_ASKED(bench, 0xA5, 0x50);
    ANSWER(bench, 0xA5, 0x5A, 0x14, 0, 0, 0, 0x04, 0x18, 0x1D, 1, 7, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
           11, 12, 13, 14, 15, 16);
    poll_after(bench, MS);
    ASSERT_ASKED(bench, 0xA5, 0x52);
    ANSWER(bench, 0xA5, 0x5A, 0x03, 0, 0, 0, 0x06, 0, 0, 0);
    poll_after(bench, MS);
    ASSERT_ASKED(bench, 0xA5, 0x82, 5, 0, 0, 0, 0, 0, 0x22);
    ANSWER(bench, 0xA5, 0x5A, 0x54, 0, 0, 0x40, 0x82);
    poll_after(bench, MS); /* the motor; a pty has none */
    poll_after(bench, MS);
    for (uint8_t i = 0; i < 2; i++) {
        uint8_t sum = (uint8_t)(0x0A * i); /* 40 degrees are 0x0A00 */

        capsule[0] = 0xA0 | sum;
        capsule[3] = sum;
        assert_int_equal(status_of(bench).state, LIDAR_STARTING);
        line_write(bench, capsule, sizeof(capsule));
        assert_int_equal(poll_after(bench, 8 * MS), i * 32);
    }
    assert_int_equal(status_of(bench).state, LIDAR_RUNNING);
    assert_int_equal(status_of(bench).health.model, 0x18);
    assert_int_equal(bench->points[31].slot, (int)((360 - 38.75) * 2));
    bench_free(bench);
}

static void statistics_are_those_of_the_last_second_and_turn(void **state)
{
    struct bench *bench = bench_new(ordinary(LIDAR_FAMILY_LD06));

    (void)state;
    wait_for(bench, LIDAR_STARTING);
    for (int i = 0; i < 400; i++) {
        frame_at(bench, i * 1200 % 36000);
    }
    assert_int_equal(status_of(bench).points_per_turn, 360);
    assert_in_range(status_of(bench).turn_mhz, 11100, 11112); /* 30 frames of 3 ms */
    assert_in_range(status_of(bench).packets_per_s, 332, 334);
    assert_int_equal(status_of(bench).health.packets, 400);
    poll_after(bench, 999 * MS);
    poll_after(bench, 1001 * MS);
    assert_int_equal(status_of(bench).packets_per_s, 0);
    assert_int_equal(status_of(bench).points_per_turn, 0);
    assert_int_equal(status_of(bench).turn_mhz, 0);
    bench_free(bench);
}

static void lying_clock_is_told(void **state)
{
    struct bench *bench = bench_new(ordinary(LIDAR_FAMILY_LD06));

    (void)state;
    wait_for(bench, LIDAR_STARTING);
    for (int i = 0; i < 4; i++) {
        assert_false(status_of(bench).health.clock_lies);
        bench->stamp_ms = 77;
        assert_int_equal(frame_at(bench, i * 1200), 12);
    }
    assert_true(status_of(bench).health.clock_lies);
    bench_free(bench);
}

static void lidar_that_is_off_touches_nothing(void **state)
{
    struct bench *bench = bench_new(ordinary(LIDAR_FAMILY_OFF));

    (void)state;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(poll_after(bench, 100 * MS), 0);
    }
    assert_int_equal(status_of(bench).state, LIDAR_OFF);
    assert_string_equal(status_of(bench).family, "off");
    bench_free(bench);
}

static void states_and_faults_have_names(void **state)
{
    (void)state;
    assert_string_equal(lidar_state_name(LIDAR_CLOSED), "closed");
    assert_string_equal(lidar_state_name(LIDAR_STARTING), "starting");
    assert_string_equal(lidar_state_name(LIDAR_OFF), "off");
    assert_string_equal(lidar_fault_name(LIDAR_FAULT_NONE), "none");
    assert_string_equal(lidar_fault_name(LIDAR_FAULT_NO_SCAN), "no_scan");
    assert_string_equal(lidar_fault_name(LIDAR_FAULT_NO_BEAMS), "no_beams");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clockwise_of_the_device_is_counter_clockwise_of_the_car),
        cmocka_unit_test(mounting_turns_the_points),
        cmocka_unit_test(masked_bearings_are_not_told),
        cmocka_unit_test(mask_that_is_none_is_refused),
        cmocka_unit_test(range_decides_what_is_believed),
        cmocka_unit_test(size_of_the_reads_changes_no_point),
        cmocka_unit_test(bytes_that_waited_are_as_old_as_the_line_makes_them),
        cmocka_unit_test(missing_lidar_is_looked_for_twice_a_second),
        cmocka_unit_test(lidar_that_was_unplugged_is_opened_again_and_counts_on),
        cmocka_unit_test(silent_lidar_is_opened_again),
        cmocka_unit_test(auto_tries_all_families_in_turn_and_keeps_the_one_that_ran),
        cmocka_unit_test(family_that_is_named_is_the_only_one_tried),
        cmocka_unit_test(rplidar_a1_is_asked_over_the_line_and_runs),
        cmocka_unit_test(statistics_are_those_of_the_last_second_and_turn),
        cmocka_unit_test(lying_clock_is_told),
        cmocka_unit_test(lidar_that_is_off_touches_nothing),
        cmocka_unit_test(states_and_faults_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
