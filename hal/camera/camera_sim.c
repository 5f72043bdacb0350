/* See camera_sim.h. All that waits in the socket is taken, and the last of it is the frame; the
 * others' descriptors are closed unread. */
#include "hal/camera/camera_sim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "hal/base/clock.h"

#define LOOK_NS      (CAMERA_LOOK_MS * CLOCK_NS_PER_MS)
#define MESSAGES_MAX 64 /* taken at once */

struct camera_sim {
    struct sockaddr_un address;
    int fd; /* -1: nobody there */
    int64_t look_ns;
    uint8_t *bytes;
    size_t capacity;
};

bool camera_sim_decode(const void *bytes, size_t size, int64_t now_ns,
                       struct camera_sim_message *ret_message)
{
    struct camera_sim_message message;

    if (size != sizeof(message)) {
        return false;
    }
    memcpy(&message, bytes, sizeof(message));
    if (message.magic != CAMERA_SIM_MAGIC || message.version != CAMERA_SIM_VERSION ||
        message.seq == 0 || message.capture_ns <= 0 || message.capture_ns > now_ns ||
        message.size == 0 || message.size > CAMERA_FRAME_MAX || message.reserved != 0) {
        return false;
    }
    *ret_message = message;
    return true;
}

static int sim_open(const struct camera_options *options, void **ret_device)
{
    struct camera_sim *sim = calloc(1, sizeof(*sim));

    if (sim == NULL) {
        return -ENOMEM;
    }
    if (strlen(options->socket) >= sizeof(sim->address.sun_path)) {
        free(sim);
        return -ENAMETOOLONG;
    }
    sim->address.sun_family = AF_UNIX;
    strcpy(sim->address.sun_path, options->socket);
    sim->fd = -1;
    *ret_device = sim;
    return 0;
}

static void cut(struct camera_sim *sim)
{
    if (sim->fd >= 0) {
        (void)close(sim->fd);
    }
    sim->fd = -1;
}

static void sim_close(void *device)
{
    struct camera_sim *sim = device;

    cut(sim);
    free(sim->bytes);
    free(sim);
}

static int sim_fd(const void *device)
{
    const struct camera_sim *sim = device;

    return sim->fd;
}

static void look(struct camera_sim *sim, int64_t now_ns)
{
    if (sim->fd >= 0 || now_ns < sim->look_ns) {
        return;
    }
    sim->look_ns = now_ns + LOOK_NS;
    sim->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (sim->fd >= 0 &&
        connect(sim->fd, (const struct sockaddr *)&sim->address, sizeof(sim->address)) < 0) {
        cut(sim);
    }
}

/* The descriptor that came with a message; all but the first are closed. -1: none. */
static int passed_fd(struct msghdr *header)
{
    int found = -1;

    for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part != NULL;
         part = CMSG_NXTHDR(header, part)) {
        size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);

        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        for (size_t i = 0; i < count; i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof(int));
            if (found < 0) {
                found = fd;
            } else {
                (void)close(fd);
            }
        }
    }
    return found;
}

/* One message. 0 and its picture's descriptor, -1 when it is none of ours; -errno. */
static int receive(struct camera_sim *sim, int64_t now_ns, struct camera_sim_message *ret_message,
                   int *ret_fd)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(4 * sizeof(int))];
    } control;
    char bytes[sizeof(struct camera_sim_message) + 1];
    struct iovec part = {.iov_base = bytes, .iov_len = sizeof(bytes)};
    struct msghdr header = {.msg_iov = &part,
                            .msg_iovlen = 1,
                            .msg_control = control.bytes,
                            .msg_controllen = sizeof(control.bytes)};
    ssize_t size = recvmsg(sim->fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

    if (size <= 0) {
        return size < 0 ? -errno : -ECONNRESET;
    }
    *ret_fd = passed_fd(&header);
    if (*ret_fd >= 0 && !camera_sim_decode(bytes, (size_t)size, now_ns, ret_message)) {
        (void)close(*ret_fd);
        *ret_fd = -1;
    }
    return 0;
}

/* The picture itself. 0 or -errno; -EIO when it is shorter than was said. */
static int read_picture(struct camera_sim *sim, int fd, size_t size)
{
    size_t done = 0;

    if (size > sim->capacity) {
        uint8_t *bytes = realloc(sim->bytes, size);

        if (bytes == NULL) {
            return -ENOMEM;
        }
        sim->bytes = bytes;
        sim->capacity = size;
    }
    while (done < size) {
        ssize_t count = pread(fd, sim->bytes + done, size - done, (off_t)done);

        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            return count < 0 ? -errno : -EIO;
        }
        done += (size_t)count;
    }
    return 0;
}

static int sim_take(void *device, int64_t now_ns, struct frame *ret_frame)
{
    struct camera_sim *sim = device;
    struct camera_sim_message message = {0};
    int picture = -1, result = 0;

    look(sim, now_ns);
    for (int i = 0; i < MESSAGES_MAX && sim->fd >= 0 && result == 0; i++) {
        struct camera_sim_message next;
        int fd = -1;

        result = receive(sim, clock_now_ns(), &next, &fd);
        if (fd >= 0) {
            if (picture >= 0) {
                (void)close(picture);
            }
            picture = fd;
            message = next;
        }
    }
    if (result < 0 && result != -EAGAIN && result != -EWOULDBLOCK && result != -EINTR) {
        cut(sim); /* and look for it again */
    }
    if (picture < 0) {
        return CAMERA_NO_FRAME;
    }
    result = read_picture(sim, picture, message.size);
    (void)close(picture);
    if (result < 0) {
        return result == -EIO ? CAMERA_NO_FRAME : result;
    }
    *ret_frame = (struct frame){.seq = message.seq,
                                .capture_ns = message.capture_ns,
                                .name = "sim",
                                .bytes = sim->bytes,
                                .size = message.size};
    return 0;
}

static const char *sim_state(const void *device)
{
    const struct camera_sim *sim = device;

    return sim->fd >= 0 ? "the simulator" : "no simulator is there";
}

const struct camera_driver camera_sim_driver = {
    .name = "sim",
    .open = sim_open,
    .close = sim_close,
    .fd = sim_fd,
    .take = sim_take,
    .state = sim_state,
};
