/* An I2C bus in user space, /dev/i2c, with the glowing sonar of the TurboPi at 0x77: a character
 * device of CUSE that answers I2C_RDWR as the kernel's i2c-dev does, and nothing else that a driver
 * of ours would not use.
 *
 * Its name is "i2c" and not "i2c-1", so that it is of a device class that turbonav-safety.service
 * may open. How the sonar behaves is told by the file that the only argument names, four bytes that
 * may change at any time:
 *
 *     'g' good, 'n' no acknowledge, 'h' hang: nothing is answered until it is another letter
 *     milliseconds that a measurement takes; until then 255 is read
 *     distance in mm, two bytes, little endian
 *
 * An unrestricted ioctl comes several times: the kernel is told which memory of the caller is to be
 * read and written, and asks again with it.
 */
#define FUSE_USE_VERSION 31

#include <cuse_lowlevel.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define SONAR_ADDRESS 0x77
#define PLACEHOLDER   255
#define MESSAGE_MAX   32

struct behaviour {
    char mode;
    uint8_t measure_ms;
    uint8_t mm[2];
};

static volatile const struct behaviour *behaviour;
static int64_t ready_ms; /* the measurement has ended by then */

static int64_t now_ms(void)
{
    struct timespec time;

    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void hang(void)
{
    const struct timespec pause = {.tv_nsec = 5000000};

    while (behaviour->mode == 'h') {
        (void)nanosleep(&pause, NULL);
    }
}

/* Register 0 begins a measurement. */
static void sonar_write(const uint8_t *bytes, size_t size)
{
    if (size > 0 && bytes[0] == 0) {
        ready_ms = now_ms() + behaviour->measure_ms;
    }
}

static void sonar_read(uint8_t bytes[2])
{
    /* Never the same for long: a sonar that stands still while the car drives is a broken one. */
    int mm = (behaviour->mm[0] | behaviour->mm[1] << 8) + (int)(now_ms() / 100 % 10);

    if (now_ms() < ready_ms) {
        mm = PLACEHOLDER;
    }
    bytes[0] = (uint8_t)mm;
    bytes[1] = (uint8_t)(mm >> 8);
}

static void bus_open(fuse_req_t request, struct fuse_file_info *file)
{
    (void)fuse_reply_open(request, file);
}

/* One message, with all memory at hand. */
static void transfer(fuse_req_t request, const struct i2c_msg *message, const uint8_t *written)
{
    uint8_t answer[MESSAGE_MAX] = {0};

    hang();
    if (behaviour->mode == 'n' || message->addr != SONAR_ADDRESS) {
        (void)fuse_reply_err(request, ENXIO);
        return;
    }
    if ((message->flags & I2C_M_RD) == 0) {
        sonar_write(written, message->len);
        (void)fuse_reply_ioctl(request, 1, NULL, 0);
        return;
    }
    sonar_read(answer);
    (void)fuse_reply_ioctl(request, 1, answer, message->len);
}

static void bus_ioctl(fuse_req_t request, int command, void *argument, struct fuse_file_info *file,
                      unsigned int flags, const void *in, size_t in_size, size_t out_size)
{
    struct i2c_rdwr_ioctl_data list;
    struct i2c_msg message;
    struct iovec from[3] = {{argument, sizeof(list)}}, to;
    size_t size = sizeof(list) + sizeof(message);

    (void)file;
    (void)flags;
    if ((unsigned int)command != I2C_RDWR) {
        (void)fuse_reply_err(request, ENOTTY);
        return;
    }
    if (in_size < sizeof(list)) {
        (void)fuse_reply_ioctl_retry(request, from, 1, NULL, 0);
        return;
    }
    memcpy(&list, in, sizeof(list));
    from[1] = (struct iovec){list.msgs, sizeof(message)};
    if (list.nmsgs != 1) {
        (void)fuse_reply_err(request, EOPNOTSUPP);
        return;
    }
    if (in_size < size) {
        (void)fuse_reply_ioctl_retry(request, from, 2, NULL, 0);
        return;
    }
    memcpy(&message, (const char *)in + sizeof(list), sizeof(message));
    from[2] = to = (struct iovec){message.buf, message.len};
    if (message.len == 0 || message.len > MESSAGE_MAX) {
        (void)fuse_reply_err(request, EINVAL);
    } else if ((message.flags & I2C_M_RD) != 0 && out_size < message.len) {
        (void)fuse_reply_ioctl_retry(request, from, 2, &to, 1);
    } else if ((message.flags & I2C_M_RD) == 0 && in_size < size + message.len) {
        (void)fuse_reply_ioctl_retry(request, from, 3, NULL, 0);
    } else {
        transfer(request, &message, (const uint8_t *)in + size);
    }
}

int main(int argc, char **argv)
{
    static const struct cuse_lowlevel_ops operations = {.open = bus_open, .ioctl = bus_ioctl};
    const char *name[] = {"DEVNAME=i2c"};
    const struct cuse_info info = {
        .dev_info_argc = 1, .dev_info_argv = name, .flags = CUSE_UNRESTRICTED_IOCTL};
    char *arguments[] = {argv[0], "-f", "-s", NULL};
    int fd = argc == 2 ? open(argv[1], O_RDONLY) : -1;

    behaviour = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(*behaviour), PROT_READ, MAP_SHARED, fd, 0);
    if (behaviour == MAP_FAILED) {
        (void)fprintf(stderr, "usage: i2cbus FILE\n");
        return 64;
    }
    return cuse_lowlevel_main(3, arguments, &info, &operations, NULL);
}
