/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * virtio: a vhost-user device between a driver and a back end: what is told in which order, and
 * what a bad back end can do.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vhost_user_rig.h"

TestSuite(vhost_user_device, .init = vhost_user_rig_setup, .fini = vhost_user_rig_teardown,
	  .timeout = 60);

/* ---- the good case -----------------------------------------------------------------------------
 */

Test(vhost_user_device, everything_in_its_order)
{
	const uint32_t ring[] = {8, 9, 10, 13, 12, 18, 0};
	const uint32_t whole[] = {1, 15, 16, 17, 36, 3, 21, 24, 2, 37, 37, 8, 9, 10, 13, 12, 18, 0};

	vhost_user_rig_begin("blk");
	vhost_user_rig_drive(1, BIT(32) | BIT(28));
	cr_expect(backend_ends_with(&rig.backend, ring));
	cr_expect(backend_ends_with(&rig.backend, whole));
	cr_expect_eq(backend_last(&rig.backend, 16).value, PROTOCOL);
	cr_expect_eq(backend_last(&rig.backend, 2).value, BIT(32) | BIT(28) | BIT(30));
	cr_expect_eq(backend_last(&rig.backend, 8).value, 16ULL << 32);
	cr_expect_eq(rig.backend.desc[0], (uintptr_t)rig.vm.memory.banks[0].host + 0x1000);
	cr_expect_eq(rig.backend.memory_address[0], (uintptr_t)rig.vm.memory.banks[0].host);
	cr_expect_eq(rig.backend.memory_size[1], RAM);
	cr_expect_eq(backend_last(&rig.backend, 12).n_fds, 1);
	vhost_user_rig_end();
	cr_expect_eq(backend_count(&rig.backend, 11), 1, "the ring was stopped");
	cr_expect_eq(backend_count(&rig.backend, 38), 2, "memory was taken back");
	backend_stop(&rig.backend);
}

Test(vhost_user_device, a_back_end_of_the_simplest_kind)
{
	const uint32_t whole[] = {1, 3, 2, 5, 8, 9, 10, 13, 12, 8, 9, 10, 13, 12, 0};

	rig.backend.features = BIT(32);
	vhost_user_rig_begin("net");
	vhost_user_rig_drive(2, BIT(32));
	backend_wait(&rig.backend, 12, 2);
	cr_expect(backend_ends_with(&rig.backend, whole), "no protocol features, no ENABLE");
	cr_expect_eq(backend_last(&rig.backend, 5).size, 8 + 2 * 32);
	cr_expect_eq(backend_last(&rig.backend, 5).n_fds, 2);
	vhost_user_rig_end();
	backend_stop(&rig.backend);
}

Test(vhost_user_device, a_queue_that_the_back_end_knows_nothing_of)
{
	vhost_user_rig_begin("vsock");
	cr_expect_eq(rig.device->n_queues, 3);
	vhost_user_rig_drive(3, BIT(32));
	cr_expect_eq(rig.device->status, 15);
	cr_expect_eq(backend_count(&rig.backend, 12), 2, "events are not its business");
	pthread_mutex_lock(&rig.device->lock);
	rig.device->ops->call_changed(rig.device, 2);
	virtio_reset_queue(&rig.device->queues[2]);
	pthread_mutex_unlock(&rig.device->lock);
	vhost_user_rig_end();
	cr_expect_eq(backend_count(&rig.backend, 11), 2);
	backend_stop(&rig.backend);
}

Test(vhost_user_device, kicks_and_interrupts_go_past_us)
{
	struct pollfd p = {.events = POLLIN};

	vhost_user_rig_begin("blk");
	vhost_user_rig_drive(1, BIT(32));
	event_kick(rig.device->queues[0].kick);
	p.fd = rig.backend.kick[0];
	cr_expect_eq(poll(&p, 1, -1), 1);
	event_kick(rig.backend.call[0]);
	while (!atomic_load(&rig.interrupts))
		poll(NULL, 0, 1);
	rig.latch = eventfd(0, EFD_NONBLOCK);
	pthread_mutex_lock(&rig.device->lock);
	rig.device->ops->call_changed(rig.device, 0);
	rig.device->ops->call_changed(rig.device, 0);
	pthread_mutex_unlock(&rig.device->lock);
	cr_expect_eq(backend_count(&rig.backend, 13), 2, "told of a new place, and once");
	event_kick(rig.backend.call[0]);
	p.fd = rig.latch;
	cr_expect_eq(poll(&p, 1, 0), 1, "the transport's own descriptor");
	vhost_user_rig_end();
	close(rig.latch);
	backend_stop(&rig.backend);
}

Test(vhost_user_device, a_ring_is_reset_by_itself)
{
	const uint32_t stop[] = {18, 11, 0};

	vhost_user_rig_begin("41,queues=2");
	vhost_user_rig_drive(2, BIT(32) | BIT(40));
	pthread_mutex_lock(&rig.device->lock);
	virtio_reset_queue(&rig.device->queues[1]);
	cr_expect(backend_ends_with(&rig.backend, stop));
	cr_expect_eq(backend_last(&rig.backend, 11).value & 0xff, 1);
	rig.device->queues[1].ring.size = 8;
	rig.device->queues[1].ring.desc = 0x8000;
	rig.device->queues[1].ring.driver = 0x8400;
	rig.device->queues[1].ring.device = 0x8800;
	virtio_enable_queue(&rig.device->queues[1]);
	pthread_mutex_unlock(&rig.device->lock);
	cr_expect_eq(backend_last(&rig.backend, 8).value, 8ULL << 32 | 1);
	cr_expect_eq(rig.backend.desc[1], (uintptr_t)rig.vm.memory.banks[0].host + 0x8000);
	vhost_user_rig_end();
	cr_expect_eq(backend_count(&rig.backend, 11), 3);
	backend_stop(&rig.backend);
}

Test(vhost_user_device, configuration_is_read_written_and_changes)
{
	rig.backend.config[0] = 7;
	vhost_user_rig_begin("blk");
	vhost_user_rig_drive(1, BIT(32));
	cr_expect_eq(virtio_config_read(rig.device, 0, 1), 7);
	pthread_mutex_lock(&rig.device->lock);
	virtio_config_write(rig.device, 32, 1, 1);
	cr_expect_eq(virtio_config_read(rig.device, 32, 1), 1, "what the back end has made of it");
	pthread_mutex_unlock(&rig.device->lock);
	cr_expect_eq(rig.backend.config[32], 1);
	atomic_store(&rig.config_interrupts, 0);
	rig.backend.config[0] = 8;
	cr_expect_eq(backend_asks(&rig.backend, 2, true), 0);
	while (!atomic_load(&rig.config_interrupts))
		poll(NULL, 0, 1);
	pthread_mutex_lock(&rig.device->lock);
	cr_expect_eq(virtio_config_read(rig.device, 0, 1), 8);
	pthread_mutex_unlock(&rig.device->lock);
	cr_expect_neq(backend_asks(&rig.backend, 99, true), 0, "a request that there is not");
	vhost_user_rig_end();
	backend_stop(&rig.backend);
}

/* A change that is none costs the guest nothing, however often it is announced; and a real one
 * comes through. */
Test(vhost_user_device, a_storm_of_changes)
{
	unsigned i;

	vhost_user_rig_begin("blk");
	vhost_user_rig_drive(1, BIT(32));
	for (i = 0; i < 100; i++)
		backend_asks(&rig.backend, 2, false);
	cr_expect_eq(backend_asks(&rig.backend, 2, true), 0);
	cr_expect_eq(atomic_load(&rig.config_interrupts), 0);
	rig.backend.config[0] = 8;
	cr_expect_eq(backend_asks(&rig.backend, 2, true), 0);
	while (!atomic_load(&rig.config_interrupts))
		poll(NULL, 0, 1);
	cr_expect_eq(vhost_user_rig_losses(), 0);
	vhost_user_rig_end();
	backend_stop(&rig.backend);
}

/* Then its channel is no more, and nothing else. */
static void expect_closed(uint32_t flags, uint32_t size)
{
	const uint32_t header[] = {2, flags, size};
	char byte;

	vhost_user_rig_begin("blk");
	vhost_user_rig_drive(1, BIT(32));
	cr_assert_eq(write(rig.backend.channel, header, sizeof(header)), sizeof(header));
	cr_expect_leq(read(rig.backend.channel, &byte, 1), 0);
	cr_expect(vhost_user_rig_connected());
	vhost_user_rig_end();
	backend_stop(&rig.backend);
}

Test(vhost_user_device, a_request_that_is_too_long)
{
	expect_closed(1, UINT32_MAX);
}

Test(vhost_user_device, a_reply_to_nothing)
{
	expect_closed(5, 0);
}

Test(vhost_user_device, a_request_of_another_version)
{
	expect_closed(2, 0);
}

/* ---- nobody, or the wrong one -------------------------------------------------------------------
 */

Test(vhost_user_device, a_socket_with_nobody_behind_it)
{
	cr_expect_eq(vhost_user_rig_create("blk"), -ENOENT);
	cr_expect(strstr(rig.err.text, "nobody listens at") &&
			  strstr(rig.err.text, rig.backend.path),
		  "%s", rig.err.text);
	cr_expect_null(rig.device);
	backend_start(&rig.backend);
	shutdown(rig.backend.listener, SHUT_RDWR);
	cr_expect_eq(vhost_user_rig_create("blk"), -ECONNREFUSED);
	backend_stop(&rig.backend);
}

static void expect_refused(uint32_t request, enum backend_manner manner, const char *why)
{
	unsigned before;

	rig.backend.bad_request = request;
	rig.backend.manner = manner;
	backend_start(&rig.backend);
	before = open_fds();
	cr_expect_lt(vhost_user_rig_create("blk"), 0, "request %u, manner %d", request, manner);
	cr_expect(strstr(rig.err.text, why), "request %u, manner %d: %s", request, manner,
		  rig.err.text);
	cr_expect(strstr(rig.err.text, rig.backend.path));
	if (rig.device)
		rig.device->ops->destroy(rig.device);
	virtio_forget(&rig.all);
	/* The back end has one less when it has seen that the connection is closed. */
	backend_stop(&rig.backend);
	cr_expect_leq(open_fds(), before);
}

Test(vhost_user_device, bad_replies_are_refused_and_nothing_is_left)
{
	expect_refused(1, CLOSES, "GET_FEATURES: it has closed the connection");
	expect_refused(1, CLOSES_WITHIN, "GET_FEATURES: it has closed the connection");
	expect_refused(24, CLOSES_WITHIN, "GET_CONFIG: it has closed the connection");
	expect_refused(1, OTHER_REQUEST, "answers what was not asked");
	expect_refused(1, OTHER_VERSION, "version");
	expect_refused(15, NO_REPLY_FLAG, "no reply");
	expect_refused(17, TOO_LONG, "GET_QUEUE_NUM: its reply has a wrong size");
	expect_refused(36, TOO_SHORT, "wrong size");
	expect_refused(1, WITH_FILES, "descriptors");
	expect_refused(3, REFUSES, "SET_OWNER: the back end refuses it");
	expect_refused(21, REFUSES, "SET_BACKEND_REQ_FD");
	expect_refused(24, OTHER_PART, "another part");
	expect_refused(24, WITH_FILES, "descriptors");
}

Test(vhost_user_device, silence_has_an_end)
{
	uint64_t begun = now_ns();

	expect_refused(15, SAYS_NOTHING, "GET_PROTOCOL_FEATURES: no answer");
	cr_expect_lt(now_ns() - begun, 8 * NS_PER_S);
}

Test(vhost_user_device, too_many_pieces_of_memory)
{
	rig.backend.slots = 1;
	vhost_user_rig_begin("blk");
	vhost_user_rig_drive(1, BIT(32));
	cr_expect(rig.device->status & 0x40, "the device needs a reset");
	cr_expect_eq(backend_count(&rig.backend, 12), 0);
	vhost_user_rig_end();
	backend_stop(&rig.backend);
}

Test(vhost_user_device, a_refused_ring_is_a_reset_for_the_driver)
{
	rig.backend.bad_request = 9;
	rig.backend.manner = REFUSES;
	vhost_user_rig_begin("blk");
	vhost_user_rig_drive(1, BIT(32));
	cr_expect(rig.device->status & 0x40);
	rig.backend.bad_request = 0;
	vhost_user_rig_status(0);
	vhost_user_rig_drive(1, BIT(32));
	cr_expect_eq(rig.device->status, 15, "and after the reset it works");
	vhost_user_rig_end();
	backend_stop(&rig.backend);
}

/* O_NONBLOCK belongs to the open file, which both have: without it a count that is gone is no wait.
 */
Test(vhost_user_device, eventfds_that_the_back_end_makes_block)
{
	struct vhost_user_ring *ring;
	uint64_t count;

	vhost_user_rig_begin("blk");
	vhost_user_rig_drive(1, BIT(32));
	ring = container_of(rig.device, struct vhost_user, device)->rings;
	cr_assert_eq(read(rig.backend.kick[0], &count, sizeof(count)), sizeof(count));
	cr_assert_eq(fcntl(rig.backend.kick[0], F_SETFL, 0), 0);
	cr_assert_eq(fcntl(rig.backend.call[0], F_SETFL, 0), 0);
	ring->call.ready(&ring->call, POLLIN);
	vhost_user_rig_status(0);
	vhost_user_rig_drive(1, BIT(32));
	cr_expect_eq(rig.device->status, 15);
	cr_expect_eq(atomic_load(&rig.interrupts), 0);
	vhost_user_rig_end();
	backend_stop(&rig.backend);
}
