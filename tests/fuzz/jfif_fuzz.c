/* Any bytes: jfif_check ends, says the same again, and what it calls whole is whole at exactly the
 * size it names and at no shorter one. What it calls whole and is small also goes through jpeg_fit
 * (TurboJPEG behind it), whose result must be a whole picture of the send size; and whatever was
 * refused, the next good picture is not. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vlm/jfif.h"
#include "vlm/jpeg.h"

#define SEND_WIDTH  96
#define SEND_HEIGHT 64
#define DECODE_MAX  512 /* px; larger pictures only cost time */

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_info(const uint8_t *bytes, size_t size, const struct jfif_info *info)
{
    struct jfif_info again;

    MUST(info->size <= size && info->size >= 4);
    MUST(bytes[info->size - 2] == 0xFF && bytes[info->size - 1] == 0xD9);
    MUST(info->width_px >= 1 && info->width_px <= JFIF_SIDE_MAX);
    MUST(info->height_px >= 1 && info->height_px <= JFIF_SIDE_MAX);
    MUST(info->components == 1 || info->components == 3);
    MUST(jfif_check(bytes, info->size, &again) == JFIF_OK && again.size == info->size);
    MUST(jfif_check(bytes, info->size - 1, &again) != JFIF_OK);
    MUST(jfif_check(bytes, info->size / 2, &again) != JFIF_OK);
}

static struct jpeg_picture good_picture(void)
{
    static const uint8_t rgb[40 * 24 * 3] = {1, 2, 3};
    struct jpeg_picture picture;
    struct jpeg *jpeg;
    uint8_t *bytes;

    MUST(jpeg_new(40, 24, 70, &jpeg) == 0);
    MUST(jpeg_fit_rgb(jpeg, rgb, 40, 24, sizeof(rgb) / 24, &picture) == 0);
    bytes = malloc(picture.size);
    MUST(bytes != NULL);
    memcpy(bytes, picture.bytes, picture.size);
    jpeg_free(jpeg);
    return (struct jpeg_picture){.bytes = bytes, .size = picture.size};
}

static void check_fit(struct jpeg *jpeg, struct jpeg_picture good, const uint8_t *bytes,
                      size_t size)
{
    struct jpeg_picture picture;
    struct jfif_info info;
    int r = jpeg_fit(jpeg, bytes, size, &picture);

    if (r != 0) {
        MUST(r == JPEG_REFUSED && jpeg_error(jpeg)[0] != '\0');
        MUST(jpeg_fit(jpeg, good.bytes, good.size, &picture) == 0);
        return;
    }
    MUST(jfif_check(picture.bytes, picture.size, &info) == JFIF_OK);
    MUST(info.size == picture.size && info.has_huffman);
    MUST(info.width_px == SEND_WIDTH && info.height_px == SEND_HEIGHT);
    MUST((picture.bytes == bytes) == picture.passed_through);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct jpeg_picture good;
    static struct jpeg *jpeg;
    struct jfif_info info;
    enum jfif_error error = jfif_check(bytes, size, &info);

    if (jpeg == NULL) {
        MUST(jpeg_new(SEND_WIDTH, SEND_HEIGHT, 70, &jpeg) == 0);
        good = good_picture();
    }
    MUST(jfif_error_text(error) != NULL);
    if (error != JFIF_OK) {
        return 0;
    }
    check_info(bytes, size, &info);
    if (info.width_px <= DECODE_MAX && info.height_px <= DECODE_MAX) {
        check_fit(jpeg, good, bytes, size);
    }
    return 0;
}
