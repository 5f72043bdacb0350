/* See render.h. Each third is a wall above and floor below, with a dark skirting of one fiftieth of
 * the height between them: an edge for the eye and for the encoder. */
#include "tests/unit/render.h"

struct render_scene render_scene(int width_px, int height_px, int left_percent, int middle_percent,
                                 int right_percent)
{
    return (struct render_scene){
        .width_px = width_px,
        .height_px = height_px,
        .floor_percent = {left_percent, middle_percent, right_percent},
        .wall = {{200, 90, 60}, {225, 215, 170}, {70, 110, 190}},
        .floor = {128, 128, 128},
    };
}

size_t render_size(const struct render_scene *scene)
{
    return 3 * (size_t)scene->width_px * (size_t)scene->height_px;
}

static struct render_rgb colour_get(const struct render_scene *scene, int x, int y)
{
    static const struct render_rgb skirting = {40, 35, 30};
    int third = x * RENDER_THIRDS / scene->width_px;
    int floor_top = scene->height_px - scene->height_px * scene->floor_percent[third] / 100;

    if (y >= floor_top) {
        return scene->floor;
    }
    return y >= floor_top - scene->height_px / 50 ? skirting : scene->wall[third];
}

/* Numerical Recipes' linear congruence; its upper bits are good enough for grain. */
static int grain_next(uint32_t *state, int grain)
{
    *state = *state * 1664525 + 1013904223;
    return (int)((*state >> 16) % (2 * (uint32_t)grain + 1)) - grain;
}

static uint8_t saturate(int value)
{
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

void render_corridor(const struct render_scene *scene, uint8_t *rgb)
{
    uint32_t state = scene->seed;

    for (int y = 0; y < scene->height_px; y++) {
        for (int x = 0; x < scene->width_px; x++) {
            struct render_rgb colour = colour_get(scene, x, y);
            int grain = grain_next(&state, scene->grain);

            *rgb++ = saturate(colour.r + grain);
            *rgb++ = saturate(colour.g + grain);
            *rgb++ = saturate(colour.b + grain);
        }
    }
}
