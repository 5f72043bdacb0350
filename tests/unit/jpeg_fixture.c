/* See jpeg_fixture.h. */
#include "tests/unit/jpeg_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <turbojpeg.h>

#include "tests/unit/render.h"

void add_bytes(struct segments *file, const uint8_t *bytes, size_t size)
{
    assert_true(file->size + size <= sizeof(file->bytes));
    memcpy(file->bytes + file->size, bytes, size);
    file->size += size;
}

void add_start(struct segments *file)
{
    ADD(file, 0xFF, 0xD8);
}

void add_quantization(struct segments *file)
{
    SEGMENT(file, 0xDB, 0, 1, 2, 3);
}

void add_frame(struct segments *file)
{
    SEGMENT(file, 0xC0, 8, 0, 8, 0, 16, 3, 1, 0x11, 0, 2, 0x11, 1, 3, 0x11, 1);
}

void add_grey_frame(struct segments *file)
{
    SEGMENT(file, 0xC0, 8, 0, 8, 0, 16, 1, 1, 0x11, 0);
}

void add_scan_header(struct segments *file)
{
    SEGMENT(file, 0xDA, 3, 1, 0, 2, 0x11, 3, 0x11, 0, 63, 0);
}

void add_head(struct segments *file)
{
    add_start(file);
    add_quantization(file);
    add_frame(file);
    SEGMENT(file, 0xC4, 0, 1, 2, 3);
}

void add_scan(struct segments *file)
{
    add_scan_header(file);
    ADD(file, 1, 2, 0xFF, 0x00, 3);
}

void add_end(struct segments *file)
{
    ADD(file, 0xFF, 0xD9);
}

enum jfif_error segments_check(const struct segments *file, struct jfif_info *ret_info)
{
    uint8_t *bytes = malloc(file->size + (file->size == 0));
    enum jfif_error error;

    assert_non_null(bytes);
    memcpy(bytes, file->bytes, file->size);
    error = jfif_check(bytes, file->size, ret_info);
    free(bytes);
    return error;
}

void assert_refused(const struct segments *file, enum jfif_error expected)
{
    struct jfif_info info = {.width_px = 77}, before = info;

    assert_int_equal(segments_check(file, &info), expected);
    assert_memory_equal(&info, &before, sizeof(info));
}

struct jfif_info assert_whole(const struct segments *file)
{
    struct jfif_info info = {0};

    assert_int_equal(segments_check(file, &info), JFIF_OK);
    return info;
}

struct image image_new(int width, int height)
{
    struct image image = {width, height, calloc((size_t)width * (size_t)height, 3)};

    assert_non_null(image.rgb);
    return image;
}

struct image image_corridor(int width, int height)
{
    struct render_scene scene = render_scene(width, height, 20, 70, 40);
    struct image image = image_new(width, height);

    scene.grain = 20;
    render_corridor(&scene, image.rgb);
    return image;
}

struct encoded image_encode(struct image image, int sampling, int flags)
{
    tjhandle handle = tjInitCompress();
    unsigned char *bytes = NULL;
    unsigned long size = 0;

    assert_int_equal(tjCompress2(handle, image.rgb, image.width, 0, image.height, TJPF_RGB, &bytes,
                                 &size, sampling, 95, flags),
                     0);
    tjDestroy(handle);
    free(image.rgb);
    return (struct encoded){bytes, size};
}

struct jpeg *jpeg_make(int width, int height)
{
    struct jpeg *jpeg = NULL;

    assert_int_equal(jpeg_new(width, height, 95, &jpeg), 0);
    return jpeg;
}

void assert_send_picture(struct jpeg_picture picture, int width, int height)
{
    tjhandle handle = tjInitDecompress();
    struct jfif_info info;
    int w, h, sampling, colours;

    assert_int_equal(jfif_check(picture.bytes, picture.size, &info), JFIF_OK);
    assert_int_equal(info.size, picture.size);
    assert_int_equal(info.width_px, width);
    assert_int_equal(info.height_px, height);
    assert_true(info.has_huffman);
    assert_int_equal(
        tjDecompressHeader3(handle, picture.bytes, picture.size, &w, &h, &sampling, &colours), 0);
    assert_int_equal(sampling, TJSAMP_420);
    tjDestroy(handle);
}

struct jpeg_picture jpeg_fitted(struct jpeg *jpeg, struct encoded file)
{
    struct jpeg_picture picture = {0};

    assert_int_equal(jpeg_fit(jpeg, file.bytes, file.size, &picture), 0);
    return picture;
}
