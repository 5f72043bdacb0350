/* See api_bench.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cJSON.h>
#include <cmocka.h>

#include "tests/unit/api_bench.h"

int api_bench_setup(void **state)
{
    static struct api_bench bench;

    bench = (struct api_bench){0};
    assert_int_equal(hub_new(&bench.hub), 0);
    assert_int_equal(view_new(&bench.view), 0);
    bench.api = (struct api){.view = bench.view, .hub = bench.hub, .guard = &bench.guard};
    *state = &bench;
    return 0;
}

int api_bench_teardown(void **state)
{
    struct api_bench *bench = *state;

    cJSON_Delete(bench->json);
    api_reply_fini(&bench->reply);
    view_free(bench->view);
    hub_free(bench->hub);
    return 0;
}

struct hub_status api_bench_status(void)
{
    struct hub_status status = {.safety = true, .model = true, .camera = true};

    status.verdict.header.seq = 1;
    status.verdict.reasons = REASON_NOT_ARMED;
    status.verdict.battery_mv = 7800;
    return status;
}

void api_bench_tell(struct api_bench *bench, const struct hub_status *status)
{
    struct hub_record *record = hub_record(bench->hub);

    record->kind = HUB_STATUS;
    record->time_ns = API_BENCH_NOW;
    record->status = *status;
    hub_tell(bench->hub);
    view_take(bench->view, bench->hub);
}

int api_bench_send(struct api_bench *bench, struct api_request request)
{
    const char **texts[] = {&request.host,         &request.origin,        &request.authorization,
                            &request.content_type, &request.last_event_id, &request.body};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        *texts[i] = *texts[i] != NULL ? *texts[i] : "";
    }
    request.host = request.host[0] != '\0' ? request.host : "127.0.0.1:8090";
    request.size = request.size > 0 ? request.size : strlen(request.body);
    request.now_ns = API_BENCH_NOW;
    request.wall_ns = API_BENCH_WALL;
    cJSON_Delete(bench->json);
    api_reply_fini(&bench->reply);
    api_answer(&bench->api, &request, &bench->reply);
    bench->json = bench->reply.body != NULL ? cJSON_Parse(bench->reply.body) : NULL;
    return bench->reply.status;
}

int api_bench_get(struct api_bench *bench, const char *path)
{
    return api_bench_send(bench, (struct api_request){.method = "GET", .path = path});
}

int api_bench_post(struct api_bench *bench, const char *path, const char *type, const char *body)
{
    return api_bench_send(
        bench,
        (struct api_request){.method = "POST", .path = path, .content_type = type, .body = body});
}

const char *api_bench_text(const struct api_bench *bench, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(bench->json, name));

    return text != NULL ? text : "";
}

void api_bench_frame(struct api_bench *bench, uint64_t seq, bool with_picture)
{
    struct hub_record *record;

    if (with_picture) {
        record = hub_record(bench->hub);
        record->kind = HUB_PICTURE;
        record->time_ns = API_BENCH_NOW;
        record->picture_seq = seq;
        record->size = 4;
        memcpy(record->bytes, "JPEG", 4);
        hub_tell(bench->hub);
    }
    record = hub_record(bench->hub);
    record->kind = HUB_DECISION;
    record->time_ns = API_BENCH_NOW;
    record->frame = (struct report_frame){.seq = seq, .driven = true};
    record->frame.decision.word = ACTION_FORWARD;
    record->frame.verdict.reasons = REASON_OBSTACLE;
    for (int stage = 0; stage < STAGE_COUNT; stage++) {
        record->frame.stage_ns[stage] = 5 * CLOCK_NS_PER_MS;
    }
    hub_tell(bench->hub);
    view_take(bench->view, bench->hub);
}
