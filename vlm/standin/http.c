/* See http.h.
 *
 * Each connection has a thread (at most CONNECTIONS_MAX); a request is collected whole, then
 * routes_answer() runs on that thread and may sleep there. What belongs to a connection is a
 * struct peer, what belongs to a request a struct exchange; libmicrohttpd calls us back when either
 * ends. Like cpp-httplib, a llama flavoured server closes a connection after the 100th answer and
 * after any answer of 400 or more; idle connections close after 5 s in both flavours.
 */
#include "vlm/standin/http.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "hal/base/clock.h"

enum {
    CONNECTIONS_MAX = 64,
    ANSWERS_MAX = 100,
    IDLE_S = 5,
    UPLOAD_S = 60,
    BODY_MAX = 100 << 20,
    BODY_START = 64 << 10,
    MEMORY_BYTES = 256 << 10, /* of a connection; a frame's body is read in one or two pieces */
};

struct http {
    struct standin *standin;
    struct MHD_Daemon *daemon;
};

struct peer {
    int answers;
};

struct exchange {
    char *body;
    size_t size, room;
    bool too_large;
    struct reply reply; /* kept while a body is sent in pieces */
    struct http *http;
};

/* --- bodies --- */

static int exchange_append(struct exchange *exchange, const char *data, size_t size)
{
    if (exchange->too_large || size > BODY_MAX - exchange->size) {
        exchange->too_large = true;
        return 0;
    }
    if (exchange->size + size + 1 > exchange->room) {
        size_t room = exchange->room < BODY_START ? BODY_START : 2 * exchange->room;

        room = room < exchange->size + size + 1 ? exchange->size + size + 1 : room;

        char *body = realloc(exchange->body, room);

        if (body == NULL) {
            return -ENOMEM;
        }
        exchange->body = body;
        exchange->room = room;
    }
    memcpy(exchange->body + exchange->size, data, size);
    exchange->size += size;
    exchange->body[exchange->size] = '\0';
    return 0;
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
    const char *value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);

    return value != NULL ? value : "";
}

/* The status to refuse a request with before its body is read, or 0. */
static int refuse_early(struct MHD_Connection *connection)
{
    const char *length = header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);

    if (length[0] != '\0' && header(connection, MHD_HTTP_HEADER_TRANSFER_ENCODING)[0] != '\0') {
        return 400;
    }
    if (strtoull(length, NULL, 10) > BODY_MAX) {
        return 413;
    }
    return header(connection, MHD_HTTP_HEADER_CONTENT_ENCODING)[0] != '\0' ? 415 : 0;
}

/* Makes room for the whole body at once, where its length is told. */
static void reserve(struct MHD_Connection *connection, struct exchange *exchange)
{
    unsigned long long length =
        strtoull(header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH), NULL, 10);

    exchange->room = (length < BODY_MAX ? (size_t)length : BODY_START) + 1;
    exchange->body = malloc(exchange->room);
    if (exchange->body == NULL) {
        exchange->room = 0;
    } else {
        exchange->body[0] = '\0';
    }
}

/* --- sending --- */

/* One byte each 100 ms. libmicrohttpd's read callback. */
static ssize_t read_slowly(void *cls, uint64_t position, char *buffer, size_t max)
{
    struct exchange *exchange = cls;
    int64_t until_ns = clock_now_ns() + FAULT_SLOW_BODY_MS * CLOCK_NS_PER_MS;

    if (max == 0) {
        return 0;
    }
    if (position > 0 && slot_wait_until(exchange->http->standin->slot, until_ns) != 0) {
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    buffer[0] = exchange->reply.body[position];
    return 1;
}

/* Half of the body, then the end of the connection. libmicrohttpd's read callback. */
static ssize_t read_half(void *cls, uint64_t position, char *buffer, size_t max)
{
    struct exchange *exchange = cls;
    size_t half = exchange->reply.size / 2;

    if (position >= half) {
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }

    size_t size = half - (size_t)position < max ? half - (size_t)position : max;

    memcpy(buffer, exchange->reply.body + position, size);
    return (ssize_t)size;
}

/* The response takes the body, or the exchange keeps it for the callbacks. */
static struct MHD_Response *response_new(struct exchange *exchange)
{
    struct reply *reply = &exchange->reply;
    struct MHD_Response *response;

    if (reply->delivery == DELIVERY_SLOW) {
        return MHD_create_response_from_callback(reply->size, 1024, read_slowly, exchange, NULL);
    }
    if (reply->delivery == DELIVERY_CUT) {
        return MHD_create_response_from_callback(reply->size, 64 << 10, read_half, exchange, NULL);
    }
    response = MHD_create_response_from_buffer(reply->size, reply->body,
                                               reply->body != NULL ? MHD_RESPMEM_MUST_FREE
                                                                   : MHD_RESPMEM_PERSISTENT);
    if (response != NULL) {
        reply->body = NULL;
    }
    return response;
}

static bool closes_after(const struct http *http, struct MHD_Connection *connection,
                         const struct peer *peer, int status)
{
    if (strcasecmp(header(connection, MHD_HTTP_HEADER_CONNECTION), "close") == 0) {
        return true;
    }
    return http->standin->options->flavour == FLAVOUR_LLAMA &&
           (status >= 400 || peer->answers >= ANSWERS_MAX);
}

static enum MHD_Result send_reply(struct MHD_Connection *connection, struct exchange *exchange)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct peer *peer = info->socket_context;
    struct MHD_Response *response = response_new(exchange);
    bool llama = exchange->http->standin->options->flavour == FLAVOUR_LLAMA;

    if (response == NULL || peer == NULL) {
        return MHD_NO;
    }
    peer->answers++;
    if (exchange->reply.content_type != NULL) {
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
                                      exchange->reply.content_type);
    }
    if (closes_after(exchange->http, connection, peer, exchange->reply.status)) {
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    } else if (llama) {
        (void)MHD_add_response_header(response, "Keep-Alive", "timeout=5, max=100");
    }
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_SERVER,
                                  llama ? "llama.cpp" : "uvicorn");

    enum MHD_Result result =
        MHD_queue_response(connection, (unsigned int)exchange->reply.status, response);

    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result send_status(struct MHD_Connection *connection, struct exchange *exchange,
                                   int status)
{
    exchange->reply = (struct reply){.status = status};
    return send_reply(connection, exchange);
}

/* --- libmicrohttpd's callbacks --- */

static enum MHD_Result begin(struct http *http, struct MHD_Connection *connection, void **state)
{
    struct exchange *exchange = calloc(1, sizeof(*exchange));
    int status = refuse_early(connection);

    if (exchange == NULL) {
        return MHD_NO;
    }
    exchange->http = http;
    *state = exchange;
    if (status != 0) {
        return send_status(connection, exchange, status);
    }
    (void)MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT,
                                    (unsigned int)UPLOAD_S);
    reserve(connection, exchange);
    return MHD_YES;
}

static enum MHD_Result handle(void *cls, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *size, void **state)
{
    struct http *http = cls;
    struct exchange *exchange = *state;

    (void)version;
    if (exchange == NULL) {
        return begin(http, connection, state);
    }
    if (*size > 0) {
        int error = exchange_append(exchange, data, *size);

        *size = 0;
        return error == 0 ? MHD_YES : MHD_NO;
    }
    if (exchange->too_large) {
        return send_status(connection, exchange, 413);
    }

    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct request request = {
        .method = method,
        .path = url,
        .body = exchange->body != NULL ? exchange->body : "",
        .size = exchange->size,
        .arrived_ns = clock_now_ns(),
        .fd = info->connect_fd,
    };

    /* A question may sleep longer than any limit on idleness. */
    (void)MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT, 0U);
    routes_answer(http->standin, &request, &exchange->reply);
    if (exchange->reply.delivery == DELIVERY_NEVER) {
        return MHD_NO;
    }
    return send_reply(connection, exchange);
}

static void end_exchange(void *cls, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code)
{
    struct exchange *exchange = *state;

    (void)cls;
    if (code == MHD_REQUEST_TERMINATED_COMPLETED_OK) {
        (void)MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT,
                                        (unsigned int)IDLE_S);
    }
    if (exchange != NULL) {
        free(exchange->body);
        free(exchange->reply.body);
        free(exchange);
        *state = NULL;
    }
}

static void count_peer(void *cls, struct MHD_Connection *connection, void **context,
                       enum MHD_ConnectionNotificationCode code)
{
    (void)cls;
    (void)connection;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *context = calloc(1, sizeof(struct peer));
    } else {
        free(*context);
        *context = NULL;
    }
}

int http_new(struct standin *standin, int listen_fd, struct http **ret_http)
{
    struct http *http = calloc(1, sizeof(*http));

    if (http == NULL) {
        return -ENOMEM;
    }
    http->standin = standin;
    http->daemon = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL |
            MHD_USE_ITC | MHD_USE_SUPPRESS_DATE_NO_CLOCK,
        0, NULL, NULL, handle, http, MHD_OPTION_LISTEN_SOCKET, listen_fd,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned int)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned int)IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_BYTES,
        MHD_OPTION_CONNECTION_MEMORY_INCREMENT, (size_t)(MEMORY_BYTES / 4),
        MHD_OPTION_NOTIFY_COMPLETED, end_exchange, NULL, MHD_OPTION_NOTIFY_CONNECTION, count_peer,
        NULL, MHD_OPTION_END);
    if (http->daemon == NULL) {
        free(http);
        return -EIO;
    }
    *ret_http = http;
    return 0;
}

void http_free(struct http *http)
{
    if (http == NULL) {
        return;
    }
    MHD_stop_daemon(http->daemon);
    free(http);
}
