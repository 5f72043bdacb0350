/* See jfif.h. A JPEG is a row of segments: a marker (FF and a byte that is neither 00 nor FF, after
 * any number of fill bytes FF), for most markers a big-endian length that counts itself, and so
 * many bytes less two. Behind SOS stands entropy-coded data without a length. In it a data byte FF
 * is followed by a stuffed 00 and the only markers are RST0 to RST7, counted around; the next other
 * marker ends it. The walk therefore needs no table and no decoder, and a thumbnail with an EOI of
 * its own inside an APP segment is jumped over with its segment.
 *
 * The walk knows three states: before SOF0 (no components), before the first scan (nothing coded),
 * and behind it. A baseline picture codes each component in exactly one scan: all in one, or, not
 * interleaved, one after the other. A file that ends in EOI but left a component out is cut off,
 * too.
 *
 * `at` never exceeds `size`, and every loop moves it forward: any input ends the walk.
 */
#include "vlm/jfif.h"

#include <string.h>

#define COMPONENTS_MAX 3

enum {
    FILL = 0xFF,
    STUFFED = 0x00,
    SOF0 = 0xC0,
    SOF1 = 0xC1,
    SOF3 = 0xC3,
    DHT = 0xC4,
    SOF5 = 0xC5,
    SOF15 = 0xCF,
    RST0 = 0xD0,
    RST7 = 0xD7,
    SOI = 0xD8,
    EOI = 0xD9,
    SOS = 0xDA,
    DQT = 0xDB,
    DNL = 0xDC,
    DRI = 0xDD,
    DHP = 0xDE,
    EXP = 0xDF,
    APP0 = 0xE0,
    APP15 = 0xEF,
    COM = 0xFE,
};

struct walk {
    const uint8_t *bytes;
    size_t size;
    size_t at;
    struct jfif_info info; /* 0 components: SOF0 is still to come */
    uint8_t component_id[COMPONENTS_MAX];
    bool coded[COMPONENTS_MAX];
    int components_coded; /* how many of them; 0: before the first scan */
    bool has_quantization;
    bool has_restarts;
};

struct segment {
    const uint8_t *bytes; /* behind the length */
    size_t size;
};

static int read_be16(const uint8_t *bytes)
{
    return bytes[0] << 8 | bytes[1];
}

static enum jfif_error marker_next(struct walk *walk, uint8_t *ret_marker)
{
    if (walk->at < walk->size && walk->bytes[walk->at] != FILL) {
        return JFIF_BAD_SEGMENT;
    }
    while (walk->at < walk->size && walk->bytes[walk->at] == FILL) {
        walk->at++;
    }
    if (walk->at == walk->size) {
        return walk->components_coded > 0 ? JFIF_CUT_OFF : JFIF_NO_SCAN;
    }
    *ret_marker = walk->bytes[walk->at++];
    return JFIF_OK;
}

static enum jfif_error segment_next(struct walk *walk, struct segment *ret_segment)
{
    size_t left = walk->size - walk->at;
    size_t length = left < 2 ? 0 : (size_t)read_be16(&walk->bytes[walk->at]);

    if (length < 2 || length > left) {
        return JFIF_BAD_SEGMENT;
    }
    *ret_segment = (struct segment){.bytes = &walk->bytes[walk->at + 2], .size = length - 2};
    walk->at += length;
    return JFIF_OK;
}

static enum jfif_error frame_read(struct walk *walk, struct segment segment)
{
    const uint8_t *bytes = segment.bytes;
    int width_px, height_px, components;

    if (walk->info.components > 0 || segment.size < 6) {
        return JFIF_BAD_FRAME;
    }
    if (bytes[0] != 8) {
        return JFIF_NOT_BASELINE;
    }
    height_px = read_be16(&bytes[1]);
    width_px = read_be16(&bytes[3]);
    components = bytes[5];
    /* A height of 0 announces DNL behind the scan: hardly any decoder reads it. */
    if (width_px == 0 || height_px == 0 || segment.size != 6 + 3 * (size_t)components) {
        return JFIF_BAD_FRAME;
    }
    if (components != 1 && components != COMPONENTS_MAX) {
        return JFIF_BAD_FRAME;
    }
    if (width_px > JFIF_SIDE_MAX || height_px > JFIF_SIDE_MAX) {
        return JFIF_TOO_LARGE;
    }
    walk->info.width_px = width_px;
    walk->info.height_px = height_px;
    walk->info.components = components;
    for (int i = 0; i < components; i++) {
        walk->component_id[i] = bytes[6 + 3 * i];
    }
    return JFIF_OK;
}

static bool component_mark_coded(struct walk *walk, uint8_t id)
{
    for (int i = 0; i < walk->info.components; i++) {
        if (walk->component_id[i] == id && !walk->coded[i]) {
            walk->coded[i] = true;
            walk->components_coded++;
            return true;
        }
    }
    return false;
}

static enum jfif_error scan_header_read(struct walk *walk, struct segment segment)
{
    /* All 64 coefficients at full precision: what tells a sequential scan from a progressive. */
    static const uint8_t sequential[3] = {0, 63, 0};
    int components = segment.size > 0 ? segment.bytes[0] : 0;

    if (walk->info.components == 0) {
        return JFIF_NO_SCAN;
    }
    if (!walk->has_quantization) {
        return JFIF_NO_TABLES;
    }
    if (components == 0 || segment.size != 4 + 2 * (size_t)components ||
        memcmp(&segment.bytes[1 + 2 * components], sequential, sizeof(sequential)) != 0) {
        return JFIF_BAD_SCAN;
    }
    for (int i = 0; i < components; i++) {
        if (!component_mark_coded(walk, segment.bytes[1 + 2 * i])) {
            return JFIF_BAD_SCAN;
        }
    }
    return JFIF_OK;
}

/* Leaves the walk at the marker that ends the data. A restart marker out of order means that data
 * between two of them was lost: a USB camera that dropped a packet. */
static enum jfif_error scan_data_skip(struct walk *walk)
{
    const uint8_t *end = walk->bytes + walk->size;
    const uint8_t *at = walk->bytes + walk->at;
    unsigned restarts = 0;

    if (end - at >= 2 && at[0] == FILL && at[1] != STUFFED) {
        return JFIF_CUT_OFF; /* headers only: there is no picture without data */
    }
    for (;;) {
        at = memchr(at, FILL, (size_t)(end - at));
        if (at == NULL || end - at < 2) {
            return JFIF_CUT_OFF;
        }
        if (at[1] >= RST0 && at[1] <= RST7) {
            if (!walk->has_restarts || at[1] != RST0 + restarts % 8) {
                return JFIF_BAD_SCAN;
            }
            restarts++;
            at += 2;
        } else if (at[1] == STUFFED) {
            at += 2;
        } else if (at[1] == FILL) {
            at += 1;
        } else {
            walk->at = (size_t)(at - walk->bytes);
            return JFIF_OK;
        }
    }
}

static enum jfif_error scan_read(struct walk *walk, struct segment segment)
{
    enum jfif_error error = scan_header_read(walk, segment);

    return error != JFIF_OK ? error : scan_data_skip(walk);
}

static enum jfif_error restart_interval_read(struct walk *walk, struct segment segment)
{
    if (segment.size != 2) {
        return JFIF_BAD_SEGMENT;
    }
    walk->has_restarts = read_be16(segment.bytes) > 0;
    return JFIF_OK;
}

/* Markers that may not stand in a baseline picture, or not between two segments. */
static enum jfif_error marker_check(uint8_t marker)
{
    switch (marker) {
    case SOF1 ... SOF3:
    case SOF5 ... SOF15: /* with JPG and DAC (arithmetic) among them */
    case DHP:
    case EXP:
        return JFIF_NOT_BASELINE;
    case DNL:
        return JFIF_BAD_FRAME;
    case SOF0:
    case DHT:
    case EOI ... DQT: /* with SOS */
    case DRI:
    case APP0 ... APP15:
    case COM:
        return JFIF_OK;
    default: /* reserved ones, RSTn outside a scan, a second SOI */
        return JFIF_BAD_SEGMENT;
    }
}

static enum jfif_error segment_read(struct walk *walk, uint8_t marker)
{
    struct segment segment;
    enum jfif_error error = segment_next(walk, &segment);

    if (error != JFIF_OK) {
        return error;
    }
    switch (marker) {
    case SOF0:
        return frame_read(walk, segment);
    case SOS:
        return scan_read(walk, segment);
    case DRI:
        return restart_interval_read(walk, segment);
    case DQT:
        walk->has_quantization = true;
        return JFIF_OK;
    case DHT:
        walk->info.has_huffman |= walk->components_coded == 0;
        return JFIF_OK;
    default:
        return JFIF_OK;
    }
}

static enum jfif_error end_check(const struct walk *walk)
{
    if (walk->components_coded == 0) {
        return JFIF_NO_SCAN;
    }
    return walk->components_coded < walk->info.components ? JFIF_CUT_OFF : JFIF_OK;
}

static enum jfif_error picture_walk(struct walk *walk)
{
    for (;;) {
        uint8_t marker = 0;
        enum jfif_error error = marker_next(walk, &marker);

        if (error == JFIF_OK) {
            error = marker_check(marker);
        }
        if (error == JFIF_OK && marker == EOI) {
            return end_check(walk);
        }
        if (error == JFIF_OK) {
            error = segment_read(walk, marker);
        }
        if (error != JFIF_OK) {
            return error;
        }
    }
}

enum jfif_error jfif_check(const uint8_t *bytes, size_t size, struct jfif_info *ret_info)
{
    struct walk walk = {.bytes = bytes, .size = size, .at = 2};
    enum jfif_error error;

    if (size == 0) {
        return JFIF_EMPTY;
    }
    if (size > JFIF_SIZE_MAX) {
        return JFIF_TOO_LARGE;
    }
    if (size < 2 || bytes[0] != FILL || bytes[1] != SOI) {
        return JFIF_NOT_JPEG;
    }
    error = picture_walk(&walk);
    if (error != JFIF_OK) {
        return error;
    }
    walk.info.size = walk.at;
    *ret_info = walk.info;
    return JFIF_OK;
}

const char *jfif_error_text(enum jfif_error error)
{
    static const char *const text[] = {
        [JFIF_OK] = "is a whole baseline JPEG",
        [JFIF_EMPTY] = "is empty",
        [JFIF_TOO_LARGE] = "is too large (more than 16 MiB or a side of more than 8192 px)",
        [JFIF_NOT_JPEG] = "is no JPEG (no start-of-image marker)",
        [JFIF_BAD_SEGMENT] = "is broken (a marker or a segment's length is wrong)",
        [JFIF_NOT_BASELINE] = "is no baseline JPEG (progressive, arithmetic or not 8 bit)",
        [JFIF_BAD_FRAME] = "is broken or unusual (frame header: size, or not 1 or 3 components)",
        [JFIF_NO_TABLES] = "is broken (no quantization table)",
        [JFIF_BAD_SCAN] = "is broken (scan header, or a part of the scan is missing)",
        [JFIF_NO_SCAN] = "ends before its picture data",
        [JFIF_CUT_OFF] = "is cut off (no end-of-image marker)",
    };

    return text[error];
}
