/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A disk's queue: each request goes to the engine, if the kernel can do it asynchronously, or to
 * the threads; what came back short goes once more.
 */
#include "engine.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "pool.h"
#include "raw.h"

struct disk_queue {
	struct disk_image *image;
	int event;
	unsigned depth, on_their_way;
	struct disk_request *waiting, **waiting_end;
	const struct disk_engine_ops *ops; /* NULL: threads alone */
	void *engine;
	struct disk_pool pool;
};

/* The first of those that are there. 0, or -errno of the last: there is none. */
static int try_engines(struct disk_queue *q, const struct disk_engine_ops *const *list, unsigned n)
{
	unsigned i;
	int ret = -EOPNOTSUPP;

	for (i = 0; i < n && ret; i++) {
		ret = list[i]->open(&q->engine, q->depth, q->event);
		if (!ret)
			q->ops = list[i];
	}
	return ret;
}

static int open_engine(struct disk_queue *q, const struct disk *d, struct error *err)
{
	static const struct disk_engine_ops *const all[] = {&disk_io_uring, &disk_libaio};
	const char *path = d->image->file.path;
	int ret;

	if (d->image->driver != &disk_raw)
		return 0;
	switch (d->engine) {
	case DISK_IO_URING:
		ret = try_engines(q, all, 1);
		break;
	case DISK_LIBAIO:
		ret = try_engines(q, all + 1, 1);
		break;
	case DISK_ENGINE_AUTO:
		try_engines(q, all, d->image->file.direct ? 2 : 1);
		/* fall through */
	default:
		return 0;
	}
	return ret ? fail(err, -ret, "disk %s: this host gives us no %s: %s; leave out 'aio'", path,
			  d->engine == DISK_LIBAIO ? "libaio" : "io_uring", strerror(-ret))
		   : 0;
}

int disk_queue_open(struct disk *d, unsigned depth, struct disk_queue **out, struct error *err)
{
	struct disk_queue *q = calloc(1, sizeof(*q));
	int ret;

	*out = NULL;
	if (!q)
		return fail(err, ENOMEM, "disk %s: out of memory", d->image->file.path);
	q->image = d->image;
	q->depth = depth;
	q->waiting_end = &q->waiting;
	q->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ret = q->event < 0 ? fail(err, errno, "disk %s: %s", d->image->file.path, strerror(errno))
			   : 0;
	disk_pool_init(&q->pool, d->image, q->event);
	ret = ret ?: open_engine(q, d, err);
	if (ret)
		disk_queue_close(q);
	else
		*out = q;
	return ret;
}

void disk_queue_close(struct disk_queue *q)
{
	if (!q)
		return;
	disk_drain(q);
	disk_pool_destroy(&q->pool);
	if (q->ops)
		q->ops->close(q->engine);
	if (q->event >= 0)
		close(q->event);
	free(q);
}

int disk_queue_event(const struct disk_queue *q)
{
	return q->event;
}

const char *disk_queue_engine(const struct disk_queue *q)
{
	return q->ops ? q->ops->name : "threads";
}

static int check(const struct disk_image *image, const struct disk_request *r)
{
	uint64_t all = r->offset | r->length;

	if (r->op == DISK_FLUSH)
		return 0;
	if (all & (image->block - 1) || r->offset > image->size ||
	    r->length > image->size - r->offset)
		return -EINVAL;
	return image->file.readonly && r->op != DISK_READ ? -EROFS : 0;
}

void disk_submit(struct disk_queue *q, struct disk_request *r)
{
	int ret = check(q->image, r);

	/* Nothing to do, and nothing that the kernel should be asked about. */
	if (ret || (!r->length && r->op != DISK_FLUSH) ||
	    (q->image->file.readonly && r->op == DISK_FLUSH)) {
		r->done(r, ret);
		return;
	}
	r->next = NULL;
	*q->waiting_end = r;
	q->waiting_end = &r->next;
}

static bool suits_engine(const struct disk_queue *q, const struct disk_request *r)
{
	if (!q->ops)
		return false;
	/* What the page cache could not write is the driver's business: see disk/raw.c. */
	if (!q->image->file.direct && (r->op == DISK_FLUSH || (r->op == DISK_WRITE && r->durable)))
		return false;
	if (r->op == DISK_FLUSH)
		return true;
	return (r->op == DISK_READ || r->op == DISK_WRITE) &&
	       !raw_is_guarded(q->image, r->op, r->offset) &&
	       iov_aligned(r->iov, r->n_iov, q->image->file.align);
}

static void put(struct disk_queue *q, struct disk_request *r)
{
	if (suits_engine(q, r))
		q->ops->put(q->engine, q->image->file.fd, r);
	else
		disk_pool_put(&q->pool, r);
}

void disk_send(struct disk_queue *q)
{
	struct disk_request *r;

	while (q->waiting && q->on_their_way < q->depth) {
		r = q->waiting;
		q->waiting = r->next;
		if (!q->waiting)
			q->waiting_end = &q->waiting;
		q->on_their_way++;
		put(q, r);
	}
	if (q->ops)
		q->ops->send(q->engine);
}

/* What the kernel did of a request. True: that was all, and *result is what it comes to. */
static bool is_done(const struct disk_queue *q, struct disk_request *r, int64_t n, int *result)
{
	*result = n < 0 ? (int)n : 0;
	if (n == -EAGAIN || n == -EINTR)
		return false;
	if (n < 0 || r->op == DISK_FLUSH || (uint64_t)n >= r->length)
		return true;
	/* Truncated under us, or an odd rest that direct access can't go on with. */
	if (!n || n % q->image->file.align) {
		*result = -EIO;
		return true;
	}
	r->offset += (uint64_t)n;
	r->length -= (uint64_t)n;
	iov_advance(&r->iov, &r->n_iov, (uint64_t)n);
	return false;
}

static void end(struct disk_queue *q, struct disk_request *r, int result)
{
	q->on_their_way--;
	r->done(r, result);
}

void disk_reap(struct disk_queue *q)
{
	struct disk_request *r, *next;
	int64_t n;
	int result;

	/* First: what ends from here on kicks again. */
	event_take(q->event);
	while (q->ops && (r = q->ops->take(q->engine, &n))) {
		if (is_done(q, r, n, &result))
			end(q, r, result);
		else
			put(q, r);
	}
	for (r = disk_pool_take(&q->pool); r; r = next) {
		next = r->next;
		end(q, r, r->result);
	}
	disk_send(q);
}

void disk_drain(struct disk_queue *q)
{
	struct pollfd event = {.fd = q->event, .events = POLLIN};

	disk_send(q);
	while (q->on_their_way) {
		poll(&event, 1, -1);
		disk_reap(q);
	}
}
