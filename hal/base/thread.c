/* See thread.h. */
#include "hal/base/thread.h"

#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

#define STACK_BYTES (64L * 1024)

static size_t stack_bytes(void)
{
    long least = sysconf(_SC_THREAD_STACK_MIN);

    return (size_t)(least > STACK_BYTES ? least : STACK_BYTES);
}

/* 0 or a positive errno, as pthreads has it. */
static int attributes_set(pthread_attr_t *attributes)
{
    const struct sched_param ordinary = {0};
    int r = pthread_attr_setstacksize(attributes, stack_bytes());

    if (r == 0) {
        r = pthread_attr_setinheritsched(attributes, PTHREAD_EXPLICIT_SCHED);
    }
    if (r == 0) {
        r = pthread_attr_setschedpolicy(attributes, SCHED_OTHER);
    }
    return r == 0 ? pthread_attr_setschedparam(attributes, &ordinary) : r;
}

int thread_start(void *(*run)(void *argument), void *argument, pthread_t *ret_thread)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    int r = pthread_attr_init(&attributes);

    if (r != 0) {
        return -r;
    }
    r = attributes_set(&attributes);
    if (r == 0) {
        /* The new thread inherits the mask. */
        (void)sigfillset(&all);
        (void)pthread_sigmask(SIG_SETMASK, &all, &before);
        r = pthread_create(ret_thread, &attributes, run, argument);
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    (void)pthread_attr_destroy(&attributes);
    return -r;
}
