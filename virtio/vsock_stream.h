/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * One connection of the socket device (5.10.6), as its host's end sees it: who may say what, how
 * much may be on its way, what is owed to the guest. Pure: it moves no data and knows no socket.
 */
#ifndef CARILLON_VIRTIO_VSOCK_STREAM_H
#define CARILLON_VIRTIO_VSOCK_STREAM_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/virtio_vsock.h>

#define VSOCK_SHUT_ALL (VIRTIO_VSOCK_SHUTDOWN_RCV | VIRTIO_VSOCK_SHUTDOWN_SEND)

enum vsock_state {
	VSOCK_CONNECTING, /* the guest has not answered our REQUEST yet */
	VSOCK_OPEN,
	VSOCK_RESET, /* at its end; a RST may be owed */
};

/* What of a packet the state machine decides on; the device has checked the rest. */
struct vsock_packet {
	uint16_t op;	/* VIRTIO_VSOCK_OP_* */
	uint32_t flags; /* of SHUTDOWN: VIRTIO_VSOCK_SHUTDOWN_* */
	uint32_t len;	/* bytes of payload */
	uint32_t buf_alloc, fwd_cnt;
};

/* Counts of bytes are free-running, and differences between them count (5.10.6.3). */
struct vsock_stream {
	enum vsock_state state;
	uint32_t buf_alloc; /* how much the guest may send before it is forwarded */
	uint32_t rx_cnt;    /* came from the guest */
	uint32_t fwd_cnt;   /* of that, forwarded */
	uint32_t told;	    /* the fwd_cnt that the guest knows of */
	uint32_t peer_buf_alloc, peer_fwd_cnt;
	uint32_t tx_cnt;		/* sent to the guest */
	uint32_t guest_shut, host_shut; /* VIRTIO_VSOCK_SHUTDOWN_*: what each side won't do again */
	uint32_t owed;			/* packets for the guest, a bit 1 << op for each kind */
};

/* What the packet that came means to the one who has the data. */
enum vsock_event {
	VSOCK_NOTHING,
	VSOCK_CONNECTED, /* the guest has accepted */
	VSOCK_DATA,	 /* all len bytes are to be forwarded */
	VSOCK_SHUT,	 /* guest_shut has grown */
	VSOCK_ENDED,	 /* by the guest, or because it broke the rules: then a RST is owed */
};

/* The host connects: a REQUEST is owed. buf_alloc: bytes that it can keep. */
void vsock_stream_connect(struct vsock_stream *s, uint32_t buf_alloc);
/* The host accepts the guest's REQUEST: a RESPONSE is owed. */
void vsock_stream_accept(struct vsock_stream *s, uint32_t buf_alloc,
			 const struct vsock_packet *request);
enum vsock_event vsock_stream_take(struct vsock_stream *s, const struct vsock_packet *p);
/* n bytes of the guest's have left us. */
void vsock_stream_forwarded(struct vsock_stream *s, uint32_t n);
/* How many bytes may be sent to the guest now. */
uint32_t vsock_stream_credit(const struct vsock_stream *s);
/* n bytes, no more than the credit, are in a RW packet. */
void vsock_stream_sent(struct vsock_stream *s, uint32_t n);
/* The host won't send, or receive, any more: VIRTIO_VSOCK_SHUTDOWN_*. */
void vsock_stream_shut(struct vsock_stream *s, uint32_t flags);
/* The host ends it, whatever is on its way. */
void vsock_stream_reset(struct vsock_stream *s);
/* Fill in the next packet that is owed: false if there is none. It is owed no longer. */
bool vsock_stream_next(struct vsock_stream *s, struct vsock_packet *p);
/* What every packet of ours carries, a RW's too: how much the guest may send. */
void vsock_stream_tell_credit(struct vsock_stream *s, struct vsock_packet *p);

#endif
