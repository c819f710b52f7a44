/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Virtqueues: what split and packed rings share, and the choice between them. */
#include "queue.h"

#include <errno.h>
#include <string.h>
#include <linux/virtio_ring.h>

int virtq_start(struct virtq *q, const struct virtq_features *features)
{
	int ret;

	if (!q->size || q->size > q->size_max)
		return -EINVAL;
	q->event_idx = features->event_idx;
	q->indirect = features->indirect;
	q->ring = features->packed ? &virtq_packed : &virtq_split;
	ret = q->ring->start(q);
	if (ret)
		q->ring = NULL;
	return ret;
}

void virtq_reset(struct virtq *q)
{
	*q = (struct virtq){.memory = q->memory, .size = q->size_max, .size_max = q->size_max};
}

int virtq_break(struct virtq *q, const char *how)
{
	q->broken = how;
	return -EBADMSG;
}

void virtq_chain_begin(struct virtq_chain *c)
{
	c->n_out = c->n_in = 0;
	c->out_bytes = c->in_bytes = 0;
	c->id = c->descriptors = 0;
}

int virtq_chain_add(struct virtq *q, struct virtq_chain *c, const struct virtq_buffer *b)
{
	bool in = b->flags & VRING_DESC_F_WRITE;
	void *host;

	if (!in && c->n_in)
		return virtq_break(q, "a readable buffer follows a writable one");
	if (!b->length)
		return 0;
	if (c->n_out + c->n_in == c->room)
		return virtq_break(q, "a chain has too many buffers");
	if (c->out_bytes + c->in_bytes + b->length > UINT32_MAX)
		return virtq_break(q, "a chain has 4 GiB or more");
	host = guest_memory_at(q->memory, b->address, b->length);
	if (!host)
		return virtq_break(q, "a buffer isn't in guest memory");
	c->iov[c->n_out + c->n_in] = (struct iovec){host, b->length};
	*(in ? &c->n_in : &c->n_out) += 1;
	*(in ? &c->in_bytes : &c->out_bytes) += b->length;
	return 0;
}

int virtq_pop(struct virtq *q, struct virtq_chain *c)
{
	int ret;

	if (q->broken)
		return -EBADMSG;
	if (!q->ring)
		return 0;
	virtq_chain_begin(c);
	ret = q->ring->pop(q, c);
	if (ret <= 0)
		return ret;
	/* A driver may offer again what it has not got back: nobody has room for more than that. */
	if (c->descriptors > q->size - q->in_flight)
		return virtq_break(q, "more buffers are on their way than the ring has");
	q->in_flight += c->descriptors;
	return 1;
}

void virtq_unpop(struct virtq *q, const struct virtq_chain *c)
{
	q->in_flight -= c->descriptors;
	q->ring->unpop(q, c);
}

void virtq_push(struct virtq *q, const struct virtq_chain *c, uint32_t written)
{
	virtq_push_all(q, c, &written, 1);
}

void virtq_push_all(struct virtq *q, const struct virtq_chain *c, const uint32_t *written,
		    unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		q->in_flight -= c[i].descriptors;
	q->ring->push(q, c, written, n);
}

bool virtq_wants_interrupt(struct virtq *q)
{
	return q->ring && q->ring->wants_interrupt(q);
}

bool virtq_has_chain(struct virtq *q)
{
	return q->ring && !q->broken && q->ring->has_chain(q);
}

bool virtq_ask_kicks(struct virtq *q, bool on)
{
	if (!q->ring || q->broken)
		return false;
	q->ring->ask_kicks(q, on);
	if (!on)
		return false;
	/* A driver that added a buffer before it saw this has not kicked: look again. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return q->ring->has_chain(q);
}

uint32_t virtq_base(const struct virtq *q)
{
	if (q->ring != &virtq_packed)
		return q->next_avail;
	return (uint32_t)q->next_used << 16 | q->next_avail;
}

int virtq_set_base(struct virtq *q, uint32_t base)
{
	bool packed = q->ring == &virtq_packed;
	uint16_t avail = (uint16_t)base, used = packed ? (uint16_t)(base >> 16) : avail;

	if (packed && ((avail & ~VIRTQ_WRAP) >= q->size || (used & ~VIRTQ_WRAP) >= q->size))
		return -EINVAL;
	q->next_avail = avail;
	q->next_used = used;
	q->signalled_known = false;
	return 0;
}

size_t virtq_read(const struct virtq_chain *c, uint64_t offset, void *buf, size_t n)
{
	return iov_gather(c->iov, c->n_out, offset, buf, n);
}

size_t virtq_write(const struct virtq_chain *c, uint64_t offset, const void *buf, size_t n)
{
	return iov_scatter(c->iov + c->n_out, c->n_in, offset, buf, n);
}
