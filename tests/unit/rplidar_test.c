/* rplidar: requests byte by byte as Slamtec's SDK sends them, answers as it reads them, and no beam
 * from bytes that are out of step. Nodes and capsules are encoded here, from angles and distances
 * to bytes; what comes out is compared with the angles that went in. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "hal/body/rplidar.h"

#define S          INT64_C(1000000000)
#define BAUD       115200
#define BYTE_NS    INT64_C(86805)
#define SAMPLE_NS  INT64_C(250000)
#define LATENCY_NS INT64_C(2000000)
#define TURN_Q6    23040
#define GOOD_NODES 16

#define PUSH(line, ...)                                                                            \
    push(line, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

/* The decoder, and what came of it. */
struct line {
    struct rplidar rplidar;
    int64_t time_ns;
    int events[RPLIDAR_BEAMS + 1];
    enum rplidar_event last; /* of the byte that was pushed last */
};

struct point {
    int distance_mm, offset_q3;
};

static const uint8_t scan_descriptor[] = {0xA5, 0x5A, 0x05, 0x00, 0x00, 0x40, 0x81};
static const uint8_t express_descriptor[] = {0xA5, 0x5A, 0x54, 0x00, 0x00, 0x40, 0x82};
static const uint8_t dense_descriptor[] = {0xA5, 0x5A, 0x54, 0x00, 0x00, 0x40, 0x85};

static uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static struct line line_new(void)
{
    struct line line = {.time_ns = 100 * S};

    rplidar_init(&line.rplidar, BAUD, SAMPLE_NS, LATENCY_NS);
    return line;
}

/* The event of the last byte. */
static enum rplidar_event push(struct line *line, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        line->time_ns += BYTE_NS;
        line->last = rplidar_push(&line->rplidar, bytes[i], line->time_ns);
        line->events[line->last]++;
    }
    return line->last;
}

static struct line scanning(const uint8_t descriptor[7])
{
    struct line line = line_new();

    assert_int_equal(push(&line, descriptor, 7), RPLIDAR_SCANNING);
    assert_int_equal(line.rplidar.answer, descriptor[6]);
    return line;
}

static void node_make(uint8_t *node, bool is_start, int quality, int angle_q6, int distance_q2)
{
    node[0] = (uint8_t)(quality << 2 | (is_start ? 1 : 2));
    node[1] = (uint8_t)(angle_q6 << 1 | 1);
    node[2] = (uint8_t)(angle_q6 >> 7);
    node[3] = (uint8_t)distance_q2;
    node[4] = (uint8_t)(distance_q2 >> 8);
}

static enum rplidar_event push_node(struct line *line, int angle_q6, int distance_q2)
{
    uint8_t node[5];

    node_make(node, false, 47, angle_q6, distance_q2);
    return push(line, node, sizeof(node));
}

static void capsule_seal(uint8_t *capsule, int start_q6)
{
    uint8_t sum = 0;

    capsule[2] = (uint8_t)start_q6;
    capsule[3] = (uint8_t)(start_q6 >> 8);
    for (int i = 2; i < RPLIDAR_CAPSULE_SIZE; i++) {
        sum ^= capsule[i];
    }
    capsule[0] = 0xA0 | (sum & 0xF);
    capsule[1] = 0x50 | sum >> 4;
}

static void express_make(uint8_t *capsule, int start_q6, const struct point *points)
{
    for (int k = 0; k < RPLIDAR_EXPRESS_POINTS; k++) {
        uint8_t *cabin = capsule + 4 + k / 2 * 5;
        int value = points[k].distance_mm << 2 | points[k].offset_q3 >> 4;
        int nibble = points[k].offset_q3 & 0xF;

        cabin[k % 2 * 2] = (uint8_t)value;
        cabin[k % 2 * 2 + 1] = (uint8_t)(value >> 8);
        cabin[4] = (uint8_t)(k % 2 == 0 ? nibble : cabin[4] | nibble << 4);
    }
    capsule_seal(capsule, start_q6);
}

static void dense_make(uint8_t *capsule, int start_q6, const int *distances_mm)
{
    for (int k = 0; k < RPLIDAR_DENSE_POINTS; k++) {
        capsule[4 + 2 * k] = (uint8_t)distances_mm[k];
        capsule[5 + 2 * k] = (uint8_t)(distances_mm[k] >> 8);
    }
    capsule_seal(capsule, start_q6);
}

/* Points that differ from capsule to capsule do not matter to what these test. */
static enum rplidar_event push_capsule(struct line *line, int start_q6)
{
    uint8_t capsule[RPLIDAR_CAPSULE_SIZE] = {0};

    capsule_seal(capsule, start_q6);
    return push(line, capsule, sizeof(capsule));
}

static void requests_are_those_of_the_sdk(void **state)
{
    static const struct {
        enum rplidar_request request;
        uint16_t argument;
        size_t size;
        uint8_t bytes[RPLIDAR_REQUEST_MAX];
    } cases[] = {
        {RPLIDAR_STOP, 0, 2, {0xA5, 0x25}},
        {RPLIDAR_SCAN, 0, 2, {0xA5, 0x20}},
        {RPLIDAR_FORCE_SCAN, 0, 2, {0xA5, 0x21}},
        {RPLIDAR_RESET, 0, 2, {0xA5, 0x40}},
        {RPLIDAR_GET_INFO, 0, 2, {0xA5, 0x50}},
        {RPLIDAR_GET_HEALTH, 0, 2, {0xA5, 0x52}},
        {RPLIDAR_GET_SAMPLE_RATE, 0xFFFF, 2, {0xA5, 0x59}},
        {RPLIDAR_EXPRESS_SCAN, 0, 9, {0xA5, 0x82, 5, 0, 0, 0, 0, 0, 0x22}},
        {RPLIDAR_EXPRESS_SCAN, 3, 9, {0xA5, 0x82, 5, 3, 0, 0, 0, 0, 0x21}},
        {RPLIDAR_EXPRESS_SCAN, 0x0103, 9, {0xA5, 0x82, 5, 3, 0, 0, 0, 0, 0x21}},
        {RPLIDAR_MOTOR_PWM, 660, 6, {0xA5, 0xF0, 2, 0x94, 0x02, 0xC1}},
        {RPLIDAR_MOTOR_PWM, 0, 6, {0xA5, 0xF0, 2, 0, 0, 0x57}},
        {RPLIDAR_MOTOR_RPM, 600, 6, {0xA5, 0xA8, 2, 0x58, 0x02, 0x55}},
        {RPLIDAR_GET_TYPICAL_MODE, 9, 8, {0xA5, 0x84, 4, 0x7C, 0, 0, 0, 0x59}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t bytes[RPLIDAR_REQUEST_MAX];
        size_t size;

        memset(bytes, 0xEE, sizeof(bytes));
        size = rplidar_request(cases[i].request, cases[i].argument, bytes);
        assert_int_equal(size, cases[i].size);
        assert_memory_equal(bytes, cases[i].bytes, sizeof(bytes));
    }
}

static void descriptors_of_what_we_ask_for_are_known(void **state)
{
    static const struct {
        uint8_t bytes[7];
        enum rplidar_event event;
        enum rplidar_answer answer;
    } cases[] = {
        {{0xA5, 0x5A, 0x14, 0, 0, 0, 0x04}, RPLIDAR_NOTHING, RPLIDAR_ANSWER_INFO},
        {{0xA5, 0x5A, 0x03, 0, 0, 0, 0x06}, RPLIDAR_NOTHING, RPLIDAR_ANSWER_HEALTH},
        {{0xA5, 0x5A, 0x06, 0, 0, 0, 0x20}, RPLIDAR_NOTHING, RPLIDAR_ANSWER_CONF},
        {{0xA5, 0x5A, 0x05, 0, 0, 0x40, 0x81}, RPLIDAR_SCANNING, RPLIDAR_ANSWER_SCAN},
        {{0xA5, 0x5A, 0x54, 0, 0, 0x40, 0x82}, RPLIDAR_SCANNING, RPLIDAR_ANSWER_EXPRESS},
        {{0xA5, 0x5A, 0x54, 0, 0, 0x40, 0x85}, RPLIDAR_SCANNING, RPLIDAR_ANSWER_DENSE},
        {{0xA5, 0x5A, 0x84, 0, 0, 0x40, 0x83}, RPLIDAR_NO_SUCH_SCAN, RPLIDAR_ANSWER_NONE},
        {{0xA5, 0x5A, 0x84, 0, 0, 0x40, 0x84}, RPLIDAR_NO_SUCH_SCAN, RPLIDAR_ANSWER_NONE},
        {{0xA5, 0x5A, 0xAC, 0, 0, 0x40, 0x86}, RPLIDAR_NO_SUCH_SCAN, RPLIDAR_ANSWER_NONE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct line line = line_new();

        assert_int_equal(push(&line, cases[i].bytes, 7), cases[i].event);
        assert_int_equal(line.rplidar.answer, cases[i].answer);
        assert_int_equal(line.rplidar.health.skipped_bytes, 0);
        assert_int_equal(line.events[RPLIDAR_NOTHING], 6 + (cases[i].event == RPLIDAR_NOTHING));
    }
}

static void descriptor_with_another_length_mode_or_type_is_none(void **state)
{
    static const uint8_t wrong[][7] = {
        {0xA5, 0x5A, 0x06, 0, 0, 0x40, 0x81}, {0xA5, 0x5A, 0x05, 0, 0, 0x00, 0x81},
        {0xA5, 0x5A, 0x05, 0, 0, 0x80, 0x81}, {0xA5, 0x5A, 0x05, 1, 0, 0x40, 0x81},
        {0xA5, 0x5A, 0x54, 0, 1, 0x40, 0x82}, {0xA5, 0x5A, 0x54, 0, 0, 0x41, 0x85},
        {0xA5, 0x5A, 0x14, 0, 0, 0x40, 0x04}, {0xA5, 0x5A, 0x03, 0, 0, 0xC0, 0x06},
        {0xA5, 0x5A, 0x84, 0, 0, 0x00, 0x84}, {0xA5, 0x5A, 0x54, 0, 0, 0x40, 0x87},
        {0xA5, 0x5A, 0x05, 0, 0, 0x40, 0x00},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct line line = line_new();

        assert_int_equal(push(&line, wrong[i], 7), RPLIDAR_NOTHING);
        assert_int_equal(line.rplidar.answer, RPLIDAR_ANSWER_NONE);
        assert_int_equal(line.rplidar.health.skipped_bytes, 7);
        assert_int_equal(push(&line, scan_descriptor, 7), RPLIDAR_SCANNING);
    }
}

static void descriptor_is_found_behind_a_banner_and_false_starts(void **state)
{
    static const char banner[] = "RP LIDAR System.\r\nFirmware Ver 1.29\r\nModel: 18\r\n";
    struct line line = line_new();

    (void)state;
    push(&line, (const uint8_t *)banner, strlen(banner));
    PUSH(&line, 0xA5, 0xA5, 0x5A, 0xA5, 0x5A, 0x54, 0x00, 0xA5);
    assert_int_equal(push(&line, express_descriptor, 7), RPLIDAR_SCANNING);
    assert_int_equal(line.rplidar.health.skipped_bytes, strlen(banner) + 8);
}

static void info_says_who_it_is(void **state)
{
    struct line line = line_new();

    (void)state;
    PUSH(&line, 0xA5, 0x5A, 0x14, 0x00, 0x00, 0x00, 0x04);
    PUSH(&line, 0x18, 0x1D, 0x01, 0x07, 0xA5, 0x5A, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    assert_int_equal(line.events[RPLIDAR_INFO], 0);
    assert_int_equal(PUSH(&line, 16), RPLIDAR_INFO);
    assert_int_equal(line.rplidar.info.model, 0x18);
    assert_int_equal(RPLIDAR_MODEL_MAJOR(line.rplidar.info.model), 1);
    assert_int_equal(line.rplidar.info.firmware, 0x011D);
    assert_int_equal(line.rplidar.info.hardware, 7);
    assert_int_equal(line.rplidar.info.serial[0], 0xA5);
    assert_int_equal(line.rplidar.info.serial[15], 16);
    assert_int_equal(line.rplidar.health.model, 0x18);
    assert_int_equal(line.rplidar.health.firmware, 0x011D);
    assert_int_equal(line.rplidar.answer, RPLIDAR_ANSWER_NONE);
    assert_int_equal(push(&line, scan_descriptor, 7), RPLIDAR_SCANNING);
}

static void health_says_status_and_error(void **state)
{
    struct line line = line_new();

    (void)state;
    PUSH(&line, 0xA5, 0x5A, 0x03, 0x00, 0x00, 0x00, 0x06);
    assert_int_equal(PUSH(&line, 0x02, 0x34, 0x12), RPLIDAR_HEALTH);
    assert_int_equal(line.rplidar.device_health.status, RPLIDAR_HEALTH_ERROR);
    assert_int_equal(line.rplidar.device_health.error, 0x1234);
    assert_int_equal(line.rplidar.health.device_error, 0x1234);
    assert_int_equal(line.rplidar.answer, RPLIDAR_ANSWER_NONE);
}

static void typical_mode_is_that_of_its_own_entry(void **state)
{
    struct line line = line_new();

    (void)state;
    PUSH(&line, 0xA5, 0x5A, 0x06, 0x00, 0x00, 0x00, 0x20);
    assert_int_equal(PUSH(&line, 0x7C, 0, 0, 0, 0x02, 0x01), RPLIDAR_MODE);
    assert_int_equal(line.rplidar.typical_mode, 0x0102);
    PUSH(&line, 0xA5, 0x5A, 0x06, 0x00, 0x00, 0x00, 0x20);
    assert_int_equal(PUSH(&line, 0x70, 0, 0, 0, 0x07, 0x00), RPLIDAR_NOTHING);
    assert_int_equal(line.rplidar.typical_mode, 0x0102);
    assert_int_equal(line.rplidar.answer, RPLIDAR_ANSWER_NONE);
}

static void node_tells_angle_distance_and_quality(void **state)
{
    static const struct {
        int angle_q6, distance_q2, mdeg, distance_mm;
    } cases[] = {
        {0, 0, 0, 0},
        {90 * 64, 4003, 90000, 1000},
        {1, 65535, 15, 16383},
        {23039, 3, 359984, 0},
        {360 * 64, 400, 0, 100},
        {361 * 64 - 1, 400, 984, 100},
        {45 * 64 + 32, 48000, 45500, 12000},
    };
    struct line line = scanning(scan_descriptor);
    const struct lidar_beam *beam = line.rplidar.beams;
    uint8_t node[5];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        node_make(node, i == 0, (int)i * 9, cases[i].angle_q6, cases[i].distance_q2);
        assert_int_equal(push(&line, node, 5), RPLIDAR_BEAMS);
        assert_int_equal(line.rplidar.beam_count, 1);
        assert_int_equal(beam->clockwise_mdeg, cases[i].mdeg);
        assert_int_equal(beam->distance_mm, cases[i].distance_mm);
        assert_int_equal(beam->intensity, i * 9);
        assert_int_equal(beam->time_ns,
                         line.time_ns - 5 * BYTE_NS - SAMPLE_NS * 3 / 2 - LATENCY_NS);
        assert_int_equal(line.rplidar.health.packets, i + 1);
        assert_int_equal(line.rplidar.health.packet_ns, line.time_ns);
    }
}

/* A violation of each kind, then good nodes: the first 16 are not told, the next one is. */
static void beams_are_held_back_after_a_violation_until_16_nodes_were_good(void **state)
{
    static const uint8_t bad[][5] = {
        {0xBC, 0x01, 0x10, 0x10, 0x10}, /* neither S nor !S */
        {0xBF, 0x01, 0x10, 0x10, 0x10}, /* both */
        {0xBE, 0x00, 0x10, 0x10, 0x10}, /* no check bit */
        {0xBE, 0x81, 0xB4, 0x10, 0x10}, /* 361 degrees */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct line line = scanning(scan_descriptor);
        int good = 0;

        assert_int_equal(push_node(&line, 64, 400), RPLIDAR_BEAMS);
        push(&line, bad[i], 5);
        assert_int_equal(line.events[RPLIDAR_BEAMS], 1);
        assert_int_equal(line.rplidar.health.bad_frames, 1);
        while (line.events[RPLIDAR_BEAMS] == 1 && good < 100) {
            push_node(&line, 6400, 0x5050); /* 0x50: out of step it begins nothing */
            good++;
        }
        assert_int_equal(good, GOOD_NODES + 1);
        assert_int_equal(line.rplidar.health.bad_frames, 1);
        assert_int_equal(line.rplidar.health.skipped_bytes, 5);
        assert_int_equal(line.rplidar.beams[0].clockwise_mdeg, 100000);
    }
}

/* Bytes are lost. A window that is out of step may pass some times; from the first violation on
 * what is told was measured. */
static void beams_are_true_again_once_a_loss_was_noticed(void **state)
{
    uint32_t seed = 0xA1;
    int false_beams = 0;

    (void)state;
    for (int round = 0; round < 2000; round++) {
        struct line line = scanning(scan_descriptor);
        int lost_at = (int)(next_random(&seed) % 50);
        size_t lost = 1 + next_random(&seed) % 4;

        for (int i = 0; i < 200; i++) {
            int angle_q6 = i * 115 % TURN_Q6, distance_mm = (int)(next_random(&seed) % 12000);
            int beams = line.events[RPLIDAR_BEAMS];
            bool was_noticed = line.rplidar.health.bad_frames > 0;
            uint8_t node[5];

            node_make(node, angle_q6 < 115, (int)(next_random(&seed) % 64), angle_q6,
                      distance_mm * 4);
            if (i == lost_at) {
                push(&line, node, lost);
            } else if (push(&line, node, 5) == RPLIDAR_BEAMS) {
                assert_int_equal(line.rplidar.beams[0].clockwise_mdeg, angle_q6 * 1000 / 64);
                assert_int_equal(line.rplidar.beams[0].distance_mm, distance_mm);
            } else if (line.events[RPLIDAR_BEAMS] > beams) {
                assert_true(i > lost_at && !was_noticed);
                false_beams++;
            }
        }
        assert_int_equal(line.last, RPLIDAR_BEAMS);
        assert_int_equal(line.rplidar.health.bad_frames, 1);
    }
    assert_true(false_beams < 2000);
}

static double turned_deg(const struct lidar_beam *beam, double deg)
{
    return fabs(remainder(beam->clockwise_mdeg / 1000.0 - deg, 360));
}

static void express_capsules_tell_the_angles_and_distances_that_went_in(void **state)
{
    struct line line = scanning(express_descriptor);
    struct point points[2][RPLIDAR_EXPRESS_POINTS] = {0};
    uint8_t capsule[RPLIDAR_CAPSULE_SIZE];
    uint32_t seed = 0x82;
    int before_q6 = 0, start_q6 = 0;

    (void)state;
    for (int i = 0; i < 3000; i++) {
        struct point *now = points[i % 2], *before = points[(i + 1) % 2];
        int advance_q6 = 1 + (int)(next_random(&seed) % (90 * 64));

        before_q6 = start_q6;
        start_q6 = (start_q6 + advance_q6) % TURN_Q6;
        for (int k = 0; k < RPLIDAR_EXPRESS_POINTS; k++) {
            now[k].distance_mm = (int)(next_random(&seed) % 16384);
            now[k].offset_q3 = (int)(next_random(&seed) % 64);
        }
        express_make(capsule, start_q6, now);
        assert_int_equal(push(&line, capsule, sizeof(capsule)),
                         i == 0 ? RPLIDAR_NOTHING : RPLIDAR_BEAMS);
        for (int k = 0; i > 0 && k < RPLIDAR_EXPRESS_POINTS; k++) {
            const struct lidar_beam *beam = &line.rplidar.beams[k];
            double deg = before_q6 / 64.0 + advance_q6 / 64.0 * k / 32 - before[k].offset_q3 / 8.0;

            assert_int_equal(beam->distance_mm, before[k].distance_mm);
            assert_in_range(beam->clockwise_mdeg, 0, 359999);
            assert_true(turned_deg(beam, deg) < 0.0015);
            assert_int_equal(beam->intensity, 0);
        }
    }
    assert_int_equal(line.rplidar.beam_count, RPLIDAR_EXPRESS_POINTS);
    assert_int_equal(line.rplidar.health.packets, 2999);
    assert_int_equal(line.rplidar.health.skipped_bytes, 0);
}

static void dense_capsules_tell_millimetres(void **state)
{
    struct line line = scanning(dense_descriptor);
    uint8_t capsule[RPLIDAR_CAPSULE_SIZE];
    int distances_mm[RPLIDAR_DENSE_POINTS];

    (void)state;
    for (int k = 0; k < RPLIDAR_DENSE_POINTS; k++) {
        distances_mm[k] = k * 1600 + 7;
    }
    dense_make(capsule, 350 * 64, distances_mm);
    assert_int_equal(push(&line, capsule, sizeof(capsule)), RPLIDAR_NOTHING);
    assert_int_equal(push_capsule(&line, 20 * 64), RPLIDAR_BEAMS);
    assert_int_equal(line.rplidar.beam_count, RPLIDAR_DENSE_POINTS);
    for (int k = 0; k < RPLIDAR_DENSE_POINTS; k++) {
        assert_int_equal(line.rplidar.beams[k].clockwise_mdeg, (350000 + k * 750) % 360000);
        assert_int_equal(line.rplidar.beams[k].distance_mm, distances_mm[k]);
    }
}

/* The last point was measured one and a half samples before its own capsule began to be sent. */
static void beams_of_a_capsule_have_the_times_of_their_own_capsule(void **state)
{
    static const uint8_t *const descriptors[] = {express_descriptor, dense_descriptor};

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct line line = scanning(descriptors[i]);
        const struct lidar_beam *beams = line.rplidar.beams;
        int64_t last_ns;
        size_t last;

        assert_int_equal(push_capsule(&line, 0), RPLIDAR_NOTHING);
        last_ns = line.time_ns - 84 * BYTE_NS - SAMPLE_NS * 3 / 2 - LATENCY_NS;
        line.time_ns += S;
        assert_int_equal(push_capsule(&line, 640), RPLIDAR_BEAMS);
        last = line.rplidar.beam_count - 1;
        assert_int_equal(beams[last].time_ns, last_ns);
        for (size_t k = 0; k < last; k++) {
            assert_int_equal(beams[k + 1].time_ns - beams[k].time_ns, SAMPLE_NS);
        }
        assert_int_equal(line.rplidar.health.packet_ns, line.time_ns);
    }
}

static void wrong_check_sum_forgets_the_capsule_before(void **state)
{
    (void)state;
    for (size_t at = 0; at < RPLIDAR_CAPSULE_SIZE; at++) {
        struct line line = scanning(at % 2 == 0 ? express_descriptor : dense_descriptor);
        uint8_t capsule[RPLIDAR_CAPSULE_SIZE] = {0};

        push_capsule(&line, 0);
        capsule_seal(capsule, 640);
        capsule[at] ^= 1;
        push(&line, capsule, sizeof(capsule));
        assert_int_equal(line.rplidar.health.bad_frames, 1);
        assert_int_equal(line.rplidar.health.skipped_bytes, RPLIDAR_CAPSULE_SIZE);
        assert_int_equal(push_capsule(&line, 1280), RPLIDAR_NOTHING);
        assert_int_equal(push_capsule(&line, 1920), RPLIDAR_BEAMS);
        assert_int_equal(line.rplidar.beams[0].clockwise_mdeg, 20000);
        assert_int_equal(line.events[RPLIDAR_BEAMS], 1);
    }
}

static void first_capsule_of_a_scan_forgets_the_one_before(void **state)
{
    struct line line = scanning(express_descriptor);

    (void)state;
    assert_int_equal(push_capsule(&line, 0), RPLIDAR_NOTHING);
    assert_int_equal(push_capsule(&line, 640), RPLIDAR_BEAMS);
    assert_int_equal(push_capsule(&line, 1280 | 0x8000), RPLIDAR_NOTHING);
    assert_int_equal(push_capsule(&line, 1920), RPLIDAR_BEAMS);
    assert_int_equal(line.rplidar.beams[0].clockwise_mdeg, 20000);
    assert_int_equal(line.rplidar.health.bad_frames, 0);
    assert_int_equal(line.rplidar.health.bad_geometry, 0);
}

static void lost_or_foreign_bytes_between_capsules_forget_the_one_before(void **state)
{
    uint8_t capsule[RPLIDAR_CAPSULE_SIZE] = {0};

    (void)state;
    capsule_seal(capsule, 640);
    for (size_t lost = 1; lost < RPLIDAR_CAPSULE_SIZE; lost++) {
        struct line line = scanning(express_descriptor);

        push_capsule(&line, 0);
        push(&line, capsule + lost, sizeof(capsule) - lost);
        assert_int_equal(push_capsule(&line, 1280), RPLIDAR_NOTHING);
        assert_int_equal(push_capsule(&line, 1920), RPLIDAR_BEAMS);
        assert_int_equal(line.rplidar.beams[0].clockwise_mdeg, 20000);
    }
    for (uint8_t first = 0xA0; first < 0xA2; first++) { /* a start without, and with its second */
        struct line line = scanning(express_descriptor);

        push_capsule(&line, 0);
        PUSH(&line, first, first == 0xA0 ? 0x00 : 0x50);
        push(&line, capsule, sizeof(capsule));
        assert_int_equal(line.events[RPLIDAR_BEAMS], 0);
    }
}

static void advance_of_nothing_or_too_much_tells_no_beam(void **state)
{
    struct line line = scanning(express_descriptor);

    (void)state;
    assert_int_equal(push_capsule(&line, 0), RPLIDAR_NOTHING);
    assert_int_equal(push_capsule(&line, 0), RPLIDAR_NOTHING);
    assert_int_equal(push_capsule(&line, 90 * 64), RPLIDAR_BEAMS);
    assert_int_equal(push_capsule(&line, 180 * 64 + 1), RPLIDAR_NOTHING);
    assert_int_equal(push_capsule(&line, 180 * 64), RPLIDAR_NOTHING);
    assert_int_equal(line.rplidar.health.bad_geometry, 3);
    assert_int_equal(push_capsule(&line, 181 * 64), RPLIDAR_BEAMS);
    assert_int_equal(push_capsule(&line, TURN_Q6), RPLIDAR_NOTHING); /* no such angle */
    assert_int_equal(push_capsule(&line, 182 * 64), RPLIDAR_NOTHING);
    assert_int_equal(push_capsule(&line, 183 * 64), RPLIDAR_BEAMS);
    assert_int_equal(line.rplidar.health.bad_geometry, 4);
    assert_int_equal(line.rplidar.health.bad_frames, 0);
}

static void expecting_an_answer_forgets_what_was_begun_but_not_the_counters(void **state)
{
    struct line line = scanning(express_descriptor);
    uint32_t packets;

    (void)state;
    push_capsule(&line, 0);
    push_capsule(&line, 640);
    PUSH(&line, 0xA0, 0x50, 1, 2, 3);
    packets = line.rplidar.health.packets;
    rplidar_expect(&line.rplidar);
    assert_int_equal(line.rplidar.answer, RPLIDAR_ANSWER_NONE);
    push_capsule(&line, 1280);
    assert_int_equal(push(&line, express_descriptor, 7), RPLIDAR_SCANNING);
    assert_int_equal(push_capsule(&line, 1920), RPLIDAR_NOTHING);
    assert_int_equal(push_capsule(&line, 2560), RPLIDAR_BEAMS);
    assert_int_equal(line.rplidar.health.packets, packets + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_those_of_the_sdk),
        cmocka_unit_test(descriptors_of_what_we_ask_for_are_known),
        cmocka_unit_test(descriptor_with_another_length_mode_or_type_is_none),
        cmocka_unit_test(descriptor_is_found_behind_a_banner_and_false_starts),
        cmocka_unit_test(info_says_who_it_is),
        cmocka_unit_test(health_says_status_and_error),
        cmocka_unit_test(typical_mode_is_that_of_its_own_entry),
        cmocka_unit_test(node_tells_angle_distance_and_quality),
        cmocka_unit_test(beams_are_held_back_after_a_violation_until_16_nodes_were_good),
        cmocka_unit_test(beams_are_true_again_once_a_loss_was_noticed),
        cmocka_unit_test(express_capsules_tell_the_angles_and_distances_that_went_in),
        cmocka_unit_test(dense_capsules_tell_millimetres),
        cmocka_unit_test(beams_of_a_capsule_have_the_times_of_their_own_capsule),
        cmocka_unit_test(wrong_check_sum_forgets_the_capsule_before),
        cmocka_unit_test(first_capsule_of_a_scan_forgets_the_one_before),
        cmocka_unit_test(lost_or_foreign_bytes_between_capsules_forget_the_one_before),
        cmocka_unit_test(advance_of_nothing_or_too_much_tells_no_beam),
        cmocka_unit_test(expecting_an_answer_forgets_what_was_begun_but_not_the_counters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
