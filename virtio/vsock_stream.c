/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Connections of the socket device: see vsock_stream.h. */
#include "vsock_stream.h"

#define OWED(op) (1u << (op))

static void learn_credit(struct vsock_stream *s, const struct vsock_packet *p)
{
	s->peer_buf_alloc = p->buf_alloc;
	s->peer_fwd_cnt = p->fwd_cnt;
}

void vsock_stream_connect(struct vsock_stream *s, uint32_t buf_alloc)
{
	*s = (struct vsock_stream){.state = VSOCK_CONNECTING,
				   .buf_alloc = buf_alloc,
				   .owed = OWED(VIRTIO_VSOCK_OP_REQUEST)};
}

void vsock_stream_accept(struct vsock_stream *s, uint32_t buf_alloc,
			 const struct vsock_packet *request)
{
	*s = (struct vsock_stream){.state = VSOCK_OPEN,
				   .buf_alloc = buf_alloc,
				   .owed = OWED(VIRTIO_VSOCK_OP_RESPONSE)};
	learn_credit(s, request);
}

void vsock_stream_reset(struct vsock_stream *s)
{
	/* Its end is owed once, and not to one who has ended it. */
	if (s->state == VSOCK_RESET)
		return;
	s->state = VSOCK_RESET;
	s->owed = OWED(VIRTIO_VSOCK_OP_RST);
}

static enum vsock_event end(struct vsock_stream *s)
{
	vsock_stream_reset(s);
	return VSOCK_ENDED;
}

static enum vsock_event take_data(struct vsock_stream *s, uint32_t len)
{
	/* 5.10.6.3.1: no more than there is room for, and nothing after the end. */
	if ((s->guest_shut & VIRTIO_VSOCK_SHUTDOWN_SEND) ||
	    len > s->buf_alloc - (s->rx_cnt - s->fwd_cnt))
		return end(s);
	s->rx_cnt += len;
	return len ? VSOCK_DATA : VSOCK_NOTHING;
}

static enum vsock_event take_open(struct vsock_stream *s, const struct vsock_packet *p)
{
	switch (p->op) {
	case VIRTIO_VSOCK_OP_RW:
		return take_data(s, p->len);
	case VIRTIO_VSOCK_OP_CREDIT_UPDATE:
		return VSOCK_NOTHING;
	case VIRTIO_VSOCK_OP_CREDIT_REQUEST:
		s->owed |= OWED(VIRTIO_VSOCK_OP_CREDIT_UPDATE);
		return VSOCK_NOTHING;
	case VIRTIO_VSOCK_OP_SHUTDOWN:
		/* 5.10.6.5: what was said once is for good. */
		s->guest_shut |= p->flags & VSOCK_SHUT_ALL;
		return VSOCK_SHUT;
	default:
		return end(s);
	}
}

enum vsock_event vsock_stream_take(struct vsock_stream *s, const struct vsock_packet *p)
{
	/* What the guest sent before it heard of the end. */
	if (s->state == VSOCK_RESET)
		return VSOCK_NOTHING;
	if (p->op == VIRTIO_VSOCK_OP_RST) {
		s->state = VSOCK_RESET;
		s->owed = 0;
		return VSOCK_ENDED;
	}
	learn_credit(s, p);
	if (s->state == VSOCK_OPEN)
		return take_open(s, p);
	if (p->op != VIRTIO_VSOCK_OP_RESPONSE)
		return end(s);
	s->state = VSOCK_OPEN;
	return VSOCK_CONNECTED;
}

void vsock_stream_forwarded(struct vsock_stream *s, uint32_t n)
{
	s->fwd_cnt += n;
	/* A guest that has filled the buffer waits for this; one that hasn't is not bothered. */
	if (s->state == VSOCK_OPEN && s->fwd_cnt - s->told >= s->buf_alloc / 2)
		s->owed |= OWED(VIRTIO_VSOCK_OP_CREDIT_UPDATE);
}

uint32_t vsock_stream_credit(const struct vsock_stream *s)
{
	uint32_t out = s->tx_cnt - s->peer_fwd_cnt;

	/* A guest that has shrunk its buffer, or claims to have read what it never got, gets none.
	 */
	if (s->state != VSOCK_OPEN || (s->guest_shut & VIRTIO_VSOCK_SHUTDOWN_RCV) ||
	    out > s->peer_buf_alloc)
		return 0;
	return s->peer_buf_alloc - out;
}

void vsock_stream_sent(struct vsock_stream *s, uint32_t n)
{
	s->tx_cnt += n;
	if (!vsock_stream_credit(s))
		s->owed |= OWED(VIRTIO_VSOCK_OP_CREDIT_REQUEST);
}

void vsock_stream_shut(struct vsock_stream *s, uint32_t flags)
{
	if (s->state != VSOCK_OPEN || (s->host_shut & flags) == flags)
		return;
	s->host_shut |= flags;
	s->owed |= OWED(VIRTIO_VSOCK_OP_SHUTDOWN);
}

void vsock_stream_tell_credit(struct vsock_stream *s, struct vsock_packet *p)
{
	p->buf_alloc = s->buf_alloc;
	p->fwd_cnt = s->fwd_cnt;
	s->told = s->fwd_cnt;
	s->owed &= ~OWED(VIRTIO_VSOCK_OP_CREDIT_UPDATE);
}

bool vsock_stream_next(struct vsock_stream *s, struct vsock_packet *p)
{
	/* A connection is there before anything else of it, and its end is the last. */
	static const uint8_t order[] = {VIRTIO_VSOCK_OP_RST,
					VIRTIO_VSOCK_OP_REQUEST,
					VIRTIO_VSOCK_OP_RESPONSE,
					VIRTIO_VSOCK_OP_CREDIT_UPDATE,
					VIRTIO_VSOCK_OP_CREDIT_REQUEST,
					VIRTIO_VSOCK_OP_SHUTDOWN};
	unsigned i;

	for (i = 0; i < sizeof(order); i++) {
		if (!(s->owed & OWED(order[i])))
			continue;
		*p = (struct vsock_packet){.op = order[i]};
		if (order[i] == VIRTIO_VSOCK_OP_SHUTDOWN)
			p->flags = s->host_shut;
		s->owed &= ~OWED(order[i]);
		vsock_stream_tell_credit(s, p);
		return true;
	}
	return false;
}
