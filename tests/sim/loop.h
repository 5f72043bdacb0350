/* The whole loop in one process and in virtual time: a model of answers, the real explorer, the
 * real permission, gate and mixing, a simulated car whose lidar speaks the real bytes to the real
 * decoder. What a run promised and what it did stands in its tally.
 *
 * Deterministic: the same plan, options and seed give the same run, tick by tick.
 */
#ifndef TESTS_SIM_LOOP_H
#define TESTS_SIM_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/core/answers.h"
#include "agent/core/explorer.h"
#include "agent/core/note.h"
#include "hal/body/ld06.h"
#include "hal/body/rplidar.h"
#include "hal/sim/car.h"
#include "hal/sim/chart.h"
#include "hal/sim/scanner.h"
#include "hal/sim/survey.h"
#include "hal/sim/world.h"
#include "safety/gate.h"
#include "safety/permit.h"

#define LOOP_TICK_MS    10
#define LOOP_VIEW_RAD   1.2
#define LOOP_ECHOES     20 /* of a second */
#define LOOP_SCRIPT_MAX 512

enum loop_model {
    LOOP_LOOKS,   /* judges the camera's picture as the stand-in does */
    LOOP_RANDOM,  /* any word, kept for a while */
    LOOP_ADVERSE, /* the word that leads at the nearest thing */
    LOOP_SCRIPT,  /* `script`: letters, each for a second, round and round */
    LOOP_SILENT,  /* never an answer */
};

/* What goes wrong from `from_ms` until `to_ms`. */
enum loop_trouble {
    LOOP_LIDAR_SILENT,
    LOOP_LIDAR_FROZEN,
    LOOP_LIDAR_BLIND,
    LOOP_LIDAR_GARBAGE,
    LOOP_LIDAR_LATE, /* what it saw comes 20 ms later */
    LOOP_SONAR_FAULT,
    LOOP_MODEL_LATE,    /* answers take 1.2 s */
    LOOP_MODEL_GARBAGE, /* answers that are none */
    LOOP_ESTOP,         /* pressed */
    LOOP_STALL,         /* the safety process loses every other tick */
};

struct loop_fault {
    enum loop_trouble trouble;
    int64_t from_ms, to_ms;
};

#define LOOP_FAULTS_MAX 8

struct loop_options {
    enum loop_model model;
    char script[LOOP_SCRIPT_MAX]; /* f l r b s . (no answer) of actions, n l c r of percepts */
    enum question question;
    bool percept_when_degenerate;
    bool tells_clearances, tells_decisions; /* to a model that looks */
    int period_ms, latency_ms;              /* from question to question, and of an answer */
    double noise_mm, dropout;
    bool vices, rplidar;
    int charge_mv;
    struct explorer_options explorer;
    struct loop_fault faults[LOOP_FAULTS_MAX];
    int fault_count;
    bool surveys; /* costs time: what was seen */
};

struct loop_tally {
    int64_t asked_ticks, moved_ticks;
    int64_t still_ms;   /* longest time without motion though there was a way and a wish */
    int64_t stop_ms;    /* longest from the begin of a fault that must stop to the last motion */
    int free_vetoes;    /* ticks stopped in free space */
    int heard_contacts; /* of car.unseen_contacts: with what the sonar saw in the last second */
    int decisions, escapes, arms;
    uint64_t reasons[WIRE_REASON_COUNT]; /* ticks */
    bool degenerate;
};

/* Where the sonar's echoes came from. */
struct loop_echo {
    int64_t time_ms;
    double place_mm[2];
};

struct loop {
    struct loop_options options;
    struct world world;
    struct car car;
    struct survey survey;
    struct chart chart;
    struct scanner scanner;
    struct ld06 ld06;
    struct rplidar rplidar;
    struct random random;
    struct gate gate;
    struct permit permit;
    struct explorer explorer;
    struct answers answers;
    struct note note;
    struct mecanum_settings wheels;
    struct wire_verdict verdict;
    struct loop_tally tally;
    int duty[MECANUM_WHEELS];
    struct loop_echo echoes[LOOP_ECHOES];
    int echo_count;
    int64_t now_ms, packet_ns, sonar_ms;
    struct world_pose poses[4]; /* of the last ticks, the newest first */
    /* The agent. */
    uint64_t seq, frame_seq, wish_seq, mission;
    int64_t capture_ms, wish_capture_ms, answer_ms, asked_ms, sent_ms, armed_ms;
    bool waits, answer_is_good, has_wish;
    struct decision pending;
    struct twist wish;
    int word;
    int64_t word_until_ms, still_since_ms, free_since_ms;
};

/* What most runs begin with: 28 ms from question to question, 20 ms an answer, defaults. */
struct loop_options loop_defaults(void);

/* `plan` is borrowed. */
void loop_init(struct loop *loop, const struct plan *plan, const struct loop_options *options,
               uint64_t seed);

/* One tick. */
void loop_step(struct loop *loop);

void loop_run(struct loop *loop, int64_t ms);

#endif
