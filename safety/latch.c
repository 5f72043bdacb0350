/* See latch.h. A file that cannot be read is as good as one that can: only the name counts, so a
 * broken link, a folder in its place or a file of somebody else all mean latched. A missing folder
 * could not have kept a stop, so nobody knows: latched, too. */
#include "safety/latch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The folder that `path` lies in is there and can be searched. */
static bool folder_is_good(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t length = slash != NULL ? (size_t)(slash - path) + 1 : 0;

    if (slash == NULL) {
        return access(".", X_OK) == 0;
    }
    if (length >= sizeof(folder)) {
        return false;
    }
    memcpy(folder, path, length);
    folder[length] = '\0';
    return access(folder, X_OK) == 0;
}

bool latch_is_set(const char *path)
{
    struct stat ignored;

    if (lstat(path, &ignored) == 0 || errno != ENOENT) {
        return true;
    }
    return path[0] == '\0' || !folder_is_good(path);
}

static bool exists(const char *path)
{
    struct stat ignored;

    return lstat(path, &ignored) == 0;
}

int latch_set(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644), error;

    if (fd >= 0) {
        (void)close(fd);
        return 0;
    }
    error = -errno;
    /* Something of this name that cannot be opened for writing latches as well. */
    return exists(path) ? 0 : error;
}

int latch_clear(const char *path)
{
    int error;

    if (unlink(path) == 0 || errno == ENOENT) {
        return 0;
    }
    error = -errno;
    /* A file system that is read-only says so before it looks for the name. */
    return exists(path) || error != -EROFS ? error : 0;
}
