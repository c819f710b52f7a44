/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The registers of a virtio PCI function: the common structure (4.1.4.3), ISR status, the device's
 * own configuration, and doorbells (4.1.5.2), of which those that KVM serves never come here.
 */
#include "pci_device.h"

/* By offset: those that the other transport has too. */
static const enum virtio_register common[COMMON_SIZE] = {
	[VIRTIO_PCI_COMMON_DFSELECT] = REGISTER_OFFERED_WORD,
	[VIRTIO_PCI_COMMON_DF] = REGISTER_OFFERED,
	[VIRTIO_PCI_COMMON_GFSELECT] = REGISTER_ACCEPTED_WORD,
	[VIRTIO_PCI_COMMON_GF] = REGISTER_ACCEPTED,
	[VIRTIO_PCI_COMMON_STATUS] = REGISTER_STATUS,
	[VIRTIO_PCI_COMMON_CFGGENERATION] = REGISTER_GENERATION,
	[VIRTIO_PCI_COMMON_Q_SELECT] = REGISTER_QUEUE,
	[VIRTIO_PCI_COMMON_Q_SIZE] = REGISTER_QUEUE_SIZE,
	[VIRTIO_PCI_COMMON_Q_ENABLE] = REGISTER_QUEUE_ENABLED,
	[VIRTIO_PCI_COMMON_Q_RESET] = REGISTER_QUEUE_RESET,
	[VIRTIO_PCI_COMMON_Q_DESCLO] = REGISTER_DESC_LOW,
	[VIRTIO_PCI_COMMON_Q_DESCHI] = REGISTER_DESC_HIGH,
	[VIRTIO_PCI_COMMON_Q_AVAILLO] = REGISTER_DRIVER_LOW,
	[VIRTIO_PCI_COMMON_Q_AVAILHI] = REGISTER_DRIVER_HIGH,
	[VIRTIO_PCI_COMMON_Q_USEDLO] = REGISTER_DEVICE_LOW,
	[VIRTIO_PCI_COMMON_Q_USEDHI] = REGISTER_DEVICE_HIGH,
};

static uint32_t read_common(struct virtio_pci *p, unsigned offset)
{
	struct virtio_device *d = p->device;
	const struct virtio_queue *q = virtio_queue(d, p->selection.queue);

	switch (offset) {
	case VIRTIO_PCI_COMMON_MSIX:
		return p->config_vector;
	case VIRTIO_PCI_COMMON_NUMQ:
		return d->n_queues;
	case VIRTIO_PCI_COMMON_Q_MSIX:
		return q ? q->vector : 0;
	case VIRTIO_PCI_COMMON_Q_NOFF:
		return q ? q->index : 0;
	default:
		return virtio_register_read(d, &p->selection, common[offset]);
	}
}

/* 4.1.5.1.2: a vector that isn't in the table reads back as none. */
static uint16_t vector_of(const struct virtio_pci *p, uint32_t value)
{
	return value < p->n_vectors ? (uint16_t)value : VIRTIO_NO_VECTOR;
}

static void set_queue_vector(struct virtio_pci *p, uint32_t value)
{
	struct virtio_device *d = p->device;
	struct virtio_queue *q = virtio_queue(d, p->selection.queue);

	if (!q)
		return;
	q->vector = vector_of(p, value);
	if (d->ops->call_changed)
		d->ops->call_changed(d, q->index);
}

/* With a reset of the device its vectors go, and what it had to say. */
static void forget(struct virtio_pci *p)
{
	p->config_vector = VIRTIO_NO_VECTOR;
	virtio_pci_take_isr(p);
}

static void write_common(struct virtio_pci *p, unsigned offset, uint32_t value)
{
	switch (offset) {
	case VIRTIO_PCI_COMMON_MSIX:
		p->config_vector = vector_of(p, value);
		return;
	case VIRTIO_PCI_COMMON_Q_MSIX:
		set_queue_vector(p, value);
		return;
	case VIRTIO_PCI_COMMON_Q_SELECT:
		p->selection.queue = (uint16_t)value;
		return;
	default:
		virtio_register_write(p->device, &p->selection, common[offset], value);
	}
	if (offset == VIRTIO_PCI_COMMON_STATUS && !(uint8_t)value)
		forget(p);
}

/* 4.1.3.1: fields have the width that they are accessed with; 64-bit ones are two of 32 bits. */
static uint64_t registers_read(void *opaque, uint64_t offset, unsigned size)
{
	struct virtio_pci *p = opaque;
	struct virtio_device *d = p->device;
	uint64_t value = 0;

	if (size == 8)
		return registers_read(p, offset, 4) | registers_read(p, offset + 4, 4) << 32;
	if (offset == ISR_OFFSET)
		return virtio_pci_take_isr(p);
	pthread_mutex_lock(&d->lock);
	if (offset < COMMON_OFFSET + COMMON_SIZE)
		value = read_common(p, (unsigned)offset);
	else if (offset >= DEVICE_OFFSET && offset < NOTIFY_OFFSET)
		value = virtio_config_read(d, offset - DEVICE_OFFSET, size);
	pthread_mutex_unlock(&d->lock);
	return value;
}

static void registers_write(void *opaque, uint64_t offset, unsigned size, uint64_t value)
{
	struct virtio_pci *p = opaque;
	struct virtio_device *d = p->device;
	struct virtio_queue *q;

	if (size == 8) {
		registers_write(p, offset, 4, (uint32_t)value);
		registers_write(p, offset + 4, 4, value >> 32);
		return;
	}
	if (offset >= NOTIFY_OFFSET) {
		q = virtio_queue(d, (uint32_t)(offset - NOTIFY_OFFSET) / NOTIFY_STEP);
		if (q)
			event_kick(q->kick);
		return;
	}
	pthread_mutex_lock(&d->lock);
	if (offset < COMMON_OFFSET + COMMON_SIZE)
		write_common(p, (unsigned)offset, (uint32_t)value);
	else if (offset >= DEVICE_OFFSET)
		virtio_config_write(d, offset - DEVICE_OFFSET, size, (uint32_t)value);
	pthread_mutex_unlock(&d->lock);
}

const struct region_ops virtio_pci_registers = {registers_read, registers_write};
