/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The memory map that the guest is told, as E820 or PVH entries. */
#include "layout.h"

static void add(struct memory_entry *map, unsigned *n, uint64_t base, uint64_t end,
		enum memory_type type)
{
	map[(*n)++] = (struct memory_entry){{base, end - base}, type};
}

unsigned memory_map(const struct arch_layout *layout, struct memory_entry map[MEMORY_ENTRIES_MAX])
{
	const struct range *ecam = &layout->pci.ecam;
	unsigned n = 0, i;

	/* The first bank reaches beyond 1 MiB: RAM_MIN. */
	add(map, &n, 0, EBDA_ADDR, MEMORY_RAM);
	add(map, &n, EBDA_ADDR, HIGH_MEMORY_ADDR, MEMORY_RESERVED);
	add(map, &n, HIGH_MEMORY_ADDR, layout->ram[0].size, MEMORY_RAM);
	/* Linux trusts MCFG only where its range is reserved (PCI Firmware 3.3, 4.1.2). */
	add(map, &n, ecam->base, ecam->base + ecam->size, MEMORY_RESERVED);
	add(map, &n, KVM_IDENTITY_ADDR, KVM_IDENTITY_ADDR + KVM_PAGES_SIZE, MEMORY_RESERVED);
	for (i = 1; i < layout->n_ram; i++)
		map[n++] = (struct memory_entry){layout->ram[i], MEMORY_RAM};
	return n;
}
