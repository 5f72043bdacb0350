/* What is known, as JSON: each one line, the caller's to free; NULL without memory. Pure. */
#ifndef AGENT_HTTP_JSON_H
#define AGENT_HTTP_JSON_H

#include "agent/http/view.h"

char *json_status(const struct view *view, int64_t now_ns);
char *json_mission(const struct view_mission *mission);
char *json_decision(const struct view_decision *decision);
char *json_decisions(const struct view *view);
char *json_scan(const struct view *view, int64_t now_ns);
char *json_event(const struct wire_event *event);

/* What keeps a mission from beginning, as an array of sentences in `ret_json`. True: nothing does.
 */
bool json_readiness(const struct view *view, int64_t now_ns, char **ret_json);

/* application/problem+json, RFC 9457. `extra`: a JSON value, or NULL, that stands under `key`. */
char *json_problem(int status, const char *title, const char *detail, const char *key,
                   const char *extra);

#endif
