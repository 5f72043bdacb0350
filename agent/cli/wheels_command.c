/* turbonav wheels: the first drive, on blocks. It belongs to the process that owns the wheels,
 * which this one becomes. */
#include <errno.h>
#include <limits.h>
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
    char *with[] = {OWNER, "--wheels", "--config", argc == 3 ? argv[2] : NULL, NULL};
    char *without[] = {OWNER, "--wheels", NULL};

    if (argc == 3 && strcmp(argv[1], "--config") == 0) {
        become(with);
    } else if (argc > 1) {
        return strcmp(argv[1], "--help") == 0 ? command_help(0, NULL) : command_unexpected(argv[1]);
    } else {
        become(without);
    }
    (void)fprintf(stderr, "turbonav: " OWNER ": %s\n", strerror(errno));
    return EXIT_SYSTEM;
}
