/* See log.h. The descriptor is shared with other programs (a terminal, a pipe), so it is not
 * switched to non-blocking, which would change it for all of them: poll() with a zero timeout says
 * whether a write of up to PIPE_BUF would block. */
#include "hal/base/log.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LINE_SIZE 1024

static const int journal_priority[] = {
    [LOG_LEVEL_ERROR] = 3,
    [LOG_LEVEL_WARNING] = 4,
    [LOG_LEVEL_INFO] = 6,
    [LOG_LEVEL_DEBUG] = 7,
};

static const char *const level_word[] = {
    [LOG_LEVEL_ERROR] = "error: ",
    [LOG_LEVEL_WARNING] = "warning: ",
    [LOG_LEVEL_INFO] = "",
    [LOG_LEVEL_DEBUG] = "",
};

void log_init(struct log *log, const char *program)
{
    *log = (struct log){
        .program = program,
        .fd = STDERR_FILENO,
        .level = LOG_LEVEL_INFO,
        .journal = getenv("JOURNAL_STREAM") != NULL,
    };
}

static bool would_block(int fd)
{
    struct pollfd pollfd = {.fd = fd, .events = POLLOUT};

    return poll(&pollfd, 1, 0) == 0;
}

static size_t line_start(const struct log *log, enum log_level level, char *line)
{
    int n;

    if (log->journal) {
        n = snprintf(line, LINE_SIZE, "<%d>", journal_priority[level]);
    } else {
        n = snprintf(line, LINE_SIZE, "%s: %s", log->program, level_word[level]);
    }
    return n < 0 ? 0 : (size_t)n;
}

static void line_write(struct log *log, enum log_level level, const char *format, va_list arguments)
{
    char line[LINE_SIZE];
    size_t used;
    int n;

    if (level > log->level) {
        return;
    }
    if (would_block(log->fd)) {
        log->dropped++;
        return;
    }
    used = line_start(log, level, line);
    if (log->dropped > 0) {
        n = snprintf(line + used, LINE_SIZE - used, "(%lu lines dropped) ", log->dropped);
        used += n < 0 ? 0 : (size_t)n;
        log->dropped = 0;
    }
    n = vsnprintf(line + used, LINE_SIZE - used, format, arguments);
    used += n < 0 ? 0 : (size_t)n;
    if (used > LINE_SIZE - 1) {
        used = LINE_SIZE - 1;
    }
    line[used++] = '\n';
    /* There is nowhere left to report a failure to. */
    ssize_t written = write(log->fd, line, used);
    (void)written;
}

#define LOG_FUNCTION(name, level)                                                                  \
    void name(struct log *log, const char *format, ...)                                            \
    {                                                                                              \
        va_list arguments;                                                                         \
        va_start(arguments, format);                                                               \
        line_write(log, level, format, arguments);                                                 \
        va_end(arguments);                                                                         \
    }

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_warning, LOG_LEVEL_WARNING)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)
