/* When to open the next connection, so that no question has to wait for one.
 *
 * llama-server (cpp-httplib, limits compiled in) closes a connection after 100 requests, after 5 s
 * without one, and after every status >= 400. This keeps count of what each connection has served
 * and says when a GET /health should open or refresh one: while the last request of a connection is
 * under way, as soon as there is none left, and after 3.5 s of silence. Connections are told apart
 * by their local port. A server without a cap is given a second connection every 100 questions,
 * which does no harm.
 *
 * Pure: time is a parameter. Caller's memory.
 */
#ifndef VLM_RENEWAL_H
#define VLM_RENEWAL_H

#include <stdbool.h>
#include <stdint.h>

#define RENEWAL_REQUESTS 100
#define RENEWAL_IDLE_NS  INT64_C(3500000000)
#define RENEWAL_RETRY_NS INT64_C(500000000) /* after a GET /health that failed */

struct renewal_connection {
    long port; /* 0: none */
    int requests;
};

struct renewal {
    struct renewal_connection current, successor;
    bool asking;
    int64_t due_ns; /* of the next GET /health; INT64_MAX: none */
};

/* Without a connection, one is due at once. */
void renewal_init(struct renewal *renewal);

/* The GET /health that was due has been sent. */
void renewal_begin(struct renewal *renewal);

/* It ended over the connection at `port`; `open`: that connection can be used again. */
void renewal_end(struct renewal *renewal, long port, bool open, int64_t now_ns);

/* A question is being sent. True: it is the last one of its connection, send a GET /health now. */
bool renewal_ask(struct renewal *renewal);

/* It ended over the connection at `port`; `open` as above. */
void renewal_answer(struct renewal *renewal, long port, bool open, int64_t now_ns);

/* It was given up, and its connection with it. */
void renewal_drop(struct renewal *renewal, int64_t now_ns);

#endif
