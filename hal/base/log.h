/* Lines for people, on standard error.
 *
 * A line is one write(2), so lines of several processes do not mix. Under systemd (JOURNAL_STREAM
 * is set) each line starts with the <N> priority that the journal understands, otherwise with the
 * program's name. Leaves return errors; only mains and the edges beside them log. A line longer
 * than 1 kB is cut. Never blocks on a full pipe: a line that does not fit is dropped and counted,
 * and the count is told with the next line that does fit.
 */
#ifndef HAL_BASE_LOG_H
#define HAL_BASE_LOG_H

#include <stdbool.h>

enum log_level {
    LOG_LEVEL_ERROR,
    LOG_LEVEL_WARNING,
    LOG_LEVEL_INFO,
    LOG_LEVEL_DEBUG,
};

/* Caller's memory; one thread. */
struct log {
    const char *program;
    int fd;
    enum log_level level; /* lines above it are not written */
    bool journal;
    unsigned long dropped;
};

/* Writes to standard error at LOG_LEVEL_INFO. `program` must outlive the log. */
void log_init(struct log *log, const char *program);

__attribute__((format(printf, 2, 3))) void log_error(struct log *log, const char *format, ...);
__attribute__((format(printf, 2, 3))) void log_warning(struct log *log, const char *format, ...);
__attribute__((format(printf, 2, 3))) void log_info(struct log *log, const char *format, ...);
__attribute__((format(printf, 2, 3))) void log_debug(struct log *log, const char *format, ...);

#endif
