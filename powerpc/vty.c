/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The virtual terminal: sixteen characters a call in two registers (PAPR 2.11, 16.2.1). */
#include <endian.h>
#include <string.h>
#include <unistd.h>

#include "hcall.h"
#include "machine.h"

#define CHARS_MAX 16

static unsigned vty_input(void *opaque, const uint8_t *data, unsigned n)
{
	struct vty *v = opaque;
	unsigned i;

	pthread_mutex_lock(&v->lock);
	for (i = 0; i < n && v->count < VTY_ROOM; i++)
		v->rx[(v->head + v->count++) % VTY_ROOM] = data[i];
	/* Edge-triggered. Linux never asks for it with H_VIO_SIGNAL, and waits for it all the same.
	 */
	if (i) {
		irq_line(&v->vm->irqs, SOURCE_VTY, true);
		irq_line(&v->vm->irqs, SOURCE_VTY, false);
	}
	v->refused = i < n;
	pthread_mutex_unlock(&v->lock);
	return i;
}

void vty_init(struct vty *v, struct vm *vm, int out_fd)
{
	*v = (struct vty){.vm = vm, .out_fd = out_fd, .lock = PTHREAD_MUTEX_INITIALIZER};
	/* A device may have the user's keys already: then this is for output alone. */
	if (!vm->console.input)
		vm->console = (struct console_port){.input = vty_input, .opaque = v};
}

void vty_destroy(struct vty *v)
{
	if (v->vm)
		pthread_mutex_destroy(&v->lock);
	v->vm = NULL;
}

/* args: unit address, count, characters. A terminal that takes no more loses them, as a serial
 * line. */
uint64_t vty_put(struct vty *v, const uint64_t args[9])
{
	uint64_t chars[2] = {htobe64(args[2]), htobe64(args[3])};
	const uint8_t *p = (const uint8_t *)chars;
	uint64_t left = args[1];
	ssize_t n;

	if (args[0] && args[0] != VTY_REG)
		return H_PARAMETER;
	if (left > CHARS_MAX)
		return H_PARAMETER;
	while (left) {
		n = write(v->out_fd, p, left);
		if (n <= 0)
			break;
		p += n;
		left -= (uint64_t)n;
	}
	return H_SUCCESS;
}

/* args: unit address; out: count, characters. */
uint64_t vty_get(struct vty *v, uint64_t args[9])
{
	uint8_t chars[CHARS_MAX] = {0};
	uint64_t words[2];
	unsigned n = 0;

	if (args[0] && args[0] != VTY_REG)
		return H_PARAMETER;
	pthread_mutex_lock(&v->lock);
	for (; n < CHARS_MAX && v->count; n++, v->count--) {
		chars[n] = v->rx[v->head];
		v->head = (v->head + 1) % VTY_ROOM;
	}
	if (v->refused && n) {
		v->refused = false;
		console_has_room(v->vm);
	}
	pthread_mutex_unlock(&v->lock);
	memcpy(words, chars, sizeof(words));
	args[0] = n;
	args[1] = be64toh(words[0]);
	args[2] = be64toh(words[1]);
	return H_SUCCESS;
}
