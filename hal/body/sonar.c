/* See sonar.h.
 *
 * The judge looks at each reading once and at its age in every step. A fault is whatever is not a
 * good reading just now; it takes the credit of all good ones before it, and three have to come
 * again. A stuck value stays a fault until it changes: the time in motion without a change is kept
 * while the car stands, or a sensor that died would be believed for one second after every stop.
 *
 * The slot is a seqlock of two cells. Number n is written to cell n % 2 and then published by
 * `count`. A reader that finds the same count before and after its copy has read what it wanted:
 * for a field to be newer, number n + 2 must have been begun, so n + 1 was published before; the
 * field's release store and acquire load carry that to the reader's second look at the count.
 * Without fences, because ThreadSanitizer does not understand them.
 *
 * The thread opens its device itself and again when it stays silent with errors for a second, so a
 * bus that is enabled late or comes back needs no restart. It has no real-time priority, whatever
 * its creator has: it must not take a tick from the loop, and when it starves, its readings age.
 */
#include "hal/body/sonar.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "hal/base/clock.h"
#include "hal/base/thread.h"
#include "hal/body/sim_input.h"
#include "hal/body/sonar_hcsr04.h"
#include "hal/body/sonar_i2c.h"

#define BUS_ERRORS_MAX 20 /* in a row: open the device anew */
#define GET_TRIES_MAX  8  /* readings come 20 ms apart or more, so the second try succeeds */

static const struct sonar_driver driver_off = {.name = "off"};

static const struct sonar_driver *const drivers[] = {
    [SONAR_DRIVER_I2C] = &sonar_i2c_driver,
    [SONAR_DRIVER_HCSR04] = &sonar_hcsr04_driver,
    [SONAR_DRIVER_SIM] = &sim_input_sonar_driver,
    [SONAR_DRIVER_OFF] = &driver_off,
};

struct sonar {
    const struct sonar_driver *driver;
    struct sonar_place place;
    struct sonar_slot slot;
    pthread_t thread;
    int stop_fd;      /* eventfd: the thread shall end */
    int done_fd;      /* eventfd: it has */
    atomic_flag left; /* set by its creator when it waits no longer, and by the thread at its end:
                         who finds it set frees everything */
    /* The thread's own. */
    void *device;
    int bus_errors;
};

const char *sonar_kind_name(enum sonar_kind kind)
{
    switch (kind) {
    case SONAR_NONE:
        return "none";
    case SONAR_GOOD:
        return "good";
    case SONAR_NO_ECHO:
        return "no_echo";
    case SONAR_TOO_NEAR:
        return "too_near";
    case SONAR_PLACEHOLDER:
        return "placeholder";
    case SONAR_NONSENSE:
        return "nonsense";
    case SONAR_BUS:
        return "bus_error";
    case SONAR_TIMEOUT:
        return "timeout";
    case SONAR_MISSING:
        return "missing";
    case SONAR_STALE:
        return "stale";
    case SONAR_STUCK:
        return "stuck";
    case SONAR_RECOVERING:
        return "recovering";
    case SONAR_OFF:
        return "off";
    }
    return "unknown";
}

enum sonar_kind sonar_classify(int32_t mm)
{
    if (mm < 0 || mm == 0xffff) {
        return SONAR_NONSENSE;
    }
    if (mm < SONAR_NEAR_MM) {
        return SONAR_TOO_NEAR;
    }
    return mm < SONAR_FAR_MM ? SONAR_GOOD : SONAR_NO_ECHO;
}

void sonar_judge_init(struct sonar_judge *judge, int64_t stale_ms, int64_t now_ns)
{
    *judge = (struct sonar_judge){
        .stale_ns = stale_ms * CLOCK_NS_PER_MS,
        .step_ns = now_ns,
        .mm = -1,
    };
}

/* A reading that was not seen before. */
static void judge_take(struct sonar_judge *judge, const struct sonar_reading *reading)
{
    int64_t before_ns = judge->reading.time_ns;

    judge->reading = *reading;
    judge->kind = reading->kind == SONAR_GOOD ? sonar_classify(reading->mm) : reading->kind;
    if (judge->kind != SONAR_GOOD) {
        return;
    }
    if (reading->mm != judge->mm) {
        judge->mm = reading->mm;
        judge->moved_ns = 0;
    }
    if (reading->time_ns <= before_ns) {
        judge->kind = SONAR_STALE;
        return;
    }
    if (judge->good < SONAR_RECOVERY) {
        judge->good++;
    }
}

static bool is_stale(const struct sonar_judge *judge, int64_t now_ns)
{
    int64_t age_ns = now_ns - judge->reading.time_ns;

    return age_ns > judge->stale_ns || age_ns < -SONAR_AHEAD_MS * CLOCK_NS_PER_MS;
}

static enum sonar_kind judge_kind(const struct sonar_judge *judge, int64_t now_ns)
{
    if (judge->kind != SONAR_GOOD) {
        return judge->kind;
    }
    if (is_stale(judge, now_ns)) {
        return SONAR_STALE;
    }
    return judge->moved_ns > SONAR_STUCK_MS * CLOCK_NS_PER_MS ? SONAR_STUCK : SONAR_GOOD;
}

struct sonar_verdict sonar_judge_step(struct sonar_judge *judge,
                                      const struct sonar_reading *reading, bool moving,
                                      int64_t now_ns)
{
    struct sonar_verdict verdict = {.seq = reading->seq, .time_ns = reading->time_ns};

    if (moving && now_ns > judge->step_ns) {
        judge->moved_ns += now_ns - judge->step_ns;
    }
    judge->step_ns = now_ns;
    if (reading->seq != judge->reading.seq || reading->kind == SONAR_OFF) {
        judge_take(judge, reading);
    }
    verdict.kind = judge_kind(judge, now_ns);
    verdict.mm = verdict.kind == SONAR_GOOD || verdict.kind == SONAR_STUCK ? judge->mm : -1;
    if (verdict.kind != SONAR_GOOD) {
        judge->good = 0;
    } else if (judge->good < SONAR_RECOVERY) {
        verdict.kind = SONAR_RECOVERING;
    }
    return verdict;
}

void sonar_slot_put(struct sonar_slot *slot, const struct sonar_reading *reading)
{
    uint64_t number = atomic_load_explicit(&slot->count, memory_order_relaxed) + 1;
    struct sonar_cell *cell = &slot->cells[number % 2];

    atomic_store_explicit(&cell->time_ns, reading->time_ns, memory_order_release);
    atomic_store_explicit(&cell->mm, reading->mm, memory_order_release);
    atomic_store_explicit(&cell->error, reading->error, memory_order_release);
    atomic_store_explicit(&cell->kind, (int32_t)reading->kind, memory_order_release);
    atomic_store_explicit(&slot->count, number, memory_order_release);
}

struct sonar_reading sonar_slot_get(const struct sonar_slot *slot)
{
    for (int tries = 0; tries < GET_TRIES_MAX; tries++) {
        uint64_t number = atomic_load_explicit(&slot->count, memory_order_acquire);
        const struct sonar_cell *cell = &slot->cells[number % 2];
        struct sonar_reading reading = {
            .time_ns = atomic_load_explicit(&cell->time_ns, memory_order_acquire),
            .seq = number,
            .mm = atomic_load_explicit(&cell->mm, memory_order_acquire),
            .error = atomic_load_explicit(&cell->error, memory_order_acquire),
            .kind = (enum sonar_kind)atomic_load_explicit(&cell->kind, memory_order_acquire),
        };

        if (atomic_load_explicit(&slot->count, memory_order_relaxed) == number) {
            return reading;
        }
    }
    return (struct sonar_reading){0};
}

static void device_close(struct sonar *sonar)
{
    if (sonar->device != NULL) {
        sonar->driver->close(sonar->device);
        sonar->device = NULL;
    }
}

/* One reading into the slot; the time of the next one. */
static int64_t measure(struct sonar *sonar)
{
    int64_t start_ns = clock_now_ns();
    struct sonar_reading reading = {.time_ns = start_ns};

    if (sonar->device == NULL) {
        int r = sonar->driver->open(&sonar->place, &sonar->device);

        if (r < 0) {
            reading.kind = SONAR_MISSING;
            reading.error = r;
            sonar_slot_put(&sonar->slot, &reading);
            return start_ns + SONAR_REOPEN_MS * CLOCK_NS_PER_MS;
        }
        sonar->bus_errors = 0;
        start_ns = clock_now_ns(); /* opening takes a while, and the period is between triggers */
        reading.time_ns = start_ns;
    }
    sonar->driver->measure(sonar->device, &reading);
    sonar_slot_put(&sonar->slot, &reading);
    sonar->bus_errors = reading.kind == SONAR_BUS ? sonar->bus_errors + 1 : 0;
    if (sonar->bus_errors == BUS_ERRORS_MAX) {
        device_close(sonar);
    }
    return start_ns + sonar->driver->period_ms * CLOCK_NS_PER_MS;
}

/* Whether an eventfd is written to before that time. */
static bool is_raised(int fd, int64_t until_ns)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    int r;

    do {
        int64_t rest_ns = until_ns - clock_now_ns();
        struct timespec timeout = {0};

        if (rest_ns > 0) {
            timeout.tv_sec = rest_ns / CLOCK_NS_PER_S;
            timeout.tv_nsec = rest_ns % CLOCK_NS_PER_S;
        }
        r = ppoll(&ready, 1, &timeout, NULL);
    } while (r < 0 && errno == EINTR);
    return r == 1;
}

/* A counter of 64 bits takes the one that this adds. */
static void raise_event(int fd)
{
    uint64_t one = 1;

    (void)!write(fd, &one, sizeof(one));
}

static void sonar_free(struct sonar *sonar)
{
    if (sonar->stop_fd >= 0) {
        (void)close(sonar->stop_fd);
    }
    if (sonar->done_fd >= 0) {
        (void)close(sonar->done_fd);
    }
    free(sonar);
}

static void *run(void *argument)
{
    struct sonar *sonar = argument;
    int64_t next_ns = 0;

    while (!is_raised(sonar->stop_fd, next_ns)) {
        next_ns = measure(sonar);
    }
    device_close(sonar);
    raise_event(sonar->done_fd);
    if (atomic_flag_test_and_set(&sonar->left)) {
        sonar_free(sonar);
    }
    return NULL;
}

static int sonar_start(struct sonar *sonar)
{
    sonar->stop_fd = eventfd(0, EFD_CLOEXEC);
    sonar->done_fd = eventfd(0, EFD_CLOEXEC);
    if (sonar->stop_fd < 0 || sonar->done_fd < 0) {
        return -errno;
    }
    return thread_start(run, sonar, &sonar->thread);
}

int sonar_open(const struct sonar_options *options, const struct gpio_options *gpio,
               bool sim_allowed, struct sonar **ret_sonar)
{
    const struct sonar_driver *driver = drivers[options->driver];
    struct sonar *sonar;
    int r;

    if (driver->simulated && !sim_allowed) {
        return -EPERM;
    }
    sonar = calloc(1, sizeof(*sonar));
    if (sonar == NULL) {
        return -ENOMEM;
    }
    sonar->driver = driver;
    sonar->place = (struct sonar_place){*options, *gpio, sim_allowed};
    sonar->stop_fd = sonar->done_fd = -1;
    atomic_flag_clear(&sonar->left);
    if (driver->measure != NULL) {
        r = sonar_start(sonar);
        if (r < 0) {
            sonar_free(sonar);
            return r;
        }
    }
    *ret_sonar = sonar;
    return 0;
}

/* False when the thread hangs: then everything is left to it. */
static bool thread_end(struct sonar *sonar)
{
    pthread_t thread = sonar->thread;

    raise_event(sonar->stop_fd);
    if (!is_raised(sonar->done_fd, clock_now_ns() + SONAR_CLOSE_MS * CLOCK_NS_PER_MS) &&
        !atomic_flag_test_and_set(&sonar->left)) {
        (void)pthread_detach(thread);
        return false;
    }
    (void)pthread_join(thread, NULL);
    return true;
}

void sonar_close(struct sonar *sonar)
{
    if (sonar == NULL) {
        return;
    }
    if (sonar->driver->measure == NULL || thread_end(sonar)) {
        sonar_free(sonar);
    }
}

void sonar_read(const struct sonar *sonar, struct sonar_reading *ret_reading)
{
    if (sonar->driver->measure == NULL) {
        *ret_reading = (struct sonar_reading){.kind = SONAR_OFF};
        return;
    }
    *ret_reading = sonar_slot_get(&sonar->slot);
}

const char *sonar_name(const struct sonar *sonar)
{
    return sonar->driver->name;
}
