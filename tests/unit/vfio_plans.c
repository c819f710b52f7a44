/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* vfio: the BAR plan, the IOVA and memory-lock checks, option parsing. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vfio.h"

static void expect(const struct vfio_bar_facts *f, const struct vfio_segment *want, int n)
{
	struct vfio_segment got[VFIO_SEGMENTS_MAX];
	struct error err = {0};
	int i;

	cr_assert_eq(vfio_plan_bar(f, got, &err), n, "%s", err.text);
	for (i = 0; i < n; i++) {
		cr_assert_eq(got[i].kind, want[i].kind, "segment %d", i);
		cr_assert_eq(got[i].offset, want[i].offset, "segment %d", i);
		cr_assert_eq(got[i].size, want[i].size, "segment %d", i);
		cr_assert_eq(got[i].physical, want[i].offset, "segment %d", i);
	}
}

/* QEMU's nvme: 65 vectors, table at 0x2000 and PBA at 0x3000 of the 16K BAR0. */
Test(bar_plan, nvme_with_the_table_beside_its_registers)
{
	struct vfio_bar_facts f = {.size = 0x4000,
				   .mmap = true,
				   .msix_mappable = true,
				   .page_size = 0x1000,
				   .table = {0x2000, 65 * 16},
				   .pba = {0x3000, 16}};
	static const struct vfio_segment want[] = {
		{SEGMENT_MAP, 0, 0x2000, 0},	    {SEGMENT_TABLE, 0x2000, 0x410, 0},
		{SEGMENT_DIRECT, 0x2410, 0xbf0, 0}, {SEGMENT_PBA, 0x3000, 0x10, 0},
		{SEGMENT_DIRECT, 0x3010, 0xff0, 0},
	};

	expect(&f, want, ARRAY_SIZE(want));
	/* On a 64K host the BAR is smaller than a page: nothing is mapped, nothing is lost. */
	f.page_size = 0x10000;
	expect(&f,
	       (struct vfio_segment[]){{SEGMENT_DIRECT, 0, 0x2000, 0},
				       {SEGMENT_TABLE, 0x2000, 0x410, 0},
				       {SEGMENT_DIRECT, 0x2410, 0xbf0, 0},
				       {SEGMENT_PBA, 0x3000, 0x10, 0},
				       {SEGMENT_DIRECT, 0x3010, 0xff0, 0}},
	       5);
}

Test(bar_plan, a_table_that_crosses_a_page)
{
	struct vfio_bar_facts f = {.size = 0x8000,
				   .mmap = true,
				   .msix_mappable = true,
				   .page_size = 0x1000,
				   .table = {0x1f00, 0x200}};

	expect(&f,
	       (struct vfio_segment[]){{SEGMENT_MAP, 0, 0x1000, 0},
				       {SEGMENT_DIRECT, 0x1000, 0xf00, 0},
				       {SEGMENT_TABLE, 0x1f00, 0x200, 0},
				       {SEGMENT_DIRECT, 0x2100, 0xf00, 0},
				       {SEGMENT_MAP, 0x3000, 0x5000, 0}},
	       5);
}

Test(bar_plan, plain_bars)
{
	struct vfio_bar_facts f = {.size = GIB, .mmap = true, .page_size = 0x1000};

	expect(&f, (struct vfio_segment[]){{SEGMENT_MAP, 0, GIB, 0}}, 1);
	f.mmap = false;
	expect(&f, (struct vfio_segment[]){{SEGMENT_DIRECT, 0, GIB, 0}}, 1);
	f.mmap = true;
	f.size = 0x80;
	/* Alone in its page, or it could not be mapped. */
	expect(&f, (struct vfio_segment[]){{SEGMENT_MAP, 0, 0x80, 0}}, 1);
	f.mmap = false;
	expect(&f, (struct vfio_segment[]){{SEGMENT_DIRECT, 0, 0x80, 0}}, 1);
}

Test(bar_plan, sparse_areas)
{
	struct vfio_bar_facts f = {.size = 0x10000,
				   .mmap = true,
				   .page_size = 0x1000,
				   .n_sparse = 2,
				   .sparse = {{0, 0x4000}, {0x5800, 0x2800}}};

	expect(&f,
	       (struct vfio_segment[]){{SEGMENT_MAP, 0, 0x4000, 0},
				       {SEGMENT_DIRECT, 0x4000, 0x2000, 0},
				       {SEGMENT_MAP, 0x6000, 0x2000, 0},
				       {SEGMENT_DIRECT, 0x8000, 0x8000, 0}},
	       4);
}

/* Any layout: every byte once, in order; no mapped page holds a trapped byte. */
Test(bar_plan, covers_every_byte_once)
{
	struct vfio_segment s[VFIO_SEGMENTS_MAX];
	unsigned round;
	int i, n;

	srand(11);
	for (round = 0; round < 20000; round++) {
		struct vfio_bar_facts f = {.size = 16ull << (rand() % 17),
					   .mmap = rand() % 8,
					   .msix_mappable = true,
					   .page_size = 4096ull << (2 * (rand() % 3))};
		uint64_t at = 0;

		if (rand() % 4) {
			f.table.size = 16ull * (1 + (unsigned)rand() % 64);
			f.table.base = 16ull * ((unsigned)rand() % (unsigned)(f.size / 16));
		}
		if (rand() % 4) {
			f.pba.size = 8;
			f.pba.base = 8ull * ((unsigned)rand() % (unsigned)(f.size / 8));
		}
		n = vfio_plan_bar(&f, s, NULL);
		if (n < 0) {
			cr_assert(f.table.base + f.table.size > f.size ||
				  f.pba.base + f.pba.size > f.size ||
				  ranges_overlap(f.table, f.pba));
			continue;
		}
		for (i = 0; i < n; i++) {
			struct range r = {s[i].offset, s[i].size};

			cr_assert_eq(s[i].offset, at);
			cr_assert_gt(s[i].size, 0);
			at += s[i].size;
			cr_assert_eq(s[i].kind == SEGMENT_TABLE, ranges_overlap(r, f.table));
			cr_assert_eq(s[i].kind == SEGMENT_PBA, ranges_overlap(r, f.pba));
			if (s[i].kind == SEGMENT_MAP && f.size >= f.page_size)
				cr_assert_eq((s[i].offset | s[i].size) % f.page_size, 0);
		}
		cr_assert_eq(at, f.size);
	}
}

Test(bar_plan, a_lying_capability_is_refused)
{
	struct vfio_bar_facts f = {.size = 0x1000, .page_size = 0x1000, .table = {0xff0, 0x20}};
	struct vfio_segment s[VFIO_SEGMENTS_MAX];
	struct error err = {0};

	cr_assert_eq(vfio_plan_bar(&f, s, &err), -EINVAL);
	cr_assert(strstr(err.text, "table reaches beyond its BAR"), "%s", err.text);
	f.table = (struct range){0, 0x20};
	f.pba = (struct range){0x18, 8};
	cr_assert_eq(vfio_plan_bar(&f, s, &err), -EINVAL);
	cr_assert(strstr(err.text, "overlap"), "%s", err.text);
}

Test(iova, ranges_that_touch_count_as_one)
{
	static const struct range x86[] = {{0, 0xfee00000},
					   {0xfef00000, (1ULL << 39) - 0xfef00000}};
	static const struct range cut[] = {{0x1000000, 0x1000000}, {0, 0x1000000}};
	struct range ram[] = {{0, 3 * GIB}, {4 * GIB, GIB}};
	struct error err = {0};

	cr_assert_eq(vfio_check_iova(ram, 2, x86, 2, &err), 0);
	ram[0].size = 0xfee00001;
	cr_assert_eq(vfio_check_iova(ram, 2, x86, 2, &err), -ERANGE);
	cr_assert(strstr(err.text, "can't map 0xfee00000"), "%s", err.text);
	ram[1].size = 1ULL << 39;
	cr_assert_eq(vfio_check_iova(ram + 1, 1, x86, 2, &err), -ERANGE);
	cr_assert(strstr(err.text, "can't map 0x8000000000"), "%s", err.text);
	ram[0] = (struct range){0x800000, 0x1800000};
	cr_assert_eq(vfio_check_iova(ram, 1, cut, 2, &err), 0);
	ram[0].size++;
	cr_assert_eq(vfio_check_iova(ram, 1, cut, 2, &err), -ERANGE);
	cr_assert_eq(vfio_check_iova(ram, 1, NULL, 0, &err), 0);
	ram[0] = (struct range){UINT64_MAX - 0xfff, 0x1000};
	cr_assert_eq(vfio_check_iova(ram, 1, &(struct range){1, UINT64_MAX}, 1, &err), 0);
}

Test(memlock, prints_the_number_needed)
{
	struct error err = {0};

	cr_assert_eq(vfio_check_memlock("RAM of", 256 * MIB, 256 * MIB, false, &err), 0);
	cr_assert_eq(vfio_check_memlock("RAM of", 256 * MIB, 8 * MIB, true, &err), 0);
	cr_assert_eq(vfio_check_memlock("RAM of", 256 * MIB, 8 * MIB, false, &err), -ENOMEM);
	cr_assert(strstr(err.text, "ulimit -l 262144"), "%s", err.text);
	cr_assert(strstr(err.text, "RAM of 268435456 bytes"), "%s", err.text);
}

Test(memlock, what_stays_in_place_has_to_fit_the_host)
{
	struct error err = {0};

	cr_assert_eq(vfio_check_pinned(GIB, GIB, &err), 0);
	cr_assert_eq(vfio_check_pinned(2 * GIB, GIB, &err), -ENOMEM);
	cr_assert(strstr(err.text, "the host has only 1024 MiB"), "%s", err.text);
}

Test(options, bdf)
{
	char bdf[BDF_LEN];

	cr_assert_eq(vfio_parse_bdf("03:00.0", bdf), 0);
	cr_assert_str_eq(bdf, "0000:03:00.0");
	cr_assert_eq(vfio_parse_bdf("0001:aF:1f.7", bdf), 0);
	cr_assert_str_eq(bdf, "0001:af:1f.7");
	cr_assert_eq(vfio_parse_bdf("/sys/bus/pci/devices/0000:03:00.0", bdf), 0);
	cr_assert_str_eq(bdf, "0000:03:00.0");
	cr_assert_eq(vfio_parse_bdf("03:20.0", bdf), -EINVAL);
	cr_assert_eq(vfio_parse_bdf("03:00.8", bdf), -EINVAL);
	cr_assert_eq(vfio_parse_bdf("03:00.0x", bdf), -EINVAL);
	cr_assert_eq(vfio_parse_bdf("03:00", bdf), -EINVAL);
	cr_assert_eq(vfio_parse_bdf("", bdf), -EINVAL);
	cr_assert_eq(vfio_parse_bdf("-1:00.0", bdf), -EINVAL);
}

Test(options, device)
{
	struct vfio_device_options opt;
	struct error err = {0};

	cr_assert_eq(vfio_parse_device("03:00.0", &opt, &err), 0);
	cr_assert_eq(opt.intx, VFIO_INTX_AUTO);
	cr_assert_eq(vfio_parse_device("03:00.0,intx=trap", &opt, &err), 0);
	cr_assert_eq(opt.intx, VFIO_INTX_TRAP);
	cr_assert_eq(vfio_parse_device("03:00.0,intx=maybe", &opt, &err), -EINVAL);
	cr_assert(strstr(err.text, "what is 'intx=maybe'?"), "%s", err.text);
	cr_assert_eq(vfio_parse_device("nvme0,intx=trap", &opt, &err), -EINVAL);
	cr_assert(strstr(err.text, "'nvme0' is no PCI address"), "%s", err.text);
}

/* ---- reserved regions ---- */

Test(reserved, lines_of_sysfs)
{
	struct vfio_reserved r;
	char text[RESERVED_TEXT];

	cr_assert_eq(vfio_parse_reserved("0x0000000008000000 0x00000000080fffff msi", &r), 0);
	cr_expect(r.range.base == 0x8000000 && r.range.size == 0x100000);
	cr_expect_eq(r.kind, RESERVED_MSI);
	r.group = 3;
	cr_expect_str_eq(vfio_reserved_text(text, &r), "the host's MSI window of group 3");
	cr_assert_eq(vfio_parse_reserved("0x0 0xffffff direct-relaxable\n", &r), 0);
	cr_expect_eq(r.kind, RESERVED_RELAXABLE);
	cr_assert_eq(vfio_parse_reserved("0x0 0xffffff direct", &r), 0);
	cr_expect_eq(r.kind, RESERVED_DIRECT);
	cr_assert_eq(vfio_parse_reserved("0xfd00000000 0xffffffffffffffff reserved", &r), 0);
	cr_expect_eq(range_last(r.range), UINT64_MAX);
	cr_assert_eq(vfio_parse_reserved("0x0 0xff of-a-later-kernel", &r), 0);
	cr_expect_eq(r.kind, RESERVED_HARD);
}

Test(reserved, lines_that_are_none)
{
	static const char *const lines[] = {"",
					    "msi",
					    "0x10",
					    "0x10 msi",
					    "0x10 0x5 msi",
					    "0x10 0x1fmsi",
					    "0x0 0xffffffffffffffff reserved",
					    "0x0 0x1ffffffffffffffff reserved"};
	struct vfio_reserved r;
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(lines); i++)
		cr_expect_eq(vfio_parse_reserved(lines[i], &r), -EINVAL, "'%s'", lines[i]);
}
