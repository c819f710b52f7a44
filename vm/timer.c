/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Timers whose end is an event of a loop. */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "loop.h"

int loop_timer_open(struct loop_timer *t, struct loop *l, clockid_t clock, loop_ready *ready,
		    void *opaque)
{
	int fd = timerfd_create(clock, TFD_CLOEXEC | TFD_NONBLOCK), ret;

	if (fd < 0)
		return -errno;
	t->source = (struct loop_source){.fd = fd, .ready = ready, .opaque = opaque};
	ret = loop_add(l, &t->source, EPOLLIN);
	if (ret) {
		close(fd);
		return ret;
	}
	t->loop = l;
	return 0;
}

void loop_timer_close(struct loop_timer *t)
{
	if (!t->loop)
		return;
	loop_remove(t->loop, &t->source);
	close(t->source.fd);
	t->loop = NULL;
}

static struct timespec of_ns(uint64_t ns)
{
	return (struct timespec){(time_t)(ns / NS_PER_S), (long)(ns % NS_PER_S)};
}

void loop_timer_set(struct loop_timer *t, uint64_t first_ns, uint64_t then_ns)
{
	struct itimerspec at = {.it_value = of_ns(first_ns), .it_interval = of_ns(then_ns)};

	timerfd_settime(t->source.fd, 0, &at, NULL);
}

void loop_timer_set_time(struct loop_timer *t, time_t seconds)
{
	struct itimerspec at = {.it_value = {.tv_sec = seconds}};

	timerfd_settime(t->source.fd, TFD_TIMER_ABSTIME, &at, NULL);
}

bool loop_timer_ended(struct loop_timer *t)
{
	uint64_t times;

	return read(t->source.fd, &times, sizeof(times)) == sizeof(times);
}
