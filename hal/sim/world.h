/* The room as it is now: what stands, who walks, and what a ray or the car's hull meets.
 *
 * Millimetres and radians, counter-clockwise. Borrows the plan. Caller's memory, one thread; no
 * clock: world_step moves the time.
 */
#ifndef HAL_SIM_WORLD_H
#define HAL_SIM_WORLD_H

#include <stdbool.h>

#include "hal/sim/plan.h"

#define WORLD_WALKER_FACES 12 /* three boxes on each other */
#define WORLD_FACES_MAX    (PLAN_FACES_MAX + PLAN_WALKERS_MAX * WORLD_WALKER_FACES)

enum world_sense {
    WORLD_LIDAR,
    WORLD_SONAR,
    WORLD_CAMERA, /* what hides things from it */
};

struct world_pose {
    double x_mm, y_mm, angle_rad;
};

/* The car's outline around its centre. */
struct world_hull {
    double front_mm, rear_mm, half_width_mm, top_mm;
};

struct world_walker {
    double x_mm, y_mm;
    int stop, way; /* walks to `stop`; then one further in the direction `way` */
};

struct world {
    const struct plan *plan;
    int face_count;
    struct plan_face faces[WORLD_FACES_MAX]; /* those of the plan, then those of walkers */
    struct world_walker walkers[PLAN_WALKERS_MAX];
};

void world_init(struct world *world, const struct plan *plan);

/* Walkers go on; each waits rather than come nearer to the car than 400 mm. */
void world_step(struct world *world, double seconds, const struct world_pose *car);

/* Beams from a point at `height_mm`: `count` of them, the first at `from_rad`, each `step_rad`
 * further. Distances up to `range_mm`; 0: no return. */
void world_scan(const struct world *world, enum world_sense sense, double height_mm,
                const struct world_pose *from, double step_rad, int count, double range_mm,
                float *ret_mm);

/* The faces that may be met between two directions, at most half a turn apart: their places,
 * WORLD_FACES_MAX at most. */
int world_look(const struct world *world, const struct world_pose *from, double width_rad,
               int ret_faces[WORLD_FACES_MAX]);

/* How far along a ray (in lengths of its direction) it meets the face, and where on it (0..1).
 * False: nowhere ahead. */
bool world_meets(const struct plan_face *face, float x_mm, float y_mm, float dx, float dy,
                 float *ret_along, float *ret_where);

/* The least distance of the hull to anything that is as low as its top; 0: touches or is inside
 * one. At most `far_mm`. */
double world_gap(const struct world *world, const struct world_pose *pose,
                 const struct world_hull *hull, double far_mm);

/* The same to what the lidar gets a return from, in its plane. */
double world_lidar_gap(const struct world *world, const struct world_pose *pose,
                       const struct world_hull *hull, double lidar_mm, double far_mm);

/* Around a point: the distance to what is as low as `top_mm`, at most `far_mm` away. */
double world_room(const struct world *world, double x_mm, double y_mm, double top_mm,
                  double far_mm);

#endif
