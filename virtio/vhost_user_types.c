/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The devices that a vhost-user back end can be, and what becomes of what it offers: features,
 * queues, configuration. Pure.
 */
#include <errno.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_fs.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#include <linux/virtio_vsock.h>
#include <string.h>

#include "vhost_user.h"

#define BIT(n) (1ULL << (n))

/* 6: what the device types have for themselves, in two parts. */
#define TYPE_FEATURES ((BIT(24) - 1) | ~(BIT(50) - 1))
/* Of the rest those which end at the ring: a back end knows nothing of the transport. */
#define RING_FEATURES                                                      \
	(BIT(VIRTIO_RING_F_INDIRECT_DESC) | BIT(VIRTIO_RING_F_EVENT_IDX) | \
	 BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_F_RING_PACKED) | BIT(VIRTIO_F_IN_ORDER))
/* Stopping a ring, and starting it again, is the front end's. */
#define OUR_FEATURES BIT(VIRTIO_F_RING_RESET)

/* 5.11.4: of the configuration what there is without features 16 and 17. */
#define BLK_CONFIG_SIZE offsetof(struct virtio_blk_config, max_secure_erase_sectors)

static const struct vhost_user_type types[] = {
	{
		/* 5.11.2: a queue for requests that overtake; notifications want one more. */
		.name = "fs",
		.id = VIRTIO_ID_FS,
		.withheld = BIT(0),
		.before = 1,
		.config_size = offsetof(struct virtio_fs_config, num_request_queues) + 4,
		.config_is_ours = true,
		.reorders = true,
	},
	{
		/* 5.10.6.7: events are for guests that have moved to another host. */
		.name = "vsock",
		.id = VIRTIO_ID_VSOCK,
		.queues = 3,
		.ours = 1,
		.config_size = sizeof(struct virtio_vsock_config),
	},
	{
		.name = "blk",
		.id = VIRTIO_ID_BLOCK,
		/* Secure erase and zones, whose configuration is longer. */
		.withheld = BIT(16) | BIT(17),
		.config_size = BLK_CONFIG_SIZE,
		.reorders = true,
	},
	{
		/* 5.1.5: what has to do with the control queue, which would be ours; and what is
		 * told in the configuration. */
		.name = "net",
		.id = VIRTIO_ID_NET,
		.withheld = BIT(VIRTIO_NET_F_CTRL_GUEST_OFFLOADS) | BIT(VIRTIO_NET_F_MTU) |
			    BIT(VIRTIO_NET_F_STATUS) | BIT(VIRTIO_NET_F_CTRL_VQ) |
			    BIT(VIRTIO_NET_F_CTRL_RX) | BIT(VIRTIO_NET_F_CTRL_VLAN) |
			    BIT(VIRTIO_NET_F_CTRL_RX_EXTRA) | BIT(VIRTIO_NET_F_GUEST_ANNOUNCE) |
			    BIT(VIRTIO_NET_F_MQ) | BIT(VIRTIO_NET_F_CTRL_MAC_ADDR) | ~(BIT(50) - 1),
		.queues = 2,
		.config_size = offsetof(struct virtio_net_config, speed),
		.config_is_ours = true,
	},
};

const struct vhost_user_type vhost_user_generic = {.name = "generic", .reorders = true};

const struct vhost_user_type *vhost_user_find_type(const char *name)
{
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(types); i++)
		if (!strcmp(types[i].name, name))
			return &types[i];
	return NULL;
}

/* The back end's own requests are of use for changes of configuration only. */
uint64_t vhost_user_protocol(uint64_t offered)
{
	uint64_t used = BIT(VHOST_USER_PROTOCOL_F_MQ) | BIT(VHOST_USER_PROTOCOL_F_REPLY_ACK) |
			BIT(VHOST_USER_PROTOCOL_F_CONFIG) |
			BIT(VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD) |
			BIT(VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS);

	if (offered & BIT(VHOST_USER_PROTOCOL_F_CONFIG))
		used |= BIT(VHOST_USER_PROTOCOL_F_BACKEND_REQ);
	return offered & used;
}

static unsigned count_queues(const struct vhost_user_options *opt)
{
	return opt->type->queues ?: opt->type->before + (opt->queues ?: 1);
}

/* A type's fixed queues a back end has by being of that type. */
static int check_queues(const struct vhost_user_options *opt, const struct vhost_user_offer *offer,
			struct error *err)
{
	bool many = offer->protocol & BIT(VHOST_USER_PROTOCOL_F_MQ);
	unsigned n = count_queues(opt);

	if (opt->type->queues || n == opt->type->before + 1)
		return 0;
	if (!many)
		return fail(
			err, ENOTSUP,
			"the back end can't serve several queues (its protocol lacks MQ); leave "
			"queues= out");
	if (n > offer->queues)
		return fail(err, ENOTSUP, "the back end serves %llu queues, not %u; lower queues=",
			    (unsigned long long)offer->queues, n);
	return 0;
}

int vhost_user_plan(const struct vhost_user_options *opt, const struct vhost_user_offer *offer,
		    struct vhost_user_shape *shape, struct error *err)
{
	const struct vhost_user_type *type = opt->type;
	bool has_config = offer->protocol & BIT(VHOST_USER_PROTOCOL_F_CONFIG);
	int ret = check_queues(opt, offer, err);

	if (ret)
		return ret;
	*shape = (struct vhost_user_shape){.type = type, .n_queues = count_queues(opt)};
	shape->n_served = shape->n_queues - type->ours;
	shape->config_size = type->config_size ?: opt->config_size;
	/* virtiofsd has a configuration only if it was told a tag itself. */
	shape->config_from_backend =
		shape->config_size &&
		!(type->config_is_ours && (type->id != VIRTIO_ID_FS || opt->tag[0]));
	if (!(offer->features & BIT(VIRTIO_F_VERSION_1)))
		return fail(err, ENOTSUP,
			    "the back end is of before virtio 1.0: it lacks the feature VERSION_1");
	if (shape->config_from_backend && !has_config)
		return fail(err, ENOTSUP,
			    "the back end does not tell its configuration (its protocol lacks "
			    "CONFIG)%s",
			    type->id == VIRTIO_ID_FS ? "; give the share a name: tag=TAG" : "");
	shape->features = offer->features & (TYPE_FEATURES | RING_FEATURES) & ~type->withheld;
	shape->features |= OUR_FEATURES;
	if (type->id == VIRTIO_ID_NET)
		shape->features |= BIT(VIRTIO_NET_F_MAC);
	return 0;
}

uint64_t vhost_user_tell(const struct vhost_user_offer *offer, uint64_t accepted)
{
	uint64_t ours = OUR_FEATURES;

	return offer->features & ((accepted & ~ours) | BIT(VHOST_USER_F_PROTOCOL_FEATURES));
}

/* ---- configuration -----------------------------------------------------------------------------
 */

/* The same at each start of the same machine, and another for each socket (FNV-1a). */
static void make_mac(const char *path, uint8_t *mac)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (; *path; path++)
		hash = (hash ^ (uint8_t)*path) * 0x100000001b3;
	memcpy(mac, &hash, 6);
	/* One card's, and administered locally. */
	mac[0] = (uint8_t)((mac[0] & 0xfc) | 2);
}

static void put(uint8_t *at, uint32_t value, unsigned bytes)
{
	for (; bytes; bytes--, value >>= 8)
		*at++ = (uint8_t)value;
}

void vhost_user_make_config(const struct vhost_user_options *opt,
			    const struct vhost_user_shape *shape, uint8_t *config)
{
	unsigned requests = shape->n_queues - shape->type->before;

	switch (shape->type->id) {
	case VIRTIO_ID_FS:
		if (opt->tag[0])
			memcpy(config, opt->tag, strlen(opt->tag));
		put(config + offsetof(struct virtio_fs_config, num_request_queues), requests, 4);
		return;
	case VIRTIO_ID_BLOCK:
		/* It may serve more than the device has, which the driver would ask for. */
		put(config + offsetof(struct virtio_blk_config, num_queues), requests, 2);
		return;
	case VIRTIO_ID_NET:
		if (opt->has_mac)
			memcpy(config, opt->mac, sizeof(opt->mac));
		else
			make_mac(opt->socket, config);
		return;
	default:
		return;
	}
}

/*
 * 2.7.6, 2.7.8: the available index says how many buffers were offered, the used index how many
 * were given back. Both are the guest's to change.
 */
int vhost_user_resume(const struct virtq *q, uint32_t *base, unsigned *waiting)
{
	const uint8_t *avail, *used;

	if (q->ring != &virtq_split)
		return -ENOTSUP;
	avail = guest_memory_at(q->memory, q->driver + offsetof(struct vring_avail, idx), 2);
	used = guest_memory_at(q->memory, q->device + offsetof(struct vring_used, idx), 2);
	if (!avail || !used)
		return -EFAULT;
	*base = (uint32_t)load_exact(used, 2);
	*waiting = (uint16_t)(load_exact(avail, 2) - *base);
	return 0;
}
