/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The memory plan of x86 and the map that the guest is told. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../../x86/layout.h"

#define HT_BASE 0xfd00000000ULL
#define HT_END	0x10000000000ULL

static int plan(uint64_t ram, struct pci_needs needs, unsigned bits, struct arch_layout *l,
		struct error *err)
{
	struct arch_config c = {.ram = ram, .cpus = 1, .kernel = "k"};
	struct arch_host host = {.phys_bits = bits, .page_size = 4096};

	return arch_plan(&c, &host, &needs, l, err);
}

static void expect_range(struct range r, uint64_t base, uint64_t size)
{
	cr_expect_eq(r.base, base, "base 0x%lx, not 0x%lx", r.base, base);
	cr_expect_eq(r.size, size, "size 0x%lx, not 0x%lx", r.size, size);
}

Test(x86_layout, small_machine)
{
	struct arch_layout l;

	cr_assert_eq(plan(512 * MIB, (struct pci_needs){0}, 40, &l, NULL), 0);
	cr_assert_eq(l.n_ram, 1);
	expect_range(l.ram[0], 0, 512 * MIB);
	expect_range(l.pci.mem32, 0xc0000000, 0x20000000);
	expect_range(l.pci.mem64, 0, 0);
	expect_range(l.pci.ecam, 0xe0000000, 0x100000);
	expect_range(l.pci.io, 0xc000, 0x4000);
}

Test(x86_layout, ram_at_the_hole)
{
	struct arch_layout l;

	cr_assert_eq(plan(3 * GIB, (struct pci_needs){0}, 40, &l, NULL), 0);
	cr_assert_eq(l.n_ram, 1);
	expect_range(l.ram[0], 0, 3 * GIB);
	cr_assert_eq(plan(3 * GIB + 4096, (struct pci_needs){0}, 40, &l, NULL), 0);
	cr_assert_eq(l.n_ram, 2);
	expect_range(l.ram[0], 0, 3 * GIB);
	expect_range(l.ram[1], 4 * GIB, 4096);
}

Test(x86_layout, thirty_two_address_bits)
{
	struct arch_layout l;
	struct error err;

	cr_assert_eq(plan(3 * GIB, (struct pci_needs){0}, 32, &l, NULL), 0);
	cr_assert_eq(plan(3 * GIB + 4096, (struct pci_needs){0}, 32, &l, &err), -ENOSPC);
	cr_expect(strstr(err.text, "-m 3G"), "%s", err.text);
}

Test(x86_layout, mem32_grows_downward)
{
	struct arch_layout l;
	struct error err;

	/* What fits below the default leaves it alone. */
	cr_assert_eq(plan(4 * GIB, (struct pci_needs){.mem32 = 512 * MIB, .align32 = 256 * MIB}, 40,
			  &l, NULL),
		     0);
	expect_range(l.pci.mem32, 0xc0000000, 0x20000000);
	cr_assert_eq(plan(4 * GIB, (struct pci_needs){.mem32 = 513 * MIB, .align32 = 256 * MIB}, 40,
			  &l, NULL),
		     0);
	expect_range(l.pci.mem32, 0xb0000000, 0x30000000);
	expect_range(l.ram[0], 0, 0xb0000000);
	expect_range(l.ram[1], 4 * GIB, 4 * GIB - 0xb0000000);
	cr_assert_eq(plan(4 * GIB, (struct pci_needs){.mem32 = GIB, .align32 = GIB}, 40, &l, NULL),
		     0);
	expect_range(l.pci.mem32, 0x80000000, 0x60000000);
	/* Exactly all of it, and one byte more. */
	cr_assert_eq(plan(4 * GIB, (struct pci_needs){.mem32 = 0xa0000000, .align32 = MIB}, 40, &l,
			  NULL),
		     0);
	expect_range(l.pci.mem32, 0x40000000, 0xa0000000);
	cr_assert_eq(plan(4 * GIB, (struct pci_needs){.mem32 = 0xa0000001, .align32 = MIB}, 40, &l,
			  &err),
		     -ENOSPC);
	cr_expect(strstr(err.text, "32-bit BARs"), "%s", err.text);
	cr_assert_eq(plan(4 * GIB, (struct pci_needs){.mem32 = 2 * GIB, .align32 = 2 * GIB}, 40, &l,
			  &err),
		     -ENOSPC);
	cr_assert_eq(plan(4 * GIB, (struct pci_needs){.mem32 = UINT64_MAX, .align32 = 1ULL << 63},
			  40, &l, &err),
		     -ENOSPC);
}

Test(x86_layout, mem64_above_ram)
{
	struct arch_layout l;

	/* Small needs get 4 GiB; with no high RAM it starts at 4 GiB. */
	cr_assert_eq(
		plan(GIB, (struct pci_needs){.mem64 = 16 * KIB, .align64 = 16 * KIB}, 40, &l, NULL),
		0);
	expect_range(l.pci.mem64, 4 * GIB, 4 * GIB);
	/* Above RAM, on the next GiB. */
	cr_assert_eq(plan(4 * GIB + MIB, (struct pci_needs){.mem64 = 16 * KIB, .align64 = 16 * KIB},
			  40, &l, NULL),
		     0);
	expect_range(l.pci.mem64, 6 * GIB, 4 * GIB);
	/* A large BAR: aligned to it, twice its size. */
	cr_assert_eq(plan(4 * GIB, (struct pci_needs){.mem64 = 32 * GIB, .align64 = 32 * GIB}, 40,
			  &l, NULL),
		     0);
	expect_range(l.pci.mem64, 32 * GIB, 64 * GIB);
}

Test(x86_layout, mem64_in_a_narrow_space)
{
	struct pci_needs needs = {.mem64 = 16 * GIB, .align64 = 16 * GIB};
	struct arch_layout l;
	struct error err;

	/* 36 bits: 64 GiB. There is no room for twice the need above 40 GiB of RAM. */
	cr_assert_eq(plan(40 * GIB, needs, 36, &l, NULL), 0);
	expect_range(l.pci.mem64, 48 * GIB, 16 * GIB);
	cr_assert_eq(plan(47 * GIB, needs, 36, &l, NULL), 0);
	cr_assert_eq(plan(47 * GIB + 4096, needs, 36, &l, &err), -ENOSPC);
	cr_expect(strstr(err.text, "-m 47G"), "%s", err.text);
	cr_expect(strstr(err.text, "36 address bits"), "%s", err.text);
	/* Too much for any amount of RAM: the BARs are to blame. */
	needs = (struct pci_needs){.mem64 = 64 * GIB, .align64 = 64 * GIB};
	cr_assert_eq(plan(GIB, needs, 36, &l, &err), -ENOSPC);
	cr_expect(strstr(err.text, "64-bit BARs need 64G"), "%s", err.text);
	needs = (struct pci_needs){.mem64 = UINT64_MAX, .align64 = 1ULL << 63};
	cr_assert_eq(plan(GIB, needs, 52, &l, &err), -ENOSPC);
}

Test(x86_layout, hypertransport_is_left_out)
{
	struct pci_needs none = {0}, bar = {.mem64 = GIB, .align64 = GIB};
	uint64_t most = HT_BASE - GIB; /* 1 GiB of hole: all RAM below HyperTransport */
	struct arch_layout l;
	struct error err;

	cr_assert_eq(plan(most, none, 48, &l, NULL), 0);
	cr_assert_eq(l.n_ram, 2);
	expect_range(l.ram[1], 4 * GIB, HT_BASE - 4 * GIB);
	cr_assert_eq(plan(most + 4096, none, 48, &l, NULL), 0);
	cr_assert_eq(l.n_ram, 3);
	expect_range(l.ram[2], HT_END, 4096);
	/* 40 bits end with the reserved range. */
	cr_assert_eq(plan(most, none, 40, &l, NULL), 0);
	cr_assert_eq(plan(most + 4096, none, 40, &l, &err), -ENOSPC);
	cr_expect(strstr(err.text, "-m 1011G"), "%s", err.text);
	/* The window goes above where twice the need does not fit below. */
	cr_assert_eq(plan(most - GIB, bar, 48, &l, NULL), 0);
	expect_range(l.pci.mem64, HT_END, 4 * GIB);
	cr_assert_eq(plan(most - GIB, bar, 40, &l, NULL), 0);
	expect_range(l.pci.mem64, HT_BASE - GIB, GIB);
}

Test(x86_layout, senseless_ram)
{
	struct pci_needs none = {0};
	struct arch_layout l;
	struct error err;

	cr_assert_eq(plan(0, none, 40, &l, &err), -EINVAL);
	cr_assert_eq(plan(RAM_MIN - 4096, none, 40, &l, &err), -EINVAL);
	cr_expect(strstr(err.text, "8M"), "%s", err.text);
	cr_assert_eq(plan(RAM_MIN, none, 40, &l, &err), 0);
	cr_assert_eq(plan(64 * MIB + 1, none, 40, &l, &err), -EINVAL);
	cr_expect(strstr(err.text, "use 64M"), "%s", err.text);
	cr_assert_eq(plan(UINT64_MAX & ~4095ULL, none, 52, &l, &err), -ENOSPC);
	cr_assert_eq(plan(GIB, (struct pci_needs){.io = 0x4000}, 40, &l, &err), 0);
	cr_assert_eq(plan(GIB, (struct pci_needs){.io = 0x4001}, 40, &l, &err), -ENOSPC);
	cr_expect(strstr(err.text, "I/O"), "%s", err.text);
}

static uint64_t random_size(unsigned max_bits)
{
	return ((uint64_t)random() << 31 | (uint64_t)random()) >>
	       (62 - (unsigned)random() % max_bits);
}

static void check_plan(const struct arch_layout *l, uint64_t ram, const struct pci_needs *n,
		       unsigned bits)
{
	struct range all[RAM_BANKS_MAX + 4] = {
		l->pci.ecam, l->pci.mem32, l->pci.mem64, {HT_BASE, HT_END - HT_BASE}};
	uint64_t sum = 0, align = n->align64 ? n->align64 : 1;
	unsigned i, j, count = 4;

	for (i = 0; i < l->n_ram; i++) {
		sum += l->ram[i].size;
		all[count++] = l->ram[i];
	}
	cr_assert_eq(sum, ram);
	for (i = 0; i < count; i++)
		for (j = 0; j < i; j++)
			cr_assert(!ranges_overlap(all[i], all[j]), "%u and %u", i, j);
	for (i = 0; i < count; i++)
		if (i != 3 && all[i].size)
			cr_assert_leq(range_last(all[i]) >> bits, 0);
	cr_assert_geq(l->pci.mem32.size, n->mem32);
	cr_assert_geq(l->pci.mem64.size, n->mem64);
	cr_assert_eq(l->pci.mem64.base % align, 0);
	if (n->align32)
		cr_assert_eq(l->pci.mem32.base % n->align32, 0);
}

/* Whatever is asked for: a sound layout, or an error whose advice works. */
Test(x86_layout, random_plans)
{
	unsigned i, good = 0, advised = 0;

	srandom(1);
	for (i = 0; i < 20000; i++) {
		unsigned bits = 32 + (unsigned)random() % 21;
		uint64_t ram = align_down(random_size(50), 4096);
		struct pci_needs n = {.align32 = 1ULL << random() % 31,
				      .align64 = 1ULL << random() % 45};
		struct arch_layout l;
		struct error err = {""};
		char *most, *end;

		n.mem32 = n.align32 * (unsigned)(random() % 3);
		n.mem64 = n.align64 * (unsigned)(random() % 3);
		if (!plan(ram, n, bits, &l, &err)) {
			check_plan(&l, ram, &n, bits);
			good++;
			continue;
		}
		cr_assert_neq(err.text[0], 0);
		most = strstr(err.text, "fits is -m ");
		if (!most)
			continue;
		ram = strtoull(most + 11, &end, 10);
		ram <<= *end == 'K'   ? 10
			: *end == 'M' ? 20
			: *end == 'G' ? 30
			: *end == 'T' ? 40
				      : 0;
		cr_assert_eq(plan(ram, n, bits, &l, &err), 0, "%s", err.text);
		check_plan(&l, ram, &n, bits);
		cr_assert_eq(plan(ram + 4096, n, bits, &l, &err), -ENOSPC);
		advised++;
	}
	cr_assert_gt(good, 1000);
	cr_assert_gt(advised, 1000);
}

Test(x86_layout, memory_map_of_a_large_machine)
{
	static const struct memory_entry want[] = {
		{{0, 0x9fc00}, MEMORY_RAM},
		{{0x9fc00, 0x60400}, MEMORY_RESERVED},
		{{0x100000, 0xbff00000}, MEMORY_RAM},
		{{0xe0000000, 0x100000}, MEMORY_RESERVED},
		{{0xfffbc000, 0x4000}, MEMORY_RESERVED},
		{{0x100000000, HT_BASE - 4 * GIB}, MEMORY_RAM},
		{{HT_END, 13 * GIB}, MEMORY_RAM},
	};
	struct memory_entry map[MEMORY_ENTRIES_MAX];
	struct arch_layout l;
	unsigned i;

	cr_assert_eq(plan(1024 * GIB, (struct pci_needs){0}, 48, &l, NULL), 0);
	cr_assert_eq(memory_map(&l, map), ARRAY_SIZE(want));
	for (i = 0; i < ARRAY_SIZE(want); i++) {
		expect_range(map[i].range, want[i].range.base, want[i].range.size);
		cr_expect_eq(map[i].type, want[i].type);
	}
}

/* Each has registers and a pin that are nobody else's. */
Test(x86_layout, virtio_slots)
{
	const struct range others[] = {{0, MEM32_END},
				       {ECAM_ADDR, ECAM_ROOM},
				       {IOAPIC_ADDR, 0x1000},
				       {LAPIC_ADDR, 0x1000},
				       {KVM_IDENTITY_ADDR, KVM_PAGES_SIZE},
				       {FOUR_GIB, HYPERTRANSPORT_END}};
	/* Timer, keyboard, cascade, COM2, COM1, RTC. */
	unsigned pins = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 3 | 1 << GSI_COM1 | 1 << 8, i;
	uint64_t end = 0;

	for (i = 0; i < arch_slots; i++) {
		struct arch_slot slot = arch_slot(NULL, i);

		cr_expect_null(range_first_overlap(others, ARRAY_SIZE(others), slot.registers));
		cr_expect_geq(slot.registers.base, end);
		end = slot.registers.base + slot.registers.size;
		cr_expect_lt(slot.gsi, GSI_PCI_FIRST, "one that a guest without ACPI has");
		cr_expect(!(pins & 1u << slot.gsi), "pin %u", slot.gsi);
		pins |= 1u << slot.gsi;
	}
}

Test(x86_layout, intx_lines)
{
	unsigned slot, pin;

	cr_expect_eq(arch_intx_gsi(0, 1), 16);
	cr_expect_eq(arch_intx_gsi(PCI_DEVFN(1, 0), 1), 17);
	cr_expect_eq(arch_intx_gsi(PCI_DEVFN(1, 7), 4), 20);
	cr_expect_eq(arch_intx_gsi(PCI_DEVFN(7, 0), 2), 16);
	for (slot = 0; slot < 32; slot++)
		for (pin = 1; pin <= 4; pin++)
			cr_expect_eq(arch_intx_gsi(PCI_DEVFN(slot, 0), pin),
				     16 + (slot + pin - 1) % 8);
}

Test(x86_layout, sizes_as_text)
{
	char t[SIZE_TEXT];

	cr_expect_str_eq(size_text(t, 0), "0");
	cr_expect_str_eq(size_text(t, 4095), "4095");
	cr_expect_str_eq(size_text(t, 4096), "4K");
	cr_expect_str_eq(size_text(t, 1536 * MIB), "1536M");
	cr_expect_str_eq(size_text(t, 3 * GIB), "3G");
	cr_expect_str_eq(size_text(t, 1ULL << 63), "8388608T");
}
