/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What all virtio devices do alike: status and features (2.1, 2.2, 3.1), queues that come and go
 * (2.6.1), configuration (2.5), kicks, and what happens when a driver breaks the rules.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <linux/virtio_ring.h>

#include "device.h"

#define BIT(n) (1ULL << (n))

/* The rings and the transport can do this for any device. */
#define COMMON_FEATURES                                                                           \
	(BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_F_RING_PACKED) | BIT(VIRTIO_RING_F_INDIRECT_DESC) | \
	 BIT(VIRTIO_RING_F_EVENT_IDX))

static void reset_queue(struct virtio_queue *q)
{
	virtq_reset(&q->ring);
	q->enabled = q->later = false;
	q->owed = 0;
	/* A kick that nobody took is for a ring that is gone. */
	event_take(q->kick);
}

/* A device that needs a reset stands still (2.1.2). */
static bool works(const struct virtio_queue *q)
{
	return q->device->started && q->enabled &&
	       !(q->device->status & VIRTIO_CONFIG_S_NEEDS_RESET);
}

/* A kick: on the thread of the device's loop. */
static void kicked(struct loop_source *src, uint32_t events)
{
	struct virtio_queue *q = src->opaque;
	struct virtio_device *d = q->device;

	(void)events;
	pthread_mutex_lock(&d->lock);
	if (event_take(q->kick))
		atomic_fetch_add_explicit(&q->kicks, 1, memory_order_relaxed);
	if (works(q))
		d->ops->kicked(d, q->index);
	pthread_mutex_unlock(&d->lock);
}

static bool look(struct loop_source *src, bool ask)
{
	struct virtio_queue *q = src->opaque;
	bool more;

	pthread_mutex_lock(&q->device->lock);
	more = works(q) && !q->later &&
	       (ask ? virtq_ask_kicks(&q->ring, true) : virtq_has_chain(&q->ring));
	pthread_mutex_unlock(&q->device->lock);
	return more;
}

static void tell_driver(struct virtio_queue *q)
{
	if (q->owed)
		virtio_notify(q);
	q->owed = 0;
}

static void tell(struct loop_source *src)
{
	struct virtio_queue *q = src->opaque;

	pthread_mutex_lock(&q->device->lock);
	if (q->device->started && q->enabled)
		tell_driver(q);
	pthread_mutex_unlock(&q->device->lock);
}

static int init_queue(struct virtio_device *d, unsigned i, uint16_t size)
{
	struct virtio_queue *q = &d->queues[i];

	*q = (struct virtio_queue){.device = d,
				   .index = i,
				   .vector = VIRTIO_NO_VECTOR,
				   .ring = {.memory = &d->vm->memory, .size_max = size}};
	q->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (q->kick < 0)
		return -errno;
	reset_queue(q);
	if (!d->ops->kicked)
		return 0;
	q->source = (struct loop_source){
		.fd = q->kick, .ready = kicked, .opaque = q, .look = look, .tell = tell};
	return loop_add(d->loop, &q->source, EPOLLIN);
}

int virtio_device_init(struct virtio_device *d, struct vm *vm, unsigned n_queues,
		       const uint16_t *sizes, struct error *err)
{
	unsigned i;
	int ret = 0;

	d->vm = vm;
	if (!d->loop)
		d->loop = &vm->loop;
	d->offered |= COMMON_FEATURES;
	if (!d->ops->whole)
		d->offered |= BIT(VIRTIO_F_RING_RESET);
	pthread_mutex_init(&d->lock, NULL);
	d->queues = calloc(n_queues, sizeof(*d->queues));
	if (!d->queues)
		return fail(err, ENOMEM, "%s: out of memory", d->name);
	for (i = 0; i < n_queues && !ret; i++, d->n_queues++)
		ret = init_queue(d, i, sizes[i]);
	return ret ? fail(err, -ret, "%s: queue %u: %s", d->name, i - 1, strerror(-ret)) : 0;
}

void virtio_device_release(struct virtio_device *d)
{
	unsigned i;

	for (i = 0; i < d->n_queues; i++) {
		if (d->queues[i].source.ready)
			loop_remove(d->loop, &d->queues[i].source);
		if (d->queues[i].kick >= 0)
			close(d->queues[i].kick);
	}
	free(d->queues);
	d->queues = NULL;
	d->n_queues = 0;
	pthread_mutex_destroy(&d->lock);
}

/* ---- interrupts ------------------------------------------------------------------------------ */

void virtio_interrupt(struct virtio_device *d, unsigned q)
{
	atomic_fetch_add_explicit(&d->queues[q].interrupts, 1, memory_order_relaxed);
	d->transport->interrupt(d, q);
}

int virtio_call_fd(struct virtio_device *d, unsigned q)
{
	return d->transport->call_fd(d, q);
}

void virtio_config_changed(struct virtio_device *d)
{
	d->generation++;
	if (d->status & VIRTIO_CONFIG_S_DRIVER_OK)
		d->transport->config_interrupt(d);
}

void virtio_break(struct virtio_device *d, const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	/* A hostile guest could fill the user's terminal. */
	if (!atomic_fetch_add(&d->broken, 1))
		warn("%s: %s; the device waits for a reset", d->name, text);
	if (d->status & VIRTIO_CONFIG_S_NEEDS_RESET)
		return;
	d->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	/* 2.1.2: with DRIVER_OK the device sends a configuration change notification. */
	if (d->status & VIRTIO_CONFIG_S_DRIVER_OK)
		d->transport->config_interrupt(d);
}

int virtio_pop(struct virtio_queue *q, struct virtq_chain *c)
{
	int ret = virtq_pop(&q->ring, c);

	if (ret < 0)
		virtio_break(q->device, "queue %u: %s", q->index, q->ring.broken);
	return ret;
}

void virtio_notify(struct virtio_queue *q)
{
	if (virtq_wants_interrupt(&q->ring))
		virtio_interrupt(q->device, q->index);
}

void virtio_serve(struct virtio_queue *q, struct virtq_chain *c,
		  uint32_t (*serve)(struct virtio_device *d, const struct virtq_chain *c))
{
	uint32_t written = 0;
	unsigned n = 0;
	bool lingers;

	virtq_ask_kicks(&q->ring, false);
	while (n < q->ring.size && virtio_pop(q, c) > 0) {
		written = serve(q->device, c);
		if (written == VIRTIO_LATER) {
			virtq_unpop(&q->ring, c);
			break;
		}
		virtq_push(&q->ring, c, written);
		n++;
	}
	q->owed += n;
	q->later = written == VIRTIO_LATER;
	lingers = q->patient && loop_linger(q->device->loop, &q->source);
	/* A driver that has few of its buffers left may wait after all. */
	if (!lingers || q->owed >= q->ring.size * 3u / 4)
		tell_driver(q);
	if (!lingers && !q->later && virtq_ask_kicks(&q->ring, true))
		event_kick(q->kick);
}

/* ---- features -------------------------------------------------------------------------------- */

uint32_t virtio_offered(const struct virtio_device *d, uint32_t word)
{
	return word < 2 ? (uint32_t)(d->offered >> (32 * word)) : 0;
}

uint32_t virtio_accepted(const struct virtio_device *d, uint32_t word)
{
	return word < 2 ? (uint32_t)(d->features >> (32 * word)) : 0;
}

void virtio_accept(struct virtio_device *d, uint32_t word, uint32_t bits)
{
	uint64_t mask;

	/* 3.1.1: features are settled with FEATURES_OK. */
	if (word >= 2 || (d->status & VIRTIO_CONFIG_S_FEATURES_OK))
		return;
	mask = (uint64_t)UINT32_MAX << (32 * word);
	d->features = (d->features & ~mask) | (uint64_t)bits << (32 * word);
}

static bool features_are_good(struct virtio_device *d)
{
	/* 6.1: a driver that does not know VERSION_1 would take this for a legacy device. */
	if ((d->features & ~d->offered) || !virtio_has(d, VIRTIO_F_VERSION_1))
		return false;
	return !d->ops->accepts || d->ops->accepts(d, d->features);
}

/* ---- status ---------------------------------------------------------------------------------- */

static void stop(struct virtio_device *d)
{
	if (d->started && d->ops->stop)
		d->ops->stop(d);
	d->started = false;
}

static void reset(struct virtio_device *d)
{
	unsigned i;

	stop(d);
	for (i = 0; i < d->n_queues; i++) {
		reset_queue(&d->queues[i]);
		d->queues[i].vector = VIRTIO_NO_VECTOR;
	}
	d->features = 0;
	d->status = 0;
	atomic_fetch_add_explicit(&d->resets, 1, memory_order_relaxed);
}

static int start_ring(struct virtio_queue *q)
{
	const struct virtio_device *d = q->device;
	struct virtq_features f = {virtio_has(d, VIRTIO_F_RING_PACKED),
				   virtio_has(d, VIRTIO_RING_F_EVENT_IDX),
				   virtio_has(d, VIRTIO_RING_F_INDIRECT_DESC)};
	int ret = virtq_start(&q->ring, &f);

	if (ret)
		virtio_break(q->device, "queue %u: %s", q->index,
			     ret == -EFAULT ? "its ring isn't in guest memory, or not aligned"
					    : "its ring can't have that size");
	return ret;
}

static void start(struct virtio_device *d)
{
	unsigned i;
	int ret = 0;

	for (i = 0; i < d->n_queues && !ret; i++)
		if (d->queues[i].enabled)
			ret = start_ring(&d->queues[i]);
	if (ret)
		return;
	d->started = true;
	ret = d->ops->start ? d->ops->start(d) : 0;
	if (ret) {
		stop(d);
		virtio_break(d, "can't start: %s", strerror(-ret));
		return;
	}
	/* Buffers may have been made available before, without a kick (2.7.13.1 allows none). */
	for (i = 0; i < d->n_queues; i++)
		if (d->queues[i].enabled)
			event_kick(d->queues[i].kick);
}

/* 2.1: a driver adds bits, in order, or resets with 0; what it must not do has no effect. */
void virtio_set_status(struct virtio_device *d, uint8_t status)
{
	uint8_t before = d->status, added = status & ~before;

	if (!status) {
		reset(d);
		return;
	}
	if (before & ~status & ~VIRTIO_CONFIG_S_NEEDS_RESET)
		return;
	added &= VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |
		 VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK | VIRTIO_CONFIG_S_FAILED;
	if ((added & VIRTIO_CONFIG_S_FEATURES_OK) && !features_are_good(d))
		added &= ~(VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK);
	if (!((before | added) & VIRTIO_CONFIG_S_FEATURES_OK))
		added &= ~VIRTIO_CONFIG_S_DRIVER_OK;
	d->status |= added;
	if ((added & VIRTIO_CONFIG_S_DRIVER_OK) && !(before & VIRTIO_CONFIG_S_NEEDS_RESET))
		start(d);
}

void virtio_halt(struct virtio_device *d)
{
	if (!d->started)
		return;
	stop(d);
	d->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
}

/* ---- queues ---------------------------------------------------------------------------------- */

struct virtio_queue *virtio_queue(struct virtio_device *d, uint32_t q)
{
	return q < d->n_queues ? &d->queues[q] : NULL;
}

void virtio_set_queue_size(struct virtio_queue *q, uint32_t size)
{
	/* A size that a ring can't have is refused when it starts. */
	if (!q->enabled && size <= q->ring.size_max)
		q->ring.size = (uint16_t)size;
}

void virtio_set_queue_part(uint64_t *part, struct virtio_queue *q, bool high, uint32_t value)
{
	uint64_t mask = (uint64_t)UINT32_MAX << (high ? 32 : 0);

	if (!q->enabled)
		*part = (*part & ~mask) | ((uint64_t)value << (high ? 32 : 0));
}

void virtio_enable_queue(struct virtio_queue *q)
{
	struct virtio_device *d = q->device;

	/* 3.1.1: queues are set up once features are settled. */
	if (q->enabled || !(d->status & VIRTIO_CONFIG_S_FEATURES_OK))
		return;
	if (!d->started) {
		q->enabled = true;
		return;
	}
	/* With the device at work, only one that was reset by itself may come back (2.6.1). */
	if (!virtio_has(d, VIRTIO_F_RING_RESET) || start_ring(q))
		return;
	q->enabled = true;
	if (!d->ops->queue_start || !d->ops->queue_start(d, q->index)) {
		event_kick(q->kick);
		return;
	}
	/* A later reset of the queue shall not stop what never started. */
	reset_queue(q);
	virtio_break(d, "queue %u: can't start again", q->index);
}

void virtio_disable_queue(struct virtio_queue *q)
{
	struct virtio_device *d = q->device;

	if (!q->enabled || (d->started && d->ops->whole))
		return;
	if (d->started && d->ops->queue_stop)
		d->ops->queue_stop(d, q->index);
	reset_queue(q);
}

void virtio_reset_queue(struct virtio_queue *q)
{
	if (virtio_has(q->device, VIRTIO_F_RING_RESET))
		virtio_disable_queue(q);
}

/* ---- configuration --------------------------------------------------------------------------- */

uint32_t virtio_config_read(struct virtio_device *d, uint64_t offset, unsigned size)
{
	uint32_t value = 0;
	unsigned n = size;

	if (offset >= d->config_size)
		return 0;
	if (n > d->config_size - offset)
		n = d->config_size - (unsigned)offset;
	if (d->ops->config_read)
		d->ops->config_read(d, (unsigned)offset, &value, n);
	else
		memcpy(&value, d->config + offset, n);
	return value;
}

void virtio_config_write(struct virtio_device *d, uint64_t offset, unsigned size, uint32_t value)
{
	if (d->ops->config_write && offset < d->config_size && size <= d->config_size - offset)
		d->ops->config_write(d, (unsigned)offset, &value, size);
}
