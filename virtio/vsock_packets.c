/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Packets of the hybrid socket device (5.10.6), to the guest and from it: see vsock_hybrid.h. What
 * they mean to a connection is decided in vsock_stream.c.
 */
#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vsock_hybrid.h"

#define HEADER sizeof(struct virtio_vsock_hdr)

bool vsock_runs(const struct vsock *v)
{
	return v->device.started && !(v->device.status & VIRTIO_CONFIG_S_NEEDS_RESET);
}

void vsock_refuse(struct vsock *v, uint64_t host_cid, uint32_t host_port, uint32_t guest_port,
		  uint16_t type)
{
	atomic_fetch_add_explicit(&v->refused, 1, memory_order_relaxed);
	if (v->n_refusals == VSOCK_REFUSALS_MAX)
		return;
	v->refusals[v->n_refusals++] =
		(struct virtio_vsock_hdr){.src_cid = htole64(host_cid),
					  .dst_cid = htole64(v->cid),
					  .src_port = htole32(host_port),
					  .dst_port = htole32(guest_port),
					  .type = htole16(type),
					  .op = htole16(VIRTIO_VSOCK_OP_RST)};
}

static struct vsock_link *find_link(struct vsock *v, uint32_t host_port, uint32_t guest_port)
{
	unsigned i;

	for (i = 0; i < VSOCK_LINKS_MAX; i++)
		if (v->links[i].use == LINK_BOUND && !vsock_link_is_over(&v->links[i]) &&
		    v->links[i].host_port == host_port && v->links[i].guest_port == guest_port)
			return &v->links[i];
	return NULL;
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
	if (l->kept || l->deaf)
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

void vsock_pump(struct vsock *v)
{
	struct virtio_queue *q = &v->device.queues[VSOCK_RX];
	struct vsock_link *l;
	unsigned n = 0;
	int ret = 1;

	if (!vsock_runs(v) || !q->enabled)
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
		event_kick(q->kick);
}

/* ---- from the guest -------------------------------------------------------------------------- */

/* The guest wants to connect: it gets a link, or a RST. */
static void take_request(struct vsock *v, uint32_t host_port, uint32_t guest_port,
			 const struct vsock_packet *p)
{
	int fd = vsock_connect(v, host_port);
	struct vsock_link *l = fd < 0 ? NULL : vsock_take_place(v);

	if (fd >= 0 && !l)
		close(fd);
	if (!l || vsock_link_open(l, v->device.loop, LINK_BOUND, fd)) {
		vsock_refuse(v, VSOCK_HOST_CID, host_port, guest_port, VIRTIO_VSOCK_TYPE_STREAM);
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
			vsock_refuse(v, le64toh(h->dst_cid), host_port, guest_port,
				     le16toh(h->type));
	} else if (l) {
		take_link_packet(v, l, p);
	} else if (p->op == VIRTIO_VSOCK_OP_REQUEST) {
		take_request(v, host_port, guest_port, p);
	} else if (p->op != VIRTIO_VSOCK_OP_RST) {
		vsock_refuse(v, VSOCK_HOST_CID, host_port, guest_port, VIRTIO_VSOCK_TYPE_STREAM);
	}
}

uint32_t vsock_take_chain(struct virtio_device *d, const struct virtq_chain *c)
{
	struct vsock *v = container_of(d, struct vsock, device);
	struct virtio_vsock_hdr h;
	struct vsock_packet p;

	if (!vsock_runs(v))
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
