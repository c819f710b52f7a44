/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* virtio_ring_rig: see virtio_ring_rig.h. */
#include <stdlib.h>
#include <string.h>

#include "virtio_ring_rig.h"

#define LOW_SIZE (RIG_END - RIG_RING)
#define TOP_SIZE (0 - RIG_TOP)

static void start(struct ring_rig *r)
{
	r->q.desc = r->d.desc;
	r->q.driver = r->d.driver;
	r->q.device = r->d.device;
	r->q.size = r->d.size;
	cr_assert_eq(virtq_start(&r->q, &r->features), 0);
}

void rig_open(struct ring_rig *r, uint16_t size, const struct virtq_features *features)
{
	memset(r, 0, sizeof(*r));
	r->features = *features;
	r->memory.n = 2;
	r->memory.banks[0] = (struct ram_bank){RIG_RING, LOW_SIZE, aligned_alloc(64, LOW_SIZE), 0};
	r->memory.banks[1] = (struct ram_bank){RIG_TOP, TOP_SIZE, aligned_alloc(64, TOP_SIZE), 0};
	r->before = malloc(LOW_SIZE + TOP_SIZE);
	memset(r->memory.banks[0].host, 0xa5, LOW_SIZE);
	memset(r->memory.banks[1].host, 0xa5, TOP_SIZE);
	r->c = (struct virtq_chain){.iov = r->iov, .room = VIRTQ_SIZE_MAX};
	r->q = (struct virtq){.memory = &r->memory, .size_max = DRIVER_RING_MAX};
	driver_ring_init(&r->d, &r->memory, RIG_RING, size, features->packed);
	r->d.event_idx = features->event_idx;
	start(r);
}

void rig_close(struct ring_rig *r)
{
	free(r->memory.banks[0].host);
	free(r->memory.banks[1].host);
	free(r->before);
}

void rig_begin_at(struct ring_rig *r, uint16_t position)
{
	bool event_idx = r->d.event_idx;

	driver_ring_init(&r->d, &r->memory, RIG_RING, r->d.size, r->d.packed);
	r->d.event_idx = event_idx;
	driver_ring_begin_at(&r->d, position);
	virtq_reset(&r->q);
	start(r);
	cr_assert_eq(virtq_set_base(&r->q, (uint32_t)position << 16 | position), 0);
}

uint16_t rig_last_position(const struct ring_rig *r)
{
	return r->d.packed ? (uint16_t)(r->d.size - 1) : UINT16_MAX;
}

void rig_pass(struct ring_rig *r, unsigned buffers, uint32_t written)
{
	struct driver_buffer b[DRIVER_RING_MAX];
	struct driver_used used;
	uint16_t id;
	unsigned i;

	for (i = 0; i < buffers; i++)
		b[i] = (struct driver_buffer){RIG_DATA + 16 * i, 16, RIG_IN};
	id = driver_ring_add(&r->d, b, buffers);
	cr_assert_eq(virtq_pop(&r->q, &r->c), 1);
	cr_assert_eq(r->c.n_in, buffers);
	virtq_push(&r->q, &r->c, written);
	cr_assert(driver_ring_take(&r->d, &used));
	cr_assert_eq(used.id, id);
	cr_assert_eq(used.written, written);
}

void *rig_at(const struct ring_rig *r, uint64_t gpa, uint64_t len)
{
	void *p = guest_memory_at(&r->memory, gpa, len);

	cr_assert_not_null(p);
	return p;
}

void rig_remember(struct ring_rig *r)
{
	memcpy(r->before, r->memory.banks[0].host, LOW_SIZE);
	memcpy(r->before + LOW_SIZE, r->memory.banks[1].host, TOP_SIZE);
}

bool rig_is_untouched(const struct ring_rig *r)
{
	return !memcmp(r->before, r->memory.banks[0].host, LOW_SIZE) &&
	       !memcmp(r->before + LOW_SIZE, r->memory.banks[1].host, TOP_SIZE);
}
