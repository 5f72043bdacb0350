/* One picture as it came from a camera or a recording. */
#ifndef HAL_CAMERA_FRAME_H
#define HAL_CAMERA_FRAME_H

#include <stddef.h>
#include <stdint.h>

#define FRAME_PLANES 3

/* How the picture is stored. Planes are 8 bits a sample, full range, rows of `stride` bytes that
 * are readable to a multiple of 16. */
enum frame_format {
    FRAME_JPEG,
    FRAME_YUV420, /* planes Y, Cb, Cr; Cb and Cr for 2x2 pixels */
    FRAME_YUV422, /* planes Y, Cb, Cr; Cb and Cr for 2x1 pixels */
    FRAME_RGB,    /* one plane, R, G, B in memory */
};

/* The bytes belong to the source and are valid until it is asked for the next frame. */
struct frame {
    uint64_t seq;       /* counts frames of this source from 1; gaps are frames that were lost */
    int64_t capture_ns; /* monotonic; of a recording: when it was read */
    const char *name;   /* file name without folder */
    enum frame_format format;
    /* A JPEG as the camera or the file gave it. */
    const uint8_t *bytes;
    size_t size;
    /* Any other. */
    int width_px, height_px;
    const uint8_t *plane[FRAME_PLANES];
    int stride[FRAME_PLANES];
};

#endif
