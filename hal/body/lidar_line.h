/* Opens, closes and switches the lidar's tty in a thread of its own.
 *
 * open(2), close(2) and the modem lines of a USB serial adapter can hang for seconds when the
 * adapter does. The polling thread therefore never calls them: it leaves a job here, goes on, and
 * looks at each tick whether the job is done. One job at a time. Reading and writing stay with the
 * polling thread; an fd belongs to whoever was given it last.
 *
 * All functions: the one thread that polls. None of them blocks, except lidar_line_free.
 */
#ifndef HAL_BODY_LIDAR_LINE_H
#define HAL_BODY_LIDAR_LINE_H

#include <stdbool.h>

struct lidar_line;

/* Starts the thread, which sleeps until there is a job. `path` is copied. 0 or -errno. Free with
 * lidar_line_free. */
int lidar_line_new(const char *path, struct lidar_line **ret_line);

/* Ends the thread and closes `fd` (-1: none) there. When the thread does not end within 500 ms,
 * because its job hangs, it is left alone with its memory. NULL is accepted. */
void lidar_line_free(struct lidar_line *line, int fd);

/* Whether a job is there that was not taken back; then no other may be asked for. */
bool lidar_line_is_busy(const struct lidar_line *line);

/* Closes `old_fd` (-1: none) and opens the line at this rate. */
void lidar_line_open(struct lidar_line *line, int old_fd, int baud);

/* Switches the motor of an A1 on Slamtec's USB adapter: DTR clear is on. A line without DTR, such
 * as a bare UART or a pty, is left as it is. */
void lidar_line_switch_motor(struct lidar_line *line, int fd, bool on);

enum lidar_line_result {
    LIDAR_LINE_BUSY = 1, /* still at it, or nothing was asked for */
};

/* Takes back what the last job made: 0 and the fd, which is now the caller's (of a motor job: the
 * one that it was given); LIDAR_LINE_BUSY; or -errno of serial_open. */
int lidar_line_take(struct lidar_line *line, int *ret_fd);

#endif
