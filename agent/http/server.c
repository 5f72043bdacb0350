/* See server.h.
 *
 * libmicrohttpd runs without threads: `work` waits for its epoll descriptor, the hub and the end,
 * takes what the hub has, wakes the streams that have something to send, and lets libmicrohttpd
 * work. So all of the view and the api belong to one thread. A stream without anything to send is
 * suspended, which is why it gets a comment every few seconds: a reader that is gone is noticed
 * when it is written to.
 */
#include "agent/http/server.h"

#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "agent/http/address.h"
#include "agent/http/api.h"
#include "agent/http/json.h"
#include "hal/base/clock.h"

#define CONNECTIONS_MAX 256
#define EVENT_READERS   24
#define PICTURE_READERS 4
#define IDLE_S          10
#define MEMORY_BYTES    (32 * 1024) /* of a connection */
#define UPLOAD_MAX      (1024 * 1024)
#define BACKLOG         64
#define PICTURE_NS      (100 * CLOCK_NS_PER_MS) /* between two of a stream */
#define QUIET_NS        (5 * CLOCK_NS_PER_S)    /* then a comment */
#define WAIT_MS         1000
#define STREAM_WAIT_MS  20
#define URL_SIZE        80
#define BOUNDARY        "turbonav"

/* The page brings everything along and talks to nobody else, and nobody may put it into a frame. */
#define POLICY                                                                                     \
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src blob: "    \
    "data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

struct stream {
    struct server *server;
    struct MHD_Connection *connection;
    struct stream *next;
    enum api_stream kind;
    bool suspended, finished;
    uint64_t mission, after;
    uint64_t picture_seq;
    int64_t sent_ns; /* the last piece */
    char *piece;
    size_t size, used;
};

struct server {
    struct MHD_Daemon *daemon;
    struct guard guard;
    struct view *view;
    struct api api;
    struct hub *hub;
    struct stream *streams;
    int readers[API_PICTURES + 1];
    int listen_fd, end_fd;
    pthread_t thread;
    bool running;
    char url[URL_SIZE];
};

/* One request while it arrives. */
struct arrival {
    char *body;
    size_t size;
    size_t seen; /* bytes, kept or not */
};

/* --- streams --- */

static bool set_piece(struct stream *stream, char *piece, size_t size, int64_t now_ns)
{
    free(stream->piece);
    stream->piece = piece;
    stream->size = piece != NULL ? size : 0;
    stream->used = 0;
    stream->sent_ns = now_ns;
    return piece != NULL;
}

static bool next_event(struct stream *stream, int64_t now_ns)
{
    const struct view_event *event =
        view_event(stream->server->view, stream->after, stream->mission);
    char *piece = NULL;
    int size;

    if (event == NULL) {
        return false;
    }
    size = asprintf(&piece, "id: %llu\nevent: %s\ndata: %s\n\n", (unsigned long long)event->number,
                    event->kind, event->data);
    stream->after = event->number;
    stream->finished = stream->mission != 0 && strcmp(event->kind, "ended") == 0;
    return size >= 0 && set_piece(stream, piece, (size_t)size, now_ns);
}

static bool next_picture(struct stream *stream, int64_t now_ns)
{
    const struct view_picture *picture = stream->server->view->picture;
    char head[128], *piece;
    int size;

    if (picture == NULL || picture->seq == stream->picture_seq ||
        now_ns - stream->sent_ns < PICTURE_NS) {
        return false;
    }
    size = snprintf(head, sizeof(head),
                    "--" BOUNDARY "\r\nContent-Type: image/jpeg\r\nContent-Length: %zu\r\n\r\n",
                    picture->size);
    piece = malloc((size_t)size + picture->size + 2);
    if (piece == NULL) {
        return false;
    }
    memcpy(piece, head, (size_t)size);
    memcpy(piece + size, picture->bytes, picture->size);
    memcpy(piece + size + picture->size, "\r\n", 2);
    stream->picture_seq = picture->seq;
    return set_piece(stream, piece, (size_t)size + picture->size + 2, now_ns);
}

static bool next_comment(struct stream *stream, int64_t now_ns)
{
    static const char comment[] = ": still here\n\n";

    return stream->kind == API_EVENTS && now_ns - stream->sent_ns >= QUIET_NS &&
           set_piece(stream, strdup(comment), sizeof(comment) - 1, now_ns);
}

static bool has_piece(struct stream *stream, int64_t now_ns)
{
    if (stream->used < stream->size) {
        return true;
    }
    return stream->kind == API_EVENTS ? next_event(stream, now_ns) || next_comment(stream, now_ns)
                                      : next_picture(stream, now_ns);
}

/* libmicrohttpd's: called when the reader can take something. */
static ssize_t read_stream(void *cls, uint64_t position, char *buffer, size_t max)
{
    struct stream *stream = cls;
    size_t size;

    (void)position;
    if (stream->used == stream->size && stream->finished) {
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    if (!has_piece(stream, clock_now_ns())) {
        stream->suspended = true;
        MHD_suspend_connection(stream->connection);
        return 0;
    }
    size = stream->size - stream->used < max ? stream->size - stream->used : max;
    memcpy(buffer, stream->piece + stream->used, size);
    stream->used += size;
    return (ssize_t)size;
}

static void end_stream(void *cls)
{
    struct stream *stream = cls, **place = &stream->server->streams;

    while (*place != stream) {
        place = &(*place)->next;
    }
    *place = stream->next;
    stream->server->readers[stream->kind]--;
    free(stream->piece);
    free(stream);
}

static void wake_streams(struct server *server, bool all)
{
    int64_t now_ns = clock_now_ns();

    for (struct stream *stream = server->streams; stream != NULL; stream = stream->next) {
        if (stream->suspended && (all || has_piece(stream, now_ns))) {
            stream->suspended = false;
            MHD_resume_connection(stream->connection);
        }
    }
}

static struct stream *stream_new(struct server *server, struct MHD_Connection *connection,
                                 const struct api_reply *reply)
{
    struct stream *stream = calloc(1, sizeof(*stream));

    if (stream != NULL) {
        *stream = (struct stream){
            .server = server,
            .connection = connection,
            .next = server->streams,
            .kind = reply->stream,
            .mission = reply->mission,
            .after = reply->after,
        };
        server->streams = stream;
        server->readers[stream->kind]++;
    }
    return stream;
}

/* --- replies --- */

static enum MHD_Result queue(struct MHD_Connection *connection, struct MHD_Response *response,
                             const struct api_reply *reply, const char *type)
{
    enum MHD_Result result;

    if (response == NULL) {
        return MHD_NO;
    }
    if (type != NULL) {
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    }
    if (reply->allow != NULL) {
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, reply->allow);
    }
    if (reply->status == MHD_HTTP_UNAUTHORIZED) {
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
    }
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    (void)MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    (void)MHD_add_response_header(response, "Content-Security-Policy", POLICY);
    result = MHD_queue_response(connection, (unsigned int)reply->status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result send_whole(struct MHD_Connection *connection, struct api_reply *reply)
{
    void *bytes = reply->picture != NULL ? (void *)reply->picture->bytes : (void *)reply->body;
    struct MHD_Response *response =
        MHD_create_response_from_buffer(reply->size, bytes, MHD_RESPMEM_MUST_COPY);

    return queue(connection, response, reply, reply->type);
}

static enum MHD_Result send_stream(struct server *server, struct MHD_Connection *connection,
                                   struct api_reply *reply)
{
    int most = reply->stream == API_EVENTS ? EVENT_READERS : PICTURE_READERS;
    struct stream *stream;

    if (server->readers[reply->stream] >= most) {
        *reply = (struct api_reply){
            .status = MHD_HTTP_SERVICE_UNAVAILABLE,
            .type = "application/problem+json",
            .body = json_problem(MHD_HTTP_SERVICE_UNAVAILABLE, "too many readers",
                                 "another one has to go first", NULL, NULL),
        };
        reply->size = reply->body != NULL ? strlen(reply->body) : 0;
        return send_whole(connection, reply);
    }
    stream = stream_new(server, connection, reply);
    if (stream == NULL) {
        return MHD_NO;
    }
    return queue(connection,
                 MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, MEMORY_BYTES / 4, read_stream,
                                                   stream, end_stream),
                 reply,
                 reply->stream == API_EVENTS ? "text/event-stream"
                                             : "multipart/x-mixed-replace; boundary=" BOUNDARY);
}

/* --- requests --- */

static const char *header(struct MHD_Connection *connection, const char *name)
{
    const char *value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);

    return value != NULL ? value : "";
}

static int64_t wall_now_ns(void)
{
    struct timespec wall;

    (void)clock_gettime(CLOCK_REALTIME, &wall);
    return wall.tv_sec * CLOCK_NS_PER_S + wall.tv_nsec;
}

static enum MHD_Result answer(struct server *server, struct MHD_Connection *connection,
                              const char *method, const char *path, const struct arrival *arrival)
{
    struct api_request request = {
        .method = method,
        .path = path,
        .host = header(connection, MHD_HTTP_HEADER_HOST),
        .origin = header(connection, MHD_HTTP_HEADER_ORIGIN),
        .authorization = header(connection, MHD_HTTP_HEADER_AUTHORIZATION),
        .content_type = header(connection, MHD_HTTP_HEADER_CONTENT_TYPE),
        .last_event_id = header(connection, "Last-Event-ID"),
        .body = arrival->body != NULL ? arrival->body : "",
        .size = arrival->size,
        .too_large = arrival->seen > arrival->size,
        .now_ns = clock_now_ns(),
        .wall_ns = wall_now_ns(),
    };
    struct api_reply reply;
    enum MHD_Result result;

    view_take(server->view, server->hub);
    api_answer(&server->api, &request, &reply);
    result = reply.stream == API_WHOLE ? send_whole(connection, &reply)
                                       : send_stream(server, connection, &reply);
    api_reply_fini(&reply);
    return result;
}

/* Keeps what an answer may need of a body, and lets the rest go by up to a point. */
static enum MHD_Result keep(struct arrival *arrival, const char *data, size_t size)
{
    arrival->seen += size;
    if (arrival->seen > UPLOAD_MAX) {
        return MHD_NO;
    }
    if (arrival->seen > API_BODY_MAX) {
        return MHD_YES;
    }
    if (arrival->body == NULL) {
        arrival->body = malloc(API_BODY_MAX);
    }
    if (arrival->body == NULL) {
        return MHD_NO;
    }
    memcpy(arrival->body + arrival->size, data, size);
    arrival->size += size;
    return MHD_YES;
}

/* libmicrohttpd's: once for the head, then for pieces of the body, then for its end. */
static enum MHD_Result handle(void *cls, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *size, void **state)
{
    struct arrival *arrival = *state;

    (void)version;
    if (arrival == NULL) {
        *state = calloc(1, sizeof(*arrival));
        return *state != NULL ? MHD_YES : MHD_NO;
    }
    if (*size > 0) {
        enum MHD_Result result = keep(arrival, data, *size);

        *size = 0;
        return result;
    }
    return answer(cls, connection, method, url, arrival);
}

static void end_arrival(void *cls, struct MHD_Connection *connection, void **state,
                        enum MHD_RequestTerminationCode code)
{
    struct arrival *arrival = *state;

    (void)cls;
    (void)connection;
    (void)code;
    if (arrival != NULL) {
        free(arrival->body);
        free(arrival);
        *state = NULL;
    }
}

/* --- the thread --- */

static int wait_ms(const struct server *server)
{
    MHD_UNSIGNED_LONG_LONG ms;
    int most = server->streams != NULL ? STREAM_WAIT_MS : WAIT_MS;

    return MHD_get_timeout(server->daemon, &ms) == MHD_YES && ms < (unsigned)most ? (int)ms : most;
}

static void *work(void *argument)
{
    struct server *server = argument;
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    struct pollfd pollfds[] = {
        {.fd = server->end_fd, .events = POLLIN},
        {.fd = info->epoll_fd, .events = POLLIN},
        {.fd = hub_record_fd(server->hub), .events = POLLIN},
    };

    while (pollfds[0].revents == 0) {
        (void)poll(pollfds, 3, wait_ms(server));
        view_take(server->view, server->hub);
        wake_streams(server, false);
        (void)MHD_run(server->daemon);
    }
    for (struct stream *stream = server->streams; stream != NULL; stream = stream->next) {
        stream->finished = true;
    }
    wake_streams(server, true);
    (void)MHD_run(server->daemon);
    return NULL;
}

static int start_thread(struct server *server)
{
    sigset_t all, before;
    int result;

    (void)sigfillset(&all); /* signals are the loop's */
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    result = pthread_create(&server->thread, NULL, work, server);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    server->running = result == 0;
    return -result;
}

/* --- start --- */

static int listen_at(struct server *server, const struct address *address)
{
    int one = 1;
    int fd = socket(address->socket.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0) {
        return -errno;
    }
    server->listen_fd = fd;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, (const struct sockaddr *)&address->socket, address->size) < 0 ||
        listen(fd, BACKLOG) < 0) {
        return -errno;
    }
    return 0;
}

static void name_url(struct server *server, const char *listen)
{
    struct sockaddr_storage socket;
    socklen_t size = sizeof(socket);
    const char *colon = strrchr(listen, ':');
    unsigned port = 0;

    if (getsockname(server->listen_fd, (struct sockaddr *)&socket, &size) == 0) {
        port = ntohs(socket.ss_family == AF_INET ? ((struct sockaddr_in *)&socket)->sin_port
                                                 : ((struct sockaddr_in6 *)&socket)->sin6_port);
    }
    (void)snprintf(server->url, sizeof(server->url), "http://%.*s:%u", (int)(colon - listen),
                   listen, port);
}

static int start_daemon(struct server *server)
{
    server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, handle, server,
        MHD_OPTION_LISTEN_SOCKET, server->listen_fd, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned int)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)IDLE_S,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_BYTES, MHD_OPTION_NOTIFY_COMPLETED,
        end_arrival, NULL, MHD_OPTION_END);
    if (server->daemon == NULL) {
        return -EIO;
    }
    server->listen_fd = -1; /* the daemon's now */
    return 0;
}

/* 0, SERVER_REFUSED or -errno. */
static int check_options(struct server *server, const struct http_options *options,
                         struct address *ret_address, char why[SERVER_WHY_SIZE])
{
    const char *reason = NULL;
    int result;

    if (address_read(options->listen, ret_address) < 0) {
        return -EINVAL; /* the configuration has checked it */
    }
    if (options->token_file[0] == '\0' && !ret_address->loopback) {
        (void)snprintf(why, SERVER_WHY_SIZE,
                       "[http] listen = %.100s: others can reach this address: expected a "
                       "token_file beside it",
                       options->listen);
        return SERVER_REFUSED;
    }
    if (options->token_file[0] == '\0') {
        return 0;
    }
    result = guard_read(&server->guard, options->token_file, &reason);
    if (result < 0) {
        (void)snprintf(why, SERVER_WHY_SIZE, "[http] token_file: %.200s: %s", options->token_file,
                       reason != NULL ? reason : strerror(-result));
        return SERVER_REFUSED;
    }
    return 0;
}

int server_new(const struct http_options *options, struct hub *hub, struct server **ret_server,
               char ret_why[SERVER_WHY_SIZE])
{
    struct server *server = calloc(1, sizeof(*server));
    struct address address;
    int result;

    if (server == NULL) {
        return -ENOMEM;
    }
    server->listen_fd = -1;
    server->hub = hub;
    server->end_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    result = server->end_fd < 0 ? -errno : view_new(&server->view);
    if (result == 0) {
        server->api = (struct api){.view = server->view, .hub = hub, .guard = &server->guard};
        result = check_options(server, options, &address, ret_why);
    }
    if (result == 0 && (result = listen_at(server, &address)) < 0) {
        (void)snprintf(ret_why, SERVER_WHY_SIZE, "[http] listen = %.100s: %s", options->listen,
                       strerror(-result));
        result = SERVER_REFUSED;
    }
    if (result == 0) {
        name_url(server, options->listen);
        result = start_daemon(server);
    }
    if (result == 0) {
        result = start_thread(server);
    }
    if (result != 0) {
        server_free(server);
        return result;
    }
    *ret_server = server;
    return 0;
}

void server_free(struct server *server)
{
    uint64_t one = 1;

    if (server == NULL) {
        return;
    }
    if (server->running && write(server->end_fd, &one, sizeof(one)) == sizeof(one)) {
        (void)pthread_join(server->thread, NULL);
    }
    if (server->daemon != NULL) {
        MHD_stop_daemon(server->daemon);
    }
    if (server->listen_fd >= 0) {
        (void)close(server->listen_fd);
    }
    if (server->end_fd >= 0) {
        (void)close(server->end_fd);
    }
    view_free(server->view);
    free(server);
}

const char *server_url(const struct server *server)
{
    return server->url;
}
