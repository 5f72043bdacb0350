/* See histogram.h. A value of 7 bits or more is named by the place of its highest bit (the octave)
 * and the 6 bits behind that. */
#include "hal/base/histogram.h"

#define SUB_BITS 6
#define SUBS     (1 << SUB_BITS)

void histogram_init(struct histogram *histogram)
{
    *histogram = (struct histogram){0};
}

static int bucket_of(int64_t value_ns)
{
    uint64_t value = (uint64_t)value_ns;

    if (value < SUBS) {
        return (int)value;
    }
    int octave = 63 - __builtin_clzll(value) - SUB_BITS;

    if (octave >= HISTOGRAM_OCTAVES) {
        return HISTOGRAM_BUCKETS - 1;
    }
    return (octave + 1) * SUBS + (int)(value >> octave & (SUBS - 1));
}

/* The longest duration that falls into the bucket. */
static int64_t bucket_top_ns(int bucket)
{
    int octave = bucket / SUBS - 1, sub = bucket % SUBS;

    if (octave < 0) {
        return sub;
    }
    return ((int64_t)(SUBS + sub + 1) << octave) - 1;
}

void histogram_add(struct histogram *histogram, int64_t duration_ns)
{
    if (duration_ns < 0) {
        duration_ns = 0;
    }
    histogram->count++;
    histogram->buckets[bucket_of(duration_ns)]++;
    if (duration_ns > histogram->max_ns) {
        histogram->max_ns = duration_ns;
    }
}

int64_t histogram_permille(const struct histogram *histogram, int permille)
{
    uint64_t wanted = (histogram->count * (uint64_t)permille + 999) / 1000, seen = 0;

    for (int bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
        seen += histogram->buckets[bucket];
        if (seen >= wanted && seen > 0) {
            int64_t top_ns = bucket_top_ns(bucket);

            return top_ns < histogram->max_ns && bucket < HISTOGRAM_BUCKETS - 1 ? top_ns
                                                                                : histogram->max_ns;
        }
    }
    return 0;
}
