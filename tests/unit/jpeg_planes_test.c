/* jpeg_fit_planes: a camera's planes become the same picture as its pixels would. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <turbojpeg.h>

#include "agent/core/picture.h"
#include "hal/camera/pixels.h"
#include "tests/unit/jpeg_fixture.h"
#include "vlm/jpeg.h"

#define ROW 16

/* Planes as TurboJPEG makes them of an image, in memory without a byte too many. */
struct made {
    uint8_t *memory[3];
    struct jpeg_planes planes;
};

static struct made planes_of(const struct image *image, int sampling)
{
    struct made made = {.planes = {.width_px = image->width,
                                   .height_px = image->height,
                                   .half_height = sampling == TJSAMP_420}};
    tjhandle handle = tjInitCompress();

    for (int i = 0; i < 3; i++) {
        int width = tjPlaneWidth(i, image->width, sampling);
        int height = tjPlaneHeight(i, image->height, sampling);

        made.planes.stride[i] = (width + ROW - 1) / ROW * ROW;
        made.memory[i] = calloc((size_t)height, (size_t)made.planes.stride[i]);
        assert_non_null(made.memory[i]);
        made.planes.plane[i] = made.memory[i];
    }
    assert_int_equal(tjEncodeYUVPlanes(handle, image->rgb, image->width, 0, image->height, TJPF_RGB,
                                       made.memory, made.planes.stride, sampling, 0),
                     0);
    tjDestroy(handle);
    return made;
}

static void made_free(struct made *made)
{
    for (int i = 0; i < 3; i++) {
        free(made->memory[i]);
    }
}

static uint8_t *copy_of(const struct jpeg_picture *picture)
{
    uint8_t *copy = malloc(picture->size);

    assert_non_null(copy);
    memcpy(copy, picture->bytes, picture->size);
    return copy;
}

/* The mean difference of two pictures' samples of red, green and blue. */
static double difference(struct jpeg_picture a, struct jpeg_picture b)
{
    static uint8_t rgb[2][3 * SEND_WIDTH * SEND_HEIGHT];
    const struct jpeg_picture *pictures[] = {&a, &b};
    tjhandle handle = tjInitDecompress();
    double sum = 0;

    for (int i = 0; i < 2; i++) {
        assert_int_equal(tjDecompress2(handle, pictures[i]->bytes, pictures[i]->size, rgb[i],
                                       SEND_WIDTH, 0, SEND_HEIGHT, TJPF_RGB, TJFLAG_STOPONWARNING),
                         0);
    }
    for (size_t i = 0; i < sizeof(rgb[0]); i++) {
        sum += abs(rgb[0][i] - rgb[1][i]);
    }
    tjDestroy(handle);
    return sum / sizeof(rgb[0]);
}

static void planes_take_the_way_of_pixels(void **state)
{
    static const int sizes[][2] = {{SEND_WIDTH, SEND_HEIGHT}, {640, 480}, {97, 61}, {31, 17}};
    static const int samplings[] = {TJSAMP_420, TJSAMP_422};
    struct jpeg *jpeg = jpeg_make(SEND_WIDTH, SEND_HEIGHT);

    (void)state;
    for (size_t i = 0; i < 2 * sizeof(sizes) / sizeof(sizes[0]); i++) {
        int width = sizes[i / 2][0], height = sizes[i / 2][1];
        struct image image = image_corridor(width, height);
        struct made made = planes_of(&image, samplings[i % 2]);
        struct jpeg_picture of_rgb, of_planes;
        uint8_t *kept;

        assert_int_equal(jpeg_fit_rgb(jpeg, image.rgb, width, height, 3 * (size_t)width, &of_rgb),
                         0);
        of_rgb.bytes = kept = copy_of(&of_rgb);
        assert_int_equal(jpeg_fit_planes(jpeg, &made.planes, &of_planes), 0);
        assert_false(of_planes.passed_through);
        assert_send_picture(of_planes, SEND_WIDTH, SEND_HEIGHT);
        if (difference(of_rgb, of_planes) > (samplings[i % 2] == TJSAMP_420 ? 0.5 : 2.0)) {
            fail_msg("%dx%d, sampling %d: differs by %.2f", width, height, samplings[i % 2],
                     difference(of_rgb, of_planes));
        }
        free(kept);
        made_free(&made);
        free(image.rgb);
    }
    jpeg_free(jpeg);
}

/* The encoder uses its own planes for the next picture, whatever it borrowed before. */
static void borrowed_planes_are_given_back(void **state)
{
    struct jpeg *jpeg = jpeg_make(SEND_WIDTH, SEND_HEIGHT);
    struct encoded file = image_encode(image_corridor(320, 240), TJSAMP_422, 0);
    struct jpeg_picture before = jpeg_fitted(jpeg, file), after;
    uint8_t *kept = copy_of(&before);

    (void)state;
    for (int size = 32; size <= 640; size += 608) {
        struct image image = image_corridor(size, size);
        struct made made = planes_of(&image, TJSAMP_420);
        struct jpeg_picture picture;

        assert_int_equal(jpeg_fit_planes(jpeg, &made.planes, &picture), 0);
        made_free(&made);
        free(image.rgb);
        after = jpeg_fitted(jpeg, file);
        assert_int_equal(after.size, before.size);
        assert_memory_equal(after.bytes, kept, after.size);
    }
    free(kept);
    free(file.bytes);
    jpeg_free(jpeg);
}

static void impossible_planes_are_refused(void **state)
{
    static const struct {
        int width, height, luma, chroma;
    } cases[] = {
        {0, 5, 16, 16},   {5, 0, 16, 16},  {-1, 5, 16, 16}, {JFIF_SIDE_MAX + 1, 5, 9000, 5000},
        {17, 5, 31, 16},  {33, 5, 48, 31}, {16, 5, 15, 16}, {5, JFIF_SIDE_MAX + 1, 16, 16},
        {16, 5, -16, 16}, {16, 5, 16, 0},
    };
    struct jpeg *jpeg = jpeg_make(SEND_WIDTH, SEND_HEIGHT);

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct jpeg_planes planes = {.width_px = cases[i].width,
                                     .height_px = cases[i].height,
                                     .stride = {cases[i].luma, cases[i].chroma, cases[i].chroma}};
        struct jpeg_picture picture;

        assert_int_equal(jpeg_fit_planes(jpeg, &planes, &picture), JPEG_REFUSED);
        assert_int_equal(strncmp(jpeg_error(jpeg), "has ", 4), 0);
    }
    jpeg_free(jpeg);
}

/* From the camera's buffer to the picture that is sent, in each format: they all show the same. */
static void every_format_of_a_camera_shows_the_same(void **state)
{
    enum {
        WIDTH = 160,
        HEIGHT = 120
    };
    static uint8_t bytes[PIXELS_FORMATS][3 * WIDTH * HEIGHT], room[4 * WIDTH * HEIGHT];
    struct image image = image_corridor(WIDTH, HEIGHT);
    struct made half = planes_of(&image, TJSAMP_420), full = planes_of(&image, TJSAMP_422);
    struct jpeg *jpeg = jpeg_make(SEND_WIDTH, SEND_HEIGHT);
    struct jpeg_picture first = {0};
    uint8_t *kept = NULL;

    (void)state;
    memcpy(bytes[PIXELS_RGB], image.rgb, 3 * WIDTH * HEIGHT);
    for (int i = 0; i < WIDTH * HEIGHT; i++) {
        for (int c = 0; c < 3; c++) {
            bytes[PIXELS_BGR][3 * i + c] = image.rgb[3 * i + 2 - c];
        }
        bytes[PIXELS_YUYV][2 * i] = full.memory[0][i];
        bytes[PIXELS_YUYV][2 * i + 1] = full.memory[1 + i % 2][i / 2];
        bytes[PIXELS_NV12][i] = bytes[PIXELS_YUV420][i] = half.memory[0][i];
    }
    for (int i = 0; i < WIDTH * HEIGHT / 4; i++) {
        bytes[PIXELS_NV12][WIDTH * HEIGHT + 2 * i] = half.memory[1][i];
        bytes[PIXELS_NV12][WIDTH * HEIGHT + 2 * i + 1] = half.memory[2][i];
        bytes[PIXELS_YUV420][WIDTH * HEIGHT + i] = half.memory[1][i];
        bytes[PIXELS_YUV420][WIDTH * HEIGHT * 5 / 4 + i] = half.memory[2][i];
    }
    for (int format = PIXELS_YUV420; format <= PIXELS_BGR; format++) {
        int per_pixel = format == PIXELS_YUYV ? 2 : format >= PIXELS_RGB ? 3 : 1;
        struct pixels_source source = {
            .format = (enum pixels_format)format,
            .width_px = WIDTH,
            .height_px = HEIGHT,
            .stride = (size_t)(WIDTH * per_pixel),
            .plane = {{bytes[format], sizeof(bytes[format]), sizeof(bytes[format])}},
            .plane_count = 1};
        struct jpeg_picture picture;
        struct frame frame = {0};

        assert_true(pixels_room(&source) <= sizeof(room));
        assert_int_equal(pixels_convert(&source, room, &frame), PIXELS_OK);
        assert_int_equal(picture_fit(jpeg, &frame, &picture), 0);
        if (kept == NULL) {
            first = picture;
            first.bytes = kept = copy_of(&picture);
        }
        if (difference(first, picture) > 2.0) {
            fail_msg("format %d differs by %.2f", format, difference(first, picture));
        }
    }
    free(kept);
    made_free(&half);
    made_free(&full);
    free(image.rgb);
    jpeg_free(jpeg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(planes_take_the_way_of_pixels),
        cmocka_unit_test(borrowed_planes_are_given_back),
        cmocka_unit_test(impossible_planes_are_refused),
        cmocka_unit_test(every_format_of_a_camera_shows_the_same),
    };

    return cmocka_run_group_tests_name("jpeg_planes", tests, NULL, NULL);
}
