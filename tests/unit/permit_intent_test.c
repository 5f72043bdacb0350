/* Intents in virtual time: which one is in force, until when, how far. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/permit_bench.h"

#define MM INT64_C(1000000000) /* in picometres */

static void an_armed_agent_gets_the_twist_that_it_asks_for(void **state)
{
    struct bench bench;
    union wire_request intent;

    (void)state;
    bench_begin_armed(&bench);
    assert_int_equal(bench.output.mission, 1);
    intent = bench_intent(&bench, AGENT, 8);
    intent.intent.twist = (struct twist){-1, 2, -3};
    assert_int_equal(bench_deliver(&bench, AGENT, &intent), PERMIT_TAKEN);
    assert_int_equal(bench_step(&bench), 0);
    assert_memory_equal(&bench.output.asked, &intent.intent.twist, sizeof(struct twist));
    assert_int_equal(bench.output.frame_seq, 8);
}

static void an_intent_holds_for_less_than_300_ms(void **state)
{
    static const struct {
        int64_t ns;
        uint32_t reasons;
    } cases[] = {
        {299 * MS, 0},
        {300 * MS - 1, 0},
        {300 * MS, REASON_NO_INTENT},
        {301 * MS, REASON_NO_INTENT},
    };

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct bench bench;

        bench_begin_moving(&bench);
        assert_int_equal(bench_step_after(&bench, cases[i].ns), cases[i].reasons);
        assert_int_equal(bench_is_moving(&bench), cases[i].reasons == 0);
        assert_int_equal(bench.output.mission, 1);
    }
}

static void expiry_keeps_permission(void **state)
{
    struct bench bench;

    (void)state;
    bench_begin_moving(&bench);
    assert_int_equal(bench_step_after(&bench, 2000 * MS), REASON_NO_INTENT);
    assert_int_equal(bench_send_intent(&bench, AGENT, 6), PERMIT_TAKEN);
    assert_int_equal(bench_step(&bench), 0);
    bench_expect_nothing(&bench);
}

static void silence_for_3_s_disarms(void **state)
{
    static const int64_t cases_ns[] = {2999 * MS, 3000 * MS - 1, 3000 * MS, 3001 * MS};

    (void)state;
    for (size_t i = 0; i < 8; i++) {
        struct bench bench;

        if (i < 4) {
            bench_begin_moving(&bench);
        } else {
            bench_begin_armed(&bench);
        }
        bench_step_after(&bench, cases_ns[i % 4]);
        if (i % 4 < 2) {
            assert_int_equal(bench.output.reasons, REASON_NO_INTENT);
        } else {
            bench_expect_disarmed(&bench, PERMIT_BY_SILENCE);
        }
        bench_expect_nothing(&bench);
    }
}

static void refused_intents_are_silence(void **state)
{
    struct bench bench;

    (void)state;
    bench_begin_moving(&bench);
    for (int i = 0; i < 29; i++) {
        union wire_request intent;

        bench.now_ns += 100 * MS;
        intent = bench_intent(&bench, AGENT, 6);
        intent.intent.mission = 2;
        bench_deliver(&bench, AGENT, &intent);
        assert_int_equal(bench_step(&bench), REASON_NO_INTENT | REASON_INTENT_BAD);
        assert_int_equal(bench.output.mission, 1);
    }
    bench_step_after(&bench, 100 * MS);
    bench_expect_disarmed(&bench, PERMIT_BY_SILENCE);
}

/* An intent from a frame of this age, under this option. */
static void judge_frame(int64_t limit_ms, int64_t age_ns, bool good)
{
    struct bench bench;
    union wire_request intent;

    bench_begin(&bench);
    permit_init(&bench.permit, &(struct permit_options){limit_ms, LIMITS_TRAVEL_MM}, false);
    permit_open(&bench.permit, AGENT, bench.now_ns);
    bench_send(&bench, AGENT, WIRE_HELLO);
    bench_step_after(&bench, 10 * MS);
    assert_int_equal(bench_arm(&bench, AGENT, 1, 0), PERMIT_TAKEN);
    intent = bench_intent(&bench, AGENT, 5);
    bench.now_ns += age_ns;
    intent.header.time_ns = bench.now_ns;
    assert_int_equal(bench_deliver(&bench, AGENT, &intent), good ? PERMIT_TAKEN : PERMIT_REFUSED);
    assert_int_equal(bench_step(&bench), good ? 0 : REASON_NO_INTENT | REASON_INTENT_OLD);
}

static void a_frame_is_young_for_less_than_its_limit(void **state)
{
    (void)state;
    judge_frame(1000, 999 * MS, true);
    judge_frame(1000, 1000 * MS - 1, true);
    judge_frame(1000, 1000 * MS, false);
    judge_frame(1000, 1001 * MS, false);
    judge_frame(400, 399 * MS, true);
    judge_frame(400, 400 * MS, false);
    judge_frame(1500, 1499 * MS, true);
    judge_frame(1500, 1500 * MS, false);
    judge_frame(9999, 1499 * MS, true); /* the ceiling */
    judge_frame(9999, 1500 * MS, false);
    judge_frame(-1, 0, false);
}

static void a_frame_may_become_too_old_while_its_intent_holds(void **state)
{
    static const int64_t after_ns[] = {99 * MS, 100 * MS - 1, 100 * MS, 101 * MS};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct bench bench;
        union wire_request intent;

        bench_begin_armed(&bench);
        intent = bench_intent(&bench, AGENT, 5);
        bench.now_ns += 900 * MS;
        bench_renew(&bench, &intent);
        assert_int_equal(bench_step(&bench), 0);
        assert_int_equal(bench_step_after(&bench, after_ns[i]), i < 2 ? 0 : REASON_INTENT_OLD);
        assert_int_equal(bench_is_moving(&bench), i < 2);
    }
}

static void frames_from_before_the_arm_are_refused(void **state)
{
    (void)state;
    for (int64_t off_ns = -1; off_ns <= 1; off_ns++) {
        struct bench bench;
        union wire_request intent;
        int64_t armed_ns;

        bench_begin_armed(&bench);
        armed_ns = bench.now_ns;
        bench.now_ns += 10 * MS;
        intent = bench_intent(&bench, AGENT, 5);
        intent.intent.capture_ns = armed_ns + off_ns;
        assert_int_equal(bench_deliver(&bench, AGENT, &intent),
                         off_ns < 0 ? PERMIT_REFUSED : PERMIT_TAKEN);
        assert_int_equal(bench_step(&bench), off_ns < 0 ? REASON_NO_INTENT | REASON_INTENT_OLD : 0);
    }
}

static void times_in_the_future_are_refused(void **state)
{
    struct bench bench;
    union wire_request intent;

    (void)state;
    bench_begin_moving(&bench);
    intent = bench_intent(&bench, AGENT, 6);
    intent.intent.capture_ns = bench.now_ns + 1;
    assert_int_equal(bench_deliver(&bench, AGENT, &intent), PERMIT_REFUSED);
    assert_int_equal(bench_step(&bench), REASON_NO_INTENT | REASON_INTENT_BAD);
    bench_begin_moving(&bench);
    bench.now_ns += MS;
    intent = bench_intent(&bench, AGENT, 6);
    intent.header.time_ns = bench.now_ns + 1;
    assert_int_equal(bench_deliver(&bench, AGENT, &intent), PERMIT_REFUSED);
    assert_int_equal(bench_step(&bench), REASON_NO_INTENT | REASON_INTENT_BAD);
}

static void an_intent_that_waited_in_a_queue_is_over(void **state)
{
    (void)state;
    for (int64_t age_ms = 299; age_ms <= 301; age_ms++) {
        struct bench bench;
        union wire_request intent;

        bench_begin_armed(&bench);
        intent = bench_intent(&bench, AGENT, 5);
        bench.now_ns += age_ms * MS;
        assert_int_equal(bench_deliver(&bench, AGENT, &intent),
                         age_ms < 300 ? PERMIT_TAKEN : PERMIT_REFUSED);
        assert_int_equal(bench_step(&bench),
                         age_ms < 300 ? 0 : REASON_NO_INTENT | REASON_INTENT_OLD);
    }
}

static void intents_of_another_mission_end_the_motion(void **state)
{
    struct bench bench;
    union wire_request intent;

    (void)state;
    bench_begin_moving(&bench);
    intent = bench_intent(&bench, AGENT, 6);
    intent.intent.mission = 2;
    assert_int_equal(bench_deliver(&bench, AGENT, &intent), PERMIT_REFUSED);
    assert_int_equal(bench_step(&bench), REASON_NO_INTENT | REASON_INTENT_BAD);
    assert_int_equal(bench.output.mission, 1);
    bench.now_ns += MS;
    assert_int_equal(bench_send_intent(&bench, AGENT, 7), PERMIT_TAKEN);
    assert_int_equal(bench_step(&bench), 0);
    assert_int_equal(bench_step_after(&bench, 300 * MS), REASON_NO_INTENT); /* forgotten */
}

static void intents_of_another_connection_change_nothing(void **state)
{
    struct bench bench;

    (void)state;
    bench_begin_moving(&bench);
    assert_int_equal(bench_send_intent(&bench, OTHER, 6), PERMIT_REFUSED);
    permit_malformed(&bench.permit, OTHER, bench.now_ns);
    assert_int_equal(bench_step(&bench), 0);
    assert_int_equal(bench.output.frame_seq, 5);
}

static void a_malformed_message_of_the_owner_ends_the_motion(void **state)
{
    struct bench bench;

    (void)state;
    bench_begin_moving(&bench);
    permit_malformed(&bench.permit, AGENT, bench.now_ns);
    assert_int_equal(bench_step(&bench), REASON_NO_INTENT | REASON_INTENT_BAD);
    assert_int_equal(bench.output.mission, 1);
    assert_int_equal(bench_expect(&bench, WIRE_EVENT_MALFORMED, PERMIT_MALFORMED).malformed, 1);
}

static void malformed_messages_are_reported_once_a_second(void **state)
{
    struct bench bench;

    (void)state;
    bench_begin(&bench);
    for (int i = 0; i < 5; i++) {
        permit_malformed(&bench.permit, AGENT, bench.now_ns);
    }
    assert_int_equal(bench_expect(&bench, WIRE_EVENT_MALFORMED, PERMIT_MALFORMED).malformed, 1);
    bench_expect_nothing(&bench);
    bench.now_ns += 999 * MS;
    permit_malformed(&bench.permit, AGENT, bench.now_ns);
    bench_expect_nothing(&bench);
    bench.now_ns += MS;
    permit_malformed(&bench.permit, AGENT, bench.now_ns);
    assert_int_equal(bench_expect(&bench, WIRE_EVENT_MALFORMED, PERMIT_MALFORMED).malformed, 6);
    permit_malformed(&bench.permit, -1, bench.now_ns);
    assert_int_equal(bench.permit.malformed, 8);
    bench_expect_nothing(&bench);
}

static void seq_must_increase(void **state)
{
    struct bench bench;
    union wire_request intent;

    (void)state;
    bench_begin_moving(&bench);
    bench.now_ns += MS;
    intent = bench_intent(&bench, AGENT, 6);
    intent.header.seq = --bench.seq[AGENT];
    assert_int_equal(bench_deliver(&bench, AGENT, &intent), PERMIT_REFUSED);
    assert_int_equal(bench_step(&bench), REASON_NO_INTENT | REASON_INTENT_BAD);
    bench.seq[AGENT] += 1000; /* gaps are messages that were lost */
    assert_int_equal(bench_send_intent(&bench, AGENT, 7), PERMIT_TAKEN);
    assert_int_equal(bench_step(&bench), 0);
}

/* Drives as asked, a renewal each tick, until the travel is used up; the distance. */
static int64_t drive_out(struct bench *bench, const union wire_request *intent)
{
    int64_t travel_pm = 0;

    while (bench->output.reasons == 0) {
        assert_true(travel_pm < 400 * MM);
        bench->senses.given = bench->output.asked;
        travel_pm += (int64_t)bench->output.asked.vx_mm_s * 10 * MS;
        bench_renew(bench, intent);
        bench_step_after(bench, 10 * MS);
    }
    assert_int_equal(bench->output.reasons, REASON_TRAVEL);
    return travel_pm;
}

static void one_decision_travels_at_most_300_mm(void **state)
{
    static const int32_t speeds[] = {399, 400, 1000, 310};

    (void)state;
    for (size_t i = 0; i < sizeof(speeds) / sizeof(speeds[0]); i++) {
        struct bench bench;
        union wire_request intent;
        int64_t travel_pm;

        bench_begin_armed(&bench);
        intent = bench_intent(&bench, AGENT, 5);
        intent.intent.twist.vx_mm_s = speeds[i];
        bench_renew(&bench, &intent);
        bench_step(&bench);
        travel_pm = drive_out(&bench, &intent);
        assert_true(travel_pm <= 300 * MM);
        assert_true(travel_pm > 300 * MM - speeds[i] * 10 * MS);
    }
}

static void a_new_frame_may_travel_again_and_a_renewal_may_not(void **state)
{
    struct bench bench;
    union wire_request intent;

    (void)state;
    bench_begin_armed(&bench);
    intent = bench_intent(&bench, AGENT, 5);
    intent.intent.twist.vx_mm_s = 400;
    bench_renew(&bench, &intent);
    bench_step(&bench);
    drive_out(&bench, &intent);
    bench.senses.given = (struct twist){0};
    bench_renew(&bench, &intent);
    assert_int_equal(bench_step(&bench), REASON_TRAVEL);
    intent.intent.twist.vx_mm_s = -400; /* nor the way back */
    bench_renew(&bench, &intent);
    assert_int_equal(bench_step(&bench), REASON_TRAVEL);
    intent.intent.twist = (struct twist){.wz_mrad_s = 500}; /* turning is no travel */
    bench_renew(&bench, &intent);
    assert_int_equal(bench_step(&bench), 0);
    assert_int_equal(bench_send_intent(&bench, AGENT, 6), PERMIT_TAKEN);
    assert_int_equal(bench_step(&bench), 0);
}

static void configuration_tightens_travel_and_cannot_loosen_it(void **state)
{
    static const struct {
        int64_t option_mm, limit_mm;
    } cases[] = {{100, 100}, {300, 300}, {301, 300}, {INT64_MAX, 300}, {-5, 0}, {INT64_MIN, 0}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bench bench;
        union wire_request intent;

        bench_begin_armed(&bench);
        bench.permit.options.travel_mm = 0;
        intent = bench_intent(&bench, AGENT, 5);
        bench_renew(&bench, &intent);
        assert_int_equal(bench_step(&bench), REASON_TRAVEL);
        permit_init(&bench.permit, &(struct permit_options){1000, cases[i].option_mm}, false);
        assert_int_equal(bench.permit.options.travel_mm, cases[i].limit_mm);
    }
}

static void travel_counts_any_direction_and_never_too_little(void **state)
{
    static const struct twist twists[] = {
        {300, 0, 0}, {-300, 0, 0}, {0, 300, 0}, {0, -300, 0}, {200, 200, 900}, {-211, 151, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(twists) / sizeof(twists[0]); i++) {
        struct bench bench;
        int64_t x = twists[i].vx_mm_s, y = twists[i].vy_mm_s, counted;

        bench_begin_moving(&bench);
        bench.senses.given = twists[i];
        bench_step_after(&bench, 100 * MS);
        counted = bench.permit.decision.travel_pm / (100 * MS);
        assert_true(counted * counted >= x * x + y * y);
        assert_true(counted * counted * 100 <= (x * x + y * y) * 127);
    }
}

static void a_tick_that_was_lost_uses_up_the_travel(void **state)
{
    struct bench bench;

    (void)state;
    bench_begin_moving(&bench);
    bench.senses.given = (struct twist){INT32_MIN, INT32_MIN, INT32_MIN};
    bench_step_after(&bench, 200 * MS);
    assert_int_equal(bench.output.reasons, REASON_TRAVEL);
    for (int64_t off_ns = -1; off_ns <= 1; off_ns++) {
        bench_begin_moving(&bench);
        bench.senses.given = (struct twist){.vx_mm_s = 1};
        bench_step_after(&bench, 1000 * MS + off_ns);
        assert_int_equal(bench.permit.decision.travel_pm,
                         off_ns > 0 ? 300 * MM : 1000 * MS + off_ns);
    }
    bench_begin_moving(&bench);
    bench.senses.given = (struct twist){.vx_mm_s = 1};
    permit_sense(&bench.permit, &bench.senses, bench.now_ns);
    assert_int_equal(bench.permit.decision.travel_pm, 0);
    permit_sense(&bench.permit, &bench.senses, bench.now_ns - 1);
    assert_int_equal(bench.permit.decision.travel_pm, 300 * MM);
}

static void an_earlier_or_changed_frame_is_refused(void **state)
{
    struct bench bench;
    union wire_request first, second, changed;

    (void)state;
    bench_begin_armed(&bench);
    first = bench_intent(&bench, AGENT, 5);
    bench_renew(&bench, &first);
    bench.now_ns += 10 * MS;
    second = bench_intent(&bench, AGENT, 6);
    bench_renew(&bench, &second);
    first.header = bench_message(&bench, AGENT, WIRE_INTENT).header;
    assert_int_equal(bench_deliver(&bench, AGENT, &first), PERMIT_REFUSED);
    assert_int_equal(bench_step(&bench), REASON_NO_INTENT | REASON_INTENT_OLD);
    bench_renew(&bench, &second);
    assert_int_equal(bench_send_intent(&bench, AGENT, 7), PERMIT_REFUSED); /* not captured later */
    bench.now_ns += 10 * MS;
    changed = bench_intent(&bench, AGENT, 6);
    assert_int_equal(bench_deliver(&bench, AGENT, &changed), PERMIT_REFUSED);
    assert_int_equal(bench_step(&bench), REASON_NO_INTENT | REASON_INTENT_BAD);
    changed.intent.source = WIRE_SOURCE_DRIVE; /* another source counts for itself */
    bench_renew(&bench, &changed);
    assert_int_equal(bench_step(&bench), 0);
}

static void a_clock_that_goes_back_stops(void **state)
{
    struct bench bench;

    (void)state;
    bench_begin_moving(&bench);
    assert_int_equal(bench_step_after(&bench, -1), REASON_NOT_ARMED);
    bench_expect_disarmed(&bench, PERMIT_BY_SILENCE);
    bench.now_ns = INT64_MIN;
    assert_int_equal(bench_step(&bench), REASON_NOT_ARMED);
    bench.now_ns = INT64_MAX;
    assert_int_equal(bench_step(&bench), REASON_NOT_ARMED);
}

#define T(name) cmocka_unit_test(name)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(an_armed_agent_gets_the_twist_that_it_asks_for),
        T(an_intent_holds_for_less_than_300_ms),
        T(expiry_keeps_permission),
        T(silence_for_3_s_disarms),
        T(refused_intents_are_silence),
        T(a_frame_is_young_for_less_than_its_limit),
        T(a_frame_may_become_too_old_while_its_intent_holds),
        T(frames_from_before_the_arm_are_refused),
        T(times_in_the_future_are_refused),
        T(an_intent_that_waited_in_a_queue_is_over),
        T(intents_of_another_mission_end_the_motion),
        T(intents_of_another_connection_change_nothing),
        T(a_malformed_message_of_the_owner_ends_the_motion),
        T(malformed_messages_are_reported_once_a_second),
        T(seq_must_increase),
        T(one_decision_travels_at_most_300_mm),
        T(a_new_frame_may_travel_again_and_a_renewal_may_not),
        T(configuration_tightens_travel_and_cannot_loosen_it),
        T(travel_counts_any_direction_and_never_too_little),
        T(a_tick_that_was_lost_uses_up_the_travel),
        T(an_earlier_or_changed_frame_is_refused),
        T(a_clock_that_goes_back_stops),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
