/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * ring: a split ring (2.7) of a benchmark's driver, filled once: entry i of the available ring is
 * always chain i. Offering any number of requests is one store, as a KVM may need a microsecond for
 * each instruction of a guest. A chain may so be offered again before it came back, with what was
 * in it, which no device minds.
 */
#ifndef CARILLON_GUEST_RING_H
#define CARILLON_GUEST_RING_H

#include "virtio.h"

#define RING_SIZE  256u
#define RING_BYTES 0x4000u

#define RING_NEXT     1
#define RING_WRITE    2
#define RING_INDIRECT 4

struct descriptor {
	uint64_t address;
	uint32_t length;
	uint16_t flags, next;
};

struct ring {
	uint32_t at; /* guest-physical: RING_BYTES, aligned to a page */
	volatile uint16_t *doorbell;
	uint16_t queue;
	uint16_t offered, taken; /* free-running */
	uint32_t kicks;
};

/* Enable queue q of a function that is negotiated, the device not yet at work. */
void ring_init(struct ring *r, const struct virtio_function *f, unsigned q, uint32_t at);
/* Chain i, or the table of entries that it is. */
struct descriptor *ring_descriptor(const struct ring *r, unsigned i);
/* n chains more; a kick, if the device wants one. */
void ring_offer(struct ring *r, uint16_t n);
/*
 * How many chains came back since the last call; asks for an interrupt, which nobody takes, when
 * `later` + 1 more have.
 */
uint16_t ring_take(struct ring *r, uint16_t later);
/* Which chain the i-th was that came back, free-running. */
uint16_t ring_returned(const struct ring *r, uint16_t i);

#endif
