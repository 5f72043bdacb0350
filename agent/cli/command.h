/* Sub-commands, in the manner of git: a table of names, each with a function that gets the rest of
 * the command line, and the words for a wrong one. getopt_long's own words are not used: they quote
 * what was typed as it is, control characters included.
 *
 * Everything here is for the main thread of the program `turbonav`.
 */
#ifndef AGENT_CLI_COMMAND_H
#define AGENT_CLI_COMMAND_H

#include <stdbool.h>

#include "hal/base/setting.h"

struct cJSON;

struct command {
    const char *name;
    /* argv[0] is the command's own name. Returns the exit code; main checks and flushes standard
     * output. */
    int (*run)(int argc, char **argv);
};

/* Runs the command that argv[1] names. `commands` ends with a NULL name; `title` is what precedes
 * it on the command line ("turbonav config"). Returns the exit code. */
int command_run(const struct command *commands, const char *title, int argc, char **argv);

/* The three kinds of wrong command line: each says what is wrong and where help is on standard
 * error, and returns EXIT_USAGE. */
__attribute__((format(printf, 1, 2))) int command_usage(const char *format, ...);
int command_unexpected(const char *argument);
int command_needs_value(const char *option);

/* An option with a value, and where the value goes. */
struct command_value {
    const char *option;
    const char **ret_value;
};

#define COMMAND_ANSWERED (-1) /* --help was printed */

/* Reads a command line of nothing but `--json`, `--help` and these options; a row without an option
 * ends them. 0, COMMAND_ANSWERED or EXIT_USAGE. */
int command_read(int argc, char **argv, const struct command_value *values, bool *ret_json);

/* Takes `--json` from the arguments behind the command's name, wherever it stands; whether it did.
 */
bool command_takes_json(int *argc, char **argv);

/* Prints an object as one line and frees it. 0, or EXIT_SYSTEM after a line on standard error. */
int command_print_json(struct cJSON *json);

/* What one section is configured to, from `path` or, where it is NULL, from the usual place. 0, or
 * an exit code after a line on standard error. */
int command_options(const char *path, const struct setting_table *table, void *ret_options);

/* turbonav help, turbonav config ... */
int command_help(int argc, char **argv);
int command_explore(int argc, char **argv);
int command_stop(int argc, char **argv);
int command_status(int argc, char **argv);
int command_drive(int argc, char **argv);
int command_estop(int argc, char **argv);
int command_reset(int argc, char **argv);
int command_wheels(int argc, char **argv);
int command_config(int argc, char **argv);
int command_camera(int argc, char **argv);
int command_snap(int argc, char **argv); /* turbonav camera snap */

#endif
