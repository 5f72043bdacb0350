/* See store.h.
 *
 * A section is the module's own struct, filled field by field, and beside it one origin per key.
 * Nothing else is kept: what `config show` prints is printed from the same bytes that the module
 * gets. Memory is bounded by the tables: there are never more sections than they allow.
 *
 * The first mistake is told, in one error line, and what comes behind it is read all the same;
 * everything foreign in the line is escaped and cut.
 */
#include "config/store.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "config/value.h"

#define SHOWN_SIZE 64

int store_refuse(struct config *config, const char *place, const char *format, ...)
{
    va_list arguments;
    int used;

    if (config->error[0] != '\0') {
        return CONFIG_REFUSED;
    }
    used = snprintf(config->error, sizeof(config->error), "%s: ", place);
    assert(used > 0 && (size_t)used < sizeof(config->error));
    va_start(arguments, format);
    vsnprintf(config->error + used, sizeof(config->error) - (size_t)used, format, arguments);
    va_end(arguments);
    return CONFIG_REFUSED;
}

int store_worse(int a, int b)
{
    return a < 0 || b == 0 ? a : b;
}

static void shown(const char *text, char ret_line[static SHOWN_SIZE])
{
    text_escape(text, strlen(text), ret_line, SHOWN_SIZE);
    if (text[0] == '\0') {
        memcpy(ret_line, "\"\"", 3);
    }
}

/* `explorer` or `vlm "panda"`, to stand between brackets. */
static void section_title(const struct section *section, char ret_title[static SHOWN_SIZE])
{
    if (section->name == NULL) {
        snprintf(ret_title, SHOWN_SIZE, "%s", section->table->section);
    } else {
        snprintf(ret_title, SHOWN_SIZE, "%s \"%s\"", section->table->section, section->name);
    }
}

static const char *hint(char hint[static SHOWN_SIZE * 2], const struct text_nearest *nearest,
                        const char *format)
{
    hint[0] = '\0';
    if (nearest->best[0] != '\0') {
        snprintf(hint, SHOWN_SIZE * 2, format, nearest->best);
    }
    return hint;
}

static void section_fini(struct section *section)
{
    for (size_t i = 0; section->origins != NULL && i < section->table->count; i++) {
        free(section->origins[i].text);
    }
    free(section->origins);
    free(section->module);
    free(section->first);
    free(section->name);
}

/* A default that its own table refuses is our bug; every test program would end here. */
static int section_fill(struct section *section)
{
    char expected[VALUE_EXPECTED_SIZE];

    for (size_t i = 0; i < section->table->count; i++) {
        const struct setting *setting = &section->table->settings[i];
        int result;

        if (setting->fallback == NULL) {
            continue;
        }
        result = value_parse(setting, setting->fallback, NULL, section->module, expected);
        assert(result == 0);
        section->origins[i].text = strdup("default");
        if (section->origins[i].text == NULL) {
            return -ENOMEM;
        }
    }
    return 0;
}

static int section_init(struct section *section, const struct setting_table *table,
                        const char *name, const char *first)
{
    *section = (struct section){
        .table = table,
        .name = name == NULL ? NULL : strdup(name),
        .first = first == NULL ? NULL : strdup(first),
        .module = calloc(1, table->size),
        .origins = calloc(table->count + 1, sizeof(section->origins[0])),
    };
    if ((name != NULL && section->name == NULL) || (first != NULL && section->first == NULL) ||
        section->module == NULL || section->origins == NULL) {
        return -ENOMEM;
    }
    return section_fill(section);
}

int store_init(struct config *config, const struct setting_table *const *tables, size_t count)
{
    size_t room = 0;

    *config = (struct config){.tables = tables, .table_count = count};
    for (size_t i = 0; i < count; i++) {
        room += tables[i]->instances == 0 ? 1 : tables[i]->instances;
    }
    config->sections = calloc(room + 1, sizeof(config->sections[0]));
    if (config->sections == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        int result = 0;

        if (tables[i]->instances == 0) {
            result =
                section_init(&config->sections[config->section_count++], tables[i], NULL, NULL);
        }
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

void store_fini(struct config *config)
{
    for (size_t i = 0; i < config->section_count; i++) {
        section_fini(&config->sections[i]);
    }
    free(config->sections);
}

struct section *store_section(const struct config *config, const struct setting_table *table,
                              size_t index)
{
    for (size_t i = 0; i < config->section_count; i++) {
        if (config->sections[i].table == table && index-- == 0) {
            return &config->sections[i];
        }
    }
    return NULL;
}

static int find_table(struct config *config, const struct place *place, const char *section,
                      const struct setting_table **ret_table)
{
    char line[SHOWN_SIZE], guess[SHOWN_SIZE * 2];
    struct text_nearest nearest;

    text_nearest_init(&nearest, section);
    for (size_t i = 0; i < config->table_count; i++) {
        if (strcmp(config->tables[i]->section, section) == 0) {
            *ret_table = config->tables[i];
            return 0;
        }
        text_nearest_offer(&nearest, config->tables[i]->section);
    }
    shown(section, line);
    return store_refuse(config, place->text, "[%s]: unknown section%s", line,
                        hint(guess, &nearest, "; did you mean [%s]?"));
}

/* Letters that need no quoting in an assignment, a file or a log line. */
static bool is_good_name(const char *name)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    size_t length = strlen(name);

    return length > 0 && length <= STORE_NAME_MAX && strspn(name, letters) == length;
}

static int check_name(struct config *config, const struct place *place,
                      const struct setting_table *table, const char *name)
{
    char line[SHOWN_SIZE];

    if (table->instances == 0 && name != NULL) {
        return store_refuse(config, place->text, "[%s] stands once and has no name",
                            table->section);
    }
    if (table->instances > 0 && name == NULL) {
        return store_refuse(config, place->text, "[%s]: expected a name, as in [%s \"panda\"]",
                            table->section, table->section);
    }
    if (name != NULL && !is_good_name(name)) {
        shown(name, line);
        return store_refuse(config, place->text,
                            "[%s] %s: expected a name of 1 to %d letters, digits, '-' or '_'",
                            table->section, line, STORE_NAME_MAX);
    }
    return 0;
}

static int add_section(struct config *config, const struct place *place,
                       const struct setting_table *table, const char *name,
                       struct section **ret_section)
{
    struct section *section = &config->sections[config->section_count];
    int result;

    if (store_section(config, table, table->instances - 1) != NULL) {
        return store_refuse(config, place->text, "[%s \"%s\"]: expected at most %zu [%s] sections",
                            table->section, name, table->instances, table->section);
    }
    config->section_count++;
    result = section_init(section, table, name, place->text);
    if (result == 0) {
        *ret_section = section;
    }
    return result;
}

int store_enter(struct config *config, const struct place *place, const char *section,
                const char *name, struct section **ret_section)
{
    const struct setting_table *table;
    struct section *found;
    int result = find_table(config, place, section, &table);

    if (result == 0) {
        result = check_name(config, place, table, name);
    }
    if (result != 0) {
        return result;
    }
    for (size_t i = 0; (found = store_section(config, table, i)) != NULL; i++) {
        if (name == NULL || strcmp(found->name, name) == 0) {
            *ret_section = found;
            return 0;
        }
    }
    return add_section(config, place, table, name, ret_section);
}

static int find_key(struct config *config, const struct place *place, const struct section *section,
                    const char *key, size_t *ret_index)
{
    char title[SHOWN_SIZE], line[SHOWN_SIZE], guess[SHOWN_SIZE * 2];
    struct text_nearest nearest;

    text_nearest_init(&nearest, key);
    for (size_t i = 0; i < section->table->count; i++) {
        if (strcmp(section->table->settings[i].key, key) == 0) {
            *ret_index = i;
            return 0;
        }
        text_nearest_offer(&nearest, section->table->settings[i].key);
    }
    section_title(section, title);
    shown(key, line);
    return store_refuse(config, place->text, "[%s] %s: unknown key%s", title, line,
                        hint(guess, &nearest, "; did you mean \"%s\"?"));
}

static int set_origin(struct origin *origin, const struct place *place)
{
    char *text = strdup(place->text);

    if (text == NULL) {
        return -ENOMEM;
    }
    free(origin->text);
    *origin = (struct origin){.text = text, .source = place->source};
    return 0;
}

/* Paths grow when their folder is put before them; everything else came out of a line. */
static int check_fits(const struct setting *setting, const void *module, char *ret_expected)
{
    char text[VALUE_TEXT_SIZE];
    size_t most = STORE_LINE_MAX - strlen(" = ") - strlen(setting->key);

    value_print(setting, module, text);
    if (strlen(text) <= most) {
        return 0;
    }
    snprintf(ret_expected, VALUE_EXPECTED_SIZE, "at most %zu bytes%s", most,
             setting->type == SETTING_PATH ? ", folder included" : "");
    return VALUE_REFUSED;
}

int store_set(struct config *config, const struct place *place, struct section *section,
              const char *key, const char *text)
{
    char title[SHOWN_SIZE], line[SHOWN_SIZE], expected[VALUE_EXPECTED_SIZE];
    const struct setting *setting;
    struct origin *origin;
    size_t index = 0;
    int result = find_key(config, place, section, key, &index);

    if (result != 0) {
        return result;
    }
    setting = &section->table->settings[index];
    origin = &section->origins[index];
    section_title(section, title);
    if (place->source != 0 && origin->source == place->source) {
        return store_refuse(config, place->text, "[%s] %s: given twice, first at %s", title, key,
                            origin->text);
    }
    result = value_parse(setting, text, place->folder, section->module, expected);
    if (result == 0) {
        result = check_fits(setting, section->module, expected);
    }
    if (result == VALUE_REFUSED) {
        shown(text, line);
        return store_refuse(config, place->text, "[%s] %s = %s: expected %s", title, key, line,
                            expected);
    }
    return set_origin(origin, place);
}

int store_check_complete(struct config *config, const char *path)
{
    char title[SHOWN_SIZE];

    for (size_t i = 0; i < config->section_count; i++) {
        const struct section *section = &config->sections[i];

        for (size_t j = 0; j < section->table->count; j++) {
            const struct setting *setting = &section->table->settings[j];

            if (section->origins[j].text == NULL) {
                section_title(section, title);
                return store_refuse(config, section->first == NULL ? path : section->first,
                                    "[%s] %s: missing, but required: %s", title, setting->key,
                                    setting->help);
            }
        }
    }
    return 0;
}
