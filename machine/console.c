/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The user's terminal as the guest's console. Ctrl-a x ends the machine, Ctrl-a Ctrl-a sends
 * one Ctrl-a. Input that is no terminal (a pipe, a file) is passed through as it is.
 *
 * A guest may be slow to read. A pipe then waits: nothing more is read from it. A terminal is read
 * on, for its Ctrl-a x, and what no longer fits is lost, as the kernel's tty would lose it.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine.h"

#define ESCAPE 1 /* Ctrl-a */

/*
 * O_NONBLOCK belongs to what dup() and fork() share: set on stdout, it would hit the shell that we
 * were started from. So stdout is opened once more. A file would be written from its start again,
 * and does not block anyway; a socket can't be opened.
 */
static int open_output(void)
{
	struct stat st;
	int fd = -1;

	if (!fstat(STDOUT_FILENO, &st) && (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)))
		fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3) : fd;
}

static void take_terminal(struct console *c)
{
	struct termios raw;

	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &c->saved))
		return;
	raw = c->saved;
	cfmakeraw(&raw);
	c->raw = !tcsetattr(STDIN_FILENO, TCSANOW, &raw);
}

int console_open(struct console *c, struct error *err)
{
	*c = (struct console){.source.fd = STDIN_FILENO};
	c->out = open_output();
	c->room.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	/* Started without a stdout: what is written is lost, as it is from the serial line. */
	if (c->room.fd < 0)
		return fail(err, errno, "console: %s", strerror(errno));
	take_terminal(c);
	return 0;
}

void console_close(struct console *c)
{
	if (c->raw)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &c->saved);
	c->raw = false;
	if (c->room.fd >= 0)
		close(c->room.fd);
	if (c->out >= 0)
		close(c->out);
	c->room.fd = c->out = -1;
}

/* One byte of the user's: true if the guest gets it. */
static bool passes(struct console *c, uint8_t byte)
{
	if (!c->raw)
		return true;
	if (c->escaped) {
		c->escaped = false;
		if (byte == 'x')
			vm_end(c->vm, VM_STOPPED, "stopped from the terminal");
		return byte == ESCAPE;
	}
	c->escaped = byte == ESCAPE;
	return !c->escaped;
}

/* A regular file can't be polled (EPERM): then there is no input. */
static void poll_input(struct console *c, bool on)
{
	loop_watch(&c->vm->loop, &c->source, on ? EPOLLIN : 0);
}

/* Give the guest what waits. True: it has taken all of it. */
static bool offer(struct console *c)
{
	const struct console_port *port = &c->vm->console;
	unsigned n = c->waiting;

	if (n && port->input)
		n = port->input(port->opaque, c->input, n);
	c->waiting -= n;
	memmove(c->input, c->input + n, c->waiting);
	return !c->waiting;
}

static void readable(struct loop_source *src, uint32_t events)
{
	struct console *c = src->opaque;
	uint8_t in[CONSOLE_INPUT];
	ssize_t n = read(src->fd, in, sizeof(in)), i;

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		/* End of input: the guest goes on without. */
		poll_input(c, false);
		return;
	}
	for (i = 0; i < n; i++)
		if (passes(c, in[i]) && c->waiting < sizeof(c->input))
			c->input[c->waiting++] = in[i];
	if (!offer(c) && !c->raw)
		poll_input(c, false);
}

static void room_made(struct loop_source *src, uint32_t events)
{
	struct console *c = src->opaque;

	(void)events;
	if (event_take(src->fd) && c->waiting && offer(c))
		poll_input(c, true);
}

/* On a vCPU's thread, under the device's lock. */
static void note_room(void *user)
{
	const struct console *c = user;

	event_kick(c->room.fd);
}

void console_resized(struct console *c)
{
	const struct console_port *port = &c->vm->console;
	struct winsize size;

	if (port->resized && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size))
		port->resized(port->opaque, size.ws_col, size.ws_row);
}

void console_attach(struct console *c, struct vm *vm)
{
	c->vm = vm;
	vm->console.room = note_room;
	vm->console.user = c;
	c->source.ready = readable;
	c->source.opaque = c;
	c->room.ready = room_made;
	c->room.opaque = c;
	loop_add(&vm->loop, &c->room, EPOLLIN);
	console_resized(c);
	/* What waits was for the guest before a reboot; this one takes it as well. */
	poll_input(c, offer(c) || c->raw);
}

void console_detach(struct console *c)
{
	poll_input(c, false);
	loop_remove(&c->vm->loop, &c->room);
}
