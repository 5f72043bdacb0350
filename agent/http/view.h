/* What is known of the agent, on the server's side of the hub: the newest of everything, the last
 * 60 decisions with their pictures, the last missions, and what happened, numbered.
 *
 * One thread. Nothing here waits; what is too old makes room.
 */
#ifndef AGENT_HTTP_VIEW_H
#define AGENT_HTTP_VIEW_H

#include "agent/core/hub.h"

#define VIEW_DECISIONS 60
#define VIEW_PICTURES  96 /* more than that, since a decision comes after its picture */
#define VIEW_MISSIONS  16
#define VIEW_EVENTS    512

/* Shared: view_picture_drop when done with it. */
struct view_picture {
    int holders;
    uint64_t seq;
    int64_t time_ns;
    size_t size;
    uint8_t bytes[];
};

struct view_decision {
    uint64_t number; /* counts from 1 */
    uint64_t mission;
    int64_t time_ns;
    struct report_frame frame;
    struct view_picture *picture; /* NULL: it was not told */
};

struct view_mission {
    struct mission mission;
    int64_t ordered_ns; /* wall clock */
    bool taken;         /* the loop has begun with it */
    int64_t photo_ns;   /* when the next one is to be told */
};

/* What happened, as it is streamed. */
struct view_event {
    uint64_t number;  /* counts from 1 */
    uint64_t mission; /* that it belongs to; 0: none */
    const char *kind; /* "state", "decision", "safety", "photo", "ended" */
    char *data;       /* one line of JSON */
};

struct view {
    struct hub_status status;
    int64_t status_ns, scan_ns;
    struct wire_scan scan;
    struct view_picture *picture; /* the newest; NULL: none yet */
    struct view_picture *pictures[VIEW_PICTURES];
    struct view_decision decisions[VIEW_DECISIONS];
    uint64_t decision_count;
    struct view_mission missions[VIEW_MISSIONS];
    uint64_t mission_count;
    struct view_event events[VIEW_EVENTS];
    uint64_t event_count;
    /* Since the start, for the metrics. */
    uint64_t words[2][WORD_COUNT_MAX], faults[FAULT_COUNT], vetoes[WIRE_REASON_COUNT];
    uint64_t ends[MISSION_END_COUNT];
    struct histogram stages[STAGE_COUNT];
};

/* 0 or -ENOMEM. */
int view_new(struct view **ret_view);
void view_free(struct view *view);

/* Takes everything that waits in the hub. */
void view_take(struct view *view, struct hub *hub);

/* A mission was ordered. NULL: one is there already. */
struct view_mission *view_order(struct view *view, const struct mission_order *order,
                                int64_t wall_ns, int64_t now_ns);

/* A stop was ordered: what the loop has not begun with will not begin. */
void view_stop(struct view *view, enum mission_end end, int64_t now_ns);

/* The one that is not over; NULL: none. */
struct view_mission *view_running(struct view *view);
struct view_mission *view_mission(struct view *view, uint64_t id);

/* The decision of this number, or NULL when it is too old. */
const struct view_decision *view_decision(const struct view *view, uint64_t number);

/* The oldest event with a larger number; NULL: none. Of a mission, or 0: of all. */
const struct view_event *view_event(const struct view *view, uint64_t after, uint64_t mission);

/* The status is not older than a second: the loop lives. */
bool view_is_fresh(const struct view *view, int64_t now_ns);

struct view_picture *view_picture_hold(struct view_picture *picture);
void view_picture_drop(struct view_picture *picture);

#endif
