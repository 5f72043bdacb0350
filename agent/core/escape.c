/* See escape.h. Three phases follow each other: turn, with shifts between when turning is refused,
 * then go. Each ends when it is done, refused for a while, or has taken too long; after `go` the
 * model drives again. When it is stuck again before it came anywhere else, the next try turns
 * further, and to the other side. */
#include "agent/core/escape.h"

#include <math.h>
#include <stdlib.h>

#define MS             INT64_C(1000000)
#define STEP_MAX_NS    (200 * MS) /* a longer gap between answers is not reckoned */
#define VETOES         3
#define TURN_END_MRAD  120
#define TURN_MAX_NS    (5000 * MS)
#define SHIFT_MM       150
#define SHIFT_MAX_NS   (2000 * MS)
#define SHIFTS_MAX     4
#define GO_MM          350
#define GO_MAX_NS      (2500 * MS)
#define REFUSED_NS     (350 * MS)
#define AHEAD_MRAD     350 /* a way there is the one that is closed */
#define AWAY_MRAD      1600
#define FURTHER_MRAD   900
#define HALF_TURN_MRAD 3141.6

/* What the gate says when something is in the way of what is asked. */
#define IN_THE_WAY                                                                                 \
    ((uint32_t)(REASON_OBSTACLE | REASON_UNSEEN | REASON_DARK | REASON_SONAR_NEAR |                \
                REASON_STOPPING | REASON_TOO_SLOW))

void escape_init(struct escape *escape, const struct escape_options *options)
{
    *escape = (struct escape){.options = *options};
}

static bool is_still(const struct twist *twist)
{
    return twist->vx_mm_s == 0 && twist->vy_mm_s == 0 && twist->wz_mrad_s == 0;
}

static void forget_place(struct escape *escape)
{
    escape->wished_ns = 0;
    escape->x_mm = escape->y_mm = escape->angle_mrad = 0;
}

/* Where the car got to since the last step, by what it was given. */
static void reckon(struct escape *escape, const struct twist *given, double seconds)
{
    double angle = escape->angle_mrad / 1000;

    escape->x_mm += (given->vx_mm_s * cos(angle) - given->vy_mm_s * sin(angle)) * seconds;
    escape->y_mm += (given->vx_mm_s * sin(angle) + given->vy_mm_s * cos(angle)) * seconds;
    escape->angle_mrad += given->wz_mrad_s * seconds;
    if (hypot(escape->x_mm, escape->y_mm) > ESCAPE_PLACE_MM) {
        escape->tries = 0;
        forget_place(escape);
    } else if (fabs(escape->angle_mrad) > ESCAPE_PLACE_MRAD && escape->phase == ESCAPE_WATCHES) {
        escape->angle_mrad = 0;
        escape->wished_ns /= 2; /* turning around on the spot is less than getting somewhere */
    }
}

static void count_vetoes(struct escape *escape, const struct twist *wish,
                         const struct wire_verdict *verdict, int64_t step_ns)
{
    uint32_t reasons = verdict->reasons & IN_THE_WAY;

    if (is_still(wish) || !is_still(&verdict->given) || reasons == 0) {
        escape->vetoes = 0;
        escape->blocked_ns = 0;
        return;
    }
    escape->vetoes = reasons == escape->reasons ? escape->vetoes + 1 : 1;
    escape->reasons = reasons;
    escape->blocked_ns += step_ns;
}

static bool is_stuck(const struct escape *escape)
{
    if (escape->options.stuck_ms == 0) {
        return false;
    }
    return (escape->vetoes >= VETOES && escape->blocked_ns >= ESCAPE_BLOCKED_MS * MS) ||
           escape->wished_ns >= escape->options.stuck_ms * MS;
}

static void enter(struct escape *escape, enum escape_phase phase, double left, int64_t last_ns)
{
    escape->phase = phase;
    escape->left = left;
    escape->end_ns = escape->now_ns + last_ns;
    escape->blocked_ns = 0;
    escape->vetoes = 0;
}

/* How far to turn: to the longest way, unless that is the one that is closed. */
static double turn_wanted(const struct escape *escape, const struct wire_verdict *verdict)
{
    double bearing = verdict->open_bearing_mrad;
    int side = verdict->clear_left_mm >= verdict->clear_right_mm ? 1 : -1;

    if (escape->tries > 1) {
        side = escape->tries % 2 == 0 ? -side : side;
        bearing = side * fmin(AWAY_MRAD + FURTHER_MRAD * (escape->tries / 2.0), HALF_TURN_MRAD);
    } else if (fabs(bearing) < AHEAD_MRAD) {
        bearing = side * AWAY_MRAD;
    }
    return bearing;
}

static void turn_begin(struct escape *escape, const struct wire_verdict *verdict)
{
    double wanted = turn_wanted(escape, verdict);

    escape->twist = (struct twist){.wz_mrad_s = wanted < 0 ? -escape->options.turn_mrad_s
                                                           : escape->options.turn_mrad_s};
    enter(escape, ESCAPE_TURNS, fabs(wanted), TURN_MAX_NS);
}

/* To the side that has the most room; it turns again afterwards. */
static void shift_begin(struct escape *escape, const struct wire_verdict *verdict)
{
    const int32_t room[4] = {verdict->clear_front_mm, verdict->clear_left_mm,
                             verdict->clear_rear_mm, verdict->clear_right_mm};
    int32_t speed = escape->options.shift_mm_s;
    const struct twist ways[4] = {
        {.vx_mm_s = speed}, {.vy_mm_s = speed}, {.vx_mm_s = -speed}, {.vy_mm_s = -speed}};
    int best = 0;

    for (int i = 1; i < 4; i++) {
        best = room[i] > room[best] ? i : best;
    }
    /* What was refused by the gate although it looks free is not tried twice. */
    best = (best + escape->shifts) % 4;
    escape->shifts++;
    escape->twist = ways[best];
    enter(escape, ESCAPE_SHIFTS, SHIFT_MM, SHIFT_MAX_NS);
}

static void go_begin(struct escape *escape)
{
    escape->twist = (struct twist){.vx_mm_s = escape->options.forward_mm_s};
    enter(escape, ESCAPE_GOES, GO_MM, GO_MAX_NS);
}

static void begin(struct escape *escape, const struct wire_verdict *verdict)
{
    escape->count++;
    escape->tries++;
    escape->shifts = 0;
    forget_place(escape);
    turn_begin(escape, verdict);
}

static void end(struct escape *escape)
{
    enter(escape, ESCAPE_WATCHES, 0, 0);
    escape->wished_ns = 0;
}

/* The phase is over, one way or the other: what comes next. */
static void follow(struct escape *escape, const struct wire_verdict *verdict, bool refused)
{
    switch (escape->phase) {
    case ESCAPE_WATCHES:
        break;
    case ESCAPE_TURNS:
        if (refused && escape->shifts < SHIFTS_MAX) {
            shift_begin(escape, verdict);
        } else {
            go_begin(escape);
        }
        break;
    case ESCAPE_SHIFTS:
        turn_begin(escape, verdict);
        break;
    case ESCAPE_GOES:
        end(escape);
        break;
    }
}

static double done_by(const struct twist *given, double seconds)
{
    return (abs(given->wz_mrad_s) + hypot(given->vx_mm_s, given->vy_mm_s)) * seconds;
}

static bool drive(struct escape *escape, const struct wire_verdict *verdict, int64_t step_ns)
{
    double enough = escape->phase == ESCAPE_TURNS ? TURN_END_MRAD : 0;
    bool refused;

    escape->left -= done_by(&verdict->given, (double)step_ns / 1e9);
    escape->blocked_ns = is_still(&verdict->given) ? escape->blocked_ns + step_ns : 0;
    refused = escape->blocked_ns >= REFUSED_NS;
    if (refused || escape->left <= enough || escape->now_ns >= escape->end_ns) {
        follow(escape, verdict, refused);
    }
    return escape->phase != ESCAPE_WATCHES;
}

bool escape_step(struct escape *escape, const struct twist *wish,
                 const struct wire_verdict *verdict, int64_t now_ns, struct twist *ret_twist)
{
    int64_t step_ns = now_ns - escape->now_ns;

    step_ns = step_ns < 0 || escape->now_ns == 0 ? 0
              : step_ns > STEP_MAX_NS            ? STEP_MAX_NS
                                                 : step_ns;
    escape->now_ns = now_ns;
    reckon(escape, &verdict->given, (double)step_ns / 1e9);
    if (escape->phase == ESCAPE_WATCHES) {
        escape->wished_ns += is_still(wish) ? 0 : step_ns;
        count_vetoes(escape, wish, verdict, step_ns);
        if (!is_stuck(escape)) {
            return false;
        }
        begin(escape, verdict);
    } else if (!drive(escape, verdict, step_ns)) {
        return false;
    }
    *ret_twist = escape->twist;
    return true;
}
