/* See metrics.h. */
#include "agent/http/metrics.h"

#include <stdio.h>
#include <stdlib.h>

#include "vlm/word.h"

#define SECONDS(ns) ((double)(ns) / 1e9)

static void head(FILE *file, const char *name, const char *type, const char *help)
{
    (void)fprintf(file, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void gauge(FILE *file, const char *name, const char *help, double value)
{
    head(file, name, "gauge", help);
    (void)fprintf(file, "%s %.10g\n", name, value);
}

static void counter(FILE *file, const char *name, const char *help, double value)
{
    head(file, name, "counter", help);
    (void)fprintf(file, "%s %.15g\n", name, value);
}

static void decisions(FILE *file, const struct view *view)
{
    head(file, "nav_decisions_total", "counter", "Answers of the model, by word.");
    for (int question = QUESTION_ACTION; question <= QUESTION_PERCEPT; question++) {
        for (int word = 0; word < word_count((enum question)question); word++) {
            (void)fprintf(file, "nav_decisions_total{question=\"%s\",word=\"%s\"} %llu\n",
                          question == QUESTION_ACTION ? "action" : "percept",
                          word_text((enum question)question, word),
                          (unsigned long long)view->words[question][word]);
        }
    }
    head(file, "nav_questions_failed_total", "counter", "Questions without an answer, by fault.");
    for (int fault = FAULT_NONE + 1; fault < FAULT_COUNT; fault++) {
        (void)fprintf(file, "nav_questions_failed_total{fault=\"%s\"} %llu\n",
                      fault_name((enum fault)fault), (unsigned long long)view->faults[fault]);
    }
}

static void stages(FILE *file, const struct view *view)
{
    static const int permilles[] = {500, 950, 990};

    head(file, "nav_stage_seconds", "summary",
         "Where the time of a decision goes, since the start.");
    for (int stage = 0; stage < STAGE_COUNT; stage++) {
        const struct histogram *histogram = &view->stages[stage];
        const char *name = report_stage_name((enum stage)stage);

        for (int i = 0; i < 3; i++) {
            (void)fprintf(file, "nav_stage_seconds{stage=\"%s\",quantile=\"%.2f\"} %.6f\n", name,
                          permilles[i] / 1000.0,
                          SECONDS(histogram_permille(histogram, permilles[i])));
        }
        (void)fprintf(file, "nav_stage_seconds_count{stage=\"%s\"} %llu\n", name,
                      (unsigned long long)histogram->count);
    }
}

static void safety(FILE *file, const struct view *view)
{
    const struct wire_verdict *verdict = &view->status.verdict;

    head(file, "nav_vetoes_total", "counter", "Decisions that a reason stood against.");
    for (int bit = 0; bit < WIRE_REASON_COUNT; bit++) {
        (void)fprintf(file, "nav_vetoes_total{reason=\"%s\"} %llu\n",
                      wire_reason_name((enum wire_reason)(1u << bit)),
                      (unsigned long long)view->vetoes[bit]);
    }
    gauge(file, "nav_armed", "Whether the car may move.", verdict->mission != 0);
    gauge(file, "nav_estop_latched", "Whether the emergency stop is latched.",
          (verdict->reasons & (uint32_t)REASON_ESTOP) != 0);
    if (verdict->battery_mv >= 0) {
        gauge(file, "nav_battery_volts", "Of the battery.", verdict->battery_mv / 1000.0);
    }
    counter(file, "nav_safety_ticks_total", "Of the safety process.", (double)verdict->tick);
    counter(file, "nav_safety_overruns_total", "Ticks that were late.", verdict->overruns);
}

char *metrics_text(const struct api *api, int64_t now_ns)
{
    const struct view *view = api->view;
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);

    if (file == NULL) {
        return NULL;
    }
    head(file, "nav_build_info", "gauge", "The version that runs.");
    (void)fprintf(file, "nav_build_info{version=\"%s\"} 1\n", TURBONAV_VERSION);
    decisions(file, view);
    stages(file, view);
    gauge(file, "nav_safety_up", "Whether the safety process is heard.",
          view_is_fresh(view, now_ns) && view->status.safety);
    gauge(file, "nav_model_up", "Whether a model was found.", view->status.model);
    gauge(file, "nav_camera_up", "Whether there are pictures.", view->status.camera);
    safety(file, view);
    head(file, "nav_missions_ended_total", "counter", "Missions, by why they ended.");
    for (int end = MISSION_GOES_ON + 1; end < MISSION_END_COUNT; end++) {
        (void)fprintf(file, "nav_missions_ended_total{reason=\"%s\"} %llu\n",
                      mission_end_name((enum mission_end)end), (unsigned long long)view->ends[end]);
    }
    counter(file, "nav_http_requests_total", "Requests that were answered.", (double)api->requests);
    counter(file, "nav_http_refused_total", "Of these with 4xx or 5xx.", (double)api->refused);
    counter(file, "nav_records_dropped_total",
            "Between the loop and this server: nobody took them.", (double)hub_dropped(api->hub));
    return fclose(file) == 0 ? text : NULL;
}
