/* See cycle.h.
 *
 * What drops permission is decided here in one place (fault_reasons): sensors that the gate cannot
 * do without, the motors, the supply, and a loop that is late again and again. What only slows the
 * car or stops it for a tick is the gate's.
 */
#include "safety/cycle.h"

#include <stdio.h>
#include <string.h>

#include "hal/base/clock.h"
#include "hal/body/mecanum.h"
#include "safety/wire.h"

#define MS              CLOCK_NS_PER_MS
#define REPORT_NS       (100 * MS) /* verdict when it did not change, and scan */
#define SILENT_CAP_MM_S 200        /* while the battery is not reported */
#define LOOK_MOVE_MS    200        /* pan and tilt take so long */
#define US_PER_RAD      637        /* 2000 us are half a turn (hardware facts 1f) */

/* A gate reason that is a fault: without beams there is no seeing, whoever asks. */
#define SENSOR_FAULTS ((uint32_t)(REASON_LIDAR_STALE | REASON_LIDAR_BLIND))
#define SUPPLY_FAULTS ((uint32_t)(REASON_BATTERY_LOW | REASON_USB_SUPPLY))

void cycle_init(struct cycle *cycle, const struct setup *setup, bool latched, int64_t now_ns)
{
    struct permit_options options = {.frame_ms = setup->safety.frame_ms,
                                     .travel_mm = setup->safety.travel_mm};
    struct gate_model model;

    memset(cycle, 0, sizeof(*cycle));
    cycle->setup = setup;
    gate_model_init(&model, &setup->gate);
    model.lidar_x_mm = (int32_t)setup->lidar.x_mm;
    model.lidar_y_mm = (int32_t)setup->lidar.y_mm;
    gate_init(&cycle->gate, &model, now_ns / MS);
    permit_init(&cycle->permit, &options, latched);
}

static void send_to(struct cycle *cycle, int connection, enum wire_type type, void *message,
                    int64_t now_ns)
{
    struct wire_header *header = message;

    *header = wire_header(type, ++cycle->sent, now_ns);
    (void)peer_send(cycle->peer, connection, message, header->size);
}

static void send_all(struct cycle *cycle, enum wire_type type, void *message, int64_t now_ns)
{
    for (int connection = 0; connection < PEER_CONNECTIONS; connection++) {
        send_to(cycle, connection, type, message, now_ns);
    }
}

/* Three late ticks within a second. */
static bool late_again_and_again(const struct cycle *cycle, int64_t now_ns)
{
    for (int i = 0; i < CYCLE_LATE_MAX; i++) {
        if (cycle->late_ns[i] == 0 || now_ns - cycle->late_ns[i] > CLOCK_NS_PER_S) {
            return false;
        }
    }
    return true;
}

static bool note_lateness(struct cycle *cycle, int64_t now_ns, int64_t late_ns)
{
    bool late = late_ns > cycle->setup->safety.late_ms * MS;

    if (late) {
        cycle->overruns++;
        cycle->late_ns[cycle->late_next] = now_ns;
        cycle->late_next = (cycle->late_next + 1) % CYCLE_LATE_MAX;
    }
    return late;
}

/* What the brake child said. True: it is dead or the device is. */
static bool brake_is_lost(struct cycle *cycle)
{
    struct brake_report report;
    int result = 0;

    while (ready_has(cycle->ready, READY_BRAKE) &&
           (result = brake_read(cycle->brake, &report)) == 1) {
        switch (report.news) {
        case BRAKE_QUEUE_FULL:
            cycle->queue_full = true;
            break;
        case BRAKE_QUEUE_FREE:
            cycle->queue_full = false;
            break;
        case BRAKE_MOTOR_FAULT:
            cycle->news.motor_error = -report.error;
            return true;
        case BRAKE_READY:
        case BRAKE_NO_MLOCK:
        case BRAKE_NO_PRIORITY:
        case BRAKE_LATCH_FAULT:
            break; /* told at the start, or on the latch's next use */
        }
    }
    return result < 0;
}

static uint32_t fault_reasons(struct cycle *cycle, int64_t now_ns)
{
    uint32_t faults = cycle->news.reasons & SUPPLY_FAULTS;

    faults |= cycle->judged.reasons & SENSOR_FAULTS;
    faults |= cycle->news.lidar_runs ? 0 : (uint32_t)REASON_LIDAR_STALE;
    faults |= cycle->queue_full ? (uint32_t)REASON_MOTOR_FAULT : 0;
    faults |= late_again_and_again(cycle, now_ns) ? (uint32_t)REASON_OVERRUN : 0;
    return faults;
}

static void take_message(struct cycle *cycle, const struct peer_event *event, int64_t now_ns)
{
    union wire_request request;

    if (event->size > sizeof(event->bytes) ||
        wire_request_read(event->bytes, event->size, &request) != WIRE_OK) {
        permit_malformed(&cycle->permit, event->connection, now_ns);
        return;
    }
    if (permit_message(&cycle->permit, event->connection, &request, now_ns) == PERMIT_TAKEN &&
        request.header.type == WIRE_LOOK) {
        cycle->look = request.look;
    }
}

/* Returns the time of the last one: what is read in this tick may have been sent after it began. */
static int64_t take_messages(struct cycle *cycle, int64_t now_ns)
{
    struct peer_event event;

    peer_poll(cycle->peer);
    while (peer_next(cycle->peer, &event) == 1) {
        now_ns = clock_now_ns();
        switch (event.kind) {
        case PEER_OPENED:
            permit_open(&cycle->permit, event.connection, now_ns);
            break;
        case PEER_MESSAGE:
            take_message(cycle, &event, now_ns);
            break;
        case PEER_CLOSED:
            permit_close(&cycle->permit, event.connection, now_ns);
            break;
        }
    }
    return now_ns;
}

static void sense(struct cycle *cycle, int64_t now_ns)
{
    struct permit_senses senses;

    cycle->self_test_passed |= cycle->news.self_test;
    cycle->faults = fault_reasons(cycle, now_ns);
    /* A key that cannot be read is pressed. Before it was read for the first time that is the start
     * taking its time and latches nothing; the self-test keeps the car still until then. */
    senses = (struct permit_senses){
        .key_pressed =
            cycle->news.estop_pressed && (cycle->self_test_passed || !cycle->news.keys_unreadable),
        .self_test_passed = cycle->self_test_passed,
        .faults = cycle->faults,
        .given = cycle->given,
    };
    permit_sense(&cycle->permit, &senses, now_ns);
}

static void judge(struct cycle *cycle, bool late, int64_t now_ns)
{
    struct gate_input input = {
        .now_ms = now_ns / MS,
        .asked = cycle->permission.asked,
        .cap_mm_s = GATE_NO_CAP,
    };

    if (cycle->permission.mission != 0 && cycle->faults == 0) {
        input.permits |= GATE_PERMIT_ARMED;
    }
    input.permits |= cycle->self_test_passed ? GATE_PERMIT_SELF_TEST : 0;
    input.permits |= cycle->news.lidar_runs ? GATE_PERMIT_LIDAR : 0;
    if ((cycle->news.reasons & (uint32_t)REASON_BATTERY_SILENT) != 0) {
        input.cap_mm_s = SILENT_CAP_MM_S;
    }
    if (late) {
        input.asked = (struct twist){0};
        input.cap_mm_s = 0;
    }
    gate_step(&cycle->gate, &input, &cycle->judged);
    cycle->given = cycle->judged.given;
}

static uint16_t pulse(int64_t center_us, bool reversed, int64_t limit_us, int32_t mrad)
{
    int64_t offset_us = (int64_t)mrad * US_PER_RAD / 1000 * (reversed ? -1 : 1);

    offset_us = offset_us > limit_us ? limit_us : offset_us < -limit_us ? -limit_us : offset_us;
    return (uint16_t)(center_us + offset_us);
}

/* Appends the servos' frame. Returns its size, 0: nothing to move. */
static size_t encode_look(struct cycle *cycle, uint8_t *bytes, size_t size)
{
    const struct look_options *look = &cycle->setup->look;
    struct board5_move moves[2];
    size_t count = 0;

    if (cycle->look.header.type == 0) {
        return 0;
    }
    if (look->pan_port > 0) {
        moves[count].servo = (uint8_t)look->pan_port;
        moves[count++].pulse_us =
            pulse(look->pan_center_us, look->pan_reversed, look->limit_us, cycle->look.pan_mrad);
    }
    if (look->tilt_port > 0) {
        moves[count].servo = (uint8_t)look->tilt_port;
        moves[count++].pulse_us =
            pulse(look->tilt_center_us, look->tilt_reversed, look->limit_us, cycle->look.tilt_mrad);
    }
    cycle->look = (struct wire_look){0};
    return motor_encode_moves(cycle->motor, moves, count, LOOK_MOVE_MS, bytes, size);
}

/* The tick's frame, on its way to the wheels. False: the brake child does not take it. */
static bool drive(struct cycle *cycle, int64_t now_ns)
{
    uint8_t bytes[BRAKE_FRAME_MAX];
    int32_t rim_um_s[MECANUM_WHEELS];
    int wanted[MECANUM_WHEELS];
    size_t size;

    mecanum_mix(&cycle->setup->wheels, cycle->given.vx_mm_s, cycle->given.vy_mm_s,
                cycle->given.wz_mrad_s, rim_um_s);
    mecanum_duties(&cycle->setup->wheels, rim_um_s, wanted);
    mecanum_slew(&cycle->setup->wheels, cycle->duty, wanted, cycle->duty);
    size = motor_encode(cycle->motor, cycle->duty, bytes, sizeof(bytes));
    if (size == 0) {
        memset(cycle->duty, 0, sizeof(cycle->duty));
        size = motor_encode(cycle->motor, cycle->duty, bytes, sizeof(bytes));
    }
    size += encode_look(cycle, bytes + size, sizeof(bytes) - size);
    return brake_send(cycle->brake, bytes, size, cycle->permission.latched, now_ns) == 0;
}

static struct wire_verdict verdict_now(const struct cycle *cycle, bool late)
{
    return (struct wire_verdict){
        .tick = cycle->tick,
        .mission = cycle->permission.mission,
        .frame_seq = cycle->permission.frame_seq,
        .reasons = cycle->permission.reasons | cycle->judged.reasons | cycle->news.reasons |
                   cycle->faults | (late ? (uint32_t)REASON_OVERRUN : 0),
        .changed = cycle->changed,
        .asked = cycle->permission.asked,
        .given = cycle->given,
        .clear_front_mm = cycle->judged.clear_front_mm,
        .clear_left_mm = cycle->judged.clear_left_mm,
        .clear_rear_mm = cycle->judged.clear_rear_mm,
        .clear_right_mm = cycle->judged.clear_right_mm,
        .open_bearing_mrad = cycle->judged.open_bearing_mrad,
        .sonar_mm = cycle->news.sonar_mm,
        .battery_mv = cycle->news.battery_mv,
        .overruns = cycle->overruns,
    };
}

static void report_verdict(struct cycle *cycle, bool late, int64_t now_ns)
{
    struct wire_verdict verdict = verdict_now(cycle, late);
    bool changed = verdict.reasons != cycle->verdict.reasons ||
                   verdict.mission != cycle->verdict.mission || cycle->tick == 1;

    /* The first tick with a new decision is told as well: it ends the way of that frame. */
    if (!changed && verdict.frame_seq == cycle->verdict.frame_seq &&
        now_ns - cycle->verdict_ns < REPORT_NS) {
        return;
    }
    if (changed) {
        verdict.changed = ++cycle->changed;
    }
    cycle->verdict_ns = now_ns;
    cycle->verdict = verdict;
    send_all(cycle, WIRE_VERDICT, &verdict, now_ns);
}

static void report_scan(struct cycle *cycle, int64_t now_ns)
{
    struct wire_scan scan = {0};

    if (now_ns - cycle->scan_ns < REPORT_NS) {
        return;
    }
    cycle->scan_ns = now_ns;
    gate_scan(&cycle->gate, scan.sector_mm);
    send_all(cycle, WIRE_SCAN, &scan, now_ns);
}

static enum wire_severity severity_of(enum wire_event_code code)
{
    switch (code) {
    case WIRE_EVENT_ESTOP:
    case WIRE_EVENT_FAULT:
        return WIRE_ERROR;
    case WIRE_EVENT_ARM_REFUSED:
    case WIRE_EVENT_RESET_REFUSED:
    case WIRE_EVENT_MALFORMED:
        return WIRE_WARNING;
    case WIRE_EVENT_TEXT:
    case WIRE_EVENT_ARMED:
    case WIRE_EVENT_DISARMED:
    case WIRE_EVENT_RESET:
    case WIRE_EVENT_START_KEY:
        break;
    }
    return WIRE_INFO;
}

/* "disarmed: a fault: lidar_stale" */
static void event_text(const struct permit_event *event, char *text, size_t size)
{
    static const char *const words[] = {
        [WIRE_EVENT_TEXT] = "",
        [WIRE_EVENT_ARMED] = "armed",
        [WIRE_EVENT_ARM_REFUSED] = "arming refused",
        [WIRE_EVENT_DISARMED] = "disarmed",
        [WIRE_EVENT_ESTOP] = "emergency stop",
        [WIRE_EVENT_RESET] = "emergency stop released",
        [WIRE_EVENT_RESET_REFUSED] = "release of the emergency stop refused",
        [WIRE_EVENT_START_KEY] = "start key",
        [WIRE_EVENT_FAULT] = "fault",
        [WIRE_EVENT_MALFORMED] = "malformed messages",
    };
    size_t used =
        (size_t)snprintf(text, size, "%s: %s", words[event->code], permit_cause_text(event->cause));

    for (int bit = 0; bit < WIRE_REASON_COUNT && event->cause == PERMIT_BY_FAULT; bit++) {
        if ((event->faults >> bit & 1) != 0 && used < size) {
            int n = snprintf(text + used, size - used, " %s",
                             wire_reason_name((enum wire_reason)(1u << bit)));

            used += n > 0 ? (size_t)n : 0;
        }
    }
}

static void report_events(struct cycle *cycle, int64_t now_ns)
{
    struct permit_event event;

    if (cycle->news.start_pressed) {
        struct wire_event key = {.code = WIRE_EVENT_START_KEY, .severity = WIRE_INFO};

        (void)snprintf(key.text, sizeof(key.text), "start key pressed");
        send_all(cycle, WIRE_EVENT, &key, now_ns);
    }
    while (permit_event_take(&cycle->permit, &event)) {
        struct wire_event message = {.code = event.code, .severity = severity_of(event.code)};

        event_text(&event, message.text, sizeof(message.text));
        send_all(cycle, WIRE_EVENT, &message, now_ns);
    }
}

static void show_lights(struct cycle *cycle, int64_t now_ns)
{
    enum keys_mode mode = cycle->permission.latched                        ? KEYS_MODE_ESTOP
                          : cycle->permission.mission != 0                 ? KEYS_MODE_ARMED
                          : cycle->faults != 0 || !cycle->self_test_passed ? KEYS_MODE_FAULT
                                                                           : KEYS_MODE_READY;

    (void)keys_show(cycle->devices->keys, mode, now_ns); /* a light that fails stops nothing */
}

int cycle_tick(struct cycle *cycle, int64_t now_ns, int64_t late_ns)
{
    bool moving = cycle->given.vx_mm_s != 0; /* strafing may keep the distance ahead */
    bool late = note_lateness(cycle, now_ns, late_ns);

    cycle->tick++;
    devices_poll(cycle->devices, &cycle->gate, moving, now_ns, &cycle->news);
    if (brake_is_lost(cycle) || cycle->news.motor_error < 0) {
        return CYCLE_MOTOR_LOST;
    }
    sense(cycle, now_ns);
    now_ns = take_messages(cycle, now_ns);
    permit_step(&cycle->permit, now_ns, &cycle->permission);
    judge(cycle, late, now_ns);
    if (!drive(cycle, now_ns)) {
        return CYCLE_MOTOR_LOST;
    }
    report_verdict(cycle, late, now_ns);
    report_scan(cycle, now_ns);
    report_events(cycle, now_ns);
    show_lights(cycle, now_ns);
    return 0;
}

void cycle_status(const struct cycle *cycle, char *ret_line, size_t size)
{
    const char *state = cycle->permission.latched        ? "emergency stop"
                        : cycle->permission.mission != 0 ? "armed"
                        : !cycle->self_test_passed       ? "self-test"
                        : cycle->faults != 0             ? "fault"
                                                         : "ready";
    size_t used =
        (size_t)snprintf(ret_line, size, "%s, front %.2f m, battery %.1f V", state,
                         cycle->judged.clear_front_mm / 1000.0,
                         cycle->news.battery_mv < 0 ? 0.0 : cycle->news.battery_mv / 1000.0);

    for (int bit = 0; bit < WIRE_REASON_COUNT && used < size; bit++) {
        if ((cycle->verdict.reasons >> bit & 1) != 0) {
            int n = snprintf(ret_line + used, size - used, " %s",
                             wire_reason_name((enum wire_reason)(1u << bit)));

            used += n > 0 ? (size_t)n : 0;
        }
    }
}
