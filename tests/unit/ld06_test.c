/* ld06: both real frames decode to what their sources state, nothing that comes before a frame
 * costs more than the frame that it cuts, and neither the device's clock nor the size of a read
 * moves a point. All other frames are built here; the check sum is written a second time, by
 * polynomial division, so that it does not agree with itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hal/body/ld06.h"

#define MS       INT64_C(1000000)
#define S        (1000 * MS)
#define BYTE_NS  INT64_C(43402) /* ten bits at 230400 baud */
#define FRAME_NS (LD06_FRAME_SIZE * BYTE_NS)

/* Printed in the LD19 data sheet. */
static const uint8_t real_frame[LD06_FRAME_SIZE] = {
    0x54, 0x2C, 0x68, 0x08, 0xAB, 0x7E, 0xE0, 0x00, 0xE4, 0xDC, 0x00, 0xE2, 0xD9, 0x00, 0xE5, 0xD5,
    0x00, 0xE3, 0xD3, 0x00, 0xE4, 0xD0, 0x00, 0xE9, 0xCD, 0x00, 0xE4, 0xCA, 0x00, 0xE2, 0xC7, 0x00,
    0xE9, 0xC5, 0x00, 0xE5, 0xC2, 0x00, 0xE5, 0xC0, 0x00, 0xE5, 0xBE, 0x82, 0x3A, 0x1A, 0x50,
};
static const uint8_t blind_frame[LD06_FRAME_SIZE] = {
    0x54, 0x2C, 0x74, 0x08, 0xB0, 0x86, 0x00, 0x00, 0xD4, 0x00, 0x00, 0xD4, 0x00, 0x00, 0xD4, 0x00,
    0x00, 0xD4, 0x00, 0x00, 0xD4, 0x00, 0x00, 0xD5, 0x00, 0x00, 0xD5, 0x00, 0x00, 0x49, 0x00, 0x00,
    0x5F, 0x00, 0x00, 0xB0, 0x00, 0x00, 0xD2, 0x00, 0x00, 0xD4, 0x02, 0x89, 0x1E, 0x09, 0x1F,
};

/* A lidar that turns, and the line behind it. */
struct stream {
    struct ld06 ld06;
    int64_t time_ns;
    int stamp_ms, start_cdeg;
};

static uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static void put16(uint8_t *bytes, int value)
{
    bytes[0] = (uint8_t)value;
    bytes[1] = (uint8_t)(value >> 8);
}

/* Remainder of the message times x^8, divided by x^8 + x^6 + x^3 + x^2 + 1. */
static void seal(uint8_t *frame)
{
    unsigned rest = 0;

    for (int bit = 0; bit < LD06_FRAME_SIZE * 8; bit++) {
        unsigned next = bit < 46 * 8 ? (frame[bit / 8] >> (7 - bit % 8)) & 1U : 0;

        rest = rest << 1 | next;
        rest = (rest & 0x100) != 0 ? rest ^ 0x14D : rest;
    }
    frame[46] = (uint8_t)rest;
}

static void frame_make(uint8_t *frame, int speed_deg_s, int start_cdeg, int end_cdeg, int stamp_ms)
{
    frame[0] = 0x54;
    frame[1] = 0x2C;
    put16(frame + 2, speed_deg_s);
    put16(frame + 4, start_cdeg);
    for (int i = 0; i < LD06_POINTS; i++) {
        put16(frame + 6 + 3 * i, 1000 + i);
        frame[8 + 3 * i] = (uint8_t)(200 + i);
    }
    put16(frame + 42, end_cdeg);
    put16(frame + 44, stamp_ms);
    seal(frame);
}

static struct stream stream_new(void)
{
    struct stream stream = {.time_ns = 100 * S};

    ld06_init(&stream.ld06, 0);
    return stream;
}

/* Every byte takes its time on the line. Returns how many packets there were. */
static int stream_push(struct stream *stream, const uint8_t *bytes, size_t size)
{
    int packets = 0;

    for (size_t i = 0; i < size; i++) {
        stream->time_ns += BYTE_NS;
        packets += ld06_push(&stream->ld06, bytes[i], stream->time_ns) == LD06_PACKET;
    }
    return packets;
}

/* Whether the last byte, and no other, completes a packet. */
static bool completes(struct stream *stream, const uint8_t frame[LD06_FRAME_SIZE])
{
    return stream_push(stream, frame, LD06_FRAME_SIZE - 1) == 0 &&
           stream_push(stream, frame + LD06_FRAME_SIZE - 1, 1) == 1;
}

static void stream_frame(struct stream *stream, uint8_t *frame)
{
    frame_make(frame, 3600, stream->start_cdeg, (stream->start_cdeg + 900) % 36000,
               stream->stamp_ms);
    stream->start_cdeg = (stream->start_cdeg + 980) % 36000;
}

/* The next frame comes `line_ms` after the last one; the device says that it was `device_ms`. */
static bool stream_next(struct stream *stream, int line_ms, int device_ms)
{
    uint8_t frame[LD06_FRAME_SIZE];

    stream->stamp_ms = (stream->stamp_ms + device_ms) % LD06_CLOCK_MS;
    stream->time_ns += line_ms * MS - FRAME_NS;
    stream_frame(stream, frame);
    return completes(stream, frame);
}

static void stream_start(struct stream *stream, int stamp_ms)
{
    *stream = stream_new();
    stream->stamp_ms = stamp_ms;
    assert_true(stream_next(stream, 3, 0));
}

static void assert_beams(const struct ld06 *ld06, const int *distances_mm, const int *intensities,
                         int start_mdeg, int span_mdeg)
{
    for (int i = 0; i < LD06_POINTS; i++) {
        const struct lidar_beam *beam = &ld06->beams[i];
        int exact_mdeg = start_mdeg + span_mdeg * i / 11;

        assert_int_equal(beam->distance_mm, distances_mm[i]);
        assert_int_equal(beam->intensity, intensities[i]);
        assert_in_range(beam->clockwise_mdeg, exact_mdeg - 1, exact_mdeg + 1);
    }
}

static void frame_of_the_data_sheet_decodes_to_what_is_printed_there(void **state)
{
    static const int distances_mm[] = {224, 220, 217, 213, 211, 208, 205, 202, 199, 197, 194, 192};
    static const int intensities[] = {228, 226, 229, 227, 228, 233, 228, 226, 233, 229, 229, 229};
    struct stream stream = stream_new();
    const struct lidar_beam *beams = stream.ld06.beams;

    (void)state;
    assert_true(completes(&stream, real_frame));
    assert_beams(&stream.ld06, distances_mm, intensities, 324270, 10430);
    assert_int_equal(beams[0].clockwise_mdeg, 324270);
    assert_int_equal(beams[11].clockwise_mdeg, 334700);
    /* 10.43 degrees at 2152 degrees/s */
    assert_in_range(beams[11].time_ns - beams[0].time_ns, 4846000, 4847000);
    assert_int_equal(stream.ld06.health.packets, 1);
    assert_int_equal(stream.ld06.health.packet_ns, stream.time_ns);
    assert_int_equal(stream.ld06.health.skipped_bytes, 0);
}

static void real_frame_without_returns_tells_twelve_bearings_without_distance(void **state)
{
    static const int distances_mm[LD06_POINTS];
    static const int intensities[] = {0xD4, 0xD4, 0xD4, 0xD4, 0xD4, 0xD5,
                                      0xD5, 0x49, 0x5F, 0xB0, 0xD2, 0xD4};
    struct stream stream = stream_new();

    (void)state;
    assert_true(completes(&stream, blind_frame));
    assert_beams(&stream.ld06, distances_mm, intensities, 344800, 5940);
}

static void angles_go_on_clockwise_over_360_degrees(void **state)
{
    struct stream stream = stream_new();
    uint8_t frame[LD06_FRAME_SIZE];

    (void)state;
    frame_make(frame, 3600, 35450, 550, 1); /* 100 each */
    assert_true(completes(&stream, frame));
    for (int i = 0; i < LD06_POINTS; i++) {
        assert_int_equal(stream.ld06.beams[i].clockwise_mdeg, (354500 + 1000 * i) % 360000);
    }
    frame_make(frame, 3600, 35999, 0, 2);
    assert_true(completes(&stream, frame));
    assert_int_equal(stream.ld06.beams[10].clockwise_mdeg, 359999);
    assert_int_equal(stream.ld06.beams[11].clockwise_mdeg, 0);
}

static void impossible_geometry_is_counted_and_not_used(void **state)
{
    static const struct {
        int speed_deg_s, start_cdeg, end_cdeg;
        bool is_good;
    } cases[] = {
        {3600, 36000, 36500, false}, {3600, 35900, 36000, false}, {3600, 65535, 100, false},
        {3600, 100, 65535, false},   {3600, 500, 500, false},     {3600, 500, 400, false},
        {0, 500, 501, false},        {2300, 0, 1800, true},       {2300, 0, 1801, false},
        {65535, 0, 35999, true},     {3600, 0, 1, true},          {2152, 32427, 33470, true},
    };
    struct stream stream = stream_new();
    uint8_t frame[LD06_FRAME_SIZE];
    unsigned bad = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        frame_make(frame, cases[i].speed_deg_s, cases[i].start_cdeg, cases[i].end_cdeg, (int)i);
        assert_int_equal(completes(&stream, frame), cases[i].is_good);
        bad += !cases[i].is_good;
        assert_int_equal(stream.ld06.health.bad_geometry, bad);
    }
    assert_int_equal(stream.ld06.health.skipped_bytes, 0);
}

static void wrong_byte_anywhere_costs_its_own_frame_only(void **state)
{
    (void)state;
    for (int at = 0; at < LD06_FRAME_SIZE; at++) {
        for (int bit = 0; bit < 8; bit++) {
            struct stream stream;
            uint8_t frame[LD06_FRAME_SIZE];

            stream_start(&stream, 0);
            stream_frame(&stream, frame);
            frame[at] ^= (uint8_t)(1 << bit);
            assert_int_equal(stream_push(&stream, frame, sizeof(frame)), 0);
            assert_true(stream_next(&stream, 6, 6));
            assert_int_equal(stream.ld06.health.skipped_bytes, LD06_FRAME_SIZE);
            assert_int_equal(stream.ld06.health.bad_frames, at >= 2);
            assert_int_equal(stream.ld06.health.packets, 2);
        }
    }
}

static void wrong_check_sum_drops_one_byte_and_looks_again(void **state)
{
    (void)state;
    for (size_t lead = 1; lead < 3; lead++) { /* 54, or 54 2C, before the frame */
        struct stream stream = stream_new();

        assert_int_equal(stream_push(&stream, real_frame, lead), 0);
        assert_true(completes(&stream, real_frame));
        assert_int_equal(stream.ld06.health.skipped_bytes, lead);
        assert_int_equal(stream.ld06.health.bad_frames, lead - 1);
    }
}

static void frame_that_is_cut_off_costs_no_frame_behind_it(void **state)
{
    (void)state;
    for (size_t cut = 0; cut < LD06_FRAME_SIZE; cut++) {
        struct stream head = stream_new(), tail = stream_new();

        assert_int_equal(stream_push(&head, blind_frame, cut), 0);
        assert_true(completes(&head, real_frame));
        assert_int_equal(stream_push(&tail, blind_frame + cut, LD06_FRAME_SIZE - cut), cut == 0);
        assert_true(completes(&tail, real_frame));
    }
}

static void start_of_a_frame_inside_of_data_costs_nothing(void **state)
{
    uint8_t frames[2][LD06_FRAME_SIZE];

    (void)state;
    for (int i = 0; i < 2; i++) {
        frame_make(frames[i], 0x0D54, 0x2C54, 0x2C54 + 0x54, 0x2C55 + 3 * i);
        for (int k = 0; k < LD06_POINTS; k++) {
            put16(frames[i] + 6 + 3 * k, k % 2 == 0 ? 0x2C54 : 0x5454);
            frames[i][8 + 3 * k] = k % 2 == 0 ? 0x54 : 0x2C;
        }
        seal(frames[i]);
    }
    for (size_t cut = 0; cut < LD06_FRAME_SIZE; cut++) {
        struct stream stream = stream_new();

        assert_int_equal(stream_push(&stream, frames[0] + cut, LD06_FRAME_SIZE - cut), cut == 0);
        assert_true(completes(&stream, frames[1]));
        assert_int_equal(stream.ld06.health.packets, 1 + (cut == 0));
        assert_int_equal(stream.ld06.beams[0].distance_mm, 0x2C54);
        assert_int_equal(stream.ld06.beams[1].distance_mm, 0x5454);
    }
}

/* Garbage of which every third byte is one that begins something. A wrong frame with a right check
 * sum may swallow the beginning of the first frame behind it, but never the second. */
static void stream_is_found_again_within_two_frames_after_garbage(void **state)
{
    static const uint8_t tempting[] = {0x54, 0x2C, 0xAA, 0x55, 0x01, 0x31, 0xF2, 0x28};
    uint32_t seed = 0x1D06;
    int first = 0;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        struct stream stream;
        uint8_t garbage[200];
        size_t size = next_random(&seed) % sizeof(garbage);

        for (size_t i = 0; i < size; i++) {
            uint32_t any = next_random(&seed);

            garbage[i] = any % 3 == 0 ? tempting[(any >> 8) % 8] : (uint8_t)(any >> 16);
        }
        stream_start(&stream, round % LD06_CLOCK_MS);
        (void)stream_push(&stream, garbage, size);
        first += stream_next(&stream, 3, 3);
        assert_true(stream_next(&stream, 3, 3));
    }
    assert_true(first > 19900); /* and nearly always with the first */
}

static size_t info_make(uint8_t *bytes, uint8_t type, uint8_t length)
{
    bytes[0] = 0xAA;
    bytes[1] = 0x55;
    bytes[2] = type;
    bytes[3] = length;
    memset(bytes + 4, 0x54, length + 1U);
    bytes[length + 5] = 0x31;
    bytes[length + 6] = 0xF2;
    return length + 7U;
}

static void info_frames_of_the_ms200_are_skipped(void **state)
{
    uint8_t bytes[300];

    (void)state;
    for (uint8_t type = 0; type < 6; type++) {
        for (int length = 0; length < 256; length++) {
            struct stream stream;
            size_t size = info_make(bytes, type, (uint8_t)length);
            bool is_known = type >= 1 && type <= 3 && size <= LD06_FRAME_SIZE;

            stream_start(&stream, 0);
            assert_int_equal(stream_push(&stream, bytes, size), 0);
            assert_int_equal(stream.ld06.health.info_frames, is_known);
            assert_true(stream_next(&stream, 3, 3));
            assert_int_equal(stream.ld06.health.skipped_bytes, is_known ? 0 : size);
        }
    }
}

static void what_only_begins_like_an_info_frame_is_dropped(void **state)
{
    static const char *const starts[] = {
        "\xAA",         "\xAA\xAA\x55",           "\xAA\x54",   "\xAA\x55",
        "\xAA\x55\1\5", "\xAA\x55\2\1!!\x31\xF3", "\xAA\x55\7", "\xAA\x55\2\1!!\x30\xF2"};
    struct stream stream;

    (void)state;
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        size_t size = strlen(starts[i]);

        stream_start(&stream, 0);
        assert_int_equal(stream_push(&stream, (const uint8_t *)starts[i], size), 0);
        assert_true(stream_next(&stream, 3, 3));
        assert_int_equal(stream.ld06.health.skipped_bytes, size);
        assert_int_equal(stream.ld06.health.info_frames, 0);
    }
}

static void device_clock_that_wraps_at_30000_does_not_lie(void **state)
{
    struct stream stream;

    (void)state;
    stream_start(&stream, 29990);
    for (int i = 0; i < 25000; i++) { /* more than two turns of it */
        assert_true(stream_next(&stream, 3, 3));
    }
    assert_int_equal(stream.ld06.health.clock_stops, 0);
    assert_int_equal(stream.ld06.health.clock_jumps, 0);
    assert_false(stream.ld06.health.clock_lies);
}

static void device_clock_that_stops_three_times_lies(void **state)
{
    struct stream stream;

    (void)state;
    stream_start(&stream, 5);
    for (uint32_t i = 1; i < 6; i++) {
        assert_true(stream_next(&stream, 3, 0)); /* other points: told all the same */
        assert_int_equal(stream.ld06.health.clock_stops, i);
        assert_int_equal(stream.ld06.health.clock_lies, i >= 3);
    }
    assert_int_equal(stream.ld06.health.clock_jumps, 0);
}

static void device_clock_that_jumps_either_way_lies(void **state)
{
    static const int jumps_ms[] = {3 + 102, LD06_CLOCK_MS + 3 - 102, 15000, 3 + 101};
    struct stream stream;
    uint8_t frame[LD06_FRAME_SIZE];

    (void)state;
    stream_start(&stream, 29000);
    assert_true(stream_next(&stream, 3, 3 + 99)); /* a late tick can feign as much */
    assert_true(stream_next(&stream, 3, LD06_CLOCK_MS + 3 - 99));
    assert_int_equal(stream.ld06.health.clock_jumps, 0);
    for (uint32_t i = 0; i < 4; i++) {
        assert_true(stream_next(&stream, 3, jumps_ms[i]));
        assert_int_equal(stream.ld06.health.clock_jumps, i + 1);
        assert_int_equal(stream.ld06.health.clock_lies, i >= 2);
    }
    assert_int_equal(stream.ld06.health.clock_stops, 0);
    stream_start(&stream, LD06_CLOCK_MS - 1);
    frame_make(frame, 3600, 0, 900, LD06_CLOCK_MS); /* a step of one, but no such time */
    assert_true(completes(&stream, frame));
    assert_int_equal(stream.ld06.health.clock_jumps, 1);
}

static void clock_is_trusted_again_after_100_good_frames(void **state)
{
    struct stream stream;

    (void)state;
    stream_start(&stream, 0);
    for (int i = 0; i < 3; i++) {
        assert_true(stream_next(&stream, 3, 0));
    }
    for (int i = 0; i < 99; i++) {
        assert_true(stream_next(&stream, 3, 3));
        assert_true(stream.ld06.health.clock_lies);
    }
    assert_true(stream_next(&stream, 3, 3));
    assert_false(stream.ld06.health.clock_lies);
    for (int i = 0; i < 20; i++) { /* faults that are rarer never add up */
        assert_true(stream_next(&stream, 3, 0));
        for (int k = 0; k < 100; k++) {
            assert_true(stream_next(&stream, 3, 3));
        }
        assert_false(stream.ld06.health.clock_lies);
    }
}

static void clocks_are_not_compared_over_a_silence_or_backwards(void **state)
{
    struct stream stream;

    (void)state;
    stream_start(&stream, 0);
    assert_true(stream_next(&stream, 1002, 0));
    assert_true(stream_next(&stream, 1002, 15000));
    assert_true(stream_next(&stream, -5, 15000));
    assert_int_equal(stream.ld06.health.clock_jumps, 0);
    assert_int_equal(stream.ld06.health.clock_stops, 0);
    assert_true(stream_next(&stream, 1000, 0));
    assert_int_equal(stream.ld06.health.clock_stops, 1);
}

static void same_frame_again_is_not_news(void **state)
{
    struct stream stream = stream_new();
    int64_t packet_ns;

    (void)state;
    assert_true(completes(&stream, real_frame));
    packet_ns = stream.time_ns;
    for (uint32_t i = 1; i < 10; i++) {
        assert_int_equal(stream_push(&stream, real_frame, LD06_FRAME_SIZE), 0);
        assert_int_equal(stream.ld06.health.repeats, i);
        assert_int_equal(stream.ld06.health.clock_lies, i >= 3);
    }
    assert_int_equal(stream.ld06.health.packets, 1);
    assert_int_equal(stream.ld06.health.packet_ns, packet_ns); /* so it counts as silent */
    assert_true(completes(&stream, blind_frame));
    assert_true(completes(&stream, real_frame)); /* not the one before it */
}

/* At any speed and span that is taken. */
static void beams_are_older_than_the_bytes_that_tell_them(void **state)
{
    const int64_t latency_ns = 2 * MS;
    struct stream stream = stream_new();
    uint8_t frame[LD06_FRAME_SIZE];
    uint32_t seed = 77;

    (void)state;
    ld06_init(&stream.ld06, latency_ns);
    for (int i = 0; i < 5000; i++) {
        const struct lidar_beam *beams = stream.ld06.beams;
        int start_cdeg = (int)(next_random(&seed) % 36000);
        int speed_deg_s = 1800 + (int)(next_random(&seed) % 3000);
        int span_cdeg = 1 + (int)(next_random(&seed) % (uint32_t)(speed_deg_s * 18 / 23));
        int64_t last_ns = stream.time_ns - latency_ns; /* before the first byte is sent */
        int64_t turning_ns = span_cdeg * 10 * MS / speed_deg_s;

        frame_make(frame, speed_deg_s, start_cdeg, (start_cdeg + span_cdeg) % 36000, i);
        assert_true(completes(&stream, frame));
        assert_int_equal(beams[11].time_ns, last_ns);
        assert_int_equal(beams[0].time_ns, last_ns - turning_ns);
        assert_true(turning_ns <= 7900000);
        for (int k = 1; k < LD06_POINTS; k++) {
            int64_t step_ns = beams[k].time_ns - beams[k - 1].time_ns;

            assert_in_range(step_ns, turning_ns / 11, turning_ns / 11 + 1);
        }
    }
}

/* All bytes of a chunk have arrived when its last one has. */
static void size_of_the_reads_changes_no_point(void **state)
{
    static struct lidar_beam whole[50 * LD06_POINTS];
    static uint8_t bytes[50 * LD06_FRAME_SIZE];
    struct stream source = {.stamp_ms = 29900};

    (void)state;
    for (size_t i = 0; i < 50; i++) {
        source.stamp_ms = (source.stamp_ms + 3) % LD06_CLOCK_MS;
        stream_frame(&source, bytes + i * LD06_FRAME_SIZE);
    }
    for (size_t chunk = 1; chunk <= 500; chunk++) {
        struct ld06 ld06;
        size_t count = 0;

        ld06_init(&ld06, 0);
        for (size_t i = 0; i < sizeof(bytes); i++) {
            int64_t time_ns = S + (int64_t)(i / chunk * chunk + chunk) * BYTE_NS;

            if (ld06_push(&ld06, bytes[i], time_ns) != LD06_PACKET) {
                continue;
            }
            for (size_t k = 0; k < LD06_POINTS; k++, count++) {
                whole[count] = chunk == 1 ? ld06.beams[k] : whole[count];
                assert_int_equal(ld06.beams[k].clockwise_mdeg, whole[count].clockwise_mdeg);
                assert_int_equal(ld06.beams[k].distance_mm, whole[count].distance_mm);
                assert_int_equal(ld06.beams[k].intensity, whole[count].intensity);
                assert_in_range(ld06.beams[k].time_ns - whole[count].time_ns, 0, chunk * BYTE_NS);
            }
        }
        assert_int_equal(count, 50 * LD06_POINTS);
        assert_false(ld06.health.clock_lies);
    }
}

static void driver_listens_gives_up_and_never_asks(void **state)
{
    const struct lidar_driver *driver = &ld06_driver;
    const struct lidar_beam *beams = NULL;
    void *lidar = calloc(1, driver->state_size);
    struct lidar_order order;

    (void)state;
    assert_string_equal(driver->name, "ld06");
    assert_int_equal(driver->baud, 230400);
    driver->init(lidar, 5 * MS);
    assert_int_equal(driver->tick(lidar, S, &order), LIDAR_PHASE_STARTING);
    assert_int_equal(driver->tick(lidar, S + 1499 * MS, &order), LIDAR_PHASE_STARTING);
    assert_int_equal(driver->health(lidar)->fault, LIDAR_FAULT_NONE);
    assert_int_equal(driver->tick(lidar, S + 1500 * MS, &order), LIDAR_PHASE_FAILED);
    assert_int_equal(driver->health(lidar)->fault, LIDAR_FAULT_NO_FRAMES);
    assert_int_equal(order.size, 0);
    driver->init(lidar, 5 * MS);
    for (size_t i = 0; i < LD06_FRAME_SIZE - 1; i++) {
        assert_int_equal(driver->push(lidar, real_frame[i], S, &beams), 0);
    }
    assert_int_equal(driver->push(lidar, real_frame[LD06_FRAME_SIZE - 1], S, &beams), LD06_POINTS);
    assert_int_equal(beams[11].time_ns, S - FRAME_NS - 5 * MS);
    assert_int_equal(driver->tick(lidar, S, &order), LIDAR_PHASE_RUNNING);
    free(lidar);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frame_of_the_data_sheet_decodes_to_what_is_printed_there),
        cmocka_unit_test(real_frame_without_returns_tells_twelve_bearings_without_distance),
        cmocka_unit_test(angles_go_on_clockwise_over_360_degrees),
        cmocka_unit_test(impossible_geometry_is_counted_and_not_used),
        cmocka_unit_test(wrong_byte_anywhere_costs_its_own_frame_only),
        cmocka_unit_test(wrong_check_sum_drops_one_byte_and_looks_again),
        cmocka_unit_test(frame_that_is_cut_off_costs_no_frame_behind_it),
        cmocka_unit_test(start_of_a_frame_inside_of_data_costs_nothing),
        cmocka_unit_test(stream_is_found_again_within_two_frames_after_garbage),
        cmocka_unit_test(info_frames_of_the_ms200_are_skipped),
        cmocka_unit_test(what_only_begins_like_an_info_frame_is_dropped),
        cmocka_unit_test(device_clock_that_wraps_at_30000_does_not_lie),
        cmocka_unit_test(device_clock_that_stops_three_times_lies),
        cmocka_unit_test(device_clock_that_jumps_either_way_lies),
        cmocka_unit_test(clock_is_trusted_again_after_100_good_frames),
        cmocka_unit_test(clocks_are_not_compared_over_a_silence_or_backwards),
        cmocka_unit_test(same_frame_again_is_not_news),
        cmocka_unit_test(beams_are_older_than_the_bytes_that_tell_them),
        cmocka_unit_test(size_of_the_reads_changes_no_point),
        cmocka_unit_test(driver_listens_gives_up_and_never_asks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
