/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The memory balloon (5.5): the guest is asked to do without some of its memory, and reports what
 * it has no use for; the host gets both back, and the guest finds zeros there. What the guest says
 * of its memory is kept for carillon stat.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <linux/virtio_balloon.h>

#include "balloon_pages.h"
#include "devices.h"

#define BIT(n)	   (1ULL << (n))
#define QUEUE_SIZE 64
/* A guest gives 256 page numbers at a time; a hostile one shall not have this thread for long. */
#define PAGES_MAX 4096
/* What a driver may tell, by its tag (5.5.6.4); memory in bytes. Those from 10 on are Linux'. */
#define STATS_TAGS 16
static const char *const stats_names[STATS_TAGS] = {
	"swapped_in",	       "swapped_out",	   "major_faults",     "minor_faults",
	"memory_free",	       "memory_total",	   "memory_available", "disk_caches",
	"hugetlb_allocations", "hugetlb_failures", "oom_kills",	       "allocation_stalls",
	"async_scans",	       "direct_scans",	   "async_reclaims",   "direct_reclaims"};
/* How old statistics may be. */
#define STATS_AGE (5 * NS_PER_S)

enum balloon_queue {
	INFLATE,
	DEFLATE,
	STATS,
	REPORTING,
	/*
	 * 5.5.2 counts the queue of free page hints, which isn't offered here; Linux' driver does
	 * not. So both numbers are for reports.
	 */
	REPORTING_BY_SPECIFICATION,
	QUEUES
};

struct balloon {
	struct virtio_device device;
	struct balloon_pages pages;
	bool collects;	 /* pages of the guest may be taken away, see start(), deflate() */
	bool stats_held; /* the driver's buffer, until new statistics are wanted (5.5.6.3) */
	struct virtq_chain chain, stats_chain;
	struct iovec iov[QUEUE_SIZE], stats_iov[QUEUE_SIZE];
	struct loop_timer timer;
	uint64_t stats[STATS_TAGS];
	uint32_t stats_known;	     /* which of them the driver has told */
	uint64_t inflated, reported; /* bytes given back */
	bool warned;
};

static uint32_t config_get(const struct virtio_device *d, size_t offset)
{
	uint32_t value;

	memcpy(&value, d->config + offset, sizeof(value));
	return le32toh(value);
}

static void config_put(struct virtio_device *d, size_t offset, uint32_t value)
{
	value = htole32(value);
	memcpy(d->config + offset, &value, sizeof(value));
}

#define CONFIG(field) offsetof(struct virtio_balloon_config, field)

/* The driver says how large the balloon is, and with what it poisons free pages. */
static void config_write(struct virtio_device *d, unsigned offset, const void *buf, unsigned n)
{
	static const size_t writable[] = {CONFIG(actual), CONFIG(poison_val)};
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(writable); i++)
		if (offset >= writable[i] && offset + n <= writable[i] + sizeof(uint32_t))
			memcpy(d->config + offset, buf, n);
}

/* Let the host have [host, host + len). Returns how many bytes it got. */
static uint64_t give_back(struct balloon *b, void *host, uint64_t len)
{
	int64_t n = host ? guest_memory_discard(b->pages.memory, host, len) : 0;

	if (n >= 0)
		return (uint64_t)n;
	if (!b->warned)
		warn("balloon: the host does not take memory back: %s", strerror((int)-n));
	b->warned = true;
	return 0;
}

static void end_run(struct balloon *b, const struct range *run)
{
	if (run->size)
		b->inflated += give_back(b, guest_memory_at(b->pages.memory, run->base, run->size),
					 run->size);
}

/* Page numbers come in runs, upwards or downwards: one call for each run. */
static void add_to_run(struct balloon *b, struct range *run, struct range more)
{
	struct range both = {run->base, run->size + more.size};

	if (!more.size)
		return;
	if (more.base < run->base)
		both.base = more.base;
	if (run->size && range_last(both) == range_last(more.base < run->base ? *run : more) &&
	    guest_memory_at(b->pages.memory, both.base, both.size)) {
		*run = both;
		return;
	}
	end_run(b, run);
	*run = more;
}

/* Of the page numbers in a request, from the i-th on; returns how many, at most `room`. */
static unsigned read_pages(const struct virtq_chain *c, unsigned i, uint32_t *pages, unsigned room)
{
	return (unsigned)(virtq_read(c, (uint64_t)i * sizeof(*pages), pages,
				     room * sizeof(*pages)) /
			  sizeof(*pages));
}

static uint32_t inflate(struct virtio_device *d, const struct virtq_chain *c)
{
	struct balloon *b = container_of(d, struct balloon, device);
	struct range run = {0};
	uint32_t pages[256];
	unsigned done, n, i;

	for (done = 0; done < PAGES_MAX && b->collects; done += n) {
		n = read_pages(c, done, pages, ARRAY_SIZE(pages));
		for (i = 0; i < n; i++)
			add_to_run(b, &run, balloon_pages_add(&b->pages, le32toh(pages[i])));
		if (!n)
			break;
	}
	end_run(b, &run);
	return 0;
}

static uint32_t deflate(struct virtio_device *d, const struct virtq_chain *c)
{
	struct balloon *b = container_of(d, struct balloon, device);
	uint32_t pages[256];
	unsigned done, n, i;

	for (done = 0; done < PAGES_MAX; done += n) {
		n = read_pages(c, done, pages, ARRAY_SIZE(pages));
		for (i = 0; i < n; i++)
			balloon_pages_remove(&b->pages, le32toh(pages[i]));
		if (!n)
			break;
	}
	/* Those left over are in use as well: nothing can be told of large pages any more. */
	if (read_pages(c, done, pages, 1) && d->vm->memory.page > BALLOON_PAGE)
		b->collects = false;
	return 0;
}

/* 5.5.6.7: free pages as buffers. A guest that poisons them must find its poison, not zeros. */
static uint32_t report(struct virtio_device *d, const struct virtq_chain *c)
{
	struct balloon *b = container_of(d, struct balloon, device);
	unsigned i;

	if (virtio_has(d, VIRTIO_BALLOON_F_PAGE_POISON) && config_get(d, CONFIG(poison_val)))
		return 0;
	for (i = 0; i < c->n_in; i++)
		b->reported +=
			give_back(b, c->iov[c->n_out + i].iov_base, c->iov[c->n_out + i].iov_len);
	return 0;
}

/* ---- statistics ------------------------------------------------------------------------------ */

static void read_stats(struct balloon *b)
{
	struct virtio_balloon_stat stat;
	unsigned i;

	for (i = 0; i < 2 * STATS_TAGS; i++) {
		if (virtq_read(&b->stats_chain, i * sizeof(stat), &stat, sizeof(stat)) !=
		    sizeof(stat))
			return;
		if (le16toh(stat.tag) < STATS_TAGS) {
			b->stats[le16toh(stat.tag)] = le64toh(stat.val);
			b->stats_known |= 1U << le16toh(stat.tag);
		}
	}
}

static void take_stats(struct balloon *b)
{
	struct virtio_queue *q = &b->device.queues[STATS];

	if (!b->stats_held && virtio_pop(q, &b->stats_chain) > 0) {
		b->stats_held = true;
		read_stats(b);
	}
	if (virtq_ask_kicks(&q->ring, true) && !b->stats_held)
		event_kick(q->kick);
}

/* The buffer goes back: with that the driver is asked for new statistics. */
static void timer_ready(struct loop_source *src, uint32_t events)
{
	struct balloon *b = src->opaque;
	struct virtio_device *d = &b->device;

	(void)events;
	pthread_mutex_lock(&d->lock);
	if (loop_timer_ended(&b->timer) && b->stats_held &&
	    !(d->status & VIRTIO_CONFIG_S_NEEDS_RESET)) {
		b->stats_held = false;
		virtq_push(&d->queues[STATS].ring, &b->stats_chain, 0);
		virtio_notify(&d->queues[STATS]);
	}
	pthread_mutex_unlock(&d->lock);
}

static void stat_guest(const struct balloon *b, struct json *j)
{
	unsigned i;

	json_open(j, "guest", '{');
	for (i = 0; i < STATS_TAGS; i++)
		if (b->stats_known >> i & 1)
			json_number(j, stats_names[i], b->stats[i]);
	json_close(j, '}');
}

static void stat(struct virtio_device *d, struct json *j)
{
	struct balloon *b = container_of(d, struct balloon, device);

	pthread_mutex_lock(&d->lock);
	json_number(j, "target", config_get(d, CONFIG(num_pages)) * BALLOON_PAGE);
	json_number(j, "actual", config_get(d, CONFIG(actual)) * BALLOON_PAGE);
	json_number(j, "inflated", b->inflated);
	json_number(j, "reported", b->reported);
	stat_guest(b, j);
	pthread_mutex_unlock(&d->lock);
}

/* ---- the device ------------------------------------------------------------------------------ */

/* What a queue is for. Linux' driver closes the gap that the statistics leave if it has none. */
static enum balloon_queue queue_role(const struct virtio_device *d, unsigned q)
{
	if (q == STATS && !virtio_has(d, VIRTIO_BALLOON_F_STATS_VQ))
		return REPORTING;
	return q < REPORTING ? (enum balloon_queue)q : REPORTING;
}

static void kicked(struct virtio_device *d, unsigned q)
{
	struct balloon *b = container_of(d, struct balloon, device);

	switch (queue_role(d, q)) {
	case INFLATE:
		virtio_serve(&d->queues[q], &b->chain, inflate);
		break;
	case DEFLATE:
		virtio_serve(&d->queues[q], &b->chain, deflate);
		break;
	case STATS:
		take_stats(b);
		break;
	default:
		virtio_serve(&d->queues[q], &b->chain, report);
	}
}

/*
 * A page of the host with parts outside of the balloon is the guest's. If it uses parts again
 * without telling, we can't know which pages those are.
 */
static int start(struct virtio_device *d)
{
	struct balloon *b = container_of(d, struct balloon, device);

	b->collects = d->vm->memory.page <= BALLOON_PAGE ||
		      virtio_has(d, VIRTIO_BALLOON_F_MUST_TELL_HOST);
	loop_timer_set(&b->timer, STATS_AGE, STATS_AGE);
	return balloon_pages_init(&b->pages, &d->vm->memory);
}

/* A new driver begins with an empty balloon. */
static void stop(struct virtio_device *d)
{
	struct balloon *b = container_of(d, struct balloon, device);

	loop_timer_set(&b->timer, 0, 0);
	balloon_pages_destroy(&b->pages);
	b->stats_held = false;
	b->stats_known = 0;
	config_put(d, CONFIG(actual), 0);
	config_put(d, CONFIG(poison_val), 0);
}

static void queue_stop(struct virtio_device *d, unsigned q)
{
	if (queue_role(d, q) == STATS)
		container_of(d, struct balloon, device)->stats_held = false;
}

static void destroy(struct virtio_device *d)
{
	struct balloon *b = container_of(d, struct balloon, device);

	loop_timer_close(&b->timer);
	virtio_device_release(d);
	free(b);
}

static const struct virtio_device_ops ops = {.config_write = config_write,
					     .start = start,
					     .stop = stop,
					     .queue_stop = queue_stop,
					     .kicked = kicked,
					     .stat = stat,
					     .destroy = destroy};

static int make_timer(struct balloon *b, struct error *err)
{
	int ret = loop_timer_open(&b->timer, b->device.loop, CLOCK_MONOTONIC, timer_ready, b);

	return ret ? fail(err, -ret, "balloon: timer: %s", strerror(-ret)) : 0;
}

int virtio_balloon_create(struct virtio *v, struct virtio_device **out, struct error *err)
{
	static const uint16_t sizes[QUEUES] = {QUEUE_SIZE, QUEUE_SIZE, QUEUE_SIZE, QUEUE_SIZE,
					       QUEUE_SIZE};
	struct balloon *b = calloc(1, sizeof(*b));
	int ret;

	if (!b)
		return fail(err, ENOMEM, "balloon: out of memory");
	b->chain = (struct virtq_chain){.iov = b->iov, .room = QUEUE_SIZE};
	b->stats_chain = (struct virtq_chain){.iov = b->stats_iov, .room = QUEUE_SIZE};
	b->device = (struct virtio_device){
		.name = "balloon",
		.id = VIRTIO_ID_BALLOON,
		.ops = &ops,
		.config_size = sizeof(struct virtio_balloon_config),
		.offered = BIT(VIRTIO_BALLOON_F_MUST_TELL_HOST) | BIT(VIRTIO_BALLOON_F_STATS_VQ) |
			   BIT(VIRTIO_BALLOON_F_DEFLATE_ON_OOM) |
			   BIT(VIRTIO_BALLOON_F_PAGE_POISON) | BIT(VIRTIO_BALLOON_F_REPORTING)};
	*out = &b->device;
	ret = virtio_device_init(&b->device, v->vm, QUEUES, sizes, err);
	return ret ?: make_timer(b, err);
}

int virtio_balloon_resize(struct virtio *v, uint64_t bytes, struct error *err)
{
	struct virtio_device *d = v->devices;
	uint64_t ram = guest_memory_size(&v->vm->memory);

	while (d && d->id != VIRTIO_ID_BALLOON)
		d = d->next;
	if (!d)
		return fail(err, ENODEV, "there is no balloon; run the machine with --balloon");
	if (bytes > ram || bytes / BALLOON_PAGE > UINT32_MAX)
		return fail(err, EINVAL, "the balloon can't be larger than the memory, %llu MiB",
			    ram / MIB);
	pthread_mutex_lock(&d->lock);
	config_put(d, CONFIG(num_pages), (uint32_t)(bytes / BALLOON_PAGE));
	virtio_config_changed(d);
	pthread_mutex_unlock(&d->lock);
	return 0;
}
