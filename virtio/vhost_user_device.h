/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Between the vhost-user device (vhost_user.c) and its connection (vhost_user_connection.c,
 * vhost_user_channel.c). */
#ifndef CARILLON_VIRTIO_VHOST_USER_DEVICE_H
#define CARILLON_VIRTIO_VHOST_USER_DEVICE_H

#include "device.h"
#include "vhost_user.h"

struct vhost_user;

/* A ring that the back end serves. */
struct vhost_user_ring {
	struct vhost_user *owner;
	unsigned index;
	struct loop_source call; /* our eventfd, where the transport has none */
	int told;		 /* the descriptor that the back end signals now */
	bool running;
	bool begun; /* since it was enabled some back end had it, and took what is on its way */
};

struct vhost_user {
	struct virtio_device device;
	struct virtio *all;
	const struct vhost_user_options *opt;
	struct vhost_user_shape shape;
	struct vhost_user_session session;
	struct vhost_user_ring *rings; /* shape.n_served */
	struct loop_source hangup;     /* the session's socket */
	struct loop_source channel;    /* the back end's own requests; fd -1: none */
	struct loop_timer retry;       /* look for a back end again */
	uint64_t delay;		       /* ns, until then */
	struct vhost_user_inflight inflight;
	int inflight_fd; /* -1: none */
	bool recorded;	 /* what a back end that went has left is in there */
	_Atomic bool connected;
	_Atomic uint64_t losses;
};

/*
 * Find a back end for the first time, and plan the device by what it offers; the device isn't
 * initialized yet. On error nothing is open.
 */
int vhost_user_find(struct vhost_user *v, struct error *err);
/* Watch the connection, from now on; the device is initialized. 0 or -errno. */
int vhost_user_watch(struct vhost_user *v);
/* End watching. The session stays with `all` for the next boot, if it is alive. */
void vhost_user_leave(struct vhost_user *v);

/* End the connections that are kept. */
void vhost_user_forget(struct virtio *all);

/* ---- under the device's lock -------------------------------------------------------------------
 */

/*
 * What became of a request. True: it was done. False: the back end refuses it, or is gone, which
 * was dealt with.
 */
bool vhost_user_settle(struct vhost_user *v, int ret);
/* The channel of the back end's own requests, where both ends know of one. */
int vhost_user_open_channel(struct vhost_user *v);
void vhost_user_close_channel(struct vhost_user *v);
/* Have the configuration anew; tells the driver if it is another. */
int vhost_user_refresh(struct vhost_user *v);
/* Hand over all that a started device has: features, memory, enabled rings. */
int vhost_user_run(struct vhost_user *v, bool again);

#endif
