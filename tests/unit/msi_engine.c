/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* pci: the MSI engine, from a source's signal to an injection or a pending bit. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "pci.h"
#include "recorder.h"

#define VECTORS 8

struct source {
	bool on;
	unsigned n, enables, arms;
	int fds[VECTORS];
	int refuse_enable, refuse_arm;
	unsigned refuse_from; /* the first vector that refuse_arm is for */
	bool waiting[VECTORS];
};

static int source_enable(void *opaque, unsigned n, const int *fds)
{
	struct source *s = opaque;

	s->enables++;
	if (s->refuse_enable)
		return s->refuse_enable;
	cr_assert(!s->on);
	cr_assert(n >= 1 && n <= VECTORS);
	s->on = true;
	s->n = n;
	memset(s->fds, 0xff, sizeof(s->fds));
	memcpy(s->fds, fds, n * sizeof(*fds));
	return 0;
}

static int source_arm(void *opaque, unsigned first, unsigned n, const int *fds)
{
	struct source *s = opaque;
	unsigned i;

	s->arms++;
	cr_assert(s->on);
	if (s->refuse_arm && first + n > s->refuse_from)
		return s->refuse_arm;
	for (i = 0; i < n; i++) {
		cr_assert_lt(s->fds[first + i], 0, "vector %u is armed already", first + i);
		s->fds[first + i] = fds[i];
	}
	return 0;
}

static void source_disable(void *opaque)
{
	struct source *s = opaque;

	cr_assert(s->on);
	s->on = false;
}

static bool source_pending(void *opaque, unsigned v)
{
	return ((struct source *)opaque)->waiting[v];
}

static const struct msi_source_ops ops = {source_enable, source_arm, source_disable,
					  source_pending};

static struct recorder rec;
static struct source src;
static struct msi_engine e;
static unsigned fds_before;

static void set_up(bool whole)
{
	recorder_init(&rec);
	memset(&src, 0, sizeof(src));
	fds_before = open_fds();
	cr_assert_eq(msi_engine_init(&e, "test", VECTORS, whole, &rec.vm.irqs, &ops, &src), 0);
}

static void start(void)
{
	set_up(false);
}

static void start_whole(void)
{
	set_up(true);
}

/* Whatever happened: nothing is left attached, allocated or open. */
static void finish(void)
{
	msi_engine_destroy(&e);
	cr_assert_eq(rec.n_irqfds, 0);
	cr_assert_eq(rec.n_routes, 0);
	cr_assert_eq(irq_alloc(&rec.vm.irqs), 24);
	cr_assert_eq(open_fds(), fds_before);
	recorder_destroy(&rec);
}

static void message(unsigned v, uint32_t data)
{
	struct msi_message msg = {.address = 0xfee00000 + ((uint64_t)v << 12), .data = data};

	msi_engine_set_message(&e, v, &msg);
}

static unsigned injected(unsigned v)
{
	return rec.injected[e.vectors[v].gsi];
}

static void device_signals(unsigned v)
{
	recorder_signal(&rec, src.fds[v]);
}

TestSuite(msi_engine, .init = start, .fini = finish);

Test(msi_engine, a_masked_vector_costs_nothing)
{
	msi_engine_enable(&e, VECTORS);
	cr_assert(src.on, "the hardware is enabled all the same");
	cr_assert_eq(src.n, 1);
	cr_assert_eq(src.fds[0], -1);
	cr_assert_eq(rec.attach_calls + rec.route_calls, 0);
	message(3, 7);
	cr_assert_eq(rec.route_calls, 0);
	cr_assert_eq(open_fds(), fds_before);
}

Test(msi_engine, armed_at_the_first_unmask)
{
	msi_engine_enable(&e, VECTORS);
	message(3, 0x33);
	msi_engine_mask(&e, 3, false);
	cr_assert_eq(src.arms, 1);
	cr_assert_eq(rec.route_calls, 1);
	cr_assert_eq(recorder_route(&rec, (unsigned)e.vectors[3].gsi)->u.msi.data, 0x33);
	device_signals(3);
	device_signals(3);
	cr_assert_eq(injected(3), 2);
	cr_assert(!msi_engine_pending(&e, 3));
	cr_assert_eq(msi_engine_attached(&e), 1);
}

Test(msi_engine, enabled_with_vectors_unmasked_beforehand)
{
	message(1, 1);
	message(4, 4);
	msi_engine_mask(&e, 1, false);
	msi_engine_mask(&e, 4, false);
	cr_assert_eq(rec.route_calls, 0, "not before it is enabled");
	msi_engine_enable(&e, VECTORS);
	cr_assert_eq(rec.route_calls, 1, "one table for both");
	cr_assert_eq(src.n, 5);
	cr_assert_eq(src.fds[0], -1);
	cr_assert_geq(src.fds[1], 0);
	cr_assert_geq(src.fds[4], 0);
	cr_assert_eq(src.arms, 0);
	device_signals(4);
	cr_assert_eq(injected(4), 1);
}

Test(msi_engine, what_comes_while_masked_is_pending_and_delivered_once)
{
	int round;

	msi_engine_enable(&e, VECTORS);
	msi_engine_mask(&e, 2, false);
	for (round = 1; round <= 3; round++) {
		msi_engine_mask(&e, 2, true);
		cr_assert(!msi_engine_pending(&e, 2));
		device_signals(2);
		device_signals(2);
		cr_assert(msi_engine_pending(&e, 2));
		cr_assert_eq(injected(2), (unsigned)round - 1);
		msi_engine_mask(&e, 2, false);
		cr_assert_eq(injected(2), (unsigned)round, "twice while masked is one interrupt");
		cr_assert(!msi_engine_pending(&e, 2));
	}
	msi_engine_mask(&e, 2, true);
	cr_assert(!msi_engine_pending(&e, 2), "delivered, so no longer pending");
	msi_engine_mask(&e, 2, false);
	cr_assert_eq(injected(2), 3);
	cr_assert_eq(src.arms, 1, "the source was never touched again");
}

Test(msi_engine, masking_costs_no_routing_call)
{
	int i;

	msi_engine_enable(&e, VECTORS);
	message(0, 9);
	msi_engine_mask(&e, 0, false);
	rec.route_calls = 0;
	for (i = 0; i < 1000; i++) {
		msi_engine_mask(&e, 0, true);
		message(0, 9);
		msi_engine_mask(&e, 0, false);
	}
	cr_assert_eq(rec.route_calls, 0);
	msi_engine_mask(&e, 0, true);
	message(0, 10);
	cr_assert_eq(rec.route_calls, 0, "a masked vector's message can wait");
	msi_engine_mask(&e, 0, false);
	cr_assert_eq(rec.route_calls, 1);
	message(0, 11);
	cr_assert_eq(rec.route_calls, 2, "an unmasked one's can't");
	cr_assert_eq(recorder_route(&rec, (unsigned)e.vectors[0].gsi)->u.msi.data, 11);
}

Test(msi_engine, the_function_mask_is_one_batch)
{
	unsigned v;

	msi_engine_mask_function(&e, true);
	msi_engine_enable(&e, VECTORS);
	for (v = 0; v < VECTORS; v++) {
		message(v, v);
		msi_engine_mask(&e, v, false);
	}
	cr_assert_eq(rec.route_calls, 0);
	msi_engine_mask_function(&e, false);
	cr_assert_eq(rec.route_calls, 1);
	cr_assert_eq(src.arms, 1);
	cr_assert_eq(rec.n_irqfds, VECTORS);
	msi_engine_mask_function(&e, true);
	cr_assert_eq(rec.n_irqfds, 0);
	device_signals(5);
	cr_assert(msi_engine_pending(&e, 5));
	cr_assert(!msi_engine_pending(&e, 6));
	msi_engine_mask_function(&e, false);
	cr_assert_eq(injected(5), 1);
	cr_assert_eq(injected(6), 0);
	cr_assert_eq(rec.route_calls, 1);
}

/* The source's messages of vectors that it signals already must not be touched. */
Test(msi_engine, a_batch_goes_around_what_is_armed)
{
	unsigned v;

	msi_engine_enable(&e, VECTORS);
	msi_engine_mask(&e, 3, false);
	msi_engine_mask_function(&e, true);
	for (v = 1; v < VECTORS - 1; v++)
		if (v != 5)
			msi_engine_mask(&e, v, false);
	src.arms = 0;
	msi_engine_mask_function(&e, false);
	cr_assert_eq(src.arms, 2, "1 and 2; 4 to 6, of which 5 is masked");
	cr_assert_lt(src.fds[5], 0);
	cr_assert_lt(src.fds[7], 0);
	for (v = 1; v < VECTORS - 1; v++)
		if (v != 5) {
			device_signals(v);
			cr_assert_eq(injected(v), 1);
		}
}

Test(msi_engine, a_batch_that_is_refused_may_be_had_in_part)
{
	unsigned v;

	msi_engine_mask_function(&e, true);
	msi_engine_enable(&e, VECTORS);
	for (v = 0; v < VECTORS; v++)
		msi_engine_mask(&e, v, false);
	src.refuse_arm = -ENOSPC;
	src.refuse_from = 5;
	msi_engine_mask_function(&e, false);
	cr_assert_eq(rec.n_irqfds, 5);
	cr_assert_eq(atomic_load(&e.failures), VECTORS - 5);
	device_signals(4);
	cr_assert_eq(injected(4), 1);
	cr_assert_lt(src.fds[5], 0);
}

Test(msi_engine, never_armed_asks_the_source)
{
	msi_engine_enable(&e, VECTORS);
	cr_assert(!msi_engine_pending(&e, 7));
	src.waiting[7] = true;
	cr_assert(msi_engine_pending(&e, 7));
	msi_engine_disable(&e);
	cr_assert(!msi_engine_pending(&e, 7));
}

Test(msi_engine, disable_and_enable_again)
{
	msi_engine_enable(&e, VECTORS);
	msi_engine_mask(&e, 0, false);
	msi_engine_disable(&e);
	cr_assert(!src.on);
	cr_assert_eq(rec.n_irqfds, 0);
	cr_assert_eq(rec.n_routes, 0);
	msi_engine_disable(&e);
	msi_engine_enable(&e, VECTORS);
	cr_assert_geq(src.fds[0], 0, "its mask bit outlives the disabling");
	device_signals(0);
	cr_assert_eq(injected(0), 1);
}

Test(msi_engine, fewer_active_vectors_than_there_are)
{
	unsigned v;

	for (v = 0; v < VECTORS; v++)
		msi_engine_mask(&e, v, false);
	msi_engine_enable(&e, 2);
	cr_assert_eq(src.n, 2);
	cr_assert_eq(rec.n_irqfds, 2);
}

Test(msi_engine, refused_eventfd_is_tried_again)
{
	rec.refuse_irqfd = -EINVAL;
	msi_engine_enable(&e, VECTORS);
	msi_engine_mask(&e, 0, false);
	cr_assert_eq(src.arms, 0, "no source without an irqfd");
	cr_assert_eq(atomic_load(&e.failures), 1);
	rec.refuse_irqfd = 0;
	msi_engine_mask(&e, 0, true);
	msi_engine_mask(&e, 0, false);
	device_signals(0);
	cr_assert_eq(injected(0), 1);
}

Test(msi_engine, refused_source_leaves_nothing)
{
	msi_engine_enable(&e, VECTORS);
	src.refuse_arm = -ENOSPC;
	msi_engine_mask(&e, 0, false);
	cr_assert_eq(rec.n_irqfds, 0);
	cr_assert_eq(open_fds(), fds_before);
	src.refuse_arm = 0;
	msi_engine_mask(&e, 0, true);
	msi_engine_mask(&e, 0, false);
	device_signals(0);
	cr_assert_eq(injected(0), 1);
}

Test(msi_engine, refused_enable_is_tried_again)
{
	src.refuse_enable = -EBUSY;
	msi_engine_mask(&e, 1, false);
	msi_engine_enable(&e, VECTORS);
	cr_assert_eq(rec.n_irqfds, 0);
	cr_assert_eq(open_fds(), fds_before);
	src.refuse_enable = 0;
	msi_engine_mask(&e, 0, false);
	cr_assert(src.on);
	device_signals(1);
	device_signals(0);
	cr_assert_eq(injected(0), 1);
	cr_assert_eq(injected(1), 1);
}

Test(msi_engine, out_of_gsis)
{
	while (irq_alloc(&rec.vm.irqs) >= 0)
		;
	msi_engine_enable(&e, VECTORS);
	msi_engine_mask(&e, 0, false);
	cr_assert_eq(src.arms, 0);
	cr_assert_eq(atomic_load(&e.failures), 1);
	cr_assert_eq(open_fds(), fds_before);
	irq_free(&rec.vm.irqs, 24);
}

Test(msi_whole, a_source_that_cannot_grow_gets_all_at_once, .init = start_whole, .fini = finish)
{
	msi_engine_mask(&e, 2, false);
	msi_engine_enable(&e, VECTORS);
	cr_assert_eq(src.n, VECTORS);
	cr_assert_geq(src.fds[2], 0);
	cr_assert_eq(src.fds[7], -1);
	msi_engine_mask(&e, 7, false);
	cr_assert_eq(src.enables, 1);
	cr_assert_geq(src.fds[7], 0);
	device_signals(7);
	cr_assert_eq(injected(7), 1);
}
