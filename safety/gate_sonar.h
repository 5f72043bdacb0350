/* What the sonar said. It can only close the gate.
 *
 * It sees, in a cone, what lies above and below the lidar's plane. What it alone sees becomes an
 * arc; seen twice, it is held for up to 8 s and moved along with the car until it was seen through.
 * Caller's memory; pure; one thread.
 */
#ifndef SAFETY_GATE_SONAR_H
#define SAFETY_GATE_SONAR_H

#include "safety/gate_arc.h"
#include "safety/gate_drift.h"
#include "safety/gate_world.h"

#define GATE_SONAR_FAULT (-1) /* a reading that failed */
#define GATE_SONAR_OFF   (-2) /* switched off by configuration */
#define GATE_SONAR_MAX   5000 /* mm: no echo; a longer one is a fault */

#define GATE_SONAR_FRESH_MS 200
#define GATE_SONAR_HOLD_MS  8000
#define GATE_SONAR_GOOD     3 /* good readings in a row, until it is believed */
#define GATE_SONAR_THINGS   8

enum gate_sonar_state {
    GATE_SONAR_IS_FAULTY, /* not heard, or not believed */
    GATE_SONAR_IS_OFF,
    GATE_SONAR_IS_GOOD,
};

struct gate_sonar_thing {
    struct gate_arc arc;
    int64_t seen_ms;
    int seen;     /* times; 0: free */
    bool through; /* the last reading came through a part of it */
};

struct gate_sonar {
    bool off;
    bool pending; /* a reading that gate_sonar_step has not judged */
    int good;     /* readings in a row */
    int32_t reading_mm;
    int64_t reading_ms;
    int64_t stuck_um;  /* driven forward while the reading was the same */
    int64_t beside_um; /* turned or strafed, in forward motion that it takes to see what is there */
    struct gate_sonar_thing things[GATE_SONAR_THINGS];
};

void gate_sonar_init(struct gate_sonar *sonar, int64_t now_ms);

/* A reading: mm of 1..GATE_SONAR_MAX, or GATE_SONAR_OFF; anything else is a fault. A reading that
 * is not newer than the last is ignored. */
void gate_sonar_read(struct gate_sonar *sonar, int32_t reading_mm, int64_t time_ms);

/* Once a tick: moves what is held by the last step of dead reckoning, forgets what is over and
 * judges the newest reading against what the lidar has in the cone. */
void gate_sonar_step(struct gate_sonar *sonar, const struct gate_model *model,
                     const struct gate_drift *drift, const struct gate_age ages[GATE_AGES],
                     const struct gate_view *view, int64_t now_ms);

enum gate_sonar_state gate_sonar_state(const struct gate_sonar *sonar, int64_t now_ms);

/* Whether the way straight ahead has been in the cone: not after a turn or a strafe. */
bool gate_sonar_has_looked(const struct gate_sonar *sonar);

/* Appends what is held. What may be nearer than it looks by the field of creeping caps the speed at
 * that: it can be anywhere, and standing still would not tell where. */
void gate_sonar_add(const struct gate_sonar *sonar, const struct gate_model *model,
                    struct gate_boxes *boxes);

#endif
