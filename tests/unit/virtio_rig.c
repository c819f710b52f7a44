/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* virtio_rig: see virtio_rig.h. The toy, and what a driver does over any transport. */
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "virtio_rig.h"

/* ---- the toy ----------------------------------------------------------------------------------
 */

static struct toy *toy_of(struct virtio_device *d)
{
	return container_of(d, struct toy, device);
}

static uint32_t echo(struct virtio_device *d, const struct virtq_chain *c)
{
	uint8_t buf[64];

	toy_of(d)->told = d->queues[0].interrupts;
	toy_of(d)->served++;
	return (uint32_t)virtq_write(c, 0, buf, virtq_read(c, 0, buf, sizeof(buf)));
}

static void kicked(struct virtio_device *d, unsigned q)
{
	virtio_serve(&d->queues[q], &toy_of(d)->chain, echo);
}

static bool accepts(struct virtio_device *d, uint64_t features)
{
	(void)d;
	return !(features & FEATURE(TOY_F_EXTRA)) || (features & FEATURE(TOY_F_BASE));
}

static int start(struct virtio_device *d)
{
	toy_of(d)->starts++;
	return toy_of(d)->start_result;
}

static void stop(struct virtio_device *d)
{
	toy_of(d)->stops++;
}

static int queue_start(struct virtio_device *d, unsigned q)
{
	(void)q;
	toy_of(d)->queue_starts++;
	return toy_of(d)->queue_start_result;
}

static void queue_stop(struct virtio_device *d, unsigned q)
{
	(void)q;
	toy_of(d)->queue_stops++;
}

static void config_write(struct virtio_device *d, unsigned offset, const void *buf, unsigned n)
{
	cr_assert(n && offset + n <= d->config_size);
	memcpy(toy_of(d)->written, buf, n);
}

static const struct virtio_device_ops toy_ops = {.accepts = accepts,
						 .start = start,
						 .stop = stop,
						 .queue_start = queue_start,
						 .queue_stop = queue_stop,
						 .kicked = kicked,
						 .config_write = config_write};

/* ---- the machine ------------------------------------------------------------------------------
 */

void virtio_rig_open(struct virtio_rig *r, const struct driver_transport *t)
{
	static const uint16_t sizes[RIG_QUEUES] = {RIG_QUEUE_MAX, RIG_QUEUE_MAX};
	struct virtio_device *d = &r->toy.device;
	struct vm *vm = &r->rec.vm;

	recorder_init(&r->rec);
	cr_assert_eq(loop_init(&vm->loop, NULL), 0);
	vm->memory.n = 1;
	vm->memory.banks[0] = (struct ram_bank){RIG_RAM, RIG_RAM_SIZE, calloc(1, RIG_RAM_SIZE), 0};
	r->toy = (struct toy){.chain = {.iov = r->toy.iov, .room = RIG_QUEUE_MAX}};
	*d = (struct virtio_device){.name = "toy",
				    .id = VIRTIO_ID_RNG,
				    .ops = &toy_ops,
				    .offered = FEATURE(TOY_F_BASE) | FEATURE(TOY_F_EXTRA),
				    .config_size = 7,
				    .config = {1, 2, 3, 4, 5, 6, 7}};
	cr_assert_eq(virtio_device_init(d, vm, RIG_QUEUES, sizes, NULL), 0);
	r->t = t;
	t->attach(r);
}

void virtio_rig_close(struct virtio_rig *r)
{
	r->t->set_status(r, 0);
	cr_expect_eq(r->toy.stops, r->toy.starts, "every start is stopped once");
	r->toy.device.transport->destroy(&r->toy.device);
	virtio_device_release(&r->toy.device);
	if (r->bus.vm)
		pci_bus_destroy(&r->bus);
	free(r->rec.vm.memory.banks[0].host);
	loop_destroy(&r->rec.vm.loop);
	recorder_destroy(&r->rec);
}

void virtio_rig_settle(struct virtio_rig *r)
{
	struct loop_source *src;
	struct epoll_event ev;

	while (epoll_wait(r->rec.vm.loop.epoll, &ev, 1, 0) > 0) {
		src = ev.data.ptr;
		src->ready(src, ev.events);
	}
}

uint32_t virtio_rig_read(struct virtio_rig *r, uint64_t gpa, unsigned size)
{
	uint64_t value;

	cr_assert_eq(recorder_load(&r->rec, gpa, size, &value), BY_EXIT);
	return (uint32_t)value;
}

void virtio_rig_write(struct virtio_rig *r, uint64_t gpa, unsigned size, uint64_t value)
{
	cr_assert_eq(recorder_store(&r->rec, gpa, size, value), BY_EXIT);
}

/* ---- the driver -------------------------------------------------------------------------------
 */

/* 3.1.1, steps 1 to 6. */
bool virtio_rig_negotiate(struct virtio_rig *r, uint64_t features)
{
	features |= FEATURE(VIRTIO_F_VERSION_1);
	r->t->set_status(r, 0);
	r->t->set_status(r, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	r->t->set_status(r, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER);
	r->t->accept(r, 0, (uint32_t)features);
	r->t->accept(r, 1, (uint32_t)(features >> 32));
	r->t->set_status(r, STATUS_READY);
	return r->t->status(r) & VIRTIO_CONFIG_S_FEATURES_OK;
}

void virtio_rig_queue(struct virtio_rig *r, unsigned q, bool packed)
{
	driver_ring_init(&r->rings[q], &r->rec.vm.memory, RIG_RINGS + q * DRIVER_RING_BYTES, 8,
			 packed);
	r->t->set_queue(r, q, &r->rings[q]);
	r->t->enable(r, q);
}

void virtio_rig_start(struct virtio_rig *r, uint64_t features)
{
	unsigned q;

	cr_assert(virtio_rig_negotiate(r, features));
	for (q = 0; q < RIG_QUEUES; q++)
		virtio_rig_queue(r, q, features & FEATURE(VIRTIO_F_RING_PACKED));
	r->t->set_status(r, STATUS_READY | VIRTIO_CONFIG_S_DRIVER_OK);
	virtio_rig_settle(r);
}

bool virtio_rig_echo(struct virtio_rig *r, unsigned q)
{
	uint8_t *memory = r->rec.vm.memory.banks[0].host + (RIG_BUFFERS - RIG_RAM);
	struct driver_buffer b[] = {{RIG_BUFFERS, 4, 0},
				    {RIG_BUFFERS + 0x100, 4, VRING_DESC_F_WRITE}};
	struct driver_used used;

	memcpy(memory, "ping", 4);
	memset(memory + 0x100, 0, 4);
	driver_ring_add(&r->rings[q], b, 2);
	r->t->kick(r, q);
	virtio_rig_settle(r);
	return driver_ring_take(&r->rings[q], &used) && used.written == 4 &&
	       !memcmp(memory + 0x100, "ping", 4);
}

void virtio_rig_break(struct virtio_rig *r, unsigned q)
{
	driver_ring_add(&r->rings[q], &(struct driver_buffer){0, 4, VRING_DESC_F_WRITE}, 1);
	r->t->kick(r, q);
	virtio_rig_settle(r);
}
