/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* vfio: the report on a device: what it says, why, and what it advises. */
#include <criterion/criterion.h>
#include <string.h>

#include "cmd.h"

#define MEM64 PCI_BASE_ADDRESS_MEM_TYPE_64
#define PORTS PCI_BASE_ADDRESS_SPACE_IO

static struct text text;

/* Columns matter to one test: the others see one blank for many. */
static void squeeze(void)
{
	char *to = text.data, *from = text.data;

	for (; *from; from++)
		if (*from != ' ' || to == text.data || to[-1] != ' ')
			*to++ = *from;
	*to = 0;
}

static struct vfio_report make(struct vfio_bars_facts facts)
{
	return (struct vfio_report){
		.host = {.bdf = "0000:03:00.0",
			 .driver = "vfio-pci",
			 .group = 12,
			 .vendor = 0x1b36,
			 .device = 0x10,
			 .class = 0x10802},
		.facts = facts,
	};
}

static void plan(struct vfio_report *r)
{
	struct error err = {0};

	cr_assert_eq(vfio_plan_bars(&r->facts, &r->plan, &err), 0, "%s", err.text);
	vfio_advise(r);
	text_free(&text);
	check_text(r, &text);
	cr_assert_not(text.failed);
}

static void expect(const char *part)
{
	squeeze();
	cr_expect(strstr(text.data, part), "no '%s' in:\n%s", part, text.data);
}

static void expect_not(const char *part)
{
	cr_expect_not(strstr(text.data, part), "'%s' in:\n%s", part, text.data);
}

/* QEMU's: 65 vectors, the table at 0x2000 and the pending bits at 0x3000 of the 16K BAR 0. */
static struct vfio_report nvme(uint64_t page)
{
	return make((struct vfio_bars_facts){
		.bars[0] = {.size = 16 * KIB, .type = MEM64, .mmap = true, .msix_mappable = true},
		.entries = 65,
		.table = {0, 0x2000},
		.pba = {0, 0x3000},
		.page_size = page,
	});
}

Test(report, nvme_with_the_table_beside_its_registers)
{
	struct vfio_report r = nvme(4 * KIB);

	plan(&r);
	cr_expect_str_eq(
		text.data,
		"vfio 0000:03:00.0: 1b36:0010, class 010802, group 12, bound to vfio-pci; pages of "
		"this host: 4K\n"
		"\n"
		"BAR 0: 64-bit memory, 16K\n"
		"           0x0-0x1fff            8K  mapped\n"
		"        0x2000-0x240f          1040  table    virtual, 65 vectors\n"
		"        0x2410-0x2fff          3056  trapped  in a page with the MSI-X table\n"
		"        0x3000-0x300f            16  pba      virtual\n"
		"        0x3010-0x3fff          4080  trapped  in a page with the pending bits\n"
		"\n"
		"MSI-X: 65 vectors, table in BAR 0 at 0x2000, pending bits in BAR 0 at 0x3000; the "
		"guest has a virtual table, and each access to it is an exit\n"
		"msix-relocation=auto would map 8192 more bytes (table in BAR 0 at 0x4000)\n"
		"the same with msix-relocation=bar2, bar3, bar4, bar5\n");
	text_free(&text);
	check_json(&r, &text);
	expect("{\"bdf\":\"0000:03:00.0\",\"driver\":\"vfio-pci\",\"predicted\":false,"
	       "\"page_size\":4096,\"bars\":[{\"bar\":0,\"type\":\"64-bit memory\",\"size\":16384,"
	       "\"guest_size\":16384,\"segments\":[{\"offset\":0,\"size\":8192,\"kind\":\"mapped\","
	       "\"why\":\"\"},{\"offset\":8192,\"size\":1040,\"kind\":\"table\"");
	expect("\"why\":\"in a page with the MSI-X table\"");
	expect("\"msix\":{\"vectors\":65,\"access\":\"virtual\",\"table\":{\"bar\":0,\"offset\":"
	       "8192},\"pba\":{\"bar\":0,\"offset\":12288},\"relocated\":false,\"made_direct\":0}");
	expect("\"advice\":[{\"option\":\"msix-relocation=auto\",\"host_parameter\":\"\",\"bytes\":"
	       "8192,\"table\":{\"bar\":0,\"offset\":16384}},{\"option\":\"msix-relocation=bar2\"");
}

Test(report, nvme_with_its_table_moved)
{
	struct vfio_report r = nvme(4 * KIB);

	r.facts.relocation = VFIO_RELOCATE_AUTO;
	plan(&r);
	expect("BAR 0: 64-bit memory, 16K, to the guest 32K\n"
	       " 0x0-0x3fff 16K mapped\n"
	       " 0x4000-0x440f 1040 table virtual, 65 vectors\n"
	       " 0x4410-0x441f 16 pba virtual\n"
	       " 0x4420-0x7fff 15328 empty beyond the device\n");
	expect("The table was moved, and 8192 bytes are mapped because of it.\n");
	expect_not("more bytes");
	expect_not("no msix-relocation");
	r.facts.relocation = VFIO_RELOCATE_BAR0 + 2;
	plan(&r);
	expect("BAR 2: 64-bit prefetchable memory, which the device has not, to the guest 4K\n");
}

/* A page of a 16K host holds all of it. */
Test(report, nvme_on_a_host_with_larger_pages)
{
	struct vfio_report r = nvme(16 * KIB);

	plan(&r);
	expect(" 0x0-0x1fff 8K trapped in a page with the MSI-X table and "
	       "the pending bits\n");
	expect("msix-relocation=auto would map 16384 more bytes (table in BAR 0 at 0x4000)\n");
	expect_not("pci=resource_alignment");
}

/*
 * Smaller than a page: alone neither a page of its own nor another place for the table would map
 * anything.
 */
Test(report, a_small_bar_with_the_table_in_it)
{
	struct vfio_report r = nvme(64 * KIB);

	r.facts.bars[0].mmap = r.facts.bars[0].msix_mappable = false;
	r.in_page[0] =
		(struct vfio_in_page){.offset = 0x4000, .neighbour = "BAR 1 of 0000:00:02.0"};
	plan(&r);
	expect("BAR 0: 64-bit memory, 16K, to the guest 64K\n"
	       " 0x0-0x1fff 8K trapped in a page with the MSI-X table and "
	       "the pending bits; smaller than a page of the host, begins at 0x4000 of one, shares "
	       "it with BAR 1 of 0000:00:02.0\n");
	expect(" 0x4000-0xffff 48K empty beyond the device\n");
	expect("no msix-relocation alone would map more\n"
	       "pci=resource_alignment=16@0000:03:00.0 on the host's kernel command line and "
	       "msix-relocation=auto would map 16384 more bytes (pages of their own for BAR 0; "
	       "table in BAR 0 at 0x10000)\n");
	r.in_page[0].offset = 0;
	plan(&r);
	expect("smaller than a page of the host, shares it with BAR 1 of 0000:00:02.0\n");
	*r.in_page[0].neighbour = 0;
	plan(&r);
	expect("smaller than a page of the host, which the kernel could not reserve for it\n");
	r.facts.relocation = VFIO_RELOCATE_AUTO;
	plan(&r);
	expect("pci=resource_alignment=16@0000:03:00.0 on the host's kernel command line would map "
	       "16384 more bytes (pages of their own for BAR 0)\n");
	text_free(&text);
	check_json(&r, &text);
	expect("\"advice\":[{\"option\":\"\",\"host_parameter\":\"pci=resource_alignment=16@"
	       "0000:03:00.0\",\"bytes\":16384,");
}

/* The registers and the table in BARs of their own, both smaller than a page, side by side. */
Test(report, small_bars_that_share_a_page)
{
	struct vfio_report r = make((struct vfio_bars_facts){
		.bars[0] = {.size = 8 * KIB, .type = MEM64},
		.bars[4] = {.size = 4 * KIB},
		.entries = 32,
		.table = {4, 0},
		.pba = {4, 0x800},
		.page_size = 16 * KIB,
	});

	strcpy(r.in_page[0].neighbour, "BAR 4 of 0000:03:00.0");
	plan(&r);
	expect(" 0x0-0x1fff 8K trapped smaller than a page of the host, "
	       "shares it with BAR 4 of 0000:03:00.0\n");
	expect("no msix-relocation alone would map more\n"
	       "pci=resource_alignment=14@0000:03:00.0 on the host's kernel command line would map "
	       "8192 more bytes (pages of their own for BAR 0, 4)\n"
	       "pci=resource_alignment=14@0000:03:00.0 on the host's kernel command line and "
	       "msix-relocation=auto would map 12288 more bytes (pages of their own for BAR 0, 4; "
	       "table in BAR 4 at 0x4000)\n");
}

Test(report, small_bars_with_a_page_each)
{
	struct vfio_report r = make((struct vfio_bars_facts){
		.bars[0] = {.size = 4 * KIB, .type = MEM64, .mmap = true},
		.page_size = 16 * KIB,
	});

	plan(&r);
	expect("BAR 0: 64-bit memory, 4K, to the guest 16K\n"
	       " 0x0-0x3fff 16K mapped alone in its page\n");
	expect("\nno MSI-X\n");
	expect_not("would map");
	r.facts.subpage = VFIO_SUBPAGE_EXACT;
	plan(&r);
	expect("BAR 0: 64-bit memory, 4K\n"
	       " 0x0-0xfff 4K mapped while the guest has it alone at a "
	       "page's beginning\n");
}

/* ---- SAS3008: 64K BAR 1 with table and PBA at its end, 256K BAR 3; 96 vectors ---- */

static struct vfio_report sas3008(void)
{
	return make((struct vfio_bars_facts){
		.bars[1] = {.size = 64 * KIB, .type = MEM64, .mmap = true, .msix_mappable = true},
		.bars[3] = {.size = 256 * KIB, .type = MEM64, .mmap = true},
		.bars[PCI_ROM] = {.size = 1024 * KIB},
		.entries = 96,
		.table = {1, 0xe000},
		.pba = {1, 0xf000},
		.page_size = 64 * KIB,
	});
}

Test(report, sas3008_on_a_64k_host)
{
	struct vfio_report r = sas3008();

	plan(&r);
	expect(" 0x0-0xdfff 56K trapped in a page with the MSI-X table and "
	       "the pending bits\n");
	expect("BAR 3: 64-bit memory, 256K\n 0x0-0x3ffff 256K mapped\n");
	expect("\nexpansion ROM, 1M\n"
	       " 0x0-0xfffff 1M trapped the kernel maps no ROM\n");
	expect("msix-relocation=auto would map 65536 more bytes (table in BAR 1 at 0x10000)\n"
	       "the same with msix-relocation=bar0, bar3, bar5\n");
}

Test(report, the_devices_own_table_on_power)
{
	struct vfio_report r = sas3008();

	r.facts.maps_msix = true;
	plan(&r);
	expect(" 0x0-0xffff 64K mapped the device's own MSI-X table with "
	       "it\n");
	expect("the guest has the device's own table, and reaches it directly\n"
	       "no msix-relocation alone would map more\n");
	text_free(&text);
	check_json(&r, &text);
	expect("\"access\":\"direct\"");
}

Test(report, a_kernel_before_4_16)
{
	struct vfio_report r = sas3008();

	r.facts.bars[1].msix_mappable = false;
	r.facts.page_size = 4 * KIB;
	plan(&r);
	expect(" 0xe600-0xefff 2560 trapped in a page with the MSI-X table; the "
	       "kernel maps no page of the device's own table; Linux 4.16 does\n");
	expect(" 0xf010-0xffff 4080 trapped in a page with the pending bits\n");
	expect("msix-relocation=auto would map 4096 more bytes (table in BAR 1 at 0x10000)\n");
	r.facts.page_size = 64 * KIB;
	plan(&r);
	expect("no msix-relocation alone would map more\n");
}

/* BAR 1 can't grow, and nothing is free above BAR 4: `auto` has no place, a named BAR may be one.
 */
Test(report, no_place_that_no_driver_minds)
{
	struct vfio_report r = make((struct vfio_bars_facts){
		.bars[1] = {.size = 2 * GIB, .mmap = true, .msix_mappable = true},
		.bars[4] = {.size = 64 * KIB, .type = MEM64, .mmap = true},
		.entries = 8,
		.table = {1, 0},
		.pba = {1, 0x80},
		.page_size = 4 * KIB,
	});

	plan(&r);
	expect("msix-relocation=bar0 would map 4096 more bytes (table in BAR 0, which the device "
	       "has "
	       "not, at 0x0)\nthe same with msix-relocation=bar2, bar3, bar4\n");
}

/* RTL8168: a back door at 0x70 of BAR 2, the table in BAR 4. */
Test(report, a_back_door)
{
	struct vfio_report r = make((struct vfio_bars_facts){
		.bars[2] = {.size = 8 * KIB, .mmap = true, .quirk = {0x70, 8}},
		.bars[4] = {.size = 16 * KIB, .mmap = true, .msix_mappable = true},
		.entries = 4,
		.table = {4, 0},
		.pba = {4, 0x800},
		.page_size = 4 * KIB,
	});

	plan(&r);
	expect(" 0x0-0x6f 112 trapped in a page with a back door to the MSI-X table\n"
	       " 0x70-0x77 8 quirk a back door to the MSI-X table\n"
	       " 0x78-0xfff 3976 trapped in a page with a back door to the MSI-X table\n"
	       " 0x1000-0x1fff 4K mapped\n");
}

Test(report, other_reasons)
{
	struct vfio_report r = make((struct vfio_bars_facts){
		.bars[0] = {.size = 256, .type = PORTS},
		.bars[2] = {.size = 64 * KIB, .type = PCI_BASE_ADDRESS_MEM_PREFETCH},
		.bars[3] = {.size = 64 * KIB,
			    .mmap = true,
			    .sparse = {{0, 0x4000}, {0x8000, 0x8000}},
			    .n_sparse = 2},
		.page_size = 4 * KIB,
	});

	plan(&r);
	expect("BAR 0: I/O ports, 256\n"
	       " 0x0-0xff 256 trapped ports are not mapped\n");
	expect("BAR 2: 32-bit prefetchable memory, 64K\n"
	       " 0x0-0xffff 64K trapped the kernel does not let it be "
	       "mapped\n");
	expect(" 0x4000-0x7fff 16K trapped outside of what the host's driver "
	       "lets "
	       "be mapped\n");
	r.predicted = true;
	*r.host.driver = 0;
	r.host.group = -1;
	plan(&r);
	expect("in no IOMMU group, bound to no driver; pages of this host: 4K\npredicted from "
	       "sysfs; "
	       "VFIO itself is asked after: carillon vfio bind 0000:03:00.0\n");
}
