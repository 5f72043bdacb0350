/* See arguments.h. */
#include "hal/sim/arguments.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hal/base/text.h"

static const char help_text[] =
    "Usage: " ARGUMENTS_PROGRAM " --dir DIR [OPTION]...\n"
    "\n"
    "A TurboPi in a room, both simulated, in real time. In DIR it makes what a car\n"
    "has: the serial lines 'motor' and 'lidar', and the socket 'camera.sock' of the\n"
    "camera; it tells distance and keys to 'sonar.sock' and 'keys.sock' there.\n"
    "\n"
    "  --dir DIR        an existing folder\n"
    "  --room ROOM      empty, living, corridor, office, trap, glass, random (by the\n"
    "                   seed), or a file with a plan; living without it\n"
    "  --seed N         of the car's vices, the noise and the chaos; 1 without it\n"
    "  --lidar FAMILY   ld06 or rplidar_c1; ld06 without it\n"
    "  --seconds N      end after N seconds; without it after SIGINT or SIGTERM\n"
    "  --fps N          pictures a second, 1 to 60; 36 without it\n"
    "  --view DEG       the camera's angle of view, 55 to 130; 70 without it\n"
    "  --battery MV     of the battery at the start, 6000 to 8400; 8000 without it\n"
    "  --chaos          sensors fail now and then, for up to a second and a half\n"
    "  --log FILE       write each motor frame: monotonic seconds, the four duties in\n"
    "                   permille; '# seconds trouble' when one begins or ends\n"
    "  --picture FILE   at the end, write the plan with the way of the car (PNG)\n"
    "  --json           one JSON object a line, five a second, then the result\n"
    "  --help           show this text\n"
    "  --version        show the version\n"
    "\n"
    "Exit status: 0 done; 64 usage; 65 the plan cannot be read; 71 system error.\n";

enum code {
    CODE_DIR = 1000,
    CODE_ROOM,
    CODE_SEED,
    CODE_LIDAR,
    CODE_SECONDS,
    CODE_FPS,
    CODE_VIEW,
    CODE_BATTERY,
    CODE_CHAOS,
    CODE_LOG,
    CODE_PICTURE,
    CODE_JSON,
    CODE_HELP,
    CODE_VERSION,
};

static const struct option long_options[] = {
    {"dir", required_argument, NULL, CODE_DIR},
    {"room", required_argument, NULL, CODE_ROOM},
    {"seed", required_argument, NULL, CODE_SEED},
    {"lidar", required_argument, NULL, CODE_LIDAR},
    {"seconds", required_argument, NULL, CODE_SECONDS},
    {"fps", required_argument, NULL, CODE_FPS},
    {"view", required_argument, NULL, CODE_VIEW},
    {"battery", required_argument, NULL, CODE_BATTERY},
    {"chaos", no_argument, NULL, CODE_CHAOS},
    {"log", required_argument, NULL, CODE_LOG},
    {"picture", required_argument, NULL, CODE_PICTURE},
    {"json", no_argument, NULL, CODE_JSON},
    {"help", no_argument, NULL, CODE_HELP},
    {"version", no_argument, NULL, CODE_VERSION},
    {NULL, 0, NULL, 0},
};

static int refuse(const char *what, const char *value, const char *expected)
{
    char shown[80];

    text_escape(value, strlen(value), shown, sizeof(shown));
    (void)fprintf(stderr, ARGUMENTS_PROGRAM ": %s%s%s\nTry '" ARGUMENTS_PROGRAM " --help'.\n", what,
                  shown, expected);
    return ARGUMENTS_REFUSED;
}

static int parse_number(const char *option, const char *value, long least, long most, int *ret)
{
    char *end, expected[80];
    long number;

    errno = 0;
    number = strtol(value, &end, 10);
    if (end == value || *end != '\0' || errno != 0 || number < least || number > most) {
        (void)snprintf(expected, sizeof(expected), ": expected a whole number from %ld to %ld",
                       least, most);
        return refuse(option, value, expected);
    }
    *ret = (int)number;
    return 0;
}

static int parse_seed(const char *value, uint64_t *ret_seed)
{
    char *end;

    errno = 0;
    *ret_seed = strtoull(value, &end, 10);
    if (end == value || *end != '\0' || errno != 0 || *value == '-') {
        return refuse("--seed ", value, ": expected a whole number from 0");
    }
    return 0;
}

static int parse_lidar(const char *value, enum scanner_family *ret_family)
{
    if (strcmp(value, "ld06") != 0 && strcmp(value, "rplidar_c1") != 0) {
        return refuse("--lidar ", value, ": expected ld06 or rplidar_c1");
    }
    *ret_family = strcmp(value, "ld06") == 0 ? SCANNER_LD06 : SCANNER_RPLIDAR_C1;
    return 0;
}

static int parse_one(int code, const char *typed, struct arguments *arguments)
{
    switch (code) {
    case CODE_DIR:
        arguments->dir = optarg;
        return 0;
    case CODE_ROOM:
        arguments->room = optarg;
        return 0;
    case CODE_SEED:
        return parse_seed(optarg, &arguments->seed);
    case CODE_LIDAR:
        return parse_lidar(optarg, &arguments->lidar);
    case CODE_SECONDS:
        return parse_number("--seconds ", optarg, 1, 86400, &arguments->seconds);
    case CODE_FPS:
        return parse_number("--fps ", optarg, 1, 60, &arguments->fps);
    case CODE_VIEW:
        return parse_number("--view ", optarg, 55, 130, &arguments->view_deg);
    case CODE_BATTERY:
        return parse_number("--battery ", optarg, 6000, 8400, &arguments->battery_mv);
    case CODE_CHAOS:
        arguments->chaos = true;
        return 0;
    case CODE_LOG:
        arguments->log = optarg;
        return 0;
    case CODE_PICTURE:
        arguments->picture = optarg;
        return 0;
    case CODE_JSON:
        arguments->json = true;
        return 0;
    case CODE_HELP:
        (void)fputs(help_text, stdout);
        return ARGUMENTS_ANSWERED;
    case CODE_VERSION:
        (void)puts(ARGUMENTS_PROGRAM " " TURBONAV_VERSION);
        return ARGUMENTS_ANSWERED;
    default:
        return refuse(code == ':' ? "a value is missing after " : "unknown option ", typed, "");
    }
}

int arguments_parse(int argc, char **argv, struct arguments *ret_arguments)
{
    struct arguments arguments = {
        .room = "living", .seed = 1, .fps = 36, .view_deg = 70, .battery_mv = 8000};
    int code, result;

    opterr = 0;
    while ((code = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
        result = parse_one(code, argv[optind - 1], &arguments);
        if (result != 0) {
            return result;
        }
    }
    if (argv[optind] != NULL) {
        return refuse("unexpected argument ", argv[optind], "");
    }
    if (arguments.dir == NULL) {
        return refuse("--dir DIR is missing", "", "");
    }
    *ret_arguments = arguments;
    return 0;
}
