/* See answer.h.
 *
 * A distribution is made once (weigh, then keep what the sampling chain keeps) and every token that
 * is chosen is drawn from it: the stand-in has no memory of what it has said.
 */
#include "vlm/standin/answer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char thought[] =
    "The user wants one word. The picture shows a floor and walls, so the "
    "way that is free decides.\n";

/* --- tokens --- */

static void push(struct answer *answer, uint32_t id, const char *text, size_t size,
                 double probability, bool chosen)
{
    struct answer_token *token = &answer->tokens[answer->token_count++];

    token->id = id;
    (void)snprintf(token->text, sizeof(token->text), "%.*s", (int)size, text);
    token->probability = probability;
    token->chosen = chosen;
}

/* Tokens of a text up to the limit; only the first is chosen. */
static void push_text(struct answer *answer, const struct vocabulary *vocabulary, const char *text,
                      size_t limit, double probability, bool chosen)
{
    size_t size = strlen(text);
    char before = 0;

    while (size > 0 && answer->token_count < limit) {
        struct token token = tokens_first(vocabulary, false, before, text, size);

        push(answer, token.id, text, token.size, chosen ? probability : 1, chosen);
        chosen = false;
        before = text[token.size - 1];
        text += token.size;
        size -= token.size;
    }
}

void answer_text(const struct answer *answer, size_t from, size_t to, char *buffer, size_t size)
{
    size_t used = 0;

    buffer[0] = '\0';
    for (size_t i = from; i < to && used < size; i++) {
        used += (size_t)snprintf(buffer + used, size - used, "%s", answer->tokens[i].text);
    }
}

/* --- the distribution --- */

/* A picture, or none: then the word of index 0, which does not move the car. */
static void judge(const struct inquiry *inquiry, enum question question, double *ret_logits)
{
    size_t count = inquiry->prompt.file_count;

    if (count > 0) {
        struct picture_note note;

        picture_judge(&inquiry->prompt.images[count - 1].floor, question, ret_logits);
        picture_note_read(inquiry->prompt.text != NULL ? inquiry->prompt.text : "", question,
                          &note);
        picture_heed(&note, question, ret_logits);
        return;
    }
    memset(ret_logits, 0, WORD_COUNT_MAX * sizeof(ret_logits[0]));
    ret_logits[0] = 2;
}

static bool has_choice(const struct inquiry *inquiry, const char *word)
{
    for (size_t i = 0; i < inquiry->choice_count; i++) {
        if (strcmp(inquiry->choices[i].text, word) == 0) {
            return true;
        }
    }
    return false;
}

/* A logit for each choice. */
static void weigh(const struct inquiry *inquiry, struct slot *slot, double *ret_logits)
{
    bool action = has_choice(inquiry, word_text(QUESTION_ACTION, ACTION_FORWARD));
    bool percept = has_choice(inquiry, word_text(QUESTION_PERCEPT, PERCEPT_CENTER));
    enum question question = action ? QUESTION_ACTION : QUESTION_PERCEPT;
    double logits[WORD_COUNT_MAX];

    judge(inquiry, question, logits);
    for (size_t i = 0; i < inquiry->choice_count; i++) {
        const char *text = inquiry->choices[i].text;
        int word = word_find(question, text, strlen(text));

        if (!action && !percept) {
            ret_logits[i] = 3 * slot_chance(slot);
        } else {
            ret_logits[i] = word == WORD_NONE ? -8 : logits[word];
        }
    }
}

static int compare_choices(const void *a, const void *b)
{
    double left = ((const struct answer_choice *)a)->probability;
    double right = ((const struct answer_choice *)b)->probability;

    return (left < right) - (left > right);
}

static void normalise(struct answer *answer)
{
    double sum = 0;

    for (size_t i = 0; i < answer->choice_count; i++) {
        sum += answer->choices[i].probability;
    }
    for (size_t i = 0; i < answer->choice_count; i++) {
        answer->choices[i].probability /= sum;
    }
}

/* Softmax, sorted; the temperature only where it is part of the chain. */
static void distribute(const struct inquiry *inquiry, const double *logits, struct answer *answer)
{
    bool tempered = inquiry->samples_temperature && inquiry->temperature > 0;

    answer->choice_count = inquiry->choice_count;
    for (size_t i = 0; i < inquiry->choice_count; i++) {
        answer->choices[i] = (struct answer_choice){
            .id = inquiry->choices[i].id,
            .text = inquiry->choices[i].text,
            .probability = exp(logits[i] / (tempered ? inquiry->temperature : 1)),
        };
    }
    normalise(answer);
    qsort(answer->choices, answer->choice_count, sizeof(answer->choices[0]), compare_choices);
}

/* What is left after the chain: top_k cuts the tail, a temperature of 0 leaves the first. */
static void keep(const struct inquiry *inquiry, struct answer *answer)
{
    if (inquiry->samples_top_k && inquiry->top_k > 0 &&
        (size_t)inquiry->top_k < answer->choice_count) {
        answer->choice_count = (size_t)inquiry->top_k;
    }
    if (inquiry->samples_temperature && inquiry->temperature <= 0) {
        for (size_t i = 1; i < answer->choice_count; i++) {
            answer->choices[i].probability = 0;
        }
    }
    if (answer->choice_count > 0) {
        normalise(answer);
    }
}

static const struct answer_choice *draw(const struct inquiry *inquiry, struct slot *slot,
                                        const struct answer *answer)
{
    double chance = slot_chance(slot);

    if (inquiry->seeded) { /* the same seed draws the same, whatever was asked before */
        chance = (double)(inquiry->seed * 0x9e3779b97f4a7c15U >> 11) / (double)(1ULL << 53);
    }
    for (size_t i = 0; i < answer->choice_count; i++) {
        chance -= answer->choices[i].probability;
        if (chance < 0) {
            return &answer->choices[i];
        }
    }
    return &answer->choices[0];
}

/* --- faults --- */

/* The word of the fault takes the place of the likeliest choice and almost all its rivals' share,
 * so that a client sees it in the content and in the probabilities. */
static void force(struct answer *answer, const struct vocabulary *vocabulary, const char *word)
{
    size_t at = 0;

    while (at < answer->choice_count && strcmp(answer->choices[at].text, word) != 0) {
        at++;
    }
    if (at == answer->choice_count) {
        at = 0;
        answer->choice_count += answer->choice_count == 0;
        answer->choices[0].id = tokens_first(vocabulary, false, 0, word, strlen(word)).id;
        answer->choices[0].text = word;
    }
    for (size_t i = 0; i < answer->choice_count; i++) {
        answer->choices[i].probability = i == at ? 19 : 1.0 / (double)answer->choice_count;
    }
    normalise(answer);
    qsort(answer->choices, answer->choice_count, sizeof(answer->choices[0]), compare_choices);
}

/* True when the fault has made the whole answer. */
static bool answer_wrongly(const struct fault *fault, const struct vocabulary *vocabulary,
                           struct answer *answer)
{
    static const char unknown[] = "sideways", several[] = "forward left";
    enum fault_kind kind = fault != NULL ? fault->kind : FAULT_NONE;

    if (kind == FAULT_EMPTY) {
        answer->ended = true;
    } else if (kind == FAULT_REASONING) {
        push_text(answer, vocabulary, thought, ANSWER_TOKENS_MAX, 1, false);
        answer->thought_count = answer->token_count;
    } else if (kind == FAULT_SEVERAL_WORDS) {
        force(answer, vocabulary, "forward");
        push_text(answer, vocabulary, several, ANSWER_TOKENS_MAX, answer->choices[0].probability,
                  true);
    } else if (kind == FAULT_ALWAYS || kind == FAULT_UNKNOWN_WORD) {
        const char *word = kind == FAULT_ALWAYS ? fault->word : unknown;

        force(answer, vocabulary, word);
        push(answer, answer->choices[0].id, word, strlen(word), answer->choices[0].probability,
             true);
    } else {
        return false;
    }
    return true;
}

/* --- the answer --- */

static void say(const struct inquiry *inquiry, const struct vocabulary *vocabulary,
                struct slot *slot, size_t limit, struct answer *answer)
{
    do {
        const struct answer_choice *choice = draw(inquiry, slot, answer);
        size_t before = answer->token_count;

        if (inquiry->ending == ENDING_LIMIT) {
            push(answer, choice->id, choice->text, strlen(choice->text), choice->probability, true);
        } else {
            push_text(answer, vocabulary, choice->text, limit, choice->probability, true);
            answer->ended = answer->token_count < limit;
            return;
        }
        if (answer->token_count == before) {
            return;
        }
    } while (answer->token_count < limit);
}

void answer_make(const struct inquiry *inquiry, const struct options *options, struct slot *slot,
                 const struct fault *fault, struct answer *ret_answer)
{
    double logits[INQUIRY_CHOICES_MAX] = {0};
    size_t limit = ANSWER_TOKENS_MAX;

    memset(ret_answer, 0, sizeof(*ret_answer));
    if (inquiry->n_predict != INQUIRY_UNLIMITED && (size_t)inquiry->n_predict < limit) {
        limit = (size_t)inquiry->n_predict;
    }
    weigh(inquiry, slot, logits);
    distribute(inquiry, logits, ret_answer);
    keep(inquiry, ret_answer);
    if (answer_wrongly(fault, &options->vocabulary, ret_answer)) {
        return;
    }
    if (inquiry->thinks) {
        push_text(ret_answer, &options->vocabulary, thought, limit, 1, false);
        ret_answer->thought_count = ret_answer->token_count;
    }
    if (ret_answer->token_count < limit && ret_answer->choice_count > 0) {
        say(inquiry, &options->vocabulary, slot, limit, ret_answer);
    } else if (ret_answer->token_count < limit) {
        ret_answer->ended = true;
    }
}
