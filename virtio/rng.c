/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The entropy device (5.4): the host's random numbers in the guest's buffers. */
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "devices.h"

#define QUEUE_SIZE 64
/* A guest asks for less; a hostile one shall not have this thread for long. */
#define BYTES_MAX (64 * KIB)

struct rng {
	struct virtio_device device;
	struct virtq_chain chain;
	struct iovec iov[QUEUE_SIZE];
	_Atomic uint64_t bytes;
};

/* getrandom() fills up to 256 bytes whole, and more if no signal comes: what came is what is given.
 */
static uint32_t fill(struct virtio_device *d, const struct virtq_chain *c)
{
	struct rng *r = container_of(d, struct rng, device);
	uint64_t left = c->in_bytes < BYTES_MAX ? c->in_bytes : BYTES_MAX;
	uint32_t total = 0;
	uint8_t buf[256];
	ssize_t n;

	while (left) {
		n = getrandom(buf, left < sizeof(buf) ? left : sizeof(buf), 0);
		if (n <= 0)
			break;
		virtq_write(c, total, buf, (size_t)n);
		total += (uint32_t)n;
		left -= (uint64_t)n;
	}
	atomic_fetch_add_explicit(&r->bytes, total, memory_order_relaxed);
	return total;
}

static void kicked(struct virtio_device *d, unsigned q)
{
	struct rng *r = container_of(d, struct rng, device);

	virtio_serve(&d->queues[q], &r->chain, fill);
}

static void stat(struct virtio_device *d, struct json *j)
{
	json_number(j, "bytes", atomic_load(&container_of(d, struct rng, device)->bytes));
}

static void destroy(struct virtio_device *d)
{
	virtio_device_release(d);
	free(container_of(d, struct rng, device));
}

static const struct virtio_device_ops ops = {.kicked = kicked, .stat = stat, .destroy = destroy};

int virtio_rng_create(struct virtio *v, struct virtio_device **out, struct error *err)
{
	static const uint16_t sizes[] = {QUEUE_SIZE};
	struct rng *r = calloc(1, sizeof(*r));

	if (!r)
		return fail(err, ENOMEM, "rng: out of memory");
	r->chain = (struct virtq_chain){.iov = r->iov, .room = QUEUE_SIZE};
	r->device = (struct virtio_device){.name = "rng", .id = VIRTIO_ID_RNG, .ops = &ops};
	*out = &r->device;
	return virtio_device_init(&r->device, v->vm, ARRAY_SIZE(sizes), sizes, err);
}
