/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* tree_pci: what every PCI host bridge has in a device tree (PCI bus binding to IEEE 1275, 2.1). */
#ifndef CARILLON_TREE_PCI_H
#define CARILLON_TREE_PCI_H

#include "pci.h"
#include "tree.h"

/* phys.hi: the space that an address is in. */
#define TREE_PCI_IO    0x01000000u
#define TREE_PCI_MEM32 0x02000000u
#define TREE_PCI_MEM64 0x03000000u

/* The children's cells, and the windows as "ranges". Without a 64-bit window there is none. */
void tree_pci_windows(struct tree *t, const struct pci_windows *w);

/* INTx: where the four pins of the slots lead. */
struct tree_pci_lines {
	unsigned slots; /* a power of two; the lines repeat after so many */
	unsigned (*line)(uint8_t devfn, unsigned pin);
	uint32_t parent; /* the interrupt controller's phandle */
	/* Its unit address and specifier, of which cell `at` is the line. */
	uint32_t cells[6];
	unsigned n_cells, at;
};

void tree_pci_interrupts(struct tree *t, const struct tree_pci_lines *l);

#endif
