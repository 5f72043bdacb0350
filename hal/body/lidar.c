/* See lidar.h.
 *
 * States: CLOSED -> OPENING -> STARTING -> RUNNING, and from anywhere back to CLOSED. The tty
 * belongs to this side in STARTING and RUNNING; in CLOSED an old fd may still be here and is closed
 * by the thread when it opens the next one. With family `auto`, a driver that gives up makes room
 * for the next one in the list; one that ran before is tried first after an unplug.
 *
 * Time. A byte that is read now may have waited in a queue, but no faster than at the
 * line's rate can bytes have come: the last byte is at most as young as `now`, the one before it at
 * least a byte's time older, and so on, counting also what is still unread. A tick that comes 50 ms
 * late therefore does not make 50 ms of points equally young. Nothing that the device says about
 * time is used.
 *
 * Bearings. Devices count clockwise from their mark, seen from above; point_make is the one place
 * where that becomes counter-clockwise from the car's nose.
 */
#include "hal/body/lidar.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "hal/base/clock.h"
#include "hal/base/serial_line.h"
#include "hal/body/ld06.h"
#include "hal/body/rplidar_start.h"

#define TURN_MDEG  360000
#define SLOT_MDEG  (TURN_MDEG / LIDAR_SLOTS)
#define RIGHT_MDEG 90000

/* All families, in the order in which `auto` tries them. */
static const struct lidar_driver *const drivers[] = {
    &ld06_driver,
    &rplidar_c1_driver,
    &rplidar_a1_driver,
};
#define DRIVER_COUNT (sizeof(drivers) / sizeof(drivers[0]))

struct lidar {
    enum lidar_state state;
    size_t driver; /* index of the one in use or to be tried */
    bool is_auto;
    void *driver_state;
    bool is_in_use; /* driver_state, by this driver */
    struct serial_line *line;
    int fd;
    int64_t retry_ns;  /* CLOSED: when to open */
    int64_t opened_ns; /* when the last opening was asked for */
    int error;
    enum lidar_fault fault;
    uint32_t openings;
    /* Mounting. */
    int32_t yaw_mdeg, range_min_mm, range_max_mm;
    int64_t latency_ns;
    bool masked_slots[LIDAR_SLOTS];
    /* Statistics. */
    struct lidar_health past; /* counters of the openings before this one */
    int64_t window_ns;        /* when the present second began */
    uint32_t window_packets;  /* counter at that time */
    uint32_t packets_per_s;
    int64_t turn_ns; /* when the present turn began; 0: unknown */
    bool turn_is_late;
    uint32_t turn_points;
    uint32_t points_per_turn, turn_mhz;
    uint32_t masked, too_near;
    uint8_t bytes[LIDAR_READ_MAX];
};

static const struct lidar_driver *driver_of(const struct lidar *lidar)
{
    return drivers[lidar->driver];
}

static size_t driver_index(enum lidar_family family)
{
    switch (family) {
    case LIDAR_FAMILY_AUTO:
    case LIDAR_FAMILY_OFF:
    case LIDAR_FAMILY_LD06:
        break;
    case LIDAR_FAMILY_RPLIDAR_C1:
        return 1;
    case LIDAR_FAMILY_RPLIDAR_A1:
        return 2;
    }
    return 0;
}

static int parts_make(struct lidar *lidar, const struct lidar_options *options)
{
    size_t size = 0;

    if (lidar_options_mask(options->mask, lidar->masked_slots) != NULL) {
        return -EINVAL;
    }
    if (lidar->state == LIDAR_OFF) {
        return 0;
    }
    for (size_t i = 0; i < DRIVER_COUNT; i++) {
        size = drivers[i]->state_size > size ? drivers[i]->state_size : size;
    }
    lidar->driver_state = calloc(1, size);
    if (lidar->driver_state == NULL) {
        return -ENOMEM;
    }
    return serial_line_new(options->device, -1, &lidar->line);
}

int lidar_open(const struct lidar_options *options, struct lidar **ret_lidar)
{
    struct lidar *lidar = calloc(1, sizeof(*lidar));
    int r;

    if (lidar == NULL) {
        return -ENOMEM;
    }
    lidar->fd = -1;
    lidar->state = options->family == LIDAR_FAMILY_OFF ? LIDAR_OFF : LIDAR_CLOSED;
    lidar->is_auto = options->family == LIDAR_FAMILY_AUTO;
    lidar->driver = driver_index((enum lidar_family)options->family);
    lidar->retry_ns = INT64_MIN;
    lidar->yaw_mdeg = (int32_t)options->yaw_mdeg;
    lidar->range_min_mm = (int32_t)options->range_min_mm;
    lidar->range_max_mm = (int32_t)options->range_max_mm;
    lidar->latency_ns = options->latency_us * 1000;
    r = parts_make(lidar, options);
    if (r < 0) {
        lidar_close(lidar);
        return r;
    }
    *ret_lidar = lidar;
    return 0;
}

void lidar_close(struct lidar *lidar)
{
    if (lidar == NULL) {
        return;
    }
    serial_line_free(lidar->line, lidar->fd);
    free(lidar->driver_state);
    free(lidar);
}

static const struct lidar_health *health_of(const struct lidar *lidar)
{
    return driver_of(lidar)->health(lidar->driver_state);
}

/* This opening's health, with the counters of those before it. */
static struct lidar_health health_total(const struct lidar *lidar)
{
    const struct lidar_health *past = &lidar->past;
    struct lidar_health total;

    if (!lidar->is_in_use) {
        return *past;
    }
    total = *health_of(lidar);
    total.packets += past->packets;
    total.bad_frames += past->bad_frames;
    total.bad_geometry += past->bad_geometry;
    total.repeats += past->repeats;
    total.skipped_bytes += past->skipped_bytes;
    total.info_frames += past->info_frames;
    total.clock_stops += past->clock_stops;
    total.clock_jumps += past->clock_jumps;
    total.resets += past->resets;
    return total;
}

/* False: nothing that may be told. */
static bool point_make(struct lidar *lidar, const struct lidar_beam *beam,
                       struct lidar_point *ret_point)
{
    int32_t mdeg = (2 * TURN_MDEG - beam->clockwise_mdeg + lidar->yaw_mdeg) % TURN_MDEG;
    bool is_return = beam->distance_mm > 0 && beam->distance_mm <= lidar->range_max_mm;
    struct lidar_point point = {
        .time_ns = beam->time_ns,
        .distance_mm = is_return ? beam->distance_mm : 0,
        .slot = (uint16_t)(mdeg / SLOT_MDEG),
        .intensity = (uint8_t)beam->intensity,
    };

    if (lidar->masked_slots[point.slot]) {
        lidar->masked++;
        return false;
    }
    if (is_return && beam->distance_mm < lidar->range_min_mm) {
        lidar->too_near++;
        return false;
    }
    *ret_point = point;
    return true;
}

/* A turn is whole when a beam is back in the first quarter after one in the rear half: the angles
 * of a triangulating lidar go to and fro a little around its mark. */
static void turn_count(struct lidar *lidar, const struct lidar_beam *beam)
{
    int32_t mdeg = beam->clockwise_mdeg;

    lidar->turn_points++;
    if (mdeg >= RIGHT_MDEG) {
        lidar->turn_is_late |= mdeg < 3 * RIGHT_MDEG;
        return;
    }
    if (!lidar->turn_is_late) {
        return;
    }
    if (lidar->turn_ns > 0 && beam->time_ns > lidar->turn_ns) {
        lidar->points_per_turn = lidar->turn_points;
        lidar->turn_mhz = (uint32_t)(1000 * CLOCK_NS_PER_S / (beam->time_ns - lidar->turn_ns));
    }
    lidar->turn_ns = beam->time_ns;
    lidar->turn_is_late = false;
    lidar->turn_points = 0;
}

static void second_count(struct lidar *lidar, int64_t now_ns)
{
    int64_t elapsed_ns = now_ns - lidar->window_ns;
    uint32_t packets;

    if (elapsed_ns < CLOCK_NS_PER_S) {
        return;
    }
    packets = health_total(lidar).packets;
    lidar->packets_per_s =
        (uint32_t)((packets - lidar->window_packets) * CLOCK_NS_PER_S / elapsed_ns);
    lidar->window_packets = packets;
    lidar->window_ns = now_ns;
    if (lidar->packets_per_s == 0) {
        lidar->points_per_turn = 0;
        lidar->turn_mhz = 0;
        lidar->turn_ns = 0;
    }
}

/* The line is of no use any more: open it again, but not more often than every LIDAR_RETRY_MS. */
static void line_lose(struct lidar *lidar, int64_t now_ns)
{
    int64_t due_ns = lidar->opened_ns + LIDAR_RETRY_MS * CLOCK_NS_PER_MS;

    lidar->past = health_total(lidar);
    lidar->is_in_use = false;
    lidar->state = LIDAR_CLOSED;
    lidar->retry_ns = now_ns > due_ns ? now_ns : due_ns;
}

static void closed_tick(struct lidar *lidar, int64_t now_ns)
{
    int same_fd;

    (void)serial_line_take(lidar->line, &same_fd); /* of a motor job */
    if (now_ns < lidar->retry_ns || serial_line_is_busy(lidar->line)) {
        return;
    }
    serial_line_open(lidar->line, lidar->fd, driver_of(lidar)->baud);
    lidar->fd = -1;
    lidar->opened_ns = now_ns;
    lidar->state = LIDAR_OPENING;
}

static void opening_tick(struct lidar *lidar, int64_t now_ns)
{
    int r = serial_line_take(lidar->line, &lidar->fd);

    if (r == SERIAL_LINE_BUSY) {
        return;
    }
    lidar->error = r;
    if (r < 0) {
        line_lose(lidar, now_ns);
        return;
    }
    lidar->openings++;
    driver_of(lidar)->init(lidar->driver_state, lidar->latency_ns);
    lidar->is_in_use = true;
    lidar->state = LIDAR_STARTING;
}

static size_t bytes_decode(struct lidar *lidar, size_t size, int64_t last_ns,
                           struct lidar_point *points)
{
    const struct lidar_driver *driver = driver_of(lidar);
    int64_t byte_ns = 10 * CLOCK_NS_PER_S / driver->baud;
    size_t count = 0;

    for (size_t i = 0; i < size; i++) {
        int64_t time_ns = last_ns - (int64_t)(size - 1 - i) * byte_ns;
        const struct lidar_beam *beams = NULL;
        size_t beam_count = driver->push(lidar->driver_state, lidar->bytes[i], time_ns, &beams);

        for (size_t k = 0; k < beam_count && count < LIDAR_POINTS_MAX; k++) {
            turn_count(lidar, &beams[k]);
            count += point_make(lidar, &beams[k], &points[count]);
        }
    }
    return count;
}

/* Bytes that are still unread came after those that were read. */
static size_t line_read(struct lidar *lidar, int64_t now_ns, struct lidar_point *points)
{
    int64_t byte_ns = 10 * CLOCK_NS_PER_S / driver_of(lidar)->baud, unread_ns;
    int error;
    size_t size = serial_line_read(lidar->line, lidar->bytes, sizeof(lidar->bytes), &error);

    if (error < 0) {
        lidar->error = error;
        line_lose(lidar, now_ns);
        return 0;
    }
    unread_ns = (int64_t)serial_line_unread(lidar->line) * byte_ns;
    return bytes_decode(lidar, size, now_ns - unread_ns, points);
}

/* A request that does not fit into the line's queue is lost; its step will miss the answer. */
static void order_do(struct lidar *lidar, const struct lidar_order *order)
{
    int same_fd;

    (void)serial_line_take(lidar->line, &same_fd); /* of a motor job */
    if (order->size > 0) {
        ssize_t written = write(lidar->fd, order->bytes, order->size);

        (void)written;
    }
    if (order->motor != LIDAR_MOTOR_KEEP && !serial_line_is_busy(lidar->line)) {
        /* Of an A1 on Slamtec's USB adapter. */
        serial_line_set_dtr(lidar->line, lidar->fd, order->motor == LIDAR_MOTOR_OFF);
    }
}

static void driver_tick(struct lidar *lidar, int64_t now_ns)
{
    struct lidar_order order;
    enum lidar_phase phase = driver_of(lidar)->tick(lidar->driver_state, now_ns, &order);

    order_do(lidar, &order);
    switch (phase) {
    case LIDAR_PHASE_STARTING:
        lidar->state = LIDAR_STARTING;
        break;
    case LIDAR_PHASE_RUNNING:
        lidar->state = LIDAR_RUNNING;
        lidar->fault = LIDAR_FAULT_NONE;
        if (now_ns - health_of(lidar)->packet_ns > LIDAR_SILENT_MS * CLOCK_NS_PER_MS) {
            lidar->fault = LIDAR_FAULT_SILENT;
            line_lose(lidar, now_ns);
        }
        break;
    case LIDAR_PHASE_FAILED:
        lidar->fault = health_of(lidar)->fault;
        line_lose(lidar, now_ns);
        if (lidar->is_auto) {
            lidar->driver = (lidar->driver + 1) % DRIVER_COUNT;
        }
        break;
    }
}

size_t lidar_poll(struct lidar *lidar, int64_t now_ns,
                  struct lidar_point ret_points[static LIDAR_POINTS_MAX])
{
    size_t count = 0;

    switch (lidar->state) {
    case LIDAR_OFF:
        return 0;
    case LIDAR_CLOSED:
        closed_tick(lidar, now_ns);
        break;
    case LIDAR_OPENING:
        opening_tick(lidar, now_ns);
        break;
    case LIDAR_STARTING:
    case LIDAR_RUNNING:
        count = line_read(lidar, now_ns, ret_points);
        if (lidar->state != LIDAR_CLOSED) {
            driver_tick(lidar, now_ns);
        }
        break;
    }
    second_count(lidar, now_ns);
    return count;
}

struct lidar_status lidar_status_get(const struct lidar *lidar)
{
    return (struct lidar_status){
        .state = lidar->state,
        .family = lidar->state == LIDAR_OFF ? "off" : driver_of(lidar)->name,
        .error = lidar->error,
        .fault = lidar->fault,
        .health = health_total(lidar),
        .openings = lidar->openings,
        .packets_per_s = lidar->packets_per_s,
        .points_per_turn = lidar->points_per_turn,
        .turn_mhz = lidar->turn_mhz,
        .masked = lidar->masked,
        .too_near = lidar->too_near,
    };
}

size_t lidar_unread(const struct lidar *lidar)
{
    return lidar->line != NULL ? serial_line_unread(lidar->line) : 0;
}

bool lidar_is_masked(const struct lidar *lidar, int slot)
{
    return lidar->masked_slots[slot];
}

const char *lidar_state_name(enum lidar_state state)
{
    static const char *const names[] = {
        [LIDAR_CLOSED] = "closed",   [LIDAR_OPENING] = "opening", [LIDAR_STARTING] = "starting",
        [LIDAR_RUNNING] = "running", [LIDAR_OFF] = "off",
    };

    return names[state];
}

const char *lidar_fault_name(enum lidar_fault fault)
{
    static const char *const names[] = {
        [LIDAR_FAULT_NONE] = "none",           [LIDAR_FAULT_NO_FRAMES] = "no_frames",
        [LIDAR_FAULT_NO_ANSWER] = "no_answer", [LIDAR_FAULT_UNHEALTHY] = "unhealthy",
        [LIDAR_FAULT_NO_SCAN] = "no_scan",     [LIDAR_FAULT_NO_BEAMS] = "no_beams",
        [LIDAR_FAULT_SILENT] = "silent",
    };

    return names[fault];
}
