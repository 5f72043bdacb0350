/* The HTTP edge of the stand-in: connections, request bodies, and how the real server handles a
 * connection (facts section 6). The only file with libmicrohttpd. */
#ifndef VLM_STANDIN_HTTP_H
#define VLM_STANDIN_HTTP_H

#include "vlm/standin/routes.h"

struct http;

/* Serves connections of the listening socket on threads of its own, until http_free(), which must
 * be preceded by slot_stop() and closes the socket. `standin` outlives it. -errno; the socket is
 * closed in that case too. http_free() accepts NULL. */
int http_new(struct standin *standin, int listen_fd, struct http **ret_http);
void http_free(struct http *http);

#endif
