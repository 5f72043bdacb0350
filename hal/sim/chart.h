/* A picture of a run: the plan, what was seen, the way that the car took, contacts and vetoes. PNG.
 *
 * Caller's memory for what is kept; one thread. */
#ifndef HAL_SIM_CHART_H
#define HAL_SIM_CHART_H

#include "hal/sim/survey.h"
#include "hal/sim/world.h"

#define CHART_POINTS_MAX 20000 /* more are left out */

enum chart_kind {
    CHART_WAY,
    CHART_VETO,
    CHART_CONTACT,
};

struct chart {
    int count;
    struct chart_point {
        float x_mm, y_mm;
        uint8_t kind; /* enum chart_kind */
    } points[CHART_POINTS_MAX];
};

void chart_init(struct chart *chart);
void chart_add(struct chart *chart, enum chart_kind kind, const struct world_pose *pose);

/* Writes the file, whole or not at all. 0 or -errno. */
int chart_write(const struct chart *chart, const struct world *world, const struct survey *survey,
                const struct world_pose *car, const char *path);

#endif
