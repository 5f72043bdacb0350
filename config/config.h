/* The configuration engine: files, environment and command line against the modules' key tables.
 *
 * Sources in rising order of precedence: the tables' defaults, one file, the *.conf files of the
 * folder conf.d beside it in name order, the environment, the command line. Every value remembers
 * where it came from. Any mistake makes the whole configuration unusable: config_error() says the
 * first in one line (place, value, what was expected, nearest known key) and the caller exits with
 * 78. What is right is read all the same, also behind a mistake, for the one use that cannot wait
 * until all is right: to stop the wheels.
 *
 * A value obeys the same rules in every source, so that config_show can print it as a line of a
 * file: printable UTF-8, blanks around it do not count, "key = value" has at most 198 bytes (with
 * a path made absolute), and no ';' or '#' at its start or after a blank, because there a comment
 * begins. A file has at most 64 kB and gives a key at most once.
 *
 * Ownership: a struct config owns everything it hands out pointers to; these stay valid until the
 * next call that changes it. One thread. Not for the control loops: read once, at start.
 *
 * Results: 0 = done; CONFIG_REFUSED = the input is wrong, see config_error(); -errno = unexpected
 * (no memory).
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "hal/base/setting.h"

#define CONFIG_DEFAULT_FILE "/etc/turbonav/turbonav.conf"

enum config_result {
    CONFIG_REFUSED = 1,
};

struct config;

/* Starts with every key at its default. `tables` must outlive the config. Free with config_free,
 * which accepts NULL. */
int config_new(const struct setting_table *const *tables, size_t count, struct config **ret_config);
void config_free(struct config *config);

/* Everything, in order of precedence, and the checks that need all of it (a required key that is
 * missing). `path` NULL means CONFIG_DEFAULT_FILE, which may be missing; a named file may not.
 * `environment` is environ or NULL. `assignments` are `section.key=value` or
 * `section.name.key=value` strings from the command line, NULL-terminated, or NULL; of a section
 * with names the form without one means the first. */
int config_load(struct config *config, const char *path, char *const *environment,
                const char *const *assignments);

/* One file by itself, without conf.d, environment and command line: for the person who edits it.
 * Required keys may be missing when the file's folder is named conf.d, because such a file only
 * adds to others. */
int config_load_file(struct config *config, const char *path);

/* The same for bytes in memory, read as the content of `path`. */
int config_load_bytes(struct config *config, const char *path, const void *bytes, size_t size);

/* The one line that explains why the last load was CONFIG_REFUSED; "" when it was not. */
const char *config_error(const struct config *config);

/* Sections with names: how many there are, and the name of one. */
size_t config_count(const struct config *config, const struct setting_table *table);
const char *config_name(const struct config *config, const struct setting_table *table,
                        size_t index);

/* Copies the values of a section into the module's struct of table->size bytes. `index` is 0 for a
 * section that stands once. */
void config_get(const struct config *config, const struct setting_table *table, size_t index,
                void *ret_options);

/* Prints every effective value as a file that would reproduce it, each with its origin. */
void config_show(const struct config *config, FILE *out);

/* One value in effect, for a program. */
struct config_entry {
    const char *section, *name; /* name: of [section "name"], or NULL */
    const char *key;
    const char *value, *origin; /* NULL: required and not set */
};

/* Hands over the same values one by one; the strings are valid during the call. */
void config_each(const struct config *config,
                 void (*each)(void *user, const struct config_entry *entry), void *user);

/* One key, as the reference describes it. */
struct config_key {
    const struct setting_table *table;
    const struct setting *setting;
    const char *fallback; /* the default with its unit; NULL: required */
    const char *variable; /* of the environment; NULL: none */
    bool first_only;      /* the variable means the first section only */
};

/* Hands over all keys one by one; the strings are valid during the call. */
void config_each_key(const struct config *config,
                     void (*each)(void *user, const struct config_key *key), void *user);

/* Prints the reference of all keys: section, key, type, unit, default, range, environment name,
 * help. */
void config_keys(const struct config *config, FILE *out);

#endif
