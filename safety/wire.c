/* See wire.h.
 *
 * A message is judged in one order, from the outside in: is there a header, is it ours, does its
 * type travel in this direction, has it the size of its type, is every field in its range. Only a
 * message that passed all of it is copied to the caller; so nothing half read, and no field that
 * nobody looked at, ever leaves this file. The bytes are copied before they are looked at, because
 * a socket's buffer has no alignment.
 *
 * Ranges are what the fields can mean, not what is wise: wisdom is permit's and the gate's.
 */
#include "safety/wire.h"

#include <string.h>

static bool in_range(int64_t value, int64_t min, int64_t max)
{
    return value >= min && value <= max;
}

static bool is_time(int64_t time_ns)
{
    return in_range(time_ns, 1, WIRE_TIME_MAX_NS);
}

static bool is_twist(const struct twist *twist)
{
    return in_range(twist->vx_mm_s, -WIRE_SPEED_MAX, WIRE_SPEED_MAX) &&
           in_range(twist->vy_mm_s, -WIRE_SPEED_MAX, WIRE_SPEED_MAX) &&
           in_range(twist->wz_mrad_s, -WIRE_SPEED_MAX, WIRE_SPEED_MAX);
}

static bool is_intent(const struct wire_intent *intent)
{
    return intent->mission != 0 && intent->frame_seq != 0 && is_time(intent->capture_ns) &&
           is_twist(&intent->twist) && in_range(intent->source, WIRE_SOURCE_VLM, WIRE_SOURCE_DRIVE);
}

static bool is_look(const struct wire_look *look)
{
    return in_range(look->pan_mrad, -WIRE_LOOK_MAX_MRAD, WIRE_LOOK_MAX_MRAD) &&
           in_range(look->tilt_mrad, -WIRE_LOOK_MAX_MRAD, WIRE_LOOK_MAX_MRAD);
}

static bool is_clearance(const struct wire_verdict *verdict)
{
    return in_range(verdict->clear_front_mm, 0, WIRE_RANGE_MAX_MM) &&
           in_range(verdict->clear_left_mm, 0, WIRE_RANGE_MAX_MM) &&
           in_range(verdict->clear_rear_mm, 0, WIRE_RANGE_MAX_MM) &&
           in_range(verdict->clear_right_mm, 0, WIRE_RANGE_MAX_MM) &&
           in_range(verdict->open_bearing_mrad, -WIRE_BEARING_MAX_MRAD, WIRE_BEARING_MAX_MRAD);
}

static bool is_verdict(const struct wire_verdict *verdict)
{
    return verdict->reasons < UINT32_C(1) << WIRE_REASON_COUNT && is_twist(&verdict->asked) &&
           is_twist(&verdict->given) && is_clearance(verdict) &&
           in_range(verdict->sonar_mm, -2, WIRE_RANGE_MAX_MM) &&
           in_range(verdict->battery_mv, -1, WIRE_BATTERY_MAX_MV);
}

static bool is_printable(char c)
{
    return c >= ' ' && c <= '~';
}

static bool is_text(const char *text)
{
    size_t i = 0;

    while (i < WIRE_TEXT_SIZE && is_printable(text[i])) {
        i++;
    }
    if (i == WIRE_TEXT_SIZE) {
        return false;
    }
    while (i < WIRE_TEXT_SIZE && text[i] == '\0') {
        i++;
    }
    return i == WIRE_TEXT_SIZE;
}

static bool is_event(const struct wire_event *event)
{
    return in_range(event->code, WIRE_EVENT_TEXT, WIRE_EVENT_MALFORMED) &&
           in_range(event->severity, WIRE_INFO, WIRE_ERROR) && is_text(event->text);
}

static size_t request_size(enum wire_type type)
{
    switch (type) {
    case WIRE_HELLO:
    case WIRE_DISARM:
    case WIRE_ESTOP:
    case WIRE_RESET:
        return sizeof(struct wire_plain);
    case WIRE_ARM:
        return sizeof(struct wire_arm);
    case WIRE_INTENT:
        return sizeof(struct wire_intent);
    case WIRE_LOOK:
        return sizeof(struct wire_look);
    case WIRE_VERDICT:
    case WIRE_SCAN:
    case WIRE_EVENT:
        break;
    }
    return 0;
}

static size_t report_size(enum wire_type type)
{
    switch (type) {
    case WIRE_VERDICT:
        return sizeof(struct wire_verdict);
    case WIRE_SCAN:
        return sizeof(struct wire_scan);
    case WIRE_EVENT:
        return sizeof(struct wire_event);
    case WIRE_HELLO:
    case WIRE_ARM:
    case WIRE_INTENT:
    case WIRE_DISARM:
    case WIRE_ESTOP:
    case WIRE_RESET:
    case WIRE_LOOK:
        break;
    }
    return 0;
}

/* The content of a request whose size is right. */
static bool is_request(const union wire_request *request)
{
    enum wire_type type = (enum wire_type)request->header.type;

    if (type == WIRE_ARM) {
        return request->arm.mission != 0;
    }
    if (type == WIRE_INTENT) {
        return is_intent(&request->intent);
    }
    if (type == WIRE_LOOK) {
        return is_look(&request->look);
    }
    return true;
}

/* The content of a report whose size is right. A scan's sectors may hold anything. */
static bool is_report(const union wire_report *report)
{
    enum wire_type type = (enum wire_type)report->header.type;

    if (type == WIRE_VERDICT) {
        return is_verdict(&report->verdict);
    }
    if (type == WIRE_EVENT) {
        return is_event(&report->event);
    }
    return true;
}

/* All that both directions have in common: the header, and the size of the type. */
static enum wire_fault judge(const void *bytes, size_t size, size_t (*size_of)(enum wire_type type))
{
    struct wire_header header;
    size_t wanted;

    if (size < sizeof(header)) {
        return WIRE_SHORT;
    }
    memcpy(&header, bytes, sizeof(header));
    if (header.magic != WIRE_MAGIC || header.version != WIRE_VERSION) {
        return WIRE_FOREIGN;
    }
    wanted = size_of((enum wire_type)header.type);
    if (wanted == 0) {
        return WIRE_UNKNOWN;
    }
    if (size != wanted) {
        return size < wanted ? WIRE_SHORT : WIRE_LONG;
    }
    if (header.size != size || header.seq == 0 || !is_time(header.time_ns)) {
        return WIRE_NONSENSE;
    }
    return WIRE_OK;
}

enum wire_fault wire_request_read(const void *bytes, size_t size, union wire_request *ret_request)
{
    union wire_request request = {0};
    enum wire_fault fault = judge(bytes, size, request_size);

    if (fault != WIRE_OK) {
        return fault;
    }
    memcpy(&request, bytes, size);
    if (!is_request(&request)) {
        return WIRE_NONSENSE;
    }
    *ret_request = request;
    return WIRE_OK;
}

enum wire_fault wire_report_read(const void *bytes, size_t size, union wire_report *ret_report)
{
    union wire_report report = {0};
    enum wire_fault fault = judge(bytes, size, report_size);

    if (fault != WIRE_OK) {
        return fault;
    }
    memcpy(&report, bytes, size);
    if (!is_report(&report)) {
        return WIRE_NONSENSE;
    }
    *ret_report = report;
    return WIRE_OK;
}

size_t wire_size(enum wire_type type)
{
    size_t size = request_size(type);

    return size != 0 ? size : report_size(type);
}

struct wire_header wire_header(enum wire_type type, uint64_t seq, int64_t time_ns)
{
    return (struct wire_header){
        .magic = WIRE_MAGIC,
        .version = WIRE_VERSION,
        .type = (uint8_t)type,
        .size = (uint16_t)wire_size(type),
        .seq = seq,
        .time_ns = time_ns,
    };
}

void wire_text_set(struct wire_event *event, const char *text)
{
    size_t i = 0;

    memset(event->text, 0, sizeof(event->text));
    while (i < sizeof(event->text) - 1 && text[i] != '\0') {
        event->text[i] = is_printable(text[i]) ? text[i] : '?';
        i++;
    }
}

const char *wire_reason_name(enum wire_reason reason)
{
    switch (reason) {
#define NAME(bit, name)                                                                            \
    case bit:                                                                                      \
        return name
        NAME(REASON_NOT_ARMED, "not_armed");
        NAME(REASON_ESTOP, "estop");
        NAME(REASON_SELF_TEST, "self_test");
        NAME(REASON_NO_INTENT, "no_intent");
        NAME(REASON_INTENT_OLD, "intent_old");
        NAME(REASON_INTENT_BAD, "intent_bad");
        NAME(REASON_TRAVEL, "travel");
        NAME(REASON_LIDAR_STALE, "lidar_stale");
        NAME(REASON_LIDAR_BLIND, "lidar_blind");
        NAME(REASON_SONAR_FAULT, "sonar_fault");
        NAME(REASON_SONAR_OFF, "sonar_off");
        NAME(REASON_OBSTACLE, "obstacle");
        NAME(REASON_UNSEEN, "unseen");
        NAME(REASON_DARK, "dark");
        NAME(REASON_SONAR_NEAR, "sonar_near");
        NAME(REASON_REVERSAL, "reversal");
        NAME(REASON_STOPPING, "stopping");
        NAME(REASON_TOO_SLOW, "too_slow");
        NAME(REASON_CLEARING, "clearing");
        NAME(REASON_CEILING, "ceiling");
        NAME(REASON_BATTERY_LOW, "battery_low");
        NAME(REASON_USB_SUPPLY, "usb_supply");
        NAME(REASON_BATTERY_SILENT, "battery_silent");
        NAME(REASON_MOTOR_FAULT, "motor_fault");
        NAME(REASON_OVERRUN, "overrun");
#undef NAME
    }
    return NULL;
}

const char *wire_fault_text(enum wire_fault fault)
{
    switch (fault) {
    case WIRE_OK:
        return "good";
    case WIRE_SHORT:
        return "too short";
    case WIRE_LONG:
        return "too long";
    case WIRE_FOREIGN:
        return "another protocol or version";
    case WIRE_UNKNOWN:
        return "of a type that is not sent this way";
    case WIRE_NONSENSE:
        return "with a field out of its range";
    }
    return "unknown";
}
