/* Any bytes from an RPLIDAR, between ticks at any time. The data is a list of steps: bytes as they
 * are, a descriptor, capsules with a right check sum, nodes with right check bits, or a pause;
 * without those no fuzzer would come past the check sums, or through the start.
 *
 * They go to the decoder alone and to both drivers. Beams are within the ranges that lidar_driver.h
 * states and never younger than their bytes let them be; orders are whole requests; a start ends in
 * bounded time; what has failed stays so; and whatever came, a scan that begins anew is told. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hal/body/rplidar_start.h"

#define MS         INT64_C(1000000)
#define START_NS   (1000000 * MS)
#define BYTE_NS    INT64_C(86805) /* 115200 baud */
#define SAMPLE_NS  INT64_C(250000)
#define LATENCY_NS (2 * MS)

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct subjects {
    struct rplidar rplidar;
    struct rplidar_start a1, c1;
    bool has_failed[2];
    int64_t now_ns;
};

static const uint8_t types[] = {0x04, 0x06, 0x20, 0x81, 0x82, 0x85, 0x83, 0x84};
static const uint8_t sizes[] = {20, 3, 6, 5, 84, 84, 132, 132};

static void require_beams(const struct lidar_beam *beams, size_t count, int64_t now_ns)
{
    REQUIRE(count <= LIDAR_BEAMS_MAX);
    for (size_t i = 0; i < count; i++) {
        REQUIRE(beams[i].clockwise_mdeg >= 0 && beams[i].clockwise_mdeg < 360000);
        REQUIRE(beams[i].distance_mm >= 0 && beams[i].distance_mm <= UINT16_MAX);
        REQUIRE(beams[i].intensity >= 0 && beams[i].intensity <= UINT8_MAX);
        REQUIRE(beams[i].time_ns < now_ns - LATENCY_NS);
        REQUIRE(i == 0 || beams[i].time_ns >= beams[i - 1].time_ns);
    }
}

static void require_window(const struct rplidar *rplidar)
{
    REQUIRE(rplidar->size < rplidar->wanted);
    REQUIRE(rplidar->wanted <= RPLIDAR_CAPSULE_SIZE);
}

/* To the decoder alone. */
static enum rplidar_event decode(struct subjects *subjects, uint8_t byte)
{
    struct rplidar *rplidar = &subjects->rplidar;
    uint32_t packets = rplidar->health.packets;
    enum rplidar_event event = rplidar_push(rplidar, byte, subjects->now_ns);

    require_window(rplidar);
    REQUIRE(rplidar->health.packets == packets + (event == RPLIDAR_BEAMS));
    if (event == RPLIDAR_BEAMS) {
        REQUIRE(rplidar->answer >= RPLIDAR_ANSWER_SCAN);
        REQUIRE(rplidar->health.packet_ns == subjects->now_ns);
        require_beams(rplidar->beams, rplidar->beam_count, subjects->now_ns);
    }
    return event;
}

static void drive(const struct lidar_driver *driver, struct rplidar_start *start, uint8_t byte,
                  int64_t now_ns)
{
    enum rplidar_step step = start->step;
    const struct lidar_beam *beams = NULL;
    size_t count = driver->push(start, byte, now_ns, &beams);

    require_window(&start->rplidar);
    REQUIRE((count > 0) == (beams != NULL));
    REQUIRE(count == 0 || (step != RPLIDAR_STEP_STOP && step != RPLIDAR_STEP_RESET));
    require_beams(beams, count, now_ns);
}

static enum rplidar_event push(struct subjects *subjects, const uint8_t *bytes, size_t size)
{
    enum rplidar_event event = RPLIDAR_NOTHING;

    for (size_t i = 0; i < size; i++) {
        subjects->now_ns += BYTE_NS;
        event = decode(subjects, bytes[i]);
        drive(&rplidar_a1_driver, &subjects->a1, bytes[i], subjects->now_ns);
        drive(&rplidar_c1_driver, &subjects->c1, bytes[i], subjects->now_ns);
    }
    return event;
}

static void require_order(const struct lidar_order *order)
{
    uint8_t sum = 0;

    REQUIRE(order->size == 0 || (order->size >= 2 && order->size <= LIDAR_ORDER_MAX));
    REQUIRE(order->size == 0 || order->bytes[0] == 0xA5);
    if (order->size == 0 || (order->bytes[1] & 0x80) == 0) {
        REQUIRE(order->size == 0 || order->size == 2);
        return;
    }
    REQUIRE(order->size == order->bytes[2] + 4U);
    for (size_t i = 0; i < order->size; i++) {
        sum ^= order->bytes[i];
    }
    REQUIRE(sum == 0);
}

static void tick(const struct lidar_driver *driver, struct rplidar_start *start, bool *has_failed,
                 int64_t now_ns)
{
    const struct lidar_health *health = driver->health(start);
    struct lidar_order order;
    enum lidar_phase phase = driver->tick(start, now_ns, &order);

    require_order(&order);
    REQUIRE(order.motor == LIDAR_MOTOR_KEEP || (order.motor == LIDAR_MOTOR_ON && !start->is_c1));
    REQUIRE(start->attempts <= RPLIDAR_ATTEMPTS_MAX && health->resets < RPLIDAR_ATTEMPTS_MAX);
    REQUIRE(phase != LIDAR_PHASE_RUNNING || health->packets > 0);
    REQUIRE((phase == LIDAR_PHASE_FAILED) == (start->attempts == RPLIDAR_ATTEMPTS_MAX));
    REQUIRE(phase != LIDAR_PHASE_FAILED || health->fault != LIDAR_FAULT_NONE);
    REQUIRE(!*has_failed || (phase == LIDAR_PHASE_FAILED && order.size == 0));
    *has_failed = phase == LIDAR_PHASE_FAILED;
}

static void pause_for(struct subjects *subjects, int ms)
{
    subjects->now_ns += ms * MS;
    tick(&rplidar_a1_driver, &subjects->a1, &subjects->has_failed[0], subjects->now_ns);
    tick(&rplidar_c1_driver, &subjects->c1, &subjects->has_failed[1], subjects->now_ns);
}

static enum rplidar_event push_descriptor(struct subjects *subjects, size_t index)
{
    uint8_t type = types[index];
    uint8_t bytes[] = {0xA5, 0x5A, sizes[index], 0, 0, type >= 0x80 ? 0x40 : 0, type};

    return push(subjects, bytes, sizeof(bytes));
}

static enum rplidar_event push_capsule(struct subjects *subjects, const uint8_t *bytes, size_t size)
{
    uint8_t capsule[RPLIDAR_CAPSULE_SIZE] = {0}, sum = 0;

    memcpy(capsule + 2, bytes, size < 82 ? size : 82);
    for (int i = 2; i < RPLIDAR_CAPSULE_SIZE; i++) {
        sum ^= capsule[i];
    }
    capsule[0] = 0xA0 | (sum & 0xF);
    capsule[1] = 0x50 | sum >> 4;
    return push(subjects, capsule, sizeof(capsule));
}

static void push_nodes(struct subjects *subjects, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i + 5 <= size; i += 5) {
        uint8_t node[5];

        memcpy(node, bytes + i, sizeof(node));
        node[0] = (uint8_t)((node[0] & ~3) | ((node[0] & 1) != 0 ? 1 : 2));
        node[1] |= 1;
        (void)push(subjects, node, sizeof(node));
    }
}

/* One step; returns how many of the bytes it took. */
static size_t step(struct subjects *subjects, uint8_t kind, const uint8_t *bytes, size_t size)
{
    size_t count = size < (size_t)(kind >> 3) * 4 ? size : (size_t)(kind >> 3) * 4;

    switch (kind & 7) {
    case 0:
    case 1:
        (void)push_descriptor(subjects, kind >> 3 & 7);
        return 0;
    case 2:
    case 3:
        (void)push_capsule(subjects, bytes, count);
        return count;
    case 4:
        push_nodes(subjects, bytes, count);
        return count;
    case 5:
        pause_for(subjects, (kind >> 3) * (kind >> 3) * 5); /* up to 4.8 s */
        return 0;
    case 6:
        rplidar_expect(&subjects->rplidar);
        return 0;
    }
    (void)push(subjects, bytes, count);
    return count;
}

static void require_new_scan_is_told(struct subjects *subjects)
{
    static const uint8_t starts[][2] = {{0x00, 0x00}, {0x80, 0x02}};

    for (size_t index = 4; index < 6; index++) {
        rplidar_expect(&subjects->rplidar);
        REQUIRE(push_descriptor(subjects, index) == RPLIDAR_SCANNING);
        REQUIRE(push_capsule(subjects, starts[0], 2) == RPLIDAR_NOTHING);
        REQUIRE(push_capsule(subjects, starts[1], 2) == RPLIDAR_BEAMS);
        REQUIRE(subjects->rplidar.beam_count == (index == 4 ? 32 : 40));
    }
}

/* In silence, each wait ends: three attempts with at most 3.1 s, 1 s and nine answers. */
static void require_start_ends(struct subjects *subjects)
{
    for (int i = 0; i < 30000 / 50; i++) {
        pause_for(subjects, 50);
    }
    REQUIRE(subjects->a1.step == RPLIDAR_STEP_RUN || subjects->a1.step == RPLIDAR_STEP_FAILED);
    REQUIRE(subjects->c1.step == RPLIDAR_STEP_RUN || subjects->c1.step == RPLIDAR_STEP_FAILED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct subjects subjects = {.now_ns = START_NS};

    rplidar_init(&subjects.rplidar, 115200, SAMPLE_NS, LATENCY_NS);
    rplidar_a1_driver.init(&subjects.a1, LATENCY_NS);
    rplidar_c1_driver.init(&subjects.c1, LATENCY_NS);
    pause_for(&subjects, 0);
    for (size_t at = 0; at < size;) {
        uint8_t kind = data[at++];

        at += step(&subjects, kind, data + at, size - at);
    }
    require_new_scan_is_told(&subjects);
    require_start_ends(&subjects);
    return 0;
}
