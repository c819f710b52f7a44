/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* virtio_driver: see virtio_driver.h. It shares nothing with virtio/ but constants. */
#include <criterion/criterion.h>
#include <string.h>

#include "virtio_driver.h"

#define F_AVAIL (1u << VRING_PACKED_DESC_F_AVAIL)
#define F_USED	(1u << VRING_PACKED_DESC_F_USED)

/* Where the areas lie behind a ring's start: in the order and alignment of 2.7, with a hole each.
 */
#define DRIVER_AREA 0x4000
#define DEVICE_AREA 0x5000

static void *at(const struct driver_ring *r, uint64_t gpa, uint64_t len)
{
	void *p = guest_memory_at(r->memory, gpa, len);

	cr_assert_not_null(p, "the test's own ring isn't in guest memory");
	return p;
}

struct vring_desc *driver_ring_split_desc(const struct driver_ring *r, unsigned i)
{
	return at(r, r->desc + i * sizeof(struct vring_desc), sizeof(struct vring_desc));
}

struct vring_packed_desc *driver_ring_packed_desc(const struct driver_ring *r, unsigned i)
{
	return at(r, r->desc + i * sizeof(struct vring_packed_desc),
		  sizeof(struct vring_packed_desc));
}

struct vring_avail *driver_ring_avail(const struct driver_ring *r)
{
	return at(r, r->driver, 6 + 2u * r->size);
}

struct vring_used *driver_ring_used(const struct driver_ring *r)
{
	return at(r, r->device, 6 + 8u * r->size);
}

static struct vring_packed_desc_event *event(const struct driver_ring *r, uint64_t gpa)
{
	return at(r, gpa, sizeof(struct vring_packed_desc_event));
}

void driver_ring_init(struct driver_ring *r, const struct guest_memory *memory, uint64_t gpa,
		      uint16_t size, bool packed)
{
	unsigned i;

	cr_assert_leq(size, DRIVER_RING_MAX);
	*r = (struct driver_ring){.memory = memory,
				  .packed = packed,
				  .size = size,
				  .desc = gpa,
				  .driver = gpa + DRIVER_AREA,
				  .device = gpa + DEVICE_AREA,
				  .n_free = size};
	memset(at(r, gpa, DRIVER_RING_BYTES), 0, DRIVER_RING_BYTES);
	for (i = 0; i < size; i++)
		r->links[i] = (uint16_t)(i + 1);
	r->next_avail = r->next_used = packed ? VIRTQ_WRAP : 0;
}

void driver_ring_begin_at(struct driver_ring *r, uint16_t position)
{
	unsigned i;

	r->next_avail = r->next_used = position;
	if (!r->packed) {
		driver_ring_avail(r)->idx = driver_ring_used(r)->idx = position;
		return;
	}
	/* In the round before this one all entries were used. */
	for (i = 0; i < r->size; i++)
		driver_ring_packed_desc(r, i)->flags =
			!(position & VIRTQ_WRAP) == (i >= (position & ~VIRTQ_WRAP))
				? F_AVAIL | F_USED
				: 0;
}

uint16_t driver_ring_advance(const struct driver_ring *r, uint16_t position, unsigned n)
{
	if (!r->packed)
		return (uint16_t)(position + n);
	for (; n; n--) {
		position++;
		if ((position & ~VIRTQ_WRAP) == r->size)
			position = (position & VIRTQ_WRAP) ^ VIRTQ_WRAP;
	}
	return position;
}

static uint16_t add_split(struct driver_ring *r, const struct driver_buffer *b, unsigned n)
{
	struct vring_avail *avail = driver_ring_avail(r);
	uint16_t head = r->free_head, i = head;

	for (; n; n--, b++) {
		*driver_ring_split_desc(r, i) = (struct vring_desc){
			b->address, b->length,
			(uint16_t)(b->flags | (n > 1 ? VRING_DESC_F_NEXT : 0)), r->links[i]};
		i = r->links[i];
	}
	r->free_head = i;
	avail->ring[r->next_avail % r->size] = head;
	__atomic_store_n(&avail->idx, ++r->next_avail, __ATOMIC_RELEASE);
	return head;
}

static uint16_t add_packed(struct driver_ring *r, const struct driver_buffer *b, unsigned n)
{
	struct vring_packed_desc *head = driver_ring_packed_desc(r, r->next_avail & ~VIRTQ_WRAP),
				 *d;
	uint16_t id = r->free_head, head_flags = 0, flags;
	unsigned i;

	r->free_head = r->links[id];
	for (i = 0; i < n; i++, b++) {
		d = driver_ring_packed_desc(r, r->next_avail & ~VIRTQ_WRAP);
		flags = (uint16_t)(b->flags | (i + 1 < n ? VRING_DESC_F_NEXT : 0) |
				   (r->next_avail & VIRTQ_WRAP ? F_AVAIL : F_USED));
		d->addr = b->address;
		d->len = b->length;
		d->id = id;
		if (i)
			d->flags = flags;
		else
			head_flags = flags;
		r->next_avail = driver_ring_advance(r, r->next_avail, 1);
	}
	__atomic_store_n(&head->flags, head_flags, __ATOMIC_RELEASE);
	return id;
}

uint16_t driver_ring_add(struct driver_ring *r, const struct driver_buffer *buffers, unsigned n)
{
	uint16_t id;

	cr_assert(n && n <= r->n_free, "%u buffers, %u free", n, r->n_free);
	id = r->packed ? add_packed(r, buffers, n) : add_split(r, buffers, n);
	r->lengths[id] = (uint16_t)n;
	r->n_free -= n;
	return id;
}

struct driver_buffer driver_ring_table(const struct driver_ring *r, uint64_t table,
				       const struct driver_buffer *b, unsigned n)
{
	struct vring_packed_desc *packed = at(r, table, n * sizeof(*packed));
	struct vring_desc *split = (struct vring_desc *)packed;
	unsigned i;

	for (i = 0; i < n; i++)
		if (r->packed)
			packed[i] = (struct vring_packed_desc){b[i].address, b[i].length, 0,
							       b[i].flags};
		else
			split[i] = (struct vring_desc){
				b[i].address, b[i].length,
				(uint16_t)(b[i].flags | (i + 1 < n ? VRING_DESC_F_NEXT : 0)),
				(uint16_t)(i + 1)};
	return (struct driver_buffer){table, (uint32_t)(n * sizeof(*split)), VRING_DESC_F_INDIRECT};
}

/* What was used: its entries are free again. */
static void give_back(struct driver_ring *r, uint16_t id)
{
	uint16_t last = id;
	unsigned n;

	cr_assert_lt(id, r->size, "the device returned what it never got");
	cr_assert(r->lengths[id], "the device returned a chain that isn't on its way");
	if (!r->packed)
		for (n = r->lengths[id]; n > 1; n--)
			last = r->links[last];
	r->links[last] = r->free_head;
	r->free_head = id;
	r->n_free += r->lengths[id];
}

static bool take_split(struct driver_ring *r, struct driver_used *used)
{
	struct vring_used *ring = driver_ring_used(r);
	struct vring_used_elem *e = &ring->ring[r->next_used % r->size];

	if (__atomic_load_n(&ring->idx, __ATOMIC_ACQUIRE) == r->next_used)
		return false;
	*used = (struct driver_used){(uint16_t)e->id, e->len};
	return true;
}

static bool take_packed(struct driver_ring *r, struct driver_used *used)
{
	struct vring_packed_desc *d = driver_ring_packed_desc(r, r->next_used & ~VIRTQ_WRAP);
	uint16_t flags = __atomic_load_n(&d->flags, __ATOMIC_ACQUIRE);
	bool wrap = r->next_used & VIRTQ_WRAP;

	if (!!(flags & F_AVAIL) != wrap || !!(flags & F_USED) != wrap)
		return false;
	/* 2.8.4: the length counts only if the device says that it wrote. */
	*used = (struct driver_used){d->id, flags & VRING_DESC_F_WRITE ? d->len : 0};
	return true;
}

bool driver_ring_take(struct driver_ring *r, struct driver_used *used)
{
	if (!(r->packed ? take_packed(r, used) : take_split(r, used)))
		return false;
	give_back(r, used->id);
	r->next_used = driver_ring_advance(r, r->next_used, r->packed ? r->lengths[used->id] : 1);
	r->lengths[used->id] = 0;
	return true;
}

bool driver_ring_wants_kick(const struct driver_ring *r, uint16_t before)
{
	const struct vring_packed_desc_event *e;
	const struct vring_used *used;
	uint16_t p;

	if (!r->packed) {
		used = driver_ring_used(r);
		return r->event_idx ? vring_need_event(*(const uint16_t *)&used->ring[r->size],
						       r->next_avail, before)
				    : !(used->flags & VRING_USED_F_NO_NOTIFY);
	}
	e = event(r, r->device);
	if (e->flags != VRING_PACKED_EVENT_FLAG_DESC)
		return e->flags == VRING_PACKED_EVENT_FLAG_ENABLE;
	for (p = before; p != r->next_avail; p = driver_ring_advance(r, p, 1))
		if (p == e->off_wrap)
			return true;
	return false;
}

void driver_ring_ask(struct driver_ring *r, bool interrupts)
{
	if (r->packed)
		event(r, r->driver)->flags = interrupts ? VRING_PACKED_EVENT_FLAG_ENABLE
							: VRING_PACKED_EVENT_FLAG_DISABLE;
	else
		driver_ring_avail(r)->flags = interrupts ? 0 : VRING_AVAIL_F_NO_INTERRUPT;
}

void driver_ring_ask_at(struct driver_ring *r, uint16_t position)
{
	if (!r->packed) {
		driver_ring_avail(r)->ring[r->size] = position;
		return;
	}
	event(r, r->driver)->off_wrap = position;
	event(r, r->driver)->flags = VRING_PACKED_EVENT_FLAG_DESC;
}
