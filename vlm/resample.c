/* See resample.h. Each output sample is the mean of the input over the interval that it covers, but
 * never over less than one input sample. Scaling down, that is the exact area mean; scaling up it
 * is linear interpolation, because the mean over a moving interval of width one weighs its two
 * samples with 1-f and f; at equal size and whole offset it is a copy. There is one formula for all
 * three and no seam between them.
 *
 * The weights of an output sample sum to exactly 256 (the running sum is rounded, not the weight),
 * so a flat area stays what it is. A row is made in two steps: the input rows are blended into a
 * line of 16-bit samples (255 * 256 fits), with plain loops over blocks that the compiler turns
 * into vector code; then the line is blended along its length. No intermediate picture is stored.
 *
 * Positions are fixed-point with 16 fraction bits: 65535 samples times 65535 fit an int64_t, and
 * equal inputs give equal tables on every machine.
 */
#include "vlm/resample.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define ONE         INT64_C(65536) /* one sample */
#define WEIGHT_BITS 8
#define WEIGHT_ONE  (1 << WEIGHT_BITS)

/* For each output sample an entry: the first input sample, and `count` weights from there on. */
struct taps {
    struct resample_axis axis;
    int count;
    uint16_t *entries;
    size_t room; /* elements */
};

struct resample {
    struct taps x, y;
    uint16_t *line;
    size_t line_room;
};

struct interval {
    int64_t low, high; /* fixed-point, [low, high) */
    int first, last;   /* the samples that it touches */
};

int resample_new(struct resample **ret_resample)
{
    struct resample *resample = calloc(1, sizeof(*resample));

    if (resample == NULL) {
        return -ENOMEM;
    }
    *ret_resample = resample;
    return 0;
}

void resample_free(struct resample *resample)
{
    if (resample == NULL) {
        return;
    }
    free(resample->x.entries);
    free(resample->y.entries);
    free(resample->line);
    free(resample);
}

static int room_make(uint16_t **array, size_t *room, size_t count)
{
    uint16_t *bigger;

    if (count <= *room) {
        return 0;
    }
    bigger = calloc(count, sizeof(*bigger));
    if (bigger == NULL) {
        return -ENOMEM;
    }
    free(*array);
    *array = bigger;
    *room = count;
    return 0;
}

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* What output sample `i` is the mean of. */
static struct interval interval_get(const struct resample_axis *axis, int i)
{
    int64_t from = llround(axis->from * (double)ONE);
    int64_t span = llround(axis->span * (double)ONE);
    int64_t begin = from + span * i / axis->out;
    int64_t end = from + span * (i + 1) / axis->out;
    int64_t width = end - begin > ONE ? end - begin : ONE;
    int64_t low = begin + (end - begin - width) / 2;

    return (struct interval){
        .low = low,
        .high = low + width,
        .first = (int)clamp(low / ONE, 0, axis->in - 1),
        .last = (int)clamp((low + width - 1) / ONE, 0, axis->in - 1),
    };
}

static int taps_count(const struct resample_axis *axis)
{
    int most = 1;

    for (int i = 0; i < axis->out; i++) {
        struct interval interval = interval_get(axis, i);
        int count = interval.last - interval.first + 1;

        most = count > most ? count : most;
    }
    return most;
}

static uint16_t *taps_entry(const struct taps *taps, int i)
{
    return &taps->entries[(size_t)i * ((size_t)taps->count + 1)];
}

static void taps_fill(struct taps *taps, int i)
{
    struct interval interval = interval_get(&taps->axis, i);
    int64_t width = interval.high - interval.low;
    uint16_t *entry = taps_entry(taps, i);
    int64_t sum = 0;

    entry[0] = (uint16_t)interval.first;
    for (int k = 0; k < taps->count; k++) {
        int64_t sample = interval.first + k;
        int64_t covered = clamp((sample + 1) * ONE - interval.low, 0, width);
        int64_t sum_next = (covered * WEIGHT_ONE + width / 2) / width;

        /* The last sample also stands for what lies behind the edge. */
        sum_next = sample >= interval.last ? WEIGHT_ONE : sum_next;
        entry[1 + k] = (uint16_t)(sum_next - sum);
        sum = sum_next;
    }
}

static bool axis_is_equal(const struct resample_axis *a, const struct resample_axis *b)
{
    return a->in == b->in && a->out == b->out && a->from == b->from && a->span == b->span;
}

static int taps_plan(struct taps *taps, const struct resample_axis *axis)
{
    int count, r;

    if (axis_is_equal(&taps->axis, axis)) {
        return 0;
    }
    taps->axis = (struct resample_axis){0};
    count = taps_count(axis);
    r = room_make(&taps->entries, &taps->room, (size_t)axis->out * ((size_t)count + 1));
    if (r < 0) {
        return r;
    }
    taps->axis = *axis;
    taps->count = count;
    for (int i = 0; i < axis->out; i++) {
        taps_fill(taps, i);
    }
    return 0;
}

static size_t line_size(const struct resample *resample)
{
    size_t in = (size_t)resample->x.axis.in;

    return (in + RESAMPLE_BLOCK - 1) / RESAMPLE_BLOCK * RESAMPLE_BLOCK;
}

int resample_plan(struct resample *resample, const struct resample_axis *x,
                  const struct resample_axis *y)
{
    int r = taps_plan(&resample->x, x);

    if (r == 0) {
        r = taps_plan(&resample->y, y);
    }
    if (r < 0) {
        return r;
    }
    /* At the edge, samples behind the plane are read, too, and weighed with 0. */
    return room_make(&resample->line, &resample->line_room,
                     line_size(resample) + (size_t)resample->x.count);
}

static void line_set(uint16_t *restrict line, const uint8_t *restrict row, unsigned weight,
                     size_t size)
{
    for (size_t at = 0; at < size; at += RESAMPLE_BLOCK) {
        for (size_t i = 0; i < RESAMPLE_BLOCK; i++) {
            line[at + i] = (uint16_t)(row[at + i] * weight);
        }
    }
}

static void line_add(uint16_t *restrict line, const uint8_t *restrict row, unsigned weight,
                     size_t size)
{
    for (size_t at = 0; at < size; at += RESAMPLE_BLOCK) {
        for (size_t i = 0; i < RESAMPLE_BLOCK; i++) {
            line[at + i] = (uint16_t)(line[at + i] + row[at + i] * weight);
        }
    }
}

static void line_make(struct resample *resample, int y, const uint8_t *in, size_t stride)
{
    const uint16_t *entry = taps_entry(&resample->y, y);
    const uint8_t *row = in + entry[0] * stride;
    size_t size = line_size(resample);

    line_set(resample->line, row, entry[1], size);
    for (int k = 1; k < resample->y.count; k++) {
        /* A row without weight may lie outside of the plane. */
        if (entry[1 + k] > 0) {
            line_add(resample->line, row + (size_t)k * stride, entry[1 + k], size);
        }
    }
}

/* Inlined so that the usual numbers of taps become constants and the inner loop disappears. */
static inline __attribute__((always_inline)) void row_make(const struct taps *taps, int count,
                                                           const uint16_t *restrict line,
                                                           uint8_t *restrict out)
{
    const uint16_t *entry = taps->entries;

    for (int i = 0; i < taps->axis.out; i++, entry += count + 1) {
        const uint16_t *sample = &line[entry[0]];
        unsigned sum = 1U << (2 * WEIGHT_BITS - 1);

        for (int k = 0; k < count; k++) {
            sum += (unsigned)entry[1 + k] * sample[k];
        }
        out[i] = (uint8_t)(sum >> (2 * WEIGHT_BITS));
    }
}

/* Equal size and whole offset: single taps, one after the other. */
static bool taps_are_copy(const struct taps *taps)
{
    int steps = taps->axis.out - 1;

    return taps->count == 1 && taps_entry(taps, steps)[0] - taps_entry(taps, 0)[0] == steps;
}

void resample_run(struct resample *resample, const uint8_t *in, size_t in_stride, uint8_t *out,
                  size_t out_stride)
{
    const struct taps *x = &resample->x;
    bool copy = taps_are_copy(x) && taps_are_copy(&resample->y);

    for (int y = 0; y < resample->y.axis.out; y++, out += out_stride) {
        if (copy) {
            const uint8_t *row = in + taps_entry(&resample->y, y)[0] * in_stride;
            memcpy(out, row + x->entries[0], (size_t)x->axis.out);
            continue;
        }
        line_make(resample, y, in, in_stride);
        if (x->count == 2) {
            row_make(x, 2, resample->line, out);
        } else if (x->count == 3) {
            row_make(x, 3, resample->line, out);
        } else {
            row_make(x, x->count, resample->line, out);
        }
    }
}
