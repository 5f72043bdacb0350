/* One exploration as a person orders it: its limits, how far it is, and why it ended.
 *
 *     mission_begin when the order is taken, mission_armed when the car is,
 *     mission_verdict for each verdict, mission_decided for each answer, mission_check each turn
 *
 * The car has no encoders: the distance is what the safety process let it drive, summed over the
 * time between two verdicts. Pure: no I/O, clock, log or allocation; caller's memory.
 */
#ifndef AGENT_CORE_MISSION_H
#define AGENT_CORE_MISSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hal/base/histogram.h"
#include "safety/wire.h"
#include "vlm/word.h"

#define MISSION_GOAL_SIZE 201 /* with its zero */

/* Of a limit: what can be asked for. 0: none is asked for. */
#define MISSION_DURATION_MAX_MS (3600 * 1000)
#define MISSION_DISTANCE_MAX_MM (1000 * 1000)

struct mission_order {
    uint64_t id;                  /* not 0 */
    char goal[MISSION_GOAL_SIZE]; /* mission_set_goal; "": explore this room */
    int64_t duration_ms, distance_mm, speed_mm_s;
    int64_t photo_ms; /* how often who follows it wants to be told to look; 0: never */
};

enum mission_state {
    MISSION_NONE,
    MISSION_ARMING,
    MISSION_EXPLORING,
    MISSION_ENDED,
};

enum mission_end {
    MISSION_GOES_ON,
    MISSION_BY_TIME,
    MISSION_BY_DISTANCE,
    MISSION_BY_STOP,       /* a person's */
    MISSION_BY_ESTOP,      /* key, or a person's */
    MISSION_BY_FAULT,      /* permission was lost, or not given; or no picture for 2.5 s */
    MISSION_BY_BATTERY,    /* empty, or there is none */
    MISSION_BY_LOST_MODEL, /* no answer for 2.5 s */
    MISSION_BY_STUCK,      /* asked to move, and no motion was let pass for 30 s */
    MISSION_BY_SHUTDOWN,   /* of the agent */
    MISSION_END_COUNT,
};

struct mission {
    struct mission_order order;
    enum mission_state state;
    enum mission_end end;
    char detail[WIRE_TEXT_SIZE];          /* of the end */
    int64_t begun_ns, armed_ns, ended_ns; /* 0: not yet */
    int64_t distance_um;
    int64_t verdict_ns; /* of the last one; 0: none */
    struct twist given;
    int64_t moved_ns, answered_ns, pictured_ns; /* last time */
    bool wants;                                 /* the last decision asks for motion */
    uint64_t answered, failed;
    uint64_t vetoes[WIRE_REASON_COUNT]; /* decisions that the reason stood against */
    uint64_t words[WORD_COUNT_MAX];
    struct histogram total, motor; /* picture to intent, picture to motor frame */
};

/* A goal in a person's words becomes text that can stand in a question: UTF-8, in which nothing but
 * letters, digits, blanks and a few marks is left, so that it can be neither JSON nor one of the
 * words that models mark their turns with. False: longer than MISSION_GOAL_SIZE - 1, or no UTF-8;
 * then nothing is changed. */
bool mission_set_goal(struct mission_order *order, const char *text, size_t size);

void mission_begin(struct mission *mission, const struct mission_order *order, int64_t now_ns);
void mission_armed(struct mission *mission, int64_t now_ns);

/* What the safety process says now; a zeroed one that it says nothing. */
void mission_verdict(struct mission *mission, const struct wire_verdict *verdict, int64_t now_ns);

/* One question came to its end. `word` < 0: it failed. */
void mission_decided(struct mission *mission, int word, const struct twist *wish,
                     const struct wire_verdict *verdict, int64_t total_ns, int64_t now_ns);
void mission_pictured(struct mission *mission, int64_t now_ns);
void mission_motor(struct mission *mission, int64_t duration_ns);

/* Whether it is over by itself. */
enum mission_end mission_check(const struct mission *mission, int64_t now_ns);

/* Why permission was lost, from what the safety process said then. */
enum mission_end mission_loss(uint32_t reasons);

/* `detail`: for people, "": nothing more to say. */
void mission_finish(struct mission *mission, enum mission_end end, const char *detail,
                    int64_t now_ns);

/* "time", "lost_model"; "arming": for people and JSON. */
const char *mission_end_name(enum mission_end end);
const char *mission_state_name(enum mission_state state);

#endif
