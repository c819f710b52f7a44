/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* machine: the map of I/O addresses. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "machine.h"

static const struct arch_layout layout = {
	.ram = {{0, 0x8000000}, {0x8200000, 0x8000000}},
	.n_ram = 2,
	.pci.mem32 = {0x20000000, 0x10000000},
	.msi_bank = {0x8000000, 0x200000},
	.doorbell = {0x8100000, 0x20000},
};

static const struct vfio_reserved reserved[] = {
	{{0x8000000, 0x100000}, RESERVED_MSI, 3},
	{{0x8000000, 0x100000}, RESERVED_UNREACHABLE, -1},
	{{0x30000000, 0x1000}, RESERVED_DIRECT, 3},
	{{0x3f000000, UINT64_MAX - 0x3f000000}, RESERVED_UNREACHABLE, -1},
};

Test(map, everything_once_and_nested)
{
	static const struct {
		uint64_t base, size;
		const char *kind, *what;
		unsigned depth;
	} expected[] = {
		{0, 0x8000000, "ram", "RAM", 0},
		{0x8000000, 0x200000, "msi-bank", "MSI bank", 0},
		{0x8000000, 0x100000, "msi-window", "the host's MSI window of group 3", 1},
		{0x8100000, 0x20000, "doorbell", "the guest's doorbell", 1},
		{0x8200000, 0x8000000, "ram", "RAM", 0},
		{0x10200000, 0x20000000 - 0x10200000, "free", "free", 0},
		{0x20000000, 0x10000000, "window", "BARs, 32-bit", 0},
		{0x30000000, 0x1000, "reserved", "mapped directly for firmware of group 3", 0},
		{0x30001000, 0x3f000000 - 0x30001000, "free", "free", 0},
		{0x3f000000, 0x1000000, "reserved", "out of the IOMMU's reach", 0},
	};
	struct map_part *parts;
	int n = machine_map(&layout, reserved, ARRAY_SIZE(reserved), 30, &parts), i;

	cr_assert_eq(n, (int)ARRAY_SIZE(expected));
	for (i = 0; i < n; i++) {
		cr_expect_eq(parts[i].range.base, expected[i].base, "%d", i);
		cr_expect_eq(parts[i].range.size, expected[i].size, "%d", i);
		cr_expect_str_eq(parts[i].kind, expected[i].kind);
		cr_expect_str_eq(parts[i].what, expected[i].what);
		cr_expect_eq(parts[i].depth, expected[i].depth, "%d", i);
	}
	free(parts);
}

Test(map, an_empty_machine_is_all_free)
{
	const struct arch_layout none = {0};
	struct map_part *parts;

	cr_assert_eq(machine_map(&none, NULL, 0, 40, &parts), 1);
	cr_expect_eq(parts[0].range.size, 1ULL << 40);
	cr_expect_str_eq(parts[0].kind, "free");
	free(parts);
}
