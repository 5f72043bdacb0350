/* The brake: a child process that is the only writer of the motor fd, so that the wheels stop when
 * the safety process crashes, hangs or is stopped, whatever it was doing.
 *
 * The motor fd is opened, brake_start forks, and everything else is opened after that. From then on
 * whole frames go to the child, and each one is a heartbeat. The child
 *   - after `silence_ms` without a frame kills its parent, throws away what the tty has not sent
 * and writes ten stop frames 10 ms apart;
 *   - writes the same ten stop frames when its parent is gone or when it is told to end;
 *   - ignores TERM, INT, HUP and whatever else a terminal or a person sends to a whole group;
 *   - never blocks on a full tty: a frame that does not fit waits, a newer one takes its place, and
 *     a stop frame throws away all that is in front of it. A frame that was cut is completed or
 *     thrown away before another begins;
 *   - keeps the latch file as the frames say (latch.h).
 * The heartbeat begins with the first frame. Until then only the parent's death ends it.
 *
 * The other way round the parent watches the child: brake_fd is readable when it is dead, and
 * brake_send says -EAGAIN when it has not read for about ten frames. Then the parent calls
 * brake_takeover and exits; its own copy of the motor fd is for nothing else (and for reading).
 *
 * Opaque; one thread; brake_start before the process has a second thread. Nothing allocates or
 * blocks after brake_start but brake_stop, brake_takeover and brake_stop_motors, which take up to
 * 0.5 s and end the program. Never tcdrain(3).
 */
#ifndef SAFETY_BRAKE_H
#define SAFETY_BRAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BRAKE_FRAME_MAX      128 /* a motor frame, and a servo frame behind it */
#define BRAKE_SILENCE_MIN_MS 30
#define BRAKE_SILENCE_MAX_MS 200
#define BRAKE_SILENCE_MS     100 /* the default of the configuration */
#define BRAKE_STOPS          10
#define BRAKE_STOP_GAP_MS    10
#define BRAKE_LOCK_WAIT_MS   300 /* how long --stop-motors waits for the lock's holder */

struct brake;

struct brake_options {
    int motor_fd;           /* stays the caller's; must stay open and be written by nobody else */
    const void *stop_frame; /* one frame that stops every wheel; copied */
    size_t stop_size;       /* up to BRAKE_FRAME_MAX */
    int64_t silence_ms;
    const char *latch_path; /* copied; what latch_is_set was asked about */
    bool latched;           /* what it said */
    int priority;           /* SCHED_FIFO of the caller; the child takes one more. 0: none */
};

/* What the child has to say. */
enum brake_news {
    BRAKE_READY,       /* it runs and has written its first stop frame; consumed by brake_start */
    BRAKE_NO_MLOCK,    /* warning: it may be paged out */
    BRAKE_NO_PRIORITY, /* warning: it may be late when the CPU is busy */
    BRAKE_QUEUE_FULL,  /* the tty takes no more frames: REASON_MOTOR_FAULT until it is free */
    BRAKE_QUEUE_FREE,
    BRAKE_LATCH_FAULT, /* the latch file could not be written or removed: see latch.h */
    BRAKE_MOTOR_FAULT, /* the device is gone; the child ends: brake_takeover, exit */
};

struct brake_report {
    enum brake_news news;
    int error; /* errno of it; 0: none */
};

/* Forks the child, which writes the first stop frame, and waits up to 1 s until it is ready. Makes
 * the motor fd non-blocking. 0: end it with brake_stop or brake_takeover, then brake_free. -EINVAL:
 * an option is out of its range. -ETIMEDOUT, -EPIPE: the child did not start. -errno. After an
 * error there is no child. */
int brake_start(const struct brake_options *options, struct brake **ret_brake);

/* One heartbeat: whole frames for the motor board, one or several in a row, the motor frame first,
 * and whether the e-stop is latched. `now_ns` is CLOCK_MONOTONIC; a frame that the child reads
 * `silence_ms` later is neither written nor a heartbeat. Never blocks. 0; -EAGAIN: the child does
 * not read: brake_takeover; -EPIPE: it is dead: brake_takeover; -EINVAL: no such size. */
int brake_send(struct brake *brake, const void *frame, size_t size, bool latched, int64_t now_ns);

/* The next thing that the child said. 1: filled; 0: nothing; -EPIPE: nothing and it is dead. Output
 * untouched but on 1. Never blocks. */
int brake_read(struct brake *brake, struct brake_report *ret_report);

/* Readable when brake_read has something to tell, also that the child is dead. Valid until
 * brake_free. */
int brake_report_fd(const struct brake *brake);

/* Readable when the child is dead. Valid until brake_free. */
int brake_fd(const struct brake *brake);

/* Tells the child to stop the wheels and end, and waits for it; takes over when it does not. 0:
 * stop frames were written; -EIO: none could be. */
int brake_stop(struct brake *brake);

/* Ends the child for good and writes the ten stop frames from here. 0 or -EIO as above. */
int brake_takeover(struct brake *brake);

/* The memory and the descriptors of this side. A child that still runs sees that and stops. NULL is
 * allowed. */
void brake_free(struct brake *brake);

enum brake_stop_result {
    BRAKE_HELD = 1, /* stop frames were written, but another program still holds the device */
};

/* For --stop-motors: writes a stop frame before anything else, then waits up to BRAKE_LOCK_WAIT_MS
 * for the lock on the device (a brake child that is still stopping), then writes the ten. `fd` is
 * open for writing and set up, locked or not; it is left non-blocking and, if it could be, locked.
 * 0: written; BRAKE_HELD; -EIO: nothing could be written. */
int brake_stop_motors(int fd, const void *stop_frame, size_t stop_size);

#endif
