/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * virtio_driver: the driver's side of a virtqueue, split or packed, laid into guest memory. It
 * keeps the rules unless a test gives it buffers that break them. Positions are written as struct
 * virtq has them: free-running numbers, or places with VIRTQ_WRAP.
 */
#ifndef CARILLON_TESTS_VIRTIO_DRIVER_H
#define CARILLON_TESTS_VIRTIO_DRIVER_H

#include <linux/virtio_ring.h>

#include "../../virtio/queue.h"

#define DRIVER_RING_MAX 256
/* What a ring of that size and its areas take at most, bytes. */
#define DRIVER_RING_BYTES (32 * KIB)

struct driver_buffer {
	uint64_t address; /* guest-physical */
	uint32_t length;
	uint16_t flags; /* VRING_DESC_F_WRITE, and what else a bad driver sets */
};

struct driver_used {
	uint16_t id;
	uint32_t written;
};

struct driver_ring {
	const struct guest_memory *memory;
	bool packed, event_idx;
	uint16_t size;
	uint64_t desc, driver, device; /* guest-physical */
	uint16_t next_avail, next_used;
	uint16_t n_free, free_head;
	/* By descriptor (split) or buffer ID (packed): the next free one, a chain's next. */
	uint16_t links[DRIVER_RING_MAX];
	uint16_t lengths[DRIVER_RING_MAX]; /* entries of the chain on its way; 0: none */
};

/* Lay an empty ring at guest-physical `at`, a multiple of 4096, into memory. */
void driver_ring_init(struct driver_ring *r, const struct guest_memory *memory, uint64_t at,
		      uint16_t size, bool packed);
/* Begin at another position than the first; the ring is empty. */
void driver_ring_begin_at(struct driver_ring *r, uint16_t position);
/* A position n entries (split: chains) further. */
uint16_t driver_ring_advance(const struct driver_ring *r, uint16_t position, unsigned n);
/* Make one chain of n buffers available; returns its head or ID. There must be room. */
uint16_t driver_ring_add(struct driver_ring *r, const struct driver_buffer *buffers, unsigned n);
/*
 * Write n buffers as an indirect table to guest-physical `table`, for one buffer that leads there:
 * it is returned.
 */
struct driver_buffer driver_ring_table(const struct driver_ring *r, uint64_t table,
				       const struct driver_buffer *buffers, unsigned n);
/* Take a chain that was used. False: there is none. */
bool driver_ring_take(struct driver_ring *r, struct driver_used *used);
/* Does the device want a kick for what was made available from position `before` on? */
bool driver_ring_wants_kick(const struct driver_ring *r, uint16_t before);
/* Ask for interrupts or not; or, with the event index, for one when `position` is used. */
void driver_ring_ask(struct driver_ring *r, bool interrupts);
void driver_ring_ask_at(struct driver_ring *r, uint16_t position);

/* The rings themselves, for tests that break them. */
struct vring_desc *driver_ring_split_desc(const struct driver_ring *r, unsigned i);
struct vring_packed_desc *driver_ring_packed_desc(const struct driver_ring *r, unsigned i);
struct vring_avail *driver_ring_avail(const struct driver_ring *r);
struct vring_used *driver_ring_used(const struct driver_ring *r);

#endif
