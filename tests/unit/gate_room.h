/* A small 2-D world to drive the gate through: obstacles, a car with the vices that the gate
 * assumes, a lidar and a sonar. Virtual time, one seed, no two runs of it differ. Metres are
 * millimetres, seconds are milliseconds; floats, because nature has them.
 */
#ifndef TESTS_UNIT_GATE_ROOM_H
#define TESTS_UNIT_GATE_ROOM_H

#include <stdbool.h>
#include <stdint.h>

#include "safety/gate.h"

#define ROOM_THINGS_MAX 64
#define ROOM_DELAY      8 /* ticks that a command can be on its way */

struct room_thing {
    bool round;
    double x0, y0, x1, y1; /* a box; round: centre x0, y0, radius x1 */
    bool low;              /* below the lidar's plane: only the sonar sees it */
    double black;          /* share of beams that give no return */
};

/* What the car does to what it is told. */
struct room_vices {
    double scale[GATE_AXES];
    double side_by_forward, forward_by_side, turn_by_forward, turn_by_side, shift_by_turn;
    double decel[GATE_AXES];
    double accel; /* times decel */
    int delay;    /* of a command, ticks */
};

struct room {
    uint64_t seed;
    struct room_thing things[ROOM_THINGS_MAX];
    int count;
    double noise_mm, dropout;
    bool late; /* beams arrive a tick later */
    struct room_vices vices;

    double x, y, angle;      /* of the car */
    double speed[GATE_AXES]; /* of the car: mm/s, mm/s, mrad/s */
    struct twist told[ROOM_DELAY];
    double bearing; /* of the lidar, degrees clockwise */
    int64_t now_ms;
    int waiting_slot[128], waiting_mm[128];
    int64_t waiting_ms[128];
    int waiting;

    double least_mm;     /* nearest that anything came to the hull since room_settle */
    double closing_mm_s; /* fastest contact so far */
    int contacts;        /* above 50 mm/s */
};

double room_random(struct room *room, double least, double most);

/* An empty room; the car at rest in the origin, without vices or noise. */
void room_init(struct room *room, const struct gate_model *model, uint64_t seed);
void room_add_box(struct room *room, double x0, double y0, double x1, double y1);
void room_add_leg(struct room *room, double x, double y, double radius);
void room_add_walls(struct room *room, double half_x, double half_y);

/* Random vices within what the model assumes times `excess`; noise, drop-outs and latency. */
void room_add_vices(struct room *room, const struct gate_model *model, double excess);

/* One of four kinds: furnished, legs, corridor, clutter. The car stands in a free place. */
void room_furnish(struct room *room, const struct gate_model *model, int kind);

/* Distance of the hull, inflated by `inflated_mm`, to the nearest thing, at a pose. */
double room_free(const struct room *room, const struct gate_model *model, double x, double y,
                 double angle, double inflated_mm);

/* Ten milliseconds: the car moves as told, the sensors speak to the gate, the gate judges. */
void room_step(struct room *room, struct gate *gate, const struct twist *asked,
               struct gate_output *ret_output);

/* Lets the lidar turn a few times and the sonar speak, with nothing asked. */
void room_settle(struct room *room, struct gate *gate);

#endif
