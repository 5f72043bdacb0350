/* See pilot.h. One loop, two frames in it: `ready` has been prepared and waits for its question,
 * `asked` is under way. Each turn does what is due (prepare, ask, take the answer) and then sleeps
 * until the client, the camera, the wanted rate or a signal wakes it.
 *
 * When the server is gone, or starts, or a proxy answers for it, every question fails at once. From
 * the second failure in a row on BACKOFF keeps that from being a busy loop that burns the frames.
 */
#include "agent/core/pilot.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "agent/core/picture.h"
#include "hal/base/clock.h"
#include "safety/wire.h"

#define CONNECT_NS        (3 * CLOCK_NS_PER_S)
#define ARM_NS            (6 * CLOCK_NS_PER_S)
#define ARM_AGAIN_NS      (600 * CLOCK_NS_PER_MS)
#define DISARMED_NS       (300 * CLOCK_NS_PER_MS)
#define BACKOFF_NS        (100 * CLOCK_NS_PER_MS)
#define BLIND_NS          (1 * CLOCK_NS_PER_S) /* without a picture: told */
#define JUDGED_AT_THE_END 10                   /* answers, when a run was shorter than the window */

/* A frame on its way. */
struct passage {
    struct report_frame frame;
    int64_t begun_ns, ready_ns;
};

struct run {
    const struct pilot *pilot;
    struct vlm *vlm; /* that is asked now */
    enum question question;
    struct explorer explorer;
    struct answers answers;
    struct note note;
    struct passage ready, asked;
    bool is_ready, ended, stopped, halted, degenerate;
    uint64_t taken, asked_count, readable_in_pass;
    int failures; /* in a row */
    uint64_t mission;
    int64_t armed_ns; /* when the verdict last said so */
    int64_t due_ns, first_ns, last_ns;
    struct passage wished; /* whose intent the safety process was sent last; seq 0: told */
    int64_t picture_ns;    /* of the last one */
    bool blind;
};

static void describe(struct passage *passage, const struct frame *frame)
{
    passage->frame = (struct report_frame){.seq = frame->seq};
    for (int stage = 0; stage < STAGE_COUNT; stage++) {
        passage->frame.stage_ns[stage] = -1;
    }
    (void)snprintf(passage->frame.name, sizeof(passage->frame.name), "%s", frame->name);
}

/* What the explorer sees, and the report shows. */
static struct wire_verdict current_verdict(const struct run *run, int64_t now_ns)
{
    static const struct wire_verdict unobstructed = {.mission = 1};

    return run->pilot->link == NULL ? unobstructed : link_verdict(run->pilot->link, now_ns);
}

/* The note of the next picture. */
static void tell(struct run *run, int64_t now_ns)
{
    struct wire_verdict verdict = current_verdict(run, now_ns);
    char text[NOTE_SIZE + 1];

    note_write(&run->note, run->question, &verdict, text);
    vlm_set_note(run->vlm, text);
}

/* Whether the watcher ends it. */
static bool is_ended_by_watcher(struct run *run, int64_t now_ns)
{
    const struct pilot_watcher *watcher = run->pilot->watcher;

    run->halted = run->halted || (watcher != NULL && watcher->turn(watcher->context, now_ns) != 0);
    return run->halted;
}

static bool may_change(const struct run *run)
{
    return run->pilot->percept != NULL && run->question != QUESTION_PERCEPT;
}

/* Fits the frame and loads it into the idle body. 0, JPEG_REFUSED or -errno. */
static int fit(struct run *run, const struct frame *frame, struct passage *passage)
{
    const struct pilot *pilot = run->pilot;
    int64_t start_ns = clock_now_ns(), fitted_ns;
    struct jpeg_picture picture;
    int result = picture_fit(pilot->jpeg, frame, &picture);

    if (result != 0) {
        return result;
    }
    fitted_ns = clock_now_ns();
    tell(run, fitted_ns);
    result = vlm_load(run->vlm, picture.bytes, picture.size);
    if (result == 0 && may_change(run)) {
        result = vlm_load(run->pilot->percept, picture.bytes, picture.size);
    }
    if (result < 0) {
        return result;
    }
    if (pilot->watcher != NULL) {
        pilot->watcher->picture(pilot->watcher->context, frame->seq, &picture);
    }
    passage->ready_ns = clock_now_ns();
    passage->frame.stage_ns[STAGE_ENCODE] = fitted_ns - start_ns;
    passage->frame.stage_ns[STAGE_LOAD] = passage->ready_ns - fitted_ns;
    return 0;
}

/* At the end of the list: around again, unless there was nothing to read in a whole round. */
static void turn_around(struct run *run)
{
    if (!run->pilot->options.loop || run->readable_in_pass == 0) {
        run->ended = true;
        return;
    }
    run->readable_in_pass = 0;
    folder_rewind(run->pilot->folder);
}

/* A picture becomes the ready frame, or is reported as unreadable. 0 or -errno. */
static int make_ready(struct run *run, const struct frame *frame)
{
    int result = fit(run, frame, &run->ready);

    run->is_ready = result == 0;
    if (result == JPEG_REFUSED) {
        report_unreadable(run->pilot->report, run->ready.frame.name, jpeg_error(run->pilot->jpeg));
        return 0;
    }
    return result;
}

static void tell_blindness(struct run *run, int64_t now_ns)
{
    bool blind = now_ns - run->picture_ns >= BLIND_NS;

    if (blind == run->blind) {
        return;
    }
    run->blind = blind;
    report_clear(run->pilot->report);
    if (blind) {
        log_warning(run->pilot->log, "camera %s: no picture for a second, the car stands still: %s",
                    camera_name(run->pilot->camera), camera_state(run->pilot->camera));
    } else {
        log_info(run->pilot->log, "camera %s: there are pictures: %s",
                 camera_name(run->pilot->camera), camera_state(run->pilot->camera));
    }
}

/* The camera's newest frame, if there is one, takes the place of the one that waits. 0 or -errno.
 */
static int look(struct run *run)
{
    int64_t now_ns = clock_now_ns();
    struct frame frame;
    int result = camera_take(run->pilot->camera, now_ns, &frame);

    if (result == 0) {
        run->picture_ns = now_ns;
        run->taken++;
        describe(&run->ready, &frame);
        run->ready.begun_ns = frame.capture_ns;
        run->ready.frame.stage_ns[STAGE_READ] = now_ns - frame.capture_ns;
        result = make_ready(run, &frame);
    }
    tell_blindness(run, now_ns);
    return result == CAMERA_NO_FRAME ? 0 : result;
}

/* Takes one file: it becomes the ready frame, or is reported as unreadable. 0 or -errno. */
static int take(struct run *run)
{
    const struct pilot *pilot = run->pilot;
    struct passage *passage = &run->ready;
    struct frame frame;
    int result;

    passage->begun_ns = clock_now_ns();
    result = folder_next(pilot->folder, &frame);
    if (result == FOLDER_END) {
        turn_around(run);
        return 0;
    }
    run->taken++;
    describe(passage, &frame);
    if (result < 0) {
        report_unreadable(pilot->report, passage->frame.name,
                          result == -EINVAL ? "is not a regular file" : strerror(-result));
        return 0;
    }
    passage->frame.stage_ns[STAGE_READ] = clock_now_ns() - passage->begun_ns;
    result = make_ready(run, &frame);
    run->readable_in_pass += run->is_ready ? 1 : 0;
    return result;
}

static int prepare(struct run *run)
{
    const struct pilot_options *options = &run->pilot->options;
    int result = 0;

    if (run->pilot->camera != NULL) {
        run->ended = options->limit > 0 && run->asked_count >= options->limit;
        return run->ended || run->stopped ? 0 : look(run);
    }
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

    if (!run->is_ready || run->stopped || vlm_is_busy(run->vlm) || now_ns < run->due_ns) {
        return 0;
    }
    result = vlm_ask(run->vlm, run->ready.frame.seq, now_ns);
    if (result < 0) {
        return result;
    }
    run->asked = run->ready;
    run->asked_count++;
    run->is_ready = false;
    run->asked.frame.stage_ns[STAGE_WAIT] = now_ns - run->asked.ready_ns;
    if (run->first_ns == 0) {
        run->first_ns = now_ns;
    }
    run->due_ns = next_due_ns(run->due_ns, run->pilot->options.period_ns, now_ns);
    return 0;
}

/* The other question, once, of the frame that waits as well: the answers so far are the old
 * question's. */
static void change_question(struct run *run)
{
    log_info(run->pilot->log, "from now on the question is where the most open floor is");
    run->vlm = run->pilot->percept;
    run->question = QUESTION_PERCEPT;
    answers_init(&run->answers, run->answers.window);
    run->note.count = 0;
}

/* Between two questions. */
static void judge_answers(struct run *run)
{
    int64_t hold_ns =
        run->pilot->link != NULL ? run->pilot->explorer.degenerate_ms * CLOCK_NS_PER_MS : 0;

    if (run->degenerate || !answers_alarm(&run->answers, hold_ns, run->last_ns)) {
        return;
    }
    run->degenerate = true;
    report_clear(run->pilot->report);
    log_warning(run->pilot->log,
                "degenerate answers: nearly all of the last %d were \"%s\" (%.2f bits); the model "
                "may not be looking%s",
                run->answers.used, word_text(run->question, answers_favourite(&run->answers)),
                answers_recent_bits(&run->answers),
                run->question == QUESTION_PERCEPT || may_change(run)
                    ? ""
                    : ", try [question] kind = percept");
    if (may_change(run)) {
        change_question(run);
    }
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
        frame->driven = run->pilot->link != NULL;
        frame->intent =
            explorer_step(&run->explorer, &answer->decision, &frame->verdict, parsed_ns);
        if (frame->driven && !is_ended_by_watcher(run, parsed_ns)) {
            link_wish(run->pilot->link, &frame->intent.twist, frame->seq, run->asked.begun_ns,
                      parsed_ns);
            run->wished = run->asked;
        }
        answers_add(&run->answers, answer->decision.word);
        note_add(&run->note, answer->decision.word);
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
    int result = vlm_step(run->vlm, clock_now_ns(), &answer);

    if (result != VLM_ANSWERED) {
        return result;
    }
    decide(run, &answer);
    frame = run->asked.frame;
    judge_answers(run);
    result = run->halted ? 0 : ask(run);
    if (run->pilot->watcher != NULL) {
        run->pilot->watcher->decided(run->pilot->watcher->context, &frame, run->degenerate);
    }
    return report_frame(run->pilot->report, &frame) < 0 ? PILOT_NO_OUTPUT : result;
}

static int wait_ms(const struct run *run)
{
    int64_t now_ns = clock_now_ns(), wake_ns = vlm_wake_ns(run->vlm);

    if (run->pilot->camera != NULL && wake_ns > now_ns + CAMERA_LOOK_MS * CLOCK_NS_PER_MS) {
        wake_ns = now_ns + CAMERA_LOOK_MS * CLOCK_NS_PER_MS;
    }
    if (run->pilot->link != NULL && link_wake_ns(run->pilot->link) < wake_ns) {
        wake_ns = link_wake_ns(run->pilot->link);
    }
    if (run->is_ready && !vlm_is_busy(run->vlm) && run->due_ns < wake_ns) {
        wake_ns = run->due_ns;
    }
    if (wake_ns <= now_ns) {
        return 0;
    }
    int64_t ms = (wake_ns - now_ns + CLOCK_NS_PER_MS - 1) / CLOCK_NS_PER_MS;

    return ms > 1000 ? 1000 : (int)ms;
}

static int watcher_fd(const struct run *run)
{
    return run->pilot->watcher != NULL ? run->pilot->watcher->fd : -1;
}

static int sleep_until_due(struct run *run)
{
    struct pollfd pollfds[] = {
        {.fd = vlm_fd(run->vlm), .events = POLLIN},
        {.fd = run->pilot->options.stop_fd, .events = POLLIN},
        {.fd = run->pilot->link != NULL ? link_fd(run->pilot->link) : -1, .events = POLLIN},
        {.fd = run->pilot->camera != NULL ? camera_fd(run->pilot->camera) : -1, .events = POLLIN},
        {.fd = watcher_fd(run), .events = POLLIN},
    };

    if (poll(pollfds, 5, wait_ms(run)) < 0) {
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

    while (link_event(run->pilot->link, &event)) {
        if (run->pilot->watcher != NULL) {
            run->pilot->watcher->event(run->pilot->watcher->context, &event);
        }
        report_clear(run->pilot->report);
        if (event.severity == WIRE_ERROR) {
            log_error(run->pilot->log, "safety: %s", event.text);
        } else if (event.severity == WIRE_WARNING) {
            log_warning(run->pilot->log, "safety: %s", event.text);
        } else {
            log_info(run->pilot->log, "safety: %s", event.text);
        }
    }
}

/* The first verdict on a decision is made with the motor frame that it comes to. */
static void note_motor(struct run *run, const struct wire_verdict *verdict)
{
    if (run->wished.frame.seq != 0 && verdict->frame_seq == run->wished.frame.seq) {
        int64_t duration_ns = verdict->header.time_ns - run->wished.begun_ns;

        report_motor(run->pilot->report, duration_ns);
        if (run->pilot->watcher != NULL) {
            run->pilot->watcher->motor(run->pilot->watcher->context, duration_ns);
        }
        run->wished.frame.seq = 0;
    }
}

/* Is the mission still ours? 0 or PILOT_DISARMED. Between two verdicts nothing is known to be
 * lost. */
static int keep_link(struct run *run)
{
    struct link *link = run->pilot->link;
    int64_t now_ns = clock_now_ns();

    if (link == NULL) {
        return 0;
    }
    link_step(link, now_ns);
    log_events(run);
    struct wire_verdict verdict = link_verdict(link, now_ns);

    note_motor(run, &verdict);
    if (verdict.mission == run->mission) {
        run->armed_ns = now_ns;
    }
    if (verdict.header.seq == 0 && now_ns - run->armed_ns < DISARMED_NS) {
        return 0;
    }
    if (verdict.mission == run->mission) {
        return 0;
    }
    report_clear(run->pilot->report);
    log_error(run->pilot->log, "the car is not armed any more: the exploration is over");
    return PILOT_DISARMED;
}

static int wait_for_link(struct run *run, bool (*condition)(const struct run *), int64_t end_ns)
{
    while (!condition(run)) {
        struct pollfd pollfds[] = {{.fd = link_fd(run->pilot->link), .events = POLLIN},
                                   {.fd = run->pilot->options.stop_fd, .events = POLLIN},
                                   {.fd = watcher_fd(run), .events = POLLIN}};

        (void)poll(pollfds, 3, 20);
        run->stopped = pollfds[1].revents != 0;
        link_step(run->pilot->link, clock_now_ns());
        log_events(run);
        if (is_ended_by_watcher(run, clock_now_ns())) {
            return PILOT_ENDED;
        }
        if (run->stopped || clock_now_ns() > end_ns) {
            return PILOT_NO_CAR;
        }
    }
    return 0;
}

static bool hears_safety(const struct run *run)
{
    return link_is_up(run->pilot->link) &&
           link_verdict(run->pilot->link, clock_now_ns()).header.seq != 0;
}

static bool is_armed(const struct run *run)
{
    return link_verdict(run->pilot->link, clock_now_ns()).mission == run->mission;
}

/* Asks for permission again and again, each time with an id of its own: the self-test may still be
 * running, or a fault have ended just now. Ids are the wall clock's, so that each is larger than
 * any before. */
static int ask_for_permission(struct run *run)
{
    int64_t end_ns = clock_now_ns() + ARM_NS, now_ns;
    int result = PILOT_NO_CAR;

    while (result != 0 && !run->stopped && !run->halted && (now_ns = clock_now_ns()) < end_ns) {
        struct timespec wall;

        (void)clock_gettime(CLOCK_REALTIME, &wall);
        run->mission = (uint64_t)wall.tv_sec * 1000000 + (uint64_t)wall.tv_nsec / 1000;
        result = link_arm(run->pilot->link, run->mission, now_ns);
        if (result == 0 || result == -EAGAIN) {
            result = wait_for_link(run, is_armed, now_ns + ARM_AGAIN_NS);
        }
    }
    return result == 0 || result == PILOT_ENDED ? result : PILOT_NO_CAR;
}

static int arm(struct run *run)
{
    struct link *link = run->pilot->link;
    int result = wait_for_link(run, hears_safety, clock_now_ns() + CONNECT_NS);

    if (result != 0) {
        if (result == PILOT_NO_CAR) {
            log_error(run->pilot->log, "the safety process cannot be reached: %s",
                      strerror(-link_error(link)));
        }
        return result;
    }
    result = ask_for_permission(run);
    run->armed_ns = clock_now_ns();
    if (result == PILOT_NO_CAR) {
        log_error(run->pilot->log, "the safety process did not arm the car");
    } else if (result == 0 && run->pilot->watcher != NULL) {
        run->pilot->watcher->armed(run->pilot->watcher->context, run->armed_ns);
    }
    return result;
}

static int loop(struct run *run)
{
    int result = 0;

    while (result == 0 && !run->stopped) {
        result = keep_link(run);
        if (result == 0 && is_ended_by_watcher(run, clock_now_ns())) {
            result = PILOT_ENDED;
        }
        if (result == 0) {
            result = ask(run);
        }
        if (result == 0) {
            result = prepare(run);
        }
        if (run->ended && !run->is_ready && !vlm_is_busy(run->vlm)) {
            return result;
        }
        if (result == 0) {
            result = sleep_until_due(run);
        }
        if (result == 0) {
            result = answer(run);
        }
    }
    vlm_cancel(run->vlm, clock_now_ns());
    return result;
}

int pilot_run(const struct pilot *pilot)
{
    struct run run = {
        .pilot = pilot,
        .vlm = pilot->vlm,
        .question = pilot->question,
        .note = pilot->note,
    };
    int result;

    explorer_init(&run.explorer, &pilot->explorer);
    answers_init(&run.answers, (int)pilot->explorer.degenerate_answers);
    result = pilot->link != NULL ? arm(&run) : 0;
    run.picture_ns = clock_now_ns(); /* nobody looked before */
    if (result == 0) {
        result = loop(&run);
    }
    if (pilot->link != NULL) {
        link_disarm(pilot->link, clock_now_ns());
    }
    if (result != PILOT_NO_OUTPUT && result != PILOT_NO_CAR) {
        bool degenerate =
            run.degenerate ||
            (pilot->link == NULL && answers_are_degenerate(&run.answers, JUDGED_AT_THE_END));
        int written = report_summary(pilot->report, &run.answers, run.question, degenerate,
                                     run.last_ns - run.first_ns);

        result = result == 0 && written < 0 ? PILOT_NO_OUTPUT : result;
    }
    return result == 0 && run.stopped ? PILOT_STOPPED : result;
}
