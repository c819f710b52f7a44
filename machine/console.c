/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The user's terminal as the guest's console. Ctrl-a x ends the machine, Ctrl-a Ctrl-a sends
 * one Ctrl-a. Input that is no terminal (a pipe, a file) is passed through as it is.
 */
#include <sys/epoll.h>
#include <unistd.h>

#include "machine.h"

#define ESCAPE 1 /* Ctrl-a */

void console_open(struct console *c)
{
	struct termios raw;

	*c = (struct console){.source.fd = STDIN_FILENO};
	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &c->saved))
		return;
	raw = c->saved;
	cfmakeraw(&raw);
	c->raw = !tcsetattr(STDIN_FILENO, TCSANOW, &raw);
}

void console_close(struct console *c)
{
	if (c->raw)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &c->saved);
	c->raw = false;
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

static void readable(struct loop_source *src, uint32_t events)
{
	struct console *c = src->opaque;
	uint8_t in[256];
	ssize_t n = read(src->fd, in, sizeof(in)), i;

	(void)events;
	if (n <= 0) {
		/* End of input: the guest goes on without. */
		console_detach(c);
		return;
	}
	for (i = 0; i < n; i++)
		if (passes(c, in[i]) && c->vm->console.input)
			c->vm->console.input(c->vm->console.opaque, &in[i], 1);
}

void console_attach(struct console *c, struct vm *vm)
{
	c->vm = vm;
	c->source.ready = readable;
	c->source.opaque = c;
	/* A regular file can't be polled (EPERM): then there is no input. */
	c->polling = !loop_add(&vm->loop, &c->source, EPOLLIN);
}

void console_detach(struct console *c)
{
	if (c->polling)
		loop_remove(&c->vm->loop, &c->source);
	c->polling = false;
}
