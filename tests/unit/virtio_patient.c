/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Queues whose driver waits for nothing: who is told, and asked to tell, when the loop has nothing
 * to do. */
#include "virtio_rig.h"

static struct virtio_queue *patient(struct virtio_rig *r, uint64_t features)
{
	struct virtio_queue *q = &r->toy.device.queues[0];

	virtio_rig_start(r, features);
	r->rec.vm.loop.spins = true;
	q->patient = true;
	return q;
}

/* One more chain; true: the device wants to be told of it. */
static bool add(struct virtio_rig *r)
{
	struct driver_buffer b = {RIG_BUFFERS, 4, 0};
	uint16_t before = r->rings[0].next_avail;

	driver_ring_add(&r->rings[0], &b, 1);
	return driver_ring_wants_kick(&r->rings[0], before);
}

static unsigned take_all(struct virtio_rig *r)
{
	struct driver_used used;
	unsigned n = 0;

	while (driver_ring_take(&r->rings[0], &used))
		n++;
	return n;
}

static void expect_patience(struct virtio_rig *r, uint64_t features)
{
	struct virtio_queue *q = patient(r, features);

	cr_expect(add(r));
	r->t->kick(r, 0);
	virtio_rig_settle(r);
	cr_expect_eq(take_all(r), 1, "it is served at once");
	cr_expect_eq(r->t->take_interrupts(r), 0);
	cr_expect(q->source.next_lingering);
	cr_expect_not(q->source.look(&q->source, false));
	cr_expect_not(add(r));
	cr_expect(q->source.look(&q->source, false), "what nobody tells of is seen");
	q->source.ready(&q->source, 0);
	cr_expect_eq(take_all(r), 1);
	cr_expect_not(q->source.look(&q->source, true));
	cr_expect_eq(r->t->take_interrupts(r), 0);
	q->source.tell(&q->source);
	cr_expect_eq(r->t->take_interrupts(r), INTERRUPT_QUEUE);
	q->source.tell(&q->source);
	cr_expect_eq(r->t->take_interrupts(r), 0, "once is enough");
	cr_expect(add(r));
}

TRANSPORT_TEST(a_patient_driver_is_told_when_there_is_nothing_to_do)
{
	expect_patience(r, 0);
}

TRANSPORT_TEST(a_patient_driver_of_a_packed_ring)
{
	expect_patience(r, FEATURE(VIRTIO_F_RING_PACKED));
}

TRANSPORT_TEST(what_comes_before_kicks_are_asked_for_is_found)
{
	struct virtio_queue *q = patient(r, 0);

	add(r);
	r->t->kick(r, 0);
	virtio_rig_settle(r);
	add(r);
	cr_expect(q->source.look(&q->source, true));
}

/* Which the loop counts on when it has asked for kicks and waits a little before it tells. */
TRANSPORT_TEST(a_driver_that_has_seen_it_all_needs_no_interrupt)
{
	struct virtio_queue *q = patient(r, FEATURE(VIRTIO_RING_F_EVENT_IDX));
	unsigned i;

	for (i = 0; i < 3; i++) {
		add(r);
		q->source.ready(&q->source, 0);
		if (i == 1) {
			cr_expect_eq(take_all(r), 2);
			driver_ring_ask_at(&r->rings[0], r->rings[0].next_used);
		}
		q->source.tell(&q->source);
		cr_expect_eq(r->t->take_interrupts(r), i == 1 ? 0 : INTERRUPT_QUEUE);
	}
}

/* A driver with no buffers left waits, whatever it asked for. */
TRANSPORT_TEST(nobody_is_so_patient_as_to_miss_most_of_a_ring)
{
	unsigned i;

	patient(r, 0);
	for (i = 0; i < r->rings[0].size * 3u / 4 - 1; i++)
		add(r);
	r->t->kick(r, 0);
	virtio_rig_settle(r);
	cr_expect_eq(r->t->take_interrupts(r), 0);
	add(r);
	r->toy.device.queues[0].source.ready(&r->toy.device.queues[0].source, 0);
	cr_expect_eq(take_all(r), r->rings[0].size * 3u / 4);
	cr_expect_eq(r->t->take_interrupts(r), INTERRUPT_QUEUE);
	cr_expect_not(add(r), "the loop still looks itself");
}

TRANSPORT_TEST(what_is_owed_goes_with_the_ring)
{
	struct virtio_queue *q = patient(r, FEATURE(VIRTIO_F_RING_RESET));

	add(r);
	r->t->kick(r, 0);
	virtio_rig_settle(r);
	cr_expect_eq(take_all(r), 1);
	r->t->reset_queue(r, 0);
	cr_expect_not(q->source.look(&q->source, false));
	cr_expect_not(q->source.look(&q->source, true));
	q->source.tell(&q->source);
	virtio_rig_queue(r, 0, false);
	cr_expect_not(q->source.look(&q->source, true));
	q->source.tell(&q->source);
	cr_expect_eq(r->t->take_interrupts(r), 0, "of the new ring nothing was used");
}

/* A loop that sleeps at once has no use for it. */
TRANSPORT_TEST(without_a_loop_that_looks_all_are_told_at_once)
{
	patient(r, 0);
	r->rec.vm.loop.spins = false;
	add(r);
	r->t->kick(r, 0);
	virtio_rig_settle(r);
	cr_expect_eq(r->t->take_interrupts(r), INTERRUPT_QUEUE);
	cr_expect(add(r));
}
