/* The stand-in's vocabulary.
 *
 * It looks like Gemma's from outside (262144 ids, special tokens with Gemma's ids, byte tokens from
 * 238) but is computed, not read from a model:
 * - each word that vlm/word.h knows is one token, with an id of its own, where it stands alone
 *   (no letter before or after it, and no space in front: " left" is another token than "left");
 * - any other run of letters, with one space in front of it if there is one, is cut into tokens of
 *   up to TOKENS_PIECE_MAX letters; the id is a hash of the bytes;
 * - a run of spaces is one token; a digit, a punctuation mark, a line feed is one each;
 * - every other byte is a byte token.
 * English prose comes to about one token for 4.5 bytes, near what Gemma makes of it.
 *
 * Pure. Any thread.
 */
#ifndef VLM_STANDIN_TOKENS_H
#define VLM_STANDIN_TOKENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vlm/word.h"

enum {
    TOKENS_EOS = 1,
    TOKENS_BOS = 2,
    TOKENS_COUNT = 262144,
    TOKENS_PIECE_MAX = 7,  /* letters */
    TOKENS_TEXT_SIZE = 16, /* room for any token's text, terminator included */
};

struct token {
    uint32_t id;
    uint32_t size; /* bytes of text that it stands for, fewer than TOKENS_TEXT_SIZE */
};

struct vocabulary {
    char split[WORD_SIZE_MAX]; /* this word is two tokens instead of one; "": none */
};

/* The token that the `size` bytes at `text` begin with (`size` > 0). `before` is the byte in front
 * of them, 0 at the start. With `special`, the text of special tokens is recognised. */
struct token tokens_first(const struct vocabulary *vocabulary, bool special, char before,
                          const char *text, size_t size);

/* How many tokens the text is. */
size_t tokens_count(const struct vocabulary *vocabulary, bool special, const char *text,
                    size_t size);

/* Writes the text of a token, terminated; "<unusedN>" for an id that only a hash could give. */
void tokens_text(uint32_t id, char ret_text[TOKENS_TEXT_SIZE]);

/* The words that some question knows, by index from 0; NULL behind the last. */
const char *tokens_known_word(size_t index);

#endif
