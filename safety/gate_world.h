/* What the lidar said, and the boxes that follow from it.
 *
 * 720 slots of half a degree hold the newest return of each bearing with its own time; 72 cells of
 * five degrees know when a bearing was looked at, and when it last gave a return. Ages come from
 * gate_drift. Caller's memory; pure; one thread.
 */
#ifndef SAFETY_GATE_WORLD_H
#define SAFETY_GATE_WORLD_H

#include "safety/gate_drift.h"
#include "safety/gate_motion.h"
#include "safety/trig.h"

#define GATE_SLOTS      TRIG_SLOTS
#define GATE_CELLS      72
#define GATE_CELL_SLOTS (GATE_SLOTS / GATE_CELLS)
#define GATE_SECTORS    WIRE_SCAN_SECTORS
#define GATE_RANGE_MAX  16000 /* mm; what is further counts as this */
#define GATE_BOXES_MAX  888   /* slots, cells, and eight arcs of the sonar in twelve pieces */
#define GATE_FAR        INT32_MAX

struct gate_boxes {
    int count;
    struct gate_box list[GATE_BOXES_MAX];
};

struct gate_slot {
    int64_t time_ms;
    int16_t x_mm, y_mm; /* in the base frame of that time */
    uint16_t range_mm;  /* 0: nothing known */
    bool dark;          /* the bearing gave no return since */
    bool beside;        /* straight ahead, behind or beside the hull: a clearance */
};

struct gate_world {
    struct gate_slot slots[GATE_SLOTS];
    bool masked[GATE_SLOTS];
    int64_t seen_ms[GATE_CELLS], return_ms[GATE_CELLS];
    bool never[GATE_CELLS]; /* masked: no beam can tell */
    int64_t beam_ms;        /* of the newest beam */
    int64_t oldest_ms;      /* no point that is known is older */
    int32_t reach_mm;       /* what is further off cannot be hit */
    int16_t edge_x[GATE_CELLS], edge_y[GATE_CELLS];
};

/* What the points of one tick are, besides boxes. */
struct gate_view {
    int32_t cell_mm[GATE_CELLS]; /* nearest return; GATE_FAR: none */
    int32_t echo_gap_mm; /* from the sonar's echo to the nearest point in its cone, or GATE_FAR */
    int32_t clear_mm[4]; /* front, left, rear, right; from the hull, GATE_FAR: nothing */
    int returns;         /* cells with one */
    bool unseen[GATE_CELLS];
    bool cone_was_seen; /* lately, or masked: what is not in it is not there, or will not be seen */
};

/* Nothing was ever seen. */
void gate_world_init(struct gate_world *world, const struct gate_model *model, int64_t now_ms);

/* Beams into these slots say nothing, and the cells that they lie in are never seen. */
void gate_world_mask(struct gate_world *world, int first, int count);

/* One beam, at its capture. `range_mm` 0: no return. Older than what its slot has: ignored. */
void gate_world_beam(struct gate_world *world, const struct gate_model *model, int slot,
                     int32_t range_mm, int64_t time_ms);

/* Whether a beam arrived lately; one from the future says nothing. */
bool gate_world_is_fresh(const struct gate_world *world, const struct gate_model *model,
                         int64_t now_ms);

/* Appends a box for each point that is still known and within reach, forgets the others, and
 * fills the view. `echo_x_mm`: where the sonar's last echo came from. */
void gate_world_points(struct gate_world *world, const struct gate_model *model,
                       const struct gate_age ages[GATE_AGES], int32_t echo_x_mm, int64_t now_ms,
                       struct gate_boxes *boxes, struct gate_view *view);

/* Appends a box for each cell that is unseen or dark. `sonar_is_good`: straight ahead, where the
 * sonar looks, unseen is no obstacle for creeping. */
void gate_world_cells(const struct gate_world *world, const struct gate_model *model,
                      bool sonar_is_good, int64_t now_ms, struct gate_boxes *boxes,
                      const struct gate_view *view);

/* Nearest known return in each sector of two degrees, 0: none. */
void gate_world_scan(const struct gate_world *world, const struct gate_model *model, int64_t now_ms,
                     uint16_t sector_mm[GATE_SECTORS]);

/* The bearing with the longest way, in mrad, -3142..3142; 0 when nothing is known. */
int32_t gate_world_open_bearing(const struct gate_view *view);

void gate_boxes_add(struct gate_boxes *boxes, const struct gate_box *box);

#endif
