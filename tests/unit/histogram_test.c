/* histogram: percentiles are right to 1.6 %, and never beyond what was added. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hal/base/histogram.h"

static void empty_histogram_has_zero_percentiles(void **state)
{
    static struct histogram histogram;

    (void)state;
    histogram_init(&histogram);
    assert_int_equal(histogram_permille(&histogram, 0), 0);
    assert_int_equal(histogram_permille(&histogram, 990), 0);
}

static void percentiles_are_right_to_one_bucket(void **state)
{
    static struct histogram histogram;

    (void)state;
    histogram_init(&histogram);
    for (int64_t i = 1; i <= 1000; i++) {
        histogram_add(&histogram, i * 10000);
    }
    for (int permille = 1; permille <= 1000; permille++) {
        int64_t exact = permille * INT64_C(10000);
        int64_t got = histogram_permille(&histogram, permille);

        assert_true(got >= exact && got <= exact + exact / 63);
    }
}

static void single_value_is_every_percentile(void **state)
{
    static struct histogram histogram;
    static const int64_t values[] = {
        0,        1, 63, 64, 65, 127, 128, 18400000, INT64_C(17179869183), INT64_C(17179869184),
        INT64_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        histogram_init(&histogram);
        histogram_add(&histogram, values[i]);
        assert_int_equal(histogram_permille(&histogram, 500), values[i]);
        assert_int_equal(histogram_permille(&histogram, 1000), values[i]);
    }
}

static void negative_durations_count_as_zero(void **state)
{
    static struct histogram histogram;

    (void)state;
    histogram_init(&histogram);
    histogram_add(&histogram, -5);
    assert_int_equal(histogram.count, 1);
    assert_int_equal(histogram.max_ns, 0);
    assert_int_equal(histogram_permille(&histogram, 1000), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_histogram_has_zero_percentiles),
        cmocka_unit_test(percentiles_are_right_to_one_bucket),
        cmocka_unit_test(single_value_is_every_percentile),
        cmocka_unit_test(negative_durations_count_as_zero),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
