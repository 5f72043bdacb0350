/* See survey.h. */
#include "hal/sim/survey.h"

#include <math.h>
#include <string.h>

#define CAR_TOP_MM 150
#define LOOK_STEP  (M_PI / 180)
#define EYE_MM     130

struct queue {
    int count, next;
    uint16_t cells[SURVEY_SIDE * SURVEY_SIDE];
};

static double middle_mm(double corner_mm, int cell)
{
    return corner_mm + (cell + 0.5) * SURVEY_CELL_MM;
}

static void visit(struct survey *survey, const struct world *world, struct queue *queue, int column,
                  int row)
{
    if (column < 0 || row < 0 || column >= SURVEY_SIDE || row >= SURVEY_SIDE ||
        survey->cells[row][column] != 0 ||
        world_room(world, middle_mm(survey->x_mm, column), middle_mm(survey->y_mm, row), CAR_TOP_MM,
                   SURVEY_RADIUS_MM) < SURVEY_RADIUS_MM) {
        return;
    }
    survey->cells[row][column] = SURVEY_REACHABLE;
    survey->reachable++;
    queue->cells[queue->count++] = (uint16_t)(row * SURVEY_SIDE + column);
}

void survey_init(struct survey *survey, const struct plan *plan)
{
    struct plan still = *plan;
    struct world world;
    struct queue queue = {0};

    memset(survey, 0, sizeof(*survey));
    still.walker_count = 0;
    world_init(&world, &still);
    /* The start in the middle of the grid. */
    survey->x_mm = (double)plan->x_mm - SURVEY_SIDE / 2.0 * SURVEY_CELL_MM;
    survey->y_mm = (double)plan->y_mm - SURVEY_SIDE / 2.0 * SURVEY_CELL_MM;
    visit(survey, &world, &queue, SURVEY_SIDE / 2, SURVEY_SIDE / 2);
    while (queue.next < queue.count) {
        int column = queue.cells[queue.next] % SURVEY_SIDE;
        int row = queue.cells[queue.next] / SURVEY_SIDE;

        queue.next++;
        visit(survey, &world, &queue, column - 1, row);
        visit(survey, &world, &queue, column + 1, row);
        visit(survey, &world, &queue, column, row - 1);
        visit(survey, &world, &queue, column, row + 1);
    }
}

static void mark(struct survey *survey, double x_mm, double y_mm, enum survey_cell bit)
{
    int column = (int)floor((x_mm - survey->x_mm) / SURVEY_CELL_MM);
    int row = (int)floor((y_mm - survey->y_mm) / SURVEY_CELL_MM);
    uint8_t *cell;

    if (column < 0 || row < 0 || column >= SURVEY_SIDE || row >= SURVEY_SIDE) {
        return;
    }
    cell = &survey->cells[row][column];
    if (bit == SURVEY_SEEN && *cell != 0 && (*cell & SURVEY_SEEN) == 0) {
        survey->seen++;
    }
    *cell |= *cell != 0 ? (uint8_t)bit : 0;
}

void survey_look(struct survey *survey, const struct world *world, const struct world_pose *camera,
                 double view_rad)
{
    int count = (int)(view_rad / LOOK_STEP);
    float distance_mm[181];
    struct world_pose right = *camera;

    count = count > 180 ? 180 : count;
    right.angle_rad -= view_rad / 2;
    world_scan(world, WORLD_CAMERA, EYE_MM, &right, view_rad / count, count + 1, SURVEY_SEEN_MM,
               distance_mm);
    mark(survey, camera->x_mm, camera->y_mm, SURVEY_VISITED);
    for (int i = 0; i <= count; i++) {
        double angle = right.angle_rad + i * view_rad / count;
        double reach = distance_mm[i] > 0 ? (double)distance_mm[i] : SURVEY_SEEN_MM;

        for (double along = 0; along < reach; along += SURVEY_CELL_MM * 0.7) {
            mark(survey, camera->x_mm + along * cos(angle), camera->y_mm + along * sin(angle),
                 SURVEY_SEEN);
        }
    }
}

double survey_share(const struct survey *survey)
{
    return survey->reachable > 0 ? (double)survey->seen / survey->reachable : 0;
}
