/* See camera_libcamera.h. Three states: closed (no stream, no job), working (a job opens or closes
 * in its thread, and everything in the device but `job` is that thread's), running (a stream, no
 * job). Nothing but camera_take moves on, so all waiting is the caller's, and all times are its
 * parameter.
 *
 * A job that hangs in the kernel cannot be ended. When the device is closed, it is waited for a
 * while and then left behind with its memory: the program is about to exit.
 */
#include "hal/camera/camera_libcamera.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hal/base/clock.h"

#define MS         CLOCK_NS_PER_MS
#define OLDEST_NS  (2 * CLOCK_NS_PER_S) /* that a picture can be when it arrives */
#define AHEAD_NS   (1 * CLOCK_NS_PER_MS)
#define END_WAIT_S 2
#define LOST_MAX   1000 /* pictures; a larger gap is a counter that jumped */

/* What runs in a thread of its own. */
struct job {
    pthread_t thread;
    bool started;
    bool opens; /* or closes */
    atomic_bool done;
    int result;
};

struct camera_libcamera {
    struct camera_options options;
    struct libcamera_manager *manager; /* NULL: not yet */
    struct libcamera_stream *stream;   /* NULL: closed */
    struct job job;
    char job_reason[LIBCAMERA_REASON_SIZE];
    char state[CAMERA_STATE_SIZE];
    int64_t try_ns;    /* when it is opened, or looked for */
    int64_t pause_ns;  /* before the next attempt but one */
    int64_t silent_ns; /* when it has been silent for too long */
    uint64_t seq;
    uint32_t sequence; /* of the last picture, as the kernel counts */
    bool has_sequence;
    unsigned long dropped; /* in a row */
    uint8_t *room;
    size_t capacity;
};

static bool can_be(int64_t time_ns, int64_t arrived_ns)
{
    return time_ns > 0 && time_ns <= arrived_ns + AHEAD_NS && arrived_ns - time_ns <= OLDEST_NS;
}

int64_t camera_libcamera_time(const struct libcamera_picture *picture)
{
    const int64_t arrived_ns = picture->arrived_ns, ahead_ns = picture->boot_ahead_ns;
    const int64_t told[] = {picture->sensor_ns, picture->buffer_ns};

    for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
        const int64_t clocks[] = {told[i],
                                  ahead_ns > 0 && told[i] > ahead_ns ? told[i] - ahead_ns : 0};

        for (size_t j = 0; j < sizeof(clocks) / sizeof(clocks[0]); j++) {
            if (can_be(clocks[j], arrived_ns)) {
                return clocks[j] < arrived_ns ? clocks[j] : arrived_ns;
            }
        }
    }
    return arrived_ns;
}

__attribute__((format(printf, 2, 3))) static void tell(struct camera_libcamera *camera,
                                                       const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(camera->state, sizeof(camera->state), format, arguments);
    va_end(arguments);
}

/* Jobs. */

static int open_now(struct camera_libcamera *camera)
{
    const struct camera_options *options = &camera->options;
    int result = 0;

    camera->job_reason[0] = '\0';
    if (camera->manager == NULL) {
        result = libcamera_new(&camera->manager);
        if (result < 0) {
            (void)snprintf(camera->job_reason, sizeof(camera->job_reason), "libcamera: %s",
                           strerror(-result));
            return result;
        }
    }
    result = libcamera_find(camera->manager, options->id, camera->job_reason);
    if (result == 0) {
        result = libcamera_open(camera->manager, options->id, (int)options->width_px,
                                (int)options->height_px, &camera->stream, camera->job_reason);
    }
    return result;
}

static void *job_main(void *user)
{
    struct camera_libcamera *camera = user;

    if (camera->job.opens) {
        camera->job.result = open_now(camera);
    } else {
        libcamera_close(camera->stream);
        camera->stream = NULL;
        camera->job.result = 0;
    }
    atomic_store_explicit(&camera->job.done, true, memory_order_release);
    return NULL;
}

/* Without signals: they are the main thread's. A thread that cannot be had now is asked for again
 * at the next call. */
static void job_start(struct camera_libcamera *camera, bool opens)
{
    sigset_t all, before;

    camera->job.opens = opens;
    atomic_store(&camera->job.done, false);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    camera->job.started = pthread_create(&camera->job.thread, NULL, job_main, camera) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void note_opened(struct camera_libcamera *camera, int64_t now_ns)
{
    camera->silent_ns = now_ns + (camera->options.timeout_ms + CAMERA_LIBCAMERA_START_MS) * MS;
    camera->has_sequence = false;
    camera->dropped = 0;
    if (camera->pause_ns == 0) { /* otherwise why it was opened again is of more use */
        tell(camera, "%s, no picture yet", libcamera_mode_text(camera->stream));
    }
}

/* A camera that is not there costs nothing to look for; any other is left alone for longer and
 * longer. */
static void pause_before(struct camera_libcamera *camera, int64_t now_ns)
{
    camera->try_ns = now_ns + camera->pause_ns;
    camera->pause_ns =
        camera->pause_ns == 0 ? CAMERA_LIBCAMERA_PAUSE_MS * MS : 2 * camera->pause_ns;
    if (camera->pause_ns > CAMERA_LIBCAMERA_PAUSE_MAX_MS * MS) {
        camera->pause_ns = CAMERA_LIBCAMERA_PAUSE_MAX_MS * MS;
    }
}

static bool is_missing(int result)
{
    return result == -ENODEV || result == -ENOTUNIQ;
}

static void note_failed(struct camera_libcamera *camera, int result, int64_t now_ns)
{
    bool has_cause = !is_missing(result) && camera->manager != NULL;

    tell(camera, "%s%s%s", camera->job_reason, has_cause ? ": " : "",
         has_cause ? strerror(-result) : "");
    if (is_missing(result)) {
        camera->try_ns = now_ns + CAMERA_LOOK_MS * MS;
    } else {
        if (camera->pause_ns == 0) {
            camera->pause_ns = CAMERA_LIBCAMERA_PAUSE_MS * MS;
        }
        pause_before(camera, now_ns);
    }
}

/* Takes back what a job did. False: it is still at it. */
static bool job_is_over(struct camera_libcamera *camera, int64_t now_ns)
{
    if (!camera->job.started) {
        return true;
    }
    if (!atomic_load_explicit(&camera->job.done, memory_order_acquire)) {
        return false;
    }
    (void)pthread_join(camera->job.thread, NULL);
    camera->job.started = false;
    if (camera->job.opens && camera->job.result < 0) {
        note_failed(camera, camera->job.result, now_ns);
    } else if (camera->job.opens) {
        note_opened(camera, now_ns);
    }
    return true;
}

static void try_to_open(struct camera_libcamera *camera, int64_t now_ns)
{
    char reason[LIBCAMERA_REASON_SIZE];

    if (now_ns < camera->try_ns) {
        return;
    }
    if (camera->manager != NULL) {
        int result = libcamera_find(camera->manager, camera->options.id, reason);

        if (result < 0) {
            tell(camera, "%s", reason);
            camera->try_ns = now_ns + CAMERA_LOOK_MS * MS;
            return;
        }
    }
    job_start(camera, true);
}

/* Pictures. */

static int make_room(struct camera_libcamera *camera, size_t size)
{
    uint8_t *room;

    if (size <= camera->capacity) {
        return 0;
    }
    room = calloc(1, size);
    if (room == NULL) {
        return -ENOMEM;
    }
    free(camera->room);
    camera->room = room;
    camera->capacity = size;
    return 0;
}

/* The kernel's count, continued over every opening. */
static uint64_t next_seq(struct camera_libcamera *camera, uint32_t sequence)
{
    uint32_t gap = camera->has_sequence ? sequence - camera->sequence : 1;

    camera->sequence = sequence;
    camera->has_sequence = true;
    camera->seq += gap >= 1 && gap <= LOST_MAX ? gap : 1;
    return camera->seq;
}

static void drop(struct camera_libcamera *camera, const char *why)
{
    camera->dropped++;
    tell(camera, "%s, but the picture %s (%lu in a row)", libcamera_mode_text(camera->stream), why,
         camera->dropped);
}

/* 0, CAMERA_NO_FRAME or -ENOMEM. */
static int convert(struct camera_libcamera *camera, const struct libcamera_picture *picture,
                   struct frame *ret_frame)
{
    struct frame frame = {.name = "camera"};
    size_t size = pixels_room(&picture->source);
    enum pixels_result result;

    if (picture->source.format == PIXELS_JPEG && size > CAMERA_FRAME_MAX) {
        drop(camera, "is too large");
        return CAMERA_NO_FRAME;
    }
    if (make_room(camera, size) < 0) {
        return -ENOMEM;
    }
    result = pixels_convert(&picture->source, camera->room, &frame);
    if (result != PIXELS_OK) {
        drop(camera, pixels_result_text(result));
        return CAMERA_NO_FRAME;
    }
    frame.seq = next_seq(camera, picture->sequence);
    frame.capture_ns = camera_libcamera_time(picture);
    *ret_frame = frame;
    return 0;
}

static void note_picture(struct camera_libcamera *camera, int64_t now_ns)
{
    camera->silent_ns = now_ns + camera->options.timeout_ms * MS;
    camera->pause_ns = 0;
    camera->dropped = 0;
    tell(camera, "%s", libcamera_mode_text(camera->stream));
}

/* Of a running camera. 0 or CAMERA_NO_FRAME. */
static int take_picture(struct camera_libcamera *camera, int64_t now_ns, struct frame *ret_frame)
{
    struct libcamera_picture picture;
    int result = libcamera_take(camera->stream, &picture);

    if (result == 0) {
        result = convert(camera, &picture, ret_frame);
        libcamera_give_back(camera->stream);
    }
    if (result == 0) {
        note_picture(camera, now_ns);
        return 0;
    }
    if (result == LIBCAMERA_NO_PICTURE || result == CAMERA_NO_FRAME) {
        if (now_ns < camera->silent_ns) {
            return CAMERA_NO_FRAME;
        }
        if (camera->dropped == 0) {
            tell(camera, "%s, but no picture came for %lld ms, and %lu broken ones since the start",
                 libcamera_mode_text(camera->stream), (long long)camera->options.timeout_ms,
                 libcamera_errors(camera->stream));
        }
    } else if (result == -ENODEV) {
        tell(camera, "the camera was unplugged");
    } else {
        tell(camera, "%s, but %s", libcamera_mode_text(camera->stream), strerror(-result));
    }
    pause_before(camera, now_ns);
    job_start(camera, false);
    return CAMERA_NO_FRAME;
}

/* The driver. */

static int open_device(const struct camera_options *options, void **ret_device)
{
    struct camera_libcamera *camera;

    if (libcamera_version() == NULL) {
        return -ENOSYS;
    }
    camera = calloc(1, sizeof(*camera));
    if (camera == NULL) {
        return -ENOMEM;
    }
    libcamera_hush();
    camera->options = *options;
    atomic_init(&camera->job.done, false);
    tell(camera, "libcamera %s is starting", libcamera_version());
    *ret_device = camera;
    return 0;
}

static bool wait_for_job(struct camera_libcamera *camera)
{
    struct timespec end;

    if (!camera->job.started) {
        return true;
    }
    (void)clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += END_WAIT_S;
    if (pthread_timedjoin_np(camera->job.thread, NULL, &end) != 0) {
        (void)pthread_detach(camera->job.thread);
        return false;
    }
    camera->job.started = false;
    return true;
}

static void close_device(void *device)
{
    struct camera_libcamera *camera = device;

    if (!wait_for_job(camera)) {
        return;
    }
    if (camera->stream != NULL) {
        job_start(camera, false);
        if (!camera->job.started) {
            (void)job_main(camera);
        } else if (!wait_for_job(camera)) {
            return;
        }
    }
    libcamera_free(camera->manager);
    free(camera->room);
    free(camera);
}

static int device_fd(const void *device)
{
    const struct camera_libcamera *camera = device;

    return camera->job.started || camera->stream == NULL ? -1 : libcamera_fd(camera->stream);
}

static int take(void *device, int64_t now_ns, struct frame *ret_frame)
{
    struct camera_libcamera *camera = device;

    if (!job_is_over(camera, now_ns)) {
        return CAMERA_NO_FRAME;
    }
    if (camera->stream == NULL) {
        try_to_open(camera, now_ns);
        return CAMERA_NO_FRAME;
    }
    return take_picture(camera, now_ns, ret_frame);
}

static const char *state(const void *device)
{
    const struct camera_libcamera *camera = device;

    return camera->state;
}

const struct camera_driver camera_libcamera_driver = {
    .name = "libcamera",
    .open = open_device,
    .close = close_device,
    .fd = device_fd,
    .take = take,
    .state = state,
};
