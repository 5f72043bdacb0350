/* See serial.h. The kernel's own struct termios2 with BOTHER takes any rate as a number. So there
 * is one path for the rates that termios(3) has names for and for 256000, which has none; the price
 * is that <termios.h> cannot be included here, whose struct termios is another one.
 *
 * A driver that cannot do a rate does not fail the ioctl but writes back the rate that it chose.
 * A UART tolerates an error of about 3 %, so anything further off is refused here instead of being
 * found out by bytes that make no sense. Some drivers write nothing back; that cannot be seen.
 *
 * The lock comes before the first ioctl: who does not get it has changed nothing.
 */
#include "hal/base/serial.h"

#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "hal/base/clock.h"

#define LOCK_RETRY_NS  (5 * CLOCK_NS_PER_MS)
#define RATE_TOLERANCE 3 /* percent */
/* /dev/pts/N; Documentation/admin-guide/devices.txt of the kernel, "Unix98 PTY slaves". */
#define PTY_MAJOR_FIRST 136
#define PTY_MAJOR_LAST  143

static bool rate_is_known(int baud)
{
    static const int rates[] = {115200, 230400, 256000, 460800, 1000000};

    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        if (rates[i] == baud) {
            return true;
        }
    }
    return false;
}

static int lock_once(int fd)
{
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        return 0;
    }
    return errno == EWOULDBLOCK ? -EBUSY : -errno;
}

static int lock_wait(int fd, int wait_ms)
{
    const struct timespec pause = {.tv_nsec = LOCK_RETRY_NS};
    int64_t deadline_ns = clock_now_ns() + wait_ms * CLOCK_NS_PER_MS;
    int r = lock_once(fd);

    while (r == -EBUSY && clock_now_ns() < deadline_ns) {
        (void)nanosleep(&pause, NULL);
        r = lock_once(fd);
    }
    return r;
}

static bool rate_is_off(unsigned rate, int baud)
{
    return llabs((long long)rate - baud) * 100 > (long long)baud * RATE_TOLERANCE;
}

static int set_raw(int fd, int baud)
{
    struct termios2 line;

    if (ioctl(fd, TCGETS2, &line) < 0) {
        return -errno;
    }
    line.c_iflag = 0;
    line.c_oflag = 0;
    line.c_lflag = 0;
    line.c_cflag &= ~(unsigned)(CBAUD | CBAUD << IBSHIFT | CSIZE | CSTOPB | PARENB | CRTSCTS);
    line.c_cflag |= BOTHER | BOTHER << IBSHIFT | CS8 | CREAD | CLOCAL;
    line.c_ispeed = (unsigned)baud;
    line.c_ospeed = (unsigned)baud;
    /* Not 0: then a read without bytes would look like a line that hung up. */
    line.c_cc[VMIN] = 1;
    line.c_cc[VTIME] = 0;
    if (ioctl(fd, TCSETS2, &line) < 0 || ioctl(fd, TCGETS2, &line) < 0) {
        return -errno;
    }
    if (!serial_is_pty(fd) && rate_is_off(line.c_ospeed, baud)) {
        return -EINVAL;
    }
    return 0;
}

int serial_open(const char *path, int baud, int lock_wait_ms, int *ret_fd)
{
    int fd, r;

    if (!rate_is_known(baud)) {
        return -EINVAL;
    }
    fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    r = isatty(fd) ? lock_wait(fd, lock_wait_ms) : -ENOTTY;
    if (r == 0) {
        r = set_raw(fd, baud);
    }
    if (r < 0) {
        serial_close(fd);
        return r;
    }
    *ret_fd = fd;
    return 0;
}

void serial_close(int fd)
{
    if (fd >= 0) {
        (void)close(fd);
    }
}

int serial_flush_output(int fd)
{
    return ioctl(fd, TCFLSH, TCOFLUSH) < 0 ? -errno : 0;
}

bool serial_is_pty(int fd)
{
    struct stat status;
    unsigned device_major;

    if (fstat(fd, &status) < 0 || !S_ISCHR(status.st_mode)) {
        return false;
    }
    device_major = major(status.st_rdev);
    return device_major >= PTY_MAJOR_FIRST && device_major <= PTY_MAJOR_LAST;
}
