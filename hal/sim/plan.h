/* The plan of a room: what stands in it, for every sensor of the car and for its bumper.
 *
 * Everything is made of faces: upright rectangles over a line on the floor, from a bottom to a top.
 * What a sensor meets follows from its height and from the material. Millimetres; x to the right
 * and y up on the plan, angles counter-clockwise from x.
 *
 * A plan is a text file, one thing a line, numbers in millimetres and degrees:
 *
 *     name     living room
 *     start    900 900 45                      x y direction
 *     floor    color=b08860 texture=wood       also: ceiling
 *     room     0 0 5200 4400 color=d8d0b8      four walls: x y width depth
 *     wall     2600 0 2600 1200 ...            from corner to corner, 60 mm thick
 *     box      1200 3000 1800 800 height=450   x y width depth, turned about its first corner
 *     table    3000 1000 1200 800 height=740   a top on four legs
 *     door     2000 0 2800 0 open=70           hinge, other side
 *     person   900 900 4000 900 speed=800      walks from stop to stop and back; also: pet
 *
 * Keys behind the numbers: color=RRGGBB, texture=plain|brick|wood|tiles|stripes|carpet, height=,
 * bottom=, turn=, open=, speed=, material=solid|glass|black|soft. Glass lets light through: the
 * sonar has an echo, the lidar a return only where a beam meets it within 8 degrees of straight on.
 * Black swallows the beams of the lidar, soft the echo of the sonar. A '#' begins a comment where
 * it follows a blank or begins a line.
 *
 * Caller's memory; constant after it was read; any thread.
 */
#ifndef HAL_SIM_PLAN_H
#define HAL_SIM_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PLAN_FACES_MAX   1000
#define PLAN_WALKERS_MAX 4
#define PLAN_STOPS_MAX   16
#define PLAN_NAME_SIZE   64
#define PLAN_FILE_MAX    65536  /* bytes */
#define PLAN_FAR_MM      100000 /* no coordinate is further from 0 */

enum plan_material {
    PLAN_SOLID,
    PLAN_GLASS, /* light goes through, and beams that do not meet it straight on */
    PLAN_BLACK, /* beams of the lidar end without a return */
    PLAN_SOFT,  /* the sonar has no echo */
};

enum plan_texture {
    PLAN_PLAIN,
    PLAN_BRICK,
    PLAN_WOOD,
    PLAN_TILES,
    PLAN_STRIPES,
    PLAN_CARPET,
};

struct plan_look {
    uint8_t red, green, blue;
    uint8_t texture; /* enum plan_texture */
};

struct plan_face {
    float x0_mm, y0_mm, x1_mm, y1_mm;
    float bottom_mm, top_mm;
    struct plan_look look;
    uint8_t material; /* enum plan_material */
};

struct plan_walker {
    bool is_pet;
    struct plan_look look;
    float speed_mm_s;
    int count; /* of stops, at least two */
    float x_mm[PLAN_STOPS_MAX], y_mm[PLAN_STOPS_MAX];
};

struct plan {
    char name[PLAN_NAME_SIZE];
    struct plan_look floor, ceiling;
    float height_mm;             /* of the ceiling */
    float x_mm, y_mm, angle_rad; /* where the car starts */
    int face_count;
    struct plan_face faces[PLAN_FACES_MAX];
    int walker_count;
    struct plan_walker walkers[PLAN_WALKERS_MAX];
};

enum plan_result {
    PLAN_REFUSED = 1, /* the error says why */
};

/* Reads a plan from memory. 0; PLAN_REFUSED and "LINE: what is wrong and what was expected". Total:
 * any bytes. `plan` holds nothing useful after a refusal. */
int plan_read(const char *text, size_t size, struct plan *plan, char *ret_error, size_t error_size);

/* Reads a file; its name begins the error. 0; PLAN_REFUSED; -errno of the file. */
int plan_load(const char *path, struct plan *plan, char *ret_error, size_t error_size);

/* For who builds one: an empty plan, and a thing in it; what does not fit any more is left out. */
void plan_init(struct plan *plan, const char *name);
void plan_add_face(struct plan *plan, const struct plan_face *face);

/* A box of `width` along `turn_rad` and `depth` to the left of it, from its corner; the look,
 * material and heights are those of `like`. */
void plan_add_box(struct plan *plan, const struct plan_face *like, double width_mm, double depth_mm,
                  double turn_rad);

/* A wall from corner to corner, as thick as a `wall` of a file. */
void plan_add_wall(struct plan *plan, const struct plan_face *like, double x0_mm, double y0_mm,
                   double x1_mm, double y1_mm);

#endif
