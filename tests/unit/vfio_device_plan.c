/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* vfio: from regions and configuration space to all that the guest sees; quirks. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "../../vfio/device.h"

#define CAP_MSIX 0x70

static uint8_t config[PCI_CONFIG_SIZE];
static struct vfio_region regions[VFIO_PCI_NUM_REGIONS];
static struct vfio_policy policy;
static struct vfio_device_plan plan;
static struct error err;

static void make_device(uint16_t vendor, uint16_t device)
{
	memset(config, 0, sizeof(config));
	memset(regions, 0, sizeof(regions));
	policy = (struct vfio_policy){.page_size = 4 * KIB};
	err = (struct error){0};
	pci_set16(config, PCI_VENDOR_ID, vendor);
	pci_set16(config, PCI_DEVICE_ID, device);
}

static void make_bar(unsigned bar, uint64_t size, uint32_t type)
{
	pci_set32(config, PCI_BASE_ADDRESS_0 + 4 * bar, 0xfe000000 | type);
	regions[bar] = (struct vfio_region){.size = size};
	if (!(type & PCI_BASE_ADDRESS_SPACE_IO))
		regions[bar].flags = VFIO_REGION_INFO_FLAG_MMAP;
}

static void make_msix(unsigned entries, uint32_t table, uint32_t pba)
{
	pci_set16(config, PCI_STATUS, PCI_STATUS_CAP_LIST);
	config[PCI_CAPABILITY_LIST] = CAP_MSIX;
	config[CAP_MSIX] = PCI_CAP_ID_MSIX;
	pci_set16(config, CAP_MSIX + PCI_MSIX_FLAGS, (uint16_t)(entries - 1));
	pci_set32(config, CAP_MSIX + PCI_MSIX_TABLE, table);
	pci_set32(config, CAP_MSIX + PCI_MSIX_PBA, pba);
	regions[table & PCI_MSIX_TABLE_BIR].msix_mappable = true;
}

static int plan_it(void)
{
	return vfio_plan_device(regions, config, sizeof(config), &policy, &plan, &err);
}

/* The kinds of a BAR's segments, a letter each. */
static const char *kinds(unsigned bar)
{
	static const char letters[] = "mdqtpe";
	static char text[VFIO_SEGMENTS_MAX + 1];
	unsigned i;

	for (i = 0; i < plan.bars.bars[bar].n; i++)
		text[i] = letters[plan.bars.bars[bar].segments[i].kind];
	text[i] = 0;
	return text;
}

static void make_nvme(void)
{
	make_device(0x1b36, 0x0010);
	make_bar(0, 16 * KIB, PCI_BASE_ADDRESS_MEM_TYPE_64);
	make_msix(65, 0x2000, 0x3000);
}

Test(device_plan, the_capability_says_what_the_bars_are)
{
	make_nvme();
	cr_assert_eq(plan_it(), 0, "%s", err.text);
	cr_expect_str_eq(kinds(0), "mtdpd");
	cr_expect_eq(pci_get32(plan.config.config, CAP_MSIX + PCI_MSIX_TABLE), 0x2000);
	cr_expect_eq(pci_get32(plan.config.config, CAP_MSIX + PCI_MSIX_PBA), 0x3000);
	cr_expect_eq(plan.bars.bars[0].type, PCI_BASE_ADDRESS_MEM_TYPE_64);
	cr_expect_null(plan.quirk);

	policy.relocation = VFIO_RELOCATE_AUTO;
	cr_assert_eq(plan_it(), 0, "%s", err.text);
	cr_expect_str_eq(kinds(0), "mtpe");
	cr_expect_eq(pci_get32(plan.config.config, CAP_MSIX + PCI_MSIX_TABLE), 0x4000);
	cr_expect_eq(pci_get32(plan.config.config, CAP_MSIX + PCI_MSIX_PBA), 0x4410);

	policy.relocation = VFIO_RELOCATE_BAR5;
	cr_assert_eq(plan_it(), 0, "%s", err.text);
	cr_expect_str_eq(kinds(0), "m");
	cr_expect_str_eq(kinds(5), "tpe");
	cr_expect_eq(pci_get32(plan.config.config, CAP_MSIX + PCI_MSIX_TABLE), 5);
	cr_expect_eq(pci_get32(plan.config.config, CAP_MSIX + PCI_MSIX_PBA), 0x410 | 5);
	/* Where the device's own pending bits are is another matter. */
	cr_expect(plan.facts.pba.bar == 0 && plan.facts.pba.offset == 0x3000);
}

Test(device_plan, policy_of_the_machine)
{
	make_nvme();
	policy.maps_msix = true;
	cr_assert_eq(plan_it(), 0, "%s", err.text);
	cr_expect_str_eq(kinds(0), "m");
	policy = (struct vfio_policy){.page_size = 64 * KIB};
	cr_assert_eq(plan_it(), 0, "%s", err.text);
	cr_expect_str_eq(kinds(0), "dtdpde");
	policy.subpage = VFIO_SUBPAGE_EXACT;
	cr_assert_eq(plan_it(), 0, "%s", err.text);
	cr_expect_str_eq(kinds(0), "dtdpd");
}

Test(device_plan, a_device_without_msix)
{
	make_device(0x1234, 0x11e8);
	make_bar(0, MIB, 0);
	make_bar(1, 32, PCI_BASE_ADDRESS_SPACE_IO);
	regions[VFIO_PCI_ROM_REGION_INDEX].size = 64 * KIB;
	policy.relocation = VFIO_RELOCATE_AUTO;
	cr_assert_eq(plan_it(), 0, "%s", err.text);
	cr_expect_str_eq(kinds(0), "m");
	cr_expect_str_eq(kinds(1), "d");
	cr_expect_eq(plan.bars.bars[1].type, PCI_BASE_ADDRESS_SPACE_IO);
	cr_expect_str_eq(kinds(PCI_ROM), "d");
}

/* Capabilities come from devices: no place in them is taken on trust. */
Test(device_plan, places_that_are_none)
{
	unsigned bir;

	for (bir = 1; bir < 8; bir++) {
		make_nvme();
		make_msix(65, 0x2000 | bir, 0x3000);
		cr_expect_eq(plan_it(), -EINVAL);
		make_msix(65, 0x2000, 0x3000 | bir);
		cr_expect_eq(plan_it(), -EINVAL);
	}
	make_nvme();
	make_msix(2048, 0x2000, 0);
	cr_expect_eq(plan_it(), -EINVAL);
	make_msix(65, 0xfffffff8, 0);
	cr_expect_eq(plan_it(), -EINVAL);
}

/* ---- quirks ---- */

static void make_rtl8168(void)
{
	make_device(0x10ec, 0x8168);
	make_bar(0, 256, PCI_BASE_ADDRESS_SPACE_IO);
	make_bar(2, 4 * KIB, PCI_BASE_ADDRESS_MEM_TYPE_64);
	make_bar(4, 16 * KIB, PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH);
	make_msix(4, 4, 0x804);
}

Test(quirks, rtl8168_has_a_back_door)
{
	make_rtl8168();
	cr_assert_eq(plan_it(), 0, "%s", err.text);
	cr_assert_str_eq(kinds(2), "dqd");
	cr_expect_eq(plan.bars.bars[2].segments[1].offset, 0x70);
	cr_expect_eq(plan.bars.bars[2].segments[1].size, 8);
	cr_assert_not_null(plan.quirk);
	cr_expect_not_null(plan.quirk->ops);
	/* Where the table is the device's own, so is the door. */
	policy.maps_msix = true;
	cr_assert_eq(plan_it(), 0, "%s", err.text);
	cr_expect_str_eq(kinds(2), "m");
	/* But not to a table that was moved. */
	policy.relocation = VFIO_RELOCATE_BAR0 + 4;
	cr_assert_eq(plan_it(), 0, "%s", err.text);
	cr_expect_str_eq(kinds(2), "dqd");
	cr_expect_str_eq(kinds(4), "mtpe");
	cr_expect_eq(plan.bars.made_direct, 0);
	/* Nor without a table, nor in a BAR too small for one. */
	make_rtl8168();
	pci_set16(config, PCI_STATUS, 0);
	cr_assert_eq(plan_it(), 0, "%s", err.text);
	cr_expect_str_eq(kinds(2), "m");
	make_rtl8168();
	make_bar(2, 0x40, 0);
	cr_assert_eq(plan_it(), 0, "%s", err.text);
	cr_expect_str_eq(kinds(2), "m");
}

static void expect_pba(uint16_t vendor, uint16_t device, uint64_t size, uint32_t said, uint32_t is)
{
	make_device(vendor, device);
	make_bar(0, size, 0);
	make_msix(64, 0, said);
	if (!is) {
		cr_expect_eq(plan_it(), -EINVAL);
		cr_expect(strstr(err.text, "PBA reaches beyond BAR 0"), "%s", err.text);
		return;
	}
	cr_assert_eq(plan_it(), 0, "%s", err.text);
	cr_expect_eq(pci_get32(plan.config.config, CAP_MSIX + PCI_MSIX_PBA), is);
	cr_expect_eq(plan.facts.pba.offset, is);
	cr_expect_eq(plan.bars.pba.offset, is);
}

Test(quirks, false_pbas)
{
	expect_pba(0x1425, 0x5801, 8 * KIB, 0x8000, 0x1000);
	expect_pba(0x1425, 0x58ff, 8 * KIB, 0x8000, 0x1000);
	expect_pba(0x1d22, 0x3685, 64 * KIB, 0x460000, 0xb400);
	/* A true one is believed, and so is every other device's. */
	expect_pba(0x1425, 0x5801, 64 * KIB, 0x8000, 0x8000);
	expect_pba(0x1425, 0x5401, 8 * KIB, 0x8000, 0);
	expect_pba(0x1d22, 0x3684, 64 * KIB, 0x460000, 0);
}
