/* Theorem 5 for the motion: whatever twist and box, no overflow, shift or division fault, and no
 * pure translation that is given a distance lets a box that it covers at its start or end pass
 * (theorem 3 at the ends of the segment).
 *
 * Pre: coordinates within +-1000, point boxes, displacements within +-100, a hull of 140 by 125 mm.
 */
#include "tests/proof/proof.h"

#include "safety/gate_motion.h"

static bool is_inside(const struct gate_rectangle *hull, int32_t x, int32_t y)
{
    return x > hull->min_x && x < hull->max_x && y > hull->min_y && y < hull->max_y;
}

int main(void)
{
    struct gate_box box = {
        any(-16000, 16000), any(-16000, 16000), any(0, 2000), any(0, 2000), 0, 0};
    struct gate_motion motion;
    bool hit;

    motion.endless = false;
    motion.slow = false;
    motion.dx_mm = any(-100, 100);
    motion.dy_mm = any(-100, 100);
    motion.cosine = 16384;
    motion.sine = 0;
    motion.spread = 0;
    motion.hull = (struct gate_rectangle){-135, 186, -125, 125};
    motion.swept = motion.hull;
    motion.swept.min_x += motion.dx_mm < 0 ? motion.dx_mm : 0;
    motion.swept.max_x += motion.dx_mm > 0 ? motion.dx_mm : 0;
    motion.swept.min_y += motion.dy_mm < 0 ? motion.dy_mm : 0;
    motion.swept.max_y += motion.dy_mm > 0 ? motion.dy_mm : 0;
    hit = gate_motion_hits(&motion, &box);
    __CPROVER_assert(hit || !is_inside(&motion.hull, box.x_mm, box.y_mm), "3: at the start");
    __CPROVER_assert(hit ||
                         !is_inside(&motion.hull, box.x_mm - motion.dx_mm, box.y_mm - motion.dy_mm),
                     "3: at the end");
    return 0;
}
