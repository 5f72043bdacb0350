/* See rplidar.h.
 *
 * The decoder is a window, as in ld06.c: it begins with something that may still become an answer,
 * or its first byte is dropped. What it waits for is one of three things:
 * - a descriptor: only the ones of answers that we ask for, with exactly their length and mode, so
 *   that neither the banner after a reset nor the rest of an old scan passes for one;
 * - one answer of fixed size, after which it waits for a descriptor again;
 * - a scan: answers of one kind until rplidar_expect.
 *
 * Standard nodes have 5 bytes and nothing but two check bits: a window that is out of step passes
 * one time in four. After a violation beams are therefore held back until 16 nodes in a row were
 * good; a descriptor puts the window in step at once. Capsules have a checksum; each needs the
 * start angle of the next one, and whatever goes wrong between two of them (a byte dropped, a
 * checksum, the bit "first capsule of a scan") makes it forget the first. An advance of nothing or
 * of more than 90 degrees is no scan but a repeat or a hole; its beams are not used.
 */
#include "hal/body/rplidar.h"

#include <string.h>

#define DESCRIPTOR_SIZE 7
#define START_1         0xA5
#define START_2         0x5A
#define HAS_PAYLOAD     0x80
#define MODE_MASK       UINT32_C(0xC0000000)
#define MODE_MANY       UINT32_C(0x40000000)
#define CONF_TYPICAL    0x7C
#define INFO_SIZE       20
#define HEALTH_SIZE     3
#define CONF_SIZE       6 /* u32 entry, u16 mode */
#define NODE_SIZE       5

#define TURN_Q6        (360 * 64)
#define NODE_ANGLE_MAX (361 * 64) /* its angle correction may reach a little beyond the turn */
#define ADVANCE_MAX_Q6 (90 * 64)
#define FIRST_CAPSULE  0x8000 /* in the start angle */
#define GOOD_NODES     16
#define TURN_Q16       (INT64_C(360) << 16)

void rplidar_init(struct rplidar *rplidar, int baud, int64_t sample_ns, int64_t latency_ns)
{
    *rplidar = (struct rplidar){
        .byte_ns = INT64_C(10000000000) / baud,
        .sample_ns = sample_ns,
        .latency_ns = latency_ns,
        .wanted = DESCRIPTOR_SIZE,
    };
}

void rplidar_expect(struct rplidar *rplidar)
{
    rplidar->answer = RPLIDAR_ANSWER_NONE;
    rplidar->wanted = DESCRIPTOR_SIZE;
    rplidar->size = 0;
    rplidar->has_previous = false;
}

static int32_t u16(const uint8_t *bytes)
{
    return bytes[0] | bytes[1] << 8;
}

static uint32_t u32(const uint8_t *bytes)
{
    return (uint32_t)u16(bytes) | (uint32_t)u16(bytes + 2) << 16;
}

static void put16(uint8_t *bytes, uint16_t value)
{
    bytes[0] = (uint8_t)value;
    bytes[1] = (uint8_t)(value >> 8);
}

static uint8_t xor_of(const uint8_t *bytes, size_t size)
{
    uint8_t sum = 0;

    while (size-- > 0) {
        sum ^= *bytes++;
    }
    return sum;
}

size_t rplidar_request(enum rplidar_request request, uint16_t argument,
                       uint8_t ret_bytes[static RPLIDAR_REQUEST_MAX])
{
    uint8_t *payload = ret_bytes + 3;
    size_t size = 2;

    memset(ret_bytes, 0, RPLIDAR_REQUEST_MAX);
    ret_bytes[0] = START_1;
    ret_bytes[1] = (uint8_t)request;
    if ((request & HAS_PAYLOAD) == 0) {
        return 2;
    }
    if (request == RPLIDAR_GET_TYPICAL_MODE) {
        payload[0] = CONF_TYPICAL;
        size = 4;
    } else {
        put16(payload, argument);
    }
    if (request == RPLIDAR_EXPRESS_SCAN) {
        payload[1] = 0; /* u8 mode, u16 flags, u16 parameter */
        size = 5;
    }
    ret_bytes[2] = (uint8_t)size;
    payload[size] = xor_of(ret_bytes, size + 3);
    return size + 4;
}

static bool is_scan(enum rplidar_answer answer)
{
    return answer >= RPLIDAR_ANSWER_SCAN;
}

static bool is_capsule(enum rplidar_answer answer)
{
    return answer >= RPLIDAR_ANSWER_EXPRESS;
}

/* Whether the first bytes of the window may begin what is waited for. */
static bool begins_well(const struct rplidar *rplidar)
{
    const uint8_t *window = rplidar->window;
    size_t size = rplidar->size;

    if (rplidar->answer == RPLIDAR_ANSWER_NONE) {
        return window[0] == START_1 && (size < 2 || window[1] == START_2);
    }
    if (rplidar->answer == RPLIDAR_ANSWER_SCAN) {
        return ((window[0] ^ window[0] >> 1) & 1) == 1 && (size < 2 || (window[1] & 1) == 1);
    }
    return !is_capsule(rplidar->answer) ||
           (window[0] >> 4 == 0xA && (size < 2 || window[1] >> 4 == 0x5));
}

/* Drops the first byte of the window, and with it all trust in what came before. */
static void drop(struct rplidar *rplidar)
{
    rplidar->health.skipped_bytes++;
    rplidar->good_nodes = 0;
    rplidar->has_previous = false;
    rplidar->size--;
    memmove(rplidar->window, rplidar->window + 1, rplidar->size);
}

static int32_t mdeg_of(int64_t angle_q16)
{
    int64_t turned = angle_q16 % TURN_Q16;

    return (int32_t)(((turned < 0 ? turned + TURN_Q16 : turned) * 1000) >> 16);
}

/* When the last point of an answer that had arrived then was measured. */
static int64_t measured_ns(const struct rplidar *rplidar, size_t size, int64_t time_ns)
{
    return time_ns - (int64_t)size * rplidar->byte_ns - rplidar->sample_ns * 3 / 2 -
           rplidar->latency_ns;
}

static enum rplidar_event packet_count(struct rplidar *rplidar, int64_t time_ns)
{
    rplidar->health.packets++;
    rplidar->health.packet_ns = time_ns;
    return RPLIDAR_BEAMS;
}

static enum rplidar_event node_take(struct rplidar *rplidar, int64_t time_ns)
{
    const uint8_t *node = rplidar->window;
    int32_t angle_q6 = u16(node + 1) >> 1;

    if (angle_q6 >= NODE_ANGLE_MAX) {
        rplidar->health.bad_frames++;
        drop(rplidar);
        return RPLIDAR_NOTHING;
    }
    rplidar->size = 0;
    if (rplidar->good_nodes < GOOD_NODES) {
        rplidar->good_nodes++;
        return RPLIDAR_NOTHING;
    }
    rplidar->beams[0] = (struct lidar_beam){
        .time_ns = measured_ns(rplidar, NODE_SIZE, time_ns),
        .clockwise_mdeg = mdeg_of((int64_t)angle_q6 << 10),
        .distance_mm = u16(node + 3) / 4,
        .intensity = node[0] >> 2,
    };
    rplidar->beam_count = 1;
    return packet_count(rplidar, time_ns);
}

static int32_t start_q6(const uint8_t *capsule)
{
    return u16(capsule + 2) & ~FIRST_CAPSULE;
}

/* Point k of 32: two of them share a cabin of 5 bytes, with 6 bits of angle correction each. */
static void express_point(const uint8_t *capsule, int k, int32_t *ret_distance_mm,
                          int32_t *ret_offset_q3)
{
    const uint8_t *cabin = capsule + 4 + 5 * (k / 2);
    int32_t distance_angle = u16(cabin + 2 * (k % 2));
    int32_t nibble = k % 2 == 0 ? cabin[4] & 0xF : cabin[4] >> 4;

    *ret_distance_mm = distance_angle >> 2;
    *ret_offset_q3 = nibble | (distance_angle & 3) << 4;
}

/* The beams of the previous capsule, now that it is known how far it turned. */
static void capsule_beams(struct rplidar *rplidar, int32_t advance_q6)
{
    const uint8_t *capsule = rplidar->previous;
    bool is_dense = rplidar->answer == RPLIDAR_ANSWER_DENSE;
    int count = is_dense ? RPLIDAR_DENSE_POINTS : RPLIDAR_EXPRESS_POINTS;
    int64_t last_ns = measured_ns(rplidar, RPLIDAR_CAPSULE_SIZE, rplidar->previous_ns);
    int64_t start_q16 = (int64_t)start_q6(capsule) << 10;

    for (int k = 0; k < count; k++) {
        int32_t distance_mm = 0, offset_q3 = 0;

        if (is_dense) {
            distance_mm = u16(capsule + 4 + 2 * k);
        } else {
            express_point(capsule, k, &distance_mm, &offset_q3);
        }
        rplidar->beams[k] = (struct lidar_beam){
            .time_ns = last_ns - (count - 1 - k) * rplidar->sample_ns,
            .clockwise_mdeg = mdeg_of(start_q16 + ((int64_t)advance_q6 << 10) * k / count -
                                      ((int64_t)offset_q3 << 13)),
            .distance_mm = distance_mm,
        };
    }
    rplidar->beam_count = (size_t)count;
}

static enum rplidar_event capsule_take(struct rplidar *rplidar, int64_t time_ns)
{
    const uint8_t *capsule = rplidar->window;
    int32_t start = start_q6(capsule), advance_q6;
    enum rplidar_event event = RPLIDAR_NOTHING;

    if (xor_of(capsule + 2, RPLIDAR_CAPSULE_SIZE - 2) !=
        ((capsule[0] & 0xF) | (capsule[1] & 0xF) << 4)) {
        rplidar->health.bad_frames++;
        drop(rplidar);
        return RPLIDAR_NOTHING;
    }
    rplidar->size = 0;
    if (start >= TURN_Q6) {
        rplidar->health.bad_geometry++;
        rplidar->has_previous = false;
        return RPLIDAR_NOTHING;
    }
    if (rplidar->has_previous && (u16(capsule + 2) & FIRST_CAPSULE) == 0) {
        advance_q6 = (start - start_q6(rplidar->previous) + TURN_Q6) % TURN_Q6;
        if (advance_q6 == 0 || advance_q6 > ADVANCE_MAX_Q6) {
            rplidar->health.bad_geometry++;
        } else {
            capsule_beams(rplidar, advance_q6);
            event = packet_count(rplidar, time_ns);
        }
    }
    memcpy(rplidar->previous, capsule, RPLIDAR_CAPSULE_SIZE);
    rplidar->previous_ns = time_ns;
    rplidar->has_previous = true;
    return event;
}

/* The descriptors of answers that we ask for, and those of the scans that we do not understand: HQ,
 * ultra, ultra-dense. */
static enum rplidar_event descriptor_take(struct rplidar *rplidar)
{
    static const struct {
        enum rplidar_answer answer;
        uint32_t size;
    } known[] = {
        {RPLIDAR_ANSWER_INFO, INFO_SIZE},
        {RPLIDAR_ANSWER_HEALTH, HEALTH_SIZE},
        {RPLIDAR_ANSWER_CONF, CONF_SIZE},
        {RPLIDAR_ANSWER_SCAN, NODE_SIZE},
        {RPLIDAR_ANSWER_EXPRESS, RPLIDAR_CAPSULE_SIZE},
        {RPLIDAR_ANSWER_DENSE, RPLIDAR_CAPSULE_SIZE},
    };
    uint32_t length = u32(rplidar->window + 2);
    uint8_t type = rplidar->window[6];

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        uint32_t mode = is_scan(known[i].answer) ? MODE_MANY : 0;

        if (type == known[i].answer && length == (known[i].size | mode)) {
            rplidar->answer = known[i].answer;
            rplidar->wanted = known[i].size;
            rplidar->size = 0;
            rplidar->good_nodes = GOOD_NODES;
            return mode != 0 ? RPLIDAR_SCANNING : RPLIDAR_NOTHING;
        }
    }
    if ((length & MODE_MASK) == MODE_MANY && (type == 0x83 || type == 0x84 || type == 0x86)) {
        rplidar->size = 0;
        return RPLIDAR_NO_SUCH_SCAN;
    }
    drop(rplidar);
    return RPLIDAR_NOTHING;
}

static enum rplidar_event info_take(struct rplidar *rplidar)
{
    const uint8_t *bytes = rplidar->window;

    rplidar->info = (struct rplidar_info){
        .model = bytes[0],
        .firmware = (uint16_t)u16(bytes + 1),
        .hardware = bytes[3],
    };
    memcpy(rplidar->info.serial, bytes + 4, sizeof(rplidar->info.serial));
    rplidar->health.model = rplidar->info.model;
    rplidar->health.firmware = rplidar->info.firmware;
    rplidar_expect(rplidar);
    return RPLIDAR_INFO;
}

static enum rplidar_event health_take(struct rplidar *rplidar)
{
    rplidar->device_health.status = rplidar->window[0];
    rplidar->device_health.error = (uint16_t)u16(rplidar->window + 1);
    rplidar->health.device_error = rplidar->device_health.error;
    rplidar_expect(rplidar);
    return RPLIDAR_HEALTH;
}

static enum rplidar_event conf_take(struct rplidar *rplidar)
{
    bool is_typical = u32(rplidar->window) == CONF_TYPICAL;

    if (is_typical) {
        rplidar->typical_mode = (uint16_t)u16(rplidar->window + 4);
    }
    rplidar_expect(rplidar);
    return is_typical ? RPLIDAR_MODE : RPLIDAR_NOTHING;
}

static enum rplidar_event whole_take(struct rplidar *rplidar, int64_t time_ns)
{
    if (is_capsule(rplidar->answer)) {
        return capsule_take(rplidar, time_ns);
    }
    if (rplidar->answer == RPLIDAR_ANSWER_SCAN) {
        return node_take(rplidar, time_ns);
    }
    if (rplidar->answer == RPLIDAR_ANSWER_INFO) {
        return info_take(rplidar);
    }
    if (rplidar->answer == RPLIDAR_ANSWER_HEALTH) {
        return health_take(rplidar);
    }
    return rplidar->answer == RPLIDAR_ANSWER_CONF ? conf_take(rplidar) : descriptor_take(rplidar);
}

enum rplidar_event rplidar_push(struct rplidar *rplidar, uint8_t byte, int64_t time_ns)
{
    enum rplidar_event event = RPLIDAR_NOTHING;

    rplidar->window[rplidar->size++] = byte;
    /* Once a call at most: after a byte was dropped the window is short again. And it begins well:
     * the two bytes that tell were looked at when they came, and no answer is shorter than three.
     */
    if (rplidar->size == rplidar->wanted) {
        event = whole_take(rplidar, time_ns);
    }
    while (rplidar->size > 0 && !begins_well(rplidar)) {
        rplidar->health.bad_frames +=
            rplidar->answer == RPLIDAR_ANSWER_SCAN && rplidar->good_nodes > 0;
        drop(rplidar);
    }
    return event;
}
