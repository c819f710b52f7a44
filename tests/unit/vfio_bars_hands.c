/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* vfio: BAR plans carried out, as a guest finds them that moves its BARs and knows back doors. */
#include <criterion/criterion.h>
#include <string.h>

#include "../../vfio/device.h"
#include "vfio_guest.h"

#define PAGE   0x1000ull
#define WINDOW 0xd0000000u
#define ON     (PCI_COMMAND_MEMORY | PCI_COMMAND_IO)

static void start(const struct vfio_fake_layout *layout, const struct vfio_device_options *options)
{
	struct error err = {0};

	cr_assert_eq(guest_start(layout, options, &err), 0, "%s", err.text);
}

/* As guests move a BAR: while it decodes. */
static void move(unsigned bar, uint32_t address)
{
	pci_config_write(guest.f, PCI_BASE_ADDRESS_0 + 4 * bar, 4, address);
	guest_command(ON);
}

static uint32_t load(uint64_t gpa, enum served way)
{
	uint64_t value;

	cr_expect_eq(recorder_load(&guest.rec, gpa, 4, &value), way, "0x%lx", gpa);
	return (uint32_t)value;
}

static void store(uint64_t gpa, uint32_t value)
{
	recorder_store(&guest.rec, gpa, 4, value);
}

/* The dword of the device's BAR. */
static uint32_t device(unsigned bar, unsigned offset)
{
	return pci_get32(fake.bars[bar], offset);
}

static void expect(uint64_t gpa, unsigned bar, uint32_t offset, enum served way)
{
	cr_expect_eq(load(gpa + offset, way), device(bar, offset), "BAR %u, 0x%x", bar, offset);
}

/* ---- BARs smaller than a page ---- */

static void two_small_bars(enum vfio_subpage subpage)
{
	static const struct vfio_fake_layout layout = {
		.bars[0] = {.size = PAGE / 4, .mmap = true},
		.bars[1] = {.size = PAGE / 4, .mmap = true},
		.page = PAGE,
	};
	const struct vfio_device_options options = {.subpage = subpage};

	start(&layout, &options);
}

Test(subpage, exact_follows_the_guest)
{
	two_small_bars(VFIO_SUBPAGE_EXACT);
	cr_expect_eq(guest_bar_size(0), PAGE / 4);
	move(0, WINDOW);
	move(1, WINDOW + PAGE);
	expect(WINDOW, 0, 0x3fc, BY_SLOT);
	expect(WINDOW + PAGE, 1, 0, BY_SLOT);
	/* Into the other's page: both are served, each with its own bytes. */
	move(1, WINDOW + PAGE / 2);
	expect(WINDOW, 0, 0x3fc, BY_EXIT);
	expect(WINDOW + PAGE / 2, 1, 0, BY_EXIT);
	expect(WINDOW + PAGE / 2, 1, 0x3fc, BY_EXIT);
	/* And away again; not to a page's beginning. */
	move(1, WINDOW + 3 * PAGE / 2);
	expect(WINDOW, 0, 0x3fc, BY_SLOT);
	expect(WINDOW + 3 * PAGE / 2, 1, 0x3fc, BY_EXIT);
	load(WINDOW + 3 * PAGE / 2 + 0x400, BY_NOBODY);
	/* Whoever comes last hides nobody. */
	move(0, WINDOW + PAGE);
	expect(WINDOW + PAGE, 0, 0x3fc, BY_EXIT);
	expect(WINDOW + 3 * PAGE / 2, 1, 0, BY_EXIT);
	move(1, WINDOW + 2 * PAGE);
	expect(WINDOW + PAGE, 0, 0x3fc, BY_SLOT);
	expect(WINDOW + 2 * PAGE, 1, 0x3fc, BY_SLOT);
	store(WINDOW + 2 * PAGE, 7);
	cr_expect_eq(device(1, 0), 7);
	guest_finish();
}

Test(subpage, expand_leaves_no_room_for_another)
{
	two_small_bars(VFIO_SUBPAGE_EXPAND);
	cr_expect_eq(guest_bar_size(0), PAGE);
	cr_expect_eq(guest_bar_size(1), PAGE);
	move(0, WINDOW);
	/* The low bits of the address are not there. */
	move(1, WINDOW + 3 * PAGE / 2);
	expect(WINDOW, 0, 0x3fc, BY_SLOT);
	expect(WINDOW + PAGE, 1, 0, BY_SLOT);
	cr_expect_eq(atomic_load(&guest.vfio.devices->bar_traps), 0);
	guest_finish();
}

/* The host has something else in that page: nothing is beyond the device's own bytes. */
Test(subpage, expand_without_a_page_of_its_own)
{
	static const struct vfio_fake_layout layout = {.bars[0] = {.size = PAGE / 4}, .page = PAGE};

	start(&layout, NULL);
	cr_expect_eq(guest_bar_size(0), PAGE);
	move(0, WINDOW);
	expect(WINDOW, 0, 0x3fc, BY_EXIT);
	cr_expect_eq(load(WINDOW + 0x400, BY_EXIT), UINT32_MAX);
	store(WINDOW + 0x400, 7);
	store(WINDOW + 0xffc, 7);
	cr_expect_eq(fake.writes, 0);
	cr_expect_eq(atomic_load(&guest.vfio.devices->io_errors), 0);
	guest_finish();
}

/* ---- RTL8168's back door: data at 0x70, address at 0x74 of BAR 2 ---- */

#define DATA	(WINDOW + 0x70)
#define ADDRESS (WINDOW + 0x74)

static void rtl8168(void)
{
	static const struct vfio_fake_layout layout = {
		.id = 0x816810ec,
		.bars[2] = {.size = PAGE, .mmap = true},
		.bars[4] = {.size = 4 * PAGE, .mmap = true},
		.n_msix = 4,
		.table_bar = 4,
		.pba_bar = 4,
		.pba = 0x800,
		.msix_mappable = true,
		.page = PAGE,
	};

	start(&layout, NULL);
	move(2, WINDOW);
	move(4, WINDOW + MIB);
}

TestSuite(quirks, .init = rtl8168, .fini = guest_finish);

/* The data of vector 1: written by one door, read by the other. */
Test(quirks, rtl8168_reaches_the_virtual_table)
{
	uint64_t value;

	store(DATA, 0x4321);
	store(ADDRESS, 0x8001f018);
	cr_expect_eq(load(ADDRESS, BY_EXIT), 0x1f018, "the flag falls when it is written");
	cr_expect_eq(load(WINDOW + MIB + 0x18, BY_EXIT), 0x4321);
	store(WINDOW + MIB + 0x18, 0x8765);
	store(ADDRESS, 0x1f018);
	cr_expect_eq(load(ADDRESS, BY_EXIT), 0x8001f018, "the flag rises when it is read");
	cr_expect_eq(load(DATA, BY_EXIT), 0x8765);
	recorder_load(&guest.rec, DATA, 8, &value);
	cr_expect_eq(value, 0x8001f01800008765);
	/* Beyond the table of four vectors there is nothing. */
	store(ADDRESS, 0x8001f040);
	store(ADDRESS, 0x1ffff);
	cr_expect_eq(load(DATA, BY_EXIT), UINT32_MAX);
}

/* What is for the table the device does not hear of, but for the data: its address comes last. */
Test(quirks, rtl8168_keeps_the_device_out_of_it)
{
	uint32_t address = device(2, 0x74);

	store(DATA, 0x4321);
	fake.writes = 0;
	store(ADDRESS, 0x8001f018);
	store(ADDRESS, 0x1f018);
	cr_expect_eq(fake.writes, 0);
	cr_expect_eq(device(2, 0x74), address);
}

/* Other types are the device's, at any width; and what is beside the door. */
Test(quirks, rtl8168_other_types_are_the_device_s)
{
	uint64_t value;

	store(ADDRESS, 0x1f018);
	store(ADDRESS, 0x0000f0c8);
	cr_expect_eq(device(2, 0x74), 0xf0c8);
	cr_expect_eq(load(ADDRESS, BY_EXIT), 0xf0c8);
	store(DATA, 0x55);
	cr_expect_eq(load(DATA, BY_EXIT), 0x55);
	cr_expect_eq(device(2, 0x70), 0x55);
	recorder_store(&guest.rec, DATA, 8, 0x8000000200000066);
	cr_expect_eq(device(2, 0x70), 0x66);
	cr_expect_eq(device(2, 0x74), 0x80000002);
	recorder_store(&guest.rec, DATA + 1, 1, 0x77);
	cr_expect_eq(device(2, 0x70), 0x7766);
	recorder_load(&guest.rec, DATA, 2, &value);
	cr_expect_eq(value & 0xffff, 0x7766);
	expect(WINDOW, 2, 0x6c, BY_EXIT);
	expect(WINDOW, 2, 0x78, BY_EXIT);
	expect(WINDOW, 2, 0xffc, BY_EXIT);
}
