/* The thread for what may hang: one that leaves the loop of its caller alone.
 *
 * It has no real-time priority, unless it asks for it, and takes no signals, whatever its caller
 * has, and its stack is small, because a real-time process locks all of its memory.
 */
#ifndef HAL_BASE_THREAD_H
#define HAL_BASE_THREAD_H

#include <pthread.h>

/* Calls run(argument) in a new thread, which the caller joins or detaches. The stack has 64 kB, or
 * the least that the machine allows (128 kB on arm64). 0 or -errno of pthread_create(3). */
int thread_start(void *(*run)(void *argument), void *argument, pthread_t *ret_thread);

#endif
