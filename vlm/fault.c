/* See fault.h. */
#include "vlm/fault.h"

static const struct {
    const char *name, *text;
} faults[FAULT_COUNT] = {
    [FAULT_NONE] = {"none", "no fault"},
    [FAULT_CONNECT] = {"connect", "cannot connect"},
    [FAULT_DEADLINE] = {"deadline", "no answer in time"},
    [FAULT_CUT] = {"cut", "connection cut"},
    [FAULT_LOADING] = {"loading", "server is loading its model"},
    [FAULT_HTTP] = {"http", "server refused the question"},
    [FAULT_TOO_LARGE] = {"too_large", "reply of more than 1 MB"},
    [FAULT_EMPTY] = {"empty", "reply without a body"},
    [FAULT_NUL] = {"nul", "reply with a NUL byte"},
    [FAULT_TRUNCATED] = {"truncated", "reply is JSON cut off"},
    [FAULT_DEPTH] = {"depth", "reply is nested too deep"},
    [FAULT_NOT_JSON] = {"not_json", "reply is not JSON"},
    [FAULT_SHAPE] = {"shape", "reply lacks a field or has one of a wrong type"},
    [FAULT_SERVER] = {"server", "reply is an error"},
    [FAULT_NO_WORD] = {"no_word", "empty answer"},
    [FAULT_REASONING] = {"reasoning", "empty answer: the model was thinking instead"},
    [FAULT_UNKNOWN_WORD] = {"unknown_word", "unknown word"},
    [FAULT_SEVERAL_WORDS] = {"several_words", "several words"},
};

const char *fault_name(enum fault fault)
{
    return faults[fault].name;
}

const char *fault_text(enum fault fault)
{
    return faults[fault].text;
}
