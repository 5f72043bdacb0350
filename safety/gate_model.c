/* See gate_model.h.
 *
 * The stopping table is the one place where braking distances come from: entry i holds for speeds
 * of 8i-7..8i mm/s at the rim and is the smallest whole number of ms with 2 * a * tau >= v. A speed
 * that the table does not have has no stopping distance, and no motion at it is allowed.
 */
#include "safety/gate_model.h"

#include <string.h>

#include "safety/limits.h"

#define UNMEASURED_MM_S2 1000
#define UNMEASURED_MM_S  300
#define RIM_MM_S         500 /* a motor at full duty: saturated wheels would be slower than believed */
#define SLOW_LIDAR_MS    170 /* of a revolution: 1.5 of them are longer than the usual 250 ms */
#define SLOW_LIDAR_MM_S  300
#define SEEN_MAX_MS      300

static const struct gate_model defaults = {
    .front_mm = 100,
    .rear_mm = 95,
    .half_width_mm = 85,
    .arm_mm = 126,
    .sonar_x_mm = 90,
    .forward_mm_s = LIMITS_FORWARD_MM_S,
    .backward_mm_s = LIMITS_BACKWARD_MM_S,
    .strafe_mm_s = LIMITS_STRAFE_MM_S,
    .turn_mrad_s = LIMITS_TURN_MRAD_S,
    .rim_mm_s = UNMEASURED_MM_S,
    .rim_min_mm_s = 130,
    .creep_mm_s = 150,
    .no_sonar_mm_s = 250,
    .dark_mm_s = 250,
    .reaction_ms = 50,
    .decel_mm_s2 = {UNMEASURED_MM_S2, UNMEASURED_MM_S2, UNMEASURED_MM_S2},
    .margin_fast_mm = 40,
    .margin_creep_mm = 20,
    .margin_ahead_mm = 46,
    .margin_start_mm = 20,
    .margin_coast_mm = 10,
    .slow_permille = {150, 250, 300},
    .fast_permille = {50, 50, 300},
    .side_by_forward = 120,
    .forward_by_side = 250,
    .turn_by_forward = 250,
    .turn_by_side = 500,
    .shift_by_turn = 30,
    .fresh_ms = 100,
    .seen_ms = 250,
    .dark_ms = 400,
};

static int32_t lesser(int64_t a, int64_t b)
{
    return (int32_t)(a < b ? a : b);
}

static int32_t greater(int64_t a, int64_t b)
{
    return (int32_t)(a > b ? a : b);
}

static void tighten_speed(struct gate_model *model, const struct gate_options *options)
{
    static const int32_t ceilings[GATE_AXES] = {1500, 1000, 1260};
    const int64_t wanted[GATE_AXES] = {options->decel_forward_mm_s2, options->decel_strafe_mm_s2,
                                       options->decel_turn_mm_s2};

    model->forward_mm_s = lesser(model->forward_mm_s, options->forward_mm_s);
    model->backward_mm_s = lesser(model->backward_mm_s, options->backward_mm_s);
    model->strafe_mm_s = lesser(model->strafe_mm_s, options->strafe_mm_s);
    model->turn_mrad_s = lesser(model->turn_mrad_s, options->turn_mrad_s);
    for (int axis = 0; axis < GATE_AXES; axis++) {
        int32_t most = options->measured ? ceilings[axis] : UNMEASURED_MM_S2;

        model->decel_mm_s2[axis] = lesser(most, wanted[axis]);
    }
    if (options->measured) {
        model->rim_mm_s = RIM_MM_S;
    }
    if (options->revolution_ms > SLOW_LIDAR_MS) {
        model->rim_mm_s = lesser(model->rim_mm_s, SLOW_LIDAR_MM_S);
        model->seen_ms = lesser(SEEN_MAX_MS, options->revolution_ms * 3 / 2);
    }
}

static void tighten_room(struct gate_model *model, const struct gate_options *options)
{
    int32_t margin = greater(options->margin_mm, 0);

    model->reaction_ms = greater(model->reaction_ms, options->reaction_ms);
    model->rim_min_mm_s = greater(model->rim_min_mm_s, options->rim_min_mm_s);
    model->front_mm = greater(model->front_mm, options->front_mm);
    model->rear_mm = greater(model->rear_mm, options->rear_mm);
    model->half_width_mm = greater(model->half_width_mm, options->half_width_mm);
    model->margin_fast_mm += margin;
    model->margin_creep_mm += margin;
}

void gate_model_init(struct gate_model *model, const struct gate_options *options)
{
    *model = defaults;
    if (options != NULL) {
        tighten_speed(model, options);
        tighten_room(model, options);
    }
    gate_model_tabulate(model);
}

/* v / 2a of the fastest speed of a bin, rounded up. */
static uint16_t tau_ms(int32_t bin, int32_t decel_mm_s2)
{
    return (uint16_t)((bin * GATE_BIN_MM_S * 500 + decel_mm_s2 - 1) / decel_mm_s2);
}

void gate_model_tabulate(struct gate_model *model)
{
    for (int axis = 0; axis < GATE_AXES; axis++) {
        int32_t decel = model->decel_mm_s2[axis] < 100 ? 100 : model->decel_mm_s2[axis];

        for (int i = 0; i < GATE_BINS; i++) {
            model->tau_ms[axis][i] = tau_ms(i, decel);
        }
    }
}

int32_t gate_model_rim(const struct gate_model *model, const struct twist *twist)
{
    int64_t x = twist->vx_mm_s < 0 ? -(int64_t)twist->vx_mm_s : twist->vx_mm_s;
    int64_t y = twist->vy_mm_s < 0 ? -(int64_t)twist->vy_mm_s : twist->vy_mm_s;
    int64_t turn = twist->wz_mrad_s < 0 ? -(int64_t)twist->wz_mrad_s : twist->wz_mrad_s;

    return lesser(x + y + (turn * model->arm_mm + 999) / 1000, INT32_MAX);
}

/* In the unit of the speed, rounded up. */
static int32_t distance(int64_t speed, int64_t ms)
{
    return (int32_t)((speed * ms + 999) / 1000);
}

int32_t gate_model_stop(const struct gate_model *model, enum gate_axis axis, int32_t speed)
{
    int64_t rim = axis == GATE_TURN ? ((int64_t)speed * model->arm_mm + 999) / 1000 : speed;
    int64_t bin = (rim + GATE_BIN_MM_S - 1) / GATE_BIN_MM_S;

    if (speed < 0 || bin >= GATE_BINS) {
        return -1;
    }
    return distance(speed, model->reaction_ms + model->tau_ms[axis][bin]);
}
