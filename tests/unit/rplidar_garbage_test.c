/* rplidar behind garbage of any length. Answers and capsules, which can be told from garbage, are
 * read again with the second one at the latest. A node has two check bits and no check sum, so out
 * of step it looks good one time in four: there the promise is that after a few of them every one
 * is told as it was sent. Garbage is made to tempt: most of it is what something begins with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "hal/body/rplidar.h"

#define ROUNDS      20000
#define GARBAGE_MAX 200
#define BYTE_NS     INT64_C(86805)
#define TURN_Q6     23040
#define NODES       400
#define NODES_LOST  100 /* at most, until the stream is in step again */

static const uint8_t scan_descriptor[] = {0xA5, 0x5A, 0x05, 0x00, 0x00, 0x40, 0x81};
static const uint8_t express_descriptor[] = {0xA5, 0x5A, 0x54, 0x00, 0x00, 0x40, 0x82};
static const uint8_t dense_descriptor[] = {0xA5, 0x5A, 0x54, 0x00, 0x00, 0x40, 0x85};

struct line {
    struct rplidar rplidar;
    int64_t time_ns;
    uint32_t seed;
};

static uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static struct line line_new(uint32_t seed)
{
    struct line line = {.time_ns = INT64_C(1000000000), .seed = seed};

    rplidar_init(&line.rplidar, 115200, 250000, 2000000);
    return line;
}

/* The event of the last byte. */
static enum rplidar_event push(struct line *line, const uint8_t *bytes, size_t size)
{
    enum rplidar_event event = RPLIDAR_NOTHING;

    for (size_t i = 0; i < size; i++) {
        line->time_ns += BYTE_NS;
        event = rplidar_push(&line->rplidar, bytes[i], line->time_ns);
    }
    return event;
}

static void push_garbage(struct line *line)
{
    static const uint8_t tempting[] = {0xA5, 0x5A, 0x54, 0x00, 0xA0, 0x50, 0x03, 0x06,
                                       0x3E, 0x01, 0x40, 0x81, 0xA3, 0x5C, 0x14, 0x04};
    uint8_t garbage[GARBAGE_MAX];
    size_t size = next_random(&line->seed) % (GARBAGE_MAX + 1);

    for (size_t i = 0; i < size; i++) {
        uint32_t any = next_random(&line->seed);

        garbage[i] = any % 3 == 0 ? (uint8_t)(any >> 16) : tempting[any >> 8 & 15];
    }
    (void)push(line, garbage, size);
}

/* --- Answers. --- */

static void second_answer_behind_any_garbage_is_read(void **state)
{
    static const uint8_t health[] = {0xA5, 0x5A, 0x03, 0, 0, 0, 0x06, 0x02, 0x34, 0x12};
    struct line line = line_new(0x4EA1);
    int first = 0;

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        rplidar_expect(&line.rplidar);
        push_garbage(&line);
        first += push(&line, health, sizeof(health)) == RPLIDAR_HEALTH;
        line.rplidar.device_health.error = 0;
        assert_int_equal(push(&line, health, sizeof(health)), RPLIDAR_HEALTH);
        assert_int_equal(line.rplidar.device_health.error, 0x1234);
    }
    assert_true(first > ROUNDS * 99 / 100);
}

/* --- Capsules. --- */

/* All that is not the head is `fill`, so that its points tell which one they come from. */
static void capsule_make(uint8_t *capsule, int start_q6, uint8_t fill)
{
    uint8_t sum = 0;

    memset(capsule, fill, RPLIDAR_CAPSULE_SIZE);
    capsule[2] = (uint8_t)start_q6;
    capsule[3] = (uint8_t)(start_q6 >> 8);
    for (int i = 2; i < RPLIDAR_CAPSULE_SIZE; i++) {
        sum ^= capsule[i];
    }
    capsule[0] = 0xA0 | (sum & 0xF);
    capsule[1] = 0x50 | sum >> 4;
}

/* Three capsules behind garbage. The beams of each are told with the next one: those of the second
 * with the third. Whether those of the first were told as well. */
static bool three_capsules(struct line *line, int32_t first_mm)
{
    uint8_t capsules[3][RPLIDAR_CAPSULE_SIZE];
    bool first;

    for (int i = 0; i < 3; i++) {
        capsule_make(capsules[i], (i + 1) * 640, (uint8_t)(0x10 * (i + 1)));
    }
    (void)push(line, capsules[0], RPLIDAR_CAPSULE_SIZE);
    first = push(line, capsules[1], RPLIDAR_CAPSULE_SIZE) == RPLIDAR_BEAMS &&
            line->rplidar.beams[0].distance_mm == first_mm;
    assert_int_equal(push(line, capsules[2], RPLIDAR_CAPSULE_SIZE), RPLIDAR_BEAMS);
    assert_int_equal(line->rplidar.beams[0].distance_mm, 2 * first_mm);
    return first;
}

static void judge_capsules(const uint8_t descriptor[7], int32_t first_mm)
{
    int first = 0;

    for (uint32_t round = 0; round < ROUNDS; round++) {
        struct line line = line_new(round + 1);

        assert_int_equal(push(&line, descriptor, 7), RPLIDAR_SCANNING);
        push_garbage(&line);
        first += three_capsules(&line, first_mm);
    }
    assert_true(first > ROUNDS * 97 / 100);
}

static void second_capsule_behind_any_garbage_is_read(void **state)
{
    (void)state;
    judge_capsules(express_descriptor, 0x1010 / 4);
    judge_capsules(dense_descriptor, 0x1010);
}

/* --- Nodes. --- */

static enum rplidar_event push_node(struct line *line, int angle_q6, int distance_mm)
{
    int distance_q2 = distance_mm * 4;
    const uint8_t node[5] = {(uint8_t)(next_random(&line->seed) % 64 << 2 | 2),
                             (uint8_t)(angle_q6 << 1 | 1), (uint8_t)(angle_q6 >> 7),
                             (uint8_t)distance_q2, (uint8_t)(distance_q2 >> 8)};

    return push(line, node, sizeof(node));
}

static void nodes_behind_any_garbage_are_soon_told_as_they_were_sent(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < ROUNDS / 10; round++) {
        struct line line = line_new(round + 1);

        assert_int_equal(push(&line, scan_descriptor, 7), RPLIDAR_SCANNING);
        push_garbage(&line);
        for (int i = 0; i < NODES; i++) {
            int angle_q6 = i * 64 % TURN_Q6;
            int distance_mm = (int)(next_random(&line.seed) % 12000);
            enum rplidar_event event = push_node(&line, angle_q6, distance_mm);

            if (i >= NODES_LOST) {
                assert_int_equal(event, RPLIDAR_BEAMS);
                assert_int_equal(line.rplidar.beams[0].clockwise_mdeg, angle_q6 * 1000 / 64);
                assert_int_equal(line.rplidar.beams[0].distance_mm, distance_mm);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(second_answer_behind_any_garbage_is_read),
        cmocka_unit_test(second_capsule_behind_any_garbage_is_read),
        cmocka_unit_test(nodes_behind_any_garbage_are_soon_told_as_they_were_sent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
