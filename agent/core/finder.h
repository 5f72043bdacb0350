/* Looks for a model server without holding up the loop.
 *
 * Learning what a server is takes seconds, and minutes while it loads its model. A thread does it
 * and hands over what it found; it is asked again when the model was lost. The loop's thread owns
 * the finder; `find` runs on the other one and shares nothing with the loop.
 */
#ifndef AGENT_CORE_FINDER_H
#define AGENT_CORE_FINDER_H

#include <stdbool.h>

#include "vlm/vlm.h"

#define FINDER_TEXT_SIZE 384

struct finder_result {
    struct vlm *vlm, *percept;   /* NULL: none was found; percept: or not wanted */
    char text[FINDER_TEXT_SIZE]; /* which one, or why none */
};

typedef void finder_find(void *context, struct finder_result *ret_result);

struct finder;

/* Looks at once. 0 or -errno. */
int finder_new(finder_find *find, void *context, struct finder **ret_finder);

/* Accepts NULL. False: the thread is under way and cannot be interrupted; it is left behind, and
 * what it uses must not be freed. The process is about to end. */
bool finder_free(struct finder *finder);

/* Looks again, after a pause. 0, also while it looks; or -errno. */
int finder_look(struct finder *finder);

/* Readable when there is a result. */
int finder_fd(const struct finder *finder);

/* A result, which is the caller's then; false: none yet. */
bool finder_take(struct finder *finder, struct finder_result *ret_result);

#endif
