/* See mission.h. */
#include "agent/core/mission.h"

#include <stdio.h>
#include <string.h>

#include "hal/base/clock.h"
#include "hal/base/text.h"
#include "safety/limits.h"

/* A little before the safety process takes the permission back for want of intents. */
#define LOST_NS  ((LIMITS_DISARM_MS - 500) * CLOCK_NS_PER_MS)
#define STUCK_NS (30 * CLOCK_NS_PER_S)
#define GAP_NS   (300 * CLOCK_NS_PER_MS) /* a longer one between two verdicts: it stood still */

/* One byte of ASCII as it may stand in a question. */
static char plain(char c)
{
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

    return letter || (c != '\0' && strchr(".,:;!?'()-+%&/", c) != NULL) ? c : ' ';
}

bool mission_set_goal(struct mission_order *order, const char *text, size_t size)
{
    char goal[MISSION_GOAL_SIZE];
    size_t used = 0;

    if (size >= sizeof(goal)) {
        return false;
    }
    while (used < size) {
        size_t step = (unsigned char)text[used] < 0x80 ? 1 : text_step(text + used, size - used);

        if (step == 0) {
            return false;
        }
        memcpy(goal + used, text + used, step);
        goal[used] = step == 1 ? plain(goal[used]) : goal[used];
        used += step;
    }
    while (used > 0 && goal[used - 1] == ' ') {
        used--;
    }
    goal[used] = '\0';
    memcpy(order->goal, goal, used + 1);
    return true;
}

void mission_begin(struct mission *mission, const struct mission_order *order, int64_t now_ns)
{
    *mission = (struct mission){
        .order = *order,
        .state = MISSION_ARMING,
        .begun_ns = now_ns,
    };
    histogram_init(&mission->total);
    histogram_init(&mission->motor);
}

void mission_armed(struct mission *mission, int64_t now_ns)
{
    mission->state = MISSION_EXPLORING;
    mission->armed_ns = now_ns;
    mission->moved_ns = now_ns;
    mission->answered_ns = now_ns;
    mission->pictured_ns = now_ns;
}

static int64_t magnitude(int64_t value)
{
    return value < 0 ? -value : value;
}

/* Of a vector, without a root: at most 4 percent off. */
static int64_t speed_of(const struct twist *twist)
{
    int64_t x = magnitude(twist->vx_mm_s), y = magnitude(twist->vy_mm_s);
    int64_t larger = x > y ? x : y, smaller = x > y ? y : x;
    int64_t bent = (123 * larger + 51 * smaller) / 128;

    return bent > larger ? bent : larger;
}

static bool moves(const struct twist *twist)
{
    return twist->vx_mm_s != 0 || twist->vy_mm_s != 0 || twist->wz_mrad_s != 0;
}

void mission_verdict(struct mission *mission, const struct wire_verdict *verdict, int64_t now_ns)
{
    int64_t passed_ns = now_ns - mission->verdict_ns;

    if (mission->verdict_ns != 0 && passed_ns > 0 && passed_ns <= GAP_NS) {
        mission->distance_um += speed_of(&mission->given) * passed_ns / CLOCK_NS_PER_MS;
    }
    mission->verdict_ns = now_ns;
    mission->given = verdict->header.seq != 0 ? verdict->given : (struct twist){0};
    if (moves(&mission->given)) {
        mission->moved_ns = now_ns;
    }
}

void mission_decided(struct mission *mission, int word, const struct twist *wish,
                     const struct wire_verdict *verdict, int64_t total_ns, int64_t now_ns)
{
    if (word < 0) {
        mission->failed++;
        return;
    }
    mission->answered++;
    mission->answered_ns = now_ns;
    mission->words[word]++;
    mission->wants = moves(wish);
    if (!mission->wants) {
        mission->moved_ns = now_ns; /* it stands because it wants to */
    }
    for (int bit = 0; bit < WIRE_REASON_COUNT; bit++) {
        mission->vetoes[bit] += verdict->reasons >> bit & 1;
    }
    histogram_add(&mission->total, total_ns);
}

void mission_pictured(struct mission *mission, int64_t now_ns)
{
    mission->pictured_ns = now_ns;
}

void mission_motor(struct mission *mission, int64_t duration_ns)
{
    histogram_add(&mission->motor, duration_ns);
}

enum mission_end mission_check(const struct mission *mission, int64_t now_ns)
{
    const struct mission_order *order = &mission->order;

    if (mission->state != MISSION_EXPLORING) {
        return MISSION_GOES_ON;
    }
    if (order->duration_ms > 0 &&
        now_ns - mission->armed_ns >= order->duration_ms * CLOCK_NS_PER_MS) {
        return MISSION_BY_TIME;
    }
    if (order->distance_mm > 0 && mission->distance_um >= order->distance_mm * 1000) {
        return MISSION_BY_DISTANCE;
    }
    if (now_ns - mission->pictured_ns >= LOST_NS) {
        return MISSION_BY_FAULT;
    }
    if (now_ns - mission->answered_ns >= LOST_NS) {
        return MISSION_BY_LOST_MODEL;
    }
    return now_ns - mission->moved_ns >= STUCK_NS ? MISSION_BY_STUCK : MISSION_GOES_ON;
}

enum mission_end mission_loss(uint32_t reasons)
{
    if ((reasons & REASON_ESTOP) != 0) {
        return MISSION_BY_ESTOP;
    }
    return (reasons & (REASON_BATTERY_LOW | REASON_USB_SUPPLY)) != 0 ? MISSION_BY_BATTERY
                                                                     : MISSION_BY_FAULT;
}

void mission_finish(struct mission *mission, enum mission_end end, const char *detail,
                    int64_t now_ns)
{
    (void)snprintf(mission->detail, sizeof(mission->detail), "%s", detail);
    mission->state = MISSION_ENDED;
    mission->end = end;
    mission->ended_ns = now_ns;
}

const char *mission_end_name(enum mission_end end)
{
    static const char *const names[MISSION_END_COUNT] = {
        [MISSION_GOES_ON] = "none",         [MISSION_BY_TIME] = "time",
        [MISSION_BY_DISTANCE] = "distance", [MISSION_BY_STOP] = "stop",
        [MISSION_BY_ESTOP] = "estop",       [MISSION_BY_FAULT] = "fault",
        [MISSION_BY_BATTERY] = "battery",   [MISSION_BY_LOST_MODEL] = "lost_model",
        [MISSION_BY_STUCK] = "stuck",       [MISSION_BY_SHUTDOWN] = "shutdown",
    };

    return names[end];
}

const char *mission_state_name(enum mission_state state)
{
    static const char *const names[] = {
        [MISSION_NONE] = "none",
        [MISSION_ARMING] = "arming",
        [MISSION_EXPLORING] = "exploring",
        [MISSION_ENDED] = "ended",
    };

    return names[state];
}
