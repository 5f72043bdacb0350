/* What the interface shows is what the loop told, and what /openapi.json says of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cJSON.h>
#include <cmocka.h>

#include "agent/http/routes.h"
#include "tests/unit/api_bench.h"

static void decisions_keep_their_pictures(void **state)
{
    struct api_bench *bench = *state;
    const cJSON *list, *first;

    assert_int_equal(api_bench_get(bench, "/v1/camera.jpg"), 404);
    for (uint64_t seq = 1; seq <= 70; seq++) {
        api_bench_frame(bench, seq, seq != 70);
    }
    assert_int_equal(api_bench_get(bench, "/v1/decisions"), 200);
    list = cJSON_GetObjectItem(bench->json, "decisions");
    assert_int_equal(cJSON_GetArraySize(list), 60);
    first = cJSON_GetArrayItem(list, 0);
    assert_int_equal(cJSON_GetNumberValue(cJSON_GetObjectItem(first, "number")), 11);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(first, "decision")), "forward");
    assert_int_equal(api_bench_get(bench, "/v1/decisions/11/picture.jpg"), 200);
    assert_string_equal(bench->reply.type, "image/jpeg");
    assert_memory_equal(bench->reply.picture->bytes, "JPEG", 4);
    assert_int_equal(api_bench_get(bench, "/v1/decisions/10/picture.jpg"), 404);
    assert_int_equal(api_bench_get(bench, "/v1/decisions/70/picture.jpg"), 404);
    assert_int_equal(api_bench_get(bench, "/v1/decisions/71/picture.jpg"), 404);
    assert_int_equal(api_bench_get(bench, "/v1/camera.jpg"), 200);
}

static void events_are_numbered_and_belong_to_missions(void **state)
{
    struct api_bench *bench = *state;
    struct hub_status status = api_bench_status();
    const struct view_event *event;

    api_bench_tell(bench, &status);
    api_bench_frame(bench, 1, true);
    assert_int_equal(api_bench_post(bench, "/explore", "", ""), 202);
    api_bench_frame(bench, 2, true);
    event = view_event(bench->view, 0, API_BENCH_WALL / CLOCK_NS_PER_MS);
    assert_string_equal(event->kind, "state");
    event = view_event(bench->view, event->number, API_BENCH_WALL / CLOCK_NS_PER_MS);
    assert_string_equal(event->kind, "decision");
    assert_null(view_event(bench->view, event->number, API_BENCH_WALL / CLOCK_NS_PER_MS));
    assert_string_equal(view_event(bench->view, 0, 0)->kind, "decision");
    for (uint64_t seq = 3; seq < 3 + VIEW_EVENTS; seq++) {
        api_bench_frame(bench, seq, false);
    }
    assert_int_equal(view_event(bench->view, 0, 0)->number,
                     bench->view->event_count - VIEW_EVENTS + 1);
}

static void photos_are_told_as_often_as_ordered(void **state)
{
    struct api_bench *bench = *state;
    struct hub_status status = api_bench_status();
    int photos = 0;

    api_bench_tell(bench, &status);
    api_bench_frame(bench, 1, true);
    assert_int_equal(api_bench_post(bench, "/explore", "application/json",
                                    "{\"notify\":{\"photo_every_s\":0.5}}"),
                     422);
    assert_int_equal(api_bench_post(bench, "/explore", "application/json",
                                    "{\"notify\":{\"photo_every_s\":15}}"),
                     202);
    for (uint64_t seq = 2; seq < 20; seq++) { /* all at the same time */
        api_bench_frame(bench, seq, true);
    }
    for (const struct view_event *event = view_event(bench->view, 0, 0); event != NULL;
         event = view_event(bench->view, event->number, 0)) {
        photos += strcmp(event->kind, "photo") == 0 ? 1 : 0;
    }
    assert_int_equal(photos, 1);
}

static void mission_follows_what_the_loop_tells(void **state)
{
    struct api_bench *bench = *state;
    struct hub_status status = api_bench_status();

    api_bench_tell(bench, &status);
    assert_int_equal(api_bench_post(bench, "/explore", "", ""), 202);
    status.mission.order.id = API_BENCH_WALL / CLOCK_NS_PER_MS;
    status.mission.state = MISSION_EXPLORING;
    status.mission.distance_um = 1234567;
    api_bench_tell(bench, &status);
    assert_int_equal(api_bench_get(bench, "/v1/missions/1800000000000"), 200);
    assert_string_equal(api_bench_text(bench, "state"), "exploring");
    assert_true(cJSON_GetNumberValue(cJSON_GetObjectItem(bench->json, "distance_m")) == 1.235);
    mission_finish(&status.mission, MISSION_BY_TIME, "", API_BENCH_NOW);
    api_bench_tell(bench, &status);
    api_bench_tell(bench, &status);
    assert_int_equal(api_bench_get(bench, "/v1/missions/1800000000000"), 200);
    assert_string_equal(api_bench_text(bench, "reason"), "time");
    assert_int_equal(bench->view->ends[MISSION_BY_TIME], 1);
}

static void description_is_made_of_the_routes(void **state)
{
    struct api_bench *bench = *state;
    const cJSON *paths;

    assert_int_equal(api_bench_get(bench, "/openapi.json"), 200);
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

static void expect_schema(struct api_bench *bench, const char *name)
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
    struct api_bench *bench = *state;
    struct hub_status status = api_bench_status();

    (void)api_bench_get(bench, "/v1/nothing");
    expect_schema(bench, "Problem");
    api_bench_tell(bench, &status);
    api_bench_frame(bench, 1, true);
    (void)api_bench_get(bench, "/healthz");
    expect_schema(bench, "Health");
    (void)api_bench_get(bench, "/v1/scan");
    expect_schema(bench, "Scan");
    (void)api_bench_get(bench, "/v1/decisions");
    expect_schema(bench, "Decisions");
    (void)api_bench_post(bench, "/explore", "", "");
    (void)api_bench_post(bench, "/v1/stop", "", "");
    expect_schema(bench, "Status");
    (void)api_bench_get(bench, "/v1/missions/1800000000000");
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
    struct api_bench *bench = *state;
    struct hub_status status = api_bench_status();

    api_bench_tell(bench, &status);
    api_bench_frame(bench, 1, true);
    assert_int_equal(api_bench_get(bench, "/metrics"), 200);
    assert_non_null(strstr(bench->reply.body, "\nnav_battery_volts 7.8\n"));
    assert_non_null(strstr(bench->reply.body,
                           "\nnav_decisions_total{question=\"action\",word=\"forward\"} 1\n"));
    assert_non_null(strstr(bench->reply.body, "\nnav_vetoes_total{reason=\"obstacle\"} 1\n"));
    assert_non_null(
        strstr(bench->reply.body, "nav_stage_seconds{stage=\"request\",quantile=\"0.50\"} 0.005"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, api_bench_setup, api_bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(decisions_keep_their_pictures),
        TEST(events_are_numbered_and_belong_to_missions),
        TEST(photos_are_told_as_often_as_ordered),
        TEST(mission_follows_what_the_loop_tells),
        TEST(answers_are_as_described),
        TEST(every_schema_that_is_named_is_there),
        TEST(description_is_made_of_the_routes),
        TEST(metrics_have_names_of_prometheus),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
