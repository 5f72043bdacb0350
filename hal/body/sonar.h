/* The ultrasonic sensor: a thread that measures, a slot that holds the latest reading, and a pure
 * judge that says whether it may be believed.
 *
 * The thread owns the device and does nothing else, so a bus that hangs hangs nobody: the loop
 * reads the slot, which never waits, and what does not arrive grows old. A reading carries the time
 * of its trigger, so whatever a driver tries again counts as age. The sensor can only close the
 * way: nothing here ever means "far". No echo is no knowledge (the vendor's driver calls a bus
 * error 99999 mm, which is a free road).
 *
 * Distances are mm from the sensor, times CLOCK_MONOTONIC nanoseconds.
 */
#ifndef HAL_BODY_SONAR_H
#define HAL_BODY_SONAR_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "hal/body/gpio_options.h"
#include "hal/body/sonar_options.h"

#define SONAR_NEAR_MM   20   /* field notes on the I2C sensor: 20 to 4999 are distances */
#define SONAR_FAR_MM    5000 /* this and more: no echo */
#define SONAR_STUCK_MS  1000 /* of motion without any change of the distance */
#define SONAR_AHEAD_MS  10   /* the loop's `now` may be so much older than a reading: one tick */
#define SONAR_RECOVERY  3    /* good readings in a row after a fault */
#define SONAR_REOPEN_MS 1000 /* between attempts to open a device that is not there */
#define SONAR_CLOSE_MS  500

/* What a reading is, or what the judge makes of it. Everything but SONAR_GOOD and SONAR_OFF is a
 * fault. */
enum sonar_kind {
    SONAR_NONE = 0, /* nothing measured yet */
    SONAR_GOOD,
    SONAR_NO_ECHO,     /* nothing in reach, or nothing that sends sound back */
    SONAR_TOO_NEAR,    /* below 20 mm, which it cannot measure; 0 is also an answer of dead ones */
    SONAR_PLACEHOLDER, /* 255: the I2C sensor was still measuring */
    SONAR_NONSENSE,    /* 0xffff, which nobody drives on the bus, or negative */
    SONAR_BUS,         /* `error` says what the system said */
    SONAR_TIMEOUT,     /* no answer in time */
    SONAR_MISSING,     /* the device cannot be opened: `error`; tried again every second */
    /* Of the judge alone. */
    SONAR_STALE,      /* too old, from the future, or its time did not increase */
    SONAR_STUCK,      /* did not change while the car drove */
    SONAR_RECOVERING, /* good, but not for long enough since the last fault */
    SONAR_OFF,        /* by configuration */
};

#define SONAR_KIND_COUNT 13

struct sonar_reading {
    int64_t time_ns; /* when it was triggered */
    uint64_t seq;    /* counts readings from 1; 0: none yet */
    int32_t mm;      /* of SONAR_GOOD */
    int32_t error;   /* -errno; 0: none */
    enum sonar_kind kind;
};

/* "no_echo": for status, metrics and people. */
const char *sonar_kind_name(enum sonar_kind kind);

/* What a distance in itself is: good, or one of SONAR_NO_ECHO, SONAR_TOO_NEAR, SONAR_NONSENSE. */
enum sonar_kind sonar_classify(int32_t mm);

/* --- The judge: pure, one thread, caller's memory. --- */

struct sonar_verdict {
    enum sonar_kind kind; /* SONAR_GOOD: believe it; SONAR_OFF; anything else: a fault, and why */
    int32_t mm;           /* a fresh distance, also while recovering or stuck: it may close the way;
                             -1: none */
    uint64_t seq;         /* of the reading that was judged */
    int64_t time_ns;
};

struct sonar_judge {
    int64_t stale_ns;
    int64_t step_ns;  /* time of the last step */
    int64_t moved_ns; /* spent in motion since the distance changed */
    int32_t mm;       /* the last distance; -1: none yet */
    int good;         /* good readings in a row, as far as they matter */
    struct sonar_reading reading;
    enum sonar_kind kind; /* of that reading alone */
};

/* Begins with a fault: three good readings open it. */
void sonar_judge_init(struct sonar_judge *judge, int64_t stale_ms, int64_t now_ns);

/* Once per tick, with the latest reading. `moving`: the car drives ahead or back, so that the
 * distance has to change; a turn on the spot is no such motion. */
struct sonar_verdict sonar_judge_step(struct sonar_judge *judge,
                                      const struct sonar_reading *reading, bool moving,
                                      int64_t now_ns);

/* --- The slot: the latest reading, from one writer to any number of readers. --- */

/* Two cells, written in turn. A reader takes the one that was completed last, so a writer that is
 * preempted in the middle of the other one disturbs nobody. All zero is empty. */
struct sonar_slot {
    _Atomic uint64_t count; /* readings put; number n stands in cell n % 2 */
    struct sonar_cell {
        _Atomic int64_t time_ns;
        _Atomic int32_t mm, error, kind;
    } cells[2];
};

/* The writer's thread only; the slot counts `seq` itself. */
void sonar_slot_put(struct sonar_slot *slot, const struct sonar_reading *reading);

/* Any thread; never waits. A zeroed reading while there is none. */
struct sonar_reading sonar_slot_get(const struct sonar_slot *slot);

/* --- The device and its thread. --- */

struct sonar;

/* What a driver may look at; valid as long as its device. */
struct sonar_place {
    struct sonar_options options;
    struct gpio_options gpio;
    bool sim_allowed;
};

/* All three run in the sonar's thread. */
struct sonar_driver {
    const char *name;
    int64_t period_ms; /* at least, from trigger to trigger */
    bool simulated;    /* refused on a car with real motors */
    /* 0 or -errno. */
    int (*open)(const struct sonar_place *place, void **ret_device);
    void (*close)(void *device);
    /* Triggers and waits, at most 200 ms unless the bus hangs. Fills all but `seq`; failures are
     * readings as well. */
    void (*measure)(void *device, struct sonar_reading *ret_reading);
};

/* Starts the thread; switched off, there is none. A device that is not there is no error here but a
 * reading of SONAR_MISSING. -EPERM: the driver is `sim` and `sim_allowed` is not set (it is when
 * the motor device is a pty; SIM_INPUT_REFUSED says it in words); otherwise what the system
 * refused. The thread has no real-time priority and takes no signals. Free with sonar_close, which
 * accepts NULL; call both in one thread. */
int sonar_open(const struct sonar_options *options, const struct gpio_options *gpio,
               bool sim_allowed, struct sonar **ret_sonar);

/* Ends the thread. One that hangs in the kernel for more than SONAR_CLOSE_MS is left alone and
 * frees everything if it ever comes back. */
void sonar_close(struct sonar *sonar);

/* The latest reading; any thread; never waits. Switched off: SONAR_OFF. */
void sonar_read(const struct sonar *sonar, struct sonar_reading *ret_reading);

/* "i2c", "hcsr04", "sim", "off". */
const char *sonar_name(const struct sonar *sonar);

#endif
