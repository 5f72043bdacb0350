/* See libcamera.h. A build without libcamera: there is nothing that anything could be called for,
 * since nothing can be made. */
#include "hal/camera/libcamera.h"

#include <errno.h>
#include <stdio.h>

const char *libcamera_version(void)
{
    return NULL;
}

void libcamera_hush(void)
{
}

int libcamera_new(struct libcamera_manager **ret_manager)
{
    (void)ret_manager;
    return -ENOSYS;
}

void libcamera_free(struct libcamera_manager *manager)
{
    (void)manager;
}

int libcamera_list(struct libcamera_manager *manager,
                   void (*each)(void *user, const struct libcamera_camera *camera), void *user)
{
    (void)manager;
    (void)each;
    (void)user;
    return -ENOSYS;
}

int libcamera_find(struct libcamera_manager *manager, const char *id,
                   char ret_reason[LIBCAMERA_REASON_SIZE])
{
    (void)manager;
    (void)id;
    (void)snprintf(ret_reason, LIBCAMERA_REASON_SIZE, "this build has no libcamera");
    return -ENOSYS;
}

int libcamera_open(struct libcamera_manager *manager, const char *id, int width_px, int height_px,
                   struct libcamera_stream **ret_stream, char ret_reason[LIBCAMERA_REASON_SIZE])
{
    (void)width_px;
    (void)height_px;
    (void)ret_stream;
    return libcamera_find(manager, id, ret_reason);
}

void libcamera_close(struct libcamera_stream *stream)
{
    (void)stream;
}

const char *libcamera_mode_text(const struct libcamera_stream *stream)
{
    (void)stream;
    return "";
}

int libcamera_fd(const struct libcamera_stream *stream)
{
    (void)stream;
    return -1;
}

unsigned long libcamera_errors(const struct libcamera_stream *stream)
{
    (void)stream;
    return 0;
}

int libcamera_take(struct libcamera_stream *stream, struct libcamera_picture *ret_picture)
{
    (void)stream;
    (void)ret_picture;
    return LIBCAMERA_NO_PICTURE;
}

void libcamera_give_back(struct libcamera_stream *stream)
{
    (void)stream;
}
