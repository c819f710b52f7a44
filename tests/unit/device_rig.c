/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* device_rig: see device_rig.h. */
#include <stdlib.h>
#include <sys/epoll.h>

#include "device_rig.h"

#define READY (VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER)

static void interrupt(struct virtio_device *d, unsigned q)
{
	((struct device_rig *)d->transport_opaque)->interrupts[q]++;
}

static void config_interrupt(struct virtio_device *d)
{
	((struct device_rig *)d->transport_opaque)->config_interrupts++;
}

static int call_fd(struct virtio_device *d, unsigned q)
{
	(void)d, (void)q;
	return -1;
}

static const struct virtio_transport_ops transport = {interrupt, config_interrupt, call_fd, NULL};

void device_rig_open(struct device_rig *r)
{
	struct vm *vm = &r->rec.vm;

	*r = (struct device_rig){.virtio = {.vm = vm}, .size = DEVICE_RING};
	recorder_init(&r->rec);
	cr_assert_eq(loop_init(&vm->loop, NULL), 0);
	vm->memory.n = 1;
	vm->memory.banks[0] =
		(struct ram_bank){DEVICE_RAM, DEVICE_RAM_SIZE, calloc(1, DEVICE_RAM_SIZE), 0};
}

static void set_status(struct device_rig *r, uint8_t status)
{
	pthread_mutex_lock(&r->d->lock);
	virtio_set_status(r->d, status);
	pthread_mutex_unlock(&r->d->lock);
}

void device_rig_reset(struct device_rig *r)
{
	set_status(r, 0);
}

void device_rig_close(struct device_rig *r)
{
	device_rig_reset(r);
	r->d->ops->destroy(r->d);
	free(r->rec.vm.memory.banks[0].host);
	loop_destroy(&r->rec.vm.loop);
	recorder_destroy(&r->rec);
}

void device_rig_start(struct device_rig *r)
{
	struct virtio_queue *q;
	unsigned i;

	r->d->transport = &transport;
	r->d->transport_opaque = r;
	set_status(r, 0);
	set_status(r, READY);
	virtio_accept(r->d, 1, 1u << (VIRTIO_F_VERSION_1 - 32));
	set_status(r, READY | VIRTIO_CONFIG_S_FEATURES_OK);
	for (i = 0; i < r->d->n_queues; i++) {
		driver_ring_init(&r->rings[i], &r->rec.vm.memory,
				 DEVICE_RAM + i * DRIVER_RING_BYTES, r->size, false);
		q = &r->d->queues[i];
		q->ring.size = r->size;
		q->ring.desc = r->rings[i].desc;
		q->ring.driver = r->rings[i].driver;
		q->ring.device = r->rings[i].device;
		virtio_enable_queue(q);
	}
	set_status(r, READY | VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK);
	cr_assert(r->d->started);
	device_rig_settle(r);
}

void device_rig_settle(struct device_rig *r)
{
	struct loop_source *src;
	struct epoll_event ev;
	unsigned n;

	for (n = 0; epoll_wait(r->rec.vm.loop.epoll, &ev, 1, 0) > 0; n++) {
		cr_assert_lt(n, 100000, "the loop has no rest");
		src = ev.data.ptr;
		src->ready(src, ev.events);
	}
}

static void add(struct device_rig *r, unsigned q, uint64_t address, uint32_t length, uint16_t flags)
{
	driver_ring_add(&r->rings[q], &(struct driver_buffer){address, length, flags}, 1);
	event_kick(r->d->queues[q].kick);
	device_rig_settle(r);
}

void device_rig_out(struct device_rig *r, unsigned q, uint64_t address, uint32_t length)
{
	add(r, q, address, length, 0);
}

void device_rig_in(struct device_rig *r, unsigned q, uint64_t address, uint32_t length)
{
	add(r, q, address, length, VRING_DESC_F_WRITE);
}

void *device_rig_at(struct device_rig *r, uint64_t gpa)
{
	return r->rec.vm.memory.banks[0].host + (gpa - DEVICE_RAM);
}
