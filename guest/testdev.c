/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * testdev: QEMU's pci-testdev (docs/specs/pci-testdev.rst of QEMU). It counts writes that have
 * exactly the width, offset and value which the chosen test asks for: so it shows whether accesses
 * reach a device as they were made, in its memory BAR and in its I/O BAR.
 */
#include <stddef.h>

#include "lib.h"
#include "ports.h"

/* struct pci_test_dev_hdr */
#define HDR_TEST   0
#define HDR_WIDTH  1
#define HDR_OFFSET 4
#define HDR_DATA   8
#define HDR_COUNT  12
#define HDR_NAME   16
#define WRITES	   5
#define TESTS_MAX  16

struct bar {
	uint32_t base;
	bool io;
};

static uint32_t get(const struct bar *b, uint32_t offset, uint32_t width)
{
	if (b->io)
		return width == 1 ? inb((uint16_t)(b->base + offset))
				  : inl((uint16_t)(b->base + offset));
	return width == 1 ? *(volatile uint8_t *)(b->base + offset) : *reg32(b->base + offset);
}

static void put(const struct bar *b, uint32_t offset, uint32_t width, uint32_t v)
{
	uint16_t port = (uint16_t)(b->base + offset);

	if (!b->io && width == 1)
		*(volatile uint8_t *)(b->base + offset) = (uint8_t)v;
	else if (!b->io && width == 2)
		*(volatile uint16_t *)(b->base + offset) = (uint16_t)v;
	else if (!b->io)
		*reg32(b->base + offset) = v;
	else if (width == 1)
		outb(port, (uint8_t)v);
	else if (width == 2)
		__asm__ volatile("outw %0, %1" : : "a"((uint16_t)v), "Nd"(port));
	else
		outl(port, v);
}

/* The tests with an eventfd count something else: whether QEMU's KVM took the write. */
static bool counts_writes(const char *name)
{
	for (; *name; name++)
		if (name[0] == 'n' && name[1] == 'o' && name[2] == '-')
			return true;
	return false;
}

/* One test of the device; false when there are no more: then nothing is chosen, all reads are 0. */
static bool run_test(const struct bar *b, uint32_t number)
{
	char name[64];
	uint32_t width, offset, data, i;

	put(b, HDR_TEST, 1, number);
	for (i = 0; i < sizeof(name) - 1; i++)
		name[i] = (char)get(b, HDR_NAME + i, 1);
	name[sizeof(name) - 1] = 0;
	if (!name[0])
		return false;
	width = get(b, HDR_WIDTH, 1);
	offset = get(b, HDR_OFFSET, 4);
	data = get(b, HDR_DATA, 1);
	for (i = 0; i < WRITES; i++)
		put(b, offset, width, data);
	print("testdev: %s: width %u, %u of %u writes counted\n", name, width, get(b, HDR_COUNT, 4),
	      (uint32_t)WRITES);
	if (counts_writes(name) && get(b, HDR_COUNT, 4) != WRITES)
		end("testdev", name);
	return true;
}

static void run_bar(const struct bar *b, const char *what)
{
	uint32_t n = 0;

	while (n < TESTS_MAX && run_test(b, n))
		n++;
	if (!n)
		end("testdev", what);
}

void guest_main(const void *start_info)
{
	int devfn = pci_find(0x1b36, 0x0005);
	struct bar memory, io;

	(void)start_info;
	interrupts_init();
	if (devfn < 0)
		end("testdev", "not found");
	memory = (struct bar){pci_read((unsigned)devfn, 0x10) & ~0xfu, false};
	io = (struct bar){pci_read((unsigned)devfn, 0x14) & ~0x3u, true};
	pci_write((unsigned)devfn, 4, 0x0003); /* I/O, memory */
	run_bar(&memory, "memory BAR");
	run_bar(&io, "I/O BAR");
	end("testdev", NULL);
}
