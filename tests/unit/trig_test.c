/* trig: integers that are near enough to the real thing. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "safety/trig.h"

static void mrad_is_right_to_4_of_16384(void **state)
{
    (void)state;
    for (int mrad = -1000; mrad <= 1000; mrad++) {
        assert_true(fabs(trig_sin(mrad) - 16384 * sin(mrad / 1000.0)) < 4);
        assert_true(fabs(trig_cos(mrad) - 16384 * cos(mrad / 1000.0)) < 4);
    }
    assert_int_equal(trig_sin(0), 0);
    assert_int_equal(trig_cos(0), TRIG_ONE);
}

static void beyond_1000_mrad_counts_as_1000(void **state)
{
    (void)state;
    assert_int_equal(trig_sin(1001), trig_sin(1000));
    assert_int_equal(trig_sin(INT32_MAX), trig_sin(1000));
    assert_int_equal(trig_sin(INT32_MIN), trig_sin(-1000));
    assert_int_equal(trig_cos(INT32_MIN), trig_cos(1000));
}

static void slots_are_half_degrees(void **state)
{
    (void)state;
    for (int slot = 0; slot < TRIG_SLOTS; slot++) {
        assert_true(fabs(trig_slot_sin(slot) - 16384 * sin(slot * M_PI / 360)) <= 0.5001);
        assert_true(fabs(trig_slot_cos(slot) - 16384 * cos(slot * M_PI / 360)) <= 0.5001);
    }
}

static void other_slots_count_as_the_first(void **state)
{
    (void)state;
    assert_int_equal(trig_slot_sin(-1), 0);
    assert_int_equal(trig_slot_sin(720), 0);
    assert_int_equal(trig_slot_cos(-1), TRIG_ONE);
    assert_int_equal(trig_slot_cos(720), TRIG_ONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mrad_is_right_to_4_of_16384),
        cmocka_unit_test(beyond_1000_mrad_counts_as_1000),
        cmocka_unit_test(slots_are_half_degrees),
        cmocka_unit_test(other_slots_count_as_the_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
