/* See wheels.h. All of it is ticks: also while a person reads and types, a frame of zeros goes out
 * every 10 ms, because a brake that hears nothing ends this process. */
#include "safety/wheels.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "hal/base/clock.h"
#include "safety/limits.h"
#include "safety/realtime.h"

#define LOOK_TICKS 250 /* the board reports its battery about once a second */
#define TURN_TICKS 50  /* of half a second */
#define REST_TICKS 70
#define WORD       "wheels"

struct wheels {
    struct cycle *cycle;
    struct realtime_ticker ticker;
    int in_fd;
    int good_ticks;
    bool lost;
    const char *trouble; /* why no wheel may turn; NULL: none */
};

static const char *const wheel_names[MECANUM_WHEELS] = {"front left", "front right", "rear left",
                                                        "rear right"};
static const int still[MECANUM_WHEELS] = {0};

static bool is_readable(int fd)
{
    struct pollfd pollfd = {.fd = fd, .events = POLLIN};

    return poll(&pollfd, 1, 0) > 0;
}

/* What the sensors have against it. */
static const char *find_trouble(const struct cycle *cycle)
{
    const struct devices_news *news = &cycle->news;

    if (news->keys_unreadable) {
        return "the e-stop key cannot be read";
    }
    if (news->estop_pressed) {
        return "the e-stop key is pressed";
    }
    if ((news->reasons & (uint32_t)REASON_USB_SUPPLY) != 0) {
        return "the board is supplied by USB: switch its battery on";
    }
    if ((news->reasons & (uint32_t)REASON_BATTERY_LOW) != 0) {
        return "the battery is too low: charge it";
    }
    if ((news->reasons & (uint32_t)REASON_BATTERY_SILENT) != 0 ||
        (motor_can_report(cycle->motor) && news->battery_mv < 0)) {
        return "the board does not report its battery";
    }
    return NULL;
}

/* One tick on the way to these duties. False: it is over, see `trouble`. */
static bool tick(struct wheels *wheels, const int wanted[MECANUM_WHEELS])
{
    struct cycle *cycle = wheels->cycle;
    uint8_t frame[MOTOR_FRAME_MAX];
    int64_t late_ns, now_ns = realtime_ticker_wait(&wheels->ticker, &late_ns);
    size_t size;

    ready_poll(cycle->ready);
    devices_poll(cycle->devices, &cycle->gate, false, now_ns, &cycle->news);
    wheels->trouble = find_trouble(cycle);
    if (ready_has(cycle->ready, READY_STOP)) {
        wheels->trouble = "told to stop";
    }
    mecanum_slew(&cycle->setup->wheels, cycle->duty, wheels->trouble != NULL ? still : wanted,
                 cycle->duty);
    size = motor_encode(cycle->motor, cycle->duty, frame, sizeof(frame));
    wheels->lost = cycle->news.motor_error < 0 || is_readable(brake_fd(cycle->brake)) ||
                   brake_send(cycle->brake, frame, size, false, now_ns) < 0;
    if (wheels->lost || wheels->trouble != NULL) {
        return false;
    }
    wheels->good_ticks++;
    return true;
}

static bool ticks(struct wheels *wheels, const int wanted[MECANUM_WHEELS], int count)
{
    for (int i = 0; i < count; i++) {
        if (!tick(wheels, wanted)) {
            return false;
        }
    }
    return true;
}

/* For long enough that several reports of the battery have come. */
static bool look(struct wheels *wheels)
{
    bool good = false;

    for (int i = 0; i < LOOK_TICKS && !wheels->lost; i++) {
        good = tick(wheels, still);
    }
    return good;
}

/* True: the word was typed. */
static bool confirm(struct wheels *wheels)
{
    char line[64];
    ssize_t size;

    while (!is_readable(wheels->in_fd)) {
        if (!tick(wheels, still)) {
            return false;
        }
    }
    size = read(wheels->in_fd, line, sizeof(line));
    if (size != (ssize_t)strlen(WORD "\n") || memcmp(line, WORD "\n", (size_t)size) != 0) {
        wheels->trouble = "that was not the word '" WORD "'";
        return false;
    }
    return true;
}

/* The slowest speed that the table has for this wheel alone. */
static void turn_of(const struct mecanum_settings *settings, int wheel,
                    int ret_duty[MECANUM_WHEELS])
{
    int32_t rim_um_s[MECANUM_WHEELS] = {0};

    rim_um_s[wheel] = settings->point[0].speed_mm_s * 1000;
    mecanum_duties(settings, rim_um_s, ret_duty);
}

static bool turn_all(struct wheels *wheels, FILE *out, struct wheels_report *report)
{
    const struct mecanum_settings *settings = &wheels->cycle->setup->wheels;

    for (int wheel = 0; wheel < MECANUM_WHEELS; wheel++) {
        int duty[MECANUM_WHEELS], before = wheels->good_ticks;

        turn_of(settings, wheel, duty);
        (void)fprintf(out, "motor %d  %-11s  forward, duty %+.1f %%\n", wheel + 1,
                      wheel_names[wheel], duty[wheel] / 10.0);
        (void)fflush(out);
        report->wheel[wheel].done = ticks(wheels, duty, TURN_TICKS);
        report->wheel[wheel].driven_ms = (wheels->good_ticks - before) * LIMITS_TICK_MS;
        if (!report->wheel[wheel].done || !ticks(wheels, still, REST_TICKS)) {
            return false;
        }
    }
    return true;
}

static void begin_report(const struct mecanum_settings *settings, struct wheels_report *ret_report)
{
    struct wheels_report report = {0};

    for (int wheel = 0; wheel < MECANUM_WHEELS; wheel++) {
        int duty[MECANUM_WHEELS];

        turn_of(settings, wheel, duty);
        report.wheel[wheel].duty_permille = duty[wheel];
    }
    *ret_report = report;
}

static void tell(FILE *out, const char *text)
{
    (void)fputs(text, out);
    (void)fflush(out);
}

static void advise(FILE *out, const struct motor_options *options)
{
    (void)fprintf(out,
                  "\nThe wheels stand still. What to do when\n"
                  "  a wheel turned backward           change its sign: [motor] signs = %s\n"
                  "  another wheel turned than named   exchange the plugs M1 to M4 of the board\n"
                  "  a wheel did not turn              raise the first duty: [motor] table = %s\n"
                  "  it still does not                 look for a loose plug\n",
                  options->signs, options->table);
}

int wheels_run(struct cycle *cycle, bool latched, int in_fd, FILE *out,
               struct wheels_report *ret_report)
{
    struct wheels wheels = {.cycle = cycle, .in_fd = in_fd};

    begin_report(&cycle->setup->wheels, ret_report);
    realtime_ticker_init(&wheels.ticker, LIMITS_TICK_MS * CLOCK_NS_PER_MS);
    if (latched) {
        ret_report->reason = "the e-stop is latched; 'turbonav reset' releases it";
        (void)fprintf(out, "No wheel turns: %s\n", ret_report->reason);
        return WHEELS_REFUSED;
    }
    tell(out, "Looking at the battery and the e-stop key.\n");
    if (look(&wheels)) {
        tell(out, "Put the car on blocks, so that no wheel touches anything. Each wheel turns\n"
                  "forward for half a second: front left, front right, rear left, rear right.\n"
                  "Ctrl-C and the e-stop key stop it at once.\n"
                  "\n"
                  "Type '" WORD "' and Enter to begin; anything else ends this: ");
        if (confirm(&wheels) && turn_all(&wheels, out, ret_report)) {
            advise(out, &cycle->setup->motor);
            return 0;
        }
    }
    if (wheels.lost) {
        ret_report->reason = "the motor board or the brake was lost";
        return WHEELS_LOST;
    }
    ret_report->reason = wheels.trouble;
    (void)fprintf(out, "\nNo wheel turns: %s\n", wheels.trouble);
    return WHEELS_REFUSED;
}

/* The reasons are our own words and need no escapes; NULL becomes null. */
static void print_reason(const char *reason, FILE *out)
{
    const char *quote = reason != NULL ? "\"" : "";

    (void)fprintf(out, ",\"reason\":%s%s%s", quote, reason != NULL ? reason : "null", quote);
}

void wheels_print_json(const struct wheels_report *report, FILE *out)
{
    (void)fprintf(out, "{\"done\":%s", report->reason == NULL ? "true" : "false");
    print_reason(report->reason, out);
    (void)fputs(",\"wheels\":[", out);
    for (int wheel = 0; wheel < MECANUM_WHEELS; wheel++) {
        bool done = report->wheel[wheel].done, begun = report->wheel[wheel].driven_ms > 0;

        (void)fprintf(out,
                      "%s{\"motor\":%d,\"name\":\"%s\",\"duty_percent\":%.1f,\"driven_ms\":%d,"
                      "\"outcome\":\"%s\"",
                      wheel > 0 ? "," : "", wheel + 1, wheel_names[wheel],
                      report->wheel[wheel].duty_permille / 10.0, report->wheel[wheel].driven_ms,
                      done    ? "driven"
                      : begun ? "broken off"
                              : "refused");
        print_reason(done ? NULL : report->reason, out);
        (void)fputc('}', out);
    }
    (void)fputs("]}\n", out);
}
