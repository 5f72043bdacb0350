/* See motor.h.
 *
 * `auto` opens the device as the first driver that can look for its board and is good only once
 * motor_probe has heard a report. The probe asks for a servo's position, answered within
 * milliseconds, three times a second: a request may fall behind half a frame that a killed program
 * left in the board. A board that does not answer it is found by the battery report that it sends
 * unasked. Only a report with a meaning counts: a line that echoes (a loop-back plug, a tty that
 * was not raw) sends back our own request, which is a whole frame.
 *
 * `null` makes the same frames as board5, so that the brake with its heartbeats and everything
 * before it runs as it does on the car; only the device is /dev/null.
 */
#include "hal/body/motor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "hal/base/clock.h"
#include "hal/base/serial.h"

#define ASK_EVERY_NS (300 * CLOCK_NS_PER_MS)
#define PROBE_SERVO  1
#define READ_SIZE    256

struct motor {
    const struct motor_driver *driver;
    bool must_probe;
    int fd;
    struct board5_decoder decoder;
    uint64_t reports;
};

static int board5_open(const char *device, int lock_wait_ms, int *ret_fd)
{
    return serial_open(device, BOARD5_BAUD, lock_wait_ms, ret_fd);
}

static void board5_take(struct motor *motor, const uint8_t *bytes, size_t size,
                        struct motor_news *news)
{
    struct board5_report report;

    while (board5_next(&motor->decoder, &bytes, &size, &report)) {
        motor->reports += report.kind != BOARD5_REPORT_OTHER;
        if (report.kind == BOARD5_REPORT_BATTERY) {
            news->battery_mv = report.value;
        }
    }
    news->reports = motor->reports;
    news->bad_frames = motor->decoder.bad_frames;
    news->bad_bytes = motor->decoder.bad_bytes;
}

static int board5_ask(int fd)
{
    uint8_t frame[MOTOR_FRAME_MAX];
    size_t size = board5_encode_servo_read(PROBE_SERVO, frame, sizeof(frame));

    if (write(fd, frame, size) < 0 && errno != EAGAIN && errno != EINTR) {
        return -errno;
    }
    return 0; /* a request that was cut is asked again soon */
}

static int board5_listen(struct motor *motor, int64_t wait_ns, struct motor_news *news)
{
    struct pollfd wait = {.fd = motor->fd, .events = POLLIN};
    uint8_t bytes[READ_SIZE];
    ssize_t size;

    /* Rounded up: a wait of less than a millisecond would else become a busy loop. */
    if (poll(&wait, 1, (int)((wait_ns + CLOCK_NS_PER_MS - 1) / CLOCK_NS_PER_MS)) <= 0) {
        return 0;
    }
    size = read(motor->fd, bytes, sizeof(bytes));
    if (size < 0) {
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    }
    if (size == 0) {
        return -EIO;
    }
    board5_take(motor, bytes, (size_t)size, news);
    return 0;
}

static int board5_probe(struct motor *motor, int timeout_ms, struct motor_news *ret_news)
{
    struct motor_news news = {.battery_mv = -1};
    int64_t now_ns = clock_now_ns();
    int64_t deadline_ns = now_ns + timeout_ms * CLOCK_NS_PER_MS;
    int64_t ask_ns = now_ns;

    for (; now_ns < deadline_ns; now_ns = clock_now_ns()) {
        int r = 0;

        if (now_ns >= ask_ns) {
            r = board5_ask(motor->fd);
            ask_ns += ASK_EVERY_NS;
        }
        if (r == 0) {
            r = board5_listen(motor, (ask_ns < deadline_ns ? ask_ns : deadline_ns) - now_ns, &news);
        }
        if (r < 0) {
            return r;
        }
        if (news.reports > 0) {
            *ret_news = news;
            return 0;
        }
    }
    return MOTOR_FAULT;
}

static const struct motor_driver board5_driver = {
    .name = "board5",
    .open = board5_open,
    .probe = board5_probe,
    .take = board5_take,
    .encode = board5_encode_motors,
    .encode_moves = board5_encode_moves,
    .encode_buzzer = board5_encode_buzzer,
};

static int null_open(const char *device, int lock_wait_ms, int *ret_fd)
{
    int fd = open("/dev/null", O_RDWR | O_NONBLOCK | O_CLOEXEC);

    (void)device;
    (void)lock_wait_ms;
    if (fd < 0) {
        return -errno;
    }
    *ret_fd = fd;
    return 0;
}

static const struct motor_driver null_driver = {
    .name = "null",
    .open = null_open,
    .encode = board5_encode_motors,
    .encode_moves = board5_encode_moves,
    .encode_buzzer = board5_encode_buzzer,
};

const struct motor_driver *const motor_drivers[] = {
    &board5_driver,
    &null_driver,
};

const size_t motor_driver_count = sizeof(motor_drivers) / sizeof(motor_drivers[0]);

static const struct motor_driver *driver_find(int choice)
{
    switch ((enum motor_driver_choice)choice) {
    case MOTOR_DRIVER_AUTO: /* the only kind so far that can be looked for */
    case MOTOR_DRIVER_BOARD5:
        return &board5_driver;
    case MOTOR_DRIVER_NULL:
        return &null_driver;
    }
    return NULL;
}

int motor_open(const struct motor_options *options, int lock_wait_ms, struct motor **ret_motor)
{
    struct motor *motor = calloc(1, sizeof(*motor));
    int r;

    if (motor == NULL) {
        return -ENOMEM;
    }
    motor->fd = -1;
    motor->driver = driver_find(options->driver);
    motor->must_probe = options->driver == MOTOR_DRIVER_AUTO;
    r = motor->driver == NULL ? -EINVAL
                              : motor->driver->open(options->device, lock_wait_ms, &motor->fd);
    if (r < 0) {
        motor_close(motor);
        return r;
    }
    *ret_motor = motor;
    return 0;
}

void motor_close(struct motor *motor)
{
    if (motor != NULL) {
        serial_close(motor->fd);
        free(motor);
    }
}

int motor_probe(struct motor *motor, int timeout_ms, struct motor_news *ret_news)
{
    if (!motor->must_probe) {
        *ret_news = (struct motor_news){.battery_mv = -1};
        return 0;
    }
    return motor->driver->probe(motor, timeout_ms, ret_news);
}

const char *motor_name(const struct motor *motor)
{
    return motor->driver->name;
}

int motor_fd(const struct motor *motor)
{
    return motor->fd;
}

bool motor_can_report(const struct motor *motor)
{
    return motor->driver->take != NULL;
}

bool motor_is_simulated(const struct motor *motor)
{
    return serial_is_pty(motor->fd);
}

void motor_take(struct motor *motor, const uint8_t *bytes, size_t size, struct motor_news *ret_news)
{
    *ret_news = (struct motor_news){.battery_mv = -1};
    if (motor->driver->take != NULL) {
        motor->driver->take(motor, bytes, size, ret_news);
    }
}

size_t motor_encode(const struct motor *motor, const int duty_permille[MOTOR_COUNT],
                    uint8_t *ret_bytes, size_t size)
{
    return motor->driver->encode(duty_permille, ret_bytes, size);
}

size_t motor_encode_moves(const struct motor *motor, const struct board5_move *moves, size_t count,
                          uint16_t move_ms, uint8_t *ret_bytes, size_t size)
{
    return motor->driver->encode_moves(moves, count, move_ms, ret_bytes, size);
}

size_t motor_encode_buzzer(const struct motor *motor, uint16_t freq_hz, struct board5_beat beat,
                           uint8_t *ret_bytes, size_t size)
{
    return motor->driver->encode_buzzer(freq_hz, beat, ret_bytes, size);
}
