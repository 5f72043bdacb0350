/* keys: the judge and the lights in virtual time, the device over lines that this file fakes.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "hal/base/clock.h"
#include "hal/body/gpio.h"
#include "hal/body/keys.h"

#define MS          CLOCK_NS_PER_MS
#define DEBOUNCE_MS 30

/* --- The judge. --- */

struct bench {
    struct keys_judge judge;
    int64_t now_ns;
    int starts;
};

static struct bench bench_make(void)
{
    struct bench bench = {.now_ns = 5000 * MS};

    keys_judge_init(&bench.judge, DEBOUNCE_MS);
    return bench;
}

static struct keys_verdict step(struct bench *bench, enum keys_level estop, enum keys_level start)
{
    const struct keys_levels levels = {estop, start};
    struct keys_verdict verdict = keys_judge_step(&bench->judge, &levels, bench->now_ns);

    bench->starts += verdict.start;
    return verdict;
}

/* The start key has that level for so long, looked at each ms, its last ns included. */
static void hold(struct bench *bench, enum keys_level level, int64_t time_ns)
{
    int64_t end_ns = bench->now_ns + time_ns;

    for (; bench->now_ns < end_ns; bench->now_ns += MS) {
        (void)step(bench, KEYS_RELEASED, level);
    }
    bench->now_ns = end_ns;
    (void)step(bench, KEYS_RELEASED, level);
}

static void zeroed_verdict_and_zeroed_levels_mean_stop(void **state)
{
    const struct keys_verdict zero = {0};
    struct bench bench = bench_make();
    struct keys_verdict verdict = step(&bench, (enum keys_level)0, (enum keys_level)0);

    (void)state;
    assert_false(zero.estop_released);
    assert_false(zero.start);
    assert_false(verdict.estop_released);
    assert_true(verdict.unreadable);
}

static void estop_acts_by_its_level_in_the_same_step(void **state)
{
    struct bench bench = bench_make();

    (void)state;
    for (int i = 0; i < 10; i++) { /* no time passes: nothing is debounced */
        assert_true(step(&bench, KEYS_RELEASED, KEYS_RELEASED).estop_released);
        assert_false(step(&bench, KEYS_PRESSED, KEYS_RELEASED).estop_released);
    }
}

static void estop_that_cannot_be_read_is_pressed(void **state)
{
    struct bench bench = bench_make();
    struct keys_verdict verdict = step(&bench, KEYS_UNREADABLE, KEYS_RELEASED);

    (void)state;
    assert_false(verdict.estop_released);
    assert_true(verdict.unreadable);
    assert_false(verdict.off);
}

static void start_that_cannot_be_read_is_reported_and_leaves_the_estop(void **state)
{
    struct bench bench = bench_make();
    struct keys_verdict verdict = step(&bench, KEYS_RELEASED, KEYS_UNREADABLE);

    (void)state;
    assert_true(verdict.estop_released);
    assert_true(verdict.unreadable);
    assert_false(step(&bench, KEYS_PRESSED, KEYS_PRESSED).unreadable);
}

static void keys_that_are_off_neither_stop_nor_start(void **state)
{
    struct bench bench = bench_make();

    (void)state;
    for (int i = 0; i < 10; i++) {
        struct keys_verdict verdict = step(&bench, KEYS_OFF, KEYS_OFF);

        assert_true(verdict.estop_released);
        assert_true(verdict.off);
        assert_false(verdict.unreadable);
        bench.now_ns += DEBOUNCE_MS * MS;
    }
    assert_int_equal(bench.starts, 0);
    assert_false(step(&bench, KEYS_RELEASED, KEYS_OFF).off);
}

static void start_fires_once_when_it_was_pressed_for_long_enough(void **state)
{
    struct bench bench = bench_make();

    (void)state;
    hold(&bench, KEYS_RELEASED, 100 * MS);
    hold(&bench, KEYS_PRESSED, DEBOUNCE_MS * MS - 1);
    assert_int_equal(bench.starts, 0);
    bench.now_ns++;
    assert_true(step(&bench, KEYS_RELEASED, KEYS_PRESSED).start);
    assert_false(step(&bench, KEYS_RELEASED, KEYS_PRESSED).start);
    hold(&bench, KEYS_PRESSED, 10000 * MS);
    hold(&bench, KEYS_RELEASED, 10000 * MS);
    assert_int_equal(bench.starts, 1);
}

static void start_has_to_be_released_for_long_enough_in_between(void **state)
{
    struct bench bench = bench_make();

    (void)state;
    hold(&bench, KEYS_RELEASED, DEBOUNCE_MS * MS);
    hold(&bench, KEYS_PRESSED, DEBOUNCE_MS * MS);
    assert_int_equal(bench.starts, 1);
    hold(&bench, KEYS_RELEASED, DEBOUNCE_MS * MS - 1);
    hold(&bench, KEYS_PRESSED, 1000 * MS);
    assert_int_equal(bench.starts, 1);
    hold(&bench, KEYS_RELEASED, DEBOUNCE_MS * MS);
    hold(&bench, KEYS_PRESSED, DEBOUNCE_MS * MS);
    assert_int_equal(bench.starts, 2);
}

static void bouncing_press_is_one_start(void **state)
{
    struct bench bench = bench_make();

    (void)state;
    hold(&bench, KEYS_RELEASED, 100 * MS);
    for (int i = 0; i < 20; i++) {
        hold(&bench, i % 2 == 0 ? KEYS_PRESSED : KEYS_RELEASED, (i % 7 + 1) * MS);
    }
    assert_int_equal(bench.starts, 0);
    hold(&bench, KEYS_PRESSED, 200 * MS);
    for (int i = 0; i < 20; i++) {
        hold(&bench, i % 2 == 0 ? KEYS_RELEASED : KEYS_PRESSED, (i % 7 + 1) * MS);
    }
    hold(&bench, KEYS_RELEASED, 200 * MS);
    assert_int_equal(bench.starts, 1);
}

static void start_that_is_held_at_boot_gives_none(void **state)
{
    struct bench bench = bench_make();

    (void)state;
    hold(&bench, KEYS_PRESSED, 10000 * MS);
    assert_int_equal(bench.starts, 0);
    hold(&bench, KEYS_RELEASED, DEBOUNCE_MS * MS - 1);
    hold(&bench, KEYS_PRESSED, 100 * MS);
    assert_int_equal(bench.starts, 0);
    hold(&bench, KEYS_RELEASED, DEBOUNCE_MS * MS);
    hold(&bench, KEYS_PRESSED, DEBOUNCE_MS * MS);
    assert_int_equal(bench.starts, 1);
}

/* A loose wire: the press after it is only believed after a release. */
static void unreadable_level_takes_the_readiness_away(void **state)
{
    struct bench bench = bench_make();

    (void)state;
    hold(&bench, KEYS_RELEASED, 100 * MS);
    (void)step(&bench, KEYS_RELEASED, KEYS_UNREADABLE);
    hold(&bench, KEYS_PRESSED, 1000 * MS);
    assert_int_equal(bench.starts, 0);
    (void)step(&bench, KEYS_RELEASED, KEYS_UNREADABLE);
    hold(&bench, KEYS_RELEASED, DEBOUNCE_MS * MS);
    hold(&bench, KEYS_PRESSED, DEBOUNCE_MS * MS);
    assert_int_equal(bench.starts, 1);
}

static void unreadable_level_in_a_press_ends_it(void **state)
{
    struct bench bench = bench_make();

    (void)state;
    hold(&bench, KEYS_RELEASED, 100 * MS);
    hold(&bench, KEYS_PRESSED, (DEBOUNCE_MS - 1) * MS);
    (void)step(&bench, KEYS_RELEASED, KEYS_UNREADABLE);
    hold(&bench, KEYS_PRESSED, 1000 * MS);
    assert_int_equal(bench.starts, 0);
}

/* --- The lights. --- */

/* Both lights in every eighth of two seconds, '.' none, '1', '2' or 'b'. */
static void assert_pattern(enum keys_mode mode, const char *pattern)
{
    for (int i = 0; i < 16; i++) {
        for (int64_t at_ns = i * 125 * MS; at_ns < (i + 1) * 125 * MS; at_ns += 125 * MS - 1) {
            struct keys_lights lights = keys_lights_of(mode, at_ns);

            assert_int_equal(".12b"[lights.light1 + 2 * lights.light2], pattern[i]);
        }
    }
}

static void each_mode_has_its_lights(void **state)
{
    (void)state;
    assert_pattern(KEYS_MODE_FAULT, "11..11..11..11..");
    assert_pattern(KEYS_MODE_ESTOP, "1111111111111111");
    assert_pattern(KEYS_MODE_READY, "2222....2222....");
    assert_pattern(KEYS_MODE_ARMED, "2222222222222222");
    assert_pattern((enum keys_mode)(KEYS_MODE_ARMED + 1), "................");
}

/* --- The lines. --- */

struct gpio {
    int lines; /* open */
};

struct gpio_line {
    bool open, output, active_low, active;
    int error; /* of the next calls */
    int sets;
};

static struct board {
    struct gpio chip;
    struct gpio_line lines[64];
    bool chip_open;
    int open_fails; /* the call with this number, from 1, fails */
    int error;
} board;

static bool open_fails(void)
{
    return board.open_fails > 0 && --board.open_fails == 0;
}

int gpio_open(const char *chip, struct gpio **ret_gpio)
{
    assert_string_equal(chip, "pinctrl-rp1");
    if (open_fails()) {
        return board.error;
    }
    board.chip_open = true;
    *ret_gpio = &board.chip;
    return 0;
}

void gpio_close(struct gpio *gpio)
{
    assert_int_equal(board.chip.lines, 0);
    if (gpio != NULL) {
        board.chip_open = false;
    }
}

static int line_open(struct gpio *gpio, unsigned int number, bool output, bool active_low,
                     struct gpio_line **ret_line)
{
    assert_ptr_equal(gpio, &board.chip);
    assert_true(number < 64);
    if (open_fails()) {
        return board.error;
    }
    assert_false(board.lines[number].open);
    board.lines[number].open = true;
    board.lines[number].output = output;
    board.lines[number].active_low = active_low;
    board.chip.lines++;
    *ret_line = &board.lines[number];
    return 0;
}

int gpio_input_open(struct gpio *gpio, unsigned int number, struct gpio_line **ret_line)
{
    return line_open(gpio, number, false, false, ret_line);
}

int gpio_output_open(struct gpio *gpio, unsigned int number, bool active_low,
                     struct gpio_line **ret_line)
{
    return line_open(gpio, number, true, active_low, ret_line);
}

/* Of the sonar, which is in the same library. */
int gpio_edges_open(struct gpio *gpio, unsigned int number, struct gpio_line **ret_line)
{
    return line_open(gpio, number, false, false, ret_line);
}

int gpio_line_wait(struct gpio_line *line, int64_t timeout_ns)
{
    (void)line, (void)timeout_ns;
    return -EIO;
}

int gpio_line_read(struct gpio_line *line, struct gpio_edge *ret_edge)
{
    (void)line, (void)ret_edge;
    return -EIO;
}

void gpio_line_close(struct gpio_line *line)
{
    if (line != NULL) {
        assert_true(line->open);
        line->open = false;
        board.chip.lines--;
    }
}

int gpio_line_get(struct gpio_line *line, bool *ret_active)
{
    assert_true(line->open && !line->output);
    if (line->error < 0) {
        return line->error;
    }
    *ret_active = line->active;
    return 0;
}

int gpio_line_set(struct gpio_line *line, bool active)
{
    assert_true(line->open && line->output);
    line->sets++;
    if (line->error < 0) {
        return line->error;
    }
    line->active = active;
    return 0;
}

static int board_reset(void **state)
{
    (void)state;
    memset(&board, 0, sizeof(board));
    board.error = -EBUSY;
    return 0;
}

static struct keys_options options_of(enum keys_driver_choice driver)
{
    return (struct keys_options){
        .driver = driver,
        .estop_line = 13,
        .start_line = 23,
        .lights = true,
        .light1_line = 16,
        .light2_line = 26,
        .debounce_ms = DEBOUNCE_MS,
        .socket = "/nonexistent/sim-keys.sock",
    };
}

static int keys_of(const struct keys_options *options, bool sim_allowed, struct keys **ret_keys)
{
    const struct gpio_options gpio = {.chip = "pinctrl-rp1"};

    return keys_open(options, &gpio, sim_allowed, ret_keys);
}

static struct keys *keys_have(const struct keys_options *options)
{
    struct keys *keys;

    assert_int_equal(keys_of(options, false, &keys), 0);
    return keys;
}

static void assert_lights(bool light1, bool light2)
{
    assert_int_equal(board.lines[16].active, light1);
    assert_int_equal(board.lines[26].active, light2);
}

static void keys_are_read_from_their_lines(void **state)
{
    const struct keys_options options = options_of(KEYS_DRIVER_GPIO);
    struct keys *keys = keys_have(&options);

    (void)state;
    assert_string_equal(keys_name(keys), "gpio");
    for (int i = 0; i < 4; i++) {
        struct keys_levels levels;

        board.lines[13].active = i % 2 != 0;
        board.lines[23].active = i / 2 != 0;
        levels = keys_read(keys, 0);
        assert_int_equal(levels.estop, i % 2 != 0 ? KEYS_PRESSED : KEYS_RELEASED);
        assert_int_equal(levels.start, i / 2 != 0 ? KEYS_PRESSED : KEYS_RELEASED);
    }
    keys_close(keys);
    assert_false(board.chip_open);
}

static void line_that_fails_is_unreadable_and_the_other_is_not(void **state)
{
    const struct keys_options options = options_of(KEYS_DRIVER_GPIO);
    struct keys *keys = keys_have(&options);

    (void)state;
    board.lines[13].error = -EIO;
    assert_int_equal(keys_read(keys, 0).estop, KEYS_UNREADABLE);
    assert_int_equal(keys_read(keys, 0).start, KEYS_RELEASED);
    board.lines[13].error = 0;
    board.lines[23].error = -EIO;
    assert_int_equal(keys_read(keys, 0).estop, KEYS_RELEASED);
    assert_int_equal(keys_read(keys, 0).start, KEYS_UNREADABLE);
    keys_close(keys);
}

static void key_that_cannot_be_had_is_an_error_and_nothing_stays_open(void **state)
{
    const struct keys_options options = options_of(KEYS_DRIVER_GPIO);

    (void)state;
    for (int number = 1; number <= 3; number++) { /* the chip and the two keys */
        struct keys *keys = NULL;

        board.open_fails = number;
        assert_int_equal(keys_of(&options, false, &keys), -EBUSY);
        assert_null(keys);
        assert_int_equal(board.chip.lines, 0);
        assert_false(board.chip_open);
    }
}

static void light_that_cannot_be_had_is_an_error_of_showing_alone(void **state)
{
    const struct keys_options options = options_of(KEYS_DRIVER_GPIO);

    (void)state;
    for (int number = 4; number <= 5; number++) {
        struct keys *keys;

        board.open_fails = number;
        keys = keys_have(&options);
        assert_int_equal(board.chip.lines, 2); /* both lights or none */
        assert_int_equal(keys_read(keys, 0).estop, KEYS_RELEASED);
        assert_int_equal(keys_show(keys, KEYS_MODE_ESTOP, 0), -EBUSY);
        assert_int_equal(keys_show(keys, KEYS_MODE_ESTOP, 0), -EBUSY);
        keys_close(keys);
        assert_false(board.chip_open);
    }
}

static void lights_follow_the_mode_and_are_only_set_when_they_change(void **state)
{
    const struct keys_options options = options_of(KEYS_DRIVER_GPIO);
    struct keys *keys = keys_have(&options);

    (void)state;
    assert_int_equal(keys_show(keys, KEYS_MODE_ESTOP, 0), 0);
    assert_lights(true, false);
    for (int64_t ms = 0; ms < 2000; ms += 10) {
        assert_int_equal(keys_show(keys, KEYS_MODE_ESTOP, ms * MS), 0);
    }
    assert_int_equal(board.lines[16].sets, 1);
    assert_int_equal(keys_show(keys, KEYS_MODE_ARMED, 0), 0);
    assert_lights(false, true);
    for (int64_t ms = 0; ms < 2000; ms += 10) {
        assert_int_equal(keys_show(keys, KEYS_MODE_READY, ms * MS), 0);
    }
    assert_int_equal(board.lines[26].sets, 2 + 3); /* on since armed, then off, on, off */
    keys_close(keys);
}

/* A dark mode is also set the first time: nobody knows what the lines were before. */
static void lights_are_set_the_first_time_and_again_after_an_error(void **state)
{
    const struct keys_options options = options_of(KEYS_DRIVER_GPIO);

    (void)state;
    for (int line = 16; line <= 26; line += 10) {
        struct keys *keys;

        (void)board_reset(NULL);
        keys = keys_have(&options);
        assert_int_equal(keys_show(keys, KEYS_MODE_READY, 500 * MS), 0); /* the dark half */
        assert_int_equal(board.lines[line].sets, 1);
        board.lines[line].error = -EIO;
        assert_int_equal(keys_show(keys, KEYS_MODE_FAULT, 0), -EIO);
        assert_int_equal(keys_show(keys, KEYS_MODE_FAULT, 0), -EIO);
        board.lines[line].error = 0;
        assert_int_equal(keys_show(keys, KEYS_MODE_FAULT, 0), 0);
        assert_lights(true, false);
        assert_int_equal(board.lines[line].sets, 4);
        keys_close(keys);
    }
}

static void lights_have_the_polarity_of_the_options(void **state)
{
    struct keys_options options = options_of(KEYS_DRIVER_GPIO);

    (void)state;
    for (int low = 0; low < 2; low++) {
        options.lights_active_low = low != 0;
        keys_close(keys_have(&options));
        assert_int_equal(board.lines[16].active_low, low);
        assert_int_equal(board.lines[26].active_low, low);
    }
}

static void lights_that_are_not_wanted_are_left_alone(void **state)
{
    struct keys_options options = options_of(KEYS_DRIVER_GPIO);
    struct keys *keys;

    (void)state;
    options.lights = false;
    keys = keys_have(&options);
    assert_int_equal(board.chip.lines, 2);
    assert_int_equal(keys_show(keys, KEYS_MODE_FAULT, 0), 0);
    keys_close(keys);
}

static void keys_that_are_off_need_no_gpio(void **state)
{
    const struct keys_options options = options_of(KEYS_DRIVER_OFF);
    struct keys *keys = keys_have(&options);

    (void)state;
    assert_string_equal(keys_name(keys), "off");
    assert_false(board.chip_open);
    assert_int_equal(keys_read(keys, 0).estop, KEYS_OFF);
    assert_int_equal(keys_read(keys, 0).start, KEYS_OFF);
    assert_int_equal(keys_show(keys, KEYS_MODE_FAULT, 0), 0);
    keys_close(keys);
    keys_close(NULL);
}

static void simulated_keys_are_refused_unless_they_are_allowed(void **state)
{
    const struct keys_options options = options_of(KEYS_DRIVER_SIM);
    struct keys *keys = NULL;

    (void)state;
    assert_int_equal(keys_of(&options, false, &keys), -EPERM);
    assert_int_equal(keys_of(&options, true, &keys), -ENOENT); /* its folder is missing */
    assert_null(keys);
}

#define TEST(claim) cmocka_unit_test_setup(claim, board_reset)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(zeroed_verdict_and_zeroed_levels_mean_stop),
        TEST(estop_acts_by_its_level_in_the_same_step),
        TEST(estop_that_cannot_be_read_is_pressed),
        TEST(start_that_cannot_be_read_is_reported_and_leaves_the_estop),
        TEST(keys_that_are_off_neither_stop_nor_start),
        TEST(start_fires_once_when_it_was_pressed_for_long_enough),
        TEST(start_has_to_be_released_for_long_enough_in_between),
        TEST(bouncing_press_is_one_start),
        TEST(start_that_is_held_at_boot_gives_none),
        TEST(unreadable_level_takes_the_readiness_away),
        TEST(unreadable_level_in_a_press_ends_it),
        TEST(each_mode_has_its_lights),
        TEST(keys_are_read_from_their_lines),
        TEST(line_that_fails_is_unreadable_and_the_other_is_not),
        TEST(key_that_cannot_be_had_is_an_error_and_nothing_stays_open),
        TEST(light_that_cannot_be_had_is_an_error_of_showing_alone),
        TEST(lights_follow_the_mode_and_are_only_set_when_they_change),
        TEST(lights_are_set_the_first_time_and_again_after_an_error),
        TEST(lights_have_the_polarity_of_the_options),
        TEST(lights_that_are_not_wanted_are_left_alone),
        TEST(keys_that_are_off_need_no_gpio),
        TEST(simulated_keys_are_refused_unless_they_are_allowed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
