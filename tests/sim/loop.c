/* See loop.h. The order of a tick is that of safety/cycle.c: sensors, messages, permission, gate,
 * mixing; the agent speaks between ticks. */
#include "tests/sim/loop.h"

#include <math.h>
#include <string.h>

#include "hal/sim/eye.h"
#include "safety/limits.h"
#include "vlm/standin/picture.h"

#define MS            INT64_C(1000000)
#define START_MS      1000
#define BYTE_NS       43403 /* 230400 baud, 8N1 */
#define C1_BYTE_NS    21701
#define SONAR_MS      50
#define SURVEY_MS     100
#define CHART_MS      50
#define PICTURE_W     96
#define PICTURE_H     72
#define LATE_MS       1200 /* of an answer */
#define LATE_TICKS    2    /* of the lidar */
#define ARM_MS        600
#define SWEEP_MM      250
#define SWEEP_STEP_MM 25
#define SWEEP_ROOM_MM 70
#define SWEEPS        16
#define FREE_GAP_MM   299.0 /* one and a half times the field of 300 mm/s, and more */
#define FREE_QUIET_MS 500
#define HEARD_MS      1000
#define HEARD_MM      40 /* from where an echo came to what touches the hull: the same thing */
#define VETOES                                                                                     \
    ((uint32_t)(REASON_OBSTACLE | REASON_UNSEEN | REASON_DARK | REASON_STOPPING |                  \
                REASON_SONAR_NEAR))

struct loop_options loop_defaults(void)
{
    return (struct loop_options){
        .period_ms = 28,
        .latency_ms = 20,
        .charge_mv = 8000,
        .explorer = {.forward_mm_s = 300,
                     .backward_mm_s = 150,
                     .turn_mrad_s = 1200,
                     .hold_percent = 35,
                     .full_percent = 80,
                     .flip_votes = 3,
                     .stuck_ms = 6000,
                     .degenerate_answers = 25,
                     .degenerate_ms = 20000},
    };
}

void loop_init(struct loop *loop, const struct plan *plan, const struct loop_options *options,
               uint64_t seed)
{
    struct permit_options permit = {.frame_ms = LIMITS_FRAME_MS, .travel_mm = LIMITS_TRAVEL_MM};
    struct world_pose pose = {(double)plan->x_mm, (double)plan->y_mm, (double)plan->angle_rad};
    struct car_vices vices = car_vices_none();
    struct gate_model model;

    memset(loop, 0, sizeof(*loop));
    loop->options = *options;
    random_init(&loop->random, seed);
    if (options->vices) {
        vices = car_vices_draw(&loop->random, 1);
    }
    loop->now_ms = START_MS;
    loop->packet_ns = START_MS * MS;
    loop->wheels = car_wheels();
    world_init(&loop->world, plan);
    for (int i = 0; i < 4; i++) {
        loop->poses[i] = pose;
    }
    car_init(&loop->car, &loop->wheels, &vices, &pose, options->charge_mv);
    chart_init(&loop->chart);
    if (options->surveys) {
        survey_init(&loop->survey, plan);
    }
    scanner_init(&loop->scanner, options->rplidar ? SCANNER_RPLIDAR_C1 : SCANNER_LD06,
                 random_next(&loop->random));
    loop->scanner.noise_mm = options->noise_mm;
    loop->scanner.dropout = options->dropout;
    loop->scanner.scans = true;
    ld06_init(&loop->ld06, 0);
    rplidar_init(&loop->rplidar, 460800, 200000, 0);
    loop->rplidar.answer = RPLIDAR_ANSWER_DENSE;
    loop->rplidar.wanted = RPLIDAR_CAPSULE_SIZE;
    gate_model_init(&model, NULL);
    gate_init(&loop->gate, &model, loop->now_ms);
    permit_init(&loop->permit, &permit, false);
    permit_open(&loop->permit, 0, loop->now_ms * MS);
    explorer_init(&loop->explorer, &options->explorer);
    answers_init(&loop->answers, (int)options->explorer.degenerate_answers);
    loop->note = (struct note){.clearances = options->tells_clearances,
                               .decisions = options->tells_decisions};
    loop->still_since_ms = loop->free_since_ms = loop->now_ms;
}

static bool has(const struct loop *loop, enum loop_trouble trouble)
{
    for (int i = 0; i < loop->options.fault_count; i++) {
        const struct loop_fault *fault = &loop->options.faults[i];

        if (fault->trouble == trouble && loop->now_ms >= START_MS + fault->from_ms &&
            loop->now_ms < START_MS + fault->to_ms) {
            return true;
        }
    }
    return false;
}

/* Sensors */

static void take_beams(struct loop *loop, const struct lidar_beam *beams, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int slot = (720000 - beams[i].clockwise_mdeg) % 360000 / 500;

        gate_beam(&loop->gate, slot, beams[i].distance_mm, beams[i].time_ns / MS);
    }
}

static void take_packet(struct loop *loop, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (!loop->options.rplidar) {
            int64_t time_ns = loop->packet_ns + (int64_t)(i + 1) * BYTE_NS;

            if (ld06_push(&loop->ld06, bytes[i], time_ns) == LD06_PACKET) {
                take_beams(loop, loop->ld06.beams, LD06_POINTS);
            }
        } else if (rplidar_push(&loop->rplidar, bytes[i],
                                loop->packet_ns + (int64_t)(i + 1) * C1_BYTE_NS) == RPLIDAR_BEAMS) {
            take_beams(loop, loop->rplidar.beams, loop->rplidar.beam_count);
        }
    }
}

static void scan(struct loop *loop)
{
    int64_t period_ns = scanner_period_ns(&loop->scanner);

    loop->scanner.fault = has(loop, LOOP_LIDAR_SILENT)    ? SCANNER_SILENT
                          : has(loop, LOOP_LIDAR_FROZEN)  ? SCANNER_FROZEN
                          : has(loop, LOOP_LIDAR_BLIND)   ? SCANNER_BLIND
                          : has(loop, LOOP_LIDAR_GARBAGE) ? SCANNER_GARBAGE
                                                          : SCANNER_GOOD;
    while (loop->packet_ns + 3 * MS <= loop->now_ms * MS) {
        uint8_t bytes[SCANNER_PACKET_MAX];
        size_t size = scanner_packet(&loop->scanner, &loop->world,
                                     &loop->poses[has(loop, LOOP_LIDAR_LATE) ? LATE_TICKS : 0],
                                     CAR_LIDAR_MM, loop->packet_ns, bytes);

        take_packet(loop, bytes, size);
        loop->packet_ns += period_ns;
    }
}

static void listen(struct loop *loop)
{
    struct loop_echo *echo = &loop->echoes[loop->echo_count % LOOP_ECHOES];
    double distance;

    if (loop->now_ms < loop->sonar_ms) {
        return;
    }
    loop->sonar_ms = loop->now_ms + SONAR_MS;
    distance = car_sonar_mm(&loop->car, &loop->world, echo->place_mm);
    if (distance > 0) {
        echo->time_ms = loop->now_ms;
        loop->echo_count++;
    }
    gate_sonar(&loop->gate,
               has(loop, LOOP_SONAR_FAULT) ? GATE_SONAR_FAULT
               : distance == 0             ? GATE_SONAR_MAX
                                           : (int32_t)distance,
               loop->now_ms);
}

/* The agent */

static void send(struct loop *loop, union wire_request *request, enum wire_type type)
{
    request->header = wire_header(type, ++loop->seq, loop->now_ms * MS);
    (void)permit_message(&loop->permit, 0, request, loop->now_ms * MS);
}

static void keep_armed(struct loop *loop)
{
    union wire_request request = {0};

    if (loop->seq == 0) {
        send(loop, &request, WIRE_HELLO);
    }
    if (loop->verdict.mission != 0 || loop->now_ms - loop->armed_ms < ARM_MS) {
        return;
    }
    if ((loop->verdict.reasons & (uint32_t)REASON_ESTOP) != 0 && !has(loop, LOOP_ESTOP)) {
        send(loop, &request, WIRE_RESET);
    }
    loop->armed_ms = loop->now_ms;
    loop->tally.arms++;
    loop->has_wish = false;
    request.arm.mission = ++loop->mission;
    send(loop, &request, WIRE_ARM);
}

static int looked_word(struct loop *loop, int *ret_permille)
{
    static uint8_t rgb[PICTURE_W * PICTURE_H * 3];
    struct eye eye = {.height_mm = CAR_CAMERA_MM, .view_rad = LOOP_VIEW_RAD};
    struct picture_floor floor;
    struct picture_note note;
    char text[NOTE_SIZE + 1];
    double logits[WORD_COUNT_MAX], sum = 0;
    int best = 0, count = word_count(loop->options.question);

    eye_render(&eye, &loop->world, &loop->car.pose, &loop->random, PICTURE_W, PICTURE_H, rgb);
    picture_measure(rgb, PICTURE_W, PICTURE_H, &floor);
    picture_judge(&floor, loop->options.question, logits);
    note_write(&loop->note, loop->options.question, &loop->verdict, text);
    picture_note_read(text, loop->options.question, &note);
    picture_heed(&note, loop->options.question, logits);
    for (int i = 1; i < count; i++) {
        best = logits[i] > logits[best] ? i : best;
    }
    for (int i = 0; i < count; i++) {
        sum += exp(logits[i] - logits[best]);
    }
    *ret_permille = (int)(1000 / sum);
    return best;
}

/* At the nearest thing: ahead or back when it is there, turned to when it is aside. */
static int adverse_word(const struct loop *loop)
{
    struct world_pose from = loop->car.pose;
    float distance[72];
    int nearest = 0;
    double bearing;

    world_scan(&loop->world, WORLD_LIDAR, CAR_LIDAR_MM, &from, M_PI / 36, 72, 12000, distance);
    for (int i = 0; i < 72; i++) {
        bool is_nearer = distance[nearest] == 0 || distance[i] < distance[nearest];

        nearest = distance[i] > 0 && is_nearer ? i : nearest;
    }
    bearing = nearest * 5.0;
    return bearing < 30 || bearing > 330    ? ACTION_FORWARD
           : bearing > 150 && bearing < 210 ? ACTION_BACKWARD
           : bearing < 180                  ? ACTION_LEFT
                                            : ACTION_RIGHT;
}

/* WORD_NONE: no answer. */
static int scripted_word(const struct loop *loop)
{
    static const char actions[] = "sflrb", percepts[] = "nlcr";
    size_t second = (size_t)(loop->now_ms / 1000) % strlen(loop->options.script);
    char letter = loop->options.script[second];
    const char *place =
        strchr(loop->options.question == QUESTION_ACTION ? actions : percepts, letter);

    return place == NULL || letter == '\0'
               ? WORD_NONE
               : (int)(place - (loop->options.question == QUESTION_ACTION ? actions : percepts));
}

static int random_word(struct loop *loop)
{
    if (loop->now_ms >= loop->word_until_ms) {
        loop->word =
            (int)(random_next(&loop->random) % (uint64_t)word_count(loop->options.question));
        loop->word_until_ms = loop->now_ms + (int64_t)random_between(&loop->random, 50, 2500);
    }
    return loop->word;
}

static void ask(struct loop *loop)
{
    int permille = 900, word = WORD_NONE;

    switch (loop->options.model) {
    case LOOP_LOOKS:
        word = looked_word(loop, &permille);
        break;
    case LOOP_RANDOM:
        word = random_word(loop);
        break;
    case LOOP_ADVERSE:
        word = adverse_word(loop);
        break;
    case LOOP_SCRIPT:
        word = scripted_word(loop);
        break;
    case LOOP_SILENT:
        break;
    }
    loop->waits = true;
    loop->asked_ms = loop->capture_ms = loop->now_ms;
    loop->answer_ms =
        loop->now_ms + (has(loop, LOOP_MODEL_LATE) ? LATE_MS : loop->options.latency_ms);
    loop->answer_is_good = word != WORD_NONE && !has(loop, LOOP_MODEL_GARBAGE);
    loop->pending = (struct decision){.question = loop->options.question,
                                      .word = word < 0 ? 0 : word,
                                      .confidence_permille = permille};
    loop->frame_seq++;
}

static void send_intent(struct loop *loop)
{
    union wire_request request = {0};

    loop->sent_ms = loop->now_ms;
    request.intent.mission = loop->mission;
    request.intent.frame_seq = loop->wish_seq;
    request.intent.capture_ns = loop->wish_capture_ms * MS;
    request.intent.twist = loop->wish;
    request.intent.source = WIRE_SOURCE_VLM;
    send(loop, &request, WIRE_INTENT);
}

static void judge_answers(struct loop *loop)
{
    answers_add(&loop->answers, loop->pending.word);
    note_add(&loop->note, loop->pending.word);
    if (!answers_alarm(&loop->answers, loop->options.explorer.degenerate_ms * MS,
                       loop->now_ms * MS)) {
        return;
    }
    loop->tally.degenerate = true;
    if (loop->options.percept_when_degenerate && loop->options.question == QUESTION_ACTION) {
        loop->options.question = QUESTION_PERCEPT;
        loop->note.count = 0;
        answers_init(&loop->answers, loop->answers.window);
    }
}

static void think(struct loop *loop)
{
    keep_armed(loop);
    if (loop->waits && loop->now_ms >= loop->answer_ms) {
        loop->waits = false;
        if (loop->answer_is_good) {
            struct intent intent =
                explorer_step(&loop->explorer, &loop->pending, &loop->verdict, loop->now_ms * MS);

            loop->tally.decisions++;
            loop->wish = intent.twist;
            loop->wish_seq = loop->frame_seq;
            loop->wish_capture_ms = loop->capture_ms;
            loop->has_wish = intent.reason != EXPLORER_BLOCKED;
            judge_answers(loop);
            if (loop->has_wish) {
                send_intent(loop);
            }
        }
    }
    if (!loop->waits && loop->now_ms >= loop->asked_ms + loop->options.period_ms) {
        ask(loop);
    }
    if (loop->has_wish && loop->now_ms - loop->sent_ms >= LIMITS_INTENT_RENEW_MS &&
        loop->now_ms - loop->wish_capture_ms < LIMITS_FRAME_MS) {
        send_intent(loop);
    }
}

/* The safety process */

static void decide(struct loop *loop)
{
    struct permit_senses senses = {.key_pressed = has(loop, LOOP_ESTOP),
                                   .self_test_passed = loop->now_ms > START_MS + 600,
                                   .given = loop->verdict.given};
    struct gate_input input = {.now_ms = loop->now_ms, .cap_mm_s = GATE_NO_CAP};
    struct gate_output output;
    struct permit_output permission;
    int32_t rim[MECANUM_WHEELS];
    int wanted[MECANUM_WHEELS];

    senses.faults = loop->verdict.reasons & (uint32_t)(REASON_LIDAR_STALE | REASON_LIDAR_BLIND);
    permit_sense(&loop->permit, &senses, loop->now_ms * MS);
    think(loop);
    permit_step(&loop->permit, loop->now_ms * MS, &permission);
    input.asked = permission.asked;
    input.permits = senses.self_test_passed ? GATE_PERMIT_SELF_TEST | GATE_PERMIT_LIDAR : 0;
    input.permits |= permission.mission != 0 && senses.faults == 0 ? GATE_PERMIT_ARMED : 0;
    gate_step(&loop->gate, &input, &output);
    mecanum_mix(&loop->wheels, output.given.vx_mm_s, output.given.vy_mm_s, output.given.wz_mrad_s,
                rim);
    mecanum_duties(&loop->wheels, rim, wanted);
    mecanum_slew(&loop->wheels, loop->duty, wanted, loop->duty);
    car_tell(&loop->car, loop->duty);
    loop->verdict = (struct wire_verdict){
        .header = wire_header(WIRE_VERDICT, 1, loop->now_ms * MS),
        .mission = permission.mission,
        .reasons = permission.reasons | output.reasons,
        .asked = permission.asked,
        .given = output.given,
        .clear_front_mm = output.clear_front_mm,
        .clear_left_mm = output.clear_left_mm,
        .clear_rear_mm = output.clear_rear_mm,
        .clear_right_mm = output.clear_right_mm,
        .open_bearing_mrad = output.open_bearing_mrad,
    };
}

/* What was promised */

/* Could the car, as it stands, be pushed 25 cm in some direction? */
static bool there_is_a_way(const struct loop *loop)
{
    struct world_hull hull = loop->car.hull;

    hull.front_mm += SWEEP_ROOM_MM;
    hull.rear_mm += SWEEP_ROOM_MM;
    hull.half_width_mm += SWEEP_ROOM_MM;
    for (int i = 0; i < SWEEPS; i++) {
        double angle = i * 2 * M_PI / SWEEPS;
        bool is_clear = true;

        for (int along = 0; along <= SWEEP_MM && is_clear; along += SWEEP_STEP_MM) {
            struct world_pose pose = loop->car.pose;

            pose.x_mm += along * cos(angle);
            pose.y_mm += along * sin(angle);
            is_clear = world_gap(&loop->world, &pose, &hull, 1) > 0;
        }
        if (is_clear) {
            return true;
        }
    }
    return false;
}

static bool is_still(const struct twist *twist)
{
    return twist->vx_mm_s == 0 && twist->vy_mm_s == 0 && twist->wz_mrad_s == 0;
}

/* Did an echo of the last second come from beside the hull? */
static bool was_heard(const struct loop *loop)
{
    const struct world_pose *pose = &loop->car.pose;
    const struct world_hull *hull = &loop->car.hull;
    double cosine = cos(pose->angle_rad), sine = sin(pose->angle_rad);

    for (int i = 0; i < LOOP_ECHOES && i < loop->echo_count; i++) {
        const struct loop_echo *echo = &loop->echoes[i];
        double east = echo->place_mm[0] - pose->x_mm, north = echo->place_mm[1] - pose->y_mm;
        double ahead = east * cosine + north * sine, left = north * cosine - east * sine;
        double x = fmax(fmax(ahead - hull->front_mm, -hull->rear_mm - ahead), 0);
        double y = fmax(fabs(left) - hull->half_width_mm, 0);

        if (loop->now_ms - echo->time_ms <= HEARD_MS && hypot(x, y) < HEARD_MM) {
            return true;
        }
    }
    return false;
}

/* How long after its begin a trouble that has to stop the car still had it driving. */
static void keep_stops(struct loop *loop)
{
    static const bool stops[] = {
        [LOOP_LIDAR_SILENT] = true, [LOOP_LIDAR_BLIND] = true,   [LOOP_LIDAR_GARBAGE] = true,
        [LOOP_MODEL_LATE] = true,   [LOOP_MODEL_GARBAGE] = true, [LOOP_ESTOP] = true,
    };

    for (int i = 0; i < loop->options.fault_count; i++) {
        const struct loop_fault *fault = &loop->options.faults[i];
        int64_t since_ms = loop->now_ms - START_MS - fault->from_ms;

        if (stops[fault->trouble] && since_ms >= 0 && since_ms < fault->to_ms - fault->from_ms &&
            !is_still(&loop->verdict.given) && since_ms > loop->tally.stop_ms) {
            loop->tally.stop_ms = since_ms;
        }
    }
}

static void keep_tally(struct loop *loop)
{
    struct loop_tally *tally = &loop->tally;
    bool asks = loop->verdict.mission != 0 && loop->has_wish && !is_still(&loop->wish);
    bool moves = !is_still(&loop->verdict.given);
    int64_t still_ms;

    tally->asked_ticks += asks;
    tally->moved_ticks += asks && moves;
    tally->escapes = (int)loop->explorer.escape.count;
    for (int bit = 0; bit < WIRE_REASON_COUNT; bit++) {
        tally->reasons[bit] += (loop->verdict.reasons >> bit & 1) != 0;
    }
    if (moves || !asks) {
        loop->still_since_ms = loop->now_ms;
    }
    still_ms = loop->now_ms - loop->still_since_ms;
    if (still_ms > tally->still_ms && (still_ms % 1000 != 0 || there_is_a_way(loop))) {
        tally->still_ms = still_ms;
    } else if (still_ms > 0 && still_ms % 1000 == 0 && !there_is_a_way(loop)) {
        loop->still_since_ms = loop->now_ms;
    }
    keep_stops(loop);
    if (loop->car.gap_mm < FREE_GAP_MM) {
        loop->free_since_ms = loop->now_ms;
    } else if (loop->now_ms - loop->free_since_ms > FREE_QUIET_MS && asks && !moves &&
               (loop->verdict.reasons & VETOES) != 0) {
        tally->free_vetoes++;
    }
}

void loop_step(struct loop *loop)
{
    int unseen = loop->car.unseen_contacts;

    loop->now_ms += LOOP_TICK_MS;
    world_step(&loop->world, LOOP_TICK_MS / 1000.0, &loop->car.pose);
    car_step(&loop->car, &loop->world, LOOP_TICK_MS / 1000.0);
    loop->tally.heard_contacts += loop->car.unseen_contacts > unseen && was_heard(loop) ? 1 : 0;
    memmove(loop->poses + 1, loop->poses, sizeof(loop->poses) - sizeof(loop->poses[0]));
    loop->poses[0] = loop->car.pose;
    scan(loop);
    listen(loop);
    if (!has(loop, LOOP_STALL) || loop->now_ms % (2 * LOOP_TICK_MS) == 0) {
        decide(loop);
    }
    keep_tally(loop);
    if (loop->options.surveys && loop->now_ms % SURVEY_MS == 0) {
        survey_look(&loop->survey, &loop->world, &loop->car.pose, LOOP_VIEW_RAD);
    }
    if (loop->options.surveys && loop->now_ms % CHART_MS == 0) {
        chart_add(&loop->chart,
                  is_still(&loop->verdict.given) && !is_still(&loop->wish) ? CHART_VETO : CHART_WAY,
                  &loop->car.pose);
    }
}

void loop_run(struct loop *loop, int64_t ms)
{
    for (int64_t end_ms = loop->now_ms + ms; loop->now_ms < end_ms;) {
        loop_step(loop);
    }
}
