/* Is the model still looking? The last answers, how mixed they are, and the alarm.
 *
 * A small model asked for actions can fall into one word whatever it is shown. Entropy over a
 * window of answers tells: when it is next to nothing, the answers are called degenerate. Straight
 * driving for a while looks the same: with a car they have to be so for many seconds, in which no
 * room lets it drive straight on, before there is an alarm. It is a warning, not a stop.
 *
 * Pure; caller's memory.
 */
#ifndef AGENT_CORE_ANSWERS_H
#define AGENT_CORE_ANSWERS_H

#include <stdbool.h>
#include <stdint.h>

#include "vlm/word.h"

#define ANSWERS_WINDOW_MAX 1000

/* One stray answer in 50 has 0.14 bits, two have 0.24. */
#define ANSWERS_DEGENERATE_BITS 0.2

struct answers {
    int window;
    uint8_t ring[ANSWERS_WINDOW_MAX];
    int used, next;
    uint32_t recent[WORD_COUNT_MAX]; /* within the window */
    uint64_t total[WORD_COUNT_MAX];  /* ever */
    bool degenerate;
    int64_t since_ns; /* it is so */
};

/* `window` 1..ANSWERS_WINDOW_MAX. */
void answers_init(struct answers *answers, int window);
void answers_add(struct answers *answers, int word);

/* Of the window, and of all answers ever: 0 (one word only) to 2.3 bits (five words, evenly). */
double answers_recent_bits(const struct answers *answers);
double answers_total_bits(const struct answers *answers);

/* There are at least so many answers in the window, and its entropy is below
 * ANSWERS_DEGENERATE_BITS. While driving `at_least` is the window. */
bool answers_are_degenerate(const struct answers *answers, int at_least);

/* With each answer, after answers_add: have they been degenerate for `hold_ns`? */
bool answers_alarm(struct answers *answers, int64_t hold_ns, int64_t now_ns);

/* The most frequent word of the window. */
int answers_favourite(const struct answers *answers);

#endif
