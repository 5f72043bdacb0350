/* jfif: what a whole picture tells, what may stand in one, and that one which ends too early is
 * never called whole. Most are built segment by segment; one comes from the encoder, because no
 * picture of ours proves that ours are like those of others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/jpeg_fixture.h"
#include "tests/unit/render.h"
#include "vlm/jfif.h"
#include "vlm/jpeg.h"

static void whole_picture_tells_its_shape(void **state)
{
    struct segments file = {0};
    struct jfif_info info;

    (void)state;
    add_head(&file);
    add_scan(&file);
    add_end(&file);
    info = assert_whole(&file);
    assert_int_equal(info.width_px, 16);
    assert_int_equal(info.height_px, 8);
    assert_int_equal(info.components, 3);
    assert_int_equal(info.size, file.size);
    assert_true(info.has_huffman);
}

static void picture_of_one_component_is_whole(void **state)
{
    struct segments file = {0};

    (void)state;
    add_start(&file);
    add_quantization(&file);
    add_grey_frame(&file);
    SEGMENT(&file, 0xDA, 1, 1, 0, 0, 63, 0);
    ADD(&file, 5);
    add_end(&file);
    assert_int_equal(assert_whole(&file).components, 1);
}

static void picture_without_huffman_tables_says_so(void **state)
{
    struct segments file = {0};

    (void)state;
    add_start(&file);
    add_quantization(&file);
    add_frame(&file);
    add_scan(&file);
    add_end(&file);
    assert_false(assert_whole(&file).has_huffman);
}

static void huffman_tables_behind_a_scan_come_too_late(void **state)
{
    struct segments file = {0};

    (void)state;
    add_start(&file);
    add_quantization(&file);
    add_frame(&file);
    add_scan(&file);
    SEGMENT(&file, 0xC4, 0, 1, 2, 3);
    add_end(&file);
    assert_false(assert_whole(&file).has_huffman);
}

static void padding_behind_the_end_is_not_part_of_the_picture(void **state)
{
    struct segments file = {0};
    size_t size;

    (void)state;
    add_head(&file);
    add_scan(&file);
    add_end(&file);
    size = file.size;
    ADD(&file, 0, 0, 0xFF, 0xD8, 0xFF);
    assert_int_equal(assert_whole(&file).size, size);
}

static void thumbnail_in_a_segment_is_jumped_over(void **state)
{
    struct segments file = {0};

    (void)state;
    add_start(&file);
    SEGMENT(&file, 0xE1, 0xFF, 0xD8, 0xFF, 0xC2, 0xFF, 0xDA, 0xFF, 0xD9);
    SEGMENT(&file, 0xFE, 'h', 'i');
    add_quantization(&file);
    add_frame(&file);
    add_scan(&file);
    add_end(&file);
    assert_int_equal(assert_whole(&file).size, file.size);
}

static void thumbnail_does_not_end_a_picture_that_is_cut_off(void **state)
{
    struct segments file = {0};

    (void)state;
    add_start(&file);
    add_quantization(&file);
    add_frame(&file);
    SEGMENT(&file, 0xE1, 0xFF, 0xD8, 0xFF, 0xD9);
    add_scan(&file);
    assert_refused(&file, JFIF_CUT_OFF);
}

static void fill_bytes_before_markers_are_allowed(void **state)
{
    struct segments file = {0};

    (void)state;
    add_start(&file);
    ADD(&file, 0xFF, 0xFF, 0xFF);
    add_quantization(&file);
    add_frame(&file);
    ADD(&file, 0xFF);
    add_scan(&file);
    ADD(&file, 0xFF, 0xFF);
    add_end(&file);
    assert_int_equal(assert_whole(&file).size, file.size);
}

static void picture_with_a_scan_for_each_component_is_whole(void **state)
{
    struct segments file = {0};

    (void)state;
    add_head(&file);
    for (uint8_t id = 1; id <= 3; id++) {
        SEGMENT(&file, 0xDA, 1, id, 0, 0, 63, 0);
        ADD(&file, 1, 2, 3);
        add_quantization(&file);
    }
    add_end(&file);
    assert_whole(&file);
}

static void picture_that_lacks_the_scan_of_a_component_is_cut_off(void **state)
{
    struct segments file = {0};

    (void)state;
    add_head(&file);
    SEGMENT(&file, 0xDA, 2, 1, 0, 2, 0, 0, 63, 0);
    ADD(&file, 1, 2, 3);
    add_end(&file);
    assert_refused(&file, JFIF_CUT_OFF);
}

static void restarts(struct segments *file, uint8_t interval, int count, int lost)
{
    add_head(file);
    SEGMENT(file, 0xDD, 0, interval);
    add_scan(file);
    for (int i = 0; i < count; i++) {
        if (i != lost) {
            ADD(file, 0xFF, (uint8_t)(0xD0 + i % 8), 7, 0xFF, 0x00);
        }
    }
    add_end(file);
}

static void restart_markers_count_around(void **state)
{
    struct segments file = {0};

    (void)state;
    restarts(&file, 1, 19, -1);
    assert_int_equal(assert_whole(&file).size, file.size);
}

static void restart_marker_that_is_missing_is_noticed(void **state)
{
    struct segments file = {0};

    (void)state;
    restarts(&file, 1, 19, 11);
    assert_refused(&file, JFIF_BAD_SCAN);
}

static void restart_marker_without_an_interval_is_refused(void **state)
{
    struct segments file = {0}, without = {0};

    (void)state;
    restarts(&file, 0, 1, -1);
    assert_refused(&file, JFIF_BAD_SCAN);
    add_head(&without);
    add_scan(&without);
    ADD(&without, 0xFF, 0xD0, 1);
    add_end(&without);
    assert_refused(&without, JFIF_BAD_SCAN);
}

static void nothing_is_empty(void **state)
{
    struct segments file = {0};

    (void)state;
    assert_refused(&file, JFIF_EMPTY);
    assert_int_equal(jfif_check(NULL, 0, NULL), JFIF_EMPTY);
}

static void size_beyond_the_limit_is_refused_unread(void **state)
{
    static const uint8_t one_byte = 0xFF;

    (void)state;
    assert_int_equal(jfif_check(&one_byte, JFIF_SIZE_MAX + 1, NULL), JFIF_TOO_LARGE);
}

static void other_formats_are_no_jpeg(void **state)
{
    struct segments one = {.bytes = {0xFF}, .size = 1};
    struct segments png = {.bytes = {0x89, 'P', 'N', 'G'}, .size = 4};
    struct segments half = {.bytes = {0xFF, 0xD9, 0xFF, 0xD8}, .size = 4};

    (void)state;
    assert_refused(&one, JFIF_NOT_JPEG);
    assert_refused(&png, JFIF_NOT_JPEG);
    assert_refused(&half, JFIF_NOT_JPEG);
}

static void file_without_a_scan_is_refused(void **state)
{
    struct segments empty = {0}, head = {0}, start = {0}, fill = {0};

    (void)state;
    add_start(&empty);
    add_end(&empty);
    assert_refused(&empty, JFIF_NO_SCAN);
    add_head(&head);
    assert_refused(&head, JFIF_NO_SCAN);
    add_start(&start);
    assert_refused(&start, JFIF_NO_SCAN);
    add_start(&fill);
    ADD(&fill, 0xFF, 0xFF);
    assert_refused(&fill, JFIF_NO_SCAN);
}

static void scan_without_data_is_cut_off(void **state)
{
    struct segments file = {0}, filled = {0};

    (void)state;
    add_head(&file);
    add_scan_header(&file);
    assert_refused(&file, JFIF_CUT_OFF);
    ADD(&file, 0xFF);
    assert_refused(&file, JFIF_CUT_OFF);
    ADD(&file, 0xD9);
    assert_refused(&file, JFIF_CUT_OFF);
    add_head(&filled);
    add_scan_header(&filled);
    ADD(&filled, 0xFF, 0xFF, 0xD9);
    assert_refused(&filled, JFIF_CUT_OFF);
}

static void data_may_start_with_a_stuffed_byte(void **state)
{
    struct segments file = {0};

    (void)state;
    add_head(&file);
    add_scan_header(&file);
    ADD(&file, 0xFF, 0x00);
    add_end(&file);
    assert_whole(&file);
}

static void picture_without_end_is_cut_off(void **state)
{
    struct segments file = {0};

    (void)state;
    add_head(&file);
    add_scan(&file);
    assert_refused(&file, JFIF_CUT_OFF);
    ADD(&file, 0xFF);
    assert_refused(&file, JFIF_CUT_OFF);
    ADD(&file, 0xFE, 0, 2);
    assert_refused(&file, JFIF_CUT_OFF);
}

static void real_picture_cut_at_any_byte_is_refused(void **state)
{
    struct render_scene scene = render_scene(48, 48, 20, 70, 40);
    struct jpeg_picture picture;
    struct jpeg *jpeg = NULL;
    struct jfif_info info;
    uint8_t rgb[48 * 48 * 3];

    (void)state;
    scene.grain = 20;
    render_corridor(&scene, rgb);
    assert_int_equal(jpeg_new(48, 48, 80, &jpeg), 0);
    assert_int_equal(jpeg_fit_rgb(jpeg, rgb, 48, 48, sizeof(rgb) / 48, &picture), 0);
    assert_int_equal(jfif_check(picture.bytes, picture.size, &info), JFIF_OK);
    assert_int_equal(info.size, picture.size);
    for (size_t size = 0; size < picture.size; size++) {
        uint8_t *cut = malloc(size + (size == 0));

        assert_non_null(cut);
        memcpy(cut, picture.bytes, size);
        assert_int_not_equal(jfif_check(cut, size, &info), JFIF_OK);
        free(cut);
    }
    jpeg_free(jpeg);
}

static void every_error_has_its_own_text(void **state)
{
    (void)state;
    for (int a = JFIF_OK; a <= JFIF_CUT_OFF; a++) {
        for (int b = JFIF_OK; b < a; b++) {
            assert_string_not_equal(jfif_error_text((enum jfif_error)a),
                                    jfif_error_text((enum jfif_error)b));
        }
    }
    assert_string_equal(jfif_error_text(JFIF_CUT_OFF), "is cut off (no end-of-image marker)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_picture_tells_its_shape),
        cmocka_unit_test(picture_of_one_component_is_whole),
        cmocka_unit_test(picture_without_huffman_tables_says_so),
        cmocka_unit_test(huffman_tables_behind_a_scan_come_too_late),
        cmocka_unit_test(padding_behind_the_end_is_not_part_of_the_picture),
        cmocka_unit_test(thumbnail_in_a_segment_is_jumped_over),
        cmocka_unit_test(thumbnail_does_not_end_a_picture_that_is_cut_off),
        cmocka_unit_test(fill_bytes_before_markers_are_allowed),
        cmocka_unit_test(picture_with_a_scan_for_each_component_is_whole),
        cmocka_unit_test(picture_that_lacks_the_scan_of_a_component_is_cut_off),
        cmocka_unit_test(restart_markers_count_around),
        cmocka_unit_test(restart_marker_that_is_missing_is_noticed),
        cmocka_unit_test(restart_marker_without_an_interval_is_refused),
        cmocka_unit_test(nothing_is_empty),
        cmocka_unit_test(size_beyond_the_limit_is_refused_unread),
        cmocka_unit_test(other_formats_are_no_jpeg),
        cmocka_unit_test(file_without_a_scan_is_refused),
        cmocka_unit_test(scan_without_data_is_cut_off),
        cmocka_unit_test(data_may_start_with_a_stuffed_byte),
        cmocka_unit_test(picture_without_end_is_cut_off),
        cmocka_unit_test(real_picture_cut_at_any_byte_is_refused),
        cmocka_unit_test(every_error_has_its_own_text),
    };

    return cmocka_run_group_tests_name("jfif", tests, NULL, NULL);
}
