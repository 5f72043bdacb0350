/* Is this a whole JPEG? Decided from the markers alone, before a byte of it is decoded or sent.
 *
 * A model server accepts a picture that was cut off in the middle of its scan and answers as if
 * nothing had happened, so this check is the only guard. It walks SOI, the segments with their
 * lengths, SOF0, each SOS and the entropy-coded data behind it up to EOI. Markers: ITU-T T.81,
 * annex B. What only decoding can find (wrong bits inside the scan) is not found here.
 *
 * Pure: no allocation, no I/O, any bytes, any thread.
 */
#ifndef VLM_JFIF_H
#define VLM_JFIF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JFIF_SIZE_MAX (16 * 1024 * 1024) /* bytes; larger input is refused unread */
#define JFIF_SIDE_MAX 8192               /* px */

/* Every way to be refused has its name. */
enum jfif_error {
    JFIF_OK,
    JFIF_EMPTY,
    JFIF_TOO_LARGE,    /* more than JFIF_SIZE_MAX bytes, or a side of more than JFIF_SIDE_MAX */
    JFIF_NOT_JPEG,     /* does not start with SOI */
    JFIF_BAD_SEGMENT,  /* a marker is missing where one must stand or may not stand there, or a
                          length is impossible or runs over the end */
    JFIF_NOT_BASELINE, /* progressive, lossless, arithmetic, hierarchical, not 8 bit: no SOF0 */
    JFIF_BAD_FRAME,    /* SOF0 with a wrong length, no size, other than 1 or 3 components; a second
                          SOF0; a size that comes later (DNL) */
    JFIF_NO_TABLES,    /* no quantization table before the scan */
    JFIF_BAD_SCAN,     /* SOS with a wrong length, not baseline, or with components that are not in
                          the frame or were coded before; restart markers out of order */
    JFIF_NO_SCAN,      /* ends before SOS, or SOS before SOF0 */
    JFIF_CUT_OFF,      /* no EOI after the scan, or EOI before every component was coded */
};

struct jfif_info {
    int width_px, height_px;
    int components; /* 1 or 3 */
    size_t size;    /* bytes up to and with EOI; what follows (padding of some cameras) is none of
                       the picture's */
    /* Carries Huffman tables before its first scan. The frames of many USB cameras (Motion JPEG) do
     * not; libjpeg-turbo then takes the usual tables, the stb_image of a llama-server fails. */
    bool has_huffman;
};

/* Returns JFIF_OK and the picture's shape, or why not; then `ret_info` is untouched. */
enum jfif_error jfif_check(const uint8_t *bytes, size_t size, struct jfif_info *ret_info);

/* "is cut off (no end-of-image marker)": the end of a sentence that starts with the file's name. */
const char *jfif_error_text(enum jfif_error error);

#endif
