/* See ld06.h.
 *
 * The decoder is a window of at most one frame. What stands at its beginning is either the start of
 * something (then it waits for the rest) or not (then one byte is dropped and the question is asked
 * again). Nothing is ever thrown away but by that one byte or as a whole valid frame, so a 0x54
 * inside of data, or a frame cut off in the middle, costs no frame that follows: the window is
 * never longer than the frame behind it, so that one is whole the moment its own last byte comes.
 * Only a wrong frame with a right CRC (1 of 256 candidates) can swallow the beginning of a right
 * one.
 *
 * What a frame with a right CRC may still be:
 * - impossible: an angle of 360 degrees or more, no advance, or more advance than 12 points take at
 *   that speed. LDROBOT's own check is: more than 1.5 times what 12 points take, at 2300 points/s
 *   for the LD06 and at 4500 for the LD19. We take 2300 for both: the frame printed in the LD19
 * data sheet would fail the stricter one.
 * - not news: the same bytes as the frame before. A scanner that turns cannot send that; it is
 *   dropped, so that a stuck device or converter does not keep old points fresh.
 * - from a clock that lies: the time stamp is compared with the line's own time. It is never used
 * for anything else. Three faults without 100 good frames in between make `clock_lies` true.
 */
#include "hal/body/ld06.h"

#include <string.h>

#define FRAME_START   0x54
#define FRAME_VERSION 0x2C /* 12 points, type 1 */
#define INFO_START    0xAA
#define INFO_SECOND   0x55
#define INFO_TYPE_MAX 3
#define INFO_EXTRA    7 /* AA 55 type len, then xor 31 F2 */

#define ANGLE_FULL_CDEG 36000
#define BYTE_NS         (INT64_C(10000000000) / LD06_BAUD)
#define FRAME_NS        (LD06_FRAME_SIZE * BYTE_NS)
#define MS              INT64_C(1000000)

#define CLOCK_GAP_MS     1000 /* after a longer silence the clocks are not compared */
#define CLOCK_JUMP_MS    100  /* more than what a late tick and a full tty queue can feign */
#define CLOCK_STRIKES    3
#define CLOCK_GOOD_AGAIN 100

void ld06_init(struct ld06 *ld06, int64_t latency_ns)
{
    *ld06 = (struct ld06){.latency_ns = latency_ns};
}

/* Polynomial 0x4D, four bits at a time. */
static uint8_t crc(const uint8_t *bytes, size_t size)
{
    static const uint8_t folded[16] = {0x00, 0x4D, 0x9A, 0xD7, 0x79, 0x34, 0xE3, 0xAE,
                                       0xF2, 0xBF, 0x68, 0x25, 0x8B, 0xC6, 0x11, 0x5C};
    uint8_t sum = 0;

    while (size-- > 0) {
        sum ^= *bytes++;
        sum = (uint8_t)(sum << 4 ^ folded[sum >> 4]);
        sum = (uint8_t)(sum << 4 ^ folded[sum >> 4]);
    }
    return sum;
}

static int32_t u16(const uint8_t *bytes)
{
    return bytes[0] | bytes[1] << 8;
}

/* Compares the device's clock with the line's since the last frame. */
static void clock_judge(struct ld06 *ld06, const uint8_t *frame, int64_t time_ns)
{
    struct lidar_health *health = &ld06->health;
    int32_t stamp_ms = u16(frame + 44), last_ms = u16(ld06->last + 44);
    int64_t line_ms = (time_ns - ld06->last_ns) / MS;
    int32_t off_ms;
    bool stopped, jumped;

    if (line_ms < 0 || line_ms > CLOCK_GAP_MS) {
        return;
    }
    off_ms = (stamp_ms - last_ms - (int32_t)line_ms) % LD06_CLOCK_MS;
    off_ms = off_ms < 0 ? off_ms + LD06_CLOCK_MS : off_ms;
    stopped = stamp_ms == last_ms;
    jumped = stamp_ms >= LD06_CLOCK_MS ||
             (off_ms > CLOCK_JUMP_MS && off_ms < LD06_CLOCK_MS - CLOCK_JUMP_MS);
    health->clock_stops += stopped;
    health->clock_jumps += jumped;
    if (stopped || jumped) {
        ld06->clock_good = 0;
        ld06->clock_strikes++;
    } else if (++ld06->clock_good >= CLOCK_GOOD_AGAIN) {
        ld06->clock_strikes = 0;
    }
    health->clock_lies = ld06->clock_strikes >= CLOCK_STRIKES;
}

static void beams_read(struct ld06 *ld06, const uint8_t *frame, int32_t span_cdeg, int64_t time_ns)
{
    int32_t speed_deg_s = u16(frame + 2), start_mdeg = u16(frame + 4) * 10;
    int64_t duration_ns = (int64_t)span_cdeg * 10 * MS / speed_deg_s;
    int64_t end_ns = time_ns - FRAME_NS - ld06->latency_ns;

    for (int32_t i = 0; i < LD06_POINTS; i++) {
        const uint8_t *point = frame + 6 + 3 * i;
        int32_t turned_mdeg = span_cdeg * 10 * i / (LD06_POINTS - 1);

        ld06->beams[i] = (struct lidar_beam){
            .time_ns = end_ns - duration_ns * (LD06_POINTS - 1 - i) / (LD06_POINTS - 1),
            .clockwise_mdeg = (start_mdeg + turned_mdeg) % (ANGLE_FULL_CDEG * 10),
            .distance_mm = u16(point),
            .intensity = point[2],
        };
    }
}

/* A frame with a right CRC. */
static enum ld06_result frame_take(struct ld06 *ld06, const uint8_t *frame, int64_t time_ns)
{
    int32_t speed_deg_s = u16(frame + 2), start_cdeg = u16(frame + 4), end_cdeg = u16(frame + 42);
    int32_t span_cdeg = (end_cdeg - start_cdeg + ANGLE_FULL_CDEG) % ANGLE_FULL_CDEG;

    /* span > speed * 12 / 2300 * 1.5, in integers. */
    if (start_cdeg >= ANGLE_FULL_CDEG || end_cdeg >= ANGLE_FULL_CDEG || span_cdeg == 0 ||
        span_cdeg * 23 > speed_deg_s * 18) {
        ld06->health.bad_geometry++;
        return LD06_NOTHING;
    }
    if (ld06->health.packets > 0) {
        clock_judge(ld06, frame, time_ns);
    }
    if (memcmp(frame, ld06->last, LD06_FRAME_SIZE) == 0) {
        ld06->health.repeats++;
        return LD06_NOTHING;
    }
    beams_read(ld06, frame, span_cdeg, time_ns);
    memcpy(ld06->last, frame, LD06_FRAME_SIZE);
    ld06->last_ns = time_ns;
    ld06->health.packet_ns = time_ns;
    ld06->health.packets++;
    return LD06_PACKET;
}

/* An information frame longer than the window is not waited for: its bytes are skipped one by one,
 * which ends the same and holds nothing up. */
static size_t info_size(const uint8_t *window, size_t size)
{
    if ((size > 1 && window[1] != INFO_SECOND) ||
        (size > 2 && (window[2] == 0 || window[2] > INFO_TYPE_MAX))) {
        return 0;
    }
    if (size < 4) {
        return 4;
    }
    return window[3] + INFO_EXTRA <= LD06_FRAME_SIZE ? window[3] + INFO_EXTRA : 0;
}

/* How many bytes has what begins the window, as far as it is known; 0: nothing begins like this. */
static size_t size_wanted(const uint8_t *window, size_t size)
{
    if (window[0] == FRAME_START) {
        return size < 2 || window[1] == FRAME_VERSION ? LD06_FRAME_SIZE : 0;
    }
    return window[0] == INFO_START ? info_size(window, size) : 0;
}

static void drop(struct ld06 *ld06, size_t count)
{
    ld06->size -= count;
    memmove(ld06->window, ld06->window + count, ld06->size);
}

/* The window begins with something that is whole, if it is anything at all. */
static enum ld06_result whole_take(struct ld06 *ld06, size_t size, int64_t time_ns)
{
    const uint8_t *window = ld06->window;
    bool is_info = window[0] == INFO_START;

    if (is_info && window[size - 2] == 0x31 && window[size - 1] == 0xF2) {
        ld06->health.info_frames++;
        drop(ld06, size);
        return LD06_NOTHING;
    }
    if (!is_info && crc(window, size - 1) == window[size - 1]) {
        ld06->size = 0;
        return frame_take(ld06, window, time_ns);
    }
    ld06->health.bad_frames++;
    ld06->health.skipped_bytes++;
    drop(ld06, 1);
    return LD06_NOTHING;
}

enum ld06_result ld06_push(struct ld06 *ld06, uint8_t byte, int64_t time_ns)
{
    enum ld06_result result = LD06_NOTHING;

    ld06->window[ld06->size++] = byte;
    while (ld06->size > 0) {
        size_t wanted = size_wanted(ld06->window, ld06->size);

        if (wanted > ld06->size) {
            break;
        }
        if (wanted == 0) {
            ld06->health.skipped_bytes++;
            drop(ld06, 1);
        } else {
            /* A frame fills the window, so the loop ends with it and no result is lost. */
            result = whole_take(ld06, wanted, time_ns);
        }
    }
    return result;
}

static void driver_init(void *state, int64_t latency_ns)
{
    ld06_init(state, latency_ns);
}

static size_t driver_push(void *state, uint8_t byte, int64_t time_ns,
                          const struct lidar_beam **ret_beams)
{
    struct ld06 *ld06 = state;

    if (ld06_push(ld06, byte, time_ns) != LD06_PACKET) {
        return 0;
    }
    *ret_beams = ld06->beams;
    return LD06_POINTS;
}

/* Nothing to send: it talks, or it is not one of these. */
static enum lidar_phase driver_tick(void *state, int64_t now_ns, struct lidar_order *ret_order)
{
    struct ld06 *ld06 = state;

    *ret_order = (struct lidar_order){0};
    if (ld06->health.packets > 0) {
        return LIDAR_PHASE_RUNNING;
    }
    if (ld06->listen_until_ns == 0) {
        ld06->listen_until_ns = now_ns + LD06_LISTEN_MS * MS;
    }
    if (now_ns < ld06->listen_until_ns) {
        return LIDAR_PHASE_STARTING;
    }
    ld06->health.fault = LIDAR_FAULT_NO_FRAMES;
    return LIDAR_PHASE_FAILED;
}

static const struct lidar_health *driver_health(const void *state)
{
    const struct ld06 *ld06 = state;

    return &ld06->health;
}

const struct lidar_driver ld06_driver = {
    .name = "ld06",
    .baud = LD06_BAUD,
    .state_size = sizeof(struct ld06),
    .init = driver_init,
    .push = driver_push,
    .tick = driver_tick,
    .health = driver_health,
};
