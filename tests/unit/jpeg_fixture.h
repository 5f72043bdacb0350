/* What the tests of pictures share: pictures built segment by segment, as T.81 annex B draws them,
 * so that each can be wrong in exactly one place; and painted pictures, encoded with TurboJPEG, for
 * what only a decoder can tell. The verbs of the builder carry no prefix: they are read a hundred
 * times, one line for each segment.
 *
 * A helper that fails ends the running test.
 */
#ifndef TESTS_UNIT_JPEG_FIXTURE_H
#define TESTS_UNIT_JPEG_FIXTURE_H

#include <stddef.h>
#include <stdint.h>

#include "vlm/jfif.h"
#include "vlm/jpeg.h"

/* A picture under construction; starts zeroed. */
struct segments {
    uint8_t bytes[1024];
    size_t size;
};

void add_bytes(struct segments *file, const uint8_t *bytes, size_t size);

/* The bytes as they are; and as the payload of a segment with its marker and length. */
#define ADD(file, ...)                                                                             \
    add_bytes(file, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))
#define SEGMENT(file, marker, ...)                                                                 \
    do {                                                                                           \
        size_t length = 2 + sizeof((const uint8_t[]){__VA_ARGS__});                                \
        ADD(file, 0xFF, marker, (uint8_t)(length >> 8), (uint8_t)length);                          \
        ADD(file, __VA_ARGS__);                                                                    \
    } while (0)

/* The parts of a good picture, 16 px wide and 8 px high. */
void add_start(struct segments *file);
void add_quantization(struct segments *file);
void add_frame(struct segments *file); /* of three components, named 1, 2, 3 */
void add_grey_frame(struct segments *file);
void add_scan_header(struct segments *file);
void add_head(struct segments *file); /* all before the scan */
void add_scan(struct segments *file); /* its header and five bytes of data */
void add_end(struct segments *file);

/* jfif_check of a copy of exactly this size, so that a sanitizer sees a byte read too far. */
enum jfif_error segments_check(const struct segments *file, struct jfif_info *ret_info);

/* Is refused with this error, and nothing is told about it. */
void assert_refused(const struct segments *file, enum jfif_error expected);
struct jfif_info assert_whole(const struct segments *file);

#define SEND_WIDTH  96
#define SEND_HEIGHT 48

struct image {
    int width, height;
    uint8_t *rgb; /* rows without padding; to be freed */
};

struct encoded {
    uint8_t *bytes; /* to be freed */
    size_t size;
};

/* Black; and a painted corridor with grain (render.h). */
struct image image_new(int width, int height);
struct image image_corridor(int width, int height);

/* By TurboJPEG, at quality 95, with its TJSAMP_ and TJFLAG_ values. Frees the image. */
struct encoded image_encode(struct image image, int sampling, int flags);

/* An encoder of quality 95, to be freed with jpeg_free; and jpeg_fit that must not refuse. */
struct jpeg *jpeg_make(int width, int height);
struct jpeg_picture jpeg_fitted(struct jpeg *jpeg, struct encoded file);

/* It is what jpeg.h promises, whatever the input was: whole, of this size, 4:2:0, with tables. */
void assert_send_picture(struct jpeg_picture picture, int width, int height);

#endif
