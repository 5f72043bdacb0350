/* The worked packets are those of facts/hardware.md 1h: from the vendor's documents ("doc"), or
 * with a CRC that was computed with the vendor's table. Each is a vector in both directions. */
#include <float.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "hal/body/board5.h"

#define BYTES(...)   (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})
#define BATTERY_SIZE 8

static const uint8_t battery_7412[] = {0xAA, 0x55, 0x00, 0x03, 0x04, 0xF4, 0x1C, 0x8A};

struct collected {
    size_t count;
    struct board5_report last;
    int battery_mv[8];
    size_t batteries;
};

static void collect(struct board5_decoder *decoder, const uint8_t *bytes, size_t size,
                    struct collected *collected)
{
    struct board5_report report;

    while (board5_next(decoder, &bytes, &size, &report)) {
        collected->count++;
        collected->last = report;
        if (report.kind == BOARD5_REPORT_BATTERY) {
            collected->battery_mv[collected->batteries++ % 8] = report.value;
        }
    }
}

/* The frame is what was written, and the decoder reads func and data out of it. */
static void check_frame(const uint8_t *got, size_t got_size, const uint8_t *wanted, size_t size)
{
    struct board5_decoder decoder = {0};
    struct collected collected = {0};

    assert_int_equal(got_size, size);
    assert_memory_equal(got, wanted, size);
    collect(&decoder, wanted, size, &collected);
    assert_int_equal(collected.count, 1);
    assert_int_equal(collected.last.func, wanted[2]);
    assert_int_equal(collected.last.size, size - 5);
    assert_memory_equal(collected.last.data, wanted + 4, size - 5);
    assert_int_equal(decoder.bad_bytes, 0);
    assert_int_equal(decoder.bad_frames, 0);
}

#define CHECK(encode, ...)                                                                         \
    do {                                                                                           \
        uint8_t frame[BOARD5_FRAME_MAX];                                                           \
        size_t frame_size = encode;                                                                \
        check_frame(frame, frame_size, BYTES(__VA_ARGS__));                                        \
    } while (0)

#define TO frame, sizeof(frame)

static void duty_frames_are_the_worked_packets(void **state)
{
    const int forward[] = {-500, 500, -500, 500};
    const int back[] = {500, -500, 500, -500};
    const int strafe_right[] = {-500, -500, 500, 500};
    const int clockwise[] = {-500, -500, -500, -500};

    (void)state;
    CHECK(board5_encode_stop(TO), 0xAA, 0x55, 0x03, 0x16, 0x05, 0x04, 0x00, 0x00, 0x00, 0x00, 0x00,
          0x01, 0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00, 0x00,
          0x69);
    CHECK(board5_encode_motors(forward, TO), 0xAA, 0x55, 0x03, 0x16, 0x05, 0x04, 0x00, 0x00, 0x00,
          0x48, 0xC2, 0x01, 0x00, 0x00, 0x48, 0x42, 0x02, 0x00, 0x00, 0x48, 0xC2, 0x03, 0x00, 0x00,
          0x48, 0x42, 0x8E);
    CHECK(board5_encode_motors(back, TO), 0xAA, 0x55, 0x03, 0x16, 0x05, 0x04, 0x00, 0x00, 0x00,
          0x48, 0x42, 0x01, 0x00, 0x00, 0x48, 0xC2, 0x02, 0x00, 0x00, 0x48, 0x42, 0x03, 0x00, 0x00,
          0x48, 0xC2, 0xCF);
    CHECK(board5_encode_motors(strafe_right, TO), 0xAA, 0x55, 0x03, 0x16, 0x05, 0x04, 0x00, 0x00,
          0x00, 0x48, 0xC2, 0x01, 0x00, 0x00, 0x48, 0xC2, 0x02, 0x00, 0x00, 0x48, 0x42, 0x03, 0x00,
          0x00, 0x48, 0x42, 0x03);
    CHECK(board5_encode_motors(clockwise, TO), 0xAA, 0x55, 0x03, 0x16, 0x05, 0x04, 0x00, 0x00, 0x00,
          0x48, 0xC2, 0x01, 0x00, 0x00, 0x48, 0xC2, 0x02, 0x00, 0x00, 0x48, 0xC2, 0x03, 0x00, 0x00,
          0x48, 0xC2, 0x65);
}

static void other_frames_are_the_worked_packets(void **state)
{
    const struct board5_move centre[] = {{1, 1500}, {2, 1500}};
    const struct board5_light red[] = {{0, 255, 0, 0}};
    const struct board5_light dark[] = {{0, 0, 0, 0}, {1, 0, 0, 0}};

    (void)state;
    CHECK(board5_encode_moves(centre, 2, 1000, TO), 0xAA, 0x55, 0x04, 0x0A, 0x01, 0xE8, 0x03, 0x02,
          0x01, 0xDC, 0x05, 0x02, 0xDC, 0x05, 0x6E);
    CHECK(board5_encode_servo_read(1, TO), 0xAA, 0x55, 0x04, 0x02, 0x05, 0x01, 0xE0);
    CHECK(board5_encode_lights(red, 1, TO), 0xAA, 0x55, 0x0B, 0x06, 0x01, 0x01, 0x00, 0xFF, 0x00,
          0x00, 0x49);
    CHECK(board5_encode_lights(dark, 2, TO), 0xAA, 0x55, 0x0B, 0x0A, 0x01, 0x02, 0x00, 0x00, 0x00,
          0x00, 0x01, 0x00, 0x00, 0x00, 0x8E);
    CHECK(board5_encode_buzzer(1900, (struct board5_beat){100, 900, 1}, TO), 0xAA, 0x55, 0x02, 0x08,
          0x6C, 0x07, 0x64, 0x00, 0x84, 0x03, 0x01, 0x00, 0x5D);
    CHECK(board5_encode_buzzer(0, (struct board5_beat){0, 0, 0}, TO), 0xAA, 0x55, 0x02, 0x08, 0x00,
          0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xD8);
    CHECK(board5_encode_lights(&(struct board5_light){1, 2, 3, 4}, 1, TO), 0xAA, 0x55, 0x0B, 0x06,
          0x01, 0x01, 0x01, 0x02, 0x03, 0x04, 0x6F);
    /* doc */
    CHECK(board5_encode_buzzer(1400, (struct board5_beat){100, 100, 5}, TO), 0xAA, 0x55, 0x02, 0x08,
          0x78, 0x05, 0x64, 0x00, 0x64, 0x00, 0x05, 0x00, 0xF0);
    CHECK(board5_encode_led(1, (struct board5_beat){100, 100, 5}, TO), 0xAA, 0x55, 0x01, 0x07, 0x01,
          0x64, 0x00, 0x64, 0x00, 0x05, 0x00, 0x37);
}

/* Packets that nothing here sends to a TurboPi: made from their data. doc */
static void foreign_packets_are_made_from_their_data(void **state)
{
    (void)state;
    CHECK(board5_encode(BOARD5_FUNC_MOTOR, BYTES(0x00, 0x01, 0x00, 0x00, 0x80, 0xBF), TO), 0xAA,
          0x55, 0x03, 0x06, 0x00, 0x01, 0x00, 0x00, 0x80, 0xBF, 0xDA);
    CHECK(board5_encode(BOARD5_FUNC_MOTOR, BYTES(0x03, 0x05), TO), 0xAA, 0x55, 0x03, 0x02, 0x03,
          0x05, 0xAD);
    CHECK(board5_encode(BOARD5_FUNC_SERVO, BYTES(0x03, 0xE8, 0x03, 0x01, 0xE8, 0x03), TO), 0xAA,
          0x55, 0x04, 0x06, 0x03, 0xE8, 0x03, 0x01, 0xE8, 0x03, 0xE4);
}

static struct board5_report read_one(const uint8_t *bytes, size_t size)
{
    struct board5_decoder decoder = {0};
    struct collected collected = {0};

    collect(&decoder, bytes, size, &collected);
    assert_int_equal(collected.count, 1);
    assert_int_equal(decoder.frames, 1);
    return collected.last;
}

static void reports_are_the_worked_packets_both_ways(void **state)
{
    struct board5_report report;

    (void)state;
    CHECK(board5_encode(BOARD5_FUNC_SYS, BYTES(0x04, 0xF4, 0x1C), TO), 0xAA, 0x55, 0x00, 0x03, 0x04,
          0xF4, 0x1C, 0x8A);
    CHECK(board5_encode(BOARD5_FUNC_SERVO, BYTES(0x01, 0x05, 0xDC, 0x05), TO), 0xAA, 0x55, 0x04,
          0x04, 0x01, 0x05, 0xDC, 0x05, 0x53);
    CHECK(board5_encode(BOARD5_FUNC_KEY, BYTES(0x01, 0x20), TO), 0xAA, 0x55, 0x06, 0x02, 0x01, 0x20,
          0xA1);
    report = read_one(battery_7412, sizeof(battery_7412));
    assert_int_equal(report.kind, BOARD5_REPORT_BATTERY);
    assert_int_equal(report.value, 7412);
    report = read_one(BYTES(0xAA, 0x55, 0x04, 0x04, 0x01, 0x05, 0xDC, 0x05, 0x53));
    assert_int_equal(report.kind, BOARD5_REPORT_SERVO);
    assert_int_equal(report.id, 1);
    assert_int_equal(report.value, 1500);
    report = read_one(BYTES(0xAA, 0x55, 0x06, 0x02, 0x01, 0x20, 0xA1));
    assert_int_equal(report.kind, BOARD5_REPORT_KEY);
    assert_int_equal(report.id, 1);
    assert_int_equal(report.value, 0x20);
}

static struct board5_report read_data(enum board5_func func, const uint8_t *data, size_t data_size)
{
    uint8_t frame[BOARD5_FRAME_MAX];
    size_t size = board5_encode(func, data, data_size, frame, sizeof(frame));

    assert_int_not_equal(size, 0);
    return read_one(frame, size);
}

/* One thing of a known report is not as it should be: a whole frame, but not that report. */
static void report_of_another_shape_is_other(void **state)
{
    (void)state;
    assert_int_equal(read_data(BOARD5_FUNC_SYS, BYTES(0x04, 0xF4)).kind, BOARD5_REPORT_OTHER);
    assert_int_equal(read_data(BOARD5_FUNC_SYS, BYTES(0x03, 0xF4, 0x1C)).kind, BOARD5_REPORT_OTHER);
    assert_int_equal(read_data(BOARD5_FUNC_IMU, BYTES(0x04, 0xF4, 0x1C)).kind, BOARD5_REPORT_OTHER);
    assert_int_equal(read_data(BOARD5_FUNC_KEY, BYTES(1)).kind, BOARD5_REPORT_OTHER);
    assert_int_equal(read_data(BOARD5_FUNC_SERVO, BYTES(1, 9, 3)).kind, BOARD5_REPORT_OTHER);
    assert_int_equal(read_data(BOARD5_FUNC_SERVO, BYTES(1, 9, 3, 0)).kind, BOARD5_REPORT_OTHER);
}

static float wire_float(const uint8_t *bytes)
{
    uint32_t bits = bytes[0] | bytes[1] << 8 | bytes[2] << 16 | (uint32_t)bytes[3] << 24;
    float value;

    memcpy(&value, &bits, sizeof(value));
    return value;
}

static void every_duty_is_the_nearest_float(void **state)
{
    (void)state;
    assert_int_equal(FLT_MANT_DIG, 24);
    for (int permille = -1000; permille <= 1000; permille++) {
        const int duty[] = {permille, 0, -permille, 1000};
        volatile float wanted = (float)permille / 10.0f; /* one rounding: both are exact */
        volatile float opposite = 0.0f - wanted;         /* never -0 */
        uint8_t frame[BOARD5_MOTORS_SIZE];

        assert_int_equal(board5_encode_motors(duty, frame, sizeof(frame)), sizeof(frame));
        assert_memory_equal(&(float){wire_float(&frame[7])}, &(float){wanted}, sizeof(float));
        assert_memory_equal(&(float){wire_float(&frame[17])}, &(float){opposite}, sizeof(float));
        assert_true(wire_float(&frame[12]) == 0.0f && wire_float(&frame[22]) == 100.0f);
    }
}

/* So no part of a duty frame is a frame, see board5.c. */
static void no_duty_looks_like_a_header(void **state)
{
    (void)state;
    for (int permille = -1000; permille <= 1000; permille++) {
        const int duty[] = {permille, permille, permille, permille};
        uint8_t frame[BOARD5_MOTORS_SIZE];

        assert_int_not_equal(board5_encode_motors(duty, frame, sizeof(frame)), 0);
        for (size_t i = 1; i + 3 < sizeof(frame); i++) {
            assert_false(frame[i] == 0xAA && frame[i + 1] == 0x55 &&
                         frame[i + 2] < BOARD5_FUNC_COUNT);
        }
    }
}

#define REFUSED(encode)                                                                            \
    do {                                                                                           \
        uint8_t frame[64], untouched[64];                                                          \
        memset(frame, 0xEE, sizeof(frame));                                                        \
        memset(untouched, 0xEE, sizeof(untouched));                                                \
        assert_int_equal(encode, 0);                                                               \
        assert_memory_equal(frame, untouched, sizeof(frame));                                      \
    } while (0)

static void frame_that_does_not_fit_is_not_begun(void **state)
{
    const int duty[] = {1, 2, 3, 4};

    (void)state;
    for (size_t size = 0; size < BOARD5_MOTORS_SIZE; size++) {
        REFUSED(board5_encode_motors(duty, frame, size));
        REFUSED(board5_encode_stop(frame, size));
    }
}

static void argument_out_of_range_gives_no_frame(void **state)
{
    const struct board5_move moves[BOARD5_SERVOS + 1] = {{1, 500}, {2, 2500}, {3, 500}, {4, 500},
                                                         {5, 500}, {6, 500},  {1, 500}};
    const struct board5_light lights[3] = {{0, 1, 2, 3}, {1, 1, 2, 3}, {2, 1, 2, 3}};
    const uint8_t data[BOARD5_DATA_MAX + 1] = {0};

    (void)state;
    for (int i = 0; i < BOARD5_MOTORS; i++) {
        int duty[BOARD5_MOTORS] = {0};

        duty[i] = 1001;
        REFUSED(board5_encode_motors(duty, TO));
        duty[i] = -1001;
        REFUSED(board5_encode_motors(duty, TO));
    }
    REFUSED(board5_encode_buzzer(1900, (struct board5_beat){100, 0, 1}, TO));
    REFUSED(board5_encode_led(1, (struct board5_beat){1, 0, 1}, TO));
    REFUSED(board5_encode_lights(lights, 0, TO));
    REFUSED(board5_encode_lights(lights, 3, TO));
    REFUSED(board5_encode_lights(&lights[2], 1, TO));
    REFUSED(board5_encode_moves(moves, 0, 0, TO));
    REFUSED(board5_encode_moves(moves, 7, 0, TO));
    REFUSED(board5_encode_moves(moves, 1, 30001, TO));
    REFUSED(board5_encode_moves(&(struct board5_move){0, 1500}, 1, 0, TO));
    REFUSED(board5_encode_moves(&(struct board5_move){7, 1500}, 1, 0, TO));
    REFUSED(board5_encode_moves(&(struct board5_move){1, 499}, 1, 0, TO));
    REFUSED(board5_encode_moves(&(struct board5_move){1, 2501}, 1, 0, TO));
    REFUSED(board5_encode_servo_read(0, TO));
    REFUSED(board5_encode_servo_read(7, TO));
    REFUSED(board5_encode(BOARD5_FUNC_COUNT, data, 1, TO));
    REFUSED(board5_encode(BOARD5_FUNC_SYS, data, 0, TO));
    REFUSED(board5_encode(BOARD5_FUNC_SYS, data, BOARD5_DATA_MAX + 1, TO));
}

static void six_servos_and_the_longest_frame_fit(void **state)
{
    const struct board5_move moves[BOARD5_SERVOS] = {{1, 500}, {2, 2500}, {3, 500},
                                                     {4, 500}, {5, 500},  {6, 500}};
    uint8_t data[BOARD5_DATA_MAX], frame[BOARD5_FRAME_MAX];

    (void)state;
    memset(data, 0x5A, sizeof(data));
    assert_int_equal(board5_encode_moves(moves, BOARD5_SERVOS, 30000, frame, sizeof(frame)), 27);
    assert_int_equal(board5_encode(BOARD5_FUNC_SBUS, data, sizeof(data), frame, sizeof(frame)),
                     BOARD5_FRAME_MAX);
    assert_int_equal(read_one(frame, sizeof(frame)).size, BOARD5_DATA_MAX);
}

static void reports_come_out_of_pieces_of_any_size(void **state)
{
    uint8_t stream[5 * BATTERY_SIZE];

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        memcpy(stream + i * BATTERY_SIZE, battery_7412, BATTERY_SIZE);
    }
    for (size_t piece = 1; piece <= sizeof(stream); piece++) {
        struct board5_decoder decoder = {0};
        struct collected collected = {0};

        for (size_t at = 0; at < sizeof(stream); at += piece) {
            size_t left = sizeof(stream) - at;

            collect(&decoder, stream + at, left < piece ? left : piece, &collected);
        }
        assert_int_equal(collected.batteries, 5);
        assert_int_equal(decoder.bad_bytes, 0);
    }
}

static void each_wrong_bit_costs_the_frame_and_nothing_more(void **state)
{
    (void)state;
    for (size_t bit = 0; bit < 8 * BATTERY_SIZE; bit++) {
        struct board5_decoder decoder = {0};
        struct collected collected = {0};
        uint8_t wrong[BATTERY_SIZE];

        memcpy(wrong, battery_7412, sizeof(wrong));
        wrong[bit / 8] ^= (uint8_t)(1 << bit % 8);
        collect(&decoder, wrong, sizeof(wrong), &collected);
        assert_int_equal(collected.count, 0);
        collect(&decoder, battery_7412, sizeof(battery_7412), &collected);
        assert_int_equal(collected.count, 1);
        assert_int_equal(collected.batteries, 1);
        assert_int_equal(decoder.bad_bytes, BATTERY_SIZE);
    }
}

/* A header that announces the longest frame must not hold back the short ones behind it. */
static void header_made_of_noise_holds_nothing_back(void **state)
{
    (void)state;
    for (int length = 0; length < 256; length++) {
        struct board5_decoder decoder = {0};
        struct collected collected = {0};

        collect(&decoder, BYTES(0xAA, 0x55, 0x09, (uint8_t)length), &collected);
        collect(&decoder, battery_7412, sizeof(battery_7412), &collected);
        assert_int_equal(collected.batteries, 1);
        assert_int_equal(collected.battery_mv[0], 7412);
    }
}

static uint32_t random_next(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

/* Noise that is mostly made of what headers are made of. */
static void fill_with_noise(uint32_t *seed, uint8_t *bytes, size_t size)
{
    static const uint8_t likely[] = {0xAA, 0x55, 0x00, 0x03, 0x04, 0x24, 0x09, 0x01};

    for (size_t i = 0; i < size; i++) {
        uint32_t dice = random_next(seed);

        bytes[i] = dice % 4 == 0 ? (uint8_t)(dice >> 8) : likely[dice >> 8 & 7];
    }
}

static void second_frame_behind_any_noise_is_read(void **state)
{
    uint32_t seed = 2463534242u;
    int first_lost = 0;

    (void)state;
    for (int run = 0; run < 200000; run++) {
        struct board5_decoder decoder = {0};
        struct collected noise_found = {0}, collected = {0};
        uint8_t noise[100];
        size_t size = random_next(&seed) % (sizeof(noise) + 1);

        fill_with_noise(&seed, noise, size);
        collect(&decoder, noise, size, &noise_found);
        collect(&decoder, battery_7412, sizeof(battery_7412), &collected);
        first_lost += collected.batteries == 0 || collected.last.value != 7412;
        collect(&decoder, battery_7412, sizeof(battery_7412), &collected);
        assert_true(collected.batteries > 0);
        assert_int_equal(collected.last.kind, BOARD5_REPORT_BATTERY);
        assert_int_equal(collected.last.value, 7412);
    }
    assert_true(first_lost < 2000);
}

/* Noise that ends in a frame whose CRC is the first byte of the real one. */
static void frame_swallowed_by_an_accident_is_only_one(void **state)
{
    struct board5_decoder decoder = {0};
    struct collected collected = {0};
    uint8_t frame[BOARD5_FRAME_MAX];
    uint8_t data[1] = {0};
    size_t size;

    (void)state;
    do {
        data[0]++;
        size = board5_encode(BOARD5_FUNC_OLED, data, sizeof(data), frame, sizeof(frame));
    } while (frame[size - 1] != 0xAA);
    collect(&decoder, frame, size - 1, &collected);
    collect(&decoder, battery_7412, sizeof(battery_7412), &collected);
    assert_int_equal(collected.count, 1);
    assert_int_equal(collected.batteries, 0);
    collect(&decoder, battery_7412, sizeof(battery_7412), &collected);
    assert_int_equal(collected.batteries, 1);
}

static void what_is_lost_is_counted(void **state)
{
    struct board5_decoder decoder = {0};
    struct collected collected = {0};
    uint8_t noise[100] = {0};

    (void)state;
    collect(&decoder, noise, sizeof(noise), &collected);
    collect(&decoder, battery_7412, sizeof(battery_7412), &collected);
    collect(&decoder, BYTES(0xAA, 0x55, 0x00, 0x01, 0x77, 0x00), &collected); /* CRC */
    collect(&decoder, BYTES(0xAA, 0x55, 0x0C, 0x01, 0x77, 0x00), &collected); /* func */
    collect(&decoder, BYTES(0xAA, 0x55, 0x00, 0x25, 0x77, 0x00), &collected); /* len */
    collect(&decoder, battery_7412, sizeof(battery_7412), &collected);
    assert_int_equal(decoder.frames, 2);
    assert_int_equal(collected.batteries, 2);
    assert_int_equal(decoder.bad_frames, 1);
    assert_int_equal(decoder.bad_bytes, sizeof(noise) + 3 * 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(duty_frames_are_the_worked_packets),
        cmocka_unit_test(other_frames_are_the_worked_packets),
        cmocka_unit_test(foreign_packets_are_made_from_their_data),
        cmocka_unit_test(reports_are_the_worked_packets_both_ways),
        cmocka_unit_test(report_of_another_shape_is_other),
        cmocka_unit_test(every_duty_is_the_nearest_float),
        cmocka_unit_test(no_duty_looks_like_a_header),
        cmocka_unit_test(frame_that_does_not_fit_is_not_begun),
        cmocka_unit_test(argument_out_of_range_gives_no_frame),
        cmocka_unit_test(six_servos_and_the_longest_frame_fit),
        cmocka_unit_test(reports_come_out_of_pieces_of_any_size),
        cmocka_unit_test(each_wrong_bit_costs_the_frame_and_nothing_more),
        cmocka_unit_test(header_made_of_noise_holds_nothing_back),
        cmocka_unit_test(second_frame_behind_any_noise_is_read),
        cmocka_unit_test(frame_swallowed_by_an_accident_is_only_one),
        cmocka_unit_test(what_is_lost_is_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
