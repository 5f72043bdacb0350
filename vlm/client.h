/* HTTP to one model server: one question in flight, never a second, never again.
 *
 * The client lives in its caller's loop: client_fd() becomes readable when there is something to
 * do, client_wake_ns() says when to call at the latest, client_step() does it. Nothing blocks but
 * client_call(), which is for start-up. A question has a deadline; when it passes, or when the
 * caller cancels, the connection is dropped with it, because an answer that is still under way must
 * never be taken for the next question's. An answer that is complete when the deadline has passed
 * is thrown away. What libcurl would send a second time by itself fails instead. Stray bytes that
 * stand on an idle connection cost that connection; a server that sends some *after* the next
 * question cannot be told from one that answers it.
 *
 * Connections are renewed off the critical path by a GET /health, see renewal.h.
 *
 * libcurl is caged in client.c. Proxies from the environment are not used: the server is in the
 * same house. One thread.
 */
#ifndef VLM_CLIENT_H
#define VLM_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vlm/fault.h"

#define CLIENT_DETAIL_SIZE 160

struct client;

enum client_result {
    CLIENT_DONE = 1, /* the question came to an end: `ret_exchange` says how */
};

/* How a request ended. The body is the client's, terminated, and valid until the next call on it.
 */
struct client_exchange {
    enum fault fault; /* of the transport: connect, deadline, cut, too large; FAULT_NONE: a whole
                         reply with `status` */
    int status;
    const char *body;
    size_t size;
    bool connected;                  /* a connection had to be opened for it */
    char detail[CLIENT_DETAIL_SIZE]; /* of a fault; "" when there is nothing to add */
};

/* Paths are taken from the server's root: the base URL without its trailing "/v1". 0 or -errno.
 * Free with client_free, which accepts NULL. */
int client_new(const char *base_url, struct client **ret_client);
void client_free(struct client *client);

/* The server's root, without trailing slash. */
const char *client_root(const struct client *client);

/* Start-up only: asks and waits. `body` NULL is a GET, otherwise a POST of JSON. 0 (see
 * `ret_exchange`) or -errno. */
int client_call(struct client *client, const char *path, const char *body, int timeout_ms,
                struct client_exchange *ret_exchange);

/* The path of all questions; opens the connection when there is none yet. 0 or -errno. */
int client_aim(struct client *client, const char *path);

/* Sends a question. `body` must stay untouched until it came to its end. 0; -EBUSY while another is
 * in flight; -errno. */
int client_ask(struct client *client, const char *body, size_t size, int64_t now_ns,
               int64_t deadline_ns);

/* Drops the question in flight, if there is one. It will not come to an end. */
void client_cancel(struct client *client, int64_t now_ns);

int client_fd(const struct client *client);
int64_t client_wake_ns(const struct client *client); /* INT64_MAX: nothing is due */

/* Does what is due. 0: nothing to report; CLIENT_DONE; or -errno. */
int client_step(struct client *client, int64_t now_ns, struct client_exchange *ret_exchange);

#endif
