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

/* One object a line. */
static void print_entry(void *user, const struct config_entry *entry)
{
    cJSON *json = cJSON_CreateObject();
    char *text;

    (void)user;
    add_text(json, "section", entry->section);
    add_text(json, "name", entry->name);
    add_text(json, "key", entry->key);
    add_text(json, "value", entry->value);
    add_text(json, "origin", entry->origin);
    text = cJSON_PrintUnformatted(json);
    if (text != NULL) {
        (void)puts(text);
        free(text);
    }
    cJSON_Delete(json);
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
        config_each(config, print_entry, NULL);
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
    char *text;

    add_text(json, "file", path);
    cJSON_AddBoolToObject(json, "ok", result == 0);
    add_text(json, "error", result == CONFIG_REFUSED ? config_error(config) : NULL);
    text = cJSON_PrintUnformatted(json);
    if (text != NULL) {
        (void)puts(text);
        free(text);
    }
    cJSON_Delete(json);
    return result == 0 ? 0 : EXIT_BAD_CONFIG;
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
    bool json = argc > 1 && strcmp(argv[1], "--json") == 0;

    argc -= json ? 1 : 0;
    argv += json ? 1 : 0;
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

static int keys(int argc, char **argv)
{
    __attribute__((cleanup(free_config))) struct config *config = NULL;
    int result;

    if (argc > 1) {
        return strcmp(argv[1], "--help") == 0 ? command_help(0, NULL) : command_unexpected(argv[1]);
    }
    result = config_new(config_list, config_list_count, &config);
    if (result < 0) {
        return system_failed(result);
    }
    config_keys(config, stdout);
    return 0;
}

int command_config(int argc, char **argv)
{
    static const struct command commands[] = {
        {"show", show}, {"check", check}, {"keys", keys}, {"--help", command_help}, {NULL, NULL},
    };

    return command_run(commands, "turbonav config", argc, argv);
}
