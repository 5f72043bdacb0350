/* The agent's HTTP interface, asked from the command line.
 *
 * One thread; each call blocks until it is answered, for ten seconds at most.
 */
#ifndef AGENT_CLI_REMOTE_H
#define AGENT_CLI_REMOTE_H

#include <stdbool.h>

struct remote;

/* Where the agent is: `url` or, where it is NULL, what [http] listen of the configuration says,
 * with the token of `token_file` or of [http] token_file. 0, or an exit code after a line on
 * standard error. Free with remote_close, which accepts NULL. */
int remote_open(const char *url, const char *token_file, const char *config,
                struct remote **ret_remote);
void remote_close(struct remote *remote);

/* `body`: JSON to post, or NULL to get. 0 and status and body of the answer, the caller's to free;
 * or EXIT_NO_CAR after a line on standard error. */
int remote_ask(struct remote *remote, const char *path, const char *body, int *ret_status,
               char **ret_answer);

/* Reads a stream of events until it ends: `event` gets kind and data of each, and ends it by
 * returning false; so does `ends`, which is asked several times a second. 0 or EXIT_NO_CAR. */
int remote_follow(struct remote *remote, const char *path,
                  bool (*event)(void *context, const char *kind, const char *data),
                  bool (*ends)(void *context), void *context);

/* Says on standard error what a refusal (application/problem+json) says. */
void remote_complain(const char *answer);

#endif
