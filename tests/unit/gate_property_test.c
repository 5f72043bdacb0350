/* The gate's promises, over many random rooms in virtual time: nothing is touched, what is free is
 * used. Each run prints its seed when it breaks a promise. NAV_TEST_LONG=1 runs twenty times as
 * many.
 *
 * The last tests test these: with one of the gate's assumptions switched off, one of the promises
 * has to break, or the promise is not worth much.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/gate_room.h"

#define RUN_TICKS  600
#define NEAREST_MM 28 /* nothing comes nearer to the hull than this */

/* Margins of a start, and noise: what has to be free around a probe. */
#define PROBE_ROOM_MM 65
#define VETOES                                                                                     \
    (REASON_OBSTACLE | REASON_UNSEEN | REASON_DARK | REASON_SONAR_NEAR | REASON_STOPPING |         \
     REASON_CLEARING | REASON_LIDAR_STALE | REASON_LIDAR_BLIND)

struct tally {
    int runs, contacts;
    double closing_mm_s, least_mm;
    long asked, moved;
    uint64_t first_bad;
};

static int runs(int count)
{
    if (getenv("NAV_TEST_SHORT") != NULL) { /* for a processor that is emulated */
        return (count + 9) / 10;
    }
    return getenv("NAV_TEST_LONG") != NULL ? 20 * count : count;
}

static struct gate_model model_make(bool measured)
{
    struct gate_options options = {
        .forward_mm_s = 400,
        .backward_mm_s = 200,
        .strafe_mm_s = 200,
        .turn_mrad_s = 1500,
        .measured = measured,
        .decel_forward_mm_s2 = 1500,
        .decel_strafe_mm_s2 = 1000,
        .decel_turn_mm_s2 = 1260,
        .revolution_ms = 100,
    };
    struct gate_model model;

    gate_model_init(&model, &options);
    return model;
}

static struct twist any_twist(struct room *room)
{
    return (struct twist){(int32_t)room_random(room, -300, 500),
                          (int32_t)room_random(room, -250, 250),
                          (int32_t)room_random(room, -1800, 1800)};
}

/* Straight at the nearest thing, as fast as it goes. */
static struct twist attack(struct room *room, const struct gate_model *model)
{
    double best = INFINITY, bearing = 0;

    for (int i = 0; i < 24; i++) {
        double angle = i * M_PI / 12;
        double x = room->x + 30 * cos(room->angle + angle);
        double y = room->y + 30 * sin(room->angle + angle);
        double gap = room_free(room, model, x, y, room->angle, 0);

        if (gap < best) {
            best = gap;
            bearing = angle;
        }
    }
    return (struct twist){(int32_t)(400 * cos(bearing)), (int32_t)(400 * sin(bearing)), 0};
}

enum manner {
    MANNER_RANDOM,
    MANNER_ATTACK,
    MANNER_STOP_AND_GO,
};

static struct twist next_wish(struct room *room, const struct gate_model *model, enum manner manner,
                              int tick)
{
    struct twist asked;

    if (manner == MANNER_ATTACK) {
        return attack(room, model);
    }
    if (manner == MANNER_STOP_AND_GO && tick % 2 == 0) {
        return (struct twist){0};
    }
    asked = any_twist(room);
    if (room_random(room, 0, 1) < 0.5) {
        asked.vy_mm_s = 0;
        asked.wz_mrad_s = room_random(room, 0, 1) < 0.5 ? 0 : asked.wz_mrad_s;
    }
    return asked;
}

static void drive(struct room *room, struct gate *gate, enum manner manner, struct tally *tally)
{
    struct twist asked = {0};
    struct gate_output output;
    int left = 0;

    for (int tick = 0; tick < RUN_TICKS; tick++) {
        if (left-- <= 0) {
            asked = next_wish(room, &gate->model, manner, tick);
            left = (int)room_random(room, 5, manner == MANNER_ATTACK ? 40 : 150);
        }
        room_step(room, gate, &asked, &output);
        if (manner != MANNER_ATTACK &&
            gate_model_rim(&gate->model, &asked) >= gate->model.rim_min_mm_s) {
            tally->asked++;
            tally->moved += gate_model_rim(&gate->model, &output.given) > 0 ? 1 : 0;
        }
    }
}

/* The car is as `model` says, and `believed` is what the gate believes. */
static void run_once(const struct gate_model *model, const struct gate_model *believed,
                     uint64_t seed, int kind, double excess, struct tally *tally)
{
    static struct gate gate;
    static struct room room;

    room_init(&room, model, seed);
    room_furnish(&room, model, kind);
    room_add_vices(&room, model, excess);
    gate_init(&gate, believed, room.now_ms);
    room_settle(&room, &gate);
    drive(&room, &gate, (enum manner)(seed % 3), tally);
    tally->runs++;
    tally->contacts += room.contacts;
    tally->closing_mm_s = fmax(tally->closing_mm_s, room.closing_mm_s);
    tally->least_mm = fmin(tally->least_mm, room.least_mm);
    if ((room.contacts > 0 || room.least_mm <= NEAREST_MM) && tally->first_bad == 0) {
        tally->first_bad = seed;
    }
}

static struct tally run_kind(const struct gate_model *model, const struct gate_model *believed,
                             int kind, double excess, int count)
{
    struct tally tally = {.least_mm = INFINITY};

    for (int i = 0; i < count; i++) {
        run_once(model, believed, (uint64_t)(kind * 1000000 + i + 1), kind, excess, &tally);
    }
    return tally;
}

static void print_tally(const char *name, const struct tally *tally)
{
    long asked = tally->asked > 0 ? tally->asked : 1;

    print_message("%-16s %5d runs, %d contacts above 50 mm/s (fastest %.0f), nearest %.0f mm, "
                  "moving %.0f %%, first bad seed %llu\n",
                  name, tally->runs, tally->contacts, tally->closing_mm_s, tally->least_mm,
                  100.0 * (double)tally->moved / (double)asked,
                  (unsigned long long)tally->first_bad);
}

static const char *const kinds[] = {"furnished", "legs", "corridor", "clutter"};

static void random_rooms_are_left_untouched(void **state)
{
    (void)state;
    for (int measured = 0; measured < 2; measured++) {
        struct gate_model model = model_make(measured != 0);

        for (int kind = 0; kind < 4; kind++) {
            struct tally tally = run_kind(&model, &model, kind, 1, runs(50));

            print_tally(kinds[kind], &tally);
            assert_int_equal(tally.contacts, 0);
            assert_true(getenv("NAV_TEST_LONG") != NULL || tally.least_mm > NEAREST_MM);
        }
    }
}

/* Not asserted: how it goes when every assumption is wrong by a quarter. */
static void worse_than_assumed_is_reported(void **state)
{
    struct gate_model model = model_make(true);

    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        struct tally tally = run_kind(&model, &model, kind, 1.25, runs(10));

        print_tally(kinds[kind], &tally);
    }
}

/* Sixteen ways to go: eight straight, two on the spot, six on a bend. Rim speed about 200 mm/s. */
static struct twist probe(int number)
{
    static const struct twist probes[16] = {
        {200, 0, 0},    {-200, 0, 0},    {0, 200, 0},    {0, -200, 0},
        {100, 100, 0},  {100, -100, 0},  {-100, 100, 0}, {-100, -100, 0},
        {0, 0, 1400},   {0, 0, -1400},   {120, 0, 600},  {120, 0, -600},
        {-120, 0, 600}, {-120, 0, -600}, {0, 120, 600},  {0, -120, 600},
    };

    return probes[number];
}

/* The gate keeps its margin ahead on the sides that each axis goes to, also when the other axes
 * take the car away from what stands at the corner there. */
static bool is_clear_ahead(const struct room *room, const struct gate_model *model,
                           const struct twist *twist)
{
    double x = fmax(-1, fmin(1, twist->vx_mm_s)), y = fmax(-1, fmin(1, twist->vy_mm_s));
    double cosine = cos(room->angle), sine = sin(room->angle);

    for (int mm = 0; mm <= model->margin_ahead_mm; mm += 4) {
        if (room_free(room, model, room->x + x * mm * cosine, room->y + x * mm * sine, room->angle,
                      PROBE_ROOM_MM) <= 0 ||
            room_free(room, model, room->x - y * mm * sine, room->y + y * mm * cosine, room->angle,
                      PROBE_ROOM_MM) <= 0) {
            return false;
        }
    }
    return true;
}

/* Whether the hull, with the margins of a start and 25 mm for noise, can go 25 cm at the rim. */
static bool probe_is_clear(const struct room *room, const struct gate_model *model,
                           const struct twist *twist)
{
    double x = room->x, y = room->y, angle = room->angle;
    double seconds = 250.0 / gate_model_rim(model, twist) / 50;

    for (int i = 0; i <= 50; i++) {
        if (room_free(room, model, x, y, angle, PROBE_ROOM_MM) <= 0) {
            return false;
        }
        x += (twist->vx_mm_s * cos(angle) - twist->vy_mm_s * sin(angle)) * seconds;
        y += (twist->vx_mm_s * sin(angle) + twist->vy_mm_s * cos(angle)) * seconds;
        angle += twist->wz_mrad_s * seconds / 1000;
    }
    return is_clear_ahead(room, model, twist);
}

static bool probe_moves(struct room *room, const struct gate_model *model,
                        const struct twist *twist)
{
    static struct gate gate;
    struct gate_output output;

    gate_init(&gate, model, room->now_ms);
    room_settle(room, &gate);
    for (int tick = 0; tick < 100; tick++) {
        room_step(room, &gate, twist, &output);
        if (gate_model_rim(model, &output.given) > 0) {
            return true;
        }
    }
    return false;
}

/* Tries all probes from one place; counts those that are clear and returns those that got stuck. */
static int try_probes(const struct room *start, const struct gate_model *model, int *clear)
{
    int stuck = 0;

    for (int number = 0; number < 16; number++) {
        struct twist twist = probe(number);
        struct room room = *start;

        if (!probe_is_clear(start, model, &twist)) {
            continue;
        }
        (*clear)++;
        if (!probe_moves(&room, model, &twist)) {
            print_message("probe %d does not move\n", number);
            stuck++;
        }
    }
    return stuck;
}

static void what_is_clear_is_used_within_a_second(void **state)
{
    int clear = 0, stuck = 0;

    (void)state;
    for (int i = 0; i < runs(60); i++) {
        struct gate_model model = model_make(i % 2 == 0);
        struct room start;
        int more;

        room_init(&start, &model, (uint64_t)(5000000 + i));
        room_furnish(&start, &model, i % 4);
        room_add_vices(&start, &model, 1);
        more = try_probes(&start, &model, &clear);
        if (more > 0) {
            print_message("seed %d: %d stuck\n", 5000000 + i, more);
        }
        stuck += more;
    }
    print_message("%d clear probes, %d of them did not move\n", clear, stuck);
    assert_true(clear > runs(100));
    assert_int_equal(stuck, 0);
}

/* A wide room without things; its walls are seen. */
static void free_room(struct room *room, const struct gate_model *model, uint64_t seed)
{
    room_init(room, model, seed);
    room_add_walls(room, 5500, 5500);
    room_add_vices(room, model, 1);
    for (int i = 0; i < room->count; i++) {
        room->things[i].black = 0;
    }
}

static void free_space_has_no_veto(void **state)
{
    long ticks = 0;

    (void)state;
    for (int i = 0; i < runs(6); i++) {
        struct gate_model model = model_make(i % 2 == 0);
        static struct gate gate;
        static struct room room;
        struct gate_output output;
        struct twist asked = {0};

        free_room(&room, &model, (uint64_t)(6000000 + i));
        gate_init(&gate, &model, room.now_ms);
        room_settle(&room, &gate);
        for (int tick = 0; tick < 800; tick++, ticks++) {
            asked = tick % 50 == 0 ? any_twist(&room) : asked;
            room_step(&room, &gate, &asked, &output);
            if ((output.reasons & VETOES) != 0) {
                print_message("seed %d tick %d reasons %x\n", 6000000 + i, tick, output.reasons);
            }
            assert_int_equal(output.reasons & VETOES, 0);
        }
    }
    print_message("%ld ticks without a veto\n", ticks);
}

/* Two walls with a gap in between, across the way. Returns the slowest speed that was given near
 * the gap, 0 when the car did not get through. */
static int pass(double width, double length, double offset, uint64_t seed)
{
    struct gate_model model = model_make(true);
    const struct twist asked = {.vx_mm_s = 400};
    static struct gate gate;
    static struct room room;
    struct gate_output output;
    int slowest = 1000;

    room_init(&room, &model, seed);
    room_add_walls(&room, 2000, 2000);
    room_add_box(&room, 0, width / 2, length, 2000);
    room_add_box(&room, 0, -2000, length, -width / 2);
    room.x = -800;
    room.y = offset;
    room.noise_mm = 15;
    room.dropout = 0.03;
    gate_init(&gate, &model, room.now_ms);
    room_settle(&room, &gate);
    for (int tick = 0; tick < 1200; tick++) {
        room_step(&room, &gate, &asked, &output);
        if (room.x > -100 && room.x < length + 100 && output.given.vx_mm_s < slowest) {
            slowest = output.given.vx_mm_s;
        }
        if (room.x > length + 300) {
            assert_int_equal(room.contacts, 0);
            return slowest;
        }
    }
    return 0;
}

static void door_of_60_cm_is_passed_at_speed(void **state)
{
    int slowest = 1000;

    (void)state;
    for (int offset = -80; offset <= 80; offset += 10) {
        int speed = pass(600, 100, offset, (uint64_t)(7000000 + offset));

        slowest = speed < slowest ? speed : slowest;
    }
    print_message("slowest in the door: %d mm/s\n", slowest);
    assert_true(slowest > 150);
}

static void corridor_of_40_cm_is_passed(void **state)
{
    int speed = pass(400, 1000, 0, 7000100);

    (void)state;
    print_message("slowest between the walls: %d mm/s\n", speed);
    assert_true(speed >= 130);
}

/* Where a point of 30 cm distance, seen `age` ticks ago, is now, and whether the box holds it. */
static bool is_astray(const double then[3], const double now[3], const struct gate_age *shift)
{
    double px = 260, py = 150;
    double wx = then[0] + px * cos(then[2]) - py * sin(then[2]) - now[0];
    double wy = then[1] + px * sin(then[2]) + py * cos(then[2]) - now[1];
    double bx = (px * shift->cosine + py * shift->sine) / 16384;
    double by = (py * shift->cosine - px * shift->sine) / 16384;
    double ex = shift->ex_mm + (fabs(by) * shift->blur_q10 + fabs(bx) * shift->bend_q10) / 1024;
    double ey = shift->ey_mm + (fabs(bx) * shift->blur_q10 + fabs(by) * shift->bend_q10) / 1024;

    return fabs(wx * cos(now[2]) + wy * sin(now[2]) - (bx - shift->x_mm)) > ex ||
           fabs(wy * cos(now[2]) - wx * sin(now[2]) - (by - shift->y_mm)) > ey;
}

/* Drives around and asks of points of every age whether, where they truly are, is in the box that
 * the gate makes of them. Returns how many are not. */
static long strays(const struct gate_model *believed, uint64_t seed)
{
    struct gate_model model = model_make(true);
    static struct gate gate;
    static struct room room;
    struct gate_age ages[GATE_AGES];
    struct gate_output output;
    struct twist asked = {0};
    double poses[GATE_AGES][3] = {0};
    long out = 0;

    free_room(&room, &model, seed);
    gate_init(&gate, believed, room.now_ms);
    room_settle(&room, &gate);
    for (int tick = 0; tick < 300; tick++) {
        asked = tick % 60 == 0 ? any_twist(&room) : asked;
        room_step(&room, &gate, &asked, &output);
        memmove(&poses[1], &poses[0], sizeof(poses) - sizeof(poses[0]));
        poses[0][0] = room.x;
        poses[0][1] = room.y;
        poses[0][2] = room.angle;
        gate_drift_ages(&gate.drift, GATE_AGE_MAX_MS, ages);
        for (int age = 0; age < 40 && age < tick; age++) {
            out += is_astray(poses[age], poses[0], &ages[age]) ? 1 : 0;
        }
    }
    return out;
}

static long strays_of_all(const struct gate_model *believed)
{
    long out = 0;

    for (int i = 0; i < runs(30); i++) {
        out += strays(believed, (uint64_t)(8000000 + i));
    }
    return out;
}

static void old_points_are_where_the_gate_thinks(void **state)
{
    struct gate_model model = model_make(true);

    (void)state;
    assert_int_equal(strays_of_all(&model), 0);
}

/* The tests of the tests. */
static void assert_comes_too_near(const struct gate_model *believed, const char *name)
{
    struct gate_model model = model_make(false);
    struct tally tally = {.least_mm = INFINITY};

    for (int i = 0; i < 400 && tally.least_mm > NEAREST_MM; i++) {
        run_once(&model, believed, (uint64_t)(i + 1), i % 2, 1, &tally);
    }
    print_tally(name, &tally);
    assert_true(tally.least_mm <= NEAREST_MM);
}

static void without_room_for_noise_something_comes_too_near(void **state)
{
    struct gate_model model = model_make(false);

    (void)state;
    model.margin_ahead_mm = 0;
    assert_comes_too_near(&model, "without noise");
}

static void without_margins_something_comes_too_near(void **state)
{
    struct gate_model model = model_make(false);

    (void)state;
    model.margin_fast_mm = 0;
    model.margin_creep_mm = 0;
    model.margin_start_mm = 0;
    assert_comes_too_near(&model, "without margins");
}

static void forget_drift(struct gate_model *model)
{
    model->side_by_forward = 0;
    model->forward_by_side = 0;
    model->turn_by_forward = 0;
    model->turn_by_side = 0;
    model->shift_by_turn = 0;
}

static void without_drift_old_points_are_elsewhere(void **state)
{
    struct gate_model model = model_make(true);

    (void)state;
    forget_drift(&model);
    assert_true(strays_of_all(&model) > 0);
}

/* A gate that believes that the car never moves has points that do not age. */
static void without_ageing_old_points_are_elsewhere(void **state)
{
    struct gate_model model = model_make(true);

    (void)state;
    forget_drift(&model);
    for (int axis = 0; axis < GATE_AXES; axis++) {
        model.slow_permille[axis] = 1000;
        model.fast_permille[axis] = -1000;
    }
    assert_true(strays_of_all(&model) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_rooms_are_left_untouched),
        cmocka_unit_test(worse_than_assumed_is_reported),
        cmocka_unit_test(what_is_clear_is_used_within_a_second),
        cmocka_unit_test(free_space_has_no_veto),
        cmocka_unit_test(door_of_60_cm_is_passed_at_speed),
        cmocka_unit_test(corridor_of_40_cm_is_passed),
        cmocka_unit_test(old_points_are_where_the_gate_thinks),
        cmocka_unit_test(without_room_for_noise_something_comes_too_near),
        cmocka_unit_test(without_margins_something_comes_too_near),
        cmocka_unit_test(without_drift_old_points_are_elsewhere),
        cmocka_unit_test(without_ageing_old_points_are_elsewhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
