/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* net_rig: see net_rig.h. */
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "calls.h"
#include "net_rig.h"

#define PATIENCE 10000 /* ms */

struct fake_tap fake_tap;

static int tap_ioctl(int fd, unsigned long request, void *arg)
{
	struct ifreq *req = arg;

	switch (request) {
	case TUNGETIFF:
		if (!fake_tap.is_one)
			break;
		req->ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
		return 0;
	case TUNSETVNETHDRSZ:
		cr_assert_eq(*(int *)arg, 12);
		return 0;
	case TUNSETOFFLOAD:
		if (fake_tap.gone) {
			errno = EBADFD;
			return -1;
		}
		if ((uintptr_t)arg & fake_tap.refused)
			break;
		fake_tap.offloads = (unsigned)(uintptr_t)arg;
		return 0;
	case TUNSETQUEUE:
		fake_tap.attached += req->ifr_flags == IFF_ATTACH_QUEUE;
		fake_tap.detached += req->ifr_flags == IFF_DETACH_QUEUE;
		return 0;
	default:
		return kernel_calls.ioctl(fd, request, arg);
	}
	errno = EINVAL;
	return -1;
}

/* ---- a transport that only tells ------------------------------------------------------------- */

static void interrupt(struct virtio_device *d, unsigned q)
{
	struct net_rig *r = d->transport_opaque;

	(void)q;
	event_kick(r->interrupt);
}

static void config_interrupt(struct virtio_device *d)
{
	event_kick(((struct net_rig *)d->transport_opaque)->config_interrupt);
}

static int call_fd(struct virtio_device *d, unsigned q)
{
	(void)d, (void)q;
	return -1;
}

static const struct virtio_transport_ops transport = {interrupt, config_interrupt, call_fd, NULL};

/* ---- the machine ----------------------------------------------------------------------------- */

void net_rig_open(struct net_rig *r, bool tap, unsigned pairs)
{
	struct net_options opt = {.mode = NET_FD, .pairs = pairs, .vhost = NET_VHOST_OFF};
	struct error err = {0};
	int fds[2];
	unsigned i;

	*r = (struct net_rig){.virtio = {.vm = &r->vm, .name = "test"}};
	fake_tap.is_one = tap;
	calls.ioctl = tap_ioctl;
	r->vm.memory.n = 1;
	r->vm.memory.banks[0] =
		(struct ram_bank){RIG_RAM, RIG_RAM_SIZE, calloc(1, RIG_RAM_SIZE), 0};
	r->interrupt = eventfd(0, EFD_NONBLOCK);
	r->config_interrupt = eventfd(0, EFD_NONBLOCK);
	for (i = 0; i < pairs; i++) {
		cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
		r->peers[i] = fds[0];
		r->ours[i] = opt.fds[i] = fds[1];
	}
	cr_assert_eq(virtio_net_create(&r->virtio, &opt, 0, &r->d, &err), 0, "%s", err.text);
	r->card = net_card(r->d);
	r->d->transport = &transport;
	r->d->transport_opaque = r;
	for (i = 0; i < pairs; i++)
		close(r->ours[i]);
}

void net_rig_close(struct net_rig *r)
{
	unsigned i, pairs = r->card->backend.n;

	net_rig_status(r, 0);
	r->d->ops->destroy(r->d);
	for (i = 0; i < pairs; i++)
		close(r->peers[i]);
	close(r->interrupt);
	close(r->config_interrupt);
	free(r->vm.memory.banks[0].host);
}

void net_rig_status(struct net_rig *r, uint8_t status)
{
	pthread_mutex_lock(&r->d->lock);
	virtio_set_status(r->d, status);
	pthread_mutex_unlock(&r->d->lock);
}

bool net_rig_negotiate(struct net_rig *r, uint64_t features)
{
	features |= BIT(VIRTIO_F_VERSION_1);
	net_rig_status(r, 0);
	net_rig_status(r, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER);
	virtio_accept(r->d, 0, (uint32_t)features);
	virtio_accept(r->d, 1, (uint32_t)(features >> 32));
	net_rig_status(r, READY);
	return r->d->status & VIRTIO_CONFIG_S_FEATURES_OK;
}

void net_rig_start(struct net_rig *r, uint64_t features)
{
	struct virtio_queue *q;
	unsigned i;

	cr_assert(net_rig_negotiate(r, features));
	for (i = 0; i < r->d->n_queues; i++) {
		driver_ring_init(&r->rings[i], &r->vm.memory, RIG_RAM + i * DRIVER_RING_BYTES, 16,
				 features & BIT(VIRTIO_F_RING_PACKED));
		q = &r->d->queues[i];
		q->ring.size = 16;
		q->ring.desc = r->rings[i].desc;
		q->ring.driver = r->rings[i].driver;
		q->ring.device = r->rings[i].device;
		virtio_enable_queue(q);
	}
	net_rig_status(r, READY | VIRTIO_CONFIG_S_DRIVER_OK);
	cr_assert(r->d->started);
}

void net_rig_add(struct net_rig *r, unsigned q, const struct driver_buffer *b, unsigned n)
{
	driver_ring_add(&r->rings[q], b, n);
}

void net_rig_kick(struct net_rig *r, unsigned q)
{
	event_kick(r->d->queues[q].kick);
}

void net_rig_wait(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	cr_assert_eq(poll(&p, 1, PATIENCE), 1, "waited in vain");
}

uint32_t net_rig_used(struct net_rig *r, unsigned q)
{
	struct driver_used used;
	uint64_t count;

	while (!driver_ring_take(&r->rings[q], &used)) {
		net_rig_wait(r->interrupt);
		cr_assert_eq(read(r->interrupt, &count, sizeof(count)), sizeof(count));
	}
	return used.written;
}

void *net_rig_at(struct net_rig *r, uint64_t gpa)
{
	return guest_memory_at(&r->vm.memory, gpa, 1);
}

uint8_t net_rig_command(struct net_rig *r, uint8_t class, uint8_t cmd, const void *data, size_t n)
{
	unsigned q = virtio_has(r->d, VIRTIO_NET_F_MQ) ? r->d->n_queues - 1 : 2;
	uint64_t at = RIG_BUFFERS + 0x10000;
	const struct driver_buffer b[] = {{at, (uint32_t)n + 2, 0},
					  {at + 0x1000, 1, VRING_DESC_F_WRITE}};
	uint8_t *out = net_rig_at(r, at);

	out[0] = class;
	out[1] = cmd;
	if (n)
		memcpy(out + 2, data, n);
	out[0x1000] = 0xee;
	net_rig_add(r, q, b, 2);
	net_rig_kick(r, q);
	cr_assert_eq(net_rig_used(r, q), 1);
	return out[0x1000];
}
