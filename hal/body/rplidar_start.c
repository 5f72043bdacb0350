/* See rplidar_start.h.
 *
 * Each step sends one request, or none, and ends by its answer or by its deadline; a table says
 * what both are. Bytes that come while a stop or a reset settles are thrown away: the rest of an
 * old scan, or the banner. An answer counts only in the step that asked for it.
 *
 * What a deadline means depends on the step. After a stop or a reset it is the plan. Without an
 * answer to the question for the typical mode (firmware before 1.24) or to the express scan
 * (before 1.17), or when the mode is one of those that we do not decode, it is the standard scan,
 * once more from the stop if something may be running already. Anything else is a failed attempt,
 * and so is a health status of 2, which is answered by a reset; each attempt begins again with a
 * stop. After three of them the driver has failed, with the reason of the last one.
 */
#include "hal/body/rplidar_start.h"

#define MS INT64_C(1000000)

#define A1_BAUD      115200
#define C1_BAUD      460800
#define A1_SAMPLE_NS INT64_C(250000) /* legacy express of 4000/s; newer firmware is faster */
#define C1_SAMPLE_NS INT64_C(200000)

struct step {
    int request; /* enum rplidar_request; 0: none */
    int32_t timeout_ms;
    enum rplidar_step next; /* at the deadline */
    enum lidar_fault fault; /* or this attempt has failed */
};

static const struct step steps[] = {
    [RPLIDAR_STEP_STOP] = {RPLIDAR_STOP, RPLIDAR_SETTLE_MS, RPLIDAR_STEP_INFO, 0},
    [RPLIDAR_STEP_INFO] = {RPLIDAR_GET_INFO, RPLIDAR_ANSWER_MS, 0, LIDAR_FAULT_NO_ANSWER},
    [RPLIDAR_STEP_HEALTH] = {RPLIDAR_GET_HEALTH, RPLIDAR_ANSWER_MS, 0, LIDAR_FAULT_NO_ANSWER},
    [RPLIDAR_STEP_RESET] = {RPLIDAR_RESET, RPLIDAR_RESET_MS, RPLIDAR_STEP_STOP, 0},
    [RPLIDAR_STEP_MODE] = {RPLIDAR_GET_TYPICAL_MODE, RPLIDAR_ANSWER_MS, RPLIDAR_STEP_SCAN, 0},
    [RPLIDAR_STEP_EXPRESS] = {RPLIDAR_EXPRESS_SCAN, RPLIDAR_ANSWER_MS, RPLIDAR_STEP_STOP, 0},
    [RPLIDAR_STEP_SCAN] = {RPLIDAR_SCAN, RPLIDAR_ANSWER_MS, 0, LIDAR_FAULT_NO_SCAN},
    [RPLIDAR_STEP_MOTOR] = {0, 0, RPLIDAR_STEP_SPIN_UP, 0},
    [RPLIDAR_STEP_SPIN_UP] = {0, RPLIDAR_SPIN_UP_MS, 0, LIDAR_FAULT_NO_BEAMS},
    [RPLIDAR_STEP_RUN] = {0, 0, RPLIDAR_STEP_RUN, 0},
    [RPLIDAR_STEP_FAILED] = {0, 0, RPLIDAR_STEP_FAILED, 0},
};

static void step_to(struct rplidar_start *start, enum rplidar_step step)
{
    start->step = step;
    start->is_sent = false;
}

static void attempt_fail(struct rplidar_start *start, enum lidar_fault fault)
{
    start->rplidar.health.fault = fault;
    start->attempts++;
    if (start->attempts >= RPLIDAR_ATTEMPTS_MAX) {
        step_to(start, RPLIDAR_STEP_FAILED);
    } else if (fault == LIDAR_FAULT_UNHEALTHY) {
        start->rplidar.health.resets++;
        step_to(start, RPLIDAR_STEP_RESET);
    } else {
        step_to(start, RPLIDAR_STEP_STOP);
    }
}

static void on_deadline(struct rplidar_start *start)
{
    const struct step *step = &steps[start->step];

    if (step->fault != LIDAR_FAULT_NONE) {
        attempt_fail(start, step->fault);
    } else {
        start->no_express |= start->step == RPLIDAR_STEP_EXPRESS;
        step_to(start, step->next);
    }
}

static void on_health(struct rplidar_start *start)
{
    if (start->rplidar.device_health.status >= RPLIDAR_HEALTH_ERROR) {
        attempt_fail(start, LIDAR_FAULT_UNHEALTHY);
    } else if (start->no_express) {
        step_to(start, RPLIDAR_STEP_SCAN);
    } else {
        step_to(start, start->is_c1 ? RPLIDAR_STEP_MODE : RPLIDAR_STEP_EXPRESS);
    }
}

static void on_event(struct rplidar_start *start, enum rplidar_event event)
{
    enum rplidar_step step = start->step;

    if (step == RPLIDAR_STEP_INFO && event == RPLIDAR_INFO) {
        step_to(start, RPLIDAR_STEP_HEALTH);
    } else if (step == RPLIDAR_STEP_HEALTH && event == RPLIDAR_HEALTH) {
        on_health(start);
    } else if (step == RPLIDAR_STEP_MODE && event == RPLIDAR_MODE) {
        step_to(start, RPLIDAR_STEP_EXPRESS);
    } else if (step == RPLIDAR_STEP_EXPRESS && event == RPLIDAR_NO_SUCH_SCAN) {
        on_deadline(start);
    } else if ((step == RPLIDAR_STEP_EXPRESS || step == RPLIDAR_STEP_SCAN) &&
               event == RPLIDAR_SCANNING) {
        step_to(start, RPLIDAR_STEP_MOTOR);
    } else if (step == RPLIDAR_STEP_SPIN_UP && event == RPLIDAR_BEAMS) {
        start->rplidar.health.fault = LIDAR_FAULT_NONE;
        step_to(start, RPLIDAR_STEP_RUN);
    }
}

/* Only the express scan has an argument: on a C1 the mode that it told, on an A1 the legacy one. */
static void step_begin(struct rplidar_start *start, int64_t now_ns, struct lidar_order *ret_order)
{
    const struct step *step = &steps[start->step];
    uint16_t mode = start->is_c1 ? start->rplidar.typical_mode : 0;

    start->is_sent = true;
    start->deadline_ns = now_ns + step->timeout_ms * MS;
    if (step->request != 0) {
        rplidar_expect(&start->rplidar);
        ret_order->size =
            rplidar_request((enum rplidar_request)step->request, mode, ret_order->bytes);
    }
    if (start->step == RPLIDAR_STEP_MOTOR && !start->is_c1) {
        ret_order->motor = LIDAR_MOTOR_ON;
    }
}

static enum lidar_phase driver_tick(void *state, int64_t now_ns, struct lidar_order *ret_order)
{
    struct rplidar_start *start = state;

    *ret_order = (struct lidar_order){0};
    if (start->is_sent && now_ns >= start->deadline_ns) {
        on_deadline(start);
    }
    if (!start->is_sent) {
        step_begin(start, now_ns, ret_order);
    }
    if (start->step == RPLIDAR_STEP_FAILED) {
        return LIDAR_PHASE_FAILED;
    }
    return start->step == RPLIDAR_STEP_RUN ? LIDAR_PHASE_RUNNING : LIDAR_PHASE_STARTING;
}

static size_t driver_push(void *state, uint8_t byte, int64_t time_ns,
                          const struct lidar_beam **ret_beams)
{
    struct rplidar_start *start = state;
    enum rplidar_event event;

    if (start->step == RPLIDAR_STEP_STOP || start->step == RPLIDAR_STEP_RESET) {
        return 0;
    }
    event = rplidar_push(&start->rplidar, byte, time_ns);
    on_event(start, event);
    if (event != RPLIDAR_BEAMS) {
        return 0;
    }
    *ret_beams = start->rplidar.beams;
    return start->rplidar.beam_count;
}

static void a1_init(void *state, int64_t latency_ns)
{
    struct rplidar_start *start = state;

    *start = (struct rplidar_start){.is_c1 = false};
    rplidar_init(&start->rplidar, A1_BAUD, A1_SAMPLE_NS, latency_ns);
}

static void c1_init(void *state, int64_t latency_ns)
{
    struct rplidar_start *start = state;

    *start = (struct rplidar_start){.is_c1 = true};
    rplidar_init(&start->rplidar, C1_BAUD, C1_SAMPLE_NS, latency_ns);
}

static const struct lidar_health *driver_health(const void *state)
{
    const struct rplidar_start *start = state;

    return &start->rplidar.health;
}

const struct lidar_driver rplidar_a1_driver = {
    .name = "rplidar_a1",
    .baud = A1_BAUD,
    .state_size = sizeof(struct rplidar_start),
    .init = a1_init,
    .push = driver_push,
    .tick = driver_tick,
    .health = driver_health,
};

const struct lidar_driver rplidar_c1_driver = {
    .name = "rplidar_c1",
    .baud = C1_BAUD,
    .state_size = sizeof(struct rplidar_start),
    .init = c1_init,
    .push = driver_push,
    .tick = driver_tick,
    .health = driver_health,
};
