/* See world.h. Rays are tested against the few faces that lie in the wedge that they span, which
 * is what makes a room of a hundred faces cheap. */
#include "hal/sim/world.h"

#include <math.h>
#include <string.h>

#define WAIT_MM 400 /* between a walker's middle and the car's */
#define WIDE    (M_PI * 0.9)

#define GLASS_SINE 0.139F /* of 8 degrees */

struct limb {
    float width_mm, depth_mm, bottom_mm, top_mm;
    float shade; /* of the walker's colour */
};

static const struct limb person[] = {
    {300, 240, 0, 850, 0.55F},
    {420, 240, 850, 1480, 1},
    {200, 200, 1480, 1750, 1.35F},
};
static const struct limb pet[] = {
    {160, 160, 0, 150, 0.8F},
    {180, 340, 150, 300, 1},
    {140, 140, 300, 380, 1.1F},
};

static uint8_t shaded(uint8_t value, float shade)
{
    float result = (float)value * shade;

    return (uint8_t)(result > 255 ? 255 : result);
}

static void place_limb(struct plan_face *faces, const struct limb *limb, struct plan_look look,
                       double x_mm, double y_mm)
{
    float hx = limb->width_mm / 2, hy = limb->depth_mm / 2, x = (float)x_mm, y = (float)y_mm;
    const float cx[5] = {x - hx, x + hx, x + hx, x - hx, x - hx};
    const float cy[5] = {y - hy, y - hy, y + hy, y + hy, y - hy};

    look.red = shaded(look.red, limb->shade);
    look.green = shaded(look.green, limb->shade);
    look.blue = shaded(look.blue, limb->shade);
    for (int i = 0; i < 4; i++) {
        faces[i] = (struct plan_face){.x0_mm = cx[i],
                                      .y0_mm = cy[i],
                                      .x1_mm = cx[i + 1],
                                      .y1_mm = cy[i + 1],
                                      .bottom_mm = limb->bottom_mm,
                                      .top_mm = limb->top_mm,
                                      .look = look};
    }
}

static void place_walkers(struct world *world)
{
    world->face_count = world->plan->face_count;
    for (int i = 0; i < world->plan->walker_count; i++) {
        const struct plan_walker *plan = &world->plan->walkers[i];
        const struct limb *limbs = plan->is_pet ? pet : person;

        for (int limb = 0; limb < 3; limb++) {
            place_limb(&world->faces[world->face_count], &limbs[limb], plan->look,
                       world->walkers[i].x_mm, world->walkers[i].y_mm);
            world->face_count += 4;
        }
    }
}

void world_init(struct world *world, const struct plan *plan)
{
    world->plan = plan;
    memcpy(world->faces, plan->faces, sizeof(plan->faces[0]) * (size_t)plan->face_count);
    for (int i = 0; i < plan->walker_count; i++) {
        world->walkers[i] = (struct world_walker){.x_mm = (double)plan->walkers[i].x_mm[0],
                                                  .y_mm = (double)plan->walkers[i].y_mm[0],
                                                  .stop = 1,
                                                  .way = 1};
    }
    place_walkers(world);
}

static void walk(struct world_walker *walker, const struct plan_walker *plan, double seconds,
                 const struct world_pose *car)
{
    double dx = (double)plan->x_mm[walker->stop] - walker->x_mm;
    double dy = (double)plan->y_mm[walker->stop] - walker->y_mm;
    double left = hypot(dx, dy), way = (double)plan->speed_mm_s * seconds;
    double share = left > way ? way / left : 1;
    double x = walker->x_mm + dx * share, y = walker->y_mm + dy * share;
    double now = hypot(walker->x_mm - car->x_mm, walker->y_mm - car->y_mm);
    double then = hypot(x - car->x_mm, y - car->y_mm);

    if (then < WAIT_MM && then < now) {
        return;
    }
    walker->x_mm = x;
    walker->y_mm = y;
    if (left <= way) {
        if (walker->stop + walker->way < 0 || walker->stop + walker->way >= plan->count) {
            walker->way = -walker->way;
        }
        walker->stop += walker->way;
    }
}

void world_step(struct world *world, double seconds, const struct world_pose *car)
{
    if (world->plan->walker_count == 0) {
        return;
    }
    for (int i = 0; i < world->plan->walker_count; i++) {
        walk(&world->walkers[i], &world->plan->walkers[i], seconds, car);
    }
    place_walkers(world);
}

int world_look(const struct world *world, const struct world_pose *from, double width_rad,
               int ret_faces[WORLD_FACES_MAX])
{
    float x = (float)from->x_mm, y = (float)from->y_mm;
    float ax = (float)cos(from->angle_rad), ay = (float)sin(from->angle_rad);
    float bx = (float)cos(from->angle_rad + width_rad);
    float by = (float)sin(from->angle_rad + width_rad);
    bool wide = width_rad > WIDE;
    int count = 0;

    for (int i = 0; i < world->face_count; i++) {
        const struct plan_face *face = &world->faces[i];
        float x0 = face->x0_mm - x, y0 = face->y0_mm - y;
        float x1 = face->x1_mm - x, y1 = face->y1_mm - y;

        if (!wide && ((ax * y0 - ay * x0 < 0 && ax * y1 - ay * x1 < 0) ||
                      (bx * y0 - by * x0 > 0 && bx * y1 - by * x1 > 0))) {
            continue;
        }
        ret_faces[count++] = i;
    }
    return count;
}

bool world_meets(const struct plan_face *face, float x_mm, float y_mm, float dx, float dy,
                 float *ret_along, float *ret_where)
{
    float ex = face->x1_mm - face->x0_mm, ey = face->y1_mm - face->y0_mm;
    float px = face->x0_mm - x_mm, py = face->y0_mm - y_mm;
    float across = dx * ey - dy * ex;
    float along = px * ey - py * ex, where = px * dy - py * dx;

    if (across < 0) {
        across = -across;
        along = -along;
        where = -where;
    }
    if (along <= 0 || where < 0 || where > across || across < 1e-9F) {
        return false;
    }
    *ret_along = along / across;
    *ret_where = where / across;
    return true;
}

static bool is_met(const struct plan_face *face, enum world_sense sense, float height_mm)
{
    if (face->bottom_mm > height_mm || face->top_mm <= height_mm) {
        return false;
    }
    switch (sense) {
    case WORLD_LIDAR:
        return true;
    case WORLD_CAMERA:
        return face->material != PLAN_GLASS;
    case WORLD_SONAR:
        return face->material != PLAN_SOFT;
    }
    return false;
}

/* Does the beam go through? Only glass that is not met straight on lets it. */
static bool goes_through(const struct plan_face *face, enum world_sense sense, float dx, float dy)
{
    float ex = face->x1_mm - face->x0_mm, ey = face->y1_mm - face->y0_mm;
    float along = dx * ex + dy * ey;

    return sense == WORLD_LIDAR && face->material == PLAN_GLASS &&
           along * along > GLASS_SINE * GLASS_SINE * (ex * ex + ey * ey);
}

void world_scan(const struct world *world, enum world_sense sense, double height_mm,
                const struct world_pose *from, double step_rad, int count, double range_mm,
                float *ret_mm)
{
    int places[WORLD_FACES_MAX], place_count = 0;
    struct world_pose first = *from;
    double width_rad = step_rad * (count - 1);
    float x = (float)from->x_mm, y = (float)from->y_mm;

    if (width_rad < 0) {
        first.angle_rad += width_rad;
        width_rad = -width_rad;
    }
    first.angle_rad -= 0.001;
    place_count = world_look(world, &first, width_rad + 0.002, places);
    for (int i = 0; i < count; i++) {
        double angle = from->angle_rad + i * step_rad;
        float dx = (float)cos(angle), dy = (float)sin(angle);
        float nearest = (float)range_mm;
        bool returns = false;

        for (int k = 0; k < place_count; k++) {
            const struct plan_face *face = &world->faces[places[k]];
            float along, where;

            if (is_met(face, sense, (float)height_mm) &&
                world_meets(face, x, y, dx, dy, &along, &where) && along < nearest &&
                !goes_through(face, sense, dx, dy)) {
                nearest = along;
                returns = sense != WORLD_LIDAR || face->material != PLAN_BLACK;
            }
        }
        ret_mm[i] = returns ? nearest : 0;
    }
}

/* Squared distance of a point to a segment. */
static double point_gap2(double px, double py, double x0, double y0, double x1, double y1)
{
    double ex = x1 - x0, ey = y1 - y0, length2 = ex * ex + ey * ey;
    double share = length2 > 0 ? ((px - x0) * ex + (py - y0) * ey) / length2 : 0;
    double dx, dy;

    share = fmin(fmax(share, 0), 1);
    dx = x0 + share * ex - px;
    dy = y0 + share * ey - py;
    return dx * dx + dy * dy;
}

/* Does the segment come into the rectangle? Cuts it at each side in turn (Liang and Barsky). */
static bool crosses(const double sides[4], double x0, double y0, double x1, double y1)
{
    double from = 0, to = 1;
    const double way[4] = {-(x1 - x0), x1 - x0, -(y1 - y0), y1 - y0};
    const double room[4] = {x0 - sides[0], sides[1] - x0, y0 - sides[2], sides[3] - y0};

    for (int i = 0; i < 4; i++) {
        double share = way[i] == 0 ? 0 : room[i] / way[i];

        if (way[i] == 0 && room[i] < 0) {
            return false;
        }
        if (way[i] < 0) {
            from = fmax(from, share);
        } else if (way[i] > 0) {
            to = fmin(to, share);
        }
    }
    return from <= to;
}

static double rectangle_gap2(const double sides[4], double x0, double y0, double x1, double y1)
{
    double least = INFINITY;

    if (crosses(sides, x0, y0, x1, y1)) {
        return 0;
    }
    for (int i = 0; i < 4; i++) { /* corners to the segment, ends of the segment to the rectangle */
        least = fmin(least, point_gap2(sides[i % 2], sides[2 + i / 2], x0, y0, x1, y1));
    }
    for (int i = 0; i < 2; i++) {
        double x = i == 0 ? x0 : x1, y = i == 0 ? y0 : y1;
        double dx = fmax(0, fmax(sides[0] - x, x - sides[1]));
        double dy = fmax(0, fmax(sides[2] - y, y - sides[3]));

        least = fmin(least, dx * dx + dy * dy);
    }
    return least;
}

static bool is_far(const struct plan_face *face, float x, float y, float far)
{
    return fmaxf(face->x0_mm, face->x1_mm) < x - far || fminf(face->x0_mm, face->x1_mm) > x + far ||
           fmaxf(face->y0_mm, face->y1_mm) < y - far || fminf(face->y0_mm, face->y1_mm) > y + far;
}

/* `lidar_mm` above 0: only what the lidar gets a return from. */
static double hull_gap(const struct world *world, const struct world_pose *pose,
                       const struct world_hull *hull, double lidar_mm, double far_mm)
{
    const double sides[4] = {-hull->rear_mm, hull->front_mm, -hull->half_width_mm,
                             hull->half_width_mm};
    double cosine = cos(pose->angle_rad), sine = sin(pose->angle_rad);
    double reach = far_mm + hypot(fmax(hull->front_mm, hull->rear_mm), hull->half_width_mm);
    double least = far_mm * far_mm;

    for (int i = 0; i < world->face_count; i++) {
        const struct plan_face *face = &world->faces[i];
        bool counts = lidar_mm > 0
                          ? is_met(face, WORLD_LIDAR, (float)lidar_mm) &&
                                face->material != PLAN_BLACK && face->material != PLAN_GLASS
                          : (double)face->bottom_mm < hull->top_mm;
        double x0, y0, x1, y1;

        if (!counts || is_far(face, (float)pose->x_mm, (float)pose->y_mm, (float)reach)) {
            continue;
        }
        x0 = (double)face->x0_mm - pose->x_mm;
        y0 = (double)face->y0_mm - pose->y_mm;
        x1 = (double)face->x1_mm - pose->x_mm;
        y1 = (double)face->y1_mm - pose->y_mm;
        least = fmin(least, rectangle_gap2(sides, x0 * cosine + y0 * sine, y0 * cosine - x0 * sine,
                                           x1 * cosine + y1 * sine, y1 * cosine - x1 * sine));
    }
    return sqrt(least);
}

double world_gap(const struct world *world, const struct world_pose *pose,
                 const struct world_hull *hull, double far_mm)
{
    return hull_gap(world, pose, hull, 0, far_mm);
}

double world_lidar_gap(const struct world *world, const struct world_pose *pose,
                       const struct world_hull *hull, double lidar_mm, double far_mm)
{
    return hull_gap(world, pose, hull, lidar_mm, far_mm);
}

double world_room(const struct world *world, double x_mm, double y_mm, double top_mm, double far_mm)
{
    double least = far_mm * far_mm;

    for (int i = 0; i < world->face_count; i++) {
        const struct plan_face *face = &world->faces[i];

        if ((double)face->bottom_mm < top_mm &&
            !is_far(face, (float)x_mm, (float)y_mm, (float)far_mm)) {
            least = fmin(least, point_gap2(x_mm, y_mm, (double)face->x0_mm, (double)face->y0_mm,
                                           (double)face->x1_mm, (double)face->y1_mm));
        }
    }
    return sqrt(least);
}
