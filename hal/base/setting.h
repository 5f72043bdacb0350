/* One row of a module's configuration table, and the table.
 *
 * A module describes what can be configured about it as data: a visible struct of plain fields, and
 * a table that says for each field its key, type, unit, default, range and meaning. The engine in
 * config/ reads files, environment and command line against these tables; modules only ever see
 * their own filled struct. This header is types only, so that every folder may include it.
 */
#ifndef HAL_BASE_SETTING_H
#define HAL_BASE_SETTING_H

#include <stddef.h>
#include <stdint.h>

/* Room for a string or path field, terminator included. A line of a configuration file is shorter
 * than this (libinih as Debian builds it reads 200 bytes a line), so only a path that was made
 * absolute can be longer; that is refused. */
#define SETTING_STRING_SIZE 512

enum setting_type {
    SETTING_STRING, /* char field[SETTING_STRING_SIZE] */
    SETTING_PATH,   /* the same; a relative path is taken from the folder of the file it stands in,
                      from the environment or the command line from the working directory */
    SETTING_NUMBER, /* int64_t field, in `unit` */
    SETTING_BOOL,   /* bool field: yes, no, true, false, on, off, 1, 0 */
    SETTING_CHOICE, /* int field: index into `choices`, so that an enum can be read from it */
};

struct setting {
    const char *key; /* lower case, words joined by '_' */
    enum setting_type type;
    size_t offset;              /* of the field in the module's struct */
    const char *unit;           /* numbers: "ms", "mm/s", "px"; NULL: a bare number */
    const char *fallback;       /* the default, written as in a file; NULL: required */
    int64_t min, max;           /* numbers: both inclusive, in `unit` */
    int64_t multiple;           /* numbers: must be a multiple of this; 0: any */
    const char *const *choices; /* choices: NULL-terminated list of words */
    /* Strings: NULL, or a check that returns NULL when the value is good and otherwise what was
     * expected, as the end of the sentence "expected ...". */
    const char *(*check)(const char *value);
    const char *help; /* one sentence without a full stop */
};

struct setting_table {
    const char *section;
    size_t instances; /* 0: the section stands once, as [section]; n: up to n times, each with a
                         name of its own, as [section "name"], in the order of first mention */
    const struct setting *settings;
    size_t count;
    size_t size; /* of the module's struct */
    const char *help;
};

#endif
