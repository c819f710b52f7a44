/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Opening a way to a network, what it can do, and files that somebody else opened. */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <linux/if_tun.h>
#include <linux/major.h>
#include <linux/virtio_net.h>

#include "inner.h"

/* Since Linux 6.2; Debian 12 has older headers. */
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

#define TUN_MINOR 200 /* of MISC_MAJOR */

/* The header of VIRTIO_F_VERSION_1: with num_buffers, whatever was negotiated (5.1.6). */
#define HEADER_SIZE ((int)sizeof(struct virtio_net_hdr_v1))

int net_set_offloads(const struct net_backend *b, unsigned offloads)
{
	/* They are the interface's, not one queue's. */
	return b->header && ioctl(b->fds[0], TUNSETOFFLOAD, (unsigned long)offloads) ? -errno : 0;
}

/* The most that this kernel knows; it refuses a set with one that it doesn't. */
static unsigned find_offloads(const struct net_backend *b)
{
	static const unsigned basic = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
	const unsigned sets[] = {basic | TUN_F_UFO | TUN_F_USO4 | TUN_F_USO6, basic | TUN_F_UFO,
				 basic};
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(sets); i++)
		if (!net_set_offloads(b, sets[i]))
			return sets[i];
	return 0;
}

static int set_header(const struct net_backend *b, struct error *err)
{
	int size = HEADER_SIZE;
	unsigned i;

	for (i = 0; i < b->n; i++)
		if (ioctl(b->fds[i], TUNSETVNETHDRSZ, &size))
			return fail(err, errno, "%s: a header of %d bytes: %s", b->name, size,
				    strerror(errno));
	return 0;
}

static int switch_pair(const struct net_backend *b, unsigned pair, short flag)
{
	struct ifreq req = {.ifr_flags = flag};

	return ioctl(b->fds[pair], TUNSETQUEUE, &req) ? -errno : 0;
}

/* The kernel refuses what is so already, and a macvtap doesn't tell: hence in_use. */
int net_use_pairs(struct net_backend *b, unsigned pairs)
{
	int ret = 0;

	if (!b->header || b->n < 2)
		return 0;
	for (; b->in_use < pairs && !ret; b->in_use += !ret)
		ret = switch_pair(b, b->in_use, IFF_ATTACH_QUEUE);
	for (; b->in_use > pairs && !ret; b->in_use -= !ret)
		ret = switch_pair(b, b->in_use - 1, IFF_DETACH_QUEUE);
	return ret;
}

/* ---- files of somebody else ------------------------------------------------------------------ */

/*
 * Frames to a macvtap come for its own address alone. A tap's address, on the other hand, is that
 * of the host's end of the wire.
 */
static void take_mac(struct net_backend *b, int fd)
{
	struct ifreq req;
	struct stat st;

	if (fstat(fd, &st) || st.st_rdev == makedev(MISC_MAJOR, TUN_MINOR) ||
	    ioctl(fd, SIOCGIFHWADDR, &req))
		return;
	memcpy(b->mac, req.ifr_hwaddr.sa_data, NET_MAC);
	b->has_mac = true;
}

static bool is_datagram_socket(int fd)
{
	socklen_t len = sizeof(int);
	int type;

	return !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) &&
	       (type == SOCK_DGRAM || type == SOCK_SEQPACKET);
}

static int examine(struct net_backend *b, int fd, struct error *err)
{
	struct ifreq req;
	bool tap = !ioctl(fd, TUNGETIFF, &req);

	if (!tap && !is_datagram_socket(fd))
		return fail(err, EINVAL,
			    "%s: it is neither a tap or macvtap nor a socket of datagrams",
			    b->name);
	if (tap && (!(req.ifr_flags & IFF_TAP) || !(req.ifr_flags & IFF_VNET_HDR)))
		return fail(err, EINVAL,
			    "%s: it isn't a tap with a header; open it with IFF_TAP "
			    "and IFF_VNET_HDR",
			    b->name);
	if (b->n > 1 && tap != b->header)
		return fail(err, EINVAL, "%s: it isn't of the same kind as the one before it",
			    b->name);
	b->header = tap;
	if (tap)
		take_mac(b, fd);
	return 0;
}

/* Our own descriptor: that of the caller is there for the next boot of the machine. */
static int take_fd(struct net_backend *b, int fd, struct error *err)
{
	int own, flags = fcntl(fd, F_GETFD);

	/* What we have opened ourselves, to be closed on exec, is not what the user has in mind. */
	if (flags < 0 || (flags & FD_CLOEXEC))
		return fail(err, EBADF, "%s: no such file is open", b->name);
	own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (own < 0)
		return fail(err, errno, "%s: %s", b->name, strerror(errno));
	b->fds[b->n++] = own;
	flags = fcntl(own, F_GETFL);
	if (flags < 0 || fcntl(own, F_SETFL, flags | O_NONBLOCK))
		return fail(err, errno, "%s: %s", b->name, strerror(errno));
	return examine(b, own, err);
}

int net_open_fds(struct net_backend *b, const struct net_options *opt, struct error *err)
{
	unsigned i;
	int ret = 0;

	for (i = 0; i < opt->pairs && !ret; i++) {
		snprintf(b->name, sizeof(b->name), "fd %d", opt->fds[i]);
		ret = take_fd(b, opt->fds[i], err);
	}
	return ret;
}

/* ---- all of them ----------------------------------------------------------------------------- */

int net_open(struct net_backend *b, const struct net_options *opt, struct error *err)
{
	int ret;

	*b = (struct net_backend){.header = opt->mode == NET_TAP};
	ret = opt->mode == NET_TAP ? net_open_tap(b, opt, err) : net_open_fds(b, opt, err);
	if (!ret && b->header)
		ret = set_header(b, err);
	if (!ret) {
		b->offloads = b->header ? find_offloads(b) : 0;
		net_set_offloads(b, 0);
		b->in_use = b->n;
		ret = net_use_pairs(b, 1);
		if (ret)
			fail(err, -ret, "%s: its queues can't be switched: %s", b->name,
			     strerror(-ret));
	}
	if (ret)
		net_close(b);
	return ret;
}

void net_close(struct net_backend *b)
{
	/* What the caller has open, too, is as it was, for the next boot of the machine. */
	net_use_pairs(b, b->n);
	while (b->n)
		close(b->fds[--b->n]);
}
