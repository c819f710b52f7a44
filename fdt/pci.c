/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* A PCI host bridge: its windows and its interrupt lines. */
#include "tree_pci.h"

#include <string.h>

#define PINS 4
/* Of the child's unit address the slot is looked at, and the pin. */
#define SLOT_SHIFT 11
#define PIN_MASK   7

void tree_pci_windows(struct tree *t, const struct pci_windows *w)
{
	const uint64_t mem32 = w->mem32.base + w->mem32_offset;
	const uint32_t ranges[][7] = {
		{TREE_PCI_IO, 0, 0, TREE_HI(w->io_gpa), TREE_LO(w->io_gpa), 0, TREE_LO(w->io.size)},
		{TREE_PCI_MEM32, 0, TREE_LO(w->mem32.base), TREE_HI(mem32), TREE_LO(mem32),
		 TREE_HI(w->mem32.size), TREE_LO(w->mem32.size)},
		{TREE_PCI_MEM64, TREE_HI(w->mem64.base), TREE_LO(w->mem64.base),
		 TREE_HI(w->mem64.base), TREE_LO(w->mem64.base), TREE_HI(w->mem64.size),
		 TREE_LO(w->mem64.size)},
	};
	unsigned n = ARRAY_SIZE(ranges) - !w->mem64.size;

	tree_u32(t, "#address-cells", 3);
	tree_u32(t, "#size-cells", 2);
	tree_cells(t, "ranges", ranges[0], n * ARRAY_SIZE(ranges[0]));
}

void tree_pci_interrupts(struct tree *t, const struct tree_pci_lines *l)
{
	uint32_t map[TREE_CELLS_MAX] = {0}, *entry = map;
	unsigned slot, pin;

	for (slot = 0; slot < l->slots; slot++)
		for (pin = 1; pin <= PINS; pin++) {
			const uint32_t child[] = {slot << SLOT_SHIFT, 0, 0, pin, l->parent};

			memcpy(entry, child, sizeof(child));
			entry += ARRAY_SIZE(child);
			memcpy(entry, l->cells, l->n_cells * sizeof(*entry));
			entry[l->at] = l->line(PCI_DEVFN(slot, 0), pin);
			entry += l->n_cells;
		}
	tree_u32(t, "#interrupt-cells", 1);
	tree_list(t, "interrupt-map-mask", (l->slots - 1) << SLOT_SHIFT, 0, 0, PIN_MASK);
	tree_cells(t, "interrupt-map", map, (unsigned)(entry - map));
}
