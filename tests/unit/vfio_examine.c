/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* vfio: resources in sysfs, and reports on devices that VFIO has not, over a tree made for the
 * test. */
#include <criterion/criterion.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folder.h"
#include "../../vfio/resource.h"
#include "vfio_fake.h"
#include "recorder.h"

#define MEM   0x40200ull
#define MEM64 0x140204ull
#define PREF  0x14220cull
#define PORTS 0x40101ull

static char root[FOLDER_PATH];
static const struct vfio_paths paths = {.sysfs = root, .dev = root, .iommu = "/nowhere"};
static struct error err;

static void make_tree(void)
{
	folder_make(root);
}

static void remove_tree(void)
{
	folder_remove(root);
}

static void put(const char *bdf, const char *leaf, const void *bytes, size_t size)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "mkdir -p %s/bus/pci/devices/%s", root, bdf);
	cr_assert_eq(system(path), 0);
	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s/%s", root, bdf, leaf);
	f = fopen(path, "w");
	cr_assert_not_null(f);
	cr_assert_eq(fwrite(bytes, 1, size, f), size);
	fclose(f);
}

/* Lines as the kernel writes them: first and last byte, flags. */
static void put_resources(const char *bdf, const struct vfio_resource *r, unsigned n)
{
	char text[RESOURCES_MAX * 64];
	size_t len = 0;
	unsigned i;

	for (i = 0; i < n; i++)
		len += (size_t)snprintf(
			text + len, sizeof(text) - len, "0x%016llx 0x%016llx 0x%016llx\n",
			(unsigned long long)r[i].range.base,
			(unsigned long long)(r[i].range.size ? range_last(r[i].range) : 0),
			(unsigned long long)r[i].flags);
	put(bdf, "resource", text, len);
}

#define PUT_RESOURCES(bdf, ...) \
	put_resources(bdf, (const struct vfio_resource[RESOURCES_MAX]){__VA_ARGS__}, 13)

/* An NVMe as QEMU makes it: MSI-X with 65 vectors, table at 0x2000 and PBA at 0x3000 of BAR 0. */
static void put_nvme_config(uint8_t config[PCI_CFG_SPACE_SIZE])
{
	memset(config, 0, PCI_CFG_SPACE_SIZE);
	pci_set16(config, PCI_VENDOR_ID, 0xffff);
	pci_set32(config, PCI_CLASS_REVISION, 0x01080202);
	pci_set16(config, PCI_STATUS, PCI_STATUS_CAP_LIST);
	config[PCI_CAPABILITY_LIST] = 0x40;
	config[0x40] = PCI_CAP_ID_MSIX;
	pci_set16(config, 0x40 + PCI_MSIX_FLAGS, 64);
	pci_set32(config, 0x40 + PCI_MSIX_TABLE, 0x2000);
	pci_set32(config, 0x40 + PCI_MSIX_PBA, 0x3000);
}

Test(resource, lines)
{
	struct vfio_resource r[RESOURCES_MAX] = {0};

	cr_assert_eq(
		vfio_parse_resources("0x00000000febf0000 0x00000000febf3fff 0x0000000000140204\n"
				     "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
				     "0x000000000000c000 0x000000000000c01f 0x0000000000040101\n",
				     r),
		3);
	cr_expect_eq(r[0].range.base, 0xfebf0000);
	cr_expect_eq(r[0].range.size, 16 * KIB);
	cr_expect_eq(r[0].flags, MEM64);
	cr_expect_eq(r[1].range.size, 0);
	cr_expect_eq(r[2].range.size, 32);
	cr_expect_eq(vfio_parse_resources("", r), 0);
	cr_expect_eq(vfio_parse_resources("0x1 0x2", r), 0);
}

Test(resource, who_else_is_in_a_page, .init = make_tree, .fini = remove_tree)
{
	struct vfio_in_page in_page[PCI_BARS];
	struct vfio_resource own[RESOURCES_MAX];
	unsigned i;

	/* The bridge's window holds the pages; what it is for is in them. */
	put_resources("0000:00:01.0",
		      (const struct vfio_resource[RESOURCES_MAX]){
			      [13] = {{0x10000000, MIB}, RESOURCE_MEM}},
		      17);
	PUT_RESOURCES("0000:01:00.0", {{0x10000000, 4 * KIB}, MEM}, {{0x10001000, 4 * KIB}, MEM},
		      {{0x10010000, 4 * KIB}, MEM}, {{0x10010000, 256}, PORTS},
		      {{0x10020000, 64 * KIB}, MEM}, {{0x10034000, 4 * KIB}, MEM});
	PUT_RESOURCES("0000:01:00.1", [PCI_ROM] = {{0x10038000, 2 * KIB}, RESOURCE_MEM},
		      [1] = {{0x10010000, 4 * KIB}, MEM | RESOURCE_UNSET});
	cr_assert_gt(vfio_read_resources(&paths, "0000:01:00.0", own, &err), 0);
	cr_assert_eq(vfio_find_neighbours(&paths, "0000:01:00.0", own, 64 * KIB, in_page, &err), 0);
	cr_expect_str_eq(in_page[0].neighbour, "BAR 1 of 0000:01:00.0");
	cr_expect_str_eq(in_page[1].neighbour, "BAR 0 of 0000:01:00.0");
	cr_expect_eq(in_page[1].offset, 0x1000);
	/* Neither ports nor what has no address are in it. */
	cr_expect_str_eq(in_page[2].neighbour, "");
	cr_expect_str_eq(in_page[4].neighbour, "");
	cr_expect_eq(in_page[5].offset, 0x4000);
	cr_expect_str_eq(in_page[5].neighbour, "the ROM of 0000:01:00.1");
	cr_assert_eq(vfio_find_neighbours(&paths, "0000:01:00.0", own, 4 * KIB, in_page, &err), 0);
	for (i = 0; i < PCI_BARS; i++)
		cr_expect(!*in_page[i].neighbour && !in_page[i].offset, "BAR %u", i);
}

/* A window that ends inside the page, and so can't give the rest of it away. */
Test(resource, a_window_smaller_than_a_page, .init = make_tree, .fini = remove_tree)
{
	struct vfio_in_page in_page[PCI_BARS];
	struct vfio_resource own[RESOURCES_MAX];

	put_resources("0000:00:01.0",
		      (const struct vfio_resource[RESOURCES_MAX]){
			      [14] = {{0x10000000, 16 * KIB}, RESOURCE_MEM}},
		      17);
	PUT_RESOURCES("0000:01:00.0", {{0x10000000, 16 * KIB}, MEM});
	cr_assert_gt(vfio_read_resources(&paths, "0000:01:00.0", own, &err), 0);
	cr_assert_eq(vfio_find_neighbours(&paths, "0000:01:00.0", own, 64 * KIB, in_page, &err), 0);
	cr_expect_str_eq(in_page[0].neighbour, "a window of 0000:00:01.0");
}

Test(resource, regions_that_vfio_would_make)
{
	static const struct vfio_resource own[RESOURCES_MAX] = {
		[0] = {{0x10000000, 64 * KIB}, MEM64},
		[2] = {{0x1000, 32}, PORTS},
		[3] = {{0x10010000, 4 * KIB}, MEM},
		[4] = {{0x10020000, 4 * KIB}, PREF},
		[5] = {{0x10031000, 4 * KIB}, MEM},
		[PCI_ROM] = {{0x10040000, 64 * KIB}, RESOURCE_MEM},
	};
	static const struct vfio_in_page in_page[PCI_BARS] = {
		[4] = {.neighbour = "somebody"}, [5] = {.offset = 0x1000}};
	static const struct vfio_host_device host = {.vendor = 0x8086, .device = 0x154c};
	struct vfio_region regions[PCI_BARS + 1];
	uint8_t physical[PCI_CONFIG_SIZE];
	unsigned bar;

	vfio_predict_regions(own, in_page, 16 * KIB, regions);
	for (bar = 0; bar <= PCI_ROM; bar++) {
		cr_expect_eq(regions[bar].size, own[bar].range.size);
		cr_expect_eq(regions[bar].flags & VFIO_REGION_INFO_FLAG_MMAP,
			     bar == 0 || bar == 3 ? VFIO_REGION_INFO_FLAG_MMAP : 0, "BAR %u", bar);
		cr_expect_eq(regions[bar].msix_mappable, bar == 0 || bar == 3, "BAR %u", bar);
	}
	memset(physical, 0xff, sizeof(physical));
	vfio_predict_config(own, &host, physical);
	cr_expect_eq(pci_get32(physical, PCI_VENDOR_ID), 0x154c8086);
	cr_expect_eq(pci_get32(physical, PCI_BASE_ADDRESS_0), PCI_BASE_ADDRESS_MEM_TYPE_64);
	cr_expect_eq(pci_get32(physical, PCI_BASE_ADDRESS_1), 0);
	cr_expect_eq(pci_get32(physical, PCI_BASE_ADDRESS_2), PCI_BASE_ADDRESS_SPACE_IO);
	cr_expect_eq(pci_get32(physical, PCI_BASE_ADDRESS_3), 0);
	cr_expect_eq(pci_get32(physical, PCI_BASE_ADDRESS_4),
		     PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH);
}

static int examine(const char *device, struct vfio_report *report)
{
	struct vfio_device_options opt;
	struct vfio v;
	int ret;

	cr_assert_eq(vfio_parse_device(device, &opt, &err), 0, "%s", err.text);
	vfio_init(&v, NULL, &paths, VFIO_IOMMU_AUTO);
	ret = vfio_examine(&v, &opt, report, &err);
	vfio_close(&v);
	return ret;
}

static void refuses(const char *device, int code, const char *part)
{
	struct vfio_report report;

	cr_expect_eq(examine(device, &report), -code, "%s", err.text);
	cr_expect(strstr(err.text, part), "%s", err.text);
}

Test(examine, a_prediction, .init = make_tree, .fini = remove_tree)
{
	uint8_t config[PCI_CFG_SPACE_SIZE];
	struct vfio_report r;

	put_nvme_config(config);
	put("0000:01:00.0", "config", config, sizeof(config));
	put("0000:01:00.0", "vendor", "0x1b36\n", 7);
	PUT_RESOURCES("0000:01:00.0", {{0x10000000, 256 * KIB}, MEM64});
	cr_assert_eq(examine("01:00.0", &r), 0, "%s", err.text);
	cr_expect(r.predicted);
	cr_expect_eq(r.host.vendor, 0x1b36);
	cr_expect_eq(r.facts.entries, 65);
	cr_expect_eq(r.plan.table.offset, 0x2000);
	cr_expect_eq(r.plan.bars[0].type, PCI_BASE_ADDRESS_MEM_TYPE_64);
	cr_expect_eq(r.plan.bars[0].segments[0].kind, SEGMENT_MAP);
	cr_assert_gt(r.n_advice, 0);
	cr_expect_eq(r.advice[0].relocation, VFIO_RELOCATE_AUTO);
	cr_expect_eq(r.advice[0].table.offset, 256 * KIB);
	cr_assert_eq(examine("01:00.0,msix-relocation=auto", &r), 0, "%s", err.text);
	cr_expect(r.plan.relocated);
	refuses("01:00.0,msix-relocation=bar1", EINVAL,
		"vfio 0000:01:00.0: msix-relocation=bar1: BAR 1 is the upper half of BAR 0");
}

Test(examine, what_can_t_be_predicted, .init = make_tree, .fini = remove_tree)
{
	uint8_t config[PCI_CFG_SPACE_SIZE];

	put("0000:01:00.0", "config", "", 0);
	refuses("02:00.0", ENODEV, "vfio 0000:02:00.0: the host has no such PCI device");
	refuses("01:00.0", ENOENT, "/resource: No such file");
	PUT_RESOURCES("0000:01:00.0", {{0x10000000, 16 * KIB}, MEM64});
	put_nvme_config(config);
	put("0000:01:00.0", "config", config, 64);
	refuses("01:00.0", EACCES, "can't be read beyond 64 bytes; be root");
	config[PCI_HEADER_TYPE] = 0x80 | PCI_HEADER_TYPE_BRIDGE;
	put("0000:01:00.0", "config", config, sizeof(config));
	refuses("01:00.0", EINVAL, "vfio 0000:01:00.0: a bridge, which stays with the host");
	memset(config, 0xff, sizeof(config));
	put("0000:01:00.0", "config", config, sizeof(config));
	refuses("01:00.0", EIO, "vfio 0000:01:00.0: does not answer");
}

/* ---- a device that vfio-pci has ---- */

static void bind_device(void)
{
	char command[512];

	put(FAKE_BDF, "vendor", "0x8086\n", 7);
	PUT_RESOURCES(FAKE_BDF, {{0x10000000, 16 * KIB}, MEM64});
	snprintf(command, sizeof(command),
		 "cd %s && ln -s /drivers/vfio-pci bus/pci/devices/" FAKE_BDF
		 "/driver && mkdir -p kernel/iommu_groups/" FAKE_GROUP "/devices/" FAKE_BDF
		 " && ln -s ../../../../kernel/iommu_groups/" FAKE_GROUP
		 " bus/pci/devices/" FAKE_BDF "/iommu_group",
		 root);
	cr_assert_eq(system(command), 0);
}

static void put_file(const char *leaf)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", root, leaf);
	f = fopen(path, "w");
	cr_assert_not_null(f);
	fclose(f);
}

/* What counts is what it tells, and not its resources; and nothing of it is kept or changed. */
Test(examine, a_device_that_is_opened, .init = make_tree, .fini = remove_tree)
{
	static const struct vfio_fake_layout layout = {
		.bars[0] = {.size = 16 * KIB, .type = MEM64 & 0xf, .mmap = true},
		.n_msix = 5,
		.table = 0x1000,
		.pba = 0x2000,
		.page = 4 * KIB,
	};
	unsigned fds = open_fds();
	struct vfio_report r;

	bind_device();
	put_file("vfio");
	put_file(FAKE_GROUP);
	vfio_fake_plug(&layout);
	cr_assert_eq(examine(FAKE_BDF, &r), 0, "%s", err.text);
	cr_expect_not(r.predicted);
	cr_expect_eq(r.facts.entries, 5);
	cr_expect_not(r.facts.bars[0].msix_mappable);
	cr_expect_eq(r.plan.bars[0].n, 6);
	cr_expect_eq(fake.sets + fake.reads + fake.writes + fake.config_writes, 0);
	vfio_fake_unplug();
	cr_expect_eq(open_fds(), fds);
}

Test(examine, a_device_that_can_t_be_opened, .init = make_tree, .fini = remove_tree)
{
	bind_device();
	refuses(FAKE_BDF, ENOENT, "vfio " FAKE_BDF ": ");
}
