/* See finder.h. One thread for each time it looks; its result is read after the descriptor said so.
 */
#include "agent/core/finder.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define PAUSE_S 3

struct finder {
    finder_find *find;
    void *context;
    pthread_t thread;
    bool busy;
    int fd;
    int pause_s;
    struct finder_result result;
};

static void *look(void *argument)
{
    struct finder *finder = argument;
    const struct timespec pause = {.tv_sec = finder->pause_s};
    uint64_t one = 1;
    ssize_t size;

    (void)nanosleep(&pause, NULL);
    finder->find(finder->context, &finder->result);
    size = write(finder->fd, &one, sizeof(one));
    (void)size; /* cannot fail: the counter is 0 */
    return NULL;
}

static int start(struct finder *finder)
{
    int result = pthread_create(&finder->thread, NULL, look, finder);

    finder->busy = result == 0;
    return -result;
}

int finder_new(finder_find *find, void *context, struct finder **ret_finder)
{
    struct finder *finder = calloc(1, sizeof(*finder));
    int result;

    if (finder == NULL) {
        return -ENOMEM;
    }
    finder->find = find;
    finder->context = context;
    finder->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    result = finder->fd < 0 ? -errno : start(finder);
    if (result < 0) {
        (void)finder_free(finder);
        return result;
    }
    *ret_finder = finder;
    return 0;
}

bool finder_free(struct finder *finder)
{
    if (finder != NULL && finder->busy) {
        return false;
    }
    if (finder != NULL) {
        if (finder->fd >= 0) {
            (void)close(finder->fd);
        }
        free(finder);
    }
    return true;
}

int finder_look(struct finder *finder)
{
    finder->pause_s = PAUSE_S;
    return finder->busy ? 0 : start(finder);
}

int finder_fd(const struct finder *finder)
{
    return finder->fd;
}

bool finder_take(struct finder *finder, struct finder_result *ret_result)
{
    uint64_t count;

    if (!finder->busy || read(finder->fd, &count, sizeof(count)) != sizeof(count)) {
        return false;
    }
    (void)pthread_join(finder->thread, NULL);
    finder->busy = false;
    *ret_result = finder->result;
    finder->result = (struct finder_result){0};
    return true;
}
