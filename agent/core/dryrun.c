/* See dryrun.h. One loop, two frames in it: `ready` has been prepared and waits for its question,
 * `asked` is under way. Each turn does what is due (prepare, ask, take the answer) and then sleeps
 * until the client, the wanted rate or a signal wakes it.
 *
 * When the server is gone, or starts, or a proxy answers for it, every question fails at once. From
 * the second failure in a row on BACKOFF keeps that from being a busy loop that burns the frames.
 */
#include "agent/core/dryrun.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "hal/base/clock.h"
#include "safety/wire.h"

#define CONNECT_NS        (3 * CLOCK_NS_PER_S)
#define ARM_NS            (1 * CLOCK_NS_PER_S)
#define DISARMED_NS       (300 * CLOCK_NS_PER_MS)
#define BACKOFF_NS        (100 * CLOCK_NS_PER_MS)
#define JUDGED_AT_THE_END 10 /* answers, when a run was shorter than the window */

/* A frame on its way. */
struct passage {
    struct report_frame frame;
    int64_t begun_ns, ready_ns;
};

struct run {
    const struct dryrun *dryrun;
    struct explorer explorer;
    struct answers answers;
    struct passage ready, asked;
    bool is_ready, ended, stopped, degenerate;
    uint64_t taken, readable_in_pass;
    int failures; /* in a row */
    uint64_t mission;
    int64_t armed_ns; /* when the verdict last said so */
    int64_t due_ns, first_ns, last_ns;
};

static void describe(struct passage *passage, const struct frame *frame)
{
    passage->frame = (struct report_frame){.seq = frame->seq};
    for (int stage = 0; stage < STAGE_COUNT; stage++) {
        passage->frame.stage_ns[stage] = -1;
    }
    (void)snprintf(passage->frame.name, sizeof(passage->frame.name), "%s", frame->name);
}

/* Fits the frame and loads it into the idle body. 0, JPEG_REFUSED or -errno. */
static int fit(struct run *run, const struct frame *frame, struct passage *passage)
{
    const struct dryrun *dryrun = run->dryrun;
    int64_t start_ns = clock_now_ns(), fitted_ns;
    struct jpeg_picture picture;
    int result = jpeg_fit(dryrun->jpeg, frame->bytes, frame->size, &picture);

    if (result != 0) {
        return result;
    }
    fitted_ns = clock_now_ns();
    result = vlm_load(dryrun->vlm, picture.bytes, picture.size);
    if (result < 0) {
        return result;
    }
    passage->ready_ns = clock_now_ns();
    passage->frame.stage_ns[STAGE_ENCODE] = fitted_ns - start_ns;
    passage->frame.stage_ns[STAGE_LOAD] = passage->ready_ns - fitted_ns;
    return 0;
}

/* At the end of the list: around again, unless there was nothing to read in a whole round. */
static void turn_around(struct run *run)
{
    if (!run->dryrun->options.loop || run->readable_in_pass == 0) {
        run->ended = true;
        return;
    }
    run->readable_in_pass = 0;
    folder_rewind(run->dryrun->folder);
}

/* Takes one file: it becomes the ready frame, or is reported as unreadable. 0 or -errno. */
static int take(struct run *run)
{
    const struct dryrun *dryrun = run->dryrun;
    struct passage *passage = &run->ready;
    struct frame frame;
    int result;

    passage->begun_ns = clock_now_ns();
    result = folder_next(dryrun->folder, &frame);
    if (result == FOLDER_END) {
        turn_around(run);
        return 0;
    }
    run->taken++;
    describe(passage, &frame);
    if (result < 0) {
        report_unreadable(dryrun->report, passage->frame.name,
                          result == -EINVAL ? "is not a regular file" : strerror(-result));
        return 0;
    }
    passage->frame.stage_ns[STAGE_READ] = clock_now_ns() - passage->begun_ns;
    result = fit(run, &frame, passage);
    if (result == JPEG_REFUSED) {
        report_unreadable(dryrun->report, passage->frame.name, jpeg_error(dryrun->jpeg));
        return 0;
    }
    run->is_ready = result == 0;
    run->readable_in_pass++;
    return result;
}

static int prepare(struct run *run)
{
    const struct dryrun_options *options = &run->dryrun->options;
    int result = 0;

    while (result == 0 && !run->is_ready && !run->ended && !run->stopped) {
        if (options->limit > 0 && run->taken >= options->limit) {
            run->ended = true;
        } else {
            result = take(run);
        }
    }
    return result;
}

/* A period after this one was due, so that the rate holds on average; but what was missed is not
 * caught up with. */
static int64_t next_due_ns(int64_t due_ns, int64_t period_ns, int64_t now_ns)
{
    return due_ns + period_ns < now_ns ? now_ns + period_ns : due_ns + period_ns;
}

static int ask(struct run *run)
{
    int64_t now_ns = clock_now_ns();
    int result;

    if (!run->is_ready || run->stopped || vlm_is_busy(run->dryrun->vlm) || now_ns < run->due_ns) {
        return 0;
    }
    result = vlm_ask(run->dryrun->vlm, run->ready.frame.seq, now_ns);
    if (result < 0) {
        return result;
    }
    run->asked = run->ready;
    run->is_ready = false;
    run->asked.frame.stage_ns[STAGE_WAIT] = now_ns - run->asked.ready_ns;
    if (run->first_ns == 0) {
        run->first_ns = now_ns;
    }
    run->due_ns = next_due_ns(run->due_ns, run->dryrun->options.period_ns, now_ns);
    return 0;
}

static void warn_degenerate(struct run *run)
{
    if (run->degenerate || !answers_are_degenerate(&run->answers, run->answers.window)) {
        return;
    }
    run->degenerate = true;
    report_clear(run->dryrun->report);
    log_warning(run->dryrun->log,
                "degenerate answers: nearly all of the last %d were \"%s\" (%.2f bits); the model "
                "may not be looking, try [question] kind = percept",
                run->answers.used,
                word_text(run->dryrun->question, answers_favourite(&run->answers)),
                answers_recent_bits(&run->answers));
}

/* What the explorer sees, and the report shows. */
static struct wire_verdict current_verdict(const struct run *run, int64_t now_ns)
{
    static const struct wire_verdict unobstructed = {.mission = 1};

    return run->dryrun->link == NULL ? unobstructed : link_verdict(run->dryrun->link, now_ns);
}

static void decide(struct run *run, const struct vlm_answer *answer)
{
    struct report_frame *frame = &run->asked.frame;
    int64_t parsed_ns = clock_now_ns(), decided_ns;

    frame->fault = answer->fault;
    frame->decision = answer->decision;
    frame->connected = answer->connected;
    memcpy(frame->detail, answer->detail, sizeof(frame->detail));
    frame->intent = (struct intent){0};
    if (answer->fault == FAULT_NONE) {
        frame->verdict = current_verdict(run, parsed_ns);
        frame->driven = run->dryrun->link != NULL;
        frame->intent =
            explorer_step(&run->explorer, &answer->decision, &frame->verdict, parsed_ns);
        if (frame->driven) {
            link_wish(run->dryrun->link, &frame->intent.twist, frame->seq, run->asked.begun_ns,
                      parsed_ns);
        }
        answers_add(&run->answers, answer->decision.word);
    }
    decided_ns = clock_now_ns();
    frame->stage_ns[STAGE_REQUEST] = answer->answered_ns - answer->asked_ns;
    frame->stage_ns[STAGE_SERVER] =
        answer->timings.server_us < 0 ? -1 : answer->timings.server_us * 1000;
    frame->stage_ns[STAGE_PARSE] = parsed_ns - answer->answered_ns;
    frame->stage_ns[STAGE_DECIDE] = decided_ns - parsed_ns;
    frame->stage_ns[STAGE_TOTAL] = decided_ns - run->asked.begun_ns;
    run->last_ns = decided_ns;
    run->failures = answer->fault == FAULT_NONE ? 0 : run->failures + 1;
    if (run->failures > 1) {
        run->due_ns = decided_ns + BACKOFF_NS;
    }
}

/* Takes the answer, sends the next question and only then writes about this one. */
static int answer(struct run *run)
{
    struct vlm_answer answer;
    struct report_frame frame;
    int result = vlm_step(run->dryrun->vlm, clock_now_ns(), &answer);

    if (result != VLM_ANSWERED) {
        return result;
    }
    decide(run, &answer);
    frame = run->asked.frame;
    result = ask(run);
    if (report_frame(run->dryrun->report, &frame) < 0) {
        return DRYRUN_NO_OUTPUT;
    }
    warn_degenerate(run);
    return result;
}

static int wait_ms(const struct run *run)
{
    int64_t now_ns = clock_now_ns(), wake_ns = vlm_wake_ns(run->dryrun->vlm);

    if (run->dryrun->link != NULL && link_wake_ns(run->dryrun->link) < wake_ns) {
        wake_ns = link_wake_ns(run->dryrun->link);
    }
    if (run->is_ready && !vlm_is_busy(run->dryrun->vlm) && run->due_ns < wake_ns) {
        wake_ns = run->due_ns;
    }
    if (wake_ns <= now_ns) {
        return 0;
    }
    int64_t ms = (wake_ns - now_ns + CLOCK_NS_PER_MS - 1) / CLOCK_NS_PER_MS;

    return ms > 1000 ? 1000 : (int)ms;
}

static int sleep_until_due(struct run *run)
{
    struct pollfd pollfds[] = {
        {.fd = vlm_fd(run->dryrun->vlm), .events = POLLIN},
        {.fd = run->dryrun->options.stop_fd, .events = POLLIN},
        {.fd = run->dryrun->link != NULL ? link_fd(run->dryrun->link) : -1, .events = POLLIN},
    };

    if (poll(pollfds, 3, wait_ms(run)) < 0) {
        return errno == EINTR ? 0 : -errno;
    }
    if (pollfds[1].revents != 0) {
        run->stopped = true;
    }
    return 0;
}

static void log_events(struct run *run)
{
    struct wire_event event;

    while (link_event(run->dryrun->link, &event)) {
        report_clear(run->dryrun->report);
        if (event.severity == WIRE_ERROR) {
            log_error(run->dryrun->log, "safety: %s", event.text);
        } else if (event.severity == WIRE_WARNING) {
            log_warning(run->dryrun->log, "safety: %s", event.text);
        } else {
            log_info(run->dryrun->log, "safety: %s", event.text);
        }
    }
}

/* Is the mission still ours? 0 or DRYRUN_DISARMED. Between two verdicts nothing is known to be
 * lost. */
static int keep_link(struct run *run)
{
    struct link *link = run->dryrun->link;
    int64_t now_ns = clock_now_ns();

    if (link == NULL) {
        return 0;
    }
    link_step(link, now_ns);
    log_events(run);
    struct wire_verdict verdict = link_verdict(link, now_ns);

    if (verdict.mission == run->mission) {
        run->armed_ns = now_ns;
    }
    if (verdict.header.seq == 0 && now_ns - run->armed_ns < DISARMED_NS) {
        return 0;
    }
    if (verdict.mission == run->mission) {
        return 0;
    }
    report_clear(run->dryrun->report);
    log_error(run->dryrun->log, "the car is not armed any more: the exploration is over");
    return DRYRUN_DISARMED;
}

static int wait_for_link(struct run *run, bool (*condition)(const struct run *), int64_t end_ns)
{
    while (!condition(run)) {
        struct pollfd pollfds[] = {{.fd = link_fd(run->dryrun->link), .events = POLLIN},
                                   {.fd = run->dryrun->options.stop_fd, .events = POLLIN}};

        (void)poll(pollfds, 2, 20);
        run->stopped = pollfds[1].revents != 0;
        link_step(run->dryrun->link, clock_now_ns());
        log_events(run);
        if (run->stopped || clock_now_ns() > end_ns) {
            return DRYRUN_NO_CAR;
        }
    }
    return 0;
}

static bool hears_safety(const struct run *run)
{
    return link_is_up(run->dryrun->link) &&
           link_verdict(run->dryrun->link, clock_now_ns()).header.seq != 0;
}

static bool is_armed(const struct run *run)
{
    return link_verdict(run->dryrun->link, clock_now_ns()).mission == run->mission;
}

/* Connects and arms one mission. Its id is the wall clock's, so that it is larger than any before.
 */
static int arm(struct run *run)
{
    struct link *link = run->dryrun->link;
    struct timespec wall;
    int result = wait_for_link(run, hears_safety, clock_now_ns() + CONNECT_NS);

    if (result != 0) {
        log_error(run->dryrun->log, "the safety process cannot be reached: %s",
                  strerror(-link_error(link)));
        return result;
    }
    (void)clock_gettime(CLOCK_REALTIME, &wall);
    run->mission = (uint64_t)wall.tv_sec * 1000000 + (uint64_t)wall.tv_nsec / 1000;
    result = link_arm(link, run->mission, clock_now_ns());
    if (result == 0) {
        result = wait_for_link(run, is_armed, clock_now_ns() + ARM_NS);
    }
    run->armed_ns = clock_now_ns();
    if (result != 0) {
        log_error(run->dryrun->log, "the safety process did not arm the car");
    }
    return result == 0 ? 0 : DRYRUN_NO_CAR;
}

static int loop(struct run *run)
{
    int result = 0;

    while (result == 0 && !run->stopped) {
        result = keep_link(run);
        if (result == 0) {
            result = ask(run);
        }
        if (result == 0) {
            result = prepare(run);
        }
        if (run->ended && !run->is_ready && !vlm_is_busy(run->dryrun->vlm)) {
            return result;
        }
        if (result == 0) {
            result = sleep_until_due(run);
        }
        if (result == 0) {
            result = answer(run);
        }
    }
    vlm_cancel(run->dryrun->vlm, clock_now_ns());
    return result;
}

int dryrun_run(const struct dryrun *dryrun)
{
    struct run run = {.dryrun = dryrun};
    int result;

    explorer_init(&run.explorer, &dryrun->explorer);
    answers_init(&run.answers, (int)dryrun->explorer.degenerate_answers);
    result = dryrun->link != NULL ? arm(&run) : 0;
    if (result == 0) {
        result = loop(&run);
    }
    if (dryrun->link != NULL) {
        link_disarm(dryrun->link, clock_now_ns());
    }
    if (result != DRYRUN_NO_OUTPUT && result != DRYRUN_NO_CAR) {
        bool degenerate = run.degenerate || answers_are_degenerate(&run.answers, JUDGED_AT_THE_END);
        int written = report_summary(dryrun->report, &run.answers, dryrun->question, degenerate,
                                     run.last_ns - run.first_ns);

        result = result == 0 && written < 0 ? DRYRUN_NO_OUTPUT : result;
    }
    return result == 0 && run.stopped ? DRYRUN_STOPPED : result;
}
