/* See chart.h. One pixel is 10 mm. libpng writes the file; nothing here knows its format. */
#include "hal/sim/chart.h"

#include <errno.h>
#include <math.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIXEL_MM  10.0
#define BORDER_MM 200.0
#define SIDE_MAX  1600 /* pixels */

struct color {
    uint8_t red, green, blue;
};

static const struct color paper = {250, 250, 248}, unseen = {222, 222, 226}, seen = {196, 228, 200},
                          outline = {40, 40, 48}, glass = {90, 170, 230}, black = {150, 40, 170},
                          way = {30, 90, 200}, veto = {240, 150, 20}, contact = {220, 20, 30},
                          begin = {20, 150, 60};

struct sheet {
    double x_mm, y_mm; /* of the lower left pixel */
    int width, height;
    uint8_t *rgb;
};

void chart_init(struct chart *chart)
{
    chart->count = 0;
}

void chart_add(struct chart *chart, enum chart_kind kind, const struct world_pose *pose)
{
    if (chart->count < CHART_POINTS_MAX) {
        chart->points[chart->count++] = (struct chart_point){
            .x_mm = (float)pose->x_mm, .y_mm = (float)pose->y_mm, .kind = (uint8_t)kind};
    }
}

static void dot(struct sheet *sheet, double x_mm, double y_mm, int radius,
                const struct color *color)
{
    int column = (int)((x_mm - sheet->x_mm) / PIXEL_MM);
    int row = sheet->height - 1 - (int)((y_mm - sheet->y_mm) / PIXEL_MM);

    for (int y = row - radius; y <= row + radius; y++) {
        for (int x = column - radius; x <= column + radius; x++) {
            bool inside = (x - column) * (x - column) + (y - row) * (y - row) <= radius * radius;

            if (inside && x >= 0 && y >= 0 && x < sheet->width && y < sheet->height) {
                memcpy(sheet->rgb + 3 * ((size_t)y * (size_t)sheet->width + (size_t)x), color, 3);
            }
        }
    }
}

static void line(struct sheet *sheet, double x0, double y0, double x1, double y1, int radius,
                 const struct color *color)
{
    int steps = (int)(hypot(x1 - x0, y1 - y0) / PIXEL_MM * 2) + 1;

    for (int i = 0; i <= steps; i++) {
        dot(sheet, x0 + (x1 - x0) * i / steps, y0 + (y1 - y0) * i / steps, radius, color);
    }
}

/* Big enough for all faces. 0 or -ENOMEM. */
static int sheet_make(struct sheet *sheet, const struct world *world)
{
    double least_x = INFINITY, least_y = INFINITY, most_x = -INFINITY, most_y = -INFINITY;

    for (int i = 0; i < world->face_count; i++) {
        const struct plan_face *face = &world->faces[i];

        least_x = fmin(least_x, (double)fminf(face->x0_mm, face->x1_mm));
        least_y = fmin(least_y, (double)fminf(face->y0_mm, face->y1_mm));
        most_x = fmax(most_x, (double)fmaxf(face->x0_mm, face->x1_mm));
        most_y = fmax(most_y, (double)fmaxf(face->y0_mm, face->y1_mm));
    }
    sheet->x_mm = least_x - BORDER_MM;
    sheet->y_mm = least_y - BORDER_MM;
    sheet->width = (int)fmin((most_x - least_x + 2 * BORDER_MM) / PIXEL_MM, SIDE_MAX);
    sheet->height = (int)fmin((most_y - least_y + 2 * BORDER_MM) / PIXEL_MM, SIDE_MAX);
    sheet->rgb = malloc((size_t)sheet->width * (size_t)sheet->height * 3);
    if (sheet->rgb == NULL) {
        return -ENOMEM;
    }
    for (int i = 0; i < sheet->width * sheet->height; i++) {
        memcpy(sheet->rgb + 3 * (size_t)i, &paper, 3);
    }
    return 0;
}

static void draw_floor(struct sheet *sheet, const struct survey *survey)
{
    for (int row = 0; row < SURVEY_SIDE; row++) {
        for (int column = 0; column < SURVEY_SIDE; column++) {
            uint8_t cell = survey->cells[row][column];

            if (cell != 0) {
                dot(sheet, survey->x_mm + (column + 0.5) * SURVEY_CELL_MM,
                    survey->y_mm + (row + 0.5) * SURVEY_CELL_MM, 3,
                    (cell & SURVEY_SEEN) != 0 ? &seen : &unseen);
            }
        }
    }
}

static void draw_faces(struct sheet *sheet, const struct world *world)
{
    for (int i = 0; i < world->face_count; i++) {
        const struct plan_face *face = &world->faces[i];
        const struct color *color = face->material == PLAN_GLASS   ? &glass
                                    : face->material == PLAN_BLACK ? &black
                                                                   : &outline;

        if (face->bottom_mm < 150) {
            line(sheet, (double)face->x0_mm, (double)face->y0_mm, (double)face->x1_mm,
                 (double)face->y1_mm, 1, color);
        }
    }
}

static void draw_points(struct sheet *sheet, const struct chart *chart, enum chart_kind kind,
                        int radius, const struct color *color)
{
    for (int i = 0; i < chart->count; i++) {
        const struct chart_point *point = &chart->points[i];

        if (point->kind == kind) {
            dot(sheet, (double)point->x_mm, (double)point->y_mm, radius, color);
        }
    }
}

static void draw_car(struct sheet *sheet, const struct world_pose *car)
{
    static const double x[5] = {100, 100, -95, -95, 100}, y[5] = {85, -85, -85, 85, 85};
    double cosine = cos(car->angle_rad), sine = sin(car->angle_rad);

    for (int i = 0; i < 4; i++) {
        line(sheet, car->x_mm + x[i] * cosine - y[i] * sine,
             car->y_mm + x[i] * sine + y[i] * cosine,
             car->x_mm + x[i + 1] * cosine - y[i + 1] * sine,
             car->y_mm + x[i + 1] * sine + y[i + 1] * cosine, 1, &way);
    }
    line(sheet, car->x_mm, car->y_mm, car->x_mm + 180 * cosine, car->y_mm + 180 * sine, 1, &way);
}

static int sheet_write(const struct sheet *sheet, const char *path)
{
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)sheet->width,
                       .height = (png_uint_32)sheet->height,
                       .format = PNG_FORMAT_RGB};
    char *unfinished;
    int result = 0;

    if (asprintf(&unfinished, "%s.part", path) < 0) {
        return -ENOMEM;
    }
    errno = 0;
    if (png_image_write_to_file(&image, unfinished, 0, sheet->rgb, 0, NULL) == 0) {
        result = errno != 0 ? -errno : -EIO;
        (void)unlink(unfinished);
    } else if (rename(unfinished, path) < 0) {
        result = -errno;
    }
    free(unfinished);
    return result;
}

int chart_write(const struct chart *chart, const struct world *world, const struct survey *survey,
                const struct world_pose *car, const char *path)
{
    const struct plan *plan = world->plan;
    struct sheet sheet;
    int result = sheet_make(&sheet, world);

    if (result < 0) {
        return result;
    }
    draw_floor(&sheet, survey);
    draw_faces(&sheet, world);
    draw_points(&sheet, chart, CHART_WAY, 1, &way);
    draw_points(&sheet, chart, CHART_VETO, 2, &veto);
    draw_points(&sheet, chart, CHART_CONTACT, 5, &contact);
    dot(&sheet, (double)plan->x_mm, (double)plan->y_mm, 5, &begin);
    draw_car(&sheet, car);
    result = sheet_write(&sheet, path);
    free(sheet.rgb);
    return result;
}
