/* See check.h. A row is a thing, good or not, and what was seen of it. */
#include "safety/check.h"

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include "safety/wire.h"

struct table {
    FILE *out;
    int bad;
};

__attribute__((format(printf, 4, 5))) static void row(struct table *table, const char *thing,
                                                      bool good, const char *format, ...)
{
    va_list arguments;

    (void)fprintf(table->out, "%-4s  %-10s  ", good ? "ok" : "BAD", thing);
    va_start(arguments, format);
    (void)vfprintf(table->out, format, arguments);
    va_end(arguments);
    (void)fputc('\n', table->out);
    table->bad += !good;
}

static void check_motor(struct table *table, const struct cycle *cycle)
{
    const struct motor_news *news = &cycle->devices->news;

    row(table, "board", !cycle->queue_full, "%s on %s, %llu reports, %llu bad frames",
        motor_name(cycle->motor), cycle->setup->motor.device, (unsigned long long)news->reports,
        (unsigned long long)news->bad_frames);
    if (!motor_can_report(cycle->motor)) {
        row(table, "battery", true, "not reported by this board");
        return;
    }
    row(table, "battery", (cycle->news.reasons & ~(uint32_t)REASON_SONAR_OFF) == 0, "%.2f V%s%s%s",
        cycle->news.battery_mv < 0 ? 0.0 : cycle->news.battery_mv / 1000.0,
        cycle->news.battery_mv < 0 ? ", no report yet" : "",
        (cycle->news.reasons & (uint32_t)REASON_BATTERY_LOW) != 0 ? ", too low to drive" : "",
        (cycle->news.reasons & (uint32_t)REASON_USB_SUPPLY) != 0 ? ", supplied by USB: no driving"
                                                                 : "");
}

static void check_lidar(struct table *table, const struct cycle *cycle)
{
    struct lidar_status status = lidar_status_get(cycle->devices->lidar);

    if (status.state == LIDAR_OFF) {
        row(table, "lidar", false, "switched off: the car does not drive");
        return;
    }
    row(table, "lidar", cycle->news.lidar_runs,
        "%s on %s, %s, %u packets/s, %u points a turn, %.1f turns/s, %u bad frames%s%s%s",
        status.family, cycle->setup->lidar.device, lidar_state_name(status.state),
        status.packets_per_s, status.points_per_turn, status.turn_mhz / 1000.0,
        status.health.bad_frames, status.health.clock_lies ? ", its clock stands still" : "",
        status.error < 0 ? ", " : "", status.error < 0 ? strerror(-status.error) : "");
}

static void check_sonar(struct table *table, const struct cycle *cycle)
{
    const char *name = sonar_name(cycle->devices->sonar);

    if (cycle->news.sonar_mm == -2) {
        row(table, "sonar", true, "off: the car drives slower");
    } else if (cycle->news.sonar_mm < 0) {
        row(table, "sonar", false, "%s: %s", name,
            sonar_kind_name(cycle->devices->sonar_judge.kind));
    } else if (cycle->news.sonar_mm >= GATE_SONAR_MAX) {
        row(table, "sonar", true, "%s: no echo, nothing in reach", name);
    } else {
        row(table, "sonar", true, "%s: %d mm", name, cycle->news.sonar_mm);
    }
}

static void check_keys(struct table *table, const struct cycle *cycle, int64_t now_ns)
{
    struct keys_levels levels = keys_read(cycle->devices->keys, now_ns);
    const char *name = keys_name(cycle->devices->keys);

    if (levels.estop == KEYS_OFF) {
        row(table, "keys", true, "off: there is no e-stop key");
    } else {
        row(table, "keys", levels.estop == KEYS_RELEASED, "%s: e-stop %s%s", name,
            levels.estop == KEYS_PRESSED    ? "pressed"
            : levels.estop == KEYS_RELEASED ? "released"
                                            : "cannot be read",
            cycle->permission.latched ? ", the stop is latched" : "");
    }
}

int check_print(const struct cycle *cycle, const struct check_privileges *privileges, FILE *out)
{
    struct table table = {.out = out};

    check_motor(&table, cycle);
    check_lidar(&table, cycle);
    check_sonar(&table, cycle);
    check_keys(&table, cycle, cycle->verdict.header.time_ns);
    row(&table, "priority", privileges->priority_error == 0, "%s",
        privileges->priority_error == 0 ? "SCHED_FIFO" : strerror(-privileges->priority_error));
    row(&table, "memory", privileges->lock_error == 0, "%s",
        privileges->lock_error == 0 ? "locked" : strerror(-privileges->lock_error));
    row(&table, "self-test", cycle->self_test_passed, "%s",
        cycle->self_test_passed ? "passed" : "not passed");
    row(&table, "loop", cycle->overruns == 0, "%u late ticks", cycle->overruns);
    return table.bad;
}
