/* jpeg: the picture that comes out, whatever went in. Inputs are painted and encoded with
 * TurboJPEG; results are decoded with it and measured. What is claimed about geometry is measured
 * as the position of edges, in fractions of a pixel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <turbojpeg.h>

#include "tests/unit/jpeg_fixture.h"
#include "tests/unit/render.h"
#include "vlm/jpeg.h"

static uint8_t *pixel(const struct image *image, int x, int y)
{
    return image->rgb + 3 * ((size_t)y * (size_t)image->width + (size_t)x);
}

static void paint(struct image *image, int x0, int y0, int x1, int y1, struct render_rgb colour)
{
    for (int y = y0; y < y1; y++) {
        for (int x = x0; x < x1; x++) {
            memcpy(pixel(image, x, y), &colour, 3);
        }
    }
}

static struct image image_flat(int width, int height, struct render_rgb colour)
{
    struct image image = image_new(width, height);

    paint(&image, 0, 0, width, height, colour);
    return image;
}

static struct image decode(struct jpeg_picture picture)
{
    tjhandle handle = tjInitDecompress();
    struct image image;
    int width, height, sampling, colours;

    assert_int_equal(tjDecompressHeader3(handle, picture.bytes, picture.size, &width, &height,
                                         &sampling, &colours),
                     0);
    image = image_new(width, height);
    assert_int_equal(tjDecompress2(handle, picture.bytes, picture.size, image.rgb, width, 0, height,
                                   TJPF_RGB, TJFLAG_STOPONWARNING),
                     0);
    tjDestroy(handle);
    return image;
}

static bool is_near(const uint8_t *rgb, struct render_rgb colour, int tolerance)
{
    return abs(rgb[0] - colour.r) <= tolerance && abs(rgb[1] - colour.g) <= tolerance &&
           abs(rgb[2] - colour.b) <= tolerance;
}

static void assert_pixel(const struct image *image, int x, int y, struct render_rgb colour)
{
    const uint8_t *rgb = pixel(image, x, y);

    if (!is_near(rgb, colour, 8)) {
        fail_msg("pixel %d,%d is %d,%d,%d", x, y, rgb[0], rgb[1], rgb[2]);
    }
}

static const struct render_rgb red = {200, 40, 40}, blue = {40, 40, 200}, green = {40, 160, 40},
                               grey = {128, 128, 128};

static const int samplings[] = {TJSAMP_444, TJSAMP_422, TJSAMP_420,
                                TJSAMP_440, TJSAMP_411, TJSAMP_GRAY};
#define SAMPLINGS (sizeof(samplings) / sizeof(samplings[0]))

static void impossible_settings_are_invalid(void **state)
{
    struct jpeg *jpeg = NULL;

    (void)state;
    assert_int_equal(jpeg_new(0, 48, 80, &jpeg), -EINVAL);
    assert_int_equal(jpeg_new(48, 0, 80, &jpeg), -EINVAL);
    assert_int_equal(jpeg_new(JFIF_SIDE_MAX + 1, 48, 80, &jpeg), -EINVAL);
    assert_int_equal(jpeg_new(48, JFIF_SIDE_MAX + 1, 80, &jpeg), -EINVAL);
    assert_int_equal(jpeg_new(48, 48, 0, &jpeg), -EINVAL);
    assert_int_equal(jpeg_new(48, 48, 101, &jpeg), -EINVAL);
    assert_null(jpeg);
    jpeg_free(NULL);
}

static void picture_of_send_size_passes_through(void **state)
{
    struct encoded file = image_encode(image_corridor(SEND_WIDTH, SEND_HEIGHT), TJSAMP_444, 0);
    struct jpeg *jpeg = jpeg_make(SEND_WIDTH, SEND_HEIGHT);
    struct jpeg_picture picture = jpeg_fitted(jpeg, file);

    (void)state;
    assert_true(picture.passed_through);
    assert_ptr_equal(picture.bytes, file.bytes);
    assert_int_equal(picture.size, file.size);
    jpeg_free(jpeg);
    free(file.bytes);
}

static void padding_behind_the_end_is_not_passed_on(void **state)
{
    struct encoded file = image_encode(image_corridor(SEND_WIDTH, SEND_HEIGHT), TJSAMP_420, 0);
    struct jpeg *jpeg = jpeg_make(SEND_WIDTH, SEND_HEIGHT);
    struct encoded padded = {calloc(1, file.size + 9), file.size + 9};

    (void)state;
    memcpy(padded.bytes, file.bytes, file.size);
    assert_int_equal(jpeg_fitted(jpeg, padded).size, file.size);
    jpeg_free(jpeg);
    free(file.bytes);
    free(padded.bytes);
}

/* As a USB camera in Motion JPEG mode sends it. */
static struct encoded without_huffman_tables(struct encoded file)
{
    struct encoded shorter = {malloc(file.size), 2};
    size_t at = 2;

    memcpy(shorter.bytes, file.bytes, 2);
    while (file.bytes[at + 1] != 0xDA) {
        size_t length = 2 + (size_t)(file.bytes[at + 2] << 8 | file.bytes[at + 3]);

        if (file.bytes[at + 1] != 0xC4) {
            memcpy(shorter.bytes + shorter.size, file.bytes + at, length);
            shorter.size += length;
        }
        at += length;
    }
    memcpy(shorter.bytes + shorter.size, file.bytes + at, file.size - at);
    shorter.size += file.size - at;
    return shorter;
}

static void motion_jpeg_of_send_size_gets_its_tables(void **state)
{
    struct encoded file = image_encode(image_corridor(SEND_WIDTH, SEND_HEIGHT), TJSAMP_422, 0);
    struct encoded motion = without_huffman_tables(file);
    struct jpeg *jpeg = jpeg_make(SEND_WIDTH, SEND_HEIGHT);
    struct jpeg_picture picture = jpeg_fitted(jpeg, motion);
    struct image before = decode((struct jpeg_picture){.bytes = file.bytes, .size = file.size});
    struct image after = decode(picture);

    (void)state;
    assert_false(picture.passed_through);
    assert_send_picture(picture, SEND_WIDTH, SEND_HEIGHT);
    assert_true(is_near(pixel(&after, 5, 5), *(struct render_rgb *)pixel(&before, 5, 5), 30));
    free(before.rgb);
    free(after.rgb);
    free(motion.bytes);
    free(file.bytes);
    jpeg_free(jpeg);
}

/* Larger and smaller, odd, tiny, high and wide ones, in every sampling. */
static void every_shape_and_sampling_becomes_the_send_picture(void **state)
{
    static const int sides[][2] = {{128, 96}, {1, 1},     {2, 3},    {97, 49},
                                   {95, 47},  {192, 96},  {17, 300}, {300, 9},
                                   {333, 7},  {801, 601}, {96, 49},  {1000, 500}};
    struct jpeg *jpeg = jpeg_make(SEND_WIDTH, SEND_HEIGHT);

    (void)state;
    for (size_t s = 0; s < SAMPLINGS; s++) {
        for (size_t i = 0; i < sizeof(sides) / sizeof(sides[0]); i++) {
            struct encoded file =
                image_encode(image_flat(sides[i][0], sides[i][1], grey), samplings[s], 0);
            struct jpeg_picture picture = jpeg_fitted(jpeg, file);
            struct image image = decode(picture);

            assert_send_picture(picture, SEND_WIDTH, SEND_HEIGHT);
            for (int k = 0; k < SEND_WIDTH * SEND_HEIGHT; k++) {
                assert_true(is_near(image.rgb + 3 * k, grey, 1));
            }
            free(image.rgb);
            free(file.bytes);
        }
    }
    jpeg_free(jpeg);
}

static void send_size_may_be_odd(void **state)
{
    struct encoded file = image_encode(image_flat(200, 200, red), TJSAMP_420, 0);
    struct jpeg *jpeg = jpeg_make(51, 37);
    struct jpeg_picture picture = jpeg_fitted(jpeg, file);
    struct image image = decode(picture);

    (void)state;
    assert_send_picture(picture, 51, 37);
    assert_pixel(&image, 50, 36, red);
    assert_pixel(&image, 0, 0, red);
    free(image.rgb);
    free(file.bytes);
    jpeg_free(jpeg);
}

static void colours_stay_in_every_sampling(void **state)
{
    struct jpeg *jpeg = jpeg_make(SEND_WIDTH, SEND_HEIGHT);

    (void)state;
    for (size_t s = 0; s < SAMPLINGS - 1; s++) {
        struct encoded file = image_encode(image_flat(150, 130, red), samplings[s], 0);
        struct image image = decode(jpeg_fitted(jpeg, file));

        assert_pixel(&image, 48, 24, red);
        free(image.rgb);
        free(file.bytes);
    }
    jpeg_free(jpeg);
}

static void grey_picture_after_a_coloured_one_is_grey(void **state)
{
    struct encoded coloured = image_encode(image_flat(150, 130, red), TJSAMP_420, 0);
    struct encoded file = image_encode(image_flat(150, 130, grey), TJSAMP_GRAY, 0);
    struct jpeg *jpeg = jpeg_make(SEND_WIDTH, SEND_HEIGHT);
    struct image image;

    (void)state;
    (void)jpeg_fitted(jpeg, coloured);
    image = decode(jpeg_fitted(jpeg, file));
    assert_pixel(&image, 10, 10, grey);
    free(image.rgb);
    free(coloured.bytes);
    free(file.bytes);
    jpeg_free(jpeg);
}

/* 192 x 144 covers 96 x 48 as 96 x 72: the upper 48 of 144 rows go. */
static void picture_that_is_too_high_loses_its_top(void **state)
{
    struct image in = image_flat(192, 144, blue);
    struct jpeg *jpeg = jpeg_make(SEND_WIDTH, SEND_HEIGHT);
    struct encoded file;
    struct image out;

    (void)state;
    paint(&in, 0, 0, 192, 48, red);
    paint(&in, 0, 136, 192, 144, green);
    file = image_encode(in, TJSAMP_444, 0);
    out = decode(jpeg_fitted(jpeg, file));
    assert_pixel(&out, 48, 1, blue);
    assert_pixel(&out, 48, 41, blue);
    assert_pixel(&out, 48, 46, green);
    free(out.rgb);
    free(file.bytes);
    jpeg_free(jpeg);
}

/* 256 x 96 covers 96 x 48 as 128 x 48: 32 columns go on the left and on the right. */
static void picture_that_is_too_wide_loses_both_sides(void **state)
{
    struct image in = image_flat(256, 96, blue);
    struct jpeg *jpeg = jpeg_make(SEND_WIDTH, SEND_HEIGHT);
    struct encoded file;
    struct image out;

    (void)state;
    paint(&in, 0, 0, 32, 96, red);
    paint(&in, 224, 0, 256, 96, red);
    paint(&in, 32, 0, 48, 96, green);
    paint(&in, 208, 0, 224, 96, green);
    file = image_encode(in, TJSAMP_444, 0);
    out = decode(jpeg_fitted(jpeg, file));
    assert_pixel(&out, 1, 24, green);
    assert_pixel(&out, 12, 24, blue);
    assert_pixel(&out, 83, 24, blue);
    assert_pixel(&out, 94, 24, green);
    free(out.rgb);
    free(file.bytes);
    jpeg_free(jpeg);
}

/* Where a step from one value to another stands along a row or column: the mean says it, however
 * the step is smoothed. */
static double edge_position(const uint8_t *samples, int count, int stride)
{
    double first = samples[0], last = samples[(size_t)(count - 1) * (size_t)stride];
    double sum = 0;

    for (int i = 0; i < count; i++) {
        sum += samples[(size_t)i * (size_t)stride] - last;
    }
    return sum / (first - last);
}

struct edges {
    double x[3], y[3]; /* per plane, in pixels of the picture */
};

/* Of a picture whose left upper quarter is red and the rest blue. */
static struct edges edges_get(struct jpeg_picture picture, int width, int height)
{
    unsigned char *memory = malloc(tjBufSizeYUV2(width, 1, height, TJSAMP_420));
    tjhandle handle = tjInitDecompress();
    struct edges edges;
    uint8_t *plane = memory;

    assert_int_equal(
        tjDecompressToYUV2(handle, picture.bytes, picture.size, memory, width, 1, height, 0), 0);
    for (int i = 0; i < 3; i++) {
        int w = tjPlaneWidth(i, width, TJSAMP_420), h = tjPlaneHeight(i, height, TJSAMP_420);

        edges.x[i] = edge_position(plane + (size_t)w * 2, w, 1) * (i == 0 ? 1 : 2);
        edges.y[i] = edge_position(plane + 2, h, w) * (i == 0 ? 1 : 2);
        plane += (size_t)w * (size_t)h;
    }
    tjDestroy(handle);
    free(memory);
    return edges;
}

static void assert_edges(struct edges edges, double x, double y)
{
    for (int i = 0; i < 3; i++) {
        if (fabs(edges.x[i] - x) > 0.15 || fabs(edges.y[i] - y) > 0.15) {
            fail_msg("plane %d: edges at %.2f %.2f, not %.2f %.2f", i, edges.x[i], edges.y[i], x,
                     y);
        }
    }
}

/* The edges lie on multiples of 32, so that no sampling of the input smears them unevenly. */
static struct image image_quarter(int width, int height, int x, int y)
{
    struct image image = image_flat(width, height, blue);

    paint(&image, 0, 0, x, y, red);
    return image;
}

static void edges_stay_where_they_are_in_every_plane(void **state)
{
    /* width, height, and an edge that lies in the part that is shown */
    static const int cases[][4] = {
        {1024, 512, 512, 256}, /* DCT scale, then a copy */
        {128, 64, 64, 32},     /* resampled */
        {320, 160, 128, 96},   /* DCT scale and resampled */
        {320, 300, 160, 224},  /* top cropped */
        {640, 160, 352, 64},   /* sides cropped */
        {64, 32, 32, 16},      /* enlarged */
        {250, 201, 128, 160},  /* odd */
    };
    struct jpeg *jpeg = jpeg_make(SEND_WIDTH, SEND_HEIGHT);

    (void)state;
    for (size_t s = 0; s < SAMPLINGS - 1; s++) {
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            const int *c = cases[i];
            struct encoded file =
                image_encode(image_quarter(c[0], c[1], c[2], c[3]), samplings[s], 0);
            double step = fmin((double)c[0] / SEND_WIDTH, (double)c[1] / SEND_HEIGHT);
            double left = (c[0] - SEND_WIDTH * step) / 2, top = c[1] - SEND_HEIGHT * step;

            assert_edges(edges_get(jpeg_fitted(jpeg, file), SEND_WIDTH, SEND_HEIGHT),
                         (c[2] - left) / step, (c[3] - top) / step);
            free(file.bytes);
        }
    }
    jpeg_free(jpeg);
}

/* Stripes of two pixels in 128 are one and a half in 96. A decoder scaled below the send size would
 * have lost them before they are enlarged. */
static void detail_is_not_lost_to_the_dct_scale(void **state)
{
    struct jpeg *jpeg = jpeg_make(SEND_WIDTH, SEND_HEIGHT);
    struct image in = image_flat(128, 64, (struct render_rgb){40, 40, 40});
    double sum = 0;
    struct encoded file;
    struct image out;

    (void)state;
    for (int x = 0; x < 128; x += 4) {
        paint(&in, x, 0, x + 2, 64, (struct render_rgb){210, 210, 210});
    }
    file = image_encode(in, TJSAMP_444, 0);
    out = decode(jpeg_fitted(jpeg, file));
    for (int x = 0; x < SEND_WIDTH; x++) {
        sum += abs(*pixel(&out, x, 24) - 125);
    }
    assert_true(sum / SEND_WIDTH > 65); /* of 85 in the input */
    free(out.rgb);
    free(file.bytes);
    jpeg_free(jpeg);
}

static void rgb_takes_the_same_way(void **state)
{
    struct jpeg *jpeg = jpeg_make(SEND_WIDTH, SEND_HEIGHT);
    struct image image = image_quarter(320, 300, 160, 224);
    double step = 320.0 / SEND_WIDTH;
    struct jpeg_picture picture;

    (void)state;
    assert_int_equal(jpeg_fit_rgb(jpeg, image.rgb, 320, 300, 960, &picture), 0);
    assert_send_picture(picture, SEND_WIDTH, SEND_HEIGHT);
    assert_edges(edges_get(picture, SEND_WIDTH, SEND_HEIGHT), SEND_WIDTH / 2.0,
                 (224 - (300 - SEND_HEIGHT * step)) / step);
    assert_int_equal(jpeg_fit_rgb(jpeg, image.rgb, 1, 1, 3, &picture), 0);
    assert_send_picture(picture, SEND_WIDTH, SEND_HEIGHT);
    free(image.rgb);
    jpeg_free(jpeg);
}

static void rgb_of_send_size_is_only_encoded(void **state)
{
    struct jpeg *jpeg = jpeg_make(SEND_WIDTH, SEND_HEIGHT);
    struct image image = image_quarter(SEND_WIDTH, SEND_HEIGHT, 32, 32);
    struct jpeg_picture picture;

    (void)state;
    assert_int_equal(
        jpeg_fit_rgb(jpeg, image.rgb, SEND_WIDTH, SEND_HEIGHT, 3 * SEND_WIDTH, &picture), 0);
    assert_false(picture.passed_through);
    assert_send_picture(picture, SEND_WIDTH, SEND_HEIGHT);
    assert_edges(edges_get(picture, SEND_WIDTH, SEND_HEIGHT), 32, 32);
    free(image.rgb);
    jpeg_free(jpeg);
}

static void padding_of_rgb_rows_is_not_seen(void **state)
{
    struct jpeg *jpeg = jpeg_make(SEND_WIDTH, SEND_HEIGHT);
    struct image image = image_flat(200, 100, red);
    struct jpeg_picture picture;
    struct image out;

    (void)state;
    paint(&image, 128, 0, 200, 100, green); /* 128 px of each row belong to the picture */
    assert_int_equal(jpeg_fit_rgb(jpeg, image.rgb, 128, 100, 600, &picture), 0);
    out = decode(picture);
    assert_pixel(&out, SEND_WIDTH - 1, 20, red);
    free(out.rgb);
    free(image.rgb);
    jpeg_free(jpeg);
}

static void impossible_rgb_is_refused(void **state)
{
    static const struct {
        int width, height;
        size_t stride;
    } cases[] = {{0, 5, 9},
                 {5, 0, 15},
                 {-1, 5, 15},
                 {5, -1, 15},
                 {5, 5, 14},
                 {JFIF_SIDE_MAX + 1, 5, 3 * (JFIF_SIDE_MAX + 1)},
                 {5, JFIF_SIDE_MAX + 1, 15},
                 {5, 5, (size_t)INT_MAX + 1}};
    struct jpeg *jpeg = jpeg_make(SEND_WIDTH, SEND_HEIGHT);
    struct jpeg_picture picture;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(
            jpeg_fit_rgb(jpeg, NULL, cases[i].width, cases[i].height, cases[i].stride, &picture),
            JPEG_REFUSED);
        assert_int_equal(strncmp(jpeg_error(jpeg), "has ", 4), 0);
    }
    jpeg_free(jpeg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(impossible_settings_are_invalid),
        cmocka_unit_test(picture_of_send_size_passes_through),
        cmocka_unit_test(padding_behind_the_end_is_not_passed_on),
        cmocka_unit_test(motion_jpeg_of_send_size_gets_its_tables),
        cmocka_unit_test(every_shape_and_sampling_becomes_the_send_picture),
        cmocka_unit_test(send_size_may_be_odd),
        cmocka_unit_test(colours_stay_in_every_sampling),
        cmocka_unit_test(grey_picture_after_a_coloured_one_is_grey),
        cmocka_unit_test(picture_that_is_too_high_loses_its_top),
        cmocka_unit_test(picture_that_is_too_wide_loses_both_sides),
        cmocka_unit_test(edges_stay_where_they_are_in_every_plane),
        cmocka_unit_test(detail_is_not_lost_to_the_dct_scale),
        cmocka_unit_test(rgb_takes_the_same_way),
        cmocka_unit_test(rgb_of_send_size_is_only_encoded),
        cmocka_unit_test(padding_of_rgb_rows_is_not_seen),
        cmocka_unit_test(impossible_rgb_is_refused),
    };

    return cmocka_run_group_tests_name("jpeg", tests, NULL, NULL);
}
