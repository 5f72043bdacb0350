/* resample: the resampler alone, on rows of 16 samples and more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vlm/resample.h"

static void resample_rows(int in, int out, double from, double span, const uint8_t *samples,
                          uint8_t *ret_samples)
{
    struct resample_axis x = {in, out, from, span}, y = {1, 1, 0, 1};
    struct resample *resample = NULL;

    assert_int_equal(resample_new(&resample), 0);
    assert_int_equal(resample_plan(resample, &x, &y), 0);
    resample_run(resample, samples, 64, ret_samples, 64);
    resample_free(resample);
}

static void resampling_down_is_the_mean_of_the_area(void **state)
{
    static const uint8_t in[64] = {10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120};
    uint8_t out[64];

    (void)state;
    resample_rows(12, 6, 0, 12, in, out);
    assert_memory_equal(out, ((uint8_t[]){15, 35, 55, 75, 95, 115}), 6);
    resample_rows(12, 8, 0, 12, in, out); /* one and a half samples each: (10 + 20/2) / 1.5 */
    assert_memory_equal(out, ((uint8_t[]){13, 27, 43, 57, 73, 87, 103, 117}), 8);
    resample_rows(12, 3, 0, 12, in, out);
    assert_memory_equal(out, ((uint8_t[]){25, 65, 105}), 3);
}

static void resampling_up_interpolates_and_repeats_the_edge(void **state)
{
    static const uint8_t in[64] = {0, 100, 200};
    uint8_t out[64];

    (void)state;
    resample_rows(3, 6, 0, 3, in, out);
    assert_memory_equal(out, ((uint8_t[]){0, 25, 75, 125, 175, 200}), 6);
    resample_rows(3, 5, -1, 5, in, out);
    assert_memory_equal(out, ((uint8_t[]){0, 0, 100, 200, 200}), 5);
}

static void resampling_at_equal_size_is_a_copy(void **state)
{
    uint8_t in[64], out[64];

    (void)state;
    for (int i = 0; i < 64; i++) {
        in[i] = (uint8_t)(i * 37);
    }
    resample_rows(40, 33, 5, 33, in, out);
    assert_memory_equal(out, in + 5, 33);
}

static void nothing_can_be_freed(void **state)
{
    (void)state;
    resample_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resampling_down_is_the_mean_of_the_area),
        cmocka_unit_test(resampling_up_interpolates_and_repeats_the_edge),
        cmocka_unit_test(resampling_at_equal_size_is_a_copy),
        cmocka_unit_test(nothing_can_be_freed),
    };

    return cmocka_run_group_tests_name("resample", tests, NULL, NULL);
}
