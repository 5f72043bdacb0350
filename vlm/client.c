/* See client.h.
 *
 * Three easy handles live as long as the client: `ask` for questions and `warm` for GET /health,
 * both in one multi handle and so on one pool of connections, and `call` for start-up, on its own.
 * The multi handle tells its sockets and its timer through callbacks; the sockets go into an epoll
 * descriptor, which is what the caller's loop waits for.
 *
 * When a connection is opened or refreshed is renewal.c's; connections are told apart by their
 * local port, because curl 7.88 has no name for them.
 */
#include "vlm/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hal/base/clock.h"
#include "hal/base/text.h"
#include "vlm/receiver.h"
#include "vlm/renewal.h"
#include "vlm/reply.h"

#define WARM_TIMEOUT_MS    2000L
#define CONNECT_TIMEOUT_MS 1000L
/* Idle seconds after which a connection is not used any more: renewal.h refreshes it before that,
 * and the server closes it after that. */
#define CONNECTION_AGE_S 4L

#define CONNECTIONS_MAX 2L
#define SOCKETS_MAX     8             /* and attempts at several addresses at once */
#define UPLOAD_BUFFER   (512 * 1024L) /* one send(2) for a whole question */

struct client {
    char *root;
    CURLM *multi;
    CURL *ask, *warm, *call;
    struct curl_slist *headers;
    struct receiver answer, health;
    char ask_error[CURL_ERROR_SIZE];
    int epoll_fd;
    bool asking, warming;
    int sends;                /* of the question in flight */
    int sockets[SOCKETS_MAX]; /* of all connections; -1: none */
    bool finished;            /* a request came to its end and waits to be taken */
    struct renewal renewal;
    int64_t now_ns, timer_ns, deadline_ns;
};

static int on_socket(CURL *easy, curl_socket_t socket, int what, void *user, void *socket_user)
{
    struct client *client = user;
    struct epoll_event event = {.data.fd = socket};

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        /* The socket may already be closed, and with it gone from the set. */
        (void)epoll_ctl(client->epoll_fd, EPOLL_CTL_DEL, socket, NULL);
        return 0;
    }
    event.events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
    int operation = socket_user == NULL ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;

    if (epoll_ctl(client->epoll_fd, operation, socket, &event) < 0) {
        return -1;
    }
    (void)curl_multi_assign(client->multi, socket, client);
    return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *user)
{
    struct client *client = user;

    (void)multi;
    client->timer_ns = timeout_ms < 0 ? INT64_MAX : client->now_ns + timeout_ms * CLOCK_NS_PER_MS;
    return 0;
}

/* Called before each sending. curl sends a request again by itself when a connection that it used
 * before was closed without a byte; the server may have worked on the first one all the same. */
static int on_send(void *user, char *server, char *local, int server_port, int local_port)
{
    struct client *client = user;

    (void)server;
    (void)local;
    (void)server_port;
    (void)local_port;
    return ++client->sends > 1 ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

/* The sockets of the pool are kept account of, so that they can be looked at while they are idle.
 */
static curl_socket_t on_open(void *user, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct client *client = user;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);

    (void)purpose;
    for (int i = 0; i < SOCKETS_MAX && fd >= 0; i++) {
        if (client->sockets[i] < 0) {
            client->sockets[i] = fd;
            break;
        }
    }
    return fd < 0 ? CURL_SOCKET_BAD : fd;
}

static int on_close(void *user, curl_socket_t socket)
{
    struct client *client = user;

    for (int i = 0; i < SOCKETS_MAX; i++) {
        if (client->sockets[i] == socket) {
            client->sockets[i] = -1;
        }
    }
    return close(socket);
}

static CURL *easy_new(struct client *client, struct receiver *receiver)
{
    CURL *easy = curl_easy_init();

    if (easy == NULL) {
        return NULL;
    }
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
    /* A connection that idled longer than this is closed rather than used: the server may be about
     * to close it, and a question sent into that is lost or, worse, sent again. */
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, CONNECTION_AGE_S);
    /* A name is looked up once; a look-up that hangs neither holds up a deadline nor the end. */
    curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, -1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, UPLOAD_BUFFER);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, client->headers);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, receiver_on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, receiver);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, receiver_on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, receiver);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, client);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, client);
    return easy;
}

/* The base URL without its "/v1", so that one without it is understood, too. */
static int root_init(struct client *client, const char *base_url)
{
    size_t size = strlen(base_url);

    while (size > 0 && base_url[size - 1] == '/') {
        size--;
    }
    if (size >= 3 && strncmp(base_url + size - 3, "/v1", 3) == 0) {
        size -= 3;
    }
    client->root = strndup(base_url, size);
    return client->root == NULL ? -ENOMEM : 0;
}

static int set_url(struct client *client, CURL *easy, const char *path)
{
    char *url;

    if (asprintf(&url, "%s%s", client->root, path) < 0) {
        return -ENOMEM;
    }
    CURLcode code = curl_easy_setopt(easy, CURLOPT_URL, url);

    free(url);
    return code == CURLE_OK ? 0 : -EINVAL;
}

static int handles_init(struct client *client)
{
    client->headers = curl_slist_append(NULL, "Content-Type: application/json");
    if (client->headers == NULL) {
        return -ENOMEM;
    }
    /* Without this, curl may ask before sending a large body, which costs a round trip. */
    struct curl_slist *headers = curl_slist_append(client->headers, "Expect:");

    client->multi = curl_multi_init();
    client->ask = easy_new(client, &client->answer);
    client->warm = easy_new(client, &client->health);
    client->call = easy_new(client, &client->answer);
    if (headers == NULL || client->multi == NULL || client->ask == NULL || client->warm == NULL ||
        client->call == NULL) {
        return -ENOMEM;
    }
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_MAX);
    curl_easy_setopt(client->ask, CURLOPT_POST, 1L);
    curl_easy_setopt(client->ask, CURLOPT_PREREQFUNCTION, on_send);
    curl_easy_setopt(client->ask, CURLOPT_PREREQDATA, client);
    curl_easy_setopt(client->ask, CURLOPT_ERRORBUFFER, client->ask_error);
    curl_easy_setopt(client->call, CURLOPT_ERRORBUFFER, client->ask_error);
    curl_easy_setopt(client->warm, CURLOPT_TIMEOUT_MS, WARM_TIMEOUT_MS);
    return set_url(client, client->warm, "/health");
}

int client_new(const char *base_url, struct client **ret_client)
{
    struct client *client = calloc(1, sizeof(*client));
    int result = -ENOMEM;

    if (client == NULL) {
        return -ENOMEM;
    }
    client->timer_ns = client->deadline_ns = INT64_MAX;
    for (int i = 0; i < SOCKETS_MAX; i++) {
        client->sockets[i] = -1;
    }
    client->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (client->epoll_fd < 0) {
        result = -errno;
        goto fail;
    }
    if (receiver_init(&client->answer) < 0 || receiver_init(&client->health) < 0) {
        goto fail;
    }
    result = root_init(client, base_url);
    if (result < 0) {
        goto fail;
    }
    result = handles_init(client);
    if (result < 0) {
        goto fail;
    }
    *ret_client = client;
    return 0;

fail:
    client_free(client);
    return result;
}

void client_free(struct client *client)
{
    if (client == NULL) {
        return;
    }
    if (client->asking) {
        curl_multi_remove_handle(client->multi, client->ask);
    }
    if (client->warming) {
        curl_multi_remove_handle(client->multi, client->warm);
    }
    curl_easy_cleanup(client->ask);
    curl_easy_cleanup(client->warm);
    curl_easy_cleanup(client->call);
    curl_multi_cleanup(client->multi);
    curl_slist_free_all(client->headers);
    if (client->epoll_fd >= 0) {
        close(client->epoll_fd);
    }
    receiver_fini(&client->answer);
    receiver_fini(&client->health);
    free(client->root);
    free(client);
}

const char *client_root(const struct client *client)
{
    return client->root;
}

static enum fault fault_of(CURLcode code, const struct receiver *receiver)
{
    if (receiver->too_large) {
        return FAULT_TOO_LARGE;
    }
    switch (code) {
    case CURLE_OK:
        return FAULT_NONE;
    case CURLE_OPERATION_TIMEDOUT:
        return FAULT_DEADLINE;
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_HTTP2:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL: /* an answer that is no HTTP/1: "HTTP/0.9 not allowed" */
    case CURLE_WRITE_ERROR:
    case CURLE_ABORTED_BY_CALLBACK:
        return FAULT_CUT;
    default:
        return FAULT_CONNECT;
    }
}

static void exchange_fill(struct client *client, CURL *easy, CURLcode code,
                          struct client_exchange *ret_exchange)
{
    long status = 0, connects = 0;

    (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connects);
    *ret_exchange = (struct client_exchange){
        .fault = fault_of(code, &client->answer),
        .status = (int)status,
        .body = client->answer.text,
        .size = client->answer.size,
        .connected = connects > 0,
    };
    if (ret_exchange->fault != FAULT_NONE && ret_exchange->fault != FAULT_TOO_LARGE) {
        const char *why = code == CURLE_ABORTED_BY_CALLBACK ? "closed without an answer"
                          : client->ask_error[0] != '\0'    ? client->ask_error
                                                            : curl_easy_strerror(code);

        text_escape(why, strlen(why), ret_exchange->detail, sizeof(ret_exchange->detail));
    }
}

int client_call(struct client *client, const char *path, const char *body, int timeout_ms,
                struct client_exchange *ret_exchange)
{
    int result = set_url(client, client->call, path);

    if (result < 0) {
        return result;
    }
    if (body == NULL) {
        curl_easy_setopt(client->call, CURLOPT_HTTPGET, 1L);
    } else {
        curl_easy_setopt(client->call, CURLOPT_POST, 1L);
        curl_easy_setopt(client->call, CURLOPT_POSTFIELDS, body);
        curl_easy_setopt(client->call, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(body));
    }
    curl_easy_setopt(client->call, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    receiver_reset(&client->answer);
    client->ask_error[0] = '\0';
    exchange_fill(client, client->call, curl_easy_perform(client->call), ret_exchange);
    return 0;
}

static int multi_result(CURLMcode code)
{
    return code == CURLM_OK ? 0 : code == CURLM_OUT_OF_MEMORY ? -ENOMEM : -EIO;
}

/* Lets curl work on one socket, or on its timers. Newer curls do a whole exchange with a quick
 * server in one such call, so that no event is left that would wake the caller: that is noted. */
static int multi_run(struct client *client, curl_socket_t socket, int what)
{
    int running = 0;
    CURLMcode code = curl_multi_socket_action(client->multi, socket, what, &running);

    client->finished |= running < client->asking + client->warming;
    return multi_result(code);
}

/* Opens or refreshes a connection. Failing is no error: it is tried again, and a question that
 * comes first connects by itself. */
static void warm_start(struct client *client)
{
    renewal_begin(&client->renewal);
    if (!client->warming) {
        receiver_reset(&client->health);
        client->warming = curl_multi_add_handle(client->multi, client->warm) == CURLM_OK;
    }
}

int client_aim(struct client *client, const char *path)
{
    renewal_init(&client->renewal);
    return set_url(client, client->ask, path);
}

static void ask_drop(struct client *client)
{
    curl_multi_remove_handle(client->multi, client->ask);
    client->asking = false;
    client->deadline_ns = INT64_MAX;
    renewal_drop(&client->renewal, client->now_ns);
}

/* Bytes that nobody asked for, on a connection that is idle, would be taken for the answer to the
 * next question (curl 7.88 does not look). Such a connection is emptied and shut, so that curl sees
 * its end and opens another. Called when nothing is under way. */
static void shut_stray_connections(struct client *client)
{
    char stray[4096];

    for (int i = 0; i < SOCKETS_MAX; i++) {
        int socket = client->sockets[i];

        if (socket < 0 || recv(socket, stray, 1, MSG_PEEK | MSG_DONTWAIT) <= 0) {
            continue;
        }
        (void)shutdown(socket, SHUT_RDWR);
        while (recv(socket, stray, sizeof(stray), MSG_DONTWAIT) > 0) {
        }
    }
}

int client_ask(struct client *client, const char *body, size_t size, int64_t now_ns,
               int64_t deadline_ns)
{
    int result;

    if (client->asking) {
        return -EBUSY;
    }
    if (!client->warming) {
        shut_stray_connections(client);
    }
    client->now_ns = now_ns;
    client->deadline_ns = deadline_ns;
    client->sends = 0;
    client->ask_error[0] = '\0';
    receiver_reset(&client->answer);
    curl_easy_setopt(client->ask, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(client->ask, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)size);
    result = multi_result(curl_multi_add_handle(client->multi, client->ask));
    if (result < 0) {
        return result;
    }
    client->asking = true;
    if (renewal_ask(&client->renewal)) {
        warm_start(client);
    }
    /* Sends as much as the socket takes now instead of on the next turn of the loop. */
    result = multi_run(client, CURL_SOCKET_TIMEOUT, 0);
    if (result < 0) {
        ask_drop(client);
    }
    return result;
}

void client_cancel(struct client *client, int64_t now_ns)
{
    client->now_ns = now_ns;
    if (client->asking) {
        ask_drop(client);
    }
}

int client_fd(const struct client *client)
{
    return client->epoll_fd;
}

int64_t client_wake_ns(const struct client *client)
{
    int64_t wake_ns = client->finished ? client->now_ns : client->timer_ns;

    wake_ns = client->deadline_ns < wake_ns ? client->deadline_ns : wake_ns;
    return client->renewal.due_ns < wake_ns ? client->renewal.due_ns : wake_ns;
}

static long local_port(CURL *easy)
{
    long port = 0;

    (void)curl_easy_getinfo(easy, CURLINFO_LOCAL_PORT, &port);
    return port;
}

static void ask_done(struct client *client, CURLcode code, struct client_exchange *ret_exchange)
{
    exchange_fill(client, client->ask, code, ret_exchange);
    curl_multi_remove_handle(client->multi, client->ask);
    client->asking = false;
    client->deadline_ns = INT64_MAX;
    renewal_answer(&client->renewal, local_port(client->ask),
                   ret_exchange->fault == FAULT_NONE && !client->answer.closes, client->now_ns);
}

static void warm_done(struct client *client, CURLcode code)
{
    curl_multi_remove_handle(client->multi, client->warm);
    client->warming = false;
    renewal_end(&client->renewal, local_port(client->warm),
                code == CURLE_OK && !client->health.closes, client->now_ns);
}

static int sockets_run(struct client *client)
{
    struct epoll_event events[8];
    int count = epoll_wait(client->epoll_fd, events, 8, 0), result = 0;

    for (int i = 0; i < count && result == 0; i++) {
        int what = (events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
                   (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                   (events[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);

        result = multi_run(client, events[i].data.fd, what);
    }
    if (result == 0 && client->now_ns >= client->timer_ns) {
        client->timer_ns = INT64_MAX;
        result = multi_run(client, CURL_SOCKET_TIMEOUT, 0);
    }
    return result;
}

static int messages_take(struct client *client, struct client_exchange *ret_exchange)
{
    CURLMsg *message;
    int left, result = 0;

    client->finished = false;
    while ((message = curl_multi_info_read(client->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE) {
            continue;
        }
        CURLcode code = message->data.result;

        if (message->easy_handle == client->ask) {
            ask_done(client, code, ret_exchange);
            result = CLIENT_DONE;
        } else {
            warm_done(client, code);
        }
    }
    return result;
}

int client_step(struct client *client, int64_t now_ns, struct client_exchange *ret_exchange)
{
    bool late = client->asking && now_ns >= client->deadline_ns;
    int result;

    client->now_ns = now_ns;
    if (late) { /* also when an answer is there by now: it is as old as the deadline */
        ask_drop(client);
    }
    if (now_ns >= client->renewal.due_ns) {
        warm_start(client);
    }
    result = sockets_run(client);
    if (result == 0) {
        result = messages_take(client, ret_exchange);
    }
    if (result == 0 && late) {
        *ret_exchange = (struct client_exchange){.fault = FAULT_DEADLINE, .body = "", .size = 0};
        result = CLIENT_DONE;
    }
    return result;
}
