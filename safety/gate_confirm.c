/* See gate_confirm.h. The answer begins at zero, and one line alone sets a speed. */
#include "safety/gate_confirm.h"

static bool is_between(int32_t value, int32_t asked)
{
    return (value >= 0 && value <= asked) || (value <= 0 && value >= asked);
}

static bool is_asked(const struct twist *proposal, const struct twist *asked)
{
    return is_between(proposal->vx_mm_s, asked->vx_mm_s) &&
           is_between(proposal->vy_mm_s, asked->vy_mm_s) &&
           is_between(proposal->wz_mrad_s, asked->wz_mrad_s);
}

static bool is_below(const struct twist *proposal, const struct gate_ceilings *ceilings)
{
    return proposal->vx_mm_s <= ceilings->forward_mm_s &&
           proposal->vx_mm_s >= -(int64_t)ceilings->backward_mm_s &&
           proposal->vy_mm_s <= ceilings->strafe_mm_s &&
           proposal->vy_mm_s >= -(int64_t)ceilings->strafe_mm_s &&
           proposal->wz_mrad_s <= ceilings->turn_mrad_s &&
           proposal->wz_mrad_s >= -(int64_t)ceilings->turn_mrad_s;
}

static bool is_clear(const struct gate_model *model, const struct gate_case *gate_case,
                     const struct twist *proposal)
{
    struct gate_motion motion;

    gate_motion_init(&motion, model, proposal, GATE_MARGIN_RUNNING);
    if (motion.endless) {
        return false; /* also when nothing is there that it could hit */
    }
    for (int i = 0; i < gate_case->count; i++) {
        if (gate_box_counts(&gate_case->boxes[i], motion.rim_mm_s) &&
            gate_motion_hits(&motion, &gate_case->boxes[i])) {
            return false;
        }
    }
    return true;
}

struct twist gate_confirm(const struct gate_model *model, const struct gate_case *gate_case,
                          const struct twist *proposal)
{
    struct twist given = {0};
    int32_t rim = gate_model_rim(model, proposal);

    if (gate_case->permits == GATE_PERMIT_ALL && is_asked(proposal, &gate_case->asked) &&
        is_below(proposal, &gate_case->ceilings) && rim <= gate_case->ceilings.rim_mm_s &&
        rim >= model->rim_min_mm_s && is_clear(model, gate_case, proposal)) {
        given = *proposal;
    }
    return given;
}
