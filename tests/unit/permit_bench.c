/* See permit_bench.h. */
#include "tests/unit/permit_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define START (INT64_C(100000) * MS)

union wire_request bench_message(struct bench *bench, int connection, enum wire_type type)
{
    bench->seq[connection]++;
    return (union wire_request){.header = wire_header(type, bench->seq[connection], bench->now_ns)};
}

union wire_request bench_intent(struct bench *bench, int connection, uint64_t frame)
{
    union wire_request request = bench_message(bench, connection, WIRE_INTENT);

    request.intent.mission = 1;
    request.intent.frame_seq = frame;
    request.intent.capture_ns = bench->now_ns;
    request.intent.twist = (struct twist){.vx_mm_s = 200};
    request.intent.source = WIRE_SOURCE_VLM;
    return request;
}

enum permit_answer bench_deliver(struct bench *bench, int connection,
                                 const union wire_request *request)
{
    return permit_message(&bench->permit, connection, request, bench->now_ns);
}

enum permit_answer bench_send(struct bench *bench, int connection, enum wire_type type)
{
    union wire_request request = bench_message(bench, connection, type);

    return bench_deliver(bench, connection, &request);
}

enum permit_answer bench_arm(struct bench *bench, int connection, uint64_t mission, int64_t age_ns)
{
    union wire_request request = bench_message(bench, connection, WIRE_ARM);

    request.arm.mission = mission;
    request.header.time_ns -= age_ns;
    return bench_deliver(bench, connection, &request);
}

enum permit_answer bench_send_intent(struct bench *bench, int connection, uint64_t frame)
{
    union wire_request request = bench_intent(bench, connection, frame);

    return bench_deliver(bench, connection, &request);
}

void bench_renew(struct bench *bench, const union wire_request *intent)
{
    union wire_request renewal = *intent;

    renewal.header = bench_message(bench, AGENT, WIRE_INTENT).header;
    assert_int_equal(bench_deliver(bench, AGENT, &renewal), PERMIT_TAKEN);
}

uint32_t bench_step(struct bench *bench)
{
    permit_sense(&bench->permit, &bench->senses, bench->now_ns);
    permit_step(&bench->permit, bench->now_ns, &bench->output);
    return bench->output.reasons;
}

uint32_t bench_step_after(struct bench *bench, int64_t ns)
{
    bench->now_ns += ns;
    return bench_step(bench);
}

bool bench_is_moving(const struct bench *bench)
{
    return bench->output.asked.vx_mm_s != 0;
}

void bench_forget_events(struct bench *bench)
{
    struct permit_event event;

    while (permit_event_take(&bench->permit, &event)) {
    }
}

struct permit_event bench_expect(struct bench *bench, enum wire_event_code code,
                                 enum permit_cause cause)
{
    struct permit_event event = {0};

    assert_true(permit_event_take(&bench->permit, &event));
    assert_int_equal(event.code, code);
    assert_int_equal(event.cause, cause);
    return event;
}

void bench_expect_nothing(struct bench *bench)
{
    struct permit_event event;

    assert_false(permit_event_take(&bench->permit, &event));
}

void bench_expect_disarmed(struct bench *bench, enum permit_cause cause)
{
    assert_int_equal(bench_expect(bench, WIRE_EVENT_DISARMED, cause).mission, 1);
    assert_int_equal(bench->output.mission, 0);
    assert_true(bench->output.reasons & REASON_NOT_ARMED);
    assert_false(bench_is_moving(bench));
}

void bench_begin_latched(struct bench *bench, bool latched)
{
    const struct permit_options options = {LIMITS_FRAME_MS, LIMITS_TRAVEL_MM};

    *bench = (struct bench){.now_ns = START, .senses = {.self_test_passed = true}};
    permit_init(&bench->permit, &options, latched);
    permit_open(&bench->permit, AGENT, bench->now_ns);
    permit_open(&bench->permit, OTHER, bench->now_ns);
    assert_int_equal(bench_send(bench, AGENT, WIRE_HELLO), PERMIT_TAKEN);
    assert_int_equal(bench_send(bench, OTHER, WIRE_HELLO), PERMIT_TAKEN);
    bench_step_after(bench, 10 * MS);
    bench_forget_events(bench);
}

void bench_begin(struct bench *bench)
{
    bench_begin_latched(bench, false);
    assert_int_equal(bench->output.reasons, REASON_NOT_ARMED);
}

void bench_begin_armed(struct bench *bench)
{
    bench_begin(bench);
    assert_int_equal(bench_arm(bench, AGENT, 1, 0), PERMIT_TAKEN);
    bench_expect(bench, WIRE_EVENT_ARMED, PERMIT_BY_MESSAGE);
    assert_int_equal(bench_step(bench), REASON_NO_INTENT);
}

void bench_begin_moving(struct bench *bench)
{
    bench_begin_armed(bench);
    assert_int_equal(bench_send_intent(bench, AGENT, 5), PERMIT_TAKEN);
    assert_int_equal(bench_step(bench), 0);
    assert_true(bench_is_moving(bench));
}
