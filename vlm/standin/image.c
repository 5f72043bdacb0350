/* See image.h. */
#include "vlm/standin/image.h"

#include <errno.h>
#include <stdlib.h>
#include <turbojpeg.h>

enum {
    PATCH = 48,           /* pixels a side of one token */
    LOOK_WIDTH_MIN = 100, /* picture.c gets little better with more */
    SHRINK_MAX = 8,       /* TurboJPEG's smallest DCT scale that every version has */
    SIDE_MAX = 16384,     /* larger pictures are refused before memory is taken for them */
};

/* 0..63, or -1 for a character that ends the data. */
static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int image_file_decode(const char *base64, size_t size, struct image_file *ret_file)
{
    uint8_t *data = malloc(size / 4 * 3 + 4);
    size_t count = 0;
    uint32_t bits = 0;
    int held = 0;

    if (data == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < size; i++) {
        int value = base64_value(base64[i]);

        if (value < 0) {
            break;
        }
        bits = bits << 6 | (uint32_t)value;
        held += 6;
        if (held >= 8) {
            held -= 8;
            data[count++] = (uint8_t)(bits >> held);
        }
    }
    *ret_file = (struct image_file){.data = data, .size = count};
    return 0;
}

void image_file_fini(struct image_file *file)
{
    free(file->data);
    *file = (struct image_file){0};
}

static uint64_t file_hash(const struct image_file *file)
{
    uint64_t hash = 0xcbf29ce484222325U;

    for (size_t i = 0; i < file->size; i++) {
        hash = (hash ^ file->data[i]) * 0x100000001b3U;
    }
    return hash;
}

/* Decodes at the smallest scale that is still wide enough to look at. */
static int look(tjhandle turbo, const struct image_file *file, struct image *image)
{
    tjscalingfactor scale = {1, SHRINK_MAX};

    while (scale.denom > 1 && TJSCALED(image->width, scale) < LOOK_WIDTH_MIN) {
        scale.denom /= 2;
    }

    int width = TJSCALED(image->width, scale), height = TJSCALED(image->height, scale);
    uint8_t *rgb = calloc((size_t)width * (size_t)height, 3);

    if (rgb == NULL) {
        return -ENOMEM;
    }

    int failed = tjDecompress2(turbo, file->data, file->size, rgb, width, 0, height, TJPF_RGB, 0);

    /* A warning is a file that ends early or has bad bytes in its scan. */
    if (failed != 0 && tjGetErrorCode(turbo) != TJERR_WARNING) {
        free(rgb);
        return -EBADMSG;
    }
    picture_measure(rgb, width, height, &image->floor);
    free(rgb);
    return 0;
}

int image_read(const struct image_file *file, struct image *ret_image)
{
    struct image image = {.hash = file_hash(file)};
    int subsampling, colours;
    tjhandle turbo = tjInitDecompress();

    if (turbo == NULL) {
        return -ENOMEM;
    }

    int error = -EBADMSG;

    if (file->size > 0 &&
        tjDecompressHeader3(turbo, file->data, file->size, &image.width, &image.height,
                            &subsampling, &colours) == 0 &&
        image.width > 0 && image.height > 0 && image.width <= SIDE_MAX &&
        image.height <= SIDE_MAX) {
        error = look(turbo, file, &image);
    }
    (void)tjDestroy(turbo);
    if (error == 0) {
        *ret_image = image;
    }
    return error;
}

int image_tokens(const struct image *image, int tokens_min, int tokens_max)
{
    int across = (image->width + PATCH / 2) / PATCH;
    int down = (image->height + PATCH / 2) / PATCH;
    int tokens = across * down;

    return tokens < tokens_min ? tokens_min : tokens > tokens_max ? tokens_max : tokens;
}
