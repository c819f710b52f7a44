/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The socket device (5.10) whose other ends are Unix sockets, by Firecracker's protocol. A process
 * connects to PATH, says "CONNECT PORT\n" and, when the guest has accepted, reads "OK PORT\n" with
 * the number that stands for it in the guest. What the guest connects to at port N of the host is
 * the socket PATH_N.
 *
 * Guests, peers and packets are hostile: there is a number of links, and each keeps as much as its
 * credit says. Peers that don't finish their first line, and links that only wait for the guest's
 * last word, make room for others.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "devices.h"
#include "vsock_hybrid.h"

/* Ports of ours: above those that people choose, below 2^31 as Firecracker has them. */
#define PORT_FIRST (1u << 30)
#define PORT_LAST  ((1u << 31) - 1)

/* ---- links ----------------------------------------------------------------------------------- */

struct vsock_link *vsock_take_place(struct vsock *v)
{
	struct vsock_link *oldest = NULL, *l;

	for (l = v->links; l < v->links + VSOCK_LINKS_MAX; l++) {
		if (l->use == LINK_FREE) {
			oldest = l;
			break;
		}
		if ((l->use == LINK_GREETING || vsock_link_is_closing(l)) &&
		    (!oldest || l->age < oldest->age))
			oldest = l;
	}
	if (!oldest)
		return NULL;
	if (oldest->use == LINK_BOUND && !vsock_link_is_over(oldest))
		vsock_refuse(v, VSOCK_HOST_CID, oldest->host_port, oldest->guest_port,
			     VIRTIO_VSOCK_TYPE_STREAM);
	vsock_link_free(oldest, v->device.loop);
	oldest->age = v->next_age++;
	return oldest;
}

static uint32_t take_port(struct vsock *v)
{
	unsigned i = 0;

	while (i < VSOCK_LINKS_MAX) {
		v->next_port = v->next_port == PORT_LAST ? PORT_FIRST : v->next_port + 1;
		for (i = 0; i < VSOCK_LINKS_MAX; i++)
			if (v->links[i].use == LINK_BOUND && v->links[i].host_port == v->next_port)
				break;
	}
	return v->next_port;
}

/* ---- peers ----------------------------------------------------------------------------------- */

int vsock_connect(const struct vsock *v, uint32_t port)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd, ret;

	ret = snprintf(a.sun_path, sizeof(a.sun_path), "%s_%u", v->address.sun_path, port);
	if (ret < 0 || (size_t)ret >= sizeof(a.sun_path))
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&a, sizeof(a))) {
		ret = -errno;
		close(fd);
		return ret;
	}
	return fd;
}

/* A whole first line: the guest is asked, or the peer finds itself disconnected. */
static void greeted(struct vsock *v, struct vsock_link *l)
{
	uint32_t port;

	if (!vsock_runs(v) || vsock_parse_connect(l->line, l->line_length, &port)) {
		vsock_link_free(l, v->device.loop);
		return;
	}
	l->host_port = take_port(v);
	l->guest_port = port;
	l->use = LINK_BOUND;
	vsock_stream_connect(&l->stream, VSOCK_BUFFER);
}

static void link_ready(struct loop_source *src, uint32_t events)
{
	struct vsock_link *l = src->opaque;
	struct vsock *v = l->vsock;
	int ret;

	pthread_mutex_lock(&v->device.lock);
	if (l->use == LINK_GREETING) {
		ret = vsock_link_read_line(l);
		if (ret < 0)
			vsock_link_free(l, v->device.loop);
		else if (ret)
			greeted(v, l);
	} else if (l->use == LINK_BOUND && l->source.fd >= 0) {
		vsock_link_flush(l);
		if ((events & ~(uint32_t)EPOLLOUT) && (l->source.watched & EPOLLIN))
			l->readable = true;
	}
	vsock_link_settle(l, v->device.loop);
	vsock_pump(v);
	pthread_mutex_unlock(&v->device.lock);
}

static void peer_ready(struct loop_source *src, uint32_t events)
{
	struct vsock *v = src->opaque;
	int fd = accept4(src->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct vsock_link *l;

	(void)events;
	if (fd < 0)
		return;
	pthread_mutex_lock(&v->device.lock);
	l = vsock_take_place(v);
	if (l)
		vsock_link_open(l, v->device.loop, LINK_GREETING, fd);
	else
		close(fd);
	vsock_pump(v);
	pthread_mutex_unlock(&v->device.lock);
}

/* ---- the device ------------------------------------------------------------------------------ */

static void kicked(struct virtio_device *d, unsigned q)
{
	struct vsock *v = container_of(d, struct vsock, device);

	/* The event queue's buffers wait: only a migration would have news (5.10.6.7). */
	if (q == VSOCK_TX)
		virtio_serve(&d->queues[VSOCK_TX], &v->tx, vsock_take_chain);
	if (q != VSOCK_EVENT)
		vsock_pump(v);
}

static void stop(struct virtio_device *d)
{
	struct vsock *v = container_of(d, struct vsock, device);
	unsigned i;

	for (i = 0; i < VSOCK_LINKS_MAX; i++)
		vsock_link_free(&v->links[i], d->loop);
	v->n_refusals = 0;
}

static void stat(struct virtio_device *d, struct json *j)
{
	struct vsock *v = container_of(d, struct vsock, device);
	unsigned i, n = 0;

	pthread_mutex_lock(&d->lock);
	for (i = 0; i < VSOCK_LINKS_MAX; i++)
		n += v->links[i].use != LINK_FREE;
	pthread_mutex_unlock(&d->lock);
	json_number(j, "links", n);
	json_number(j, "opened", atomic_load(&v->opened));
	json_number(j, "refused", atomic_load(&v->refused));
	json_number(j, "bytes_to_guest", atomic_load(&v->to_guest));
	json_number(j, "bytes_from_guest", atomic_load(&v->from_guest));
}

static void destroy(struct virtio_device *d)
{
	struct vsock *v = container_of(d, struct vsock, device);

	if (v->listener.fd >= 0) {
		loop_remove(d->loop, &v->listener);
		socket_close(v->listener.fd, &v->address);
	}
	stop(d);
	virtio_device_release(d);
	free(v);
}

static const struct virtio_device_ops ops = {
	.stop = stop, .kicked = kicked, .stat = stat, .destroy = destroy};

static int listen_at(struct vsock *v, const char *path, struct error *err)
{
	int ret;

	v->address = (struct sockaddr_un){.sun_family = AF_UNIX};
	snprintf(v->address.sun_path, sizeof(v->address.sun_path), "%s", path);
	v->listener.fd = socket_listen(&v->address, VSOCK_LINKS_MAX, err);
	if (v->listener.fd < 0) {
		error_prefix(err, "vsock");
		return v->listener.fd;
	}
	ret = loop_add(v->device.loop, &v->listener, EPOLLIN);
	return ret ? fail(err, -ret, "vsock: %s: %s", path, strerror(-ret)) : 0;
}

int virtio_vsock_create(struct virtio *vio, const struct vsock_options *opt,
			struct virtio_device **out, struct error *err)
{
	static const uint16_t sizes[VSOCK_QUEUES] = {VSOCK_QUEUE_SIZE, VSOCK_QUEUE_SIZE,
						     VSOCK_QUEUE_SIZE};
	struct virtio_vsock_config config = {.guest_cid = htole64(opt->cid)};
	struct vsock *v = calloc(1, sizeof(*v));
	unsigned i;
	int ret;

	if (!v)
		return fail(err, ENOMEM, "vsock: out of memory");
	v->cid = opt->cid;
	v->next_port = PORT_LAST;
	v->rx = (struct virtq_chain){.iov = v->rx_iov, .room = VSOCK_QUEUE_SIZE};
	v->tx = (struct virtq_chain){.iov = v->tx_iov, .room = VSOCK_QUEUE_SIZE};
	v->listener = (struct loop_source){.fd = -1, .ready = peer_ready, .opaque = v};
	for (i = 0; i < VSOCK_LINKS_MAX; i++) {
		v->links[i].vsock = v;
		v->links[i].source =
			(struct loop_source){.fd = -1, .ready = link_ready, .opaque = &v->links[i]};
	}
	v->device = (struct virtio_device){
		.name = "vsock", .id = VIRTIO_ID_VSOCK, .ops = &ops, .config_size = sizeof(config)};
	memcpy(v->device.config, &config, sizeof(config));
	*out = &v->device;
	ret = virtio_device_init(&v->device, vio->vm, VSOCK_QUEUES, sizes, err);
	return ret ?: listen_at(v, opt->uds, err);
}
