/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Starting threads, and waking them. */
#include "thread.h"

#include <signal.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base.h"

/* What they call is shallow; thousands of vCPUs must not cost 8 MiB of address space each. */
#define STACK (256 * KIB)

int thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *opaque)
{
	char short_name[THREAD_NAME];
	pthread_attr_t attr;
	sigset_t all, before;
	int code;

	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	code = pthread_create(thread, &attr, run, opaque);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	if (code)
		return -code;
	snprintf(short_name, sizeof(short_name), "%.*s", THREAD_NAME - 1, name);
	pthread_setname_np(*thread, short_name);
	return 0;
}

void event_kick(int eventfd)
{
	uint64_t one = 1;

	if (write(eventfd, &one, sizeof(one)) < 0)
		return; /* EAGAIN: the counter is full, hence readable, hence kicked */
}

bool event_take(int eventfd)
{
	uint64_t count;
	struct iovec iov = {&count, sizeof(count)};

	/* O_NONBLOCK is of the open file, which another process may have too, and may change. */
	return preadv2(eventfd, &iov, 1, -1, RWF_NOWAIT) == sizeof(count);
}
