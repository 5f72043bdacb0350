/* See pixels.h. Rows are copied rather than used in place: the buffer goes back to the camera, and
 * memory that a device writes is often uncached, so that each byte should be read once. What the
 * encoder takes as it is (planes, RGB) is only copied; NV12 and YUYV are sorted into planes, BGR is
 * turned around.
 */
#include "hal/camera/pixels.h"

#include <string.h>

#define ROW_BLOCK  16 /* see frame.h */
#define MARKER     0xFF
#define MARKER_SOI 0xD8
#define MARKER_EOI 0xD9

/* One plane of the source: a row has `row` bytes that count and begins every `stride` bytes. */
struct area {
    const uint8_t *bytes;
    size_t stride, row, rows;
};

struct layout {
    struct area area[PIXELS_PLANES];
    size_t count;
};

static size_t half(int side)
{
    return ((size_t)side + 1) / 2;
}

static size_t rounded(size_t width)
{
    return (width + ROW_BLOCK - 1) / ROW_BLOCK * ROW_BLOCK;
}

static size_t area_size(const struct area *area)
{
    return area->stride * (area->rows - 1) + area->row; /* the last row may end early */
}

/* The planes that the format has, without their bytes. */
static struct layout layout_of(const struct pixels_source *source)
{
    size_t width = (size_t)source->width_px, height = (size_t)source->height_px;
    size_t cw = half(source->width_px), ch = half(source->height_px), stride = source->stride;
    struct layout layout = {.area = {{.stride = stride, .row = width, .rows = height}}, .count = 1};

    switch (source->format) {
    case PIXELS_JPEG:
        break;
    case PIXELS_YUV420:
        layout.area[1] = layout.area[2] =
            (struct area){.stride = stride / 2, .row = cw, .rows = ch};
        layout.count = 3;
        break;
    case PIXELS_NV12:
        layout.area[1] = (struct area){.stride = stride, .row = 2 * cw, .rows = ch};
        layout.count = 2;
        break;
    case PIXELS_YUYV:
        layout.area[0].row = 4 * cw;
        break;
    case PIXELS_RGB:
    case PIXELS_BGR:
        layout.area[0].row = 3 * width;
        break;
    }
    return layout;
}

static bool is_possible(const struct pixels_source *source, const struct layout *layout)
{
    if (source->width_px < 1 || source->width_px > PIXELS_SIDE_MAX || source->height_px < 1 ||
        source->height_px > PIXELS_SIDE_MAX || source->stride > 8 * PIXELS_SIDE_MAX) {
        return false;
    }
    for (size_t i = 0; i < layout->count; i++) {
        if (layout->area[i].stride < layout->area[i].row) {
            return false;
        }
    }
    return source->plane_count == layout->count || source->plane_count == 1;
}

static size_t filled(const struct pixels_plane *plane)
{
    return plane->used < plane->length ? plane->used : plane->length;
}

/* Finds the bytes of each plane. */
static enum pixels_result layout_fill(const struct pixels_source *source, struct layout *layout)
{
    size_t offset = 0;

    for (size_t i = 0; i < layout->count; i++) {
        struct area *area = &layout->area[i];
        bool apart = source->plane_count == layout->count;
        const struct pixels_plane *plane = &source->plane[apart ? i : 0];
        size_t size = filled(plane), begin = apart ? 0 : offset;

        if (size == 0) {
            return PIXELS_EMPTY;
        }
        if (size < begin || size - begin < area_size(area)) {
            return PIXELS_SHORT;
        }
        area->bytes = plane->bytes + begin;
        offset += area->stride * area->rows;
    }
    return PIXELS_OK;
}

/* Bytes behind the end are padding of some cameras, and zero. */
static enum pixels_result jpeg_check(const uint8_t *bytes, size_t size)
{
    if (size == 0) {
        return PIXELS_EMPTY;
    }
    if (size < 4 || bytes[0] != MARKER || bytes[1] != MARKER_SOI) {
        return PIXELS_NOT_JPEG;
    }
    while (size > 4 && bytes[size - 1] == 0) {
        size--;
    }
    return bytes[size - 2] == MARKER && bytes[size - 1] == MARKER_EOI ? PIXELS_OK : PIXELS_CUT_OFF;
}

static enum pixels_result jpeg_copy(const struct pixels_plane *plane, uint8_t *room,
                                    struct frame *ret_frame)
{
    size_t size = filled(plane);
    enum pixels_result result =
        plane->used > plane->length ? PIXELS_CUT_OFF : jpeg_check(plane->bytes, size);

    if (result == PIXELS_OK) {
        memcpy(room, plane->bytes, size);
        ret_frame->format = FRAME_JPEG;
        ret_frame->bytes = room;
        ret_frame->size = size;
    }
    return result;
}

static void copy_rows(const struct area *area, uint8_t *out, size_t stride)
{
    for (size_t y = 0; y < area->rows; y++) {
        memcpy(out + y * stride, area->bytes + y * area->stride, area->row);
    }
}

static void sort_nv12(const struct area *area, uint8_t *cb, uint8_t *cr, size_t stride)
{
    for (size_t y = 0; y < area->rows; y++) {
        const uint8_t *in = area->bytes + y * area->stride;

        for (size_t x = 0; x < area->row / 2; x++) {
            cb[y * stride + x] = in[2 * x];
            cr[y * stride + x] = in[2 * x + 1];
        }
    }
}

/* `width` may be odd: then the second Y of the last pair is padding, and there is room for it. */
static void sort_yuyv(const struct area *area, uint8_t *const plane[3], size_t luma, size_t chroma)
{
    for (size_t y = 0; y < area->rows; y++) {
        const uint8_t *in = area->bytes + y * area->stride;

        for (size_t x = 0; x < area->row / 4; x++) {
            plane[0][y * luma + 2 * x] = in[4 * x];
            plane[1][y * chroma + x] = in[4 * x + 1];
            plane[0][y * luma + 2 * x + 1] = in[4 * x + 2];
            plane[2][y * chroma + x] = in[4 * x + 3];
        }
    }
}

static void turn_bgr(const struct area *area, uint8_t *out, size_t stride)
{
    for (size_t y = 0; y < area->rows; y++) {
        const uint8_t *in = area->bytes + y * area->stride;

        for (size_t x = 0; x < area->row; x += 3) {
            out[y * stride + x] = in[x + 2];
            out[y * stride + x + 1] = in[x + 1];
            out[y * stride + x + 2] = in[x];
        }
    }
}

/* `zero` and `span`: what is 0 and how much is as far as 127 or 255 goes (ITU-R BT.601). */
static void spread(uint8_t *bytes, size_t size, int zero, int span, int base)
{
    uint8_t table[256];

    for (int i = 0; i < 256; i++) {
        int scaled = (i - zero) * 255;
        int value = base + (scaled + (scaled < 0 ? -span : span) / 2) / span;

        table[i] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
    }
    for (size_t i = 0; i < size; i++) {
        bytes[i] = table[bytes[i]];
    }
}

/* The planes of Y, Cb and Cr that come out. */
struct target {
    size_t stride[3], size[3];
};

static struct target target_of(const struct pixels_source *source)
{
    size_t luma = rounded((size_t)source->width_px), chroma = rounded(half(source->width_px));
    size_t height = (size_t)source->height_px;
    size_t rows = source->format == PIXELS_YUYV ? height : half(source->height_px);

    return (struct target){.stride = {luma, chroma, chroma},
                           .size = {luma * height, chroma * rows, chroma * rows}};
}

static void planes_convert(const struct pixels_source *source, const struct layout *layout,
                           uint8_t *room, struct frame *ret_frame)
{
    struct target target = target_of(source);
    uint8_t *const plane[3] = {room, room + target.size[0], room + target.size[0] + target.size[1]};

    if (source->format == PIXELS_YUYV) {
        sort_yuyv(&layout->area[0], plane, target.stride[0], target.stride[1]);
    } else {
        copy_rows(&layout->area[0], plane[0], target.stride[0]);
    }
    if (source->format == PIXELS_NV12) {
        sort_nv12(&layout->area[1], plane[1], plane[2], target.stride[1]);
    } else if (source->format == PIXELS_YUV420) {
        copy_rows(&layout->area[1], plane[1], target.stride[1]);
        copy_rows(&layout->area[2], plane[2], target.stride[2]);
    }
    if (source->limited) {
        spread(plane[0], target.size[0], 16, 219, 0);
        spread(plane[1], target.size[1] + target.size[2], 128, 224, 128);
    }
    ret_frame->format = source->format == PIXELS_YUYV ? FRAME_YUV422 : FRAME_YUV420;
    for (int i = 0; i < FRAME_PLANES; i++) {
        ret_frame->plane[i] = plane[i];
        ret_frame->stride[i] = (int)target.stride[i];
    }
}

static void rgb_convert(const struct pixels_source *source, const struct area *area, uint8_t *room,
                        struct frame *ret_frame)
{
    if (source->format == PIXELS_BGR) {
        turn_bgr(area, room, area->row);
    } else {
        copy_rows(area, room, area->row);
    }
    ret_frame->format = FRAME_RGB;
    ret_frame->plane[0] = room;
    ret_frame->stride[0] = (int)area->row;
}

size_t pixels_room(const struct pixels_source *source)
{
    struct layout layout;

    if (source->format == PIXELS_JPEG) {
        return source->plane_count == 1 ? filled(&source->plane[0]) : 0;
    }
    layout = layout_of(source);
    if (!is_possible(source, &layout)) {
        return 0;
    }
    if (source->format == PIXELS_RGB || source->format == PIXELS_BGR) {
        return layout.area[0].row * layout.area[0].rows;
    }
    struct target target = target_of(source);

    return target.size[0] + target.size[1] + target.size[2];
}

enum pixels_result pixels_convert(const struct pixels_source *source, uint8_t *room,
                                  struct frame *ret_frame)
{
    struct frame frame = *ret_frame;
    struct layout layout = layout_of(source);
    enum pixels_result result;

    if (source->format == PIXELS_JPEG) {
        result =
            source->plane_count == 1 ? jpeg_copy(&source->plane[0], room, &frame) : PIXELS_SHAPE;
    } else if (!is_possible(source, &layout)) {
        result = PIXELS_SHAPE;
    } else {
        result = layout_fill(source, &layout);
    }
    if (result != PIXELS_OK) {
        return result;
    }
    if (source->format == PIXELS_RGB || source->format == PIXELS_BGR) {
        rgb_convert(source, &layout.area[0], room, &frame);
    } else if (source->format != PIXELS_JPEG) {
        planes_convert(source, &layout, room, &frame);
    }
    frame.width_px = source->width_px;
    frame.height_px = source->height_px;
    *ret_frame = frame;
    return PIXELS_OK;
}

const char *pixels_result_text(enum pixels_result result)
{
    static const char *const texts[] = {
        [PIXELS_OK] = "is whole",
        [PIXELS_EMPTY] = "is empty",
        [PIXELS_SHORT] = "has fewer bytes than its size needs",
        [PIXELS_SHAPE] = "has an impossible shape",
        [PIXELS_NOT_JPEG] = "is no JPEG",
        [PIXELS_CUT_OFF] = "is cut off",
    };

    return texts[result];
}
