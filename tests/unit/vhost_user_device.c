/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * virtio: a vhost-user device between a driver and a back end (vhost_user_backend.h): what is told
 * in which order, what a bad back end can do, and what happens when it goes and comes again.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../virtio/devices.h"
#include "../../virtio/vhost_user_device.h"
#include "folder.h"
#include "recorder.h"
#include "vhost_user_backend.h"

#define BIT(n)	  (1ULL << (n))
#define FEATURES  (BIT(32) | BIT(30) | BIT(28) | BIT(9))
#define REPLY_ACK BIT(3)
/* MQ, REPLY_ACK, BACKEND_REQ, CONFIG, memory by slots; INFLIGHT_SHMFD is for those who want it. */
#define PROTOCOL (BIT(0) | REPLY_ACK | BIT(5) | BIT(9) | BIT(15))
#define INFLIGHT BIT(12)
#define RAM	 MIB

static char folder[FOLDER_PATH];
static struct vm vm;
static struct virtio all;
static struct virtio_options options;
static struct backend backend;
static struct virtio_device *device;
static struct error err;
static pthread_t looper;
static int latch; /* what the transport says for a ring's interrupts; -1: nothing */
static _Atomic unsigned interrupts, config_interrupts;
static unsigned fds_before;

static void count_interrupt(struct virtio_device *d, unsigned q)
{
	(void)d, (void)q;
	atomic_fetch_add(&interrupts, 1);
}

static void count_config(struct virtio_device *d)
{
	(void)d;
	atomic_fetch_add(&config_interrupts, 1);
}

static int say_latch(struct virtio_device *d, unsigned q)
{
	(void)d, (void)q;
	return latch;
}

static const struct virtio_transport_ops transport = {
	.interrupt = count_interrupt, .config_interrupt = count_config, .call_fd = say_latch};

static void *run_loop(void *opaque)
{
	(void)opaque;
	loop_run(&vm.loop);
	return NULL;
}

static void setup(void)
{
	const struct range ranges[] = {{0, RAM}, {4 * RAM, RAM}};
	struct guest_memory_options shared = {.shared = true};

	fds_before = open_fds();
	folder_make(folder);
	cr_assert_eq(loop_init(&vm.loop, &err), 0);
	cr_assert_eq(guest_memory_create(&vm.memory, ranges, 2, &shared, &err), 0);
	backend = (struct backend){
		.features = FEATURES, .protocol = PROTOCOL, .queues = 4, .slots = 8};
	snprintf(backend.path, sizeof(backend.path), "%s/s", folder);
	latch = -1;
	all = (struct virtio){.vm = &vm, .options = &options};
}

static int create(const char *type)
{
	char text[160];

	snprintf(text, sizeof(text), "%s,socket=%s", type, backend.path);
	device = NULL;
	options.n_vhost_user = 1;
	cr_assert_eq(virtio_parse_vhost_user(text, &options.vhost_user[0], &err), 0, "%s",
		     err.text);
	return virtio_vhost_user_create(&all, &options.vhost_user[0], &device, &err);
}

/* With a back end and a loop that runs. */
static void begin(const char *type)
{
	int ret;

	backend_start(&backend);
	ret = create(type);
	cr_assert_eq(ret, 0, "%s", err.text);
	device->transport = &transport;
	cr_assert_eq(pthread_create(&looper, NULL, run_loop, NULL), 0);
}

static void set_status(uint8_t status)
{
	pthread_mutex_lock(&device->lock);
	virtio_set_status(device, status);
	pthread_mutex_unlock(&device->lock);
}

/* A driver that sets up so many queues, one page each. */
static void drive(unsigned queues, uint64_t features)
{
	unsigned i;

	set_status(3);
	virtio_accept(device, 0, (uint32_t)features);
	virtio_accept(device, 1, (uint32_t)(features >> 32));
	set_status(11);
	cr_assert_eq(device->status, 11);
	for (i = 0; i < queues; i++) {
		struct virtio_queue *q = virtio_queue(device, i);

		q->ring.size = 16;
		q->ring.desc = 0x1000 * (i + 1);
		q->ring.driver = q->ring.desc + 0x400;
		q->ring.device = q->ring.desc + 0x800;
		virtio_enable_queue(q);
	}
	set_status(15);
}

static void end(void)
{
	loop_stop(&vm.loop);
	pthread_join(looper, NULL);
	set_status(0);
	device->ops->destroy(device);
	virtio_forget(&all);
}

static void teardown(void)
{
	guest_memory_destroy(&vm.memory);
	loop_destroy(&vm.loop);
	folder_remove(folder);
	cr_expect_eq(open_fds(), fds_before, "descriptors were left open");
}

TestSuite(vhost_user_device, .init = setup, .fini = teardown, .timeout = 60);

static unsigned losses(void)
{
	return (unsigned)atomic_load(&container_of(device, struct vhost_user, device)->losses);
}

/* Both are told of by the loop's thread, in its own time. */
static void wait_until(bool (*is)(void))
{
	while (!is())
		poll(NULL, 0, 1);
}

static bool is_connected(void)
{
	return atomic_load(&container_of(device, struct vhost_user, device)->connected);
}

static bool is_lost(void)
{
	return !is_connected();
}

/* ---- the good case -----------------------------------------------------------------------------
 */

Test(vhost_user_device, everything_in_its_order)
{
	const uint32_t ring[] = {8, 9, 10, 13, 12, 18, 0};
	const uint32_t whole[] = {1, 15, 16, 17, 36, 3, 21, 24, 2, 37, 37, 8, 9, 10, 13, 12, 18, 0};

	begin("blk");
	drive(1, BIT(32) | BIT(28));
	cr_expect(backend_ends_with(&backend, ring));
	cr_expect(backend_ends_with(&backend, whole));
	cr_expect_eq(backend_last(&backend, 16).value, PROTOCOL);
	cr_expect_eq(backend_last(&backend, 2).value, BIT(32) | BIT(28) | BIT(30));
	cr_expect_eq(backend_last(&backend, 8).value, 16ULL << 32);
	cr_expect_eq(backend.desc[0], (uintptr_t)vm.memory.banks[0].host + 0x1000);
	cr_expect_eq(backend.memory_address[0], (uintptr_t)vm.memory.banks[0].host);
	cr_expect_eq(backend.memory_size[1], RAM);
	cr_expect_eq(backend_last(&backend, 12).n_fds, 1);
	end();
	cr_expect_eq(backend_count(&backend, 11), 1, "the ring was stopped");
	cr_expect_eq(backend_count(&backend, 38), 2, "memory was taken back");
	backend_stop(&backend);
}

Test(vhost_user_device, a_back_end_of_the_simplest_kind)
{
	const uint32_t whole[] = {1, 3, 2, 5, 8, 9, 10, 13, 12, 8, 9, 10, 13, 12, 0};

	backend.features = BIT(32);
	begin("net");
	drive(2, BIT(32));
	backend_wait(&backend, 12, 2);
	cr_expect(backend_ends_with(&backend, whole), "no protocol features, no ENABLE");
	cr_expect_eq(backend_last(&backend, 5).size, 8 + 2 * 32);
	cr_expect_eq(backend_last(&backend, 5).n_fds, 2);
	end();
	backend_stop(&backend);
}

Test(vhost_user_device, a_queue_that_the_back_end_knows_nothing_of)
{
	begin("vsock");
	cr_expect_eq(device->n_queues, 3);
	drive(3, BIT(32));
	cr_expect_eq(device->status, 15);
	cr_expect_eq(backend_count(&backend, 12), 2, "events are not its business");
	pthread_mutex_lock(&device->lock);
	device->ops->call_changed(device, 2);
	virtio_reset_queue(&device->queues[2]);
	pthread_mutex_unlock(&device->lock);
	end();
	cr_expect_eq(backend_count(&backend, 11), 2);
	backend_stop(&backend);
}

Test(vhost_user_device, kicks_and_interrupts_go_past_us)
{
	struct pollfd p = {.events = POLLIN};

	begin("blk");
	drive(1, BIT(32));
	event_kick(device->queues[0].kick);
	p.fd = backend.kick[0];
	cr_expect_eq(poll(&p, 1, -1), 1);
	event_kick(backend.call[0]);
	while (!atomic_load(&interrupts))
		poll(NULL, 0, 1);
	latch = eventfd(0, EFD_NONBLOCK);
	pthread_mutex_lock(&device->lock);
	device->ops->call_changed(device, 0);
	device->ops->call_changed(device, 0);
	pthread_mutex_unlock(&device->lock);
	cr_expect_eq(backend_count(&backend, 13), 2, "told of a new place, and once");
	event_kick(backend.call[0]);
	p.fd = latch;
	cr_expect_eq(poll(&p, 1, 0), 1, "the transport's own descriptor");
	end();
	close(latch);
	backend_stop(&backend);
}

Test(vhost_user_device, a_ring_is_reset_by_itself)
{
	const uint32_t stop[] = {18, 11, 0};

	begin("41,queues=2");
	drive(2, BIT(32) | BIT(40));
	pthread_mutex_lock(&device->lock);
	virtio_reset_queue(&device->queues[1]);
	cr_expect(backend_ends_with(&backend, stop));
	cr_expect_eq(backend_last(&backend, 11).value & 0xff, 1);
	device->queues[1].ring.size = 8;
	device->queues[1].ring.desc = 0x8000;
	device->queues[1].ring.driver = 0x8400;
	device->queues[1].ring.device = 0x8800;
	virtio_enable_queue(&device->queues[1]);
	pthread_mutex_unlock(&device->lock);
	cr_expect_eq(backend_last(&backend, 8).value, 8ULL << 32 | 1);
	cr_expect_eq(backend.desc[1], (uintptr_t)vm.memory.banks[0].host + 0x8000);
	end();
	cr_expect_eq(backend_count(&backend, 11), 3);
	backend_stop(&backend);
}

Test(vhost_user_device, configuration_is_read_written_and_changes)
{
	backend.config[0] = 7;
	begin("blk");
	drive(1, BIT(32));
	cr_expect_eq(virtio_config_read(device, 0, 1), 7);
	pthread_mutex_lock(&device->lock);
	virtio_config_write(device, 32, 1, 1);
	cr_expect_eq(virtio_config_read(device, 32, 1), 1, "what the back end has made of it");
	pthread_mutex_unlock(&device->lock);
	cr_expect_eq(backend.config[32], 1);
	atomic_store(&config_interrupts, 0);
	backend.config[0] = 8;
	cr_expect_eq(backend_asks(&backend, 2, true), 0);
	while (!atomic_load(&config_interrupts))
		poll(NULL, 0, 1);
	pthread_mutex_lock(&device->lock);
	cr_expect_eq(virtio_config_read(device, 0, 1), 8);
	pthread_mutex_unlock(&device->lock);
	cr_expect_neq(backend_asks(&backend, 99, true), 0, "a request that there is not");
	end();
	backend_stop(&backend);
}

/* A change that is none costs the guest nothing, however often it is announced; and a real one
 * comes through. */
Test(vhost_user_device, a_storm_of_changes)
{
	unsigned i;

	begin("blk");
	drive(1, BIT(32));
	for (i = 0; i < 100; i++)
		backend_asks(&backend, 2, false);
	cr_expect_eq(backend_asks(&backend, 2, true), 0);
	cr_expect_eq(atomic_load(&config_interrupts), 0);
	backend.config[0] = 8;
	cr_expect_eq(backend_asks(&backend, 2, true), 0);
	while (!atomic_load(&config_interrupts))
		poll(NULL, 0, 1);
	cr_expect_eq(losses(), 0);
	end();
	backend_stop(&backend);
}

/* Then its channel is no more, and nothing else. */
static void expect_closed(uint32_t flags, uint32_t size)
{
	const uint32_t header[] = {2, flags, size};
	char byte;

	begin("blk");
	drive(1, BIT(32));
	cr_assert_eq(write(backend.channel, header, sizeof(header)), sizeof(header));
	cr_expect_leq(read(backend.channel, &byte, 1), 0);
	cr_expect(is_connected());
	end();
	backend_stop(&backend);
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
	cr_expect_eq(create("blk"), -ENOENT);
	cr_expect(strstr(err.text, "nobody listens at") && strstr(err.text, backend.path), "%s",
		  err.text);
	cr_expect_null(device);
	backend_start(&backend);
	shutdown(backend.listener, SHUT_RDWR);
	cr_expect_eq(create("blk"), -ECONNREFUSED);
	backend_stop(&backend);
}

static void expect_refused(uint32_t request, enum backend_manner manner, const char *why)
{
	unsigned before;

	backend.bad_request = request;
	backend.manner = manner;
	backend_start(&backend);
	before = open_fds();
	cr_expect_lt(create("blk"), 0, "request %u, manner %d", request, manner);
	cr_expect(strstr(err.text, why), "request %u, manner %d: %s", request, manner, err.text);
	cr_expect(strstr(err.text, backend.path));
	if (device)
		device->ops->destroy(device);
	virtio_forget(&all);
	/* The back end has one less when it has seen that the connection is closed. */
	backend_stop(&backend);
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
	backend.slots = 1;
	begin("blk");
	drive(1, BIT(32));
	cr_expect(device->status & 0x40, "the device needs a reset");
	cr_expect_eq(backend_count(&backend, 12), 0);
	end();
	backend_stop(&backend);
}

Test(vhost_user_device, a_refused_ring_is_a_reset_for_the_driver)
{
	backend.bad_request = 9;
	backend.manner = REFUSES;
	begin("blk");
	drive(1, BIT(32));
	cr_expect(device->status & 0x40);
	backend.bad_request = 0;
	set_status(0);
	drive(1, BIT(32));
	cr_expect_eq(device->status, 15, "and after the reset it works");
	end();
	backend_stop(&backend);
}

/* O_NONBLOCK belongs to the open file, which both have: without it a count that is gone is no wait.
 */
Test(vhost_user_device, eventfds_that_the_back_end_makes_block)
{
	struct vhost_user_ring *ring;
	uint64_t count;

	begin("blk");
	drive(1, BIT(32));
	ring = container_of(device, struct vhost_user, device)->rings;
	cr_assert_eq(read(backend.kick[0], &count, sizeof(count)), sizeof(count));
	cr_assert_eq(fcntl(backend.kick[0], F_SETFL, 0), 0);
	cr_assert_eq(fcntl(backend.call[0], F_SETFL, 0), 0);
	ring->call.ready(&ring->call, POLLIN);
	set_status(0);
	drive(1, BIT(32));
	cr_expect_eq(device->status, 15);
	cr_expect_eq(atomic_load(&interrupts), 0);
	end();
	backend_stop(&backend);
}

/* ---- it goes, and comes again -------------------------------------------------------------------
 */

static void put_used(unsigned queue, uint16_t index)
{
	cr_assert_eq(guest_memory_write(&vm.memory, 0x1000 * (queue + 1) + 0x802, &index, 2), 0);
}

Test(vhost_user_device, another_back_end_goes_on_where_the_first_has_stopped)
{
	const uint32_t ring[] = {8, 9, 10, 13, 12, 18, 0};
	struct pollfd p = {.events = POLLIN};

	begin("blk");
	drive(1, BIT(32));
	put_used(0, 41);
	backend_stop(&backend);
	wait_until(is_lost);
	cr_expect_eq(losses(), 1);
	cr_expect_eq(device->status, 15, "the driver knows nothing of it");
	atomic_store(&interrupts, 0);
	backend_start(&backend);
	wait_until(is_connected);
	backend_wait(&backend, 18, 1);
	cr_expect(backend_ends_with(&backend, ring));
	cr_expect_eq(backend.base[0], 41);
	cr_expect_eq(backend_count(&backend, 37), 2, "it has memory");
	p.fd = backend.kick[0];
	cr_expect_eq(poll(&p, 1, -1), 1, "it looks at the ring at once");
	while (!atomic_load(&interrupts))
		poll(NULL, 0, 1);
	end();
	backend_stop(&backend);
}

/* What it has sent unasked must not hide that it is gone. */
Test(vhost_user_device, one_that_talks_unasked_and_goes)
{
	begin("blk");
	drive(1, BIT(32));
	cr_assert_eq(send(backend.connection, "noise", 5, 0), 5);
	backend_stop(&backend);
	wait_until(is_lost);
	backend_start(&backend);
	backend_wait(&backend, 18, 1);
	end();
	backend_stop(&backend);
}

Test(vhost_user_device, one_that_talks_unasked_is_left_at_the_next_request)
{
	begin("blk");
	drive(1, BIT(32));
	cr_assert_eq(send(backend.connection, "noise that is no header", 24, 0), 24);
	set_status(0);
	cr_expect_eq(losses(), 1);
	end();
	backend_stop(&backend);
}

/* Another back end in its place, which keeps a record or doesn't. */
static void replace(bool keeps)
{
	backend_stop(&backend);
	wait_until(is_lost);
	backend.protocol = keeps ? PROTOCOL | INFLIGHT : PROTOCOL;
	backend_start(&backend);
	backend_wait(&backend, 18, 1);
}

Test(vhost_user_device, what_was_on_its_way_is_kept_for_the_next_one)
{
	backend.protocol |= INFLIGHT;
	begin("blk");
	drive(1, BIT(32));
	cr_expect_eq(backend_count(&backend, 31), 1);
	cr_expect_eq(backend_last(&backend, 32).n_fds, 1);
	cr_expect_eq(backend_last(&backend, 32).value, 4096, "as the back end has said");
	replace(true);
	cr_expect_eq(backend_count(&backend, 31), 0, "not anew");
	cr_expect_eq(backend_last(&backend, 32).n_fds, 1);
	set_status(0);
	drive(1, BIT(32));
	cr_expect_eq(backend_count(&backend, 31), 1, "after a reset nothing is on its way");
	end();
	backend_stop(&backend);
}

Test(vhost_user_device, a_record_ends_with_a_back_end_that_keeps_none)
{
	backend.protocol |= INFLIGHT;
	begin("blk");
	drive(1, BIT(32));
	replace(false);
	cr_expect_eq(backend_count(&backend, 32), 0);
	replace(true);
	cr_expect_eq(backend_count(&backend, 31), 1, "what was kept is not true any more");
	cr_expect_eq(backend_count(&backend, 32), 1);
	end();
	backend_stop(&backend);
}

/* Of the ring's earlier life a record would still have requests, that nobody waits for. */
Test(vhost_user_device, a_record_ends_with_a_ring_that_is_reset_while_nobody_is_there)
{
	backend.protocol |= INFLIGHT;
	begin("blk");
	drive(1, BIT(32) | BIT(40));
	backend_stop(&backend);
	wait_until(is_lost);
	pthread_mutex_lock(&device->lock);
	virtio_reset_queue(&device->queues[0]);
	virtio_enable_queue(&device->queues[0]);
	pthread_mutex_unlock(&device->lock);
	backend_start(&backend);
	backend_wait(&backend, 18, 1);
	cr_expect_eq(backend_count(&backend, 31), 1);
	end();
	backend_stop(&backend);
}

Test(vhost_user_device, a_record_outlives_a_ring_that_the_back_end_lets_go_of)
{
	backend.protocol |= INFLIGHT;
	begin("41,queues=2");
	drive(2, BIT(32) | BIT(40));
	pthread_mutex_lock(&device->lock);
	virtio_reset_queue(&device->queues[1]);
	pthread_mutex_unlock(&device->lock);
	replace(true);
	cr_expect_eq(backend_count(&backend, 31), 0);
	end();
	backend_stop(&backend);
}

Test(vhost_user_device, inflight_without_a_file)
{
	backend.protocol |= INFLIGHT;
	backend.bad_request = 31;
	backend.manner = WITHOUT_FILE;
	begin("blk");
	drive(1, BIT(32));
	cr_expect_geq(losses(), 1);
	end();
	backend_stop(&backend);
}

Test(vhost_user_device, a_driver_may_reset_while_nobody_is_there)
{
	begin("blk");
	drive(1, BIT(32));
	backend_stop(&backend);
	wait_until(is_lost);
	set_status(0);
	drive(1, BIT(32));
	cr_expect_eq(device->status, 15);
	backend_start(&backend);
	backend_wait(&backend, 18, 1);
	cr_expect_eq(backend.base[0], 0);
	end();
	backend_stop(&backend);
}

Test(vhost_user_device, one_that_lacks_what_was_promised_is_not_taken)
{
	begin("blk");
	drive(1, BIT(32) | BIT(28));
	backend_stop(&backend);
	wait_until(is_lost);
	backend.features &= ~BIT(28);
	backend_start(&backend);
	backend_wait(&backend, 1, 1);
	backend_wait(&backend, 3, 1);
	cr_expect_eq(backend_count(&backend, 2), 0);
	cr_expect_not(is_connected());
	backend_stop(&backend);
	backend.features |= BIT(28);
	backend_start(&backend);
	backend_wait(&backend, 18, 1);
	end();
	backend_stop(&backend);
}

/* Lost by a driver that does without, it is not there for the next one either. */
Test(vhost_user_device, what_another_back_end_lacks_is_not_offered_any_more)
{
	begin("blk");
	drive(1, BIT(32));
	backend_stop(&backend);
	wait_until(is_lost);
	backend.features &= ~BIT(28);
	backend_start(&backend);
	backend_wait(&backend, 18, 1);
	set_status(0);
	set_status(3);
	virtio_accept(device, 0, BIT(28));
	virtio_accept(device, 1, 1);
	set_status(11);
	cr_expect_eq(device->status, 3);
	set_status(0);
	drive(1, BIT(32));
	backend_stop(&backend);
	wait_until(is_lost);
	backend.features |= BIT(28);
	backend_start(&backend);
	backend_wait(&backend, 18, 1);
	set_status(0);
	drive(1, BIT(32) | BIT(28));
	cr_expect_eq(backend_last(&backend, 2).value, BIT(32) | BIT(30) | BIT(28));
	end();
	backend_stop(&backend);
}

Test(vhost_user_device, one_that_does_not_let_go_of_a_ring_is_left)
{
	backend.bad_request = 11;
	backend.manner = OTHER_PART;
	begin("blk");
	drive(1, BIT(32));
	set_status(0);
	cr_expect_eq(losses(), 1);
	cr_expect_eq(device->status, 0);
	end();
	backend_stop(&backend);
}

/* ---- a reboot -----------------------------------------------------------------------------------
 */

Test(vhost_user_device, the_connection_outlives_a_reboot)
{
	begin("blk");
	drive(1, BIT(32));
	loop_stop(&vm.loop);
	pthread_join(looper, NULL);
	set_status(0);
	device->ops->destroy(device);
	cr_assert_eq(create("blk"), 0, "%s", err.text);
	device->transport = &transport;
	loop_destroy(&vm.loop);
	cr_expect_eq(backend.connections, 1);
	cr_expect_eq(backend_count(&backend, 3), 1, "it has its owner");
	device->ops->destroy(device);
	virtio_forget(&all);
	cr_assert_eq(loop_init(&vm.loop, &err), 0);
	backend_stop(&backend);
}
