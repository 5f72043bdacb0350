/* sim board, chaos: the simulated motor board understands what the real encoder says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hal/sim/board.h"
#include "hal/sim/chaos.h"

static struct board_event event_of(struct board *board, const uint8_t *bytes, size_t size)
{
    struct board_event event = {BOARD_NOTHING};

    assert_true(size > 0);
    assert_true(board_next(board, &bytes, &size, &event));
    return event;
}

static void duties_are_what_the_encoder_meant(void **state)
{
    static const int duty[BOARD5_MOTORS] = {-1000, 375, 0, 999};
    struct board board = {0};
    uint8_t bytes[BOARD5_FRAME_MAX];
    struct board_event event =
        event_of(&board, bytes, board5_encode_motors(duty, bytes, sizeof(bytes)));

    (void)state;
    assert_int_equal(event.order, BOARD_DUTIES);
    assert_memory_equal(event.duty, duty, sizeof(duty));
    event = event_of(&board, bytes, board5_encode_stop(bytes, sizeof(bytes)));
    assert_int_equal(event.order, BOARD_DUTIES);
    assert_int_equal(event.duty[0] | event.duty[1] | event.duty[2] | event.duty[3], 0);
}

static void servo_tells_what_it_was_told(void **state)
{
    const struct board5_move moves[] = {{1, 1400}, {2, 1700}};
    struct board board = {0};
    struct board5_decoder host = {0};
    struct board5_report report;
    uint8_t bytes[BOARD5_FRAME_MAX];
    struct board_event event =
        event_of(&board, bytes, board5_encode_moves(moves, 2, 200, bytes, sizeof(bytes)));
    const uint8_t *at;
    size_t size;

    (void)state;
    assert_int_equal(event.order, BOARD_PULSES);
    assert_int_equal(board.pulse_us[2], 1700);
    event = event_of(&board, bytes, board5_encode_servo_read(2, bytes, sizeof(bytes)));
    assert_int_equal(event.order, BOARD_ANSWER);
    at = event.answer;
    size = event.answer_size;
    assert_true(board5_next(&host, &at, &size, &report));
    assert_int_equal(report.kind, BOARD5_REPORT_SERVO);
    assert_int_equal(report.id, 2);
    assert_int_equal(report.value, 1700);
}

static void battery_is_the_report_that_the_host_knows(void **state)
{
    struct board5_decoder host = {0};
    struct board5_report report;
    uint8_t bytes[BOARD5_FRAME_MAX];
    size_t size = board_battery(7654, bytes);
    const uint8_t *at = bytes;

    (void)state;
    assert_true(board5_next(&host, &at, &size, &report));
    assert_int_equal(report.kind, BOARD5_REPORT_BATTERY);
    assert_int_equal(report.value, 7654);
}

static void noise_and_other_frames_do_nothing(void **state)
{
    static const uint8_t odd[3] = {5, 4, 0}; /* duties of four motors, without them */
    struct board board = {0};
    uint8_t bytes[BOARD5_FRAME_MAX] = {0};
    const uint8_t *at = bytes;
    size_t size = sizeof(bytes);
    struct board_event event;

    (void)state;
    assert_false(board_next(&board, &at, &size, &event));
    size = board5_encode(BOARD5_FUNC_MOTOR, odd, sizeof(odd), bytes, sizeof(bytes));
    assert_int_equal(event_of(&board, bytes, size).order, BOARD_NOTHING);
    size = board5_encode_servo_read(3, bytes, sizeof(bytes));
    bytes[2] = BOARD5_FUNC_KEY; /* the checksum is wrong now */
    at = bytes;
    assert_false(board_next(&board, &at, &size, &event));
}

static void chaos_comes_and_goes_as_the_seed_says(void **state)
{
    struct chaos a, b;
    bool seen[CHAOS_COUNT] = {false};

    (void)state;
    chaos_init(&a, 7, 0);
    chaos_init(&b, 7, 0);
    for (int64_t ms = 0; ms < 600000; ms += 10) {
        bool changed = chaos_step(&a, ms * 1000000);

        assert_int_equal(changed, chaos_step(&b, ms * 1000000));
        assert_int_equal(a.trouble, b.trouble);
        assert_true(ms >= 2000 || a.trouble == CHAOS_NONE);
        seen[a.trouble] = true;
    }
    for (int trouble = 0; trouble < CHAOS_COUNT; trouble++) {
        assert_true(seen[trouble]);
        assert_true(strlen(chaos_name((enum chaos_trouble)trouble)) > 0);
    }
    assert_in_range(a.count, 100, 260);
    assert_string_equal(chaos_name(CHAOS_COUNT), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(duties_are_what_the_encoder_meant),
        cmocka_unit_test(servo_tells_what_it_was_told),
        cmocka_unit_test(battery_is_the_report_that_the_host_knows),
        cmocka_unit_test(noise_and_other_frames_do_nothing),
        cmocka_unit_test(chaos_comes_and_goes_as_the_seed_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
