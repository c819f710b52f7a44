/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * net_rig: a network device in front of sockets, of which the test has the other ends, and a driver
 * that lays its rings. The device serves them on its own thread, as it does in a machine. The
 * sockets can pass for the queues of a tap: what a tap is asked by ioctl() is answered and
 * recorded.
 */
#ifndef CARILLON_TESTS_NET_RIG_H
#define CARILLON_TESTS_NET_RIG_H

#include <criterion/criterion.h>
#include <linux/if_tun.h>

#include "../../virtio/net_card.h"
#include "virtio_driver.h"

#define RIG_RAM	     0x100000ULL /* guest-physical */
#define RIG_RAM_SIZE (1 * MIB)
#define RIG_BUFFERS  (RIG_RAM + 0x40000)
#define RIG_PAIRS    2
#define RIG_QUEUES   (2 * RIG_PAIRS + 1)

#define READY (VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK)

struct net_rig {
	struct vm vm;
	struct virtio virtio;
	struct virtio_device *d;
	struct net_card *card;
	int peers[RIG_PAIRS];
	int ours[RIG_PAIRS];
	int interrupt, config_interrupt; /* eventfds that the transport signals */
	struct driver_ring rings[RIG_QUEUES];
};

/* What was asked of the tap last. */
struct fake_tap {
	bool is_one, gone;
	unsigned offloads, refused; /* TUN_F_* */
	unsigned attached, detached;
};

extern struct fake_tap fake_tap;

void net_rig_open(struct net_rig *r, bool tap, unsigned pairs);
void net_rig_close(struct net_rig *r);
/* True: the device took these features, with VERSION_1. */
bool net_rig_negotiate(struct net_rig *r, uint64_t features);
/* Negotiate, lay all rings and say DRIVER_OK. */
void net_rig_start(struct net_rig *r, uint64_t features);
void net_rig_status(struct net_rig *r, uint8_t status);
/* Make a chain of one or more buffers available, without a kick; with one. */
void net_rig_add(struct net_rig *r, unsigned q, const struct driver_buffer *b, unsigned n);
void net_rig_kick(struct net_rig *r, unsigned q);
/* Wait until a chain of queue q comes back; how many bytes were written. */
uint32_t net_rig_used(struct net_rig *r, unsigned q);
void *net_rig_at(struct net_rig *r, uint64_t gpa);
/* A command with n bytes of data behind class and command; its answer. */
uint8_t net_rig_command(struct net_rig *r, uint8_t class, uint8_t cmd, const void *data, size_t n);
/* Wait, at most some seconds, for a file to be readable. */
void net_rig_wait(int fd);

#endif
