/* Any bytes from an LD06, in chunks of any size that come at any time. The data is a list of steps:
 * a chunk as it is, a chunk made into a frame with a right check sum, or an information frame;
 * without the latter two no fuzzer would come past the check sums.
 *
 * Beams are within the ranges that lidar_driver.h states, never younger than their bytes let them
 * be and in order; each byte is accounted for exactly once; the chunks change no point; and
 * whatever came, of two good frames the second one is told. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hal/body/ld06.h"

#define START_NS     INT64_C(1000000000000)
#define BYTE_NS      INT64_C(43402)
#define FRAME_NS     (LD06_FRAME_SIZE * BYTE_NS)
#define FRAME_MAX_NS INT64_C(7900000) /* that turning through a frame takes */
#define INFO_MIN     7

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Two decoders of the same bytes: one is told each byte's time, the other that of its chunk. */
struct pair {
    struct ld06 by_byte, by_chunk;
    int64_t now_ns, latency_ns;
    uint64_t bytes;
};

static uint8_t crc(const uint8_t *bytes, size_t size)
{
    uint8_t sum = 0;

    for (size_t i = 0; i < size; i++) {
        sum ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            sum = (uint8_t)(sum << 1 ^ ((sum & 0x80) != 0 ? 0x4D : 0));
        }
    }
    return sum;
}

static void require_beams(const struct ld06 *ld06, int64_t time_ns, int64_t latency_ns)
{
    int64_t newest_ns = time_ns - FRAME_NS - latency_ns;

    for (int i = 0; i < LD06_POINTS; i++) {
        const struct lidar_beam *beam = &ld06->beams[i];

        REQUIRE(beam->clockwise_mdeg >= 0 && beam->clockwise_mdeg < 360000);
        REQUIRE(beam->distance_mm >= 0 && beam->distance_mm <= UINT16_MAX);
        REQUIRE(beam->intensity >= 0 && beam->intensity <= UINT8_MAX);
        REQUIRE(beam->time_ns <= newest_ns && beam->time_ns >= newest_ns - FRAME_MAX_NS);
        REQUIRE(i == 0 || beam->time_ns >= ld06->beams[i - 1].time_ns);
    }
    REQUIRE(ld06->beams[LD06_POINTS - 1].time_ns == newest_ns);
}

static void require_same(const struct ld06 *a, const struct ld06 *b)
{
    for (int i = 0; i < LD06_POINTS; i++) {
        REQUIRE(a->beams[i].clockwise_mdeg == b->beams[i].clockwise_mdeg);
        REQUIRE(a->beams[i].distance_mm == b->beams[i].distance_mm);
        REQUIRE(a->beams[i].intensity == b->beams[i].intensity);
    }
}

/* Each byte is in a frame, in an information frame, skipped or still in the window. */
static void require_accounts(const struct ld06 *ld06, uint64_t bytes)
{
    const struct lidar_health *health = &ld06->health;
    uint64_t frames = (uint64_t)health->packets + health->bad_geometry + health->repeats;
    uint64_t others = frames * LD06_FRAME_SIZE + health->skipped_bytes + ld06->size;

    REQUIRE(ld06->size < LD06_FRAME_SIZE);
    REQUIRE(others <= bytes);
    REQUIRE(bytes - others >= (uint64_t)health->info_frames * INFO_MIN);
    REQUIRE(bytes - others <= (uint64_t)health->info_frames * LD06_FRAME_SIZE);
    REQUIRE(health->bad_frames <= health->skipped_bytes);
    REQUIRE(!health->clock_lies || health->clock_stops + health->clock_jumps >= 3);
}

/* Returns whether the last byte completed a packet. */
static bool push(struct pair *pair, const uint8_t *bytes, size_t size)
{
    int64_t end_ns = pair->now_ns + (int64_t)size * BYTE_NS;
    bool is_packet = false;

    for (size_t i = 0; i < size; i++) {
        pair->now_ns += BYTE_NS;
        pair->bytes++;
        is_packet = ld06_push(&pair->by_byte, bytes[i], pair->now_ns) == LD06_PACKET;
        REQUIRE(is_packet == (ld06_push(&pair->by_chunk, bytes[i], end_ns) == LD06_PACKET));
        if (is_packet) {
            require_beams(&pair->by_byte, pair->now_ns, pair->latency_ns);
            require_beams(&pair->by_chunk, end_ns, pair->latency_ns);
            require_same(&pair->by_byte, &pair->by_chunk);
        }
        require_accounts(&pair->by_byte, pair->bytes);
        require_accounts(&pair->by_chunk, pair->bytes);
    }
    return is_packet;
}

static bool push_frame(struct pair *pair, const uint8_t *bytes, size_t size)
{
    uint8_t frame[LD06_FRAME_SIZE] = {0x54, 0x2C};

    memcpy(frame + 2, bytes, size < 44 ? size : 44);
    frame[46] = crc(frame, 46);
    return push(pair, frame, sizeof(frame));
}

static void push_info(struct pair *pair, const uint8_t *bytes, size_t size)
{
    uint8_t frame[256 + INFO_MIN] = {0xAA, 0x55, (uint8_t)(size % 5), (uint8_t)size};

    memcpy(frame + 4, bytes, size);
    frame[size + 5] = 0x31;
    frame[size + 6] = 0xF2;
    (void)push(pair, frame, size + INFO_MIN);
}

/* 3600 degrees/s, 1 to 12 degrees; another time stamp than the last frame's. */
static bool push_good_frame(struct pair *pair)
{
    uint8_t good[44] = {0x10, 0x0E, 100, 0, [40] = 0xB0, 0x04};

    good[42] = pair->by_byte.last[44] ^ 1;
    return push_frame(pair, good, sizeof(good));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pair pair = {.now_ns = START_NS};

    if (size < 1) {
        return -1;
    }
    pair.latency_ns = data[0] * INT64_C(200000);
    ld06_init(&pair.by_byte, pair.latency_ns);
    ld06_init(&pair.by_chunk, pair.latency_ns);
    for (size_t at = 1; size - at >= 2;) {
        uint8_t kind = data[at], length = data[at + 1];
        size_t count = size - at - 2 < length ? size - at - 2 : length;

        at += 2;
        /* Up to 1.6 s of silence before it. */
        pair.now_ns += (int64_t)(kind >> 2) * (kind >> 2) * INT64_C(400000);
        if ((kind & 3) == 0) {
            (void)push_frame(&pair, data + at, count);
        } else if ((kind & 3) == 1) {
            push_info(&pair, data + at, count);
        } else {
            (void)push(&pair, data + at, count);
        }
        at += count;
    }
    (void)push_good_frame(&pair);
    REQUIRE(push_good_frame(&pair));
    return 0;
}
