/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Quirks: devices whose configuration space does not tell the truth, or not all of it. What they
 * need is known from QEMU's hw/vfio (pci-quirks.c, pci.c) and from Linux' drivers. A device that is
 * not in the table needs none.
 */
#include "device.h"

/*
 * RTL8168: the "extended register interface" of BAR 2 (Linux' r8169). Data at 0x70; address at
 * 0x74: an offset in bits 0-11, a type in 16-30, of which 1 is the MSI-X table, and in bit 31 a
 * flag: written, it makes this a write of the data, and it changes when the access is done. Drivers
 * reach the table here, so this is to be the virtual one, too.
 */
#define ERIDR	     0
#define ERIAR	     4
#define ERIAR_FLAG   0x80000000u
#define ERIAR_TYPE   0x7fff0000u
#define ERIAR_MSIX   0x00010000u
#define ERIAR_OFFSET 0x00000ffcu

/* The dword of the virtual table that the address register means; false: there is no such. */
static bool eri_target(struct vfio_device *d, uint32_t address, uint64_t *offset)
{
	*offset = address & ERIAR_OFFSET;
	return *offset < d->msix.engine.n * (uint64_t)PCI_MSIX_ENTRY_SIZE;
}

static uint32_t eri_read_dword(struct vfio_piece *p, uint64_t reg)
{
	struct vfio_device *d = p->device;
	uint32_t address = atomic_load(&d->eri_address);
	uint64_t offset;

	if (!address)
		return (uint32_t)vfio_direct_read(p, reg, 4);
	if (reg == ERIAR)
		return address ^ ERIAR_FLAG;
	if (!eri_target(d, address, &offset))
		return UINT32_MAX;
	return (uint32_t)pci_msix_table_ops.read(&d->msix, offset, 4);
}

static void eri_write_dword(struct vfio_piece *p, uint64_t reg, uint32_t value)
{
	struct vfio_device *d = p->device;
	uint64_t offset;

	if (reg == ERIDR) {
		atomic_store(&d->eri_data, value);
	} else if ((value & ERIAR_TYPE) == ERIAR_MSIX) {
		atomic_store(&d->eri_address, value);
		if ((value & ERIAR_FLAG) && eri_target(d, value, &offset))
			pci_msix_table_ops.write(&d->msix, offset, 4, atomic_load(&d->eri_data));
		return;
	} else {
		atomic_store(&d->eri_address, 0);
	}
	vfio_direct_write(p, reg, 4, value);
}

/* The registers are dwords: narrower accesses are nothing that the device knows. */
static uint64_t eri_read(void *opaque, uint64_t offset, unsigned size)
{
	if (size < 4)
		return vfio_direct_read(opaque, offset, size);
	if (size == 4)
		return eri_read_dword(opaque, offset);
	return eri_read_dword(opaque, ERIDR) | (uint64_t)eri_read_dword(opaque, ERIAR) << 32;
}

static void eri_write(void *opaque, uint64_t offset, unsigned size, uint64_t value)
{
	if (size < 4)
		vfio_direct_write(opaque, offset, size, value);
	else
		eri_write_dword(opaque, offset, (uint32_t)value);
	if (size == 8)
		eri_write_dword(opaque, ERIAR, (uint32_t)(value >> 32));
}

static const struct region_ops eri_ops = {eri_read, eri_write};

static const struct vfio_quirk quirks[] = {
	{.vendor = 0x10ec, .device = 0x8168, .bar = 2, .range = {0x70, 8}, .ops = &eri_ops},
	/* Chelsio's T5 VFs say 0x8000, in a BAR of 8K. */
	{.vendor = 0x1425, .device = 0x5800, .any = 0xff, .pba = 0x1000},
	/* Baidu's Kunlun VF says 0x460000, in a BAR of 64K. */
	{.vendor = 0x1d22, .device = 0x3685, .pba = 0xb400},
};

const struct vfio_quirk *vfio_find_quirk(uint16_t vendor, uint16_t device)
{
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(quirks); i++)
		if (quirks[i].vendor == vendor && quirks[i].device == (device & ~quirks[i].any))
			return &quirks[i];
	return NULL;
}
