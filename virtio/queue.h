/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A virtqueue as its device sees it (Virtual I/O Device 1.2, 2.6 to 2.8): one face for split and
 * packed rings. All that is read from a ring is the guest's and may change while it is read:
 * everything is read once and checked. A queue belongs to one thread at a time.
 */
#ifndef CARILLON_VIRTIO_QUEUE_H
#define CARILLON_VIRTIO_QUEUE_H

#include <string.h>
#include <sys/uio.h>

#include "iov.h"
#include "guest_memory.h"

/* The most entries of a ring; and so the most descriptors of a chain (2.7.5.3.1, 2.8.5). */
#define VIRTQ_SIZE_MAX 1024
/* What a descriptor of a packed ring's position is told with its wrap counter (2.8.1). */
#define VIRTQ_WRAP 0x8000u

struct virtq;

/* What the two kinds of ring do in their own way; queue.c chooses. */
struct virtq_ring_ops;

struct virtq {
	const struct guest_memory *memory;
	/* What the driver says of a queue before it starts; guest-physical addresses. */
	uint16_t size;	   /* entries: 1 to size_max, a power of two if the ring is split */
	uint16_t size_max; /* what the device offers */
	uint64_t desc, driver, device;
	/* The queue's own, from virtq_start() on. */
	const struct virtq_ring_ops *ring; /* NULL: not started */
	bool event_idx, indirect;
	const char *broken; /* what the driver did wrong; NULL: nothing */
	void *desc_ring, *driver_area, *device_area;
	uint16_t next_avail, next_used; /* split: free-running; packed: position | VIRTQ_WRAP */
	uint16_t signalled;		/* next_used when an interrupt was last decided on */
	bool signalled_known;
	uint16_t in_flight; /* descriptors popped and not pushed */
};

/* Features that change a ring. */
struct virtq_features {
	bool packed, event_idx, indirect;
};

/*
 * A chain of buffers, read from a ring: first what the device may read, then what it may write.
 * The caller gives iov and room (VIRTQ_SIZE_MAX is always enough) and keeps it until it is pushed.
 */
struct virtq_chain {
	struct iovec *iov; /* host addresses, each checked to lie in guest memory */
	unsigned room;
	unsigned n_out, n_in; /* iov[0 … n_out) is read, iov[n_out … n_out + n_in) written */
	uint64_t out_bytes, in_bytes; /* together less than 4 GiB (2.7.4.3) */
	uint16_t id;		      /* the ring's own: head or buffer id */
	uint16_t descriptors;	      /* the ring's own: entries that it takes there */
};

/*
 * Check the ring's addresses and make it ready. -EINVAL: a size that the ring can't have;
 * -EFAULT: an area that isn't in guest memory or not aligned (2.7: 16, 2, 4; 2.8: 16, 4, 4).
 */
int virtq_start(struct virtq *q, const struct virtq_features *features);
/* Forget the ring and all that was read from it; what the driver set is back at its defaults. */
void virtq_reset(struct virtq *q);

/*
 * The next chain. 1: there is one; 0: none; -EBADMSG: the driver broke the ring, q->broken says
 * how: from then on there are none.
 */
int virtq_pop(struct virtq *q, struct virtq_chain *c);
/* Put the chain that was popped last back: it is the next one again. */
void virtq_unpop(struct virtq *q, const struct virtq_chain *c);
/* Give a chain back, of which `written` bytes from the first writable one on were written. */
void virtq_push(struct virtq *q, const struct virtq_chain *c, uint32_t written);
/* The same for n chains, in the order in which they were popped: the driver sees all, or none yet.
 */
void virtq_push_all(struct virtq *q, const struct virtq_chain *c, const uint32_t *written,
		    unsigned n);
/* After one or more pushes: does the driver want an interrupt for them (2.7.7, 2.8.10)? */
bool virtq_wants_interrupt(struct virtq *q);
/* Is there a chain to pop? For one whose device does not ask to be told. */
bool virtq_has_chain(struct virtq *q);
/*
 * Say whether the device wants to be told of new chains. On: true if there are some already, of
 * which nobody may tell.
 */
bool virtq_ask_kicks(struct virtq *q, bool on);
/*
 * Where the ring is, in the form that vhost takes: split, the next available index; packed, both
 * positions with their wrap counters, used in the upper half.
 */
uint32_t virtq_base(const struct virtq *q);
/* Of a started queue. -EINVAL: a position beyond the ring; a back end's word is no better. */
int virtq_set_base(struct virtq *q, uint32_t base);

/* Copy out of or into the buffers of a chain, `offset` bytes into that part. Returns how many. */
size_t virtq_read(const struct virtq_chain *c, uint64_t offset, void *buf, size_t n);
size_t virtq_write(const struct virtq_chain *c, uint64_t offset, const void *buf, size_t n);

/* ---- between queue.c and its rings ----------------------------------------------------------- */

struct virtq_ring_ops {
	int (*start)(struct virtq *q);
	int (*pop)(struct virtq *q, struct virtq_chain *c);
	void (*unpop)(struct virtq *q, const struct virtq_chain *c);
	void (*push)(struct virtq *q, const struct virtq_chain *c, const uint32_t *written,
		     unsigned n);
	bool (*wants_interrupt)(struct virtq *q);
	bool (*has_chain)(struct virtq *q);
	void (*ask_kicks)(struct virtq *q, bool on);
};

extern const struct virtq_ring_ops virtq_split, virtq_packed;

/*
 * Copy an entry, n bytes, out of a ring or an indirect table, which nothing asks to be aligned.
 * What is in the copy does not change any more, whatever the guest does.
 */
static inline void virtq_load(void *entry, const void *from, size_t n)
{
	memcpy(entry, from, n);
	/* Or else the compiler may look at the original again. */
	__asm__ volatile("" : : : "memory");
}

/* A descriptor, of either ring or an indirect table, whose flags mean the same in both (2.7.5). */
struct virtq_buffer {
	uint64_t address;
	uint32_t length;
	uint16_t flags; /* VRING_DESC_F_* */
};

/* For a ring that pops: break the queue; returns -EBADMSG. */
int virtq_break(struct virtq *q, const char *how);
void virtq_chain_begin(struct virtq_chain *c);
/* Check a buffer and append it. 0, or -EBADMSG with the queue broken. */
int virtq_chain_add(struct virtq *q, struct virtq_chain *c, const struct virtq_buffer *b);

#endif
