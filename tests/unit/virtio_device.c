/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* virtio: status, features, queues and configuration of any device (2.1 to 2.6, 3.1). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "virtio_rig.h"

#define NEEDS_RESET VIRTIO_CONFIG_S_NEEDS_RESET
#define DRIVER_OK   VIRTIO_CONFIG_S_DRIVER_OK

/* ---- status and features ----------------------------------------------------------------------
 */

TRANSPORT_TEST(a_driver_comes_up_step_by_step)
{
	cr_assert_eq(r->t->status(r), 0);
	cr_assert(virtio_rig_negotiate(r, FEATURE(TOY_F_BASE)));
	cr_assert_eq(r->t->status(r), STATUS_READY);
	virtio_rig_queue(r, 0, false);
	cr_assert(r->t->enabled(r, 0));
	cr_assert_not(r->t->enabled(r, 1));
	cr_assert_eq(r->toy.starts, 0);
	r->t->set_status(r, STATUS_READY | DRIVER_OK);
	cr_assert_eq(r->t->status(r), STATUS_READY | DRIVER_OK);
	cr_assert_eq(r->toy.starts, 1);
	cr_assert_eq(r->toy.device.features, FEATURE(TOY_F_BASE) | FEATURE(VIRTIO_F_VERSION_1));
	cr_expect(virtio_rig_echo(r, 0));
	cr_expect_eq(r->t->take_interrupts(r), INTERRUPT_QUEUE);
	r->t->set_status(r, STATUS_READY | DRIVER_OK);
	cr_expect_eq(r->toy.starts, 1, "once is enough");
}

TRANSPORT_TEST(what_is_offered)
{
	uint64_t features = r->t->offered(r, 0) | (uint64_t)r->t->offered(r, 1) << 32;

	cr_expect_eq(features, FEATURE(TOY_F_BASE) | FEATURE(TOY_F_EXTRA) |
				       FEATURE(VIRTIO_F_VERSION_1) | FEATURE(VIRTIO_F_RING_PACKED) |
				       FEATURE(VIRTIO_F_RING_RESET) |
				       FEATURE(VIRTIO_RING_F_INDIRECT_DESC) |
				       FEATURE(VIRTIO_RING_F_EVENT_IDX));
	cr_expect_eq(r->t->offered(r, 2), 0);
	cr_expect_eq(r->t->offered(r, UINT32_MAX), 0);
}

/* FEATURES_OK does not stay, and DRIVER_OK not without it (2.2.2, 3.1.1 step 6). */
static void expect_refused(struct virtio_rig *r)
{
	cr_expect_not(r->t->status(r) & VIRTIO_CONFIG_S_FEATURES_OK);
	r->t->set_status(r, STATUS_READY | DRIVER_OK);
	cr_expect_not(r->t->status(r) & (VIRTIO_CONFIG_S_FEATURES_OK | DRIVER_OK));
	cr_expect_eq(r->toy.starts, 0);
}

/* 6.1 */
TRANSPORT_TEST(a_driver_of_the_legacy_kind_is_refused)
{
	r->t->set_status(r, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER);
	r->t->accept(r, 0, 1);
	r->t->set_status(r, STATUS_READY);
	expect_refused(r);
}

TRANSPORT_TEST(a_driver_that_does_not_settle_features_is_refused)
{
	r->t->set_status(r, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | DRIVER_OK);
	expect_refused(r);
}

TRANSPORT_TEST(features_that_were_not_offered_are_refused)
{
	cr_expect_not(virtio_rig_negotiate(r, FEATURE(7)));
	expect_refused(r);
	cr_expect_not(virtio_rig_negotiate(r, FEATURE(63)));
	expect_refused(r);
	cr_expect(virtio_rig_negotiate(r, 0), "and another try may do");
}

TRANSPORT_TEST(features_that_do_not_go_together_are_refused)
{
	cr_expect_not(virtio_rig_negotiate(r, FEATURE(TOY_F_EXTRA)));
	expect_refused(r);
	cr_expect(virtio_rig_negotiate(r, FEATURE(TOY_F_EXTRA) | FEATURE(TOY_F_BASE)));
}

TRANSPORT_TEST(features_are_settled_with_features_ok)
{
	cr_assert(virtio_rig_negotiate(r, 0));
	r->t->accept(r, 0, FEATURE(TOY_F_BASE));
	r->t->accept(r, 1, 0);
	cr_expect_eq(r->toy.device.features, FEATURE(VIRTIO_F_VERSION_1));
}

TRANSPORT_TEST(features_beyond_the_words_are_none)
{
	r->t->accept(r, 2, UINT32_MAX);
	r->t->accept(r, UINT32_MAX, UINT32_MAX);
	cr_expect_eq(r->toy.device.features, 0);
}

/* 2.1.1: bits are added, and go only all together. */
TRANSPORT_TEST(single_status_bits_do_not_go)
{
	cr_assert(virtio_rig_negotiate(r, 0));
	r->t->set_status(r, DRIVER_OK);
	cr_expect_eq(r->t->status(r), STATUS_READY, "nor does what comes in their place");
	virtio_rig_start(r, 0);
	r->t->set_status(r, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	cr_expect_eq(r->t->status(r), STATUS_READY | DRIVER_OK);
	r->t->set_status(r, STATUS_READY | DRIVER_OK | VIRTIO_CONFIG_S_FAILED);
	cr_expect_eq(r->t->status(r), STATUS_READY | DRIVER_OK | VIRTIO_CONFIG_S_FAILED);
	r->t->set_status(r, 0);
	cr_expect_eq(r->t->status(r), 0);
}

TRANSPORT_TEST(a_driver_cannot_say_that_it_needs_a_reset)
{
	virtio_rig_start(r, 0);
	r->t->set_status(r, STATUS_READY | DRIVER_OK | NEEDS_RESET | 0x10);
	cr_expect_eq(r->t->status(r), STATUS_READY | DRIVER_OK);
	cr_expect(virtio_rig_echo(r, 0));
}

TRANSPORT_TEST(a_device_that_cannot_start_says_so)
{
	r->toy.start_result = -EIO;
	virtio_rig_start(r, 0);
	cr_expect_eq(r->t->status(r), STATUS_READY | DRIVER_OK | NEEDS_RESET);
	cr_expect_eq(r->t->take_interrupts(r), INTERRUPT_CONFIG);
	cr_expect_eq(r->toy.stops, 1);
	cr_expect_not(virtio_rig_echo(r, 0));
}

/* ---- queues -----------------------------------------------------------------------------------
 */

TRANSPORT_TEST(queues_are_set_up_once_features_are_settled)
{
	r->t->set_status(r, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER);
	virtio_rig_queue(r, 0, false);
	cr_expect_not(r->t->enabled(r, 0));
}

TRANSPORT_TEST(a_queue_that_is_not_there)
{
	struct driver_ring ring = r->rings[0];

	cr_expect_eq(r->t->queue_size(r, RIG_QUEUES - 1), RIG_QUEUE_MAX);
	cr_expect_eq(r->t->queue_size(r, RIG_QUEUES), 0);
	cr_expect_eq(r->t->queue_size(r, 0xffff), 0);
	virtio_rig_start(r, FEATURE(VIRTIO_F_RING_RESET));
	r->t->set_queue(r, RIG_QUEUES, &ring);
	r->t->enable(r, RIG_QUEUES);
	r->t->reset_queue(r, 0xffff);
	cr_expect_not(r->t->enabled(r, RIG_QUEUES));
	cr_expect(virtio_rig_echo(r, 0));
}

TRANSPORT_TEST(an_enabled_queue_stays_where_it_is)
{
	struct driver_ring elsewhere;

	cr_assert(virtio_rig_negotiate(r, 0));
	virtio_rig_queue(r, 0, false);
	elsewhere = r->rings[0];
	elsewhere.size = 4;
	elsewhere.desc = elsewhere.driver = elsewhere.device = 0;
	r->t->set_queue(r, 0, &elsewhere);
	r->t->set_status(r, STATUS_READY | DRIVER_OK);
	cr_expect(virtio_rig_echo(r, 0));
}

/* 2.7.13.4.1, 3.1.1 step 8: nothing is served before DRIVER_OK; then it is, without a kick. */
TRANSPORT_TEST(buffers_wait_for_driver_ok)
{
	struct driver_buffer b = {RIG_BUFFERS, 4, VRING_DESC_F_WRITE};
	struct driver_used used;

	cr_assert(virtio_rig_negotiate(r, 0));
	virtio_rig_queue(r, 0, false);
	driver_ring_add(&r->rings[0], &b, 1);
	r->t->kick(r, 0);
	virtio_rig_settle(r);
	cr_expect_not(driver_ring_take(&r->rings[0], &used));
	r->t->set_status(r, STATUS_READY | DRIVER_OK);
	virtio_rig_settle(r);
	cr_expect(driver_ring_take(&r->rings[0], &used));
}

TRANSPORT_TEST(a_queue_that_is_not_enabled_is_not_served)
{
	cr_assert(virtio_rig_negotiate(r, 0));
	virtio_rig_queue(r, 0, false);
	r->t->set_status(r, STATUS_READY | DRIVER_OK);
	r->t->kick(r, 1);
	virtio_rig_settle(r);
	cr_expect_eq(r->toy.served, 0);
	cr_expect(virtio_rig_echo(r, 0));
}

/* A ring that can't be started: the device needs a reset, and serves nothing. */
static void expect_no_ring(struct virtio_rig *r, uint64_t *part, uint64_t bad)
{
	cr_assert(virtio_rig_negotiate(r, 0));
	virtio_rig_queue(r, 0, false);
	r->t->set_status(r, 0);
	cr_assert(virtio_rig_negotiate(r, 0));
	*part = bad;
	r->t->set_queue(r, 0, &r->rings[0]);
	r->t->enable(r, 0);
	r->t->set_status(r, STATUS_READY | DRIVER_OK);
	cr_expect_eq(r->t->status(r), STATUS_READY | DRIVER_OK | NEEDS_RESET);
	cr_expect_eq(r->t->take_interrupts(r), INTERRUPT_CONFIG);
	cr_expect_eq(r->toy.starts, 0);
	r->t->kick(r, 0);
	virtio_rig_settle(r);
	cr_expect_eq(r->toy.served, 0);
}

TRANSPORT_TEST(a_ring_outside_memory_needs_a_reset)
{
	expect_no_ring(r, &r->rings[0].desc, RIG_RAM + RIG_RAM_SIZE - 64);
	expect_no_ring(r, &r->rings[0].driver, 0);
	expect_no_ring(r, &r->rings[0].device, UINT64_MAX - 3);
	expect_no_ring(r, &r->rings[0].desc, RIG_RAM + 8);
	virtio_rig_start(r, 0);
	cr_expect(virtio_rig_echo(r, 0), "and with a good one it goes on");
}

TRANSPORT_TEST(a_size_that_no_ring_has_needs_a_reset)
{
	static const uint16_t sizes[] = {0, 3, 12};
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		cr_assert(virtio_rig_negotiate(r, 0));
		virtio_rig_queue(r, 0, false);
		r->t->set_status(r, 0);
		cr_assert(virtio_rig_negotiate(r, 0));
		r->rings[0].size = sizes[i];
		r->t->set_queue(r, 0, &r->rings[0]);
		r->t->enable(r, 0);
		r->t->set_status(r, STATUS_READY | DRIVER_OK);
		cr_expect(r->t->status(r) & NEEDS_RESET, "size %u", sizes[i]);
	}
}

TRANSPORT_TEST(every_kind_of_ring_works)
{
	static const uint64_t kinds[] = {
		0, FEATURE(VIRTIO_F_RING_PACKED), FEATURE(VIRTIO_RING_F_EVENT_IDX),
		FEATURE(VIRTIO_F_RING_PACKED) | FEATURE(VIRTIO_RING_F_EVENT_IDX)};
	unsigned i, n;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		virtio_rig_start(r, kinds[i]);
		for (n = 0; n < 20; n++) {
			r->rings[1].event_idx = kinds[i] & FEATURE(VIRTIO_RING_F_EVENT_IDX);
			if (r->rings[1].event_idx)
				driver_ring_ask_at(&r->rings[1], r->rings[1].next_used);
			cr_assert(virtio_rig_echo(r, 1), "kind %u, %u", i, n);
			cr_assert_eq(r->t->take_interrupts(r), INTERRUPT_QUEUE, "kind %u, %u", i,
				     n);
		}
	}
}

TRANSPORT_TEST(what_is_served_in_one_go_is_told_of_at_once)
{
	static const uint64_t kinds[] = {0, FEATURE(VIRTIO_F_RING_PACKED)};
	struct driver_buffer b = {RIG_BUFFERS, 4, VRING_DESC_F_WRITE};
	struct virtio_queue *q = &r->toy.device.queues[0];
	uint64_t before;
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		virtio_rig_start(r, kinds[i] | FEATURE(VIRTIO_RING_F_EVENT_IDX));
		r->rings[0].event_idx = true;
		/* The first interrupt after a start comes whatever the driver asks for. */
		cr_assert(virtio_rig_echo(r, 0));
		before = q->interrupts;
		driver_ring_ask_at(&r->rings[0], r->rings[0].next_used);
		driver_ring_add(&r->rings[0], &b, 1);
		driver_ring_add(&r->rings[0], &b, 1);
		r->t->kick(r, 0);
		virtio_rig_settle(r);
		cr_expect_eq(r->toy.told, before, "kind %u: the second is served first", i);
		cr_expect_eq(q->interrupts, before + 1, "kind %u", i);
	}
}

TRANSPORT_TEST(no_interrupt_that_the_driver_does_not_want)
{
	virtio_rig_start(r, 0);
	driver_ring_ask(&r->rings[0], false);
	cr_expect(virtio_rig_echo(r, 0));
	cr_expect_eq(r->t->take_interrupts(r), 0);
}

/* ---- broken rings -----------------------------------------------------------------------------
 */

TRANSPORT_TEST(a_broken_ring_stops_the_device_until_its_reset)
{
	virtio_rig_start(r, 0);
	cr_assert(virtio_rig_echo(r, 0));
	r->t->take_interrupts(r);
	virtio_rig_break(r, 0);
	cr_expect_eq(r->t->status(r), STATUS_READY | DRIVER_OK | NEEDS_RESET);
	cr_expect_eq(r->t->take_interrupts(r), INTERRUPT_CONFIG);
	cr_expect_not(virtio_rig_echo(r, 1), "2.1.2: all of it stands still");
	r->t->kick(r, 0);
	virtio_rig_settle(r);
	virtio_break(&r->toy.device, "again");
	cr_expect_eq(r->t->take_interrupts(r), 0, "said once");
	r->t->set_status(r, STATUS_READY | DRIVER_OK | NEEDS_RESET);
	cr_expect(r->t->status(r) & NEEDS_RESET, "only a reset ends it");
	virtio_rig_start(r, 0);
	cr_expect(virtio_rig_echo(r, 0));
	cr_expect(virtio_rig_echo(r, 1));
}

/* ---- resets -----------------------------------------------------------------------------------
 */

TRANSPORT_TEST(a_reset_in_the_middle_forgets_what_was_there)
{
	struct driver_buffer b = {RIG_BUFFERS, 4, VRING_DESC_F_WRITE};

	virtio_rig_start(r, FEATURE(TOY_F_BASE));
	driver_ring_add(&r->rings[0], &b, 1);
	r->t->kick(r, 0);
	r->t->set_status(r, 0);
	virtio_rig_settle(r);
	cr_expect_eq(r->toy.served, 0, "the kick was for a ring that is gone");
	cr_expect_eq(r->toy.stops, 1);
	cr_expect_eq(r->toy.device.features, 0);
	cr_expect_not(r->t->enabled(r, 0));
	cr_expect_eq(r->t->queue_size(r, 0), RIG_QUEUE_MAX);
	cr_expect_eq(r->t->take_interrupts(r), 0);
	r->t->set_status(r, 0);
	cr_expect_eq(r->toy.stops, 1, "stopped already");
}

TRANSPORT_TEST(a_reset_takes_back_what_the_interrupt_said)
{
	virtio_rig_start(r, 0);
	cr_assert(virtio_rig_echo(r, 0));
	r->t->set_status(r, 0);
	cr_expect_eq(r->t->take_interrupts(r), 0);
}

/* 2.6.1: the other queue goes on, and the one that was reset may come back elsewhere. */
TRANSPORT_TEST(one_queue_is_reset_by_itself)
{
	struct driver_used used;

	virtio_rig_start(r, FEATURE(VIRTIO_F_RING_RESET));
	driver_ring_add(&r->rings[0], &(struct driver_buffer){RIG_BUFFERS, 4, 0}, 1);
	r->t->kick(r, 0);
	r->t->reset_queue(r, 0);
	virtio_rig_settle(r);
	cr_expect_not(driver_ring_take(&r->rings[0], &used));
	cr_expect_not(r->t->enabled(r, 0));
	cr_expect_eq(r->t->queue_size(r, 0), RIG_QUEUE_MAX);
	cr_expect_eq(r->toy.queue_stops, 1);
	r->t->reset_queue(r, 0);
	cr_expect_eq(r->toy.queue_stops, 1, "reset already");
	cr_expect(virtio_rig_echo(r, 1));
	virtio_rig_queue(r, 0, false);
	cr_expect(r->t->enabled(r, 0));
	cr_expect_eq(r->toy.queue_starts, 1);
	cr_expect(virtio_rig_echo(r, 0));
	cr_expect_eq(r->toy.starts, 1, "the device ran all the while");
}

TRANSPORT_TEST(without_the_feature_no_queue_is_reset_or_late)
{
	cr_assert(virtio_rig_negotiate(r, 0));
	virtio_rig_queue(r, 0, false);
	r->t->set_status(r, STATUS_READY | DRIVER_OK);
	r->t->reset_queue(r, 0);
	cr_expect(r->t->enabled(r, 0));
	cr_expect(virtio_rig_echo(r, 0));
	virtio_rig_queue(r, 1, false);
	cr_expect_not(r->t->enabled(r, 1), "3.1.1: before DRIVER_OK");
}

TRANSPORT_TEST(a_queue_that_cannot_come_back_is_not_stopped_again)
{
	virtio_rig_start(r, FEATURE(VIRTIO_F_RING_RESET));
	r->t->reset_queue(r, 0);
	r->toy.queue_start_result = -EIO;
	virtio_rig_queue(r, 0, false);
	cr_expect_not(r->t->enabled(r, 0));
	cr_expect(r->t->status(r) & NEEDS_RESET);
	r->t->reset_queue(r, 0);
	cr_expect_eq(r->toy.queue_stops, 1);
}

TRANSPORT_TEST(a_queue_that_comes_back_outside_memory_needs_a_reset)
{
	virtio_rig_start(r, FEATURE(VIRTIO_F_RING_RESET));
	r->t->reset_queue(r, 0);
	r->rings[0].desc = 0;
	r->t->set_queue(r, 0, &r->rings[0]);
	r->t->enable(r, 0);
	cr_expect(r->t->status(r) & NEEDS_RESET);
	cr_expect_eq(r->t->take_interrupts(r), INTERRUPT_CONFIG);
	r->t->reset_queue(r, 0);
	cr_expect_eq(r->toy.queue_starts, 0);
	cr_expect_eq(r->toy.queue_stops, 1);
}

/* ---- configuration ----------------------------------------------------------------------------
 */

TRANSPORT_TEST(configuration_has_bytes_and_an_end)
{
	cr_expect_eq(r->t->config(r, 0, 4), 0x04030201);
	cr_expect_eq(r->t->config(r, 2, 2), 0x0403);
	cr_expect_eq(r->t->config(r, 6, 1), 7);
	cr_expect_eq(r->t->config(r, 4, 4), 0x00070605, "what is beyond is 0");
	cr_expect_eq(r->t->config(r, 8, 4), 0);
	cr_expect_eq(r->t->config(r, 0x80, 1), 0);
	r->t->set_config(r, 4, 2, 0xbbaa);
	cr_expect_arr_eq(r->toy.written, "\xaa\xbb\0", 3);
	r->t->set_config(r, 4, 4, 0x44332211);
	r->t->set_config(r, 0x80, 1, 0x44);
	cr_expect_arr_eq(r->toy.written, "\xaa\xbb\0", 3, "beyond the end nothing is written");
}

/* 2.5.1; and nobody is told of changes before DRIVER_OK. */
TRANSPORT_TEST(a_change_of_configuration_is_a_new_generation)
{
	struct virtio_device *d = &r->toy.device;
	uint32_t before = r->t->generation(r);

	cr_expect_eq(r->t->generation(r), before);
	virtio_config_changed(d);
	cr_expect_neq(r->t->generation(r), before);
	cr_expect_eq(r->t->take_interrupts(r), 0);
	virtio_rig_start(r, 0);
	before = r->t->generation(r);
	virtio_config_changed(d);
	cr_expect_neq(r->t->generation(r), before);
	cr_expect_eq(r->t->take_interrupts(r), INTERRUPT_CONFIG);
}
