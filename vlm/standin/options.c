/* See options.h. */
#include "vlm/standin/options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hal/base/clock.h"

static const char help[] =
    "Usage: turbonav-standin [OPTION]...\n"
    "Stand in for a llama.cpp llama-server: the same HTTP surface, with answers computed from "
    "where\n"
    "the floor is in the picture. It is NOT a model: no claim about how a model drives follows "
    "from\n"
    "it. It exists to test clients and to measure them.\n"
    "\n"
    "  --listen HOST:PORT     IPv4 address to listen on (default 127.0.0.1:8080); port 0 takes a\n"
    "                         free one. Prints \"listening on http://HOST:PORT/v1\" when it does\n"
    "  --service MS           a question takes this long from its arrival to its answer (0: as\n"
    "                         fast as it goes)\n"
    "  --jitter MS            and at random up to this much longer\n"
    "  --loading MS           answer 503 \"Loading model\" for so long after the start\n"
    "  --no-vision            have no mmproj: refuse pictures\n"
    "  --thinking WHEN        auto: as the request says, else on (openai: off); always\n"
    "  --split WORD           make this word two tokens\n"
    "  --context N            tokens of context (default 4096)\n"
    "  --image-min-tokens N   lower limit of a picture's tokens (default 70)\n"
    "  --image-max-tokens N   upper limit of a picture's tokens (default 1120)\n"
    "  --flavour NAME         llama, or openai: the surface of a vLLM server\n"
    "  --model NAME           name of the model (default gemma-4-standin)\n"
    "  --fault KIND[@N|/N]    answer wrongly: every question, only the Nth (@N), every Nth (/N);\n"
    "                         may be repeated, the first that matches wins. KIND is http-500,\n"
    "                         http-503, hang, slow-body, cut, garbage, truncated, unknown-word,\n"
    "                         empty, reasoning, several-words, always=WORD, huge or deep\n"
    "  --seed N               make everything random repeatable\n"
    "  --log                  one line for each question on standard error\n"
    "  --help, --version      print this, or the version, and exit\n"
    "\n"
    "SIGTERM and SIGINT end it at once. Exit codes: 0, 64 wrong command line, 71 cannot listen.\n";

enum {
    KEY_LISTEN = 256,
    KEY_SERVICE,
    KEY_JITTER,
    KEY_LOADING,
    KEY_NO_VISION,
    KEY_THINKING,
    KEY_SPLIT,
    KEY_CONTEXT,
    KEY_IMAGE_MIN,
    KEY_IMAGE_MAX,
    KEY_FLAVOUR,
    KEY_MODEL,
    KEY_FAULT,
    KEY_SEED,
    KEY_LOG,
    KEY_HELP,
    KEY_VERSION,
};

static const struct option long_options[] = {
    {"listen", required_argument, NULL, KEY_LISTEN},
    {"service", required_argument, NULL, KEY_SERVICE},
    {"jitter", required_argument, NULL, KEY_JITTER},
    {"loading", required_argument, NULL, KEY_LOADING},
    {"no-vision", no_argument, NULL, KEY_NO_VISION},
    {"thinking", required_argument, NULL, KEY_THINKING},
    {"split", required_argument, NULL, KEY_SPLIT},
    {"context", required_argument, NULL, KEY_CONTEXT},
    {"image-min-tokens", required_argument, NULL, KEY_IMAGE_MIN},
    {"image-max-tokens", required_argument, NULL, KEY_IMAGE_MAX},
    {"flavour", required_argument, NULL, KEY_FLAVOUR},
    {"model", required_argument, NULL, KEY_MODEL},
    {"fault", required_argument, NULL, KEY_FAULT},
    {"seed", required_argument, NULL, KEY_SEED},
    {"log", no_argument, NULL, KEY_LOG},
    {"help", no_argument, NULL, KEY_HELP},
    {"version", no_argument, NULL, KEY_VERSION},
    {0},
};

enum {
    MS_MAX = 3600000,
    TOKENS_MAX = 1 << 20,
};

static int read_ms(const char *text, int64_t *ret_ns)
{
    char *end;
    double ms = strtod(text, &end);

    if (end == text || *end != '\0' || !(ms >= 0 && ms <= MS_MAX)) {
        return -EINVAL;
    }
    *ret_ns = (int64_t)llround(ms * (double)CLOCK_NS_PER_MS);
    return 0;
}

static int read_count(const char *text, int *ret_count)
{
    char *end;

    errno = 0;
    long count = strtol(text, &end, 10);

    if (errno != 0 || end == text || *end != '\0' || count < 1 || count > TOKENS_MAX) {
        return -EINVAL;
    }
    *ret_count = (int)count;
    return 0;
}

static int read_seed(const char *text, struct options *options)
{
    char *end;

    errno = 0;
    unsigned long long seed = strtoull(text, &end, 10);

    if (errno != 0 || text[0] < '0' || text[0] > '9' || *end != '\0') {
        return -EINVAL;
    }
    options->seed = seed;
    options->seeded = true;
    return 0;
}

static int read_text(const char *text, char *buffer, size_t size)
{
    size_t length = strlen(text);

    if (length == 0 || length >= size) {
        return -EINVAL;
    }
    memcpy(buffer, text, length + 1);
    return 0;
}

static int read_listen(const char *text, struct options *options)
{
    const char *colon = strrchr(text, ':');
    char host[sizeof(options->host)];
    struct in_addr address;
    char *end;

    if (colon == NULL || colon == text || (size_t)(colon - text) >= sizeof(host) ||
        colon[1] < '0' || colon[1] > '9') {
        return -EINVAL;
    }
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    if (strcmp(host, "localhost") == 0) {
        (void)read_text("127.0.0.1", host, sizeof(host));
    }

    unsigned long port = strtoul(colon + 1, &end, 10);

    if (*end != '\0' || port > UINT16_MAX || inet_pton(AF_INET, host, &address) != 1) {
        return -EINVAL;
    }
    memcpy(options->host, host, sizeof(host));
    options->port = (uint16_t)port;
    return 0;
}

/* Index of `text` in a NULL-terminated list. */
static int read_choice(const char *text, const char *const *choices, int *ret_index)
{
    for (int i = 0; choices[i] != NULL; i++) {
        if (strcmp(choices[i], text) == 0) {
            *ret_index = i;
            return 0;
        }
    }
    return -EINVAL;
}

static int read_thinking(const char *text, struct options *options)
{
    static const char *const choices[] = {"auto", "always", NULL};
    int index;
    int error = read_choice(text, choices, &index);

    if (error == 0) {
        options->thinking = (enum thinking)index;
    }
    return error;
}

static int read_flavour(const char *text, struct options *options)
{
    static const char *const choices[] = {"llama", "openai", NULL};
    int index;
    int error = read_choice(text, choices, &index);

    if (error == 0) {
        options->flavour = (enum flavour)index;
    }
    return error;
}

static int read_split(const char *text, struct options *options)
{
    for (size_t i = 0; tokens_known_word(i) != NULL; i++) {
        if (strcmp(tokens_known_word(i), text) == 0) {
            return read_text(text, options->vocabulary.split, sizeof(options->vocabulary.split));
        }
    }
    return -EINVAL;
}

static int read_fault(const char *text, struct options *options)
{
    if (options->fault_count == FAULT_COUNT_MAX) {
        return -E2BIG;
    }

    int error = fault_parse(text, &options->faults[options->fault_count]);

    if (error == 0) {
        options->fault_count++;
    }
    return error;
}

static int read_option(int key, const char *value, struct options *options)
{
    switch (key) {
    case KEY_LISTEN:
        return read_listen(value, options);
    case KEY_SERVICE:
        return read_ms(value, &options->service_ns);
    case KEY_JITTER:
        return read_ms(value, &options->jitter_ns);
    case KEY_LOADING:
        return read_ms(value, &options->loading_ns);
    case KEY_NO_VISION:
        options->vision = false;
        return 0;
    case KEY_THINKING:
        return read_thinking(value, options);
    case KEY_SPLIT:
        return read_split(value, options);
    case KEY_CONTEXT:
        return read_count(value, &options->context);
    case KEY_IMAGE_MIN:
        return read_count(value, &options->image_tokens_min);
    case KEY_IMAGE_MAX:
        return read_count(value, &options->image_tokens_max);
    case KEY_FLAVOUR:
        return read_flavour(value, options);
    case KEY_MODEL:
        return read_text(value, options->model, sizeof(options->model));
    case KEY_FAULT:
        return read_fault(value, options);
    case KEY_SEED:
        return read_seed(value, options);
    case KEY_LOG:
        options->log = true;
        return 0;
    default:
        return -ENOENT;
    }
}

static enum options_outcome complain(const char *option, const char *value)
{
    (void)fprintf(stderr, "turbonav-standin: bad value for --%s: %s; see --help\n", option, value);
    return OPTIONS_BAD;
}

enum options_outcome options_read(int argc, char **argv, struct options *ret_options)
{
    struct options options = {
        .host = "127.0.0.1",
        .port = 8080,
        .vision = true,
        .context = 4096,
        .image_tokens_min = 70,
        .image_tokens_max = 1120,
        .model = "gemma-4-standin",
    };
    int key, index = 0;

    while ((key = getopt_long(argc, argv, "", long_options, &index)) != -1) {
        if (key == KEY_HELP) {
            (void)fputs(help, stdout);
            return OPTIONS_DONE;
        }
        if (key == KEY_VERSION) {
            (void)puts("turbonav-standin " TURBONAV_VERSION " (a stand-in, not a model)");
            return OPTIONS_DONE;
        }
        if (key == '?') {
            return OPTIONS_BAD; /* getopt_long has said why */
        }
        if (read_option(key, optarg, &options) != 0) {
            return complain(long_options[index].name, optarg);
        }
    }
    if (optind < argc) {
        (void)fprintf(stderr, "turbonav-standin: unexpected argument: %s; see --help\n",
                      argv[optind]);
        return OPTIONS_BAD;
    }
    if (options.image_tokens_min > options.image_tokens_max) {
        (void)fprintf(stderr,
                      "turbonav-standin: --image-min-tokens %d is above "
                      "--image-max-tokens %d\n",
                      options.image_tokens_min, options.image_tokens_max);
        return OPTIONS_BAD;
    }
    *ret_options = options;
    return OPTIONS_RUN;
}
