/* What can be configured about asking a model. */
#ifndef VLM_VLM_OPTIONS_H
#define VLM_VLM_OPTIONS_H

#include <stdbool.h>

#include "hal/base/setting.h"

#define VLM_ENDPOINTS_MAX 8

enum vlm_protocol_choice {
    VLM_PROTOCOL_AUTO,
    VLM_PROTOCOL_LLAMA,
    VLM_PROTOCOL_OPENAI,
};

/* [vlm "name"]: one server. */
struct vlm_endpoint_options {
    char url[SETTING_STRING_SIZE];   /* base URL with /v1, trailing slash accepted */
    char model[SETTING_STRING_SIZE]; /* "": whatever the server serves */
    int protocol;                    /* enum vlm_protocol_choice */
    int64_t timeout_ms;              /* of one question */
    int64_t startup_ms;              /* how long to wait for a server that is still loading */
};

enum question_on_degenerate {
    QUESTION_KEEP,
    QUESTION_CHANGE_TO_PERCEPT,
};

/* [question]: what is asked. */
struct question_options {
    int kind;                             /* enum question */
    int on_degenerate;                    /* enum question_on_degenerate */
    bool tell_clearances, tell_decisions; /* in a note behind the picture */
    char action_prompt[SETTING_STRING_SIZE];
    char percept_prompt[SETTING_STRING_SIZE];
    char action_text[SETTING_STRING_SIZE];
    char percept_text[SETTING_STRING_SIZE];
};

/* [picture]: what the model gets to see. */
struct picture_options {
    int64_t width_px;
    int64_t height_px;
    int64_t quality;
};

extern const struct setting_table vlm_endpoint_table;
extern const struct setting_table question_table;
extern const struct setting_table picture_table;

#endif
