/* turbonav-agent: looks, asks a model, decides.
 *
 * The program's edge: command line, configuration, choice of the endpoint, signals, exit codes.
 * Everything is built here and passed down. Nothing is asked before configuration, prompt and
 * frames are known to be good, so that a mistake in them costs one line and nothing else.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/arguments.h"
#include "agent/core/pilot.h"
#include "agent/core/prompt.h"
#include "agent/core/service.h"
#include "agent/endpoint.h"
#include "agent/http/server.h"
#include "config/config.h"
#include "config/list.h"
#include "hal/base/clock.h"
#include "hal/base/exit.h"
#include "safety/safety_options.h"

#define OWN_ENDPOINT "cli" /* name of the one that --vlm makes */

/* What the configuration says, as far as this program uses it. */
struct setup {
    struct question_options question;
    struct picture_options picture;
    struct explorer_options explorer;
    struct vlm_endpoint_options endpoints[VLM_ENDPOINTS_MAX];
    char names[VLM_ENDPOINTS_MAX][64];
    size_t endpoint_count;
    struct safety_options safety;
    struct camera_options camera;
    struct http_options http;
    char *prompts[2]; /* by enum question; NULL: not asked */
};

static int system_failed(struct log *log, const char *what, int error)
{
    log_error(log, "%s: %s", what, strerror(error < 0 ? -error : error));
    return EXIT_SYSTEM;
}

/* The configuration, whole and judged. 0 or an exit code. */
static int setup_load(struct setup *setup, const struct arguments *arguments,
                      const char *const *assignments, struct log *log)
{
    struct config *config;
    int result = config_new(config_list, config_list_count, &config);

    if (result < 0) {
        return system_failed(log, "configuration", result);
    }
    result = config_load(config, arguments->config, environ, assignments);
    if (result == CONFIG_REFUSED) {
        log_error(log, "%s", config_error(config));
    } else if (result < 0) {
        (void)system_failed(log, "configuration", result);
    } else {
        config_get(config, &question_table, 0, &setup->question);
        config_get(config, &picture_table, 0, &setup->picture);
        config_get(config, &explorer_table, 0, &setup->explorer);
        config_get(config, &safety_table, 0, &setup->safety);
        config_get(config, &camera_table, 0, &setup->camera);
        config_get(config, &http_table, 0, &setup->http);
        setup->endpoint_count = config_count(config, &vlm_endpoint_table);
        for (size_t i = 0; i < setup->endpoint_count; i++) {
            config_get(config, &vlm_endpoint_table, i, &setup->endpoints[i]);
            (void)snprintf(setup->names[i], sizeof(setup->names[i]), "%s",
                           config_name(config, &vlm_endpoint_table, i));
        }
    }
    config_free(config);
    return result == 0 ? 0 : result == CONFIG_REFUSED ? EXIT_BAD_CONFIG : EXIT_SYSTEM;
}

static void keep_own_endpoint(struct setup *setup)
{
    for (size_t i = 0; i < setup->endpoint_count; i++) {
        if (strcmp(setup->names[i], OWN_ENDPOINT) == 0) {
            setup->endpoints[0] = setup->endpoints[i];
            memcpy(setup->names[0], OWN_ENDPOINT, sizeof(OWN_ENDPOINT));
            setup->endpoint_count = 1;
        }
    }
}

/* --vlm is an endpoint of its own, without anything of the configured ones, and the only one. */
static int configure(struct setup *setup, const struct arguments *arguments, struct log *log)
{
    const char *assignments[ARGUMENTS_ASSIGNMENTS_MAX + 2];
    char *url = NULL;
    int count = 0, result;

    if (arguments->vlm != NULL) {
        if (asprintf(&url, "vlm." OWN_ENDPOINT ".url=%s", arguments->vlm) < 0) {
            return system_failed(log, "configuration", ENOMEM);
        }
        assignments[count++] = url;
    }
    for (int i = 0; arguments->assignments[i] != NULL; i++) {
        assignments[count++] = arguments->assignments[i];
    }
    assignments[count] = NULL;
    result = setup_load(setup, arguments, assignments, log);
    free(url);
    if (result == 0 && arguments->vlm != NULL) {
        keep_own_endpoint(setup);
    }
    if (result == 0 && setup->endpoint_count == 0) {
        log_error(log, "no model server is configured: expected a section [vlm \"name\"] with a "
                       "url, NAV_VLLM_URL or --vlm URL");
        return EXIT_BAD_CONFIG;
    }
    return result;
}

static int load_prompt(struct setup *setup, enum question kind, struct log *log)
{
    bool action = kind == QUESTION_ACTION;
    const char *path = action ? setup->question.action_prompt : setup->question.percept_prompt;
    char error[SETTING_STRING_SIZE + 100];
    int result = prompt_read(path, &setup->prompts[kind], error, sizeof(error));

    if (result == PROMPT_REFUSED) {
        log_error(log, "[question] %s: %s", action ? "action_prompt" : "percept_prompt", error);
        return EXIT_BAD_CONFIG;
    }
    return result < 0 ? system_failed(log, "prompt", result) : 0;
}

static bool may_change(const struct setup *setup)
{
    return setup->question.kind == QUESTION_ACTION &&
           setup->question.on_degenerate == QUESTION_CHANGE_TO_PERCEPT;
}

static int load_prompts(struct setup *setup, struct log *log)
{
    int result = load_prompt(setup, (enum question)setup->question.kind, log);

    return result == 0 && may_change(setup) ? load_prompt(setup, QUESTION_PERCEPT, log) : result;
}

static struct endpoint_list list_endpoints(const struct setup *setup, bool has_task)
{
    return (struct endpoint_list){
        .options = setup->endpoints,
        .names = (char(*)[64])setup->names,
        .count = setup->endpoint_count,
        .question = &setup->question,
        .picture = &setup->picture,
        .prompts = setup->prompts,
        .kind = (enum question)setup->question.kind,
        .may_change = may_change(setup),
        .has_note = has_task || setup->question.tell_clearances || setup->question.tell_decisions,
    };
}

/* 0 or an exit code. */
static int choose_endpoint(const struct setup *setup, struct pilot *pilot)
{
    struct endpoint_list list = list_endpoints(setup, false);
    struct endpoint endpoint;
    int result = endpoint_choose(&list, pilot->log, NULL, &endpoint);

    if (result < 0) {
        return system_failed(pilot->log, "vlm", result);
    }
    if (result > 0) {
        log_error(pilot->log, "no model server can be used");
        return EXIT_NO_ENDPOINT;
    }
    pilot->vlm = endpoint.vlm;
    pilot->percept = endpoint.percept;
    return 0;
}

/* The write end of the pipe that a signal fills. A handler needs a place that it can reach; this is
 * the only mutable global of the program. */
static int signal_pipe = -1;

static void on_signal(int number)
{
    unsigned char byte = (unsigned char)number;
    int error = errno;
    ssize_t size = write(signal_pipe, &byte, 1);

    (void)size; /* full: a signal is waiting already */
    errno = error;
}

/* SIGINT and SIGTERM end the run through a descriptor. They are caught rather than blocked, and
 * without SA_RESTART, so that they also end a write to a pipe whose reader stands still. 0 or
 * -errno.
 */
static int open_signals(int *ret_fd)
{
    struct sigaction action = {.sa_handler = on_signal};
    int ends[2];

    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
        return -errno;
    }
    signal_pipe = ends[1];
    *ret_fd = ends[0];
    if (sigaction(SIGINT, &action, NULL) < 0 || sigaction(SIGTERM, &action, NULL) < 0) {
        return -errno;
    }
    return 0;
}

/* 0: no signal came. */
static int exit_after_signal(int stop_fd)
{
    unsigned char number;

    return read(stop_fd, &number, 1) == 1 ? 128 + number : 0;
}

static int exit_after_run(const struct pilot *pilot, int result)
{
    int code = exit_after_signal(pilot->options.stop_fd);

    if (code != 0) {
        return code;
    }
    if (result == PILOT_NO_CAR || result == PILOT_DISARMED) {
        return EXIT_NO_CAR;
    }
    if (result == PILOT_NO_OUTPUT) {
        log_error(pilot->log, "standard output failed");
        return EXIT_OUTPUT;
    }
    if (result < 0) {
        return system_failed(pilot->log, "run", result);
    }
    if (report_answered_count(pilot->report) == 0 && report_failed_count(pilot->report) > 0) {
        log_error(pilot->log, "no question was answered");
        return EXIT_NO_ENDPOINT;
    }
    return report_unreadable_count(pilot->report) > 0 ? EXIT_BAD_INPUT : 0;
}

static int open_frames(const struct arguments *arguments, struct log *log,
                       struct folder **ret_folder)
{
    int result = folder_open(arguments->frames, ret_folder);

    if (result == -ENODATA) {
        log_error(log, "%s: no JPEG file in this folder: expected names that end in .jpg or .jpeg",
                  arguments->frames);
    } else if (result < 0) {
        log_error(log, "%s: %s", arguments->frames, strerror(-result));
    }
    return result < 0 ? EXIT_BAD_INPUT : 0;
}

static int open_camera(const struct setup *setup, struct log *log, struct camera **ret_camera)
{
    int result = camera_open(&setup->camera, ret_camera);

    if (result == -ENODEV) {
        log_error(log, "there are no pictures: expected --frames PATH, or a [camera] driver");
        return EXIT_BAD_CONFIG;
    }
    if (result == -ENOSYS) {
        log_error(log, "[camera] driver is libcamera, but this turbonav was built without it: "
                       "expected --frames PATH, or another driver");
        return EXIT_BAD_CONFIG;
    }
    return result < 0 ? system_failed(log, "camera", result) : 0;
}

static int open_link(const struct setup *setup, struct log *log, struct link **ret_link)
{
    int result = link_new(setup->safety.socket, ret_link);

    return result < 0 ? system_failed(log, setup->safety.socket, result) : 0;
}

static size_t expected_frames(const struct arguments *arguments, const struct folder *folder)
{
    size_t count = arguments->loop || folder == NULL ? 0 : folder_count(folder);

    if (arguments->limit > 0 && (count == 0 || arguments->limit < count)) {
        count = arguments->limit;
    }
    return count;
}

static int run(struct pilot *pilot, const struct arguments *arguments, const struct setup *setup)
{
    struct report_options options = {
        .json = arguments->json,
        .expected = expected_frames(arguments, pilot->folder),
    };
    int result = jpeg_new((int)setup->picture.width_px, (int)setup->picture.height_px,
                          (int)setup->picture.quality, &pilot->jpeg);

    if (result == 0) {
        result = report_new(&options, &pilot->report);
    }
    if (result == 0) {
        result = open_signals(&pilot->options.stop_fd);
    }
    if (result < 0) {
        return system_failed(pilot->log, "start", result);
    }
    result = exit_after_run(pilot, pilot_run(pilot));
    (void)close(pilot->options.stop_fd);
    return result;
}

static struct pilot pilot_make(const struct arguments *arguments, const struct setup *setup,
                               struct log *log)
{
    return (struct pilot){
        .options = {.period_ns = arguments->period_ns,
                    .limit = arguments->limit,
                    .loop = arguments->loop},
        .explorer = setup->explorer,
        .question = (enum question)setup->question.kind,
        .note = {.clearances = setup->question.tell_clearances,
                 .decisions = setup->question.tell_decisions},
        .log = log,
    };
}

static int drive(const struct arguments *arguments, const struct setup *setup, struct log *log)
{
    struct pilot pilot = pilot_make(arguments, setup, log);
    int result = arguments->frames != NULL ? open_frames(arguments, log, &pilot.folder)
                                           : open_camera(setup, log, &pilot.camera);

    if (result == 0) {
        result = choose_endpoint(setup, &pilot);
    }
    if (result == 0 && arguments->explore) {
        result = open_link(setup, log, &pilot.link);
    }
    if (result == 0) {
        result = run(&pilot, arguments, setup);
    }
    link_free(pilot.link);
    report_free(pilot.report);
    vlm_free(pilot.percept);
    vlm_free(pilot.vlm);
    jpeg_free(pilot.jpeg);
    camera_close(pilot.camera);
    folder_close(pilot.folder);
    return result;
}

/* What the finder's thread works with: nothing of the loop's. */
struct search {
    struct endpoint_list list;
    struct log log;
    char told[ENDPOINT_TEXT_SIZE];
};

static void find_model(void *context, struct finder_result *ret_result)
{
    struct search *search = context;
    struct endpoint endpoint = {0};
    int result = endpoint_choose(&search->list, &search->log, search->told, &endpoint);

    *ret_result = (struct finder_result){.vlm = endpoint.vlm, .percept = endpoint.percept};
    (void)snprintf(ret_result->text, sizeof(ret_result->text), "%s",
                   result < 0 ? strerror(-result) : endpoint.text);
    (void)snprintf(search->told, sizeof(search->told), "%s", ret_result->text);
}

/* 0 or an exit code. */
static int open_server(const struct setup *setup, struct service *service,
                       struct server **ret_server)
{
    struct log *log = service->pilot.log;
    char why[SERVER_WHY_SIZE];
    int result = hub_new(&service->hub);

    if (result == 0) {
        result = server_new(&setup->http, service->hub, ret_server, why);
    }
    if (result == SERVER_REFUSED) {
        log_error(log, "%s", why);
        return EXIT_BAD_CONFIG;
    }
    if (result < 0) {
        return system_failed(log, "HTTP server", result);
    }
    log_info(log, "listening on %s", server_url(*ret_server));
    return 0;
}

/* Until a signal comes. 0 or an exit code. */
static int run_service(struct service *service, struct search *search, const struct setup *setup)
{
    struct pilot *pilot = &service->pilot;
    int result = jpeg_new((int)setup->picture.width_px, (int)setup->picture.height_px,
                          (int)setup->picture.quality, &pilot->jpeg);

    if (result == 0) {
        result = open_signals(&pilot->options.stop_fd);
    }
    if (result == 0) {
        result = finder_new(find_model, search, &service->finder);
    }
    if (result == 0) {
        result = service_run(service);
    }
    return result < 0 ? system_failed(pilot->log, "service", result)
                      : exit_after_signal(pilot->options.stop_fd);
}

/* The server is there before anything else, and tells what is still missing. */
static int serve(const struct arguments *arguments, struct setup *setup, struct log *log)
{
    static struct search search; /* outlives a finder that is left behind */
    struct service service = {.pilot = pilot_make(arguments, setup, log)};
    struct server *server = NULL;
    int result = arguments->frames != NULL ? open_frames(arguments, log, &service.pilot.folder)
                                           : open_camera(setup, log, &service.pilot.camera);

    service.pilot.options.loop = true;
    search.list = list_endpoints(setup, true);
    log_init(&search.log, ARGUMENTS_PROGRAM);
    if (result == 0) {
        result = open_link(setup, log, &service.pilot.link);
    }
    if (result == 0) {
        result = open_server(setup, &service, &server);
    }
    if (result == 0) {
        result = run_service(&service, &search, setup);
    }
    if (!finder_free(service.finder)) {
        memset(setup->prompts, 0, sizeof(setup->prompts)); /* it may still read them */
    }
    server_free(server);
    hub_free(service.hub);
    link_free(service.pilot.link);
    jpeg_free(service.pilot.jpeg);
    camera_close(service.pilot.camera);
    folder_close(service.pilot.folder);
    return result;
}

/* A descriptor below 3 that the caller closed would be given to the next thing that is opened, and
 * the log would write into a socket. */
static void keep_standard_descriptors(void)
{
    int fd;

    do {
        fd = open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0) {
        (void)close(fd);
    }
}

int main(int argc, char **argv)
{
    struct arguments arguments;
    static struct setup setup; /* see serve */
    struct log log;
    int result;

    keep_standard_descriptors();
    (void)signal(SIGPIPE, SIG_IGN); /* a reader that went away is told by write() */
    result = arguments_parse(argc, argv, &arguments);
    if (result != 0) {
        return result == ARGUMENTS_ANSWERED ? 0 : EXIT_USAGE;
    }
    log_init(&log, ARGUMENTS_PROGRAM);
    result = configure(&setup, &arguments, &log);
    if (result == 0) {
        result = load_prompts(&setup, &log);
    }
    if (result == 0) {
        result =
            arguments.serve ? serve(&arguments, &setup, &log) : drive(&arguments, &setup, &log);
    }
    free(setup.prompts[QUESTION_ACTION]);
    free(setup.prompts[QUESTION_PERCEPT]);
    return result;
}
