/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Registers that mean the same in both transports. */
#include "registers.h"

static uint32_t low(uint64_t v)
{
	return (uint32_t)v;
}

static uint32_t high(uint64_t v)
{
	return (uint32_t)(v >> 32);
}

static uint32_t read_queue(const struct virtio_queue *q, enum virtio_register r)
{
	switch (r) {
	case REGISTER_QUEUE_SIZE:
		return q->ring.size;
	case REGISTER_QUEUE_ENABLED:
		return q->enabled;
	case REGISTER_DESC_LOW:
		return low(q->ring.desc);
	case REGISTER_DESC_HIGH:
		return high(q->ring.desc);
	case REGISTER_DRIVER_LOW:
		return low(q->ring.driver);
	case REGISTER_DRIVER_HIGH:
		return high(q->ring.driver);
	case REGISTER_DEVICE_LOW:
		return low(q->ring.device);
	case REGISTER_DEVICE_HIGH:
		return high(q->ring.device);
	default: /* a reset is done at once, and reads as such (2.6.1) */
		return 0;
	}
}

uint32_t virtio_register_read(const struct virtio_device *d, const struct virtio_selection *s,
			      enum virtio_register r)
{
	switch (r) {
	case REGISTER_OFFERED_WORD:
		return s->offered_word;
	case REGISTER_OFFERED:
		return virtio_offered(d, s->offered_word);
	case REGISTER_ACCEPTED_WORD:
		return s->accepted_word;
	case REGISTER_ACCEPTED:
		return virtio_accepted(d, s->accepted_word);
	case REGISTER_STATUS:
		return d->status;
	case REGISTER_GENERATION:
		return d->generation;
	case REGISTER_QUEUE:
		return s->queue;
	default:
		return s->queue < d->n_queues ? read_queue(&d->queues[s->queue], r) : 0;
	}
}

static void write_queue(struct virtio_queue *q, enum virtio_register r, uint32_t value)
{
	switch (r) {
	case REGISTER_QUEUE_SIZE:
		virtio_set_queue_size(q, value);
		return;
	case REGISTER_QUEUE_ENABLED:
		if (value == 1)
			virtio_enable_queue(q);
		return;
	case REGISTER_QUEUE_RESET:
		if (value == 1)
			virtio_reset_queue(q);
		return;
	case REGISTER_DESC_LOW:
	case REGISTER_DESC_HIGH:
		virtio_set_queue_part(&q->ring.desc, q, r == REGISTER_DESC_HIGH, value);
		return;
	case REGISTER_DRIVER_LOW:
	case REGISTER_DRIVER_HIGH:
		virtio_set_queue_part(&q->ring.driver, q, r == REGISTER_DRIVER_HIGH, value);
		return;
	case REGISTER_DEVICE_LOW:
	case REGISTER_DEVICE_HIGH:
		virtio_set_queue_part(&q->ring.device, q, r == REGISTER_DEVICE_HIGH, value);
		return;
	default:
		return;
	}
}

void virtio_register_write(struct virtio_device *d, struct virtio_selection *s,
			   enum virtio_register r, uint32_t value)
{
	struct virtio_queue *q;

	switch (r) {
	case REGISTER_OFFERED_WORD:
		s->offered_word = value;
		return;
	case REGISTER_ACCEPTED_WORD:
		s->accepted_word = value;
		return;
	case REGISTER_ACCEPTED:
		virtio_accept(d, s->accepted_word, value);
		return;
	case REGISTER_STATUS:
		virtio_set_status(d, (uint8_t)value);
		return;
	case REGISTER_QUEUE:
		s->queue = value;
		return;
	default:
		q = virtio_queue(d, s->queue);
		if (q)
			write_queue(q, r, value);
	}
}

void virtio_line_set(struct virtio_line *l, struct vm *vm, bool up)
{
	if (up == l->up)
		return;
	l->up = up;
	irq_line(&vm->irqs, l->gsi, up);
}
