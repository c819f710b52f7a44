/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Bus 0 and the two ways to its configuration space: ECAM (PCIe 4.0, 7.2.2) and configuration
 * mechanism #1 at ports 0xcf8 and 0xcfc (PCI 3.0, 3.2.2.3.2), both on pci_config_read and _write.
 */
#include <errno.h>
#include <stdlib.h>

#include "pci.h"

#define CF8_PORT   0xcf8
#define CF8_ENABLE 0x80000000u
#define CF8_DATA   4 /* offset of 0xcfc in the region */

/* Any id would do that no driver claims: Red Hat's generic PCIe host bridge, as on QEMU's machines.
 */
#define BRIDGE_VENDOR 0x1b36
#define BRIDGE_DEVICE 0x0008

static uint32_t all_ones(unsigned size)
{
	return size >= 4 ? UINT32_MAX : (1u << (8 * size)) - 1;
}

static uint32_t bus_read(struct pci_bus *bus, unsigned devfn, unsigned offset, unsigned size)
{
	struct pci_function *f = devfn < 256 ? bus->functions[devfn] : NULL;

	return f ? pci_config_read(f, offset, size) : all_ones(size);
}

static void bus_write(struct pci_bus *bus, unsigned devfn, unsigned offset, unsigned size,
		      uint32_t value)
{
	struct pci_function *f = devfn < 256 ? bus->functions[devfn] : NULL;

	if (f)
		pci_config_write(f, offset, size, value);
}

/* The dispatcher sends aligned accesses; one of 8 bytes is two of 4. */
static uint64_t ecam_read(void *opaque, uint64_t offset, unsigned size)
{
	unsigned devfn = (unsigned)(offset >> 12), reg = offset & 0xfff;

	if (size == 8)
		return ecam_read(opaque, offset, 4) | ecam_read(opaque, offset + 4, 4) << 32;
	return bus_read(opaque, devfn, reg, size);
}

static void ecam_write(void *opaque, uint64_t offset, unsigned size, uint64_t value)
{
	unsigned devfn = (unsigned)(offset >> 12), reg = offset & 0xfff;

	if (size == 8) {
		ecam_write(opaque, offset, 4, (uint32_t)value);
		ecam_write(opaque, offset + 4, 4, value >> 32);
		return;
	}
	bus_write(opaque, devfn, reg, size, (uint32_t)value);
}

static const struct region_ops ecam_ops = {ecam_read, ecam_write};

/* Where the address register points; false: nowhere, or not on bus 0. */
static bool cf8_target(struct pci_bus *bus, uint64_t offset, unsigned *devfn, unsigned *reg)
{
	uint32_t address = atomic_load(&bus->address);

	*devfn = address >> 8 & 0xff;
	*reg = (address & 0xfc) + (unsigned)(offset - CF8_DATA);
	return (address & CF8_ENABLE) && !(address >> 16 & 0xff);
}

static uint64_t cf8_read(void *opaque, uint64_t offset, unsigned size)
{
	struct pci_bus *bus = opaque;
	unsigned devfn, reg;

	if (offset >= CF8_DATA)
		return cf8_target(bus, offset, &devfn, &reg) ? bus_read(bus, devfn, reg, size)
							     : all_ones(size);
	/* The address register answers to dwords alone. */
	return offset == 0 && size == 4 ? atomic_load(&bus->address) : all_ones(size);
}

static void cf8_write(void *opaque, uint64_t offset, unsigned size, uint64_t value)
{
	struct pci_bus *bus = opaque;
	unsigned devfn, reg;

	if (offset >= CF8_DATA) {
		if (cf8_target(bus, offset, &devfn, &reg))
			bus_write(bus, devfn, reg, size, (uint32_t)value);
	} else if (offset == 0 && size == 4) {
		atomic_store(&bus->address, (uint32_t)value);
	}
}

static const struct region_ops cf8_ops = {cf8_read, cf8_write};

static void nothing(struct pci_function *f, unsigned bar)
{
	(void)f, (void)bar;
}

static void nothing_at(struct pci_function *f, unsigned bar, uint64_t addr)
{
	(void)f, (void)bar, (void)addr;
}

static const struct pci_function_ops bridge_ops = {.bar_map = nothing_at, .bar_unmap = nothing};

int pci_bus_init(struct pci_bus *bus, struct vm *vm, struct error *err)
{
	struct pci_function *bridge = malloc(sizeof(*bridge));

	*bus = (struct pci_bus){.vm = vm};
	if (!bridge)
		return fail(err, ENOMEM, "PCI: out of memory");
	pci_function_init(bridge, "host bridge", &bridge_ops, NULL);
	pci_set16(bridge->config, PCI_VENDOR_ID, BRIDGE_VENDOR);
	pci_set16(bridge->config, PCI_DEVICE_ID, BRIDGE_DEVICE);
	pci_set16(bridge->config, PCI_CLASS_DEVICE, 0x0600);
	bus->host_bridge = bridge;
	return pci_bus_add(bus, bridge, 0, err);
}

void pci_bus_destroy(struct pci_bus *bus)
{
	if (!bus->host_bridge)
		return;
	pci_function_destroy(bus->host_bridge);
	free(bus->host_bridge);
	bus->host_bridge = NULL;
}

static int free_slot(const struct pci_bus *bus)
{
	unsigned slot, fn;

	for (slot = 0; slot < 32; slot++) {
		for (fn = 0; fn < 8 && !bus->functions[PCI_DEVFN(slot, fn)]; fn++)
			;
		if (fn == 8)
			return PCI_DEVFN(slot, 0);
	}
	return -ENOSPC;
}

/* Bit 7 of the header type, in all functions of a device, says that there are several. */
static void mark_multifunction(struct pci_bus *bus, unsigned slot)
{
	unsigned fn, n = 0;

	for (fn = 0; fn < 8; fn++)
		n += bus->functions[PCI_DEVFN(slot, fn)] != NULL;
	for (fn = 0; fn < 8; fn++) {
		struct pci_function *f = bus->functions[PCI_DEVFN(slot, fn)];

		if (f && n > 1)
			f->config[PCI_HEADER_TYPE] |= 0x80;
	}
}

int pci_bus_add(struct pci_bus *bus, struct pci_function *f, int devfn, struct error *err)
{
	if (devfn < 0)
		devfn = free_slot(bus);
	if (devfn < 0)
		return fail(err, ENOSPC, "%s: all 32 slots of the bus are taken", f->name);
	if (devfn > 255 || bus->functions[devfn])
		return fail(err, EBUSY, "%s: slot %02x.%x is taken", f->name, PCI_SLOT(devfn),
			    PCI_FUNC(devfn));
	f->devfn = (uint8_t)devfn;
	f->bus = bus;
	bus->functions[devfn] = f;
	mark_multifunction(bus, PCI_SLOT(devfn));
	return 0;
}

static unsigned count_bars(const struct pci_bus *bus)
{
	unsigned devfn, i, n = 0;

	for (devfn = 0; devfn < 256; devfn++)
		for (i = 0; bus->functions[devfn] && i <= PCI_ROM; i++)
			n += bus->functions[devfn]->bars[i].size != 0;
	return n;
}

/* All BARs of the bus, to be freed; NULL without memory. */
static struct pci_placement *gather(const struct pci_bus *bus, unsigned *count)
{
	struct pci_placement *out = calloc(count_bars(bus) + 1, sizeof(*out));
	unsigned devfn, i, n = 0;

	for (devfn = 0; out && devfn < 256; devfn++) {
		const struct pci_function *f = bus->functions[devfn];

		for (i = 0; f && i <= PCI_ROM; i++) {
			uint32_t type = f->bars[i].type;
			bool io = i < PCI_ROM && (type & PCI_BASE_ADDRESS_SPACE_IO);

			if (!f->bars[i].size)
				continue;
			out[n++] = (struct pci_placement){
				.size = f->bars[i].size,
				.io = io,
				.mem64 =
					i < PCI_ROM && !io && (type & PCI_BASE_ADDRESS_MEM_TYPE_64),
				.owner = f->name,
				.bar = i};
		}
	}
	*count = n;
	return out;
}

int pci_bus_needs(const struct pci_bus *bus, struct pci_needs *needs, struct error *err)
{
	unsigned n;
	struct pci_placement *bars = gather(bus, &n);

	if (!bars)
		return fail(err, ENOMEM, "PCI: out of memory");
	pci_sum_needs(bars, n, needs);
	free(bars);
	return 0;
}

/* As firmware would: addresses set, decoding off; the guest's driver switches it on. */
static void write_addresses(struct pci_bus *bus, const struct pci_placement *bars)
{
	unsigned devfn, i;

	for (devfn = 0; devfn < 256; devfn++) {
		struct pci_function *f = bus->functions[devfn];

		for (i = 0; f && i <= PCI_ROM; i++) {
			unsigned reg = i == PCI_ROM ? PCI_ROM_ADDRESS : PCI_BASE_ADDRESS_0 + 4 * i;

			if (!f->bars[i].size)
				continue;
			pci_set32(f->config, reg, (uint32_t)bars->address | f->bars[i].type);
			if (bars->mem64)
				pci_set32(f->config, reg + 4, (uint32_t)(bars->address >> 32));
			bars++;
		}
	}
}

static int place_bars(struct pci_bus *bus, struct error *err)
{
	unsigned n;
	struct pci_placement *bars = gather(bus, &n);
	int ret;

	if (!bars)
		return fail(err, ENOMEM, "PCI: out of memory");
	ret = pci_plan_bars(bars, n, &bus->windows, err);
	if (!ret)
		write_addresses(bus, bars);
	free(bars);
	return ret;
}

int pci_bus_start(struct pci_bus *bus, const struct pci_windows *windows, struct error *err)
{
	int ret;

	bus->windows = *windows;
	ret = place_bars(bus, err);
	if (ret)
		return ret;
	bus->ecam = (struct region){.name = "ecam",
				    .base = windows->ecam.base,
				    .size = windows->ecam.size,
				    .priority = PRIORITY_PLATFORM,
				    .ops = &ecam_ops,
				    .opaque = bus};
	bus->cf8 = (struct region){.name = "pci config ports",
				   .base = CF8_PORT,
				   .size = 8,
				   .priority = PRIORITY_PLATFORM,
				   .ops = &cf8_ops,
				   .opaque = bus};
	if (windows->ecam.size)
		space_add(&bus->vm->mmio, &bus->ecam);
	if (!windows->io_gpa)
		space_add(&bus->vm->pio, &bus->cf8);
	return 0;
}
