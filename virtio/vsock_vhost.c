/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The socket device (5.10) whose other end is the host's own AF_VSOCK: the kernel serves receive
 * and transmit queues (vhost-vsock), any process of the host may connect, and listen at CID 2.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <linux/vhost.h>

#include "devices.h"
#include "vhost.h"
#include "vsock.h"

#define QUEUE_SIZE 128

struct vhost_vsock {
	struct virtio_device device;
	struct vhost vhost;
};

static int set_running(struct vhost_vsock *v, int running)
{
	return ioctl(v->vhost.fd, VHOST_VSOCK_SET_RUNNING, &running) ? -errno : 0;
}

static int start(struct virtio_device *d)
{
	struct vhost_vsock *v = container_of(d, struct vhost_vsock, device);
	int ret = vhost_start(&v->vhost);

	return ret ?: set_running(v, 1);
}

static void stop(struct virtio_device *d)
{
	struct vhost_vsock *v = container_of(d, struct vhost_vsock, device);

	set_running(v, 0);
	vhost_stop(&v->vhost);
}

static void call_changed(struct virtio_device *d, unsigned q)
{
	vhost_call_changed(&container_of(d, struct vhost_vsock, device)->vhost, q);
}

static void destroy(struct virtio_device *d)
{
	struct vhost_vsock *v = container_of(d, struct vhost_vsock, device);

	vhost_close(&v->vhost);
	virtio_device_release(d);
	free(v);
}

static const struct virtio_device_ops ops = {.start = start,
					     .stop = stop,
					     .whole = true,
					     .call_changed = call_changed,
					     .destroy = destroy};

static int set_cid(struct vhost_vsock *v, uint32_t cid, struct error *err)
{
	uint64_t wide = cid;

	if (!ioctl(v->vhost.fd, VHOST_VSOCK_SET_GUEST_CID, &wide))
		return 0;
	if (errno == EADDRINUSE)
		return fail(err, errno, "vsock: CID %u is another machine's; choose another", cid);
	return fail(err, errno, "vsock: CID %u: %s", cid, strerror(errno));
}

int virtio_vhost_vsock_create(struct virtio *vio, uint32_t cid, struct virtio_device **out,
			      struct error *err)
{
	static const uint16_t sizes[VSOCK_QUEUES] = {QUEUE_SIZE, QUEUE_SIZE, QUEUE_SIZE};
	struct virtio_vsock_config config = {.guest_cid = htole64(cid)};
	struct vhost_vsock *v = calloc(1, sizeof(*v));
	int ret;

	if (!v)
		return fail(err, ENOMEM, "vsock: out of memory");
	v->vhost.fd = -1;
	v->device = (struct virtio_device){
		.name = "vsock", .id = VIRTIO_ID_VSOCK, .ops = &ops, .config_size = sizeof(config)};
	memcpy(v->device.config, &config, sizeof(config));
	*out = &v->device;
	ret = virtio_device_init(&v->device, vio->vm, VSOCK_QUEUES, sizes, err);
	if (!ret)
		ret = vhost_open(&v->vhost, &v->device, "/dev/vhost-vsock", "vhost_vsock", VSOCK_RX,
				 VHOST_RINGS_MAX, err);
	if (ret)
		return ret;
	vhost_limit_offer(&v->vhost);
	v->device.offered |= v->vhost.features & 1ULL << VIRTIO_VSOCK_F_SEQPACKET;
	return set_cid(v, cid, err);
}
