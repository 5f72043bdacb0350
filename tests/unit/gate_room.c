/* See gate_room.h. The car's vices are drawn at the start and stay; half of the time at the
 * extremes of what is assumed, because that is where a wrong bound shows. */
#include "tests/unit/gate_room.h"

#include <math.h>
#include <string.h>

#define SUBSTEPS    4
#define BEAM_STEP   0.8 /* degrees: 4500 beams a second, 10 turns a second */
#define BEAMS       45  /* in 10 ms */
#define LIDAR_RANGE 12000
#define SONAR_TICKS 5
#define RAD         (M_PI / 180)

static uint64_t next(struct room *room)
{
    room->seed ^= room->seed << 13;
    room->seed ^= room->seed >> 7;
    room->seed ^= room->seed << 17;
    return room->seed;
}

double room_random(struct room *room, double least, double most)
{
    return least + (most - least) * (double)(next(room) >> 11) / 9007199254740992.0;
}

void room_init(struct room *room, const struct gate_model *model, uint64_t seed)
{
    memset(room, 0, sizeof(*room));
    room->seed = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    for (int i = 0; i < 8; i++) {
        (void)next(room);
    }
    room->now_ms = 1000;
    for (int axis = 0; axis < GATE_AXES; axis++) {
        room->vices.scale[axis] = 1;
        room->vices.decel[axis] = model->decel_mm_s2[axis];
    }
    room->vices.accel = 1.5;
    room->vices.delay = 3;
}

void room_add_box(struct room *room, double x0, double y0, double x1, double y1)
{
    room->things[room->count++] = (struct room_thing){.x0 = x0, .y0 = y0, .x1 = x1, .y1 = y1};
}

void room_add_leg(struct room *room, double x, double y, double radius)
{
    room->things[room->count++] =
        (struct room_thing){.round = true, .x0 = x, .y0 = y, .x1 = radius};
}

void room_add_walls(struct room *room, double half_x, double half_y)
{
    room_add_box(room, half_x, -half_y - 100, half_x + 100, half_y + 100);
    room_add_box(room, -half_x - 100, -half_y - 100, -half_x, half_y + 100);
    room_add_box(room, -half_x, half_y, half_x, half_y + 100);
    room_add_box(room, -half_x, -half_y - 100, half_x, -half_y);
}

static double vice(struct room *room, double least, double most)
{
    switch (next(room) % 4) {
    case 0:
        return least;
    case 1:
        return most;
    default:
        return room_random(room, least, most);
    }
}

void room_add_vices(struct room *room, const struct gate_model *model, double excess)
{
    struct room_vices *vices = &room->vices;

    for (int axis = 0; axis < GATE_AXES; axis++) {
        double error = vice(room, -model->slow_permille[axis], model->fast_permille[axis]);

        vices->scale[axis] = 1 + excess / 1000 * error;
        vices->decel[axis] = model->decel_mm_s2[axis] * vice(room, 1, 2) / excess;
    }
    vices->side_by_forward = excess / 1000 * vice(room, -1, 1) * model->side_by_forward;
    vices->forward_by_side = excess / 1000 * vice(room, -1, 1) * model->forward_by_side;
    vices->turn_by_forward = excess / 1000 * vice(room, -1, 1) * model->turn_by_forward;
    vices->turn_by_side = excess / 1000 * vice(room, -1, 1) * model->turn_by_side;
    vices->shift_by_turn = excess / 1000 * vice(room, -1, 1) * model->shift_by_turn;
    vices->accel = room_random(room, 1, 3);
    vices->delay = (int)vice(room, 1, 4.99 * excess);
    room->noise_mm = vice(room, 0, 20 * excess);
    room->dropout = vice(room, 0, 0.1 * excess);
    room->late = next(room) % 2 == 0;
    for (int i = 0; i < room->count; i++) {
        room->things[i].black = next(room) % 4 == 0 ? 0.6 : 0;
    }
}

/* Distance of a point to a rectangle; negative inside. */
static double point_gap(double x, double y, const double rectangle[4])
{
    double dx = fmax(rectangle[0] - x, x - rectangle[1]);
    double dy = fmax(rectangle[2] - y, y - rectangle[3]);

    if (dx > 0 && dy > 0) {
        return sqrt(dx * dx + dy * dy);
    }
    return fmax(dx, dy);
}

struct pose {
    double x, y, cosine, sine;
};

static double round_gap(const struct room_thing *thing, const struct pose *pose,
                        const double hull[4])
{
    double dx = thing->x0 - pose->x, dy = thing->y0 - pose->y;

    return point_gap(dx * pose->cosine + dy * pose->sine, dy * pose->cosine - dx * pose->sine,
                     hull) -
           thing->x1;
}

/* Two rectangles that do not overlap are nearest at a corner of one of them. */
static double box_gap(const struct room_thing *thing, const struct pose *pose, const double hull[4])
{
    const double box[4] = {thing->x0, thing->x1, thing->y0, thing->y1};
    double least = INFINITY;

    for (int i = 0; i < 4; i++) {
        double hx = hull[i % 2], hy = hull[2 + i / 2];
        double dx = box[i % 2] - pose->x, dy = box[2 + i / 2] - pose->y;

        least = fmin(least, point_gap(pose->x + hx * pose->cosine - hy * pose->sine,
                                      pose->y + hx * pose->sine + hy * pose->cosine, box));
        least = fmin(least, point_gap(dx * pose->cosine + dy * pose->sine,
                                      dy * pose->cosine - dx * pose->sine, hull));
    }
    return least;
}

static double thing_gap(const struct room_thing *thing, const struct pose *pose,
                        const double hull[4])
{
    return thing->round ? round_gap(thing, pose, hull) : box_gap(thing, pose, hull);
}

double room_free(const struct room *room, const struct gate_model *model, double x, double y,
                 double angle, double inflated_mm)
{
    const double hull[4] = {-model->rear_mm - inflated_mm, model->front_mm + inflated_mm,
                            -model->half_width_mm - inflated_mm,
                            model->half_width_mm + inflated_mm};
    struct pose pose = {x, y, cos(angle), sin(angle)};
    double least = INFINITY;

    for (int i = 0; i < room->count; i++) {
        least = fmin(least, thing_gap(&room->things[i], &pose, hull));
    }
    return least;
}

static void furnish_corridor(struct room *room)
{
    double half = room_random(room, 190, 400);

    room_add_walls(room, 3000, half);
    for (int i = 0; i < 4; i++) {
        room_add_leg(room, room_random(room, -2900, 2900), room_random(room, -half, half),
                     room_random(room, 10, 40));
    }
}

static void furnish_room(struct room *room, int kind)
{
    static const int things[] = {8, 24, 0, 30};
    double half = kind == 3 ? 1000 : 1500;

    room_add_walls(room, half, half);
    for (int i = 0; i < things[kind]; i++) {
        double x = room_random(room, -half, half), y = room_random(room, -half, half);

        if (kind == 1 || i % 2 == 0) {
            room_add_leg(room, x, y, room_random(room, 8, kind == 1 ? 20 : 60));
        } else {
            room_add_box(room, x, y, x + room_random(room, 30, 300),
                         y + room_random(room, 30, 300));
        }
    }
}

void room_furnish(struct room *room, const struct gate_model *model, int kind)
{
    if (kind == 2) {
        furnish_corridor(room);
    } else {
        furnish_room(room, kind);
    }
    for (int i = 0; i < 10000; i++) {
        const double inside[4] = {room->things[1].x1, room->things[0].x0, room->things[3].y1,
                                  room->things[2].y0};

        room->x = room_random(room, -2000, 2000);
        room->y = room_random(room, -1400, 1400);
        room->angle = room_random(room, -M_PI, M_PI);
        if (point_gap(room->x, room->y, inside) < 0 &&
            room_free(room, model, room->x, room->y, room->angle, 0) > 60) {
            return;
        }
    }
}

static double ray_box(const struct room_thing *thing, double x, double y, double dx, double dy)
{
    double tx0 = (thing->x0 - x) / dx, tx1 = (thing->x1 - x) / dx;
    double ty0 = (thing->y0 - y) / dy, ty1 = (thing->y1 - y) / dy;
    double in = fmax(fmin(tx0, tx1), fmin(ty0, ty1));
    double out = fmin(fmax(tx0, tx1), fmax(ty0, ty1));

    return in <= out && in > 0 ? in : INFINITY;
}

static double ray_round(const struct room_thing *thing, double x, double y, double dx, double dy)
{
    double mx = thing->x0 - x, my = thing->y0 - y;
    double along = mx * dx + my * dy;
    double rest = thing->x1 * thing->x1 - (mx * mx + my * my - along * along);

    return rest > 0 && along > 0 ? along - sqrt(rest) : INFINITY;
}

/* Range along a bearing in the room, and what is there. */
static double ray(const struct room *room, double x, double y, double angle, bool low,
                  const struct room_thing **ret_thing)
{
    double dx = cos(angle) + 1e-12, dy = sin(angle) + 1e-12;
    double nearest = INFINITY;

    for (int i = 0; i < room->count; i++) {
        const struct room_thing *thing = &room->things[i];
        double range = INFINITY;

        if (!thing->low || low) {
            range = thing->round ? ray_round(thing, x, y, dx, dy) : ray_box(thing, x, y, dx, dy);
        }
        if (range < nearest) {
            nearest = range;
            *ret_thing = thing;
        }
    }
    return nearest;
}

static void deliver(struct room *room, struct gate *gate)
{
    for (int i = 0; i < room->waiting; i++) {
        gate_beam(gate, room->waiting_slot[i], room->waiting_mm[i], room->waiting_ms[i]);
    }
    room->waiting = 0;
}

static void beam_cast(struct room *room)
{
    const struct room_thing *thing = NULL;
    double range = ray(room, room->x, room->y, room->angle - room->bearing * RAD, false, &thing);
    double noise = room_random(room, -room->noise_mm, room->noise_mm);
    bool dark = range > LIDAR_RANGE || room_random(room, 0, 1) < room->dropout ||
                (thing != NULL && room_random(room, 0, 1) < thing->black);
    int slot = (int)floor((360 - room->bearing) * 2 + 0.5) % GATE_SLOTS;

    room->waiting_slot[room->waiting] = slot;
    room->waiting_mm[room->waiting] = dark ? 0 : (int)fmax(range + noise, 1);
    room->waiting_ms[room->waiting++] = room->now_ms;
    room->bearing = fmod(room->bearing + BEAM_STEP + 0.0003, 360);
}

static void sonar_ping(struct room *room, struct gate *gate, const struct gate_model *model)
{
    double x = room->x + model->sonar_x_mm * cos(room->angle);
    double y = room->y + model->sonar_x_mm * sin(room->angle);
    double noise = room_random(room, -5, 5);
    double nearest = INFINITY;

    for (int i = -7; i <= 7; i++) {
        const struct room_thing *thing;

        nearest = fmin(nearest, ray(room, x, y, room->angle + i * 2 * RAD, true, &thing));
    }
    if (room_random(room, 0, 1) < room->dropout) {
        nearest = INFINITY;
    }
    gate_sonar(gate, nearest > GATE_SONAR_MAX - 10 ? GATE_SONAR_MAX : (int)fmax(nearest + noise, 1),
               room->now_ms);
}

/* Velocities follow what is told, each axis on its own. */
static void obey(struct room *room, const struct gate_model *model, double seconds)
{
    const struct twist *told = &room->told[room->vices.delay];
    const double wanted[GATE_AXES] = {told->vx_mm_s, told->vy_mm_s, told->wz_mrad_s};

    for (int axis = 0; axis < GATE_AXES; axis++) {
        double goal = wanted[axis] * room->vices.scale[axis];
        double brake = room->vices.decel[axis] * (axis == GATE_TURN ? 1000.0 / model->arm_mm : 1);
        bool braking = fabs(goal) < fabs(room->speed[axis]) || goal * room->speed[axis] < 0;
        double most = brake * (braking ? 1 : room->vices.accel) * seconds;

        room->speed[axis] += fmin(fmax(goal - room->speed[axis], -most), most);
    }
}

static void move(struct room *room, double seconds)
{
    const struct room_vices *vices = &room->vices;
    const double *speed = room->speed;
    double forward = speed[0] + speed[1] * vices->forward_by_side + speed[2] * vices->shift_by_turn;
    double side = speed[1] + speed[0] * vices->side_by_forward + speed[2] * vices->shift_by_turn;
    double turn = speed[2] + speed[0] * vices->turn_by_forward + speed[1] * vices->turn_by_side;
    double middle = room->angle + turn / 1000 * seconds / 2;

    room->x += (forward * cos(middle) - side * sin(middle)) * seconds;
    room->y += (forward * sin(middle) + side * cos(middle)) * seconds;
    room->angle += turn / 1000 * seconds;
}

/* What touches stops the car; how fast it came near is what counts. */
static void collide(struct room *room, const struct gate_model *model, const struct pose *before,
                    double seconds)
{
    const double hull[4] = {-model->rear_mm, model->front_mm, -model->half_width_mm,
                            model->half_width_mm};
    struct pose pose = {room->x, room->y, cos(room->angle), sin(room->angle)};
    double worst = 0;
    bool touches = false;

    for (int i = 0; i < room->count; i++) {
        double gap = thing_gap(&room->things[i], &pose, hull);

        room->least_mm = fmin(room->least_mm, gap);
        if (gap <= 0) {
            touches = true;
            worst = fmax(worst, (thing_gap(&room->things[i], before, hull) - gap) / seconds);
        }
    }
    if (touches) {
        room->x = before->x;
        room->y = before->y;
        room->angle = atan2(before->sine, before->cosine);
        memset(room->speed, 0, sizeof(room->speed));
        room->contacts += worst > 50 ? 1 : 0;
        room->closing_mm_s = fmax(room->closing_mm_s, worst);
    }
}

void room_step(struct room *room, struct gate *gate, const struct twist *asked,
               struct gate_output *ret_output)
{
    struct gate_input input = {
        .asked = *asked, .permits = GATE_PERMIT_ALL, .cap_mm_s = GATE_NO_CAP};
    double seconds = 0.01 / SUBSTEPS;
    int cast = 0;

    if (room->late) {
        deliver(room, gate);
    }
    for (int i = 0; i < SUBSTEPS; i++) {
        struct pose before = {room->x, room->y, cos(room->angle), sin(room->angle)};

        obey(room, &gate->model, seconds);
        move(room, seconds);
        collide(room, &gate->model, &before, seconds);
        room->now_ms += i % 2 == 0 ? 2 : 3;
        for (; cast < BEAMS * (i + 1) / SUBSTEPS; cast++) {
            beam_cast(room);
        }
    }
    if (!room->late) {
        deliver(room, gate);
    }
    if (room->now_ms / 10 % SONAR_TICKS == 0) {
        sonar_ping(room, gate, &gate->model);
    }
    input.now_ms = room->now_ms;
    gate_step(gate, &input, ret_output);
    memmove(&room->told[1], &room->told[0], sizeof(room->told) - sizeof(room->told[0]));
    room->told[0] = ret_output->given;
}

void room_settle(struct room *room, struct gate *gate)
{
    const struct twist still = {0};
    struct gate_output output;

    for (int i = 0; i < 50; i++) {
        room_step(room, gate, &still, &output);
    }
    room->least_mm = INFINITY;
}
