/* See command.h. Errors of the command line are two lines on standard error: what is wrong, quoted
 * as it was typed, and where help is. */
#include "agent/cli/command.h"

#include <stdarg.h>
#include <stdio.h>
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
