/* libcamera in C: which cameras there are, and one of them at work.
 *
 * There are two files behind this header: libcamera.cpp, the only C++ of the project, for libcamera
 * 0.0.3 (Debian 12) to 0.7; and libcamera_absent.c for a build without it, where libcamera_new
 * fails with -ENOSYS. meson chooses one. No C++ exception gets out of it, and no type of the
 * library.
 *
 * libcamera has a thread of its own. All that it does here is to put the newest picture into the
 * one place for it, to hand the one that stood there back to the camera, and to write an eventfd.
 * Everything else is the caller's thread; libcamera_open and libcamera_close can take seconds, or
 * hang in the kernel with the camera, and may be called in another thread than the rest as long as
 * no two calls about one stream run at a time. libcamera_new can take a second; one in a process.
 */
#ifndef HAL_CAMERA_LIBCAMERA_H
#define HAL_CAMERA_LIBCAMERA_H

#include <stddef.h>
#include <stdint.h>

#include "hal/camera/pixels.h"

#ifdef __cplusplus
#define LIBCAMERA_NOEXCEPT noexcept
extern "C" {
#else
#define LIBCAMERA_NOEXCEPT
#endif

#define LIBCAMERA_REASON_SIZE 256

struct libcamera_manager;
struct libcamera_stream;

/* What a camera says of itself. Valid during the call that hands it over. */
struct libcamera_size {
    int width_px, height_px;
};

struct libcamera_mode {
    const char *format; /* libcamera's name, such as MJPEG */
    int usable;         /* one of pixels.h */
    const struct libcamera_size *sizes;
    size_t size_count;
};

struct libcamera_camera {
    const char *id;
    const char *model;    /* "" when it is not known */
    const char *location; /* "front", "back", "external" or "" */
    const struct libcamera_mode *modes;
    size_t mode_count;
};

/* One picture, in memory of the camera. */
struct libcamera_picture {
    struct pixels_source source;
    uint32_t sequence; /* as the kernel counts, from 0 since the stream was opened */
    /* Nanoseconds, or 0: of the sensor's first row, of the buffer. Documented as CLOCK_BOOTTIME and
     * "an unspecified time point"; what is there is V4L2's stamp, CLOCK_MONOTONIC. */
    int64_t sensor_ns, buffer_ns;
    int64_t arrived_ns;    /* CLOCK_MONOTONIC, when libcamera gave it */
    int64_t boot_ahead_ns; /* CLOCK_BOOTTIME less CLOCK_MONOTONIC: how long the machine slept */
};

enum libcamera_result {
    LIBCAMERA_NO_PICTURE = 1, /* none since the last one */
};

/* Of the library that is there now; NULL in a build without it. */
const char *libcamera_version(void) LIBCAMERA_NOEXCEPT;

/* Leaves only errors of the library's own log, unless LIBCAMERA_LOG_LEVELS says otherwise. Sets
 * that variable, because 0.0.3 reads nothing else in time: while the program has one thread. */
void libcamera_hush(void) LIBCAMERA_NOEXCEPT;

/* 0; -ENOSYS: built without libcamera; -errno. Free with libcamera_free, when its streams are
 * closed; NULL is accepted. */
int libcamera_new(struct libcamera_manager **ret_manager) LIBCAMERA_NOEXCEPT;
void libcamera_free(struct libcamera_manager *manager) LIBCAMERA_NOEXCEPT;

/* Hands each camera that is there to `each`. 0 or -errno. */
int libcamera_list(struct libcamera_manager *manager,
                   void (*each)(void *user, const struct libcamera_camera *camera),
                   void *user) LIBCAMERA_NOEXCEPT;

/* Is the camera there? `id` "": the only one. 0; -ENODEV; -ENOTUNIQ: there are several. Quick. */
int libcamera_find(struct libcamera_manager *manager, const char *id,
                   char ret_reason[LIBCAMERA_REASON_SIZE]) LIBCAMERA_NOEXCEPT;

/* Starts the camera, in the first of these formats that it gives: JPEG, YUV420, NV12, YUYV, RGB,
 * BGR; in the smallest size that covers this one, or the largest. 0, or -errno and the reason as a
 * sentence without an end. */
int libcamera_open(struct libcamera_manager *manager, const char *id, int width_px, int height_px,
                   struct libcamera_stream **ret_stream,
                   char ret_reason[LIBCAMERA_REASON_SIZE]) LIBCAMERA_NOEXCEPT;

/* Also of a camera that is not there any more. NULL is accepted. */
void libcamera_close(struct libcamera_stream *stream) LIBCAMERA_NOEXCEPT;

/* "MJPEG 640x480"; valid as long as the stream. */
const char *libcamera_mode_text(const struct libcamera_stream *stream) LIBCAMERA_NOEXCEPT;

/* Readable when there is a picture, or the camera went away. */
int libcamera_fd(const struct libcamera_stream *stream) LIBCAMERA_NOEXCEPT;

/* How many pictures the camera itself called broken since it was opened; they are not given. */
unsigned long libcamera_errors(const struct libcamera_stream *stream) LIBCAMERA_NOEXCEPT;

/* The newest picture: 0; LIBCAMERA_NO_PICTURE; -ENODEV when the camera went away. Its bytes are
 * valid until libcamera_give_back, which has to follow at once. */
int libcamera_take(struct libcamera_stream *stream,
                   struct libcamera_picture *ret_picture) LIBCAMERA_NOEXCEPT;
void libcamera_give_back(struct libcamera_stream *stream) LIBCAMERA_NOEXCEPT;

#ifdef __cplusplus
}
#endif

#endif
