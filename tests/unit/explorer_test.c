/* explorer: each answer becomes its motion, scaled by confidence; nothing moves when it must not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/core/answers.h"
#include "agent/core/explorer.h"

static const struct explorer_options options = {
    .forward_mm_s = 300,
    .backward_mm_s = 150,
    .turn_mrad_s = 1200,
    .hold_percent = 35,
    .full_percent = 80,
    .flip_votes = 3,
    .degenerate_answers = 50,
};

static const struct wire_verdict open_road = {.mission = 1};

static struct decision answer(enum question question, int word, int permille)
{
    return (struct decision){.question = question, .word = word, .confidence_permille = permille};
}

static struct intent fresh_step(enum question question, int word, int permille)
{
    struct explorer explorer;
    struct decision decision = answer(question, word, permille);

    explorer_init(&explorer, &options);
    return explorer_step(&explorer, &decision, &open_road, 0);
}

static void expect(struct intent intent, int vx, int wz, enum explorer_reason reason)
{
    assert_int_equal(intent.twist.vx_mm_s, vx);
    assert_int_equal(intent.twist.vy_mm_s, 0);
    assert_int_equal(intent.twist.wz_mrad_s, wz);
    assert_int_equal(intent.reason, reason);
}

static void actions_become_their_motions(void **state)
{
    (void)state;
    expect(fresh_step(QUESTION_ACTION, ACTION_FORWARD, 1000), 300, 0, EXPLORER_DRIVES);
    expect(fresh_step(QUESTION_ACTION, ACTION_BACKWARD, 1000), -150, 0, EXPLORER_DRIVES);
    expect(fresh_step(QUESTION_ACTION, ACTION_LEFT, 1000), 0, 1200, EXPLORER_DRIVES);
    expect(fresh_step(QUESTION_ACTION, ACTION_RIGHT, 1000), 0, -1200, EXPLORER_DRIVES);
    expect(fresh_step(QUESTION_ACTION, ACTION_STOP, 1000), 0, 0, EXPLORER_STOPS);
}

static void percepts_are_steered(void **state)
{
    (void)state;
    expect(fresh_step(QUESTION_PERCEPT, PERCEPT_CENTER, 1000), 300, 0, EXPLORER_DRIVES);
    expect(fresh_step(QUESTION_PERCEPT, PERCEPT_LEFT, 1000), 150, 600, EXPLORER_DRIVES);
    expect(fresh_step(QUESTION_PERCEPT, PERCEPT_RIGHT, 1000), 150, -600, EXPLORER_DRIVES);
    expect(fresh_step(QUESTION_PERCEPT, PERCEPT_NONE, 1000), 0, 1200, EXPLORER_DRIVES);
}

static void search_goes_on_to_the_side_of_the_last_turn(void **state)
{
    struct explorer explorer;
    struct decision right = answer(QUESTION_PERCEPT, PERCEPT_RIGHT, 1000);
    struct decision none = answer(QUESTION_PERCEPT, PERCEPT_NONE, 1000);

    (void)state;
    explorer_init(&explorer, &options);
    (void)explorer_step(&explorer, &right, &open_road, 0);
    expect(explorer_step(&explorer, &none, &open_road, 0), 0, -1200, EXPLORER_DRIVES);
}

/* The parser gives none; a caller that mixes up the questions might. */
static void word_of_no_vocabulary_stands_still(void **state)
{
    (void)state;
    expect(fresh_step(QUESTION_ACTION, word_count(QUESTION_ACTION), 1000), 0, 0, EXPLORER_STOPS);
    expect(fresh_step(QUESTION_PERCEPT, word_count(QUESTION_PERCEPT), 1000), 0, 0, EXPLORER_STOPS);
}

static void every_reason_has_its_own_name(void **state)
{
    (void)state;
    assert_string_equal(explorer_reason_name(EXPLORER_BLOCKED), "blocked");
    assert_string_equal(explorer_reason_name(EXPLORER_DRIVES), "drives");
    assert_string_equal(explorer_reason_name(EXPLORER_STOPS), "stops");
    assert_string_equal(explorer_reason_name(EXPLORER_HOLDS), "holds");
    assert_string_equal(explorer_reason_name(EXPLORER_WAITS), "waits");
    assert_string_equal(explorer_reason_name(EXPLORER_ESCAPES), "escapes");
    assert_string_equal(explorer_reason_name((enum explorer_reason)(EXPLORER_ESCAPES + 1)), "");
}

static void confidence_scales_between_hold_and_full(void **state)
{
    (void)state;
    expect(fresh_step(QUESTION_ACTION, ACTION_FORWARD, 349), 0, 0, EXPLORER_HOLDS);
    expect(fresh_step(QUESTION_ACTION, ACTION_FORWARD, 350), 150, 0, EXPLORER_DRIVES);
    expect(fresh_step(QUESTION_ACTION, ACTION_FORWARD, 575), 225, 0, EXPLORER_DRIVES);
    expect(fresh_step(QUESTION_ACTION, ACTION_FORWARD, 799), 299, 0, EXPLORER_DRIVES);
    expect(fresh_step(QUESTION_ACTION, ACTION_FORWARD, 800), 300, 0, EXPLORER_DRIVES);
    expect(fresh_step(QUESTION_ACTION, ACTION_FORWARD, WORD_CONFIDENCE_UNKNOWN), 150, 0,
           EXPLORER_DRIVES);
}

static void thresholds_that_meet_or_cross_make_a_switch(void **state)
{
    struct explorer_options crossed = options;
    struct explorer explorer;
    struct decision below = answer(QUESTION_ACTION, ACTION_FORWARD, 699);
    struct decision above = answer(QUESTION_ACTION, ACTION_FORWARD, 700);

    (void)state;
    crossed.hold_percent = 70;
    crossed.full_percent = 20;
    explorer_init(&explorer, &crossed);
    expect(explorer_step(&explorer, &below, &open_road, 0), 0, 0, EXPLORER_HOLDS);
    expect(explorer_step(&explorer, &above, &open_road, 0), 300, 0, EXPLORER_DRIVES);
    crossed.full_percent = 70;
    explorer_init(&explorer, &crossed);
    expect(explorer_step(&explorer, &above, &open_road, 0), 300, 0, EXPLORER_DRIVES);
}

static void zeroed_verdict_stops_everything(void **state)
{
    static const struct wire_verdict blocked = {0};
    struct explorer explorer;

    (void)state;
    explorer_init(&explorer, &options);
    for (int word = 0; word < word_count(QUESTION_ACTION); word++) {
        struct decision decision = answer(QUESTION_ACTION, word, 1000);

        expect(explorer_step(&explorer, &decision, &blocked, 0), 0, 0, EXPLORER_BLOCKED);
    }
}

static void zeroed_decision_stands_still(void **state)
{
    struct explorer explorer;
    struct decision decision = {0};

    (void)state;
    explorer_init(&explorer, &options);
    expect(explorer_step(&explorer, &decision, &open_road, 0), 0, 0, EXPLORER_HOLDS);
}

static void turn_to_the_other_side_waits_for_its_votes(void **state)
{
    struct explorer explorer;
    struct decision left = answer(QUESTION_ACTION, ACTION_LEFT, 1000);
    struct decision right = answer(QUESTION_ACTION, ACTION_RIGHT, 1000);

    (void)state;
    explorer_init(&explorer, &options);
    expect(explorer_step(&explorer, &left, &open_road, 0), 0, 1200, EXPLORER_DRIVES);
    expect(explorer_step(&explorer, &right, &open_road, 0), 0, 0, EXPLORER_WAITS);
    expect(explorer_step(&explorer, &right, &open_road, 0), 0, 0, EXPLORER_WAITS);
    expect(explorer_step(&explorer, &right, &open_road, 0), 0, -1200, EXPLORER_DRIVES);
    expect(explorer_step(&explorer, &left, &open_road, 0), 0, 0, EXPLORER_WAITS);
    expect(explorer_step(&explorer, &right, &open_road, 0), 0, -1200, EXPLORER_DRIVES);
}

static void alternating_answers_turn_to_one_side_only(void **state)
{
    struct explorer explorer;
    int net = 0;

    (void)state;
    explorer_init(&explorer, &options);
    for (int i = 0; i < 100; i++) {
        struct decision decision =
            answer(QUESTION_ACTION, i % 2 == 0 ? ACTION_LEFT : ACTION_RIGHT, 1000);
        struct intent intent = explorer_step(&explorer, &decision, &open_road, 0);

        assert_true(intent.twist.wz_mrad_s >= 0);
        net += intent.twist.wz_mrad_s;
    }
    assert_int_equal(net, 50 * 1200);
}

static void straight_driving_forgets_the_side(void **state)
{
    struct explorer explorer;
    struct decision left = answer(QUESTION_ACTION, ACTION_LEFT, 1000);
    struct decision right = answer(QUESTION_ACTION, ACTION_RIGHT, 1000);
    struct decision forward = answer(QUESTION_ACTION, ACTION_FORWARD, 1000);

    (void)state;
    explorer_init(&explorer, &options);
    (void)explorer_step(&explorer, &left, &open_road, 0);
    for (int i = 0; i < 3; i++) {
        expect(explorer_step(&explorer, &forward, &open_road, 0), 300, 0, EXPLORER_DRIVES);
    }
    expect(explorer_step(&explorer, &right, &open_road, 0), 0, -1200, EXPLORER_DRIVES);
}

static void no_answer_exceeds_the_configured_speeds(void **state)
{
    struct explorer explorer;

    (void)state;
    explorer_init(&explorer, &options);
    srand(1);
    for (int i = 0; i < 100000; i++) {
        enum question question = rand() % 2 ? QUESTION_ACTION : QUESTION_PERCEPT;
        struct decision decision =
            answer(question, rand() % word_count(question), rand() % 1002 - 1);
        struct intent intent = explorer_step(&explorer, &decision, &open_road, 0);

        assert_in_range(intent.twist.vx_mm_s + 150, 0, 450);
        assert_int_equal(intent.twist.vy_mm_s, 0);
        assert_in_range(intent.twist.wz_mrad_s + 1200, 0, 2400);
        if (intent.reason != EXPLORER_DRIVES) {
            assert_int_equal(intent.twist.vx_mm_s, 0);
            assert_int_equal(intent.twist.wz_mrad_s, 0);
        }
    }
}

static void entropy_is_that_of_the_window(void **state)
{
    struct answers answers;

    (void)state;
    answers_init(&answers, 4);
    assert_true(answers_recent_bits(&answers) == 0.0);
    assert_true(answers_total_bits(&answers) == 0.0);
    answers_add(&answers, 1);
    answers_add(&answers, 2);
    assert_true(answers_recent_bits(&answers) == 1.0);
    for (int i = 0; i < 4; i++) {
        answers_add(&answers, 3);
    }
    assert_true(answers_recent_bits(&answers) == 0.0);
    assert_true(answers_total_bits(&answers) > 1.2);
    assert_int_equal(answers.total[3], 4);
    assert_int_equal(answers_favourite(&answers), 3);
}

static void alarm_needs_a_full_window_of_one_word(void **state)
{
    struct answers answers;

    (void)state;
    answers_init(&answers, 50);
    for (int i = 0; i < 49; i++) {
        answers_add(&answers, ACTION_FORWARD);
        assert_false(answers_are_degenerate(&answers, 50));
    }
    answers_add(&answers, ACTION_FORWARD);
    assert_true(answers_are_degenerate(&answers, 50));
    answers_add(&answers, ACTION_LEFT); /* one stray answer does not hide it */
    assert_true(answers_are_degenerate(&answers, 50));
    answers_add(&answers, ACTION_LEFT);
    assert_false(answers_are_degenerate(&answers, 50));
}

/* What a car that is stuck does instead of what it was told: anything but a stop. */
static void stuck_car_escapes_but_stops_when_told(void **state)
{
    struct explorer_options escaping = options;
    struct explorer explorer;
    struct decision forward = answer(QUESTION_ACTION, ACTION_FORWARD, 1000);
    struct decision stop = answer(QUESTION_ACTION, ACTION_STOP, 1000);
    struct wire_verdict wall = {
        .mission = 1, .reasons = REASON_OBSTACLE, .clear_left_mm = 900, .open_bearing_mrad = 1500};
    int64_t now_ns = 0;

    (void)state;
    escaping.stuck_ms = 6000;
    explorer_init(&explorer, &escaping);
    for (int i = 0; i < 20; i++) {
        expect(explorer_step(&explorer, &forward, &wall, now_ns += 30000000), 300, 0,
               EXPLORER_DRIVES);
    }
    expect(explorer_step(&explorer, &forward, &wall, now_ns += 30000000), 0, 1200,
           EXPLORER_ESCAPES);
    expect(explorer_step(&explorer, &stop, &wall, now_ns += 30000000), 0, 0, EXPLORER_STOPS);
}

static void alarm_comes_when_it_lasts(void **state)
{
    struct answers answers;

    (void)state;
    answers_init(&answers, 5);
    for (int i = 0; i < 5; i++) {
        assert_false(answers_alarm(&answers, 1000, i));
        answers_add(&answers, ACTION_FORWARD);
    }
    assert_false(answers_alarm(&answers, 1000, 5));
    assert_false(answers_alarm(&answers, 1000, 1004));
    assert_true(answers_alarm(&answers, 1000, 1005));
    assert_true(answers_alarm(&answers, 0, 1005));
    answers_add(&answers, ACTION_LEFT); /* one answer of another kind, and it begins anew */
    assert_false(answers_alarm(&answers, 1000, 1006));
    for (int i = 0; i < 5; i++) {
        answers_add(&answers, ACTION_FORWARD);
    }
    assert_false(answers_alarm(&answers, 1000, 1007));
    assert_true(answers_alarm(&answers, 1000, 2007));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stuck_car_escapes_but_stops_when_told),
        cmocka_unit_test(alarm_comes_when_it_lasts),
        cmocka_unit_test(actions_become_their_motions),
        cmocka_unit_test(percepts_are_steered),
        cmocka_unit_test(search_goes_on_to_the_side_of_the_last_turn),
        cmocka_unit_test(word_of_no_vocabulary_stands_still),
        cmocka_unit_test(every_reason_has_its_own_name),
        cmocka_unit_test(confidence_scales_between_hold_and_full),
        cmocka_unit_test(thresholds_that_meet_or_cross_make_a_switch),
        cmocka_unit_test(zeroed_verdict_stops_everything),
        cmocka_unit_test(zeroed_decision_stands_still),
        cmocka_unit_test(turn_to_the_other_side_waits_for_its_votes),
        cmocka_unit_test(alternating_answers_turn_to_one_side_only),
        cmocka_unit_test(straight_driving_forgets_the_side),
        cmocka_unit_test(no_answer_exceeds_the_configured_speeds),
        cmocka_unit_test(entropy_is_that_of_the_window),
        cmocka_unit_test(alarm_needs_a_full_window_of_one_word),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
