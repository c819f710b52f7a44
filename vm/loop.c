/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The event loop: epoll over everything that happens outside the guest. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "loop.h"

int loop_init(struct loop *l, struct error *err)
{
	struct epoll_event ev = {.events = EPOLLIN};

	atomic_store(&l->stopping, false);
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

int loop_run(struct loop *l)
{
	while (!atomic_load(&l->stopping)) {
		/* One at a time: a source may remove another whose event was already fetched. */
		struct epoll_event ev;
		int n = epoll_wait(l->epoll, &ev, 1, -1);
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
