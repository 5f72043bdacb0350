/* turbonav estop, turbonav reset: straight to the safety process, so that they work when the agent
 * is dead or hangs. A connection of anybody disarms, which is what both want. The options that say
 * where the agent is are taken and not used: who has them in the fingers must not be told in an
 * emergency that they are wrong.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/cli/command.h"
#include "agent/core/link.h"
#include "hal/base/clock.h"
#include "hal/base/exit.h"
#include "safety/safety_options.h"

#define PATIENCE_NS (3 * CLOCK_NS_PER_S)
#define TURN_MS     20

/* What is said, and how the answer looks. */
struct order {
    enum wire_type type;
    bool latched_after;
    const char *done;
};

/* 1: as ordered; -1: refused, and said why; 0: not yet. */
static int answered(struct link *link, const struct order *order, int64_t now_ns)
{
    struct wire_verdict verdict = link_verdict(link, now_ns);
    struct wire_event event;

    while (link_event(link, &event)) {
        if (event.code == WIRE_EVENT_RESET_REFUSED) {
            (void)fprintf(stderr, "turbonav: %s\n", event.text);
            return -1;
        }
    }
    if (verdict.header.seq == 0) {
        return 0;
    }
    return ((verdict.reasons & (uint32_t)REASON_ESTOP) != 0) == order->latched_after;
}

static void print_done(const struct order *order, bool json)
{
    if (json) {
        (void)printf("{\"estop\":%s}\n", order->latched_after ? "true" : "false");
    } else {
        (void)fputs(order->done, stdout);
    }
}

/* `url` was typed, and is not where this goes. */
static int carry_out(struct link *link, const char *socket, const struct order *order, bool json,
                     const char *url)
{
    int64_t end_ns = clock_now_ns() + PATIENCE_NS, now_ns;
    bool said = false;

    while ((now_ns = clock_now_ns()) < end_ns) {
        struct pollfd pollfd = {.fd = link_fd(link), .events = POLLIN};
        int answer;

        link_step(link, now_ns);
        if (!said) {
            said = link_say(link, order->type, now_ns) == 0;
        } else if ((answer = answered(link, order, now_ns)) != 0) {
            if (answer > 0) {
                print_done(order, json);
            }
            return answer > 0 ? 0 : 1;
        }
        (void)poll(&pollfd, 1, TURN_MS);
    }
    (void)fprintf(stderr, "turbonav: %s: %s%s\n", socket,
                  said ? "no answer from the safety process" : strerror(-link_error(link)),
                  url != NULL ? "; --url is not asked, a car elsewhere takes POST /v1/estop" : "");
    return EXIT_NO_CAR;
}

static int order(int argc, char **argv, const struct order *what)
{
    const char *config = NULL, *url = NULL, *token_file = NULL;
    const struct command_value values[] = {
        {"--config", &config}, {"--url", &url}, {"--token-file", &token_file}, {NULL, NULL}};
    struct safety_options options;
    struct link *link;
    bool json = false;
    int result = command_read(argc, argv, values, &json);

    if (result != 0) {
        return result == COMMAND_ANSWERED ? 0 : result;
    }
    result = command_options(config, &safety_table, &options);
    if (result != 0) {
        return result;
    }
    result = link_new(options.socket, &link);
    if (result < 0) {
        (void)fprintf(stderr, "turbonav: %s: %s\n", options.socket, strerror(-result));
        return EXIT_SYSTEM;
    }
    result = carry_out(link, options.socket, what, json, url);
    link_free(link);
    return result;
}

int command_estop(int argc, char **argv)
{
    static const struct order estop = {
        WIRE_ESTOP, true, "The emergency stop is latched; 'turbonav reset' ends it.\n"};

    return order(argc, argv, &estop);
}

int command_reset(int argc, char **argv)
{
    static const struct order reset = {WIRE_RESET, false, "The emergency stop is not latched.\n"};

    return order(argc, argv, &reset);
}
