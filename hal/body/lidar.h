/* The lidar: a stream of points by bearing, each with the time at which it was measured. Where the
 * lidar stands in the car is for who makes coordinates of them.
 *
 * lidar_poll is called at each tick of the safety process's loop and never waits: what it looks at
 * is bounded, and whatever could hang (opening, closing, reading, modem lines) is done by a small
 * thread of its own (serial_line.h). A lidar that is missing, was unplugged or fell silent is
 * opened again until it is there. All functions: one thread. No time is read here; `now_ns` is a
 * parameter, read before the call, so that no point is younger than it is.
 *
 * Nothing here is averaged or kept: what is not seen now is not told, and the gate does the ageing.
 */
#ifndef HAL_BODY_LIDAR_H
#define HAL_BODY_LIDAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hal/body/lidar_driver.h"
#include "hal/body/lidar_options.h"

#define LIDAR_READ_MAX   2048 /* bytes a poll; 460800 baud brings 461 in 10 ms */
#define LIDAR_POINTS_MAX 1000 /* that a poll can make: 25 dense capsules end in 2048 bytes */
#define LIDAR_RETRY_MS   500  /* between openings */
#define LIDAR_SILENT_MS  1000 /* without a packet: opened again */

/* One beam. It says that its slot was looked at; with a distance, that something is there. */
struct lidar_point {
    int64_t time_ns;
    int32_t distance_mm; /* from the lidar; 0: no return (black, glossy, too far or too near) */
    uint16_t slot;       /* bearing from the lidar in half degrees, counter-clockwise from ahead */
    uint8_t intensity;   /* 0: not told */
};

enum lidar_state {
    LIDAR_CLOSED,   /* no tty: the next opening is due later */
    LIDAR_OPENING,  /* the thread is at it */
    LIDAR_STARTING, /* open; nothing valid yet */
    LIDAR_RUNNING,
    LIDAR_OFF, /* by configuration */
};

struct lidar_status {
    enum lidar_state state;
    const char *family;         /* "ld06", ...: the one that is, or is being tried; "off" */
    int error;                  /* of the last opening: 0 or -errno */
    enum lidar_fault fault;     /* why it was opened again last; stays until it runs */
    struct lidar_health health; /* counters since lidar_open, over all openings */
    uint32_t openings;
    uint32_t packets_per_s;   /* in the last whole second */
    uint32_t points_per_turn; /* of the last whole turn; 0 when there was none in the last second */
    uint32_t turn_mhz;        /* turns per 1000 s */
    uint32_t masked;          /* points that were dropped because of the mask */
    uint32_t too_near;        /* ... because they were nearer than range_min */
};

struct lidar;

/* Does not open the device yet: the first polls do. Copies what it needs of `options`. 0; -EINVAL
 * when the mask is none; -ENOMEM, -EAGAIN or the like when the thread cannot be started. Free with
 * lidar_close, which accepts NULL and waits at most 500 ms. */
int lidar_open(const struct lidar_options *options, struct lidar **ret_lidar);
void lidar_close(struct lidar *lidar);

/* One tick: opens, reads, answers. Returns the number of points, in the order in which they were
 * measured as far as the decoder's header says. Points of masked slots, and returns nearer than
 * range_min, are left out, so that their bearings count as not seen. */
size_t lidar_poll(struct lidar *lidar, int64_t now_ns,
                  struct lidar_point ret_points[static LIDAR_POINTS_MAX]);

/* As of the last poll. `clock_lies` in its health: the device's time stamps stand still or jump; do
 * not drive by it. */
struct lidar_status lidar_status_get(const struct lidar *lidar);

/* Bytes that have come, for the next poll. */
size_t lidar_unread(const struct lidar *lidar);

/* Whether the configuration masks this slot, 0..LIDAR_SLOTS-1. */
bool lidar_is_masked(const struct lidar *lidar, int slot);

/* "running", "silent": for status, metrics and people. */
const char *lidar_state_name(enum lidar_state state);
const char *lidar_fault_name(enum lidar_fault fault);

#endif
