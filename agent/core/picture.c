/* See picture.h. Neither the camera nor the encoder knows of the other. */
#include "agent/core/picture.h"

static int fit_planes(struct jpeg *jpeg, const struct frame *frame, bool half_height,
                      struct jpeg_picture *ret_picture)
{
    struct jpeg_planes planes = {
        .width_px = frame->width_px, .height_px = frame->height_px, .half_height = half_height};

    for (int i = 0; i < FRAME_PLANES; i++) {
        planes.plane[i] = frame->plane[i];
        planes.stride[i] = frame->stride[i];
    }
    return jpeg_fit_planes(jpeg, &planes, ret_picture);
}

int picture_fit(struct jpeg *jpeg, const struct frame *frame, struct jpeg_picture *ret_picture)
{
    switch (frame->format) {
    case FRAME_JPEG:
        break;
    case FRAME_YUV420:
    case FRAME_YUV422:
        return fit_planes(jpeg, frame, frame->format == FRAME_YUV420, ret_picture);
    case FRAME_RGB:
        return jpeg_fit_rgb(jpeg, frame->plane[0], frame->width_px, frame->height_px,
                            (size_t)frame->stride[0], ret_picture);
    }
    return jpeg_fit(jpeg, frame->bytes, frame->size, ret_picture);
}
