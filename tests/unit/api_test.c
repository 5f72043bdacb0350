/* api: every request gets its answer, a bad one one clear error, and nothing half done. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cJSON.h>
#include <cmocka.h>

#include "agent/http/api.h"
#include "agent/http/routes.h"
#include "hal/base/clock.h"

#define NOW  (100 * CLOCK_NS_PER_S)
#define WALL (INT64_C(1800000000) * CLOCK_NS_PER_S)

struct bench {
    struct hub *hub;
    struct view *view;
    struct guard guard;
    struct api api;
    struct api_reply reply;
    struct cJSON *json; /* of the reply */
};

static int setup(void **state)
{
    static struct bench bench;

    bench = (struct bench){0};
    assert_int_equal(hub_new(&bench.hub), 0);
    assert_int_equal(view_new(&bench.view), 0);
    bench.api = (struct api){.view = bench.view, .hub = bench.hub, .guard = &bench.guard};
    *state = &bench;
    return 0;
}

static int teardown(void **state)
{
    struct bench *bench = *state;

    cJSON_Delete(bench->json);
    api_reply_fini(&bench->reply);
    view_free(bench->view);
    hub_free(bench->hub);
    return 0;
}

static struct hub_status good_status(void)
{
    struct hub_status status = {.safety = true, .model = true, .camera = true};

    status.verdict.header.seq = 1;
    status.verdict.reasons = REASON_NOT_ARMED;
    status.verdict.battery_mv = 7800;
    return status;
}

static void tell_status(struct bench *bench, const struct hub_status *status)
{
    struct hub_record *record = hub_record(bench->hub);

    record->kind = HUB_STATUS;
    record->time_ns = NOW;
    record->status = *status;
    hub_tell(bench->hub);
    view_take(bench->view, bench->hub);
}

static int send(struct bench *bench, struct api_request request)
{
    const char **texts[] = {&request.host,         &request.origin,        &request.authorization,
                            &request.content_type, &request.last_event_id, &request.body};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        *texts[i] = *texts[i] != NULL ? *texts[i] : "";
    }
    request.host = request.host[0] != '\0' ? request.host : "127.0.0.1:8090";
    request.size = request.size > 0 ? request.size : strlen(request.body);
    request.now_ns = NOW;
    request.wall_ns = WALL;
    cJSON_Delete(bench->json);
    api_reply_fini(&bench->reply);
    api_answer(&bench->api, &request, &bench->reply);
    bench->json = bench->reply.body != NULL ? cJSON_Parse(bench->reply.body) : NULL;
    return bench->reply.status;
}

static int get(struct bench *bench, const char *path)
{
    return send(bench, (struct api_request){.method = "GET", .path = path});
}

static int post(struct bench *bench, const char *path, const char *type, const char *body)
{
    return send(bench, (struct api_request){
                           .method = "POST", .path = path, .content_type = type, .body = body});
}

static const char *text_of(const struct bench *bench, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(bench->json, name));

    return text != NULL ? text : "";
}

static void expect_refusal(struct bench *bench, int status, const char *detail)
{
    assert_int_equal(bench->reply.status, status);
    assert_string_equal(bench->reply.type, "application/problem+json");
    assert_int_equal(cJSON_GetNumberValue(cJSON_GetObjectItem(bench->json, "status")), status);
    assert_non_null(strstr(text_of(bench, "detail"), detail));
}

static void mission_is_taken_at_once(void **state)
{
    struct bench *bench = *state;
    struct hub_status status = good_status();
    struct hub_command command;

    tell_status(bench, &status);
    assert_int_equal(post(bench, "/v1/missions", "application/json",
                          "{\"goal\":\"find the kitchen\",\"limits\":{\"duration_s\":90,"
                          "\"distance_m\":2.5,\"speed_mm_s\":200}}"),
                     202);
    assert_string_equal(text_of(bench, "state"), "arming");
    assert_string_equal(text_of(bench, "goal"), "find the kitchen");
    assert_true(hub_command(bench->hub, &command));
    assert_int_equal(command.order, HUB_EXPLORE);
    assert_string_equal(command.explore.goal, "find the kitchen");
    assert_int_equal(command.explore.duration_ms, 90000);
    assert_int_equal(command.explore.distance_mm, 2500);
    assert_int_equal(command.explore.speed_mm_s, 200);
    assert_int_equal(command.explore.id, WALL / CLOCK_NS_PER_MS);
}

static void explore_takes_any_form(void **state)
{
    static const struct {
        const char *type, *body, *goal;
    } forms[] = {
        {"", "", ""},
        {"application/json", "", ""},
        {"application/json; charset=utf-8", "{}", ""},
        {"text/plain", "find the dog", "find the dog"},
        {"application/x-www-form-urlencoded", "goal=find+the%20dog%21", "find the dog!"},
        {"application/x-www-form-urlencoded", "limits.duration_s=20&goal=x", "x"},
    };
    struct bench *bench = *state;
    struct hub_status status = good_status();

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct hub_command command;

        tell_status(bench, &status);
        assert_int_equal(post(bench, "/explore", forms[i].type, forms[i].body), 202);
        assert_true(hub_command(bench->hub, &command));
        assert_string_equal(command.explore.goal, forms[i].goal);
        assert_int_equal(post(bench, "/v1/stop", "", ""), 200);
    }
}

static void bad_body_is_named_and_nothing_is_done(void **state)
{
    static const struct {
        const char *type, *body;
        int status;
        const char *detail;
    } bodies[] = {
        {"application/json", "{\"goal\":", 400, "not one JSON object"},
        {"application/json", "[]", 400, "not one JSON object"},
        {"application/json", "{} {}", 400, "not one JSON object"},
        {"application/json", "{\"gaol\":\"x\"}", 422, "gaol: no such field"},
        {"application/json", "{\"goal\":7}", 422, "goal: 7: expected text"},
        {"application/json", "{\"goal\":null}", 422, "goal"},
        {"application/json", "{\"goal\":\"\\ud800\"}", 400, "not one JSON object"},
        {"application/json", "{\"limits\":{\"duration_s\":0}}", 422,
         "limits.duration_s: 0: expected a number from 1 to 3600"},
        {"application/json", "{\"limits\":{\"duration_s\":\"9\"}}", 422, "limits.duration_s: 9"},
        {"application/json", "{\"limits\":{\"speed_mm_s\":401}}", 422, "from 50 to 400"},
        {"application/json", "{\"limits\":{\"a\":{}}}", 422, "limits.a"},
        {"application/json", "{\"limits\":{\"duration_s\":9,\"duration_s\":9}}", 422, "duration_s"},
        {"application/x-www-form-urlencoded", "goal=%4", 400, "stands for nothing"},
        {"application/x-www-form-urlencoded", "goal=%00", 400, "stands for nothing"},
        {"application/x-www-form-urlencoded", "goal=a&goal=b", 422, "goal"},
        {"application/x-www-form-urlencoded", "limits.distance_m=far", 422, "limits.distance_m"},
        {"image/jpeg", "abc", 415, "expected application/json"},
        {"text/plain", "\xff", 422, "goal"},
    };
    struct bench *bench = *state;
    struct hub_status status = good_status();
    struct hub_command command;

    tell_status(bench, &status);
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        (void)post(bench, "/v1/missions", bodies[i].type, bodies[i].body);
        expect_refusal(bench, bodies[i].status, bodies[i].detail);
        assert_false(hub_command(bench->hub, &command));
    }
}

static void zero_bytes_and_large_bodies_are_refused(void **state)
{
    struct bench *bench = *state;

    (void)send(bench, (struct api_request){
                          .method = "POST", .path = "/explore", .body = "a\0b", .size = 3});
    expect_refusal(bench, 400, "zero byte");
    (void)send(bench,
               (struct api_request){.method = "POST", .path = "/explore", .too_large = true});
    expect_refusal(bench, 413, "16384");
}

static void second_mission_is_told_of_the_first(void **state)
{
    struct bench *bench = *state;
    struct hub_status status = good_status();
    const cJSON *mission;

    tell_status(bench, &status);
    assert_int_equal(post(bench, "/explore", "", ""), 202);
    assert_int_equal(post(bench, "/explore", "", ""), 409);
    mission = cJSON_GetObjectItem(bench->json, "mission");
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(mission, "state")), "arming");
    assert_int_equal(post(bench, "/v1/drive", "application/json", "{\"vx_mm_s\":100}"), 409);
}

static void latched_estop_refuses_with_its_own_status(void **state)
{
    struct bench *bench = *state;
    struct hub_status status = good_status();

    status.verdict.reasons |= REASON_ESTOP;
    tell_status(bench, &status);
    assert_int_equal(post(bench, "/explore", "", ""), 423);
    assert_int_equal(post(bench, "/v1/drive", "application/json", "{}"), 423);
    assert_int_equal(get(bench, "/v1/status"), 200);
    assert_string_equal(text_of(bench, "state"), "estop");
}

static void what_is_missing_is_listed(void **state)
{
    struct bench *bench = *state;
    struct hub_status status = good_status();
    const cJSON *list;

    assert_int_equal(get(bench, "/healthz"), 503); /* nothing was heard yet */
    status.model = false;
    (void)snprintf(status.model_text, sizeof(status.model_text), "panda: connection refused");
    status.verdict.reasons |= REASON_LIDAR_STALE | REASON_SELF_TEST;
    tell_status(bench, &status);
    assert_int_equal(get(bench, "/healthz"), 200);
    assert_int_equal(get(bench, "/readyz"), 503);
    assert_int_equal(post(bench, "/explore", "", ""), 503);
    list = cJSON_GetObjectItem(bench->json, "not_ready");
    assert_int_equal(cJSON_GetArraySize(list), 3);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetArrayItem(list, 0)),
                        "panda: connection refused");
}

static void stop_ends_what_the_loop_has_not_begun(void **state)
{
    struct bench *bench = *state;
    struct hub_status status = good_status();

    tell_status(bench, &status);
    assert_int_equal(post(bench, "/explore", "", ""), 202);
    assert_int_equal(post(bench, "/v1/stop", "", ""), 200);
    assert_int_equal(hub_stops(bench->hub), 1);
    assert_int_equal(get(bench, "/v1/missions/1800000000000"), 200);
    assert_string_equal(text_of(bench, "state"), "ended");
    assert_string_equal(text_of(bench, "reason"), "stop");
    assert_int_equal(post(bench, "/explore", "", ""), 202);
}

static void stop_works_in_any_state(void **state)
{
    struct bench *bench = *state;

    assert_int_equal(post(bench, "/v1/stop", "", ""), 200);
    assert_int_equal(post(bench, "/v1/estop", "", ""), 202);
    assert_int_equal(hub_stops(bench->hub), 2);
}

static void estop_is_an_order_and_a_stop(void **state)
{
    struct bench *bench = *state;
    struct hub_command command;

    assert_int_equal(post(bench, "/v1/estop", "", ""), 202);
    assert_int_equal(hub_stops(bench->hub), 1);
    assert_true(hub_command(bench->hub, &command));
    assert_int_equal(command.order, HUB_ESTOP);
    assert_int_equal(post(bench, "/v1/estop/reset", "", ""), 202);
    assert_true(hub_command(bench->hub, &command));
    assert_int_equal(command.order, HUB_RESET);
}

static void drive_and_look_are_limited(void **state)
{
    struct bench *bench = *state;
    struct hub_status status = good_status();
    struct hub_command command;

    tell_status(bench, &status);
    assert_int_equal(post(bench, "/v1/drive", "application/json",
                          "{\"vx_mm_s\":-150,\"wz_mrad_s\":900,\"ttl_ms\":200}"),
                     202);
    assert_true(hub_command(bench->hub, &command));
    assert_int_equal(command.drive.vx_mm_s, -150);
    assert_int_equal(command.drive.vy_mm_s, 0);
    assert_int_equal(command.drive.wz_mrad_s, 900);
    assert_int_equal(command.drive_ms, 200);
    assert_int_equal(command.time_ns, NOW);
    assert_int_equal(post(bench, "/v1/drive", "application/json", "{\"ttl_ms\":301}"), 422);
    assert_int_equal(post(bench, "/v1/drive", "application/json", "{\"vx_mm_s\":401}"), 422);
    assert_int_equal(post(bench, "/v1/drive", "text/plain", "forward"), 415);
    assert_int_equal(post(bench, "/v1/look", "application/json", "{\"pan_mrad\":100}"), 422);
    expect_refusal(bench, 422, "tilt_mrad: missing");
    assert_int_equal(
        post(bench, "/v1/look", "application/json", "{\"pan_mrad\":100,\"tilt_mrad\":-50}"), 202);
    assert_true(hub_command(bench->hub, &command));
    assert_int_equal(command.order, HUB_LOOK);
    assert_int_equal(command.tilt_mrad, -50);
}

static void orders_that_find_no_place_are_refused(void **state)
{
    struct bench *bench = *state;

    for (int i = 0; i < HUB_COMMANDS; i++) {
        assert_int_equal(post(bench, "/v1/estop/reset", "", ""), 202);
    }
    assert_int_equal(post(bench, "/v1/estop", "", ""), 503);
    assert_int_equal(hub_stops(bench->hub), 1); /* and yet it stops */
}

static void wrong_paths_methods_and_origins_are_refused(void **state)
{
    struct bench *bench = *state;

    assert_int_equal(get(bench, "/v1/nothing"), 404);
    assert_int_equal(get(bench, "/v1/missions/7"), 404);
    assert_int_equal(get(bench, "/v1/missions/x"), 404);
    assert_int_equal(get(bench, "/v1/missions/99999999999999999999999"), 404);
    assert_int_equal(get(bench, "/v1/stop"), 405);
    assert_string_equal(bench->reply.allow, "POST");
    assert_int_equal(
        send(bench,
             (struct api_request){.method = "POST", .path = "/v1/stop", .host = "evil.example"}),
        403);
    assert_int_equal(send(bench, (struct api_request){.method = "POST",
                                                      .path = "/v1/stop",
                                                      .origin = "http://evil.example"}),
                     403);
    assert_int_equal(hub_stops(bench->hub), 0);
}

static void token_is_needed_for_all_but_health(void **state)
{
    struct bench *bench = *state;
    struct hub_status status = good_status();

    (void)snprintf(bench->guard.token, sizeof(bench->guard.token), "0123456789abcdef");
    tell_status(bench, &status);
    for (size_t i = 0; i < route_count; i++) {
        int code = send(bench, (struct api_request){.method = route_list[i].method,
                                                    .path = route_list[i].path});

        assert_int_equal(code == 401, !route_list[i].open);
    }
    assert_int_equal(get(bench, "/v1/nothing"), 401);
    assert_int_equal(send(bench, (struct api_request){.method = "GET",
                                                      .path = "/v1/status",
                                                      .authorization = "Bearer 0123456789abcdef"}),
                     200);
}

static void tell_frame(struct bench *bench, uint64_t seq, bool with_picture)
{
    struct hub_record *record;

    if (with_picture) {
        record = hub_record(bench->hub);
        record->kind = HUB_PICTURE;
        record->time_ns = NOW;
        record->picture_seq = seq;
        record->size = 4;
        memcpy(record->bytes, "JPEG", 4);
        hub_tell(bench->hub);
    }
    record = hub_record(bench->hub);
    record->kind = HUB_DECISION;
    record->time_ns = NOW;
    record->frame = (struct report_frame){.seq = seq, .driven = true};
    record->frame.decision.word = ACTION_FORWARD;
    record->frame.verdict.reasons = REASON_OBSTACLE;
    for (int stage = 0; stage < STAGE_COUNT; stage++) {
        record->frame.stage_ns[stage] = 5 * CLOCK_NS_PER_MS;
    }
    hub_tell(bench->hub);
    view_take(bench->view, bench->hub);
}

static void decisions_keep_their_pictures(void **state)
{
    struct bench *bench = *state;
    const cJSON *list, *first;

    assert_int_equal(get(bench, "/v1/camera.jpg"), 404);
    for (uint64_t seq = 1; seq <= 70; seq++) {
        tell_frame(bench, seq, seq != 70);
    }
    assert_int_equal(get(bench, "/v1/decisions"), 200);
    list = cJSON_GetObjectItem(bench->json, "decisions");
    assert_int_equal(cJSON_GetArraySize(list), 60);
    first = cJSON_GetArrayItem(list, 0);
    assert_int_equal(cJSON_GetNumberValue(cJSON_GetObjectItem(first, "number")), 11);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(first, "decision")), "forward");
    assert_int_equal(get(bench, "/v1/decisions/11/picture.jpg"), 200);
    assert_string_equal(bench->reply.type, "image/jpeg");
    assert_memory_equal(bench->reply.picture->bytes, "JPEG", 4);
    assert_int_equal(get(bench, "/v1/decisions/10/picture.jpg"), 404);
    assert_int_equal(get(bench, "/v1/decisions/70/picture.jpg"), 404);
    assert_int_equal(get(bench, "/v1/decisions/71/picture.jpg"), 404);
    assert_int_equal(get(bench, "/v1/camera.jpg"), 200);
}

static void events_are_numbered_and_belong_to_missions(void **state)
{
    struct bench *bench = *state;
    struct hub_status status = good_status();
    const struct view_event *event;

    tell_status(bench, &status);
    tell_frame(bench, 1, true);
    assert_int_equal(post(bench, "/explore", "", ""), 202);
    tell_frame(bench, 2, true);
    event = view_event(bench->view, 0, WALL / CLOCK_NS_PER_MS);
    assert_string_equal(event->kind, "state");
    event = view_event(bench->view, event->number, WALL / CLOCK_NS_PER_MS);
    assert_string_equal(event->kind, "decision");
    assert_null(view_event(bench->view, event->number, WALL / CLOCK_NS_PER_MS));
    assert_string_equal(view_event(bench->view, 0, 0)->kind, "decision");
    for (uint64_t seq = 3; seq < 3 + VIEW_EVENTS; seq++) {
        tell_frame(bench, seq, false);
    }
    assert_int_equal(view_event(bench->view, 0, 0)->number,
                     bench->view->event_count - VIEW_EVENTS + 1);
}

static void mission_follows_what_the_loop_tells(void **state)
{
    struct bench *bench = *state;
    struct hub_status status = good_status();

    tell_status(bench, &status);
    assert_int_equal(post(bench, "/explore", "", ""), 202);
    status.mission.order.id = WALL / CLOCK_NS_PER_MS;
    status.mission.state = MISSION_EXPLORING;
    status.mission.distance_um = 1234567;
    tell_status(bench, &status);
    assert_int_equal(get(bench, "/v1/missions/1800000000000"), 200);
    assert_string_equal(text_of(bench, "state"), "exploring");
    assert_true(cJSON_GetNumberValue(cJSON_GetObjectItem(bench->json, "distance_m")) == 1.235);
    mission_finish(&status.mission, MISSION_BY_TIME, "", NOW);
    tell_status(bench, &status);
    tell_status(bench, &status);
    assert_int_equal(get(bench, "/v1/missions/1800000000000"), 200);
    assert_string_equal(text_of(bench, "reason"), "time");
    assert_int_equal(bench->view->ends[MISSION_BY_TIME], 1);
}

static void description_is_made_of_the_routes(void **state)
{
    struct bench *bench = *state;
    const cJSON *paths;

    assert_int_equal(get(bench, "/openapi.json"), 200);
    paths = cJSON_GetObjectItem(bench->json, "paths");
    for (size_t i = 0; i < route_count; i++) {
        const cJSON *path = cJSON_GetObjectItem(paths, route_list[i].path);
        bool posts = strcmp(route_list[i].method, "POST") == 0;
        const cJSON *operation = cJSON_GetObjectItem(path, posts ? "post" : "get");

        assert_non_null(cJSON_GetObjectItem(operation, "summary"));
        assert_int_equal(cJSON_GetObjectItem(operation, "requestBody") != NULL,
                         route_list[i].fields != NULL);
    }
}

/* Whether a field of a schema ("safety.given.vx_mm_s", "decisions[].number") is in an answer. */
static bool is_in(const cJSON *json, const char *name)
{
    size_t size = strcspn(name, ".");
    bool list = size > 2 && strncmp(name + size - 2, "[]", 2) == 0;
    char key[64];

    (void)snprintf(key, sizeof(key), "%.*s", (int)(list ? size - 2 : size), name);
    json = cJSON_GetObjectItem(json, key);
    json = list && json != NULL ? json->child : json;
    return json != NULL && (name[size] == '\0' || is_in(json, name + size + 1));
}

/* And the other way round: every key is in the schema, or below one that says no more than
 * "object". */
static void expect_described(const struct route_answer *fields, const cJSON *json,
                             const char *prefix)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, json)
    {
        char name[128];
        bool whole = false, deeper = false;

        (void)snprintf(name, sizeof(name), "%s%s", prefix, item->string);
        for (const struct route_answer *field = fields; field->name != NULL; field++) {
            size_t size = strlen(name);

            whole = whole || strcmp(field->name, name) == 0;
            deeper = deeper || (strncmp(field->name, name, size) == 0 &&
                                (field->name[size] == '.' || field->name[size] == '['));
        }
        if (!whole && !deeper) {
            print_message("%s is not described\n", name);
        }
        assert_true(whole || deeper);
        if (deeper) {
            (void)snprintf(name, sizeof(name), "%s%s%s.", prefix, item->string,
                           cJSON_IsArray(item) ? "[]" : "");
            expect_described(fields, cJSON_IsArray(item) ? item->child : item, name);
        }
    }
}

static const struct route_answer *schema_of(const char *name)
{
    const struct route_schema *schema = route_schemas;

    while (strcmp(schema->name, name) != 0) {
        schema++;
        assert_non_null(schema->name);
    }
    return schema->fields;
}

/* Fields that only some answers have. */
static bool may_be_missing(const char *name)
{
    static const char *const names[] = {"decisions[].error", "decisions[].detail", "not_ready",
                                        "mission"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static void expect_schema(struct bench *bench, const char *name)
{
    const struct route_answer *fields = schema_of(name);

    for (const struct route_answer *field = fields; field->name != NULL; field++) {
        if (!is_in(bench->json, field->name) && !may_be_missing(field->name)) {
            print_message("%s of %s is not in the answer\n", field->name, name);
            fail();
        }
    }
    expect_described(fields, bench->json, "");
}

static void answers_are_as_described(void **state)
{
    struct bench *bench = *state;
    struct hub_status status = good_status();

    (void)get(bench, "/v1/nothing");
    expect_schema(bench, "Problem");
    tell_status(bench, &status);
    tell_frame(bench, 1, true);
    (void)get(bench, "/healthz");
    expect_schema(bench, "Health");
    (void)get(bench, "/v1/scan");
    expect_schema(bench, "Scan");
    (void)get(bench, "/v1/decisions");
    expect_schema(bench, "Decisions");
    (void)post(bench, "/explore", "", "");
    (void)post(bench, "/v1/stop", "", "");
    expect_schema(bench, "Status");
    (void)get(bench, "/v1/missions/1800000000000");
    expect_schema(bench, "Mission");
}

static void every_schema_that_is_named_is_there(void **state)
{
    (void)state;
    for (size_t i = 0; i < route_count; i++) {
        bool json = strcmp(route_list[i].type, "application/json") == 0;

        if (route_list[i].schema != NULL) {
            (void)schema_of(route_list[i].schema);
        }
        assert_int_equal(route_list[i].schema != NULL,
                         json && strcmp(route_list[i].path, "/openapi.json") != 0);
    }
}

static void metrics_have_names_of_prometheus(void **state)
{
    struct bench *bench = *state;
    struct hub_status status = good_status();

    tell_status(bench, &status);
    tell_frame(bench, 1, true);
    assert_int_equal(get(bench, "/metrics"), 200);
    assert_non_null(strstr(bench->reply.body, "\nnav_battery_volts 7.8\n"));
    assert_non_null(strstr(bench->reply.body,
                           "\nnav_decisions_total{question=\"action\",word=\"forward\"} 1\n"));
    assert_non_null(strstr(bench->reply.body, "\nnav_vetoes_total{reason=\"obstacle\"} 1\n"));
    assert_non_null(
        strstr(bench->reply.body, "nav_stage_seconds{stage=\"request\",quantile=\"0.50\"} 0.005"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(mission_is_taken_at_once),
        TEST(explore_takes_any_form),
        TEST(bad_body_is_named_and_nothing_is_done),
        TEST(zero_bytes_and_large_bodies_are_refused),
        TEST(second_mission_is_told_of_the_first),
        TEST(latched_estop_refuses_with_its_own_status),
        TEST(what_is_missing_is_listed),
        TEST(stop_ends_what_the_loop_has_not_begun),
        TEST(stop_works_in_any_state),
        TEST(estop_is_an_order_and_a_stop),
        TEST(drive_and_look_are_limited),
        TEST(orders_that_find_no_place_are_refused),
        TEST(wrong_paths_methods_and_origins_are_refused),
        TEST(token_is_needed_for_all_but_health),
        TEST(decisions_keep_their_pictures),
        TEST(events_are_numbered_and_belong_to_missions),
        TEST(mission_follows_what_the_loop_tells),
        TEST(description_is_made_of_the_routes),
        TEST(answers_are_as_described),
        TEST(every_schema_that_is_named_is_there),
        TEST(metrics_have_names_of_prometheus),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
