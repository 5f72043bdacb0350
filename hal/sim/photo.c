/* See photo.h. */
#include "hal/sim/photo.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <turbojpeg.h>
#include <unistd.h>

#include "hal/base/clock.h"
#include "hal/camera/camera_sim.h"

#define QUALITY     85
#define CONNECTIONS 4

struct photo {
    struct photo_scene *scene;
    struct photo_scene copy;
    pthread_mutex_t *lock;
    pthread_t thread;
    bool running;
    atomic_bool ends;
    atomic_uint_fast64_t sent;
    struct sockaddr_un address;
    bool bound;
    int listen_fd;
    int fds[CONNECTIONS];
    int64_t period_ns;
    struct random random;
    tjhandle compressor;
    unsigned char *jpeg;
    unsigned long jpeg_size;
    uint8_t rgb[PHOTO_WIDTH * PHOTO_HEIGHT * 3];
};

static void accept_all(struct photo *photo)
{
    for (int i = 0; i < CONNECTIONS; i++) {
        if (photo->fds[i] < 0) {
            photo->fds[i] = accept4(photo->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        }
    }
}

static bool is_watched(const struct photo *photo)
{
    for (int i = 0; i < CONNECTIONS; i++) {
        if (photo->fds[i] >= 0) {
            return true;
        }
    }
    return false;
}

static void send_to(struct photo *photo, int place, struct camera_sim_message *message, int fd)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {{0}};
    struct iovec part = {.iov_base = message, .iov_len = sizeof(*message)};
    struct msghdr header = {.msg_iov = &part,
                            .msg_iovlen = 1,
                            .msg_control = control.bytes,
                            .msg_controllen = sizeof(control.bytes)};
    struct cmsghdr *rights = CMSG_FIRSTHDR(&header);

    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(rights), &fd, sizeof(fd));
    if (sendmsg(photo->fds[place], &header, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno != EAGAIN &&
        errno != EWOULDBLOCK && errno != ENOBUFS) {
        (void)close(photo->fds[place]);
        photo->fds[place] = -1;
    }
}

static void give(struct photo *photo, int64_t capture_ns)
{
    struct camera_sim_message message = {
        .magic = CAMERA_SIM_MAGIC,
        .version = CAMERA_SIM_VERSION,
        .seq = atomic_fetch_add(&photo->sent, 1) + 1,
        .capture_ns = capture_ns,
        .size = (uint32_t)photo->jpeg_size,
    };
    int fd = memfd_create("turbonav-picture", MFD_CLOEXEC);

    if (fd < 0) {
        return;
    }
    if (write(fd, photo->jpeg, photo->jpeg_size) == (ssize_t)photo->jpeg_size) {
        for (int i = 0; i < CONNECTIONS; i++) {
            if (photo->fds[i] >= 0) {
                send_to(photo, i, &message, fd);
            }
        }
    }
    (void)close(fd);
}

static void take_picture(struct photo *photo)
{
    int64_t capture_ns;

    (void)pthread_mutex_lock(photo->lock);
    photo->copy = *photo->scene;
    capture_ns = clock_now_ns();
    (void)pthread_mutex_unlock(photo->lock);
    if (photo->copy.covered) {
        return;
    }
    eye_render(&photo->copy.eye, &photo->copy.world, &photo->copy.camera, &photo->random,
               PHOTO_WIDTH, PHOTO_HEIGHT, photo->rgb);
    if (tjCompress2(photo->compressor, photo->rgb, PHOTO_WIDTH, 0, PHOTO_HEIGHT, TJPF_RGB,
                    &photo->jpeg, &photo->jpeg_size, TJSAMP_422, QUALITY, TJFLAG_FASTDCT) == 0) {
        give(photo, capture_ns);
    }
}

static void *run(void *argument)
{
    struct photo *photo = argument;
    int64_t due_ns = clock_now_ns();

    while (!atomic_load(&photo->ends)) {
        int64_t now_ns = clock_now_ns();

        if (now_ns < due_ns) {
            struct timespec rest = {.tv_nsec = (long)(due_ns - now_ns)};

            (void)ppoll(NULL, 0, &rest, NULL);
            continue;
        }
        due_ns = due_ns + photo->period_ns < now_ns ? now_ns + photo->period_ns
                                                    : due_ns + photo->period_ns;
        accept_all(photo);
        if (is_watched(photo)) {
            take_picture(photo);
        }
    }
    return NULL;
}

static int listen_at(struct photo *photo, const char *path)
{
    struct stat status;

    if (strlen(path) >= sizeof(photo->address.sun_path)) {
        return -ENAMETOOLONG;
    }
    photo->address.sun_family = AF_UNIX;
    strcpy(photo->address.sun_path, path);
    if (lstat(path, &status) == 0 && S_ISSOCK(status.st_mode)) {
        (void)unlink(path);
    }
    photo->listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (photo->listen_fd < 0 || bind(photo->listen_fd, (const struct sockaddr *)&photo->address,
                                     sizeof(photo->address)) < 0) {
        return -errno;
    }
    photo->bound = true;
    return listen(photo->listen_fd, CONNECTIONS) < 0 ? -errno : 0;
}

int photo_open(const char *path, int fps, struct photo_scene *scene, pthread_mutex_t *lock,
               uint64_t seed, struct photo **ret_photo)
{
    struct photo *photo = calloc(1, sizeof(*photo));
    int result;

    if (photo == NULL) {
        return -ENOMEM;
    }
    photo->scene = scene;
    photo->lock = lock;
    photo->period_ns = CLOCK_NS_PER_S / fps;
    photo->listen_fd = -1;
    for (int i = 0; i < CONNECTIONS; i++) {
        photo->fds[i] = -1;
    }
    random_init(&photo->random, seed);
    photo->compressor = tjInitCompress();
    result = photo->compressor == NULL ? -ENOMEM : listen_at(photo, path);
    if (result == 0) {
        result = -pthread_create(&photo->thread, NULL, run, photo);
        photo->running = result == 0;
    }
    if (result < 0) {
        photo_close(photo);
        return result;
    }
    *ret_photo = photo;
    return 0;
}

void photo_close(struct photo *photo)
{
    if (photo == NULL) {
        return;
    }
    atomic_store(&photo->ends, true);
    if (photo->running) {
        (void)pthread_join(photo->thread, NULL);
    }
    for (int i = 0; i < CONNECTIONS; i++) {
        if (photo->fds[i] >= 0) {
            (void)close(photo->fds[i]);
        }
    }
    if (photo->bound) {
        (void)unlink(photo->address.sun_path);
    }
    if (photo->listen_fd >= 0) {
        (void)close(photo->listen_fd);
    }
    if (photo->compressor != NULL) {
        (void)tjDestroy(photo->compressor);
    }
    tjFree(photo->jpeg);
    free(photo);
}

uint64_t photo_sent(const struct photo *photo)
{
    return atomic_load(&photo->sent);
}
