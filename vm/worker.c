/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* A thread with an event loop of its own, beside the machine's: for devices that are busy. */
#include <string.h>
#include <unistd.h>

#include "loop.h"

static void *run(void *opaque)
{
	struct worker *w = opaque;
	int ret = loop_run(&w->loop);

	if (ret)
		warn("%s: event loop: %s", w->name, strerror(-ret));
	return NULL;
}

int worker_start(struct worker *w, const char *name, struct error *err)
{
	int ret;

	w->started = false;
	snprintf(w->name, sizeof(w->name), "%.*s", THREAD_NAME - 1, name);
	ret = loop_init(&w->loop, err);
	if (ret) {
		error_prefix(err, "%s", name);
		return ret;
	}
	w->loop.spins = sysconf(_SC_NPROCESSORS_ONLN) > 1;
	ret = thread_start(&w->thread, name, run, w);
	if (ret) {
		loop_destroy(&w->loop);
		return fail(err, -ret, "%s: no thread: %s", name, strerror(-ret));
	}
	w->started = true;
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
