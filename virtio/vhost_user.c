/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A virtio device whose rings another process serves (vhost-user): what its driver does is passed
 * on. Kicks and interrupts go between guest and back end without us.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "devices.h"
#include "vhost_user_device.h"

static struct vhost_user *of(struct virtio_device *d)
{
	return container_of(d, struct vhost_user, device);
}

/* The back end's interrupt, while the transport has no descriptor for it. */
static void called(struct loop_source *src, uint32_t events)
{
	struct vhost_user_ring *ring = src->opaque;

	(void)events;
	if (event_take(src->fd))
		virtio_interrupt(&ring->owner->device, ring->index);
}

int vhost_user_refresh(struct vhost_user *v)
{
	struct virtio_device *d = &v->device;
	uint8_t config[VIRTIO_CONFIG_MAX] = {0};
	int ret = 0;

	if (v->shape.config_from_backend)
		ret = vhost_user_get_config(&v->session, config, d->config_size);
	if (ret)
		return ret;
	vhost_user_make_config(v->opt, &v->shape, config);
	if (!memcmp(config, d->config, d->config_size))
		return 0;
	memcpy(d->config, config, d->config_size);
	virtio_config_changed(d);
	return 0;
}

/* For a back end that comes anew. Of one request alone it is clear which that is. */
static int find_base(struct vhost_user *v, struct virtio_queue *queue, uint32_t *base)
{
	unsigned waiting;
	int ret = vhost_user_resume(&queue->ring, base, &waiting);

	if (!ret && waiting > 1 && v->rings[queue->index].begun && v->shape.type->reorders &&
	    !v->recorded)
		warn("%s: queue %u: of %u requests that were on their way, some may be lost or "
		     "done twice: there is no record of them",
		     v->device.name, queue->index, waiting);
	return ret;
}

static int run_ring(struct vhost_user *v, unsigned q, bool again)
{
	struct virtio_queue *queue = &v->device.queues[q];
	struct vhost_user_ring *ring = &v->rings[q];
	uint32_t base = virtq_base(&queue->ring);
	int ret = again ? find_base(v, queue, &base) : 0;
	int fd = virtio_call_fd(&v->device, q);

	if (ret)
		return ret;
	ring->told = fd >= 0 ? fd : ring->call.fd;
	ret = vhost_user_start_ring(&v->session, q, &queue->ring, base, queue->kick, ring->told);
	/* Also one that was started in part is to be stopped. */
	ring->running = ring->begun = true;
	return ret;
}

static void drop_inflight(struct vhost_user *v)
{
	if (v->inflight_fd >= 0)
		close(v->inflight_fd);
	v->inflight_fd = -1;
}

/*
 * The record of what is on its way outlives the back end that keeps it, but not one that keeps
 * none: from then on it isn't true.
 */
static int share_inflight(struct vhost_user *v)
{
	int ret = 0;

	v->recorded = vhost_user_has(&v->session, VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD);
	if (!v->recorded) {
		drop_inflight(v);
		return 0;
	}
	if (v->inflight_fd < 0) {
		v->recorded = false;
		v->inflight = (struct vhost_user_inflight){.n_queues = (uint16_t)v->shape.n_served,
							   .queue_size = VHOST_USER_QUEUE_SIZE};
		ret = vhost_user_get_inflight(&v->session, &v->inflight, &v->inflight_fd);
	}
	return ret ?: vhost_user_set_inflight(&v->session, &v->inflight, v->inflight_fd);
}

int vhost_user_run(struct vhost_user *v, bool again)
{
	struct virtio_device *d = &v->device;
	unsigned q;
	int ret;

	vhost_user_begin(&v->session);
	ret = vhost_user_accept(&v->session, vhost_user_tell(&v->session.offer, d->features));
	if (!ret)
		ret = vhost_user_share(&v->session, &d->vm->memory);
	if (!ret)
		ret = share_inflight(v);
	for (q = 0; q < v->shape.n_served && !ret; q++)
		if (d->queues[q].enabled)
			ret = run_ring(v, q, again);
	return ret;
}

/* A back end that is gone meanwhile is waited for; one that refuses leaves a reset to the driver.
 */
static int outcome(struct vhost_user *v, int ret)
{
	if (vhost_user_settle(v, ret) || v->session.fd < 0)
		return 0;
	warn("%s: %s", v->device.name, v->session.why);
	return ret;
}

static int start(struct virtio_device *d)
{
	struct vhost_user *v = of(d);

	return v->session.fd < 0 ? 0 : outcome(v, vhost_user_run(v, false));
}

static void stop_ring(struct vhost_user *v, unsigned q)
{
	v->rings[q].begun = false;
	if (!v->rings[q].running)
		return;
	v->rings[q].running = false;
	/* Whoever does not let go of a ring when asked to is left. */
	if (vhost_user_stop_ring(&v->session, q))
		vhost_user_settle(v, -EPROTO);
}

static void stop(struct virtio_device *d)
{
	struct vhost_user *v = of(d);
	unsigned q;

	vhost_user_begin(&v->session);
	for (q = 0; q < v->shape.n_served; q++)
		stop_ring(v, q);
	drop_inflight(v);
}

static int queue_start(struct virtio_device *d, unsigned q)
{
	struct vhost_user *v = of(d);

	if (q >= v->shape.n_served || v->session.fd < 0)
		return 0;
	vhost_user_begin(&v->session);
	return outcome(v, run_ring(v, q, false));
}

static void queue_stop(struct virtio_device *d, unsigned q)
{
	struct vhost_user *v = of(d);

	if (q >= v->shape.n_served)
		return;
	vhost_user_begin(&v->session);
	stop_ring(v, q);
	/* Nobody has taken its requests out of the record. */
	if (v->session.fd < 0)
		drop_inflight(v);
}

static void call_changed(struct virtio_device *d, unsigned q)
{
	struct vhost_user *v = of(d);
	struct vhost_user_ring *ring;
	int fd;

	if (q >= v->shape.n_served || !v->rings[q].running)
		return;
	ring = &v->rings[q];
	fd = virtio_call_fd(d, q);
	if (fd < 0)
		fd = ring->call.fd;
	if (fd == ring->told)
		return;
	ring->told = fd;
	vhost_user_begin(&v->session);
	outcome(v, vhost_user_set_call(&v->session, q, fd));
}

/* What the back end makes of it is what the driver reads. */
static void config_write(struct virtio_device *d, unsigned offset, const void *buf, unsigned n)
{
	struct vhost_user *v = of(d);
	int ret;

	if (!v->shape.config_from_backend || v->session.fd < 0)
		return;
	vhost_user_begin(&v->session);
	ret = vhost_user_set_config(&v->session, offset, buf, n);
	vhost_user_settle(v, ret ?: vhost_user_refresh(v));
}

static void stat(struct virtio_device *d, struct json *j)
{
	struct vhost_user *v = of(d);

	json_string(j, "socket", v->opt->socket);
	json_bool(j, "connected", atomic_load(&v->connected));
	json_number(j, "losses", atomic_load(&v->losses));
}

static void destroy(struct virtio_device *d)
{
	struct vhost_user *v = of(d);
	unsigned i;

	vhost_user_leave(v);
	drop_inflight(v);
	for (i = 0; v->rings && i < v->shape.n_served; i++) {
		if (v->rings[i].call.fd < 0)
			continue;
		loop_remove(d->loop, &v->rings[i].call);
		close(v->rings[i].call.fd);
	}
	free(v->rings);
	virtio_device_release(d);
	free(v);
}

static const struct virtio_device_ops ops = {
	.config_write = config_write,
	.start = start,
	.stop = stop,
	.queue_start = queue_start,
	.queue_stop = queue_stop,
	.call_changed = call_changed,
	.stat = stat,
	.destroy = destroy,
};

static int make_rings(struct vhost_user *v)
{
	struct vhost_user_ring *ring;
	unsigned i;
	int ret = 0;

	v->rings = calloc(v->shape.n_served, sizeof(*v->rings));
	if (!v->rings)
		return -ENOMEM;
	for (i = 0; i < v->shape.n_served; i++) {
		ring = &v->rings[i];
		*ring = (struct vhost_user_ring){.owner = v, .index = i, .told = -1};
		ring->call = (struct loop_source){.fd = -1, .ready = called, .opaque = ring};
	}
	for (i = 0; i < v->shape.n_served && !ret; i++) {
		ring = &v->rings[i];
		ring->call.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		ret = ring->call.fd < 0 ? -errno : loop_add(v->device.loop, &ring->call, EPOLLIN);
	}
	return ret;
}

/* The device as the driver shall see it. */
static int shape(struct vhost_user *v, struct vm *vm, struct error *err)
{
	struct virtio_device *d = &v->device;
	uint16_t sizes[VHOST_USER_QUEUES_MAX] = {0};
	unsigned i;
	int ret;

	for (i = 0; i < v->shape.n_queues; i++)
		sizes[i] = VHOST_USER_QUEUE_SIZE;
	d->config_size = v->shape.config_size;
	ret = virtio_device_init(d, vm, v->shape.n_queues, sizes, err);
	if (ret)
		return ret;
	/* Of rings, too, only what the back end can do. */
	d->offered = v->shape.features;
	ret = make_rings(v);
	if (!ret)
		ret = vhost_user_watch(v);
	if (ret)
		return fail(err, -ret, "%s: %s", d->name,
			    v->session.why[0] ? v->session.why : strerror(-ret));
	ret = vhost_user_refresh(v);
	return ret ? fail(err, -ret, "%s: %s: %s", d->name, v->opt->socket, v->session.why) : 0;
}

int virtio_vhost_user_create(struct virtio *all, const struct vhost_user_options *opt,
			     struct virtio_device **out, struct error *err)
{
	struct vhost_user *v = calloc(1, sizeof(*v));
	struct virtio_device *d;
	int ret;

	if (!v)
		return fail(err, ENOMEM, "vhost-user: out of memory");
	v->all = all;
	v->opt = opt;
	v->session.fd = v->hangup.fd = v->channel.fd = v->inflight_fd = -1;
	d = &v->device;
	d->id = opt->id;
	d->ops = &ops;
	snprintf(d->name, sizeof(d->name), "vhost-user %s %.32s", opt->type->name, opt->socket);
	ret = vhost_user_find(v, err);
	if (ret) {
		free(v);
		return ret;
	}
	*out = d;
	return shape(v, all->vm, err);
}
