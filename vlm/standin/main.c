/* turbonav-standin: a llama-server stand-in. It is NOT a model.
 *
 * It speaks the HTTP surface of llama.cpp's llama-server (or, with --flavour openai, of a vLLM
 * server) closely enough that a client cannot tell, and answers a camera frame from where the floor
 * reaches in it. It exists so that the client can be tested against every refusal and fault, and
 * measured against a fixed service time, without a GPU. Nothing about how well a model drives
 * follows from it.
 *
 * options.c reads the command line; http.c keeps connections and hands whole requests to routes.c;
 * inquiry.c and prompt.c read a question, tokens.c and image.c its parts; slot.c serves questions
 * one by one; answer.c and picture.c decide; reply.c writes the JSON; fault.c says what goes wrong.
 *
 * Threads: this one sleeps in sigwait(); libmicrohttpd owns one that accepts and one for each
 * connection. The end is orderly: the slot wakes every sleeper, then the connections are closed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hal/base/clock.h"
#include "hal/base/exit.h"
#include "vlm/standin/http.h"

enum {
    BACKLOG = 128,
};

/* A listening socket on the options' address; `ret_port` is the port it got. -errno. */
static int listen_at(const struct options *options, int *ret_fd, unsigned *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(options->port)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int one = 1;

    (void)inet_pton(AF_INET, options->host, &address.sin_addr);
    if (fd < 0) {
        return -errno;
    }
    /* Accepted sockets inherit both. */
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (bind(fd, (struct sockaddr *)&address, size) != 0 || listen(fd, BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
        int error = -errno;

        (void)close(fd);
        return error;
    }
    *ret_fd = fd;
    *ret_port = ntohs(address.sin_port);
    return 0;
}

static uint64_t random_seed(const struct options *options)
{
    uint64_t seed = options->seed;

    if (!options->seeded && getrandom(&seed, sizeof(seed), 0) != sizeof(seed)) {
        seed = (uint64_t)clock_now_ns();
    }
    return seed;
}

/* Serves until SIGTERM or SIGINT, which are blocked. -errno. */
static int run(const struct options *options, struct log *log)
{
    struct standin standin = {.options = options, .log = log};
    struct http *http = NULL;
    unsigned port = 0;
    sigset_t ends;
    int fd = -1, number;
    int error = slot_new(random_seed(options), &standin.slot);

    if (error != 0) {
        return error;
    }
    (void)snprintf(standin.marker, sizeof(standin.marker), "<__media_%08x__>",
                   (unsigned)slot_random(standin.slot));
    standin.ready_ns = clock_now_ns() + options->loading_ns;
    error = listen_at(options, &fd, &port);
    if (error == 0) {
        error = http_new(&standin, fd, &http);
    }
    if (error == 0) {
        (void)printf("listening on http://%s:%u/v1\n", options->host, port);
        (void)fflush(stdout);
        (void)sigemptyset(&ends);
        (void)sigaddset(&ends, SIGTERM);
        (void)sigaddset(&ends, SIGINT);
        (void)sigwait(&ends, &number);
        slot_stop(standin.slot);
    }
    http_free(http);
    slot_free(standin.slot);
    return error;
}

int main(int argc, char **argv)
{
    struct options options;
    struct log log;
    sigset_t ends;

    switch (options_read(argc, argv, &options)) {
    case OPTIONS_RUN:
        break;
    case OPTIONS_DONE:
        return EXIT_SUCCESS;
    case OPTIONS_BAD:
        return EXIT_USAGE;
    }
    log_init(&log, "turbonav-standin");
    (void)signal(SIGPIPE, SIG_IGN);
    (void)sigemptyset(&ends);
    (void)sigaddset(&ends, SIGTERM);
    (void)sigaddset(&ends, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &ends, NULL); /* inherited by every thread */
    (void)prctl(PR_SET_TIMERSLACK, 1UL);           /* so that a service time is kept to 0.1 ms */

    int error = run(&options, &log);

    if (error != 0) {
        log_error(&log, "cannot listen on %s:%u: %s", options.host, options.port, strerror(-error));
        return EXIT_SYSTEM;
    }
    return EXIT_SUCCESS;
}
