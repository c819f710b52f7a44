/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Event loops: sources that linger, which the loop looks at itself, and which tell when there is
 * nothing to do. */
#include <criterion/criterion.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "loop.h"

struct rig {
	struct loop loop;
	struct loop *in;	    /* usually that one */
	struct loop_source lingers; /* fd: an eventfd */
	struct loop_source noise;   /* fd: an eventfd that nobody reads */
	unsigned found;		    /* as often as it is looked at there is something */
	unsigned found_when_asking;
	bool noise_when_asking; /* there is some from then on */
	unsigned tells_to_end;	/* usually 1 */
	unsigned readies, events, asks, tells, noises;
	unsigned noises_when_told, noises_at_found;
};

static bool look(struct loop_source *src, bool ask)
{
	struct rig *r = src->opaque;

	if (!ask)
		return r->found;
	r->asks++;
	if (r->noise_when_asking)
		event_kick(r->noise.fd);
	if (!r->found_when_asking)
		return false;
	r->found_when_asking--;
	return true;
}

static void tell(struct loop_source *src)
{
	struct rig *r = src->opaque;

	if (!r->tells++)
		r->noises_when_told = r->noises;
	if (r->tells == r->tells_to_end)
		loop_stop(r->in);
}

static void ready(struct loop_source *src, uint32_t events)
{
	struct rig *r = src->opaque;

	r->readies++;
	if (events) {
		event_take(src->fd);
		r->events++;
	} else if (r->found && !--r->found) {
		r->noises_at_found = r->noises;
	}
	cr_expect(loop_linger(r->in, src));
	cr_expect(loop_linger(r->in, src), "twice is once");
}

static void make_noise(struct loop_source *src, uint32_t events)
{
	struct rig *r = src->opaque;

	(void)events;
	/* Where nothing stops it the test would never end. */
	if (++r->noises == 10000)
		loop_stop(&r->loop);
}

static void rig_open(struct rig *r)
{
	*r = (struct rig){.lingers = {.ready = ready, .look = look, .tell = tell, .opaque = r},
			  .noise = {.ready = make_noise, .opaque = r}};
	cr_assert_eq(loop_init(&r->loop, NULL), 0);
	r->in = &r->loop;
	r->tells_to_end = 1;
	r->loop.spins = true;
	r->lingers.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r->noise.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	cr_assert_eq(loop_add(&r->loop, &r->lingers, EPOLLIN), 0);
	cr_assert_eq(loop_add(&r->loop, &r->noise, EPOLLIN), 0);
}

static void rig_close(struct rig *r)
{
	loop_destroy(&r->loop);
	close(r->lingers.fd);
	close(r->noise.fd);
}

Test(loop, what_lingers_is_looked_at_and_tells_before_the_loop_sleeps)
{
	struct rig r;

	rig_open(&r);
	r.found = 5;
	event_kick(r.lingers.fd);
	cr_assert_eq(loop_run(&r.loop), 0);
	cr_expect_eq(r.events, 1);
	cr_expect_eq(r.readies, 6, "once for the event, then without one");
	cr_expect_eq(r.asks, 1);
	cr_expect_eq(r.tells, 1);
	cr_expect_null(r.lingers.next_lingering);
	rig_close(&r);
}

Test(loop, what_is_found_when_asking_for_events_is_served)
{
	struct rig r;

	rig_open(&r);
	r.found_when_asking = 3;
	event_kick(r.lingers.fd);
	cr_assert_eq(loop_run(&r.loop), 0);
	cr_expect_eq(r.readies, 4);
	cr_expect_eq(r.asks, 4);
	cr_expect_eq(r.tells, 1);
	rig_close(&r);
}

/* Neither what lingers nor what has events keeps the other waiting. */
Test(loop, events_and_what_lingers_take_turns)
{
	struct rig r;

	rig_open(&r);
	r.tells_to_end = 3;
	r.found = 20;
	event_kick(r.lingers.fd);
	event_kick(r.noise.fd);
	cr_assert_eq(loop_run(&r.loop), 0);
	cr_expect_eq(r.found, 0);
	cr_expect(r.noises_at_found > 10 && r.noises_at_found < 30, "%u", r.noises_at_found);
	rig_close(&r);
}

/* Nor do two of those who linger. */
Test(loop, those_who_linger_take_turns)
{
	struct rig r, other;

	rig_open(&r);
	rig_open(&other);
	cr_assert_eq(loop_add(&r.loop, &other.lingers, EPOLLIN), 0);
	other.in = &r.loop;
	r.found = other.found = 1000;
	event_kick(r.lingers.fd);
	event_kick(other.lingers.fd);
	cr_assert_eq(loop_run(&r.loop), 0);
	cr_expect_gt(r.readies, 5);
	cr_expect_gt(other.readies, 5);
	rig_close(&r);
	rig_close(&other);
}

/* It tells, though there is always more to do, and goes on as before. */
Test(loop, who_lingers_tells_while_the_loop_is_busy)
{
	struct rig r;

	rig_open(&r);
	r.tells_to_end = 2;
	event_kick(r.lingers.fd);
	event_kick(r.noise.fd);
	cr_assert_eq(loop_run(&r.loop), 0);
	cr_expect_eq(r.tells, 2);
	cr_expect_eq(r.asks, 0);
	cr_expect_eq(r.events, 1);
	cr_expect(r.noises_when_told < 100, "%u", r.noises_when_told);
	rig_close(&r);
}

static unsigned noises_when_told(bool busy)
{
	struct rig r;

	rig_open(&r);
	r.noise_when_asking = true;
	/* The event that is there already is near, or is not, however slow this machine is. */
	r.loop.spin_ns = busy ? UINT64_MAX / 16 : 1;
	event_kick(r.lingers.fd);
	cr_assert_eq(loop_run(&r.loop), 0);
	cr_expect_eq(r.tells, 1);
	rig_close(&r);
	return r.noises_when_told;
}

Test(loop, a_busy_loop_awaits_what_is_near_before_it_tells)
{
	cr_expect_gt(noises_when_told(true), 0);
}

Test(loop, a_loop_that_is_not_busy_tells_at_once)
{
	cr_expect_eq(noises_when_told(false), 0);
}

Test(loop, a_loop_that_sleeps_at_once_lets_nobody_linger)
{
	struct rig r;

	rig_open(&r);
	r.loop.spins = false;
	cr_expect_not(loop_linger(&r.loop, &r.lingers));
	cr_expect_null(r.lingers.next_lingering);
	rig_close(&r);
}
