/* What a thread for slow things gets, and does not get, from its caller. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include "hal/base/thread.h"

struct seen {
    int policy;
    sigset_t blocked;
    size_t stack_bytes;
};

static void *look(void *argument)
{
    struct seen *seen = argument;
    pthread_attr_t attributes;

    seen->policy = sched_getscheduler(0);
    (void)pthread_sigmask(SIG_SETMASK, NULL, &seen->blocked);
    if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
        (void)pthread_attr_getstacksize(&attributes, &seen->stack_bytes);
        (void)pthread_attr_destroy(&attributes);
    }
    return seen;
}

static struct seen look_in_a_thread(void)
{
    struct seen seen = {.policy = -1};
    pthread_t thread;
    void *result = NULL;

    assert_int_equal(thread_start(look, &seen, &thread), 0);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_ptr_equal(result, &seen);
    return seen;
}

static void the_stack_is_small_and_allowed_on_this_machine(void **state)
{
    struct seen seen = look_in_a_thread();
    long least = sysconf(_SC_THREAD_STACK_MIN);

    (void)state;
    assert_true(seen.stack_bytes >= 64 * 1024);
    assert_true(least < 0 || seen.stack_bytes >= (size_t)least);
    assert_true(seen.stack_bytes <= 256 * 1024);
}

static void the_thread_takes_no_signals_and_the_caller_still_does(void **state)
{
    struct seen seen = look_in_a_thread();
    sigset_t own;

    (void)state;
    assert_int_equal(sigismember(&seen.blocked, SIGTERM), 1);
    assert_int_equal(sigismember(&seen.blocked, SIGINT), 1);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &own), 0);
    assert_int_equal(sigismember(&own, SIGTERM), 0);
}

static void a_real_time_caller_starts_an_ordinary_thread(void **state)
{
    struct sched_param fifo = {.sched_priority = 1}, before = {0};
    int policy = sched_getscheduler(0);

    (void)state;
    if (sched_setscheduler(0, SCHED_FIFO, &fifo) != 0) {
        skip();
    }
    struct seen seen = look_in_a_thread();
    assert_int_equal(sched_setscheduler(0, policy, &before), 0);
    assert_int_equal(seen.policy, SCHED_OTHER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_stack_is_small_and_allowed_on_this_machine),
        cmocka_unit_test(the_thread_takes_no_signals_and_the_caller_still_does),
        cmocka_unit_test(a_real_time_caller_starts_an_ordinary_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
