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
#include "vsock.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <endian.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "devices.h"
#include "vsock_link.h"

#define QUEUE_SIZE   128
#define REFUSALS_MAX 64
/* Ports of ours: above those that people choose, below 2^31 as Firecracker has them. */
#define PORT_FIRST (1u << 30)
#define PORT_LAST  ((1u << 31) - 1)
#define HEADER	   sizeof(struct virtio_vsock_hdr)

struct vsock {
	struct virtio_device device;
	uint32_t cid;
	struct sockaddr_un address;
	struct loop_source listener;
	struct virtq_chain rx, tx;
	struct iovec rx_iov[QUEUE_SIZE], tx_iov[QUEUE_SIZE];
	struct vsock_link links[VSOCK_LINKS_MAX];
	unsigned turn; /* the link that was served last */
	uint64_t next_age;
	uint32_t next_port;
	/* RSTs for what is no link. Those that don't fit are lost: the guest does not read them. */
	struct virtio_vsock_hdr refusals[REFUSALS_MAX];
	unsigned n_refusals;
	_Atomic uint64_t opened, refused, to_guest, from_guest;
	uint8_t bounce[VSOCK_BUFFER];
};

static bool runs(const struct vsock *v)
{
	return v->device.started && !(v->device.status & VIRTIO_CONFIG_S_NEEDS_RESET);
}

static void refuse(struct vsock *v, uint64_t host_cid, uint32_t host_port, uint32_t guest_port,
		   uint16_t type)
{
	atomic_fetch_add_explicit(&v->refused, 1, memory_order_relaxed);
	if (v->n_refusals == REFUSALS_MAX)
		return;
	v->refusals[v->n_refusals++] =
		(struct virtio_vsock_hdr){.src_cid = htole64(host_cid),
					  .dst_cid = htole64(v->cid),
					  .src_port = htole32(host_port),
					  .dst_port = htole32(guest_port),
					  .type = htole16(type),
					  .op = htole16(VIRTIO_VSOCK_OP_RST)};
}

/* ---- links ----------------------------------------------------------------------------------- */

static struct vsock_link *find_link(struct vsock *v, uint32_t host_port, uint32_t guest_port)
{
	unsigned i;

	for (i = 0; i < VSOCK_LINKS_MAX; i++)
		if (v->links[i].use == LINK_BOUND && v->links[i].host_port == host_port &&
		    v->links[i].guest_port == guest_port)
			return &v->links[i];
	return NULL;
}

/* A free place; or that of the oldest link that nobody uses yet, or any more. NULL: there is none.
 */
static struct vsock_link *take_place(struct vsock *v)
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
	if (oldest->use == LINK_BOUND)
		refuse(v, VSOCK_HOST_CID, oldest->host_port, oldest->guest_port,
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

/* ---- to the guest ---------------------------------------------------------------------------- */

static void put_packet(struct vsock *v, const struct vsock_link *l, const struct vsock_packet *p)
{
	struct virtio_vsock_hdr h = {.src_cid = htole64(VSOCK_HOST_CID),
				     .dst_cid = htole64(v->cid),
				     .src_port = htole32(l->host_port),
				     .dst_port = htole32(l->guest_port),
				     .len = htole32(p->len),
				     .type = htole16(VIRTIO_VSOCK_TYPE_STREAM),
				     .op = htole16(p->op),
				     .flags = htole32(p->flags),
				     .buf_alloc = htole32(p->buf_alloc),
				     .fwd_cnt = htole32(p->fwd_cnt)};

	virtq_write(&v->rx, 0, &h, sizeof(h));
	virtq_write(&v->rx, sizeof(h), v->bounce, p->len);
	virtq_push(&v->device.queues[VSOCK_RX].ring, &v->rx, (uint32_t)sizeof(h) + p->len);
}

/* The peer sends no more; or, if it has hung up, takes no more either. */
static void peer_ended(struct vsock *v, struct vsock_link *l)
{
	struct pollfd hung_up = {.fd = l->source.fd};

	l->readable = false;
	vsock_stream_shut(&l->stream, VIRTIO_VSOCK_SHUTDOWN_SEND);
	if (poll(&hung_up, 1, 0) <= 0 || !(hung_up.revents & (POLLHUP | POLLERR)))
		return;
	/* What the guest believes to be delivered isn't: that is no orderly end. */
	if (l->kept)
		vsock_stream_reset(&l->stream);
	vsock_stream_shut(&l->stream, VSOCK_SHUT_ALL);
	vsock_link_drop_peer(l, v->device.loop);
}

/* Some of the peer's data into the buffer that was popped; without any, the buffer is put back. */
static void deliver_data(struct vsock *v, struct vsock_link *l)
{
	struct virtq *ring = &v->device.queues[VSOCK_RX].ring;
	struct vsock_packet p = {.op = VIRTIO_VSOCK_OP_RW};
	uint64_t room = v->rx.in_bytes - HEADER;
	ssize_t n;

	if (room > vsock_stream_credit(&l->stream))
		room = vsock_stream_credit(&l->stream);
	if (room > sizeof(v->bounce))
		room = sizeof(v->bounce);
	n = recv(l->source.fd, v->bounce, room, MSG_DONTWAIT);
	/* With less than there was room for, it is likely the last: the loop tells of more. */
	l->readable = n == (ssize_t)room;
	if (n > 0) {
		p.len = (uint32_t)n;
		vsock_stream_sent(&l->stream, p.len);
		vsock_stream_tell_credit(&l->stream, &p);
		put_packet(v, l, &p);
		atomic_fetch_add_explicit(&v->to_guest, p.len, memory_order_relaxed);
		return;
	}
	virtq_unpop(ring, &v->rx);
	if (!n)
		peer_ended(v, l);
	else if (errno != EAGAIN && errno != EINTR)
		vsock_stream_reset(&l->stream);
}

/* Whose turn it is. NULL: nobody has anything for the guest. */
static struct vsock_link *next_due(struct vsock *v)
{
	unsigned i, at;

	for (i = 1; i <= VSOCK_LINKS_MAX; i++) {
		at = (v->turn + i) % VSOCK_LINKS_MAX;
		if (vsock_link_is_due(&v->links[at])) {
			v->turn = at;
			return &v->links[at];
		}
	}
	return NULL;
}

static void deliver(struct vsock *v, struct vsock_link *l)
{
	struct vsock_packet p;

	if (!l) {
		virtq_write(&v->rx, 0, v->refusals, HEADER);
		virtq_push(&v->device.queues[VSOCK_RX].ring, &v->rx, HEADER);
		memmove(v->refusals, v->refusals + 1, --v->n_refusals * HEADER);
		return;
	}
	if (vsock_stream_next(&l->stream, &p))
		put_packet(v, l, &p);
	else
		deliver_data(v, l);
	vsock_link_settle(l, v->device.loop);
}

/* Fill the guest's buffers, a ring's length in one go, as long as there is something for them. */
static void pump(struct vsock *v)
{
	struct virtio_queue *q = &v->device.queues[VSOCK_RX];
	struct vsock_link *l;
	unsigned n = 0;
	int ret = 1;

	if (!runs(v) || !q->enabled)
		return;
	virtq_ask_kicks(&q->ring, false);
	while (n < q->ring.size) {
		l = v->n_refusals ? NULL : next_due(v);
		if (!l && !v->n_refusals)
			break;
		ret = virtio_pop(q, &v->rx);
		if (ret <= 0)
			break;
		if (v->rx.in_bytes <= HEADER) {
			virtio_break(&v->device, "a receive buffer has no room for a packet");
			return;
		}
		deliver(v, l);
		n++;
	}
	if (n)
		virtio_notify(q);
	if (n == q->ring.size || (!ret && virtq_ask_kicks(&q->ring, true)))
		irq_kick(q->kick);
}

/* ---- from the guest -------------------------------------------------------------------------- */

static int connect_to(const struct vsock *v, uint32_t port)
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

/* The guest wants to connect: it gets a link, or a RST. */
static void take_request(struct vsock *v, uint32_t host_port, uint32_t guest_port,
			 const struct vsock_packet *p)
{
	int fd = connect_to(v, host_port);
	struct vsock_link *l = fd < 0 ? NULL : take_place(v);

	if (fd >= 0 && !l)
		close(fd);
	if (!l || vsock_link_open(l, v->device.loop, LINK_BOUND, fd)) {
		refuse(v, VSOCK_HOST_CID, host_port, guest_port, VIRTIO_VSOCK_TYPE_STREAM);
		return;
	}
	l->host_port = host_port;
	l->guest_port = guest_port;
	vsock_stream_accept(&l->stream, VSOCK_BUFFER, p);
	atomic_fetch_add_explicit(&v->opened, 1, memory_order_relaxed);
}

static int answer_peer(struct vsock_link *l)
{
	char line[VSOCK_LINE_MAX];
	int n = snprintf(line, sizeof(line), "OK %u\n", l->host_port);

	/* Nothing was sent before, so that a socket has room for it; and it isn't the guest's. */
	return send(l->source.fd, line, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT) == n ? 0 : -EPIPE;
}

static int take_data(struct vsock *v, struct vsock_link *l, uint32_t n)
{
	virtq_read(&v->tx, HEADER, v->bounce, n);
	atomic_fetch_add_explicit(&v->from_guest, n, memory_order_relaxed);
	if (l->source.fd >= 0)
		return vsock_link_send(l, v->bounce, n);
	/* On its way when the peer went: the guest has been told, or is about to. */
	vsock_stream_forwarded(&l->stream, n);
	return 0;
}

static void take_link_packet(struct vsock *v, struct vsock_link *l, const struct vsock_packet *p)
{
	int ret = 0;

	switch (vsock_stream_take(&l->stream, p)) {
	case VSOCK_CONNECTED:
		atomic_fetch_add_explicit(&v->opened, 1, memory_order_relaxed);
		ret = answer_peer(l);
		break;
	case VSOCK_DATA:
		ret = take_data(v, l, p->len);
		break;
	default:
		break;
	}
	if (ret)
		vsock_stream_reset(&l->stream);
	vsock_link_settle(l, v->device.loop);
}

static void take_packet(struct vsock *v, const struct virtio_vsock_hdr *h,
			const struct vsock_packet *p)
{
	uint32_t host_port = le32toh(h->dst_port), guest_port = le32toh(h->src_port);
	struct vsock_link *l = find_link(v, host_port, guest_port);

	if (le64toh(h->src_cid) != v->cid)
		return; /* 5.10.6.4.1: not from whom it says */
	if (le64toh(h->dst_cid) != VSOCK_HOST_CID || le16toh(h->type) != VIRTIO_VSOCK_TYPE_STREAM) {
		if (p->op != VIRTIO_VSOCK_OP_RST)
			refuse(v, le64toh(h->dst_cid), host_port, guest_port, le16toh(h->type));
	} else if (l) {
		take_link_packet(v, l, p);
	} else if (p->op == VIRTIO_VSOCK_OP_REQUEST) {
		take_request(v, host_port, guest_port, p);
	} else if (p->op != VIRTIO_VSOCK_OP_RST) {
		refuse(v, VSOCK_HOST_CID, host_port, guest_port, VIRTIO_VSOCK_TYPE_STREAM);
	}
}

static uint32_t take_chain(struct virtio_device *d, const struct virtq_chain *c)
{
	struct vsock *v = container_of(d, struct vsock, device);
	struct virtio_vsock_hdr h;
	struct vsock_packet p;

	if (!runs(v))
		return 0;
	if (virtq_read(c, 0, &h, sizeof(h)) != sizeof(h) ||
	    le32toh(h.len) > c->out_bytes - sizeof(h)) {
		virtio_break(d, "a packet is shorter than it says");
		return 0;
	}
	p = (struct vsock_packet){.op = le16toh(h.op),
				  .flags = le32toh(h.flags),
				  .len = le32toh(h.len),
				  .buf_alloc = le32toh(h.buf_alloc),
				  .fwd_cnt = le32toh(h.fwd_cnt)};
	take_packet(v, &h, &p);
	return 0;
}

/* ---- from the host --------------------------------------------------------------------------- */

/* A whole first line: the guest is asked, or the peer finds itself disconnected. */
static void greeted(struct vsock *v, struct vsock_link *l)
{
	uint32_t port;

	if (!runs(v) || vsock_parse_connect(l->line, l->line_length, &port)) {
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
		if (vsock_link_flush(l))
			vsock_stream_reset(&l->stream);
		if ((events & ~(uint32_t)EPOLLOUT) && (l->polled & EPOLLIN))
			l->readable = true;
	}
	vsock_link_settle(l, v->device.loop);
	pump(v);
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
	l = take_place(v);
	if (l)
		vsock_link_open(l, v->device.loop, LINK_GREETING, fd);
	else
		close(fd);
	pump(v);
	pthread_mutex_unlock(&v->device.lock);
}

/* ---- the device ------------------------------------------------------------------------------ */

static void kicked(struct virtio_device *d, unsigned q)
{
	struct vsock *v = container_of(d, struct vsock, device);

	/* The event queue's buffers wait: only a migration would have news (5.10.6.7). */
	if (q == VSOCK_TX)
		virtio_serve(&d->queues[VSOCK_TX], &v->tx, take_chain);
	if (q != VSOCK_EVENT)
		pump(v);
}

static int queue_start(struct virtio_device *d, unsigned q)
{
	(void)d, (void)q;
	return 0;
}

static void queue_stop(struct virtio_device *d, unsigned q)
{
	(void)d, (void)q;
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
		close(v->listener.fd);
		unlink(v->address.sun_path);
	}
	stop(d);
	virtio_device_release(d);
	free(v);
}

static const struct virtio_device_ops ops = {.stop = stop,
					     .queue_start = queue_start,
					     .queue_stop = queue_stop,
					     .kicked = kicked,
					     .stat = stat,
					     .destroy = destroy};

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
	static const uint16_t sizes[VSOCK_QUEUES] = {QUEUE_SIZE, QUEUE_SIZE, QUEUE_SIZE};
	struct virtio_vsock_config config = {.guest_cid = htole64(opt->cid)};
	struct vsock *v = calloc(1, sizeof(*v));
	unsigned i;
	int ret;

	if (!v)
		return fail(err, ENOMEM, "vsock: out of memory");
	v->cid = opt->cid;
	v->next_port = PORT_LAST;
	v->rx = (struct virtq_chain){.iov = v->rx_iov, .room = QUEUE_SIZE};
	v->tx = (struct virtq_chain){.iov = v->tx_iov, .room = QUEUE_SIZE};
	v->listener = (struct loop_source){-1, peer_ready, v};
	for (i = 0; i < VSOCK_LINKS_MAX; i++) {
		v->links[i].vsock = v;
		v->links[i].source = (struct loop_source){-1, link_ready, &v->links[i]};
	}
	v->device = (struct virtio_device){
		.name = "vsock", .id = VIRTIO_ID_VSOCK, .ops = &ops, .config_size = sizeof(config)};
	memcpy(v->device.config, &config, sizeof(config));
	*out = &v->device;
	ret = virtio_device_init(&v->device, vio->vm, VSOCK_QUEUES, sizes, err);
	return ret ?: listen_at(v, opt->uds, err);
}
