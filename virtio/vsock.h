/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What the two kinds of socket device share: in vsock.c connections end at Unix sockets of the
 * host, in vsock_vhost.c at the host's own AF_VSOCK. Addresses are a context ID (CID) and a port.
 */
#ifndef CARILLON_VIRTIO_VSOCK_H
#define CARILLON_VIRTIO_VSOCK_H

#include <linux/virtio_vsock.h>

#include "device.h"

enum { VSOCK_RX, VSOCK_TX, VSOCK_EVENT, VSOCK_QUEUES }; /* 5.10.2 */

/* How many peers of the hybrid device there may be at a time. */
#define VSOCK_LINKS_MAX 128
#define VSOCK_HOST_CID	2 /* 5.10.4 */
/* The longest line that a peer may begin with, its end included: CONNECT, a port, some space. */
#define VSOCK_LINE_MAX 32

/*
 * Pure: the first line of a peer, without its end: "CONNECT PORT", in either case, as Firecracker
 * takes it. 0; -EINVAL, -ERANGE: it is something else.
 */
int vsock_parse_connect(const char *line, size_t n, uint32_t *port);

#endif
