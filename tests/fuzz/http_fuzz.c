/* Any request: it gets one answer with a status of its route, what is JSON can be read, and what
 * goes to the loop is within every limit. The first seven lines are method, path, Host, Origin,
 * Authorization, Content-Type and Last-Event-ID; the rest is the body. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cJSON.h>

#include "agent/http/api.h"
#include "hal/base/clock.h"
#include "safety/limits.h"

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#define NOW   (100 * CLOCK_NS_PER_S)
#define LINES 7

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bench {
    struct hub *hub;
    struct view *view;
    struct guard guard;
    struct api api;
};

/* Ready for a mission. The hub is empty after each request, and large: there is one. */
static void make_ready(struct bench *bench)
{
    static struct hub *hub;
    struct hub_record *record;

    REQUIRE(hub != NULL || hub_new(&hub) == 0);
    REQUIRE(view_new(&bench->view) == 0);
    bench->hub = hub;
    bench->api = (struct api){.view = bench->view, .hub = bench->hub, .guard = &bench->guard};
    record = hub_record(bench->hub);
    record->kind = HUB_STATUS;
    record->time_ns = NOW;
    record->status = (struct hub_status){.safety = true, .model = true, .camera = true};
    record->status.verdict.header.seq = 1;
    hub_tell(bench->hub);
    view_take(bench->view, bench->hub);
}

static void check_command(const struct hub_command *command)
{
    const struct mission_order *order = &command->explore;

    REQUIRE(command->order <= HUB_LOOK && strlen(order->goal) < MISSION_GOAL_SIZE);
    REQUIRE(strpbrk(order->goal, "\"\\<>{}\n\r\t") == NULL);
    REQUIRE(order->duration_ms >= 0 && order->duration_ms <= MISSION_DURATION_MAX_MS);
    REQUIRE(order->distance_mm >= 0 && order->distance_mm <= MISSION_DISTANCE_MAX_MM);
    REQUIRE(order->speed_mm_s >= 0 && order->speed_mm_s <= LIMITS_FORWARD_MM_S);
    REQUIRE(order->photo_ms >= 0 && order->photo_ms <= 600000);
    REQUIRE(abs(command->drive.vx_mm_s) <= LIMITS_FORWARD_MM_S);
    REQUIRE(abs(command->drive.vy_mm_s) <= LIMITS_STRAFE_MM_S);
    REQUIRE(abs(command->drive.wz_mrad_s) <= LIMITS_TURN_MRAD_S);
    REQUIRE(command->drive_ms >= 0 && command->drive_ms <= LIMITS_INTENT_MS);
    REQUIRE(abs(command->pan_mrad) <= WIRE_LOOK_MAX_MRAD);
    REQUIRE(abs(command->tilt_mrad) <= WIRE_LOOK_MAX_MRAD);
}

static void check_reply(const struct api_reply *reply)
{
    cJSON *json;

    REQUIRE(reply->status >= 200 && reply->status < 600);
    if (reply->type == NULL || strstr(reply->type, "json") == NULL) {
        return;
    }
    json = cJSON_ParseWithLength(reply->body, reply->size);
    REQUIRE(json != NULL);
    if (reply->status >= 400) {
        REQUIRE(cJSON_GetNumberValue(cJSON_GetObjectItem(json, "status")) == reply->status);
    }
    cJSON_Delete(json);
}

static void ask(struct bench *bench, struct api_request *request)
{
    struct api_reply reply;
    struct hub_command command;
    bool refused;

    api_answer(&bench->api, request, &reply);
    check_reply(&reply);
    refused = reply.status >= 400 && reply.status < 500;
    while (hub_command(bench->hub, &command)) {
        REQUIRE(!refused); /* nothing half done */
        check_command(&command);
    }
    api_reply_fini(&reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bench bench = {0};
    char *text = malloc(size + 1), *line = text, *lines[LINES];
    struct api_request request = {.now_ns = NOW, .wall_ns = NOW};

    REQUIRE(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    for (int i = 0; i < LINES; i++) {
        char *end = memchr(line, '\n', size - (size_t)(line - text));

        lines[i] = end != NULL ? line : text + size;
        if (end != NULL) {
            *end = '\0';
            line = end + 1;
        }
    }
    request.method = lines[0];
    request.path = lines[1];
    request.host = lines[2];
    request.origin = lines[3];
    request.authorization = lines[4];
    request.content_type = lines[5];
    request.last_event_id = lines[6];
    request.body = line;
    request.size = size - (size_t)(line - text);
    make_ready(&bench);
    ask(&bench, &request);
    ask(&bench, &request); /* a mission may be under way now */
    view_free(bench.view);
    free(text);
    return 0;
}
