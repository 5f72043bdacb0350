/* The brake in virtual time: which frame is a heartbeat, when silence begins to the nanosecond, and
 * how long after the last moment of its parent the wheels stop, whenever in its tick that was. What
 * brake_test.c shows on the wall is the same with the machine's stalls in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hal/base/clock.h"
#include "safety/brake_child.h"
#include "safety/limits.h"

#define MS       CLOCK_NS_PER_MS
#define START_NS (1000 * MS)
#define TICK_NS  (LIMITS_TICK_MS * MS)

static const int64_t silences_ms[] = {BRAKE_SILENCE_MIN_MS, BRAKE_SILENCE_MS, BRAKE_SILENCE_MAX_MS};

#define SILENCES (sizeof(silences_ms) / sizeof(silences_ms[0]))

static struct brake_child child_new(int64_t silence_ms)
{
    return (struct brake_child){.silence_ns = silence_ms * MS};
}

/* One that heard a frame at START_NS. */
static struct brake_child child_beating(int64_t silence_ms)
{
    struct brake_child child = child_new(silence_ms);

    assert_true(brake_child_hear(&child, START_NS, START_NS));
    return child;
}

static void silence_begins_at_its_last_nanosecond(void **state)
{
    (void)state;
    for (size_t i = 0; i < SILENCES; i++) {
        int64_t silence_ns = silences_ms[i] * MS;
        struct brake_child child = child_beating(silences_ms[i]);

        assert_int_equal(brake_child_left_ns(&child, START_NS), silence_ns);
        assert_int_equal(brake_child_left_ns(&child, START_NS + silence_ns - MS), MS);
        assert_int_equal(brake_child_left_ns(&child, START_NS + silence_ns - 1), 1);
        assert_int_equal(brake_child_left_ns(&child, START_NS + silence_ns), 0);
        assert_int_equal(brake_child_left_ns(&child, START_NS + silence_ns + MS), 0);
    }
}

static void silence_is_100_ms_by_default(void **state)
{
    struct brake_child child = child_beating(BRAKE_SILENCE_MS);

    (void)state;
    assert_int_equal(brake_child_left_ns(&child, START_NS + 99 * MS), MS);
    assert_int_equal(brake_child_left_ns(&child, START_NS + 100 * MS), 0);
    assert_int_equal(brake_child_left_ns(&child, START_NS + 101 * MS), 0);
}

static void a_frame_of_99_ms_is_a_heartbeat_and_one_of_100_is_not(void **state)
{
    static const struct {
        int64_t age_ns;
        bool heard;
    } cases[] = {
        {0, true},         {99 * MS, true},   {100 * MS - 1, true},
        {100 * MS, false}, {101 * MS, false}, {INT64_C(1000) * START_NS, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct brake_child child = child_new(100);
        int64_t now_ns = START_NS + cases[i].age_ns;

        assert_int_equal(brake_child_hear(&child, START_NS, now_ns), cases[i].heard);
        /* The silence counts from when it was sent. */
        assert_int_equal(brake_child_left_ns(&child, now_ns),
                         cases[i].heard ? 100 * MS - cases[i].age_ns : -1);
    }
}

static void an_old_frame_does_not_end_a_silence(void **state)
{
    struct brake_child child = child_beating(100);

    (void)state;
    assert_false(brake_child_hear(&child, START_NS + MS, START_NS + 101 * MS));
    assert_int_equal(brake_child_left_ns(&child, START_NS + 101 * MS), 0);
}

static void a_frame_from_the_future_is_no_heartbeat(void **state)
{
    struct brake_child child = child_beating(100);

    (void)state;
    assert_false(brake_child_hear(&child, START_NS + 50 * MS + 1, START_NS + 50 * MS));
    assert_int_equal(brake_child_left_ns(&child, START_NS + 50 * MS), 50 * MS);
}

static void there_is_no_silence_before_the_first_frame(void **state)
{
    struct brake_child child = child_new(BRAKE_SILENCE_MIN_MS);

    (void)state;
    assert_int_equal(brake_child_left_ns(&child, START_NS), -1);
    assert_int_equal(brake_child_left_ns(&child, INT64_MAX), -1);
}

/* Drives a frame a tick until the parent stands still at `end_ns`; the child reads each frame
 * `delay_ns` after it was sent, and otherwise sleeps for as long as it may. When it stops. */
static int64_t stop_after(int64_t silence_ms, int64_t end_ns, int64_t delay_ns)
{
    struct brake_child child = child_new(silence_ms);
    int64_t sent_ns = START_NS, now_ns = START_NS, left_ns;

    for (;;) {
        if (sent_ns <= end_ns && now_ns >= sent_ns + delay_ns) {
            assert_true(brake_child_hear(&child, sent_ns, now_ns));
            sent_ns += TICK_NS;
        }
        left_ns = brake_child_left_ns(&child, now_ns);
        if (left_ns == 0) {
            return now_ns;
        }
        if (sent_ns <= end_ns && (left_ns < 0 || sent_ns + delay_ns < now_ns + left_ns)) {
            now_ns = sent_ns + delay_ns;
        } else {
            assert_true(left_ns > 0);
            now_ns += left_ns;
        }
    }
}

static void wheels_stop_within_the_silence_whenever_the_parent_hangs(void **state)
{
    (void)state;
    for (size_t i = 0; i < SILENCES; i++) {
        int64_t silence_ns = silences_ms[i] * MS, soonest_ns = INT64_MAX, latest_ns = 0;

        for (int64_t phase_ns = 0; phase_ns <= 5 * TICK_NS; phase_ns += MS / 10) {
            for (int64_t delay_ns = 0; delay_ns < TICK_NS; delay_ns += TICK_NS / 7) {
                int64_t end_ns = START_NS + phase_ns;
                int64_t took_ns = stop_after(silences_ms[i], end_ns, delay_ns) - end_ns;

                soonest_ns = took_ns < soonest_ns ? took_ns : soonest_ns;
                latest_ns = took_ns > latest_ns ? took_ns : latest_ns;
            }
        }
        /* Struck right behind a frame, or right before the next one. */
        assert_int_equal(latest_ns, silence_ns);
        assert_int_equal(soonest_ns, silence_ns - TICK_NS + MS / 10);
    }
}

/* It reads all that waits before it judges. */
static void a_child_that_was_late_itself_does_not_blame_its_parent(void **state)
{
    struct brake_child child = child_beating(100);
    int64_t now_ns = START_NS + 500 * MS;

    (void)state;
    for (int64_t sent_ns = START_NS + TICK_NS; sent_ns < now_ns; sent_ns += TICK_NS) {
        assert_int_equal(brake_child_hear(&child, sent_ns, now_ns), now_ns - sent_ns < 100 * MS);
    }
    assert_int_equal(brake_child_left_ns(&child, now_ns), 100 * MS - TICK_NS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silence_begins_at_its_last_nanosecond),
        cmocka_unit_test(silence_is_100_ms_by_default),
        cmocka_unit_test(a_frame_of_99_ms_is_a_heartbeat_and_one_of_100_is_not),
        cmocka_unit_test(an_old_frame_does_not_end_a_silence),
        cmocka_unit_test(a_frame_from_the_future_is_no_heartbeat),
        cmocka_unit_test(there_is_no_silence_before_the_first_frame),
        cmocka_unit_test(wheels_stop_within_the_silence_whenever_the_parent_hangs),
        cmocka_unit_test(a_child_that_was_late_itself_does_not_blame_its_parent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
