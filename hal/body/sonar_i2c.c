/* See sonar_i2c.h. Every transfer is one message with a STOP of its own, as the sensor wants it, so
 * I2C_RDWR with single messages: unlike I2C_SLAVE it needs no state in the descriptor and works
 * beside another program on the bus. A bus that hangs is let hang: its time-out belongs to the
 * adapter and to everyone on it, and the thread that waits here is there to wait.
 */
#include "hal/body/sonar_i2c.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "hal/base/clock.h"

#define PLACEHOLDER_MM 255
#define WAIT_MS        20
#define PERIOD_MS      50

struct device {
    int fd;
};

enum sonar_kind sonar_i2c_decode(const uint8_t bytes[static 2], int32_t *ret_mm)
{
    int32_t mm = bytes[0] | bytes[1] << 8;
    enum sonar_kind kind = mm == PLACEHOLDER_MM ? SONAR_PLACEHOLDER : sonar_classify(mm);

    if (kind == SONAR_GOOD) {
        *ret_mm = mm;
    }
    return kind;
}

static int device_open(const struct sonar_place *place, void **ret_device)
{
    struct device *device = malloc(sizeof(*device));
    int r;

    if (device == NULL) {
        return -ENOMEM;
    }
    device->fd = open(place->options.device, O_RDWR | O_CLOEXEC);
    if (device->fd < 0) {
        r = -errno;
        free(device);
        return r;
    }
    *ret_device = device;
    return 0;
}

static void device_close(void *argument)
{
    struct device *device = argument;

    (void)close(device->fd);
    free(device);
}

static int transfer(const struct device *device, uint16_t flags, uint8_t *bytes, uint16_t size)
{
    struct i2c_msg message = {
        .addr = SONAR_I2C_ADDRESS,
        .flags = flags,
        .len = size,
        .buf = bytes,
    };
    struct i2c_rdwr_ioctl_data data = {.msgs = &message, .nmsgs = 1};

    return ioctl(device->fd, I2C_RDWR, &data) < 0 ? -errno : 0;
}

static void wait_for_sensor(void)
{
    const struct timespec time = {.tv_nsec = WAIT_MS * CLOCK_NS_PER_MS};

    (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
}

/* After a bus error everything begins again; after a placeholder only the answer is asked for. */
static void attempt(const struct device *device, bool *triggered, struct sonar_reading *reading)
{
    uint8_t measure = 0x00, answer[2];
    int r = 0;

    if (!*triggered) {
        r = transfer(device, 0, &measure, sizeof(measure));
    }
    wait_for_sensor();
    if (r == 0) {
        r = transfer(device, I2C_M_RD, answer, sizeof(answer));
    }
    *triggered = r == 0;
    reading->error = r;
    reading->kind = r == 0 ? sonar_i2c_decode(answer, &reading->mm) : SONAR_BUS;
}

static void device_measure(void *argument, struct sonar_reading *ret_reading)
{
    const struct device *device = argument;
    struct sonar_reading reading = {.time_ns = clock_now_ns()};
    bool triggered = false;

    for (int i = 0; i < SONAR_I2C_ATTEMPTS; i++) {
        attempt(device, &triggered, &reading);
        if (reading.kind != SONAR_BUS && reading.kind != SONAR_PLACEHOLDER) {
            break;
        }
    }
    *ret_reading = reading;
}

const struct sonar_driver sonar_i2c_driver = {
    .name = "i2c",
    .period_ms = PERIOD_MS,
    .open = device_open,
    .close = device_close,
    .measure = device_measure,
};
