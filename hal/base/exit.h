/* Exit codes of every program here: those of sysexits.h, by the names of what happened. */
#ifndef HAL_BASE_EXIT_H
#define HAL_BASE_EXIT_H

#include <sysexits.h>

enum exit_code {
    EXIT_USAGE = EX_USAGE,             /* 64: wrong command line */
    EXIT_BAD_INPUT = EX_DATAERR,       /* 65: frames or recordings that cannot be read */
    EXIT_NO_CAMERA = EX_NOINPUT,       /* 66: no camera, or one without pictures */
    EXIT_NO_ENDPOINT = EX_UNAVAILABLE, /* 69: no model server can be used */
    EXIT_INTERNAL = EX_SOFTWARE,       /* 70: our bug */
    EXIT_SYSTEM = EX_OSERR,            /* 71: the operating system refused something */
    EXIT_OUTPUT = EX_IOERR,            /* 74: standard output failed */
    EXIT_NO_CAR = EX_TEMPFAIL,         /* 75: the car is not armed, or not any more */
    EXIT_BAD_CONFIG = EX_CONFIG,       /* 78: configuration; nothing was started */
};

#endif
