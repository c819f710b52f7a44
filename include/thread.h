/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* thread: threads of ours, and the eventfds that wake them. */
#ifndef CARILLON_THREAD_H
#define CARILLON_THREAD_H

#include <pthread.h>
#include <stdbool.h>

/* With the terminating zero: what a kernel takes of a thread's name. */
#define THREAD_NAME 16

/*
 * A thread with a small stack and all signals blocked: they are the main thread's, whose handlers
 * must not interrupt a device at work. Its name is the first letters of `name`. To be joined. 0 or
 * -errno.
 */
int thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *opaque);
/* Add 1 to an eventfd: a latch, a doorbell. Never blocks: a full counter is as good as a kick. */
void event_kick(int eventfd);
/* Take what an eventfd has. False: nothing. Never blocks, whatever others that have it did to it.
 */
bool event_take(int eventfd);

#endif
