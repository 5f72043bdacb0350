/* See text.h.
 *
 * Whatever stands in a configuration file, a variable or an argument may end up in an error line,
 * in the journal and on a terminal. So one function, text_step, says what a printable character is;
 * the reader refuses lines by it and messages are escaped by it. Control characters of both blocks
 * (C0 and C1) and the two Unicode line separators are not printable: an error stays one line and
 * cannot drive a terminal.
 *
 * Distance is the optimal string alignment: insert, delete, replace and swap of two neighbours cost
 * one each, because swapped letters are the commonest slip. Upper and lower case count as equal.
 */
#include "hal/base/text.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static size_t sequence_size(unsigned char lead)
{
    if (lead >= 0xc2 && lead <= 0xdf) {
        return 2;
    }
    if (lead >= 0xe0 && lead <= 0xef) {
        return 3;
    }
    return lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
}

static bool is_printable(uint32_t code, size_t size)
{
    static const uint32_t smallest[] = {[2] = 0xa0, [3] = 0x800, [4] = 0x10000};

    return code >= smallest[size] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) &&
           code != 0x2028 && code != 0x2029;
}

size_t text_step(const char *text, size_t length)
{
    const unsigned char *bytes = (const unsigned char *)text;
    uint32_t code;
    size_t size;

    if (length == 0) {
        return 0;
    }
    if (bytes[0] < 0x80) {
        return bytes[0] >= 0x20 && bytes[0] != 0x7f ? 1 : 0;
    }
    size = sequence_size(bytes[0]);
    if (size == 0 || size > length) {
        return 0;
    }
    code = bytes[0] & (0x7fu >> size);
    for (size_t i = 1; i < size; i++) {
        if ((bytes[i] & 0xc0) != 0x80) {
            return 0;
        }
        code = code << 6 | (bytes[i] & 0x3fu);
    }
    return is_printable(code, size) ? size : 0;
}

void text_escape(const char *text, size_t length, char *ret_line, size_t size)
{
    size_t used = 0, kept = 0; /* `kept` leaves room for the dots */

    for (size_t i = 0; i < length;) {
        char piece[5];
        size_t taken = text_step(text + i, length - i);
        size_t n = taken;

        if (taken > 0) {
            memcpy(piece, text + i, taken);
        } else {
            taken = 1;
            n = (size_t)snprintf(piece, sizeof(piece), "\\x%02x", (unsigned char)text[i]);
        }
        if (used + n + 1 > size) {
            memcpy(ret_line + kept, "...", 4);
            return;
        }
        memcpy(ret_line + used, piece, n);
        used += n;
        i += taken;
        if (used + 4 <= size) {
            kept = used;
        }
    }
    ret_line[used] = '\0';
}

static unsigned char folded(char c)
{
    return (unsigned char)tolower((unsigned char)c);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Both words are shorter than TEXT_WORD_SIZE. Three rows of the usual table are enough: a swap
 * looks two rows back. */
static size_t distance_of(const char *a, const char *b)
{
    size_t rows[3][TEXT_WORD_SIZE];
    size_t a_length = strlen(a), b_length = strlen(b);

    for (size_t i = 0; i <= a_length; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];

        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            if (i == 0) {
                row[j] = j;
                continue;
            }
            row[j] = least(above[j] + 1, row[j - 1] + 1);
            row[j] = least(row[j], above[j - 1] + (folded(a[i - 1]) != folded(b[j - 1])));
            if (i > 1 && j > 1 && folded(a[i - 1]) == folded(b[j - 2]) &&
                folded(a[i - 2]) == folded(b[j - 1])) {
                row[j] = least(row[j], above2[j - 2] + 1);
            }
        }
    }
    return rows[a_length % 3][b_length];
}

void text_nearest_init(struct text_nearest *nearest, const char *word)
{
    size_t length = strlen(word);

    /* A third of the letters may be wrong; beyond that the guess says more about us. */
    *nearest = (struct text_nearest){.word = word, .distance = length / 3 + 1};
    if (length >= TEXT_WORD_SIZE) {
        nearest->distance = 0;
    }
}

void text_nearest_offer(struct text_nearest *nearest, const char *known)
{
    size_t distance;

    if (nearest->distance == 0 || strlen(known) >= TEXT_WORD_SIZE) {
        return;
    }
    distance = distance_of(nearest->word, known);
    if (distance < nearest->distance) {
        nearest->distance = distance;
        memcpy(nearest->best, known, strlen(known) + 1);
    }
}
