/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * rings: what a chain costs its device, popped and pushed, in nanoseconds: on a split and on a
 * packed ring, of one buffer, of three, and of three in an indirect table. No KVM, no system call.
 *
 * usage: build/ARCH/bench/rings [ROUNDS]	(default: 20000, of a ring full of chains each)
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <linux/virtio_ring.h>

#include "../../virtio/queue.h"

#define SIZE	256
#define DRIVER	0x2000 /* guest-physical; descriptors at 0 */
#define DEVICE	0x3000
#define TABLE	0x4000
#define BUFFERS 0x8000
#define MEMORY	0x10000

#define F_AVAIL (1u << VRING_PACKED_DESC_F_AVAIL)
#define F_USED	(1u << VRING_PACKED_DESC_F_USED)

struct shape {
	const char *name;
	unsigned buffers;
	bool indirect;
};

struct run {
	struct guest_memory memory;
	struct virtq q;
	bool packed;
	unsigned chains, entries; /* that fit into the ring, and what each takes */
	uint16_t wrap;		  /* packed: flags of what is made available */
};

static uint16_t flags_of(unsigned i, unsigned n, bool linked)
{
	return (uint16_t)((i + 1 < n && linked ? VRING_DESC_F_NEXT : 0) |
			  (i + 1 == n ? VRING_DESC_F_WRITE : 0));
}

static void put(struct run *r, uint64_t table, unsigned i, struct vring_desc d)
{
	uint8_t *ram = r->memory.banks[0].host;

	if (r->packed)
		((struct vring_packed_desc *)(ram + table))[i] =
			(struct vring_packed_desc){d.addr, d.len, (uint16_t)i, d.flags};
	else
		((struct vring_desc *)(ram + table))[i] = d;
}

/* A ring full of chains, as a driver leaves it that never waits. */
static void offer(struct run *r, const struct shape *s)
{
	struct vring_avail *avail = (void *)(r->memory.banks[0].host + DRIVER);
	unsigned c, i, at;
	uint16_t flags;

	for (c = 0; c < r->chains; c++) {
		for (i = 0; i < r->entries; i++) {
			at = c * r->entries + i;
			flags = s->indirect ? VRING_DESC_F_INDIRECT : flags_of(i, s->buffers, true);
			put(r, 0, at,
			    (struct vring_desc){s->indirect ? TABLE : BUFFERS + 64 * i,
						s->indirect ? 16 * s->buffers : 64,
						(uint16_t)(flags | (r->packed ? r->wrap : 0)),
						(uint16_t)(at + 1)});
		}
		if (!r->packed)
			avail->ring[(avail->idx + c) % SIZE] = (uint16_t)(c * r->entries);
	}
	avail->idx = (uint16_t)(avail->idx + (r->packed ? 0 : r->chains));
	r->wrap ^= F_AVAIL | F_USED;
}

static void start(struct run *r, const struct shape *s, bool packed)
{
	struct virtq_features f = {.packed = packed, .indirect = true};
	unsigned i;

	*r = (struct run){.packed = packed, .wrap = F_AVAIL};
	r->memory.n = 1;
	r->memory.banks[0] = (struct ram_bank){0, MEMORY, calloc(1, MEMORY), 0};
	r->entries = s->indirect ? 1 : s->buffers;
	/* A packed ring is one that chains fill up to its last entry, a split one has powers of
	 * two. */
	r->chains = packed ? SIZE / r->entries : pow2_ceil(SIZE / r->entries + 1) / 2;
	for (i = 0; i < s->buffers; i++)
		put(r, TABLE, i,
		    (struct vring_desc){BUFFERS + 64 * i, 64, flags_of(i, s->buffers, !packed),
					(uint16_t)(i + 1)});
	r->q = (struct virtq){.memory = &r->memory,
			      .size = (uint16_t)(packed ? r->chains * r->entries : SIZE),
			      .size_max = SIZE,
			      .driver = DRIVER,
			      .device = DEVICE};
	if (!r->memory.banks[0].host || virtq_start(&r->q, &f))
		abort();
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double measure(const struct shape *s, bool packed, unsigned rounds)
{
	struct iovec iov[SIZE];
	struct virtq_chain c = {.iov = iov, .room = SIZE};
	double spent = 0, begun;
	struct run r;
	unsigned i, served = 0;

	start(&r, s, packed);
	for (i = 0; i < rounds; i++) {
		offer(&r, s);
		begun = now();
		for (; virtq_pop(&r.q, &c) == 1; served++)
			virtq_push(&r.q, &c, 64);
		spent += now() - begun;
	}
	if (r.q.broken || served != rounds * r.chains) {
		fprintf(stderr, "rings: %u of %u chains came: %s\n", served, rounds * r.chains,
			r.q.broken ? r.q.broken : "no more");
		exit(1);
	}
	free(r.memory.banks[0].host);
	return spent / served;
}

int main(int argc, char **argv)
{
	static const struct shape shapes[] = {{"one buffer", 1, false},
					      {"three buffers", 3, false},
					      {"three in a table", 3, true}};
	unsigned rounds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 20000, i;

	for (i = 0; i < ARRAY_SIZE(shapes); i++)
		printf("%-17s split %5.1f ns, packed %5.1f ns\n", shapes[i].name,
		       measure(&shapes[i], false, rounds), measure(&shapes[i], true, rounds));
	return 0;
}
