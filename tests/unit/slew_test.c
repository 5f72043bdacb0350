/* slew: how fast the speed may grow, in message time and in wall time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "safety/slew.h"

static struct gate_model model;

static struct twist ask(struct slew *slew, int64_t now_ms, struct twist last, struct twist wish)
{
    return slew_step(slew, &model, now_ms, &last, &wish);
}

static int setup(void **state)
{
    (void)state;
    gate_model_init(&model, NULL);
    return 0;
}

static void start_is_the_slowest_speed_plus_one_step(void **state)
{
    struct slew slew = {0};
    struct twist out = ask(&slew, 10, (struct twist){0}, (struct twist){400, 0, 0});

    (void)state;
    assert_int_equal(out.vx_mm_s, 140);
    out = ask(&slew, 20, out, (struct twist){400, 0, 0});
    assert_int_equal(out.vx_mm_s, 150);
}

static void late_call_adds_one_step(void **state)
{
    struct slew slew = {0};
    struct twist out = ask(&slew, 1000, (struct twist){200, 0, 0}, (struct twist){400, 0, 0});

    (void)state;
    assert_int_equal(out.vx_mm_s, 210);
}

static void fast_calls_share_the_allowance_of_the_time(void **state)
{
    struct slew slew = {0};
    struct twist out = {200, 0, 0};

    (void)state;
    for (int ms = 1; ms <= 100; ms++) {
        out = ask(&slew, ms, out, (struct twist){400, 0, 0});
    }
    assert_int_equal(out.vx_mm_s, 300);
    out = ask(&slew, 100, out, (struct twist){400, 0, 0});
    assert_int_equal(out.vx_mm_s, 300);
    out = ask(&slew, 50, out, (struct twist){400, 0, 0});
    assert_int_equal(out.vx_mm_s, 300);
    out = ask(&slew, 103, out, (struct twist){400, 0, 0});
    assert_int_equal(out.vx_mm_s, 303);
}

static void allowance_never_exceeds_one_step(void **state)
{
    struct slew slew = {0};
    struct twist out = {200, 0, 0};

    (void)state;
    out = ask(&slew, 10, out, out);
    for (int ms = 11; ms < 40; ms += 3) {
        out = ask(&slew, ms, out, out);
    }
    out = ask(&slew, 40, out, (struct twist){400, 0, 0});
    assert_int_equal(out.vx_mm_s, 210);
}

static void slow_down_and_stop_pass_at_once(void **state)
{
    struct slew slew = {0};
    struct twist out = ask(&slew, 10, (struct twist){400, 200, 1500}, (struct twist){140, 0, 300});

    (void)state;
    assert_int_equal(out.vx_mm_s, 140);
    assert_int_equal(out.vy_mm_s, 0);
    assert_int_equal(out.wz_mrad_s, 300);
    out = ask(&slew, 10, (struct twist){-200, -200, -1500}, (struct twist){0});
    assert_int_equal(out.vx_mm_s, 0);
    assert_int_equal(out.vy_mm_s, 0);
    assert_int_equal(out.wz_mrad_s, 0);
}

static void second_call_of_a_millisecond_adds_nothing_to_a_turn(void **state)
{
    struct slew slew = {0};
    struct twist out = ask(&slew, 10, (struct twist){0, 0, 1200}, (struct twist){0, 0, 1500});

    (void)state;
    assert_true(out.wz_mrad_s > 1200);
    assert_int_equal(ask(&slew, 10, out, (struct twist){0, 0, 1500}).wz_mrad_s, out.wz_mrad_s);
}

static void reversal_starts_from_zero(void **state)
{
    struct slew slew = {0};
    struct twist out = ask(&slew, 10, (struct twist){400, 0, 0}, (struct twist){-200, 0, 0});

    (void)state;
    assert_int_equal(out.vx_mm_s, -140);
}

static void answer_is_within_the_wish_and_one_step_from_the_last(void **state)
{
    uint32_t seed = 1;

    (void)state;
    for (int i = 0; i < 200000; i++) {
        struct slew slew = {0};
        int32_t v[6];
        struct twist last, wish, out;
        int32_t most;

        for (int j = 0; j < 6; j++) {
            seed = seed * 1664525 + 1013904223;
            v[j] = (int32_t)(seed >> 8) % (j % 3 == 2 ? 3001 : 801) - (j % 3 == 2 ? 1500 : 400);
        }
        last = (struct twist){v[0], v[1], v[2]};
        wish = (struct twist){v[3], v[4], v[5]};
        out = ask(&slew, 10, last, wish);
        most = gate_model_rim(&model, &last);
        most = (most > 130 ? most : 130) + SLEW_STEP_MM_S;
        assert_true(gate_model_rim(&model, &out) <= most);
        assert_true(wish.vx_mm_s >= 0 ? out.vx_mm_s >= 0 && out.vx_mm_s <= wish.vx_mm_s
                                      : out.vx_mm_s <= 0 && out.vx_mm_s >= wish.vx_mm_s);
        assert_true(wish.wz_mrad_s >= 0 ? out.wz_mrad_s >= 0 && out.wz_mrad_s <= wish.wz_mrad_s
                                        : out.wz_mrad_s <= 0 && out.wz_mrad_s >= wish.wz_mrad_s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(start_is_the_slowest_speed_plus_one_step),
        cmocka_unit_test(late_call_adds_one_step),
        cmocka_unit_test(fast_calls_share_the_allowance_of_the_time),
        cmocka_unit_test(allowance_never_exceeds_one_step),
        cmocka_unit_test(slow_down_and_stop_pass_at_once),
        cmocka_unit_test(second_call_of_a_millisecond_adds_nothing_to_a_turn),
        cmocka_unit_test(reversal_starts_from_zero),
        cmocka_unit_test(answer_is_within_the_wish_and_one_step_from_the_last),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
