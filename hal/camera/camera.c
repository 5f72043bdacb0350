/* See camera.h. */
#include "hal/camera/camera.h"

#include <errno.h>
#include <stdlib.h>

#include "hal/camera/camera_libcamera.h"
#include "hal/camera/camera_sim.h"

struct camera {
    const struct camera_driver *driver;
    void *device;
};

static const struct camera_driver *const drivers[] = {
    [CAMERA_DRIVER_NONE] = NULL,
    [CAMERA_DRIVER_LIBCAMERA] = &camera_libcamera_driver,
    [CAMERA_DRIVER_SIM] = &camera_sim_driver,
};

int camera_open(const struct camera_options *options, struct camera **ret_camera)
{
    const struct camera_driver *driver = drivers[options->driver];
    struct camera *camera;
    int result;

    if (driver == NULL) {
        return -ENODEV;
    }
    camera = calloc(1, sizeof(*camera));
    if (camera == NULL) {
        return -ENOMEM;
    }
    camera->driver = driver;
    result = driver->open(options, &camera->device);
    if (result < 0) {
        free(camera);
        return result;
    }
    *ret_camera = camera;
    return 0;
}

void camera_close(struct camera *camera)
{
    if (camera != NULL) {
        camera->driver->close(camera->device);
        free(camera);
    }
}

const char *camera_name(const struct camera *camera)
{
    return camera->driver->name;
}

const char *camera_state(const struct camera *camera)
{
    return camera->driver->state(camera->device);
}

int camera_fd(const struct camera *camera)
{
    return camera->driver->fd(camera->device);
}

int camera_take(struct camera *camera, int64_t now_ns, struct frame *ret_frame)
{
    return camera->driver->take(camera->device, now_ns, ret_frame);
}
