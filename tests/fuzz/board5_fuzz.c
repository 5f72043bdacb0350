/* Any bytes: the decoder ends, says the same in pieces as at once, reports only whole frames that
 * encode back to the bytes they came from, accounts for every byte, and reads the second of two
 * good frames behind anything. Duties and moves made of the bytes are whole frames or nothing. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hal/body/board5.h"

#define REPORTS_MAX 1024

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

struct heard {
    struct board5_report reports[REPORTS_MAX];
    size_t count;
    size_t bytes; /* of all frames */
};

static bool contains(const uint8_t *bytes, size_t size, const uint8_t *part, size_t part_size)
{
    return memmem(bytes, size, part, part_size) != NULL;
}

static void listen(struct board5_decoder *decoder, const uint8_t *bytes, size_t size,
                   struct heard *heard)
{
    struct board5_report report;

    memset(&report, 0, sizeof(report));
    while (board5_next(decoder, &bytes, &size, &report)) {
        MUST(report.func < BOARD5_FUNC_COUNT && report.size > 0 && report.size <= BOARD5_DATA_MAX);
        heard->bytes += report.size + 5;
        if (heard->count < REPORTS_MAX) {
            heard->reports[heard->count] = report;
        }
        heard->count++;
    }
    MUST(size == 0);
}

static void check_report(const struct board5_report *report, const uint8_t *bytes, size_t size)
{
    uint8_t frame[BOARD5_FRAME_MAX];
    size_t frame_size =
        board5_encode(report->func, report->data, report->size, frame, sizeof(frame));

    MUST(frame_size == report->size + 5);
    MUST(contains(bytes, size, frame, frame_size));
    MUST(report->value >= 0 && report->value <= UINT16_MAX && report->id >= 0);
}

static void check_pieces(const uint8_t *bytes, size_t size, const struct heard *whole,
                         const struct board5_decoder *reference)
{
    static struct heard heard;
    struct board5_decoder decoder = {0};
    size_t step = 1 + bytes[0] % 7;

    heard.count = heard.bytes = 0;
    for (size_t at = 0; at < size; at += step) {
        listen(&decoder, bytes + at, size - at < step ? size - at : step, &heard);
    }
    MUST(heard.count == whole->count && heard.bytes == whole->bytes);
    MUST(decoder.bad_bytes == reference->bad_bytes && decoder.bad_frames == reference->bad_frames);
    for (size_t i = 0; i < heard.count && i < REPORTS_MAX; i++) {
        MUST(heard.reports[i].kind == whole->reports[i].kind);
        MUST(heard.reports[i].value == whole->reports[i].value);
        MUST(memcmp(heard.reports[i].data, whole->reports[i].data, BOARD5_DATA_MAX) == 0);
    }
}

static void check_recovery(struct board5_decoder *decoder)
{
    static const uint8_t battery[] = {0xAA, 0x55, 0x00, 0x03, 0x04, 0xF4, 0x1C, 0x8A};
    static struct heard heard;

    heard.count = heard.bytes = 0;
    listen(decoder, battery, sizeof(battery), &heard);
    heard.count = heard.bytes = 0;
    listen(decoder, battery, sizeof(battery), &heard);
    MUST(heard.count == 1 && heard.reports[0].kind == BOARD5_REPORT_BATTERY);
    MUST(heard.reports[0].value == 7412);
}

static void check_whole_or_none(size_t frame_size, const uint8_t *frame)
{
    static struct heard heard;
    struct board5_decoder decoder = {0};

    if (frame_size == 0) {
        return;
    }
    heard.count = heard.bytes = 0;
    listen(&decoder, frame, frame_size, &heard);
    MUST(heard.bytes == frame_size && decoder.bad_bytes == 0);
}

static void check_encoders(const uint8_t *bytes, size_t size)
{
    struct board5_move moves[BOARD5_SERVOS];
    uint8_t frame[BOARD5_FRAME_MAX];
    uint16_t words[4];
    int duty[BOARD5_MOTORS];

    if (size < sizeof(moves) + sizeof(words)) {
        return;
    }
    memcpy(words, bytes, sizeof(words));
    memcpy(moves, bytes + sizeof(words), sizeof(moves));
    for (int i = 0; i < BOARD5_MOTORS; i++) {
        duty[i] = (int16_t)words[i] / 16;
    }
    check_whole_or_none(board5_encode_motors(duty, frame, words[0] % sizeof(frame)), frame);
    /* A time without a byte AA: 21930 ms is AA 55, and with luck a frame inside of the frame. */
    words[0] &= 0x7F7F;
    check_whole_or_none(
        board5_encode_moves(moves, size % (BOARD5_SERVOS + 1), words[0], frame, sizeof(frame)),
        frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct heard heard;
    struct board5_decoder decoder = {0};

    if (size == 0) {
        return 0;
    }
    heard.count = heard.bytes = 0;
    listen(&decoder, bytes, size, &heard);
    MUST(heard.bytes + decoder.bad_bytes + decoder.size == size);
    MUST(heard.count == decoder.frames);
    for (size_t i = 0; i < heard.count && i < REPORTS_MAX; i++) {
        check_report(&heard.reports[i], bytes, size);
    }
    check_pieces(bytes, size, &heard, &decoder);
    check_recovery(&decoder);
    check_encoders(bytes, size);
    return 0;
}
