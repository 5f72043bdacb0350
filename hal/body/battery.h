/* What the battery (2S lithium-ion) allows, from the board's reports of about one a second.
 *
 *   from 7.2 V   good
 *   below 7.2 V  a warning
 *   below 6.8 V  no driving. The Pi dies somewhere between 6 and 7 V, and the board would hold its
 *                last duty
 *   3..5.5 V     the Pi is fed through USB-C (measured by users: 4.5 V): no driving
 *   no report for 2 s: slower
 *
 * Driving is allowed again when the voltage has recovered by a hysteresis: an unloaded battery
 * rises. The voltages are configuration; sources: README and TurboPi.py of Hiwonder/TurboPi.
 *
 * Pure: time is a parameter. Caller's memory, one thread.
 */
#ifndef HAL_BODY_BATTERY_H
#define HAL_BODY_BATTERY_H

#include <stdint.h>

#define BATTERY_STOP_MV    6800
#define BATTERY_USB_MIN_MV 3000 /* less: a broken measurement, judged as an empty battery */
#define BATTERY_USB_MAX_MV 5500
#define BATTERY_MAX_MV     13000 /* the board takes 12 V; more is no report at all */
#define BATTERY_READINGS   3

enum battery_level {
    BATTERY_UNKNOWN, /* no report yet */
    BATTERY_USB,
    BATTERY_EMPTY,
    BATTERY_WARNING,
    BATTERY_GOOD,
};

/* Why not, or not at full speed: a bit set. Values are those of REASON_* in safety/wire.h, which
 * this folder may not include; tests/unit/battery_test.c fails to compile when they part. */
enum battery_reason {
    BATTERY_REASON_LOW = 1 << 20,
    BATTERY_REASON_USB = 1 << 21,
    BATTERY_REASON_SILENT = 1 << 22,
};

struct battery_limits {
    int warn_mv;
    int stop_mv;    /* at most warn_mv, or there is no warning */
    int recover_mv; /* so much above a limit it counts as left */
    int64_t silence_ns;
};

/* Fields are the module's. */
struct battery {
    struct battery_limits limits;
    int reading_mv[BATTERY_READINGS];
    int next; /* place of the next one */
    enum battery_level level;
    int64_t reported_ns; /* the last of them */
};

/* Knows nothing: silent. */
void battery_init(struct battery *battery, const struct battery_limits *limits);

/* A report that was received at `now_ns`. The median of the last three counts, so that the sag of
 * one start of the motors changes nothing; the first report counts at once. Negative readings and
 * those above BATTERY_MAX_MV are not reports. */
void battery_report(struct battery *battery, int reading_mv, int64_t now_ns);

/* enum battery_reason. LOW and USB forbid driving, SILENT only caps the speed. Silence keeps what
 * was known before; a report from the future counts as silence. */
uint32_t battery_reasons(const struct battery *battery, int64_t now_ns);

enum battery_level battery_level(const struct battery *battery);

/* The median; -1: no report yet. */
int battery_mv(const struct battery *battery);

#endif
