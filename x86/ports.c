/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The board's own ports: ACPI sleep control, sleep status and reset (ACPI 6.5, 4.8.3.7, 4.8.3.6),
 * and of the keyboard controller its reset line alone.
 */
#include "acpi.h"
#include "layout.h"
#include "machine.h"

#define I8042_PULSE_RESET 0xfe

static uint64_t read_zero(void *opaque, uint64_t offset, unsigned size)
{
	(void)opaque, (void)offset, (void)size;
	return 0;
}

static void power_write_byte(struct vm *vm, uint64_t port, uint8_t value)
{
	if (port == PORT_SLEEP_CONTROL && value == (SLP_EN | SLP_TYP(SLP_TYP_S5)))
		vm_end(vm, VM_POWEROFF, "the guest powered off");
	else if (port == PORT_RESET && value == RESET_VALUE)
		vm_end(vm, VM_RESET, "the guest asked for a reset");
}

static void power_write(void *opaque, uint64_t offset, unsigned size, uint64_t value)
{
	struct x86_machine *m = opaque;
	unsigned i;

	for (i = 0; i < size; i++)
		power_write_byte(m->vm, PORT_SLEEP_CONTROL + offset + i,
				 (uint8_t)(value >> (8 * i)));
}

static void i8042_write(void *opaque, uint64_t offset, unsigned size, uint64_t value)
{
	struct x86_machine *m = opaque;

	(void)offset, (void)size;
	if ((uint8_t)value == I8042_PULSE_RESET)
		vm_end(m->vm, VM_RESET, "the guest asked for a reset (keyboard controller)");
}

static const struct region_ops power_ops = {read_zero, power_write};
/* A status of 0 says: nothing to read, ready for a command. */
static const struct region_ops i8042_ops = {read_zero, i8042_write};

int ports_add(struct x86_machine *m, struct error *err)
{
	m->power = (struct region){.name = "power",
				   .base = PORT_SLEEP_CONTROL,
				   .size = PORT_RESET - PORT_SLEEP_CONTROL + 1,
				   .priority = PRIORITY_PLATFORM,
				   .ops = &power_ops,
				   .opaque = m};
	m->i8042 = (struct region){.name = "i8042",
				   .base = PORT_I8042_COMMAND,
				   .size = 1,
				   .priority = PRIORITY_PLATFORM,
				   .ops = &i8042_ops,
				   .opaque = m};
	space_begin(&m->vm->pio);
	space_add(&m->vm->pio, &m->power);
	space_add(&m->vm->pio, &m->i8042);
	return space_commit(&m->vm->pio, err);
}

void ports_remove(struct x86_machine *m)
{
	if (!m->power.size)
		return;
	space_begin(&m->vm->pio);
	space_remove(&m->vm->pio, &m->power);
	space_remove(&m->vm->pio, &m->i8042);
	space_commit(&m->vm->pio, NULL);
	m->power.size = 0;
}
