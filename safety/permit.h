/* Whether the car may move at all, for whom, and what they ask: the permission.
 *
 * Permission is given on an explicit edge (an ARM message with a new mission id, behind all its
 * conditions), dropped by any fault, and never restored by the end of a fault. While it lasts, the
 * twist of the newest good intent is asked for; an intent expires by itself. Nothing here reads a
 * clock: every time is a parameter, and a millisecond more or less decides exactly as limits.h
 * says.
 *
 *   permit_sense    once a tick, first: what the process itself knows
 *   permit_open     a connection was accepted         (peer.h: its number is the connection)
 *   permit_message  a decoded message arrived         (wire.h)
 *   permit_malformed  a message that is none arrived
 *   permit_close    a connection ended
 *   permit_step     once a tick, last: what is asked now and why not more
 *   permit_event_take  what a person should read
 *
 * Boundaries: an intent holds while less than 300 ms have passed since its receipt (at 300 it is
 * over); its frame must be younger than 1000 ms (at 1000 it is too old); at 3000 ms without a good
 * intent permission is dropped; an ARM of up to 300 ms is taken; 500 ms after a fault ended the
 * next one is taken.
 *
 * Caller's memory, about 2 kB, no pointers in it; one thread. Pure: no I/O, clock, log, allocation,
 * float or assert. Total: any order of calls, any connection number, any time.
 */
#ifndef SAFETY_PERMIT_H
#define SAFETY_PERMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "safety/limits.h"
#include "safety/wire.h"

#define PERMIT_CONNECTIONS 4  /* numbered from 0; what has another number does not exist */
#define PERMIT_MISSIONS    64 /* used ids that are remembered one by one */
#define PERMIT_EVENTS      16 /* waiting to be taken; more are counted and lost */

/* What configuration may tighten. More than the ceiling of limits.h counts as the ceiling, less
 * than 0 as 0, which refuses everything. */
struct permit_options {
    int64_t frame_ms;  /* a decision from a frame that is not younger is void */
    int64_t travel_mm; /* on one decision */
};

/* What the process itself knows in this tick. Zeroed: nothing may move. */
struct permit_senses {
    bool key_pressed; /* the e-stop key, by level */
    bool self_test_passed;
    uint32_t faults; /* enum wire_reason: whatever must drop permission; 0: none */
    struct twist
        given; /* to the wheels since the call before; integrated on the decision in force */
};

/* Why an event happened or a message was refused. */
enum permit_cause {
    PERMIT_BY_MESSAGE,   /* somebody asked for it */
    PERMIT_BY_KEY,       /* the e-stop key */
    PERMIT_BY_START,     /* latched from before the process started */
    PERMIT_BY_HELLO,     /* an agent started over */
    PERMIT_BY_CLOSE,     /* the connection that armed is gone */
    PERMIT_BY_FAULT,     /* a sensor, the motors, the battery, the loop */
    PERMIT_BY_SELF_TEST, /* not passed, or not any more */
    PERMIT_BY_SILENCE,   /* no good intent for LIMITS_DISARM_MS */
    PERMIT_BY_NEXT,      /* the same connection armed its next mission */
    PERMIT_NO_HELLO,     /* refused: the connection has not said HELLO */
    PERMIT_SEQ,          /* refused: seq did not increase */
    PERMIT_FUTURE,       /* refused: made or captured later than now */
    PERMIT_OLD,          /* refused: made too long ago */
    PERMIT_BEFORE_STOP,  /* refused: made before the last stop or reset */
    PERMIT_USED,         /* refused: the mission id was used */
    PERMIT_OTHER,        /* refused: another connection has the permission */
    PERMIT_AFTER_FAULT,  /* refused: a fault is there, or ended less than LIMITS_ARM_QUIET_MS ago */
    PERMIT_ESTOP,        /* refused: latched */
    PERMIT_PRESSED,      /* refused: the key is pressed */
    PERMIT_MISSION,      /* refused: an intent of a mission that is not armed */
    PERMIT_FRAME_OLD,    /* refused: the frame is too old, or from before the ARM */
    PERMIT_FRAME_BACK,   /* refused: an earlier decision than the one in force */
    PERMIT_FRAME_CHANGED, /* refused: the same frame with another capture time */
    PERMIT_MALFORMED,     /* refused: no message */
};

struct permit_event {
    enum wire_event_code code;
    enum permit_cause cause;
    uint64_t mission;   /* that was armed, disarmed or refused; 0: none */
    uint32_t faults;    /* PERMIT_BY_FAULT: which */
    uint32_t malformed; /* PERMIT_MALFORMED: how many since the last event about this connection */
};

/* What holds in this tick. Zeroed: stand still. */
struct permit_output {
    uint64_t mission;   /* armed for; 0: not armed */
    uint64_t frame_seq; /* of the intent in force, or the last one of this mission; 0: none */
    struct twist asked; /* by the intent in force; zero if there is any reason */
    uint32_t reasons;   /* REASON_NOT_ARMED to REASON_TRAVEL */
    bool latched;       /* the e-stop: what the brake child keeps in the latch file (brake.h) */
};

/* The fields are permit.c's own; they are visible so that the caller can own the memory. */
struct permit {
    struct permit_options options;
    struct permit_senses senses;
    int64_t sense_ns;
    bool latched;
    int64_t fault_end_ns;
    int64_t stop_ns; /* the last stop or reset: an ARM made before it is void */

    /* The missions that were used: the largest ids one by one, all up to the floor at once. */
    uint64_t missions[PERMIT_MISSIONS];
    uint64_t mission_floor;

    struct permit_connection {
        bool open, greeted;
        uint64_t seq;
        uint32_t malformed; /* since the last event about them */
        int64_t malformed_ns;
    } connections[PERMIT_CONNECTIONS];

    uint64_t mission; /* 0: not armed */
    int owner;        /* the connection that armed; while armed */
    int64_t armed_ns; /* by the ARM's own time */
    int64_t heard_ns; /* last good intent, or the ARM */

    struct permit_decision {
        bool valid;                /* it may be in force; its age decides */
        uint32_t refusal;          /* why the newest intent is not: REASON_INTENT_OLD or _BAD */
        struct wire_intent newest; /* the last good one of this mission; source 0: none yet */
        int64_t travel_pm;         /* on this decision, in picometres: mm/s times ns */
    } decision;

    struct permit_event events[PERMIT_EVENTS];
    unsigned first, waiting;
    uint64_t events_lost;
    uint64_t refused, malformed; /* messages since the start, for status and metrics */
};

enum permit_answer {
    PERMIT_REFUSED, /* it changed nothing but counters, or it stopped something */
    PERMIT_TAKEN,   /* it did what it says; a LOOK: the caller may carry it out */
};

/* Disarmed; `latched`: what latch_is_set said. */
void permit_init(struct permit *permit, const struct permit_options *options, bool latched);

/* First in each tick. A fault, a pressed key or a self-test that does not hold drops permission in
 * this call. */
void permit_sense(struct permit *permit, const struct permit_senses *senses, int64_t now_ns);

/* A new connection under this number: it has said nothing yet. */
void permit_open(struct permit *permit, int connection, int64_t now_ns);

/* Permission that this connection had is dropped. */
void permit_close(struct permit *permit, int connection, int64_t now_ns);

/* One message that wire_request_read judged good, and when it was received. ESTOP, DISARM and the
 * disarming of a HELLO are honoured from any open connection and whatever its seq: nobody is too
 * late to stop. All else needs a HELLO first and a seq that increases. A refused message of the
 * connection that armed ends the intent in force. */
enum permit_answer permit_message(struct permit *permit, int connection,
                                  const union wire_request *request, int64_t now_ns);

/* Bytes that are no message. From the connection that armed they end the intent in force. */
void permit_malformed(struct permit *permit, int connection, int64_t now_ns);

/* Last in each tick. An intent is in force only if what its decision has travelled and one more
 * tick at its speed stay within the travel of one decision. Turning on the spot is no travel; the
 * age of the frame bounds it. */
void permit_step(struct permit *permit, int64_t now_ns, struct permit_output *ret_output);

/* The oldest event that waits; false: none, output untouched. */
bool permit_event_take(struct permit *permit, struct permit_event *ret_event);

/* "the mission id was used before": the end of a sentence for people. Valid for ever; never NULL.
 */
const char *permit_cause_text(enum permit_cause cause);

#endif
