/* Who may ask: the token, and where a browser's request comes from.
 *
 * A page of somebody else's can make a browser send requests to this machine, so Host has to be an
 * address or a local name (DNS rebinding), and Origin, where a browser tells it, the same as Host.
 * Where a token is set, every request but those of a program that asks whether the agent lives has
 * to bring it. Pure but for guard_read.
 */
#ifndef AGENT_HTTP_GUARD_H
#define AGENT_HTTP_GUARD_H

#include <stdbool.h>

#define GUARD_TOKEN_MIN 16
#define GUARD_TOKEN_MAX 256

struct guard {
    char token[GUARD_TOKEN_MAX + 1]; /* "": none is asked for */
};

/* Reads the token: one line of 16 to 256 visible characters, in a regular file that nobody but its
 * owner and group may read. 0, or -errno; or -EINVAL with the end of a sentence in `ret_why`. */
int guard_read(struct guard *guard, const char *path, const char **ret_why);

/* `authorization` as it stands in the request, "": none. Takes as long whatever stands there. */
bool guard_token_is_good(const struct guard *guard, const char *authorization);

/* The Host of a request; "" is refused. */
bool guard_host_is_good(const char *host);

/* The Origin of a request: "" is a program, not a page. */
bool guard_origin_is_good(const char *origin, const char *host);

#endif
