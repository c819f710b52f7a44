/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* pci: the plan of the windows. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pci.h"

Test(windows, largest_first_each_in_its_window)
{
	struct pci_windows w = {.mem32 = {0xc0000000, 0x20000000},
				.mem64 = {0x4000000000, 0x100000000},
				.io = {0xc000, 0x4000}};
	struct pci_placement b[] = {
		{.size = 0x1000},
		{.size = 0x100000},
		{.size = 0x20, .io = true},
		{.size = 0x10000000, .mem64 = true},
		{.size = 0x4000, .mem64 = true},
	};

	cr_assert_eq(pci_plan_bars(b, ARRAY_SIZE(b), &w, NULL), 0);
	cr_assert_eq(b[0].address, 0xc0100000);
	cr_assert_eq(b[1].address, 0xc0000000);
	cr_assert_eq(b[2].address, 0xc000);
	cr_assert_eq(b[3].address, 0x4000000000);
	cr_assert_eq(b[4].address, 0x4010000000);
	w.mem64.size = 0;
	cr_assert_eq(pci_plan_bars(b, ARRAY_SIZE(b), &w, NULL), 0);
	cr_assert_eq(b[3].address, 0xc0000000, "without a 64-bit window, below 4 GiB");
}

Test(windows, what_does_not_fit_is_named)
{
	struct pci_windows w = {.mem32 = {0xc0000000, 0x1000}};
	struct pci_placement b[] = {{.size = 0x1000, .owner = "first", .bar = 0},
				    {.size = 0x800, .owner = "vfio 0000:03:00.0", .bar = 2}};
	struct error err;

	cr_assert_eq(pci_plan_bars(b, 2, &w, &err), -ENOSPC);
	cr_assert_str_eq(err.text, "vfio 0000:03:00.0: BAR 2 of 0x800 bytes finds no room in the "
				   "32-bit window");
}

Test(windows, needs)
{
	struct pci_placement b[] = {{.size = 0x1000},
				    {.size = 0x20, .io = true},
				    {.size = 0x4000, .mem64 = true},
				    {.size = 0x800}};
	struct pci_needs n;

	pci_sum_needs(b, ARRAY_SIZE(b), &n);
	cr_assert_eq(n.mem32, 0x1800);
	cr_assert_eq(n.align32, 0x1000);
	cr_assert_eq(n.mem64, 0x4000);
	cr_assert_eq(n.align64, 0x4000);
	cr_assert_eq(n.io, 0x20);
	b[2].size = 1ULL << 63;
	b[0] = b[2];
	pci_sum_needs(b, ARRAY_SIZE(b), &n);
	cr_assert_eq(n.mem64, UINT64_MAX, "more than there is stays more than there is");
}

/* What the needs say is enough, everything is aligned and inside, nothing overlaps. */
Test(windows, any_set_of_bars)
{
	unsigned round, i, k;

	srand(3);
	for (round = 0; round < 5000; round++) {
		struct pci_placement b[24] = {0};
		unsigned n = 1 + (unsigned)rand() % 24;
		struct pci_needs needs;
		struct pci_windows w = {.io = {0x1000, 0x8000}};

		for (i = 0; i < n; i++) {
			b[i].io = rand() % 5 == 0;
			b[i].mem64 = !b[i].io && rand() % 2;
			b[i].size = b[i].io ? 4ull << (rand() % 7) : 16ull << (rand() % 24);
		}
		pci_sum_needs(b, n, &needs);
		w.mem32 = (struct range){align_up(0x80000000, needs.align32 ? needs.align32 : 1),
					 needs.mem32};
		w.mem64 = (struct range){align_up(0x100000000, needs.align64 ? needs.align64 : 1),
					 needs.mem64};
		cr_assert_eq(pci_plan_bars(b, n, &w, NULL), 0);
		for (i = 0; i < n; i++) {
			struct range r = {b[i].address, b[i].size};

			cr_assert_eq(b[i].address % b[i].size, 0);
			cr_assert(range_contains(b[i].io      ? w.io
						 : b[i].mem64 ? w.mem64
							      : w.mem32,
						 r));
			for (k = 0; k < i; k++)
				cr_assert(b[k].io != b[i].io ||
					  !ranges_overlap(r,
							  (struct range){b[k].address, b[k].size}));
		}
	}
}
