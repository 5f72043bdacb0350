/* jfif: a segment that is wrong, or stands where it may not, is refused with the error that names
 * it; every picture here is wrong in exactly one place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/jpeg_fixture.h"
#include "vlm/jfif.h"

static void bytes_between_segments_are_refused(void **state)
{
    struct segments file = {0};

    (void)state;
    add_start(&file);
    add_quantization(&file);
    ADD(&file, 0);
    add_frame(&file);
    add_scan(&file);
    add_end(&file);
    assert_refused(&file, JFIF_BAD_SEGMENT);
}

static void impossible_lengths_are_refused(void **state)
{
    struct segments none = {0}, half = {0}, short_one = {0}, long_one = {0};

    (void)state;
    add_start(&none);
    ADD(&none, 0xFF, 0xE0);
    assert_refused(&none, JFIF_BAD_SEGMENT);
    add_start(&half);
    ADD(&half, 0xFF, 0xE0, 0);
    assert_refused(&half, JFIF_BAD_SEGMENT);
    add_start(&short_one);
    ADD(&short_one, 0xFF, 0xE0, 0, 1, 0xFF, 0xD9);
    assert_refused(&short_one, JFIF_BAD_SEGMENT);
    add_start(&long_one);
    ADD(&long_one, 0xFF, 0xE0, 0, 5, 1, 2);
    assert_refused(&long_one, JFIF_BAD_SEGMENT);
}

/* Every marker in the place of SOF0; those that are no frame are followed by a scan without one. */
static enum jfif_error marker_as_frame(uint8_t marker)
{
    struct segments file = {0};
    struct jfif_info info;

    add_start(&file);
    add_quantization(&file);
    SEGMENT(&file, marker, 8, 0, 8, 0, 16, 3, 1, 0x11, 0, 2, 0x11, 1, 3, 0x11, 1);
    add_scan(&file);
    add_end(&file);
    return segments_check(&file, &info);
}

static enum jfif_error marker_expectation(int marker)
{
    if (marker == 0xC0) {
        return JFIF_OK;
    }
    if ((marker > 0xC0 && marker <= 0xCF && marker != 0xC4) || marker == 0xDE || marker == 0xDF) {
        return JFIF_NOT_BASELINE;
    }
    if (marker == 0xDC) {
        return JFIF_BAD_FRAME;
    }
    if (marker == 0xC4 || (marker >= 0xD9 && marker <= 0xDB) || marker == 0xFE ||
        (marker >= 0xE0 && marker <= 0xEF)) {
        return JFIF_NO_SCAN;
    }
    return JFIF_BAD_SEGMENT; /* 0xDD, too: no interval has 15 bytes */
}

static void every_marker_has_its_verdict(void **state)
{
    (void)state;
    for (int marker = 0; marker < 0xFF; marker++) {
        if (marker_as_frame((uint8_t)marker) != marker_expectation(marker)) {
            fail_msg("marker %02X: %d", (unsigned)marker, marker_as_frame((uint8_t)marker));
        }
    }
}

#define FRAME_CASE(expected, ...)                                                                  \
    do {                                                                                           \
        struct segments wrong = {0};                                                               \
        add_start(&wrong);                                                                         \
        add_quantization(&wrong);                                                                  \
        SEGMENT(&wrong, 0xC0, __VA_ARGS__);                                                        \
        add_scan(&wrong);                                                                          \
        add_end(&wrong);                                                                           \
        assert_refused(&wrong, expected);                                                          \
    } while (0)

static void frame_header_that_is_wrong_is_refused(void **state)
{
    (void)state;
    FRAME_CASE(JFIF_BAD_FRAME, 8, 0, 8, 0, 16);
    FRAME_CASE(JFIF_BAD_FRAME, 8, 0, 8, 0, 16, 3, 1, 0x11, 0);
    FRAME_CASE(JFIF_BAD_FRAME, 8, 0, 8, 0, 0, 1, 1, 0x11, 0);
    FRAME_CASE(JFIF_BAD_FRAME, 8, 0, 8, 0, 16, 0);
    FRAME_CASE(JFIF_BAD_FRAME, 8, 0, 8, 0, 16, 2, 1, 0x11, 0, 2, 0x11, 0);
}

static void picture_of_four_components_is_refused(void **state)
{
    (void)state;
    FRAME_CASE(JFIF_BAD_FRAME, 8, 0, 8, 0, 16, 4, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0, 4, 0x11, 0);
}

static void height_that_comes_later_is_refused(void **state)
{
    struct segments file = {0};

    (void)state;
    FRAME_CASE(JFIF_BAD_FRAME, 8, 0, 0, 0, 16, 1, 1, 0x11, 0);
    add_head(&file);
    add_scan(&file);
    SEGMENT(&file, 0xDC, 0, 8);
    add_end(&file);
    assert_refused(&file, JFIF_BAD_FRAME);
}

static void picture_of_twelve_bits_is_not_baseline(void **state)
{
    (void)state;
    FRAME_CASE(JFIF_NOT_BASELINE, 12, 0, 8, 0, 16, 1, 1, 0x11, 0);
}

static void side_beyond_the_limit_is_refused(void **state)
{
    (void)state;
    FRAME_CASE(JFIF_TOO_LARGE, 8, 0x20, 0x01, 0, 16, 1, 1, 0x11, 0);
    FRAME_CASE(JFIF_TOO_LARGE, 8, 0, 8, 0x20, 0x01, 1, 1, 0x11, 0);
}

static void second_frame_is_refused(void **state)
{
    struct segments file = {0};

    (void)state;
    add_head(&file);
    add_frame(&file);
    add_scan(&file);
    add_end(&file);
    assert_refused(&file, JFIF_BAD_FRAME);
}

#define SCAN_CASE(expected, ...)                                                                   \
    do {                                                                                           \
        struct segments wrong = {0};                                                               \
        add_head(&wrong);                                                                          \
        SEGMENT(&wrong, 0xDA, __VA_ARGS__);                                                        \
        ADD(&wrong, 1, 2);                                                                         \
        add_end(&wrong);                                                                           \
        assert_refused(&wrong, expected);                                                          \
    } while (0)

static void scan_header_that_is_wrong_is_refused(void **state)
{
    struct segments file = {0};

    (void)state;
    SCAN_CASE(JFIF_BAD_SCAN, 0, 0, 63, 0);
    SCAN_CASE(JFIF_BAD_SCAN, 3, 1, 0, 0, 63, 0);
    SCAN_CASE(JFIF_BAD_SCAN, 3, 1, 0, 2, 0, 3, 0, 0, 5, 0);
    SCAN_CASE(JFIF_BAD_SCAN, 3, 1, 0, 2, 0, 3, 0, 1, 63, 0);
    SCAN_CASE(JFIF_BAD_SCAN, 3, 1, 0, 2, 0, 3, 0, 0, 63, 0x10);
    add_head(&file);
    ADD(&file, 0xFF, 0xDA, 0, 2);
    add_end(&file);
    assert_refused(&file, JFIF_BAD_SCAN);
}

static void component_may_not_be_coded_twice(void **state)
{
    struct segments file = {0};

    (void)state;
    add_head(&file);
    add_scan(&file);
    SEGMENT(&file, 0xDA, 1, 1, 0, 0, 63, 0);
    ADD(&file, 1);
    add_end(&file);
    assert_refused(&file, JFIF_BAD_SCAN);
}

static void component_outside_of_the_frame_is_refused(void **state)
{
    struct segments file = {0};

    (void)state;
    add_head(&file);
    SEGMENT(&file, 0xDA, 1, 9, 0, 0, 63, 0);
    ADD(&file, 1);
    add_end(&file);
    assert_refused(&file, JFIF_BAD_SCAN);
}

static void scan_without_quantization_table_is_refused(void **state)
{
    struct segments file = {0};

    (void)state;
    add_start(&file);
    add_frame(&file);
    add_scan(&file);
    add_end(&file);
    assert_refused(&file, JFIF_NO_TABLES);
}

static void restart_interval_of_wrong_length_is_refused(void **state)
{
    struct segments file = {0};

    (void)state;
    add_head(&file);
    SEGMENT(&file, 0xDD, 0, 1, 0);
    add_scan(&file);
    add_end(&file);
    assert_refused(&file, JFIF_BAD_SEGMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_between_segments_are_refused),
        cmocka_unit_test(impossible_lengths_are_refused),
        cmocka_unit_test(every_marker_has_its_verdict),
        cmocka_unit_test(frame_header_that_is_wrong_is_refused),
        cmocka_unit_test(picture_of_four_components_is_refused),
        cmocka_unit_test(height_that_comes_later_is_refused),
        cmocka_unit_test(picture_of_twelve_bits_is_not_baseline),
        cmocka_unit_test(side_beyond_the_limit_is_refused),
        cmocka_unit_test(second_frame_is_refused),
        cmocka_unit_test(scan_header_that_is_wrong_is_refused),
        cmocka_unit_test(component_may_not_be_coded_twice),
        cmocka_unit_test(component_outside_of_the_frame_is_refused),
        cmocka_unit_test(scan_without_quantization_table_is_refused),
        cmocka_unit_test(restart_interval_of_wrong_length_is_refused),
    };

    return cmocka_run_group_tests_name("jfif_header", tests, NULL, NULL);
}
