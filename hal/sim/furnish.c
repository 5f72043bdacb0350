/* See furnish.h. */
#include "hal/sim/furnish.h"

#include <math.h>
#include <stdio.h>

#include "hal/sim/random.h"
#include "hal/sim/world.h"

#define CAR_TOP_MM  150
#define START_MM    230 /* free around the car's middle at the start */
#define TRIES       400
#define WALL_MM     2400
#define DOOR_GAP_MM 700

enum kind {
    KIND_FURNISHED,
    KIND_LEGS,
    KIND_CORRIDOR,
    KIND_TWO_ROOMS,
    KIND_CLUTTER,
    KIND_COUNT,
};

struct site {
    struct plan *plan;
    struct random random;
    double width_mm, depth_mm;
};

static struct plan_look any_look(struct random *random)
{
    return (struct plan_look){
        .red = (uint8_t)random_between(random, 60, 220),
        .green = (uint8_t)random_between(random, 60, 200),
        .blue = (uint8_t)random_between(random, 50, 190),
        .texture = (uint8_t)(random_next(random) % (PLAN_CARPET + 1)),
    };
}

static struct plan_face any_face(struct site *site, double height_mm)
{
    struct plan_face face = {.look = any_look(&site->random), .top_mm = (float)height_mm};

    face.x0_mm = (float)random_between(&site->random, 0, site->width_mm);
    face.y0_mm = (float)random_between(&site->random, 0, site->depth_mm);
    if (random_is(&site->random, 0.1)) {
        face.material = PLAN_BLACK;
    }
    return face;
}

static void add_boxes(struct site *site, int count, double least_mm, double most_mm)
{
    for (int i = 0; i < count; i++) {
        struct plan_face face = any_face(site, random_between(&site->random, 300, 1900));
        double width = random_between(&site->random, least_mm, most_mm);
        double depth = random_between(&site->random, least_mm, most_mm);
        double turn = random_is(&site->random, 0.5) ? 0 : random_between(&site->random, 0, M_PI);

        plan_add_box(site->plan, &face, width, depth, turn);
    }
}

/* Chairs: four legs and nothing else near the floor. */
static void add_chairs(struct site *site, int count)
{
    for (int i = 0; i < count; i++) {
        struct plan_face leg = any_face(site, 450);
        double side = random_between(&site->random, 350, 600);
        double thick = random_between(&site->random, 25, 50);
        float x = leg.x0_mm, y = leg.y0_mm;

        for (int k = 0; k < 4; k++) {
            leg.x0_mm = x + (float)(k % 2 * side);
            leg.y0_mm = y + (float)(k / 2 * side);
            plan_add_box(site->plan, &leg, thick, thick, 0);
        }
    }
}

static void add_room(struct site *site)
{
    struct plan_face wall = {.look = any_look(&site->random), .top_mm = WALL_MM};

    plan_add_box(site->plan, &wall, site->width_mm, site->depth_mm, 0);
}

static void add_wall(struct site *site, double x0, double y0, double x1, double y1)
{
    static const struct plan_face wall = {.top_mm = WALL_MM, .look = {200, 196, 184, PLAN_PLAIN}};

    plan_add_wall(site->plan, &wall, x0, y0, x1, y1);
}

static void build(struct site *site, enum kind kind)
{
    double gap;

    add_room(site);
    switch (kind) {
    case KIND_FURNISHED:
        add_boxes(site, 6, 200, 1100);
        add_chairs(site, 2);
        break;
    case KIND_LEGS:
        add_chairs(site, 5);
        add_boxes(site, 1, 300, 800);
        break;
    case KIND_CORRIDOR:
        add_boxes(site, 2, 80, 250);
        break;
    case KIND_TWO_ROOMS:
        gap = random_between(&site->random, 200, site->depth_mm - 200 - DOOR_GAP_MM);
        add_wall(site, site->width_mm / 2, 0, site->width_mm / 2, gap);
        add_wall(site, site->width_mm / 2, gap + DOOR_GAP_MM, site->width_mm / 2, site->depth_mm);
        add_boxes(site, 4, 200, 800);
        break;
    case KIND_CLUTTER:
        add_boxes(site, 14, 60, 350);
        add_chairs(site, 2);
        break;
    case KIND_COUNT:
        break;
    }
}

/* False: no place was found. */
static bool place_car(struct site *site)
{
    struct world world;

    world_init(&world, site->plan);
    for (int i = 0; i < TRIES; i++) {
        double x = random_between(&site->random, START_MM, site->width_mm - START_MM);
        double y = random_between(&site->random, START_MM, site->depth_mm - START_MM);

        if (world_room(&world, x, y, CAR_TOP_MM, START_MM) >= START_MM) {
            site->plan->x_mm = (float)x;
            site->plan->y_mm = (float)y;
            site->plan->angle_rad = (float)random_between(&site->random, -M_PI, M_PI);
            return true;
        }
    }
    return false;
}

void furnish(struct plan *plan, uint64_t seed)
{
    struct site site = {.plan = plan};
    char name[PLAN_NAME_SIZE];
    bool placed = false;

    random_init(&site.random, seed);
    (void)snprintf(name, sizeof(name), "random %llu", (unsigned long long)seed);
    while (!placed) {
        enum kind kind = (enum kind)(random_next(&site.random) % KIND_COUNT);

        plan_init(plan, name);
        plan->floor = any_look(&site.random);
        site.width_mm = random_between(&site.random, 2000, 6000);
        site.depth_mm = kind == KIND_CORRIDOR ? random_between(&site.random, 700, 1200)
                                              : random_between(&site.random, 2000, 5000);
        build(&site, kind);
        placed = place_car(&site);
    }
}
