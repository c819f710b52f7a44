/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The console device (5.3): the user's terminal, as one port. Several ports would need a control
 * queue, and a guest has sockets for what they would carry (vsock.c).
 *
 * Input is copied into the driver's buffers or left where it is, until there are some. Output that
 * the terminal does not take stays in its buffer, so that the guest waits. Linux waits with
 * interrupts off (hvc_push), so that this can't go on: before its watchdogs bark, output is lost,
 * and so is all that follows, until the terminal takes some again.
 */
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <endian.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <linux/virtio_console.h>

#include "devices.h"

enum { RECEIVEQ, TRANSMITQ, QUEUES }; /* 5.3.2 */

#define QUEUE_SIZE 64
/* POSIX's least PIPE_BUF that Linux has: a pipe that polls as writable takes as much. */
#define PIECE 4096
/* How much is sent in one go: the loop has others to serve. */
#define SEND_MAX (64 * KIB)
/* Linux' soft lockup detector says so after 20 s. */
#define OUT_PATIENCE (10 * NS_PER_S)

struct console {
	struct virtio_device device;
	struct virtq_chain in, out;
	struct iovec in_iov[QUEUE_SIZE], out_iov[QUEUE_SIZE];
	bool refused; /* the user's input waits for buffers */
	bool sending; /* `out` is a chain, of which `sent` bytes are done */
	uint64_t sent;
	bool blocked;		     /* the terminal takes nothing: `writable` is in the loop */
	bool gave_up;		     /* for so long that output is lost */
	struct loop_source writable; /* the terminal */
	struct loop_timer patience;
	_Atomic uint64_t received_bytes, sent_bytes, lost_bytes;
};

/* ---- output ---------------------------------------------------------------------------------- */

static void block(struct console *c)
{
	if (c->blocked || loop_add(c->device.loop, &c->writable, EPOLLOUT))
		return;
	c->blocked = true;
	loop_timer_set(&c->patience, OUT_PATIENCE, 0);
}

static void unblock(struct console *c)
{
	if (c->blocked)
		loop_remove(c->device.loop, &c->writable);
	c->blocked = c->gave_up = false;
	loop_timer_set(&c->patience, 0, 0);
}

/* n > 0 bytes, at most PIECE. How many are done with; 0: none for now, the terminal is full. */
static size_t put(struct console *c, const uint8_t *data, size_t n)
{
	struct pollfd out = {.fd = c->writable.fd, .events = POLLOUT};
	ssize_t ret = -1;

	if (!c->gave_up) {
		/* A description that others share may block (see machine/console.c). */
		if (!poll(&out, 1, 0))
			return 0;
		ret = write(out.fd, data, n);
		if (ret < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
	}
	if (ret > 0)
		n = (size_t)ret;
	atomic_fetch_add_explicit(ret > 0 ? &c->sent_bytes : &c->lost_bytes, n,
				  memory_order_relaxed);
	return n;
}

/* A piece of the chain that is being sent, or of the next. 0: there is none, or it has to wait. */
static size_t send_piece(struct console *c)
{
	struct virtio_queue *q = &c->device.queues[TRANSMITQ];
	uint8_t piece[PIECE];
	size_t n, done = 0;

	if (!c->sending && virtio_pop(q, &c->out) <= 0)
		return 0;
	if (!c->sending)
		c->sent = 0;
	c->sending = true;
	n = virtq_read(&c->out, c->sent, piece, sizeof(piece));
	if (n) {
		done = put(c, piece, n);
		if (!done)
			block(c);
	}
	c->sent += done;
	if (c->sent == c->out.out_bytes) {
		virtq_push(&q->ring, &c->out, 0);
		virtio_notify(q);
		c->sending = false;
		/* A chain without a byte is work too. */
		done += !done;
	}
	return done;
}

static void transmit(struct console *c)
{
	struct virtio_queue *q = &c->device.queues[TRANSMITQ];
	size_t n = 1, total = 0;

	virtq_ask_kicks(&q->ring, false);
	while (n && total < SEND_MAX) {
		n = send_piece(c);
		total += n;
	}
	if (n || (!c->sending && virtq_ask_kicks(&q->ring, true)))
		event_kick(q->kick);
}

static bool runs(const struct console *c)
{
	return c->device.started && c->device.queues[TRANSMITQ].enabled &&
	       !(c->device.status & VIRTIO_CONFIG_S_NEEDS_RESET);
}

static void terminal_writable(struct loop_source *src, uint32_t events)
{
	struct console *c = src->opaque;

	(void)events;
	pthread_mutex_lock(&c->device.lock);
	unblock(c);
	if (runs(c))
		transmit(c);
	pthread_mutex_unlock(&c->device.lock);
}

static void patience_ended(struct loop_source *src, uint32_t events)
{
	struct console *c = src->opaque;

	(void)events;
	pthread_mutex_lock(&c->device.lock);
	if (loop_timer_ended(&c->patience) && c->blocked) {
		c->gave_up = true;
		if (runs(c))
			transmit(c);
	}
	pthread_mutex_unlock(&c->device.lock);
}

/* 5.3.4: emergency write, before there are queues. The driver's number is one character. */
static void config_write(struct virtio_device *d, unsigned offset, const void *buf, unsigned n)
{
	(void)n;
	if (offset == offsetof(struct virtio_console_config, emerg_wr) &&
	    !put(container_of(d, struct console, device), buf, 1))
		atomic_fetch_add(&container_of(d, struct console, device)->lost_bytes, 1);
}

/* ---- input ----------------------------------------------------------------------------------- */

static unsigned fill(struct console *c, const uint8_t *data, unsigned n)
{
	struct virtio_queue *q = &c->device.queues[RECEIVEQ];
	unsigned done = 0, chains;
	size_t part;

	for (chains = 0; done < n && chains < q->ring.size && virtio_pop(q, &c->in) > 0; chains++) {
		part = virtq_write(&c->in, 0, data + done, n - done);
		virtq_push(&q->ring, &c->in, (uint32_t)part);
		done += (unsigned)part;
	}
	if (chains)
		virtio_notify(q);
	c->refused = done < n;
	if (virtq_ask_kicks(&q->ring, c->refused))
		event_kick(q->kick);
	return done;
}

static unsigned input(void *opaque, const uint8_t *data, unsigned n)
{
	struct console *c = opaque;
	unsigned done = 0;

	pthread_mutex_lock(&c->device.lock);
	/* A driver that comes up kicks: then what waits is offered again. */
	c->refused = true;
	if (runs(c) && c->device.queues[RECEIVEQ].enabled)
		done = fill(c, data, n);
	pthread_mutex_unlock(&c->device.lock);
	atomic_fetch_add_explicit(&c->received_bytes, done, memory_order_relaxed);
	return done;
}

static void resized(void *opaque, uint16_t columns, uint16_t rows)
{
	struct console *c = opaque;
	struct virtio_console_config config = {.cols = htole16(columns), .rows = htole16(rows)};

	pthread_mutex_lock(&c->device.lock);
	if (memcmp(c->device.config, &config, sizeof(config))) {
		memcpy(c->device.config, &config, sizeof(config));
		virtio_config_changed(&c->device);
	}
	pthread_mutex_unlock(&c->device.lock);
}

/* ---- the device ------------------------------------------------------------------------------ */

static void kicked(struct virtio_device *d, unsigned q)
{
	struct console *c = container_of(d, struct console, device);

	if (q == TRANSMITQ) {
		if (!c->blocked || c->gave_up)
			transmit(c);
		return;
	}
	if (c->refused)
		console_has_room(d->vm);
	c->refused = false;
}

/* The rest of what was being sent is the driver's again, and lost. */
static void queue_stop(struct virtio_device *d, unsigned q)
{
	struct console *c = container_of(d, struct console, device);

	if (q != TRANSMITQ)
		return;
	c->sending = false;
	unblock(c);
}

static void stop(struct virtio_device *d)
{
	queue_stop(d, TRANSMITQ);
}

static void stat(struct virtio_device *d, struct json *j)
{
	struct console *c = container_of(d, struct console, device);

	json_number(j, "received_bytes", atomic_load(&c->received_bytes));
	json_number(j, "sent_bytes", atomic_load(&c->sent_bytes));
	json_number(j, "lost_bytes", atomic_load(&c->lost_bytes));
}

static void destroy(struct virtio_device *d)
{
	struct console *c = container_of(d, struct console, device);

	loop_timer_close(&c->patience);
	virtio_device_release(d);
	free(c);
}

static const struct virtio_device_ops ops = {.config_write = config_write,
					     .stop = stop,
					     .queue_stop = queue_stop,
					     .kicked = kicked,
					     .stat = stat,
					     .destroy = destroy};

static int add_patience(struct console *c, struct error *err)
{
	int ret = loop_timer_open(&c->patience, c->device.loop, CLOCK_MONOTONIC, patience_ended, c);

	return ret ? fail(err, -ret, "console: a timer: %s", strerror(-ret)) : 0;
}

int virtio_console_create(struct virtio *v, struct virtio_device **out, struct error *err)
{
	static const uint16_t sizes[QUEUES] = {QUEUE_SIZE, QUEUE_SIZE};
	struct console *c = calloc(1, sizeof(*c));
	int ret;

	if (!c)
		return fail(err, ENOMEM, "console: out of memory");
	c->in = (struct virtq_chain){.iov = c->in_iov, .room = QUEUE_SIZE};
	c->out = (struct virtq_chain){.iov = c->out_iov, .room = QUEUE_SIZE};
	c->writable =
		(struct loop_source){.fd = v->console_out, .ready = terminal_writable, .opaque = c};
	c->device = (struct virtio_device){.name = "console",
					   .id = VIRTIO_ID_CONSOLE,
					   .ops = &ops,
					   .offered = 1ULL << VIRTIO_CONSOLE_F_SIZE |
						      1ULL << VIRTIO_CONSOLE_F_EMERG_WRITE,
					   .config_size = sizeof(struct virtio_console_config)};
	*out = &c->device;
	ret = virtio_device_init(&c->device, v->vm, QUEUES, sizes, err);
	if (!ret)
		ret = add_patience(c, err);
	if (!ret)
		v->vm->console =
			(struct console_port){.input = input, .opaque = c, .resized = resized};
	return ret;
}
