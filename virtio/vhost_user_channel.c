/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The channel of a vhost-user back end's own requests: its configuration has changed. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vhost_user_device.h"

void vhost_user_close_channel(struct vhost_user *v)
{
	if (v->channel.fd < 0)
		return;
	loop_remove(v->device.loop, &v->channel);
	close(v->channel.fd);
	v->channel.fd = -1;
}

/* It may wait for the reply before it serves us again: so that comes first. */
static void serve_channel(struct vhost_user *v)
{
	struct vhost_user_message m, reply;
	const char *why = NULL;
	int ret;
	bool known;

	vhost_user_begin(&v->session);
	ret = vhost_user_receive(v->channel.fd, &m, NULL, v->session.deadline, &why);
	if (!ret) {
		vhost_user_close_fds(&m);
		known = m.header.request == VHOST_USER_BACKEND_CONFIG_CHANGE;
		reply = vhost_user_u64(m.header.request, known ? 0 : ENOTSUP);
		reply.header.flags |= VHOST_USER_REPLY;
		if (m.header.flags & VHOST_USER_NEED_REPLY)
			ret = vhost_user_send(v->channel.fd, &reply, v->session.deadline);
	}
	if (ret) {
		if (ret != -ECONNRESET)
			warn("%s: the back end's requests are served no more: %s", v->device.name,
			     why ? why : strerror(-ret));
		vhost_user_close_channel(v);
	} else if (known && v->shape.config_from_backend) {
		vhost_user_settle(v, vhost_user_refresh(v));
	}
}

static void channel_ready(struct loop_source *src, uint32_t events)
{
	struct vhost_user *v = src->opaque;

	(void)events;
	pthread_mutex_lock(&v->device.lock);
	if (v->channel.fd >= 0)
		serve_channel(v);
	pthread_mutex_unlock(&v->device.lock);
}

int vhost_user_open_channel(struct vhost_user *v)
{
	int pair[2], ret;

	if (!vhost_user_has(&v->session, VHOST_USER_PROTOCOL_F_BACKEND_REQ))
		return 0;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return -errno;
	ret = vhost_user_give_channel(&v->session, pair[1]);
	close(pair[1]);
	v->channel = (struct loop_source){.fd = pair[0], .ready = channel_ready, .opaque = v};
	if (!ret)
		ret = loop_add(v->device.loop, &v->channel, EPOLLIN);
	if (ret) {
		close(pair[0]);
		v->channel.fd = -1;
	}
	return ret;
}
