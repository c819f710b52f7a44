/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Peers of the hybrid socket device: see vsock_link.h. Nothing here blocks. */
#include "vsock_link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

int vsock_link_open(struct vsock_link *l, struct loop *loop, enum vsock_use use, int fd)
{
	int ret;

	l->use = use;
	l->source.fd = fd;
	l->line_length = 0;
	l->readable = l->end_passed = l->deaf = false;
	l->first = l->kept = 0;
	ret = loop_watch(loop, &l->source, EPOLLIN);
	if (ret)
		vsock_link_free(l, loop);
	return ret;
}

void vsock_link_drop_peer(struct vsock_link *l, struct loop *loop)
{
	if (l->source.fd < 0)
		return;
	loop_watch(loop, &l->source, 0);
	close(l->source.fd);
	l->source.fd = -1;
	l->readable = false;
	l->first = l->kept = 0;
	free(l->buffer);
	l->buffer = NULL;
}

void vsock_link_free(struct vsock_link *l, struct loop *loop)
{
	vsock_link_drop_peer(l, loop);
	l->use = LINK_FREE;
}

/* How many bytes the socket takes now; -errno: it is gone. */
static ssize_t send_now(const struct vsock_link *l, const uint8_t *data, size_t n)
{
	ssize_t ret = send(l->source.fd, data, n, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (ret >= 0)
		return ret;
	return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

static int keep(struct vsock_link *l, const uint8_t *data, uint32_t n)
{
	uint32_t end = (l->first + l->kept) % VSOCK_BUFFER, part = VSOCK_BUFFER - end;

	if (!l->buffer)
		l->buffer = malloc(VSOCK_BUFFER);
	if (!l->buffer || n > VSOCK_BUFFER - l->kept)
		return -ENOMEM;
	if (part > n)
		part = n;
	memcpy(l->buffer + end, data, part);
	memcpy(l->buffer, data + part, n - part);
	l->kept += n;
	return 0;
}

/* The peer takes no more. It ends in disorder, once all that it has sent is read. */
static void deafen(struct vsock_link *l)
{
	l->deaf = true;
	vsock_stream_forwarded(&l->stream, l->kept);
	l->first = l->kept = 0;
	if (l->stream.host_shut & VIRTIO_VSOCK_SHUTDOWN_SEND)
		vsock_stream_reset(&l->stream);
	else
		vsock_stream_shut(&l->stream, VIRTIO_VSOCK_SHUTDOWN_RCV);
}

int vsock_link_send(struct vsock_link *l, const uint8_t *data, uint32_t n)
{
	/* In order: nothing overtakes what is kept. */
	ssize_t done = l->kept || l->deaf ? 0 : send_now(l, data, n);

	if (done < 0)
		deafen(l);
	if (l->deaf)
		done = n;
	vsock_stream_forwarded(&l->stream, (uint32_t)done);
	return done == n ? 0 : keep(l, data + done, n - (uint32_t)done);
}

void vsock_link_flush(struct vsock_link *l)
{
	ssize_t done = 1;
	unsigned part;

	while (l->kept && done > 0) {
		part = VSOCK_BUFFER - l->first;
		if (part > l->kept)
			part = l->kept;
		done = send_now(l, l->buffer + l->first, part);
		if (done < 0) {
			deafen(l);
			return;
		}
		l->first = (l->first + (unsigned)done) % VSOCK_BUFFER;
		l->kept -= (unsigned)done;
		vsock_stream_forwarded(&l->stream, (uint32_t)done);
	}
}

int vsock_link_read_line(struct vsock_link *l)
{
	char *to = l->line + l->line_length, *end;
	ssize_t n =
		recv(l->source.fd, to, sizeof(l->line) - l->line_length, MSG_PEEK | MSG_DONTWAIT);

	if (n <= 0)
		return n && (errno == EAGAIN || errno == EINTR) ? 0 : -ECONNRESET;
	/* What is behind the line is the guest's. */
	end = memchr(to, '\n', (size_t)n);
	if (end)
		n = end + 1 - to;
	if (recv(l->source.fd, to, (size_t)n, MSG_DONTWAIT) != n)
		return -ECONNRESET;
	l->line_length += (unsigned)n - (end != NULL);
	if (!end && l->line_length == sizeof(l->line))
		return -EMSGSIZE;
	return end != NULL;
}

bool vsock_link_is_due(const struct vsock_link *l)
{
	if (l->use != LINK_BOUND)
		return false;
	return l->stream.owed || (l->readable && vsock_stream_credit(&l->stream));
}

bool vsock_link_is_closing(const struct vsock_link *l)
{
	return l->use == LINK_BOUND && (l->source.fd < 0 || vsock_link_is_over(l));
}

bool vsock_link_is_over(const struct vsock_link *l)
{
	return l->stream.state == VSOCK_RESET && !l->stream.owed;
}

/* The guest has announced its end, and it came, before all that it sent could be delivered. */
static bool lingers(const struct vsock_link *l)
{
	return l->kept && vsock_link_is_over(l) &&
	       (l->stream.guest_shut & VIRTIO_VSOCK_SHUTDOWN_SEND);
}

/* An end that the guest has announced, once all that came before it is delivered. */
static void pass_on_end(struct vsock_link *l, struct loop *loop)
{
	struct vsock_stream *s = &l->stream;

	if (l->kept || !s->guest_shut || s->state != VSOCK_OPEN)
		return;
	if (s->guest_shut == VSOCK_SHUT_ALL) {
		vsock_stream_reset(s);
		vsock_link_drop_peer(l, loop);
		return;
	}
	if (s->guest_shut & s->host_shut & VIRTIO_VSOCK_SHUTDOWN_SEND) {
		/* Both have said all: the guest ends it with a RST. */
		vsock_stream_shut(s, VSOCK_SHUT_ALL);
		vsock_link_drop_peer(l, loop);
		return;
	}
	if (l->end_passed || l->source.fd < 0)
		return;
	l->end_passed = true;
	shutdown(l->source.fd, s->guest_shut & VIRTIO_VSOCK_SHUTDOWN_SEND ? SHUT_WR : SHUT_RD);
}

static uint32_t wanted_events(const struct vsock_link *l)
{
	uint32_t events = l->kept ? EPOLLOUT : 0;

	/* What can't be put anywhere stays in the socket, and its sender waits. */
	if (!l->readable && vsock_stream_credit(&l->stream) &&
	    !(l->stream.host_shut & VIRTIO_VSOCK_SHUTDOWN_SEND))
		events |= EPOLLIN;
	return events;
}

void vsock_link_settle(struct vsock_link *l, struct loop *loop)
{
	if (l->use != LINK_BOUND)
		return;
	pass_on_end(l, loop);
	if (l->stream.state == VSOCK_RESET && !lingers(l)) {
		vsock_link_drop_peer(l, loop);
		if (!l->stream.owed)
			l->use = LINK_FREE;
		return;
	}
	if (l->source.fd >= 0 && loop_watch(loop, &l->source, wanted_events(l))) {
		vsock_stream_reset(&l->stream);
		vsock_link_drop_peer(l, loop);
	}
}
