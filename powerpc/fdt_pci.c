/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * PCI in the device tree (PCI bus binding to IEEE 1275, 2.1; PAPR 2.11, B.6). A partition does not
 * probe the bus: what has no node does not exist for it.
 */
#include "fdt_pci.h"

#include <string.h>

#include "irqchip.h"
#include "rtas.h"
#include "vfio.h"

/* phys.hi: relocatable, prefetchable, space, bus, device and function, register. */
#define HI_FIXED    0x80000000u
#define HI_PREFETCH 0x40000000u
#define HI_IO	    0x01000000u
#define HI_MEM32    0x02000000u
#define HI_MEM64    0x03000000u

#define HI(v) ((uint32_t)((v) >> 32))
#define LO(v) ((uint32_t)(v))

/* Five cells for each BAR and the ROM, five for configuration space. */
#define REG_CELLS (5 * (PCI_BARS + 2))

struct cells {
	uint32_t cell[REG_CELLS];
	unsigned n;
};

static void put(struct cells *c, uint32_t hi, uint64_t address, uint64_t size)
{
	const uint32_t five[] = {hi, HI(address), LO(address), HI(size), LO(size)};

	memcpy(c->cell + c->n, five, sizeof(five));
	c->n += ARRAY_SIZE(five);
}

static uint32_t space_of(const struct pci_function *f, unsigned bar)
{
	uint32_t type = f->bars[bar].type;
	uint32_t prefetch = type & PCI_BASE_ADDRESS_MEM_PREFETCH ? HI_PREFETCH : 0;

	if (bar == PCI_ROM)
		return HI_MEM32;
	if (type & PCI_BASE_ADDRESS_SPACE_IO)
		return HI_IO;
	return (type & PCI_BASE_ADDRESS_MEM_TYPE_64 ? HI_MEM64 : HI_MEM32) | prefetch;
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
	tree_list(t, "ibm,dma-window", w->liobn, HI(w->start), LO(w->start), HI(w->size),
		  LO(w->size));
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

/* The lines repeat after as many slots as there are lines: so much of the slot is looked at. */
static void interrupt_map(struct tree *t)
{
	uint32_t map[SOURCE_INTX_COUNT * 4 * 7], *c = map;
	unsigned slot, pin;

	for (slot = 0; slot < SOURCE_INTX_COUNT; slot++)
		for (pin = 1; pin <= 4; pin++) {
			*c++ = slot << 11;
			*c++ = 0;
			*c++ = 0;
			*c++ = pin;
			*c++ = PHANDLE_IRQCHIP;
			*c++ = arch_intx_gsi(PCI_DEVFN(slot, 0), pin);
			*c++ = 1; /* level */
		}
	tree_u32(t, "#interrupt-cells", 1);
	tree_list(t, "interrupt-map-mask", (SOURCE_INTX_COUNT - 1) << 11, 0, 0, 7);
	tree_cells(t, "interrupt-map", map, ARRAY_SIZE(map));
}

static void windows(struct tree *t, const struct pci_windows *w)
{
	const uint64_t mem32 = w->mem32.base + w->mem32_offset;
	const uint32_t ranges[] = {
		HI_IO,
		0,
		0,
		HI(w->io_gpa),
		LO(w->io_gpa),
		0,
		LO(w->io.size),
		HI_MEM32,
		0,
		LO(w->mem32.base),
		HI(mem32),
		LO(mem32),
		HI(w->mem32.size),
		LO(w->mem32.size),
		HI_MEM64,
		HI(w->mem64.base),
		LO(w->mem64.base),
		HI(w->mem64.base),
		LO(w->mem64.base),
		HI(w->mem64.size),
		LO(w->mem64.size),
	};

	tree_cells(t, "ranges", ranges, ARRAY_SIZE(ranges));
}

void fdt_pci(struct tree *t, const struct fdt_machine *m)
{
	unsigned i;

	/* Linux warns of a bus without a DMA window. */
	if (!m->n_functions)
		return;
	tree_open_at(t, "pci", PHB_BUID);
	tree_string(t, "device_type", "pci");
	tree_string(t, "compatible", "IBM,Logical_PHB");
	tree_list(t, "reg", HI(PHB_BUID), LO(PHB_BUID), 0, 0);
	tree_list(t, "bus-range", 0, 0xff);
	tree_u32(t, "#address-cells", 3);
	tree_u32(t, "#size-cells", 2);
	windows(t, &m->layout->pci);
	interrupt_map(t);
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
