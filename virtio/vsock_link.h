/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * One peer of the hybrid socket device: a Unix socket and, once it has said which port it wants, a
 * connection of the guest's. Links are places in a table that lives as long as the device, since
 * the event loop may still hold an event of one that was just let go. All under the device's lock.
 */
#ifndef CARILLON_VIRTIO_VSOCK_LINK_H
#define CARILLON_VIRTIO_VSOCK_LINK_H

#include "vsock.h"
#include "vsock_stream.h"

/* What a guest may send that the peer has not taken, bytes; it is kept here. */
#define VSOCK_BUFFER (64 * KIB)

struct vsock;

enum vsock_use {
	LINK_FREE,
	LINK_GREETING, /* the peer has not yet said CONNECT */
	LINK_BOUND,    /* has a stream */
};

struct vsock_link {
	struct vsock *vsock;
	enum vsock_use use;
	uint64_t age;		   /* the larger, the younger */
	struct loop_source source; /* the peer's socket; fd -1: gone */
	char line[VSOCK_LINE_MAX];
	unsigned line_length;

	uint32_t host_port, guest_port;
	struct vsock_stream stream;
	bool readable;	 /* the peer's data, or its end, waits to be read */
	bool end_passed; /* the peer has been told of guest_shut */
	bool deaf;	 /* the peer takes no more: what the guest sends is lost */
	uint8_t *buffer; /* VSOCK_BUFFER bytes, a ring; NULL while it was never needed */
	unsigned first, kept;
};

/* Take a socket, which is the link's from now on, for a free link. -errno: it is closed. */
int vsock_link_open(struct vsock_link *l, struct loop *loop, enum vsock_use use, int fd);
/* Close the socket, and forget what it did not take. */
void vsock_link_drop_peer(struct vsock_link *l, struct loop *loop);
/* All of it: the place is free. */
void vsock_link_free(struct vsock_link *l, struct loop *loop);
/*
 * Give the peer n of the guest's bytes; what it does not take at once is kept. At most VSOCK_BUFFER
 * are kept, which the stream's credit sees to. A peer that is gone is deaf from then on: what it
 * has sent before is still the guest's. -ENOMEM: nothing can be kept.
 */
int vsock_link_send(struct vsock_link *l, const uint8_t *data, uint32_t n);
/* The peer takes data again, or is gone. */
void vsock_link_flush(struct vsock_link *l);
/*
 * What a peer that is greeting has said. 1: a whole line, in line[0 … line_length); 0: not yet;
 * -errno: it is gone, or the line is too long.
 */
int vsock_link_read_line(struct vsock_link *l);
/*
 * After anything has happened: pass on ends, close what is over, and poll for what can be dealt
 * with. The link may be free afterwards.
 */
void vsock_link_settle(struct vsock_link *l, struct loop *loop);
/* Is there something of it to be put into the guest's buffers? */
bool vsock_link_is_due(const struct vsock_link *l);
/* It has no peer any more and waits only for the guest, or the other way round. */
bool vsock_link_is_closing(const struct vsock_link *l);
/* To the guest it is no connection any more: what is left of it is for the peer. */
bool vsock_link_is_over(const struct vsock_link *l);

#endif
