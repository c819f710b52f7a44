/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The engine io_uring, by its three system calls: a library would hide what is worth reading here,
 * and would have to be had for each architecture. What an old kernel lacks (5.5 has it all) means
 * that there is no io_uring.
 */
#include <errno.h>
#include <linux/io_uring.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "engine.h"
#include "thread.h"

#define NEEDED (IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE)

struct ring {
	int fd, event;
	void *map;
	size_t map_size;
	struct io_uring_sqe *entries;
	size_t entries_size;
	/* The kernel's ends of both queues are read and written by it meanwhile. */
	_Atomic uint32_t *sq_tail, *cq_head, *cq_tail;
	uint32_t *sq_index;
	uint32_t sq_mask, cq_mask;
	struct io_uring_cqe *results;
	uint32_t gathered; /* not yet taken by the kernel */
};

static int map_rings(struct ring *r, const struct io_uring_params *p)
{
	size_t sq = p->sq_off.array + p->sq_entries * sizeof(uint32_t);
	size_t cq = p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe);
	uint8_t *map;

	r->map_size = sq > cq ? sq : cq;
	r->map = mmap(NULL, r->map_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->fd,
		      (off_t)IORING_OFF_SQ_RING);
	r->entries_size = p->sq_entries * sizeof(*r->entries);
	r->entries = mmap(NULL, r->entries_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
			  r->fd, (off_t)IORING_OFF_SQES);
	if (r->map == MAP_FAILED || r->entries == MAP_FAILED)
		return -errno;
	map = r->map;
	r->sq_tail = (_Atomic uint32_t *)(map + p->sq_off.tail);
	r->sq_index = (uint32_t *)(map + p->sq_off.array);
	r->sq_mask = *(uint32_t *)(map + p->sq_off.ring_mask);
	r->cq_head = (_Atomic uint32_t *)(map + p->cq_off.head);
	r->cq_tail = (_Atomic uint32_t *)(map + p->cq_off.tail);
	r->cq_mask = *(uint32_t *)(map + p->cq_off.ring_mask);
	r->results = (struct io_uring_cqe *)(map + p->cq_off.cqes);
	return 0;
}

static void ring_close(void *engine)
{
	struct ring *r = engine;

	if (r->map != MAP_FAILED)
		munmap(r->map, r->map_size);
	if (r->entries != MAP_FAILED)
		munmap(r->entries, r->entries_size);
	if (r->fd >= 0)
		close(r->fd);
	free(r);
}

static int set_up(struct ring *r, unsigned depth)
{
	struct io_uring_params p = {0};
	int ret;

	r->fd = (int)syscall(__NR_io_uring_setup, depth, &p);
	if (r->fd < 0)
		return -errno;
	if ((p.features & NEEDED) != NEEDED)
		return -EOPNOTSUPP;
	ret = map_rings(r, &p);
	if (ret)
		return ret;
	return syscall(__NR_io_uring_register, r->fd, IORING_REGISTER_EVENTFD, &r->event, 1)
		       ? -errno
		       : 0;
}

static int ring_open(void **engine, unsigned depth, int event)
{
	struct ring *r = calloc(1, sizeof(*r));
	int ret;

	if (!r)
		return -ENOMEM;
	*r = (struct ring){.fd = -1, .event = event, .map = MAP_FAILED, .entries = MAP_FAILED};
	ret = set_up(r, depth);
	if (ret)
		ring_close(r);
	else
		*engine = r;
	return ret;
}

static void ring_put(void *engine, int fd, struct disk_request *req)
{
	struct ring *r = engine;
	uint32_t tail = atomic_load_explicit(r->sq_tail, memory_order_relaxed);
	struct io_uring_sqe *e = &r->entries[tail & r->sq_mask];

	*e = (struct io_uring_sqe){.fd = fd, .user_data = (uintptr_t)req};
	switch (req->op) {
	case DISK_READ:
	case DISK_WRITE:
		e->opcode = req->op == DISK_READ ? IORING_OP_READV : IORING_OP_WRITEV;
		e->addr = (uintptr_t)req->iov;
		e->len = req->n_iov;
		e->off = req->offset;
		e->rw_flags = req->op == DISK_WRITE && req->durable ? RWF_DSYNC : 0;
		break;
	default:
		e->opcode = IORING_OP_FSYNC;
		e->fsync_flags = IORING_FSYNC_DATASYNC;
	}
	r->sq_index[tail & r->sq_mask] = tail & r->sq_mask;
	atomic_store_explicit(r->sq_tail, tail + 1, memory_order_release);
	r->gathered++;
}

static void ring_send(void *engine)
{
	struct ring *r = engine;
	long n;

	while (r->gathered) {
		n = syscall(__NR_io_uring_enter, r->fd, r->gathered, 0, 0, NULL, 0);
		if (n < 0 && errno == EINTR)
			continue;
		/* Out of memory for now: the queue comes back. */
		if (n <= 0) {
			event_kick(r->event);
			return;
		}
		r->gathered -= (uint32_t)n;
	}
}

static struct disk_request *ring_take(void *engine, int64_t *result)
{
	struct ring *r = engine;
	uint32_t head = atomic_load_explicit(r->cq_head, memory_order_relaxed);
	const struct io_uring_cqe *e = &r->results[head & r->cq_mask];
	struct disk_request *req;

	if (head == atomic_load_explicit(r->cq_tail, memory_order_acquire))
		return NULL;
	req = disk_cookie(e->user_data);
	*result = e->res;
	atomic_store_explicit(r->cq_head, head + 1, memory_order_release);
	return req;
}

const struct disk_engine_ops disk_io_uring = {.name = "io_uring",
					      .open = ring_open,
					      .close = ring_close,
					      .put = ring_put,
					      .send = ring_send,
					      .take = ring_take};
