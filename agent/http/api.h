/* The HTTP interface without the network: a request in, a reply out.
 *
 * One table says what there is; it routes, and /openapi.json is made from it. Reads come from the
 * view; what changes something goes to the loop through the hub, and is answered before it is done:
 * a mission with 202 and its id. One thread; nothing waits.
 */
#ifndef AGENT_HTTP_API_H
#define AGENT_HTTP_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/http/guard.h"
#include "agent/http/view.h"

#define API_BODY_MAX (16 * 1024)

/* Strings are never NULL; "" stands for what was not sent. `body` may hold any bytes. */
struct api_request {
    const char *method, *path;
    const char *number; /* ?number= */
    const char *host, *origin, *authorization, *content_type, *last_event_id;
    const char *body;
    size_t size;
    bool too_large; /* the body: it was not kept */
    int64_t now_ns, wall_ns;
};

/* What comes after the head, for as long as somebody reads. */
enum api_stream {
    API_WHOLE, /* nothing: `body` is all */
    API_EVENTS,
    API_PICTURES,
};

struct api_reply {
    int status;
    const char *type;  /* of the body; NULL: none */
    const char *allow; /* methods, with 405; or NULL */
    char *body;        /* malloc'd; NULL: `picture`, or nothing */
    size_t size;
    struct view_picture *picture; /* held; instead of a body */
    enum api_stream stream;
    uint64_t mission, after; /* of events: of this mission (0: all), with larger numbers */
};

struct api {
    struct view *view;
    struct hub *hub;
    const struct guard *guard;
    uint64_t last_id;
    uint64_t requests, refused; /* 4xx and 5xx */
};

/* Always gives a reply, which the caller frees. */
void api_answer(struct api *api, const struct api_request *request, struct api_reply *ret_reply);
void api_reply_fini(struct api_reply *reply);

/* /openapi.json. */
char *api_describe(void);

#endif
