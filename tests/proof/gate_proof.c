/* Theorem 5 for gate.c, gate_world.c, gate_sonar.c and gate_arc.c: shown by Frama-C's Eva.
 *
 * From every state within its ranges, every beam, reading, mask, scan and step leads, without an
 * overflow, a wrong shift, division or access, to a state within its ranges: by induction over the
 * calls for any history. What the other files of the gate do stands here as they are shown to do
 * it: gate_drift.c by drift_proof.c, gate_motion.c by motion_proof.c, slew.c by slew_proof.c.
 */
#include "safety/gate.h"
#include "safety/limits.h"

#define TIME_MAX (INT64_MAX / 4)

static volatile int64_t source;

static int64_t any64(int64_t least, int64_t most)
{
    int64_t value = source;

    if (value < least) {
        return least;
    }
    return value > most ? most : value;
}

static int32_t any(int32_t least, int32_t most)
{
    return (int32_t)any64(least, most);
}

/* What is shown elsewhere */

/*@ requires 0 <= box->ex_mm <= GATE_EXTENT_MAX && 0 <= box->ey_mm <= GATE_EXTENT_MAX;
    requires -GATE_COORDINATE_MAX <= box->x_mm <= GATE_COORDINATE_MAX;
    requires -GATE_COORDINATE_MAX <= box->y_mm <= GATE_COORDINATE_MAX; */
bool gate_motion_meets(const struct gate_motion *motion, const struct gate_box *box)
{
    return any(0, 1) != 0;
}

void gate_motion_init(struct gate_motion *motion, const struct gate_model *model,
                      const struct twist *twist, enum gate_margin margin)
{
    *motion = (struct gate_motion){.rim_mm_s = gate_model_rim(model, twist)};
    motion->endless = any(0, 1) != 0;
    motion->swept = (struct gate_rectangle){any(-8000, 8000), any(-8000, 8000), any(-8000, 8000),
                                            any(-8000, 8000)};
}

static int32_t between_zero_and(int32_t wish)
{
    return wish < 0 ? any(wish, 0) : any(0, wish);
}

/*@ requires -10000 <= last->vx_mm_s <= 10000 && -10000 <= wish->vx_mm_s <= 10000;
    requires -10000 <= last->vy_mm_s <= 10000 && -10000 <= wish->vy_mm_s <= 10000;
    requires -10000 <= last->wz_mrad_s <= 10000 && -10000 <= wish->wz_mrad_s <= 10000; */
struct twist slew_step(struct slew *slew, const struct gate_model *model, int64_t now_ms,
                       const struct twist *last, const struct twist *wish)
{
    slew->allowance_mm_s = any(0, SLEW_STEP_MM_S);
    slew->time_ms = now_ms > slew->time_ms ? now_ms : slew->time_ms;
    return (struct twist){between_zero_and(wish->vx_mm_s), between_zero_and(wish->vy_mm_s),
                          between_zero_and(wish->wz_mrad_s)};
}

static void any_bounds(struct gate_bounds *bounds, int32_t most)
{
    for (int i = 0; i < GATE_AXES; i++) {
        bounds->lo[i] = any(-most, most);
        bounds->hi[i] = any(-most, most);
    }
}

static void any_drift(struct gate_drift *drift)
{
    any_bounds(&drift->coast, 2100);
    drift->step.time_ms = any64(0, 10000);
    for (int i = 0; i < GATE_AXES; i++) {
        drift->step.lo[i] = any64(-100000000, 100000000);
        drift->step.hi[i] = any64(-100000000, 100000000);
    }
}

void gate_drift_init(struct gate_drift *drift, int64_t now_ms)
{
    *drift = (struct gate_drift){.output_ms = now_ms};
}

void gate_drift_advance(struct gate_drift *drift, int64_t now_ms)
{
    any_drift(drift);
}

/*@ requires -LIMITS_BACKWARD_MM_S <= given->vx_mm_s <= LIMITS_FORWARD_MM_S;
    requires -LIMITS_STRAFE_MM_S <= given->vy_mm_s <= LIMITS_STRAFE_MM_S;
    requires -LIMITS_TURN_MRAD_S <= given->wz_mrad_s <= LIMITS_TURN_MRAD_S; */
void gate_drift_output(struct gate_drift *drift, const struct gate_model *model,
                       const struct twist *given)
{
    any_drift(drift);
}

void gate_drift_ages(const struct gate_drift *drift, int64_t oldest_ms,
                     struct gate_age ages[GATE_AGES])
{
    struct gate_age age;

    for (int i = 0; i < GATE_AGES; i++) {
        age.cosine = any(-TRIG_ONE, TRIG_ONE);
        age.sine = any(-TRIG_ONE, TRIG_ONE);
        age.x_mm = any(-2000, 2000);
        age.y_mm = any(-2000, 2000);
        age.ex_mm = any(0, 5003);
        age.ey_mm = any(0, 5003);
        age.blur_q10 = any(0, 1100);
        age.bend_q10 = any(0, 600);
        age.far_mm = any(0, INT16_MAX);
        ages[i] = age;
    }
}

/* The states */

static struct gate gate;

static int64_t any_time(void)
{
    return any64(-10000, TIME_MAX + 1000);
}

static void any_world(struct gate_world *world)
{
    for (int i = 0; i < GATE_SLOTS; i++) {
        world->slots[i].time_ms = any_time();
        world->slots[i].x_mm = (int16_t)any(-16300, 16300);
        world->slots[i].y_mm = (int16_t)any(-16300, 16300);
        world->slots[i].range_mm = (uint16_t)any(0, GATE_RANGE_MAX);
        world->slots[i].dark = any(0, 1) != 0;
        world->slots[i].beside = any(0, 1) != 0;
        world->masked[i] = any(0, 1) != 0;
    }
    for (int i = 0; i < GATE_CELLS; i++) {
        world->seen_ms[i] = any_time();
        world->return_ms[i] = any_time();
        world->never[i] = any(0, 1) != 0;
    }
    world->beam_ms = any_time();
    world->oldest_ms = any_time();
}

static void world_is_in_range(const struct gate_world *world)
{
    for (int i = 0; i < GATE_SLOTS; i++) {
        struct gate_slot slot = world->slots[i];

        /*@ assert -10000 <= slot.time_ms <= TIME_MAX + 1000; */
        /*@ assert -16300 <= slot.x_mm <= 16300 && -16300 <= slot.y_mm <= 16300; */
        /*@ assert slot.range_mm <= GATE_RANGE_MAX; */
    }
    for (int i = 0; i < GATE_CELLS; i++) {
        int64_t seen_ms = world->seen_ms[i], return_ms = world->return_ms[i];

        /*@ assert -10000 <= seen_ms <= TIME_MAX + 1000; */
        /*@ assert -10000 <= return_ms <= TIME_MAX + 1000; */
    }
    /*@ assert -10000 <= world->beam_ms <= TIME_MAX + 1000; */
    /*@ assert -10000 <= world->oldest_ms <= TIME_MAX + 1000; */
}

static void any_sonar(struct gate_sonar *sonar)
{
    sonar->off = any(0, 1) != 0;
    sonar->pending = any(0, 1) != 0;
    sonar->good = any(0, GATE_SONAR_GOOD);
    sonar->reading_mm = any(0, GATE_SONAR_MAX);
    sonar->reading_ms = any_time();
    sonar->stuck_um = any64(0, 200000000);
    sonar->beside_um = any64(0, 200000);
    for (int i = 0; i < GATE_SONAR_THINGS; i++) {
        struct gate_sonar_thing *thing = &sonar->things[i];

        thing->arc.x_um = any64(-10000000, 10000000);
        thing->arc.y_um = any64(-10000000, 10000000);
        thing->arc.extent_um = any64(0, 2000000);
        thing->arc.bearing_urad = any64(-3141593, 3141593);
        thing->arc.half_urad = any64(0, 3141593);
        thing->arc.deep_um = any64(0, 150000);
        thing->arc.radius_mm = any(0, GATE_SONAR_MAX);
        thing->seen_ms = any_time();
        thing->seen = any(0, 2);
        thing->through = any(0, 1) != 0;
    }
}

static void sonar_is_in_range(const struct gate_sonar *sonar)
{
    /*@ assert 0 <= sonar->good <= GATE_SONAR_GOOD; */
    /*@ assert 0 <= sonar->reading_mm <= GATE_SONAR_MAX; */
    /*@ assert -10000 <= sonar->reading_ms <= TIME_MAX + 1000; */
    /*@ assert 0 <= sonar->stuck_um <= 200000000; */
    /*@ assert 0 <= sonar->beside_um <= 200000; */
    for (int i = 0; i < GATE_SONAR_THINGS; i++) {
        struct gate_sonar_thing thing = sonar->things[i];
        struct gate_arc arc = thing.arc;

        /*@ assert -10000000 <= arc.x_um <= 10000000 && -10000000 <= arc.y_um <= 10000000; */
        /*@ assert 0 <= arc.extent_um <= 2000000 && 0 <= arc.half_urad <= 3141593; */
        /*@ assert 0 <= arc.deep_um <= 150000; */
        /*@ assert -3141593 <= arc.bearing_urad <= 3141593; */
        /*@ assert 0 <= arc.radius_mm <= GATE_SONAR_MAX; */
        /*@ assert -10000 <= thing.seen_ms <= TIME_MAX + 1000; */
        /*@ assert 0 <= thing.seen <= 2; */
    }
}

static void any_state(void)
{
    gate.now_ms = any64(0, TIME_MAX);
    gate.blocked = any(0, GATE_CLEAR_TICKS);
    gate.given.vx_mm_s = any(-LIMITS_BACKWARD_MM_S, LIMITS_FORWARD_MM_S);
    gate.given.vy_mm_s = any(-LIMITS_STRAFE_MM_S, LIMITS_STRAFE_MM_S);
    gate.given.wz_mrad_s = any(-LIMITS_TURN_MRAD_S, LIMITS_TURN_MRAD_S);
    any_world(&gate.world);
    any_sonar(&gate.sonar);
    any_drift(&gate.drift);
}

static void state_is_in_range(void)
{
    /*@ assert 0 <= gate.now_ms <= TIME_MAX; */
    /*@ assert 0 <= gate.blocked <= GATE_CLEAR_TICKS; */
    /*@ assert -LIMITS_BACKWARD_MM_S <= gate.given.vx_mm_s <= LIMITS_FORWARD_MM_S; */
    /*@ assert -LIMITS_STRAFE_MM_S <= gate.given.vy_mm_s <= LIMITS_STRAFE_MM_S; */
    /*@ assert -LIMITS_TURN_MRAD_S <= gate.given.wz_mrad_s <= LIMITS_TURN_MRAD_S; */
    /*@ assert 0 <= gate.boxes.count <= GATE_BOXES_MAX; */
    world_is_in_range(&gate.world);
    sonar_is_in_range(&gate.sonar);
}

static struct gate_options any_options(void)
{
    return (struct gate_options){
        .forward_mm_s = any64(0, LIMITS_FORWARD_MM_S),
        .backward_mm_s = any64(0, LIMITS_BACKWARD_MM_S),
        .strafe_mm_s = any64(0, LIMITS_STRAFE_MM_S),
        .turn_mrad_s = any64(0, LIMITS_TURN_MRAD_S),
        .measured = any(0, 1) != 0,
        .decel_forward_mm_s2 = any64(300, 1500),
        .decel_strafe_mm_s2 = any64(300, 1000),
        .decel_turn_mm_s2 = any64(300, 1260),
        .reaction_ms = any64(50, 200),
        .rim_min_mm_s = any64(130, 140),
        .front_mm = any64(100, 200),
        .rear_mm = any64(95, 200),
        .half_width_mm = any64(85, 200),
        .margin_mm = any64(0, 100),
        .revolution_ms = any64(0, 300),
    };
}

static void any_call(void)
{
    struct gate_input input = {
        .now_ms = any64(INT64_MIN, INT64_MAX),
        .asked = {any(INT32_MIN, INT32_MAX), any(INT32_MIN, INT32_MAX), any(INT32_MIN, INT32_MAX)},
        .permits = (uint32_t)any(0, INT32_MAX),
        .cap_mm_s = any(INT32_MIN, INT32_MAX),
    };
    struct gate_output output;
    uint16_t sectors[GATE_SECTORS];

    switch (any(0, 4)) {
    case 0:
        gate_mask(&gate, any(INT32_MIN, INT32_MAX), any(INT32_MIN, INT32_MAX));
        break;
    case 1:
        gate_beam(&gate, any(INT32_MIN, INT32_MAX), any(INT32_MIN, INT32_MAX),
                  any64(INT64_MIN, INT64_MAX));
        break;
    case 2:
        gate_sonar(&gate, any(INT32_MIN, INT32_MAX), any64(INT64_MIN, INT64_MAX));
        break;
    case 3:
        gate_scan(&gate, sectors);
        break;
    default:
        gate_step(&gate, &input, &output);
    }
}

int main(void)
{
    const struct gate_options options = any_options();
    struct gate_model model;

    gate_model_init(&model, &options);
    model.lidar_x_mm = any(-200, 200);
    model.lidar_y_mm = any(-200, 200);
    gate_init(&gate, &model, any64(INT64_MIN, INT64_MAX));
    state_is_in_range();
    any_state();
    any_call();
    state_is_in_range();
    return 0;
}
