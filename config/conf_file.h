/* One configuration file: from bytes to the store. The only user of libinih. */
#ifndef CONFIG_CONF_FILE_H
#define CONFIG_CONF_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "config/store.h"

#define CONF_FILE_SIZE_MAX (64 * 1024)
#define CONF_FILE_NAME_MAX 256

/* Reads `path` into the store; what `may_be_missing` is then no mistake. Results as in config.h. */
int conf_file_load(struct config *config, const char *path, bool may_be_missing);

/* The same for bytes in memory that are taken for the content of `path`. */
int conf_file_parse(struct config *config, const char *path, const char *bytes, size_t size);

/* The name of a file as it stands in messages and origins: printable, one line, bounded. */
void conf_file_name(const char *path, char ret_name[static CONF_FILE_NAME_MAX]);

#endif
