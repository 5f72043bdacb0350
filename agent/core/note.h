/* The note behind a picture: what the car is after, what the lidar sees, and what was answered
 * before.
 *
 *     Task: find the kitchen. Clear: left 120 cm, front 45 cm, right 300 cm. Before: forward, left.
 *
 * Pure; caller's memory. */
#ifndef AGENT_CORE_NOTE_H
#define AGENT_CORE_NOTE_H

#include <stdbool.h>
#include <stddef.h>

#include "safety/wire.h"
#include "vlm/word.h"

#define NOTE_DECISIONS 3
#define NOTE_SIZE      320 /* VLM_NOTE_MAX; 112 without the task */

/* Zeroed: nothing is told. */
struct note {
    const char *task;           /* borrowed; "" or NULL: none. At most 200 bytes */
    bool clearances, decisions; /* what is told */
    int words[NOTE_DECISIONS];  /* the last answers, the oldest first */
    int count;
};

/* An answer has come. */
void note_add(struct note *note, int word);

/* Without a verdict (its seq is 0: no car, or not heard lately) there are no clearances. */
void note_write(const struct note *note, enum question question, const struct wire_verdict *verdict,
                char ret_text[NOTE_SIZE + 1]);

#endif
