/* The e-stop that outlives the process: a file that exists while the stop is latched.
 *
 * Its content says nothing; existing is the state, because creating and removing a name are atomic
 * on every file system. It is read once, at the start of the safety process; after that the state
 * lives in permit.h and only the brake child touches the file, so that no file system can delay a
 * tick.
 *
 * The folder must outlive the service (RuntimeDirectoryPreserve=yes), or a restart forgets the
 * stop. It need not outlive the kernel: /run is empty after a boot, and a boot begins disarmed.
 *
 * Owns nothing; any thread.
 */
#ifndef SAFETY_LATCH_H
#define SAFETY_LATCH_H

#include <stdbool.h>

#define LATCH_PATH "/run/turbonav/estop"

/* Whether the stop is latched. False only when the folder is there, can be searched, and has no
 * such name; whatever else happens counts as latched. */
bool latch_is_set(const char *path);

/* 0: the file is there, also if it was before. -errno: it could not be made; the stop will not
 * outlive the process, which a person should read. */
int latch_set(const char *path);

/* 0: the file is gone, also if it was before. -errno: it may still be there; a restart will be
 * latched. */
int latch_clear(const char *path);

#endif
