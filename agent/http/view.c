/* See view.h. */
#include "agent/http/view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/http/json.h"
#include "hal/base/clock.h"

#define FRESH_NS CLOCK_NS_PER_S

int view_new(struct view **ret_view)
{
    struct view *view = calloc(1, sizeof(*view));

    if (view == NULL) {
        return -ENOMEM;
    }
    for (int stage = 0; stage < STAGE_COUNT; stage++) {
        histogram_init(&view->stages[stage]);
    }
    *ret_view = view;
    return 0;
}

struct view_picture *view_picture_hold(struct view_picture *picture)
{
    if (picture != NULL) {
        picture->holders++;
    }
    return picture;
}

void view_picture_drop(struct view_picture *picture)
{
    if (picture != NULL && --picture->holders == 0) {
        free(picture);
    }
}

void view_free(struct view *view)
{
    if (view == NULL) {
        return;
    }
    for (int i = 0; i < VIEW_DECISIONS; i++) {
        view_picture_drop(view->decisions[i].picture);
    }
    for (int i = 0; i < VIEW_PICTURES; i++) {
        view_picture_drop(view->pictures[i]);
    }
    for (int i = 0; i < VIEW_EVENTS; i++) {
        free(view->events[i].data);
    }
    view_picture_drop(view->picture);
    free(view);
}

/* Without memory nothing is told: who misses a number sees it. */
static void add_event(struct view *view, const char *kind, uint64_t mission, char *data)
{
    struct view_event *event = &view->events[view->event_count % VIEW_EVENTS];

    view->event_count++;
    free(event->data);
    *event = (struct view_event){view->event_count, mission, kind, data};
}

static uint64_t running_id(struct view *view)
{
    struct view_mission *running = view_running(view);

    return running != NULL ? running->mission.order.id : 0;
}

static void tell_mission(struct view *view, const struct view_mission *mission, const char *kind)
{
    add_event(view, kind, mission->mission.order.id, json_mission(mission));
}

static void take_ended(struct view *view, const struct mission *ended)
{
    struct view_mission *mission = view_mission(view, ended->order.id);

    view->ends[ended->end]++;
    if (mission != NULL) {
        mission->mission = *ended;
        tell_mission(view, mission, "ended");
    }
}

static void take_status(struct view *view, const struct hub_record *record)
{
    const struct mission *told = &record->status.mission;
    struct view_mission *mission = view_mission(view, told->order.id);
    bool changed = mission != NULL && (!mission->taken || mission->mission.state != told->state);

    view->status = record->status;
    view->status_ns = record->time_ns;
    if (mission == NULL || mission->mission.state == MISSION_ENDED) {
        return;
    }
    if (told->state == MISSION_ENDED) {
        take_ended(view, told);
        return;
    }
    mission->mission = *told;
    mission->taken = true;
    if (changed) {
        tell_mission(view, mission, "state");
    }
}

static void take_picture(struct view *view, const struct hub_record *record)
{
    struct view_picture *picture = malloc(sizeof(*picture) + record->size);
    struct view_picture **place = &view->pictures[record->picture_seq % VIEW_PICTURES];

    if (picture == NULL) {
        return;
    }
    picture->holders = 2; /* the newest, and its place */
    picture->seq = record->picture_seq;
    picture->time_ns = record->time_ns;
    picture->size = record->size;
    memcpy(picture->bytes, record->bytes, record->size);
    view_picture_drop(*place);
    *place = picture;
    view_picture_drop(view->picture);
    view->picture = picture;
}

static void count_decision(struct view *view, const struct report_frame *frame)
{
    view->faults[frame->fault]++;
    if (frame->fault == FAULT_NONE) {
        view->words[frame->decision.question][frame->decision.word]++;
    }
    for (int bit = 0; bit < WIRE_REASON_COUNT; bit++) {
        view->vetoes[bit] += frame->verdict.reasons >> bit & 1;
    }
    for (int stage = 0; stage < STAGE_COUNT; stage++) {
        if (frame->stage_ns[stage] >= 0) {
            histogram_add(&view->stages[stage], frame->stage_ns[stage]);
        }
    }
}

/* Now and then there is something to look at. The picture is the newest one. */
static void tell_photo(struct view *view, int64_t now_ns)
{
    struct view_mission *running = view_running(view);
    int64_t period_ns = running != NULL ? running->mission.order.photo_ms * CLOCK_NS_PER_MS : 0;

    if (period_ns > 0 && now_ns >= running->photo_ns) {
        running->photo_ns = now_ns + period_ns;
        add_event(view, "photo", running->mission.order.id, strdup("{\"url\":\"/v1/camera.jpg\"}"));
    }
}

static void take_decision(struct view *view, const struct hub_record *record)
{
    struct view_decision *decision = &view->decisions[view->decision_count % VIEW_DECISIONS];
    struct view_picture *picture = view->pictures[record->frame.seq % VIEW_PICTURES];

    view->decision_count++;
    view_picture_drop(decision->picture);
    *decision = (struct view_decision){
        .number = view->decision_count,
        .mission = running_id(view),
        .time_ns = record->time_ns,
        .frame = record->frame,
        .picture = picture != NULL && picture->seq == record->frame.seq ? view_picture_hold(picture)
                                                                        : NULL,
    };
    count_decision(view, &record->frame);
    add_event(view, "decision", decision->mission, json_decision(decision));
    tell_photo(view, record->time_ns);
}

void view_take(struct view *view, struct hub *hub)
{
    const struct hub_record *record;

    while ((record = hub_peek(hub)) != NULL) {
        switch (record->kind) {
        case HUB_STATUS:
            take_status(view, record);
            break;
        case HUB_SCAN:
            view->scan = record->scan;
            view->scan_ns = record->time_ns;
            break;
        case HUB_EVENT:
            add_event(view, "safety", running_id(view), json_event(&record->event));
            break;
        case HUB_PICTURE:
            take_picture(view, record);
            break;
        case HUB_DECISION:
            take_decision(view, record);
            break;
        }
        hub_done(hub);
    }
}

struct view_mission *view_running(struct view *view)
{
    struct view_mission *last =
        view->mission_count > 0 ? &view->missions[(view->mission_count - 1) % VIEW_MISSIONS] : NULL;

    return last != NULL && last->mission.state != MISSION_ENDED ? last : NULL;
}

struct view_mission *view_mission(struct view *view, uint64_t id)
{
    for (int i = 0; id != 0 && i < VIEW_MISSIONS; i++) {
        if (view->missions[i].mission.order.id == id) {
            return &view->missions[i];
        }
    }
    return NULL;
}

struct view_mission *view_order(struct view *view, const struct mission_order *order,
                                int64_t wall_ns, int64_t now_ns)
{
    struct view_mission *mission = &view->missions[view->mission_count % VIEW_MISSIONS];

    if (view_running(view) != NULL) {
        return NULL;
    }
    view->mission_count++;
    *mission = (struct view_mission){.ordered_ns = wall_ns};
    mission_begin(&mission->mission, order, now_ns);
    tell_mission(view, mission, "state");
    return mission;
}

void view_stop(struct view *view, enum mission_end end, int64_t now_ns)
{
    struct view_mission *running = view_running(view);

    if (running != NULL && !running->taken) {
        struct mission ended = running->mission;

        mission_finish(&ended, end, "", now_ns);
        take_ended(view, &ended);
    }
}

const struct view_decision *view_decision(const struct view *view, uint64_t number)
{
    if (number == 0 || number > view->decision_count ||
        view->decision_count - number >= VIEW_DECISIONS) {
        return NULL;
    }
    return &view->decisions[(number - 1) % VIEW_DECISIONS];
}

const struct view_event *view_event(const struct view *view, uint64_t after, uint64_t mission)
{
    uint64_t oldest = view->event_count > VIEW_EVENTS ? view->event_count - VIEW_EVENTS + 1 : 1;

    for (uint64_t number = after + 1 > oldest ? after + 1 : oldest; number <= view->event_count;
         number++) {
        const struct view_event *event = &view->events[(number - 1) % VIEW_EVENTS];

        if (event->data != NULL && (mission == 0 || event->mission == mission)) {
            return event;
        }
    }
    return NULL;
}

bool view_is_fresh(const struct view *view, int64_t now_ns)
{
    return view->status_ns != 0 && now_ns - view->status_ns < FRESH_NS;
}
