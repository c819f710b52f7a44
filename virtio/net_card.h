/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Between the parts of the network device: the card, its frames, its commands. */
#ifndef CARILLON_VIRTIO_NET_CARD_H
#define CARILLON_VIRTIO_NET_CARD_H

#include <linux/virtio_net.h>

#include "devices.h"
#include "net.h"
#include "vhost.h"

/* Since Linux 6.2; Debian 12 has older headers. */
#ifndef VIRTIO_NET_F_HOST_USO
#define VIRTIO_NET_F_GUEST_USO4 54
#define VIRTIO_NET_F_GUEST_USO6 55
#define VIRTIO_NET_F_HOST_USO	56
#endif

#define BIT(n) (1ULL << (n))

#define NET_QUEUE_SIZE 256
/* Before each frame in a queue: with num_buffers, for VIRTIO_F_VERSION_1 (5.1.6). */
#define NET_HEADER sizeof(struct virtio_net_hdr_v1)
/* The largest that a tap has for us: 64 KiB for IP, Ethernet, VLAN tags, the header. */
#define NET_FRAME_MAX (66 * KIB)

/* What the driver can take, in the numbers of features and of 5.1.6.5.6. */
#define NET_GUEST_OFFLOADS                                             \
	(BIT(VIRTIO_NET_F_GUEST_CSUM) | BIT(VIRTIO_NET_F_GUEST_TSO4) | \
	 BIT(VIRTIO_NET_F_GUEST_TSO6) | BIT(VIRTIO_NET_F_GUEST_ECN) |  \
	 BIT(VIRTIO_NET_F_GUEST_UFO) | BIT(VIRTIO_NET_F_GUEST_USO4) |  \
	 BIT(VIRTIO_NET_F_GUEST_USO6))

struct net_card;

/* A receive and a transmit queue: 2i and 2i + 1 (5.1.2). */
struct net_pair {
	struct net_card *card;
	unsigned index;
	struct loop_source tap; /* frames have come, or it takes some again */
	bool full;		/* the backend takes no frames now: one waits in the ring */
	bool waiting;		/* for buffers, with a frame in hand */
	uint8_t *frame;		/* NET_FRAME_MAX bytes, the header first */
	size_t held;		/* bytes of a frame that has no buffers yet */
	struct vhost vhost;
};

struct net_counters {
	_Atomic uint64_t rx_frames, rx_bytes, rx_large, rx_dropped;
	_Atomic uint64_t tx_frames, tx_bytes, tx_large, tx_dropped;
};

struct net_card {
	struct virtio_device device;
	struct net_backend backend;
	struct worker worker; /* serves the queues, if the kernel doesn't */
	bool vhost;
	bool lost;	   /* the backend is gone */
	unsigned active;   /* pairs that the driver wants to be used */
	uint64_t offloads; /* of NET_GUEST_OFFLOADS: what frames may come with */
	uint8_t mac[NET_MAC];
	struct net_pair pairs[NET_PAIRS_MAX];
	struct net_counters count;
	/* What is being worked on; one thread has the card's lock. */
	struct net_pair *sender;
	struct virtq_chain out, chains[NET_QUEUE_SIZE];
	uint32_t written[NET_QUEUE_SIZE];
	struct iovec out_iov[NET_QUEUE_SIZE], first_iov[NET_QUEUE_SIZE], iov[NET_QUEUE_SIZE];
};

static inline struct net_card *net_card(struct virtio_device *d)
{
	return container_of(d, struct net_card, device);
}

/* All under the device's lock, on the thread of its loop. */

/* Serve a transmit queue, that of the pair. */
void net_transmit(struct net_pair *p);
/*
 * Bring in what the backend has, as far as there are buffers; then poll it for more, or don't.
 * False: it had nothing.
 */
bool net_receive(struct net_pair *p);
/* The backend has frames, or room for some: the handler of net_pair.tap. Takes the lock. */
void net_tap_ready(struct loop_source *src, uint32_t events);
/* The interface was deleted, or the peer of a socket is gone: the guest sees a cable pulled. */
void net_lose(struct net_card *n, const char *why);
/* Have the loop poll the backend for what can go on: its frames, or ours. Any thread. */
void net_settle(struct net_pair *p);

/* Serve the control queue (5.1.6.5). */
void net_control(struct net_card *n, struct virtio_queue *q);
/* Let the driver have frames with these of NET_GUEST_OFFLOADS. 0 or -errno. */
int net_offload(struct net_card *n, uint64_t offloads);
/* Use so many pairs. 0 or -errno. */
int net_activate(struct net_card *n, unsigned pairs);

/* Pure: features or offloads of virtio → TUN_F_*. */
unsigned net_tun_offloads(uint64_t offloads);

#endif
