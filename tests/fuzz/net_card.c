/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The network device, with two pairs of queues on one wire: what goes out by one comes in by the
 * other, and some frames are there from the beginning. It is served on the fuzzer's thread, for the
 * same to happen with the same input.
 */
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../virtio/net_card.h"
#include "device.h"

static void send_some(int fd)
{
	static const uint8_t frame[3000];

	if (write(fd, frame, 60) != 60 || write(fd, frame, sizeof(frame)) != sizeof(frame) ||
	    write(fd, frame, 1) != 1)
		abort();
}

/* What the worker would have done is the machine's own loop's. */
static void take_over(struct virtio_device *d)
{
	unsigned i;

	worker_stop(&net_card(d)->worker);
	d->loop = &d->vm->loop;
	for (i = 0; i < d->n_queues; i++)
		if (loop_add(d->loop, &d->queues[i].source, EPOLLIN))
			abort();
}

static int create(struct virtio *v, struct virtio_device **out, struct error *err)
{
	struct net_options opt = {.mode = NET_FD, .pairs = 2, .vhost = NET_VHOST_OFF};
	int ret;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, opt.fds))
		abort();
	send_some(opt.fds[0]);
	send_some(opt.fds[1]);
	ret = virtio_net_create(v, &opt, 0, out, err);
	close(opt.fds[0]);
	close(opt.fds[1]);
	if (!ret)
		take_over(*out);
	return ret;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_device(create, data, size);
	return 0;
}
