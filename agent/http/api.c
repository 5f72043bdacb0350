/* See api.h. First who asks and from where, then what. */
#include "agent/http/api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/http/json.h"
#include "agent/http/routes.h"

#define ALLOW_SIZE 32

/* Whether a path is of this route; `ret_id` is what stands for "{id}". */
static bool matches(const char *pattern, const char *path, uint64_t *ret_id)
{
    const char *hole = strstr(pattern, "{id}");
    size_t before = hole != NULL ? (size_t)(hole - pattern) : strlen(pattern);
    size_t digits;

    *ret_id = 0;
    if (strncmp(path, pattern, before) != 0) {
        return false;
    }
    if (hole == NULL) {
        return path[before] == '\0';
    }
    digits = strspn(path + before, "0123456789");
    *ret_id = digits > 0 && digits < 20 ? strtoull(path + before, NULL, 10) : 0;
    return digits > 0 && strcmp(path + before + digits, hole + 4) == 0;
}

static void refuse(struct api_reply *reply, int status, const char *title, const char *detail)
{
    reply->body = json_problem(status, title, detail, NULL, NULL);
    reply->status = reply->body != NULL ? status : 500;
    reply->type = reply->body != NULL ? "application/problem+json" : NULL;
    reply->size = reply->body != NULL ? strlen(reply->body) : 0;
}

static const struct route *find(const char *method, const char *path, uint64_t *ret_id,
                                const char **ret_allow)
{
    *ret_allow = NULL;
    for (size_t i = 0; i < route_count; i++) {
        if (matches(route_list[i].path, path, ret_id)) {
            if (strcmp(route_list[i].method, method) == 0) {
                return &route_list[i];
            }
            *ret_allow = route_list[i].method;
        }
    }
    return NULL;
}

/* 0, or the reply is made. */
static int check(const struct api *api, const struct api_request *request,
                 const struct route *route, const char *allow, struct api_reply *reply)
{
    int status = 0;

    if (!guard_host_is_good(request->host)) {
        refuse(reply, status = 403, "not from there",
               "Host: expected an address, or a name of this network");
    } else if (!guard_origin_is_good(request->origin, request->host)) {
        refuse(reply, status = 403, "not from there", "Origin: expected this server's own pages");
    } else if ((route == NULL || !route->open) &&
               !guard_token_is_good(api->guard, request->authorization)) {
        refuse(reply, status = 401, "a token is needed",
               "expected Authorization: Bearer and the token of [http] token_file");
    } else if (route == NULL && allow == NULL) {
        refuse(reply, status = 404, "there is nothing here", "see /openapi.json");
    } else if (route == NULL) {
        refuse(reply, status = 405, "not with this method", allow);
        reply->allow = allow;
    } else if (request->too_large) {
        refuse(reply, status = 413, "the body is too large", "expected at most 16384 bytes");
    }
    return status;
}

void api_answer(struct api *api, const struct api_request *request, struct api_reply *ret_reply)
{
    const char *method = strcmp(request->method, "HEAD") == 0 ? "GET" : request->method, *allow;
    uint64_t id;
    const struct route *route = find(method, request->path, &id, &allow);

    *ret_reply = (struct api_reply){0};
    if (check(api, request, route, allow, ret_reply) == 0) {
        route->answer(api, request, id, ret_reply);
    }
    api->requests++;
    api->refused += ret_reply->status >= 400 ? 1 : 0;
}

void api_reply_fini(struct api_reply *reply)
{
    free(reply->body);
    view_picture_drop(reply->picture);
    *reply = (struct api_reply){0};
}
