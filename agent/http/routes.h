/* The table behind api.h. */
#ifndef AGENT_HTTP_ROUTES_H
#define AGENT_HTTP_ROUTES_H

#include "agent/http/api.h"

/* A field of a request's body. */
struct route_field {
    const char *name; /* "limits.speed_mm_s": nested once */
    bool text;        /* a string; else a number */
    bool needed;
    double min, max; /* of a number; of a string: its bytes */
    const char *help;
};

/* A field of an answer. */
struct route_answer {
    const char
        *name; /* "safety.given.vx_mm_s": nested as deep as it has dots; "decisions[].number" */
    const char *type; /* "string", "number", "boolean", "object", "array" */
    const char *help;
};

struct route_schema {
    const char *name;
    const struct route_answer *fields; /* ends with a NULL name */
};

extern const struct route_schema route_schemas[]; /* ends with a NULL name */

struct route {
    const char *method;
    const char *path; /* "{id}" stands for a number */
    void (*answer)(struct api *api, const struct api_request *request, uint64_t id,
                   struct api_reply *reply);
    bool open;                        /* asks for no token */
    const struct route_field *fields; /* ends with a NULL name; NULL: takes no body */
    const char *type;                 /* of the answer */
    const char *schema;               /* of an answer in JSON; NULL: none */
    const char *statuses; /* "202 409 423 503": what it may answer, the good one first */
    const char *help;
};

extern const struct route route_list[];
extern const size_t route_count;

#endif
