/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The console, with a terminal that takes all, and a user who types once, early. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../../virtio/devices.h"
#include "device.h"

/* As soon as the loop turns: the driver may be ready by then. */
static void type(struct loop_source *src, uint32_t events)
{
	const struct console_port *c = &((struct vm *)src->opaque)->console;
	uint64_t count;

	(void)events;
	if (read(src->fd, &count, sizeof(count)) > 0)
		c->input(c->opaque, (const uint8_t *)"some text", 9);
}

/* The room that the device tells of is a reason to type again. */
static void room(void *user)
{
	event_kick(((struct loop_source *)user)->fd);
}

static struct loop_source *user(void)
{
	static struct loop_source source = {.fd = -1, .ready = type};

	if (source.fd < 0)
		source.fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
	return &source;
}

static int create(struct virtio *v, struct virtio_device **out, struct error *err)
{
	/* One for all runs: the console does not close it. */
	static int nowhere = -1;
	int ret;

	if (nowhere < 0)
		nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
	v->console_out = nowhere;
	ret = virtio_console_create(v, out, err);
	v->vm->console.room = room;
	v->vm->console.user = user();
	user()->opaque = v->vm;
	event_kick(user()->fd);
	if (loop_add(&v->vm->loop, user(), EPOLLIN))
		abort();
	return ret;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_device(create, data, size);
	return 0;
}
