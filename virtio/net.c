/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The network device (5.1): a card in front of a tap or another backend (net.h). Its frames are
 * carried by the host's kernel (vhost-net), or by a thread of its own (net_frames.c); the control
 * queue is always served here (net_control.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <linux/vhost.h>

#include "net_card.h"

#define VHOST_PATH "/dev/vhost-net"

/* ---- features -------------------------------------------------------------------------------- */

/* What a tap does with frames that go out, by what it can with those that come in. */
static uint64_t offload_features(unsigned tun)
{
	static const struct {
		uint64_t guest, host;
	} pairs[] = {
		{BIT(VIRTIO_NET_F_GUEST_CSUM), BIT(VIRTIO_NET_F_CSUM)},
		{BIT(VIRTIO_NET_F_GUEST_TSO4), BIT(VIRTIO_NET_F_HOST_TSO4)},
		{BIT(VIRTIO_NET_F_GUEST_TSO6), BIT(VIRTIO_NET_F_HOST_TSO6)},
		{BIT(VIRTIO_NET_F_GUEST_ECN), BIT(VIRTIO_NET_F_HOST_ECN)},
		{BIT(VIRTIO_NET_F_GUEST_UFO), BIT(VIRTIO_NET_F_HOST_UFO)},
		{BIT(VIRTIO_NET_F_GUEST_USO4) | BIT(VIRTIO_NET_F_GUEST_USO6),
		 BIT(VIRTIO_NET_F_HOST_USO)},
	};
	uint64_t features = 0;
	unsigned i, bits;

	for (i = 0; i < ARRAY_SIZE(pairs); i++) {
		bits = net_tun_offloads(pairs[i].guest);
		if ((tun & bits) == bits)
			features |= pairs[i].guest | pairs[i].host;
	}
	return features ? features | BIT(VIRTIO_NET_F_CTRL_GUEST_OFFLOADS) : 0;
}

static uint64_t features_of(const struct net_backend *b)
{
	uint64_t features = BIT(VIRTIO_NET_F_MAC) | BIT(VIRTIO_NET_F_STATUS) |
			    BIT(VIRTIO_NET_F_MRG_RXBUF) | BIT(VIRTIO_NET_F_CTRL_VQ) |
			    BIT(VIRTIO_NET_F_CTRL_RX) | BIT(VIRTIO_NET_F_CTRL_RX_EXTRA) |
			    offload_features(b->offloads);

	/* Frames for another address would never come. */
	if (!b->has_mac)
		features |= BIT(VIRTIO_NET_F_CTRL_MAC_ADDR);
	if (b->mtu)
		features |= BIT(VIRTIO_NET_F_MTU);
	if (b->n > 1)
		features |= BIT(VIRTIO_NET_F_MQ);
	return features;
}

/* 5.1.3.1: what needs what; of `needs` one is enough. */
static bool accepts(struct virtio_device *d, uint64_t features)
{
	static const uint64_t guest_tso =
				      BIT(VIRTIO_NET_F_GUEST_TSO4) | BIT(VIRTIO_NET_F_GUEST_TSO6),
			      host_tso = BIT(VIRTIO_NET_F_HOST_TSO4) | BIT(VIRTIO_NET_F_HOST_TSO6);
	const struct {
		uint64_t any, needs;
	} rules[] = {
		{guest_tso | BIT(VIRTIO_NET_F_GUEST_UFO) | BIT(VIRTIO_NET_F_GUEST_USO4) |
			 BIT(VIRTIO_NET_F_GUEST_USO6),
		 BIT(VIRTIO_NET_F_GUEST_CSUM)},
		{host_tso | BIT(VIRTIO_NET_F_HOST_UFO) | BIT(VIRTIO_NET_F_HOST_USO),
		 BIT(VIRTIO_NET_F_CSUM)},
		{BIT(VIRTIO_NET_F_GUEST_ECN), guest_tso},
		{BIT(VIRTIO_NET_F_HOST_ECN), host_tso},
		{BIT(VIRTIO_NET_F_CTRL_RX) | BIT(VIRTIO_NET_F_CTRL_RX_EXTRA) |
			 BIT(VIRTIO_NET_F_MQ) | BIT(VIRTIO_NET_F_CTRL_MAC_ADDR) |
			 BIT(VIRTIO_NET_F_CTRL_GUEST_OFFLOADS),
		 BIT(VIRTIO_NET_F_CTRL_VQ)},
	};
	unsigned i;

	(void)d;
	for (i = 0; i < ARRAY_SIZE(rules); i++)
		if ((features & rules[i].any) && !(features & rules[i].needs))
			return false;
	return true;
}

/* ---- queues that the kernel serves ----------------------------------------------------------- */

static int set_kernel_backend(const struct net_pair *p, unsigned ring, int fd)
{
	struct vhost_vring_file file = {.index = ring, .fd = fd};

	return ioctl(p->vhost.fd, VHOST_NET_SET_BACKEND, &file) < 0 ? -errno : 0;
}

static int start_kernel(struct net_pair *p)
{
	unsigned i;
	int ret = vhost_start(&p->vhost);

	for (i = 0; i < p->vhost.n && !ret; i++)
		if (p->vhost.rings[i].running)
			ret = set_kernel_backend(p, i, p->card->backend.fds[p->index]);
	return ret;
}

/* When the backend is gone the kernel has finished what it was at. */
static void stop_kernel(struct net_pair *p)
{
	unsigned i;

	for (i = 0; i < p->vhost.n; i++)
		set_kernel_backend(p, i, VHOST_FILE_UNBIND);
	vhost_stop(&p->vhost);
}

static void call_changed(struct virtio_device *d, unsigned q)
{
	struct net_card *n = net_card(d);

	if (n->vhost && q / 2 < n->backend.n)
		vhost_call_changed(&n->pairs[q / 2].vhost, q);
}

/* ---- the driver starts and stops ------------------------------------------------------------- */

/* 5.1.2: it is behind all pairs, or behind the first if the driver knows no others. */
static unsigned control_queue(const struct net_card *n)
{
	return virtio_has(&n->device, VIRTIO_NET_F_MQ) ? 2 * n->backend.n : 2;
}

static int start(struct virtio_device *d)
{
	struct net_card *n = net_card(d);
	unsigned i, pairs = control_queue(n) / 2;
	int ret = net_offload(n, d->features & NET_GUEST_OFFLOADS);

	if (!ret)
		ret = net_activate(n, 1);
	/* What a tap says that was deleted: a card without a network is still a card. */
	if (ret == -EBADFD) {
		net_lose(n, "the tap was deleted");
		ret = 0;
	}
	for (i = 0; i < pairs && n->vhost && !ret; i++)
		ret = start_kernel(&n->pairs[i]);
	return ret;
}

static void stop(struct virtio_device *d)
{
	struct net_card *n = net_card(d);
	unsigned i;

	for (i = 0; i < n->backend.n; i++) {
		if (n->vhost)
			stop_kernel(&n->pairs[i]);
		n->pairs[i].held = 0;
		n->pairs[i].waiting = n->pairs[i].full = false;
	}
	d->started = false;
	net_activate(n, 1);
	net_offload(n, 0);
	memcpy(d->config, n->mac, NET_MAC);
}

static int queue_start(struct virtio_device *d, unsigned q)
{
	struct net_card *n = net_card(d);
	struct net_pair *p = &n->pairs[q / 2];
	int ret;

	if (q >= control_queue(n))
		return 0;
	if (!n->vhost) {
		p->waiting = false;
		net_settle(p);
		return 0;
	}
	ret = vhost_start_ring(&p->vhost, q % 2);
	return ret ?: set_kernel_backend(p, q % 2, n->backend.fds[q / 2]);
}

static void queue_stop(struct virtio_device *d, unsigned q)
{
	struct net_card *n = net_card(d);
	struct net_pair *p = &n->pairs[q / 2];

	if (q >= control_queue(n))
		return;
	if (n->vhost) {
		set_kernel_backend(p, q % 2, VHOST_FILE_UNBIND);
		vhost_stop_ring(&p->vhost, q % 2);
		return;
	}
	if (q % 2) {
		p->full = false;
	} else {
		p->held = 0;
		p->waiting = true;
	}
	net_settle(p);
}

static void kicked(struct virtio_device *d, unsigned q)
{
	struct net_card *n = net_card(d);

	if (q == control_queue(n))
		net_control(n, &d->queues[q]);
	else if (q > control_queue(n) || n->vhost)
		return;
	else if (q % 2)
		net_transmit(&n->pairs[q / 2]);
	else if (q / 2 < n->active)
		net_receive(&n->pairs[q / 2]);
}

/* ---- making one ------------------------------------------------------------------------------ */

static void stat(struct virtio_device *d, struct json *j)
{
	struct net_card *n = net_card(d);
	const struct net_counters *c = &n->count;

	json_string(j, "backend", n->backend.name);
	json_bool(j, "vhost", n->vhost);
	json_number(j, "pairs", n->active);
	json_address(j, "guest_offloads", n->offloads);
	if (n->vhost)
		return;
	json_number(j, "rx_frames", atomic_load(&c->rx_frames));
	json_number(j, "rx_bytes", atomic_load(&c->rx_bytes));
	json_number(j, "rx_large", atomic_load(&c->rx_large));
	json_number(j, "rx_dropped", atomic_load(&c->rx_dropped));
	json_number(j, "tx_frames", atomic_load(&c->tx_frames));
	json_number(j, "tx_bytes", atomic_load(&c->tx_bytes));
	json_number(j, "tx_large", atomic_load(&c->tx_large));
	json_number(j, "tx_dropped", atomic_load(&c->tx_dropped));
}

static void destroy(struct virtio_device *d)
{
	struct net_card *n = net_card(d);
	unsigned i;

	worker_stop(&n->worker);
	for (i = 0; i < n->backend.n; i++) {
		/* Of one that was never made all is zero. */
		if (n->vhost && n->pairs[i].card)
			vhost_close(&n->pairs[i].vhost);
		free(n->pairs[i].frame);
	}
	virtio_device_release(d);
	net_close(&n->backend);
	free(n);
}

static const struct virtio_device_ops ops = {.accepts = accepts,
					     .start = start,
					     .stop = stop,
					     .queue_start = queue_start,
					     .queue_stop = queue_stop,
					     .kicked = kicked,
					     .call_changed = call_changed,
					     .stat = stat,
					     .destroy = destroy};

/* For NET_VHOST_AUTO: whether this host and this backend can. */
static bool kernel_can(const struct net_backend *b)
{
	int fd = b->header ? open(VHOST_PATH, O_RDWR | O_CLOEXEC) : -1;

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* A thread of its own, unless the kernel serves what is busy. */
static int choose_server(struct net_card *n, enum net_vhost vhost, struct error *err)
{
	int ret;

	n->vhost = vhost == NET_VHOST_ON || (vhost == NET_VHOST_AUTO && kernel_can(&n->backend));
	if (n->vhost && !n->backend.header)
		return fail(err, EINVAL, "%s: vhost needs a tap or macvtap; use vhost=off",
			    n->device.name);
	if (n->vhost)
		return 0;
	ret = worker_start(&n->worker, n->device.name, err);
	n->device.loop = &n->worker.loop;
	return ret;
}

static int init_pair(struct net_card *n, unsigned i, struct error *err)
{
	struct net_pair *p = &n->pairs[i];
	int ret;

	*p = (struct net_pair){.card = n, .index = i};
	n->device.queues[2 * i + 1].patient = true;
	p->tap = (struct loop_source){.fd = n->backend.fds[i], .ready = net_tap_ready, .opaque = p};
	if (n->vhost) {
		ret = vhost_open(&p->vhost, &n->device, VHOST_PATH, "vhost_net", 2 * i, 2, err);
		if (!ret)
			vhost_limit_offer(&p->vhost);
		return ret;
	}
	p->frame = malloc(NET_FRAME_MAX);
	return p->frame ? 0 : fail(err, ENOMEM, "%s: out of memory", n->device.name);
}

static void set_config(struct net_card *n, const struct net_options *opt, const char *machine,
		       unsigned index)
{
	struct virtio_net_config *config = (void *)n->device.config;
	char host_id[64];

	if (opt->has_mac)
		memcpy(n->mac, opt->mac, NET_MAC);
	else if (n->backend.has_mac)
		memcpy(n->mac, n->backend.mac, NET_MAC);
	else if (read_file("/etc/machine-id", host_id, sizeof(host_id)) < 0)
		net_default_mac(n->mac, "", machine, index);
	else
		net_default_mac(n->mac, host_id, machine, index);
	memcpy(config->mac, n->mac, NET_MAC);
	config->status = VIRTIO_NET_S_LINK_UP;
	config->max_virtqueue_pairs = (uint16_t)n->backend.n;
	config->mtu = n->backend.mtu;
	n->device.config_size = offsetof(struct virtio_net_config, mtu) + sizeof(config->mtu);
}

int virtio_net_create(struct virtio *v, const struct net_options *opt, unsigned index,
		      struct virtio_device **out, struct error *err)
{
	struct net_card *n = calloc(1, sizeof(*n));
	uint16_t sizes[2 * NET_PAIRS_MAX + 1];
	unsigned i;
	int ret;

	if (!n)
		return fail(err, ENOMEM, "net: out of memory");
	*out = &n->device;
	n->device = (struct virtio_device){.name = "net", .id = VIRTIO_ID_NET, .ops = &ops};
	n->out = (struct virtq_chain){.iov = n->out_iov, .room = NET_QUEUE_SIZE};
	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		sizes[i] = NET_QUEUE_SIZE;
	ret = net_open(&n->backend, opt, err);
	if (ret) {
		error_prefix(err, "net");
		return ret;
	}
	snprintf(n->device.name, sizeof(n->device.name), "net %s", n->backend.name);
	set_config(n, opt, v->name ?: "", index);
	n->device.offered = features_of(&n->backend);
	ret = choose_server(n, opt->vhost, err);
	if (!ret)
		ret = virtio_device_init(&n->device, v->vm, 2 * n->backend.n + 1, sizes, err);
	for (i = 0; i < n->backend.n && !ret; i++)
		ret = init_pair(n, i, err);
	return ret;
}
