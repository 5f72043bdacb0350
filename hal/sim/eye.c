/* See eye.h. Floor and ceiling are painted row by row: a row lies at one distance, so that the
 * place on the floor moves on by the same step from pixel to pixel. Over them, column by column,
 * come the faces that a column's ray meets, the furthest first. A tilt moves the horizon instead of
 * turning the picture, as a shifting lens does. */
#include "hal/sim/eye.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define HITS_MAX    32
#define NEAREST_MM  30.0F
#define LIGHT_MM    5200.0F /* at this distance half of the light is left */
#define BRIGHT      256
#define NOISE_COUNT 4096

/* What the whole picture shares. */
struct shot {
    const struct world *world;
    float x, y, height_mm;
    float ahead_x, ahead_y, left_x, left_y;
    float focal, horizon;
    int width, rows;
    uint8_t *rgb;
};

struct hit {
    float depth, where;
    const struct plan_face *face;
};

static uint32_t grain(int32_t u, int32_t v)
{
    uint32_t mixed = (uint32_t)u * 0x9e3779b1u ^ (uint32_t)v * 0x85ebca77u;

    mixed ^= mixed >> 15;
    return mixed * 0x2c1b3c6du >> 24;
}

/* How bright a place of a surface is, around BRIGHT; u along and v up (or across), in mm. */
static int pattern(enum plan_texture texture, int32_t u, int32_t v)
{
    int32_t row, column;

    switch (texture) {
    case PLAN_PLAIN:
        return BRIGHT - 6 + (int)(grain(u >> 6, v >> 6) >> 5);
    case PLAN_BRICK:
        row = v >> 6;
        column = (u + (row & 1) * 96) >> 7;
        if ((v & 63) < 8 || ((u + (row & 1) * 96) & 127) < 8) {
            return BRIGHT * 5 / 4;
        }
        return BRIGHT * 3 / 4 + (int)(grain(column, row) >> 2);
    case PLAN_WOOD:
        row = v >> 7;
        if ((v & 127) < 5 || ((u + row * 397) & 1023) < 5) {
            return BRIGHT / 2;
        }
        return BRIGHT * 7 / 8 + (int)(grain((u + row * 397) >> 10, row) >> 3) +
               (int)(grain(u >> 5, v >> 3) >> 5);
    case PLAN_TILES:
        if ((u & 255) < 8 || (v & 255) < 8) {
            return BRIGHT * 2 / 3;
        }
        return BRIGHT - 12 + (int)(grain(u >> 8, v >> 8) >> 3);
    case PLAN_STRIPES:
        return (u >> 7 & 1) != 0 ? BRIGHT : BRIGHT * 3 / 4;
    case PLAN_CARPET:
        return BRIGHT * 7 / 8 + (int)(grain(u >> 4, v >> 4) >> 2);
    }
    return BRIGHT;
}

static uint8_t lit(int value, int light)
{
    int result = value * light >> 8;

    return (uint8_t)(result > 255 ? 255 : result);
}

static void put(uint8_t *pixel, const struct plan_look *look, int light)
{
    pixel[0] = lit(look->red, light);
    pixel[1] = lit(look->green, light);
    pixel[2] = lit(look->blue, light);
}

static int light_at(float depth_mm)
{
    return (int)(BRIGHT * (0.35F + 0.75F / (1 + depth_mm / LIGHT_MM)));
}

static void paint_row(const struct shot *shot, int row)
{
    float slope = (float)row + 0.5F - shot->horizon;
    bool is_floor = slope > 0;
    const struct plan *plan = shot->world->plan;
    const struct plan_look *look = is_floor ? &plan->floor : &plan->ceiling;
    float reach = is_floor ? shot->height_mm : plan->height_mm - shot->height_mm;
    float depth = fminf(reach * shot->focal / fmaxf(fabsf(slope), 0.5F), 60000);
    float step = depth / shot->focal, first = ((float)shot->width / 2 - 0.5F) * step;
    float u = shot->x + shot->ahead_x * depth + shot->left_x * first;
    float v = shot->y + shot->ahead_y * depth + shot->left_y * first;
    float du = -shot->left_x * step, dv = -shot->left_y * step;
    uint8_t *pixel = shot->rgb + (size_t)row * (size_t)shot->width * 3;
    int light = light_at(depth);

    for (int column = 0; column < shot->width; column++, pixel += 3, u += du, v += dv) {
        put(pixel, look,
            light * pattern((enum plan_texture)look->texture, (int32_t)u, (int32_t)v) >> 8);
    }
}

static int by_depth(const void *a, const void *b)
{
    float left = ((const struct hit *)a)->depth, right = ((const struct hit *)b)->depth;

    return left < right ? 1 : left > right ? -1 : 0;
}

/* The hits of one column, the furthest first; of too many the nearest are kept. */
static int find_hits(const struct shot *shot, const int *places, int count, float dx, float dy,
                     struct hit hits[HITS_MAX])
{
    int found = 0;

    for (int i = 0; i < count; i++) {
        const struct plan_face *face = &shot->world->faces[places[i]];
        struct hit hit = {.face = face};

        if (world_meets(face, shot->x, shot->y, dx, dy, &hit.depth, &hit.where) &&
            hit.depth > NEAREST_MM) {
            int place = found < HITS_MAX ? found++ : 0;

            if (found == HITS_MAX) { /* full: the furthest one makes room */
                for (int k = 1; k < HITS_MAX; k++) {
                    place = hits[k].depth > hits[place].depth ? k : place;
                }
            }
            hits[place] = hit;
        }
    }
    qsort(hits, (size_t)found, sizeof(hits[0]), by_depth);
    return found;
}

static void paint_face(const struct shot *shot, int column, const struct hit *hit)
{
    const struct plan_face *face = hit->face;
    float ex = face->x1_mm - face->x0_mm, ey = face->y1_mm - face->y0_mm;
    float length = sqrtf(ex * ex + ey * ey), scale = shot->focal / hit->depth;
    float top = shot->horizon - (face->top_mm - shot->height_mm) * scale;
    float bottom = shot->horizon - (face->bottom_mm - shot->height_mm) * scale;
    int from = (int)fmaxf(ceilf(top - 0.5F), 0);
    int to = (int)fminf(ceilf(bottom - 0.5F), (float)shot->rows);
    /* Faces across the light are darker: a corner shows. */
    int light = (int)((float)light_at(hit->depth) * (0.82F + 0.18F * fabsf(ex) / (length + 1)));
    int32_t u = (int32_t)(hit->where * length);
    uint8_t *pixel = shot->rgb + ((size_t)from * (size_t)shot->width + (size_t)column) * 3;

    for (int row = from; row < to; row++, pixel += (size_t)shot->width * 3) {
        int32_t v = (int32_t)(shot->height_mm + (shot->horizon - (float)row) / scale);

        if (face->material == PLAN_GLASS) {
            for (int i = 0; i < 3; i++) {
                pixel[i] = (uint8_t)((pixel[i] * 7 + 235) / 8);
            }
        } else {
            put(pixel, &face->look,
                light * pattern((enum plan_texture)face->look.texture, u, v) >> 8);
        }
    }
}

static void paint_column(const struct shot *shot, const int *places, int count, int column)
{
    float aside = ((float)shot->width / 2 - 0.5F - (float)column) / shot->focal;
    struct hit hits[HITS_MAX];
    int found = find_hits(shot, places, count, shot->ahead_x + aside * shot->left_x,
                          shot->ahead_y + aside * shot->left_y, hits);

    for (int i = 0; i < found; i++) {
        paint_face(shot, column, &hits[i]);
    }
}

static void add_noise(const struct shot *shot, int most, struct random *random)
{
    int8_t noise[NOISE_COUNT];
    size_t size = (size_t)shot->width * (size_t)shot->rows * 3, at = 0;

    for (int i = 0; i < NOISE_COUNT; i++) {
        noise[i] = (int8_t)random_between(random, -most, most + 0.999);
    }
    while (at < size) {
        size_t begin = random_next(random) % (NOISE_COUNT / 2), end = NOISE_COUNT;

        for (size_t i = begin; i < end && at < size; i++, at++) {
            int value = shot->rgb[at] + noise[i];

            shot->rgb[at] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
        }
    }
}

void eye_render(const struct eye *eye, const struct world *world, const struct world_pose *camera,
                struct random *random, int width, int height, uint8_t *ret_rgb)
{
    double angle = camera->angle_rad + eye->pan_rad;
    double focal = width / 2.0 / tan(eye->view_rad / 2);
    struct world_pose right = {camera->x_mm, camera->y_mm, angle - eye->view_rad / 2 - 0.01};
    int places[WORLD_FACES_MAX];
    int count = world_look(world, &right, eye->view_rad + 0.02, places);
    struct shot shot = {
        .world = world,
        .x = (float)camera->x_mm,
        .y = (float)camera->y_mm,
        .height_mm = (float)eye->height_mm,
        .ahead_x = (float)cos(angle),
        .ahead_y = (float)sin(angle),
        .left_x = (float)-sin(angle),
        .left_y = (float)cos(angle),
        .focal = (float)focal,
        .horizon = (float)(height / 2.0 + focal * tan(eye->tilt_rad)),
        .width = width,
        .rows = height,
        .rgb = ret_rgb,
    };

    for (int row = 0; row < height; row++) {
        paint_row(&shot, row);
    }
    for (int column = 0; column < width; column++) {
        paint_column(&shot, places, count, column);
    }
    if (eye->noise > 0) {
        add_noise(&shot, eye->noise, random);
    }
}
