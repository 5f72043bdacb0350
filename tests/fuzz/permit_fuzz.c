/* Any sequence of messages, ticks, keys, faults and connections, in virtual time, against what must
 * hold whatever happens:
 *
 *  - a twist is asked for only while armed, not latched, the key up, no fault, the self-test
 * passed, and by an intent that was received less than 300 ms ago from a frame younger than the
 * limit;
 *  - permission begins in an ARM message only, with a mission id that never had it before, and not
 *    while anything forbids it;
 *  - the e-stop ends in a RESET message only, with the key up;
 *  - one decision travels 300 mm at most, as long as the ticks come every 10 ms.
 *
 * The model beside the permit is written from DESIGN.md's sentences, not from the code.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "safety/permit.h"

#define MS           INT64_C(1000000)
#define MISSIONS_MAX 4096

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct model {
    struct permit permit;
    struct permit_senses senses;
    struct permit_output output;
    int64_t now_ns, sense_ns, fault_ns;
    uint64_t seq[PERMIT_CONNECTIONS];
    uint64_t missions[MISSIONS_MAX]; /* that had permission, in order */
    size_t mission_count;
    uint64_t mission;
    bool latched;
    int64_t received_ns; /* of the last intent that was taken */
    struct wire_intent intent;
    int64_t travel_pm; /* by the largest axis, so never more than what the permit counts */
    int64_t frame_ms;
    const uint8_t *data;
    size_t size;
};

static uint8_t take(struct model *model)
{
    if (model->size == 0) {
        return 0;
    }
    model->size--;
    return *model->data++;
}

/* After anything but an ARM or a RESET: neither permission nor the end of a latch may appear. */
static void check_no_gain(struct model *model)
{
    struct permit_output output;

    permit_step(&model->permit, model->now_ns, &output);
    REQUIRE(output.mission == 0 || output.mission == model->mission);
    REQUIRE(output.latched || !model->latched);
    model->mission = output.mission;
    model->latched = output.latched;
}

static void check_step(struct model *model)
{
    struct permit_output *output = &model->output;
    struct twist asked;

    check_no_gain(model);
    permit_step(&model->permit, model->now_ns, output);
    asked = output->asked;
    REQUIRE((output->reasons & ~0x7fu) == 0);
    REQUIRE(!output->latched || output->mission == 0);
    if (asked.vx_mm_s == 0 && asked.vy_mm_s == 0 && asked.wz_mrad_s == 0) {
        return;
    }
    REQUIRE(output->reasons == 0 && output->mission != 0 && !output->latched);
    REQUIRE(!model->senses.key_pressed && model->senses.faults == 0);
    REQUIRE(model->senses.self_test_passed);
    REQUIRE(memcmp(&asked, &model->intent.twist, sizeof(asked)) == 0);
    REQUIRE(model->intent.mission == output->mission);
    REQUIRE(model->now_ns - model->received_ns < 300 * MS);
    REQUIRE(model->now_ns - model->intent.capture_ns < model->frame_ms * MS);
}

static int64_t largest(struct twist twist)
{
    int64_t x = llabs((long long)twist.vx_mm_s), y = llabs((long long)twist.vy_mm_s);

    return x > y ? x : y;
}

/* One tick, given what was asked for as long as it lasted. */
static void tick(struct model *model, int64_t passed_ns)
{
    int64_t passed;

    model->now_ns += passed_ns;
    passed = model->now_ns - model->sense_ns;
    model->senses.given = model->output.asked;
    model->travel_pm += largest(model->output.asked) * passed;
    REQUIRE(passed > 10 * MS || model->travel_pm <= 300 * 1000 * MS ||
            largest(model->output.asked) == 0);
    if (passed > 10 * MS) {
        model->travel_pm = 0; /* how far a late tick goes is not promised */
    }
    model->sense_ns = model->now_ns;
    if (model->senses.faults != 0) {
        model->fault_ns = model->now_ns;
    }
    permit_sense(&model->permit, &model->senses, model->now_ns);
    check_step(model);
    REQUIRE(model->senses.faults == 0 || model->output.mission == 0);
    REQUIRE(!model->senses.key_pressed || model->output.latched);
}

static void check_armed(struct model *model, const struct wire_arm *arm)
{
    REQUIRE(!model->latched && !model->senses.key_pressed && model->senses.self_test_passed);
    REQUIRE(model->senses.faults == 0 && model->now_ns - model->fault_ns >= 500 * MS);
    REQUIRE(arm->header.time_ns <= model->now_ns);
    REQUIRE(model->now_ns - arm->header.time_ns <= 300 * MS && arm->mission != 0);
    for (size_t i = 0; i < model->mission_count; i++) {
        REQUIRE(model->missions[i] != arm->mission);
    }
    REQUIRE(model->mission_count < MISSIONS_MAX);
    model->missions[model->mission_count++] = arm->mission;
    model->mission = arm->mission;
    model->intent = (struct wire_intent){0};
}

static void note_intent(struct model *model, const struct wire_intent *intent)
{
    REQUIRE(model->mission != 0 && intent->mission == model->mission);
    REQUIRE(intent->capture_ns <= model->now_ns);
    REQUIRE(model->intent.source == 0 || intent->capture_ns >= model->intent.capture_ns);
    if (intent->source != model->intent.source || intent->frame_seq != model->intent.frame_seq) {
        model->travel_pm = 0;
    }
    model->intent = *intent;
    model->received_ns = model->now_ns;
}

static struct wire_intent intent_make(struct model *model, uint8_t style)
{
    struct wire_intent intent = {
        .mission = (style & 4) != 0 ? take(model) + 1u : model->mission,
        .frame_seq = model->intent.frame_seq + ((style & 8) != 0 ? 1 : 0),
        .capture_ns = (style & 8) != 0 ? model->now_ns : model->intent.capture_ns,
        .source = (style & 128) != 0 ? WIRE_SOURCE_DRIVE : WIRE_SOURCE_VLM,
    };

    intent.frame_seq += (style & 16) != 0 ? take(model) : 0;
    intent.capture_ns -= (style & 32) != 0 ? ((int64_t)take(model) - 16) * 8 * MS : 0;
    intent.twist.vx_mm_s = ((int32_t)take(model) - 128) * 8;
    intent.twist.vy_mm_s = (style & 64) != 0 ? ((int32_t)take(model) - 128) * 8 : 0;
    return intent;
}

/* Mostly plausible fields, so that permission is reached often. */
static union wire_request request_make(struct model *model, int connection, enum wire_type type)
{
    uint8_t style = take(model);
    union wire_request request = {.header = wire_header(type, 0, model->now_ns)};

    request.header.seq = (style & 1) != 0 ? take(model) + 1u : ++model->seq[connection & 3];
    request.header.time_ns -= (style & 2) != 0 ? ((int64_t)take(model) - 16) * 2 * MS : 0;
    if (type == WIRE_ARM) {
        request.arm.mission = (style & 4) != 0 ? take(model) : model->mission_count + 1000;
        request.arm.mission |= (style & 8) != 0 ? (uint64_t)take(model) << 56 : 0;
    } else if (type == WIRE_INTENT) {
        struct wire_header header = request.header;

        request.intent = intent_make(model, style);
        request.header = header;
    }
    return request;
}

static void message(struct model *model, int connection, enum wire_type type)
{
    union wire_request made = request_make(model, connection, type), request;
    enum permit_answer answer;
    struct permit_output output;

    if (wire_request_read(&made, made.header.size, &request) != WIRE_OK) {
        permit_malformed(&model->permit, connection, model->now_ns);
        check_no_gain(model);
        return;
    }
    answer = permit_message(&model->permit, connection, &request, model->now_ns);
    if (answer == PERMIT_TAKEN && type == WIRE_ARM) {
        check_armed(model, &request.arm);
    } else if (answer == PERMIT_TAKEN && type == WIRE_INTENT) {
        note_intent(model, &request.intent);
    } else if (answer == PERMIT_TAKEN && type == WIRE_RESET) {
        REQUIRE(!model->senses.key_pressed);
        model->latched = false;
    }
    check_no_gain(model);
    permit_step(&model->permit, model->now_ns, &output);
    REQUIRE(answer != PERMIT_TAKEN || (type != WIRE_DISARM && type != WIRE_ESTOP) ||
            output.mission == 0);
    REQUIRE(answer != PERMIT_TAKEN || type != WIRE_ESTOP || output.latched);
}

static void sense_change(struct model *model, uint8_t bits)
{
    model->senses.key_pressed = (bits & 7) == 1;
    model->senses.self_test_passed = (bits & 0x38) != 0x08;
    model->senses.faults = (bits & 0xc0) == 0x40 ? REASON_LIDAR_STALE : 0;
    tick(model, 0);
}

static void other(struct model *model, uint8_t what, int connection)
{
    struct permit_event event;

    if ((what & 3) == 0) {
        sense_change(model, take(model));
    } else if ((what & 3) == 1) {
        permit_open(&model->permit, connection, model->now_ns);
        model->seq[connection & 3] = 0;
    } else if ((what & 3) == 2) {
        permit_close(&model->permit, connection, model->now_ns);
    } else if (permit_event_take(&model->permit, &event)) {
        REQUIRE(permit_cause_text(event.cause) != NULL);
    }
    check_no_gain(model);
}

static void one(struct model *model)
{
    static const enum wire_type types[] = {WIRE_HELLO,  WIRE_ARM,   WIRE_INTENT, WIRE_INTENT,
                                           WIRE_DISARM, WIRE_ESTOP, WIRE_RESET,  WIRE_LOOK};
    uint8_t what = take(model);
    int connection = (what >> 3 & 7) - 1;

    connection = connection > 4 ? 0 : connection;
    switch (what >> 6) {
    case 0:
        message(model, connection, types[what & 7]);
        break;
    case 1:
        tick(model, (what & 32) != 0 ? take(model) * 16 * MS : ((what & 15) + 1) * MS / 2);
        break;
    case 2:
        for (int i = what & 31; i > 0; i--) {
            tick(model, 10 * MS);
        }
        break;
    default:
        other(model, what, connection);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct model model;
    struct permit_options options;

    model = (struct model){.data = data, .size = size, .now_ns = 10000 * MS};
    model.sense_ns = model.now_ns;
    model.senses.self_test_passed = true;
    model.frame_ms = 1000;
    options = (struct permit_options){model.frame_ms, 300};
    permit_init(&model.permit, &options, false);
    for (int i = 0; i < 2; i++) {
        union wire_request hello = {.header = wire_header(WIRE_HELLO, 1, model.now_ns)};

        permit_open(&model.permit, i, model.now_ns);
        model.seq[i] = 1;
        permit_message(&model.permit, i, &hello, model.now_ns);
    }
    tick(&model, 10 * MS);
    while (model.size > 0) {
        one(&model);
    }
    return 0;
}
