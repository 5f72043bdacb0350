/* A camera on USB or on the Pi's own connector, through libcamera.
 *
 * The camera is opened, and opened again when it gave no picture for `timeout`, when it was
 * unplugged and is back, and when it could not be opened: at once, then after a pause that doubles
 * up to CAMERA_LIBCAMERA_PAUSE_MAX_MS; the next picture makes it short again. A picture that is not
 * whole is dropped and counted, and is no sign of life. Opening and closing happen in a thread of
 * their own, because a USB camera that hangs takes the caller along for seconds.
 */
#ifndef HAL_CAMERA_CAMERA_LIBCAMERA_H
#define HAL_CAMERA_CAMERA_LIBCAMERA_H

#include "hal/camera/camera.h"
#include "hal/camera/libcamera.h"

#define CAMERA_LIBCAMERA_START_MS     2000 /* more than `timeout` for the first picture */
#define CAMERA_LIBCAMERA_PAUSE_MS     500
#define CAMERA_LIBCAMERA_PAUSE_MAX_MS 4000

/* When the picture was taken, in CLOCK_MONOTONIC: what the camera says, if that can be, or when it
 * arrived. Total, pure. */
int64_t camera_libcamera_time(const struct libcamera_picture *picture);

extern const struct camera_driver camera_libcamera_driver;

#endif
