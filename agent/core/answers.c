/* See answers.h. */
#include "agent/core/answers.h"

#include <math.h>

void answers_init(struct answers *answers, int window)
{
    *answers = (struct answers){.window = window};
}

void answers_add(struct answers *answers, int word)
{
    if (answers->used == answers->window) {
        answers->recent[answers->ring[answers->next]]--;
    } else {
        answers->used++;
    }
    answers->ring[answers->next] = (uint8_t)word;
    answers->next = (answers->next + 1) % answers->window;
    answers->recent[word]++;
    answers->total[word]++;
}

static double part_bits(double count, double sum)
{
    return count > 0 ? -count / sum * log2(count / sum) : 0;
}

double answers_recent_bits(const struct answers *answers)
{
    double bits = 0;

    for (int word = 0; word < WORD_COUNT_MAX; word++) {
        bits += part_bits(answers->recent[word], answers->used);
    }
    return bits;
}

double answers_total_bits(const struct answers *answers)
{
    double bits = 0, sum = 0;

    for (int word = 0; word < WORD_COUNT_MAX; word++) {
        sum += (double)answers->total[word];
    }
    for (int word = 0; word < WORD_COUNT_MAX; word++) {
        bits += part_bits((double)answers->total[word], sum);
    }
    return bits;
}

bool answers_are_degenerate(const struct answers *answers, int at_least)
{
    return answers->used >= at_least && answers_recent_bits(answers) < ANSWERS_DEGENERATE_BITS;
}

bool answers_alarm(struct answers *answers, int64_t hold_ns, int64_t now_ns)
{
    bool degenerate = answers_are_degenerate(answers, answers->window);

    if (degenerate && !answers->degenerate) {
        answers->since_ns = now_ns;
    }
    answers->degenerate = degenerate;
    return degenerate && now_ns - answers->since_ns >= hold_ns;
}

int answers_favourite(const struct answers *answers)
{
    int favourite = 0;

    for (int word = 1; word < WORD_COUNT_MAX; word++) {
        if (answers->recent[word] > answers->recent[favourite]) {
            favourite = word;
        }
    }
    return favourite;
}
