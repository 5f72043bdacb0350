/* See api.h and routes.h.
 *
 * What changes something is answered from what is known when it arrives: the loop may be a tenth of
 * a second ahead, so it judges for itself, and what it makes of an order is told by the mission's
 * events.
 */
#include "agent/http/routes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/http/fields.h"
#include "agent/http/json.h"
#include "agent/http/metrics.h"
#include "agent/http/page.h"
#include "hal/base/clock.h"
#include "safety/limits.h"

#define DRIVE_MAX_MS LIMITS_INTENT_MS

static const char *title_of(int status)
{
    static const struct {
        int status;
        const char *title;
    } titles[] = {
        {400, "the request cannot be read"},
        {401, "a token is needed"},
        {403, "not from there"},
        {404, "there is nothing here"},
        {405, "not with this method"},
        {409, "busy"},
        {413, "the body is too large"},
        {415, "the body is of another type"},
        {422, "a field is not as expected"},
        {423, "the emergency stop is latched"},
        {500, "no memory"},
        {503, "not ready"},
    };

    for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++) {
        if (titles[i].status == status) {
            return titles[i].title;
        }
    }
    return "";
}

static void reply_with(struct api_reply *reply, int status, const char *type, char *body)
{
    reply->status = body != NULL ? status : 500;
    reply->type = body != NULL ? type : NULL;
    reply->body = body;
    reply->size = body != NULL ? strlen(body) : 0;
}

static void reply_json(struct api_reply *reply, int status, char *body)
{
    reply_with(reply, status, "application/json", body);
}

static void refuse(struct api_reply *reply, int status, const char *detail, const char *key,
                   const char *extra)
{
    reply_with(reply, status, "application/problem+json",
               json_problem(status, title_of(status), detail, key, extra));
}

/* --- missions --- */

static const struct route_field mission_fields[] = {
    {.name = "goal",
     .text = true,
     .max = MISSION_GOAL_SIZE - 1,
     .help = "what to look for, in a few words; without it the car explores the room"},
    {.name = "limits.duration_s",
     .min = 1,
     .max = MISSION_DURATION_MAX_MS / 1000.0,
     .help = "the mission ends after this time"},
    {.name = "limits.distance_m",
     .min = 0.1,
     .max = MISSION_DISTANCE_MAX_MM / 1000.0,
     .help = "the mission ends after this way"},
    {.name = "limits.speed_mm_s",
     .min = 50,
     .max = LIMITS_FORWARD_MM_S,
     .help = "never faster than this"},
    {.name = "notify.photo_every_s",
     .min = 1,
     .max = 600,
     .help = "how often the events say that a photo is worth a look"},
    {.name = NULL},
};

static int64_t milli(double value)
{
    return isnan(value) ? 0 : (int64_t)(value * 1000 + 0.5);
}

/* 0, or the status that refuses it; then the reply is made. */
static int read_order(const struct api_request *request, struct mission_order *order,
                      struct api_reply *reply)
{
    char why[FIELDS_WHY_SIZE];
    struct fields fields;
    int status = fields_read(request, mission_fields, &fields, why);

    *order = (struct mission_order){0};
    if (status == 0) {
        const char *goal = fields.text[0] != NULL ? fields.text[0] : "";

        order->duration_ms = milli(fields.number[1]);
        order->distance_mm = milli(fields.number[2]);
        order->speed_mm_s = isnan(fields.number[3]) ? 0 : (int64_t)fields.number[3];
        order->photo_ms = milli(fields.number[4]);
        if (!mission_set_goal(order, goal, strlen(goal))) {
            (void)snprintf(why, sizeof(why), "goal: expected printable UTF-8 text");
            status = 422;
        }
    }
    fields_fini(&fields);
    if (status != 0) {
        refuse(reply, status, why, NULL, NULL);
    }
    return status;
}

static bool is_latched(const struct view *view)
{
    return (view->status.verdict.reasons & (uint32_t)REASON_ESTOP) != 0;
}

/* 0, or the reply is made. */
static int check_mission(struct api *api, const struct api_request *request,
                         struct api_reply *reply)
{
    struct view_mission *running = view_running(api->view);
    char *extra = NULL;
    int status = 0;

    if (running != NULL) {
        status = 409;
        extra = json_mission(running);
        refuse(reply, status, "a mission is under way", "mission", extra);
    } else if (is_latched(api->view)) {
        status = 423;
        refuse(reply, status, "POST /v1/estop/reset ends it", NULL, NULL);
    } else if (!json_readiness(api->view, request->now_ns, &extra)) {
        status = 503;
        refuse(reply, status, "the car cannot explore now", "not_ready", extra);
    }
    free(extra);
    return status;
}

/* Ids are the wall clock's, so that they do not come again after a restart. */
static uint64_t next_id(struct api *api, int64_t wall_ns)
{
    uint64_t id = (uint64_t)(wall_ns / CLOCK_NS_PER_MS);

    api->last_id = id > api->last_id ? id : api->last_id + 1;
    return api->last_id;
}

static void post_mission(struct api *api, const struct api_request *request, uint64_t id,
                         struct api_reply *reply)
{
    struct hub_command command = {.order = HUB_EXPLORE, .time_ns = request->now_ns};
    struct view_mission *mission;

    (void)id;
    if (read_order(request, &command.explore, reply) != 0 ||
        check_mission(api, request, reply) != 0) {
        return;
    }
    command.explore.id = next_id(api, request->wall_ns);
    if (hub_order(api->hub, &command) < 0) {
        refuse(reply, 503, "the agent's loop does not take orders", NULL, NULL);
        return;
    }
    mission = view_order(api->view, &command.explore, request->wall_ns, request->now_ns);
    reply_json(reply, 202, json_mission(mission));
}

static void get_mission(struct api *api, const struct api_request *request, uint64_t id,
                        struct api_reply *reply)
{
    struct view_mission *mission = view_mission(api->view, id);

    (void)request;
    if (mission == NULL) {
        refuse(reply, 404, "no such mission, or it is too long ago", NULL, NULL);
    } else {
        reply_json(reply, 200, json_mission(mission));
    }
}

/* What the last one of an earlier connection was; a stream without it begins at the beginning. */
static void stream_events(const struct api_request *request, uint64_t mission, uint64_t after,
                          struct api_reply *reply)
{
    char *end;
    unsigned long long last = strtoull(request->last_event_id, &end, 10);

    *reply = (struct api_reply){
        .status = 200,
        .type = "text/event-stream",
        .stream = API_EVENTS,
        .mission = mission,
        .after = end != request->last_event_id && *end == '\0' ? last : after,
    };
}

static void get_mission_events(struct api *api, const struct api_request *request, uint64_t id,
                               struct api_reply *reply)
{
    if (view_mission(api->view, id) == NULL) {
        refuse(reply, 404, "no such mission, or it is too long ago", NULL, NULL);
    } else {
        stream_events(request, id, 0, reply);
    }
}

static void get_events(struct api *api, const struct api_request *request, uint64_t id,
                       struct api_reply *reply)
{
    (void)id;
    stream_events(request, 0, api->view->event_count, reply);
}

/* --- stop --- */

static void post_stop(struct api *api, const struct api_request *request, uint64_t id,
                      struct api_reply *reply)
{
    (void)id;
    hub_stop(api->hub);
    view_stop(api->view, MISSION_BY_STOP, request->now_ns);
    reply_json(reply, 200, json_status(api->view, request->now_ns));
}

static void say(struct api *api, const struct hub_command *command, int64_t now_ns,
                struct api_reply *reply)
{
    if (hub_order(api->hub, command) < 0) {
        refuse(reply, 503,
               "the agent's loop does not take orders: 'turbonav estop' does without it", NULL,
               NULL);
    } else {
        reply_json(reply, 202, json_status(api->view, now_ns));
    }
}

static void post_estop(struct api *api, const struct api_request *request, uint64_t id,
                       struct api_reply *reply)
{
    struct hub_command command = {.order = HUB_ESTOP, .time_ns = request->now_ns};

    (void)id;
    say(api, &command, request->now_ns, reply);
    hub_stop(api->hub); /* in any case */
    view_stop(api->view, MISSION_BY_ESTOP, request->now_ns);
}

static void post_reset(struct api *api, const struct api_request *request, uint64_t id,
                       struct api_reply *reply)
{
    struct hub_command command = {.order = HUB_RESET, .time_ns = request->now_ns};

    (void)id;
    say(api, &command, request->now_ns, reply);
}

/* --- a person drives --- */

static const struct route_field drive_fields[] = {
    {.name = "vx_mm_s", .min = -LIMITS_BACKWARD_MM_S, .max = LIMITS_FORWARD_MM_S, .help = "ahead"},
    {.name = "vy_mm_s",
     .min = -LIMITS_STRAFE_MM_S,
     .max = LIMITS_STRAFE_MM_S,
     .help = "to the left"},
    {.name = "wz_mrad_s",
     .min = -LIMITS_TURN_MRAD_S,
     .max = LIMITS_TURN_MRAD_S,
     .help = "counter-clockwise"},
    {.name = "ttl_ms",
     .min = 50,
     .max = DRIVE_MAX_MS,
     .help = "how long it holds without another one; 300 without it"},
    {.name = NULL},
};

static int32_t whole(double value)
{
    return isnan(value) ? 0 : (int32_t)lround(value);
}

static void post_drive(struct api *api, const struct api_request *request, uint64_t id,
                       struct api_reply *reply)
{
    struct hub_command command = {.order = HUB_DRIVE, .time_ns = request->now_ns};
    char why[FIELDS_WHY_SIZE];
    struct fields fields;
    int status = fields_read(request, drive_fields, &fields, why);

    (void)id;
    command.drive =
        (struct twist){whole(fields.number[0]), whole(fields.number[1]), whole(fields.number[2])};
    command.drive_ms = isnan(fields.number[3]) ? DRIVE_MAX_MS : (int64_t)fields.number[3];
    fields_fini(&fields);
    if (status != 0) {
        refuse(reply, status, why, NULL, NULL);
    } else if (view_running(api->view) != NULL) {
        refuse(reply, 409, "a mission is under way: POST /v1/stop ends it", NULL, NULL);
    } else if (is_latched(api->view)) {
        refuse(reply, 423, "POST /v1/estop/reset ends it", NULL, NULL);
    } else {
        say(api, &command, request->now_ns, reply);
    }
}

static const struct route_field look_fields[] = {
    {.name = "pan_mrad",
     .needed = true,
     .min = -WIRE_LOOK_MAX_MRAD,
     .max = WIRE_LOOK_MAX_MRAD,
     .help = "to the left"},
    {.name = "tilt_mrad",
     .needed = true,
     .min = -WIRE_LOOK_MAX_MRAD,
     .max = WIRE_LOOK_MAX_MRAD,
     .help = "up"},
    {.name = NULL},
};

static void post_look(struct api *api, const struct api_request *request, uint64_t id,
                      struct api_reply *reply)
{
    struct hub_command command = {.order = HUB_LOOK, .time_ns = request->now_ns};
    char why[FIELDS_WHY_SIZE];
    struct fields fields;
    int status = fields_read(request, look_fields, &fields, why);

    (void)id;
    command.pan_mrad = whole(fields.number[0]);
    command.tilt_mrad = whole(fields.number[1]);
    fields_fini(&fields);
    if (status != 0) {
        refuse(reply, status, why, NULL, NULL);
    } else {
        say(api, &command, request->now_ns, reply);
    }
}

/* --- reads --- */

static void get_status(struct api *api, const struct api_request *request, uint64_t id,
                       struct api_reply *reply)
{
    (void)id;
    reply_json(reply, 200, json_status(api->view, request->now_ns));
}

static void get_scan(struct api *api, const struct api_request *request, uint64_t id,
                     struct api_reply *reply)
{
    (void)id;
    reply_json(reply, 200, json_scan(api->view, request->now_ns));
}

static void get_decisions(struct api *api, const struct api_request *request, uint64_t id,
                          struct api_reply *reply)
{
    (void)request;
    (void)id;
    reply_json(reply, 200, json_decisions(api->view));
}

static void reply_picture(struct api_reply *reply, struct view_picture *picture)
{
    if (picture == NULL) {
        refuse(reply, 404, "there is no picture", NULL, NULL);
        return;
    }
    reply->status = 200;
    reply->type = "image/jpeg";
    reply->picture = view_picture_hold(picture);
    reply->size = picture->size;
}

static void get_decision_picture(struct api *api, const struct api_request *request, uint64_t id,
                                 struct api_reply *reply)
{
    const struct view_decision *decision = view_decision(api->view, id);

    (void)request;
    reply_picture(reply, decision != NULL ? decision->picture : NULL);
}

static void get_picture(struct api *api, const struct api_request *request, uint64_t id,
                        struct api_reply *reply)
{
    (void)request;
    (void)id;
    reply_picture(reply, api->view->picture);
}

static void get_pictures(struct api *api, const struct api_request *request, uint64_t id,
                         struct api_reply *reply)
{
    (void)api;
    (void)request;
    (void)id;
    *reply = (struct api_reply){.status = 200, .stream = API_PICTURES};
}

static void get_health(struct api *api, const struct api_request *request, uint64_t id,
                       struct api_reply *reply)
{
    (void)id;
    if (view_is_fresh(api->view, request->now_ns)) {
        reply_json(reply, 200, strdup("{\"status\":\"ok\"}"));
    } else {
        refuse(reply, 503, "the agent's loop says nothing", NULL, NULL);
    }
}

static void get_ready(struct api *api, const struct api_request *request, uint64_t id,
                      struct api_reply *reply)
{
    char *list;

    (void)id;
    if (json_readiness(api->view, request->now_ns, &list)) {
        reply_json(reply, 200, strdup("{\"status\":\"ok\"}"));
    } else {
        refuse(reply, 503, "the car cannot explore now", "not_ready", list);
    }
    free(list);
}

static void get_metrics(struct api *api, const struct api_request *request, uint64_t id,
                        struct api_reply *reply)
{
    (void)id;
    reply_with(reply, 200, "text/plain; version=0.0.4", metrics_text(api, request->now_ns));
}

static void get_page(struct api *api, const struct api_request *request, uint64_t id,
                     struct api_reply *reply)
{
    (void)api;
    (void)request;
    (void)id;
    reply_with(reply, 200, "text/html; charset=utf-8", strdup(page_text));
}

static void get_description(struct api *api, const struct api_request *request, uint64_t id,
                            struct api_reply *reply)
{
    (void)api;
    (void)request;
    (void)id;
    reply_json(reply, 200, api_describe());
}

#define JSON "application/json"

const struct route route_list[] = {
    {"POST", "/v1/missions", post_mission, false, mission_fields, JSON, "Mission",
     "202 400 409 413 415 422 423 503", "Explore. The answer comes at once, with the mission's id"},
    {"POST", "/explore", post_mission, false, mission_fields, JSON, "Mission",
     "202 400 409 413 415 422 423 503", "The same as /v1/missions"},
    {"GET", "/v1/missions/{id}", get_mission, false, NULL, JSON, "Mission", "200 404",
     "A mission: its state, how far it is, and how it ended"},
    {"GET", "/v1/missions/{id}/events", get_mission_events, false, NULL, "text/event-stream", NULL,
     "200 404 503", "What happens in a mission, until it has ended; goes on after Last-Event-ID"},
    {"GET", "/v1/events", get_events, false, NULL, "text/event-stream", NULL, "200 503",
     "What happens from now on, in and between missions"},
    {"POST", "/v1/stop", post_stop, false, NULL, JSON, "Status", "200",
     "Stop the car and end the mission; overtakes everything, and may be said at any time"},
    {"POST", "/v1/estop", post_estop, false, NULL, JSON, "Status", "202 503",
     "The same, latched: nothing moves until the reset"},
    {"POST", "/v1/estop/reset", post_reset, false, NULL, JSON, "Status", "202 503",
     "End the emergency stop; moves nothing. Refused while the key is pressed"},
    {"POST", "/v1/drive", post_drive, false, drive_fields, JSON, "Status",
     "202 400 409 413 415 422 423 503",
     "Drive by hand, between missions: say it again before ttl_ms is over"},
    {"POST", "/v1/look", post_look, false, look_fields, JSON, "Status", "202 400 413 415 422 503",
     "Turn the camera"},
    {"GET", "/v1/status", get_status, false, NULL, JSON, "Status", "200", "Everything at a glance"},
    {"GET", "/v1/scan", get_scan, false, NULL, JSON, "Scan", "200",
     "What the lidar sees: the nearest return in each sector, counter-clockwise from ahead"},
    {"GET", "/v1/decisions", get_decisions, false, NULL, JSON, "Decisions", "200",
     "The last 60 decisions, the oldest first"},
    {"GET", "/v1/decisions/{id}/picture.jpg", get_decision_picture, false, NULL, "image/jpeg", NULL,
     "200 404", "The picture that a decision was made from, as the model got it"},
    {"GET", "/v1/camera.jpg", get_picture, false, NULL, "image/jpeg", NULL, "200 404",
     "The newest picture"},
    {"GET", "/v1/camera.mjpeg", get_pictures, false, NULL, "multipart/x-mixed-replace", NULL,
     "200 503", "The newest picture, again and again"},
    {"GET", "/", get_page, true, NULL, "text/html", NULL, "200", "The page for the browser"},
    {"GET", "/healthz", get_health, true, NULL, JSON, "Health", "200 503",
     "Whether the agent lives"},
    {"GET", "/readyz", get_ready, true, NULL, JSON, "Health", "200 503",
     "Whether a mission could begin, and what is missing"},
    {"GET", "/metrics", get_metrics, false, NULL, "text/plain", NULL, "200", "For Prometheus"},
    {"GET", "/openapi.json", get_description, false, NULL, JSON, NULL, "200", "This description"},
};

const size_t route_count = sizeof(route_list) / sizeof(route_list[0]);
