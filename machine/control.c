/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The control socket of a running machine. A peer sends one line, gets the reply and the end of
 * the connection. Only the owner may connect, and still nothing that a peer sends, or fails to
 * read, holds up the loop: lines are bounded, and so are replies; sockets don't block, a reply that
 * does not fit into the socket's buffer is cut.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine.h"

/* The kernel counts its own overhead in a socket's buffer. */
#define SOCKET_ROOM (2 * CONTROL_REPLY)

int control_open(struct control *c, struct machine *m, struct error *err)
{
	char directory[sizeof(c->address.sun_path)];
	unsigned i;
	int ret;

	*c = (struct control){.machine = m, .source.fd = -1};
	for (i = 0; i < CONTROL_CLIENTS; i++)
		c->clients[i] = (struct control_client){.control = c, .source.fd = -1};
	ret = control_directory(directory, sizeof(directory), err);
	if (!ret)
		ret = control_address(m->config->name, &c->address, err);
	if (ret)
		return ret;
	if (mkdir(directory, 0700) && errno != EEXIST)
		return fail(err, errno, "%s: %s", directory, strerror(errno));
	c->source.fd = socket_listen(&c->address, CONTROL_CLIENTS, err);
	if (c->source.fd == -EADDRINUSE)
		return fail(err, EBUSY,
			    "a machine named '%s' is running; choose another --name, or end it "
			    "with: carillon stop %s",
			    m->config->name, m->config->name);
	return c->source.fd < 0 ? c->source.fd : 0;
}

static void drop(struct control_client *cl)
{
	if (cl->source.fd >= 0)
		close(cl->source.fd);
	cl->source.fd = -1;
}

void control_close(struct control *c)
{
	unsigned i;

	if (c->source.fd < 0)
		return;
	for (i = 0; i < CONTROL_CLIENTS; i++)
		drop(&c->clients[i]);
	socket_close(c->source.fd, &c->address);
	c->source.fd = -1;
}

static void set_balloon(struct machine *m, const char *size, struct text *reply)
{
	struct error err = {0};
	uint64_t bytes;

	if (parse_u64(size, &bytes))
		text_add(reply, "error: no size\n");
	else if (virtio_balloon_resize(&m->virtio, bytes, &err))
		text_add(reply, "error: %s\n", err.text);
	else
		text_add(reply, "ok\n");
}

static void resize_disk(struct machine *m, const char *number, struct text *reply)
{
	struct error err = {0};
	uint64_t n;

	if (parse_u64(number, &n) || n > UINT32_MAX)
		text_add(reply, "error: no number of a disk\n");
	else if (virtio_blk_resize(&m->virtio, (unsigned)n, &err))
		text_add(reply, "error: %s\n", err.text);
	else
		text_add(reply, "ok\n");
}

static void obey(struct control *c, const char *command, struct text *reply)
{
	struct machine *m = c->machine;

	if (!strcmp(command, "stat")) {
		machine_stat(m, reply);
	} else if (!strcmp(command, "map")) {
		machine_spaces(&m->vm.mmio, &m->vm.pio, false, reply);
	} else if (!strcmp(command, "map json")) {
		machine_spaces(&m->vm.mmio, &m->vm.pio, true, reply);
	} else if (!strcmp(command, "stop")) {
		vm_end(&m->vm, VM_STOPPED, "stopped by carillon stop");
		text_add(reply, "ok\n");
	} else if (!strncmp(command, "balloon ", 8)) {
		set_balloon(m, command + 8, reply);
	} else if (!strncmp(command, "resize ", 7)) {
		resize_disk(m, command + 7, reply);
	} else if (!strcmp(command, "pause")) {
		vm_pause(&m->vm);
		m->paused = true;
		text_add(reply, "ok\n");
	} else if (!strcmp(command, "resume")) {
		vm_resume(&m->vm);
		m->paused = false;
		text_add(reply, "ok\n");
	} else {
		text_add(reply, "error: unknown command\n");
	}
}

static void answer(struct control_client *cl)
{
	struct text reply = {0};
	int room = SOCKET_ROOM;

	obey(cl->control, cl->line, &reply);
	setsockopt(cl->source.fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	if (reply.failed ||
	    send(cl->source.fd, reply.data, reply.len, MSG_NOSIGNAL) != (ssize_t)reply.len)
		warn("control socket: the reply to '%s' was not taken whole", cl->line);
	text_free(&reply);
}

static void client_ready(struct loop_source *src, uint32_t events)
{
	struct control_client *cl = src->opaque;
	ssize_t n = read(src->fd, cl->line + cl->len, sizeof(cl->line) - 1 - cl->len);
	char *end;

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		cl->len += (unsigned)n;
		cl->line[cl->len] = 0;
		end = strchr(cl->line, '\n');
		if (!end && cl->len < sizeof(cl->line) - 1)
			return;
		if (end) {
			*end = 0;
			answer(cl);
		}
	}
	loop_remove(&cl->control->machine->vm.loop, src);
	drop(cl);
}

/* With all places taken, the oldest silent peer must go: it can't lock others out. */
static struct control_client *free_place(struct control *c, struct loop *loop)
{
	struct control_client *cl, *oldest = c->clients;

	for (cl = c->clients; cl < c->clients + CONTROL_CLIENTS; cl++) {
		if (cl->source.fd < 0)
			return cl;
		if (cl->order < oldest->order)
			oldest = cl;
	}
	loop_remove(loop, &oldest->source);
	drop(oldest);
	return oldest;
}

static void peer_ready(struct loop_source *src, uint32_t events)
{
	struct control *c = src->opaque;
	struct loop *loop = &c->machine->vm.loop;
	int fd = accept4(src->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct control_client *cl;

	(void)events;
	if (fd < 0)
		return;
	cl = free_place(c, loop);
	cl->len = 0;
	cl->order = c->next_order++;
	cl->source = (struct loop_source){.fd = fd, .ready = client_ready, .opaque = cl};
	if (loop_add(loop, &cl->source, EPOLLIN))
		drop(cl);
}

/* A reboot takes the loop away, and must not take with it what a peer was about to say. */
void control_attach(struct control *c, struct loop *loop)
{
	unsigned i;

	c->source.ready = peer_ready;
	c->source.opaque = c;
	if (c->source.fd >= 0)
		loop_add(loop, &c->source, EPOLLIN);
	for (i = 0; i < CONTROL_CLIENTS; i++)
		if (c->clients[i].source.fd >= 0)
			loop_add(loop, &c->clients[i].source, EPOLLIN);
}

void control_detach(struct control *c, struct loop *loop)
{
	unsigned i;

	for (i = 0; i < CONTROL_CLIENTS; i++)
		if (c->clients[i].source.fd >= 0)
			loop_remove(loop, &c->clients[i].source);
	if (c->source.fd >= 0)
		loop_remove(loop, &c->source);
}
