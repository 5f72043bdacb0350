/* See vlm_options.h. Data only: every program links it to understand the whole file, also those
 * that never ask a model. */
#include "vlm/vlm_options.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#ifndef TURBONAV_PROMPTS
#error "the build defines TURBONAV_PROMPTS, the folder of the shipped prompts"
#endif

/* `host` is all that follows the "://". An IPv6 address stands in brackets. */
static bool port_is_good(const char *host)
{
    const char *end = host + strcspn(host, "/");
    const char *colon = memchr(host, *host == '[' ? ']' : ':', (size_t)(end - host));
    long port = 0;

    if (colon != NULL && *colon == ']') {
        colon = colon[1] == ':' ? colon + 1 : NULL;
    }
    if (colon == NULL) {
        return true;
    }
    for (const char *c = colon + 1; c < end; c++) {
        if (*c < '0' || *c > '9' || port > 65535) {
            return false;
        }
        port = port * 10 + (*c - '0');
    }
    return port >= 1 && port <= 65535;
}

static const char *check_url(const char *value)
{
    const char *host = strstr(value, "://");

    if (strncasecmp(value, "http://", 7) != 0 && strncasecmp(value, "https://", 8) != 0) {
        return "a base URL such as http://192.168.68.57:11435/v1";
    }
    host += 3;
    if (*host == '\0' || *host == '/' || *host == ':') {
        return "a host after the ://";
    }
    if (!port_is_good(host)) {
        return "one port from 1 to 65535 after the host";
    }
    for (const char *c = value; *c != '\0'; c++) {
        if (*c <= ' ' || *c == 0x7f) {
            return "a URL without blanks or control characters";
        }
    }
    if (strpbrk(value, "?#@") != NULL) {
        return "a base URL without query, fragment or password";
    }
    return NULL;
}

static const char *check_not_empty(const char *value)
{
    return value[0] == '\0' ? "a few words" : NULL;
}

static const char *const protocol_choices[] = {"auto", "llama", "openai", NULL};
static const char *const question_choices[] = {"action", "percept", NULL};

#define FIELD(name) offsetof(struct vlm_endpoint_options, name)
static const struct setting endpoint_settings[] = {
    {.key = "url",
     .type = SETTING_STRING,
     .offset = FIELD(url),
     .check = check_url,
     .help = "base URL of the server, with /v1"},
    {.key = "model",
     .type = SETTING_STRING,
     .offset = FIELD(model),
     .fallback = "",
     .help = "model name to ask for; empty takes the one that the server serves"},
    {.key = "protocol",
     .type = SETTING_CHOICE,
     .offset = FIELD(protocol),
     .fallback = "auto",
     .choices = protocol_choices,
     .help = "how to talk to the server; auto asks it"},
    {.key = "timeout",
     .type = SETTING_NUMBER,
     .offset = FIELD(timeout_ms),
     .unit = "ms",
     .fallback = "1000",
     .min = 20,
     .max = 60000,
     .help = "deadline of one question; a later answer is thrown away"},
    {.key = "startup",
     .type = SETTING_NUMBER,
     .offset = FIELD(startup_ms),
     .unit = "ms",
     .fallback = "30000",
     .min = 0,
     .max = 600000,
     .help = "how long to wait at start for a server that is loading its model"},
};
#undef FIELD

const struct setting_table vlm_endpoint_table = {
    .section = "vlm",
    .instances = VLM_ENDPOINTS_MAX,
    .settings = endpoint_settings,
    .count = sizeof(endpoint_settings) / sizeof(endpoint_settings[0]),
    .size = sizeof(struct vlm_endpoint_options),
    .help = "A model server; several are tried in the order of the file",
};

static const char *const degenerate_choices[] = {"keep", "percept", NULL};

#define FIELD(name) offsetof(struct question_options, name)
static const struct setting question_settings[] = {
    {.key = "kind",
     .type = SETTING_CHOICE,
     .offset = FIELD(kind),
     .fallback = "action",
     .choices = question_choices,
     .help = "ask what to do (action) or where the most open floor is (percept)"},
    {.key = "on_degenerate",
     .type = SETTING_CHOICE,
     .offset = FIELD(on_degenerate),
     .fallback = "keep",
     .choices = degenerate_choices,
     .help = "with the degenerate-answer alarm: keep the question, or ask for the percept"},
    {.key = "tell_clearances",
     .type = SETTING_BOOL,
     .offset = FIELD(tell_clearances),
     .fallback = "no",
     .help = "write behind the picture how far the lidar sees to the left, ahead and right"},
    {.key = "tell_decisions",
     .type = SETTING_BOOL,
     .offset = FIELD(tell_decisions),
     .fallback = "no",
     .help = "write behind the picture what the last three answers were"},
    {.key = "action_prompt",
     .type = SETTING_PATH,
     .offset = FIELD(action_prompt),
     .fallback = TURBONAV_PROMPTS "/action.txt",
     .help = "file with the fixed prompt of the action question"},
    {.key = "percept_prompt",
     .type = SETTING_PATH,
     .offset = FIELD(percept_prompt),
     .fallback = TURBONAV_PROMPTS "/percept.txt",
     .help = "file with the fixed prompt of the percept question"},
    {.key = "action_text",
     .type = SETTING_STRING,
     .offset = FIELD(action_text),
     .fallback = "Command:",
     .check = check_not_empty,
     .help = "short text after the picture in the action question"},
    {.key = "percept_text",
     .type = SETTING_STRING,
     .offset = FIELD(percept_text),
     .fallback = "Most open floor:",
     .check = check_not_empty,
     .help = "short text after the picture in the percept question"},
};
#undef FIELD

const struct setting_table question_table = {
    .section = "question",
    .settings = question_settings,
    .count = sizeof(question_settings) / sizeof(question_settings[0]),
    .size = sizeof(struct question_options),
    .help = "What the model is asked",
};

#define FIELD(name) offsetof(struct picture_options, name)
static const struct setting picture_settings[] = {
    {.key = "width",
     .type = SETTING_NUMBER,
     .offset = FIELD(width_px),
     .unit = "px",
     .fallback = "480",
     .min = 96,
     .max = 1920,
     .multiple = 48,
     .help = "width that is sent; Gemma 4 makes one token of each 48x48 px"},
    {.key = "height",
     .type = SETTING_NUMBER,
     .offset = FIELD(height_px),
     .unit = "px",
     .fallback = "336",
     .min = 96,
     .max = 1920,
     .multiple = 48,
     .help = "height that is sent; what is too much is cropped from the top"},
    {.key = "quality",
     .type = SETTING_NUMBER,
     .offset = FIELD(quality),
     .fallback = "70",
     .min = 20,
     .max = 95,
     .help = "JPEG quality of pictures that have to be encoded"},
};
#undef FIELD

const struct setting_table picture_table = {
    .section = "picture",
    .settings = picture_settings,
    .count = sizeof(picture_settings) / sizeof(picture_settings[0]),
    .size = sizeof(struct picture_options),
    .help = "The picture as the model gets it",
};
