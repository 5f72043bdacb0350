/* The printed forms of a configuration, see config.h.
 *
 * config_show writes a file: for every section its title, then "key = value  ; origin". The engine
 * reads it back to the same values, which the tests and the fuzz target hold it to. Therefore a
 * line that would be too long for a file gives its padding up first, and then sends its origin to a
 * comment of its own above, because comments may be of any length.
 *
 * config_keys writes the reference for people from the tables alone.
 */
#include <ctype.h>
#include <string.h>

#include "config/store.h"
#include "config/value.h"
#include "config/variable.h"

/* Origins stand in one column unless a value is wider than this. */
#define VALUE_COLUMN_MAX 48

static int widest_key(const struct setting_table *table)
{
    size_t widest = 0;

    for (size_t i = 0; i < table->count; i++) {
        size_t length = strlen(table->settings[i].key);

        widest = length > widest ? length : widest;
    }
    return (int)widest;
}

static int widest_value(const struct section *section)
{
    char text[VALUE_TEXT_SIZE];
    size_t widest = 0;

    for (size_t i = 0; i < section->table->count; i++) {
        size_t length;

        value_print(&section->table->settings[i], section->module, text);
        length = strlen(text);
        widest = length > widest && length <= VALUE_COLUMN_MAX ? length : widest;
    }
    return (int)widest;
}

/* Bytes are columns here: a value with other letters than ASCII is a little out of line. */
static void show_value(const struct setting *setting, const char *text, const char *origin,
                       int key_width, int value_width, FILE *out)
{
    int padded =
        snprintf(NULL, 0, "%-*s = %-*s  ; %s", key_width, setting->key, value_width, text, origin);
    size_t bare = strlen(setting->key) + strlen(" = ") + strlen(text);

    if (padded <= STORE_LINE_MAX) {
        fprintf(out, "%-*s = %-*s  ; %s\n", key_width, setting->key, value_width, text, origin);
        return;
    }
    /* Only a default, the path of the installation, may exceed a line; it needs none. */
    fprintf(out, "# %s:\n%s%s = %s\n", origin, bare > STORE_LINE_MAX ? "# " : "", setting->key,
            text);
}

static void show_section(const struct section *section, FILE *out)
{
    int key_width = widest_key(section->table), value_width = widest_value(section);
    char text[VALUE_TEXT_SIZE];

    fprintf(out, section->name == NULL ? "\n[%s]\n" : "\n[%s \"%s\"]\n", section->table->section,
            section->name);
    for (size_t i = 0; i < section->table->count; i++) {
        const struct setting *setting = &section->table->settings[i];

        if (section->origins[i].text == NULL) {
            fprintf(out, "# %s is required and not set\n", setting->key);
            continue;
        }
        value_print(setting, section->module, text);
        show_value(setting, text, section->origins[i].text, key_width, value_width, out);
    }
}

void config_show(const struct config *config, FILE *out)
{
    fprintf(out, "# Every value in effect and where it comes from. As a file, this gives the same "
                 "configuration.\n");
    for (size_t i = 0; i < config->table_count; i++) {
        const struct section *section;

        for (size_t j = 0; (section = store_section(config, config->tables[i], j)) != NULL; j++) {
            show_section(section, out);
        }
    }
}

static void each_of(const struct section *section,
                    void (*each)(void *user, const struct config_entry *entry), void *user)
{
    char text[VALUE_TEXT_SIZE];

    for (size_t i = 0; i < section->table->count; i++) {
        const char *origin = section->origins[i].text;

        value_print(&section->table->settings[i], section->module, text);
        each(user, &(struct config_entry){
                       .section = section->table->section,
                       .name = section->name,
                       .key = section->table->settings[i].key,
                       .value = origin != NULL ? text : NULL,
                       .origin = origin,
                   });
    }
}

void config_each(const struct config *config,
                 void (*each)(void *user, const struct config_entry *entry), void *user)
{
    for (size_t i = 0; i < config->table_count; i++) {
        const struct section *section;

        for (size_t j = 0; (section = store_section(config, config->tables[i], j)) != NULL; j++) {
            each_of(section, each, user);
        }
    }
}

/* "text", "a number of mm/s from 0 to 1000": the same words as in errors, without the article. */
static void print_kind(const struct setting *setting, FILE *out)
{
    char kind[VALUE_EXPECTED_SIZE];

    value_describe(setting, kind);
    fprintf(out, "%s", strncmp(kind, "a ", 2) == 0 ? kind + 2 : kind);
}

/* Room for what a struct config_key points to. */
struct key_texts {
    char fallback[VALUE_TEXT_SIZE];
    char variable[VARIABLE_NAME_MAX];
};

static struct config_key describe_key(const struct setting_table *table,
                                      const struct setting *setting, struct key_texts *texts)
{
    const char *unit = setting->unit != NULL ? setting->unit : "";
    const char *fallback = setting->fallback != NULL ? setting->fallback : "";
    size_t length = strlen(fallback);
    /* Tables may leave the unit out of a default; people should see it. */
    bool bare = length > 0 && isdigit((unsigned char)fallback[length - 1]) && *unit != '\0';
    struct config_key key = {.table = table, .setting = setting};

    (void)snprintf(texts->fallback, sizeof(texts->fallback), "%s%s%s", fallback, bare ? " " : "",
                   bare ? unit : "");
    key.fallback = setting->fallback != NULL ? texts->fallback : NULL;
    variable_name(table, setting, texts->variable, &key.first_only);
    key.variable = texts->variable[0] != '\0' ? texts->variable : NULL;
    return key;
}

static void print_key(const struct config_key *key, int width, FILE *out)
{
    const char *fallback = key->fallback;

    fprintf(out, "  %-*s  %s\n  %*s  ", width, key->setting->key, key->setting->help, width, "");
    print_kind(key->setting, out);
    if (fallback == NULL) {
        fprintf(out, "; required\n");
    } else {
        fprintf(out, "; default %s\n", *fallback != '\0' ? fallback : "empty");
    }
    if (key->variable != NULL) {
        fprintf(out, "  %*s  %s%s\n", width, "", key->variable,
                key->first_only ? ", for the first of them" : "");
    }
}

static void print_table(const struct setting_table *table, FILE *out)
{
    if (table->instances == 0) {
        fprintf(out, "\n[%s]\n%s.\n\n", table->section, table->help);
    } else {
        fprintf(out, "\n[%s \"NAME\"], up to %zu\n%s.\n\n", table->section, table->instances,
                table->help);
    }
    for (size_t i = 0; i < table->count; i++) {
        struct key_texts texts;
        struct config_key key = describe_key(table, &table->settings[i], &texts);

        print_key(&key, widest_key(table), out);
    }
}

void config_each_key(const struct config *config,
                     void (*each)(void *user, const struct config_key *key), void *user)
{
    for (size_t i = 0; i < config->table_count; i++) {
        const struct setting_table *table = config->tables[i];

        for (size_t j = 0; j < table->count; j++) {
            struct key_texts texts;
            struct config_key key = describe_key(table, &table->settings[j], &texts);

            each(user, &key);
        }
    }
}

void config_keys(const struct config *config, FILE *out)
{
    fprintf(out,
            "Every key: what it means, what it accepts, its default, its environment variable.\n"
            "Numbers take any unit that converts exactly: 300, 300 ms and 0.3 s are the same.\n");
    for (size_t i = 0; i < config->table_count; i++) {
        print_table(config->tables[i], out);
    }
}
