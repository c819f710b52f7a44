/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The event loop: epoll over everything that happens outside the guest. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "loop.h"

/*
 * To sleep and be woken takes about as long as this, ns: who looks for an event for so long before
 * sleeping loses no more than as much again, and wins all of it where events are near.
 */
#define SPIN 14000
/* Events are near if the last one was, ns; what it takes to be woken is in it. */
#define NEAR 50000

int loop_init(struct loop *l, struct error *err)
{
	struct epoll_event ev = {.events = EPOLLIN};

	atomic_store(&l->stopping, false);
	l->spins = l->busy = false;
	l->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->wake < 0 || l->epoll < 0 || epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->wake, &ev)) {
		int code = errno;

		loop_destroy(l);
		return fail(err, code, "event loop: %s", strerror(code));
	}
	return 0;
}

void loop_destroy(struct loop *l)
{
	if (l->epoll >= 0)
		close(l->epoll);
	if (l->wake >= 0)
		close(l->wake);
	l->epoll = l->wake = -1;
}

int loop_add(struct loop *l, struct loop_source *src, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.ptr = src};

	return epoll_ctl(l->epoll, EPOLL_CTL_ADD, src->fd, &ev) ? -errno : 0;
}

void loop_remove(struct loop *l, struct loop_source *src)
{
	epoll_ctl(l->epoll, EPOLL_CTL_DEL, src->fd, NULL);
}

int loop_watch(struct loop *l, struct loop_source *src, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.ptr = src};
	int op = !src->watched ? EPOLL_CTL_ADD : events ? EPOLL_CTL_MOD : EPOLL_CTL_DEL;

	if (events == src->watched)
		return 0;
	if (epoll_ctl(l->epoll, op, src->fd, &ev))
		return -errno;
	src->watched = events;
	return 0;
}

static int spin(const struct loop *l, struct epoll_event *ev, uint64_t until)
{
	int n;

	do
		n = epoll_wait(l->epoll, ev, 1, 0);
	while (!n && now_ns() < until);
	return n;
}

/* One at a time: a source may remove another whose event was already fetched. */
static int next_event(struct loop *l, struct epoll_event *ev)
{
	uint64_t begin;
	int n = 0;

	if (!l->spins)
		return epoll_wait(l->epoll, ev, 1, -1);
	begin = now_ns();
	if (l->busy)
		n = spin(l, ev, begin + SPIN);
	n = n ? n : epoll_wait(l->epoll, ev, 1, -1);
	l->busy = now_ns() - begin < NEAR;
	return n;
}

int loop_run(struct loop *l)
{
	while (!atomic_load(&l->stopping)) {
		struct epoll_event ev;
		int n = next_event(l, &ev);
		struct loop_source *src;

		if (n < 0 && errno != EINTR)
			return -errno;
		src = n > 0 ? ev.data.ptr : NULL;
		if (src)
			src->ready(src, ev.events);
	}
	return 0;
}

void loop_stop(struct loop *l)
{
	atomic_store(&l->stopping, true);
	event_kick(l->wake);
}
