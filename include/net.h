/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * net: ways to a network. Each has a file descriptor for each pair of queues, where one read() or
 * writev() is one Ethernet frame: a tap, a macvtap or a socket of datagrams. It knows no device.
 */
#ifndef CARILLON_NET_H
#define CARILLON_NET_H

#include "base.h"

/* Pairs of queues, one for each of a guest's busy CPUs. */
#define NET_PAIRS_MAX 8
#define NET_MAC	      6
#define NET_PATH      256
#define NET_IFNAME    16 /* IFNAMSIZ */

/* Also in docs/carillon.1. */
#define NET_TAP_SYNTAX "tap[,ifname=NAME][,script=FILE][,queues=N][,mac=MAC][,vhost=on|off|auto]"
#define NET_FD_SYNTAX  "fd=N[:N…][,mac=MAC][,vhost=on|off|auto]"
#define NET_SYNTAX     NET_TAP_SYNTAX ", or " NET_FD_SYNTAX ", or none"

enum net_mode {
	NET_NONE,
	NET_TAP, /* by its name, or made */
	NET_FD,	 /* opened by whoever started us */
};

enum net_vhost {
	NET_VHOST_AUTO, /* where the host has it */
	NET_VHOST_ON,
	NET_VHOST_OFF,
};

struct net_options {
	enum net_mode mode;
	char ifname[NET_IFNAME]; /* "": the kernel chooses */
	char script[NET_PATH];	 /* run with the tap's name when it is there; "": none */
	unsigned pairs;
	int fds[NET_PAIRS_MAX]; /* of NET_FD; the caller's, which stay open */
	bool has_mac;
	uint8_t mac[NET_MAC];
	enum net_vhost vhost;
};

/* Pure: what is behind -n, in our spelling and in lkvm's. */
int net_parse(const char *text, struct net_options *opt, struct error *err);

/*
 * Pure: the address of the machine's card number `index`, if the user gave none. The same at each
 * start of a machine of this name on this host, so that a guest's leases and names of interfaces
 * last; locally administered.
 */
void net_default_mac(uint8_t mac[NET_MAC], const char *host_id, const char *machine,
		     unsigned index);

/* A way that was opened. */
struct net_backend {
	char name[32];		/* for messages: the interface's, or "fd 5" */
	unsigned n, in_use;	/* the first of them are in use */
	int fds[NET_PAIRS_MAX]; /* non-blocking, closed on exec */
	/*
	 * A tap or macvtap: before each frame there are the 12 bytes of a virtio-net header
	 * (Virtual I/O Device 1.2, 5.1.6, little-endian). Without one there is the frame alone.
	 */
	bool header;
	unsigned offloads; /* TUN_F_* that it can have; 0 without a header */
	uint16_t mtu;	   /* bytes, if it isn't Ethernet's 1500; 0: it is, or nobody knows */
	bool has_mac;	   /* others on the network know the guest by this address only: macvtap */
	uint8_t mac[NET_MAC];
};

/*
 * Open it, of several pairs the first in use. Errors say what is missing: rights, the device, the
 * name. On error nothing is open; a script may have run.
 */
int net_open(struct net_backend *b, const struct net_options *opt, struct error *err);
/* A tap that was made for this goes. Fine if n is 0. */
void net_close(struct net_backend *b);
/* What frames may come in with (TUN_F_*, a part of offloads): unfinished checksums, many at once.
 */
int net_set_offloads(const struct net_backend *b, unsigned offloads);
/* Have frames come through the first `pairs` of the files only. 0 or -errno. */
int net_use_pairs(struct net_backend *b, unsigned pairs);

#endif
