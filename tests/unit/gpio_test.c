/* gpio: the error codes of a chip that is missing anywhere; the lines where the kernel simulates
 * them. A real chip is never touched: nobody knows what hangs on its lines.
 *
 * The simulator is the kernel's gpio-sim (root; `modprobe gpio-sim` and a bank of two lines or more
 * in configfs make one). Without it each test that needs one is skipped under its name.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "hal/base/clock.h"
#include "hal/body/gpio.h"

#define MS        CLOCK_NS_PER_MS
#define CHIPS_MAX 64

/* --- Without a chip. --- */

static void assert_open_fails(const char *chip, int error)
{
    struct gpio *gpio = NULL;

    assert_int_equal(gpio_open(chip, &gpio), error);
    assert_null(gpio);
}

static void path_that_is_no_chip_is_no_device(void **state)
{
    (void)state;
    assert_open_fails("/nonexistent/gpiochip0", -ENODEV);
    assert_open_fails("/dev/null", -ENODEV);
    assert_open_fails("/proc/self/comm", -ENODEV);
    assert_open_fails("/dev/", -ENODEV);
    assert_open_fails("/dev/null/x", -ENODEV);
}

static void label_that_no_chip_has_is_no_device(void **state)
{
    int error = -ENODEV;

    (void)state;
    for (int i = 0; i < CHIPS_MAX; i++) {
        char path[32];

        (void)snprintf(path, sizeof(path), "/dev/gpiochip%d", i);
        if (access(path, R_OK | W_OK) < 0 && errno == EACCES) {
            error = -EACCES; /* it may have been that one */
        }
    }
    assert_open_fails("turbonav-no-such-label", error);
    assert_open_fails("", error);
}

static void path_that_may_not_be_opened_is_no_access(void **state)
{
    const char *folder = getenv("TMPDIR");
    char path[128];

    (void)state;
    if (geteuid() == 0) {
        skip(); /* may open everything */
    }
    (void)snprintf(path, sizeof(path), "%s/gpio_test.%d", folder != NULL ? folder : "/tmp",
                   (int)getpid());
    (void)close(open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0000));
    assert_open_fails(path, -EACCES);
    assert_int_equal(unlink(path), 0);
}

static void nothing_may_be_closed(void **state)
{
    (void)state;
    gpio_line_close(NULL);
    gpio_close(NULL);
}

/* --- With a simulated one. --- */

struct place {
    char lines[64]; /* the folder of its lines, which say and take their levels */
    char path[32];
    struct gpio *gpio;
};

static int place_remove(void **state)
{
    struct place *place = *state;

    gpio_close(place->gpio);
    free(place);
    return 0;
}

/* gpio is NULL when there is none. */
static int place_make(void **state)
{
    struct place *place = calloc(1, sizeof(*place));

    assert_non_null(place);
    *state = place;
    for (int i = 0; i < CHIPS_MAX; i++) {
        char pull[128];

        (void)snprintf(place->lines, sizeof(place->lines), "/sys/bus/gpio/devices/gpiochip%d", i);
        (void)snprintf(place->path, sizeof(place->path), "/dev/gpiochip%d", i);
        (void)snprintf(pull, sizeof(pull), "%s/sim_gpio1/pull", place->lines);
        if (access(pull, W_OK) == 0 && access(place->path, R_OK | W_OK) == 0) {
            return gpio_open(place->path, &place->gpio);
        }
    }
    return 0;
}

static const struct place *place_or_skip(void **state)
{
    const struct place *place = *state;

    if (place->gpio == NULL) {
        skip();
    }
    return place;
}

/* What is outside of the chip pulls the line up or down. */
static void pull(const struct place *place, int number, bool up)
{
    const char *word = up ? "pull-up" : "pull-down";
    char path[128];
    int fd;

    (void)snprintf(path, sizeof(path), "%s/sim_gpio%d/pull", place->lines, number);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, word, strlen(word)), strlen(word));
    (void)close(fd);
}

static bool is_high(const struct place *place, int number)
{
    char path[128], level = '?';
    int fd;

    (void)snprintf(path, sizeof(path), "%s/sim_gpio%d/value", place->lines, number);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(read(fd, &level, 1), 1);
    (void)close(fd);
    return level == '1';
}

static void key_to_ground_is_active_when_it_is_low(void **state)
{
    const struct place *place = place_or_skip(state);
    struct gpio_line *line;
    bool active = true;

    assert_int_equal(gpio_input_open(place->gpio, 0, &line), 0);
    assert_int_equal(gpio_line_get(line, &active), 0);
    assert_false(active); /* its own pull-up */
    pull(place, 0, false);
    assert_int_equal(gpio_line_get(line, &active), 0);
    assert_true(active);
    gpio_line_close(line);
}

static void output_begins_inactive_in_either_polarity(void **state)
{
    const struct place *place = place_or_skip(state);

    for (int low = 0; low < 2; low++) {
        struct gpio_line *line;

        assert_int_equal(gpio_output_open(place->gpio, 0, low != 0, &line), 0);
        assert_int_equal(is_high(place, 0), low != 0);
        assert_int_equal(gpio_line_set(line, true), 0);
        assert_int_equal(is_high(place, 0), low == 0);
        assert_int_equal(gpio_line_set(line, false), 0);
        assert_int_equal(is_high(place, 0), low != 0);
        gpio_line_close(line);
    }
}

static void edges_come_in_order_with_the_time_they_had(void **state)
{
    const struct place *place = place_or_skip(state);
    int64_t before_ns, after_ns, last_ns;
    struct gpio_line *line;

    assert_int_equal(gpio_edges_open(place->gpio, 0, &line), 0);
    assert_int_equal(gpio_line_wait(line, 0), GPIO_TIMEOUT); /* its own pull-down: no edge */
    before_ns = last_ns = clock_now_ns();
    pull(place, 0, true);
    pull(place, 0, false);
    after_ns = clock_now_ns();
    (void)usleep(20000);
    for (int i = 0; i < 2; i++) {
        struct gpio_edge edge;

        assert_int_equal(gpio_line_wait(line, 1000 * MS), 0);
        assert_int_equal(gpio_line_read(line, &edge), 0);
        assert_int_equal(edge.rising, i == 0);
        assert_true(edge.time_ns >= last_ns);
        last_ns = edge.time_ns;
    }
    assert_true(before_ns <= last_ns && last_ns <= after_ns);
    gpio_line_close(line);
}

static void wait_for_an_edge_ends_in_time(void **state)
{
    const struct place *place = place_or_skip(state);
    struct gpio_line *line;
    int64_t start_ns;

    assert_int_equal(gpio_edges_open(place->gpio, 0, &line), 0);
    start_ns = clock_now_ns();
    assert_int_equal(gpio_line_wait(line, 30 * MS), GPIO_TIMEOUT);
    assert_in_range(clock_now_ns() - start_ns, 30 * MS, 1000 * MS);
    gpio_line_close(line);
}

static void line_of_another_is_busy_until_it_is_closed(void **state)
{
    const struct place *place = place_or_skip(state);
    struct gpio_line *line, *second = NULL;
    struct gpio *other;

    assert_int_equal(gpio_open(place->path, &other), 0);
    assert_int_equal(gpio_input_open(place->gpio, 0, &line), 0);
    assert_int_equal(gpio_input_open(other, 0, &second), -EBUSY);
    assert_int_equal(gpio_output_open(other, 0, false, &second), -EBUSY);
    assert_int_equal(gpio_edges_open(other, 0, &second), -EBUSY);
    assert_null(second);
    assert_int_equal(gpio_input_open(other, 1, &second), 0);
    gpio_line_close(second);
    gpio_line_close(line);
    assert_int_equal(gpio_edges_open(other, 0, &second), 0);
    gpio_line_close(second);
    gpio_close(other);
}

static void line_that_the_chip_has_not_is_invalid(void **state)
{
    const struct place *place = place_or_skip(state);
    struct gpio_line *line = NULL;

    assert_int_equal(gpio_input_open(place->gpio, 1000, &line), -EINVAL);
    assert_int_equal(gpio_output_open(place->gpio, 1000, false, &line), -EINVAL);
    assert_int_equal(gpio_edges_open(place->gpio, 1000, &line), -EINVAL);
    assert_null(line);
}

#define TEST(claim) cmocka_unit_test_setup_teardown(claim, place_make, place_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(path_that_is_no_chip_is_no_device),
        cmocka_unit_test(label_that_no_chip_has_is_no_device),
        cmocka_unit_test(path_that_may_not_be_opened_is_no_access),
        cmocka_unit_test(nothing_may_be_closed),
        TEST(key_to_ground_is_active_when_it_is_low),
        TEST(output_begins_inactive_in_either_polarity),
        TEST(edges_come_in_order_with_the_time_they_had),
        TEST(wait_for_an_edge_ends_in_time),
        TEST(line_of_another_is_busy_until_it_is_closed),
        TEST(line_that_the_chip_has_not_is_invalid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
