/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * vhost: see vhost.h. The kernel polls a queue's kick and signals the MSI engine's eventfd itself,
 * so that neither passes through this process, unless the vector is masked or there is only a line.
 */
#include "vhost.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <linux/vhost.h>
#include <linux/virtio_ring.h>

#define BIT(n) (1ULL << (n))

/* Features that change what a ring looks like: the one who serves it must know them. */
#define RING_FEATURES                                                                              \
	(BIT(VIRTIO_F_RING_PACKED) | BIT(VIRTIO_F_RING_RESET) | BIT(VIRTIO_RING_F_INDIRECT_DESC) | \
	 BIT(VIRTIO_RING_F_EVENT_IDX))
/* A ring is reset by stopping and starting it; the kernel need not know why. */
#define OUR_FEATURES BIT(VIRTIO_F_RING_RESET)

static int request(const struct vhost *v, unsigned long what, void *arg)
{
	return ioctl(v->fd, what, arg) < 0 ? -errno : 0;
}

/* Hand the kernel a file for a ring; VHOST_FILE_UNBIND takes it away. */
static int set_file(const struct vhost *v, unsigned long what, unsigned ring, int fd)
{
	struct vhost_vring_file file = {.index = ring, .fd = fd};

	return request(v, what, &file);
}

/* ---- what the kernel signals ----------------------------------------------------------------- */

static void called(struct loop_source *src, uint32_t events)
{
	struct vhost_ring *r = src->opaque;

	(void)events;
	if (event_take(src->fd))
		virtio_interrupt(r->vhost->device, r->queue);
}

static void broken(struct loop_source *src, uint32_t events)
{
	struct vhost *v = src->opaque;

	(void)events;
	pthread_mutex_lock(&v->device->lock);
	/* What a reset has forgotten isn't there any more. */
	if (event_take(v->error.fd) && v->device->started)
		virtio_break(v->device, "the host's kernel can't read a ring or a buffer of it");
	pthread_mutex_unlock(&v->device->lock);
}

/* ---- opening --------------------------------------------------------------------------------- */

static int watch(struct vhost *v, struct loop_source *src,
		 void (*ready)(struct loop_source *src, uint32_t events), void *opaque)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), ret;

	if (fd < 0)
		return -errno;
	*src = (struct loop_source){.fd = fd, .ready = ready, .opaque = opaque};
	ret = loop_add(v->device->loop, src, EPOLLIN);
	if (ret) {
		close(fd);
		src->fd = -1;
	}
	return ret;
}

static void unwatch(struct vhost *v, struct loop_source *src)
{
	if (src->fd < 0)
		return;
	loop_remove(v->device->loop, src);
	close(src->fd);
	src->fd = -1;
}

static int open_path(struct vhost *v, const char *path, const char *module, struct error *err)
{
	v->fd = open(path, O_RDWR | O_CLOEXEC);
	if (v->fd >= 0)
		return 0;
	if (errno == ENOENT || errno == ENODEV || errno == ENXIO)
		return fail(err, errno, "%s: %s isn't there; load it with: modprobe %s",
			    v->device->name, path, module);
	if (errno == EACCES || errno == EPERM)
		return fail(err, errno,
			    "%s: no right to open %s; let this user read and write it, mostly by "
			    "its group",
			    v->device->name, path);
	return fail(err, errno, "%s: %s: %s", v->device->name, path, strerror(errno));
}

static int set_up(struct vhost *v)
{
	unsigned i;
	int ret = request(v, VHOST_SET_OWNER, NULL);

	if (!ret)
		ret = request(v, VHOST_GET_FEATURES, &v->features);
	if (!ret)
		ret = watch(v, &v->error, broken, v);
	for (i = 0; i < v->n && !ret; i++)
		ret = watch(v, &v->rings[i].call, called, &v->rings[i]);
	return ret;
}

int vhost_open(struct vhost *v, struct virtio_device *d, const char *path, const char *module,
	       unsigned first, unsigned n, struct error *err)
{
	unsigned i;
	int ret;

	*v = (struct vhost){.device = d, .fd = -1, .n = n, .error.fd = -1};
	for (i = 0; i < n; i++)
		v->rings[i] = (struct vhost_ring){.vhost = v, .queue = first + i, .call.fd = -1};
	ret = open_path(v, path, module, err);
	if (ret)
		return ret;
	ret = set_up(v);
	if (ret) {
		vhost_close(v);
		return fail(err, -ret, "%s: %s: %s", d->name, path, strerror(-ret));
	}
	return 0;
}

void vhost_close(struct vhost *v)
{
	unsigned i;

	if (v->fd < 0)
		return;
	for (i = 0; i < v->n; i++)
		unwatch(v, &v->rings[i].call);
	unwatch(v, &v->error);
	close(v->fd);
	v->fd = -1;
}

void vhost_limit_offer(const struct vhost *v)
{
	v->device->offered &= ~(RING_FEATURES & ~OUR_FEATURES & ~v->features);
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* All of RAM: a buffer elsewhere is an error, as it is for virtq_pop(). */
static int set_memory(const struct vhost *v)
{
	const struct guest_memory *mem = &v->device->vm->memory;
	struct vhost_memory *table =
		calloc(1, sizeof(*table) + mem->n * sizeof(struct vhost_memory_region));
	unsigned i;
	int ret;

	if (!table)
		return -ENOMEM;
	table->nregions = mem->n;
	for (i = 0; i < mem->n; i++)
		table->regions[i] = (struct vhost_memory_region){
			.guest_phys_addr = mem->banks[i].gpa,
			.memory_size = mem->banks[i].size,
			.userspace_addr = (uintptr_t)mem->banks[i].host};
	ret = request(v, VHOST_SET_MEM_TABLE, table);
	free(table);
	return ret;
}

/* ---- rings ----------------------------------------------------------------------------------- */

static int set_call(const struct vhost *v, unsigned ring)
{
	const struct vhost_ring *r = &v->rings[ring];
	int fd = virtio_call_fd(v->device, r->queue);

	return set_file(v, VHOST_SET_VRING_CALL, ring, fd >= 0 ? fd : r->call.fd);
}

/* Where the ring is, which virtq_start() has checked, and how far the device has come in it. */
static int set_ring(const struct vhost *v, unsigned ring, const struct virtq *q)
{
	struct vhost_vring_state size = {ring, q->size}, base = {ring, virtq_base(q)};
	struct vhost_vring_addr addr = {.index = ring,
					.desc_user_addr = (uintptr_t)q->desc_ring,
					.avail_user_addr = (uintptr_t)q->driver_area,
					.used_user_addr = (uintptr_t)q->device_area};
	int ret = request(v, VHOST_SET_VRING_NUM, &size);

	if (!ret)
		ret = request(v, VHOST_SET_VRING_BASE, &base);
	return ret ?: request(v, VHOST_SET_VRING_ADDR, &addr);
}

int vhost_start_ring(struct vhost *v, unsigned ring)
{
	struct vhost_ring *r = &v->rings[ring];
	struct virtio_queue *q = &v->device->queues[r->queue];
	int ret = set_ring(v, ring, &q->ring);

	if (!ret)
		ret = set_file(v, VHOST_SET_VRING_ERR, ring, v->error.fd);
	if (!ret)
		ret = set_call(v, ring);
	if (ret)
		return ret;
	/* From here on the kick is the kernel's alone: a loop that took it, too, would wake up for
	 * each. */
	if (q->source.ready)
		loop_remove(v->device->loop, &q->source);
	r->running = true;
	return set_file(v, VHOST_SET_VRING_KICK, ring, q->kick);
}

void vhost_stop_ring(struct vhost *v, unsigned ring)
{
	struct vhost_ring *r = &v->rings[ring];
	struct virtio_queue *q = &v->device->queues[r->queue];

	if (!r->running)
		return;
	r->running = false;
	set_file(v, VHOST_SET_VRING_KICK, ring, VHOST_FILE_UNBIND);
	set_file(v, VHOST_SET_VRING_CALL, ring, VHOST_FILE_UNBIND);
	if (q->source.ready)
		loop_add(v->device->loop, &q->source, EPOLLIN);
}

int vhost_start(struct vhost *v)
{
	uint64_t features = v->device->features & v->features;
	unsigned i;
	int ret = request(v, VHOST_SET_FEATURES, &features);

	if (!ret)
		ret = set_memory(v);
	for (i = 0; i < v->n && !ret; i++)
		if (v->device->queues[v->rings[i].queue].enabled)
			ret = vhost_start_ring(v, i);
	return ret;
}

void vhost_stop(struct vhost *v)
{
	unsigned i;

	for (i = 0; i < v->n; i++)
		vhost_stop_ring(v, i);
	/* Those that nobody has taken are of rings that are gone. */
	event_take(v->error.fd);
}

void vhost_call_changed(struct vhost *v, unsigned q)
{
	unsigned i;
	int ret = 0;

	for (i = 0; i < v->n; i++)
		if (v->rings[i].queue == q && v->rings[i].running)
			ret = set_call(v, i);
	if (ret)
		virtio_break(v->device, "queue %u: interrupts: %s", q, strerror(-ret));
}
