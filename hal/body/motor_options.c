/* See motor_options.h. Data, and the readers of three lists that stand in strings: every program
 * links it to understand the whole file, also those that drive no wheel.
 *
 * A list is words with blanks between them. Its reader takes all of the string or says no; the
 * table's check asks the same reader, so what passed the check can be read.
 */
#include "hal/body/motor_options.h"

#include <stdbool.h>
#include <stddef.h>

#define TRIM_MIN_PERCENT 50
#define TRIM_MAX_PERCENT 150
#define DIGITS_MAX       5
#define PERMILLE         10 /* in a percent */

static const char *skip_blanks(const char *text)
{
    while (*text == ' ' || *text == '\t') {
        text++;
    }
    return text;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A number without sign, of a few digits. */
static bool take_number(const char **text, int *ret_number)
{
    const char *c = *text;
    int number = 0;

    while (is_digit(*c) && c - *text < DIGITS_MAX) {
        number = number * 10 + (*c++ - '0');
    }
    if (c == *text || is_digit(*c)) {
        return false;
    }
    *text = c;
    *ret_number = number;
    return true;
}

static bool take_mark(const char **text, char mark)
{
    if (**text != mark) {
        return false;
    }
    (*text)++;
    return true;
}

/* A word must end here. Moves on to the next one. */
static bool take_gap(const char **text)
{
    const char *next = skip_blanks(*text);

    if (next == *text && *next != '\0') {
        return false;
    }
    *text = next;
    return true;
}

static bool read_signs(const char *text, int ret_sign[MECANUM_WHEELS])
{
    text = skip_blanks(text);
    for (int i = 0; i < MECANUM_WHEELS; i++) {
        if (take_mark(&text, '-')) {
            ret_sign[i] = -1;
        } else if (take_mark(&text, '+')) {
            ret_sign[i] = 1;
        } else {
            return false;
        }
        if (!take_gap(&text)) {
            return false;
        }
    }
    return *text == '\0';
}

static bool read_trims(const char *text, int ret_percent[MECANUM_WHEELS])
{
    text = skip_blanks(text);
    for (int i = 0; i < MECANUM_WHEELS; i++) {
        if (!take_number(&text, &ret_percent[i]) || ret_percent[i] < TRIM_MIN_PERCENT ||
            ret_percent[i] > TRIM_MAX_PERCENT || !take_gap(&text)) {
            return false;
        }
    }
    return *text == '\0';
}

/* "40" or "37.5". */
static bool take_duty(const char **text, int *ret_permille)
{
    int percent, tenths = 0;

    if (!take_number(text, &percent) || percent > MECANUM_FULL_PERMILLE / PERMILLE) {
        return false;
    }
    if (take_mark(text, '.')) {
        const char *before = *text;

        if (!take_number(text, &tenths) || *text - before != 1) {
            return false;
        }
    }
    *ret_permille = percent * PERMILLE + tenths;
    return *ret_permille <= MECANUM_FULL_PERMILLE;
}

static bool take_point(const char **text, struct mecanum_point *ret_point)
{
    return take_number(text, &ret_point->speed_mm_s) &&
           ret_point->speed_mm_s <= MECANUM_SPEED_MAX_MM_S && take_mark(text, ':') &&
           take_duty(text, &ret_point->duty_permille) && take_gap(text);
}

/* The number of points; 0: not a table. */
static int read_table(const char *text, struct mecanum_point ret_point[MECANUM_POINTS_MAX])
{
    struct mecanum_point last = {0};
    int points = 0;

    text = skip_blanks(text);
    while (*text != '\0') {
        struct mecanum_point point;

        if (points == MECANUM_POINTS_MAX || !take_point(&text, &point) ||
            point.speed_mm_s <= last.speed_mm_s || point.duty_permille <= last.duty_permille) {
            return 0;
        }
        ret_point[points++] = point;
        last = point;
    }
    return points;
}

static const char *check_signs(const char *value)
{
    int sign[MECANUM_WHEELS];

    return read_signs(value, sign) ? NULL : "four signs, + or -, with blanks between them";
}

static const char *check_trims(const char *value)
{
    int percent[MECANUM_WHEELS];

    return read_trims(value, percent) ? NULL
                                      : "four whole percentages from 50 to 150 with blanks between";
}

static const char *check_table(const char *value)
{
    struct mecanum_point point[MECANUM_POINTS_MAX];

    return read_table(value, point) > 0
               ? NULL
               : "one to eight speed:duty points such as 200:40 500:100, in mm/s (to 5000) and "
                 "percent (to 100), both rising";
}

static const char *const driver_choices[] = {"auto", "board5", "null", NULL};

#define FIELD(name) offsetof(struct motor_options, name)
static const struct setting motor_settings[] = {
    {.key = "driver",
     .type = SETTING_CHOICE,
     .offset = FIELD(driver),
     .fallback = "auto",
     .choices = driver_choices,
     .help = "kind of board; auto looks for one and fails without; null drives nothing"},
    {.key = "device",
     .type = SETTING_PATH,
     .offset = FIELD(device),
     .fallback = MOTOR_DEVICE,
     .help = "serial line of the board"},
    {.key = "signs",
     .type = SETTING_STRING,
     .offset = FIELD(signs),
     .fallback = "- + - +",
     .check = check_signs,
     .help = "direction of motors 1 to 4: front left, front right, rear left, rear right"},
    {.key = "trims",
     .type = SETTING_STRING,
     .offset = FIELD(trims),
     .fallback = "100 100 100 100",
     .check = check_trims,
     .help = "how much faster than the mix each of motors 1 to 4 is driven, in percent"},
    {.key = "table",
     .type = SETTING_STRING,
     .offset = FIELD(table),
     .fallback = "200:40 500:100",
     .check = check_table,
     .help = "what duty a wheel's speed takes, as mm/s:percent; the last speed is the fastest"},
    {.key = "dead_band",
     .type = SETTING_NUMBER,
     .offset = FIELD(dead_band_percent),
     .unit = "%",
     .fallback = "30",
     .min = 0,
     .max = 80,
     .help = "duty up to which no wheel turns"},
    {.key = "arm",
     .type = SETTING_NUMBER,
     .offset = FIELD(arm_mm),
     .unit = "mm",
     .fallback = "126",
     .min = 50,
     .max = 300,
     .help = "half the track plus half the wheelbase"},
    {.key = "turn_left",
     .type = SETTING_NUMBER,
     .offset = FIELD(turn_left_percent),
     .unit = "%",
     .fallback = "100",
     .min = 50,
     .max = 200,
     .help = "how much more a turn to the left is asked for than is wanted"},
    {.key = "turn_right",
     .type = SETTING_NUMBER,
     .offset = FIELD(turn_right_percent),
     .unit = "%",
     .fallback = "100",
     .min = 50,
     .max = 200,
     .help = "how much more a turn to the right is asked for than is wanted"},
    {.key = "slew",
     .type = SETTING_NUMBER,
     .offset = FIELD(slew_percent),
     .unit = "%",
     .fallback = "5",
     .min = 1,
     .max = 25,
     .help = "how much a duty may grow in 10 ms; four motors that start at once pull the Pi down"},
};
#undef FIELD

const struct setting_table motor_table = {
    .section = "motor",
    .settings = motor_settings,
    .count = sizeof(motor_settings) / sizeof(motor_settings[0]),
    .size = sizeof(struct motor_options),
    .help = "The motor board and the wheels on it",
};

#define FIELD(name) offsetof(struct battery_options, name)
static const struct setting battery_settings[] = {
    {.key = "warn",
     .type = SETTING_NUMBER,
     .offset = FIELD(warn_mv),
     .unit = "mV",
     .fallback = "7200",
     .min = BATTERY_STOP_MV,
     .max = 8400,
     .help = "voltage below which a warning is given"},
    {.key = "stop",
     .type = SETTING_NUMBER,
     .offset = FIELD(stop_mv),
     .unit = "mV",
     .fallback = "6800",
     .min = BATTERY_STOP_MV,
     .max = 8400,
     .help = "voltage below which the car does not drive"},
    {.key = "recover",
     .type = SETTING_NUMBER,
     .offset = FIELD(recover_mv),
     .unit = "mV",
     .fallback = "300",
     .min = 50,
     .max = 1000,
     .help = "how far above a limit the voltage must rise again to leave it"},
    {.key = "silence",
     .type = SETTING_NUMBER,
     .offset = FIELD(silence_ms),
     .unit = "ms",
     .fallback = "2000",
     .min = 1200,
     .max = 10000,
     .help = "time without a report after which the car drives slower"},
};
#undef FIELD

const struct setting_table battery_table = {
    .section = "battery",
    .settings = battery_settings,
    .count = sizeof(battery_settings) / sizeof(battery_settings[0]),
    .size = sizeof(struct battery_options),
    .help = "What voltage of the battery allows driving",
};

const char *motor_options_settings(const struct motor_options *options,
                                   struct mecanum_settings *ret_settings)
{
    struct mecanum_settings settings = {
        .arm_mm = (int)options->arm_mm,
        .turn_left_percent = (int)options->turn_left_percent,
        .turn_right_percent = (int)options->turn_right_percent,
        .dead_band_permille = (int)options->dead_band_percent * PERMILLE,
        .slew_permille = (int)options->slew_percent * PERMILLE,
    };
    const char *expected = check_signs(options->signs);

    expected = expected == NULL ? check_trims(options->trims) : expected;
    expected = expected == NULL ? check_table(options->table) : expected;
    if (expected != NULL) {
        return expected;
    }
    (void)read_signs(options->signs, settings.sign);
    (void)read_trims(options->trims, settings.trim_percent);
    settings.points = read_table(options->table, settings.point);
    if (settings.dead_band_permille >= settings.point[0].duty_permille) {
        return "a dead band below the first duty of the table";
    }
    *ret_settings = settings;
    return NULL;
}

const char *battery_options_limits(const struct battery_options *options,
                                   struct battery_limits *ret_limits)
{
    if (options->stop_mv > options->warn_mv) {
        return "a stop voltage that is not above the warning";
    }
    *ret_limits = (struct battery_limits){
        .warn_mv = (int)options->warn_mv,
        .stop_mv = (int)options->stop_mv,
        .recover_mv = (int)options->recover_mv,
        .silence_ns = options->silence_ms * INT64_C(1000000),
    };
    return NULL;
}
