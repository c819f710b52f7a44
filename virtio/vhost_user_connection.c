/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The connection of a vhost-user device: found, lost, found again. A device whose back end is gone
 * stands still, with its rings as they are, until there is another behind the same socket: to the
 * guest a request then took long.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "vhost_user_device.h"

#define RETRY	  (250 * NS_PER_MS)
#define RETRY_MAX (30 * NS_PER_S)

/* ---- finding one -------------------------------------------------------------------------------
 */

static void hang_up(struct vhost_user_session *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	s->owned = s->shared = false;
}

static int connect_to(struct vhost_user *v, struct error *err)
{
	const char *path = v->opt->socket;
	int fd = vhost_user_connect(path);

	if (fd == -ENOENT || fd == -ECONNREFUSED)
		return fail(err, -fd,
			    "%s: nobody listens at %s; start the back end first, or name its "
			    "socket",
			    v->device.name, path);
	if (fd < 0)
		return fail(err, -fd, "%s: %s: %s", v->device.name, path, strerror(-fd));
	v->session = (struct vhost_user_session){.fd = fd};
	return 0;
}

/* Over an open connection, learn what is at the other end, and what the device becomes by that. */
static int meet(struct vhost_user *v, struct vhost_user_shape *shape, struct error *err)
{
	int ret;

	vhost_user_begin(&v->session);
	ret = vhost_user_negotiate(&v->session);
	if (ret)
		fail(err, -ret, "%s", v->session.why);
	else
		ret = vhost_user_plan(v->opt, &v->session.offer, shape, err);
	if (!ret)
		return 0;
	error_prefix(err, "%s: %s", v->device.name, v->opt->socket);
	hang_up(&v->session);
	return ret;
}

/* A connection of the boot before: its back end may allow no second one, or end with its first. */
static bool take_kept(struct vhost_user *v)
{
	struct vhost_user_session *kept = v->all->kept;
	size_t i = (size_t)(v->opt - v->all->options->vhost_user);
	struct error err;

	if (!kept || kept[i].fd < 0)
		return false;
	v->session = kept[i];
	kept[i].fd = -1;
	return !meet(v, &v->shape, &err);
}

int vhost_user_find(struct vhost_user *v, struct error *err)
{
	int ret;

	if (take_kept(v))
		return 0;
	ret = connect_to(v, err);
	return ret ?: meet(v, &v->shape, err);
}

static void keep(struct vhost_user *v)
{
	struct vhost_user_session *kept = v->all->kept;
	unsigned i;

	if (!kept) {
		kept = malloc(VHOST_USER_MAX * sizeof(*kept));
		for (i = 0; kept && i < VHOST_USER_MAX; i++)
			kept[i].fd = -1;
		v->all->kept = kept;
	}
	if (!kept) {
		hang_up(&v->session);
		return;
	}
	kept[v->opt - v->all->options->vhost_user] = v->session;
	v->session.fd = -1;
}

void vhost_user_forget(struct virtio *all)
{
	unsigned i;

	for (i = 0; all->kept && i < VHOST_USER_MAX; i++)
		hang_up(&all->kept[i]);
	free(all->kept);
	all->kept = NULL;
}

/* ---- losing it ---------------------------------------------------------------------------------
 */

static void look_again(struct vhost_user *v)
{
	loop_timer_set(&v->retry, v->delay, 0);
}

static void unwatch(struct vhost_user *v)
{
	vhost_user_close_channel(v);
	if (v->session.fd >= 0)
		loop_remove(v->device.loop, &v->hangup);
	atomic_store(&v->connected, false);
}

static void lose(struct vhost_user *v, const char *why)
{
	unsigned i;

	if (v->session.fd < 0)
		return;
	warn("%s: the back end is gone (%s); the guest waits for another at %s", v->device.name,
	     why, v->opt->socket);
	atomic_fetch_add(&v->losses, 1);
	unwatch(v);
	hang_up(&v->session);
	for (i = 0; i < v->shape.n_served; i++)
		v->rings[i].running = false;
	look_again(v);
}

bool vhost_user_settle(struct vhost_user *v, int ret)
{
	if (ret && ret != -EREMOTEIO)
		lose(v, v->session.why);
	return !ret;
}

static void hung_up(struct loop_source *src, uint32_t events)
{
	struct vhost_user *v = src->opaque;
	struct pollfd p = {.events = POLLRDHUP};

	(void)events;
	pthread_mutex_lock(&v->device.lock);
	/* A request may have found out before, and another connection may have come. */
	p.fd = v->session.fd;
	if (poll(&p, 1, 0) > 0)
		lose(v, "it has closed the connection");
	pthread_mutex_unlock(&v->device.lock);
}

/* ---- finding it again --------------------------------------------------------------------------
 */

static int attach(struct vhost_user *v)
{
	int ret = vhost_user_open_channel(v);

	v->hangup = (struct loop_source){.fd = v->session.fd, .ready = hung_up, .opaque = v};
	if (!ret)
		ret = loop_add(v->device.loop, &v->hangup, EPOLLRDHUP);
	atomic_store(&v->connected, !ret);
	return ret;
}

/* What the driver was promised must still be there. */
static int compare(struct vhost_user *v, const struct vhost_user_shape *shape, struct error *err)
{
	const struct virtio_device *d = &v->device;
	bool settled = d->status & VIRTIO_CONFIG_S_FEATURES_OK;
	uint64_t missing = (settled ? d->features : d->offered) & ~shape->features;

	if (!missing)
		return 0;
	hang_up(&v->session);
	return fail(err, ENOTSUP,
		    "%s: %s: the back end that came lacks features of the one that was there: "
		    "0x%" PRIx64,
		    d->name, v->opt->socket, missing);
}

/* Buffers that the old one was told of, and interrupts that it owed, are nobody's now. */
static void wake_all(struct vhost_user *v)
{
	unsigned q;

	for (q = 0; q < v->shape.n_served; q++) {
		if (!v->rings[q].running)
			continue;
		event_kick(v->device.queues[q].kick);
		virtio_interrupt(&v->device, q);
	}
}

static void resume(struct vhost_user *v)
{
	struct virtio_device *d = &v->device;
	int ret = attach(v);

	if (!ret)
		ret = vhost_user_refresh(v);
	if (!ret && d->started)
		ret = vhost_user_run(v, true);
	if (ret == -ENOTSUP) {
		virtio_break(d, "a packed ring does not say where another back end could go on");
		return;
	}
	if (ret) {
		v->delay = v->delay * 2 < RETRY_MAX ? v->delay * 2 : RETRY_MAX;
		lose(v, v->session.why);
		return;
	}
	v->delay = RETRY;
	warn("%s: there is a back end again", d->name);
	wake_all(v);
}

static void look(struct vhost_user *v)
{
	struct vhost_user_shape shape;
	struct error err = {0};
	int ret = connect_to(v, &err);

	/* Nobody there is no news, and costs nothing. */
	if (ret) {
		look_again(v);
		return;
	}
	ret = meet(v, &shape, &err);
	if (!ret)
		ret = compare(v, &shape, &err);
	if (!ret) {
		/* The next driver is promised what this one has. */
		v->device.offered = v->shape.features & shape.features;
		resume(v);
		return;
	}
	warn("%s", err.text);
	v->delay = v->delay * 2 < RETRY_MAX ? v->delay * 2 : RETRY_MAX;
	look_again(v);
}

static void retry(struct loop_source *src, uint32_t events)
{
	struct vhost_user *v = src->opaque;

	(void)events;
	pthread_mutex_lock(&v->device.lock);
	if (loop_timer_ended(&v->retry) && v->session.fd < 0)
		look(v);
	pthread_mutex_unlock(&v->device.lock);
}

/* ---- from outside ------------------------------------------------------------------------------
 */

int vhost_user_watch(struct vhost_user *v)
{
	int ret;

	v->delay = RETRY;
	ret = loop_timer_open(&v->retry, v->device.loop, CLOCK_MONOTONIC, retry, v);
	vhost_user_begin(&v->session);
	return ret ?: attach(v);
}

void vhost_user_leave(struct vhost_user *v)
{
	unwatch(v);
	loop_timer_close(&v->retry);
	vhost_user_begin(&v->session);
	if (v->session.fd >= 0 && !vhost_user_unshare(&v->session, &v->device.vm->memory))
		keep(v);
	hang_up(&v->session);
}
