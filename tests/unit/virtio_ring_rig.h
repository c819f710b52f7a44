/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * virtio_ring_rig: a virtqueue between its two sides, in a guest memory of two banks that are
 * pieces of the heap, so that ASan sees any step beside them. RING_TEST() runs a test on a split
 * and on a packed ring.
 */
#ifndef CARILLON_TESTS_VIRTIO_RING_RIG_H
#define CARILLON_TESTS_VIRTIO_RING_RIG_H

#include <criterion/criterion.h>

#include "virtio_driver.h"

/* Guest-physical. The second bank is the last of the address space: nothing may pass 2^64. */
#define RIG_RING  0x10000ULL
#define RIG_TABLE 0x18000ULL
#define RIG_DATA  0x20000ULL
#define RIG_END	  0x40000ULL
#define RIG_TOP	  0xffffffffffffe000ULL

#define RIG_IN VRING_DESC_F_WRITE

struct ring_rig {
	struct guest_memory memory;
	uint8_t *before; /* what rig_remember() saw */
	struct virtq q;
	struct virtq_features features;
	struct driver_ring d;
	struct virtq_chain c;
	struct iovec iov[VIRTQ_SIZE_MAX];
};

/* A started queue of `size` entries. */
void rig_open(struct ring_rig *r, uint16_t size, const struct virtq_features *features);
void rig_close(struct ring_rig *r);
/* Begin anew, both sides at `position`. */
void rig_begin_at(struct ring_rig *r, uint16_t position);
/* The last position before the numbers turn over. */
uint16_t rig_last_position(const struct ring_rig *r);
/* Make a chain available, pop it and push it back: `written` bytes. */
void rig_pass(struct ring_rig *r, unsigned buffers, uint32_t written);
void *rig_at(const struct ring_rig *r, uint64_t gpa, uint64_t len);
/* Remember all of guest memory; and: is it still the same? */
void rig_remember(struct ring_rig *r);
bool rig_is_untouched(const struct ring_rig *r);

#define RING_TEST(suite, name, size, ...)                                                       \
	static void name(struct ring_rig *r);                                                   \
	Test(suite, split_##name)                                                               \
	{                                                                                       \
		static struct ring_rig rig;                                                     \
		rig_open(&rig, size, &(struct virtq_features){.packed = false, ##__VA_ARGS__}); \
		name(&rig);                                                                     \
		rig_close(&rig);                                                                \
	}                                                                                       \
	Test(suite, packed_##name)                                                              \
	{                                                                                       \
		static struct ring_rig rig;                                                     \
		rig_open(&rig, size, &(struct virtq_features){.packed = true, ##__VA_ARGS__});  \
		name(&rig);                                                                     \
		rig_close(&rig);                                                                \
	}                                                                                       \
	static void name(struct ring_rig *r)

#endif
