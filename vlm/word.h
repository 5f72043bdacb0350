/* The words that a model may answer with.
 *
 * Two kinds of question exist. An action question asks what to do, a percept question asks where
 * the most open floor is (steering from it is the explorer's). A word is an index into its
 * question's vocabulary; index 0 is the one that does not move the car.
 */
#ifndef VLM_WORD_H
#define VLM_WORD_H

#include <stddef.h>
#include <stdint.h>

enum question {
    QUESTION_ACTION,
    QUESTION_PERCEPT,
};

enum action {
    ACTION_STOP,
    ACTION_FORWARD,
    ACTION_LEFT,
    ACTION_RIGHT,
    ACTION_BACKWARD,
};

enum percept {
    PERCEPT_NONE,
    PERCEPT_LEFT,
    PERCEPT_CENTER,
    PERCEPT_RIGHT,
};

#define WORD_COUNT_MAX 5
#define WORD_SIZE_MAX  16 /* bytes of a word, terminator included */

#define WORD_NONE               (-1) /* no vocabulary word */
#define WORD_CONFIDENCE_UNKNOWN (-1) /* the server told no probabilities */

/* What the model said to one question. A zeroed one is a stop of confidence 0. */
struct decision {
    enum question question;
    int word;                          /* index into the question's vocabulary */
    int confidence_permille;           /* of `word`, 0..1000, or WORD_CONFIDENCE_UNKNOWN */
    int word_permille[WORD_COUNT_MAX]; /* of each word; all 0 when unknown */
};

/* Number of words of a question, and one of them. */
int word_count(enum question question);
const char *word_text(enum question question, int word);

/* The index of the word that is exactly `size` bytes at `text`, ASCII case ignored; WORD_NONE. */
int word_find(enum question question, const char *text, size_t size);

#endif
