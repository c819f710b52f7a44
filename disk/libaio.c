/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The engine libaio: Linux's older asynchronous I/O, which is only that with O_DIRECT. The library
 * of that name is no more than these four system calls.
 */
#include <errno.h>
#include <linux/aio_abi.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "engine.h"
#include "thread.h"

/* How many results are fetched at once. */
#define BATCH 32

struct aio {
	aio_context_t context;
	int event;
	unsigned depth;
	struct iocb *blocks; /* one for each request that may be on its way */
	struct iocb **free, **gathered;
	unsigned n_free, n_gathered;
	struct io_event results[BATCH];
	unsigned n_results, next_result;
	/* The kernel would not even begin with it. */
	struct disk_request *refused;
	int refused_code;
};

static void aio_close(void *engine)
{
	struct aio *a = engine;

	if (a->context)
		syscall(__NR_io_destroy, a->context);
	free(a->blocks);
	free((void *)a->free);
	free((void *)a->gathered);
	free(a);
}

static int aio_open(void **engine, unsigned depth, int event)
{
	struct aio *a = calloc(1, sizeof(*a));
	int ret = 0;

	if (!a)
		return -ENOMEM;
	a->event = event;
	a->blocks = calloc(depth, sizeof(*a->blocks));
	a->free = (struct iocb **)calloc(depth, sizeof(struct iocb *));
	a->gathered = (struct iocb **)calloc(depth, sizeof(struct iocb *));
	if (!a->blocks || !a->free || !a->gathered)
		ret = -ENOMEM;
	else if (syscall(__NR_io_setup, depth, &a->context))
		ret = -errno;
	if (ret) {
		aio_close(a);
		return ret;
	}
	for (; a->n_free < depth; a->n_free++)
		a->free[a->n_free] = &a->blocks[a->n_free];
	*engine = a;
	return 0;
}

static void aio_put(void *engine, int fd, struct disk_request *r)
{
	struct aio *a = engine;
	struct iocb *b = a->free[--a->n_free];

	*b = (struct iocb){.aio_data = (uintptr_t)r,
			   .aio_fildes = (uint32_t)fd,
			   .aio_flags = IOCB_FLAG_RESFD,
			   .aio_resfd = (uint32_t)a->event};
	switch (r->op) {
	case DISK_READ:
	case DISK_WRITE:
		b->aio_lio_opcode = r->op == DISK_READ ? IOCB_CMD_PREADV : IOCB_CMD_PWRITEV;
		b->aio_buf = (uintptr_t)r->iov;
		b->aio_nbytes = r->n_iov;
		b->aio_offset = (int64_t)r->offset;
		b->aio_rw_flags = r->op == DISK_WRITE && r->durable ? RWF_DSYNC : 0;
		break;
	default:
		b->aio_lio_opcode = IOCB_CMD_FDSYNC;
	}
	a->gathered[a->n_gathered++] = b;
}

static void drop_gathered(struct aio *a, unsigned n)
{
	unsigned i;

	a->n_gathered -= n;
	for (i = 0; i < a->n_gathered; i++)
		a->gathered[i] = a->gathered[i + n];
}

static void aio_send(void *engine)
{
	struct aio *a = engine;
	struct iocb *b;
	long n;

	while (a->n_gathered && !a->refused) {
		n = syscall(__NR_io_submit, a->context, (long)a->n_gathered, a->gathered);
		if (n > 0) {
			drop_gathered(a, (unsigned)n);
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		/* Not now, or never this one: either way the queue comes back. */
		if (n < 0 && errno != EAGAIN) {
			b = a->gathered[0];
			a->refused_code = errno;
			a->refused = disk_cookie(b->aio_data);
			drop_gathered(a, 1);
			a->free[a->n_free++] = b;
		}
		event_kick(a->event);
		return;
	}
}

static struct disk_request *aio_take(void *engine, int64_t *result)
{
	struct aio *a = engine;
	struct disk_request *r = a->refused;
	const struct io_event *e;
	struct timespec now = {0};
	long n;

	if (r) {
		a->refused = NULL;
		*result = -a->refused_code;
		return r;
	}
	if (a->next_result == a->n_results) {
		n = syscall(__NR_io_getevents, a->context, 0L, (long)BATCH, a->results, &now);
		a->n_results = n > 0 ? (unsigned)n : 0;
		a->next_result = 0;
		if (!a->n_results)
			return NULL;
	}
	e = &a->results[a->next_result++];
	a->free[a->n_free++] = disk_cookie(e->obj);
	*result = e->res;
	return disk_cookie(e->data);
}

const struct disk_engine_ops disk_libaio = {.name = "libaio",
					    .open = aio_open,
					    .close = aio_close,
					    .put = aio_put,
					    .send = aio_send,
					    .take = aio_take};
