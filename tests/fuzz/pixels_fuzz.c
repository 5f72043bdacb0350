/* Any picture that a camera can be said to have given: a few numbers, then the bytes of its buffer.
 * A frame that comes of it lies within the memory that pixels_room asked for, to the last byte that
 * a reader of it may read; a refused one is untouched. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hal/camera/pixels.h"

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#define HEAD     10
#define ROOM_MAX (1u << 22)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int number(const uint8_t *data)
{
    return (int16_t)(data[0] | data[1] << 8);
}

static struct pixels_source source_of(const uint8_t *data, const uint8_t *bytes, size_t size)
{
    struct pixels_source source = {
        .format = (enum pixels_format)(data[0] % PIXELS_FORMATS),
        .limited = (data[0] & 0x80) != 0,
        .plane_count = data[1] % (PIXELS_PLANES + 1),
        .width_px = number(data + 2),
        .height_px = number(data + 4),
        .stride = (size_t)(ptrdiff_t)number(data + 6),
    };

    for (size_t i = 0; i < source.plane_count; i++) {
        size_t begin = size * i / source.plane_count, end = size * (i + 1) / source.plane_count;

        source.plane[i] = (struct pixels_plane){.bytes = bytes + begin,
                                                .length = end - begin,
                                                .used = (size_t)data[8 + i % 2] * size / 128};
    }
    return source;
}

static void require_within(const uint8_t *bytes, size_t size, const uint8_t *room, size_t room_size)
{
    REQUIRE(bytes >= room && bytes <= room + room_size);
    REQUIRE(size <= (size_t)(room + room_size - bytes));
}

static void require_frame(const struct frame *frame, const uint8_t *room, size_t room_size)
{
    size_t height = (size_t)frame->height_px, half = (height + 1) / 2;
    size_t rows[] = {height, frame->format == FRAME_YUV420 ? half : height,
                     frame->format == FRAME_YUV420 ? half : height};

    if (frame->format == FRAME_JPEG) {
        require_within(frame->bytes, frame->size, room, room_size);
        return;
    }
    for (int i = 0; i < (frame->format == FRAME_RGB ? 1 : FRAME_PLANES); i++) {
        REQUIRE(frame->stride[i] > 0 && (frame->format == FRAME_RGB || frame->stride[i] % 16 == 0));
        require_within(frame->plane[i], rows[i] * (size_t)frame->stride[i], room, room_size);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct frame none;

    if (size < HEAD) {
        return 0;
    }
    uint8_t *bytes = malloc(size - HEAD + 1); /* of its own: a byte too far is seen */
    struct pixels_source source = source_of(data, bytes, size - HEAD);
    size_t room_size = pixels_room(&source);
    struct frame frame = none;

    REQUIRE(bytes != NULL);
    memcpy(bytes, data + HEAD, size - HEAD);
    if (room_size <= ROOM_MAX) {
        uint8_t *room = malloc(room_size == 0 ? 1 : room_size);

        REQUIRE(room != NULL);
        if (pixels_convert(&source, room, &frame) == PIXELS_OK) {
            REQUIRE(room_size > 0);
            require_frame(&frame, room, room_size);
        } else {
            REQUIRE(memcmp(&frame, &none, sizeof(frame)) == 0);
        }
        free(room);
    }
    free(bytes);
    return 0;
}
