/* turbonav explore, stop, status: what a person asks of the agent that serves.
 *
 * `explore` follows its mission until the end and takes Ctrl-C for a stop. On a terminal a line
 * shows how far it is; elsewhere there is only the end, or with --json every event.
 */
#include <cJSON.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/cli/command.h"
#include "agent/cli/remote.h"
#include "hal/base/exit.h"
#include "hal/base/text.h"

#define PATH_SIZE  128
#define SHOWN_SIZE 200
#define WATCH_S    1

/* What the three commands have in common, and what explore asks for. */
struct wish {
    const char *config, *url, *token_file;
    bool json, watch;
    const char *goal;
    double seconds, metres, speed_mm_s; /* 0: not asked for */
};

static int read_number(const char *option, const char *value, double min, double max,
                       double *ret_number)
{
    char shown[SHOWN_SIZE], *end;
    double number = strtod(value, &end);

    if (end == value || *end != '\0' || !(number >= min && number <= max)) {
        text_escape(value, strlen(value), shown, sizeof(shown));
        return command_usage("%s %s: expected a number from %g to %g", option, shown, min, max);
    }
    *ret_number = number;
    return 0;
}

/* One option with a value. -1: it is none of these. */
static int read_value(struct wish *wish, bool explores, const char *option, const char *value)
{
    if (strcmp(option, "--config") == 0) {
        wish->config = value;
    } else if (strcmp(option, "--url") == 0) {
        wish->url = value;
    } else if (strcmp(option, "--token-file") == 0) {
        wish->token_file = value;
    } else if (explores && strcmp(option, "--seconds") == 0) {
        return read_number(option, value, 1, 3600, &wish->seconds);
    } else if (explores && strcmp(option, "--metres") == 0) {
        return read_number(option, value, 0.1, 1000, &wish->metres);
    } else if (explores && strcmp(option, "--speed") == 0) {
        return read_number(option, value, 50, 400, &wish->speed_mm_s);
    } else {
        return -1;
    }
    return 0;
}

/* 0, COMMAND_ANSWERED or an exit code. */
static int read_wish(int argc, char **argv, struct wish *ret_wish)
{
    bool explores = strcmp(argv[0], "explore") == 0, watches = strcmp(argv[0], "status") == 0;
    struct wish wish = {0};

    for (int i = 1; i < argc; i++) {
        int result;

        if (strcmp(argv[i], "--help") == 0) {
            (void)command_help(0, NULL);
            return COMMAND_ANSWERED;
        }
        if (strcmp(argv[i], "--json") == 0) {
            wish.json = true;
        } else if (watches && strcmp(argv[i], "--watch") == 0) {
            wish.watch = true;
        } else if (explores && argv[i][0] != '-' && wish.goal == NULL) {
            wish.goal = argv[i];
        } else if (strncmp(argv[i], "--", 2) != 0 ||
                   (result = read_value(&wish, explores, argv[i],
                                        i + 1 < argc ? argv[i + 1] : "")) < 0) {
            return command_unexpected(argv[i]);
        } else if (i + 1 == argc) {
            return command_needs_value(argv[i]);
        } else if (result > 0) {
            return result;
        } else {
            i++;
        }
    }
    *ret_wish = wish;
    return 0;
}

/* Wants GET or POST of a path to be well; 0 and the answer, or an exit code. */
static int ask(struct remote *remote, const char *path, const char *body, char **ret_answer)
{
    int status, result = remote_ask(remote, path, body, &status, ret_answer);

    if (result == 0 && status >= 400) {
        remote_complain(*ret_answer);
        free(*ret_answer);
        return EXIT_NO_CAR;
    }
    return result;
}

/* --- explore --- */

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    interrupted = number;
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};

    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

struct watch {
    const struct wish *wish;
    bool live, stopping;
    cJSON *last; /* the mission, as it was told last */
};

static double number_of(const cJSON *json, const char *name)
{
    const cJSON *item = cJSON_GetObjectItem(json, name);

    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

static const char *text_of(const cJSON *json, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(json, name));

    return text != NULL ? text : "";
}

/* "forward 0.90  gate obstacle clearing". */
static void show_decision(const cJSON *decision)
{
    const cJSON *reason, *verdict = cJSON_GetObjectItem(decision, "verdict");

    (void)fprintf(stderr, "\r\033[Kdecision %.0f: %-8s %4.2f  gate %4.0f mm/s %5.0f mrad/s",
                  number_of(decision, "number"), text_of(decision, "decision"),
                  number_of(decision, "confidence"), number_of(verdict, "vx_mm_s"),
                  number_of(verdict, "wz_mrad_s"));
    cJSON_ArrayForEach(reason, cJSON_GetObjectItem(verdict, "reasons"))
    {
        (void)fprintf(stderr, " %s", cJSON_GetStringValue(reason));
    }
    (void)fflush(stderr);
}

static bool on_event(void *context, const char *kind, const char *data)
{
    struct watch *watch = context;
    cJSON *json = cJSON_Parse(data);

    if (watch->wish->json) {
        (void)printf("{\"event\":\"%s\",\"data\":%s}\n", kind, data);
        (void)fflush(stdout);
    } else if (watch->live && strcmp(kind, "decision") == 0) {
        show_decision(json);
    } else if (strcmp(kind, "safety") == 0) {
        (void)fprintf(stderr, "%ssafety: %s\n", watch->live ? "\r\033[K" : "",
                      text_of(json, "text"));
    }
    if (strcmp(kind, "state") == 0 || strcmp(kind, "ended") == 0) {
        cJSON_Delete(watch->last);
        watch->last = json;
    } else {
        cJSON_Delete(json);
    }
    return true;
}

static bool is_interrupted(void *context)
{
    const struct watch *watch = context;

    return interrupted != 0 && !watch->stopping;
}

static char *order_of(const struct wish *wish)
{
    cJSON *json = cJSON_CreateObject(), *limits = cJSON_AddObjectToObject(json, "limits");
    char *text;

    if (wish->goal != NULL) {
        cJSON_AddStringToObject(json, "goal", wish->goal);
    }
    if (wish->seconds > 0) {
        cJSON_AddNumberToObject(limits, "duration_s", wish->seconds);
    }
    if (wish->metres > 0) {
        cJSON_AddNumberToObject(limits, "distance_m", wish->metres);
    }
    if (wish->speed_mm_s > 0) {
        cJSON_AddNumberToObject(limits, "speed_mm_s", wish->speed_mm_s);
    }
    text = cJSON_PrintUnformatted(json);
    cJSON_Delete(json);
    return text;
}

static void tell_end(const struct watch *watch)
{
    const cJSON *stages = cJSON_GetObjectItem(watch->last, "stages_ms");
    const cJSON *motor = cJSON_GetObjectItem(stages, "motor"), *veto;

    if (watch->wish->json) {
        return;
    }
    (void)printf("ended by %s after %.0f s and %.1f m%s%s\n", text_of(watch->last, "reason"),
                 number_of(watch->last, "duration_s"), number_of(watch->last, "distance_m"),
                 text_of(watch->last, "detail")[0] != '\0' ? ": " : "",
                 text_of(watch->last, "detail"));
    (void)printf("decisions  %.0f, %.0f failed; picture to motor p50 %.1f, p99 %.1f ms\n",
                 number_of(watch->last, "decisions"), number_of(watch->last, "failed"),
                 number_of(motor, "p50"), number_of(motor, "p99"));
    (void)printf("gate      ");
    cJSON_ArrayForEach(veto, cJSON_GetObjectItem(watch->last, "vetoes"))
    {
        (void)printf(" %s %.0f", veto->string, veto->valuedouble);
    }
    (void)printf("\n");
}

/* 0 when the mission came to a good end. */
static int judge_end(const struct watch *watch)
{
    static const char *const good[] = {"time", "distance", "stop"};
    const char *reason = text_of(watch->last, "reason");

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        if (strcmp(reason, good[i]) == 0) {
            return 0;
        }
    }
    return EXIT_NO_CAR;
}

/* Follows it to its end; Ctrl-C on the way is a stop, and then the end is waited for. */
static int follow(struct remote *remote, struct watch *watch, const char *path)
{
    int result = remote_follow(remote, path, on_event, is_interrupted, watch);

    if (result == 0 && interrupted != 0) {
        char *answer = NULL;

        result = ask(remote, "/v1/stop", "", &answer);
        free(answer);
        watch->stopping = true;
        if (result == 0) {
            result = remote_follow(remote, path, on_event, is_interrupted, watch);
        }
    }
    if (watch->live) {
        (void)fputs("\r\033[K", stderr);
    }
    return result;
}

static int explore(struct remote *remote, const struct wish *wish)
{
    struct watch watch = {.wish = wish, .live = isatty(STDERR_FILENO) == 1 && !wish->json};
    char *order = order_of(wish), *answer = NULL, path[PATH_SIZE];
    int result = order != NULL ? ask(remote, "/v1/missions", order, &answer) : EXIT_SYSTEM;

    free(order);
    if (result != 0) {
        return result;
    }
    catch_signals();
    watch.last = cJSON_Parse(answer);
    free(answer);
    (void)snprintf(path, sizeof(path), "%s", text_of(watch.last, "events_url"));
    result = follow(remote, &watch, path);
    if (result == 0) {
        tell_end(&watch);
        result = interrupted != 0 ? 128 + interrupted : judge_end(&watch);
    }
    cJSON_Delete(watch.last);
    return result;
}

int command_explore(int argc, char **argv)
{
    struct remote *remote = NULL;
    struct wish wish;
    int result = read_wish(argc, argv, &wish);

    if (result == 0) {
        result = remote_open(wish.url, wish.token_file, wish.config, &remote);
    }
    if (result == 0) {
        result = explore(remote, &wish);
    }
    remote_close(remote);
    return result == COMMAND_ANSWERED ? 0 : result;
}

/* --- stop and status --- */

static void print_stop(const cJSON *json)
{
    (void)json;
    (void)puts("The car stops, and what it explored is over.");
}

static void print_list(const char *title, const cJSON *list)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, list)
    {
        (void)printf("%-10s %s\n", item == list->child ? title : "", cJSON_GetStringValue(item));
    }
}

static void print_status(const cJSON *json)
{
    const cJSON *safety = cJSON_GetObjectItem(json, "safety");
    const cJSON *mission = cJSON_GetObjectItem(json, "mission");

    (void)printf("%-10s %s%s\n", "state", text_of(json, "state"),
                 cJSON_IsTrue(cJSON_GetObjectItem(json, "ready")) ? ", ready" : "");
    print_list("missing", cJSON_GetObjectItem(json, "not_ready"));
    (void)printf("%-10s %s\n", "model", text_of(cJSON_GetObjectItem(json, "model"), "text"));
    (void)printf("%-10s %s\n", "camera", text_of(cJSON_GetObjectItem(json, "camera"), "text"));
    if (number_of(safety, "battery_mv") > 0) {
        (void)printf("%-10s %.2f V\n", "battery", number_of(safety, "battery_mv") / 1000);
    }
    (void)printf("%-10s front %.0f, left %.0f, rear %.0f, right %.0f mm\n", "clear",
                 number_of(safety, "clear_front_mm"), number_of(safety, "clear_left_mm"),
                 number_of(safety, "clear_rear_mm"), number_of(safety, "clear_right_mm"));
    print_list("gate", cJSON_GetObjectItem(safety, "reasons"));
    if (cJSON_IsObject(mission)) {
        (void)printf("%-10s %s%s%s, %.0f s, %.1f m, %.0f decisions\n", "mission",
                     text_of(mission, "state"), text_of(mission, "reason")[0] != '\0' ? " by " : "",
                     text_of(mission, "reason"), number_of(mission, "duration_s"),
                     number_of(mission, "distance_m"), number_of(mission, "decisions"));
    }
}

static void print_answer(const struct wish *wish, const char *answer,
                         void (*print)(const cJSON *json))
{
    cJSON *json = wish->json ? NULL : cJSON_Parse(answer);

    if (wish->json) {
        (void)puts(answer);
    } else {
        print(json);
    }
    (void)fflush(stdout);
    cJSON_Delete(json);
}

static int report(int argc, char **argv, const char *path, const char *body,
                  void (*print)(const cJSON *json))
{
    struct remote *remote = NULL;
    struct wish wish = {0};
    int result = read_wish(argc, argv, &wish);

    if (result == 0) {
        result = remote_open(wish.url, wish.token_file, wish.config, &remote);
    }
    while (result == 0) {
        char *answer = NULL;

        result = ask(remote, path, body, &answer);
        if (result == 0) {
            print_answer(&wish, answer, print);
            free(answer);
        }
        if (!wish.watch || ferror(stdout)) {
            break;
        }
        (void)sleep(WATCH_S);
        (void)fputs(wish.json || isatty(STDOUT_FILENO) != 1 ? "" : "\033[H\033[J", stdout);
    }
    remote_close(remote);
    return result == COMMAND_ANSWERED ? 0 : result;
}

int command_stop(int argc, char **argv)
{
    return report(argc, argv, "/v1/stop", "", print_stop);
}

int command_status(int argc, char **argv)
{
    return report(argc, argv, "/v1/status", NULL, print_status);
}
