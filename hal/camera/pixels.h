/* Makes a frame out of the bytes that a camera's driver left in its buffer.
 *
 * Nothing that is told about the buffer is believed: sizes, row lengths and fill are checked
 * against each other and against what is mapped, because they come from the camera. The result lies
 * in the caller's memory, so that the buffer can be handed back at once.
 *
 * Pure: no allocation, no I/O, any bytes, any thread.
 */
#ifndef HAL_CAMERA_PIXELS_H
#define HAL_CAMERA_PIXELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hal/camera/frame.h"

#define PIXELS_SIDE_MAX 8192 /* px */
#define PIXELS_PLANES   3

/* By the order in memory; libcamera's and DRM's names of the last two are the other way around. */
enum pixels_format {
    PIXELS_JPEG,
    PIXELS_YUV420, /* planes Y, Cb, Cr */
    PIXELS_NV12,   /* planes Y and CbCr */
    PIXELS_YUYV,   /* Y0 Cb Y1 Cr */
    PIXELS_RGB,    /* R G B: libcamera's BGR888 */
    PIXELS_BGR,    /* B G R: libcamera's RGB888 */
};
#define PIXELS_FORMATS 6

struct pixels_plane {
    const uint8_t *bytes;
    size_t length; /* what can be read */
    size_t used;   /* what the camera says that it filled */
};

struct pixels_source {
    enum pixels_format format;
    int width_px, height_px;
    size_t stride; /* of the first plane, in bytes; of a JPEG nothing */
    bool limited;  /* Y is 16..235 and Cb, Cr are 16..240: spread to 0..255 */
    /* All planes of the format, or one in which they follow each other. */
    struct pixels_plane plane[PIXELS_PLANES];
    size_t plane_count;
};

/* Why there is no frame. */
enum pixels_result {
    PIXELS_OK,
    PIXELS_EMPTY,    /* the camera filled nothing */
    PIXELS_SHORT,    /* fewer bytes than the picture has */
    PIXELS_SHAPE,    /* an impossible size, row length or number of planes */
    PIXELS_NOT_JPEG, /* does not begin as one */
    PIXELS_CUT_OFF,  /* a JPEG without an end */
};

/* Bytes that pixels_convert needs for this source; 0 when it would refuse the shape. */
size_t pixels_room(const struct pixels_source *source);

/* Sets format, size and planes or bytes of the frame, which point into `room`. `room` has
 * pixels_room bytes and does not overlap the source; padding of its rows is left as it was. A frame
 * that is refused is untouched. What is inside of a JPEG is not looked at (see vlm/jfif.h). */
enum pixels_result pixels_convert(const struct pixels_source *source, uint8_t *room,
                                  struct frame *ret_frame);

/* "is empty": the end of a sentence that begins with the picture. */
const char *pixels_result_text(enum pixels_result result);

#endif
