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

#include "agent/http/routes.h"
#include "tests/unit/api_bench.h"

static void expect_refusal(struct api_bench *bench, int status, const char *detail)
{
    assert_int_equal(bench->reply.status, status);
    assert_string_equal(bench->reply.type, "application/problem+json");
    assert_int_equal(cJSON_GetNumberValue(cJSON_GetObjectItem(bench->json, "status")), status);
    assert_non_null(strstr(api_bench_text(bench, "detail"), detail));
}

static void mission_is_taken_at_once(void **state)
{
    struct api_bench *bench = *state;
    struct hub_status status = api_bench_status();
    struct hub_command command;

    api_bench_tell(bench, &status);
    assert_int_equal(api_bench_post(bench, "/v1/missions", "application/json",
                                    "{\"goal\":\"find the kitchen\",\"limits\":{\"duration_s\":90,"
                                    "\"distance_m\":2.5,\"speed_mm_s\":200}}"),
                     202);
    assert_string_equal(api_bench_text(bench, "state"), "arming");
    assert_string_equal(api_bench_text(bench, "goal"), "find the kitchen");
    assert_true(hub_command(bench->hub, &command));
    assert_int_equal(command.order, HUB_EXPLORE);
    assert_string_equal(command.explore.goal, "find the kitchen");
    assert_int_equal(command.explore.duration_ms, 90000);
    assert_int_equal(command.explore.distance_mm, 2500);
    assert_int_equal(command.explore.speed_mm_s, 200);
    assert_int_equal(command.explore.id, API_BENCH_WALL / CLOCK_NS_PER_MS);
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
    struct api_bench *bench = *state;
    struct hub_status status = api_bench_status();

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct hub_command command;

        api_bench_tell(bench, &status);
        assert_int_equal(api_bench_post(bench, "/explore", forms[i].type, forms[i].body), 202);
        assert_true(hub_command(bench->hub, &command));
        assert_string_equal(command.explore.goal, forms[i].goal);
        assert_int_equal(api_bench_post(bench, "/v1/stop", "", ""), 200);
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
    struct api_bench *bench = *state;
    struct hub_status status = api_bench_status();
    struct hub_command command;

    api_bench_tell(bench, &status);
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        (void)api_bench_post(bench, "/v1/missions", bodies[i].type, bodies[i].body);
        expect_refusal(bench, bodies[i].status, bodies[i].detail);
        assert_false(hub_command(bench->hub, &command));
    }
}

static void zero_bytes_and_large_bodies_are_refused(void **state)
{
    struct api_bench *bench = *state;

    (void)api_bench_send(
        bench,
        (struct api_request){.method = "POST", .path = "/explore", .body = "a\0b", .size = 3});
    expect_refusal(bench, 400, "zero byte");
    (void)api_bench_send(
        bench, (struct api_request){.method = "POST", .path = "/explore", .too_large = true});
    expect_refusal(bench, 413, "16384");
}

static void second_mission_is_told_of_the_first(void **state)
{
    struct api_bench *bench = *state;
    struct hub_status status = api_bench_status();
    const cJSON *mission;

    api_bench_tell(bench, &status);
    assert_int_equal(api_bench_post(bench, "/explore", "", ""), 202);
    assert_int_equal(api_bench_post(bench, "/explore", "", ""), 409);
    mission = cJSON_GetObjectItem(bench->json, "mission");
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(mission, "state")), "arming");
    assert_int_equal(api_bench_post(bench, "/v1/drive", "application/json", "{\"vx_mm_s\":100}"),
                     409);
}

static void latched_estop_refuses_with_its_own_status(void **state)
{
    struct api_bench *bench = *state;
    struct hub_status status = api_bench_status();

    status.verdict.reasons |= REASON_ESTOP;
    api_bench_tell(bench, &status);
    assert_int_equal(api_bench_post(bench, "/explore", "", ""), 423);
    assert_int_equal(api_bench_post(bench, "/v1/drive", "application/json", "{}"), 423);
    assert_int_equal(api_bench_get(bench, "/v1/status"), 200);
    assert_string_equal(api_bench_text(bench, "state"), "estop");
}

static void what_is_missing_is_listed(void **state)
{
    struct api_bench *bench = *state;
    struct hub_status status = api_bench_status();
    const cJSON *list;

    assert_int_equal(api_bench_get(bench, "/healthz"), 503); /* nothing was heard yet */
    status.model = false;
    (void)snprintf(status.model_text, sizeof(status.model_text), "panda: connection refused");
    status.verdict.reasons |= REASON_LIDAR_STALE | REASON_SELF_TEST;
    api_bench_tell(bench, &status);
    assert_int_equal(api_bench_get(bench, "/healthz"), 200);
    assert_int_equal(api_bench_get(bench, "/readyz"), 503);
    assert_int_equal(api_bench_post(bench, "/explore", "", ""), 503);
    list = cJSON_GetObjectItem(bench->json, "not_ready");
    assert_int_equal(cJSON_GetArraySize(list), 3);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetArrayItem(list, 0)),
                        "panda: connection refused");
}

static void stop_ends_what_the_loop_has_not_begun(void **state)
{
    struct api_bench *bench = *state;
    struct hub_status status = api_bench_status();

    api_bench_tell(bench, &status);
    assert_int_equal(api_bench_post(bench, "/explore", "", ""), 202);
    assert_int_equal(api_bench_post(bench, "/v1/stop", "", ""), 200);
    assert_int_equal(hub_stops(bench->hub), 1);
    assert_int_equal(api_bench_get(bench, "/v1/missions/1800000000000"), 200);
    assert_string_equal(api_bench_text(bench, "state"), "ended");
    assert_string_equal(api_bench_text(bench, "reason"), "stop");
    assert_int_equal(api_bench_post(bench, "/explore", "", ""), 202);
}

static void stop_works_in_any_state(void **state)
{
    struct api_bench *bench = *state;

    assert_int_equal(api_bench_post(bench, "/v1/stop", "", ""), 200);
    assert_int_equal(api_bench_post(bench, "/v1/estop", "", ""), 202);
    assert_int_equal(hub_stops(bench->hub), 2);
}

static void estop_is_an_order_and_a_stop(void **state)
{
    struct api_bench *bench = *state;
    struct hub_command command;

    assert_int_equal(api_bench_post(bench, "/v1/estop", "", ""), 202);
    assert_int_equal(hub_stops(bench->hub), 1);
    assert_true(hub_command(bench->hub, &command));
    assert_int_equal(command.order, HUB_ESTOP);
    assert_int_equal(api_bench_post(bench, "/v1/estop/reset", "", ""), 202);
    assert_true(hub_command(bench->hub, &command));
    assert_int_equal(command.order, HUB_RESET);
}

static void drive_and_look_are_limited(void **state)
{
    struct api_bench *bench = *state;
    struct hub_status status = api_bench_status();
    struct hub_command command;

    api_bench_tell(bench, &status);
    assert_int_equal(api_bench_post(bench, "/v1/drive", "application/json",
                                    "{\"vx_mm_s\":-150,\"wz_mrad_s\":900,\"ttl_ms\":200}"),
                     202);
    assert_true(hub_command(bench->hub, &command));
    assert_int_equal(command.drive.vx_mm_s, -150);
    assert_int_equal(command.drive.vy_mm_s, 0);
    assert_int_equal(command.drive.wz_mrad_s, 900);
    assert_int_equal(command.drive_ms, 200);
    assert_int_equal(command.time_ns, API_BENCH_NOW);
    assert_int_equal(api_bench_post(bench, "/v1/drive", "application/json", "{\"ttl_ms\":301}"),
                     422);
    assert_int_equal(api_bench_post(bench, "/v1/drive", "application/json", "{\"vx_mm_s\":401}"),
                     422);
    assert_int_equal(api_bench_post(bench, "/v1/drive", "text/plain", "forward"), 415);
    assert_int_equal(api_bench_post(bench, "/v1/look", "application/json", "{\"pan_mrad\":100}"),
                     422);
    expect_refusal(bench, 422, "tilt_mrad: missing");
    assert_int_equal(api_bench_post(bench, "/v1/look", "application/json",
                                    "{\"pan_mrad\":100,\"tilt_mrad\":-50}"),
                     202);
    assert_true(hub_command(bench->hub, &command));
    assert_int_equal(command.order, HUB_LOOK);
    assert_int_equal(command.tilt_mrad, -50);
}

static void orders_that_find_no_place_are_refused(void **state)
{
    struct api_bench *bench = *state;

    for (int i = 0; i < HUB_COMMANDS; i++) {
        assert_int_equal(api_bench_post(bench, "/v1/estop/reset", "", ""), 202);
    }
    assert_int_equal(api_bench_post(bench, "/v1/estop", "", ""), 503);
    assert_int_equal(hub_stops(bench->hub), 1); /* and yet it stops */
}

static void wrong_paths_methods_and_origins_are_refused(void **state)
{
    struct api_bench *bench = *state;

    assert_int_equal(api_bench_get(bench, "/v1/nothing"), 404);
    assert_int_equal(api_bench_get(bench, "/v1/missions/7"), 404);
    assert_int_equal(api_bench_get(bench, "/v1/missions/x"), 404);
    assert_int_equal(api_bench_get(bench, "/v1/missions/99999999999999999999999"), 404);
    assert_int_equal(api_bench_get(bench, "/v1/stop"), 405);
    assert_string_equal(bench->reply.allow, "POST");
    assert_int_equal(api_bench_send(bench, (struct api_request){.method = "POST",
                                                                .path = "/v1/stop",
                                                                .host = "evil.example"}),
                     403);
    assert_int_equal(api_bench_send(bench, (struct api_request){.method = "POST",
                                                                .path = "/v1/stop",
                                                                .origin = "http://evil.example"}),
                     403);
    assert_int_equal(hub_stops(bench->hub), 0);
}

static void token_is_needed_for_all_but_health(void **state)
{
    struct api_bench *bench = *state;
    struct hub_status status = api_bench_status();

    (void)snprintf(bench->guard.token, sizeof(bench->guard.token), "0123456789abcdef");
    api_bench_tell(bench, &status);
    for (size_t i = 0; i < route_count; i++) {
        int code = api_bench_send(bench, (struct api_request){.method = route_list[i].method,
                                                              .path = route_list[i].path});

        assert_int_equal(code == 401, !route_list[i].open);
    }
    assert_int_equal(api_bench_get(bench, "/v1/nothing"), 401);
    assert_int_equal(
        api_bench_send(bench, (struct api_request){.method = "GET",
                                                   .path = "/v1/status",
                                                   .authorization = "Bearer 0123456789abcdef"}),
        200);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, api_bench_setup, api_bench_teardown)

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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
