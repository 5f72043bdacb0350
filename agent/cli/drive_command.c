/* turbonav drive: a person drives by the keyboard of a terminal.
 *
 * A terminal tells presses and, while a key is held, their repetitions; it does not tell when the
 * key is let go. So each press is an order that holds 300 ms, and who presses nothing stands still.
 * What a person reads goes to standard error; with --json one object on standard output says in the
 * end what happened.
 */
#include <cJSON.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "agent/cli/command.h"
#include "agent/cli/remote.h"
#include "hal/base/clock.h"
#include "hal/base/exit.h"

#define TURN_MS      100 /* between two looks at the status */
#define HOLD_NS      (300 * CLOCK_NS_PER_MS)
#define KEYS_SIZE    32
#define REFUSAL_SIZE 80

struct key {
    const char *bytes; /* as the terminal sends it */
    int vx_mm_s, vy_mm_s, wz_mrad_s;
};

static const struct key keys[] = {
    {"w", 250, 0, 0},       {"s", -180, 0, 0},       {"a", 0, 180, 0},      {"d", 0, -180, 0},
    {"q", 0, 0, 1200},      {"e", 0, 0, -1200},      {"\033[A", 250, 0, 0}, {"\033[B", -180, 0, 0},
    {"\033[D", 0, 0, 1200}, {"\033[C", 0, 0, -1200},
};

/* What happened, for --json. */
struct drive {
    struct remote *remote;
    bool json, taken;   /* taken: what was said last was not refused */
    const char *reason; /* how it ended */
    int orders, stops, refused;
    char refusal[REFUSAL_SIZE];            /* the title of the last one */
    int64_t begun_ns, driven_ns, until_ns; /* until: the last order that was taken holds */
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    interrupted = number;
}

/* Keys come one by one and are not shown; Ctrl-C stays a signal. 0 or -errno. */
static int open_keyboard(struct termios *ret_before)
{
    struct termios raw;

    if (tcgetattr(STDIN_FILENO, &raw) < 0) {
        return -errno;
    }
    *ret_before = raw;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 0;
    return tcsetattr(STDIN_FILENO, TCSANOW, &raw) < 0 ? -errno : 0;
}

/* The last of the keys that were pressed: what came before it is past. */
static const struct key *find_key(const char *bytes, size_t size)
{
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        size_t length = strlen(keys[i].bytes);

        if (size >= length && memcmp(bytes + size - length, keys[i].bytes, length) == 0) {
            return &keys[i];
        }
    }
    return NULL;
}

static double number_of(const cJSON *json, const char *name)
{
    const cJSON *item = cJSON_GetObjectItem(json, name);

    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

static void show(const char *answer)
{
    cJSON *json = cJSON_Parse(answer);
    const cJSON *safety = cJSON_GetObjectItem(json, "safety"), *reason;
    const cJSON *given = cJSON_GetObjectItem(safety, "given");
    const char *state = cJSON_GetStringValue(cJSON_GetObjectItem(json, "state"));

    (void)fprintf(stderr,
                  "\r\033[K%-8s %4.0f %4.0f mm/s %5.0f mrad/s  front %.0f, left %.0f, rear %.0f, "
                  "right %.0f cm ",
                  state != NULL ? state : "?", number_of(given, "vx_mm_s"),
                  number_of(given, "vy_mm_s"), number_of(given, "wz_mrad_s"),
                  number_of(safety, "clear_front_mm") / 10, number_of(safety, "clear_left_mm") / 10,
                  number_of(safety, "clear_rear_mm") / 10,
                  number_of(safety, "clear_right_mm") / 10);
    cJSON_ArrayForEach(reason, cJSON_GetObjectItem(safety, "reasons"))
    {
        (void)fprintf(stderr, " %s", cJSON_GetStringValue(reason));
    }
    (void)fflush(stderr);
    cJSON_Delete(json);
}

static void take_refusal(struct drive *drive, const char *answer)
{
    cJSON *json = cJSON_Parse(answer);
    const char *title = cJSON_GetStringValue(cJSON_GetObjectItem(json, "title"));

    (void)fputs("\r\033[K", stderr);
    remote_complain(answer);
    drive->refused++;
    (void)snprintf(drive->refusal, sizeof(drive->refusal), "%s", title != NULL ? title : "");
    cJSON_Delete(json);
}

/* 0; EXIT_NO_CAR when the agent does not answer; a refusal is shown and no end. */
static int say(struct drive *drive, const char *path, const char *body)
{
    char *answer = NULL;
    int status, result = remote_ask(drive->remote, path, body, &status, &answer);

    drive->taken = result == 0 && status < 400;
    if (result != 0) {
        return result;
    }
    if (drive->taken) {
        show(answer);
    } else {
        take_refusal(drive, answer);
    }
    free(answer);
    return 0;
}

/* From now on an order holds until then. */
static void count_driven(struct drive *drive, int64_t now_ns, int64_t until_ns)
{
    int64_t from_ns = drive->until_ns > now_ns ? drive->until_ns : now_ns;

    drive->driven_ns += until_ns - from_ns;
    drive->until_ns = until_ns;
}

static int order(struct drive *drive, const struct key *key)
{
    char body[80];
    int result;

    (void)snprintf(body, sizeof(body), "{\"vx_mm_s\":%d,\"vy_mm_s\":%d,\"wz_mrad_s\":%d}",
                   key->vx_mm_s, key->vy_mm_s, key->wz_mrad_s);
    result = say(drive, "/v1/drive", body);
    drive->orders++;
    if (drive->taken) {
        int64_t now_ns = clock_now_ns();

        count_driven(drive, now_ns, now_ns + HOLD_NS);
    }
    return result;
}

static int stop(struct drive *drive)
{
    int result = say(drive, "/v1/stop", "");
    int64_t now_ns = clock_now_ns();

    if (drive->taken && now_ns < drive->until_ns) {
        count_driven(drive, now_ns, now_ns);
    }
    return result;
}

/* Until x, Ctrl-C, or the end of the keyboard. */
static int loop(struct drive *drive)
{
    int result = 0;

    while (result == 0 && interrupted == 0) {
        struct pollfd pollfd = {.fd = STDIN_FILENO, .events = POLLIN};
        char bytes[KEYS_SIZE];
        const struct key *key;
        ssize_t size;

        if (poll(&pollfd, 1, TURN_MS) <= 0) {
            result = say(drive, "/v1/status", NULL);
            continue;
        }
        size = read(STDIN_FILENO, bytes, sizeof(bytes));
        if (size <= 0 || bytes[size - 1] == 'x') {
            drive->reason = size <= 0 ? "keyboard" : "key";
            return 0;
        }
        key = find_key(bytes, (size_t)size);
        if (key != NULL) {
            result = order(drive, key);
        } else if (bytes[size - 1] == ' ') {
            result = stop(drive);
            drive->stops++;
        }
    }
    drive->reason = result != 0 ? "agent" : "signal";
    return result;
}

static int tell_end(const struct drive *drive, int64_t now_ns)
{
    cJSON *json = cJSON_CreateObject();

    cJSON_AddStringToObject(json, "reason", drive->reason);
    cJSON_AddNumberToObject(json, "duration_s",
                            (double)((now_ns - drive->begun_ns) / CLOCK_NS_PER_MS) / 1000);
    cJSON_AddNumberToObject(json, "driven_s", (double)(drive->driven_ns / CLOCK_NS_PER_MS) / 1000);
    cJSON_AddNumberToObject(json, "orders", drive->orders);
    cJSON_AddNumberToObject(json, "stops", drive->stops);
    cJSON_AddNumberToObject(json, "refused", drive->refused);
    cJSON_AddItemToObject(json, "refusal",
                          drive->refused > 0 ? cJSON_CreateString(drive->refusal)
                                             : cJSON_CreateNull());
    cJSON_AddBoolToObject(json, "stopped", drive->taken);
    return command_print_json(json);
}

/* 0, COMMAND_ANSWERED or an exit code. */
static int open_agent(int argc, char **argv, struct drive *drive)
{
    const char *url = NULL, *token_file = NULL, *config = NULL;
    const struct command_value values[] = {
        {"--url", &url}, {"--token-file", &token_file}, {"--config", &config}, {NULL, NULL}};
    int result = command_read(argc, argv, values, &drive->json);

    if (result != 0) {
        return result;
    }
    if (isatty(STDIN_FILENO) != 1) {
        return command_usage("drive needs a terminal to read keys from");
    }
    return remote_open(url, token_file, config, &drive->remote);
}

int command_drive(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = on_signal};
    struct drive drive = {.begun_ns = clock_now_ns()};
    struct termios before;
    int result = open_agent(argc, argv, &drive);

    if (result != 0) {
        return result == COMMAND_ANSWERED ? 0 : result;
    }
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    result = open_keyboard(&before);
    if (result < 0) {
        (void)fprintf(stderr, "turbonav: keyboard: %s\n", strerror(-result));
        remote_close(drive.remote);
        return EXIT_SYSTEM;
    }
    (void)fputs(
        "w s a d or the arrows drive, q e turn, space stops, x ends; the car moves while a key "
        "is held\n",
        stderr);
    result = loop(&drive);
    (void)stop(&drive);
    (void)tcsetattr(STDIN_FILENO, TCSANOW, &before);
    (void)fputs("\r\033[K", stderr);
    remote_close(drive.remote);
    if (drive.json && tell_end(&drive, clock_now_ns()) != 0 && result == 0) {
        result = EXIT_SYSTEM;
    }
    return result == 0 && interrupted != 0 ? 128 + interrupted : result;
}
