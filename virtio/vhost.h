/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * vhost: queues of a device that the host's kernel serves (linux/vhost.h). What the devices that
 * use it share: features, the memory table, rings, kicks and interrupts. What makes a backend of
 * the kernel run is the device's own: VHOST_NET_SET_BACKEND, VHOST_VSOCK_SET_RUNNING.
 *
 * All functions are called under the device's lock, but for vhost_open() and vhost_close(), which
 * are for its making and its destroying.
 */
#ifndef CARILLON_VIRTIO_VHOST_H
#define CARILLON_VIRTIO_VHOST_H

#include "device.h"

/* As many as any of the kernel's backends has. */
#define VHOST_RINGS_MAX 2

struct vhost;

struct vhost_ring {
	struct vhost *vhost;
	unsigned queue; /* the device's number of it */
	/* An eventfd that is signalled while no interrupt can go to the guest without us. */
	struct loop_source call;
	bool running;
};

struct vhost {
	struct virtio_device *device;
	int fd;		   /* -1: not open */
	uint64_t features; /* what this kernel can do */
	unsigned n;
	struct vhost_ring rings[VHOST_RINGS_MAX]; /* by the kernel's number */
	struct loop_source error;		  /* an eventfd: the kernel found a broken ring */
};

/*
 * Open `path` for the device's queues first … first + n - 1. The device was initialized; its loop
 * is where interrupts pass by that can't go directly. module: what the host's user has to load if
 * the path isn't there. On error nothing is open.
 */
int vhost_open(struct vhost *v, struct virtio_device *d, const char *path, const char *module,
	       unsigned first, unsigned n, struct error *err);
/* Let the device offer only such rings as this kernel knows. Before a driver sees it. */
void vhost_limit_offer(const struct vhost *v);
/*
 * The driver is ready: tell the kernel features, memory, and the rings of all queues that are
 * enabled. 0 or -errno. The backend may run then.
 */
int vhost_start(struct vhost *v);
/* The backend was stopped by the device: the kernel lets go of kicks and interrupts. */
void vhost_stop(struct vhost *v);
/* One ring, by the kernel's number (2.6.1). */
int vhost_start_ring(struct vhost *v, unsigned ring);
void vhost_stop_ring(struct vhost *v, unsigned ring);
/* Queue q may be another's: the call_changed handler. */
void vhost_call_changed(struct vhost *v, unsigned q);
/* The device was stopped. Fine if it isn't open, for fd < 0. */
void vhost_close(struct vhost *v);

#endif
