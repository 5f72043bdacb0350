/* turbonav drive: a person drives by the keyboard of a terminal.
 *
 * A terminal tells presses and, while a key is held, their repetitions; it does not tell when the
 * key is let go. So each press is an order that holds 300 ms, and who presses nothing stands still.
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
#include "hal/base/exit.h"

#define TURN_MS   100 /* between two looks at the status */
#define KEYS_SIZE 32

struct key {
    const char *bytes; /* as the terminal sends it */
    int vx_mm_s, vy_mm_s, wz_mrad_s;
};

static const struct key keys[] = {
    {"w", 250, 0, 0},       {"s", -180, 0, 0},       {"a", 0, 180, 0},      {"d", 0, -180, 0},
    {"q", 0, 0, 1200},      {"e", 0, 0, -1200},      {"\033[A", 250, 0, 0}, {"\033[B", -180, 0, 0},
    {"\033[D", 0, 0, 1200}, {"\033[C", 0, 0, -1200},
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

/* 0; EXIT_NO_CAR when the agent does not answer; a refusal is shown and no end. */
static int say(struct remote *remote, const char *path, const char *body)
{
    char *answer = NULL;
    int status, result = remote_ask(remote, path, body, &status, &answer);

    if (result != 0) {
        return result;
    }
    if (status >= 400) {
        (void)fputs("\r\033[K", stderr);
        remote_complain(answer);
    } else {
        show(answer);
    }
    free(answer);
    return 0;
}

static int drive(struct remote *remote, const struct key *key)
{
    char order[80];

    (void)snprintf(order, sizeof(order), "{\"vx_mm_s\":%d,\"vy_mm_s\":%d,\"wz_mrad_s\":%d}",
                   key->vx_mm_s, key->vy_mm_s, key->wz_mrad_s);
    return say(remote, "/v1/drive", order);
}

/* Until x, Ctrl-C, or the end of the keyboard. */
static int loop(struct remote *remote)
{
    int result = 0;

    while (result == 0 && interrupted == 0) {
        struct pollfd pollfd = {.fd = STDIN_FILENO, .events = POLLIN};
        char bytes[KEYS_SIZE];
        const struct key *key;
        ssize_t size;

        if (poll(&pollfd, 1, TURN_MS) <= 0) {
            result = say(remote, "/v1/status", NULL);
            continue;
        }
        size = read(STDIN_FILENO, bytes, sizeof(bytes));
        if (size <= 0 || bytes[size - 1] == 'x') {
            return 0;
        }
        key = find_key(bytes, (size_t)size);
        if (key != NULL) {
            result = drive(remote, key);
        } else if (bytes[size - 1] == ' ') {
            result = say(remote, "/v1/stop", "");
        }
    }
    return result;
}

/* `--url`, `--token-file` and `--config`, each with a value. 0 or an exit code. */
static int open_agent(int argc, char **argv, struct remote **ret_remote)
{
    const char *values[3] = {NULL, NULL, NULL};
    static const char *const options[3] = {"--url", "--token-file", "--config"};

    for (int i = 1; i < argc; i += 2) {
        int option = 0;

        while (option < 3 && strcmp(argv[i], options[option]) != 0) {
            option++;
        }
        if (option == 3) {
            return strcmp(argv[i], "--help") == 0 ? command_help(0, NULL) - 1
                                                  : command_unexpected(argv[i]);
        }
        if (i + 1 == argc) {
            return command_needs_value(argv[i]);
        }
        values[option] = argv[i + 1];
    }
    if (isatty(STDIN_FILENO) != 1) {
        return command_usage("drive needs a terminal to read keys from");
    }
    return remote_open(values[0], values[1], values[2], ret_remote);
}

int command_drive(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = on_signal};
    struct remote *remote = NULL;
    struct termios before;
    char *answer = NULL;
    int result = open_agent(argc, argv, &remote), status;

    if (result != 0) {
        return result < 0 ? 0 : result;
    }
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    result = open_keyboard(&before);
    if (result < 0) {
        (void)fprintf(stderr, "turbonav: keyboard: %s\n", strerror(-result));
        remote_close(remote);
        return EXIT_SYSTEM;
    }
    (void)fputs(
        "w s a d or the arrows drive, q e turn, space stops, x ends; the car moves while a key "
        "is held\n",
        stderr);
    result = loop(remote);
    if (remote_ask(remote, "/v1/stop", "", &status, &answer) == 0) {
        free(answer);
    }
    (void)tcsetattr(STDIN_FILENO, TCSANOW, &before);
    (void)fputs("\r\033[K", stderr);
    remote_close(remote);
    return result == 0 && interrupted != 0 ? 128 + interrupted : result;
}
