/* The camera of a simulated car: pictures over a SOCK_SEQPACKET Unix socket.
 *
 * The simulator listens, the driver connects, again and again until somebody is there. Each message
 * is one camera_sim_message in host byte order with one descriptor beside it (SCM_RIGHTS): a memfd
 * that holds a JPEG of `size` bytes from its beginning. What is not exactly that is no frame. Times
 * are CLOCK_MONOTONIC, which both ends share.
 */
#ifndef HAL_CAMERA_CAMERA_SIM_H
#define HAL_CAMERA_CAMERA_SIM_H

#include <stdbool.h>

#include "hal/camera/camera.h"

#define CAMERA_SIM_MAGIC   0x434d4954u /* "TIMC", little endian */
#define CAMERA_SIM_VERSION 1

/* No padding. */
struct camera_sim_message {
    uint32_t magic;
    uint32_t version;
    uint64_t seq;       /* from 1 */
    int64_t capture_ns; /* not later than the message */
    uint32_t size;      /* of the picture, 1..CAMERA_FRAME_MAX */
    uint32_t reserved;  /* 0 */
};

_Static_assert(sizeof(struct camera_sim_message) == 32, "camera_sim_message is padded");

/* Judges the bytes of one message, received at `now_ns`. Total, pure. */
bool camera_sim_decode(const void *bytes, size_t size, int64_t now_ns,
                       struct camera_sim_message *ret_message);

extern const struct camera_driver camera_sim_driver;

#endif
