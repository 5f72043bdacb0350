/* See command.h. Errors of the command line are two lines on standard error: what is wrong, quoted
 * as it was typed, and where help is. */
#include "agent/cli/command.h"

#include <cJSON.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "config/list.h"
#include "hal/base/exit.h"
#include "hal/base/text.h"

#define SHOWN_SIZE 80

int command_usage(const char *format, ...)
{
    va_list arguments;

    fputs("turbonav: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputs("\nTry 'turbonav --help'.\n", stderr);
    return EXIT_USAGE;
}

int command_unexpected(const char *argument)
{
    char shown[SHOWN_SIZE];

    text_escape(argument, strlen(argument), shown, sizeof(shown));
    return command_usage("%s \"%s\"", argument[0] == '-' ? "unknown option" : "unexpected argument",
                         shown);
}

int command_needs_value(const char *option)
{
    return command_usage("option %s needs a value", option);
}

static int unknown_command(const struct command *commands, const char *title, const char *name)
{
    struct text_nearest nearest;
    char shown[SHOWN_SIZE];

    text_nearest_init(&nearest, name);
    for (; commands->name != NULL; commands++) {
        text_nearest_offer(&nearest, commands->name);
    }
    text_escape(name, strlen(name), shown, sizeof(shown));
    if (nearest.best[0] != '\0') {
        return command_usage("unknown command \"%s\"; did you mean '%s %s'?", shown, title,
                             nearest.best);
    }
    return command_usage("unknown %s \"%s\"", name[0] == '-' ? "option" : "command", shown);
}

int command_run(const struct command *commands, const char *title, int argc, char **argv)
{
    if (argc < 2) {
        return command_usage("expected a command after '%s'", title);
    }
    for (const struct command *command = commands; command->name != NULL; command++) {
        if (strcmp(command->name, argv[1]) == 0) {
            return command->run(argc - 1, argv + 1);
        }
    }
    return unknown_command(commands, title, argv[1]);
}

int command_read(int argc, char **argv, const struct command_value *values, bool *ret_json)
{
    bool json = false;

    for (int i = 1; i < argc; i++) {
        const struct command_value *value = values;

        while (value->option != NULL && strcmp(argv[i], value->option) != 0) {
            value++;
        }
        if (strcmp(argv[i], "--json") == 0) {
            json = true;
        } else if (strcmp(argv[i], "--help") == 0) {
            (void)command_help(0, NULL);
            return COMMAND_ANSWERED;
        } else if (value->option == NULL) {
            return command_unexpected(argv[i]);
        } else if (i + 1 == argc) {
            return command_needs_value(argv[i]);
        } else {
            *value->ret_value = argv[++i];
        }
    }
    *ret_json = json;
    return 0;
}

bool command_takes_json(int *argc, char **argv)
{
    int kept = 1;

    for (int i = 1; i < *argc; i++) {
        if (strcmp(argv[i], "--json") != 0) {
            argv[kept++] = argv[i];
        }
    }
    if (kept == *argc) {
        return false;
    }
    *argc = kept;
    argv[kept] = NULL;
    return true;
}

int command_print_json(cJSON *json)
{
    char *text = cJSON_PrintUnformatted(json);

    cJSON_Delete(json);
    if (text == NULL) {
        (void)fputs("turbonav: out of memory\n", stderr);
        return EXIT_SYSTEM;
    }
    (void)puts(text);
    free(text);
    return 0;
}

int command_options(const char *path, const struct setting_table *table, void *ret_options)
{
    struct config *config;
    int result = config_new(config_list, config_list_count, &config);

    if (result < 0) {
        return EXIT_SYSTEM;
    }
    result = config_load(config, path, environ, NULL);
    if (result == 0) {
        config_get(config, table, 0, ret_options);
    } else {
        (void)fprintf(stderr, "%s\n",
                      result == CONFIG_REFUSED ? config_error(config) : strerror(-result));
    }
    config_free(config);
    return result == 0 ? 0 : result == CONFIG_REFUSED ? EXIT_BAD_CONFIG : EXIT_SYSTEM;
}
