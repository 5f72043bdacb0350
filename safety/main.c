/* turbonav-safety: owns the wheels.
 *
 * Order is everything here. First zeros go to the motor device, whatever else is wrong. Then the
 * configuration is judged, the board is found, and the brake child is forked, before this process
 * has another thread or device. Then the sensors and the socket are opened, memory is locked, and
 * the loop runs at 100 Hz until it is told to end, or until the wheels cannot be trusted to it any
 * more.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "config/config.h"
#include "config/list.h"
#include "hal/base/clock.h"
#include "hal/base/exit.h"
#include "hal/base/log.h"
#include "hal/base/notify.h"
#include "hal/base/serial.h"
#include "safety/check.h"
#include "safety/cycle.h"
#include "safety/latch.h"
#include "safety/limits.h"
#include "safety/realtime.h"
#include "safety/wheels.h"

#define PROGRAM         "turbonav-safety"
#define ASSIGNMENTS_MAX 64
#define BOARD_BAUD      1000000
#define LOCK_WAIT_MS    500
#define CHECK_NS        (3 * CLOCK_NS_PER_S)
#define STATUS_NS       CLOCK_NS_PER_S

enum mode {
    MODE_RUN,
    MODE_CHECK,
    MODE_WHEELS,
    MODE_STOP_MOTORS,
};

struct arguments {
    enum mode mode;
    bool json;
    const char *config;
    const char *assignments[ASSIGNMENTS_MAX + 1];
};

/* Everything that the process owns. */
struct process {
    struct setup setup;
    struct motor *motor;
    struct brake *brake;
    struct peer *peer;
    struct devices devices;
    struct cycle cycle;
    struct notify notify;
    struct log log;
    struct ready ready;
    int stop_fd;
};

static const char help_text[] =
    "Usage: " PROGRAM " [OPTION]...\n"
    "\n"
    "Owns the wheels: reads lidar, sonar, keys and motor board at 100 Hz, lets pass what is\n"
    "safe of the motions that the agent asks for, and stops the wheels otherwise.\n"
    "\n"
    "  --check          watch everything for three seconds, wheels still, and print a table\n"
    "  --wheels         first drive, on blocks: turn one wheel after the other, when asked on a\n"
    "                   terminal and confirmed there\n"
    "  --json           with --wheels: talk on standard error, and print one object on standard\n"
    "                   output in the end that says what became of each wheel\n"
    "  --stop-motors    stop the wheels and exit, whoever drives them\n"
    "  --config FILE    read FILE, and conf.d/*.conf beside it, instead of\n"
    "                   /etc/turbonav/turbonav.conf\n"
    "  --set KEY=VALUE  set one configuration key, as section.key=value; repeatable\n"
    "  --help           show this text\n"
    "  --version        show the version\n"
    "\n"
    "Exit status: 0 ended by a signal, or the check is good, or zeros were written;\n"
    "1 the check found a fault, or no wheel could turn; 64 usage; 71 system error; 74 the motor "
    "board was lost or\n"
    "could not be found; 78 configuration.\n";

/* Arguments */

static int refuse(const char *what, const char *value)
{
    (void)fprintf(stderr, PROGRAM ": %s%s\nTry '" PROGRAM " --help'.\n", what, value);
    return EXIT_USAGE;
}

static int add_assignment(struct arguments *arguments, const char *value)
{
    int count = 0;

    while (arguments->assignments[count] != NULL) {
        count++;
    }
    if (count == ASSIGNMENTS_MAX) {
        return refuse("too many settings, 64 at most: ", value);
    }
    arguments->assignments[count] = value;
    return 0;
}

/* 0; -1: answered, exit with 0; otherwise the exit code. */
static int parse(int argc, char **argv, struct arguments *arguments)
{
    static const struct option options[] = {
        {"check", no_argument, NULL, 'c'},
        {"wheels", no_argument, NULL, 'w'},
        {"json", no_argument, NULL, 'j'},
        {"stop-motors", no_argument, NULL, 'x'},
        {"config", required_argument, NULL, 'f'},
        {"set", required_argument, NULL, 's'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},
        {NULL, 0, NULL, 0},
    };
    int code, result = 0;

    while (result == 0 && (code = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (code) {
        case 'c':
            arguments->mode = MODE_CHECK;
            break;
        case 'w':
            arguments->mode = MODE_WHEELS;
            break;
        case 'j':
            arguments->json = true;
            break;
        case 'x':
            arguments->mode = MODE_STOP_MOTORS;
            break;
        case 'f':
            arguments->config = optarg;
            break;
        case 's':
            result = add_assignment(arguments, optarg);
            break;
        case 'h':
            (void)fputs(help_text, stdout);
            return -1;
        case 'v':
            (void)puts(PROGRAM " " TURBONAV_VERSION);
            return -1;
        default:
            (void)fprintf(stderr, "Try '" PROGRAM " --help'.\n");
            return EXIT_USAGE;
        }
    }
    if (result == 0 && argv[optind] != NULL) {
        return refuse("unexpected argument: ", argv[optind]);
    }
    if (result == 0 && arguments->mode == MODE_WHEELS && !isatty(STDIN_FILENO)) {
        return refuse("--wheels asks a person: ", "standard input is no terminal");
    }
    if (result == 0 && arguments->mode != MODE_WHEELS && arguments->json) {
        return refuse("--json needs ", "--wheels");
    }
    return result;
}

/* Zeros first */

/* Stops the wheels on this device, also when another program holds it. 0 or -errno. */
static int stop_wheels(const char *device)
{
    uint8_t frame[BOARD5_FRAME_MAX];
    size_t size = board5_encode_stop(frame, sizeof(frame));
    int fd, result = serial_open(device, BOARD_BAUD, 0, &fd);

    if (result == -EBUSY) { /* its holder has set it up */
        fd = open(device, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
        result = fd < 0 ? -errno : 0;
    }
    if (result < 0) {
        return result;
    }
    result = brake_stop_motors(fd, frame, size);
    (void)close(fd);
    return result < 0 ? result : 0;
}

static int system_failed(struct log *log, const char *what, int error)
{
    log_error(log, "%s: %s", what, strerror(-error));
    return EXIT_SYSTEM;
}

/* Configuration */

static const char *derive(struct setup *setup)
{
    const char *expected = motor_options_settings(&setup->motor, &setup->wheels);

    return expected != NULL ? expected : battery_options_limits(&setup->battery, &setup->limits);
}

static void take_values(struct setup *setup, const struct config *config)
{
    config_get(config, &safety_table, 0, &setup->safety);
    config_get(config, &look_table, 0, &setup->look);
    config_get(config, &gate_table, 0, &setup->gate);
    config_get(config, &motor_table, 0, &setup->motor);
    config_get(config, &battery_table, 0, &setup->battery);
    config_get(config, &lidar_table, 0, &setup->lidar);
    config_get(config, &sonar_table, 0, &setup->sonar);
    config_get(config, &gpio_table, 0, &setup->gpio);
    config_get(config, &keys_table, 0, &setup->keys);
}

/* Reads it all; the wheels are stopped on the way, also when there is a mistake in it, on the
 * device that it names. 0 or an exit code. */
static int configure(struct process *process, const struct arguments *arguments, int *ret_stopped)
{
    struct config *config = NULL;
    int result = config_new(config_list, config_list_count, &config);

    if (result == 0) {
        result = config_load(config, arguments->config, environ, arguments->assignments);
        take_values(&process->setup, config);
    } else {
        strcpy(process->setup.motor.device, MOTOR_DEVICE);
    }
    *ret_stopped = stop_wheels(process->setup.motor.device);
    if (result == CONFIG_REFUSED) {
        log_error(&process->log, "%s", config_error(config));
    }
    config_free(config);
    if (result < 0) {
        return system_failed(&process->log, "configuration", result);
    }
    if (result == CONFIG_REFUSED) {
        return EXIT_BAD_CONFIG;
    }
    const char *expected = derive(&process->setup);

    if (expected != NULL) {
        log_error(&process->log, "[motor] or [battery]: expected %s", expected);
        return EXIT_BAD_CONFIG;
    }
    return 0;
}

/* Opening, in the order of the essay above */

static int open_motor(struct process *process)
{
    struct motor_news news;
    int result = motor_open(&process->setup.motor, LOCK_WAIT_MS, &process->motor);

    if (result == 0) {
        result = motor_probe(process->motor, MOTOR_PROBE_MS, &news);
    }
    if (result == MOTOR_FAULT) {
        log_error(&process->log, "%s: no motor board answers", process->setup.motor.device);
    } else if (result < 0) {
        log_error(&process->log, "%s: %s", process->setup.motor.device, strerror(-result));
    }
    return result == 0 ? 0 : EXIT_OUTPUT;
}

static int open_brake(struct process *process, bool latched)
{
    static const int still[MOTOR_COUNT] = {0};
    uint8_t stop[MOTOR_FRAME_MAX];
    struct brake_options options = {
        .motor_fd = motor_fd(process->motor),
        .stop_frame = stop,
        .stop_size = motor_encode(process->motor, still, stop, sizeof(stop)),
        .silence_ms = process->setup.safety.brake_ms,
        .latch_path = process->setup.safety.latch,
        .latched = latched,
        .priority = REALTIME_PRIORITY,
    };
    int result = brake_start(&options, &process->brake);

    return result < 0 ? system_failed(&process->log, "brake", result) : 0;
}

static int open_peer(struct process *process)
{
    const char *group = process->setup.safety.group;
    struct peer_options options = {.path = process->setup.safety.socket,
                                   .mode = 0660,
                                   .group = (gid_t)-1,
                                   .ready = &process->ready};
    const struct group *entry = group[0] != '\0' ? getgrnam(group) : NULL;
    int result;

    if (entry != NULL) {
        options.group = entry->gr_gid;
    } else if (group[0] != '\0') {
        log_warning(&process->log,
                    "[safety] group: there is no group %s; only root and this user "
                    "may connect",
                    group);
    }
    result = peer_open(&options, &process->peer);
    if (result < 0) {
        log_error(&process->log, "%s: %s", options.path,
                  result == -EADDRINUSE ? "another safety process listens there"
                                        : strerror(-result));
        return EXIT_SYSTEM;
    }
    /* The socket belongs to the group, so that its members may connect. */
    if (entry != NULL && entry->gr_gid != getegid() &&
        chown(options.path, (uid_t)-1, entry->gr_gid) < 0) {
        log_warning(&process->log, "%s: cannot be given to group %s: %s", options.path, group,
                    strerror(errno));
    }
    return 0;
}

static int open_signals(struct process *process)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0) {
        return system_failed(&process->log, "signals", -errno);
    }
    process->stop_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    return process->stop_fd < 0 ? system_failed(&process->log, "signals", -errno) : 0;
}

/* Behind the fork of the brake, which must not share it. */
static int open_ready(struct process *process)
{
    struct ready *ready = &process->ready;
    int result = ready_open(ready);

    if (result == 0) {
        result = ready_add(ready, READY_STOP, process->stop_fd);
    }
    if (result == 0) {
        result = ready_add(ready, READY_BRAKE, brake_report_fd(process->brake));
    }
    return result < 0 ? system_failed(&process->log, "epoll", result) : 0;
}

static int open_rest(struct process *process, enum mode mode, bool latched)
{
    char error[256];
    int64_t now_ns = clock_now_ns();
    struct cycle *cycle = &process->cycle;

    int result = devices_open(&process->devices, &process->setup, process->motor, now_ns, error,
                              sizeof(error));

    if (result < 0) {
        log_error(&process->log, "%s", error);
        return result == -EPERM || result == -EINVAL ? EXIT_BAD_CONFIG : EXIT_SYSTEM;
    }
    cycle_init(cycle, &process->setup, latched, now_ns);
    devices_mask(&process->devices, &cycle->gate);
    cycle->motor = process->motor;
    cycle->brake = process->brake;
    cycle->devices = &process->devices;
    cycle->ready = &process->ready;
    return mode == MODE_WHEELS ? 0 : open_peer(process);
}

static int open_all(struct process *process, enum mode mode)
{
    bool latched = latch_is_set(process->setup.safety.latch);
    int result = open_motor(process);

    if (latched) {
        log_warning(&process->log, "the e-stop is latched: 'turbonav reset' releases it");
    }
    if (result == 0) {
        result = open_signals(process);
    }
    if (result == 0) {
        result = open_brake(process, latched);
    }
    if (result == 0) {
        result = open_ready(process);
    }
    if (result == 0) {
        result = open_rest(process, mode, latched);
    }
    process->cycle.peer = process->peer;
    return result;
}

static void close_all(struct process *process)
{
    peer_close(process->peer);
    devices_close(&process->devices);
    brake_free(process->brake);
    motor_close(process->motor);
    notify_close(&process->notify);
    ready_close(&process->ready);
    if (process->stop_fd > 0) {
        (void)close(process->stop_fd);
    }
}

/* The loop */

static void tell_status(struct process *process, int64_t now_ns, int64_t *status_ns)
{
    char line[256] = "STATUS=";

    if (now_ns - *status_ns >= STATUS_NS) {
        *status_ns = now_ns;
        cycle_status(&process->cycle, line + strlen(line), sizeof(line) - strlen(line));
        (void)notify_send(&process->notify, line);
    }
}

/* Runs until told to end, or `end_ns`. 0 or CYCLE_MOTOR_LOST. */
static int loop(struct process *process, int64_t end_ns)
{
    int64_t watchdog_ns = notify_watchdog_ns() / 2, kicked_ns = 0, status_ns = 0;
    struct realtime_ticker ticker;
    int64_t now_ns = 0, late_ns;
    int result = 0;

    realtime_ticker_init(&ticker, LIMITS_TICK_MS * CLOCK_NS_PER_MS);
    while (result == 0 && now_ns < end_ns) {
        now_ns = realtime_ticker_wait(&ticker, &late_ns);
        ready_poll(&process->ready);
        if (ready_has(&process->ready, READY_STOP)) {
            break;
        }
        result = cycle_tick(&process->cycle, now_ns, late_ns);
        /* Only here, behind a whole tick: sensors were tried, the gate ran, the frame is handed
         * over. */
        if (result == 0 && watchdog_ns > 0 && now_ns - kicked_ns >= watchdog_ns) {
            kicked_ns = now_ns;
            (void)notify_send(&process->notify, "WATCHDOG=1");
        }
        tell_status(process, now_ns, &status_ns);
    }
    return result;
}

static void warn_privileges(struct process *process, const struct check_privileges *privileges)
{
    if (privileges->priority_error < 0 || privileges->lock_error < 0) {
        log_warning(&process->log, "no %s%s%s: ticks may be late when the machine is busy",
                    privileges->priority_error < 0 ? "real-time priority" : "",
                    privileges->priority_error < 0 && privileges->lock_error < 0 ? " and no " : "",
                    privileges->lock_error < 0 ? "locked memory" : "");
    }
}

static int motor_lost(struct process *process)
{
    int result = brake_takeover(process->brake), error = process->cycle.news.motor_error;

    log_error(&process->log, "%s: %s%s%s", process->setup.motor.device,
              error < 0 ? "the motor board was lost: " : "the brake was lost",
              error < 0 ? strerror(-error) : "", result < 0 ? "; zeros could not be written" : "");
    return EXIT_OUTPUT;
}

static int run(struct process *process, enum mode mode)
{
    struct check_privileges privileges;
    int result, code = 0;

    (void)realtime_enter(&privileges.lock_error, &privileges.priority_error);
    if (mode == MODE_RUN) {
        warn_privileges(process, &privileges);
        log_info(&process->log, "listening on %s", process->setup.safety.socket);
        (void)notify_open(&process->notify);
        (void)notify_send(&process->notify, "READY=1");
    }
    result = loop(process, mode == MODE_CHECK ? clock_now_ns() + CHECK_NS : INT64_MAX);
    (void)notify_send(&process->notify, "STOPPING=1");
    if (result == CYCLE_MOTOR_LOST) {
        return motor_lost(process);
    }
    if (mode == MODE_CHECK) {
        code = check_print(&process->cycle, &privileges, stdout) > 0 ? 1 : 0;
    }
    result = brake_stop(process->brake);
    return result < 0 ? EXIT_OUTPUT : code;
}

static int turn_wheels(struct process *process, bool json)
{
    struct wheels_report report;
    int lock_error, priority_error, result;

    (void)realtime_enter(&lock_error, &priority_error);
    result = wheels_run(&process->cycle, latch_is_set(process->setup.safety.latch), STDIN_FILENO,
                        json ? stderr : stdout, &report);
    if (result == WHEELS_LOST) {
        result = motor_lost(process);
    } else if (brake_stop(process->brake) < 0) {
        result = EXIT_OUTPUT;
    }
    /* Only now: who reads it may let us wait, and the wheels are still. */
    if (json) {
        wheels_print_json(&report, stdout);
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        log_error(&process->log, "standard output failed");
        return EXIT_OUTPUT;
    }
    return result;
}

static int run_or_check(struct process *process, const struct arguments *arguments)
{
    int stopped, result = configure(process, arguments, &stopped);

    if (result == 0) {
        result = open_all(process, arguments->mode);
    }
    if (result == 0) {
        result = arguments->mode == MODE_WHEELS ? turn_wheels(process, arguments->json)
                                                : run(process, arguments->mode);
    } else if (process->brake != NULL) {
        (void)brake_stop(process->brake);
    }
    close_all(process);
    return result;
}

static int stop_motors(struct process *process, const struct arguments *arguments)
{
    int stopped;

    (void)configure(process, arguments, &stopped);
    if (stopped < 0) {
        log_error(&process->log, "no zeros could be written to %s: %s", process->setup.motor.device,
                  strerror(-stopped));
        return EXIT_OUTPUT;
    }
    return 0;
}

int main(int argc, char **argv)
{
    static struct process process; /* large, and part of what is locked into memory */
    struct arguments arguments = {0};
    int result = parse(argc, argv, &arguments);

    if (result != 0) {
        return result < 0 ? 0 : result;
    }
    log_init(&process.log, PROGRAM);
    process.notify.fd = process.ready.fd = -1;
    (void)signal(SIGPIPE, SIG_IGN);
    return arguments.mode == MODE_STOP_MOTORS ? stop_motors(&process, &arguments)
                                              : run_or_check(&process, &arguments);
}
