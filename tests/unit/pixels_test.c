/* pixels: what a camera leaves in its buffer becomes planes, RGB or a JPEG, or has a reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hal/camera/pixels.h"

/* Memory of exactly the size that is asked for, so that a sanitizer sees a byte too far. */
static uint8_t *room_of(const struct pixels_source *source)
{
    size_t size = pixels_room(source);
    uint8_t *room = malloc(size == 0 ? 1 : size);

    assert_non_null(room);
    memset(room, 0xEE, size);
    return room;
}

static struct pixels_source source_of(enum pixels_format format, int width, int height,
                                      size_t stride)
{
    return (struct pixels_source){
        .format = format, .width_px = width, .height_px = height, .stride = stride};
}

static void add_plane(struct pixels_source *source, const uint8_t *bytes, size_t size)
{
    source->plane[source->plane_count++] =
        (struct pixels_plane){.bytes = bytes, .length = size, .used = size};
}

/* A copy of exactly these bytes, to be freed. */
static uint8_t *copy_of(const uint8_t *bytes, size_t size)
{
    uint8_t *copy = malloc(size);

    assert_non_null(copy);
    memcpy(copy, bytes, size);
    return copy;
}

#define COPY(...) copy_of((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void yuyv_is_sorted_into_planes_of_full_height(void **state)
{
    /* 3x2 of an odd width: the second Y of the last pair is padding. Rows of 10 bytes; the last one
     * ends with its pixels. */
    uint8_t *bytes = COPY(1, 101, 2, 201, 3, 102, 99, 202, 88, 88, /* */
                          4, 103, 5, 203, 6, 104, 99, 204);
    struct pixels_source source = source_of(PIXELS_YUYV, 3, 2, 10);
    struct frame frame = {.seq = 7};
    uint8_t *room;

    (void)state;
    add_plane(&source, bytes, 18);
    room = room_of(&source);
    assert_int_equal(pixels_convert(&source, room, &frame), PIXELS_OK);
    assert_int_equal(frame.format, FRAME_YUV422);
    assert_int_equal(frame.seq, 7);
    assert_int_equal(frame.width_px, 3);
    assert_int_equal(frame.height_px, 2);
    assert_int_equal(frame.stride[0], 16);
    assert_int_equal(frame.stride[1], 16);
    assert_memory_equal(frame.plane[0], ((uint8_t[]){1, 2, 3}), 3);
    assert_memory_equal(frame.plane[0] + 16, ((uint8_t[]){4, 5, 6}), 3);
    assert_memory_equal(frame.plane[1], ((uint8_t[]){101, 102}), 2);
    assert_memory_equal(frame.plane[1] + 16, ((uint8_t[]){103, 104}), 2);
    assert_memory_equal(frame.plane[2], ((uint8_t[]){201, 202}), 2);
    assert_memory_equal(frame.plane[2] + 16, ((uint8_t[]){203, 204}), 2);
    free(room);
    free(bytes);
}

static void assert_four_by_two(const struct frame *frame)
{
    assert_int_equal(frame->format, FRAME_YUV420);
    assert_memory_equal(frame->plane[0], ((uint8_t[]){1, 2, 3, 4}), 4);
    assert_memory_equal(frame->plane[0] + frame->stride[0], ((uint8_t[]){5, 6, 7, 8}), 4);
    assert_memory_equal(frame->plane[1], ((uint8_t[]){11, 12}), 2);
    assert_memory_equal(frame->plane[2], ((uint8_t[]){21, 22}), 2);
}

static void nv12_is_sorted_from_one_piece_or_two(void **state)
{
    uint8_t *bytes = COPY(1, 2, 3, 4, 0, 0, 5, 6, 7, 8, 0, 0, 11, 21, 12, 22);

    (void)state;
    for (int pieces = 1; pieces <= 2; pieces++) {
        struct pixels_source source = source_of(PIXELS_NV12, 4, 2, 6);
        struct frame frame = {0};
        uint8_t *room;

        add_plane(&source, bytes, pieces == 1 ? 16 : 12);
        if (pieces == 2) {
            add_plane(&source, bytes + 12, 4);
        }
        room = room_of(&source);
        assert_int_equal(pixels_convert(&source, room, &frame), PIXELS_OK);
        assert_four_by_two(&frame);
        free(room);
    }
    free(bytes);
}

static void yuv420_has_half_rows_of_colour(void **state)
{
    uint8_t *bytes = COPY(1, 2, 3, 4, 0, 0, 5, 6, 7, 8, 0, 0, 11, 12, 0, 21, 22);

    (void)state;
    for (int pieces = 1; pieces <= 3; pieces += 2) {
        struct pixels_source source = source_of(PIXELS_YUV420, 4, 2, 6);
        struct frame frame = {0};
        uint8_t *room;

        add_plane(&source, bytes, pieces == 1 ? 17 : 12);
        if (pieces == 3) {
            add_plane(&source, bytes + 12, 3);
            add_plane(&source, bytes + 15, 2);
        }
        room = room_of(&source);
        assert_int_equal(pixels_convert(&source, room, &frame), PIXELS_OK);
        assert_four_by_two(&frame);
        free(room);
    }
    free(bytes);
}

static void rgb_keeps_its_order_and_bgr_is_turned(void **state)
{
    uint8_t *bytes = COPY(1, 2, 3, 4, 5, 6, 0, 0, 7, 8, 9, 10, 11, 12);
    static const uint8_t as_it_is[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    static const uint8_t turned[] = {3, 2, 1, 6, 5, 4, 9, 8, 7, 12, 11, 10};

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct pixels_source source = source_of(i == 0 ? PIXELS_RGB : PIXELS_BGR, 2, 2, 8);
        struct frame frame = {0};
        uint8_t *room;

        add_plane(&source, bytes, 14);
        room = room_of(&source);
        assert_int_equal(pixels_convert(&source, room, &frame), PIXELS_OK);
        assert_int_equal(frame.format, FRAME_RGB);
        assert_int_equal(frame.stride[0], 6);
        assert_memory_equal(frame.plane[0], i == 0 ? as_it_is : turned, 12);
        free(room);
    }
    free(bytes);
}

static void limited_range_is_spread_to_the_ends(void **state)
{
    uint8_t *bytes = COPY(16, 16, 235, 240, 0, 128, 255, 128);
    struct pixels_source source = source_of(PIXELS_YUYV, 4, 1, 8);
    struct frame frame = {0};
    uint8_t *room;

    (void)state;
    source.limited = true;
    add_plane(&source, bytes, 8);
    room = room_of(&source);
    assert_int_equal(pixels_convert(&source, room, &frame), PIXELS_OK);
    assert_memory_equal(frame.plane[0], ((uint8_t[]){0, 255, 0, 255}), 4);
    assert_int_equal(frame.plane[1][0], 0);
    assert_int_equal(frame.plane[2][0], 255);
    assert_int_equal(frame.plane[1][1], 128);
    free(room);
    free(bytes);
}

static enum pixels_result jpeg_of(const uint8_t *bytes, size_t size, size_t used,
                                  struct frame *frame, uint8_t **ret_room)
{
    struct pixels_source source = source_of(PIXELS_JPEG, 640, 480, 0);

    add_plane(&source, bytes, size);
    source.plane[0].used = used;
    *ret_room = room_of(&source);
    return pixels_convert(&source, *ret_room, frame);
}

static void a_jpeg_passes_with_padding_and_without(void **state)
{
    static const uint8_t whole[] = {0xFF, 0xD8, 1, 2, 0xFF, 0xD9, 0, 0, 0};

    (void)state;
    for (size_t used = 6; used <= sizeof(whole); used += 3) {
        struct frame frame = {0};
        uint8_t *room;

        assert_int_equal(jpeg_of(whole, sizeof(whole), used, &frame, &room), PIXELS_OK);
        assert_int_equal(frame.format, FRAME_JPEG);
        assert_int_equal(frame.size, used);
        assert_ptr_equal(frame.bytes, room);
        assert_memory_equal(frame.bytes, whole, used);
        free(room);
    }
}

static void a_jpeg_that_is_none_is_refused(void **state)
{
    static const uint8_t whole[] = {0xFF, 0xD8, 1, 2, 3, 0xFF, 0xD9};
    static const uint8_t other[] = {0xFF, 0xD9, 1, 2, 3, 0xFF, 0xD8};
    static const uint8_t zeros[8];
    static const struct {
        const uint8_t *bytes;
        size_t size, used;
        enum pixels_result expected;
    } cases[] = {
        {whole, 7, 0, PIXELS_EMPTY},    {whole, 0, 7, PIXELS_CUT_OFF},
        {whole, 7, 8, PIXELS_CUT_OFF},  {whole, 7, 6, PIXELS_CUT_OFF},
        {whole, 7, 3, PIXELS_NOT_JPEG}, {whole + 1, 6, 6, PIXELS_NOT_JPEG},
        {other, 7, 7, PIXELS_NOT_JPEG}, {zeros, 8, 8, PIXELS_NOT_JPEG},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct frame frame = {.seq = 9};
        uint8_t *room;

        assert_int_equal(jpeg_of(cases[i].bytes, cases[i].size, cases[i].used, &frame, &room),
                         cases[i].expected);
        assert_int_equal(frame.seq, 9);
        assert_null(frame.bytes);
        free(room);
    }
}

static void a_short_plane_is_refused(void **state)
{
    static const uint8_t bytes[64];
    static const enum pixels_format formats[] = {PIXELS_YUV420, PIXELS_NV12, PIXELS_YUYV,
                                                 PIXELS_RGB, PIXELS_BGR};
    /* 4x2 with a stride of 12, in one piece: what each needs. */
    static const size_t needed[] = {12 * 2 + 6 + 2, 12 * 2 + 4, 12 + 8, 12 + 12, 12 + 12};

    (void)state;
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        struct pixels_source source = source_of(formats[i], 4, 2, 12);
        struct frame frame = {0};
        uint8_t *room = room_of(&(struct pixels_source){
            .format = formats[i], .width_px = 4, .height_px = 2, .stride = 12, .plane_count = 1});

        add_plane(&source, bytes, sizeof(bytes));
        source.plane[0].used = needed[i];
        assert_int_equal(pixels_convert(&source, room, &frame), PIXELS_OK);
        source.plane[0].used = needed[i] - 1;
        assert_int_equal(pixels_convert(&source, room, &frame), PIXELS_SHORT);
        source.plane[0].used = sizeof(bytes);
        source.plane[0].length = needed[i] - 1;
        assert_int_equal(pixels_convert(&source, room, &frame), PIXELS_SHORT);
        source.plane[0].used = 0;
        assert_int_equal(pixels_convert(&source, room, &frame), PIXELS_EMPTY);
        free(room);
    }
}

static void an_impossible_shape_is_refused(void **state)
{
    static const uint8_t bytes[64];
    static const struct {
        enum pixels_format format;
        int width, height;
        size_t stride, planes;
    } cases[] = {
        {PIXELS_YUYV, 0, 2, 8, 1},     {PIXELS_YUYV, 4, 0, 8, 1},
        {PIXELS_YUYV, -4, 2, 8, 1},    {PIXELS_YUYV, 8193, 2, 32772, 1},
        {PIXELS_YUYV, 4, 8193, 8, 1},  {PIXELS_YUYV, 4, 2, 7, 1},
        {PIXELS_YUYV, 4, 2, 65537, 1}, {PIXELS_YUYV, 4, 2, 8, 2},
        {PIXELS_NV12, 4, 2, 3, 2},     {PIXELS_NV12, 3, 2, 3, 2}, /* two pairs need 4 */
        {PIXELS_NV12, 4, 2, 4, 3},     {PIXELS_YUV420, 4, 2, 4, 2},
        {PIXELS_YUV420, 3, 2, 3, 3}, /* rows of 1 for 2 */
        {PIXELS_RGB, 4, 2, 11, 1},     {PIXELS_RGB, 4, 2, 12, 0},
        {PIXELS_JPEG, 4, 2, 0, 2},     {PIXELS_JPEG, 4, 2, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct pixels_source source =
            source_of(cases[i].format, cases[i].width, cases[i].height, cases[i].stride);
        struct frame frame = {0};
        uint8_t room[1];

        while (source.plane_count < cases[i].planes) {
            add_plane(&source, bytes, sizeof(bytes));
        }
        assert_int_equal(pixels_room(&source), 0);
        assert_int_equal(pixels_convert(&source, room, &frame), PIXELS_SHAPE);
    }
}

static void every_reason_has_words(void **state)
{
    (void)state;
    for (int result = PIXELS_OK; result <= PIXELS_CUT_OFF; result++) {
        assert_true(strlen(pixels_result_text((enum pixels_result)result)) > 5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(yuyv_is_sorted_into_planes_of_full_height),
        cmocka_unit_test(nv12_is_sorted_from_one_piece_or_two),
        cmocka_unit_test(yuv420_has_half_rows_of_colour),
        cmocka_unit_test(rgb_keeps_its_order_and_bgr_is_turned),
        cmocka_unit_test(limited_range_is_spread_to_the_ends),
        cmocka_unit_test(a_jpeg_passes_with_padding_and_without),
        cmocka_unit_test(a_jpeg_that_is_none_is_refused),
        cmocka_unit_test(a_short_plane_is_refused),
        cmocka_unit_test(an_impossible_shape_is_refused),
        cmocka_unit_test(every_reason_has_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
