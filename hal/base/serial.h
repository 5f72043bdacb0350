/* A serial line: raw bytes, 8N1, no flow control, at a fixed rate, used by one program at a time.
 *
 * The caller owns the fd and does its own poll, read and write. The line is non-blocking (a read
 * without bytes is EAGAIN, a line that hung up reads 0 or EIO) and closed on exec. "One program" is
 * an advisory flock(2) on the device. It belongs to the open file description: a child that
 * inherited the fd keeps it until both are closed, a process that died has given it up.
 *
 * A pseudo terminal is a serial line, too; there the rate means nothing.
 *
 * Never tcdrain(3): behind a stopped or full queue it waits without a deadline. Close with
 * serial_close, which like every close(2) of a real UART lets the kernel send what is queued (at 1
 * Mbaud 27 bytes are 0.3 ms); call serial_flush_output first when that must not be sent.
 *
 * Any thread; a line has one user at a time.
 */
#ifndef HAL_BASE_SERIAL_H
#define HAL_BASE_SERIAL_H

#include <stdbool.h>

/* Opens, locks and sets up a line. `baud` is 115200, 230400, 256000, 460800 or 1000000. When
 * another program holds the lock, waits for it up to `lock_wait_ms` (0: not at all) and sleeps
 * meanwhile. 0 or
 *   -EBUSY    the line is in use by another program
 *   -EINVAL   no such rate, or the device cannot do it
 *   -ENOTTY   not a serial line
 *   -errno of open(2) and ioctl(2)
 * No byte is written or thrown away. */
int serial_open(const char *path, int baud, int lock_wait_ms, int *ret_fd);

/* Closes the line and gives up the lock; -1 is accepted. */
void serial_close(int fd);

/* Throws away what is queued and not sent. 0 or -errno. */
int serial_flush_output(int fd);

/* True: the fd is the side of a pseudo terminal that a path in /dev/pts leads to. */
bool serial_is_pty(int fd);

#endif
