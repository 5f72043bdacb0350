/* Scales and crops one plane of 8-bit samples.
 *
 * Ownership: the object owns its tables and one line of samples; they are allocated when a plan
 * needs more room than any before and reused otherwise. One thread at a time.
 *
 * Coordinates are areas: sample i covers [i, i+1). A plane of a picture that is sampled at half the
 * rate covers the same picture in coordinates divided by two, without an offset, which is how JFIF
 * places its chroma samples (in the middle of the luma samples that they stand for).
 */
#ifndef VLM_RESAMPLE_H
#define VLM_RESAMPLE_H

#include <stddef.h>
#include <stdint.h>

/* A row of input must be readable (not: defined) up to a multiple of this many samples. */
#define RESAMPLE_BLOCK 16

/* One direction: `out` samples that show [from, from + span) of an input of `in` samples. `in` and
 * `out` from 1 to 65535. A part of the interval that lies outside of the input repeats its edge. */
struct resample_axis {
    int in, out;
    double from, span;
};

struct resample;

/* 0 or -ENOMEM. Free with resample_free, which accepts NULL. */
int resample_new(struct resample **ret_resample);
void resample_free(struct resample *resample);

/* Makes the tables for these axes; nothing happens when they are those of the last plan. 0 or
 * -ENOMEM: then there is no plan. */
int resample_plan(struct resample *resample, const struct resample_axis *x,
                  const struct resample_axis *y);

/* Needs a plan. `in` and `out` do not overlap. */
void resample_run(struct resample *resample, const uint8_t *in, size_t in_stride, uint8_t *out,
                  size_t out_stride);

#endif
