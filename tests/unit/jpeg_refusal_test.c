/* jpeg: what cannot be decoded is refused with its reason, and the next good picture is fitted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <turbojpeg.h>

#include "tests/unit/jpeg_fixture.h"
#include "vlm/jpeg.h"

static void assert_fit_refused(struct jpeg *jpeg, struct encoded file, const char *text)
{
    struct jpeg_picture picture = {.size = 77}, before = picture;

    assert_int_equal(jpeg_fit(jpeg, file.bytes, file.size, &picture), JPEG_REFUSED);
    assert_memory_equal(&picture, &before, sizeof(picture));
    if (strncmp(jpeg_error(jpeg), text, strlen(text)) != 0) {
        fail_msg("\"%s\" instead of \"%s\"", jpeg_error(jpeg), text);
    }
}

static void picture_that_is_cut_off_is_refused(void **state)
{
    struct encoded file = image_encode(image_corridor(128, 96), TJSAMP_420, 0);
    struct jpeg *jpeg = jpeg_make(SEND_WIDTH, SEND_HEIGHT);

    (void)state;
    for (size_t size = 1; size < file.size; size++) {
        assert_fit_refused(jpeg, (struct encoded){file.bytes, size}, "");
    }
    assert_fit_refused(jpeg, (struct encoded){file.bytes, file.size / 2}, "is cut off");
    free(file.bytes);
    jpeg_free(jpeg);
}

/* Every marker in place: only the decoder can notice. */
static void missing_data_before_the_end_marker_is_refused(void **state)
{
    struct encoded file = image_encode(image_corridor(128, 96), TJSAMP_420, 0);
    struct jpeg *jpeg = jpeg_make(SEND_WIDTH, SEND_HEIGHT);

    (void)state;
    file.size /= 2;
    while (file.bytes[file.size - 1] == 0xFF) {
        file.size--;
    }
    file.bytes[file.size] = 0xFF;
    file.bytes[file.size + 1] = 0xD9;
    file.size += 2;
    assert_fit_refused(jpeg, file, "cannot be decoded: ");
    free(file.bytes);
    jpeg_free(jpeg);
}

static size_t segment_find(struct encoded file, uint8_t marker)
{
    size_t at = 2;

    while (file.bytes[at + 1] != marker) {
        at += 2 + (size_t)(file.bytes[at + 2] << 8 | file.bytes[at + 3]);
    }
    return at;
}

static void data_that_does_not_decode_is_refused(void **state)
{
    struct encoded file = image_encode(image_corridor(128, 96), TJSAMP_420, 0);
    struct jpeg *jpeg = jpeg_make(SEND_WIDTH, SEND_HEIGHT);
    size_t scan = segment_find(file, 0xDA) + 2 + 12;

    (void)state;
    memset(file.bytes + scan, 0x55, file.size - scan - 2);
    assert_fit_refused(jpeg, file, "cannot be decoded: ");
    free(file.bytes);
    jpeg_free(jpeg);
}

static void picture_of_four_inks_is_refused(void **state)
{
    tjhandle handle = tjInitCompress();
    struct jpeg *jpeg = jpeg_make(SEND_WIDTH, SEND_HEIGHT);
    unsigned char *bytes = NULL;
    unsigned long size = 0;
    uint8_t cmyk[32 * 32 * 4] = {0};

    (void)state;
    assert_int_equal(
        tjCompress2(handle, cmyk, 32, 0, 32, TJPF_CMYK, &bytes, &size, TJSAMP_444, 80, 0), 0);
    assert_fit_refused(jpeg, (struct encoded){bytes, size}, jfif_error_text(JFIF_BAD_FRAME));
    free(bytes);
    tjDestroy(handle);
    jpeg_free(jpeg);
}

static void progressive_picture_is_refused(void **state)
{
    struct encoded file = image_encode(image_corridor(128, 96), TJSAMP_420, TJFLAG_PROGRESSIVE);
    struct jpeg *jpeg = jpeg_make(SEND_WIDTH, SEND_HEIGHT);

    (void)state;
    assert_fit_refused(jpeg, file, jfif_error_text(JFIF_NOT_BASELINE));
    free(file.bytes);
    jpeg_free(jpeg);
}

/* Without a JFIF segment, components named R, G and B are what they are called. */
static void picture_in_other_colours_is_refused(void **state)
{
    struct encoded file = image_encode(image_corridor(128, 96), TJSAMP_444, 0);
    struct jpeg *jpeg = jpeg_make(SEND_WIDTH, SEND_HEIGHT);
    size_t app0 = segment_find(file, 0xE0);
    size_t frame = segment_find(file, 0xC0);
    size_t scan = segment_find(file, 0xDA);

    (void)state;
    file.bytes[app0 + 1] = 0xEF;
    for (size_t i = 0; i < 3; i++) {
        file.bytes[frame + 10 + 3 * i] = (uint8_t)"RGB"[i];
        file.bytes[scan + 5 + 2 * i] = (uint8_t)"RGB"[i];
    }
    assert_fit_refused(jpeg, file, "is stored in unusual colours");
    free(file.bytes);
    jpeg_free(jpeg);
}

static void sampling_unknown_to_turbojpeg_is_refused(void **state)
{
    struct encoded file = image_encode(image_corridor(128, 96), TJSAMP_444, 0);
    struct jpeg *jpeg = jpeg_make(SEND_WIDTH, SEND_HEIGHT);

    (void)state;
    file.bytes[segment_find(file, 0xC0) + 11] = 0x33;
    assert_fit_refused(jpeg, file, "");
    free(file.bytes);
    jpeg_free(jpeg);
}

/* TurboJPEG 2.1 does not get out of a header that it refused. */
static void picture_after_a_broken_header_is_fitted(void **state)
{
    struct encoded file = image_encode(image_corridor(128, 96), TJSAMP_420, 0);
    struct jpeg *jpeg = jpeg_make(SEND_WIDTH, SEND_HEIGHT);
    uint8_t *table = &file.bytes[segment_find(file, 0xDB) + 4];
    uint8_t number = *table;

    (void)state;
    *table = 15;
    assert_fit_refused(jpeg, file, "cannot be decoded: ");
    *table = number;
    assert_send_picture(jpeg_fitted(jpeg, file), SEND_WIDTH, SEND_HEIGHT);
    free(file.bytes);
    jpeg_free(jpeg);
}

static void encoder_works_on_after_a_refusal(void **state)
{
    struct encoded file = image_encode(image_corridor(128, 96), TJSAMP_420, 0);
    struct jpeg *jpeg = jpeg_make(SEND_WIDTH, SEND_HEIGHT);
    size_t scan = segment_find(file, 0xDA) + 2 + 12;
    uint8_t byte = file.bytes[scan];

    (void)state;
    assert_fit_refused(jpeg, (struct encoded){file.bytes, file.size - 2}, "is cut off");
    memset(file.bytes + scan, 0x55, 1);
    (void)jpeg_fit(jpeg, file.bytes, file.size, &(struct jpeg_picture){0});
    file.bytes[scan] = byte;
    assert_send_picture(jpeg_fitted(jpeg, file), SEND_WIDTH, SEND_HEIGHT);
    free(file.bytes);
    jpeg_free(jpeg);
}

/* Whatever byte is wrong: refused, or a whole picture of the send size, and the next good one is
 * fitted. */
static void any_wrong_byte_is_survived(void **state)
{
    static const uint8_t flips[] = {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xFF};
    struct encoded file = image_encode(image_corridor(40, 40), TJSAMP_420, 0);
    struct jpeg *jpeg = jpeg_make(SEND_WIDTH, SEND_HEIGHT);
    uint8_t *bytes = malloc(file.size);

    (void)state;
    memcpy(bytes, file.bytes, file.size);
    for (size_t at = 0; at < file.size; at++) {
        for (size_t i = 0; i < sizeof(flips); i++) {
            struct jpeg_picture picture;

            bytes[at] ^= flips[i];
            if (jpeg_fit(jpeg, bytes, file.size, &picture) == 0) {
                assert_send_picture(picture, SEND_WIDTH, SEND_HEIGHT);
            }
            bytes[at] ^= flips[i];
        }
        assert_send_picture(jpeg_fitted(jpeg, file), SEND_WIDTH, SEND_HEIGHT);
    }
    free(bytes);
    free(file.bytes);
    jpeg_free(jpeg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(picture_that_is_cut_off_is_refused),
        cmocka_unit_test(missing_data_before_the_end_marker_is_refused),
        cmocka_unit_test(data_that_does_not_decode_is_refused),
        cmocka_unit_test(picture_of_four_inks_is_refused),
        cmocka_unit_test(progressive_picture_is_refused),
        cmocka_unit_test(picture_in_other_colours_is_refused),
        cmocka_unit_test(sampling_unknown_to_turbojpeg_is_refused),
        cmocka_unit_test(picture_after_a_broken_header_is_fitted),
        cmocka_unit_test(encoder_works_on_after_a_refusal),
        cmocka_unit_test(any_wrong_byte_is_survived),
    };

    return cmocka_run_group_tests_name("jpeg_refusal", tests, NULL, NULL);
}
