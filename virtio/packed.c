/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Packed virtqueues (2.8): one ring, in which descriptors become available and used in place. A
 * position goes with a wrap counter, which turns over each time the ring's end is passed. Numbers
 * are little-endian, as all our machines are.
 */
#include "queue.h"

#include <errno.h>
#include <linux/virtio_ring.h>

#define READ_ONCE(x)	 (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))

#define F_AVAIL (1u << VRING_PACKED_DESC_F_AVAIL)
#define F_USED	(1u << VRING_PACKED_DESC_F_USED)

static struct vring_packed_desc *ring(const struct virtq *q)
{
	return q->desc_ring;
}

static int start(struct virtq *q)
{
	if (q->desc % 16 || q->driver % 4 || q->device % 4)
		return -EFAULT;
	q->desc_ring = guest_memory_at(q->memory, q->desc, q->size * sizeof(*ring(q)));
	q->driver_area =
		guest_memory_at(q->memory, q->driver, sizeof(struct vring_packed_desc_event));
	q->device_area =
		guest_memory_at(q->memory, q->device, sizeof(struct vring_packed_desc_event));
	q->next_avail = q->next_used = VIRTQ_WRAP;
	return q->desc_ring && q->driver_area && q->device_area ? 0 : -EFAULT;
}

static unsigned place(uint16_t position)
{
	return position & ~VIRTQ_WRAP;
}

/* A position n entries further, n at most the ring's size. */
static uint16_t advance(const struct virtq *q, uint16_t position, unsigned n)
{
	unsigned at = place(position) + n, wrap = position & VIRTQ_WRAP;

	if (at >= q->size) {
		at -= q->size;
		wrap ^= VIRTQ_WRAP;
	}
	return (uint16_t)(at | wrap);
}

static uint16_t retreat(const struct virtq *q, uint16_t position, unsigned n)
{
	unsigned at = place(position), wrap = position & VIRTQ_WRAP;

	if (at < n) {
		at += q->size;
		wrap ^= VIRTQ_WRAP;
	}
	return (uint16_t)((at - n) | wrap);
}

/* 2.8.1: available when its AVAIL bit is the wrap counter and its USED bit isn't. */
static bool is_available(uint16_t flags, uint16_t position)
{
	bool wrap = position & VIRTQ_WRAP;

	return !!(flags & F_AVAIL) == wrap && !!(flags & F_USED) != wrap;
}

static uint16_t flags_at(const struct virtq *q, uint16_t position)
{
	return __atomic_load_n(&ring(q)[place(position)].flags, __ATOMIC_ACQUIRE);
}

/* Of an indirect table's flags only WRITE counts: all its entries are the chain (2.8.7). */
static int walk_table(struct virtq *q, struct virtq_chain *c, const struct virtq_buffer *table)
{
	struct vring_packed_desc d;
	struct virtq_buffer b;
	uint32_t n = table->length / sizeof(d), i;
	const uint8_t *entries;
	int ret;

	if (!q->indirect || (table->flags & VRING_DESC_F_NEXT))
		return virtq_break(q, "an indirect table where none may be");
	if (!n || table->length % sizeof(d))
		return virtq_break(q, "an indirect table has no whole entries");
	if (n > q->size)
		return virtq_break(q, "a chain is longer than the ring");
	entries = guest_memory_at(q->memory, table->address, table->length);
	if (!entries)
		return virtq_break(q, "an indirect table isn't in guest memory");
	for (i = 0; i < n; i++) {
		virtq_load(&d, entries + i * sizeof(d), sizeof(d));
		b = (struct virtq_buffer){d.addr, d.len, d.flags};
		if (b.flags & VRING_DESC_F_INDIRECT)
			return virtq_break(q, "an indirect table where none may be");
		ret = virtq_chain_add(q, c, &b);
		if (ret)
			return ret;
	}
	return 0;
}

/* The head is there, and with it all of the chain; its ID is in the last of it (2.8.6). */
static int pop(struct virtq *q, struct virtq_chain *c)
{
	struct vring_packed_desc d;
	struct virtq_buffer b;
	uint16_t position = q->next_avail, flags = flags_at(q, position);
	unsigned n = 0;
	int ret;

	if (!is_available(flags, position))
		return 0;
	do {
		if (n == q->size)
			return virtq_break(q, "a chain is longer than the ring, or a loop");
		virtq_load(&d, &ring(q)[place(position)], sizeof(d));
		b = (struct virtq_buffer){d.addr, d.len, n ? d.flags : flags};
		c->id = d.id;
		if ((b.flags & VRING_DESC_F_INDIRECT) && n)
			return virtq_break(q, "an indirect table where none may be");
		ret = b.flags & VRING_DESC_F_INDIRECT ? walk_table(q, c, &b)
						      : virtq_chain_add(q, c, &b);
		if (ret)
			return ret;
		n++;
		position = advance(q, position, 1);
	} while (b.flags & VRING_DESC_F_NEXT);
	c->descriptors = (uint16_t)n;
	q->next_avail = position;
	return 1;
}

static void unpop(struct virtq *q, const struct virtq_chain *c)
{
	q->next_avail = retreat(q, q->next_avail, c->descriptors);
}

static uint16_t used_flags(uint16_t position, const struct virtq_chain *c)
{
	uint16_t flags = position & VIRTQ_WRAP ? F_AVAIL | F_USED : 0;

	/* 2.8.4: the length counts if the device wrote. */
	return c->n_in ? flags | VRING_DESC_F_WRITE : flags;
}

/* Positions on a line of two rounds, after which place and counter are the same again. */
static unsigned on_line(const struct virtq *q, uint16_t position)
{
	return place(position) + (position & VIRTQ_WRAP ? 0 : q->size);
}

/* How far it is from one to the other. */
static unsigned distance(const struct virtq *q, uint16_t from, uint16_t to)
{
	return (on_line(q, to) + 2u * q->size - on_line(q, from)) % (2u * q->size);
}

/* A driver reads on where it stopped: it sees none before it sees the first, which is last. */
static void push(struct virtq *q, const struct virtq_chain *c, const uint32_t *written, unsigned n)
{
	uint16_t first = q->next_used;
	struct vring_packed_desc *d;
	unsigned i;

	for (i = 0; i < n; i++) {
		d = &ring(q)[place(q->next_used)];
		WRITE_ONCE(d->id, c[i].id);
		WRITE_ONCE(d->len, written[i]);
		if (i)
			WRITE_ONCE(d->flags, used_flags(q->next_used, &c[i]));
		/* So far behind, the line can't tell any more what was used since. */
		if (distance(q, q->signalled, q->next_used) + c[i].descriptors >= 2u * q->size)
			q->signalled_known = false;
		q->next_used = advance(q, q->next_used, c[i].descriptors);
	}
	__atomic_store_n(&ring(q)[place(first)].flags, used_flags(first, c), __ATOMIC_RELEASE);
}

static bool wants_interrupt(struct virtq *q)
{
	const struct vring_packed_desc_event *e = q->driver_area;
	uint16_t before = q->signalled, event, flags;
	bool known = q->signalled_known;

	/* What was pushed is seen before we look what the driver wants. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	q->signalled = q->next_used;
	q->signalled_known = true;
	flags = READ_ONCE(e->flags) & 3;
	if (flags != VRING_PACKED_EVENT_FLAG_DESC || !q->event_idx)
		return flags != VRING_PACKED_EVENT_FLAG_DISABLE;
	event = READ_ONCE(e->off_wrap);
	if (!known || place(event) >= q->size)
		return true;
	/* 2.8.10: when the entry of the event is among those that were used since. */
	return distance(q, before, event) < distance(q, before, q->next_used);
}

static bool has_chain(struct virtq *q)
{
	return is_available(flags_at(q, q->next_avail), q->next_avail);
}

static void ask_kicks(struct virtq *q, bool on)
{
	struct vring_packed_desc_event *e = q->device_area;
	uint16_t flags = VRING_PACKED_EVENT_FLAG_ENABLE;

	if (on && q->event_idx) {
		WRITE_ONCE(e->off_wrap, q->next_avail);
		flags = VRING_PACKED_EVENT_FLAG_DESC;
	}
	__atomic_store_n(&e->flags, on ? flags : VRING_PACKED_EVENT_FLAG_DISABLE, __ATOMIC_RELEASE);
}

const struct virtq_ring_ops virtq_packed = {start,	     pop,	unpop,	  push,
					    wants_interrupt, has_chain, ask_kicks};
