/* See line.h. */
#include "hal/sim/line.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static int make_raw(int fd)
{
    struct termios settings;

    if (tcgetattr(fd, &settings) < 0) {
        return -errno;
    }
    cfmakeraw(&settings);
    return tcsetattr(fd, TCSANOW, &settings) < 0 ? -errno : 0;
}

/* The link is made beside and renamed, so that it is never missing. */
static int link_to(const char *target, const char *path)
{
    char beside[128];

    (void)snprintf(beside, sizeof(beside), "%s.new", path);
    (void)unlink(beside);
    if (symlink(target, beside) < 0 || rename(beside, path) < 0) {
        return -errno;
    }
    return 0;
}

int line_open(struct line *line, const char *path)
{
    char name[64];
    int result;

    line->keep_fd = -1;
    line->path[0] = '\0';
    line->fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (line->fd < 0) {
        return -errno;
    }
    if (strlen(path) >= sizeof(line->path)) {
        return -ENAMETOOLONG;
    }
    if (grantpt(line->fd) < 0 || unlockpt(line->fd) < 0 ||
        ptsname_r(line->fd, name, sizeof(name)) != 0) {
        return -errno;
    }
    line->keep_fd = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (line->keep_fd < 0) {
        return -errno;
    }
    result = make_raw(line->keep_fd);
    if (result == 0) {
        result = link_to(name, path);
    }
    if (result == 0) {
        strcpy(line->path, path);
    }
    return result;
}

void line_close(struct line *line)
{
    if (line->path[0] != '\0') {
        (void)unlink(line->path);
    }
    if (line->keep_fd >= 0) {
        (void)close(line->keep_fd);
    }
    if (line->fd >= 0) {
        (void)close(line->fd);
    }
    line->fd = line->keep_fd = -1;
    line->path[0] = '\0';
}

ssize_t line_read(const struct line *line, uint8_t *bytes, size_t size)
{
    ssize_t count = read(line->fd, bytes, size);

    if (count < 0) {
        return errno == EAGAIN || errno == EINTR || errno == EIO ? 0 : -errno;
    }
    return count;
}

bool line_write(const struct line *line, const uint8_t *bytes, size_t size)
{
    return write(line->fd, bytes, size) == (ssize_t)size;
}
