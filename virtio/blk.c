/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The block device (5.2): requests from its queues to a disk, and their results back. It has a
 * thread of its own, which serves all its queues; of what is on its way there is one queue to the
 * disk.
 */
#include <endian.h>
#include <errno.h>
#include <linux/virtio_blk.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "blk_request.h"
#include "devices.h"
#include "rate.h"

#define QUEUE_SIZE 256
/* Header and status take a descriptor each. */
#define SEGMENTS_MAX (QUEUE_SIZE - 2)
/* How many requests are the host's at once; more wait here. */
#define DEPTH 128

#define BIT(n) (1ULL << (n))

struct blk;

/* A request that is on its way. */
struct slot {
	struct disk_request disk;
	struct blk *blk;
	struct virtio_queue *queue;
	struct virtq_chain chain;
	struct blk_request request;
	struct slot *next; /* of the free ones */
	struct iovec iov[QUEUE_SIZE];
};

struct blk {
	struct virtio_device device;
	struct worker worker;
	struct disk *disk;
	struct disk_queue *queue;
	struct blk_limits limits;
	struct loop_source results;
	struct loop_timer timer;
	struct rate iops, bps;
	unsigned turn; /* the queue that looks first when the time of a limit is over */
	char id[VIRTIO_BLK_ID_BYTES]; /* not terminated */
	/*
	 * As many as can be in the rings, and one to look for more with. The one that was used last
	 * is used first, and those that no driver ever needed, from n_touched on, cost no memory.
	 */
	struct slot *slots, *free;
	unsigned n_touched;
	bool stopping; /* what ends now is not the driver's any more */
	bool pushed[VIRTIO_QUEUES_MAX];
	_Atomic uint64_t reads, writes, flushes, clears, errors, bytes_read, bytes_written;
};

static void count(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static struct slot *take_slot(struct blk *b)
{
	struct slot *s = b->free;

	if (!s)
		return &b->slots[b->n_touched++];
	b->free = s->next;
	return s;
}

static void give_slot(struct slot *s)
{
	s->next = s->blk->free;
	s->blk->free = s;
}

static void submit(struct slot *s);

/* ---- the end of a request -------------------------------------------------------------------- */

static void finish(struct slot *s, uint8_t status)
{
	struct blk *b = s->blk;

	if (!b->stopping) {
		*s->request.answer = status;
		virtq_push(&s->queue->ring, &s->chain, blk_written(&s->request, &s->chain, status));
		b->pushed[s->queue->index] = true;
	}
	give_slot(s);
}

static void count_done(struct blk *b, const struct blk_request *r)
{
	switch (r->op) {
	case DISK_READ:
		count(&b->reads, 1);
		count(&b->bytes_read, r->length);
		break;
	case DISK_WRITE:
		count(&b->writes, 1);
		count(&b->bytes_written, r->length);
		break;
	case DISK_FLUSH:
		count(&b->flushes, 1);
		break;
	default:
		count(&b->clears, 1);
	}
}

static void disk_done(struct disk_request *disk, int result)
{
	struct slot *s = container_of(disk, struct slot, disk);
	struct blk *b = s->blk;

	/* A reset waits for one range, not for all. */
	if (!result && !b->stopping && blk_next_range(&s->request, &s->chain, &b->limits)) {
		submit(s);
		return;
	}
	if (!result && s->request.status != VIRTIO_BLK_S_OK) {
		finish(s, s->request.status);
		return;
	}
	if (!result) {
		count_done(b, &s->request);
		finish(s, VIRTIO_BLK_S_OK);
		return;
	}
	/* Once: a full filesystem would fill the terminal too. */
	if (!atomic_fetch_add(&b->errors, 1))
		warn("%s: an I/O error, of which the guest is told: %s", b->device.name,
		     strerror(-result));
	finish(s, result == -EOPNOTSUPP ? VIRTIO_BLK_S_UNSUPP : VIRTIO_BLK_S_IOERR);
}

static void notify(struct blk *b)
{
	unsigned i;

	for (i = 0; i < b->device.n_queues; i++) {
		if (b->pushed[i])
			virtio_notify(&b->device.queues[i]);
		b->pushed[i] = false;
	}
}

/* ---- its beginning --------------------------------------------------------------------------- */

/* 5.2.6.2: a write is stable when it ends, unless the driver has a cache and knows to flush it. */
static bool write_back(const struct blk *b)
{
	const struct virtio_blk_config *c = (const void *)b->device.config;

	if (!virtio_has(&b->device, VIRTIO_BLK_F_FLUSH))
		return false;
	return !virtio_has(&b->device, VIRTIO_BLK_F_CONFIG_WCE) || c->wce;
}

static void submit(struct slot *s)
{
	const struct blk_request *r = &s->request;

	s->disk = (struct disk_request){.op = r->op,
					.offset = r->offset,
					.length = r->length,
					.iov = r->data,
					.n_iov = r->n_data,
					.unmap = r->unmap,
					.durable = !write_back(s->blk),
					.done = disk_done};
	disk_submit(s->blk->queue, &s->disk);
}

static void begin(struct slot *s)
{
	struct blk *b = s->blk;
	const struct blk_request *r = &s->request;

	switch (r->action) {
	case BLK_ID:
		virtq_write(&s->chain, 0, b->id, r->length);
		/* fall through */
	case BLK_ANSWER:
		finish(s, r->status);
		return;
	case BLK_DISK:
		rate_take(&b->iops, 1);
		if (r->op == DISK_READ || r->op == DISK_WRITE)
			rate_take(&b->bps, r->length);
		submit(s);
	}
}

/* Pop one. False: there was none. */
static bool serve_one(struct blk *b, struct virtio_queue *q)
{
	struct slot *s = take_slot(b);

	s->blk = b;
	s->queue = q;
	s->chain = (struct virtq_chain){.iov = s->iov, .room = ARRAY_SIZE(s->iov)};
	if (virtio_pop(q, &s->chain) <= 0) {
		give_slot(s);
		return false;
	}
	if (blk_parse(&s->chain, &b->limits, &s->request)) {
		begin(s);
		return true;
	}
	virtio_break(q->device, "queue %u: a request has no room for its status", q->index);
	give_slot(s);
	return false;
}

/* True: not yet, the timer comes when it may go on. */
static bool is_limited(struct blk *b)
{
	uint64_t t, wait, bps;

	if (!b->iops.per_second && !b->bps.per_second)
		return false;
	t = now_ns();
	wait = rate_wait(&b->iops, t);
	bps = rate_wait(&b->bps, t);
	if (bps > wait)
		wait = bps;
	if (!wait)
		return false;
	loop_timer_set(&b->timer, wait, 0);
	return true;
}

/* As virtio_serve(), but the answers come later. */
static void kicked(struct virtio_device *d, unsigned index)
{
	struct blk *b = container_of(d, struct blk, device);
	struct virtio_queue *q = &d->queues[index];
	bool limited = false;
	unsigned n = 0;

	virtq_ask_kicks(&q->ring, false);
	while (n < q->ring.size && !(limited = is_limited(b)) && serve_one(b, q))
		n++;
	if (n)
		b->turn = index + 1;
	disk_send(b->queue);
	notify(b);
	if (!limited && (n == q->ring.size || virtq_ask_kicks(&q->ring, true)))
		event_kick(q->kick);
}

/* ---- what the worker waits for --------------------------------------------------------------- */

static void results_ready(struct loop_source *src, uint32_t events)
{
	struct blk *b = src->opaque;

	(void)events;
	pthread_mutex_lock(&b->device.lock);
	disk_reap(b->queue);
	notify(b);
	pthread_mutex_unlock(&b->device.lock);
}

/*
 * The time of the limit is over: every queue looks again, as after a kick. The loop serves them in
 * this order. There may be but one request to be had, which is not always for the same queue.
 */
static void timer_ready(struct loop_source *src, uint32_t events)
{
	struct blk *b = src->opaque;
	unsigned i;

	(void)events;
	if (!loop_timer_ended(&b->timer))
		return;
	for (i = 0; i < b->device.n_queues; i++)
		event_kick(b->device.queues[(b->turn + i) % b->device.n_queues].kick);
}

/* ---- the driver comes and goes --------------------------------------------------------------- */

static int start(struct virtio_device *d)
{
	struct blk *b = container_of(d, struct blk, device);
	struct virtio_blk_config *c = (void *)d->config;

	b->limits.discard = virtio_has(d, VIRTIO_BLK_F_DISCARD);
	b->limits.write_zeroes = virtio_has(d, VIRTIO_BLK_F_WRITE_ZEROES);
	/* 5.2.5.2: who can't flush has no cache. */
	if (!virtio_has(d, VIRTIO_BLK_F_FLUSH))
		c->wce = 0;
	b->stopping = false;
	return 0;
}

static void stop(struct virtio_device *d)
{
	struct blk *b = container_of(d, struct blk, device);
	struct virtio_blk_config *c = (void *)d->config;

	b->stopping = true;
	disk_drain(b->queue);
	memset(b->pushed, 0, sizeof(b->pushed));
	c->wce = !b->limits.disk.readonly;
}

/* 2.6.1.1: what is on its way ends first. */
static void queue_stop(struct virtio_device *d, unsigned q)
{
	struct blk *b = container_of(d, struct blk, device);

	(void)q;
	disk_drain(b->queue);
	notify(b);
}

/* Only the cache may be switched (5.2.5.1). */
static void config_write(struct virtio_device *d, unsigned offset, const void *buf, unsigned n)
{
	struct virtio_blk_config *c = (void *)d->config;
	uint8_t value;

	if (offset != offsetof(struct virtio_blk_config, wce) || n != 1 || !d->started ||
	    !virtio_has(d, VIRTIO_BLK_F_CONFIG_WCE) || !virtio_has(d, VIRTIO_BLK_F_FLUSH))
		return;
	memcpy(&value, buf, 1);
	c->wce = value & 1;
}

static void stat(struct virtio_device *d, struct json *j)
{
	struct blk *b = container_of(d, struct blk, device);

	json_string(j, "format", b->limits.disk.format);
	json_string(j, "engine", disk_queue_engine(b->queue));
	json_number(j, "bytes", b->limits.disk.size);
	json_number(j, "reads", atomic_load(&b->reads));
	json_number(j, "bytes_read", atomic_load(&b->bytes_read));
	json_number(j, "writes", atomic_load(&b->writes));
	json_number(j, "bytes_written", atomic_load(&b->bytes_written));
	json_number(j, "flushes", atomic_load(&b->flushes));
	json_number(j, "clears", atomic_load(&b->clears));
	json_number(j, "io_errors", atomic_load(&b->errors));
}

/* ---- making one ------------------------------------------------------------------------------ */

static void destroy(struct virtio_device *d)
{
	struct blk *b = container_of(d, struct blk, device);

	worker_stop(&b->worker);
	disk_queue_close(b->queue);
	disk_close(b->disk);
	loop_timer_close(&b->timer);
	virtio_device_release(d);
	free(b->slots);
	free(b);
}

static const struct virtio_device_ops ops = {.config_write = config_write,
					     .start = start,
					     .stop = stop,
					     .queue_stop = queue_stop,
					     .kicked = kicked,
					     .stat = stat,
					     .destroy = destroy};

/* Whole blocks of the disk, if the field holds as many; 0 says nothing (5.2.5). */
static unsigned blocks(const struct disk_info *info, unsigned bytes, unsigned most)
{
	return bytes / info->block <= most ? bytes / info->block : 0;
}

static void describe_topology(const struct disk_info *info, struct virtio_blk_config *c)
{
	const struct disk_topology *t = &info->topology;
	unsigned discard = t->discard > info->block ? t->discard : info->block;

	while ((uint64_t)info->block << (c->physical_block_exp + 1U) <= t->physical)
		c->physical_block_exp++;
	c->alignment_offset = (uint8_t)blocks(info, t->misplaced, UINT8_MAX);
	c->min_io_size = htole16((uint16_t)blocks(info, t->io_min, UINT16_MAX));
	c->opt_io_size = htole32(blocks(info, t->io_opt, UINT32_MAX));
	c->discard_sector_alignment = htole32(discard / DISK_SECTOR);
}

static void describe(struct blk *b, unsigned queues)
{
	const struct disk_info *info = &b->limits.disk;
	struct virtio_blk_config *c = (void *)b->device.config;

	b->device.offered = BIT(VIRTIO_BLK_F_SEG_MAX) | BIT(VIRTIO_BLK_F_BLK_SIZE) |
			    BIT(VIRTIO_BLK_F_TOPOLOGY) | BIT(VIRTIO_BLK_F_FLUSH) |
			    (info->readonly ? BIT(VIRTIO_BLK_F_RO) : BIT(VIRTIO_BLK_F_CONFIG_WCE)) |
			    (queues > 1 ? BIT(VIRTIO_BLK_F_MQ) : 0) |
			    (info->discard ? BIT(VIRTIO_BLK_F_DISCARD) : 0) |
			    (info->write_zeroes ? BIT(VIRTIO_BLK_F_WRITE_ZEROES) : 0);
	/* Up to what secure erase would need, which we don't offer. */
	b->device.config_size = offsetof(struct virtio_blk_config, max_secure_erase_sectors);
	c->capacity = htole64(info->size / DISK_SECTOR);
	c->seg_max = htole32(SEGMENTS_MAX);
	c->blk_size = htole32(info->block);
	c->wce = !info->readonly;
	c->num_queues = htole16((uint16_t)queues);
	c->max_discard_sectors = c->max_write_zeroes_sectors = htole32(BLK_CLEAR_SECTORS_MAX);
	c->max_discard_seg = c->max_write_zeroes_seg = htole32(BLK_RANGES_MAX);
	c->write_zeroes_may_unmap = 1;
	describe_topology(info, c);
}

/* The worker, and what it waits for beside kicks. */
static int start_worker(struct blk *b, struct error *err)
{
	int ret;

	ret = worker_start(&b->worker, b->device.name, err);
	if (ret)
		return ret;
	b->device.loop = &b->worker.loop;
	b->results = (struct loop_source){
		.fd = disk_queue_event(b->queue), .ready = results_ready, .opaque = b};
	ret = loop_timer_open(&b->timer, b->device.loop, CLOCK_MONOTONIC, timer_ready, b);
	ret = ret ?: loop_add(b->device.loop, &b->results, EPOLLIN);
	return ret ? fail(err, -ret, "%s: %s", b->device.name, strerror(-ret)) : 0;
}

static int open_disk(struct blk *b, const struct virtio_disk_options *opt, unsigned queues,
		     struct error *err)
{
	int ret = disk_open(&b->disk, &opt->image, err);

	if (ret)
		return ret;
	disk_info(b->disk, &b->limits.disk);
	describe(b, queues);
	ret = disk_queue_open(b->disk, DEPTH, &b->queue, err);
	b->slots = calloc((size_t)queues * QUEUE_SIZE + 1, sizeof(*b->slots));
	return ret || b->slots ? ret : fail(err, ENOMEM, "%s: out of memory", b->device.name);
}

int virtio_blk_create(struct virtio *v, const struct virtio_disk_options *opt,
		      struct virtio_device **out, struct error *err)
{
	const char *slash = strrchr(opt->image.path, '/');
	const char *name = slash ? slash + 1 : opt->image.path;
	unsigned i, queues = opt->queues ? opt->queues : 1;
	struct blk *b = calloc(1, sizeof(*b));
	uint16_t sizes[VIRTIO_QUEUES_MAX] = {0};
	int ret;

	if (!b)
		return fail(err, ENOMEM, "disk %s: out of memory", opt->image.path);
	*out = &b->device;
	b->stopping = true;
	b->device.id = VIRTIO_ID_BLOCK;
	b->device.ops = &ops;
	snprintf(b->device.name, sizeof(b->device.name), "disk %s", name);
	memcpy(b->id, name, strnlen(name, sizeof(b->id)));
	rate_init(&b->iops, opt->iops, now_ns());
	rate_init(&b->bps, opt->bps, now_ns());
	for (i = 0; i < queues; i++)
		sizes[i] = QUEUE_SIZE;
	ret = open_disk(b, opt, queues, err);
	ret = ret ?: start_worker(b, err);
	return ret ?: virtio_device_init(&b->device, v->vm, queues, sizes, err);
}

/* The n-th device of ours; there may be other block devices, of vhost-user. */
static struct blk *find(struct virtio *v, unsigned n)
{
	struct virtio_device *d;

	for (d = v->devices; d; d = d->next)
		if (d->ops == &ops && !n--)
			return container_of(d, struct blk, device);
	return NULL;
}

int virtio_blk_resize(struct virtio *v, unsigned n, struct error *err)
{
	struct blk *b = find(v, n);
	struct virtio_blk_config *c;
	int ret;

	if (!b)
		return fail(err, ENODEV, "there is no disk %u; the first is 0", n);
	c = (void *)b->device.config;
	pthread_mutex_lock(&b->device.lock);
	ret = disk_measure(b->disk, err);
	if (!ret) {
		disk_info(b->disk, &b->limits.disk);
		c->capacity = htole64(b->limits.disk.size / DISK_SECTOR);
		virtio_config_changed(&b->device);
	}
	pthread_mutex_unlock(&b->device.lock);
	return ret;
}
