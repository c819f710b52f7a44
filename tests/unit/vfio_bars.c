/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* vfio: the BAR plan of devices that there are, their segments written out. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "vfio.h"

#define MEM32 0u
#define MEM64 PCI_BASE_ADDRESS_MEM_TYPE_64
#define PREF  PCI_BASE_ADDRESS_MEM_PREFETCH
#define PORTS PCI_BASE_ADDRESS_SPACE_IO

static struct vfio_bars_plan plan;
static struct error err;

/* The kernel lets memory BARs be mmapped, and the BAR of the table as a whole since Linux 4.16. */
static void has_bar(struct vfio_bars_facts *f, unsigned bar, uint64_t size, uint32_t type)
{
	f->bars[bar] = (struct vfio_bar_facts){.size = size, .type = type, .mmap = type != PORTS};
}

static void has_msix(struct vfio_bars_facts *f, unsigned entries, struct vfio_place table,
		     struct vfio_place pba)
{
	f->entries = entries;
	f->table = table;
	f->pba = pba;
	f->bars[table.bar].msix_mappable = true;
}

static void plan_it(const struct vfio_bars_facts *f)
{
	err = (struct error){0};
	cr_assert_eq(vfio_plan_bars(f, &plan, &err), 0, "%s", err.text);
}

static void expect_error(const struct vfio_bars_facts *f, int code, const char *text)
{
	err = (struct error){0};
	cr_assert_eq(vfio_plan_bars(f, &plan, &err), -code, "%s", err.text);
	cr_assert(strstr(err.text, text), "%s", err.text);
}

/* Segments follow each other: kind and size say all. */
struct piece {
	enum vfio_segment_kind kind;
	uint64_t size;
};

static void expect_bar(unsigned bar, uint32_t type, const struct piece *want, unsigned n)
{
	const struct vfio_bar_plan *b = &plan.bars[bar];
	uint64_t at = 0;
	unsigned i;

	cr_expect_eq(b->type, type, "BAR %u: type 0x%x", bar, b->type);
	cr_assert_eq(b->n, n, "BAR %u: %u segments", bar, b->n);
	for (i = 0; i < n; i++) {
		bool own = want[i].kind == SEGMENT_MAP || want[i].kind == SEGMENT_DIRECT ||
			   want[i].kind == SEGMENT_QUIRK;

		cr_expect_eq(b->segments[i].kind, want[i].kind, "BAR %u, segment %u", bar, i);
		cr_expect_eq(b->segments[i].offset, at, "BAR %u, segment %u", bar, i);
		cr_expect_eq(b->segments[i].size, want[i].size, "BAR %u, segment %u", bar, i);
		cr_expect_eq(b->segments[i].physical, own ? at : 0, "BAR %u, segment %u", bar, i);
		at += want[i].size;
	}
	cr_expect_eq(b->size, at, "BAR %u", bar);
}

#define EXPECT_BAR(bar, type, ...)                                 \
	expect_bar(bar, type, (const struct piece[]){__VA_ARGS__}, \
		   ARRAY_SIZE(((const struct piece[]){__VA_ARGS__})))

static void expect_place(struct vfio_place got, unsigned bar, uint64_t offset)
{
	cr_expect(got.bar == bar && got.offset == offset, "BAR %u, 0x%llx", got.bar,
		  (unsigned long long)got.offset);
}

/* ---- NVMe: QEMU's, 65 vectors, table at 0x2000 and PBA at 0x3000 of the 16K BAR0 ---- */

static struct vfio_bars_facts nvme(uint64_t page)
{
	struct vfio_bars_facts f = {.page_size = page};

	has_bar(&f, 0, 16 * KIB, MEM64);
	has_msix(&f, 65, (struct vfio_place){0, 0x2000}, (struct vfio_place){0, 0x3000});
	return f;
}

Test(bar_plan, nvme_with_the_table_beside_its_registers)
{
	struct vfio_bars_facts f = nvme(4 * KIB);

	plan_it(&f);
	EXPECT_BAR(0, MEM64, {SEGMENT_MAP, 0x2000}, {SEGMENT_TABLE, 0x410}, {SEGMENT_DIRECT, 0xbf0},
		   {SEGMENT_PBA, 0x10}, {SEGMENT_DIRECT, 0xff0});
	expect_place(plan.table, 0, 0x2000);
	expect_place(plan.pba, 0, 0x3000);
	cr_expect_eq(plan.bars[1].size, 0);
}

/* One page of a 16K host, less than one of a 64K host: nothing is mapped, nothing is lost. */
Test(bar_plan, nvme_on_hosts_with_larger_pages)
{
	struct vfio_bars_facts f = nvme(16 * KIB);

	plan_it(&f);
	EXPECT_BAR(0, MEM64, {SEGMENT_DIRECT, 0x2000}, {SEGMENT_TABLE, 0x410},
		   {SEGMENT_DIRECT, 0xbf0}, {SEGMENT_PBA, 0x10}, {SEGMENT_DIRECT, 0xff0});
	f.page_size = 64 * KIB;
	plan_it(&f);
	EXPECT_BAR(0, MEM64, {SEGMENT_DIRECT, 0x2000}, {SEGMENT_TABLE, 0x410},
		   {SEGMENT_DIRECT, 0xbf0}, {SEGMENT_PBA, 0x10}, {SEGMENT_DIRECT, 0xff0},
		   {SEGMENT_EMPTY, 0xc000});
	f.subpage = VFIO_SUBPAGE_EXACT;
	plan_it(&f);
	EXPECT_BAR(0, MEM64, {SEGMENT_DIRECT, 0x2000}, {SEGMENT_TABLE, 0x410},
		   {SEGMENT_DIRECT, 0xbf0}, {SEGMENT_PBA, 0x10}, {SEGMENT_DIRECT, 0xff0});
}

Test(bar_plan, nvme_with_its_table_moved)
{
	struct vfio_bars_facts f = nvme(4 * KIB);

	f.relocation = VFIO_RELOCATE_AUTO;
	plan_it(&f);
	EXPECT_BAR(0, MEM64, {SEGMENT_MAP, 0x4000}, {SEGMENT_TABLE, 0x410}, {SEGMENT_PBA, 0x10},
		   {SEGMENT_EMPTY, 0x3be0});
	expect_place(plan.table, 0, 0x4000);
	expect_place(plan.pba, 0, 0x4410);
	cr_expect(plan.relocated);
	cr_expect_eq(plan.made_direct, 0x2000);

	/* A guest with larger pages than the host's can map what is not the table, too. */
	f.guest_page = 64 * KIB;
	plan_it(&f);
	EXPECT_BAR(0, MEM64, {SEGMENT_MAP, 0x4000}, {SEGMENT_EMPTY, 0xc000}, {SEGMENT_TABLE, 0x410},
		   {SEGMENT_PBA, 0x10}, {SEGMENT_EMPTY, 0xfbe0});
	expect_place(plan.table, 0, 0x10000);

	/* On a 64K host the kernel maps the whole page, in which there is nobody else. */
	f.page_size = 64 * KIB;
	plan_it(&f);
	EXPECT_BAR(0, MEM64, {SEGMENT_MAP, 0x10000}, {SEGMENT_TABLE, 0x410}, {SEGMENT_PBA, 0x10},
		   {SEGMENT_EMPTY, 0xfbe0});
	cr_expect_eq(plan.made_direct, 0x4000);
	f.subpage = VFIO_SUBPAGE_EXACT;
	plan_it(&f);
	EXPECT_BAR(0, MEM64, {SEGMENT_MAP, 0x10000}, {SEGMENT_TABLE, 0x410}, {SEGMENT_PBA, 0x10},
		   {SEGMENT_EMPTY, 0xfbe0});
}

/* Not without MSI-X, nor where the table is mapped anyway. */
Test(bar_plan, auto_moves_nothing_without_need)
{
	struct vfio_bars_facts f = nvme(4 * KIB);

	f.relocation = VFIO_RELOCATE_AUTO;
	f.maps_msix = true;
	plan_it(&f);
	cr_expect_not(plan.relocated);
	cr_expect_eq(plan.made_direct, 0);
	EXPECT_BAR(0, MEM64, {SEGMENT_MAP, 0x4000});
	expect_place(plan.table, 0, 0x2000);
	f.entries = 0;
	f.maps_msix = false;
	plan_it(&f);
	cr_expect_not(plan.relocated);
	EXPECT_BAR(0, MEM64, {SEGMENT_MAP, 0x4000});
}

/* In a BAR of their own table and PBA are in nobody's way that we know of: the others stay. */
Test(bar_plan, a_bar_for_the_table_alone)
{
	struct vfio_bars_facts f = {.page_size = 4 * KIB};

	has_bar(&f, 0, 16 * KIB, MEM64);
	has_bar(&f, 4, 8 * KIB, MEM32);
	has_msix(&f, 65, (struct vfio_place){4, 0}, (struct vfio_place){4, 0x1000});
	plan_it(&f);
	EXPECT_BAR(0, MEM64, {SEGMENT_MAP, 0x4000});
	EXPECT_BAR(4, MEM32, {SEGMENT_TABLE, 0x410}, {SEGMENT_DIRECT, 0xbf0}, {SEGMENT_PBA, 0x10},
		   {SEGMENT_DIRECT, 0xff0});
	f.relocation = VFIO_RELOCATE_AUTO;
	plan_it(&f);
	EXPECT_BAR(0, MEM64, {SEGMENT_MAP, 0x4000});
	EXPECT_BAR(4, MEM32, {SEGMENT_MAP, 0x2000}, {SEGMENT_TABLE, 0x410}, {SEGMENT_PBA, 0x10},
		   {SEGMENT_EMPTY, 0x1be0});
}

/* PBA and table in different BARs: both pages are freed. */
Test(bar_plan, a_pba_in_another_bar)
{
	struct vfio_bars_facts f = {.page_size = 16 * KIB};

	has_bar(&f, 0, 32 * KIB, MEM32);
	has_bar(&f, 1, 64 * KIB, MEM32);
	has_msix(&f, 65, (struct vfio_place){1, 0x4000}, (struct vfio_place){0, 0x100});
	plan_it(&f);
	EXPECT_BAR(0, MEM32, {SEGMENT_DIRECT, 0x100}, {SEGMENT_PBA, 0x10}, {SEGMENT_DIRECT, 0x3ef0},
		   {SEGMENT_MAP, 0x4000});
	EXPECT_BAR(1, MEM32, {SEGMENT_MAP, 0x4000}, {SEGMENT_TABLE, 0x410},
		   {SEGMENT_DIRECT, 0x3bf0}, {SEGMENT_MAP, 0x8000});
	f.relocation = VFIO_RELOCATE_AUTO;
	plan_it(&f);
	EXPECT_BAR(0, MEM32, {SEGMENT_MAP, 0x8000});
	EXPECT_BAR(1, MEM32, {SEGMENT_MAP, 0x10000}, {SEGMENT_TABLE, 0x410}, {SEGMENT_PBA, 0x10},
		   {SEGMENT_EMPTY, 0xfbe0});
	cr_expect_eq(plan.made_direct, 0x8000);
	/* Where the table is mapped, its pending bits are the device's too. */
	f.relocation = VFIO_RELOCATE_OFF;
	f.maps_msix = true;
	plan_it(&f);
	EXPECT_BAR(0, MEM32, {SEGMENT_MAP, 0x8000});
	EXPECT_BAR(1, MEM32, {SEGMENT_MAP, 0x10000});
}

/* ---- SAS3008: 64K BAR1 with table and PBA at its end, 256K BAR3; 96 vectors ---- */

static struct vfio_bars_facts sas3008(uint64_t page)
{
	struct vfio_bars_facts f = {.page_size = page};

	has_bar(&f, 1, 64 * KIB, MEM64);
	has_bar(&f, 3, 256 * KIB, MEM64);
	has_msix(&f, 96, (struct vfio_place){1, 0xe000}, (struct vfio_place){1, 0xf000});
	return f;
}

Test(bar_plan, sas3008)
{
	struct vfio_bars_facts f = sas3008(4 * KIB);

	plan_it(&f);
	EXPECT_BAR(1, MEM64, {SEGMENT_MAP, 0xe000}, {SEGMENT_TABLE, 0x600}, {SEGMENT_DIRECT, 0xa00},
		   {SEGMENT_PBA, 0x10}, {SEGMENT_DIRECT, 0xff0});
	EXPECT_BAR(3, MEM64, {SEGMENT_MAP, 256 * KIB});
	f.page_size = 64 * KIB;
	plan_it(&f);
	EXPECT_BAR(1, MEM64, {SEGMENT_DIRECT, 0xe000}, {SEGMENT_TABLE, 0x600},
		   {SEGMENT_DIRECT, 0xa00}, {SEGMENT_PBA, 0x10}, {SEGMENT_DIRECT, 0xff0});
	EXPECT_BAR(3, MEM64, {SEGMENT_MAP, 256 * KIB});
	/* As POWER has it. */
	f.maps_msix = true;
	plan_it(&f);
	EXPECT_BAR(1, MEM64, {SEGMENT_MAP, 64 * KIB});
	/* There too a kernel before 4.16 maps no page of the table. */
	f.bars[1].msix_mappable = false;
	plan_it(&f);
	EXPECT_BAR(1, MEM64, {SEGMENT_DIRECT, 0xe000}, {SEGMENT_TABLE, 0x600},
		   {SEGMENT_DIRECT, 0xa00}, {SEGMENT_PBA, 0x10}, {SEGMENT_DIRECT, 0xff0});
}

Test(bar_plan, sas3008_with_its_table_moved)
{
	struct vfio_bars_facts f = sas3008(64 * KIB);

	f.relocation = VFIO_RELOCATE_AUTO;
	plan_it(&f);
	/* The old place is a page as good as any; the first BAR is still BAR1. */
	EXPECT_BAR(1, MEM64, {SEGMENT_MAP, 0x10000}, {SEGMENT_TABLE, 0x600}, {SEGMENT_PBA, 0x10},
		   {SEGMENT_EMPTY, 0xf9f0});
	EXPECT_BAR(3, MEM64, {SEGMENT_MAP, 256 * KIB});
	expect_place(plan.table, 1, 0x10000);
	expect_place(plan.pba, 1, 0x10600);
	cr_expect_eq(plan.made_direct, 64 * KIB);
	cr_expect_eq(plan.bars[0].size, 0);
	cr_expect_eq(plan.bars[5].size, 0);

	f.relocation = VFIO_RELOCATE_BAR5;
	plan_it(&f);
	EXPECT_BAR(1, MEM64, {SEGMENT_MAP, 64 * KIB});
	EXPECT_BAR(3, MEM64, {SEGMENT_MAP, 256 * KIB});
	EXPECT_BAR(5, MEM32 | PREF, {SEGMENT_TABLE, 0x600}, {SEGMENT_PBA, 0x10},
		   {SEGMENT_EMPTY, 0xf9f0});
	cr_expect_eq(plan.made_direct, 64 * KIB);

	/* Whoever asks for it gets it. */
	f.relocation = VFIO_RELOCATE_BAR0;
	plan_it(&f);
	EXPECT_BAR(0, MEM32 | PREF, {SEGMENT_TABLE, 0x600}, {SEGMENT_PBA, 0x10},
		   {SEGMENT_EMPTY, 0xf9f0});
	EXPECT_BAR(1, MEM64, {SEGMENT_MAP, 64 * KIB});

	f.relocation = VFIO_RELOCATE_BAR0 + 3;
	plan_it(&f);
	EXPECT_BAR(1, MEM64, {SEGMENT_MAP, 64 * KIB});
	EXPECT_BAR(3, MEM64, {SEGMENT_MAP, 256 * KIB}, {SEGMENT_TABLE, 0x600}, {SEGMENT_PBA, 0x10},
		   {SEGMENT_EMPTY, 0x3f9f0});
}

/* A kernel that maps no page of the table: to move the table makes nothing direct. */
Test(bar_plan, sas3008_before_linux_4_16)
{
	struct vfio_bars_facts f = sas3008(64 * KIB);

	f.bars[1].msix_mappable = false;
	f.relocation = VFIO_RELOCATE_AUTO;
	plan_it(&f);
	cr_expect_not(plan.relocated);
	f.relocation = VFIO_RELOCATE_BAR0 + 1;
	plan_it(&f);
	EXPECT_BAR(1, MEM64, {SEGMENT_DIRECT, 0x10000}, {SEGMENT_TABLE, 0x600}, {SEGMENT_PBA, 0x10},
		   {SEGMENT_EMPTY, 0xf9f0});
	cr_expect(plan.relocated);
	cr_expect_eq(plan.made_direct, 0);
	/* With small pages it is one page, beside the PBA's that is freed. */
	f.page_size = 4 * KIB;
	plan_it(&f);
	EXPECT_BAR(1, MEM64, {SEGMENT_MAP, 0xe000}, {SEGMENT_DIRECT, 0x1000}, {SEGMENT_MAP, 0x1000},
		   {SEGMENT_TABLE, 0x600}, {SEGMENT_PBA, 0x10}, {SEGMENT_EMPTY, 0xf9f0});
	cr_expect_eq(plan.made_direct, 0x1000);
}

/* ---- tables that begin or end inside a page ---- */

static struct vfio_bars_facts one_bar(uint64_t size, uint64_t table, unsigned entries, uint64_t pba)
{
	struct vfio_bars_facts f = {.page_size = 4 * KIB};

	has_bar(&f, 0, size, MEM32);
	has_msix(&f, entries, (struct vfio_place){0, table}, (struct vfio_place){0, pba});
	return f;
}

Test(bar_plan, a_table_at_0x5200_of_64k)
{
	struct vfio_bars_facts f = one_bar(64 * KIB, 0x5200, 32, 0x5400);

	plan_it(&f);
	EXPECT_BAR(0, MEM32, {SEGMENT_MAP, 0x5000}, {SEGMENT_DIRECT, 0x200}, {SEGMENT_TABLE, 0x200},
		   {SEGMENT_PBA, 8}, {SEGMENT_DIRECT, 0xbf8}, {SEGMENT_MAP, 0xa000});
	f.page_size = 16 * KIB;
	plan_it(&f);
	EXPECT_BAR(0, MEM32, {SEGMENT_MAP, 0x4000}, {SEGMENT_DIRECT, 0x1200},
		   {SEGMENT_TABLE, 0x200}, {SEGMENT_PBA, 8}, {SEGMENT_DIRECT, 0x2bf8},
		   {SEGMENT_MAP, 0x8000});
	f.page_size = 64 * KIB;
	plan_it(&f);
	EXPECT_BAR(0, MEM32, {SEGMENT_DIRECT, 0x5200}, {SEGMENT_TABLE, 0x200}, {SEGMENT_PBA, 8},
		   {SEGMENT_DIRECT, 0xabf8});
}

Test(bar_plan, a_table_at_0x1f00_that_crosses_a_page)
{
	struct vfio_bars_facts f = one_bar(32 * KIB, 0x1f00, 32, 0x7000);

	plan_it(&f);
	EXPECT_BAR(0, MEM32, {SEGMENT_MAP, 0x1000}, {SEGMENT_DIRECT, 0xf00}, {SEGMENT_TABLE, 0x200},
		   {SEGMENT_DIRECT, 0xf00}, {SEGMENT_MAP, 0x4000}, {SEGMENT_PBA, 8},
		   {SEGMENT_DIRECT, 0xff8});
	f.page_size = 16 * KIB;
	plan_it(&f);
	EXPECT_BAR(0, MEM32, {SEGMENT_DIRECT, 0x1f00}, {SEGMENT_TABLE, 0x200},
		   {SEGMENT_DIRECT, 0x4f00}, {SEGMENT_PBA, 8}, {SEGMENT_DIRECT, 0xff8});
	f.relocation = VFIO_RELOCATE_AUTO;
	f.page_size = 4 * KIB;
	plan_it(&f);
	/* The hole is not cut again, neither at its old place nor at the new one. */
	EXPECT_BAR(0, MEM32, {SEGMENT_MAP, 0x8000}, {SEGMENT_TABLE, 0x200}, {SEGMENT_PBA, 8},
		   {SEGMENT_EMPTY, 0x7df8});
	cr_expect_eq(plan.made_direct, 0x3000);
}

/* ---- RTL8168: I/O BAR0, 4K BAR2 with a back door at 0x70, table in BAR4 ---- */

Test(bar_plan, rtl8168)
{
	struct vfio_bars_facts f = {.page_size = 4 * KIB};

	has_bar(&f, 0, 256, PORTS);
	has_bar(&f, 2, 4 * KIB, MEM64);
	has_bar(&f, 4, 16 * KIB, MEM64 | PREF);
	has_msix(&f, 4, (struct vfio_place){4, 0}, (struct vfio_place){4, 0x800});
	f.bars[2].quirk = (struct range){0x70, 8};
	plan_it(&f);
	EXPECT_BAR(0, PORTS, {SEGMENT_DIRECT, 256});
	EXPECT_BAR(2, MEM64, {SEGMENT_DIRECT, 0x70}, {SEGMENT_QUIRK, 8}, {SEGMENT_DIRECT, 0xf88});
	EXPECT_BAR(4, MEM64 | PREF, {SEGMENT_TABLE, 0x40}, {SEGMENT_DIRECT, 0x7c0},
		   {SEGMENT_PBA, 8}, {SEGMENT_DIRECT, 0x7f8}, {SEGMENT_MAP, 0x3000});
	f.page_size = 16 * KIB;
	plan_it(&f);
	EXPECT_BAR(0, PORTS, {SEGMENT_DIRECT, 256});
	EXPECT_BAR(2, MEM64, {SEGMENT_DIRECT, 0x70}, {SEGMENT_QUIRK, 8}, {SEGMENT_DIRECT, 0xf88},
		   {SEGMENT_EMPTY, 0x3000});
}

/* ---- other BARs ---- */

Test(bar_plan, plain_bars)
{
	struct vfio_bars_facts f = {.page_size = 4 * KIB};

	has_bar(&f, 0, GIB, MEM64 | PREF);
	has_bar(&f, 2, 4 * KIB, MEM32);
	f.bars[2].mmap = false;
	f.bars[PCI_ROM].size = 128 * KIB;
	plan_it(&f);
	EXPECT_BAR(0, MEM64 | PREF, {SEGMENT_MAP, GIB});
	EXPECT_BAR(2, MEM32, {SEGMENT_DIRECT, 4 * KIB});
	EXPECT_BAR(PCI_ROM, 0, {SEGMENT_DIRECT, 128 * KIB});
}

/* The kernel maps it only if it is alone in its page, and then all of the page. */
Test(bar_plan, bars_smaller_than_a_page)
{
	struct vfio_bars_facts f = {.page_size = 16 * KIB};

	has_bar(&f, 0, 4 * KIB, MEM32);
	has_bar(&f, 1, 4 * KIB, MEM32);
	has_bar(&f, 2, 0x20, PORTS);
	f.bars[1].mmap = false;
	f.bars[PCI_ROM].size = 2 * KIB;
	plan_it(&f);
	EXPECT_BAR(0, MEM32, {SEGMENT_MAP, 16 * KIB});
	EXPECT_BAR(1, MEM32, {SEGMENT_DIRECT, 4 * KIB}, {SEGMENT_EMPTY, 12 * KIB});
	EXPECT_BAR(2, PORTS, {SEGMENT_DIRECT, 0x20});
	EXPECT_BAR(PCI_ROM, 0, {SEGMENT_DIRECT, 2 * KIB}, {SEGMENT_EMPTY, 14 * KIB});
	f.subpage = VFIO_SUBPAGE_EXACT;
	plan_it(&f);
	EXPECT_BAR(0, MEM32, {SEGMENT_MAP, 4 * KIB});
	EXPECT_BAR(1, MEM32, {SEGMENT_DIRECT, 4 * KIB});
	EXPECT_BAR(2, PORTS, {SEGMENT_DIRECT, 0x20});
	EXPECT_BAR(PCI_ROM, 0, {SEGMENT_DIRECT, 2 * KIB});
}

/* Some drivers of the host report what there is and leave the power of two to us. */
Test(bar_plan, a_region_that_is_no_power_of_two)
{
	struct vfio_bars_facts f = {.page_size = 64 * KIB};

	has_bar(&f, 2, 0x2f0800, MEM64 | PREF);
	plan_it(&f);
	EXPECT_BAR(2, MEM64 | PREF, {SEGMENT_MAP, 0x2f0000}, {SEGMENT_DIRECT, 0x800},
		   {SEGMENT_EMPTY, 0x10f800});
}

Test(bar_plan, sparse_areas)
{
	struct vfio_bars_facts f = {.page_size = 4 * KIB};

	has_bar(&f, 0, 64 * KIB, MEM32);
	f.bars[0].n_sparse = 2;
	f.bars[0].sparse[0] = (struct range){0, 0x4000};
	f.bars[0].sparse[1] = (struct range){0x5800, 0x2800};
	plan_it(&f);
	EXPECT_BAR(0, MEM32, {SEGMENT_MAP, 0x4000}, {SEGMENT_DIRECT, 0x2000}, {SEGMENT_MAP, 0x2000},
		   {SEGMENT_DIRECT, 0x8000});
}

/* ---- what can't be ---- */

Test(bar_plan, a_lying_capability_is_refused)
{
	struct vfio_bars_facts f = one_bar(4 * KIB, 0xff0, 2, 0);

	expect_error(&f, EINVAL, "table reaches beyond BAR 0");
	f = one_bar(4 * KIB, 0, 2, 0x18);
	expect_error(&f, EINVAL,
		     "PBA reaches beyond BAR 0 or into the table; msix-relocation=auto");
	f.pba = (struct vfio_place){3, 0};
	expect_error(&f, EINVAL, "PBA reaches beyond BAR 3");
	f.pba.bar = 7;
	expect_error(&f, EINVAL, "PBA reaches beyond BAR 7");
	f.table.bar = 6;
	expect_error(&f, EINVAL, "table reaches beyond BAR 6");
}

/* A relocated PBA is a good one, wherever the device believes its own to be. */
Test(bar_plan, auto_replaces_a_false_pba)
{
	struct vfio_bars_facts f = one_bar(4 * KIB, 0, 256, 0x8000);

	f.relocation = VFIO_RELOCATE_AUTO;
	plan_it(&f);
	EXPECT_BAR(0, MEM32, {SEGMENT_MAP, 0x1000}, {SEGMENT_EMPTY, 0x1000},
		   {SEGMENT_TABLE, 0x1000}, {SEGMENT_PBA, 0x20}, {SEGMENT_EMPTY, 0xfe0});
	expect_place(plan.pba, 0, 0x3000);
}

Test(relocation, auto_takes_the_next_best)
{
	struct vfio_bars_facts f = {.page_size = 4 * KIB, .relocation = VFIO_RELOCATE_AUTO};

	/* An offset in the capability has 32 bits. */
	has_bar(&f, 0, 4 * GIB, MEM64 | PREF);
	has_msix(&f, 8, (struct vfio_place){0, 0x1000}, (struct vfio_place){0, 0x1080});
	plan_it(&f);
	expect_place(plan.table, 2, 0);
	EXPECT_BAR(2, MEM64 | PREF, {SEGMENT_TABLE, 0x80}, {SEGMENT_PBA, 8},
		   {SEGMENT_EMPTY, 0xf78});
	has_bar(&f, 4, 4 * KIB, MEM32);
	plan_it(&f);
	expect_place(plan.table, 5, 0);
	cr_expect_eq(plan.bars[5].type, MEM32 | PREF);
	f.bars[4].type = MEM64;
	expect_error(&f, ENOSPC, "BAR 0 can't be extended and no BAR above");
	f.bars[0].size = 2 * GIB;
	plan_it(&f);
	expect_place(plan.table, 0, 2 * GIB);
	f.bars[0].type = MEM32;
	expect_error(&f, ENOSPC, "BAR 0 can't be extended and no BAR above");
	f.bars[0].size = GIB;
	plan_it(&f);
	expect_place(plan.table, 0, GIB);
}

Test(relocation, what_is_asked_for_and_cannot_be)
{
	struct vfio_bars_facts f = {.page_size = 4 * KIB};

	has_bar(&f, 0, 16 * KIB, MEM64);
	has_bar(&f, 2, 32, PORTS);
	has_bar(&f, 3, 2 * GIB, MEM32);
	has_msix(&f, 8, (struct vfio_place){0, 0}, (struct vfio_place){0, 0x80});
	f.relocation = VFIO_RELOCATE_BAR0 + 1;
	expect_error(&f, EINVAL,
		     "bar1: BAR 1 is the upper half of BAR 0; use msix-relocation=bar0");
	f.relocation = VFIO_RELOCATE_BAR0 + 2;
	expect_error(&f, EINVAL, "bar2: BAR 2 has I/O ports");
	f.relocation = VFIO_RELOCATE_BAR0 + 3;
	expect_error(&f, EINVAL, "bar3: BAR 3 of 2G is too large to be extended");
	f.relocation = VFIO_RELOCATE_BAR0 + 4;
	plan_it(&f);
	cr_expect_eq(plan.bars[4].type, MEM64 | PREF);
	f.relocation = VFIO_RELOCATE_BAR5;
	plan_it(&f);
	cr_expect_eq(plan.bars[5].type, MEM32 | PREF);
	f.entries = 0;
	expect_error(&f, EINVAL, "has no MSI-X table");
}
