/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Split virtqueues (2.7): a table of descriptors, a ring of heads that are available, a ring of
 * heads that were used. Numbers are little-endian, as all our machines are.
 */
#include "queue.h"

#include <errno.h>
#include <linux/virtio_ring.h>

/* The driver writes while we read: what may change is read once. */
#define READ_ONCE(x)	 (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))

static struct vring_avail *avail(const struct virtq *q)
{
	return q->driver_area;
}

static struct vring_used *used(const struct virtq *q)
{
	return q->device_area;
}

/* The last word of each ring, behind its entries, is the other side's event (2.7.10). */
static uint16_t *used_event(const struct virtq *q)
{
	return &avail(q)->ring[q->size];
}

static uint16_t *avail_event(const struct virtq *q)
{
	return (uint16_t *)&used(q)->ring[q->size];
}

static int start(struct virtq *q)
{
	uint64_t n = q->size;

	if (!is_pow2(n))
		return -EINVAL;
	if (q->desc % 16 || q->driver % 2 || q->device % 4)
		return -EFAULT;
	q->desc_ring = guest_memory_at(q->memory, q->desc, n * sizeof(struct vring_desc));
	q->driver_area = guest_memory_at(q->memory, q->driver, 6 + 2 * n);
	q->device_area =
		guest_memory_at(q->memory, q->device, 6 + n * sizeof(struct vring_used_elem));
	q->next_avail = q->next_used = 0;
	return q->desc_ring && q->driver_area && q->device_area ? 0 : -EFAULT;
}

/* Entry `at` of a table of vring_desc. */
static struct virtq_buffer load(const uint8_t *table, uint16_t at, uint16_t *next)
{
	struct vring_desc d;

	virtq_load(&d, table + at * sizeof(d), sizeof(d));
	*next = d.next;
	return (struct virtq_buffer){d.addr, d.len, d.flags};
}

/*
 * Walk a table from entry `at` on; in the ring itself an entry may lead to an indirect table, which
 * ends the chain (2.7.5.3). No walk is longer than the ring, whatever the links say.
 */
static int walk(struct virtq *q, struct virtq_chain *c, const uint8_t *table, uint32_t entries,
		uint16_t at, bool within)
{
	struct virtq_buffer b;
	unsigned n;
	uint16_t next;
	void *inner;
	int ret;

	for (n = 0; n < q->size; n++, at = next) {
		if (at >= entries)
			return virtq_break(q, "a descriptor's number is beyond its table");
		b = load(table, at, &next);
		if (b.flags & VRING_DESC_F_INDIRECT) {
			if (within || !q->indirect || (b.flags & VRING_DESC_F_NEXT))
				return virtq_break(q, "an indirect table where none may be");
			if (!b.length || b.length % sizeof(struct vring_desc))
				return virtq_break(q, "an indirect table has no whole entries");
			inner = guest_memory_at(q->memory, b.address, b.length);
			if (!inner)
				return virtq_break(q, "an indirect table isn't in guest memory");
			return walk(q, c, inner, b.length / sizeof(struct vring_desc), 0, true);
		}
		ret = virtq_chain_add(q, c, &b);
		if (ret || !(b.flags & VRING_DESC_F_NEXT))
			return ret;
	}
	return virtq_break(q, "a chain is longer than the ring, or a loop");
}

static int pop(struct virtq *q, struct virtq_chain *c)
{
	uint16_t n, head;
	int ret;

	n = (uint16_t)(__atomic_load_n(&avail(q)->idx, __ATOMIC_ACQUIRE) - q->next_avail);
	if (!n)
		return 0;
	if (n > q->size)
		return virtq_break(q, "more buffers are available than the ring has");
	head = READ_ONCE(avail(q)->ring[q->next_avail % q->size]);
	ret = walk(q, c, q->desc_ring, q->size, head, false);
	if (ret)
		return ret;
	c->id = head;
	c->descriptors = 1;
	q->next_avail++;
	return 1;
}

static void unpop(struct virtq *q, const struct virtq_chain *c)
{
	(void)c;
	q->next_avail--;
}

static void push(struct virtq *q, const struct virtq_chain *c, const uint32_t *written, unsigned n)
{
	struct vring_used_elem *e;
	unsigned i;

	for (i = 0; i < n; i++) {
		e = &used(q)->ring[q->next_used % q->size];
		WRITE_ONCE(e->id, c[i].id);
		WRITE_ONCE(e->len, written[i]);
		q->next_used++;
	}
	__atomic_store_n(&used(q)->idx, q->next_used, __ATOMIC_RELEASE);
}

static bool wants_interrupt(struct virtq *q)
{
	uint16_t before = q->signalled;
	bool known = q->signalled_known;

	/* What was pushed is seen before we look what the driver wants. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	q->signalled = q->next_used;
	q->signalled_known = true;
	if (!q->event_idx)
		return !(READ_ONCE(avail(q)->flags) & VRING_AVAIL_F_NO_INTERRUPT);
	return !known || vring_need_event(READ_ONCE(*used_event(q)), q->next_used, before);
}

static bool has_chain(struct virtq *q)
{
	return READ_ONCE(avail(q)->idx) != q->next_avail;
}

static void ask_kicks(struct virtq *q, bool on)
{
	if (!q->event_idx)
		WRITE_ONCE(used(q)->flags, on ? 0 : VRING_USED_F_NO_NOTIFY);
	else if (on)
		WRITE_ONCE(*avail_event(q), q->next_avail);
}

const struct virtq_ring_ops virtq_split = {start,	    pop,       unpop,	 push,
					   wants_interrupt, has_chain, ask_kicks};
