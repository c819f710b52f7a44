/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Virtio over MMIO (4.2), version 2: a page of registers and a level interrupt for each device. The
 * guest is told of them by the architecture's tables; it can't probe for any.
 */
#include <errno.h>
#include <stdlib.h>
#include <linux/virtio_mmio.h>

#include "registers.h"
#include "transport.h"

#define MAGIC	0x74726976 /* "virt" */
#define VERSION 2
#define VENDOR	0x4c524143 /* "CARL" */

/* Newer than Debian 12's headers (Linux 6.1). */
#ifndef VIRTIO_MMIO_QUEUE_RESET
#define VIRTIO_MMIO_QUEUE_RESET 0x0c0
#endif

struct virtio_mmio {
	struct virtio_device *device;
	struct region registers;
	struct region_ioeventfd *doorbells;
	_Atomic uint64_t traps;
	bool placed;
	struct virtio_selection selection;
	uint32_t shared_memory; /* selected by the driver */
	pthread_mutex_t irq_lock;
	struct virtio_line line;
};

/* ---- the interrupt --------------------------------------------------------------------------- */

static void fire(struct virtio_mmio *m, uint8_t why)
{
	pthread_mutex_lock(&m->irq_lock);
	m->line.why |= why;
	virtio_line_set(&m->line, m->device->vm, true);
	pthread_mutex_unlock(&m->irq_lock);
}

/*
 * Level or edge is the guest's affair: one that found the device on its command line takes an ISA
 * pin for edge-triggered. So the line falls at each acknowledgement, and rises again for what came
 * between the driver's read of the status and this.
 */
static void acknowledge(struct virtio_mmio *m, uint8_t why)
{
	pthread_mutex_lock(&m->irq_lock);
	m->line.why &= ~why;
	virtio_line_set(&m->line, m->device->vm, false);
	virtio_line_set(&m->line, m->device->vm, m->line.why);
	pthread_mutex_unlock(&m->irq_lock);
}

static uint8_t interrupt_status(struct virtio_mmio *m)
{
	uint8_t why;

	pthread_mutex_lock(&m->irq_lock);
	why = m->line.why;
	pthread_mutex_unlock(&m->irq_lock);
	return why;
}

static void interrupt(struct virtio_device *d, unsigned q)
{
	(void)q;
	fire(d->transport_opaque, VIRTIO_WHY_QUEUE);
}

static void config_interrupt(struct virtio_device *d)
{
	fire(d->transport_opaque, VIRTIO_WHY_CONFIG);
}

/* An interrupt needs its bit in the status, which no eventfd would set. */
static int call_fd(struct virtio_device *d, unsigned q)
{
	(void)d, (void)q;
	return -1;
}

/* ---- registers ------------------------------------------------------------------------------- */

#define AT(offset) ((offset) / 4)

/* By offset: those that the other transport has too. */
static const enum virtio_register common[AT(VIRTIO_MMIO_CONFIG)] = {
	[AT(VIRTIO_MMIO_DEVICE_FEATURES)] = REGISTER_OFFERED,
	[AT(VIRTIO_MMIO_DEVICE_FEATURES_SEL)] = REGISTER_OFFERED_WORD,
	[AT(VIRTIO_MMIO_DRIVER_FEATURES)] = REGISTER_ACCEPTED,
	[AT(VIRTIO_MMIO_DRIVER_FEATURES_SEL)] = REGISTER_ACCEPTED_WORD,
	[AT(VIRTIO_MMIO_QUEUE_SEL)] = REGISTER_QUEUE,
	[AT(VIRTIO_MMIO_QUEUE_NUM)] = REGISTER_QUEUE_SIZE,
	[AT(VIRTIO_MMIO_QUEUE_READY)] = REGISTER_QUEUE_ENABLED,
	[AT(VIRTIO_MMIO_STATUS)] = REGISTER_STATUS,
	[AT(VIRTIO_MMIO_QUEUE_DESC_LOW)] = REGISTER_DESC_LOW,
	[AT(VIRTIO_MMIO_QUEUE_DESC_HIGH)] = REGISTER_DESC_HIGH,
	[AT(VIRTIO_MMIO_QUEUE_AVAIL_LOW)] = REGISTER_DRIVER_LOW,
	[AT(VIRTIO_MMIO_QUEUE_AVAIL_HIGH)] = REGISTER_DRIVER_HIGH,
	[AT(VIRTIO_MMIO_QUEUE_USED_LOW)] = REGISTER_DEVICE_LOW,
	[AT(VIRTIO_MMIO_QUEUE_USED_HIGH)] = REGISTER_DEVICE_HIGH,
	[AT(VIRTIO_MMIO_QUEUE_RESET)] = REGISTER_QUEUE_RESET,
	[AT(VIRTIO_MMIO_CONFIG_GENERATION)] = REGISTER_GENERATION,
};

/* 4.2.2: a region that does not exist has a length of all ones; the first one is number 0. */
static uint32_t read_shared_memory(const struct virtio_mmio *m, unsigned offset)
{
	const struct range *r = &m->device->shared_memory;
	bool there = r->size && !m->shared_memory;
	uint64_t length = there ? r->size : UINT64_MAX, base = there ? r->base : UINT64_MAX;

	switch (offset) {
	case VIRTIO_MMIO_SHM_LEN_LOW:
		return (uint32_t)length;
	case VIRTIO_MMIO_SHM_LEN_HIGH:
		return (uint32_t)(length >> 32);
	case VIRTIO_MMIO_SHM_BASE_LOW:
		return (uint32_t)base;
	default:
		return (uint32_t)(base >> 32);
	}
}

static uint32_t read_control(struct virtio_mmio *m, unsigned offset)
{
	const struct virtio_device *d = m->device;
	const struct virtio_queue *q = virtio_queue(m->device, m->selection.queue);

	switch (offset) {
	case VIRTIO_MMIO_MAGIC_VALUE:
		return MAGIC;
	case VIRTIO_MMIO_VERSION:
		return VERSION;
	case VIRTIO_MMIO_DEVICE_ID:
		return d->id;
	case VIRTIO_MMIO_VENDOR_ID:
		return VENDOR;
	case VIRTIO_MMIO_QUEUE_NUM_MAX:
		return q ? q->ring.size_max : 0;
	case VIRTIO_MMIO_INTERRUPT_STATUS:
		return interrupt_status(m);
	case VIRTIO_MMIO_SHM_LEN_LOW:
	case VIRTIO_MMIO_SHM_LEN_HIGH:
	case VIRTIO_MMIO_SHM_BASE_LOW:
	case VIRTIO_MMIO_SHM_BASE_HIGH:
		return read_shared_memory(m, offset);
	default:
		return virtio_register_read(d, &m->selection, common[AT(offset)]);
	}
}

/* 4.2.2.2: a driver writes 0 to stop using a queue. */
static void write_queue_ready(struct virtio_mmio *m, uint32_t value)
{
	struct virtio_queue *q = virtio_queue(m->device, m->selection.queue);

	if (q && !value)
		virtio_disable_queue(q);
	else
		virtio_register_write(m->device, &m->selection, REGISTER_QUEUE_ENABLED, value);
}

static void write_control(struct virtio_mmio *m, unsigned offset, uint32_t value)
{
	switch (offset) {
	case VIRTIO_MMIO_QUEUE_READY:
		write_queue_ready(m, value);
		return;
	case VIRTIO_MMIO_INTERRUPT_ACK:
		acknowledge(m, (uint8_t)value);
		return;
	case VIRTIO_MMIO_SHM_SEL:
		m->shared_memory = value;
		return;
	default:
		virtio_register_write(m->device, &m->selection, common[AT(offset)], value);
	}
	/* With a reset of the device goes what it had to say. */
	if (offset == VIRTIO_MMIO_STATUS && !(uint8_t)value)
		acknowledge(m, UINT8_MAX);
}

/* 4.2.2.2: below the device's configuration, words of 32 bits; what is accessed otherwise is none.
 */
static bool is_control(uint64_t offset, unsigned size)
{
	return offset < VIRTIO_MMIO_CONFIG && size == 4 && offset % 4 == 0;
}

static uint64_t registers_read(void *opaque, uint64_t offset, unsigned size)
{
	struct virtio_mmio *m = opaque;
	struct virtio_device *d = m->device;
	uint64_t value = 0;

	if (size == 8)
		return registers_read(m, offset, 4) | registers_read(m, offset + 4, 4) << 32;
	pthread_mutex_lock(&d->lock);
	if (is_control(offset, size))
		value = read_control(m, (unsigned)offset);
	else if (offset >= VIRTIO_MMIO_CONFIG)
		value = virtio_config_read(d, offset - VIRTIO_MMIO_CONFIG, size);
	pthread_mutex_unlock(&d->lock);
	return value;
}

static void registers_write(void *opaque, uint64_t offset, unsigned size, uint64_t value)
{
	struct virtio_mmio *m = opaque;
	struct virtio_device *d = m->device;
	struct virtio_queue *q;

	if (size == 8) {
		registers_write(m, offset, 4, (uint32_t)value);
		registers_write(m, offset + 4, 4, value >> 32);
		return;
	}
	/* Only if KVM had no doorbell for it; no lock, as with a doorbell. */
	if (offset == VIRTIO_MMIO_QUEUE_NOTIFY && size == 4) {
		q = virtio_queue(d, (uint32_t)value);
		if (q)
			event_kick(q->kick);
		return;
	}
	pthread_mutex_lock(&d->lock);
	if (is_control(offset, size))
		write_control(m, (unsigned)offset, (uint32_t)value);
	else if (offset >= VIRTIO_MMIO_CONFIG)
		virtio_config_write(d, offset - VIRTIO_MMIO_CONFIG, size, (uint32_t)value);
	pthread_mutex_unlock(&d->lock);
}

static const struct region_ops registers_ops = {registers_read, registers_write};

/* ---- making one ------------------------------------------------------------------------------ */

static void destroy(struct virtio_device *d)
{
	struct virtio_mmio *m = d->transport_opaque;

	if (m->placed) {
		space_begin(&d->vm->mmio);
		space_remove(&d->vm->mmio, &m->registers);
		space_commit(&d->vm->mmio, NULL);
		acknowledge(m, UINT8_MAX);
	}
	pthread_mutex_destroy(&m->irq_lock);
	free(m->doorbells);
	free(m);
	d->transport_opaque = NULL;
	d->transport = NULL;
}

static const struct virtio_transport_ops transport = {
	.interrupt = interrupt,
	.config_interrupt = config_interrupt,
	.call_fd = call_fd,
	.destroy = destroy,
};

int virtio_mmio_attach(struct virtio_device *d, struct error *err)
{
	struct virtio_mmio *m;
	unsigned i;

	if (d->shared_memory.size && !d->shared_memory.base)
		return fail(
			err, ENOTSUP,
			"%s: its memory is a BAR, which needs a bus: use --virtio-transport pci",
			d->name);
	m = calloc(1, sizeof(*m));
	if (m)
		m->doorbells = calloc(d->n_queues, sizeof(*m->doorbells));
	if (!m || !m->doorbells) {
		free(m);
		return fail(err, ENOMEM, "%s: out of memory", d->name);
	}
	m->device = d;
	pthread_mutex_init(&m->irq_lock, NULL);
	/* All queues have one register; the value says which. */
	for (i = 0; i < d->n_queues; i++)
		m->doorbells[i] = (struct region_ioeventfd){.offset = VIRTIO_MMIO_QUEUE_NOTIFY,
							    .len = 4,
							    .match = true,
							    .data = i,
							    .fd = d->queues[i].kick};
	d->transport = &transport;
	d->transport_opaque = m;
	return 0;
}

int virtio_mmio_place(struct virtio_device *d, struct range registers, unsigned gsi,
		      struct error *err)
{
	struct virtio_mmio *m = d->transport_opaque;

	m->line.gsi = gsi;
	m->registers = (struct region){.name = d->name,
				       .part = "registers",
				       .base = registers.base,
				       .size = registers.size,
				       .priority = PRIORITY_PLATFORM,
				       .ops = &registers_ops,
				       .opaque = m,
				       .ioeventfds = m->doorbells,
				       .n_ioeventfds = d->n_queues,
				       .traps = &m->traps};
	m->placed = true;
	space_begin(&d->vm->mmio);
	space_add(&d->vm->mmio, &m->registers);
	return space_commit(&d->vm->mmio, err);
}
