/* How far the floor reaches in a camera picture, and what that says to a question.
 *
 * Pure: an RGB buffer in, numbers out; no I/O, no allocation, no state. This is image processing of
 * the plainest kind, good enough that the stand-in's words make sense next to a photo. It is not a
 * model and knows nothing about rooms. Any thread.
 */
#ifndef VLM_STANDIN_PICTURE_H
#define VLM_STANDIN_PICTURE_H

#include <stdint.h>

#include "vlm/word.h"

/* Mean height that the floor reaches above the lower edge in each third, in thousandths of the
 * picture's height: 0 = no floor, about 100 = a wall two car lengths away, 250 and more = open. */
struct picture_floor {
    int left_permille;
    int middle_permille;
    int right_permille;
};

/* Looks at `width` x `height` pixels of three bytes (red, green, blue), rows without padding. A
 * picture of less than 8 x 8 pixels has no floor. */
void picture_measure(const uint8_t *rgb, int width, int height, struct picture_floor *ret_floor);

/* The logit of each word of the question, WORD_COUNT_MAX of them; those beyond the question's
 * vocabulary are 0. softmax over any subset of them is the answer's distribution. */
void picture_judge(const struct picture_floor *floor, enum question question,
                   double ret_logits[WORD_COUNT_MAX]);

/* What a note behind the picture says (agent/core/note.h); -1: nothing. */
struct picture_note {
    int left_cm, front_cm, right_cm;
    int last_word; /* of the same question */
};

/* Reads the last such note in a prompt. */
void picture_note_read(const char *prompt, enum question question, struct picture_note *ret_note);

/* Who knows what the lidar sees does not go where there is no room, and turns to the side that has
 * more; who knows what was said last goes on turning that way. Changes the logits. */
void picture_heed(const struct picture_note *note, enum question question,
                  double logits[WORD_COUNT_MAX]);

#endif
