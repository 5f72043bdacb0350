/* See word.h. */
#include "vlm/word.h"

#include <string.h>
#include <strings.h>

static const char *const action_words[] = {
    [ACTION_STOP] = "stop",   [ACTION_FORWARD] = "forward",   [ACTION_LEFT] = "left",
    [ACTION_RIGHT] = "right", [ACTION_BACKWARD] = "backward",
};

static const char *const percept_words[] = {
    [PERCEPT_NONE] = "none",
    [PERCEPT_LEFT] = "left",
    [PERCEPT_CENTER] = "center",
    [PERCEPT_RIGHT] = "right",
};

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

int word_count(enum question question)
{
    return question == QUESTION_ACTION ? COUNT(action_words) : COUNT(percept_words);
}

const char *word_text(enum question question, int word)
{
    return question == QUESTION_ACTION ? action_words[word] : percept_words[word];
}

int word_find(enum question question, const char *text, size_t size)
{
    for (int word = 0; word < word_count(question); word++) {
        const char *candidate = word_text(question, word);

        if (strlen(candidate) == size && strncasecmp(candidate, text, size) == 0) {
            return word;
        }
    }
    return WORD_NONE;
}
