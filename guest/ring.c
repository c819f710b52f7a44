/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* ring: see ring.h. */
#include "ring.h"

#define AVAIL 0x1000u
#define USED  0x2000u

static volatile uint16_t *half(const struct ring *r, uint32_t offset)
{
	return (volatile uint16_t *)(r->at + offset);
}

void ring_init(struct ring *r, const struct virtio_function *f, unsigned q, uint32_t at)
{
	unsigned i;

	*r = (struct ring){.at = at, .queue = (uint16_t)q};
	for (i = 0; i < RING_SIZE; i++)
		*half(r, AVAIL + 4 + 2 * i) = (uint16_t)i;
	*half(r, AVAIL + 2) = *half(r, USED + 2) = 0;
	*half(r, AVAIL + 4 + 2 * RING_SIZE) = *half(r, USED + 4 + 8 * RING_SIZE) = 0;
	virtio_queue(f, q, RING_SIZE, at, at + AVAIL, at + USED);
	r->doorbell = virtio_doorbell(f, q);
}

struct descriptor *ring_descriptor(const struct ring *r, unsigned i)
{
	return (struct descriptor *)r->at + i;
}

void ring_offer(struct ring *r, uint16_t n)
{
	uint16_t before = r->offered, event;

	r->offered = (uint16_t)(before + n);
	*half(r, AVAIL + 2) = r->offered;
	/* 2.7.13.4.1: the index is out before the device's wish is read. */
	__asm__ volatile("lock; addl $0, (%%esp)" : : : "memory");
	event = *half(r, USED + 4 + 8 * RING_SIZE);
	if ((uint16_t)(r->offered - event - 1) < n) {
		*r->doorbell = r->queue;
		r->kicks++;
	}
}

uint16_t ring_take(struct ring *r, uint16_t later)
{
	uint16_t used = *half(r, USED + 2), n = (uint16_t)(used - r->taken);

	if (!n)
		return 0;
	r->taken = used;
	*half(r, AVAIL + 4 + 2 * RING_SIZE) = (uint16_t)(used + later);
	return n;
}

uint16_t ring_returned(const struct ring *r, uint16_t i)
{
	return *half(r, USED + 4 + 8 * (i % RING_SIZE));
}
