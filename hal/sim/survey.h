/* The floor as a grid: where the car can get to, and what of that its camera has seen.
 *
 * A cell counts as reachable when the car's middle can come there from its start, and as seen when
 * it was in the picture within SEEN_MM and nothing stood between. Caller's memory, one thread.
 */
#ifndef HAL_SIM_SURVEY_H
#define HAL_SIM_SURVEY_H

#include "hal/sim/world.h"

#define SURVEY_CELL_MM   50
#define SURVEY_SIDE      256 /* cells: 12.8 m */
#define SURVEY_RADIUS_MM 140 /* around the car's middle: it can turn there */
#define SURVEY_SEEN_MM   3000

enum survey_cell {
    SURVEY_REACHABLE = 1,
    SURVEY_SEEN = 2,
    SURVEY_VISITED = 4,
};

struct survey {
    double x_mm, y_mm;                       /* corner of cell 0, 0 */
    int reachable, seen;                     /* cells; `seen` of those that are reachable */
    uint8_t cells[SURVEY_SIDE][SURVEY_SIDE]; /* [row][column], enum survey_cell bits */
};

/* Of the room with its walkers where they are now left out. */
void survey_init(struct survey *survey, const struct plan *plan);

/* The car stands here, and its camera looks from `angle_rad` to both sides. */
void survey_look(struct survey *survey, const struct world *world, const struct world_pose *camera,
                 double view_rad);

/* 0..1 */
double survey_share(const struct survey *survey);

#endif
