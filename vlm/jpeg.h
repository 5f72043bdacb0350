/* The picture as the model gets it: a baseline 4:2:0 JPEG of the configured size.
 *
 * A JPEG that already has the send size passes through untouched after jfif_check, unless it leaves
 * out its Huffman tables, which a llama-server cannot read. Any other is decoded at the smallest
 * DCT scale that still covers the send size, resampled to cover it, cropped (the top of a picture
 * that is too high: a car's model needs the floor; both sides of one that is too wide) and encoded.
 * A smaller picture is enlarged. RGB frames and planes of Y, Cb and Cr take the same way without
 * the decoder; 4:2:0 planes of the send size go straight into the encoder.
 *
 * Ownership: the encoder owns its buffers, allocated once for the sizes seen so far and reused;
 * what it hands out is valid until the next call on it, pass-through bytes as long as the caller's
 * input. One thread at a time.
 *
 * The only file that includes turbojpeg.h in the agent.
 */
#ifndef VLM_JPEG_H
#define VLM_JPEG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vlm/jfif.h"

struct jpeg;

struct jpeg_picture {
    const uint8_t *bytes;
    size_t size;
    bool passed_through; /* the input's own bytes */
};

enum jpeg_result {
    JPEG_REFUSED = 1, /* the input is no whole, decodable picture: see jpeg_error */
};

/* `width_px` and `height_px` of the send size, 1..JFIF_SIDE_MAX, `quality` 1..100. 0, -EINVAL or
 * -ENOMEM. Free with jpeg_free, which accepts NULL. */
int jpeg_new(int width_px, int height_px, int quality, struct jpeg **ret_jpeg);
void jpeg_free(struct jpeg *jpeg);

/* From a JPEG. Refused is also whatever the decoder only warns about (data that ends early or does
 * not decode) and a picture whose colours are not Y, Cb, Cr. 0, JPEG_REFUSED or -ENOMEM. */
int jpeg_fit(struct jpeg *jpeg, const uint8_t *bytes, size_t size,
             struct jpeg_picture *ret_picture);

/* From packed 8-bit R, G, B rows of `stride` bytes. 0, JPEG_REFUSED (a side of 0 or more than
 * JFIF_SIDE_MAX, a stride shorter than a row or more than INT_MAX) or -ENOMEM. */
int jpeg_fit_rgb(struct jpeg *jpeg, const uint8_t *rgb, int width_px, int height_px, size_t stride,
                 struct jpeg_picture *ret_picture);

/* A picture as planes of Y, Cb and Cr, 8 bits a sample, full range. */
struct jpeg_planes {
    int width_px, height_px;
    bool half_height; /* 4:2:0; or 4:2:2 */
    const uint8_t *plane[3];
    int stride[3]; /* bytes; rows are readable to a multiple of RESAMPLE_BLOCK samples */
};

/* From planes. 0, JPEG_REFUSED (a side of 0 or more than JFIF_SIDE_MAX, a stride shorter than such
 * a row) or -ENOMEM. */
int jpeg_fit_planes(struct jpeg *jpeg, const struct jpeg_planes *planes,
                    struct jpeg_picture *ret_picture);

/* Why the last refused call refused, as the end of a sentence that starts with the file's name.
 * Valid until the next call. */
const char *jpeg_error(const struct jpeg *jpeg);

#endif
