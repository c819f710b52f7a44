/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The hybrid socket device, between vsock.c, which knows the host's side (its sockets, who has a
 * link), and vsock_packets.c, which knows the guest's. All under the device's lock.
 */
#ifndef CARILLON_VIRTIO_VSOCK_HYBRID_H
#define CARILLON_VIRTIO_VSOCK_HYBRID_H

#include <sys/un.h>

#include "vsock_link.h"

#define VSOCK_QUEUE_SIZE 128
/* As many packets are taken before any is answered. */
#define VSOCK_REFUSALS_MAX VSOCK_QUEUE_SIZE

struct vsock {
	struct virtio_device device;
	uint32_t cid;
	struct sockaddr_un address;
	struct loop_source listener;
	struct virtq_chain rx, tx;
	struct iovec rx_iov[VSOCK_QUEUE_SIZE], tx_iov[VSOCK_QUEUE_SIZE];
	struct vsock_link links[VSOCK_LINKS_MAX];
	unsigned turn; /* the link that was served last */
	uint64_t next_age;
	uint32_t next_port;
	/* RSTs for what is no link. Those that don't fit are lost: the guest does not read them. */
	struct virtio_vsock_hdr refusals[VSOCK_REFUSALS_MAX];
	unsigned n_refusals;
	_Atomic uint64_t opened, refused, to_guest, from_guest;
	uint8_t bounce[VSOCK_BUFFER];
};

/* ---- vsock.c --------------------------------------------------------------------------------- */

/*
 * A free place for a link; or that of the oldest that nobody uses yet, or any more. NULL: all are
 * in use.
 */
struct vsock_link *vsock_take_place(struct vsock *v);
/* A socket of the one who listens for the guest at this port of the host; -errno: nobody does. */
int vsock_connect(const struct vsock *v, uint32_t port);

/* ---- vsock_packets.c ------------------------------------------------------------------------- */

/* The driver is there, and keeps the rules. */
bool vsock_runs(const struct vsock *v);
/* A RST is owed to the guest for what has no link: the ports are those of its packet. */
void vsock_refuse(struct vsock *v, uint64_t host_cid, uint32_t host_port, uint32_t guest_port,
		  uint16_t type);
/* Fill the guest's buffers, a ring's length in one go, as long as there is something for them. */
void vsock_pump(struct vsock *v);
/* A packet of the guest's, for virtio_serve(). */
uint32_t vsock_take_chain(struct virtio_device *d, const struct virtq_chain *c);

#endif
