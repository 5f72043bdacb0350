/* sonar_i2c, and the sonar's thread over it: the bus is an ioctl of this file, which answers, fails
 * or hangs as a test wants, on a device that is any file.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

#include "hal/base/clock.h"
#include "hal/body/gpio.h"
#include "hal/body/sonar.h"
#include "hal/body/sonar_i2c.h"

#define MS            CLOCK_NS_PER_MS
#define WAIT_MS       10000 /* for another thread; far more than it needs */
#define TRANSFERS_MAX 16    /* that are remembered */

/* --- The bus. --- */

/* Atomic, because the sonar's thread looks at it while a test changes it. */
static struct bus {
    atomic_int fault;            /* errno of each transfer; 0: none */
    atomic_int faults;           /* bit n: transfer n fails with EREMOTEIO, as after a NACK */
    atomic_int answers[4];       /* mm of the first reads; the last one stays */
    atomic_int delay_ms;         /* of each transfer */
    atomic_bool hang;            /* each transfer, until this is false */
    atomic_bool hangs;           /* one does */
    atomic_int foreign;          /* transfers that the sensor would not understand */
    atomic_bool signals, urgent; /* the thread takes signals, has real-time priority */
    atomic_int fd;
    atomic_int count, reads;
    atomic_bool remembers;             /* the following; in measure() alone */
    char transfers[TRANSFERS_MAX + 1]; /* 'w' or 'r', 'W' or 'R' when it failed */
    int64_t times_ns[TRANSFERS_MAX];
} bus;

static bool is_understood(unsigned long request, const struct i2c_rdwr_ioctl_data *data)
{
    const struct i2c_msg *message = data->msgs;

    if (request != I2C_RDWR || data->nmsgs != 1 || message->addr != 0x77) {
        return false;
    }
    return message->flags == I2C_M_RD ? message->len == 2
                                      : message->len == 1 && message->buf[0] == 0x00;
}

static void look_at_thread(void)
{
    struct sched_param param;
    sigset_t blocked;
    int policy;

    (void)pthread_sigmask(SIG_BLOCK, NULL, &blocked);
    (void)pthread_getschedparam(pthread_self(), &policy, &param);
    bus.signals = sigismember(&blocked, SIGTERM) == 0 || sigismember(&blocked, SIGALRM) == 0;
    bus.urgent = policy != SCHED_OTHER;
}

static int transfer(const struct i2c_msg *message)
{
    bool reading = message->flags == I2C_M_RD;
    int number = bus.count++;
    bool fails = bus.fault != 0 || (number < 31 && (bus.faults >> number & 1) != 0);

    if (bus.remembers && number < TRANSFERS_MAX) {
        bus.times_ns[number] = clock_now_ns();
        bus.transfers[number] = (reading ? "rR" : "wW")[fails];
    }
    if (fails) {
        errno = bus.fault != 0 ? bus.fault : EREMOTEIO;
        return -1;
    }
    if (reading) {
        int read = bus.reads++;
        int mm = bus.answers[read < 3 ? read : 3];

        message->buf[0] = (uint8_t)(mm & 0xff);
        message->buf[1] = (uint8_t)(mm >> 8);
    }
    return 1;
}

/* Instead of libc's. */
int ioctl(int fd, unsigned long request, ...)
{
    const struct i2c_rdwr_ioctl_data *data;
    va_list arguments;

    va_start(arguments, request);
    data = va_arg(arguments, const struct i2c_rdwr_ioctl_data *);
    va_end(arguments);
    if (!is_understood(request, data)) {
        bus.foreign++;
        errno = ENOTTY;
        return -1;
    }
    look_at_thread();
    bus.fd = fd;
    (void)usleep((useconds_t)bus.delay_ms * 1000);
    for (bus.hangs = bus.hang; bus.hang;) {
        (void)usleep(1000);
    }
    return transfer(data->msgs);
}

static int bus_reset(void **state)
{
    (void)state;
    bus.fault = bus.faults = bus.foreign = bus.count = bus.reads = bus.delay_ms = 0;
    bus.hang = bus.hangs = bus.signals = bus.urgent = bus.remembers = false;
    for (int i = 0; i < 4; i++) {
        bus.answers[i] = 1234;
    }
    memset(bus.transfers, 0, sizeof(bus.transfers));
    return 0;
}

static int bus_check(void **state)
{
    (void)state;
    return bus.foreign == 0 ? 0 : -1;
}

/* --- The car has no GPIO. --- */

int gpio_open(const char *chip, struct gpio **ret_gpio)
{
    (void)chip, (void)ret_gpio;
    return -ENODEV;
}

void gpio_close(struct gpio *gpio)
{
    (void)gpio;
}

int gpio_output_open(struct gpio *gpio, unsigned int number, bool active_low,
                     struct gpio_line **ret_line)
{
    (void)gpio, (void)number, (void)active_low, (void)ret_line;
    return -ENODEV;
}

int gpio_edges_open(struct gpio *gpio, unsigned int number, struct gpio_line **ret_line)
{
    (void)gpio, (void)number, (void)ret_line;
    return -ENODEV;
}

void gpio_line_close(struct gpio_line *line)
{
    (void)line;
}

int gpio_line_set(struct gpio_line *line, bool active)
{
    (void)line, (void)active;
    return -ENODEV;
}

int gpio_line_wait(struct gpio_line *line, int64_t timeout_ns)
{
    (void)line, (void)timeout_ns;
    return -ENODEV;
}

int gpio_line_read(struct gpio_line *line, struct gpio_edge *ret_edge)
{
    (void)line, (void)ret_edge;
    return -ENODEV;
}

/* --- The answer. --- */

static void answer_is_little_endian_mm(void **state)
{
    int32_t mm = -7;

    (void)state;
    assert_int_equal(sonar_i2c_decode((const uint8_t[]){0xd2, 0x04}, &mm), SONAR_GOOD);
    assert_int_equal(mm, 1234);
}

static void every_answer_is_a_distance_or_says_why_not(void **state)
{
    (void)state;
    for (int value = 0; value <= 0xffff; value++) {
        const uint8_t bytes[2] = {(uint8_t)(value & 0xff), (uint8_t)(value >> 8)};
        int32_t mm = -7;
        enum sonar_kind kind = sonar_i2c_decode(bytes, &mm);

        if (value == 255) {
            assert_int_equal(kind, SONAR_PLACEHOLDER);
        } else if (value == 0xffff) {
            assert_int_equal(kind, SONAR_NONSENSE);
        } else if (value < 20) {
            assert_int_equal(kind, SONAR_TOO_NEAR);
        } else {
            assert_int_equal(kind, value < 5000 ? SONAR_GOOD : SONAR_NO_ECHO);
        }
        assert_int_equal(mm, kind == SONAR_GOOD ? value : -7);
    }
}

/* --- One measurement. --- */

/* Also: the age, which is that of the first trigger, with 20 ms for each attempt. */
static struct sonar_reading measure(int attempts)
{
    const struct sonar_place place = {.options.device = "/dev/null"};
    int64_t before_ns = clock_now_ns(), first_ns, after_ns;
    struct sonar_reading reading;
    void *device;

    bus.remembers = true;
    assert_int_equal(sonar_i2c_driver.open(&place, &device), 0);
    sonar_i2c_driver.measure(device, &reading);
    after_ns = clock_now_ns();
    sonar_i2c_driver.close(device);
    first_ns = bus.times_ns[0];
    assert_true(before_ns <= reading.time_ns && reading.time_ns <= first_ns);
    assert_true(after_ns - reading.time_ns >= attempts * 20 * MS);
    return reading;
}

static void assert_reading(struct sonar_reading reading, enum sonar_kind kind, int32_t mm)
{
    assert_string_equal(sonar_kind_name(reading.kind), sonar_kind_name(kind));
    assert_int_equal(reading.mm, mm);
    assert_int_equal(reading.error, kind == SONAR_BUS ? -EREMOTEIO : 0);
}

static void measurement_is_a_trigger_and_20_ms_later_a_read(void **state)
{
    (void)state;
    assert_reading(measure(1), SONAR_GOOD, 1234);
    assert_string_equal(bus.transfers, "wr");
    assert_true(bus.times_ns[1] - bus.times_ns[0] >= 20 * MS);
}

static void answer_that_is_no_distance_is_not_asked_for_again(void **state)
{
    (void)state;
    bus.answers[0] = 5000;
    assert_reading(measure(1), SONAR_NO_ECHO, 0);
    assert_string_equal(bus.transfers, "wr");
}

static void placeholder_is_read_again_without_a_trigger(void **state)
{
    (void)state;
    bus.answers[0] = bus.answers[1] = 255;
    assert_reading(measure(3), SONAR_GOOD, 1234);
    assert_string_equal(bus.transfers, "wrrr");
    assert_true(bus.times_ns[3] - bus.times_ns[2] >= 20 * MS);
}

static void sensor_that_never_gets_ready_is_a_placeholder(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        bus.answers[i] = 255;
    }
    assert_reading(measure(4), SONAR_PLACEHOLDER, 0);
    assert_string_equal(bus.transfers, "wrrrr");
}

static void trigger_that_was_refused_is_sent_again(void **state)
{
    (void)state;
    bus.faults = 1 << 0;
    assert_reading(measure(2), SONAR_GOOD, 1234);
    assert_string_equal(bus.transfers, "Wwr");
    assert_true(bus.times_ns[1] - bus.times_ns[0] >= 20 * MS);
}

static void read_that_was_refused_begins_with_a_new_trigger(void **state)
{
    (void)state;
    bus.faults = 1 << 1 | 1 << 4;
    bus.answers[0] = 255;
    assert_reading(measure(4), SONAR_GOOD, 1234);
    assert_string_equal(bus.transfers, "wRwrRwr");
}

static void fourth_refusal_is_a_bus_error(void **state)
{
    (void)state;
    bus.faults = 0xff;
    assert_reading(measure(4), SONAR_BUS, 0);
    assert_string_equal(bus.transfers, "WWWW");
    assert_int_equal(bus_reset(NULL), 0);
    bus.faults = 1 << 1 | 1 << 3 | 1 << 5 | 1 << 7;
    assert_reading(measure(4), SONAR_BUS, 0);
    assert_string_equal(bus.transfers, "wRwRwRwR");
}

static void bus_that_is_not_there_cannot_be_opened(void **state)
{
    const struct sonar_place place = {.options.device = "/nonexistent/i2c"};
    void *device = NULL;

    (void)state;
    assert_int_equal(sonar_i2c_driver.open(&place, &device), -ENOENT);
    assert_null(device);
}

/* --- The thread. --- */

static struct sonar *start(const char *path)
{
    const struct gpio_options gpio = {.chip = "pinctrl-none"};
    struct sonar_options options = {.driver = SONAR_DRIVER_I2C, .stale_ms = 120};
    struct sonar *sonar;

    (void)snprintf(options.device, sizeof(options.device), "%s", path);
    assert_int_equal(sonar_open(&options, &gpio, false, &sonar), 0);
    return sonar;
}

/* The first reading from number `seq` on that is of this kind. */
static struct sonar_reading await(const struct sonar *sonar, uint64_t seq, enum sonar_kind kind)
{
    int64_t until_ns = clock_now_ns() + WAIT_MS * MS;
    struct sonar_reading reading;

    for (;;) {
        sonar_read(sonar, &reading);
        if (reading.seq >= seq && reading.kind == kind) {
            return reading;
        }
        assert_true(clock_now_ns() < until_ns);
        (void)usleep(1000);
    }
}

static void await_hanging(void)
{
    int64_t until_ns = clock_now_ns() + WAIT_MS * MS;

    while (!bus.hangs) {
        assert_true(clock_now_ns() < until_ns);
        (void)usleep(1000);
    }
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static void readings_do_not_come_faster_than_20_a_second(void **state)
{
    struct sonar *sonar = start("/dev/null");
    struct sonar_reading first = await(sonar, 1, SONAR_GOOD);
    struct sonar_reading last = await(sonar, 6, SONAR_GOOD);

    (void)state;
    assert_int_equal(first.mm, 1234);
    /* The thread may be held up before the first trigger, but not before each. */
    assert_true(last.time_ns - first.time_ns >= ((int64_t)(last.seq - first.seq) * 50 - 25) * MS);
    sonar_close(sonar);
    assert_false(is_open(bus.fd));
}

/* 20 errors in a row, 80 ms each. Between two attempts to open it a second passes. */
static void bus_that_stays_silent_is_opened_anew(void **state)
{
    const char *folder = getenv("TMPDIR");
    struct sonar_reading reading;
    struct sonar *sonar;
    char path[128];
    int64_t missing_ns;

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/sonar_i2c_test.%d", folder != NULL ? folder : "/tmp",
                   (int)getpid());
    (void)close(open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600));
    bus.fault = EIO;
    sonar = start(path);
    reading = await(sonar, 1, SONAR_BUS);
    assert_int_equal(reading.error, -EIO);
    assert_int_equal(unlink(path), 0);
    reading = await(sonar, 2, SONAR_MISSING);
    assert_int_equal(reading.seq, 21);
    assert_int_equal(reading.error, -ENOENT);
    missing_ns = reading.time_ns;
    bus.fault = 0;
    (void)close(open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600));
    reading = await(sonar, 22, SONAR_GOOD);
    assert_int_equal(reading.seq, 22);
    assert_true(reading.time_ns - missing_ns >= SONAR_REOPEN_MS * MS);
    sonar_close(sonar);
    assert_int_equal(unlink(path), 0);
}

static void bus_that_hangs_holds_up_neither_reading_nor_closing(void **state)
{
    struct sonar *sonar = start("/dev/null");
    struct sonar_reading before = await(sonar, 1, SONAR_GOOD), reading;
    int64_t start_ns, until_ns;

    (void)state;
    bus.hang = true;
    await_hanging();
    sonar_read(sonar, &before);
    start_ns = clock_now_ns();
    for (int i = 0; i < 1000; i++) {
        sonar_read(sonar, &reading);
        assert_int_equal(reading.seq, before.seq);
        assert_int_equal(reading.time_ns, before.time_ns); /* grows old */
    }
    assert_true(clock_now_ns() - start_ns < SONAR_CLOSE_MS * MS);
    start_ns = clock_now_ns();
    sonar_close(sonar);
    assert_true(clock_now_ns() - start_ns >= SONAR_CLOSE_MS * MS);
    assert_true(clock_now_ns() - start_ns < 4 * SONAR_CLOSE_MS * MS);
    assert_true(is_open(bus.fd));
    bus.hang = false; /* the thread comes back and puts its things away */
    for (until_ns = clock_now_ns() + WAIT_MS * MS; is_open(bus.fd);) {
        assert_true(clock_now_ns() < until_ns);
        (void)usleep(1000);
    }
    (void)usleep(50000); /* for the memory, which the leak check wants */
}

static void bus_that_is_slow_is_waited_for(void **state)
{
    struct sonar *sonar = start("/dev/null");

    (void)state;
    (void)await(sonar, 1, SONAR_GOOD);
    bus.delay_ms = 150;
    (void)usleep(100000); /* it is in one of these */
    sonar_close(sonar);
    assert_false(is_open(bus.fd));
}

static void thread_takes_no_signals(void **state)
{
    struct sonar *sonar = start("/dev/null");

    (void)state;
    (void)await(sonar, 1, SONAR_GOOD);
    sonar_close(sonar);
    assert_false(bus.signals);
    look_at_thread(); /* this one does */
    assert_true(bus.signals);
}

static void thread_has_no_priority_though_its_creator_has(void **state)
{
    const struct sched_param urgent = {.sched_priority = 1}, normal = {0};
    struct sonar *sonar;

    (void)state;
    if (pthread_setschedparam(pthread_self(), SCHED_FIFO, &urgent) != 0) {
        skip();
    }
    sonar = start("/dev/null");
    assert_int_equal(pthread_setschedparam(pthread_self(), SCHED_OTHER, &normal), 0);
    (void)await(sonar, 1, SONAR_GOOD);
    sonar_close(sonar);
    assert_false(bus.urgent);
}

#define TEST(claim) cmocka_unit_test_setup_teardown(claim, bus_reset, bus_check)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answer_is_little_endian_mm),
        TEST(every_answer_is_a_distance_or_says_why_not),
        TEST(measurement_is_a_trigger_and_20_ms_later_a_read),
        TEST(answer_that_is_no_distance_is_not_asked_for_again),
        TEST(placeholder_is_read_again_without_a_trigger),
        TEST(sensor_that_never_gets_ready_is_a_placeholder),
        TEST(trigger_that_was_refused_is_sent_again),
        TEST(read_that_was_refused_begins_with_a_new_trigger),
        TEST(fourth_refusal_is_a_bus_error),
        TEST(bus_that_is_not_there_cannot_be_opened),
        TEST(readings_do_not_come_faster_than_20_a_second),
        TEST(bus_that_stays_silent_is_opened_anew),
        TEST(bus_that_hangs_holds_up_neither_reading_nor_closing),
        TEST(bus_that_is_slow_is_waited_for),
        TEST(thread_takes_no_signals),
        TEST(thread_has_no_priority_though_its_creator_has),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
