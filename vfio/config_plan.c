/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The configuration plan: what of an assigned device's configuration space is the device's own and
 * what the guest only believes to be. Pure. The kernel virtualizes some of it too, but never in a
 * way that a VMM could lean on: it drops writes to MSI and MSI-X and answers BARs of its own.
 */
#include <string.h>

#include "vfio.h"

/* A hostile or broken list must end: more capabilities than fit is a loop. */
#define CAPS_MAX     48
#define EXT_CAPS_MAX 960

static void emulate(struct vfio_config_plan *p, unsigned offset, unsigned size)
{
	memset(p->emulated + offset, 0xff, size);
}

static void emulate16(struct vfio_config_plan *p, unsigned offset, uint16_t bits, uint16_t value)
{
	pci_set16(p->emulated, offset, pci_get16(p->emulated, offset) | bits);
	pci_set16(p->config, offset, (pci_get16(p->config, offset) & ~bits) | (value & bits));
}

static void plan_header(struct vfio_config_plan *p)
{
	/* What the guest enables is passed on by the device; what it reads back is what it wrote.
	 */
	const uint16_t command =
		PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE;

	emulate16(p, PCI_COMMAND, command, 0);
	pci_set16(p->writable, PCI_COMMAND,
		  command | PCI_COMMAND_PARITY | PCI_COMMAND_SERR | PCI_COMMAND_INVALIDATE);
	emulate(p, PCI_HEADER_TYPE, 1);
	p->config[PCI_HEADER_TYPE] = PCI_HEADER_TYPE_NORMAL;
	emulate(p, PCI_BASE_ADDRESS_0, 6 * 4);
	memset(p->config + PCI_BASE_ADDRESS_0, 0, 6 * 4);
	emulate(p, PCI_ROM_ADDRESS, 4);
	pci_set32(p->config, PCI_ROM_ADDRESS, 0);
	emulate(p, PCI_CAPABILITY_LIST, 1);
	emulate(p, PCI_INTERRUPT_LINE, 2);
	p->writable[PCI_INTERRUPT_LINE] = 0xff;
	p->config[PCI_INTERRUPT_LINE] = 0;
}

static unsigned msi_size(const uint8_t *config, unsigned cap)
{
	uint16_t flags = pci_get16(config, cap + PCI_MSI_FLAGS);
	unsigned size = flags & PCI_MSI_FLAGS_64BIT ? 14 : 10;

	/* With masking: the mask and pending registers, dword aligned. */
	return flags & PCI_MSI_FLAGS_MASKBIT ? (size + 2) + 8 : size;
}

/*
 * The device sits on the root bus with no port above it: an endpoint there must call itself
 * root-complex-integrated, and such one has no link (PCIe 4.0, 7.5.3.2 and 7.5.3.6).
 */
static void plan_express(struct vfio_config_plan *p, unsigned cap)
{
	uint16_t flags = pci_get16(p->config, cap + PCI_EXP_FLAGS);
	unsigned type = (flags & PCI_EXP_FLAGS_TYPE) >> 4;

	/* Some VFs report version 0 (Intel 82599, erratum 35), which no driver expects. */
	if (!(flags & PCI_EXP_FLAGS_VERS))
		emulate16(p, cap + PCI_EXP_FLAGS, PCI_EXP_FLAGS_VERS, 1);
	if (type != PCI_EXP_TYPE_ENDPOINT)
		return;
	emulate16(p, cap + PCI_EXP_FLAGS, PCI_EXP_FLAGS_TYPE, PCI_EXP_TYPE_RC_END << 4);
	emulate(p, cap + PCI_EXP_LNKCAP, 8);
	memset(p->config + cap + PCI_EXP_LNKCAP, 0, 8);
	if ((flags & PCI_EXP_FLAGS_VERS) >= 2) {
		emulate(p, cap + PCI_EXP_LNKCAP2, 8);
		memset(p->config + cap + PCI_EXP_LNKCAP2, 0, 8);
	}
}

static void plan_capability(struct vfio_config_plan *p, unsigned cap)
{
	unsigned size;

	emulate(p, cap, 2);
	switch (p->config[cap]) {
	case PCI_CAP_ID_MSI:
		size = msi_size(p->config, cap);
		if (p->msi || cap + size > PCI_CFG_SPACE_SIZE)
			break;
		p->msi = cap;
		emulate(p, cap, size);
		pci_set16(p->config, cap + PCI_MSI_FLAGS,
			  pci_get16(p->config, cap + PCI_MSI_FLAGS) &
				  ~(PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE));
		memset(p->config + cap + 4, 0, size - 4);
		break;
	case PCI_CAP_ID_MSIX:
		if (p->msix || cap + PCI_CAP_MSIX_SIZEOF > PCI_CFG_SPACE_SIZE)
			break;
		p->msix = cap;
		emulate(p, cap, PCI_CAP_MSIX_SIZEOF);
		pci_set16(p->config, cap + PCI_MSIX_FLAGS,
			  pci_get16(p->config, cap + PCI_MSIX_FLAGS) & PCI_MSIX_FLAGS_QSIZE);
		break;
	case PCI_CAP_ID_EXP:
		if (cap + PCI_EXP_LNKSTA2 + 2 <= PCI_CFG_SPACE_SIZE)
			plan_express(p, cap);
		break;
	default:
		break;
	}
}

static void plan_capabilities(struct vfio_config_plan *p)
{
	unsigned cap = p->config[PCI_CAPABILITY_LIST] & ~3u, n;

	if (!(pci_get16(p->config, PCI_STATUS) & PCI_STATUS_CAP_LIST))
		return;
	for (n = 0; cap >= PCI_STD_HEADER_SIZEOF && n < CAPS_MAX; n++) {
		plan_capability(p, cap);
		cap = p->config[cap + 1] & ~3u;
	}
}

/*
 * SR-IOV and ARI would let the guest make or address functions that it was not given. Resizable
 * BARs would change what is mapped under it.
 */
static bool is_hidden(uint16_t id)
{
	return id == PCI_EXT_CAP_ID_SRIOV || id == PCI_EXT_CAP_ID_ARI;
}

/* Each resizable BAR offers the one size that it has (PCIe 4.0, 7.8.6). */
static void pin_rebar(struct vfio_config_plan *p, unsigned cap)
{
	unsigned n = pci_get32(p->config, cap + PCI_REBAR_CTRL) >> 5 & 7, i;

	for (i = 0; i < n && cap + 12 + 8 * i <= PCI_CONFIG_SIZE; i++) {
		unsigned entry = cap + 8 * i;
		unsigned size = pci_get32(p->config, entry + PCI_REBAR_CTRL) >> 8 & 0x3f;

		emulate(p, entry + PCI_REBAR_CAP, 8);
		pci_set32(p->config, entry + PCI_REBAR_CAP, size < 28 ? 1u << (size + 4) : 0);
	}
}

static void plan_ext_capabilities(struct vfio_config_plan *p)
{
	unsigned cap = PCI_CFG_SPACE_SIZE, before = 0, n;

	for (n = 0; cap >= PCI_CFG_SPACE_SIZE && cap <= PCI_CONFIG_SIZE - 4 && n < EXT_CAPS_MAX;
	     n++) {
		uint32_t header = pci_get32(p->config, cap);
		unsigned next = PCI_EXT_CAP_NEXT(header);

		if (!header || header == UINT32_MAX)
			return;
		emulate(p, cap, 4);
		if (!is_hidden(PCI_EXT_CAP_ID(header)))
			before = cap;
		else if (before)
			pci_set32(p->config, before,
				  (pci_get32(p->config, before) & 0xfffff) | next << 20);
		else
			/* The first one can't be unlinked: a null capability holds its place. */
			pci_set32(p->config, cap, next << 20 | 1u << 16);
		if (PCI_EXT_CAP_ID(header) == PCI_EXT_CAP_ID_REBAR)
			pin_rebar(p, cap);
		cap = next & ~3u;
	}
}

void vfio_plan_config(const uint8_t *physical, unsigned size, struct vfio_config_plan *plan)
{
	memset(plan, 0, sizeof(*plan));
	memcpy(plan->config, physical, size);
	plan_header(plan);
	plan_capabilities(plan);
	if (size > PCI_CFG_SPACE_SIZE)
		plan_ext_capabilities(plan);
	else
		emulate(plan, PCI_CFG_SPACE_SIZE, PCI_CONFIG_SIZE - PCI_CFG_SPACE_SIZE);
}
