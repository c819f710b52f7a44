/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* A thread with an event loop of its own, beside the machine's: for devices that are busy. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "vm.h"

/* A kernel's name for a thread has 15 letters. */
#define NAME_MAX_LETTERS 15

static void *run(void *opaque)
{
	struct worker *w = opaque;
	int ret = loop_run(&w->loop);

	if (ret)
		warn("%s: event loop: %s", w->name, strerror(-ret));
	return NULL;
}

/* Signals are the main thread's: its handlers must not interrupt a device at work. */
static int start(struct worker *w)
{
	pthread_attr_t attr;
	sigset_t all, before;
	int ret;

	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, THREAD_STACK);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ret = pthread_create(&w->thread, &attr, run, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return ret;
}

int worker_start(struct worker *w, const char *name, struct error *err)
{
	int ret;

	w->started = false;
	snprintf(w->name, sizeof(w->name), "%.*s", NAME_MAX_LETTERS, name);
	ret = loop_init(&w->loop, err);
	if (ret) {
		error_prefix(err, "%s", name);
		return ret;
	}
	ret = start(w);
	if (ret) {
		loop_destroy(&w->loop);
		return fail(err, ret, "%s: no thread: %s", name, strerror(ret));
	}
	w->started = true;
	pthread_setname_np(w->thread, w->name);
	return 0;
}

void worker_stop(struct worker *w)
{
	if (!w->started)
		return;
	loop_stop(&w->loop);
	pthread_join(w->thread, NULL);
	loop_destroy(&w->loop);
	w->started = false;
}
