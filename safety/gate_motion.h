/* The stopping motion of a twist, and whether it hits a box.
 *
 * A box is where something may be now, in the base frame: axis-parallel, with a centre and half
 * extents. A motion is everything that the hull sweeps from the tick in which a twist is told until
 * the car stands, when the next thing it is told is to stop. Value structs; pure; any thread.
 *
 * Ranges, for all of which no sum overflows: coordinates within +-GATE_COORDINATE_MAX, extents
 * within 0..GATE_EXTENT_MAX, the model as gate_model_init makes it.
 */
#ifndef SAFETY_GATE_MOTION_H
#define SAFETY_GATE_MOTION_H

#include <stdbool.h>
#include <stdint.h>

#include "safety/gate_model.h"

#define GATE_COORDINATE_MAX 60000
#define GATE_EXTENT_MAX     65000
#define GATE_TRAVEL_MAX     1000 /* a motion that goes further hits everything */

struct gate_box {
    int32_t x_mm, y_mm;   /* centre */
    int32_t ex_mm, ey_mm; /* half extents, >= 0 */
    int32_t cap_mm_s;     /* 0: hard; otherwise no obstacle for a rim speed of up to this */
    uint32_t reason;      /* enum wire_reason: what it is */
};

struct gate_rectangle {
    int32_t min_x, max_x, min_y, max_y;
};

/* How much the hull is inflated. */
enum gate_margin {
    GATE_MARGIN_STARTING, /* from rest: the most */
    GATE_MARGIN_RUNNING,
    GATE_MARGIN_COASTING, /* what is under way anyway: little, and the same at any speed */
};

struct gate_motion {
    int32_t rim_mm_s;
    bool slow;                   /* at creep speed: may leave what is within the margin */
    bool endless;                /* no stopping distance: hits everything */
    int32_t dx_mm, dy_mm;        /* from start to end */
    int32_t cosine, sine;        /* Q14, of the turn from start to end */
    int32_t spread;              /* |sine| */
    struct gate_rectangle bare;  /* the hull */
    struct gate_rectangle hull;  /* inflated */
    struct gate_rectangle swept; /* around everything that the inflated hull passes */
};

/* Everything about the stopping motion of `twist`. Total: a twist without a stopping distance makes
 * a motion that hits everything. */
void gate_motion_init(struct gate_motion *motion, const struct gate_model *model,
                      const struct twist *twist, enum gate_margin margin);

/* Whether the motion may touch a box that overlaps `swept`; the exact half of gate_motion_hits. */
bool gate_motion_meets(const struct gate_motion *motion, const struct gate_box *box);

static inline bool gate_rectangle_overlaps(const struct gate_rectangle *rectangle,
                                           const struct gate_box *box)
{
    return box->x_mm + box->ex_mm > rectangle->min_x && box->x_mm - box->ex_mm < rectangle->max_x &&
           box->y_mm + box->ey_mm > rectangle->min_y && box->y_mm - box->ey_mm < rectangle->max_y;
}

/* Whether the motion may touch what is in the box, whatever the box's cap. Nearly every box ends at
 * the rectangle, which is why that much stands in the caller. */
static inline bool gate_motion_hits(const struct gate_motion *motion, const struct gate_box *box)
{
    return motion->endless ||
           (gate_rectangle_overlaps(&motion->swept, box) && gate_motion_meets(motion, box));
}

/* Whether the box counts at this rim speed at all. */
static inline bool gate_box_counts(const struct gate_box *box, int32_t rim_mm_s)
{
    return box->cap_mm_s < rim_mm_s;
}

#endif
