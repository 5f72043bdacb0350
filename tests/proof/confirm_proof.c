/* Theorems 1 and 2, about gate_confirm, for every proposal, intent, permit, ceiling and up to 64
 * boxes; more take the same path through the same loop, but that step is not machine-checked.
 *
 * Pre: the count of boxes, and coordinates and extents within the ranges of gate_motion.h. Post:
 * what is given is the proposal or zero; zero when a permit is missing; each axis between zero and
 * what is asked; within the ceilings; its rim speed zero or at least the slowest; it has a stopping
 * distance; and no box that counts is hit by its motion.
 *
 * The motion is any rectangle with any rim speed, and the exact half of gate_motion_hits is an
 * arbitrary predicate of the box (theorem 3 is about the real one): so it holds for each of them,
 * whichever box `witness` is.
 */
#include "tests/proof/proof.h"

#include "safety/gate_confirm.h"

#define BOXES 64

static struct gate_box boxes[BOXES];
static const struct gate_box *witness;
static bool witness_is_met;
static int32_t rim_of_proposal; /* any number: how it is computed does not matter here */
static struct gate_motion judged;

int32_t gate_model_rim(const struct gate_model *model, const struct twist *twist)
{
    (void)model;
    (void)twist;
    return rim_of_proposal;
}

void gate_motion_init(struct gate_motion *motion, const struct gate_model *model,
                      const struct twist *twist, enum gate_margin margin)
{
    (void)margin;
    motion->rim_mm_s = gate_model_rim(model, twist);
    motion->endless = nondet_int32() != 0;
    motion->swept =
        (struct gate_rectangle){nondet_int32(), nondet_int32(), nondet_int32(), nondet_int32()};
    judged = *motion;
}

bool gate_motion_meets(const struct gate_motion *motion, const struct gate_box *box)
{
    (void)motion;
    return box == witness ? witness_is_met : nondet_int32() != 0;
}

static void furnish(void)
{
    for (int i = 0; i < BOXES; i++) {
        boxes[i] = (struct gate_box){any(-GATE_COORDINATE_MAX, GATE_COORDINATE_MAX),
                                     any(-GATE_COORDINATE_MAX, GATE_COORDINATE_MAX),
                                     any(0, GATE_EXTENT_MAX),
                                     any(0, GATE_EXTENT_MAX),
                                     nondet_int32(),
                                     nondet_uint32()};
    }
}

static bool is_between(int32_t value, int32_t asked)
{
    return asked >= 0 ? value >= 0 && value <= asked : value <= 0 && value >= asked;
}

int main(void)
{
    struct gate_model model = {.rim_min_mm_s = any(130, 140)};
    struct twist proposal = {nondet_int32(), nondet_int32(), nondet_int32()};
    struct gate_case gate_case = {
        .permits = nondet_uint32(),
        .asked = {nondet_int32(), nondet_int32(), nondet_int32()},
        .ceilings = {nondet_int32(), nondet_int32(), nondet_int32(), nondet_int32(),
                     nondet_int32()},
        .boxes = boxes,
        .count = any(0, BOXES),
    };
    struct twist given;
    int32_t rim;

    rim_of_proposal = any(0, INT32_MAX);
    witness = &boxes[any(0, BOXES - 1)];
    witness_is_met = nondet_int32() != 0;
    furnish();
    given = gate_confirm(&model, &gate_case, &proposal);
    rim = rim_of_proposal;
    if (given.vx_mm_s == 0 && given.vy_mm_s == 0 && given.wz_mrad_s == 0) {
        return 0;
    }
    __CPROVER_assert(given.vx_mm_s == proposal.vx_mm_s && given.vy_mm_s == proposal.vy_mm_s &&
                         given.wz_mrad_s == proposal.wz_mrad_s,
                     "1: the proposal or zero");
    __CPROVER_assert(gate_case.permits == GATE_PERMIT_ALL, "1: every permit");
    __CPROVER_assert(is_between(given.vx_mm_s, gate_case.asked.vx_mm_s) &&
                         is_between(given.vy_mm_s, gate_case.asked.vy_mm_s) &&
                         is_between(given.wz_mrad_s, gate_case.asked.wz_mrad_s),
                     "1: between zero and what is asked");
    __CPROVER_assert(given.vx_mm_s <= gate_case.ceilings.forward_mm_s &&
                         -(int64_t)given.vx_mm_s <= gate_case.ceilings.backward_mm_s &&
                         given.vy_mm_s <= gate_case.ceilings.strafe_mm_s &&
                         -(int64_t)given.vy_mm_s <= gate_case.ceilings.strafe_mm_s &&
                         given.wz_mrad_s <= gate_case.ceilings.turn_mrad_s &&
                         -(int64_t)given.wz_mrad_s <= gate_case.ceilings.turn_mrad_s &&
                         rim <= gate_case.ceilings.rim_mm_s,
                     "1: within the ceilings");
    __CPROVER_assert(rim >= model.rim_min_mm_s, "1: at least the slowest");
    __CPROVER_assert(!judged.endless, "2: it has a stopping distance");
    __CPROVER_assert(witness >= boxes + gate_case.count ||
                         !gate_box_counts(witness, judged.rim_mm_s) ||
                         !gate_rectangle_overlaps(&judged.swept, witness) || !witness_is_met,
                     "2: no box that counts is hit");
    return 0;
}
