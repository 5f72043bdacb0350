/* A serial line for a loop that must not wait: a thread opens, closes, switches and reads it.
 *
 * open(2), close(2) and the modem lines of a USB serial adapter can hang for seconds when the
 * adapter does. And a read or a poll of a tty that finds nothing waits for the worker of the kernel
 * that carries its bytes (flush_work in tty_buffer_flush_work, drivers/tty/tty_buffer.c), an
 * ordinary task whatever the priority of who asks: with others at the processors that was measured
 * to take 200 ms and more. So the polling thread never does such a thing: it leaves a job here,
 * goes on, and looks at each tick whether the job is done, and what was read it takes out of a
 * ring. Writing stays with the polling thread; an fd belongs to whoever was given it last.
 *
 * The thread expects the loop to look every SERIAL_LINE_PERIOD_MS, and after each read rests until
 * SERIAL_LINE_LEAD_US before it does so again: a line that never falls silent costs a wake-up each
 * time and not one for each of its bytes, and what the kernel had until then is in the ring. For
 * that the thread asks for SCHED_FIFO, below the loop's priority; when that is refused, it reads as
 * soon as others let it.
 *
 * All functions: the one thread that polls. None of them blocks, except serial_line_free.
 */
#ifndef HAL_BASE_SERIAL_LINE_H
#define HAL_BASE_SERIAL_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SERIAL_LINE_PERIOD_MS 10
#define SERIAL_LINE_LEAD_US   500
#define SERIAL_LINE_PRIORITY  49   /* SCHED_FIFO */
#define SERIAL_LINE_RING      4096 /* bytes; a full one leaves them to the kernel's queue */

struct serial_line;

/* Starts the thread, which reads `fd` (the caller's; -1: none) and sleeps until there is a job or a
 * byte. `path`, of what serial_line_open opens, is copied. 0 or -errno. Free with
 * serial_line_free. */
int serial_line_new(const char *path, int fd, struct serial_line **ret_line);

/* Ends the thread and closes `fd` (-1: none) there. When the thread does not end within 500 ms,
 * because its job hangs, it is left alone with its memory. NULL is accepted. */
void serial_line_free(struct serial_line *line, int fd);

/* Whether a job is there that was not taken back; then no other may be asked for. */
bool serial_line_is_busy(const struct serial_line *line);

/* Closes `old_fd` (-1: none) and opens the line at this rate; it is read from then on. What is in
 * the ring is forgotten. Nothing may be read until the job was taken back. */
void serial_line_open(struct serial_line *line, int old_fd, int baud);

/* Sets or clears DTR. A line without it, such as a bare UART or a pty, is left as it is. */
void serial_line_set_dtr(struct serial_line *line, int fd, bool on);

enum serial_line_result {
    SERIAL_LINE_BUSY = 1, /* still at it, or nothing was asked for */
};

/* Takes back what the last job made: 0 and the fd, which is now the caller's (of
 * serial_line_set_dtr: the one that it was given); SERIAL_LINE_BUSY; or -errno of serial_open. */
int serial_line_take(struct serial_line *line, int *ret_fd);

/* Takes the oldest bytes out of the ring, up to `size`, and returns their number. 0: there are
 * none, and `ret_error` says whether others may come: 0, or why not until the line is opened again:
 * -ENODEV (it hung up), -EIO and what else read(2) says. */
size_t serial_line_read(struct serial_line *line, uint8_t *bytes, size_t size, int *ret_error);

/* Bytes in the ring. */
size_t serial_line_unread(const struct serial_line *line);

#endif
