/* Foreign text in messages: what may be printed, and which known word was probably meant.
 *
 * Pure functions on the caller's memory; any thread.
 */
#ifndef HAL_BASE_TEXT_H
#define HAL_BASE_TEXT_H

#include <stddef.h>

/* The length in bytes of the printable character at the start of `text` (ASCII or well-formed
 * UTF-8), or 0 when there is none: at the end, at a control character, at a malformed sequence. A
 * tab counts as a control character. */
size_t text_step(const char *text, size_t length);

/* Writes `text` so that it is one printable line: bytes that are not printable become \xNN, and
 * what does not fit into `size` bytes (at least 8, terminator included) is replaced by "...". */
void text_escape(const char *text, size_t length, char *ret_line, size_t size);

#define TEXT_WORD_SIZE 64

/* The known word that is closest to a wrong one. Caller's memory, no cleanup. */
struct text_nearest {
    const char *word;
    char best[TEXT_WORD_SIZE]; /* "": nothing close enough */
    size_t distance;
};

/* `word` must outlive the search; words that are longer than TEXT_WORD_SIZE find nothing. */
void text_nearest_init(struct text_nearest *nearest, const char *word);
void text_nearest_offer(struct text_nearest *nearest, const char *known);

#endif
