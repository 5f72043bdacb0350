/* The sources above the files: environment and command line.
 *
 * Results as in config.h.
 */
#ifndef CONFIG_VARIABLE_H
#define CONFIG_VARIABLE_H

#include "config/store.h"

#define VARIABLE_NAME_MAX 128

/* Lays environment and assignments over the store; both may be NULL, see config_load. */
int variable_load(struct config *config, char *const *environment, const char *const *assignments);

/* The environment variable of a key, or "" when it has none. `*ret_first_only` says that it means
 * only the first of the sections. */
void variable_name(const struct setting_table *table, const struct setting *setting,
                   char ret_name[static VARIABLE_NAME_MAX], bool *ret_first_only);

#endif
