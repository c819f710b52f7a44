/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* loop: loops that serve events from outside the guest, their timers, and threads that run one. */
#ifndef CARILLON_LOOP_H
#define CARILLON_LOOP_H

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "base.h"
#include "thread.h"

struct loop_source;

/* Called on the loop's thread. May remove itself or others. */
typedef void loop_ready(struct loop_source *src, uint32_t events);

struct loop_source {
	int fd;
	loop_ready *ready;
	void *opaque;
	uint32_t watched; /* loop_watch()'s */
	/*
	 * For loop_linger(): is there something for ready(), though no event says so? ask: and if
	 * not, an event will.
	 */
	bool (*look)(struct loop_source *src, bool ask);
	/* Whoever waits for what ready() has done learns of it. */
	void (*tell)(struct loop_source *src);
	struct loop_source *next_lingering; /* in a circle; NULL: it doesn't */
};

struct loop {
	int epoll;
	int wake; /* eventfd that ends the wait */
	_Atomic bool stopping;
	bool spins; /* while it is busy it looks for the next event before it sleeps */
	bool busy;
	uint64_t spin_ns;	       /* what that took when nothing came */
	bool looked;		       /* the last look was at what lingers */
	struct loop_source *lingering; /* the last of them */
	unsigned served;	       /* sources, since those that linger told */
};

int loop_init(struct loop *l, struct error *err);
void loop_destroy(struct loop *l);
/* events: EPOLLIN and the like. Any thread. 0 or -errno. */
int loop_add(struct loop *l, struct loop_source *src, uint32_t events);
void loop_remove(struct loop *l, struct loop_source *src);
/*
 * For a source whose events change: be told of these from now on, and of no others; 0: it is not in
 * the loop, where a hang-up is told of whether asked for or not. Any thread, but one at a time. 0,
 * or -errno and all is as before.
 */
int loop_watch(struct loop *l, struct loop_source *src, uint32_t events);
/*
 * From the source's ready(), which is then also called without an event: while the loop is busy it
 * looks at the source itself, and its events aren't needed. Its look() is called to ask for them
 * before the loop sleeps, and its tell() when the loop has been busy for long, or has nothing to do
 * for a while. False: this loop does not do that.
 */
bool loop_linger(struct loop *l, struct loop_source *src);
/* Serve sources until loop_stop(); 0 or -errno. */
int loop_run(struct loop *l);
/* Any thread, and async-signal-safe. */
void loop_stop(struct loop *l);

/* A timer whose end is an event of a loop. Zeroed: there is none. */
struct loop_timer {
	struct loop *loop;
	struct loop_source source;
};

/* clock: CLOCK_MONOTONIC, CLOCK_REALTIME. 0 or -errno, and then there is none. */
int loop_timer_open(struct loop_timer *t, struct loop *l, clockid_t clock, loop_ready *ready,
		    void *opaque);
void loop_timer_close(struct loop_timer *t);
/* It ends in first_ns, and then every then_ns, unless that is 0. first_ns 0 stops it. */
void loop_timer_set(struct loop_timer *t, uint64_t first_ns, uint64_t then_ns);
/* It ends when its clock shows so many seconds; 0 stops it. */
void loop_timer_set_time(struct loop_timer *t, time_t seconds);
/* Has it ended, and was not set again since? True once: for ready(), under the lock of who sets it.
 */
bool loop_timer_ended(struct loop_timer *t);

/* A thread that serves a loop; all signals are blocked in it. Zeroed: none. */
struct worker {
	struct loop loop;
	pthread_t thread;
	bool started;
	char name[THREAD_NAME];
};

/* Sources may be added from then on. name, for messages and as the thread's: its first letters. */
int worker_start(struct worker *w, const char *name, struct error *err);
/*
 * Wait until the source that is being served is done, then end the thread and the loop;
 * loop_remove() is still allowed. Not from the worker's own thread, nor with a lock that its
 * sources take. Fine if none was started.
 */
void worker_stop(struct worker *w);

#endif
