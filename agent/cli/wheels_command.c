/* turbonav wheels: the first drive, on blocks. It belongs to the process that owns the wheels,
 * which this one becomes. */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/cli/command.h"
#include "hal/base/exit.h"

#define OWNER "turbonav-safety"

/* The one beside this program; without one the first in PATH. */
static void become(char *const arguments[])
{
    char path[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", path, sizeof(path) - sizeof(OWNER) - 1);
    char *name;

    if (size > 0) {
        path[size] = '\0';
        name = strrchr(path, '/');
        if (name != NULL) {
            (void)strcpy(name + 1, OWNER);
            (void)execv(path, arguments);
        }
    }
    (void)execvp(OWNER, arguments);
}

int command_wheels(int argc, char **argv)
{
    const char *config = NULL;
    const struct command_value values[] = {{"--config", &config}, {NULL, NULL}};
    const char *arguments[6] = {OWNER, "--wheels"};
    bool json = false;
    int count = 2, result = command_read(argc, argv, values, &json);

    if (result != 0) {
        return result == COMMAND_ANSWERED ? 0 : result;
    }
    if (config != NULL) {
        arguments[count++] = "--config";
        arguments[count++] = config;
    }
    arguments[count] = json ? "--json" : NULL;
    become((char *const *)arguments);
    (void)fprintf(stderr, "turbonav: " OWNER ": %s\n", strerror(errno));
    return EXIT_SYSTEM;
}
