/* Preloaded into a program whose libcamera has the "virtual" pipeline, on a kernel without udmabuf:
 * memfds stand in for the dma-bufs, which is all that a picture without a device needs.
 *
 * The pipeline makes pictures as fast as buffers come back. It maps a buffer to write one, and is
 * held up there: for as long as $UDMABUF_SHIM_PERIOD_MS says, and on while the file that
 * $UDMABUF_SHIM_STALL names exists, as a camera that hangs holds up its thread.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/udmabuf.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define DEVICE      "/dev/udmabuf"
#define BUFFERS_MAX 1024

/* By descriptor: is it a buffer? A number that something else got later is held up as well. */
static bool is_buffer[BUFFERS_MAX];

static void *real(const char *function)
{
    return dlsym(RTLD_NEXT, function);
}

static void sleep_ms(long ms)
{
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    (void)nanosleep(&pause, NULL);
}

static void hold_up(void)
{
    const char *period = getenv("UDMABUF_SHIM_PERIOD_MS"), *stall = getenv("UDMABUF_SHIM_STALL");

    sleep_ms(period != NULL ? atol(period) : 0);
    while (stall != NULL && access(stall, F_OK) == 0) {
        sleep_ms(10);
    }
}

static mode_t mode_of(int flags, va_list arguments)
{
    return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(arguments, mode_t)
                                                                      : 0;
}

static int open_with(const char *function, const char *path, int flags, mode_t mode)
{
    int (*function_of_libc)(const char *, int, ...) = real(function);

    return strcmp(path, DEVICE) == 0 ? memfd_create("device", MFD_CLOEXEC)
                                     : function_of_libc(path, flags, mode);
}

int open(const char *path, int flags, ...)
{
    va_list arguments;

    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);

    va_end(arguments);
    return open_with("open", path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    va_list arguments;

    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);

    va_end(arguments);
    return open_with("open64", path, flags, mode);
}

static int make_buffer(const struct udmabuf_create *create)
{
    int fd = fcntl((int)create->memfd, F_DUPFD_CLOEXEC, 3);

    if (fd >= 0 && fd < BUFFERS_MAX) {
        is_buffer[fd] = true;
    }
    return fd;
}

int ioctl(int fd, unsigned long request, ...)
{
    int (*function_of_libc)(int, unsigned long, ...) = real("ioctl");
    va_list arguments;

    va_start(arguments, request);
    void *argument = va_arg(arguments, void *);

    va_end(arguments);
    if (request == UDMABUF_CREATE) {
        return make_buffer(argument);
    }
    return request == DMA_BUF_IOCTL_SYNC ? 0 : function_of_libc(fd, request, argument);
}

static void *map_with(const char *function, void *at, size_t size, int access_to, int flags, int fd,
                      off_t offset)
{
    void *(*function_of_libc)(void *, size_t, int, int, int, off_t) = real(function);

    if (fd >= 0 && fd < BUFFERS_MAX && is_buffer[fd] && (access_to & PROT_WRITE) != 0) {
        hold_up();
    }
    return function_of_libc(at, size, access_to, flags, fd, offset);
}

void *mmap(void *at, size_t size, int access_to, int flags, int fd, off_t offset)
{
    return map_with("mmap", at, size, access_to, flags, fd, offset);
}

void *mmap64(void *at, size_t size, int access_to, int flags, int fd, off_t offset)
{
    return map_with("mmap64", at, size, access_to, flags, fd, offset);
}
