/* See tokens.h. */
#include "vlm/standin/tokens.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum {
    BYTE_BASE = 238,   /* <0x00>; the 256 ids from here are bytes that no piece covers */
    SIGN_BASE = 1024,  /* one ASCII sign */
    PIECE_BASE = 65536 /* hashed pieces */
};

struct entry {
    uint32_t id;
    const char *text;
};

/* The ids of the words are invented, in the range where a real vocabulary keeps common words. */
static const struct entry words[] = {
    {1689, "right"}, {2731, "left"},     {3814, "center"},    {8036, "stop"},
    {12241, "none"}, {10788, "forward"}, {52891, "backward"},
};

static const struct entry specials[] = {
    {1, "<eos>"},        {2, "<bos>"},     {98, "<|think|>"}, {100, "<|channel>"},
    {101, "<channel|>"}, {105, "<|turn>"}, {106, "<turn|>"},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const char *tokens_known_word(size_t index)
{
    return index < COUNT(words) ? words[index].text : NULL;
}

static bool is_letter(char c)
{
    return isalpha((unsigned char)c) != 0;
}

static uint32_t piece_id(const char *text, size_t size)
{
    uint32_t hash = 2166136261U; /* FNV-1a */

    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ (unsigned char)text[i]) * 16777619U;
    }
    return PIECE_BASE + hash % (TOKENS_COUNT - PIECE_BASE);
}

static struct token piece(const char *text, size_t size)
{
    return (struct token){.id = piece_id(text, size), .size = (uint32_t)size};
}

static const struct entry *entry_at(const struct entry *entries, size_t count, const char *text,
                                    size_t size)
{
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(entries[i].text);

        if (length <= size && memcmp(entries[i].text, text, length) == 0) {
            return &entries[i];
        }
    }
    return NULL;
}

static size_t letters(const char *text, size_t size)
{
    size_t count = 0;

    while (count < size && is_letter(text[count])) {
        count++;
    }
    return count;
}

/* A whole run of letters that nothing stands in front of. */
static struct token word_token(const struct vocabulary *vocabulary, const char *text, size_t run)
{
    if (strlen(vocabulary->split) == run && memcmp(vocabulary->split, text, run) == 0) {
        return piece(text, (run + 1) / 2);
    }
    for (size_t i = 0; i < COUNT(words); i++) {
        if (strlen(words[i].text) == run && memcmp(words[i].text, text, run) == 0) {
            return (struct token){.id = words[i].id, .size = (uint32_t)run};
        }
    }
    return piece(text, run < TOKENS_PIECE_MAX ? run : TOKENS_PIECE_MAX);
}

static struct token letters_token(const struct vocabulary *vocabulary, char before,
                                  const char *text, size_t run)
{
    if (is_letter(before)) {
        return piece(text, run < TOKENS_PIECE_MAX ? run : TOKENS_PIECE_MAX);
    }
    return word_token(vocabulary, text, run);
}

static struct token spaces_token(const char *text, size_t size)
{
    size_t spaces = 1;

    if (size > 1 && is_letter(text[1])) {
        size_t run = letters(text + 1, size - 1);

        return piece(text, 1 + (run < TOKENS_PIECE_MAX ? run : TOKENS_PIECE_MAX));
    }
    /* The last space of a run belongs to the word behind it. */
    while (spaces < size && spaces < TOKENS_TEXT_SIZE - 1 && text[spaces] == ' ' &&
           !(spaces + 1 < size && is_letter(text[spaces + 1]))) {
        spaces++;
    }
    return piece(text, spaces);
}

struct token tokens_first(const struct vocabulary *vocabulary, bool special, char before,
                          const char *text, size_t size)
{
    const struct entry *entry = special ? entry_at(specials, COUNT(specials), text, size) : NULL;
    unsigned char first = (unsigned char)text[0];

    if (entry != NULL) {
        return (struct token){.id = entry->id, .size = (uint32_t)strlen(entry->text)};
    }
    if (is_letter(text[0])) {
        return letters_token(vocabulary, before, text, letters(text, size));
    }
    if (first == ' ') {
        return spaces_token(text, size);
    }
    return (struct token){
        .id = (first == '\n' || (first > ' ' && first < 127) ? SIGN_BASE : BYTE_BASE) + first,
        .size = 1,
    };
}

size_t tokens_count(const struct vocabulary *vocabulary, bool special, const char *text,
                    size_t size)
{
    size_t count = 0;
    char before = 0;

    while (size > 0) {
        struct token token = tokens_first(vocabulary, special, before, text, size);

        before = text[token.size - 1];
        text += token.size;
        size -= token.size;
        count++;
    }
    return count;
}

void tokens_text(uint32_t id, char ret_text[TOKENS_TEXT_SIZE])
{
    const struct entry *lists[] = {words, specials};
    const size_t counts[] = {COUNT(words), COUNT(specials)};

    for (size_t list = 0; list < COUNT(lists); list++) {
        for (size_t i = 0; i < counts[list]; i++) {
            if (lists[list][i].id == id) {
                (void)snprintf(ret_text, TOKENS_TEXT_SIZE, "%s", lists[list][i].text);
                return;
            }
        }
    }
    if (id > SIGN_BASE && id < SIGN_BASE + 128) {
        (void)snprintf(ret_text, TOKENS_TEXT_SIZE, "%c", (char)(id - SIGN_BASE));
        return;
    }
    (void)snprintf(ret_text, TOKENS_TEXT_SIZE, "<unused%u>", id);
}
