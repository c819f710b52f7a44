/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The 9P transport device (the specification has only its number, 9; <linux/virtio_9p.h> has the
 * rest): one queue of requests to a folder's server, on a thread of its own, because a disk or a
 * network may be behind the folder.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/virtio_9p.h>

#include "9p_server.h"
#include "devices.h"

/* A Linux driver makes requests of up to 128 buffers. */
#define QUEUE_SIZE 128

struct p9 {
	struct virtio_device device;
	struct worker worker;
	struct p9_server server;
	struct virtq_chain chain;
	struct iovec iov[QUEUE_SIZE];
};

static uint32_t serve(struct virtio_device *d, const struct virtq_chain *c)
{
	uint32_t n = p9_serve(&container_of(d, struct p9, device)->server, c);

	if (!n)
		virtio_break(d, "a request has no room for its reply");
	return n;
}

static void kicked(struct virtio_device *d, unsigned q)
{
	virtio_serve(&d->queues[q], &container_of(d, struct p9, device)->chain, serve);
}

/* A session ends with its transport. */
static void stop(struct virtio_device *d)
{
	p9_reset(&container_of(d, struct p9, device)->server);
}

static void show(struct virtio_device *d, struct json *j)
{
	struct p9_server *s = &container_of(d, struct p9, device)->server;

	json_number(j, "requests", atomic_load(&s->requests));
	json_number(j, "bytes_read", atomic_load(&s->bytes_read));
	json_number(j, "bytes_written", atomic_load(&s->bytes_written));
}

static void destroy(struct virtio_device *d)
{
	struct p9 *p = container_of(d, struct p9, device);

	worker_stop(&p->worker);
	p9_close(&p->server);
	virtio_device_release(d);
	free(p);
}

static const struct virtio_device_ops ops = {
	.stop = stop, .kicked = kicked, .stat = show, .destroy = destroy};

static void set_tag(struct virtio_device *d, const char *tag)
{
	size_t n = strlen(tag);

	d->config[offsetof(struct virtio_9p_config, tag_len)] = (uint8_t)n;
	memcpy(d->config + offsetof(struct virtio_9p_config, tag), tag, n);
	d->config_size = (unsigned)(offsetof(struct virtio_9p_config, tag) + n);
}

int virtio_9p_create(struct virtio *v, const struct p9_options *opt, struct virtio_device **out,
		     struct error *err)
{
	static const uint16_t sizes[] = {QUEUE_SIZE};
	struct p9 *p = calloc(1, sizeof(*p));
	struct virtio_device *d;
	int ret;

	if (!p)
		return fail(err, ENOMEM, "--9p %s: out of memory", opt->path);
	d = &p->device;
	p->chain = (struct virtq_chain){.iov = p->iov, .room = QUEUE_SIZE};
	*d = (struct virtio_device){.id = VIRTIO_ID_9P,
				    .ops = &ops,
				    .offered = 1ULL << VIRTIO_9P_MOUNT_TAG,
				    .loop = &p->worker.loop};
	snprintf(d->name, sizeof(d->name), "9p %s", opt->tag);
	set_tag(d, opt->tag);
	ret = p9_open(&p->server, opt, err);
	if (!ret)
		ret = worker_start(&p->worker, d->name, err);
	if (ret) {
		p9_close(&p->server);
		free(p);
		return ret;
	}
	*out = d;
	return virtio_device_init(d, v->vm, ARRAY_SIZE(sizes), sizes, err);
}
