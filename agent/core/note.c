/* See note.h. */
#include "agent/core/note.h"

#include <stdio.h>
#include <string.h>

void note_add(struct note *note, int word)
{
    if (note->count == NOTE_DECISIONS) {
        memmove(note->words, note->words + 1, sizeof(note->words) - sizeof(note->words[0]));
        note->count--;
    }
    note->words[note->count++] = word;
}

void note_write(const struct note *note, enum question question, const struct wire_verdict *verdict,
                char ret_text[NOTE_SIZE + 1])
{
    int used = 0;

    ret_text[0] = '\0';
    if (note->task != NULL && note->task[0] != '\0') {
        used += snprintf(ret_text, NOTE_SIZE + 1, "Task: %.200s. ", note->task);
    }
    if (note->clearances && verdict->header.seq != 0) {
        used +=
            snprintf(ret_text + used, NOTE_SIZE + 1 - (size_t)used,
                     "Clear: left %d cm, front %d cm, right %d cm. ", verdict->clear_left_mm / 10,
                     verdict->clear_front_mm / 10, verdict->clear_right_mm / 10);
    }
    for (int i = 0; note->decisions && i < note->count; i++) {
        used += snprintf(ret_text + used, NOTE_SIZE + 1 - (size_t)used, "%s%s%s",
                         i == 0 ? "Before: " : "", word_text(question, note->words[i]),
                         i + 1 < note->count ? ", " : ". ");
    }
}
