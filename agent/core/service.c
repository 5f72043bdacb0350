/* See service.h.
 *
 * A turn is the same in and between missions: read the orders, tell the status ten times a second,
 * tell a scan when there is one. Between missions the loop itself keeps the link and the camera; in
 * one the pilot does, and asks here each turn whether it goes on.
 *
 * A stop counts from the moment that it was ordered: an order to explore that was read after a stop
 * but given before it is void as well.
 */
#include "agent/core/service.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "agent/core/picture.h"
#include "hal/base/clock.h"

#define STATUS_NS     (100 * CLOCK_NS_PER_MS)
#define PICTURE_NS    (100 * CLOCK_NS_PER_MS) /* between missions */
#define SEEN_NS       (1 * CLOCK_NS_PER_S)    /* a camera without a picture for so long has none */
#define DRIVE_IDLE_NS (1 * CLOCK_NS_PER_S)    /* without an order: permission is given back */
#define ARM_AGAIN_NS  (600 * CLOCK_NS_PER_MS)
#define TURN_MS       20

struct state {
    const struct service *service;
    struct pilot pilot; /* of the next mission */
    struct finder_result found;
    struct mission mission;
    enum mission_end end; /* of the one that runs, as soon as it is known */
    bool degenerate;
    bool wanted; /* `order` waits */
    struct mission_order order;
    uint64_t order_stops;      /* that were before it */
    uint64_t stops;            /* that were noticed */
    char said[WIRE_TEXT_SIZE]; /* by the safety process, about permission */
    int64_t status_ns, picture_ns, seen_ns;
    /* A person drives. */
    uint64_t drive_mission, drive_number;
    int64_t drive_ns, drive_arm_ns; /* last order, last ARM */
};

/* --- what is told --- */

static void tell_event(void *context, const struct wire_event *event)
{
    struct state *state = context;
    struct hub_record *record = hub_record(state->service->hub);

    if (event->code == WIRE_EVENT_DISARMED || event->code == WIRE_EVENT_ARM_REFUSED) {
        (void)snprintf(state->said, sizeof(state->said), "%s", event->text);
    }
    if (record != NULL) {
        record->kind = HUB_EVENT;
        record->time_ns = event->header.time_ns;
        record->event = *event;
        hub_tell(state->service->hub);
    }
}

static void tell_picture(void *context, uint64_t seq, const struct jpeg_picture *picture)
{
    struct state *state = context;
    int64_t now_ns = clock_now_ns();
    struct hub_record *record = hub_record(state->service->hub);

    state->seen_ns = now_ns;
    mission_pictured(&state->mission, now_ns);
    if (record == NULL || picture->size > HUB_PICTURE_MAX) {
        return;
    }
    record->kind = HUB_PICTURE;
    record->time_ns = now_ns;
    record->picture_seq = seq;
    record->size = picture->size;
    memcpy(record->bytes, picture->bytes, picture->size);
    hub_tell(state->service->hub);
}

static void tell_decision(void *context, const struct report_frame *frame, bool degenerate)
{
    struct state *state = context;
    struct hub_record *record = hub_record(state->service->hub);
    int64_t now_ns = clock_now_ns();

    state->degenerate = degenerate;
    mission_decided(&state->mission, frame->fault == FAULT_NONE ? frame->decision.word : WORD_NONE,
                    &frame->intent.twist, &frame->verdict, frame->stage_ns[STAGE_TOTAL], now_ns);
    if (record != NULL) {
        record->kind = HUB_DECISION;
        record->time_ns = now_ns;
        record->frame = *frame;
        hub_tell(state->service->hub);
    }
}

static void note_motor(void *context, int64_t duration_ns)
{
    struct state *state = context;

    mission_motor(&state->mission, duration_ns);
}

static void note_armed(void *context, int64_t now_ns)
{
    struct state *state = context;

    mission_armed(&state->mission, now_ns);
}

static void describe_safety(const struct state *state, const struct wire_verdict *verdict,
                            char text[HUB_TEXT_SIZE])
{
    const struct link *link = state->service->pilot.link;

    if (verdict->header.seq != 0) {
        text[0] = '\0';
    } else if (link_is_up(link)) {
        (void)snprintf(text, HUB_TEXT_SIZE, "the safety process says nothing");
    } else {
        (void)snprintf(text, HUB_TEXT_SIZE, "the safety process cannot be reached: %s",
                       strerror(-link_error(link)));
    }
}

static void describe_camera(const struct state *state, char text[HUB_TEXT_SIZE])
{
    const struct pilot *pilot = &state->service->pilot;

    (void)snprintf(text, HUB_TEXT_SIZE, "%s",
                   pilot->camera != NULL ? camera_state(pilot->camera) : "recorded pictures");
}

static bool drives(const struct state *state, int64_t now_ns)
{
    return state->drive_mission != 0 && now_ns - state->drive_ns < DRIVE_IDLE_NS;
}

static void tell_status(struct state *state, int64_t now_ns)
{
    const struct link *link = state->service->pilot.link;
    struct hub_record *record;

    if (now_ns < state->status_ns || (record = hub_record(state->service->hub)) == NULL) {
        return;
    }
    state->status_ns = now_ns + STATUS_NS;
    record->kind = HUB_STATUS;
    record->time_ns = now_ns;
    record->status = (struct hub_status){
        .model = state->found.vlm != NULL,
        .camera = state->service->pilot.camera == NULL || now_ns - state->seen_ns < SEEN_NS,
        .remote = drives(state, now_ns),
        .degenerate = state->degenerate,
        .verdict = link_verdict(link, now_ns),
        .mission = state->mission,
    };
    record->status.safety = record->status.verdict.header.seq != 0;
    describe_safety(state, &record->status.verdict, record->status.safety_text);
    describe_camera(state, record->status.camera_text);
    (void)snprintf(record->status.model_text, HUB_TEXT_SIZE, "%s",
                   state->found.text[0] != '\0' ? state->found.text : "looking for a model server");
    hub_tell(state->service->hub);
}

static void tell_scan(struct state *state, int64_t now_ns)
{
    struct wire_scan scan;
    struct hub_record *record;

    if (link_scan(state->service->pilot.link, &scan) &&
        (record = hub_record(state->service->hub)) != NULL) {
        record->kind = HUB_SCAN;
        record->time_ns = now_ns;
        record->scan = scan;
        hub_tell(state->service->hub);
    }
}

/* --- orders --- */

static void end_drive(struct state *state, int64_t now_ns)
{
    if (state->drive_mission != 0) {
        link_disarm(state->service->pilot.link, now_ns);
        state->drive_mission = 0;
    }
}

/* Ids are the wall clock's, as the pilot's are. */
static void arm_to_drive(struct state *state, int64_t now_ns)
{
    struct link *link = state->service->pilot.link;
    struct timespec wall;
    uint64_t mission;

    if (state->drive_mission != 0 && now_ns - state->drive_arm_ns < ARM_AGAIN_NS) {
        return;
    }
    (void)clock_gettime(CLOCK_REALTIME, &wall);
    mission = (uint64_t)wall.tv_sec * 1000000 + (uint64_t)wall.tv_nsec / 1000;
    if (link_arm(link, mission, now_ns) == 0) {
        state->drive_mission = mission;
        state->drive_arm_ns = now_ns;
        state->drive_number = 0;
    }
}

static void drive(struct state *state, const struct hub_command *command, int64_t now_ns)
{
    struct link *link = state->service->pilot.link;
    int64_t until_ns = command->time_ns + command->drive_ms * CLOCK_NS_PER_MS;

    state->drive_ns = now_ns;
    if (state->drive_mission == 0 || link_verdict(link, now_ns).mission != state->drive_mission) {
        arm_to_drive(state, now_ns);
        return; /* this order is older than the permission, the next one will not be */
    }
    link_drive(link, &command->drive, ++state->drive_number, command->time_ns, until_ns, now_ns);
}

static void obey(struct state *state, const struct hub_command *command, bool in_mission,
                 int64_t now_ns)
{
    struct link *link = state->service->pilot.link;

    switch (command->order) {
    case HUB_EXPLORE:
        state->order = command->explore;
        state->order_stops = command->stops;
        state->wanted = true;
        break;
    case HUB_ESTOP:
        (void)link_say(link, WIRE_ESTOP, now_ns);
        state->end = MISSION_BY_ESTOP;
        break;
    case HUB_RESET:
        (void)link_say(link, WIRE_RESET, now_ns);
        break;
    case HUB_DRIVE:
        if (!in_mission) {
            drive(state, command, now_ns);
        }
        break;
    case HUB_LOOK:
        (void)link_look(link, command->pan_mrad, command->tilt_mrad, now_ns);
        break;
    }
}

/* A stop overtakes what waits: orders to move that were given before it are forgotten. */
static void take_orders(struct state *state, bool in_mission, int64_t now_ns)
{
    struct hub *hub = state->service->hub;
    uint64_t stops = hub_stops(hub);
    struct hub_command command;

    while (hub_command(hub, &command)) {
        bool moves = command.order == HUB_EXPLORE || command.order == HUB_DRIVE;

        if (!moves || command.stops >= stops) {
            obey(state, &command, in_mission, now_ns);
        }
    }
    if (stops != state->stops) {
        state->stops = stops;
        state->end = state->end == MISSION_GOES_ON ? MISSION_BY_STOP : state->end;
        state->wanted = state->wanted && state->order_stops >= stops;
        end_drive(state, now_ns);
    }
}

/* --- a mission --- */

static bool is_signalled(const struct state *state)
{
    struct pollfd pollfd = {.fd = state->service->pilot.options.stop_fd, .events = POLLIN};

    return poll(&pollfd, 1, 0) > 0;
}

static int turn_in_mission(void *context, int64_t now_ns)
{
    struct state *state = context;
    struct wire_verdict verdict = link_verdict(state->service->pilot.link, now_ns);

    mission_verdict(&state->mission, &verdict, now_ns);
    take_orders(state, true, now_ns);
    tell_status(state, now_ns);
    tell_scan(state, now_ns);
    if (state->end == MISSION_GOES_ON) {
        state->end = mission_check(&state->mission, now_ns);
        if (state->end == MISSION_BY_FAULT) {
            (void)snprintf(state->said, sizeof(state->said), "the camera gives no pictures");
        }
    }
    return state->end != MISSION_GOES_ON;
}

/* Why the pilot came back. */
static enum mission_end end_of(const struct state *state, int result, int64_t now_ns)
{
    struct wire_verdict verdict = link_verdict(state->service->pilot.link, now_ns);

    if (state->end != MISSION_GOES_ON) {
        return state->end;
    }
    return result == PILOT_STOPPED || is_signalled(state) ? MISSION_BY_SHUTDOWN
                                                          : mission_loss(verdict.reasons);
}

/* A model that was lost is looked for again; the others know theirs. */
static int look_again(struct state *state)
{
    vlm_free(state->found.vlm);
    vlm_free(state->found.percept);
    state->found = (struct finder_result){0};
    return finder_look(state->service->finder);
}

static void prepare_pilot(struct state *state, const struct pilot_watcher *watcher)
{
    const struct pilot *pilot = &state->service->pilot;
    int64_t speed_mm_s = state->mission.order.speed_mm_s;

    state->pilot = *pilot;
    state->pilot.vlm = state->found.vlm;
    state->pilot.percept = state->found.percept;
    state->pilot.watcher = watcher;
    state->pilot.note.task = state->mission.order.goal;
    if (speed_mm_s > 0 && speed_mm_s < pilot->explorer.forward_mm_s) {
        state->pilot.explorer.forward_mm_s = speed_mm_s;
    }
    if (speed_mm_s > 0 && speed_mm_s < pilot->explorer.backward_mm_s) {
        state->pilot.explorer.backward_mm_s = speed_mm_s;
    }
}

/* 0 or -errno of what ends the service. */
static int explore(struct state *state)
{
    const struct pilot_watcher watcher = {
        .context = state,
        .fd = hub_command_fd(state->service->hub),
        .turn = turn_in_mission,
        .armed = note_armed,
        .event = tell_event,
        .picture = tell_picture,
        .decided = tell_decision,
        .motor = note_motor,
    };
    const struct report_options quiet = {.quiet = true};
    struct log *log = state->service->pilot.log;
    int64_t now_ns = clock_now_ns();
    enum mission_end end;
    int result;

    state->wanted = false;
    state->end = MISSION_GOES_ON;
    if (state->order_stops > state->stops) {
        state->stops =
            state->order_stops; /* it was given after them, also if they were not seen yet */
    }
    state->degenerate = false;
    state->said[0] = '\0';
    end_drive(state, now_ns);
    mission_begin(&state->mission, &state->order, now_ns);
    prepare_pilot(state, &watcher);
    result = report_new(&quiet, &state->pilot.report);
    if (result < 0) {
        return result;
    }
    log_info(log, "mission %llu: %s", (unsigned long long)state->order.id,
             state->order.goal[0] != '\0' ? state->order.goal : "explore");
    result = state->found.vlm != NULL ? pilot_run(&state->pilot) : PILOT_ENDED;
    report_free(state->pilot.report);
    now_ns = clock_now_ns();
    if (state->found.vlm == NULL) {
        state->end = MISSION_BY_LOST_MODEL;
    }
    end = end_of(state, result, now_ns);
    mission_finish(&state->mission, end, end == MISSION_BY_FAULT ? state->said : "", now_ns);
    log_info(log, "mission %llu: ended by %s after %lld s, %lld m",
             (unsigned long long)state->order.id, mission_end_name(state->mission.end),
             (long long)((now_ns - state->mission.begun_ns) / CLOCK_NS_PER_S),
             (long long)(state->mission.distance_um / 1000000));
    if (result >= 0 && end == MISSION_BY_LOST_MODEL) {
        result = look_again(state);
    }
    /* At once, and what is missing now together with the end: who hears of it may order anew. */
    state->status_ns = 0;
    tell_status(state, now_ns);
    return result < 0 ? result : 0;
}

/* --- between missions --- */

static void take_events(struct state *state)
{
    const struct pilot *pilot = &state->service->pilot;
    struct wire_event event;

    while (link_event(pilot->link, &event)) {
        tell_event(state, &event);
        log_info(pilot->log, "safety: %s", event.text);
    }
}

/* 0 or -errno. */
static int take_found(struct state *state)
{
    if (!finder_take(state->service->finder, &state->found)) {
        return 0;
    }
    return state->found.vlm == NULL ? finder_look(state->service->finder) : 0;
}

/* The next picture, for those who look on. What cannot be read is not shown. */
static int show_picture(struct state *state, int64_t now_ns)
{
    const struct pilot *pilot = &state->service->pilot;
    struct jpeg_picture picture;
    struct frame frame;
    int result;

    if (now_ns < state->picture_ns) {
        return 0;
    }
    result = pilot->camera != NULL ? camera_take(pilot->camera, now_ns, &frame)
                                   : folder_next(pilot->folder, &frame);
    if (result == FOLDER_END && pilot->camera == NULL) {
        folder_rewind(pilot->folder);
        return 0;
    }
    if (result != 0) {
        return pilot->camera == NULL || result == CAMERA_NO_FRAME ? 0 : result;
    }
    state->picture_ns = now_ns + PICTURE_NS;
    result = picture_fit(pilot->jpeg, &frame, &picture);
    if (result == 0) {
        tell_picture(state, frame.seq, &picture);
    }
    return result < 0 ? result : 0;
}

static int turn_between(struct state *state)
{
    const struct pilot *pilot = &state->service->pilot;
    struct pollfd pollfds[] = {
        {.fd = pilot->options.stop_fd, .events = POLLIN},
        {.fd = hub_command_fd(state->service->hub), .events = POLLIN},
        {.fd = link_fd(pilot->link), .events = POLLIN},
    };
    int64_t now_ns;
    int result;

    if (poll(pollfds, 3, TURN_MS) < 0 && errno != EINTR) {
        return -errno;
    }
    now_ns = clock_now_ns();
    link_step(pilot->link, now_ns);
    take_events(state);
    take_orders(state, false, now_ns);
    if (state->drive_mission != 0 && !drives(state, now_ns)) {
        end_drive(state, now_ns);
    }
    result = take_found(state);
    if (result == 0) {
        result = show_picture(state, now_ns);
    }
    tell_status(state, now_ns);
    tell_scan(state, now_ns);
    return result;
}

int service_run(const struct service *service)
{
    struct state state = {.service = service};
    int result = 0;

    while (result == 0 && !is_signalled(&state)) {
        result = state.wanted ? explore(&state) : turn_between(&state);
    }
    end_drive(&state, clock_now_ns());
    vlm_free(state.found.vlm);
    vlm_free(state.found.percept);
    return result;
}
