/* Something that the sonar saw: so far from where the sonar was, anywhere across its cone.
 *
 * It is held as that arc of a circle. How far the car has turned is what it knows worst, and on an
 * arc that blurs the bearing alone: the thing stays as far off as it was. Micrometres and
 * microradians, because a tick moves it by less than a millimetre. Caller's memory; pure.
 */
#ifndef SAFETY_GATE_ARC_H
#define SAFETY_GATE_ARC_H

#include <stdbool.h>

#include "safety/gate_drift.h"
#include "safety/gate_world.h"

#define GATE_ARC_PIECES 12 /* boxes of one arc at most */

/* Of the base frame as it is now. */
struct gate_arc {
    int64_t x_um, y_um;   /* where the sonar was: the centre of the circle */
    int64_t extent_um;    /* how far the thing may be off the arc, in any direction */
    int64_t bearing_urad; /* from the centre to the middle of the arc, -pi to pi */
    int64_t half_urad;    /* from there to either end, up to pi */
    int64_t deep_um;      /* how far it reaches inward from there */
    int32_t radius_mm;
};

/* The arc of a reading, as old as `age` says. */
struct gate_arc gate_arc_make(const struct gate_model *model, int32_t reading_mm,
                              const struct gate_age *age);

/* The car moved by a step of dead reckoning. */
void gate_arc_move(struct gate_arc *arc, const struct gate_sums *step);

/* Whether what a new reading saw may be what is held: on the same bearing as far away. */
bool gate_arc_is_same(const struct gate_arc *held, const struct gate_arc *seen);

/* A new reading of what is held takes its place, and keeps what the held one had nearer: see
 * gate_arc.c. */
void gate_arc_renew(struct gate_arc *held, const struct gate_arc *seen);

/* The part of an arc, in offsets from its middle. */
struct gate_arc_part {
    int64_t from_urad, to_urad; /* from >= to: none */
};

/* The part that an echo of this length came through: well in the cone, and nearer. */
struct gate_arc_part gate_arc_seen_through(const struct gate_arc *arc,
                                           const struct gate_model *model, int32_t reading_mm);

/* What is left of an arc without a part of it: none, one or two arcs. No splinters: a part in the
 * middle that would leave one on a side is not taken out; it will be when that end is looked at. */
int gate_arc_cut(const struct gate_arc *arc, const struct gate_arc_part *part,
                 struct gate_arc ret_left[2]);

/* Appends boxes that cover it; no obstacle for creeping once the doubt is as large as creeping
 * needs room. */
void gate_arc_add(const struct gate_arc *arc, const struct gate_model *model,
                  struct gate_boxes *boxes);

#endif
