/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Event loops: sources that linger, which the loop looks at itself, and which rest before it
 * sleeps. */
#include <criterion/criterion.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "loop.h"

struct rig {
	struct loop loop;
	struct loop_source lingers; /* fd: an eventfd */
	struct loop_source noise;   /* fd: an eventfd that nobody reads */
	unsigned found;		    /* as often as it is looked at there is something */
	unsigned found_at_rest;
	unsigned readies, events, rests, noises;
	unsigned noises_at_rest, noises_at_found;
};

static bool look(struct loop_source *src)
{
	struct rig *r = src->opaque;

	return r->found;
}

static bool rest(struct loop_source *src)
{
	struct rig *r = src->opaque;

	cr_expect_not(src->lingers);
	r->noises_at_rest = r->noises;
	r->rests++;
	if (r->found_at_rest)
		return r->found_at_rest--;
	loop_stop(&r->loop);
	return false;
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
	cr_expect(loop_linger(&r->loop, src));
	cr_expect(loop_linger(&r->loop, src), "twice is once");
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
	*r = (struct rig){.lingers = {.ready = ready, .look = look, .rest = rest, .opaque = r},
			  .noise = {.ready = make_noise, .opaque = r}};
	cr_assert_eq(loop_init(&r->loop, NULL), 0);
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

Test(loop, what_lingers_is_looked_at_and_rests_before_the_loop_sleeps)
{
	struct rig r;

	rig_open(&r);
	r.found = 5;
	event_kick(r.lingers.fd);
	cr_assert_eq(loop_run(&r.loop), 0);
	cr_expect_eq(r.events, 1);
	cr_expect_eq(r.readies, 6, "once for the event, then without one");
	cr_expect_eq(r.rests, 1);
	rig_close(&r);
}

Test(loop, what_is_found_at_the_rest_is_served)
{
	struct rig r;

	rig_open(&r);
	r.found_at_rest = 3;
	event_kick(r.lingers.fd);
	cr_assert_eq(loop_run(&r.loop), 0);
	cr_expect_eq(r.readies, 4);
	cr_expect_eq(r.rests, 4);
	rig_close(&r);
}

/* Neither what lingers nor what has events keeps the other waiting. */
Test(loop, events_and_what_lingers_take_turns)
{
	struct rig r;

	rig_open(&r);
	r.found = 1000;
	r.found_at_rest = UINT_MAX;
	event_kick(r.lingers.fd);
	event_kick(r.noise.fd);
	cr_assert_eq(loop_run(&r.loop), 0);
	cr_expect_eq(r.found, 0);
	cr_expect(r.noises_at_found > 500 && r.noises_at_found < 1500, "%u", r.noises_at_found);
	rig_close(&r);
}

/* It is asked to tell, and tells, though there is always more to do. */
Test(loop, who_lingers_rests_while_the_loop_is_busy)
{
	struct rig r;

	rig_open(&r);
	event_kick(r.lingers.fd);
	event_kick(r.noise.fd);
	cr_assert_eq(loop_run(&r.loop), 0);
	cr_expect_eq(r.rests, 1);
	cr_expect(r.noises_at_rest < 100, "%u", r.noises_at_rest);
	rig_close(&r);
}

Test(loop, a_loop_that_sleeps_at_once_lets_nobody_linger)
{
	struct rig r;

	rig_open(&r);
	r.loop.spins = false;
	cr_expect_not(loop_linger(&r.loop, &r.lingers));
	cr_expect_not(r.lingers.lingers);
	rig_close(&r);
}
