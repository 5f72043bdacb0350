/* Pictures of a corridor that a test paints itself: walls, a grey floor that reaches up to a height
 * of its own in the left, middle and right third, and a grain that makes frames differ.
 *
 * A painted picture proves that pixels go where they should. It says nothing about a model.
 * Pure. The same scene gives the same bytes everywhere.
 */
#ifndef TESTS_UNIT_RENDER_H
#define TESTS_UNIT_RENDER_H

#include <stddef.h>
#include <stdint.h>

#define RENDER_THIRDS 3

struct render_rgb {
    uint8_t r, g, b;
};

struct render_scene {
    int width_px, height_px;
    /* How far the floor is open, in percent of the height from the lower edge: 0 = a wall stands
     * right before the car. */
    int floor_percent[RENDER_THIRDS]; /* left, middle, right */
    struct render_rgb wall[RENDER_THIRDS];
    struct render_rgb floor;
    int grain;     /* 0: flat colours; n: each pixel is brighter or darker by up to n */
    uint32_t seed; /* of the grain */
};

/* A scene with a floor of (128, 128, 128) and walls of three colours, without grain. */
struct render_scene render_scene(int width_px, int height_px, int left_percent, int middle_percent,
                                 int right_percent);

/* Bytes of the packed R, G, B picture. */
size_t render_size(const struct render_scene *scene);

/* Paints into `rgb` of render_size bytes, rows without padding. */
void render_corridor(const struct render_scene *scene, uint8_t *rgb);

#endif
