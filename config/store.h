/* The inside of struct config: the sections with their values, and who set them.
 *
 * Only the files of config/ include this. Results as in config.h: 0, CONFIG_REFUSED with the reason
 * in config->error, or -errno.
 */
#ifndef CONFIG_STORE_H
#define CONFIG_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"
#include "hal/base/text.h"

/* libinih takes 200 bytes a line, end of line and terminator included (INI_MAX_LINE of Debian's
 * build). "key = value" has to fit wherever the value came from, so that `config show` is a file.
 */
#define STORE_LINE_MAX  198
#define STORE_NAME_MAX  32
#define STORE_PLACE_MAX 320
#define STORE_ERROR_MAX 1024

/* Where a value is read. */
struct place {
    char text[STORE_PLACE_MAX]; /* printable: "FILE:LINE", "environment NAME", "command line" */
    const char *folder;         /* of relative paths, absolute */
    unsigned source;            /* not 0: a key may be given once by it */
};

struct origin {
    char *text; /* NULL: the value is not set */
    unsigned source;
};

struct section {
    const struct setting_table *table;
    char *name;  /* NULL: the section stands once */
    char *first; /* where it was first mentioned; NULL: in no source */
    void *module;
    struct origin *origins; /* one for each setting */
};

struct config {
    const struct setting_table *const *tables;
    size_t table_count;
    struct section *sections; /* of one table: in the order of first mention */
    size_t section_count;
    unsigned sources; /* counts the files that were read */
    char error[STORE_ERROR_MAX];
};

/* One section per table that stands once, all values at their defaults. The caller frees a store
 * that failed half-way with store_fini. */
int store_init(struct config *config, const struct setting_table *const *tables, size_t count);
void store_fini(struct config *config);

/* Says why the input is wrong, unless an earlier mistake was told, and returns CONFIG_REFUSED. */
__attribute__((format(printf, 3, 4))) int store_refuse(struct config *config, const char *place,
                                                       const char *format, ...);

/* Of two results the one to end with: -errno, then CONFIG_REFUSED, then 0. */
int store_worse(int a, int b);

/* The section number `index` of a table, or NULL. */
struct section *store_section(const struct config *config, const struct setting_table *table,
                              size_t index);

/* Finds the section of that name, or adds it when its table has room. `name` is NULL for [section].
 * The pointer stays valid as long as the config. */
int store_enter(struct config *config, const struct place *place, const char *section,
                const char *name, struct section **ret_section);

/* Sets one value from foreign text without blanks around it. */
int store_set(struct config *config, const struct place *place, struct section *section,
              const char *key, const char *text);

/* Refuses when a required key is missing. `path` is where a section that stands once belongs. */
int store_check_complete(struct config *config, const char *path);

#endif
