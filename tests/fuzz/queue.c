/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A virtqueue by itself, split or packed: what it hands out lies in guest memory, and its counts
 * are right, whatever the ring says.
 *
 * The input: 1 byte of features, 1 of size, 2 of position, 1 of how many operations follow, which
 * are 4 bytes each (what, nothing, 16 bits of argument); the rest is guest memory from 0 on: the
 * descriptors, at AREAS the other areas.
 */
#include <stdlib.h>
#include <string.h>
#include <linux/virtio_ring.h>

#include "../../virtio/queue.h"

#define MEMORY	  (8 * KIB)
#define SIZE_MAX_ 64
#define AREAS	  (SIZE_MAX_ * sizeof(struct vring_desc))
#define HEAD	  5
#define OP	  4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct queue_run {
	struct guest_memory memory;
	struct virtq q;
	struct virtq_chain chains[SIZE_MAX_];
	struct iovec iov[SIZE_MAX_][SIZE_MAX_];
	unsigned popped; /* of chains[], the first so many are on their way */
	bool last_popped;
};

static void must(bool good)
{
	if (!good)
		abort();
}

static void check_chain(const struct queue_run *r, const struct virtq_chain *c)
{
	uint64_t out = 0, in = 0;
	unsigned i;

	must(c->n_out + c->n_in <= c->room && c->descriptors && c->descriptors <= r->q.size);
	for (i = 0; i < c->n_out + c->n_in; i++) {
		const uint8_t *base = c->iov[i].iov_base, *ram = r->memory.banks[0].host;

		must(base >= ram && c->iov[i].iov_len && base + c->iov[i].iov_len <= ram + MEMORY);
		*(i < c->n_out ? &out : &in) += c->iov[i].iov_len;
	}
	must(out == c->out_bytes && in == c->in_bytes && out + in <= UINT32_MAX);
}

static void pop(struct queue_run *r)
{
	struct virtq_chain *c = &r->chains[r->popped];
	bool was_broken = r->q.broken;
	int ret;

	if (r->popped == SIZE_MAX_)
		return;
	*c = (struct virtq_chain){.iov = r->iov[r->popped], .room = SIZE_MAX_};
	ret = virtq_pop(&r->q, c);
	must(ret <= 1 && (ret < 0) == (r->q.broken != NULL) && (ret < 0 || !was_broken));
	if (ret <= 0)
		return;
	check_chain(r, c);
	r->popped++;
	r->last_popped = true;
}

/* Give back the i-th of those on their way, having filled it: perhaps over the ring itself. */
static void push(struct queue_run *r, unsigned i)
{
	struct virtq_chain c;
	uint8_t buf[256];
	size_t n;

	if (!r->popped)
		return;
	i %= r->popped;
	c = r->chains[i];
	n = virtq_read(&c, i, buf, sizeof(buf));
	virtq_push(&r->q, &c, (uint32_t)virtq_write(&c, i, buf, n));
	r->popped--;
	for (; i < r->popped; i++) {
		memcpy(r->iov[i], r->iov[i + 1], sizeof(r->iov[i]));
		r->chains[i] = r->chains[i + 1];
		r->chains[i].iov = r->iov[i];
	}
	r->last_popped = false;
}

static void unpop(struct queue_run *r)
{
	if (!r->last_popped || r->q.broken)
		return;
	virtq_unpop(&r->q, &r->chains[--r->popped]);
	r->last_popped = false;
}

static void operate(struct queue_run *r, uint8_t what, uint16_t argument)
{
	switch (what % 6) {
	case 0:
		pop(r);
		return;
	case 1:
		push(r, argument);
		return;
	case 2:
		unpop(r);
		return;
	case 3:
		virtq_wants_interrupt(&r->q);
		return;
	case 4:
		virtq_ask_kicks(&r->q, argument & 1);
		return;
	default:
		/* The guest goes on: it makes entries available, or changes what it has made. */
		guest_memory_write(&r->memory, argument % MEMORY, &argument, 1);
	}
}

static void run(struct queue_run *r, const uint8_t *head, const uint8_t *ops)
{
	struct virtq_features f = {head[0] & 1, head[0] & 2, head[0] & 4};
	uint16_t position, argument;
	unsigned n;

	r->q = (struct virtq){.memory = &r->memory,
			      .size = head[1] % (SIZE_MAX_ + 1),
			      .size_max = SIZE_MAX_,
			      .driver = AREAS,
			      .device = AREAS + 256};
	if (virtq_start(&r->q, &f))
		return;
	memcpy(&position, head + 2, sizeof(position));
	virtq_set_base(&r->q, (uint32_t)position << 16 | position);
	for (n = 0; n < head[4]; n++, ops += OP) {
		memcpy(&argument, ops + 2, sizeof(argument));
		operate(r, ops[0], argument);
		must(r->q.in_flight <= r->q.size);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct queue_run *r;
	size_t memory;

	if (size < HEAD || size < HEAD + (size_t)data[4] * OP)
		return 0;
	r = calloc(1, sizeof(*r));
	must(r);
	r->memory.n = 1;
	r->memory.banks[0] = (struct ram_bank){0, MEMORY, calloc(1, MEMORY), 0};
	must(r->memory.banks[0].host);
	memory = size - HEAD - (size_t)data[4] * OP;
	memcpy(r->memory.banks[0].host, data + size - memory, memory < MEMORY ? memory : MEMORY);
	run(r, data, data + HEAD);
	free(r->memory.banks[0].host);
	free(r);
	return 0;
}
