/* See json.h. Units stand in the names, as in --json of the agent. */
#include "agent/http/json.h"

#include <cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hal/base/clock.h"

#define MS(ns) ((double)(ns) / 1e6)

/* What keeps the car from being armed, each with what a person calls it. */
static const struct {
    enum wire_reason reason;
    const char *text;
} obstacles[] = {
    {REASON_SELF_TEST, "the self-test of the safety process has not passed"},
    {REASON_LIDAR_STALE, "the lidar says nothing"},
    {REASON_LIDAR_BLIND, "the lidar sees nothing"},
    {REASON_BATTERY_LOW, "the battery is empty"},
    {REASON_USB_SUPPLY, "the motors have no battery"},
    {REASON_MOTOR_FAULT, "the motor board does not take commands"},
};

static double rounded(double value)
{
    return (double)(int64_t)(value * 1000.0 + (value < 0 ? -0.5 : 0.5)) / 1000.0;
}

static char *print(cJSON *json)
{
    char *text = cJSON_PrintUnformatted(json);

    cJSON_Delete(json);
    return text;
}

static void add_twist(cJSON *json, const char *name, const struct twist *twist)
{
    cJSON *entry = cJSON_AddObjectToObject(json, name);

    cJSON_AddNumberToObject(entry, "vx_mm_s", twist->vx_mm_s);
    cJSON_AddNumberToObject(entry, "vy_mm_s", twist->vy_mm_s);
    cJSON_AddNumberToObject(entry, "wz_mrad_s", twist->wz_mrad_s);
}

static void add_reasons(cJSON *json, uint32_t reasons)
{
    cJSON *list = cJSON_AddArrayToObject(json, "reasons");

    for (int bit = 0; bit < WIRE_REASON_COUNT; bit++) {
        if ((reasons >> bit & 1) != 0) {
            cJSON_AddItemToArray(
                list, cJSON_CreateString(wire_reason_name((enum wire_reason)(1u << bit))));
        }
    }
}

static void add_percentiles(cJSON *json, const char *name, const struct histogram *histogram)
{
    cJSON *entry = cJSON_AddObjectToObject(json, name);

    if (histogram->count > 0) {
        cJSON_AddNumberToObject(entry, "p50", rounded(MS(histogram_permille(histogram, 500))));
        cJSON_AddNumberToObject(entry, "p95", rounded(MS(histogram_permille(histogram, 950))));
        cJSON_AddNumberToObject(entry, "p99", rounded(MS(histogram_permille(histogram, 990))));
    }
}

static void add_limits(cJSON *json, const struct mission_order *order)
{
    cJSON *limits = cJSON_AddObjectToObject(json, "limits");

    if (order->duration_ms > 0) {
        cJSON_AddNumberToObject(limits, "duration_s", (double)order->duration_ms / 1000.0);
    }
    if (order->distance_mm > 0) {
        cJSON_AddNumberToObject(limits, "distance_m", (double)order->distance_mm / 1000.0);
    }
    if (order->speed_mm_s > 0) {
        cJSON_AddNumberToObject(limits, "speed_mm_s", (double)order->speed_mm_s);
    }
}

static void add_vetoes(cJSON *json, const uint64_t vetoes[WIRE_REASON_COUNT])
{
    cJSON *entry = cJSON_AddObjectToObject(json, "vetoes");

    for (int bit = 0; bit < WIRE_REASON_COUNT; bit++) {
        if (vetoes[bit] > 0) {
            cJSON_AddNumberToObject(entry, wire_reason_name((enum wire_reason)(1u << bit)),
                                    (double)vetoes[bit]);
        }
    }
}

static void add_id(cJSON *json, const char *name, uint64_t id)
{
    char text[24];

    if (id == 0) {
        cJSON_AddNullToObject(json, name);
        return;
    }
    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)id);
    cJSON_AddStringToObject(json, name, text);
}

static cJSON *mission_object(const struct view_mission *view)
{
    const struct mission *mission = &view->mission;
    cJSON *json = cJSON_CreateObject();
    int64_t last_ns = mission->ended_ns > 0 ? mission->ended_ns : mission->verdict_ns;
    bool ended = mission->state == MISSION_ENDED;
    char url[64];

    add_id(json, "id", mission->order.id);
    cJSON_AddStringToObject(json, "state", mission_state_name(mission->state));
    cJSON_AddStringToObject(json, "goal", mission->order.goal);
    add_limits(json, &mission->order);
    cJSON_AddNumberToObject(json, "ordered_at", (double)(view->ordered_ns / CLOCK_NS_PER_MS) / 1e3);
    if (ended) {
        cJSON_AddStringToObject(json, "reason", mission_end_name(mission->end));
        cJSON_AddStringToObject(json, "detail", mission->detail);
    }
    cJSON_AddNumberToObject(json, "duration_s",
                            mission->armed_ns > 0 && last_ns > mission->armed_ns
                                ? rounded(MS(last_ns - mission->armed_ns) / 1e3)
                                : 0);
    cJSON_AddNumberToObject(json, "distance_m", rounded((double)mission->distance_um / 1e6));
    cJSON_AddNumberToObject(json, "decisions", (double)mission->answered);
    cJSON_AddNumberToObject(json, "failed", (double)mission->failed);
    add_vetoes(json, mission->vetoes);
    cJSON *stages = cJSON_AddObjectToObject(json, "stages_ms");

    add_percentiles(stages, "total", &mission->total);
    add_percentiles(stages, "motor", &mission->motor);
    (void)snprintf(url, sizeof(url), "/v1/missions/%llu/events",
                   (unsigned long long)mission->order.id);
    cJSON_AddStringToObject(json, "events_url", url);
    cJSON_AddStringToObject(json, "stop_url", "/v1/stop");
    return json;
}

char *json_mission(const struct view_mission *mission)
{
    return print(mission_object(mission));
}

char *json_decision(const struct view_decision *decision)
{
    char *frame = report_frame_json(&decision->frame), *text = NULL, mission[24] = "null";

    if (decision->mission != 0) {
        (void)snprintf(mission, sizeof(mission), "\"%llu\"", (unsigned long long)decision->mission);
    }
    if (frame == NULL || asprintf(&text, "{\"number\":%llu,\"mission\":%s,\"picture\":%s,%s",
                                  (unsigned long long)decision->number, mission,
                                  decision->picture != NULL ? "true" : "false", frame + 1) < 0) {
        text = NULL;
    }
    free(frame);
    return text;
}

char *json_decisions(const struct view *view)
{
    uint64_t count = view->decision_count;
    uint64_t first = count > VIEW_DECISIONS ? count - VIEW_DECISIONS + 1 : 1;
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);

    if (file == NULL) {
        return NULL;
    }
    (void)fputs("{\"decisions\":[", file);
    for (uint64_t number = first; number <= count; number++) {
        char *decision = json_decision(view_decision(view, number));

        (void)fprintf(file, "%s%s", number > first ? "," : "",
                      decision != NULL ? decision : "null");
        free(decision);
    }
    (void)fputs("]}", file);
    return fclose(file) == 0 ? text : NULL;
}

char *json_scan(const struct view *view, int64_t now_ns)
{
    cJSON *json = cJSON_CreateObject(), *sectors = cJSON_AddArrayToObject(json, "sectors_mm");

    cJSON_AddNumberToObject(json, "age_ms",
                            view->scan_ns > 0 ? rounded(MS(now_ns - view->scan_ns)) : -1);
    cJSON_AddNumberToObject(json, "sector_deg", 360.0 / WIRE_SCAN_SECTORS);
    for (int i = 0; i < WIRE_SCAN_SECTORS; i++) {
        cJSON_AddItemToArray(sectors, cJSON_CreateNumber(view->scan.sector_mm[i]));
    }
    return print(json);
}

char *json_event(const struct wire_event *event)
{
    static const char *const severities[] = {"info", "warning", "error"};
    cJSON *json = cJSON_CreateObject();

    cJSON_AddStringToObject(json, "severity", severities[event->severity]);
    cJSON_AddStringToObject(json, "text", event->text);
    return print(json);
}

static void add_obstacle(cJSON *list, const char *text)
{
    cJSON_AddItemToArray(list, cJSON_CreateString(text));
}

/* What the agent itself lacks, then what the safety process says. */
static void list_obstacles(const struct view *view, int64_t now_ns, cJSON *list)
{
    const struct hub_status *status = &view->status;

    if (!view_is_fresh(view, now_ns)) {
        add_obstacle(list, "the agent's loop says nothing");
        return;
    }
    if (!status->safety) {
        add_obstacle(list, status->safety_text);
    }
    if (!status->model) {
        add_obstacle(list, status->model_text);
    }
    if (!status->camera) {
        add_obstacle(list, status->camera_text);
    }
    for (size_t i = 0; i < sizeof(obstacles) / sizeof(obstacles[0]); i++) {
        if ((status->verdict.reasons & (uint32_t)obstacles[i].reason) != 0) {
            add_obstacle(list, obstacles[i].text);
        }
    }
}

bool json_readiness(const struct view *view, int64_t now_ns, char **ret_json)
{
    cJSON *list = cJSON_CreateArray();
    bool ready;

    list_obstacles(view, now_ns, list);
    ready = cJSON_GetArraySize(list) == 0;
    *ret_json = print(list);
    return ready;
}

static void add_verdict(cJSON *json, const struct wire_verdict *verdict)
{
    cJSON *safety = cJSON_AddObjectToObject(json, "safety");

    cJSON_AddBoolToObject(safety, "armed", verdict->mission != 0);
    cJSON_AddBoolToObject(safety, "estop", (verdict->reasons & (uint32_t)REASON_ESTOP) != 0);
    add_reasons(safety, verdict->reasons);
    add_twist(safety, "asked", &verdict->asked);
    add_twist(safety, "given", &verdict->given);
    cJSON_AddNumberToObject(safety, "clear_front_mm", verdict->clear_front_mm);
    cJSON_AddNumberToObject(safety, "clear_left_mm", verdict->clear_left_mm);
    cJSON_AddNumberToObject(safety, "clear_rear_mm", verdict->clear_rear_mm);
    cJSON_AddNumberToObject(safety, "clear_right_mm", verdict->clear_right_mm);
    cJSON_AddNumberToObject(safety, "sonar_mm", verdict->sonar_mm);
    cJSON_AddNumberToObject(safety, "battery_mv", verdict->battery_mv);
    cJSON_AddNumberToObject(safety, "tick", (double)verdict->tick);
    cJSON_AddNumberToObject(safety, "overruns", verdict->overruns);
}

static const char *state_name(const struct view *view, int64_t now_ns)
{
    const struct hub_status *status = &view->status;

    if (!view_is_fresh(view, now_ns) || !status->safety) {
        return "offline";
    }
    if ((status->verdict.reasons & (uint32_t)REASON_ESTOP) != 0) {
        return "estop";
    }
    if (view_running((struct view *)view) != NULL) {
        return mission_state_name(view_running((struct view *)view)->mission.state);
    }
    return status->remote ? "driven" : "idle";
}

char *json_status(const struct view *view, int64_t now_ns)
{
    const struct hub_status *status = &view->status;
    const struct view_mission *last =
        view->mission_count > 0 ? &view->missions[(view->mission_count - 1) % VIEW_MISSIONS] : NULL;
    cJSON *json = cJSON_CreateObject(), *entry;
    char *obstacles_text;
    bool ready = json_readiness(view, now_ns, &obstacles_text);

    cJSON_AddStringToObject(json, "state", state_name(view, now_ns));
    cJSON_AddBoolToObject(json, "ready", ready);
    cJSON_AddItemToObject(json, "not_ready",
                          cJSON_CreateRaw(obstacles_text != NULL ? obstacles_text : "[]"));
    free(obstacles_text);
    cJSON_AddNumberToObject(json, "age_ms", rounded(MS(now_ns - view->status_ns)));
    add_verdict(json, &status->verdict);
    entry = cJSON_AddObjectToObject(json, "model");
    cJSON_AddBoolToObject(entry, "found", status->model);
    cJSON_AddStringToObject(entry, "text", status->model_text);
    cJSON_AddBoolToObject(entry, "degenerate", status->degenerate);
    entry = cJSON_AddObjectToObject(json, "camera");
    cJSON_AddBoolToObject(entry, "pictures", status->camera);
    cJSON_AddStringToObject(entry, "text", status->camera_text);
    cJSON_AddNumberToObject(
        entry, "age_ms", view->picture != NULL ? rounded(MS(now_ns - view->picture->time_ns)) : -1);
    if (last != NULL) {
        cJSON_AddItemToObject(json, "mission", mission_object(last));
    } else {
        cJSON_AddNullToObject(json, "mission");
    }
    return print(json);
}

char *json_problem(int status, const char *title, const char *detail, const char *key,
                   const char *extra)
{
    cJSON *json = cJSON_CreateObject();

    cJSON_AddStringToObject(json, "type", "about:blank");
    cJSON_AddStringToObject(json, "title", title);
    cJSON_AddNumberToObject(json, "status", status);
    cJSON_AddStringToObject(json, "detail", detail);
    if (extra != NULL) {
        cJSON_AddItemToObject(json, key, cJSON_CreateRaw(extra));
    }
    return print(json);
}
