/* See report.h. Numbers are kept as they come in (counts, histograms), so memory does not grow with
 * frames; both forms of output are made from the same numbers. */
#include "agent/core/report.h"

#include <cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hal/base/histogram.h"
#include "hal/base/text.h"

#define UNREADABLE_NAMES_MAX 100  /* that the JSON summary lists */
#define NAME_TEXT_SIZE       1024 /* 255 bytes, each as \\xNN */
#define MS(ns)               ((double)(ns) / 1e6)

static const char *const stage_names[STAGE_COUNT] = {
    [STAGE_READ] = "read",   [STAGE_ENCODE] = "encode",   [STAGE_LOAD] = "load",
    [STAGE_WAIT] = "wait",   [STAGE_REQUEST] = "request", [STAGE_SERVER] = "server",
    [STAGE_PARSE] = "parse", [STAGE_DECIDE] = "decide",   [STAGE_TOTAL] = "total",
    [STAGE_MOTOR] = "motor",
};

struct report {
    struct report_options options;
    bool live;
    uint64_t answered, failed, unreadable, connects;
    uint64_t faults[FAULT_COUNT];
    struct histogram stages[STAGE_COUNT];
    cJSON *unreadable_names;
    bool header_written;
    bool driven;
    uint64_t vetoes[WIRE_REASON_COUNT]; /* decisions that the reason stood against */
    uint64_t words[WORD_COUNT_MAX];
};

int report_new(const struct report_options *options, struct report **ret_report)
{
    struct report *report = calloc(1, sizeof(*report));

    if (report == NULL) {
        return -ENOMEM;
    }
    report->options = *options;
    report->live = isatty(STDERR_FILENO) == 1 && !options->quiet;
    report->unreadable_names = cJSON_CreateArray();
    for (int stage = 0; stage < STAGE_COUNT; stage++) {
        histogram_init(&report->stages[stage]);
    }
    *ret_report = report;
    return 0;
}

void report_free(struct report *report)
{
    if (report != NULL) {
        cJSON_Delete(report->unreadable_names);
        free(report);
    }
}

void report_motor(struct report *report, int64_t duration_ns)
{
    histogram_add(&report->stages[STAGE_MOTOR], duration_ns);
}

void report_clear(const struct report *report)
{
    if (report->live) {
        (void)fputs("\r\033[K", stderr);
    }
}

static void live_write(const struct report *report)
{
    if (!report->live) {
        return;
    }
    uint64_t done = report->answered + report->failed + report->unreadable;
    int64_t p50_ns = histogram_permille(&report->stages[STAGE_REQUEST], 500);

    if (report->options.expected > 0) {
        (void)fprintf(stderr, "%llu of %zu frames", (unsigned long long)done,
                      report->options.expected);
    } else {
        (void)fprintf(stderr, "%llu frames", (unsigned long long)done);
    }
    (void)fprintf(stderr, ", request p50 %.1f ms, %llu failed", MS(p50_ns),
                  (unsigned long long)report->failed);
    (void)fflush(stderr);
}

static double seconds3(double value)
{
    return (double)(int64_t)(value * 1000.0 + 0.5) / 1000.0;
}

static void print_json(cJSON *json)
{
    char *text = cJSON_PrintUnformatted(json);

    if (text != NULL) {
        (void)puts(text);
        free(text);
    }
    cJSON_Delete(json);
}

/* JSON is UTF-8; a name that is not is written with its odd bytes as \\xNN. */
static void printable(const char *name, char ret_text[static NAME_TEXT_SIZE])
{
    text_escape(name, strlen(name), ret_text, NAME_TEXT_SIZE);
}

static bool is_utf8(const char *text)
{
    for (size_t left = strlen(text); left > 0;) {
        size_t step = (unsigned char)*text < 0x80 ? 1 : text_step(text, left);

        if (step == 0) {
            return false;
        }
        text += step;
        left -= step;
    }
    return true;
}

static void add_name(cJSON *json, const char *key, const char *name)
{
    char text[NAME_TEXT_SIZE];

    if (is_utf8(name)) {
        cJSON_AddStringToObject(json, key, name);
    } else {
        printable(name, text);
        cJSON_AddStringToObject(json, key, text);
    }
}

static void verdict_json(cJSON *json, const struct wire_verdict *verdict)
{
    cJSON *entry = cJSON_AddObjectToObject(json, "verdict"), *reasons;

    cJSON_AddNumberToObject(entry, "vx_mm_s", verdict->given.vx_mm_s);
    cJSON_AddNumberToObject(entry, "vy_mm_s", verdict->given.vy_mm_s);
    cJSON_AddNumberToObject(entry, "wz_mrad_s", verdict->given.wz_mrad_s);
    cJSON_AddNumberToObject(entry, "clear_front_mm", verdict->clear_front_mm);
    reasons = cJSON_AddArrayToObject(entry, "reasons");
    for (int bit = 0; bit < WIRE_REASON_COUNT; bit++) {
        if ((verdict->reasons >> bit & 1) != 0) {
            cJSON_AddItemToArray(
                reasons, cJSON_CreateString(wire_reason_name((enum wire_reason)(1u << bit))));
        }
    }
}

const char *report_stage_name(enum stage stage)
{
    return stage_names[stage];
}

/* Of each word; none where the server told none. */
static void probabilities_json(cJSON *json, const struct decision *decision)
{
    cJSON *entry = cJSON_AddObjectToObject(json, "probabilities");

    for (int word = 0; word < word_count(decision->question) &&
                       decision->confidence_permille != WORD_CONFIDENCE_UNKNOWN;
         word++) {
        cJSON_AddNumberToObject(entry, word_text(decision->question, word),
                                decision->word_permille[word] / 1000.0);
    }
}

char *report_frame_json(const struct report_frame *frame)
{
    char *text;
    cJSON *json = cJSON_CreateObject(), *intent, *stages;
    const struct twist *twist = &frame->intent.twist;

    cJSON_AddNumberToObject(json, "seq", (double)frame->seq);
    add_name(json, "file", frame->name);
    if (frame->fault == FAULT_NONE) {
        cJSON_AddStringToObject(json, "decision",
                                word_text(frame->decision.question, frame->decision.word));
    } else {
        cJSON_AddNullToObject(json, "decision");
    }
    if (frame->fault == FAULT_NONE &&
        frame->decision.confidence_permille != WORD_CONFIDENCE_UNKNOWN) {
        cJSON_AddNumberToObject(json, "confidence", frame->decision.confidence_permille / 1000.0);
    } else {
        cJSON_AddNullToObject(json, "confidence");
    }
    if (frame->fault == FAULT_NONE) {
        probabilities_json(json, &frame->decision);
    }
    intent = cJSON_AddObjectToObject(json, "intent");
    cJSON_AddNumberToObject(intent, "vx_mm_s", twist->vx_mm_s);
    cJSON_AddNumberToObject(intent, "vy_mm_s", twist->vy_mm_s);
    cJSON_AddNumberToObject(intent, "wz_mrad_s", twist->wz_mrad_s);
    if (frame->fault == FAULT_NONE) {
        cJSON_AddStringToObject(intent, "reason", explorer_reason_name(frame->intent.reason));
    } else {
        cJSON_AddStringToObject(intent, "reason", "failed");
        cJSON_AddStringToObject(json, "error", fault_name(frame->fault));
        cJSON_AddStringToObject(json, "detail", frame->detail);
    }
    if (frame->driven) {
        verdict_json(json, &frame->verdict);
    }
    stages = cJSON_AddObjectToObject(json, "stages_ms");
    for (int stage = 0; stage < STAGE_COUNT; stage++) {
        if (frame->stage_ns[stage] >= 0) {
            cJSON_AddNumberToObject(stages, stage_names[stage],
                                    seconds3(MS(frame->stage_ns[stage])));
        }
    }
    text = cJSON_PrintUnformatted(json);
    cJSON_Delete(json);
    return text;
}

static void frame_json(const struct report_frame *frame)
{
    char *text = report_frame_json(frame);

    if (text != NULL) {
        (void)puts(text);
        free(text);
    }
}

static void header_text(struct report *report)
{
    if (!report->header_written) {
        (void)printf("%6s  %-20s %-9s %5s  %5s %5s %6s  %6s %6s %6s %7s %7s %7s\n", "frame", "file",
                     "decision", "conf", "vx", "vy", "wz", "read", "encode", "wait", "request",
                     "server", "total");
        (void)printf("%6s  %-20s %-9s %5s  %5s %5s %6s  %6s %6s %6s %7s %7s %7s\n", "", "", "", "",
                     "mm/s", "mm/s", "mrad/s", "ms", "ms", "ms", "ms", "ms", "ms");
        report->header_written = true;
    }
}

static void stage_text(const struct report_frame *frame, enum stage stage, int width)
{
    if (frame->stage_ns[stage] < 0) {
        (void)printf(" %*s", width, "-");
    } else {
        (void)printf(" %*.2f", width, MS(frame->stage_ns[stage]));
    }
}

static void confidence_text(const struct report_frame *frame)
{
    if (frame->decision.confidence_permille == WORD_CONFIDENCE_UNKNOWN) {
        (void)printf(" %5s", "-");
    } else {
        (void)printf(" %5.2f", frame->decision.confidence_permille / 1000.0);
    }
}

/* "  gate 0 mm/s: obstacle": what the safety process lets pass of the intent before this one. */
static void verdict_text(const struct wire_verdict *verdict)
{
    const char *between = ": ";

    (void)printf("  gate %d mm/s %d mrad/s", verdict->given.vx_mm_s, verdict->given.wz_mrad_s);
    for (int bit = 0; bit < WIRE_REASON_COUNT; bit++) {
        if ((verdict->reasons >> bit & 1) != 0) {
            (void)printf("%s%s", between, wire_reason_name((enum wire_reason)(1u << bit)));
            between = " ";
        }
    }
}

static void frame_text(struct report *report, const struct report_frame *frame)
{
    const struct twist *twist = &frame->intent.twist;
    char name[NAME_TEXT_SIZE];

    header_text(report);
    printable(frame->name, name);
    (void)printf("%6llu  %-20s ", (unsigned long long)frame->seq, name);
    if (frame->fault != FAULT_NONE) {
        (void)printf("no decision: %s%s%s\n", fault_text(frame->fault),
                     frame->detail[0] != '\0' ? ": " : "", frame->detail);
        return;
    }
    (void)printf("%-9s", word_text(frame->decision.question, frame->decision.word));
    confidence_text(frame);
    (void)printf("  %5d %5d %6d ", twist->vx_mm_s, twist->vy_mm_s, twist->wz_mrad_s);
    stage_text(frame, STAGE_READ, 6);
    stage_text(frame, STAGE_ENCODE, 6);
    stage_text(frame, STAGE_WAIT, 6);
    stage_text(frame, STAGE_REQUEST, 7);
    stage_text(frame, STAGE_SERVER, 7);
    stage_text(frame, STAGE_TOTAL, 7);
    if (frame->intent.reason != EXPLORER_DRIVES) {
        (void)printf("  %s", explorer_reason_name(frame->intent.reason));
    }
    if (frame->driven) {
        verdict_text(&frame->verdict);
    }
    (void)putchar('\n');
}

static void frame_count(struct report *report, const struct report_frame *frame)
{
    report->faults[frame->fault]++;
    report->connects += frame->connected;
    if (frame->fault == FAULT_NONE) {
        report->answered++;
    } else {
        report->failed++;
    }
    report->driven |= frame->driven;
    for (int bit = 0; frame->driven && bit < WIRE_REASON_COUNT; bit++) {
        report->vetoes[bit] += frame->verdict.reasons >> bit & 1;
    }
    for (int stage = 0; stage < STAGE_COUNT; stage++) {
        /* How long it took to fail says nothing of how long an answer takes. */
        bool counts = frame->fault == FAULT_NONE || stage < STAGE_REQUEST;

        if (counts && frame->stage_ns[stage] >= 0) {
            histogram_add(&report->stages[stage], frame->stage_ns[stage]);
        }
    }
}

int report_frame(struct report *report, const struct report_frame *frame)
{
    frame_count(report, frame);
    if (report->options.quiet) {
        return 0;
    }
    report_clear(report);
    if (report->options.json) {
        frame_json(frame);
    } else {
        frame_text(report, frame);
    }
    /* Each line at once: who reads the pipe wants to see the frame now, and the car may be killed.
     */
    if (fflush(stdout) != 0) {
        return -EIO;
    }
    live_write(report);
    return 0;
}

void report_unreadable(struct report *report, const char *name, const char *why)
{
    char text[NAME_TEXT_SIZE];

    report->unreadable++;
    if (cJSON_GetArraySize(report->unreadable_names) < UNREADABLE_NAMES_MAX) {
        cJSON *entry = cJSON_CreateObject();

        add_name(entry, "file", name);
        cJSON_AddItemToArray(report->unreadable_names, cJSON_DetachItemFromObject(entry, "file"));
        cJSON_Delete(entry);
    }
    report_clear(report);
    (void)fflush(stdout);
    printable(name, text);
    (void)fprintf(stderr, "turbonav-agent: skipped: %s: %s\n", text, why);
    live_write(report);
}

static double rate_hz(const struct report *report, int64_t elapsed_ns)
{
    uint64_t frames = report->answered + report->failed;

    return elapsed_ns > 0 ? (double)frames * 1e9 / (double)elapsed_ns : 0;
}

static void vetoes_json(const struct report *report, cJSON *vetoes)
{
    for (int bit = 0; bit < WIRE_REASON_COUNT; bit++) {
        if (report->vetoes[bit] > 0) {
            cJSON_AddNumberToObject(vetoes, wire_reason_name((enum wire_reason)(1u << bit)),
                                    (double)report->vetoes[bit]);
        }
    }
}

static void summary_vetoes(const struct report *report)
{
    if (!report->driven) {
        return;
    }
    (void)printf("vetoes     ");
    for (int bit = 0; bit < WIRE_REASON_COUNT; bit++) {
        if (report->vetoes[bit] > 0) {
            (void)printf(" %s %llu ", wire_reason_name((enum wire_reason)(1u << bit)),
                         (unsigned long long)report->vetoes[bit]);
        }
    }
    (void)printf(" (decisions that it stood against)\n");
}

static void summary_json(struct report *report, const struct answers *answers,
                         enum question question, bool degenerate, int64_t elapsed_ns)
{
    cJSON *line = cJSON_CreateObject(), *json = cJSON_AddObjectToObject(line, "summary");
    cJSON *decisions, *stages, *errors;

    cJSON_AddNumberToObject(json, "frames", (double)(report->answered + report->failed));
    cJSON_AddNumberToObject(json, "answered", (double)report->answered);
    cJSON_AddNumberToObject(json, "failed", (double)report->failed);
    cJSON_AddNumberToObject(json, "unreadable", (double)report->unreadable);
    cJSON_AddItemToObject(json, "unreadable_files", report->unreadable_names);
    report->unreadable_names = NULL;
    cJSON_AddNumberToObject(json, "seconds", seconds3((double)elapsed_ns / 1e9));
    cJSON_AddNumberToObject(json, "rate_hz", seconds3(rate_hz(report, elapsed_ns)));
    decisions = cJSON_AddObjectToObject(json, "decisions");
    for (int word = 0; word < word_count(question); word++) {
        cJSON_AddNumberToObject(decisions, word_text(question, word), (double)answers->total[word]);
    }
    cJSON_AddNumberToObject(json, "entropy_bits", seconds3(answers_total_bits(answers)));
    cJSON_AddBoolToObject(json, "degenerate", degenerate);
    stages = cJSON_AddObjectToObject(json, "stages_ms");
    for (int stage = 0; stage < STAGE_COUNT; stage++) {
        const struct histogram *histogram = &report->stages[stage];

        if (histogram->count > 0) {
            cJSON *entry = cJSON_AddObjectToObject(stages, stage_names[stage]);

            cJSON_AddNumberToObject(entry, "p50", seconds3(MS(histogram_permille(histogram, 500))));
            cJSON_AddNumberToObject(entry, "p95", seconds3(MS(histogram_permille(histogram, 950))));
            cJSON_AddNumberToObject(entry, "p99", seconds3(MS(histogram_permille(histogram, 990))));
            cJSON_AddNumberToObject(entry, "max", seconds3(MS(histogram->max_ns)));
        }
    }
    cJSON_AddNumberToObject(json, "late_connects", (double)report->connects);
    if (report->driven) {
        vetoes_json(report, cJSON_AddObjectToObject(json, "vetoes"));
    }
    errors = cJSON_AddObjectToObject(json, "errors");
    for (int fault = FAULT_NONE + 1; fault < FAULT_COUNT; fault++) {
        if (report->faults[fault] > 0) {
            cJSON_AddNumberToObject(errors, fault_name((enum fault)fault),
                                    (double)report->faults[fault]);
        }
    }
    print_json(line);
}

static void summary_decisions(const struct answers *answers, enum question question)
{
    (void)printf("decisions  ");
    for (int word = 0; word < word_count(question); word++) {
        (void)printf(" %s %llu ", word_text(question, word),
                     (unsigned long long)answers->total[word]);
    }
    (void)printf(" (entropy %.2f bits)\n", answers_total_bits(answers));
}

static void summary_stages(const struct report *report)
{
    (void)printf("stages      %9s %9s %9s %9s  ms\n", "p50", "p95", "p99", "max");
    for (int stage = 0; stage < STAGE_COUNT; stage++) {
        const struct histogram *histogram = &report->stages[stage];

        if (histogram->count > 0) {
            (void)printf("  %-9s %9.2f %9.2f %9.2f %9.2f\n", stage_names[stage],
                         MS(histogram_permille(histogram, 500)),
                         MS(histogram_permille(histogram, 950)),
                         MS(histogram_permille(histogram, 990)), MS(histogram->max_ns));
        }
    }
}

static void summary_errors(const struct report *report)
{
    (void)printf("errors     ");
    if (report->failed == 0) {
        (void)printf(" none");
    }
    for (int fault = FAULT_NONE + 1; fault < FAULT_COUNT; fault++) {
        if (report->faults[fault] > 0) {
            (void)printf(" %s %llu ", fault_name((enum fault)fault),
                         (unsigned long long)report->faults[fault]);
        }
    }
    (void)printf("\n");
    if (report->connects > 0) {
        (void)printf("connects    %llu questions had to wait for a new connection\n",
                     (unsigned long long)report->connects);
    }
    if (report->unreadable > 0) {
        (void)printf("unreadable  %llu skipped\n", (unsigned long long)report->unreadable);
    }
}

static void summary_text(const struct report *report, const struct answers *answers,
                         enum question question, bool degenerate, int64_t elapsed_ns)
{
    (void)printf("\n%llu frames in %.2f s: %.1f Hz\n",
                 (unsigned long long)(report->answered + report->failed), (double)elapsed_ns / 1e9,
                 rate_hz(report, elapsed_ns));
    summary_decisions(answers, question);
    summary_vetoes(report);
    if (degenerate) {
        (void)printf("warning     degenerate answers: nearly always \"%s\"; the model may not be "
                     "looking\n",
                     word_text(question, answers_favourite(answers)));
    }
    summary_stages(report);
    summary_errors(report);
}

int report_summary(struct report *report, const struct answers *answers, enum question question,
                   bool degenerate, int64_t elapsed_ns)
{
    if (report->options.quiet) {
        return 0;
    }
    report_clear(report);
    if (report->options.json) {
        summary_json(report, answers, question, degenerate, elapsed_ns);
    } else {
        summary_text(report, answers, question, degenerate, elapsed_ns);
    }
    return fflush(stdout) != 0 || ferror(stdout) ? -EIO : 0;
}

uint64_t report_unreadable_count(const struct report *report)
{
    return report->unreadable;
}

uint64_t report_answered_count(const struct report *report)
{
    return report->answered;
}

uint64_t report_failed_count(const struct report *report)
{
    return report->failed;
}
