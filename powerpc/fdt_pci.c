/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * PCI in the device tree (PCI bus binding to IEEE 1275, 2.1; PAPR 2.11, B.6). A partition does not
 * probe the bus: what has no node does not exist for it.
 */
#include "fdt_pci.h"

#include <string.h>

#include "irqchip.h"
#include "rtas.h"
#include "tree_pci.h"
#include "vfio.h"

/* phys.hi, beside the space: relocatable, prefetchable; bus, device and function, register. */
#define HI_FIXED    0x80000000u
#define HI_PREFETCH 0x40000000u

/* Five cells for each BAR and the ROM, five for configuration space. */
#define REG_CELLS (5 * (PCI_BARS + 2))

struct cells {
	uint32_t cell[REG_CELLS];
	unsigned n;
};

static void put(struct cells *c, uint32_t hi, uint64_t address, uint64_t size)
{
	const uint32_t five[] = {hi, TREE_HI(address), TREE_LO(address), TREE_HI(size),
				 TREE_LO(size)};

	memcpy(c->cell + c->n, five, sizeof(five));
	c->n += ARRAY_SIZE(five);
}

static uint32_t space_of(const struct pci_function *f, unsigned bar)
{
	uint32_t type = f->bars[bar].type;
	uint32_t prefetch = type & PCI_BASE_ADDRESS_MEM_PREFETCH ? HI_PREFETCH : 0;

	if (bar == PCI_ROM)
		return TREE_PCI_MEM32;
	if (type & PCI_BASE_ADDRESS_SPACE_IO)
		return TREE_PCI_IO;
	return (type & PCI_BASE_ADDRESS_MEM_TYPE_64 ? TREE_PCI_MEM64 : TREE_PCI_MEM32) | prefetch;
}

static void put_bars(struct cells *c, const struct pci_function *f, bool assigned)
{
	unsigned i;

	for (i = 0; i <= PCI_ROM; i++) {
		unsigned reg = i == PCI_ROM ? PCI_ROM_ADDRESS : PCI_BASE_ADDRESS_0 + 4 * i;
		uint32_t hi = space_of(f, i) | (uint32_t)f->devfn << 8 | reg;

		if (f->bars[i].size)
			put(c, hi | (assigned ? HI_FIXED : 0), assigned ? pci_bar_address(f, i) : 0,
			    f->bars[i].size);
	}
}

static void addresses(struct tree *t, const struct pci_function *f)
{
	struct cells reg = {.n = 0}, assigned = {.n = 0};

	put(&reg, (uint32_t)f->devfn << 8, 0, 0);
	put_bars(&reg, f, false);
	put_bars(&assigned, f, true);
	tree_cells(t, "reg", reg.cell, reg.n);
	tree_cells(t, "assigned-addresses", assigned.cell, assigned.n);
}

static void identity(struct tree *t, const struct pci_function *f)
{
	const uint8_t *c = f->config;

	tree_u32(t, "vendor-id", pci_get16(c, PCI_VENDOR_ID));
	tree_u32(t, "device-id", pci_get16(c, PCI_DEVICE_ID));
	tree_u32(t, "revision-id", c[PCI_REVISION_ID]);
	tree_u32(t, "class-code", pci_get32(c, PCI_REVISION_ID) >> 8);
	tree_u32(t, "subsystem-id", pci_get16(c, PCI_SUBSYSTEM_ID));
	tree_u32(t, "subsystem-vendor-id", pci_get16(c, PCI_SUBSYSTEM_VENDOR_ID));
	tree_u32(t, "cache-line-size", c[PCI_CACHE_LINE_SIZE]);
	tree_u32(t, "min-grant", c[PCI_MIN_GNT]);
	tree_u32(t, "max-latency", c[PCI_MAX_LAT]);
}

static void dma_window(struct tree *t, const struct fdt_window *w)
{
	tree_u32(t, "ibm,#dma-address-cells", 2);
	tree_u32(t, "ibm,#dma-size-cells", 2);
	tree_list(t, "ibm,dma-window", w->liobn, TREE_HI(w->start), TREE_LO(w->start),
		  TREE_HI(w->size), TREE_LO(w->size));
	if (!w->dynamic)
		return;
	tree_list(t, "ibm,ddw-applicable", rtas_token("ibm,query-pe-dma-window"),
		  rtas_token("ibm,create-pe-dma-window"), rtas_token("ibm,remove-pe-dma-window"));
	/* One extension: the reset. */
	tree_list(t, "ibm,ddw-extensions", 1, rtas_token("ibm,reset-pe-dma-window"));
}

/*
 * A function's part of a window that is not the bus's. Linux has an allocator for each node with a
 * window: functions of one group that were told of all of it would give out the same addresses.
 * They have no dynamic one either, since each could reset it under the others.
 */
static struct fdt_window part_of_window(const struct fdt_machine *m, const struct fdt_function *fn)
{
	struct fdt_window part = fn->window;
	unsigned i, n = 0, place = 0;

	for (i = 0; i < m->n_functions; i++) {
		if (m->functions[i].window.liobn != part.liobn)
			continue;
		if (&m->functions[i] == fn)
			place = n;
		n++;
	}
	part.size = align_down(part.size / n, 1ULL << VFIO_SPAPR_DMA32_SHIFT);
	part.start += place * part.size;
	part.dynamic = part.dynamic && n == 1;
	return part;
}

static void function(struct tree *t, const struct fdt_machine *m, const struct fdt_function *fn)
{
	const struct pci_function *f = fn->function;
	char name[32];

	snprintf(name, sizeof(name), "pci%x,%x@%x", pci_get16(f->config, PCI_VENDOR_ID),
		 pci_get16(f->config, PCI_DEVICE_ID), PCI_SLOT(f->devfn));
	if (PCI_FUNC(f->devfn))
		snprintf(name + strlen(name), sizeof(name) - strlen(name), ",%x",
			 PCI_FUNC(f->devfn));
	tree_open(t, name);
	identity(t, f);
	addresses(t, f);
	tree_u32(t, "ibm,pci-config-space-type", 1);
	if (f->config[PCI_INTERRUPT_PIN])
		tree_u32(t, "interrupts", f->config[PCI_INTERRUPT_PIN]);
	if (f->msi)
		tree_u32(t, "ibm,req#msi", f->msi->engine.n);
	if (f->msix)
		tree_u32(t, "ibm,req#msi-x", f->msix->engine.n);
	if (fn->window.size && fn->window.liobn != m->functions[0].window.liobn) {
		struct fdt_window part = part_of_window(m, fn);

		dma_window(t, &part);
	}
	tree_close(t);
}

void fdt_pci(struct tree *t, const struct fdt_machine *m)
{
	const struct tree_pci_lines lines = {.slots = SOURCE_INTX_COUNT,
					     .line = arch_intx_gsi,
					     .parent = PHANDLE_IRQCHIP,
					     .cells = {0, 1 /* level */},
					     .n_cells = 2,
					     .at = 0};
	unsigned i;

	/* Linux warns of a bus without a DMA window. */
	if (!m->n_functions)
		return;
	tree_open_at(t, "pci", PHB_BUID);
	tree_string(t, "device_type", "pci");
	tree_string(t, "compatible", "IBM,Logical_PHB");
	tree_list(t, "reg", TREE_HI(PHB_BUID), TREE_LO(PHB_BUID), 0, 0);
	tree_list(t, "bus-range", 0, 0xff);
	tree_pci_windows(t, &m->layout->pci);
	tree_pci_interrupts(t, &lines);
	tree_empty(t, "used-by-rtas");
	tree_u32(t, "ibm,pci-config-space-type", 1);
	tree_u32(t, "ibm,pe-total-#msi", MSI_TOTAL);
	tree_u32(t, "linux,pci-domain", 0);
	/* Linux wants one for the bus; those of other groups stand in the nodes of their functions.
	 */
	if (m->functions[0].window.size)
		dma_window(t, &m->functions[0].window);
	for (i = 0; i < m->n_functions; i++)
		function(t, m, &m->functions[i]);
	tree_close(t);
}
