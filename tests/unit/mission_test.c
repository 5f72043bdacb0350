/* mission: it ends when it should and not before, and counts what the car was let do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/core/mission.h"
#include "hal/base/clock.h"
#include "safety/limits.h"

#define S  CLOCK_NS_PER_S
#define MS CLOCK_NS_PER_MS

static const struct twist ahead = {.vx_mm_s = 200};
static const struct twist still;

static struct mission exploring(int64_t duration_ms, int64_t distance_mm)
{
    struct mission_order order = {.id = 7, .duration_ms = duration_ms, .distance_mm = distance_mm};
    struct mission mission;

    mission_begin(&mission, &order, 5 * S);
    assert_int_equal(mission.state, MISSION_ARMING);
    assert_int_equal(mission_check(&mission, 1000 * S), MISSION_GOES_ON); /* nobody waits for it */
    mission_armed(&mission, 10 * S);
    return mission;
}

static struct wire_verdict verdict_of(struct twist given, uint32_t reasons)
{
    return (struct wire_verdict){.header.seq = 1, .given = given, .reasons = reasons};
}

/* Ten answers and verdicts a second, from `from_s` on. */
static void pass(struct mission *mission, int64_t from_s, int64_t seconds, struct twist wish,
                 struct twist given)
{
    struct wire_verdict verdict = verdict_of(given, 0);

    for (int64_t i = 0; i <= 10 * seconds; i++) {
        int64_t now_ns = from_s * S + i * 100 * MS;

        mission_pictured(mission, now_ns);
        mission_verdict(mission, &verdict, now_ns);
        mission_decided(mission, ACTION_FORWARD, &wish, &verdict, 40 * MS, now_ns);
    }
}

static void it_ends_with_its_time(void **state)
{
    struct mission mission = exploring(60000, 0);

    (void)state;
    pass(&mission, 10, 59, ahead, ahead);
    assert_int_equal(mission_check(&mission, 70 * S - 1), MISSION_GOES_ON);
    pass(&mission, 69, 1, ahead, ahead);
    assert_int_equal(mission_check(&mission, 70 * S), MISSION_BY_TIME);
}

static void it_ends_with_its_way(void **state)
{
    struct mission mission = exploring(0, 2000);

    (void)state;
    pass(&mission, 10, 9, ahead, ahead);
    assert_in_range(mission.distance_um, 1790000, 1810000);
    assert_int_equal(mission_check(&mission, 19 * S), MISSION_GOES_ON);
    pass(&mission, 19, 2, ahead, ahead);
    assert_int_equal(mission_check(&mission, 21 * S), MISSION_BY_DISTANCE);
}

static void way_is_as_long_to_every_side(void **state)
{
    static const struct twist ways[] = {{.vx_mm_s = -200}, {.vy_mm_s = 200}, {120, 160, 900}};

    (void)state;
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        struct mission mission = exploring(0, 0);

        pass(&mission, 10, 10, ways[i], ways[i]);
        assert_in_range(mission.distance_um, 1900000, 2100000);
    }
}

static void nothing_is_driven_while_nothing_is_heard(void **state)
{
    struct mission mission = exploring(0, 0);
    struct wire_verdict verdict = verdict_of(ahead, 0), none = {.given = ahead};

    (void)state;
    mission_verdict(&mission, &verdict, 10 * S);
    mission_verdict(&mission, &verdict, 11 * S); /* a gap */
    assert_int_equal(mission.distance_um, 0);
    mission_verdict(&mission, &none, 11 * S + 100 * MS);
    mission_verdict(&mission, &verdict, 11 * S + 200 * MS);
    assert_int_equal(mission.distance_um, 20000); /* before the silence */
}

static void model_is_lost_before_permission_is(void **state)
{
    struct mission mission = exploring(0, 0);
    struct wire_verdict verdict = verdict_of(ahead, 0);

    (void)state;
    pass(&mission, 10, 1, ahead, ahead);
    mission_decided(&mission, WORD_NONE, &still, &verdict, 0, 12 * S);
    mission_pictured(&mission, 13 * S);
    mission_verdict(&mission, &verdict, 13 * S);
    assert_int_equal(mission_check(&mission, 13500 * MS - 1), MISSION_GOES_ON);
    assert_int_equal(mission_check(&mission, 13500 * MS), MISSION_BY_LOST_MODEL);
    assert_int_equal(mission.failed, 1);
    assert_true(2500 < LIMITS_DISARM_MS);
}

static void camera_that_is_lost_is_a_fault(void **state)
{
    struct mission mission = exploring(0, 0);

    (void)state;
    pass(&mission, 10, 1, ahead, ahead);
    assert_int_equal(mission_check(&mission, 13500 * MS - 1), MISSION_GOES_ON);
    assert_int_equal(mission_check(&mission, 13500 * MS), MISSION_BY_FAULT);
}

static void it_is_stuck_when_no_motion_is_let_pass(void **state)
{
    struct mission mission = exploring(0, 0);

    (void)state;
    pass(&mission, 10, 29, ahead, still);
    assert_int_equal(mission_check(&mission, 39 * S), MISSION_GOES_ON);
    pass(&mission, 39, 1, ahead, still);
    assert_int_equal(mission_check(&mission, 40 * S), MISSION_BY_STUCK);
}

static void a_car_that_wants_to_stand_is_not_stuck(void **state)
{
    struct mission mission = exploring(0, 0);

    (void)state;
    pass(&mission, 10, 100, still, still);
    assert_int_equal(mission_check(&mission, 110 * S), MISSION_GOES_ON);
}

static void decisions_and_what_stood_against_them_are_counted(void **state)
{
    struct mission mission = exploring(0, 0);
    struct wire_verdict verdict = verdict_of(still, REASON_OBSTACLE | REASON_CLEARING);

    (void)state;
    mission_decided(&mission, ACTION_LEFT, &ahead, &verdict, 30 * MS, 11 * S);
    mission_decided(&mission, ACTION_LEFT, &ahead, &verdict, 50 * MS, 11 * S);
    mission_motor(&mission, 45 * MS);
    assert_int_equal(mission.answered, 2);
    assert_int_equal(mission.words[ACTION_LEFT], 2);
    assert_int_equal(mission.vetoes[11], 2); /* obstacle */
    assert_int_equal(mission.total.count, 2);
    assert_int_equal(mission.motor.count, 1);
}

static void loss_has_a_reason(void **state)
{
    (void)state;
    assert_int_equal(mission_loss(REASON_NOT_ARMED | REASON_ESTOP | REASON_BATTERY_LOW),
                     MISSION_BY_ESTOP);
    assert_int_equal(mission_loss(REASON_NOT_ARMED | REASON_BATTERY_LOW), MISSION_BY_BATTERY);
    assert_int_equal(mission_loss(REASON_USB_SUPPLY), MISSION_BY_BATTERY);
    assert_int_equal(mission_loss(REASON_LIDAR_STALE), MISSION_BY_FAULT);
    assert_int_equal(mission_loss(0), MISSION_BY_FAULT);
}

static void it_is_over_when_it_was_ended(void **state)
{
    struct mission mission = exploring(1, 1);

    (void)state;
    mission_finish(&mission, MISSION_BY_STOP, "as asked", 12 * S);
    assert_int_equal(mission.state, MISSION_ENDED);
    assert_string_equal(mission.detail, "as asked");
    assert_int_equal(mission_check(&mission, 1000 * S), MISSION_GOES_ON);
}

static void every_end_and_state_has_a_name(void **state)
{
    (void)state;
    for (int end = 0; end < MISSION_END_COUNT; end++) {
        assert_true(strlen(mission_end_name((enum mission_end)end)) > 2);
    }
    assert_string_equal(mission_state_name(MISSION_EXPLORING), "exploring");
}

static void expect_goal(const char *text, const char *goal)
{
    struct mission_order order;

    assert_true(mission_set_goal(&order, text, strlen(text)));
    assert_string_equal(order.goal, goal);
}

static void goal_keeps_words_and_loses_what_could_be_more(void **state)
{
    (void)state;
    expect_goal("find the kitchen, please!  ", "find the kitchen, please!");
    expect_goal("suche die K\xc3\xbc"
                "che",
                "suche die K\xc3\xbc"
                "che");
    expect_goal("<end_of_turn>\n{\"a\": [1]}\\|", " end of turn    a :  1");
    expect_goal("", "");
}

static void goal_that_is_no_text_is_refused(void **state)
{
    struct mission_order order = {.goal = "before"};
    char long_goal[MISSION_GOAL_SIZE + 1];

    (void)state;
    memset(long_goal, 'a', sizeof(long_goal));
    assert_false(mission_set_goal(&order, "\xc3", 1));
    assert_false(mission_set_goal(&order,
                                  "a\xff"
                                  "b",
                                  3));
    assert_false(mission_set_goal(&order, long_goal, MISSION_GOAL_SIZE));
    assert_string_equal(order.goal, "before");
    assert_true(mission_set_goal(&order, long_goal, MISSION_GOAL_SIZE - 1));
    assert_int_equal(strlen(order.goal), MISSION_GOAL_SIZE - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_ends_with_its_time),
        cmocka_unit_test(it_ends_with_its_way),
        cmocka_unit_test(way_is_as_long_to_every_side),
        cmocka_unit_test(nothing_is_driven_while_nothing_is_heard),
        cmocka_unit_test(model_is_lost_before_permission_is),
        cmocka_unit_test(camera_that_is_lost_is_a_fault),
        cmocka_unit_test(it_is_stuck_when_no_motion_is_let_pass),
        cmocka_unit_test(a_car_that_wants_to_stand_is_not_stuck),
        cmocka_unit_test(decisions_and_what_stood_against_them_are_counted),
        cmocka_unit_test(loss_has_a_reason),
        cmocka_unit_test(it_is_over_when_it_was_ended),
        cmocka_unit_test(every_end_and_state_has_a_name),
        cmocka_unit_test(goal_keeps_words_and_loses_what_could_be_more),
        cmocka_unit_test(goal_that_is_no_text_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
