/* See battery.h. The level is a state with four ways in and a hysteresis on the two ways up:
 *
 *     EMPTY --> WARNING   from stop + recover on
 *     WARNING --> GOOD    from warn + recover on
 *     down                below the limit itself
 *     USB                 whenever the voltage lies in its window; left without memory, as from
 *                         UNKNOWN, because another supply was plugged in
 *
 * The filter is a median of three: one reading out of line never decides, two of three do, whatever
 * their order. The first report fills all three places: a car that starts with an empty battery
 * does not get two seconds of good will.
 */
#include "hal/body/battery.h"

#include <stdbool.h>

void battery_init(struct battery *battery, const struct battery_limits *limits)
{
    *battery = (struct battery){.limits = *limits};
}

static int median_mv(const struct battery *battery)
{
    int a = battery->reading_mv[0], b = battery->reading_mv[1], c = battery->reading_mv[2];
    int low = a < b ? a : b;
    int high = a < b ? b : a;

    if (c < low) {
        return low;
    }
    return c > high ? high : c;
}

static enum battery_level level_next(const struct battery *battery, int voltage_mv)
{
    const struct battery_limits *limits = &battery->limits;
    int stop_mv = limits->stop_mv;
    int warn_mv = limits->warn_mv;

    if (voltage_mv >= BATTERY_USB_MIN_MV && voltage_mv <= BATTERY_USB_MAX_MV) {
        return BATTERY_USB;
    }
    if (battery->level == BATTERY_EMPTY) {
        stop_mv += limits->recover_mv;
    }
    if (battery->level == BATTERY_EMPTY || battery->level == BATTERY_WARNING) {
        warn_mv += limits->recover_mv;
    }
    if (voltage_mv < stop_mv) {
        return BATTERY_EMPTY;
    }
    return voltage_mv < warn_mv ? BATTERY_WARNING : BATTERY_GOOD;
}

void battery_report(struct battery *battery, int reading_mv, int64_t now_ns)
{
    if (reading_mv < 0 || reading_mv > BATTERY_MAX_MV) {
        return;
    }
    if (battery->level == BATTERY_UNKNOWN) {
        for (int i = 0; i < BATTERY_READINGS; i++) {
            battery->reading_mv[i] = reading_mv;
        }
    }
    battery->reading_mv[battery->next] = reading_mv;
    battery->next = (battery->next + 1) % BATTERY_READINGS;
    battery->reported_ns = now_ns;
    battery->level = level_next(battery, median_mv(battery));
}

static bool is_silent(const struct battery *battery, int64_t now_ns)
{
    int64_t age_ns = now_ns - battery->reported_ns;

    return battery->level == BATTERY_UNKNOWN || age_ns < 0 || age_ns >= battery->limits.silence_ns;
}

uint32_t battery_reasons(const struct battery *battery, int64_t now_ns)
{
    static const uint32_t reasons[] = {
        [BATTERY_UNKNOWN] = 0,
        [BATTERY_USB] = BATTERY_REASON_USB,
        [BATTERY_EMPTY] = BATTERY_REASON_LOW,
        [BATTERY_WARNING] = 0,
        [BATTERY_GOOD] = 0,
    };

    return reasons[battery->level] | (is_silent(battery, now_ns) ? BATTERY_REASON_SILENT : 0);
}

enum battery_level battery_level(const struct battery *battery)
{
    return battery->level;
}

int battery_mv(const struct battery *battery)
{
    return battery->level == BATTERY_UNKNOWN ? -1 : median_mv(battery);
}
