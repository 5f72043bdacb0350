/* The camera: a picture of the room, good enough that a person knows what is in it.
 *
 * Walls, furniture and walkers have textures, light falls with the distance, glass shows what is
 * behind it. RGB, rows without padding. Caller's memory, one thread, no clock; nothing is kept from
 * picture to picture but the noise.
 */
#ifndef HAL_SIM_EYE_H
#define HAL_SIM_EYE_H

#include "hal/sim/random.h"
#include "hal/sim/world.h"

#define EYE_WIDTH_MAX 1920

struct eye {
    double height_mm;
    double pan_rad, tilt_rad; /* to the left, up; at most 1 rad up or down */
    double view_rad;          /* angle of view from left to right, 55..130 degrees */
    int noise;                /* of 255: most that a pixel differs */
};

/* Where the car stands says where the camera looks. `width` up to EYE_WIDTH_MAX. */
void eye_render(const struct eye *eye, const struct world *world, const struct world_pose *camera,
                struct random *random, int width, int height, uint8_t *ret_rgb);

#endif
