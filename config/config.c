/* See config.h.
 *
 * The sources, in rising order of precedence: defaults (store_init), the file, conf.d, environment,
 * assignments. Each is laid over the one before by the same store_set with another place, so a
 * value is judged in the same way wherever it comes from, and in every source, even when a later
 * one replaces it: a mistake that is hidden today starts the car differently tomorrow.
 *
 * NAV_VLLM_URL and NAV_VLLM_MODEL are older than this program: systemd drop-ins that exist set
 * them. They mean the first endpoint of the files, or one of their own when there is none. An empty
 * variable means one that is not set, because that is how a drop-in takes a variable back.
 */
#include "config/config.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/conf_file.h"
#include "config/store.h"
#include "config/variable.h"

#define DROP_INS "conf.d"

int config_new(const struct setting_table *const *tables, size_t count, struct config **ret_config)
{
    struct config *config = calloc(1, sizeof(*config));
    int result;

    if (config == NULL) {
        return -ENOMEM;
    }
    result = store_init(config, tables, count);
    if (result != 0) {
        config_free(config);
        return result;
    }
    *ret_config = config;
    return 0;
}

void config_free(struct config *config)
{
    if (config != NULL) {
        store_fini(config);
        free(config);
    }
}

const char *config_error(const struct config *config)
{
    return config->error;
}

size_t config_count(const struct config *config, const struct setting_table *table)
{
    size_t count = 0;

    while (store_section(config, table, count) != NULL) {
        count++;
    }
    return count;
}

const char *config_name(const struct config *config, const struct setting_table *table,
                        size_t index)
{
    return store_section(config, table, index)->name;
}

void config_get(const struct config *config, const struct setting_table *table, size_t index,
                void *ret_options)
{
    memcpy(ret_options, store_section(config, table, index)->module, table->size);
}

static int is_drop_in(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);

    return entry->d_name[0] != '.' && length > 5 &&
           strcmp(entry->d_name + length - 5, ".conf") == 0;
}

/* By bytes: alphasort would follow the locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int load_entries(struct config *config, const char *folder, struct dirent **entries,
                        int count)
{
    int result = 0;

    for (int i = 0; i < count && result >= 0; i++) {
        char *path;

        if (asprintf(&path, "%s/%s", folder, entries[i]->d_name) < 0) {
            return -ENOMEM;
        }
        result = store_worse(result, conf_file_load(config, path, false));
        free(path);
    }
    return result;
}

static int load_folder(struct config *config, const char *folder)
{
    char name[CONF_FILE_NAME_MAX];
    struct dirent **entries;
    int count = scandir(folder, &entries, is_drop_in, by_name);
    int result;

    if (count < 0 && (errno == ENOENT || errno == ENOMEM)) {
        return errno == ENOENT ? 0 : -ENOMEM;
    }
    if (count < 0) {
        result = errno;
        conf_file_name(folder, name);
        return store_refuse(config, name, "%s", strerror(result));
    }
    result = load_entries(config, folder, entries, count);
    for (int i = 0; i < count; i++) {
        free(entries[i]);
    }
    free(entries);
    return result;
}

static int load_drop_ins(struct config *config, const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder;
    int result;

    if (asprintf(&folder, "%.*s" DROP_INS, slash == NULL ? 0 : (int)(slash - path) + 1, path) < 0) {
        return -ENOMEM;
    }
    result = load_folder(config, folder);
    free(folder);
    return result;
}

static int check_complete(struct config *config, const char *path)
{
    char name[CONF_FILE_NAME_MAX];

    conf_file_name(path, name);
    return store_check_complete(config, name);
}

int config_load(struct config *config, const char *path, char *const *environment,
                const char *const *assignments)
{
    const char *file = path == NULL ? CONFIG_DEFAULT_FILE : path;
    int result;

    config->error[0] = '\0';
    result = conf_file_load(config, file, path == NULL);
    if (result >= 0) {
        result = store_worse(result, load_drop_ins(config, file));
    }
    if (result >= 0) {
        result = store_worse(result, variable_load(config, environment, assignments));
    }
    return result != 0 ? result : check_complete(config, file);
}

static bool is_in_drop_ins(const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t length = slash == NULL ? 0 : (size_t)(slash - path);
    size_t wanted = strlen(DROP_INS);

    return length >= wanted && strncmp(slash - wanted, DROP_INS, wanted) == 0 &&
           (length == wanted || slash[-(ptrdiff_t)wanted - 1] == '/');
}

int config_load_file(struct config *config, const char *path)
{
    int result;

    config->error[0] = '\0';
    result = conf_file_load(config, path, false);
    return result != 0 || is_in_drop_ins(path) ? result : check_complete(config, path);
}

int config_load_bytes(struct config *config, const char *path, const void *bytes, size_t size)
{
    int result;

    config->error[0] = '\0';
    result = conf_file_parse(config, path, bytes, size);
    return result != 0 || is_in_drop_ins(path) ? result : check_complete(config, path);
}
