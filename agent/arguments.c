/* See arguments.h. */
#include "agent/arguments.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hal/base/text.h"

#define FPS_MAX 1000.0

static const char help_text[] =
    "Usage: " ARGUMENTS_PROGRAM " --dry-run [--frames PATH] [OPTION]...\n"
    "       " ARGUMENTS_PROGRAM " --explore [--frames PATH] [OPTION]...\n"
    "       " ARGUMENTS_PROGRAM " --serve [--frames PATH] [OPTION]...\n"
    "\n"
    "Takes frames, recorded ones or the camera's, through their whole way: encodes\n"
    "each, asks the model, parses the answer, decides, and prints what the car should\n"
    "do and how long each stage took.\n"
    "\n"
    "  --dry-run        without a car: nothing is driven\n"
    "  --explore        with a car: arms turbonav-safety, asks it for each motion, and\n"
    "                   shows what it let pass; ends when permission is lost\n"
    "  --serve          with a car: waits for orders over HTTP, see [http]; drives when\n"
    "                   it is told to, and goes on waiting when that is over\n"
    "  --frames PATH    a folder of JPEG files, taken in name order, or one file;\n"
    "                   without it the camera that is configured, see [camera]\n"
    "  --fps RATE       at most RATE frames a second; as fast as answers come without it\n"
    "  --loop           start over at the end of the frames\n"
    "  --limit N        stop after N frames (of the camera: questions)\n"
    "  --json           one JSON object a line: each frame, then the summary\n"
    "  --vlm URL        ask this server and none of the configured ones; what is not\n"
    "                   default about it is set as vlm.cli.KEY=VALUE\n"
    "  --config FILE    read FILE, and conf.d/*.conf beside it, instead of\n"
    "                   /etc/turbonav/turbonav.conf\n"
    "  --set KEY=VALUE  set one configuration key, as section.key=value; repeatable\n"
    "  --help           show this text\n"
    "  --version        show the version\n"
    "\n"
    "Frames and summary go to standard output, everything else to standard error.\n"
    "'turbonav config keys' explains every configuration key.\n"
    "\n"
    "Exit status: 0 every frame was read and the model could be asked; 64 usage;\n"
    "65 a frame could not be read; 69 no model server could be used; 71 system error;\n"
    "74 standard output failed; 75 the car was not armed, or not any more;\n"
    "78 configuration; 130, 143 ended by SIGINT, SIGTERM.\n";

enum code {
    CODE_DRY_RUN = 1000,
    CODE_EXPLORE,
    CODE_SERVE,
    CODE_FRAMES,
    CODE_FPS,
    CODE_LOOP,
    CODE_LIMIT,
    CODE_JSON,
    CODE_VLM,
    CODE_CONFIG,
    CODE_SET,
    CODE_HELP,
    CODE_VERSION,
};

static const struct option long_options[] = {
    {"dry-run", no_argument, NULL, CODE_DRY_RUN},
    {"explore", no_argument, NULL, CODE_EXPLORE},
    {"serve", no_argument, NULL, CODE_SERVE},
    {"frames", required_argument, NULL, CODE_FRAMES},
    {"fps", required_argument, NULL, CODE_FPS},
    {"loop", no_argument, NULL, CODE_LOOP},
    {"limit", required_argument, NULL, CODE_LIMIT},
    {"json", no_argument, NULL, CODE_JSON},
    {"vlm", required_argument, NULL, CODE_VLM},
    {"config", required_argument, NULL, CODE_CONFIG},
    {"set", required_argument, NULL, CODE_SET},
    {"help", no_argument, NULL, CODE_HELP},
    {"version", no_argument, NULL, CODE_VERSION},
    {NULL, 0, NULL, 0},
};

static int refuse(void)
{
    (void)fprintf(stderr, "Try '" ARGUMENTS_PROGRAM " --help'.\n");
    return ARGUMENTS_REFUSED;
}

static int refuse_value(const char *option, const char *value, const char *expected)
{
    char shown[80];

    text_escape(value, strlen(value), shown, sizeof(shown));
    (void)fprintf(stderr, ARGUMENTS_PROGRAM ": %s %s: expected %s\n", option, shown, expected);
    return refuse();
}

/* getopt's own message would print what was typed as it is. */
static int refuse_option(int code, const char *typed)
{
    char shown[80];

    text_escape(typed, strlen(typed), shown, sizeof(shown));
    (void)fprintf(stderr, ARGUMENTS_PROGRAM ": %s '%s'\n",
                  code == ':' ? "a value is missing after" : "unknown option", shown);
    return refuse();
}

static int parse_fps(const char *value, int64_t *ret_period_ns)
{
    char *end;
    double fps = strtod(value, &end);

    if (end == value || *end != '\0' || !(fps >= 0.01 && fps <= FPS_MAX)) {
        return refuse_value("--fps", value, "a rate from 0.01 to 1000 frames a second");
    }
    *ret_period_ns = (int64_t)(1e9 / fps);
    return 0;
}

static int parse_limit(const char *value, uint64_t *ret_limit)
{
    char *end;

    errno = 0;
    long long limit = strtoll(value, &end, 10);

    if (end == value || *end != '\0' || errno != 0 || limit < 1) {
        return refuse_value("--limit", value, "a number of frames from 1");
    }
    *ret_limit = (uint64_t)limit;
    return 0;
}

static int add_assignment(struct arguments *arguments, const char *value)
{
    int count = 0;

    while (arguments->assignments[count] != NULL) {
        count++;
    }
    if (count == ARGUMENTS_ASSIGNMENTS_MAX) {
        return refuse_value("--set", value, "64 settings at most");
    }
    arguments->assignments[count] = value;
    return 0;
}

static int parse_one(int code, const char *typed, struct arguments *arguments, bool *dry_run)
{
    switch (code) {
    case CODE_DRY_RUN:
        *dry_run = true;
        return 0;
    case CODE_EXPLORE:
        arguments->explore = true;
        return 0;
    case CODE_SERVE:
        arguments->serve = true;
        return 0;
    case CODE_FRAMES:
        arguments->frames = optarg;
        return 0;
    case CODE_FPS:
        return parse_fps(optarg, &arguments->period_ns);
    case CODE_LOOP:
        arguments->loop = true;
        return 0;
    case CODE_LIMIT:
        return parse_limit(optarg, &arguments->limit);
    case CODE_JSON:
        arguments->json = true;
        return 0;
    case CODE_VLM:
        arguments->vlm = optarg;
        return 0;
    case CODE_CONFIG:
        arguments->config = optarg;
        return 0;
    case CODE_SET:
        return add_assignment(arguments, optarg);
    case CODE_HELP:
        (void)fputs(help_text, stdout);
        return ARGUMENTS_ANSWERED;
    case CODE_VERSION:
        (void)puts(ARGUMENTS_PROGRAM " " TURBONAV_VERSION);
        return ARGUMENTS_ANSWERED;
    default:
        return refuse_option(code, typed);
    }
}

static int check_whole(const struct arguments *arguments, bool dry_run, const char *rest)
{
    const char *fault = NULL;

    if (rest != NULL) {
        (void)fprintf(stderr, ARGUMENTS_PROGRAM ": %s: unexpected argument\n", rest);
        return refuse();
    }
    int modes = dry_run + arguments->explore + arguments->serve;

    if (modes != 1) {
        fault = modes > 1 ? "--dry-run, --explore and --serve exclude each other"
                          : "nothing to do: --dry-run, --explore or --serve is missing";
    } else if (arguments->serve && (arguments->loop || arguments->json || arguments->limit > 0)) {
        fault = "--serve takes no --loop, --limit or --json";
    } else if (arguments->frames == NULL && arguments->loop) {
        fault = "--loop needs --frames PATH";
    } else {
        return 0;
    }
    (void)fprintf(stderr, ARGUMENTS_PROGRAM ": %s\n", fault);
    return refuse();
}

int arguments_parse(int argc, char **argv, struct arguments *ret_arguments)
{
    struct arguments arguments = {0};
    bool dry_run = false;
    int code, result;

    opterr = 0;
    while ((code = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
        result = parse_one(code, argv[optind - 1], &arguments, &dry_run);
        if (result != 0) {
            return result;
        }
    }
    result = check_whole(&arguments, dry_run, argv[optind]);
    if (result == 0) {
        *ret_arguments = arguments;
    }
    return result;
}
