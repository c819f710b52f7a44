/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * probe: exercises the machine itself, by the one word on its command line: hello, hostile, reset,
 * triple, spin.
 */
#include <stddef.h>

#include "lib.h"
#include "ports.h"

#define PORT_RESET 0x602
#define ECAM	   0xe0000000u
#define NONSENSE   64

static uint32_t random_state = 1;

/* Numerical Recipes' generator: the same nonsense each time. */
static uint32_t nonsense(void)
{
	random_state = random_state * 1664525u + 1013904223u;
	return random_state;
}

/* Every function of bus 0 in both ways: they must agree. */
static void hello(void)
{
	unsigned devfn, n = 0;

	for (devfn = 0; devfn < 256; devfn++) {
		uint32_t id = pci_read(devfn, 0);

		if (id != *reg32(ECAM + (devfn << 12)))
			end("probe", "CF8 and ECAM disagree");
		n += id != 0xffffffffu;
	}
	print("probe: %u functions on bus 0\n", n);
	end("probe", NULL);
}

static void write_width(uint32_t addr, uint32_t v, unsigned width)
{
	if (width == 0)
		*(volatile uint8_t *)addr = (uint8_t)v;
	else if (width == 1)
		*(volatile uint16_t *)addr = (uint16_t)v;
	else
		*reg32(addr) = v;
}

/* All of configuration space, at any width and alignment, BARs and COMMAND among it. */
static void hostile_config(void)
{
	unsigned devfn, i;

	for (devfn = 0; devfn < 16; devfn += 8)
		for (i = 0; i < 16 * NONSENSE; i++)
			write_width(ECAM + (devfn << 12) + nonsense() % 0x1000, nonsense(), i % 3);
	for (devfn = 0; devfn < 16; devfn += 8) {
		for (i = 0; i < 6; i++)
			pci_write(devfn, 0x10 + 4 * i, i % 2 ? 0xffffffffu : 0x00100000u);
		pci_write(devfn, 4, 7);
		pci_write(devfn, 0x30, 0x00100001u);
	}
	*reg32(ECAM + 0xffffe) = 0xffffffffu;
}

static void hostile_memory(void)
{
	unsigned i;

	for (i = 0; i < NONSENSE; i++) {
		/* Between RAM and ECAM: nobody's, or a BAR's. */
		write_width(0xc0000000u + nonsense() % 0x20000000u, nonsense(), i % 3);
		(void)*reg32(0xf0000000u + (nonsense() & 0x7ffffff));
	}
}

static void hostile_ports(void)
{
	unsigned port;

	for (port = 0x700; port < 0x10000; port += 97) {
		outb((uint16_t)port, (uint8_t)nonsense());
		outl((uint16_t)(port | 1), nonsense());
		(void)inl((uint16_t)(port | 3));
	}
	for (port = 0xcf8; port < 0xd00; port++) {
		outl((uint16_t)port, nonsense());
		(void)inl((uint16_t)port);
	}
}

static void hostile(void)
{
	hostile_config();
	hostile_memory();
	hostile_ports();
	print("probe: still here\n");
	end("probe", NULL);
}

static void triple(void)
{
	struct {
		uint16_t limit;
		uint32_t base;
	} __attribute__((packed)) none = {0, 0};

	__asm__ volatile("lidt %0; int3" : : "m"(none));
}

void guest_main(const void *start_info)
{
	const char *word = command_line(start_info);

	print("probe: %s\n", word);
	if (same(word, "hello"))
		hello();
	if (same(word, "hostile"))
		hostile();
	if (same(word, "triple"))
		triple();
	if (same(word, "reset"))
		outb(PORT_RESET, 6);
	if (same(word, "reset") || same(word, "spin"))
		for (;;)
			__asm__ volatile("pause");
	end("probe", "no such word");
}
