/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* All the virtio devices of a machine: made from what the user asked for, put behind a transport.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "9p_server.h"
#include "devices.h"
#include "transport.h"
#include "vhost_user_device.h"
#include "vsock.h"

/* Of a device: a kick and a latch for each of its queues, what it works on. */
#define DEVICE_FILES 48
/* Of a pair of queues of a network device: its backend's, vhost's, and again kicks and latches. */
#define PAIR_FILES 12

bool virtio_shares_memory(const struct virtio_options *opt)
{
	return opt->n_vhost_user > 0;
}

int virtio_parse_transport(const char *text, bool *mmio, struct error *err)
{
	*mmio = !strcmp(text, "mmio");
	if (*mmio || !strcmp(text, "pci"))
		return 0;
	return fail(err, EINVAL, "--virtio-transport %s: it is " VIRTIO_TRANSPORT_SYNTAX, text);
}

/* Take a device that was just made, or what there is of it if that failed. */
static int take(struct virtio *v, struct virtio_device *d, int ret, struct error *err)
{
	struct virtio_device **end = &v->devices;

	if (!ret)
		ret = v->mmio ? virtio_mmio_attach(d, err) : virtio_pci_attach(v, d, err);
	if (ret) {
		if (d)
			d->ops->destroy(d);
		return ret;
	}
	while (*end)
		end = &(*end)->next;
	*end = d;
	return 0;
}

/* Drivers find devices, and number them, in this order. */
enum kind {
	KIND_DISK,
	KIND_RNG,
	KIND_NET,
	KIND_BALLOON,
	KIND_PMEM,
	KIND_9P,
	KIND_VSOCK,
	KIND_VHOST_USER,
	KIND_CONSOLE,
	KINDS,
};

static unsigned count(const struct virtio_options *opt, enum kind kind)
{
	switch (kind) {
	case KIND_DISK:
		return opt->n_disks;
	case KIND_RNG:
		return opt->rng;
	case KIND_NET:
		return opt->n_net;
	case KIND_BALLOON:
		return opt->balloon;
	case KIND_PMEM:
		return opt->n_pmem;
	case KIND_9P:
		return opt->n_p9;
	case KIND_VSOCK:
		return opt->vsock.cid != 0;
	case KIND_VHOST_USER:
		return opt->n_vhost_user;
	case KIND_CONSOLE:
		return opt->console;
	default:
		return 0;
	}
}

static int create(struct virtio *v, const struct virtio_options *opt, enum kind kind, unsigned i,
		  struct virtio_device **out, struct error *err)
{
	switch (kind) {
	case KIND_DISK:
		return virtio_blk_create(v, &opt->disks[i], out, err);
	case KIND_RNG:
		return virtio_rng_create(v, out, err);
	case KIND_NET:
		return virtio_net_create(v, &opt->net[i], i, out, err);
	case KIND_BALLOON:
		return virtio_balloon_create(v, out, err);
	case KIND_PMEM:
		return virtio_pmem_create(v, &opt->pmem[i], out, err);
	case KIND_9P:
		return virtio_9p_create(v, &opt->p9[i], out, err);
	case KIND_VSOCK:
		if (opt->vsock.uds[0])
			return virtio_vsock_create(v, &opt->vsock, out, err);
		return virtio_vhost_vsock_create(v, opt->vsock.cid, out, err);
	case KIND_VHOST_USER:
		return virtio_vhost_user_create(v, &opt->vhost_user[i], out, err);
	case KIND_CONSOLE:
		return virtio_console_create(v, out, err);
	default:
		return 0;
	}
}

unsigned virtio_files(const struct virtio_options *opt)
{
	unsigned i, kind, files = P9_FIDS_MAX * opt->n_p9;

	for (kind = 0; kind < KINDS; kind++)
		files += DEVICE_FILES * count(opt, kind);
	files += opt->vsock.uds[0] ? VSOCK_LINKS_MAX : 0;
	/* A kick, a call and a latch for each queue. */
	for (i = 0; i < opt->n_vhost_user; i++)
		files += 3 * opt->vhost_user[i].queues;
	for (i = 0; i < opt->n_net; i++)
		files += PAIR_FILES * opt->net[i].pairs;
	return files;
}

int virtio_open(struct virtio *v, struct vm *vm, struct pci_bus *bus,
		const struct virtio_options *opt, struct error *err)
{
	struct virtio_device *d;
	unsigned kind, i;
	int ret = 0;

	v->vm = vm;
	v->bus = bus;
	v->options = opt;
	for (kind = 0; kind < KINDS; kind++)
		for (i = 0; i < count(opt, kind) && !ret; i++) {
			d = NULL;
			ret = create(v, opt, kind, i, &d, err);
			ret = take(v, d, ret, err);
		}
	return ret;
}

unsigned virtio_mmio_count(const struct virtio *v)
{
	const struct virtio_device *d;
	unsigned n = 0;

	for (d = v->devices; d && v->mmio; d = d->next)
		n++;
	return n;
}

int virtio_place(struct virtio *v, unsigned n, struct range registers, unsigned gsi,
		 struct error *err)
{
	struct virtio_device *d = v->devices;

	while (n--)
		d = d->next;
	return virtio_mmio_place(d, registers, gsi, err);
}

void virtio_close(struct virtio *v)
{
	struct virtio_device *d;

	while ((d = v->devices)) {
		v->devices = d->next;
		pthread_mutex_lock(&d->lock);
		virtio_set_status(d, 0);
		pthread_mutex_unlock(&d->lock);
		d->transport->destroy(d);
		d->ops->destroy(d);
	}
}

void virtio_forget(struct virtio *v)
{
	vhost_user_forget(v);
}

static void stat_queues(struct virtio_device *d, struct json *j)
{
	unsigned i;

	json_open(j, "queues", '[');
	for (i = 0; i < d->n_queues; i++) {
		json_open(j, NULL, '{');
		json_number(j, "kicks", atomic_load(&d->queues[i].kicks));
		json_number(j, "interrupts", atomic_load(&d->queues[i].interrupts));
		json_close(j, '}');
	}
	json_close(j, ']');
}

void virtio_stat(struct virtio *v, struct json *j)
{
	struct virtio_device *d;

	json_open(j, "virtio", '[');
	for (d = v->devices; d; d = d->next) {
		json_open(j, NULL, '{');
		json_string(j, "name", d->name);
		json_number(j, "status", d->status);
		json_address(j, "features", d->features);
		json_number(j, "resets", atomic_load(&d->resets));
		json_number(j, "broken", atomic_load(&d->broken));
		stat_queues(d, j);
		if (d->ops->stat)
			d->ops->stat(d, j);
		json_close(j, '}');
	}
	json_close(j, ']');
}
