/* A serial line whose other end is simulated: a pseudo terminal behind a name of our choice.
 *
 * The name is a symbolic link, which is replaced when it is there. Nobody on the other side is no
 * error: what is written then is lost, as on a real line. One thread; nothing here waits. */
#ifndef HAL_SIM_LINE_H
#define HAL_SIM_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct line {
    int fd;         /* our end; -1: closed */
    int keep_fd;    /* their end, kept open so that ours never hangs up */
    char path[108]; /* of the link */
};

/* 0 or -errno. line_close takes the link away and accepts a line whose opening failed. */
int line_open(struct line *line, const char *path);
void line_close(struct line *line);

/* Returns what was read, 0: nothing, -errno. */
ssize_t line_read(const struct line *line, uint8_t *bytes, size_t size);

/* False: not all of it had room, and the rest is lost. */
bool line_write(const struct line *line, const uint8_t *bytes, size_t size);

#endif
