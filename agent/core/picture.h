/* From any frame of a camera to the picture that is sent. */
#ifndef AGENT_CORE_PICTURE_H
#define AGENT_CORE_PICTURE_H

#include "hal/camera/frame.h"
#include "vlm/jpeg.h"

/* As jpeg_fit, whatever the frame's format is. */
int picture_fit(struct jpeg *jpeg, const struct frame *frame, struct jpeg_picture *ret_picture);

#endif
