/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The event loop: epoll over everything that happens outside the guest. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "loop.h"

/*
 * To sleep and be woken takes about as long as so many looks at what there is: who looks so often
 * before sleeping loses no more than as much again, and wins all of it where events are near. They
 * are counted, since a slow machine, or an emulated one, is slow at all of this.
 */
#define GLANCES 64
/* Events are near if the last one was, in times that GLANCES of them take; being woken is in it. */
#define NEAR 4
/* What they take until it is known, ns. */
#define GLANCES_NS 14000
/* After so many sources were served who lingers tells, though there is more to do. */
#define RESTLESS 16
/* Nor does it wait for longer than that, ns. */
#define NAP_MAX 1000000

int loop_init(struct loop *l, struct error *err)
{
	struct epoll_event ev = {.events = EPOLLIN};

	atomic_store(&l->stopping, false);
	l->spins = l->busy = l->looked = false;
	l->lingering = NULL;
	l->served = 0;
	l->spin_ns = GLANCES_NS;
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

/* ---- what to serve next ---------------------------------------------------------------------- */

bool loop_linger(struct loop *l, struct loop_source *src)
{
	struct loop_source *last = l->lingering;

	if (!l->spins || src->next_lingering)
		return l->spins;
	src->next_lingering = last ? last->next_lingering : src;
	if (last)
		last->next_lingering = src;
	l->lingering = src;
	return true;
}

/* Who was found last comes last the next time. */
static int look(struct loop *l, bool ask, struct epoll_event *ev)
{
	struct loop_source *src = l->lingering;

	if (!src)
		return 0;
	do {
		src = src->next_lingering;
		if (src->look(src, ask)) {
			l->lingering = src;
			*ev = (struct epoll_event){.data.ptr = src};
			return 1;
		}
	} while (src != l->lingering);
	return 0;
}

static void tell(struct loop *l)
{
	struct loop_source *src = l->lingering;

	l->served = 0;
	if (!src)
		return;
	do {
		src = src->next_lingering;
		src->tell(src);
	} while (src != l->lingering);
}

/* All have told, and have asked for events. */
static void part(struct loop *l)
{
	struct loop_source *src = l->lingering, *next;

	for (; src; src = next) {
		next = src->next_lingering;
		src->next_lingering = NULL;
	}
	l->lingering = NULL;
}

/* Events, and what lingers, in turns: neither keeps the other waiting. */
static int glance(struct loop *l, struct epoll_event *ev)
{
	int n = 0, i;

	for (i = 0; i < 2 && !n; i++) {
		l->looked = !l->looked;
		n = l->looked ? look(l, false, ev) : epoll_wait(l->epoll, ev, 1, 0);
	}
	return n;
}

static int spin(struct loop *l, struct epoll_event *ev, uint64_t begin)
{
	uint64_t took;
	unsigned i;
	int n;

	for (i = 0, n = 0; i < GLANCES && !n; i++)
		n = glance(l, ev);
	if (n)
		return n;
	took = now_ns() - begin;
	/* One that another process came in between of says little. */
	l->spin_ns = took < 2 * l->spin_ns ? took : 2 * l->spin_ns;
	return 0;
}

/*
 * Who lingers has asked for events, but has not told: who is told of the next event may need no
 * telling of what was before.
 */
static int nap(struct loop *l, struct epoll_event *ev)
{
	uint64_t ns = NEAR * l->spin_ns;
	struct timespec t = {.tv_nsec = (long)(ns < NAP_MAX ? ns : NAP_MAX)};
	struct pollfd p = {.fd = l->epoll, .events = POLLIN};
	int n;

	if (!l->busy || !l->lingering)
		return 0;
	n = ppoll(&p, 1, &t, NULL);
	return n > 0 ? epoll_wait(l->epoll, ev, 1, 0) : n;
}

/* One at a time: a source may remove another whose event was already fetched. */
static int next_event(struct loop *l, struct epoll_event *ev)
{
	uint64_t begin;
	int n = 0;

	if (!l->spins)
		return epoll_wait(l->epoll, ev, 1, -1);
	if (l->lingering && l->served++ >= RESTLESS)
		tell(l);
	begin = now_ns();
	if (l->busy)
		n = spin(l, ev, begin);
	else if (l->lingering)
		n = glance(l, ev);
	n = n ? n : look(l, true, ev);
	n = n ? n : nap(l, ev);
	if (!n) {
		tell(l);
		part(l);
		n = epoll_wait(l->epoll, ev, 1, -1);
	}
	l->busy = now_ns() - begin < NEAR * l->spin_ns;
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
