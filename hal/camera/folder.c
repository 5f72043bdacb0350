/* See folder.h. The folder keeps its directory open and opens files relative to it, so it may be
 * moved while it is read. A single file is the directory that it stands in and a list of one name.
 *
 * Between listing and reading anything may happen to a file: it can vanish, become a pipe, grow or
 * shrink. So nothing is known of it before it is open: it is opened without waiting (a pipe without
 * a writer would wait for ever), its type and size are those of the descriptor, and a file that
 * ends before that size is an error. One that grew is read up to the size that it had; whether that
 * is a whole picture is the receiver's question. Each such error belongs to its file alone.
 */
#include "hal/camera/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hal/base/clock.h"

struct folder {
    int directory_fd;
    char **names;
    size_t count;
    size_t next;
    uint64_t seq;
    uint8_t *bytes;
    size_t room;
};

static bool ends_in(const char *name, const char *end)
{
    size_t length = strlen(name), end_length = strlen(end);

    return length > end_length && strcasecmp(name + length - end_length, end) == 0;
}

static int is_listed(const struct dirent *entry)
{
    const char *name = entry->d_name;

    return name[0] != '.' && (ends_in(name, ".jpg") || ends_in(name, ".jpeg"));
}

/* Not alphasort, which asks the locale: the same files come in the same order everywhere. */
static int compare_names(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int names_take(struct folder *folder, struct dirent **entries, size_t count)
{
    folder->names = calloc(count, sizeof(*folder->names));
    if (folder->names == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        folder->names[i] = strdup(entries[i]->d_name);
        if (folder->names[i] == NULL) {
            return -ENOMEM;
        }
        folder->count++;
    }
    return 0;
}

static int directory_list(struct folder *folder, const char *path)
{
    struct dirent **entries = NULL;
    int count, r;

    folder->directory_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder->directory_fd < 0) {
        return -errno;
    }
    count = scandirat(folder->directory_fd, ".", &entries, is_listed, compare_names);
    if (count < 0) {
        return -errno;
    }
    r = count == 0 ? -ENODATA : names_take(folder, entries, (size_t)count);
    for (int i = 0; i < count; i++) {
        free(entries[i]);
    }
    free(entries);
    return r;
}

/* O_PATH: to read one file, its directory needs no read permission. */
static int file_list(struct folder *folder, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    char parent[PATH_MAX] = "."; /* room for any path that stat() takes */

    if (slash != NULL) {
        memcpy(parent, path, (size_t)(name - path)); /* with the slash, for "/name" */
        parent[name - path] = '\0';
    }
    folder->directory_fd = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder->directory_fd < 0) {
        return -errno;
    }
    folder->names = calloc(1, sizeof(*folder->names));
    if (folder->names == NULL || (folder->names[0] = strdup(name)) == NULL) {
        return -ENOMEM;
    }
    folder->count = 1;
    return 0;
}

int folder_open(const char *path, struct folder **ret_folder)
{
    struct folder *folder;
    struct stat status;
    int r;

    if (stat(path, &status) < 0) {
        return -errno;
    }
    folder = calloc(1, sizeof(*folder));
    if (folder == NULL) {
        return -ENOMEM;
    }
    folder->directory_fd = -1;
    r = S_ISDIR(status.st_mode) ? directory_list(folder, path) : file_list(folder, path);
    if (r < 0) {
        folder_close(folder);
        return r;
    }
    *ret_folder = folder;
    return 0;
}

void folder_close(struct folder *folder)
{
    if (folder == NULL) {
        return;
    }
    if (folder->directory_fd >= 0) {
        (void)close(folder->directory_fd);
    }
    for (size_t i = 0; i < folder->count; i++) {
        free(folder->names[i]);
    }
    free(folder->names);
    free(folder->bytes);
    free(folder);
}

size_t folder_count(const struct folder *folder)
{
    return folder->count;
}

/* The size of what can be read, or -errno. */
static ssize_t size_get(int fd)
{
    struct stat status;

    if (fstat(fd, &status) < 0) {
        return -errno;
    }
    if (S_ISDIR(status.st_mode)) {
        return -EISDIR;
    }
    if (!S_ISREG(status.st_mode)) {
        return -EINVAL;
    }
    return status.st_size > FOLDER_FILE_SIZE_MAX ? -EFBIG : (ssize_t)status.st_size;
}

static int room_make(struct folder *folder, size_t size)
{
    uint8_t *bytes;

    if (size <= folder->room) {
        return 0;
    }
    bytes = malloc(size);
    if (bytes == NULL) {
        return -ENOMEM;
    }
    free(folder->bytes);
    folder->bytes = bytes;
    folder->room = size;
    return 0;
}

static int bytes_read(int fd, uint8_t *bytes, size_t size)
{
    size_t at = 0;

    while (at < size) {
        ssize_t n = read(fd, bytes + at, size - at);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n < 0 ? -errno : -EIO;
        }
        at += (size_t)n;
    }
    return 0;
}

static int file_read(struct folder *folder, const char *name, size_t *ret_size)
{
    int fd = openat(folder->directory_fd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    ssize_t size;
    int r;

    if (fd < 0) {
        return -errno;
    }
    size = size_get(fd);
    r = size < 0 ? (int)size : room_make(folder, (size_t)size);
    if (r == 0) {
        r = bytes_read(fd, folder->bytes, (size_t)size);
    }
    (void)close(fd);
    if (r == 0) {
        *ret_size = (size_t)size;
    }
    return r;
}

int folder_next(struct folder *folder, struct frame *ret_frame)
{
    struct frame frame = {0};
    int r;

    if (folder->next == folder->count) {
        return FOLDER_END;
    }
    frame.seq = ++folder->seq;
    frame.name = folder->names[folder->next++];
    r = file_read(folder, frame.name, &frame.size);
    if (r == 0) {
        frame.bytes = folder->bytes;
        frame.capture_ns = clock_now_ns();
    }
    *ret_frame = frame;
    return r;
}

void folder_rewind(struct folder *folder)
{
    folder->next = 0;
}
