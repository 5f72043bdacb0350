/* The camera: the newest picture, and a descriptor that says when there is one.
 *
 * A camera that is missing or went away is looked for again by itself; until then there is no
 * frame, and no frame is no decision. What was not taken in time is lost: the newest frame counts,
 * and the gap shows in `seq`. One thread; nothing here waits.
 */
#ifndef HAL_CAMERA_CAMERA_H
#define HAL_CAMERA_CAMERA_H

#include <stdint.h>

#include "hal/camera/camera_options.h"
#include "hal/camera/frame.h"

#define CAMERA_FRAME_MAX  (4 * 1024 * 1024) /* bytes of a JPEG */
#define CAMERA_STATE_SIZE 384

enum camera_result {
    CAMERA_NO_FRAME = 1, /* none since the last call */
};

/* Makes frames out of a device. Listed in camera.c. */
struct camera_driver {
    const char *name;

    /* 0 or -errno; a device that is not there yet is no error. */
    int (*open)(const struct camera_options *options, void **ret_device);
    void (*close)(void *device);

    /* Readable when there may be a frame; -1 while there is no device. */
    int (*fd)(const void *device);

    /* 0, CAMERA_NO_FRAME or -errno. Looks for a missing device at most every 200 ms. */
    int (*take)(void *device, int64_t now_ns, struct frame *ret_frame);

    /* One line without an end: what gives pictures, or why nothing does. */
    const char *(*state)(const void *device);
};

struct camera;

/* 0; -ENODEV: the driver is `none`; -ENOSYS: the driver is not in this build; -errno. Copies what
 * it needs. Free with camera_close, which accepts NULL. */
int camera_open(const struct camera_options *options, struct camera **ret_camera);
void camera_close(struct camera *camera);

const char *camera_name(const struct camera *camera);

/* What gives the pictures ("MJPEG 640x480"), or why there are none. Valid until the next call. */
const char *camera_state(const struct camera *camera);

/* For the loop; -1 while there is no device: then call camera_take every CAMERA_LOOK_MS. */
int camera_fd(const struct camera *camera);
#define CAMERA_LOOK_MS 200

/* The newest frame that was not taken yet: 0, CAMERA_NO_FRAME or -errno. Its bytes are valid until
 * the next call; `capture_ns` is the camera's own time of it. */
int camera_take(struct camera *camera, int64_t now_ns, struct frame *ret_frame);

#endif
