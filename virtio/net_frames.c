/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Frames between a network device's queues and its backend (5.1.6), on the card's own thread. Out
 * they go straight from the guest's buffers; in they come by way of a buffer of ours, so that
 * buffers of the guest are only taken when it is known how many are needed.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <unistd.h>

#include "net_card.h"

/* Others may wait for the lock, or are in the same loop. */
#define BATCH 64
/* Longer than what a wire has, an Ethernet frame of 1500 bytes with its header and a VLAN tag. */
#define LARGE (NET_HEADER + 18 + 1500)

static void add(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

/* ---- out ------------------------------------------------------------------------------------- */

/* False: the loop does not say when there is room again. */
static bool wait_for_room(struct net_pair *p)
{
	p->full = true;
	net_settle(p);
	p->full = p->tap.watched & EPOLLOUT;
	return p->full;
}

/* A network may lose what it does not want: a tap that is switched off, a peer that is gone. */
static uint32_t transmit(struct virtio_device *d, const struct virtq_chain *c)
{
	struct net_card *n = net_card(d);
	struct iovec *iov = c->iov;
	unsigned n_iov = c->n_out;
	ssize_t sent = -1;

	if (!n->backend.header)
		iov_advance(&iov, &n_iov, NET_HEADER);
	errno = 0;
	if (c->out_bytes > NET_HEADER)
		sent = writev(n->backend.fds[n->sender->index], iov, (int)n_iov);
	if (sent < 0 && errno == EAGAIN && wait_for_room(n->sender))
		return VIRTIO_LATER;
	if (sent < 0) {
		add(&n->count.tx_dropped, 1);
		return 0;
	}
	add(&n->count.tx_frames, 1);
	add(&n->count.tx_bytes, c->out_bytes - NET_HEADER);
	add(&n->count.tx_large, c->out_bytes > LARGE);
	return 0;
}

void net_transmit(struct net_pair *p)
{
	struct net_card *n = p->card;

	n->sender = p;
	virtio_serve(&n->device.queues[2 * p->index + 1], &n->out, transmit);
}

/* ---- in -------------------------------------------------------------------------------------- */

void net_lose(struct net_card *n, const char *why)
{
	struct virtio_net_config *config = (void *)n->device.config;

	if (n->lost)
		return;
	n->lost = true;
	warn("%s: %s; the guest goes on without this network", n->device.name, why);
	config->status &= (uint16_t)~VIRTIO_NET_S_LINK_UP;
	virtio_config_changed(&n->device);
}

/* Take the next frame in hand. False: there is none now. */
static bool read_frame(struct net_pair *p)
{
	struct net_card *n = p->card;
	size_t before = n->backend.header ? 0 : NET_HEADER;
	ssize_t got;

	got = read(n->backend.fds[p->index], p->frame + before, NET_FRAME_MAX - before);
	/* A socket's peer that isn't there yet may still come. */
	if (got < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNREFUSED)
		net_lose(n, strerror(errno));
	if (got <= (ssize_t)(NET_HEADER - before))
		return false;
	memset(p->frame, 0, before);
	p->held = (size_t)got + before;
	return true;
}

/* 5.1.6.4.1: flags only if checksums were negotiated; num_buffers always. */
static void write_header(struct net_pair *p, unsigned buffers)
{
	struct net_card *n = p->card;
	uint16_t count = (uint16_t)buffers;
	uint8_t flags = 0;

	virtq_write(&n->chains[0], offsetof(struct virtio_net_hdr_v1, num_buffers), &count,
		    sizeof(count));
	if (!(n->offloads & BIT(VIRTIO_NET_F_GUEST_CSUM)))
		virtq_write(&n->chains[0], 0, &flags, sizeof(flags));
}

/*
 * Copy the frame in hand into as many chains as it takes (5.1.6.4: one, without MRG_RXBUF).
 * Returns how many are filled; 0: the ring has too few now, and the driver was asked to say when
 * there are more; -EMSGSIZE: the frame never fits. Chains that are not used go back.
 */
static int fill(struct net_pair *p, struct virtio_queue *q)
{
	struct net_card *n = p->card;
	unsigned most = virtio_has(&n->device, VIRTIO_NET_F_MRG_RXBUF) ? q->ring.size : 1, i = 0;
	struct virtq_chain *c;
	size_t done = 0;
	int ret = 1;

	while (done < p->held && i < most && ret > 0) {
		c = &n->chains[i];
		*c = (struct virtq_chain){.iov = i ? n->iov : n->first_iov, .room = NET_QUEUE_SIZE};
		ret = virtio_pop(q, c);
		if (ret > 0) {
			n->written[i] =
				(uint32_t)virtq_write(c, 0, p->frame + done, p->held - done);
			done += n->written[i++];
		} else if (!ret) {
			ret = virtq_ask_kicks(&q->ring, true);
		}
	}
	if (i && n->chains[0].in_bytes < NET_HEADER && ret >= 0) {
		virtio_break(&n->device, "queue %u: a receive buffer is shorter than a header",
			     q->index);
		ret = -EBADMSG;
	}
	if (done == p->held && ret > 0)
		return (int)i;
	while (i)
		virtq_unpop(&q->ring, &n->chains[--i]);
	return ret > 0 ? -EMSGSIZE : 0;
}

/* The frame in hand goes to the guest, or is dropped. False: it stays in hand. */
static bool deliver(struct net_pair *p, struct virtio_queue *q)
{
	struct net_card *n = p->card;
	int buffers = fill(p, q);

	if (!buffers)
		return false;
	if (buffers > 0) {
		write_header(p, (unsigned)buffers);
		virtq_push_all(&q->ring, n->chains, n->written, (unsigned)buffers);
		add(&n->count.rx_frames, 1);
		add(&n->count.rx_bytes, p->held - NET_HEADER);
		add(&n->count.rx_large, p->held > LARGE);
	} else {
		add(&n->count.rx_dropped, 1);
	}
	p->held = 0;
	return true;
}

bool net_receive(struct net_pair *p)
{
	struct virtio_queue *q = &p->card->device.queues[2 * p->index];
	unsigned i;

	p->waiting = false;
	virtq_ask_kicks(&q->ring, false);
	for (i = 0; i < BATCH && !p->waiting && (p->held || read_frame(p)); i++)
		p->waiting = !deliver(p, q);
	if (i)
		virtio_notify(q);
	net_settle(p);
	return i;
}

/* There is room, or nobody who could make any: the queue is served again, and finds out. */
static void room_made(struct net_pair *p)
{
	p->full = false;
	event_kick(p->card->device.queues[2 * p->index + 1].kick);
}

/* An error that was read is over, such as that a datagram has found nobody; an end stays. */
static bool is_at_its_end(int fd)
{
	struct pollfd p = {.fd = fd};

	return poll(&p, 1, 0) > 0;
}

void net_tap_ready(struct loop_source *src, uint32_t events)
{
	struct net_pair *p = src->opaque;
	struct virtio_device *d = &p->card->device;

	pthread_mutex_lock(&d->lock);
	if (p->full && (events & ~(uint32_t)EPOLLIN))
		room_made(p);
	/* The card may have been stopped while this waited for the lock, or broken by another
	 * queue. */
	net_settle(p);
	if ((p->tap.watched & EPOLLIN) && !net_receive(p) && is_at_its_end(src->fd)) {
		net_lose(p->card, "the other end is gone");
		net_settle(p);
	}
	pthread_mutex_unlock(&d->lock);
}

void net_settle(struct net_pair *p)
{
	struct net_card *n = p->card;
	struct virtio_device *d = &n->device;
	bool works = d->started && !n->vhost && !(d->status & VIRTIO_CONFIG_S_NEEDS_RESET);
	bool in = works && d->queues[2 * p->index].enabled && p->index < n->active && !p->waiting &&
		  !n->lost;
	bool out = works && p->full;

	if (loop_watch(d->loop, &p->tap, (in ? EPOLLIN : 0) | (out ? EPOLLOUT : 0)))
		net_lose(n, "it can't be polled");
}
