/* The HTTP server: api.h on the network, in a thread of its own.
 *
 * The thread only ever waits for the network and the hub. Readers of streams get what they can
 * take; one that takes nothing for ten seconds is cut off.
 */
#ifndef AGENT_HTTP_SERVER_H
#define AGENT_HTTP_SERVER_H

#include "agent/core/hub.h"
#include "agent/http/http_options.h"

#define SERVER_WHY_SIZE 320

struct server;

enum server_result {
    SERVER_REFUSED = 1, /* the configuration: `ret_why` is one line */
};

/* Listens and starts. 0, SERVER_REFUSED or -errno. `speed_max_mm_s`: that a mission may ask for.
 * Free with server_free, which accepts NULL and ends the thread. The hub is borrowed. */
int server_new(const struct http_options *options, struct hub *hub, struct server **ret_server,
               char ret_why[SERVER_WHY_SIZE]);
void server_free(struct server *server);

/* "http://127.0.0.1:8090", with the port that the system chose. */
const char *server_url(const struct server *server);

#endif
