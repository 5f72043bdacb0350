/* Permission in virtual time: who gets it, on which edge, and what takes it away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/permit_bench.h"

static void nothing_moves_before_an_arm(void **state)
{
    struct bench bench;

    (void)state;
    bench_begin(&bench);
    assert_int_equal(bench_send_intent(&bench, AGENT, 5), PERMIT_REFUSED);
    assert_int_equal(bench_step(&bench), REASON_NOT_ARMED);
    assert_int_equal(bench.output.mission, 0);
    assert_false(bench_is_moving(&bench));
}

static void a_zeroed_permit_permits_nothing(void **state)
{
    struct bench bench = {.now_ns = 100000 * MS};

    (void)state;
    permit_open(&bench.permit, AGENT, bench.now_ns);
    bench_send(&bench, AGENT, WIRE_HELLO);
    assert_int_equal(bench_arm(&bench, AGENT, 1, 0), PERMIT_REFUSED);
    permit_step(&bench.permit, bench.now_ns, &bench.output);
    assert_int_equal(bench.output.reasons, REASON_NOT_ARMED | REASON_SELF_TEST);
}

static void a_hello_comes_first(void **state)
{
    struct bench bench;

    (void)state;
    bench_begin(&bench);
    permit_open(&bench.permit, 1, bench.now_ns);
    assert_int_equal(bench_send(&bench, 1, WIRE_LOOK), PERMIT_REFUSED);
    assert_int_equal(bench_arm(&bench, 1, 1, 0), PERMIT_REFUSED);
    bench_expect(&bench, WIRE_EVENT_ARM_REFUSED, PERMIT_NO_HELLO);
    bench.seq[1] = 1;
    assert_int_equal(bench_send(&bench, 1, WIRE_HELLO), PERMIT_REFUSED); /* the seq */
    assert_int_equal(bench_arm(&bench, 1, 1, 0), PERMIT_REFUSED);
    bench_expect(&bench, WIRE_EVENT_ARM_REFUSED, PERMIT_NO_HELLO);
    assert_int_equal(bench_send(&bench, 1, WIRE_HELLO), PERMIT_TAKEN);
    assert_int_equal(bench_send(&bench, 1, WIRE_LOOK), PERMIT_TAKEN);
    assert_int_equal(bench_arm(&bench, 1, 1, 0), PERMIT_TAKEN);
    assert_int_equal(bench.permit.refused, 4);
}

static void connections_that_are_not_open_say_nothing(void **state)
{
    static const int numbers[] = {-1, 1, PERMIT_CONNECTIONS, INT32_MAX, INT32_MIN};
    struct bench bench;

    (void)state;
    bench_begin_moving(&bench);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        union wire_request estop = {.header = wire_header(WIRE_ESTOP, 1, bench.now_ns)};

        if (numbers[i] != 1) {
            permit_open(&bench.permit, numbers[i], bench.now_ns);
        }
        assert_int_equal(bench_deliver(&bench, numbers[i], &estop), PERMIT_REFUSED);
        permit_close(&bench.permit, numbers[i], bench.now_ns);
    }
    assert_int_equal(bench_step(&bench), 0);
}

static void an_arm_of_up_to_300_ms_is_taken(void **state)
{
    static const int64_t ages_ns[] = {299 * MS, 300 * MS, 300 * MS + 1, 301 * MS};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct bench bench;

        bench_begin(&bench);
        bench_step_after(&bench, 1000 * MS);
        assert_int_equal(bench_arm(&bench, AGENT, 1, ages_ns[i]),
                         i < 2 ? PERMIT_TAKEN : PERMIT_REFUSED);
        bench_expect(&bench, i < 2 ? WIRE_EVENT_ARMED : WIRE_EVENT_ARM_REFUSED,
                     i < 2 ? PERMIT_BY_MESSAGE : PERMIT_OLD);
    }
}

static void an_arm_from_the_future_is_refused(void **state)
{
    struct bench bench;

    (void)state;
    bench_begin(&bench);
    assert_int_equal(bench_arm(&bench, AGENT, 1, -1), PERMIT_REFUSED);
    bench_expect(&bench, WIRE_EVENT_ARM_REFUSED, PERMIT_FUTURE);
}

static void an_arm_500_ms_after_a_fault_is_taken(void **state)
{
    static const int64_t after_ns[] = {499 * MS, 500 * MS - 1, 500 * MS, 501 * MS};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct bench bench;

        bench_begin(&bench);
        bench.senses.faults = REASON_LIDAR_STALE;
        bench_step_after(&bench, 10 * MS);
        assert_int_equal(bench_arm(&bench, AGENT, 1, 0), PERMIT_REFUSED);
        bench_expect(&bench, WIRE_EVENT_ARM_REFUSED, PERMIT_AFTER_FAULT);
        bench_step_after(&bench, 5000 * MS);
        bench.senses.faults = 0;
        bench_step_after(&bench, 10 * MS);
        bench.now_ns += after_ns[i];
        assert_int_equal(bench_arm(&bench, AGENT, 1, 0), i < 2 ? PERMIT_REFUSED : PERMIT_TAKEN);
        bench_expect(&bench, i < 2 ? WIRE_EVENT_ARM_REFUSED : WIRE_EVENT_ARMED,
                     i < 2 ? PERMIT_AFTER_FAULT : PERMIT_BY_MESSAGE);
    }
}

static void a_fault_disarms_and_its_end_does_not_arm(void **state)
{
    struct bench bench;
    uint32_t faults = REASON_LIDAR_STALE | REASON_MOTOR_FAULT;

    (void)state;
    bench_begin_moving(&bench);
    bench.senses.faults = faults;
    assert_int_equal(bench_step_after(&bench, 10 * MS), REASON_NOT_ARMED);
    assert_int_equal(bench_expect(&bench, WIRE_EVENT_DISARMED, PERMIT_BY_FAULT).faults, faults);
    bench.senses.faults = 0;
    for (uint64_t i = 0; i < 200; i++) {
        bench_send_intent(&bench, AGENT, i + 6);
        assert_int_equal(bench_step_after(&bench, 10 * MS), REASON_NOT_ARMED);
    }
    assert_int_equal(bench_arm(&bench, AGENT, 2, 0), PERMIT_TAKEN);
}

static void a_fault_that_flaps_keeps_permission_away(void **state)
{
    struct bench bench;

    (void)state;
    bench_begin(&bench);
    for (uint64_t i = 0; i < 200; i++) {
        bench.senses.faults = i % 2 == 0 ? REASON_SONAR_FAULT : 0;
        bench_step_after(&bench, 10 * MS);
        assert_int_equal(bench_arm(&bench, AGENT, i + 1, 0), PERMIT_REFUSED);
    }
}

static void a_self_test_must_hold(void **state)
{
    struct bench bench;

    (void)state;
    bench_begin_moving(&bench);
    bench.senses.self_test_passed = false;
    assert_int_equal(bench_step_after(&bench, 10 * MS), REASON_NOT_ARMED | REASON_SELF_TEST);
    bench_expect_disarmed(&bench, PERMIT_BY_SELF_TEST);
    assert_int_equal(bench_arm(&bench, AGENT, 2, 0), PERMIT_REFUSED);
    bench_expect(&bench, WIRE_EVENT_ARM_REFUSED, PERMIT_BY_SELF_TEST);
    bench.senses.self_test_passed = true;
    bench_step_after(&bench, 10 * MS);
    assert_int_equal(bench_arm(&bench, AGENT, 2, 0), PERMIT_TAKEN);
}

static void a_mission_is_armed_once(void **state)
{
    struct bench bench;

    (void)state;
    bench_begin_moving(&bench);
    bench_send(&bench, AGENT, WIRE_DISARM);
    bench_expect(&bench, WIRE_EVENT_DISARMED, PERMIT_BY_MESSAGE);
    assert_int_equal(bench_arm(&bench, AGENT, 1, 0), PERMIT_REFUSED);
    assert_int_equal(bench_expect(&bench, WIRE_EVENT_ARM_REFUSED, PERMIT_USED).mission, 1);
    assert_int_equal(bench_arm(&bench, OTHER, 1, 0), PERMIT_REFUSED);
    assert_int_equal(bench_arm(&bench, AGENT, 0, 0), PERMIT_REFUSED);
    assert_int_equal(bench_arm(&bench, AGENT, 2, 0), PERMIT_TAKEN);
}

static void refused_missions_are_not_used(void **state)
{
    struct bench bench;

    (void)state;
    bench_begin(&bench);
    assert_int_equal(bench_arm(&bench, AGENT, 1, 400 * MS), PERMIT_REFUSED);
    assert_int_equal(bench_arm(&bench, AGENT, 1, 0), PERMIT_TAKEN);
}

#define IDS 300

/* Ids as an agent may make them: each is taken once at most, whether it is remembered one by one or
 * lies below the floor by now. */
static void arm_each_twice(uint64_t (*id)(uint64_t i), uint64_t taken_min)
{
    static struct bench bench;
    bool taken[IDS];
    uint64_t count = 0;

    bench_begin(&bench);
    for (uint64_t i = 0; i < IDS; i++) {
        taken[i] = bench_arm(&bench, AGENT, id(i), 0) == PERMIT_TAKEN;
        count += taken[i] ? 1 : 0;
        for (uint64_t before = 0; before <= i; before++) {
            if (taken[before]) {
                assert_int_equal(bench_arm(&bench, AGENT, id(before), 0), PERMIT_REFUSED);
            }
        }
    }
    assert_true(count >= taken_min);
}

static uint64_t increasing(uint64_t i)
{
    return 1000 + i;
}

static uint64_t decreasing(uint64_t i)
{
    return 1000 - i;
}

static uint64_t scattered(uint64_t i)
{
    return (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

static void used_missions_are_refused_for_ever(void **state)
{
    (void)state;
    arm_each_twice(increasing, IDS);
    arm_each_twice(decreasing, PERMIT_MISSIONS);
    arm_each_twice(scattered, PERMIT_MISSIONS);
}

static void the_owner_may_arm_its_next_mission(void **state)
{
    struct bench bench;
    union wire_request intent;

    (void)state;
    bench_begin_moving(&bench);
    bench.now_ns += MS;
    assert_int_equal(bench_arm(&bench, AGENT, 2, 0), PERMIT_TAKEN);
    bench_expect(&bench, WIRE_EVENT_DISARMED, PERMIT_BY_NEXT);
    bench_expect(&bench, WIRE_EVENT_ARMED, PERMIT_BY_MESSAGE);
    assert_int_equal(bench_step(&bench), REASON_NO_INTENT);
    assert_int_equal(bench_send_intent(&bench, AGENT, 6), PERMIT_REFUSED);
    intent = bench_intent(&bench, AGENT, 6);
    intent.intent.mission = 2;
    assert_int_equal(bench_deliver(&bench, AGENT, &intent), PERMIT_TAKEN);
    assert_int_equal(bench_step(&bench), 0);
}

static void another_connection_cannot_take_over(void **state)
{
    struct bench bench;
    union wire_request intent;

    (void)state;
    bench_begin_moving(&bench);
    assert_int_equal(bench_arm(&bench, OTHER, 2, 0), PERMIT_REFUSED);
    bench_expect(&bench, WIRE_EVENT_ARM_REFUSED, PERMIT_OTHER);
    assert_int_equal(bench_step(&bench), 0);
    bench_send(&bench, OTHER, WIRE_DISARM);
    assert_int_equal(bench_arm(&bench, OTHER, 2, 0), PERMIT_TAKEN);
    intent = bench_intent(&bench, AGENT, 6);
    intent.intent.mission = 2;
    assert_int_equal(bench_deliver(&bench, AGENT, &intent), PERMIT_REFUSED);
    intent.header = bench_message(&bench, OTHER, WIRE_INTENT).header;
    assert_int_equal(bench_deliver(&bench, OTHER, &intent), PERMIT_TAKEN);
    assert_int_equal(bench_step(&bench), 0);
}

static void disarm_is_immediate_and_from_anybody(void **state)
{
    (void)state;
    for (int late = 0; late <= 1; late++) {
        struct bench bench;
        union wire_request disarm;

        bench_begin_moving(&bench);
        disarm = bench_message(&bench, OTHER, WIRE_DISARM);
        disarm.header.seq = late ? 1 : disarm.header.seq; /* nobody is too late to stop */
        assert_int_equal(bench_deliver(&bench, OTHER, &disarm), PERMIT_TAKEN);
        bench_step(&bench);
        bench_expect_disarmed(&bench, PERMIT_BY_MESSAGE);
    }
}

static void hello_disarms(void **state)
{
    (void)state;
    for (int connection = AGENT; connection <= OTHER; connection += OTHER - AGENT) {
        struct bench bench;

        bench_begin_moving(&bench);
        bench_send(&bench, connection, WIRE_HELLO);
        bench_step(&bench);
        bench_expect_disarmed(&bench, PERMIT_BY_HELLO);
    }
}

static void the_end_of_the_owners_connection_disarms(void **state)
{
    struct bench bench;

    (void)state;
    bench_begin_moving(&bench);
    permit_close(&bench.permit, OTHER, bench.now_ns);
    assert_int_equal(bench_step(&bench), 0);
    permit_close(&bench.permit, AGENT, bench.now_ns);
    bench_step(&bench);
    bench_expect_disarmed(&bench, PERMIT_BY_CLOSE);
    bench_begin_moving(&bench);
    permit_open(&bench.permit, AGENT, bench.now_ns); /* the number is somebody else's now */
    bench_step(&bench);
    bench_expect_disarmed(&bench, PERMIT_BY_CLOSE);
    assert_int_equal(bench_send_intent(&bench, AGENT, 6), PERMIT_REFUSED);
}

static void an_arm_made_before_a_stop_is_void(void **state)
{
    static const enum wire_type stops[] = {WIRE_DISARM, WIRE_HELLO, WIRE_ESTOP};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct bench bench;
        union wire_request arm;

        bench_begin(&bench);
        arm = bench_message(&bench, AGENT, WIRE_ARM);
        arm.arm.mission = 1;
        bench.now_ns += 1;
        bench_send(&bench, OTHER, stops[i]); /* made later, read earlier */
        bench_forget_events(&bench);
        assert_int_equal(bench_deliver(&bench, AGENT, &arm), PERMIT_REFUSED);
        bench_expect(&bench, WIRE_EVENT_ARM_REFUSED, PERMIT_BEFORE_STOP);
    }
}

static void an_arm_made_before_permission_was_dropped_is_void(void **state)
{
    (void)state;
    for (int silence = 0; silence <= 1; silence++) {
        struct bench bench;
        union wire_request arm;

        bench_begin_moving(&bench);
        bench.now_ns += (silence != 0 ? 3000 : 1) * MS - 1;
        arm = bench_message(&bench, OTHER, WIRE_ARM);
        arm.arm.mission = 2;
        bench.now_ns += 1;
        if (silence != 0) {
            bench_step(&bench);
        } else {
            permit_close(&bench.permit, AGENT, bench.now_ns);
        }
        bench_forget_events(&bench);
        assert_int_equal(bench_deliver(&bench, OTHER, &arm), PERMIT_REFUSED);
        bench_expect(&bench, WIRE_EVENT_ARM_REFUSED, PERMIT_BEFORE_STOP);
    }
}

/* CLOCK_MONOTONIC may be young, and a caller's time may be anything. */
static void any_time_is_judged(void **state)
{
    static const int64_t times_ns[] = {INT64_MIN, -1, 0, 1, INT64_MAX};
    struct bench bench;

    (void)state;
    bench_begin(&bench);
    permit_init(&bench.permit, &bench.permit.options, false);
    bench.now_ns = 1;
    permit_open(&bench.permit, AGENT, 1);
    bench_send(&bench, AGENT, WIRE_HELLO);
    bench_step(&bench);
    assert_int_equal(bench_arm(&bench, AGENT, 1, 0), PERMIT_TAKEN);
    for (size_t i = 0; i < 5; i++) {
        union wire_request look = bench_message(&bench, AGENT, WIRE_LOOK);
        union wire_request arm = bench_message(&bench, AGENT, WIRE_ARM);

        bench.now_ns = times_ns[i];
        bench_deliver(&bench, AGENT, &look);
        bench_deliver(&bench, AGENT, &arm);
        permit_malformed(&bench.permit, AGENT, bench.now_ns);
        bench_step(&bench);
        assert_false(bench_is_moving(&bench));
        bench.now_ns = 1;
    }
}

static void a_stop_with_a_time_in_the_future_counts_from_now(void **state)
{
    struct bench bench;
    union wire_request disarm;

    (void)state;
    bench_begin_moving(&bench);
    disarm = bench_message(&bench, AGENT, WIRE_DISARM);
    disarm.header.time_ns = WIRE_TIME_MAX_NS;
    assert_int_equal(bench_deliver(&bench, AGENT, &disarm), PERMIT_TAKEN);
    bench.now_ns += 1;
    assert_int_equal(bench_arm(&bench, AGENT, 2, 0), PERMIT_TAKEN);
}

static void the_key_stops_by_level_and_latches(void **state)
{
    struct bench bench;

    (void)state;
    bench_begin_moving(&bench);
    bench.senses.key_pressed = true;
    assert_int_equal(bench_step_after(&bench, 10 * MS), REASON_NOT_ARMED | REASON_ESTOP);
    assert_true(bench.output.latched);
    bench_expect_disarmed(&bench, PERMIT_BY_KEY);
    bench_expect(&bench, WIRE_EVENT_ESTOP, PERMIT_BY_KEY);
    bench_step_after(&bench, 10 * MS);
    bench_expect_nothing(&bench);
    assert_int_equal(bench_arm(&bench, AGENT, 2, 0), PERMIT_REFUSED);
    bench_expect(&bench, WIRE_EVENT_ARM_REFUSED, PERMIT_PRESSED);
    assert_int_equal(bench_send(&bench, AGENT, WIRE_RESET), PERMIT_REFUSED);
    bench_expect(&bench, WIRE_EVENT_RESET_REFUSED, PERMIT_PRESSED);
    bench.senses.key_pressed = false;
    assert_int_equal(bench_step_after(&bench, 10 * MS), REASON_NOT_ARMED | REASON_ESTOP);
    assert_int_equal(bench_arm(&bench, AGENT, 2, 0), PERMIT_REFUSED);
    bench_expect(&bench, WIRE_EVENT_ARM_REFUSED, PERMIT_ESTOP);
}

static void an_estop_message_latches_from_anybody(void **state)
{
    struct bench bench;
    union wire_request estop;

    (void)state;
    bench_begin_moving(&bench);
    estop = (union wire_request){.header = wire_header(WIRE_ESTOP, 1, bench.now_ns)};
    permit_open(&bench.permit, 3, bench.now_ns);
    assert_int_equal(bench_deliver(&bench, 3, &estop), PERMIT_TAKEN); /* without a HELLO */
    assert_int_equal(bench_step(&bench), REASON_NOT_ARMED | REASON_ESTOP);
    bench_expect_disarmed(&bench, PERMIT_BY_MESSAGE);
    bench_expect(&bench, WIRE_EVENT_ESTOP, PERMIT_BY_MESSAGE);
    assert_int_equal(bench_deliver(&bench, 3, &estop), PERMIT_TAKEN); /* with the same seq */
    bench_expect_nothing(&bench);
}

static void a_reset_ends_the_latch_and_never_arms(void **state)
{
    struct bench bench;

    (void)state;
    bench_begin_moving(&bench);
    bench_send(&bench, AGENT, WIRE_ESTOP);
    bench_step(&bench);
    bench_forget_events(&bench);
    bench.now_ns += MS;
    assert_int_equal(bench_send(&bench, AGENT, WIRE_RESET), PERMIT_TAKEN);
    bench_expect(&bench, WIRE_EVENT_RESET, PERMIT_BY_MESSAGE);
    assert_int_equal(bench_step(&bench), REASON_NOT_ARMED);
    assert_false(bench.output.latched);
    assert_int_equal(bench_send_intent(&bench, AGENT, 6), PERMIT_REFUSED);
    assert_int_equal(bench_arm(&bench, AGENT, 2, 1), PERMIT_REFUSED); /* made before the reset */
    bench_expect(&bench, WIRE_EVENT_ARM_REFUSED, PERMIT_BEFORE_STOP);
    assert_int_equal(bench_arm(&bench, AGENT, 2, 0), PERMIT_TAKEN);
}

static void a_reset_made_before_the_estop_is_void(void **state)
{
    struct bench bench;
    union wire_request reset;

    (void)state;
    bench_begin_moving(&bench);
    reset = bench_message(&bench, AGENT, WIRE_RESET);
    bench.now_ns += 1;
    bench_send(&bench, OTHER, WIRE_ESTOP);
    bench_forget_events(&bench);
    assert_int_equal(bench_deliver(&bench, AGENT, &reset), PERMIT_REFUSED);
    bench_expect(&bench, WIRE_EVENT_RESET_REFUSED, PERMIT_BEFORE_STOP);
    assert_int_equal(bench_step(&bench), REASON_NOT_ARMED | REASON_ESTOP);
}

static void a_reset_works_during_a_fault_and_before_the_self_test(void **state)
{
    struct bench bench;
    union wire_request reset;

    (void)state;
    bench_begin_latched(&bench, true);
    bench.senses = (struct permit_senses){.faults = REASON_LIDAR_STALE};
    bench_step_after(&bench, 10 * MS);
    bench.now_ns += MS;
    reset = bench_message(&bench, AGENT, WIRE_RESET);
    bench_step_after(&bench, 9 * MS); /* it is read after the senses of the next tick */
    assert_int_equal(bench_deliver(&bench, AGENT, &reset), PERMIT_TAKEN);
    assert_int_equal(bench_step(&bench), REASON_NOT_ARMED | REASON_SELF_TEST);
}

static void a_latch_from_before_the_start_holds(void **state)
{
    struct bench bench;

    (void)state;
    bench_begin_latched(&bench, true);
    assert_true(bench.output.latched);
    assert_int_equal(bench.output.reasons, REASON_NOT_ARMED | REASON_ESTOP);
    assert_int_equal(bench_arm(&bench, AGENT, 1, 0), PERMIT_REFUSED);
    permit_init(&bench.permit, &(struct permit_options){0}, true);
    bench_expect(&bench, WIRE_EVENT_ESTOP, PERMIT_BY_START);
}

static void events_that_nobody_takes_are_counted(void **state)
{
    struct bench bench;
    struct permit_event event;

    (void)state;
    bench_begin(&bench);
    for (uint64_t i = 0; i < PERMIT_EVENTS + 3; i++) {
        bench_arm(&bench, AGENT, 100 + i, 400 * MS);
    }
    assert_int_equal(bench.permit.events_lost, 3);
    for (uint64_t i = 0; i < PERMIT_EVENTS; i++) {
        assert_true(permit_event_take(&bench.permit, &event));
        assert_int_equal(event.mission, 100 + i);
    }
    bench_expect_nothing(&bench);
}

static void every_cause_has_a_text(void **state)
{
    (void)state;
    for (int cause = PERMIT_BY_MESSAGE; cause <= PERMIT_MALFORMED; cause++) {
        assert_non_null(permit_cause_text((enum permit_cause)cause));
        assert_string_not_equal(permit_cause_text((enum permit_cause)cause), "unknown");
    }
    assert_string_equal(permit_cause_text((enum permit_cause)999), "unknown");
}

#define T(name) cmocka_unit_test(name)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(nothing_moves_before_an_arm),
        T(a_zeroed_permit_permits_nothing),
        T(a_hello_comes_first),
        T(connections_that_are_not_open_say_nothing),
        T(an_arm_of_up_to_300_ms_is_taken),
        T(an_arm_from_the_future_is_refused),
        T(an_arm_500_ms_after_a_fault_is_taken),
        T(a_fault_disarms_and_its_end_does_not_arm),
        T(a_fault_that_flaps_keeps_permission_away),
        T(a_self_test_must_hold),
        T(a_mission_is_armed_once),
        T(refused_missions_are_not_used),
        T(used_missions_are_refused_for_ever),
        T(the_owner_may_arm_its_next_mission),
        T(another_connection_cannot_take_over),
        T(disarm_is_immediate_and_from_anybody),
        T(hello_disarms),
        T(the_end_of_the_owners_connection_disarms),
        T(an_arm_made_before_a_stop_is_void),
        T(an_arm_made_before_permission_was_dropped_is_void),
        T(any_time_is_judged),
        T(a_stop_with_a_time_in_the_future_counts_from_now),
        T(the_key_stops_by_level_and_latches),
        T(an_estop_message_latches_from_anybody),
        T(a_reset_ends_the_latch_and_never_arms),
        T(a_reset_made_before_the_estop_is_void),
        T(a_reset_works_during_a_fault_and_before_the_self_test),
        T(a_latch_from_before_the_start_holds),
        T(events_that_nobody_takes_are_counted),
        T(every_cause_has_a_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
