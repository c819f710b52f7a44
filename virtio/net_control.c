/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The control queue of a network device (5.1.6.5). Frames are filtered by nobody here, which the
 * specification allows: what a driver asks for of that is granted.
 */
#include <errno.h>
#include <string.h>
#include <linux/if_tun.h>

#include "net_card.h"

#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

unsigned net_tun_offloads(uint64_t offloads)
{
	static const struct {
		uint64_t virtio;
		unsigned tun;
	} map[] = {
		{BIT(VIRTIO_NET_F_GUEST_CSUM), TUN_F_CSUM},
		{BIT(VIRTIO_NET_F_GUEST_TSO4), TUN_F_TSO4},
		{BIT(VIRTIO_NET_F_GUEST_TSO6), TUN_F_TSO6},
		{BIT(VIRTIO_NET_F_GUEST_ECN), TUN_F_TSO_ECN},
		{BIT(VIRTIO_NET_F_GUEST_UFO), TUN_F_UFO},
		/* The kernel knows these two only together. */
		{BIT(VIRTIO_NET_F_GUEST_USO4) | BIT(VIRTIO_NET_F_GUEST_USO6),
		 TUN_F_USO4 | TUN_F_USO6},
	};
	unsigned i, tun = 0;

	for (i = 0; i < ARRAY_SIZE(map); i++)
		if ((offloads & map[i].virtio) == map[i].virtio)
			tun |= map[i].tun;
	return tun;
}

int net_offload(struct net_card *n, uint64_t offloads)
{
	int ret = net_set_offloads(&n->backend, net_tun_offloads(offloads));

	if (!ret)
		n->offloads = offloads;
	return ret;
}

int net_activate(struct net_card *n, unsigned pairs)
{
	int ret = net_use_pairs(&n->backend, pairs);
	unsigned i;

	if (ret)
		return ret;
	n->active = pairs;
	for (i = 0; i < n->backend.n; i++)
		net_settle(&n->pairs[i]);
	/* Of buffers that came for a pair while it was not in use nobody has taken notice. */
	for (i = 0; i < pairs && n->device.started; i++)
		event_kick(n->device.queues[2 * i].kick);
	return 0;
}

/* ---- commands: data begins behind the two bytes of class and command ------------------------- */

#define DATA sizeof(struct virtio_net_ctrl_hdr)

static bool read_data(const struct virtq_chain *c, uint64_t offset, void *buf, size_t n)
{
	return virtq_read(c, DATA + offset, buf, n) == n;
}

/* Which frames the driver wants to see (5.1.6.5.1). */
static bool set_rx_mode(struct net_card *n, uint8_t cmd, const struct virtq_chain *c)
{
	unsigned feature = cmd > VIRTIO_NET_CTRL_RX_ALLMULTI ? VIRTIO_NET_F_CTRL_RX_EXTRA
							     : VIRTIO_NET_F_CTRL_RX;
	uint8_t on;

	return cmd <= VIRTIO_NET_CTRL_RX_NOBCAST && virtio_has(&n->device, feature) &&
	       read_data(c, 0, &on, sizeof(on));
}

/* Two tables, each with its number of addresses before it (5.1.6.5.2). */
static bool check_mac_tables(const struct virtq_chain *c)
{
	uint64_t at = 0;
	uint32_t entries;
	unsigned i;

	for (i = 0; i < 2; i++) {
		if (!read_data(c, at, &entries, sizeof(entries)))
			return false;
		at += sizeof(entries) + (uint64_t)entries * NET_MAC;
	}
	return DATA + at <= c->out_bytes;
}

static bool set_mac(struct net_card *n, const struct virtq_chain *c)
{
	uint8_t mac[NET_MAC];

	if (!virtio_has(&n->device, VIRTIO_NET_F_CTRL_MAC_ADDR) ||
	    !read_data(c, 0, mac, sizeof(mac)))
		return false;
	memcpy(n->device.config, mac, sizeof(mac));
	return true;
}

static bool set_filter(struct net_card *n, uint8_t cmd, const struct virtq_chain *c)
{
	switch (cmd) {
	case VIRTIO_NET_CTRL_MAC_TABLE_SET:
		return virtio_has(&n->device, VIRTIO_NET_F_CTRL_RX) && check_mac_tables(c);
	case VIRTIO_NET_CTRL_MAC_ADDR_SET:
		return set_mac(n, c);
	default:
		return false;
	}
}

/* 5.1.6.5.5 */
static bool set_pairs(struct net_card *n, uint8_t cmd, const struct virtq_chain *c)
{
	uint16_t pairs;

	return cmd == VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET && virtio_has(&n->device, VIRTIO_NET_F_MQ) &&
	       read_data(c, 0, &pairs, sizeof(pairs)) && pairs && pairs <= n->backend.n &&
	       !net_activate(n, pairs);
}

/* 5.1.6.5.6: of those that were negotiated, in any combination that makes sense to the host. */
static bool set_offloads(struct net_card *n, uint8_t cmd, const struct virtq_chain *c)
{
	uint64_t wanted;

	return cmd == VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET &&
	       virtio_has(&n->device, VIRTIO_NET_F_CTRL_GUEST_OFFLOADS) &&
	       read_data(c, 0, &wanted, sizeof(wanted)) &&
	       !(wanted & ~(n->device.features & NET_GUEST_OFFLOADS)) && !net_offload(n, wanted);
}

static bool execute(struct net_card *n, const struct virtq_chain *c)
{
	struct virtio_net_ctrl_hdr what;

	if (virtq_read(c, 0, &what, sizeof(what)) != sizeof(what))
		return false;
	switch (what.class) {
	case VIRTIO_NET_CTRL_RX:
		return set_rx_mode(n, what.cmd, c);
	case VIRTIO_NET_CTRL_MAC:
		return set_filter(n, what.cmd, c);
	case VIRTIO_NET_CTRL_MQ:
		return set_pairs(n, what.cmd, c);
	case VIRTIO_NET_CTRL_GUEST_OFFLOADS:
		return set_offloads(n, what.cmd, c);
	default:
		return false;
	}
}

static uint32_t serve(struct virtio_device *d, const struct virtq_chain *c)
{
	uint8_t ack = execute(net_card(d), c) ? VIRTIO_NET_OK : VIRTIO_NET_ERR;

	return (uint32_t)virtq_write(c, 0, &ack, sizeof(ack));
}

void net_control(struct net_card *n, struct virtio_queue *q)
{
	virtio_serve(q, &n->out, serve);
}
