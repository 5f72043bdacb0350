/* The motor drivers on a pty that a child process plays the board on, and the wheels' settings as
 * they are read from the configuration's strings. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "hal/base/clock.h"
#include "hal/body/motor.h"

#define LONG_MS  10000 /* a stalled machine is no finding */
#define SHORT_MS 700

static const uint8_t battery_7412[] = {0xAA, 0x55, 0x00, 0x03, 0x04, 0xF4, 0x1C, 0x8A};
static const uint8_t servo_request[] = {0xAA, 0x55, 0x04, 0x02, 0x05, 0x01, 0xE0};
static const uint8_t servo_answer[] = {0xAA, 0x55, 0x04, 0x04, 0x01, 0x05, 0xDC, 0x05, 0x53};

static int pty_master(struct motor_options *options)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

    assert_true(master >= 0);
    assert_int_equal(grantpt(master), 0);
    assert_int_equal(unlockpt(master), 0);
    assert_int_equal(ptsname_r(master, options->device, sizeof(options->device)), 0);
    return master;
}

static struct motor *motor_on_pty(enum motor_driver_choice driver, int *ret_master)
{
    struct motor_options options = {.driver = (int)driver};
    struct motor *motor = NULL;

    *ret_master = pty_master(&options);
    assert_int_equal(motor_open(&options, 0, &motor), 0);
    return motor;
}

/* A board that answers each whole request; it cannot tell our frames apart any better than that. */
static void board_answer(int master)
{
    size_t matched = 0;
    uint8_t byte;

    while (read(master, &byte, 1) == 1) {
        matched = byte == servo_request[matched] ? matched + 1 : byte == servo_request[0];
        if (matched == sizeof(servo_request)) {
            (void)!write(master, servo_answer, sizeof(servo_answer));
            matched = 0;
        }
    }
}

static void board_echo(int master)
{
    uint8_t bytes[64];
    ssize_t size;

    while ((size = read(master, bytes, sizeof(bytes))) > 0) {
        (void)!write(master, bytes, (size_t)size);
    }
}

static void board_leave(int master)
{
    uint8_t byte;

    (void)!read(master, &byte, 1);
}

static pid_t play(void (*board)(int master), int master)
{
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        board(master);
        _exit(0);
    }
    return child;
}

static void stop_playing(pid_t child)
{
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void probe_finds_a_board_that_answers(void **state)
{
    struct motor_news news;
    int master;
    struct motor *motor = motor_on_pty(MOTOR_DRIVER_AUTO, &master);
    pid_t board = play(board_answer, master);

    (void)state;
    assert_int_equal(motor_probe(motor, LONG_MS, &news), 0);
    assert_true(news.reports > 0);
    assert_int_equal(news.battery_mv, -1);
    assert_string_equal(motor_name(motor), "board5");
    stop_playing(board);
    motor_close(motor);
    close(master);
}

static void probe_finds_a_board_that_only_reports(void **state)
{
    struct motor_news news;
    int master;
    struct motor *motor = motor_on_pty(MOTOR_DRIVER_AUTO, &master);

    (void)state;
    assert_int_equal(write(master, "\xAA\x55\x09\x24", 4), 4); /* noise that looks long */
    assert_int_equal(write(master, battery_7412, sizeof(battery_7412)), sizeof(battery_7412));
    assert_int_equal(motor_probe(motor, LONG_MS, &news), 0);
    assert_int_equal(news.battery_mv, 7412);
    assert_int_equal(news.reports, 1);
    assert_int_equal(news.bad_bytes, 4);
    motor_close(motor);
    close(master);
}

static void probe_without_a_board_is_a_fault(void **state)
{
    struct motor_news news = {.battery_mv = -7};
    int64_t start_ns = clock_now_ns();
    uint8_t bytes[256];
    int master;
    struct motor *motor = motor_on_pty(MOTOR_DRIVER_AUTO, &master);
    ssize_t size;

    (void)state;
    assert_int_equal(motor_probe(motor, SHORT_MS, &news), MOTOR_FAULT);
    assert_true(clock_now_ns() - start_ns >= SHORT_MS * CLOCK_NS_PER_MS);
    assert_int_equal(news.battery_mv, -7);
    size = read(master, bytes, sizeof(bytes)); /* asked, and asked nothing else */
    assert_true(size >= 2 * (ssize_t)sizeof(servo_request));
    for (ssize_t at = 0; at < size; at += (ssize_t)sizeof(servo_request)) {
        assert_memory_equal(bytes + at, servo_request, sizeof(servo_request));
    }
    motor_close(motor);
    close(master);
}

static void echo_is_no_board(void **state)
{
    struct motor_news news;
    int master;
    struct motor *motor = motor_on_pty(MOTOR_DRIVER_AUTO, &master);
    pid_t echo = play(board_echo, master);

    (void)state;
    assert_int_equal(motor_probe(motor, SHORT_MS, &news), MOTOR_FAULT);
    stop_playing(echo);
    motor_close(motor);
    close(master);
}

static void line_that_hangs_up_is_an_error_and_no_fault(void **state)
{
    struct motor_news news;
    int master;
    struct motor *motor = motor_on_pty(MOTOR_DRIVER_AUTO, &master);

    (void)state;
    close(master);
    assert_int_equal(motor_probe(motor, LONG_MS, &news), -EIO);
    motor_close(motor);
}

static void line_that_hangs_up_while_waiting_is_an_error(void **state)
{
    struct motor_news news;
    int master;
    struct motor *motor = motor_on_pty(MOTOR_DRIVER_AUTO, &master);
    pid_t board = play(board_leave, master);

    (void)state;
    close(master);
    assert_int_equal(motor_probe(motor, LONG_MS, &news), -EIO);
    assert_int_equal(waitpid(board, NULL, 0), board);
    motor_close(motor);
}

static void named_driver_is_not_probed(void **state)
{
    struct motor_news news;
    uint8_t byte;
    int master;
    struct motor *motor = motor_on_pty(MOTOR_DRIVER_BOARD5, &master);

    (void)state;
    assert_int_equal(motor_probe(motor, LONG_MS, &news), 0);
    assert_int_equal(news.battery_mv, -1);
    assert_int_equal(fcntl(master, F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(read(master, &byte, 1), -1); /* opening and probing wrote nothing */
    assert_true(motor_is_simulated(motor));
    assert_true(motor_can_report(motor));
    motor_close(motor);
    close(master);
}

static void received_bytes_become_news(void **state)
{
    struct motor_news news;
    int master;
    struct motor *motor = motor_on_pty(MOTOR_DRIVER_BOARD5, &master);

    (void)state;
    motor_take(motor, battery_7412, 5, &news);
    assert_int_equal(news.battery_mv, -1);
    assert_int_equal(news.reports, 0);
    motor_take(motor, battery_7412 + 5, 3, &news);
    assert_int_equal(news.battery_mv, 7412);
    assert_int_equal(news.reports, 1);
    motor_take(motor, servo_request, sizeof(servo_request), &news); /* a frame, but no report */
    assert_int_equal(news.battery_mv, -1);
    assert_int_equal(news.reports, 1);
    motor_take(motor, (const uint8_t *)"\xAA\x55\x00\x01\x77\x00", 6, &news);
    motor_take(motor, battery_7412, sizeof(battery_7412), &news);
    assert_int_equal(news.battery_mv, 7412);
    assert_int_equal(news.bad_frames, 1);
    assert_int_equal(news.bad_bytes, 6);
    motor_close(motor);
    close(master);
}

static void null_makes_frames_and_hears_nothing(void **state)
{
    const struct motor_options options = {.driver = MOTOR_DRIVER_NULL, .device = "/nonexistent"};
    const int duty[MOTOR_COUNT] = {-500, 500, -500, 500};
    uint8_t frame[MOTOR_FRAME_MAX], wanted[MOTOR_FRAME_MAX];
    struct motor_news news;
    struct motor *motor = NULL;
    size_t size;

    (void)state;
    assert_int_equal(motor_open(&options, 0, &motor), 0);
    assert_int_equal(motor_probe(motor, LONG_MS, &news), 0);
    size = motor_encode(motor, duty, frame, sizeof(frame));
    assert_int_equal(size, board5_encode_motors(duty, wanted, sizeof(wanted)));
    assert_memory_equal(frame, wanted, size);
    assert_int_equal(write(motor_fd(motor), frame, size), size);
    assert_false(motor_can_report(motor));
    assert_false(motor_is_simulated(motor));
    motor_take(motor, battery_7412, sizeof(battery_7412), &news);
    assert_int_equal(news.battery_mv, -1);
    assert_string_equal(motor_name(motor), "null");
    motor_close(motor);
}

static void frames_of_every_driver_are_whole_or_none(void **state)
{
    const struct board5_move move = {.servo = 1, .pulse_us = 1500};
    const struct board5_beat beat = {100, 900, 1};
    const int duty[MOTOR_COUNT] = {0}, too_much[MOTOR_COUNT] = {0, 0, 0, 1001};

    (void)state;
    for (int driver = 0; driver < (int)motor_driver_count; driver++) {
        uint8_t frame[MOTOR_FRAME_MAX];
        int master;
        struct motor *motor = motor_on_pty(MOTOR_DRIVER_BOARD5 + driver, &master);

        assert_string_equal(motor_name(motor), motor_drivers[driver]->name);
        assert_int_equal(motor_encode(motor, duty, frame, sizeof(frame)), BOARD5_MOTORS_SIZE);
        assert_int_equal(motor_encode(motor, too_much, frame, sizeof(frame)), 0);
        assert_int_equal(motor_encode(motor, duty, frame, BOARD5_MOTORS_SIZE - 1), 0);
        assert_int_equal(motor_encode_moves(motor, &move, 1, 100, frame, sizeof(frame)), 12);
        assert_int_equal(motor_encode_buzzer(motor, 1900, beat, frame, sizeof(frame)), 13);
        motor_close(motor);
        close(master);
    }
}

static void device_that_cannot_be_used_is_an_error(void **state)
{
    struct motor_options options = {.driver = MOTOR_DRIVER_AUTO, .device = "/nonexistent/tty"};
    struct motor *motor = NULL, *second = NULL;
    int master;

    (void)state;
    assert_int_equal(motor_open(&options, 0, &motor), -ENOENT);
    snprintf(options.device, sizeof(options.device), "/dev/null");
    assert_int_equal(motor_open(&options, 0, &motor), -ENOTTY);
    options.driver = 77;
    assert_int_equal(motor_open(&options, 0, &motor), -EINVAL);
    assert_null(motor);
    options.driver = MOTOR_DRIVER_BOARD5;
    master = pty_master(&options);
    assert_int_equal(motor_open(&options, 0, &motor), 0);
    assert_int_equal(motor_open(&options, 0, &second), -EBUSY);
    assert_null(second);
    motor_close(motor);
    motor_close(NULL);
    close(master);
}

static struct motor_options usual_options(void)
{
    return (struct motor_options){
        .signs = "- + - +",
        .trims = "100 100 100 100",
        .table = "200:40 500:100",
        .arm_mm = 126,
        .dead_band_percent = 30,
        .turn_left_percent = 110,
        .turn_right_percent = 90,
        .slew_percent = 5,
    };
}

static void settings_are_read_from_the_strings(void **state)
{
    struct motor_options options = usual_options();
    struct mecanum_settings settings;

    (void)state;
    snprintf(options.trims, sizeof(options.trims), "  50\t100 107 150 ");
    snprintf(options.table, sizeof(options.table), "130:30.5 200:40  5000:99.9");
    assert_null(motor_options_settings(&options, &settings));
    assert_int_equal(settings.arm_mm, 126);
    assert_int_equal(settings.turn_left_percent, 110);
    assert_int_equal(settings.turn_right_percent, 90);
    assert_int_equal(settings.dead_band_permille, 300);
    assert_int_equal(settings.slew_permille, 50);
    assert_memory_equal(settings.sign, ((int[]){-1, 1, -1, 1}), sizeof(settings.sign));
    assert_memory_equal(settings.trim_percent, ((int[]){50, 100, 107, 150}),
                        sizeof(settings.trim_percent));
    assert_int_equal(settings.points, 3);
    assert_int_equal(settings.point[0].speed_mm_s, 130);
    assert_int_equal(settings.point[0].duty_permille, 305);
    assert_int_equal(settings.point[1].duty_permille, 400);
    assert_int_equal(settings.point[2].speed_mm_s, 5000);
    assert_int_equal(settings.point[2].duty_permille, 999);
}

static const struct setting *setting_find(const struct setting_table *table, const char *key)
{
    for (size_t i = 0; i < table->count; i++) {
        if (strcmp(table->settings[i].key, key) == 0) {
            return &table->settings[i];
        }
    }
    fail_msg("no key %s", key);
    return NULL;
}

static void check_refused(const char *key, const char *const *values)
{
    for (; *values != NULL; values++) {
        const char *expected = setting_find(&motor_table, key)->check(*values);

        if (expected == NULL) {
            fail_msg("%s = %s was accepted", key, *values);
        }
    }
}

static void lists_that_are_wrong_are_refused(void **state)
{
    static const char *const signs[] = {"",        "- + -",     "- + - + -", "-+-+", "-1 1 -1 1",
                                        "- + - *", "- + - + x", "+",         NULL};
    static const char *const trims[] = {"",
                                        "100",
                                        "100 100 100",
                                        "100 100 100 100 100",
                                        "49 100 100 100",
                                        "100 151 100 100",
                                        "-100 100 100 100",
                                        "100 100 100 1e2",
                                        "100,100,100,100",
                                        "100 100 100 000100",
                                        "100 100 100 99999999999999999999",
                                        NULL};
    static const char *const tables[] = {"",
                                         " ",
                                         "200",
                                         "200:",
                                         ":40",
                                         "0:40",
                                         "200:0",
                                         "200:101",
                                         "200:100.1",
                                         "200:40.55",
                                         "200:40.",
                                         "5001:40",
                                         "200:40,500:80",
                                         "200:40 200:50",
                                         "200:40 300:40",
                                         "500:80 200:40",
                                         "200:40 x",
                                         "200 :40",
                                         "-200:40",
                                         "1:1 2:2 3:3 4:4 5:5 6:6 7:7 8:8 9:9",
                                         NULL};

    (void)state;
    check_refused("signs", signs);
    check_refused("trims", trims);
    check_refused("table", tables);
}

static void every_default_is_accepted_and_in_its_range(void **state)
{
    static const struct setting_table *const tables[] = {&motor_table, &battery_table};

    (void)state;
    for (size_t t = 0; t < 2; t++) {
        for (size_t i = 0; i < tables[t]->count; i++) {
            const struct setting *setting = &tables[t]->settings[i];

            assert_true(setting->check == NULL || setting->check(setting->fallback) == NULL);
            if (setting->type == SETTING_NUMBER) {
                assert_true(atol(setting->fallback) >= setting->min);
                assert_true(atol(setting->fallback) <= setting->max);
            }
        }
    }
}

static void settings_that_do_not_fit_together_are_refused(void **state)
{
    struct motor_options options = usual_options();
    struct battery_options battery = {.warn_mv = 7200, .stop_mv = 7201, .silence_ms = 2000};
    struct battery_limits limits = {.warn_mv = -7};
    struct mecanum_settings settings = {.points = -7};

    (void)state;
    options.dead_band_percent = 40;
    assert_non_null(motor_options_settings(&options, &settings));
    options = usual_options();
    options.signs[0] = 'x';
    assert_non_null(motor_options_settings(&options, &settings));
    options = usual_options();
    options.trims[0] = 'x';
    assert_non_null(motor_options_settings(&options, &settings));
    options = usual_options();
    options.table[0] = 'x';
    assert_non_null(motor_options_settings(&options, &settings));
    assert_int_equal(settings.points, -7);
    assert_non_null(battery_options_limits(&battery, &limits));
    assert_int_equal(limits.warn_mv, -7);
    battery.stop_mv = 7200;
    battery.recover_mv = 300;
    assert_null(battery_options_limits(&battery, &limits));
    assert_int_equal(limits.stop_mv, 7200);
    assert_int_equal(limits.recover_mv, 300);
    assert_int_equal(limits.silence_ns, 2 * CLOCK_NS_PER_S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(probe_finds_a_board_that_answers),
        cmocka_unit_test(probe_finds_a_board_that_only_reports),
        cmocka_unit_test(probe_without_a_board_is_a_fault),
        cmocka_unit_test(echo_is_no_board),
        cmocka_unit_test(line_that_hangs_up_is_an_error_and_no_fault),
        cmocka_unit_test(line_that_hangs_up_while_waiting_is_an_error),
        cmocka_unit_test(named_driver_is_not_probed),
        cmocka_unit_test(received_bytes_become_news),
        cmocka_unit_test(null_makes_frames_and_hears_nothing),
        cmocka_unit_test(frames_of_every_driver_are_whole_or_none),
        cmocka_unit_test(device_that_cannot_be_used_is_an_error),
        cmocka_unit_test(settings_are_read_from_the_strings),
        cmocka_unit_test(lists_that_are_wrong_are_refused),
        cmocka_unit_test(every_default_is_accepted_and_in_its_range),
        cmocka_unit_test(settings_that_do_not_fit_together_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
