/* One picture as it came from a camera or a recording. */
#ifndef HAL_CAMERA_FRAME_H
#define HAL_CAMERA_FRAME_H

#include <stddef.h>
#include <stdint.h>

/* A JPEG as the camera or the file gave it; the bytes belong to the source and are valid until it
 * is asked for the next frame. */
struct frame {
    uint64_t seq;       /* counts frames of this source from 1; gaps are frames that were lost */
    int64_t capture_ns; /* monotonic; of a recording: when it was read */
    const char *name;   /* file name without folder */
    const uint8_t *bytes;
    size_t size;
};

#endif
