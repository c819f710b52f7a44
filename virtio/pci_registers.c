/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The registers of a virtio PCI function: the common structure (4.1.4.3), ISR status, the device's
 * own configuration, and doorbells (4.1.5.2), of which those that KVM serves never come here.
 */
#include "pci_device.h"

/* Of a 64-bit field the upper half. */
#define OFFSET_HIGH 4

/* A register of the selected queue; one that does not exist has size 0 (4.1.5.1.3). */
static uint32_t read_queue(struct virtio_pci *p, unsigned offset)
{
	const struct virtio_queue *q = virtio_queue(p->device, p->queue);

	if (!q)
		return 0;
	switch (offset) {
	case VIRTIO_PCI_COMMON_Q_SIZE:
		return q->ring.size;
	case VIRTIO_PCI_COMMON_Q_MSIX:
		return q->vector;
	case VIRTIO_PCI_COMMON_Q_ENABLE:
		return q->enabled;
	case VIRTIO_PCI_COMMON_Q_NOFF:
		return q->index;
	case VIRTIO_PCI_COMMON_Q_DESCLO:
		return (uint32_t)q->ring.desc;
	case VIRTIO_PCI_COMMON_Q_DESCHI:
		return (uint32_t)(q->ring.desc >> 32);
	case VIRTIO_PCI_COMMON_Q_AVAILLO:
		return (uint32_t)q->ring.driver;
	case VIRTIO_PCI_COMMON_Q_AVAILHI:
		return (uint32_t)(q->ring.driver >> 32);
	case VIRTIO_PCI_COMMON_Q_USEDLO:
		return (uint32_t)q->ring.device;
	case VIRTIO_PCI_COMMON_Q_USEDHI:
		return (uint32_t)(q->ring.device >> 32);
	default:
		return 0;
	}
}

static uint32_t read_common(struct virtio_pci *p, unsigned offset)
{
	struct virtio_device *d = p->device;

	switch (offset) {
	case VIRTIO_PCI_COMMON_DFSELECT:
		return p->feature_word;
	case VIRTIO_PCI_COMMON_DF:
		return virtio_offered(d, p->feature_word);
	case VIRTIO_PCI_COMMON_GFSELECT:
		return p->accept_word;
	case VIRTIO_PCI_COMMON_GF:
		return virtio_accepted(d, p->accept_word);
	case VIRTIO_PCI_COMMON_MSIX:
		return p->config_vector;
	case VIRTIO_PCI_COMMON_NUMQ:
		return d->n_queues;
	case VIRTIO_PCI_COMMON_STATUS:
		return d->status;
	case VIRTIO_PCI_COMMON_CFGGENERATION:
		return d->generation;
	case VIRTIO_PCI_COMMON_Q_SELECT:
		return p->queue;
	default:
		return read_queue(p, offset);
	}
}

/* 4.1.5.1.2: a vector that isn't in the table reads back as none. */
static uint16_t vector_of(const struct virtio_pci *p, uint32_t value)
{
	return value < p->n_vectors ? (uint16_t)value : VIRTIO_NO_VECTOR;
}

static void write_queue(struct virtio_pci *p, unsigned offset, uint32_t value)
{
	struct virtio_device *d = p->device;
	struct virtio_queue *q = virtio_queue(d, p->queue);

	if (!q)
		return;
	switch (offset) {
	case VIRTIO_PCI_COMMON_Q_SIZE:
		virtio_set_queue_size(q, value);
		return;
	case VIRTIO_PCI_COMMON_Q_MSIX:
		q->vector = vector_of(p, value);
		if (d->ops->call_changed)
			d->ops->call_changed(d, q->index);
		return;
	case VIRTIO_PCI_COMMON_Q_ENABLE:
		if (value == 1)
			virtio_enable_queue(q);
		return;
	case VIRTIO_PCI_COMMON_Q_RESET:
		if (value == 1)
			virtio_reset_queue(q);
		return;
	case VIRTIO_PCI_COMMON_Q_DESCLO:
	case VIRTIO_PCI_COMMON_Q_DESCHI:
		virtio_set_queue_part(&q->ring.desc, q, offset & OFFSET_HIGH, value);
		return;
	case VIRTIO_PCI_COMMON_Q_AVAILLO:
	case VIRTIO_PCI_COMMON_Q_AVAILHI:
		virtio_set_queue_part(&q->ring.driver, q, offset & OFFSET_HIGH, value);
		return;
	case VIRTIO_PCI_COMMON_Q_USEDLO:
	case VIRTIO_PCI_COMMON_Q_USEDHI:
		virtio_set_queue_part(&q->ring.device, q, offset & OFFSET_HIGH, value);
		return;
	default:
		return;
	}
}

/* With a reset of the device its vectors go, and what it had to say. */
static void forget(struct virtio_pci *p)
{
	p->config_vector = VIRTIO_NO_VECTOR;
	virtio_pci_take_isr(p);
}

static void write_common(struct virtio_pci *p, unsigned offset, uint32_t value)
{
	struct virtio_device *d = p->device;

	switch (offset) {
	case VIRTIO_PCI_COMMON_DFSELECT:
		p->feature_word = value;
		return;
	case VIRTIO_PCI_COMMON_GFSELECT:
		p->accept_word = value;
		return;
	case VIRTIO_PCI_COMMON_GF:
		virtio_accept(d, p->accept_word, value);
		return;
	case VIRTIO_PCI_COMMON_MSIX:
		p->config_vector = vector_of(p, value);
		return;
	case VIRTIO_PCI_COMMON_STATUS:
		virtio_set_status(d, (uint8_t)value);
		if (!(uint8_t)value)
			forget(p);
		return;
	case VIRTIO_PCI_COMMON_Q_SELECT:
		p->queue = (uint16_t)value;
		return;
	default:
		write_queue(p, offset, value);
	}
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
			irq_kick(q->kick);
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
