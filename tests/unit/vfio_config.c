/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* vfio: what a guest sees of a device's configuration space. */
#include <criterion/criterion.h>
#include <string.h>

#include "vfio.h"

/* A device with MSI at 0x40, PCIe at 0x60, MSI-X at 0xb0; AER, SR-IOV and ARI in extended space. */
static void make_device(uint8_t *c)
{
	memset(c, 0, PCI_CONFIG_SIZE);
	pci_set32(c, PCI_VENDOR_ID, 0x10c98086);
	pci_set16(c, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	pci_set16(c, PCI_STATUS, PCI_STATUS_CAP_LIST);
	c[PCI_HEADER_TYPE] = 0x80;
	pci_set32(c, PCI_BASE_ADDRESS_0, 0xfe000000);
	c[PCI_CAPABILITY_LIST] = 0x40;
	c[PCI_INTERRUPT_PIN] = 1;
	c[0x40] = PCI_CAP_ID_MSI;
	c[0x41] = 0x60;
	pci_set16(c, 0x42, PCI_MSI_FLAGS_64BIT | PCI_MSI_FLAGS_MASKBIT | PCI_MSI_FLAGS_ENABLE);
	pci_set32(c, 0x44, 0xfee00000);
	c[0x60] = PCI_CAP_ID_EXP;
	c[0x61] = 0xb0;
	pci_set16(c, 0x62, 2 | PCI_EXP_TYPE_ENDPOINT << 4);
	pci_set32(c, 0x60 + PCI_EXP_LNKCAP, 0x12345678);
	c[0xb0] = PCI_CAP_ID_MSIX;
	pci_set16(c, 0xb2, PCI_MSIX_FLAGS_ENABLE | 9);
	pci_set32(c, 0xb4, 3);
	pci_set32(c, 0xb8, 0x2003);
	pci_set32(c, 0x100, 0x14020001);
	pci_set32(c, 0x140, 0x16010010);
	pci_set32(c, 0x160, 0x1801000e);
	pci_set32(c, 0x180, 0x00010003);
}

Test(config_plan, header)
{
	static uint8_t c[PCI_CONFIG_SIZE];
	static struct vfio_config_plan p;

	make_device(c);
	vfio_plan_config(c, sizeof(c), &p);
	cr_assert_eq(pci_get32(p.emulated, PCI_VENDOR_ID), 0, "the device's own");
	cr_assert_eq(pci_get16(p.config, PCI_COMMAND), 0, "the guest starts with all off");
	cr_assert_eq(pci_get16(p.writable, PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE,
		     PCI_COMMAND_INTX_DISABLE);
	cr_assert_eq(p.config[PCI_HEADER_TYPE], 0, "multifunction is the bus's to say");
	cr_assert_eq(p.emulated[PCI_HEADER_TYPE], 0xff);
	cr_assert_eq(pci_get32(p.config, PCI_BASE_ADDRESS_0), 0);
	cr_assert_eq(pci_get32(p.emulated, PCI_BASE_ADDRESS_0), UINT32_MAX);
	cr_assert_eq(p.config[PCI_INTERRUPT_PIN], 1);
}

Test(config_plan, capabilities)
{
	static uint8_t c[PCI_CONFIG_SIZE];
	static struct vfio_config_plan p;

	make_device(c);
	vfio_plan_config(c, sizeof(c), &p);
	cr_assert_eq(p.msi, 0x40);
	cr_assert_eq(p.msix, 0xb0);
	cr_assert_eq(pci_get16(p.config, 0x42), PCI_MSI_FLAGS_64BIT | PCI_MSI_FLAGS_MASKBIT,
		     "off, whatever the host left there");
	cr_assert_eq(pci_get32(p.config, 0x44), 0, "no host address leaks");
	cr_assert_eq(p.emulated[0x40 + 23], 0xff, "up to the pending bits");
	cr_assert_eq(p.emulated[0x40 + 24], 0);
	cr_assert_eq(pci_get16(p.config, 0xb2), 9);
	cr_assert_eq(pci_get32(p.config, 0xb8), 0x2003);
	cr_assert_eq(pci_get16(p.config, 0x62), 2 | PCI_EXP_TYPE_RC_END << 4);
	cr_assert_eq(pci_get32(p.config, 0x60 + PCI_EXP_LNKCAP), 0);
}

/* Drivers know no version 0. What else there is of a link depends on the version, too. */
Test(config_plan, a_vf_without_a_version)
{
	static const unsigned types[] = {PCI_EXP_TYPE_ENDPOINT, PCI_EXP_TYPE_LEG_END,
					 PCI_EXP_TYPE_RC_END};
	static uint8_t c[PCI_CONFIG_SIZE];
	static struct vfio_config_plan p;
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		make_device(c);
		pci_set16(c, 0x62, (uint16_t)(types[i] << 4));
		vfio_plan_config(c, sizeof(c), &p);
		cr_expect_eq(pci_get16(p.config, 0x62) & PCI_EXP_FLAGS_VERS, 1);
		cr_expect_eq(pci_get16(p.emulated, 0x62) & PCI_EXP_FLAGS_VERS, PCI_EXP_FLAGS_VERS);
	}
	make_device(c);
	vfio_plan_config(c, sizeof(c), &p);
	cr_expect_eq(pci_get16(p.config, 0x62) & PCI_EXP_FLAGS_VERS, 2);
}

Test(config_plan, sriov_and_ari_are_unlinked)
{
	static uint8_t c[PCI_CONFIG_SIZE];
	static struct vfio_config_plan p;

	make_device(c);
	vfio_plan_config(c, sizeof(c), &p);
	cr_assert_eq(pci_get32(p.config, 0x100), 0x18020001, "AER leads to the serial number");
	cr_assert_eq(pci_find_ext_capability(p.config, PCI_EXT_CAP_ID_SRIOV), 0);
	cr_assert_eq(pci_find_ext_capability(p.config, PCI_EXT_CAP_ID_ARI), 0);
	cr_assert_eq(pci_find_ext_capability(p.config, PCI_EXT_CAP_ID_DSN), 0x180);

	/* As the first of the list it can only be made into a null capability. */
	pci_set32(c, 0x100, 0x14010010);
	vfio_plan_config(c, sizeof(c), &p);
	cr_assert_eq(pci_find_ext_capability(p.config, PCI_EXT_CAP_ID_SRIOV), 0);
	cr_assert_eq(pci_find_ext_capability(p.config, PCI_EXT_CAP_ID_DSN), 0x180);
}

Test(config_plan, rebar_is_pinned)
{
	static uint8_t c[PCI_CONFIG_SIZE];
	static struct vfio_config_plan p;

	make_device(c);
	pci_set32(c, 0x180, 0x00010015);
	pci_set32(c, 0x184, 0x0003fff0);
	pci_set32(c, 0x188, 0x00000820); /* one BAR, 256 MiB */
	vfio_plan_config(c, sizeof(c), &p);
	cr_assert_eq(pci_get32(p.config, 0x184), 1u << 12);
	cr_assert_eq(pci_get32(p.emulated, 0x188), UINT32_MAX);
	cr_assert_eq(pci_get32(p.writable, 0x188), 0);
}

Test(config_plan, hostile_lists_end)
{
	static uint8_t c[PCI_CONFIG_SIZE];
	static struct vfio_config_plan p;

	make_device(c);
	c[0xb1] = 0x40;			 /* a loop */
	pci_set32(c, 0x180, 0x10010003); /* and another */
	vfio_plan_config(c, sizeof(c), &p);
	cr_assert_eq(p.msix, 0xb0);
	memset(c, 0xff, sizeof(c));
	vfio_plan_config(c, sizeof(c), &p);
	make_device(c);
	c[0x41] = 0xfc; /* a capability that reaches out of the space */
	c[0xfc] = PCI_CAP_ID_MSIX;
	vfio_plan_config(c, sizeof(c), &p);
	cr_assert_eq(p.msix, 0);
	vfio_plan_config(c, PCI_CFG_SPACE_SIZE, &p);
	cr_assert_eq(pci_get32(p.config, 0x100), 0, "no extended space: reads as zero");
	cr_assert_eq(pci_get32(p.emulated, 0x100), UINT32_MAX);
}
