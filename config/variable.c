/* See variable.h.
 *
 * A key of a section that stands once is TURBONAV_SECTION_KEY. Sections with names have no such
 * form, because upper case and '_' would make the name ambiguous; the two NAV_ variables that
 * existed before this program mean the first of them. A TURBONAV_ variable that no key has is
 * refused like an unknown key in a file: it was meant to change something.
 */
#include "config/variable.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PREFIX         "TURBONAV_"
#define SECTION_OF_NAV "vlm"

/* Of an endpoint that exists only in the environment, or only on the command line. */
#define NAME_OF_NAV      "env"
#define NAME_OF_ASSIGNED "cli"

static const struct nav_variable {
    const char *name;
    const char *key;
} nav_variables[] = {
    {"NAV_VLLM_URL", "url"},
    {"NAV_VLLM_MODEL", "model"},
};

#define NAV_COUNT (sizeof(nav_variables) / sizeof(nav_variables[0]))

void variable_name(const struct setting_table *table, const struct setting *setting,
                   char ret_name[static VARIABLE_NAME_MAX], bool *ret_first_only)
{
    ret_name[0] = '\0';
    *ret_first_only = table->instances > 0;
    if (table->instances == 0) {
        snprintf(ret_name, VARIABLE_NAME_MAX, PREFIX "%s_%s", table->section, setting->key);
        for (char *c = ret_name; *c != '\0'; c++) {
            *c = (char)toupper((unsigned char)*c);
        }
        return;
    }
    for (size_t i = 0; i < NAV_COUNT && strcmp(table->section, SECTION_OF_NAV) == 0; i++) {
        if (strcmp(setting->key, nav_variables[i].key) == 0) {
            snprintf(ret_name, VARIABLE_NAME_MAX, "%s", nav_variables[i].name);
        }
    }
}

/* The same trimming as in a file; empty when there is nothing. Allocated. */
static char *trimmed(const char *text, size_t length)
{
    while (length > 0 && (*text == ' ' || *text == '\t')) {
        text++;
        length--;
    }
    while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t')) {
        length--;
    }
    return strndup(text, length);
}

static int set_trimmed(struct config *config, const struct place *place, struct section *section,
                       const char *key, const char *text)
{
    char *value = trimmed(text, strlen(text));
    int result = value == NULL ? -ENOMEM : store_set(config, place, section, key, value);

    free(value);
    return result;
}

static struct place place_of_variable(const char *name, size_t length, const char *folder)
{
    struct place place = {.folder = folder};
    char line[TEXT_WORD_SIZE * 2];

    text_escape(name, length, line, sizeof(line));
    snprintf(place.text, sizeof(place.text), "environment %s", line);
    return place;
}

static const char *value_of(char *const *environment, const char *name)
{
    size_t length = strlen(name);

    for (; *environment != NULL; environment++) {
        if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=') {
            return *environment + length + 1;
        }
    }
    return "";
}

static int load_nav(struct config *config, const struct setting_table *table,
                    char *const *environment, const char *folder)
{
    int worst = 0;

    for (size_t i = 0; i < NAV_COUNT; i++) {
        const char *name = nav_variables[i].name, *value = value_of(environment, name);
        struct place place = place_of_variable(name, strlen(name), folder);
        struct section *section = store_section(config, table, 0);
        int result = 0;

        if (value[0] == '\0') {
            continue;
        }
        if (section == NULL) {
            result = store_enter(config, &place, SECTION_OF_NAV, NAME_OF_NAV, &section);
        }
        if (result == 0) {
            result = set_trimmed(config, &place, section, nav_variables[i].key, value);
        }
        worst = store_worse(worst, result);
    }
    return worst;
}

/* `variable` begins with the prefix and has its '=' at `length`. */
static int load_variable(struct config *config, const char *variable, size_t length,
                         const char *folder)
{
    struct place place = place_of_variable(variable, length, folder);
    char word[VARIABLE_NAME_MAX], name[VARIABLE_NAME_MAX];
    struct text_nearest nearest;
    bool first_only;

    snprintf(word, sizeof(word), "%.*s", (int)length, variable);
    text_nearest_init(&nearest, word);
    for (size_t i = 0; i < config->table_count; i++) {
        const struct setting_table *table = config->tables[i];

        for (size_t j = 0; j < table->count; j++) {
            variable_name(table, &table->settings[j], name, &first_only);
            if (strlen(name) == length && strncmp(name, variable, length) == 0) {
                return set_trimmed(config, &place, store_section(config, table, 0),
                                   table->settings[j].key, variable + length + 1);
            }
            text_nearest_offer(&nearest, name);
        }
    }
    if (nearest.best[0] == '\0') {
        return store_refuse(config, place.text,
                            "unknown variable; \"turbonav config keys\" lists the known ones");
    }
    return store_refuse(config, place.text, "unknown variable; did you mean %s?", nearest.best);
}

static int load_environment(struct config *config, char *const *environment, const char *folder)
{
    int result = 0;

    for (size_t i = 0; i < config->table_count; i++) {
        if (strcmp(config->tables[i]->section, SECTION_OF_NAV) == 0) {
            result = load_nav(config, config->tables[i], environment, folder);
        }
    }
    for (; *environment != NULL && result >= 0; environment++) {
        size_t length = strcspn(*environment, "=");

        if (strncmp(*environment, PREFIX, strlen(PREFIX)) == 0 && (*environment)[length] == '=' &&
            (*environment)[length + 1] != '\0') {
            result = store_worse(result, load_variable(config, *environment, length, folder));
        }
    }
    return result;
}

static const struct setting_table *named_table(const struct config *config, const char *section)
{
    for (size_t i = 0; i < config->table_count; i++) {
        if (config->tables[i]->instances > 0 && strcmp(config->tables[i]->section, section) == 0) {
            return config->tables[i];
        }
    }
    return NULL;
}

/* The section for an assignment. Without a name it is the one that stands once, or the first of
 * those with names, as for the NAV_ variables. */
static int enter(struct config *config, const struct place *place, const char *section,
                 const char *name, struct section **ret_section)
{
    const struct setting_table *table = name == NULL ? named_table(config, section) : NULL;

    if (table != NULL) {
        *ret_section = store_section(config, table, 0);
        if (*ret_section != NULL) {
            return 0;
        }
        name = NAME_OF_ASSIGNED;
    }
    return store_enter(config, place, section, name, ret_section);
}

/* `path` is "section.key" or "section.name.key", and is cut up. */
static int assign(struct config *config, const struct place *place, char *path, const char *value)
{
    char *key = strrchr(path, '.'), *name;
    struct section *section;
    int result;

    *key++ = '\0';
    name = strchr(path, '.');
    if (name != NULL) {
        *name++ = '\0';
    }
    result = enter(config, place, path, name, &section);
    return result != 0 ? result : set_trimmed(config, place, section, key, value);
}

static int load_assignment(struct config *config, const char *text, const char *folder)
{
    struct place place = {.text = "command line", .folder = folder};
    size_t length = strcspn(text, "=");
    char *path = trimmed(text, length);
    char line[TEXT_WORD_SIZE];
    int result;

    if (path == NULL) {
        return -ENOMEM;
    }
    if (text[length] == '=' && strchr(path, '.') != NULL) {
        result = assign(config, &place, path, text + length + 1);
    } else {
        text_escape(text, strlen(text), line, sizeof(line));
        result = store_refuse(config, place.text,
                              "%s: expected section.key=value or section.name.key=value", line);
    }
    free(path);
    return result;
}

int variable_load(struct config *config, char *const *environment, const char *const *assignments)
{
    char *folder = getcwd(NULL, 0);
    int result = 0;

    if (folder == NULL && errno == ENOMEM) {
        return -ENOMEM;
    }
    if (environment != NULL) {
        result = load_environment(config, environment, folder);
    }
    for (; assignments != NULL && *assignments != NULL && result >= 0; assignments++) {
        result = store_worse(result, load_assignment(config, *assignments, folder));
    }
    free(folder);
    return result;
}
