/* One value: from text to the field of a module's struct and back, with units and ranges.
 *
 * Pure functions on the caller's memory; any thread.
 */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include <stddef.h>

#include "hal/base/setting.h"

/* Room for "expected ..." and for the printed form of any value. */
#define VALUE_EXPECTED_SIZE 400
#define VALUE_TEXT_SIZE     (SETTING_STRING_SIZE + 64)

enum value_result {
    VALUE_REFUSED = 1, /* ret_expected says what would have been right */
};

/* Reads `text` (without blanks around it) into the field of `setting` inside `module`, the whole
 * struct; the field is untouched when the text is refused. A relative path is put behind `folder`,
 * which is absolute; NULL leaves it as it is. Returns 0 or VALUE_REFUSED. */
int value_parse(const struct setting *setting, const char *text, const char *folder, void *module,
                char ret_expected[static VALUE_EXPECTED_SIZE]);

/* The text that value_parse reads back as the same value; numbers with their unit. */
void value_print(const struct setting *setting, const void *module,
                 char ret_text[static VALUE_TEXT_SIZE]);

/* What is accepted, as the end of a sentence: "a number of mm/s from 0 to 1000". */
void value_describe(const struct setting *setting, char ret_text[static VALUE_EXPECTED_SIZE]);

#endif
