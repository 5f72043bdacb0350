/* What the answers hold, for /openapi.json. A test holds it against the answers themselves. */
#include "agent/http/routes.h"

static const struct route_answer mission[] = {
    {"id", "string", "the mission's own"},
    {"state", "string", "arming, exploring or ended"},
    {"goal", "string", "as it stands in the question to the model; empty: explore this room"},
    {"limits", "object", "as ordered"},
    {"ordered_at", "number", "seconds since 1970"},
    {"reason", "string",
     "of the end: time, distance, stop, estop, fault, battery, lost_model, stuck or shutdown"},
    {"detail", "string", "of the end: what the safety process or the camera said"},
    {"duration_s", "number", "since the car was armed"},
    {"distance_m", "number", "what the car was let drive"},
    {"decisions", "number", "answers of the model"},
    {"failed", "number", "questions without an answer"},
    {"vetoes", "object", "for each reason the number of decisions that it stood against"},
    {"stages_ms.total", "object", "picture to wish of motion: p50, p95, p99"},
    {"stages_ms.motor", "object", "picture to motor frame: p50, p95, p99"},
    {"events_url", "string", "what happens, as a stream"},
    {"stop_url", "string", "POST here stops the car"},
    {.name = NULL},
};

static const struct route_answer status[] = {
    {"state", "string", "idle, arming, exploring, driven, estop or offline"},
    {"ready", "boolean", "whether a mission could begin"},
    {"not_ready", "array", "what is missing, in sentences"},
    {"age_ms", "number", "of all this"},
    {"safety.armed", "boolean", "whether the car may move"},
    {"safety.estop", "boolean", "whether the emergency stop is latched"},
    {"safety.reasons", "array", "why the car may not do all that is asked"},
    {"safety.asked.vx_mm_s", "number", "ahead"},
    {"safety.asked.vy_mm_s", "number", "to the left"},
    {"safety.asked.wz_mrad_s", "number", "counter-clockwise"},
    {"safety.given.vx_mm_s", "number", "what was let pass of it"},
    {"safety.given.vy_mm_s", "number", "what was let pass of it"},
    {"safety.given.wz_mrad_s", "number", "what was let pass of it"},
    {"safety.clear_front_mm", "number", "from the hull to what is next"},
    {"safety.clear_left_mm", "number", "the same"},
    {"safety.clear_rear_mm", "number", "the same"},
    {"safety.clear_right_mm", "number", "the same"},
    {"safety.sonar_mm", "number", "-1: no good reading, -2: switched off"},
    {"safety.battery_mv", "number", "-1: no report yet"},
    {"safety.tick", "number", "of the safety process"},
    {"safety.overruns", "number", "ticks that were late"},
    {"model.found", "boolean", "whether there is a model to ask"},
    {"model.text", "string", "which one, or why none"},
    {"model.degenerate", "boolean", "its answers are all the same: it may not be looking"},
    {"camera.pictures", "boolean", "whether there are pictures"},
    {"camera.text", "string", "what gives them, or why there are none"},
    {"camera.age_ms", "number", "of the newest; -1: there is none"},
    {"mission", "object", "the running or the last one, as /v1/missions/{id} tells it; or null"},
    {.name = NULL},
};

static const struct route_answer scan[] = {
    {"sectors_mm", "array",
     "the nearest return in each sector, counter-clockwise from ahead; 0: none"},
    {"age_ms", "number", "-1: none was seen"},
    {"sector_deg", "number", "how wide a sector is"},
    {.name = NULL},
};

static const struct route_answer decisions[] = {
    {"decisions[].number", "number", "counts them"},
    {"decisions[].mission", "string", "that it belongs to, or null"},
    {"decisions[].picture", "boolean", "whether there is a picture of it"},
    {"decisions[].seq", "number", "of its picture"},
    {"decisions[].file", "string", "of a recorded picture"},
    {"decisions[].decision", "string", "the model's word; null: it failed"},
    {"decisions[].confidence", "number", "0 to 1; null: not told"},
    {"decisions[].probabilities", "object", "of each word, 0 to 1; empty: not told"},
    {"decisions[].intent.vx_mm_s", "number", "the wish of motion"},
    {"decisions[].intent.vy_mm_s", "number", "the wish of motion"},
    {"decisions[].intent.wz_mrad_s", "number", "the wish of motion"},
    {"decisions[].intent.reason", "string",
     "drives, stops, holds, waits, escapes, blocked or failed"},
    {"decisions[].error", "string", "of a failure"},
    {"decisions[].detail", "string", "of a failure"},
    {"decisions[].verdict.vx_mm_s", "number", "what the gate let pass just before"},
    {"decisions[].verdict.vy_mm_s", "number", "what the gate let pass just before"},
    {"decisions[].verdict.wz_mrad_s", "number", "what the gate let pass just before"},
    {"decisions[].verdict.clear_front_mm", "number", "from the hull to what is next"},
    {"decisions[].verdict.reasons", "array", "why not all"},
    {"decisions[].stages_ms", "object", "how long each stage took"},
    {.name = NULL},
};

static const struct route_answer health[] = {
    {"status", "string", "ok"},
    {.name = NULL},
};

static const struct route_answer problem[] = {
    {"type", "string", "about:blank"},
    {"title", "string", "what was refused, by status"},
    {"status", "number", "the same as the answer's"},
    {"detail", "string", "which field, its value, and what was expected"},
    {"not_ready", "array", "with 503: what is missing"},
    {"mission", "object", "with 409: the running one"},
    {.name = NULL},
};

const struct route_schema route_schemas[] = {
    {"Mission", mission}, {"Status", status},   {"Scan", scan}, {"Decisions", decisions},
    {"Health", health},   {"Problem", problem}, {.name = NULL},
};
