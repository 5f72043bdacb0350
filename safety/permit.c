/* See permit.h.
 *
 * Two states: armed for one mission by one connection (its owner), or not. One function arms and
 * one disarms; everything that may end permission calls the latter, so that nothing of a mission
 * can be left behind. Beside them the e-stop: latched or not, whatever the mission.
 *
 *   not armed --ARM, all conditions hold--> armed --anything in enum permit_cause, BY_*--> not
 * armed
 *
 * What may not happen: that a stop and an ARM, which come over different connections, are taken in
 * another order than they were made in. So every stop and every RESET leaves its time in stop_ns,
 * and an ARM or RESET that was made before it is void, however late or early it is read.
 *
 * A used mission id is refused for ever, in fixed memory: the largest 64 are kept one by one, and
 * the smallest of them gives way by raising a floor below which all count as used. An agent whose
 * ids increase never meets the floor; one with random ids is refused more and more often, which is
 * safe.
 *
 * A decision is a frame: its source, number and capture time. A renewal says all three again and
 * keeps counting travel; another decision must come from a later capture. Expiry is judged in each
 * step from the times alone, so there is no timer that could be forgotten. A time that lies in the
 * future of its receiver is never young: a clock that went back stops the car.
 */
#include "safety/permit.h"

#include <stddef.h>

#define NS_PER_MS            INT64_C(1000000)
#define NS_PER_S             INT64_C(1000000000)
#define PM_PER_MM            INT64_C(1000000000)
#define MALFORMED_EVENT_NS   NS_PER_S /* not more than one event in this time and connection */
#define INTEGRATION_LIMIT_NS NS_PER_S /* a tick that was longer has used up the travel */

static int64_t clamp(int64_t value, int64_t min, int64_t max)
{
    if (value < min) {
        return min;
    }
    return value > max ? max : value;
}

/* Times of the wire are in this range already; so no difference of two can overflow. */
static int64_t sane(int64_t now_ns)
{
    return clamp(now_ns, 0, WIRE_TIME_MAX_NS);
}

/* Less than `limit_ms` have passed. */
static bool is_younger(int64_t then_ns, int64_t now_ns, int64_t limit_ms)
{
    return now_ns >= then_ns && now_ns - then_ns < limit_ms * NS_PER_MS;
}

static void event_add(struct permit *permit, const struct permit_event *event)
{
    if (permit->waiting == PERMIT_EVENTS) {
        permit->events_lost++;
        return;
    }
    permit->events[(permit->first + permit->waiting) % PERMIT_EVENTS] = *event;
    permit->waiting++;
}

static struct permit_connection *connection_get(struct permit *permit, int connection)
{
    if (connection < 0 || connection >= PERMIT_CONNECTIONS ||
        !permit->connections[connection].open) {
        return NULL;
    }
    return &permit->connections[connection];
}

static bool is_owner(const struct permit *permit, int connection)
{
    return permit->mission != 0 && permit->owner == connection;
}

/* The intent in force ends; the reasons say so until the next good one. */
static void decision_void(struct permit *permit, enum wire_reason refusal)
{
    permit->decision.valid = false;
    permit->decision.refusal = refusal;
}

static void stop_note(struct permit *permit, int64_t time_ns)
{
    permit->stop_ns = time_ns > permit->stop_ns ? time_ns : permit->stop_ns;
}

static void disarm(struct permit *permit, enum permit_cause cause, int64_t time_ns)
{
    if (permit->mission == 0) {
        return;
    }
    stop_note(permit, time_ns);
    event_add(permit, &(struct permit_event){
                          .code = WIRE_EVENT_DISARMED,
                          .cause = cause,
                          .mission = permit->mission,
                          .faults = cause == PERMIT_BY_FAULT ? permit->senses.faults : 0,
                      });
    permit->mission = 0;
    permit->decision = (struct permit_decision){0};
}

static void estop(struct permit *permit, enum permit_cause cause, int64_t time_ns)
{
    disarm(permit, cause, time_ns);
    stop_note(permit, time_ns);
    if (!permit->latched) {
        permit->latched = true;
        event_add(permit, &(struct permit_event){.code = WIRE_EVENT_ESTOP, .cause = cause});
    }
}

void permit_init(struct permit *permit, const struct permit_options *options, bool latched)
{
    *permit = (struct permit){
        .options =
            {
                .frame_ms = clamp(options->frame_ms, 0, LIMITS_FRAME_CEILING_MS),
                .travel_mm = clamp(options->travel_mm, 0, LIMITS_TRAVEL_MM),
            },
        .fault_end_ns = -LIMITS_ARM_QUIET_MS * NS_PER_MS,
    };
    if (latched) {
        estop(permit, PERMIT_BY_START, 0);
    }
}

/* Never less than the length of the vector, and at most an eighth more. */
static int64_t speed_mm_s(const struct twist *twist)
{
    int64_t x = twist->vx_mm_s < 0 ? -(int64_t)twist->vx_mm_s : twist->vx_mm_s;
    int64_t y = twist->vy_mm_s < 0 ? -(int64_t)twist->vy_mm_s : twist->vy_mm_s;

    return x > y ? x + (y + 1) / 2 : y + (x + 1) / 2;
}

static void travel_add(struct permit *permit, const struct twist *given, int64_t now_ns)
{
    int64_t limit_pm = LIMITS_TRAVEL_MM * PM_PER_MM, speed = speed_mm_s(given);
    int64_t passed_ns = now_ns - permit->sense_ns;
    int64_t *travel_pm = &permit->decision.travel_pm;

    if (speed > 0 && (passed_ns < 0 || passed_ns > INTEGRATION_LIMIT_NS)) {
        *travel_pm = limit_pm;
    } else {
        *travel_pm = clamp(*travel_pm + speed * passed_ns, 0, limit_pm);
    }
}

void permit_sense(struct permit *permit, const struct permit_senses *senses, int64_t now_ns)
{
    bool had_faults = permit->senses.faults != 0;

    now_ns = sane(now_ns);
    travel_add(permit, &senses->given, now_ns);
    permit->senses = *senses;
    permit->sense_ns = now_ns;
    if (senses->key_pressed) {
        estop(permit, PERMIT_BY_KEY, now_ns);
    }
    if (senses->faults != 0 || had_faults) {
        permit->fault_end_ns = now_ns;
    }
    if (senses->faults != 0) {
        disarm(permit, PERMIT_BY_FAULT, now_ns);
    }
    if (!senses->self_test_passed) {
        disarm(permit, PERMIT_BY_SELF_TEST, now_ns);
    }
}

void permit_open(struct permit *permit, int connection, int64_t now_ns)
{
    permit_close(permit, connection, now_ns);
    if (connection >= 0 && connection < PERMIT_CONNECTIONS) {
        permit->connections[connection] = (struct permit_connection){.open = true};
    }
}

void permit_close(struct permit *permit, int connection, int64_t now_ns)
{
    struct permit_connection *slot = connection_get(permit, connection);

    if (slot == NULL) {
        return;
    }
    *slot = (struct permit_connection){0};
    if (is_owner(permit, connection)) {
        disarm(permit, PERMIT_BY_CLOSE, sane(now_ns));
    }
}

static bool mission_is_used(const struct permit *permit, uint64_t mission)
{
    if (mission <= permit->mission_floor) {
        return true;
    }
    for (size_t i = 0; i < PERMIT_MISSIONS; i++) {
        if (permit->missions[i] == mission) {
            return true;
        }
    }
    return false;
}

/* Free places are zeros, so the smallest of all is a free one while there is one. */
static void mission_use(struct permit *permit, uint64_t mission)
{
    size_t smallest = 0;

    for (size_t i = 1; i < PERMIT_MISSIONS; i++) {
        if (permit->missions[i] < permit->missions[smallest]) {
            smallest = i;
        }
    }
    if (mission > permit->missions[smallest]) {
        permit->mission_floor = permit->missions[smallest];
        permit->missions[smallest] = mission;
    } else {
        permit->mission_floor = mission;
    }
}

/* Here and below: PERMIT_BY_MESSAGE is consent, anything else the reason of a refusal. */
static enum permit_cause order_judge(const struct permit *permit, int64_t made_ns, int64_t now_ns)
{
    if (made_ns > now_ns) {
        return PERMIT_FUTURE;
    }
    if (now_ns - made_ns > LIMITS_ARM_AGE_MS * NS_PER_MS) {
        return PERMIT_OLD;
    }
    if (made_ns < permit->stop_ns) {
        return PERMIT_BEFORE_STOP;
    }
    return permit->senses.key_pressed ? PERMIT_PRESSED : PERMIT_BY_MESSAGE;
}

static enum permit_cause arm_judge(const struct permit *permit, int connection,
                                   const struct wire_arm *arm, int64_t now_ns)
{
    enum permit_cause cause = order_judge(permit, arm->header.time_ns, now_ns);

    if (cause != PERMIT_BY_MESSAGE) {
        return cause;
    }
    if (permit->latched) {
        return PERMIT_ESTOP;
    }
    if (!permit->senses.self_test_passed) {
        return PERMIT_BY_SELF_TEST;
    }
    if (permit->senses.faults != 0 ||
        now_ns - permit->fault_end_ns < LIMITS_ARM_QUIET_MS * NS_PER_MS) {
        return PERMIT_AFTER_FAULT;
    }
    if (permit->mission != 0 && !is_owner(permit, connection)) {
        return PERMIT_OTHER;
    }
    return mission_is_used(permit, arm->mission) ? PERMIT_USED : PERMIT_BY_MESSAGE;
}

static enum permit_cause arm_take(struct permit *permit, int connection, const struct wire_arm *arm,
                                  int64_t now_ns)
{
    enum permit_cause cause = arm_judge(permit, connection, arm, now_ns);

    if (cause != PERMIT_BY_MESSAGE) {
        return cause;
    }
    disarm(permit, PERMIT_BY_NEXT, arm->header.time_ns);
    mission_use(permit, arm->mission);
    permit->mission = arm->mission;
    permit->owner = connection;
    permit->armed_ns = arm->header.time_ns;
    permit->heard_ns = now_ns;
    event_add(permit, &(struct permit_event){.code = WIRE_EVENT_ARMED, .mission = arm->mission});
    return PERMIT_BY_MESSAGE;
}

static enum permit_cause reset_take(struct permit *permit, const struct wire_plain *reset,
                                    int64_t now_ns)
{
    enum permit_cause cause = order_judge(permit, reset->header.time_ns, now_ns);

    if (cause != PERMIT_BY_MESSAGE) {
        return cause;
    }
    permit->latched = false;
    stop_note(permit, reset->header.time_ns);
    event_add(permit, &(struct permit_event){.code = WIRE_EVENT_RESET});
    return PERMIT_BY_MESSAGE;
}

static bool is_renewal(const struct wire_intent *last, const struct wire_intent *intent)
{
    return last->source == intent->source && last->frame_seq == intent->frame_seq;
}

static enum permit_cause frame_judge(const struct permit *permit, const struct wire_intent *intent,
                                     int64_t now_ns)
{
    const struct wire_intent *last = &permit->decision.newest;

    if (intent->capture_ns > now_ns) {
        return PERMIT_FUTURE;
    }
    if (!is_younger(intent->capture_ns, now_ns, permit->options.frame_ms) ||
        intent->capture_ns < permit->armed_ns) {
        return PERMIT_FRAME_OLD;
    }
    if (is_renewal(last, intent)) {
        return last->capture_ns == intent->capture_ns ? PERMIT_BY_MESSAGE : PERMIT_FRAME_CHANGED;
    }
    return intent->capture_ns > last->capture_ns ? PERMIT_BY_MESSAGE : PERMIT_FRAME_BACK;
}

static enum permit_cause intent_judge(const struct permit *permit, int connection,
                                      const struct wire_intent *intent, int64_t now_ns)
{
    if (!is_owner(permit, connection)) {
        return PERMIT_OTHER;
    }
    if (intent->mission != permit->mission) {
        return PERMIT_MISSION;
    }
    if (intent->header.time_ns > now_ns) {
        return PERMIT_FUTURE;
    }
    if (!is_younger(intent->header.time_ns, now_ns, LIMITS_INTENT_MS)) {
        return PERMIT_OLD; /* it waited in a queue until it was over */
    }
    return frame_judge(permit, intent, now_ns);
}

static enum permit_cause intent_take(struct permit *permit, int connection,
                                     const struct wire_intent *intent, int64_t now_ns)
{
    enum permit_cause cause = intent_judge(permit, connection, intent, now_ns);
    struct permit_decision *decision = &permit->decision;

    if (cause != PERMIT_BY_MESSAGE) {
        return cause;
    }
    if (!is_renewal(&decision->newest, intent)) {
        decision->travel_pm = 0;
    }
    decision->newest = *intent;
    decision->valid = true;
    decision->refusal = 0;
    permit->heard_ns = now_ns;
    return PERMIT_BY_MESSAGE;
}

/* What any message may do, whatever else is wrong with it: stop. Its own time, but not a later one
 * than now, decides which ARM it overrides. */
static void stops_take(struct permit *permit, const struct wire_header *header, int64_t now_ns)
{
    int64_t time_ns = clamp(header->time_ns, 0, now_ns);

    if (header->type == WIRE_ESTOP) {
        estop(permit, PERMIT_BY_MESSAGE, time_ns);
    } else if (header->type == WIRE_DISARM) {
        disarm(permit, PERMIT_BY_MESSAGE, time_ns);
        stop_note(permit, time_ns);
    } else if (header->type == WIRE_HELLO) {
        disarm(permit, PERMIT_BY_HELLO, time_ns);
        stop_note(permit, time_ns);
    }
}

static bool is_stop(const struct wire_header *header)
{
    return header->type == WIRE_ESTOP || header->type == WIRE_DISARM;
}

/* The order of messages on one connection. */
static enum permit_cause sequence_take(struct permit_connection *slot,
                                       const struct wire_header *header)
{
    bool increases = header->seq > slot->seq;

    slot->seq = increases ? header->seq : slot->seq;
    if (header->type == WIRE_HELLO && increases) {
        slot->greeted = true;
    }
    if (is_stop(header)) {
        return PERMIT_BY_MESSAGE;
    }
    if (!increases) {
        return PERMIT_SEQ;
    }
    return slot->greeted ? PERMIT_BY_MESSAGE : PERMIT_NO_HELLO;
}

static enum permit_cause request_take(struct permit *permit, int connection,
                                      const union wire_request *request, int64_t now_ns)
{
    enum wire_type type = (enum wire_type)request->header.type;

    if (type == WIRE_ARM) {
        return arm_take(permit, connection, &request->arm, now_ns);
    }
    if (type == WIRE_RESET) {
        return reset_take(permit, &request->plain, now_ns);
    }
    if (type == WIRE_INTENT) {
        return intent_take(permit, connection, &request->intent, now_ns);
    }
    return PERMIT_BY_MESSAGE;
}

static void refuse(struct permit *permit, int connection, const union wire_request *request,
                   enum permit_cause cause)
{
    bool old = cause == PERMIT_OLD || cause == PERMIT_FRAME_OLD || cause == PERMIT_FRAME_BACK;
    struct permit_event event = {.cause = cause};

    permit->refused++;
    if (is_owner(permit, connection)) {
        decision_void(permit, old ? REASON_INTENT_OLD : REASON_INTENT_BAD);
    }
    if (request->header.type == WIRE_ARM) {
        event.code = WIRE_EVENT_ARM_REFUSED;
        event.mission = request->arm.mission;
        event_add(permit, &event);
    } else if (request->header.type == WIRE_RESET) {
        event.code = WIRE_EVENT_RESET_REFUSED;
        event_add(permit, &event);
    }
}

enum permit_answer permit_message(struct permit *permit, int connection,
                                  const union wire_request *request, int64_t now_ns)
{
    struct permit_connection *slot = connection_get(permit, connection);
    enum permit_cause cause;

    if (slot == NULL) {
        return PERMIT_REFUSED;
    }
    now_ns = sane(now_ns);
    stops_take(permit, &request->header, now_ns);
    cause = sequence_take(slot, &request->header);
    if (cause == PERMIT_BY_MESSAGE) {
        cause = request_take(permit, connection, request, now_ns);
    }
    if (cause != PERMIT_BY_MESSAGE) {
        refuse(permit, connection, request, cause);
        return PERMIT_REFUSED;
    }
    return PERMIT_TAKEN;
}

void permit_malformed(struct permit *permit, int connection, int64_t now_ns)
{
    struct permit_connection *slot = connection_get(permit, connection);

    permit->malformed++;
    if (slot == NULL) {
        return;
    }
    now_ns = sane(now_ns);
    if (is_owner(permit, connection)) {
        decision_void(permit, REASON_INTENT_BAD);
    }
    slot->malformed++;
    if (slot->malformed_ns == 0 || now_ns - slot->malformed_ns >= MALFORMED_EVENT_NS) {
        event_add(permit, &(struct permit_event){
                              .code = WIRE_EVENT_MALFORMED,
                              .cause = PERMIT_MALFORMED,
                              .malformed = slot->malformed,
                          });
        slot->malformed = 0;
        slot->malformed_ns = now_ns;
    }
}

static uint32_t decision_reasons(const struct permit *permit, int64_t now_ns)
{
    const struct permit_decision *decision = &permit->decision;
    int64_t tick_pm = speed_mm_s(&decision->newest.twist) * LIMITS_TICK_MS * NS_PER_MS;
    uint32_t reasons = 0;

    if (!decision->valid || !is_younger(permit->heard_ns, now_ns, LIMITS_INTENT_MS)) {
        return REASON_NO_INTENT | decision->refusal;
    }
    if (!is_younger(decision->newest.capture_ns, now_ns, permit->options.frame_ms)) {
        reasons |= REASON_INTENT_OLD;
    }
    if (decision->travel_pm + tick_pm > permit->options.travel_mm * PM_PER_MM) {
        reasons |= REASON_TRAVEL;
    }
    return reasons;
}

void permit_step(struct permit *permit, int64_t now_ns, struct permit_output *ret_output)
{
    struct permit_output output = {0};

    now_ns = sane(now_ns);
    if (!is_younger(permit->heard_ns, now_ns, LIMITS_DISARM_MS)) {
        disarm(permit, PERMIT_BY_SILENCE, now_ns);
    }
    output.mission = permit->mission;
    output.frame_seq = permit->decision.newest.frame_seq;
    output.latched = permit->latched;
    output.reasons |= permit->mission == 0 ? REASON_NOT_ARMED : decision_reasons(permit, now_ns);
    output.reasons |= permit->latched ? REASON_ESTOP : 0;
    output.reasons |= !permit->senses.self_test_passed ? REASON_SELF_TEST : 0;
    if (output.reasons == 0) {
        output.asked = permit->decision.newest.twist;
    }
    *ret_output = output;
}

bool permit_event_take(struct permit *permit, struct permit_event *ret_event)
{
    if (permit->waiting == 0) {
        return false;
    }
    *ret_event = permit->events[permit->first];
    permit->first = (permit->first + 1) % PERMIT_EVENTS;
    permit->waiting--;
    return true;
}

static const char *const cause_texts[] = {
    [PERMIT_BY_MESSAGE] = "as asked",
    [PERMIT_BY_KEY] = "the e-stop key was pressed",
    [PERMIT_BY_START] = "it was latched when the process started",
    [PERMIT_BY_HELLO] = "an agent said hello",
    [PERMIT_BY_CLOSE] = "the agent's connection ended",
    [PERMIT_BY_FAULT] = "a fault",
    [PERMIT_BY_SELF_TEST] = "the self-test has not passed",
    [PERMIT_BY_SILENCE] = "no good intent for too long",
    [PERMIT_BY_NEXT] = "the next mission was armed",
    [PERMIT_NO_HELLO] = "the connection has not said hello",
    [PERMIT_SEQ] = "the message number did not increase",
    [PERMIT_FUTURE] = "its time lies in the future",
    [PERMIT_OLD] = "it was made too long ago",
    [PERMIT_BEFORE_STOP] = "it was made before the last stop or reset",
    [PERMIT_USED] = "the mission id was used before",
    [PERMIT_OTHER] = "another connection has the permission",
    [PERMIT_AFTER_FAULT] = "a fault is there or ended only now",
    [PERMIT_ESTOP] = "the e-stop is latched",
    [PERMIT_PRESSED] = "the e-stop key is pressed",
    [PERMIT_MISSION] = "its mission is not armed",
    [PERMIT_FRAME_OLD] = "its frame is too old",
    [PERMIT_FRAME_BACK] = "a later frame was decided already",
    [PERMIT_FRAME_CHANGED] = "its frame changed its capture time",
    [PERMIT_MALFORMED] = "it is no message",
};

const char *permit_cause_text(enum permit_cause cause)
{
    return cause <= PERMIT_MALFORMED ? cause_texts[cause] : "unknown";
}
