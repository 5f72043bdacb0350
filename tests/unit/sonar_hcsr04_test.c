/* sonar_hcsr04 in virtual time: the clock, the sleep and the two lines are this file's. An echo is
 * a list of edges after the trigger, each stamped as the kernel would.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "hal/base/clock.h"
#include "hal/body/gpio.h"
#include "hal/body/sonar_hcsr04.h"

#define MS        CLOCK_NS_PER_MS
#define US        INT64_C(1000)
#define EDGES_MAX 100

/* --- The car: one clock, one chip, two lines. --- */

struct gpio {
    int lines; /* open */
};

struct gpio_line {
    unsigned int number;
};

static struct car {
    int64_t now_ns;
    struct gpio chip;
    struct gpio_line trigger, echo;
    bool chip_open, active_low, level;
    int64_t up_ns, down_ns; /* of the trigger */
    int triggers;
    /* The echo's queue, by time; what follows the trigger is relative to its end. */
    struct gpio_edge edges[EDGES_MAX];
    int edge_count, edges_read, relative_from;
    /* The call with this number, from 1, fails with `error`. */
    int open_fails, set_fails, wait_fails, read_fails, error;
} car;

int clock_gettime(clockid_t clock, struct timespec *ret_time)
{
    if (clock != CLOCK_MONOTONIC) {
        return (int)syscall(SYS_clock_gettime, clock, ret_time);
    }
    *ret_time = (struct timespec){
        .tv_sec = car.now_ns / CLOCK_NS_PER_S,
        .tv_nsec = car.now_ns % CLOCK_NS_PER_S,
    };
    return 0;
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *time,
                    struct timespec *ret_rest)
{
    (void)clock;
    (void)ret_rest;
    assert_int_equal(flags, 0);
    car.now_ns += time->tv_sec * CLOCK_NS_PER_S + time->tv_nsec;
    return 0;
}

static bool fails(int *countdown)
{
    return *countdown > 0 && --*countdown == 0;
}

int gpio_open(const char *chip, struct gpio **ret_gpio)
{
    assert_string_equal(chip, "pinctrl-rp1");
    if (fails(&car.open_fails)) {
        return car.error;
    }
    car.chip_open = true;
    *ret_gpio = &car.chip;
    return 0;
}

void gpio_close(struct gpio *gpio)
{
    assert_int_equal(car.chip.lines, 0);
    if (gpio != NULL) {
        assert_true(car.chip_open);
        car.chip_open = false;
    }
}

static int line_open(unsigned int number, struct gpio_line *line, struct gpio_line **ret_line)
{
    assert_true(car.chip_open);
    if (fails(&car.open_fails)) {
        return car.error;
    }
    line->number = number;
    car.chip.lines++;
    *ret_line = line;
    return 0;
}

int gpio_output_open(struct gpio *gpio, unsigned int number, bool active_low,
                     struct gpio_line **ret_line)
{
    assert_ptr_equal(gpio, &car.chip);
    assert_false(active_low);
    return line_open(number, &car.trigger, ret_line);
}

int gpio_edges_open(struct gpio *gpio, unsigned int number, struct gpio_line **ret_line)
{
    assert_ptr_equal(gpio, &car.chip);
    return line_open(number, &car.echo, ret_line);
}

void gpio_line_close(struct gpio_line *line)
{
    if (line != NULL) {
        car.chip.lines--;
    }
}

int gpio_line_set(struct gpio_line *line, bool active)
{
    assert_ptr_equal(line, &car.trigger);
    if (fails(&car.set_fails)) {
        return car.error;
    }
    assert_int_equal(active, !car.level);
    car.level = active;
    if (active) {
        car.up_ns = car.now_ns;
        return 0;
    }
    car.down_ns = car.now_ns;
    car.triggers++;
    for (int i = car.relative_from; i < car.edge_count; i++) {
        car.edges[i].time_ns += car.now_ns;
    }
    car.relative_from = car.edge_count;
    return 0;
}

/* Before the trigger, what follows it has not happened. */
static const struct gpio_edge *edge_next(void)
{
    return car.edges_read < car.relative_from ? &car.edges[car.edges_read] : NULL;
}

int gpio_line_wait(struct gpio_line *line, int64_t timeout_ns)
{
    const struct gpio_edge *next = edge_next();

    assert_ptr_equal(line, &car.echo);
    assert_in_range(timeout_ns, 0, SONAR_HCSR04_ECHO_MS * MS);
    if (fails(&car.wait_fails)) {
        return car.error;
    }
    if (next == NULL || next->time_ns > car.now_ns + timeout_ns) {
        car.now_ns += timeout_ns;
        return GPIO_TIMEOUT;
    }
    car.now_ns = next->time_ns > car.now_ns ? next->time_ns : car.now_ns;
    return 0;
}

int gpio_line_read(struct gpio_line *line, struct gpio_edge *ret_edge)
{
    assert_ptr_equal(line, &car.echo);
    if (fails(&car.read_fails)) {
        return car.error;
    }
    assert_non_null(edge_next());
    *ret_edge = *edge_next();
    car.edges_read++;
    return 0;
}

static int car_reset(void **state)
{
    (void)state;
    car = (struct car){.now_ns = 1000 * MS, .error = -EIO};
    return 0;
}

/* In the queue before anything is triggered. */
static void left_over(bool rising, int64_t time_ns)
{
    car.edges[car.edge_count++] = (struct gpio_edge){time_ns, rising};
    car.relative_from = car.edge_count;
}

/* After the end of the next trigger. */
static void echo_edge(bool rising, int64_t after_ns)
{
    car.edges[car.edge_count++] = (struct gpio_edge){after_ns, rising};
}

static void echo(int64_t width_ns)
{
    echo_edge(true, 450 * US);
    echo_edge(false, 450 * US + width_ns);
}

static struct sonar_place place_of(void)
{
    return (struct sonar_place){
        .options = {.trigger_line = 22, .echo_line = 24},
        .gpio = {.chip = "pinctrl-rp1"},
    };
}

static struct sonar_reading measure(void)
{
    const struct sonar_place place = place_of();
    int64_t start_ns = car.now_ns;
    struct sonar_reading reading;
    void *device;

    assert_int_equal(sonar_hcsr04_driver.open(&place, &device), 0);
    assert_int_equal(car.trigger.number, 22);
    assert_int_equal(car.echo.number, 24);
    sonar_hcsr04_driver.measure(device, &reading);
    sonar_hcsr04_driver.close(device);
    assert_int_equal(car.chip.lines, 0);
    assert_false(car.chip_open);
    assert_int_equal(reading.time_ns, start_ns);
    return reading;
}

static void assert_reading(struct sonar_reading reading, enum sonar_kind kind, int32_t mm)
{
    assert_string_equal(sonar_kind_name(reading.kind), sonar_kind_name(kind));
    assert_int_equal(reading.mm, mm);
    assert_int_equal(reading.error, kind == SONAR_BUS ? -EIO : 0);
}

/* --- The arithmetic. --- */

static void width_is_58_us_for_each_cm(void **state)
{
    static const struct {
        int64_t width_ns;
        enum sonar_kind kind;
        int32_t mm;
    } rows[] = {
        {INT64_MIN, SONAR_NONSENSE, -7},
        {-1, SONAR_NONSENSE, -7},
        {0, SONAR_TOO_NEAR, -7},
        {20 * 5800 - 1, SONAR_TOO_NEAR, -7},
        {20 * 5800, SONAR_GOOD, 20},
        {58 * US, SONAR_TOO_NEAR, -7}, /* 1 cm */
        {100 * 58 * US, SONAR_GOOD, 1000},
        {100 * 58 * US + 5799, SONAR_GOOD, 1000},
        {255 * 5800, SONAR_GOOD, 255}, /* no placeholder here */
        {5000 * 5800 - 1, SONAR_GOOD, 4999},
        {5000 * 5800, SONAR_NO_ECHO, -7},
        {38 * MS, SONAR_NO_ECHO, -7},
        {INT64_C(0xffff) * 5800, SONAR_NO_ECHO, -7},
        {(INT64_C(1) << 32) * 5800 + 1000 * 5800, SONAR_NO_ECHO, -7}, /* does not wrap */
        {INT64_MAX, SONAR_NO_ECHO, -7},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int32_t mm = -7;

        assert_int_equal(sonar_hcsr04_decode(rows[i].width_ns, &mm), rows[i].kind);
        assert_int_equal(mm, rows[i].mm);
    }
}

/* --- One measurement. --- */

static void echo_is_measured_between_its_edges(void **state)
{
    (void)state;
    echo(1234 * 5800);
    assert_reading(measure(), SONAR_GOOD, 1234);
    assert_int_equal(car.triggers, 1);
}

static void trigger_is_at_least_10_us(void **state)
{
    (void)state;
    echo(1000 * 5800);
    (void)measure();
    assert_in_range(car.down_ns - car.up_ns, 10 * US, 20 * US);
    assert_true(sonar_hcsr04_driver.period_ms >= 60);
}

static void module_that_hears_nothing_has_no_echo(void **state)
{
    (void)state;
    echo(38 * MS);
    assert_reading(measure(), SONAR_NO_ECHO, 0);
}

static void echo_below_2_cm_is_too_near(void **state)
{
    (void)state;
    echo(19 * 5800);
    assert_reading(measure(), SONAR_TOO_NEAR, 0);
}

static void silence_is_a_timeout_60_ms_after_the_trigger(void **state)
{
    int64_t start_ns;

    (void)state;
    start_ns = car.now_ns;
    assert_reading(measure(), SONAR_TIMEOUT, 0);
    assert_int_equal(car.now_ns - start_ns, 60 * MS);
}

static void echo_that_never_ends_is_a_timeout(void **state)
{
    int64_t start_ns;

    (void)state;
    start_ns = car.now_ns;
    echo_edge(true, 450 * US);
    assert_reading(measure(), SONAR_TIMEOUT, 0);
    assert_int_equal(car.now_ns - start_ns, 60 * MS);
}

static void both_edges_share_one_deadline(void **state)
{
    (void)state;
    echo_edge(true, 50 * MS);
    echo_edge(false, 70 * MS);
    assert_reading(measure(), SONAR_TIMEOUT, 0);
    assert_int_equal(car.now_ns, 1060 * MS);
}

/* A line that chatters must not hold the thread. */
static void edges_without_end_do_not_move_the_deadline(void **state)
{
    (void)state;
    for (int i = 0; i < EDGES_MAX; i++) {
        echo_edge(false, (i + 1) * MS);
    }
    assert_reading(measure(), SONAR_TIMEOUT, 0);
    assert_in_range(car.now_ns, 1060 * MS, 1061 * MS);
}

static void edge_at_the_deadline_is_the_last_that_is_looked_at(void **state)
{
    (void)state;
    echo_edge(false, 60 * MS - 12 * US); /* from the end of the trigger */
    echo_edge(true, 60 * MS - 12 * US);
    assert_reading(measure(), SONAR_TIMEOUT, 0);
}

/* --- Edges that are not of this echo. --- */

static void edges_of_the_last_echo_are_thrown_away(void **state)
{
    (void)state;
    left_over(true, 900 * MS);
    left_over(false, 903 * MS);
    left_over(true, 950 * MS);
    echo(1234 * 5800);
    assert_reading(measure(), SONAR_GOOD, 1234);
}

/* More than are thrown away beforehand: their stamps say that they are old. */
static void edge_from_before_the_trigger_is_not_its_echo(void **state)
{
    (void)state;
    for (int i = 0; i < 80; i++) {
        left_over(i % 2 == 0, 990 * MS + i * US);
    }
    echo(1234 * 5800);
    assert_reading(measure(), SONAR_GOOD, 1234);
}

static void falling_edge_first_is_no_echo(void **state)
{
    (void)state;
    echo_edge(false, 100 * US);
    echo(1234 * 5800);
    assert_reading(measure(), SONAR_GOOD, 1234);
}

static void second_rising_edge_does_not_shorten_the_echo(void **state)
{
    (void)state;
    echo_edge(true, 450 * US);
    echo_edge(true, 500 * US);
    echo_edge(false, 450 * US + 1234 * 5800);
    assert_reading(measure(), SONAR_GOOD, 1234);
}

/* The kernel's stamps of one line increase; a falling edge from before its rise is none of it. */
static void falling_edge_from_before_the_rise_is_no_end(void **state)
{
    (void)state;
    echo_edge(true, 450 * US);
    echo_edge(false, 449 * US);
    echo_edge(false, 450 * US + 1234 * 5800);
    assert_reading(measure(), SONAR_GOOD, 1234);
}

/* --- Errors. --- */

static void every_failing_call_is_a_bus_error(void **state)
{
    static const int counts[] = {2, 3, 2}; /* the first wait is for edges that are left over */
    int *const calls[] = {&car.set_fails, &car.wait_fails, &car.read_fails};

    (void)state;
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        for (int number = 1; number <= counts[i]; number++) {
            (void)car_reset(NULL);
            echo(1234 * 5800);
            *calls[i] = number;
            assert_reading(measure(), SONAR_BUS, 0);
        }
    }
}

static void left_over_edge_that_cannot_be_read_is_a_bus_error(void **state)
{
    (void)state;
    left_over(true, 900 * MS);
    echo(1234 * 5800);
    car.read_fails = 1;
    assert_reading(measure(), SONAR_BUS, 0);
    assert_int_equal(car.triggers, 0);
}

static void device_that_opens_half_is_closed_again(void **state)
{
    const struct sonar_place place = place_of();

    (void)state;
    for (int number = 1; number <= 3; number++) {
        void *device = NULL;

        car.open_fails = number;
        car.error = -EBUSY;
        assert_int_equal(sonar_hcsr04_driver.open(&place, &device), -EBUSY);
        assert_null(device);
        assert_int_equal(car.chip.lines, 0);
        assert_false(car.chip_open);
    }
}

#define TEST(claim) cmocka_unit_test_setup(claim, car_reset)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(width_is_58_us_for_each_cm),
        TEST(echo_is_measured_between_its_edges),
        TEST(trigger_is_at_least_10_us),
        TEST(module_that_hears_nothing_has_no_echo),
        TEST(echo_below_2_cm_is_too_near),
        TEST(silence_is_a_timeout_60_ms_after_the_trigger),
        TEST(echo_that_never_ends_is_a_timeout),
        TEST(both_edges_share_one_deadline),
        TEST(edges_without_end_do_not_move_the_deadline),
        TEST(edge_at_the_deadline_is_the_last_that_is_looked_at),
        TEST(edges_of_the_last_echo_are_thrown_away),
        TEST(edge_from_before_the_trigger_is_not_its_echo),
        TEST(falling_edge_first_is_no_echo),
        TEST(second_rising_edge_does_not_shorten_the_echo),
        TEST(falling_edge_from_before_the_rise_is_no_end),
        TEST(every_failing_call_is_a_bus_error),
        TEST(left_over_edge_that_cannot_be_read_is_a_bus_error),
        TEST(device_that_opens_half_is_closed_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
