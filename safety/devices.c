/* See devices.h. Each sensor has its own judge in hal/body, which knows what a reading of that
 * sensor may be; here their verdicts are only translated. The self-test is that all of them are
 * good at the same time: beams for half a second, a sonar that answers (or is switched off), keys
 * that can be read (or are), a battery that was reported (where the board can report one). */
#include "safety/devices.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hal/base/clock.h"
#include "hal/body/sim_input.h"
#include "safety/limits.h"
#include "safety/realtime.h"
#include "safety/wire.h"

#define SELF_TEST_LIDAR_NS (500 * CLOCK_NS_PER_MS)
#define MOTOR_READ_MAX     512 /* bytes a tick; 1 Mbaud brings 1000 in 10 ms, reports need 10 */

_Static_assert(SERIAL_LINE_PERIOD_MS == LIMITS_TICK_MS, "lines are read for another loop");
_Static_assert(SERIAL_LINE_PRIORITY < REALTIME_PRIORITY, "the loop comes first");
_Static_assert((uint32_t)BATTERY_REASON_LOW == (uint32_t)REASON_BATTERY_LOW, "reasons part");
_Static_assert((uint32_t)BATTERY_REASON_USB == (uint32_t)REASON_USB_SUPPLY, "reasons part");
_Static_assert((uint32_t)BATTERY_REASON_SILENT == (uint32_t)REASON_BATTERY_SILENT, "reasons part");

static int fail(const char *section, int error, char *ret_error, size_t error_size)
{
    (void)snprintf(ret_error, error_size, "[%s]: %s", section,
                   error == -EPERM ? SIM_INPUT_REFUSED : strerror(-error));
    return error;
}

int devices_open(struct devices *devices, const struct setup *setup, struct motor *motor,
                 int64_t now_ns, char *ret_error, size_t error_size)
{
    bool simulated = motor_is_simulated(motor);
    int result;

    *devices = (struct devices){.motor = motor, .news = {.battery_mv = -1}};
    battery_init(&devices->battery, &setup->limits);
    sonar_judge_init(&devices->sonar_judge, setup->sonar.stale_ms, now_ns);
    keys_judge_init(&devices->keys_judge, setup->keys.debounce_ms);
    result = keys_open(&setup->keys, &setup->gpio, simulated, &devices->keys);
    if (result < 0) {
        return fail("keys", result, ret_error, error_size);
    }
    result = lidar_open(&setup->lidar, &devices->lidar);
    if (result < 0) {
        return fail("lidar", result, ret_error, error_size);
    }
    result = sonar_open(&setup->sonar, &setup->gpio, simulated, &devices->sonar);
    if (result < 0) {
        return fail("sonar", result, ret_error, error_size);
    }
    if (motor_can_report(motor)) {
        result = serial_line_new(setup->motor.device, motor_fd(motor), &devices->motor_line);
    }
    return result < 0 ? fail("motor", result, ret_error, error_size) : 0;
}

void devices_close(struct devices *devices)
{
    serial_line_free(devices->motor_line, -1);
    sonar_close(devices->sonar);
    lidar_close(devices->lidar);
    keys_close(devices->keys);
    *devices = (struct devices){0};
}

void devices_mask(const struct devices *devices, struct gate *gate)
{
    for (int slot = 0; slot < LIDAR_SLOTS; slot++) {
        if (lidar_is_masked(devices->lidar, slot)) {
            gate_mask(gate, slot, 1);
        }
    }
}

static void poll_lidar(struct devices *devices, struct gate *gate, int64_t now_ns,
                       struct devices_news *news)
{
    size_t count = lidar_poll(devices->lidar, now_ns, devices->points);
    struct lidar_status status = lidar_status_get(devices->lidar);

    for (size_t i = 0; i < count; i++) {
        const struct lidar_point *point = &devices->points[i];

        gate_beam(gate, point->slot, point->distance_mm, point->time_ns / CLOCK_NS_PER_MS);
    }
    news->lidar_runs = status.state == LIDAR_RUNNING && !status.health.clock_lies;
    if (!news->lidar_runs) {
        devices->lidar_good_ns = 0;
    } else if (devices->lidar_good_ns == 0) {
        devices->lidar_good_ns = now_ns;
    }
}

/* In the gate's terms: no echo is the longest distance, every fault is one. */
static int32_t gate_reading(const struct sonar_verdict *verdict)
{
    switch (verdict->kind) {
    case SONAR_GOOD:
        return verdict->mm;
    case SONAR_NO_ECHO:
        return GATE_SONAR_MAX;
    case SONAR_OFF:
        return GATE_SONAR_OFF;
    case SONAR_NONE:
    case SONAR_TOO_NEAR:
    case SONAR_PLACEHOLDER:
    case SONAR_NONSENSE:
    case SONAR_BUS:
    case SONAR_TIMEOUT:
    case SONAR_MISSING:
    case SONAR_STALE:
    case SONAR_STUCK:
    case SONAR_RECOVERING:
        break;
    }
    return GATE_SONAR_FAULT;
}

static bool poll_sonar(struct devices *devices, struct gate *gate, bool moving, int64_t now_ns,
                       struct devices_news *news)
{
    struct sonar_reading reading;
    struct sonar_verdict verdict;
    int32_t mm;

    sonar_read(devices->sonar, &reading);
    verdict = sonar_judge_step(&devices->sonar_judge, &reading, moving, now_ns);
    mm = gate_reading(&verdict);
    news->sonar_mm = mm == GATE_SONAR_OFF ? -2 : mm == GATE_SONAR_FAULT ? -1 : mm;
    /* A good reading is told once, at its own time; a fault in every tick, at this one. */
    if (mm < 0) {
        gate_sonar(gate, mm, now_ns / CLOCK_NS_PER_MS);
    } else if (verdict.seq != devices->sonar_seq) {
        gate_sonar(gate, mm, verdict.time_ns / CLOCK_NS_PER_MS);
    }
    devices->sonar_seq = verdict.seq;
    return mm != GATE_SONAR_FAULT;
}

static bool poll_keys(struct devices *devices, int64_t now_ns, struct devices_news *news)
{
    struct keys_levels levels = keys_read(devices->keys, now_ns);
    struct keys_verdict verdict = keys_judge_step(&devices->keys_judge, &levels, now_ns);

    news->estop_pressed = !verdict.estop_released;
    news->start_pressed = verdict.start;
    news->keys_unreadable = verdict.unreadable;
    return !verdict.unreadable;
}

static void read_motor(struct devices *devices, int64_t now_ns, struct devices_news *news)
{
    uint8_t bytes[MOTOR_READ_MAX];
    size_t size = serial_line_read(devices->motor_line, bytes, sizeof(bytes), &news->motor_error);

    if (size > 0) {
        motor_take(devices->motor, bytes, size, &devices->news);
        if (devices->news.battery_mv >= 0) {
            battery_report(&devices->battery, devices->news.battery_mv, now_ns);
        }
    }
}

static bool poll_motor(struct devices *devices, int64_t now_ns, struct devices_news *news)
{
    bool reports = devices->motor_line != NULL;

    if (reports) {
        read_motor(devices, now_ns, news);
        news->reasons |= battery_reasons(&devices->battery, now_ns);
    }
    news->battery_mv = battery_mv(&devices->battery);
    return !reports ||
           (news->battery_mv >= 0 && (news->reasons & (uint32_t)BATTERY_REASON_USB) == 0);
}

void devices_poll(struct devices *devices, struct gate *gate, bool moving, int64_t now_ns,
                  struct devices_news *ret_news)
{
    bool sonar, keys, motor;

    *ret_news = (struct devices_news){0};
    poll_lidar(devices, gate, now_ns, ret_news);
    sonar = poll_sonar(devices, gate, moving, now_ns, ret_news);
    keys = poll_keys(devices, now_ns, ret_news);
    motor = poll_motor(devices, now_ns, ret_news);
    ret_news->self_test = sonar && keys && motor && devices->lidar_good_ns > 0 &&
                          now_ns - devices->lidar_good_ns >= SELF_TEST_LIDAR_NS;
}
