/* Percentiles of any number of durations in fixed memory.
 *
 * Buckets grow with the value, 64 to each power of two, so that a percentile is right to 1.6 % from
 * 64 ns to 17 s; shorter values are exact, longer ones count as the longest. Caller's memory, one
 * thread.
 */
#ifndef HAL_BASE_HISTOGRAM_H
#define HAL_BASE_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_OCTAVES 28
#define HISTOGRAM_BUCKETS ((HISTOGRAM_OCTAVES + 1) * 64)

struct histogram {
    uint64_t count;
    int64_t max_ns;
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_init(struct histogram *histogram);

/* Negative durations count as 0. */
void histogram_add(struct histogram *histogram, int64_t duration_ns);

/* The duration that `permille` of all are not longer than, 0..1000; 0 of an empty histogram. Never
 * more than the longest duration that was added. */
int64_t histogram_permille(const struct histogram *histogram, int permille);

#endif
