/* A picture as it comes in a request: base64 text, then a JPEG file.
 *
 * As lenient and as strict as the real server (facts section 0 and 3): base64 ends silently at the
 * first foreign character, a JPEG cut off in the middle of its scan is decoded as far as it goes,
 * and anything without a readable header is refused. Other formats than JPEG, which the real server
 * also reads, are refused here. Any thread.
 */
#ifndef VLM_STANDIN_IMAGE_H
#define VLM_STANDIN_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "vlm/standin/picture.h"

/* The file's bytes. Zeroed is empty. */
struct image_file {
    uint8_t *data;
    size_t size;
};

/* What a question needs to know of a picture. */
struct image {
    uint64_t hash; /* FNV-1a of the file's bytes: the cache's identity of the picture */
    int width, height;
    struct picture_floor floor;
};

/* Decodes `size` characters. 0, or -ENOMEM. The caller frees with image_file_fini(). */
int image_file_decode(const char *base64, size_t size, struct image_file *ret_file);
void image_file_fini(struct image_file *file);

/* Reads and looks at the picture. 0, -EBADMSG when it is no JPEG, -ENOMEM. */
int image_read(const struct image_file *file, struct image *ret_image);

/* Tokens that the picture takes in the prompt: one for 48 x 48 pixels, within the limits (facts
 * section 7). */
int image_tokens(const struct image *image, int tokens_min, int tokens_max);

#endif
