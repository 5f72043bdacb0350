/* turbonav config: show, check, keys.
 *
 * The configuration's one error line goes to standard error as it is: it begins with the place, so
 * that an editor can jump there. The exit code is then 78, as of every program here that does not
 * start because of its configuration.
 */
#include <cJSON.h>
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/cli/command.h"
#include "config/config.h"
#include "config/list.h"
#include "hal/base/exit.h"

static void free_config(struct config **config)
{
    config_free(*config);
}

static int system_failed(int result)
{
    fprintf(stderr, "turbonav: %s\n", strerror(-result));
    return EXIT_SYSTEM;
}

/* The result of a config_ function as an exit code. */
static int judge(const struct config *config, int result)
{
    if (result < 0) {
        return system_failed(result);
    }
    if (result == CONFIG_REFUSED) {
        fprintf(stderr, "%s\n", config_error(config));
        return EXIT_BAD_CONFIG;
    }
    return 0;
}

struct show_options {
    const char *config;       /* NULL: the default file */
    const char **assignments; /* room for all arguments, NULL-terminated */
    int assignment_count;
    bool help, json;
};

/* getopt_long also takes the beginning of a name, which a later option would make ambiguous. */
static bool is_whole_name(const char *argument, const char *name)
{
    return strcspn(argument + 2, "=") == strlen(name);
}

static int parse_show(int argc, char **argv, struct show_options *options)
{
    static const struct option known[] = {
        {"config", required_argument, NULL, 'c'},
        {"set", required_argument, NULL, 's'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int code, index = 0, at = optind;

    /* '+': options end at the first other argument, so that argv[at] is what `code` is about. */
    while ((code = getopt_long(argc, argv, "+:", known, &index)) != -1) {
        if (code == ':') {
            return command_needs_value(optopt == 'c' ? "--config FILE" : "--set SECTION.KEY=VALUE");
        }
        if (code == '?' || !is_whole_name(argv[at], known[index].name)) {
            return command_unexpected(argv[at]);
        }
        if (code == 'c') {
            options->config = optarg;
        } else if (code == 's') {
            options->assignments[options->assignment_count++] = optarg;
        } else if (code == 'j') {
            options->json = true;
        } else {
            options->help = true;
        }
        at = optind;
    }
    return optind < argc ? command_unexpected(argv[optind]) : 0;
}

static void add_text(cJSON *json, const char *name, const char *text)
{
    cJSON_AddItemToObject(json, name, text != NULL ? cJSON_CreateString(text) : cJSON_CreateNull());
}

/* One object a line; `user` is an exit code. */
static void print_entry(void *user, const struct config_entry *entry)
{
    cJSON *json = cJSON_CreateObject();
    int *code = user;

    add_text(json, "section", entry->section);
    add_text(json, "name", entry->name);
    add_text(json, "key", entry->key);
    add_text(json, "value", entry->value);
    add_text(json, "origin", entry->origin);
    *code |= command_print_json(json);
}

static int show_loaded(const struct show_options *options)
{
    __attribute__((cleanup(free_config))) struct config *config = NULL;
    int code, result = config_new(config_list, config_list_count, &config);

    if (result < 0) {
        return system_failed(result);
    }
    code = judge(config, config_load(config, options->config, environ, options->assignments));
    if (code == 0 && options->json) {
        config_each(config, print_entry, &code);
    } else if (code == 0) {
        config_show(config, stdout);
    }
    return code;
}

static int show(int argc, char **argv)
{
    struct show_options options = {0};
    int code;

    options.assignments = calloc((size_t)argc + 1, sizeof(options.assignments[0]));
    if (options.assignments == NULL) {
        return system_failed(-ENOMEM);
    }
    code = parse_show(argc, argv, &options);
    if (code == 0) {
        code = options.help ? command_help(0, NULL) : show_loaded(&options);
    }
    free(options.assignments);
    return code;
}

/* {"file":...,"ok":true}, or false and the error line; the exit code is the same. */
static int print_check(const char *path, const struct config *config, int result)
{
    cJSON *json = cJSON_CreateObject();
    int code;

    add_text(json, "file", path);
    cJSON_AddBoolToObject(json, "ok", result == 0);
    add_text(json, "error", result == CONFIG_REFUSED ? config_error(config) : NULL);
    code = command_print_json(json);
    return result == 0 ? code : EXIT_BAD_CONFIG;
}

static int check_file(const char *path, bool json)
{
    __attribute__((cleanup(free_config))) struct config *config = NULL;
    int code, result = config_new(config_list, config_list_count, &config);

    if (result < 0) {
        return system_failed(result);
    }
    result = config_load_file(config, path);
    if (json && result >= 0) {
        return print_check(path, config, result);
    }
    code = judge(config, result);
    if (code == 0) {
        printf("%s: ok\n", path);
    }
    return code;
}

static int check(int argc, char **argv)
{
    bool json = command_takes_json(&argc, argv);

    if (argc < 2) {
        return command_usage("expected 'turbonav config check FILE'");
    }
    if (strcmp(argv[1], "--help") == 0) {
        return command_help(0, NULL);
    }
    if (argv[1][0] == '-') {
        return command_unexpected(argv[1]);
    }
    return argc > 2 ? command_unexpected(argv[2]) : check_file(argv[1], json);
}

static void add_numbers(cJSON *json, const struct setting *setting)
{
    cJSON_AddNumberToObject(json, "min", (double)setting->min);
    cJSON_AddNumberToObject(json, "max", (double)setting->max);
    cJSON_AddNumberToObject(json, "multiple",
                            setting->multiple > 0 ? (double)setting->multiple : 1);
}

static void add_choices(cJSON *json, const char *const *choices)
{
    cJSON *list = cJSON_AddArrayToObject(json, "choices");

    for (; *choices != NULL; choices++) {
        cJSON_AddItemToArray(list, cJSON_CreateString(*choices));
    }
}

/* One object a line; `user` is an exit code. */
static void print_key(void *user, const struct config_key *key)
{
    static const char *const types[] = {[SETTING_STRING] = "string",
                                        [SETTING_PATH] = "path",
                                        [SETTING_NUMBER] = "number",
                                        [SETTING_BOOL] = "bool",
                                        [SETTING_CHOICE] = "choice"};
    const struct setting *setting = key->setting;
    cJSON *json = cJSON_CreateObject();
    int *code = user;

    add_text(json, "section", key->table->section);
    cJSON_AddNumberToObject(json, "instances", (double)key->table->instances);
    add_text(json, "key", setting->key);
    add_text(json, "type", types[setting->type]);
    add_text(json, "default", key->fallback);
    if (setting->type == SETTING_NUMBER) {
        add_text(json, "unit", setting->unit);
        add_numbers(json, setting);
    } else if (setting->type == SETTING_CHOICE) {
        add_choices(json, setting->choices);
    }
    add_text(json, "variable", key->variable);
    add_text(json, "help", setting->help);
    *code |= command_print_json(json);
}

static int keys(int argc, char **argv)
{
    __attribute__((cleanup(free_config))) struct config *config = NULL;
    bool json = command_takes_json(&argc, argv);
    int result;

    if (argc > 1) {
        return strcmp(argv[1], "--help") == 0 ? command_help(0, NULL) : command_unexpected(argv[1]);
    }
    result = config_new(config_list, config_list_count, &config);
    if (result < 0) {
        return system_failed(result);
    }
    if (json) {
        config_each_key(config, print_key, &result);
    } else {
        config_keys(config, stdout);
    }
    return result;
}

int command_config(int argc, char **argv)
{
    static const struct command commands[] = {
        {"show", show}, {"check", check}, {"keys", keys}, {"--help", command_help}, {NULL, NULL},
    };

    return command_run(commands, "turbonav config", argc, argv);
}
