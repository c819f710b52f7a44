/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The devices there are. Each is made, not yet started, from its options; on error *out is NULL or
 * the device, for its destroy handler. Options belong to the caller and outlive the device.
 */
#ifndef CARILLON_VIRTIO_DEVICES_H
#define CARILLON_VIRTIO_DEVICES_H

#include "device.h"

int virtio_blk_create(struct virtio *v, const struct virtio_disk_options *opt,
		      struct virtio_device **out, struct error *err);
int virtio_rng_create(struct virtio *v, struct virtio_device **out, struct error *err);
/* index: which of the machine's cards it is. */
int virtio_net_create(struct virtio *v, const struct net_options *opt, unsigned index,
		      struct virtio_device **out, struct error *err);
int virtio_console_create(struct virtio *v, struct virtio_device **out, struct error *err);
int virtio_balloon_create(struct virtio *v, struct virtio_device **out, struct error *err);
int virtio_pmem_create(struct virtio *v, const struct pmem_options *opt, struct virtio_device **out,
		       struct error *err);
int virtio_9p_create(struct virtio *v, const struct p9_options *opt, struct virtio_device **out,
		     struct error *err);
int virtio_vsock_create(struct virtio *v, const struct vsock_options *opt,
			struct virtio_device **out, struct error *err);
int virtio_vhost_vsock_create(struct virtio *v, uint32_t cid, struct virtio_device **out,
			      struct error *err);
int virtio_vhost_user_create(struct virtio *v, const struct vhost_user_options *opt,
			     struct virtio_device **out, struct error *err);

#endif
