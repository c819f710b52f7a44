/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The memory plan of arm64: machines and hosts that have a name. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "../../../arm/layout.h"

/* What an SMMU's driver sets aside on all hosts of today. */
static const struct vfio_reserved usual = {{0x8000000, MIB}, RESERVED_MSI, 3};

static struct arch_config config;
static struct arch_host host;
static struct pci_needs needs;
static struct vfio_reserved reserved[64];
static struct arch_layout l;
static struct error err;

/* An assigned disk on a host with an SMMU. */
static void start(void)
{
	config = (struct arch_config){.ram = 256 * MIB, .cpus = 1, .kernel = "k"};
	reserved[0] = usual;
	host = (struct arch_host){
		.phys_bits = 40, .page_size = 4096, .reserved = reserved, .n_reserved = 1};
	needs = (struct pci_needs){0};
	err.text[0] = 0;
}

TestSuite(arm64_layout, .init = start);

static int plan(void)
{
	return arch_plan(&config, &host, &needs, &l, &err);
}

static void plans(void)
{
	int ret = plan();

	cr_assert_eq(ret, 0, "%s", err.text);
}

static void refuses(int code, const char *text)
{
	cr_assert_eq(plan(), -code);
	cr_expect_str_eq(err.text, text);
}

static void reserve(uint64_t base, uint64_t size, enum vfio_reserved_kind kind)
{
	reserved[host.n_reserved++] = (struct vfio_reserved){{base, size}, kind, 7};
}

static void expect_range(const char *what, struct range r, uint64_t base, uint64_t size)
{
	cr_expect_eq(r.base, base, "%s: base 0x%lx, not 0x%lx", what, r.base, base);
	cr_expect_eq(r.size, size, "%s: size 0x%lx, not 0x%lx", what, r.size, size);
}

static void place_ram(uint64_t size, uint64_t base)
{
	config.ram = size;
	config.ram_placed = true;
	config.ram_base = base;
}

Test(arm64_layout, default_machine)
{
	struct arch_uart uart;

	plans();
	expect_range("bank", l.msi_bank, 0x8000000, 0x200000);
	expect_range("doorbell", l.doorbell, 0x8100000, 0x20000);
	expect_range("board", l.board, 0xa000000, 0x600000);
	expect_range("ECAM", l.pci.ecam, 0xa200000, 0x100000);
	expect_range("ports", l.pci.io, 0, 0x10000);
	cr_expect_eq(l.pci.io_gpa, 0xa100000);
	expect_range("mem32", l.pci.mem32, 0x10000000, 0x10000000);
	expect_range("mem64", l.pci.mem64, 0, 0);
	cr_expect_eq(l.n_ram, 1);
	expect_range("RAM", l.ram[0], 0x40000000, 0x10000000);
	uart = arch_uart(&l);
	cr_expect(uart.mmio && uart.base == 0xa000000 && uart.gsi == 0);
}

Test(arm64_layout, without_devices_the_doorbell_is_first)
{
	host.n_reserved = 0;
	plans();
	expect_range("bank", l.msi_bank, 0x8000000, 0x200000);
	expect_range("doorbell", l.doorbell, 0x8000000, 0x20000);
}

/* The host's window splits RAM; the doorbell shares the window's hole. */
Test(arm64_layout, ram_at_zero_around_the_window)
{
	place_ram(256 * MIB, 0);
	plans();
	cr_assert_eq(l.n_ram, 2);
	expect_range("below", l.ram[0], 0, 0x8000000);
	expect_range("above", l.ram[1], 0x8200000, 0x8000000);
	expect_range("bank", l.msi_bank, 0x8000000, 0x200000);
	cr_expect(!ranges_overlap(l.board, (struct range){0, 0x10200000}), "the board evades");
	cr_expect(!ranges_overlap(l.pci.mem32, (struct range){0, 0x10200000}));
}

Test(arm64_layout, eight_gib_at_zero)
{
	uint64_t sum = 0;
	unsigned i;

	place_ram(8 * GIB, 0);
	needs = (struct pci_needs){.mem64 = GIB, .align64 = GIB};
	plans();
	expect_range("the first piece", l.ram[0], 0, 0x8000000);
	for (i = 0; i < l.n_ram; i++) {
		sum += l.ram[i].size;
		cr_expect(!ranges_overlap(l.ram[i], l.board));
		cr_expect(!ranges_overlap(l.ram[i], l.pci.mem32));
	}
	cr_expect_eq(sum, 8 * GIB);
	/* 2 MiB of bank, 6 of board, 256 of window: so much RAM is pushed above 8 GiB. */
	cr_expect_eq(range_last(l.ram[l.n_ram - 1]) + 1, 8 * GIB + 264 * MIB);
	expect_range("mem64", l.pci.mem64, 9 * GIB, 2 * GIB);
}

Test(arm64_layout, two_banks_of_different_shape)
{
	config.msi_bank = (struct range){0x8000000, 2 * MIB};
	plans();
	expect_range("doorbell", l.doorbell, 0x8100000, 0x20000);
	expect_range("board", l.board, 0xa000000, 0x600000);
	config.msi_bank = (struct range){0x6000000, 64 * MIB};
	plans();
	expect_range("bank", l.msi_bank, 0x6000000, 64 * MIB);
	expect_range("doorbell", l.doorbell, 0x6000000, 0x20000);
	expect_range("board", l.board, 0xa000000, 0x600000);
	/* A bank over the board's usual place moves the board. */
	config.msi_bank = (struct range){0x8000000, 64 * MIB};
	plans();
	cr_expect(!ranges_overlap(l.board, l.msi_bank));
	cr_expect_eq(arch_uart(&l).base, l.board.base);
}

Test(arm64_layout, bank_misses_the_window)
{
	config.msi_bank = (struct range){0x10000000, 2 * MIB};
	refuses(EINVAL, "--msi-bank 0x10000000-0x101fffff: misses 0x8000000-0x80fffff, the host's "
			"MSI window of group 3, which this kernel can't move; use --msi-bank "
			"0x8000000,2M");
}

Test(arm64_layout, bank_where_memory_was_placed)
{
	place_ram(256 * MIB, 0x40000000);
	config.msi_bank = (struct range){0x40000000, 2 * MIB};
	host.n_reserved = 0;
	refuses(EINVAL,
		"--msi-bank 0x40000000-0x401fffff: lies in guest RAM 0x40000000-0x4fffffff, "
		"placed there by -m 256M@0x40000000; use --msi-bank 0x8000000,2M");
	/* Memory without a place makes room. */
	config.ram_placed = false;
	plans();
	expect_range("RAM", l.ram[0], 0x40200000, 256 * MIB);
	/* No bank could be apart from this memory. */
	place_ram(256 * MIB, 0);
	host.n_reserved = 1;
	config.msi_bank = (struct range){0x8000000, 2 * MIB};
	refuses(EINVAL, "--msi-bank 0x8000000-0x81fffff: lies in guest RAM 0x0-0xfffffff, placed "
			"there by -m 256M@0x0; leave --msi-bank out");
}

Test(arm64_layout, bank_too_small)
{
	config.msi_bank = (struct range){0x8000000, MIB};
	refuses(EINVAL, "--msi-bank 0x8000000-0x80fffff: is too small: beside the host's MSI "
			"window 0x8000000-0x80fffff it has no room for the guest's doorbell of "
			"128K; use --msi-bank 0x8000000,2M");
	config.msi_bank = (struct range){0x8000000, MIB + 128 * KIB};
	plans();
	expect_range("doorbell", l.doorbell, 0x8100000, 0x20000);
	host.n_reserved = 0;
	config.msi_bank = (struct range){0x8000000, 64 * KIB};
	refuses(EINVAL, "--msi-bank 0x8000000-0x800ffff: is too small: it has no room for the "
			"guest's doorbell of 128K; use --msi-bank 0x8000000,2M");
}

Test(arm64_layout, bank_of_no_whole_pages)
{
	config.msi_bank = (struct range){0x7ff1000, 2 * MIB};
	plans();
	host.page_size = 64 * KIB;
	refuses(EINVAL,
		"--msi-bank 0x7ff1000-0x81f0fff: is not aligned to the host's page of 65536 "
		"bytes; use --msi-bank 0x8000000,2M");
}

Test(arm64_layout, bank_touches_what_is_reserved)
{
	reserve(0x8180000, 4096, RESERVED_HARD);
	config.msi_bank = (struct range){0x8000000, 2 * MIB};
	refuses(EINVAL, "--msi-bank 0x8000000-0x81fffff: touches 0x8180000-0x8180fff, reserved of "
			"group 7; use --msi-bank 0x8000000,1152K");
	/* Left to itself the plan takes the same. */
	config.msi_bank.size = 0;
	plans();
	expect_range("bank", l.msi_bank, 0x8000000, 0x120000);
	expect_range("doorbell", l.doorbell, 0x8100000, 0x20000);
}

Test(arm64_layout, no_bank_at_all)
{
	reserve(0, 0x8000000, RESERVED_DIRECT);
	reserve(0x8100000, 0x8000000, RESERVED_DIRECT);
	refuses(ENOSPC, "no bank for messages: within or beside the host's MSI window "
			"0x8000000-0x80fffff too much is reserved; see: carillon vfio map");
	reserved[0].range.base = 1ULL << 40;
	refuses(ENOSPC,
		"no bank for messages: the host's MSI window 0x10000000000-0x100000fffff is "
		"beyond the guest's 40 address bits");
	host.n_reserved = 0;
	reserve(0x1000, FOUR_GIB, RESERVED_HARD);
	refuses(ENOSPC, "no bank for messages: all of 0x8000000-0xffffffff is reserved; see: "
			"carillon vfio map");
}

/* Where the only bank is next to reserved addresses there is no byte to spare. */
Test(arm64_layout, bank_that_fits_exactly)
{
	reserve(0, 0x8000000, RESERVED_HARD);
	reserve(0x8120000, 0x10000, RESERVED_HARD);
	plans();
	expect_range("bank", l.msi_bank, 0x8000000, 0x120000);
	expect_range("doorbell", l.doorbell, 0x8100000, 0x20000);
}

Test(arm64_layout, a_reserved_region_splits_ram)
{
	reserve(0x44000000, 4096, RESERVED_HARD);
	plans();
	cr_assert_eq(l.n_ram, 2);
	expect_range("below", l.ram[0], 0x40000000, 0x4000000);
	expect_range("above", l.ram[1], 0x44200000, 0xc000000);
	/* Relaxable is given up for the guest. */
	reserved[1].kind = RESERVED_RELAXABLE;
	plans();
	cr_assert_eq(l.n_ram, 1);
	expect_range("RAM", l.ram[0], 0x40000000, 0x10000000);
}

Test(arm64_layout, more_pieces_than_banks)
{
	unsigned i;

	config.ram = GIB;
	for (i = 1; i < RAM_BANKS_MAX; i++)
		reserve(0x40000000 + i * 16 * MIB, 4096, RESERVED_HARD);
	plans();
	cr_expect_eq(l.n_ram, RAM_BANKS_MAX);
	reserve(0x40000000 + i * 16 * MIB, 4096, RESERVED_HARD);
	/* 16 MiB at first, then 15 times what is left of 16 by a piece of 2. */
	refuses(ENOSPC, "-m 1G: reserved I/O addresses would cut it into more than 16 pieces (see: "
			"carillon vfio map); the most that fits is -m 226M");
}

Test(arm64_layout, five_hundred_and_twelve_cpus)
{
	config.cpus = 512;
	plans();
	/* 4 MiB, and 128 KiB for each. */
	cr_expect_eq(l.board.size, 68 * MIB);
	cr_expect(!ranges_overlap(l.board, l.pci.mem32));
	cr_expect(!ranges_overlap(l.board, l.msi_bank));
	cr_expect(!ranges_overlap(l.board, l.ram[0]));
	expect_range("mem32", l.pci.mem32, 0x10000000, 0x10000000);
}

Test(arm64_layout, windows_as_large_as_their_bars)
{
	needs = (struct pci_needs){.mem32 = 512 * MIB, .align32 = 512 * MIB};
	plans();
	expect_range("mem32", l.pci.mem32, 0x20000000, 0x20000000);
	needs = (struct pci_needs){.mem64 = 2 * GIB, .align64 = 2 * GIB};
	plans();
	expect_range("mem64", l.pci.mem64, 4 * GIB, 3 * GIB);
	needs = (struct pci_needs){.mem64 = 32 * GIB, .align64 = 32 * GIB};
	plans();
	expect_range("mem64", l.pci.mem64, 32 * GIB, 64 * GIB);
	/* What goes beyond is said, with the memory that leaves room. */
	needs = (struct pci_needs){.mem64 = 512 * GIB, .align64 = 512 * GIB};
	config.ram = 512 * GIB;
	refuses(ENOSPC, "PCI: 64-bit BARs need 512G, which a guest with 40 address bits has no "
			"room for above its RAM; assign fewer devices; the most that fits is "
			"-m 511G");
	needs = (struct pci_needs){.mem32 = 5 * GIB, .align32 = 2 * GIB};
	refuses(ENOSPC, "PCI: 32-bit BARs need 5G, which finds no room below 4G; assign fewer "
			"devices");
	needs = (struct pci_needs){.io = 0x10001};
	refuses(ENOSPC, "PCI: I/O BARs need more than the 64K of the I/O window; assign fewer "
			"devices");
}

/* A window of what BARs need rather than no machine. */
Test(arm64_layout, a_narrow_place_for_the_32_bit_window)
{
	reserve(0, 0x8000000, RESERVED_HARD);
	reserve(0xc000000, FOUR_GIB - 0xc000000, RESERVED_HARD);
	place_ram(GIB, FOUR_GIB);
	needs = (struct pci_needs){.mem32 = MIB, .align32 = MIB};
	plans();
	expect_range("mem32", l.pci.mem32, 0x9000000, 0x1000000);
}

Test(arm64_layout, senseless_memory)
{
	config.ram = 8 * MIB;
	refuses(EINVAL, "-m 8M: too little memory; the least is 16M");
	config.ram = 16 * MIB;
	plans();
	config.ram = 64 * MIB + 1;
	refuses(EINVAL, "-m 67108865: not a multiple of the host's page of 4096 bytes; use -m 64M");
	place_ram(64 * MIB, 0x80000800);
	refuses(EINVAL,
		"-m 64M@0x80000800: not at a multiple of the host's page of 4096 bytes; use "
		"-m 64M@0x80000000");
	place_ram(64 * MIB, 1ULL << 40);
	refuses(ENOSPC, "-m 64M: does not fit a guest with 40 address bits from 0x10000000000 on; "
			"use -m 64M without an address");
	config = (struct arch_config){.ram = 1024 * GIB, .cpus = 1};
	refuses(ENOSPC, "-m 1T: does not fit a guest with 40 address bits from 0x40000000 on; the "
			"most that fits is -m 1023G");
	config.ram = UINT64_MAX & ~4095ULL;
	cr_assert_eq(plan(), -ERANGE);
	cr_expect(strstr(err.text, "the most that fits is -m 1023G"), "%s", err.text);
}

/* Each has registers and an interrupt that are nobody else's. */
Test(arm64_layout, virtio_slots)
{
	const struct arch_layout m = {.board = {0x12000000, 0x600000}};
	const struct range others[] = {
		board_range(&m, UART_OFFSET, UART_SIZE),   board_range(&m, RTC_OFFSET, RTC_SIZE),
		board_range(&m, GICD_OFFSET, GICD_SIZE),   board_range(&m, GICC_OFFSET, GICC_SIZE),
		board_range(&m, PORTS_OFFSET, PORTS_SIZE), board_range(&m, ECAM_OFFSET, ECAM_SIZE),
		board_range(&m, GICR_OFFSET, GICR_SIZE)};
	uint64_t end = 0;
	unsigned i;

	for (i = 0; i < arch_slots; i++) {
		struct arch_slot slot = arch_slot(&m, i);

		cr_expect(range_contains(m.board, slot.registers));
		cr_expect_null(range_first_overlap(others, ARRAY_SIZE(others), slot.registers));
		cr_expect_geq(slot.registers.base, end);
		end = slot.registers.base + slot.registers.size;
		cr_expect_geq(slot.gsi, SPI_PCI_FIRST + SPI_PCI_COUNT);
		cr_expect_lt(slot.gsi, SPI_BOARD);
		cr_expect(!i || slot.gsi == arch_slot(&m, i - 1).gsi + 1);
	}
}

Test(arm64_layout, intx_lines)
{
	cr_expect_eq(arch_intx_gsi(PCI_DEVFN(0, 0), 1), 3);
	cr_expect_eq(arch_intx_gsi(PCI_DEVFN(0, 0), 4), 6);
	cr_expect_eq(arch_intx_gsi(PCI_DEVFN(1, 7), 1), 4);
	cr_expect_eq(arch_intx_gsi(PCI_DEVFN(31, 0), 2), 3);
}
