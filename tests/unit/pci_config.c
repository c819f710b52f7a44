/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* pci: configuration space, BARs, and the two ways in. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pci.h"
#include "recorder.h"

static struct recorder rec;
static struct pci_bus bus;
static struct pci_function f;
static struct view_claim mmio_claim, pio_claim;

/* What the function was told. */
static struct {
	unsigned maps[PCI_ROM + 1], unmaps[PCI_ROM + 1], commands, writes;
	uint64_t at[PCI_ROM + 1];
	uint16_t command;
	bool mapped_at_command;
} seen;

static void bar_map(struct pci_function *fn, unsigned bar, uint64_t addr)
{
	(void)fn;
	seen.maps[bar]++;
	seen.at[bar] = addr;
}

static void bar_unmap(struct pci_function *fn, unsigned bar)
{
	(void)fn;
	seen.unmaps[bar]++;
	seen.at[bar] = 0;
}

static void command_changed(struct pci_function *fn, uint16_t before, uint16_t now)
{
	(void)fn, (void)before;
	seen.commands++;
	seen.command = now;
	seen.mapped_at_command = seen.at[0] != 0;
}

static void config_written(struct pci_function *fn, unsigned offset, unsigned size, uint32_t value)
{
	(void)fn, (void)offset, (void)size, (void)value;
	seen.writes++;
}

static const struct pci_function_ops ops = {.config_written = config_written,
					    .bar_map = bar_map,
					    .bar_unmap = bar_unmap,
					    .command_changed = command_changed};

static const struct pci_windows windows = {
	.ecam = {0xe0000000, 0x100000},
	.mem32 = {0xc0000000, 0x20000000},
	.mem64 = {0x100000000, 0x100000000},
	.io = {0xc000, 0x4000},
};

static void start(void)
{
	recorder_init(&rec);
	memset(&seen, 0, sizeof(seen));
	space_register_claim(&rec.vm.mmio, &mmio_claim);
	space_register_claim(&rec.vm.pio, &pio_claim);
	cr_assert_eq(pci_bus_init(&bus, &rec.vm, NULL), 0);
	pci_function_init(&f, "test", &ops, NULL);
	pci_set32(f.config, PCI_VENDOR_ID, 0x00101b36);
	pci_set16(f.writable, PCI_COMMAND, 7);
	f.clears[PCI_STATUS + 1] = 0xf9;
	pci_set_bar(&f, 0, 0x4000, PCI_BASE_ADDRESS_MEM_TYPE_64);
	pci_set_bar(&f, 2, 0x20, PCI_BASE_ADDRESS_SPACE_IO);
	pci_set_bar(&f, 3, 0x1000, 0);
	pci_set_bar(&f, 4, 256 * MIB, PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH);
	pci_set_bar(&f, PCI_ROM, 0x800, 0);
	cr_assert_eq(pci_bus_add(&bus, &f, -1, NULL), 0);
	cr_assert_eq(f.devfn, PCI_DEVFN(1, 0));
	cr_assert_eq(pci_bus_start(&bus, &windows, NULL), 0);
}

static void finish(void)
{
	pci_function_destroy(&f);
	pci_bus_destroy(&bus);
	recorder_destroy(&rec);
}

static uint32_t get(unsigned offset, unsigned size)
{
	return pci_config_read(&f, offset, size);
}

static void set(unsigned offset, unsigned size, uint32_t value)
{
	pci_config_write(&f, offset, size, value);
}

TestSuite(pci_config, .init = start, .fini = finish);

Test(pci_config, bars_are_placed_but_not_decoded)
{
	cr_assert_eq(get(PCI_COMMAND, 2), 0);
	cr_assert_eq(pci_bar_address(&f, 4), 0x100000000);
	cr_assert_eq(pci_bar_address(&f, 0), 0x110000000);
	cr_assert_eq(get(0x20, 4), 0xc);
	cr_assert_eq(get(0x24, 4), 1);
	cr_assert_eq(get(0x18, 4), 0xc001);
	cr_assert_eq(get(0x1c, 4), 0xc0000000);
	cr_assert_eq(get(PCI_ROM_ADDRESS, 4), 0xc0001000);
	cr_assert_eq(seen.maps[0] + seen.maps[3], 0);
}

Test(pci_config, sizing_at_every_width)
{
	unsigned i;

	set(0x1c, 4, 0xffffffff);
	cr_assert_eq(get(0x1c, 4), 0xfffff000);
	set(0x1c, 4, 0);
	for (i = 0; i < 4; i += 2)
		set(0x1c + i, 2, 0xffff);
	cr_assert_eq(get(0x1c, 4), 0xfffff000);
	set(0x1c, 4, 0);
	for (i = 0; i < 4; i++)
		set(0x1c + i, 1, 0xff);
	cr_assert_eq(get(0x1c, 4), 0xfffff000);
	cr_assert_eq(get(0x1d, 1), 0xf0);
	set(0x18, 4, 0xffffffff);
	cr_assert_eq(get(0x18, 4), 0xffffffe1);
	/* 64 bits, high half first. */
	set(0x24, 4, 0xffffffff);
	set(0x20, 4, 0xffffffff);
	cr_assert_eq(get(0x20, 4), 0xf000000c);
	cr_assert_eq(get(0x24, 4), 0xffffffff);
	set(PCI_ROM_ADDRESS, 4, 0xfffffffe);
	cr_assert_eq(get(PCI_ROM_ADDRESS, 4), 0xfffff800);
	set(0x14, 4, 0xffffffff);
	cr_assert_eq(get(0x14, 4), 0xffffffff, "the upper half of BAR 0");
}

Test(pci_config, unimplemented_bars_stay_zero)
{
	struct pci_function plain;

	pci_function_init(&plain, "plain", &ops, NULL);
	cr_assert_eq(pci_bus_add(&bus, &plain, -1, NULL), 0);
	pci_config_write(&plain, 0x10, 4, 0xffffffff);
	cr_assert_eq(pci_config_read(&plain, 0x10, 4), 0);
	pci_function_destroy(&plain);
}

Test(pci_config, decoding_maps_and_unmaps_in_the_right_order)
{
	set(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	cr_assert_eq(seen.commands, 1);
	cr_assert(!seen.mapped_at_command, "the device decodes before anything is mapped");
	cr_assert_eq(seen.at[0], 0x110000000);
	cr_assert_eq(seen.at[3], 0xc0000000);
	cr_assert_eq(seen.maps[2], 0, "I/O is another bit");
	cr_assert_eq(seen.maps[PCI_ROM], 0, "a ROM has its own");
	set(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	cr_assert_eq(seen.commands, 1, "bus mastering decodes nothing");
	cr_assert_eq(seen.maps[0], 1);
	set(PCI_COMMAND, 1, PCI_COMMAND_IO);
	cr_assert_eq(seen.commands, 2);
	cr_assert(!seen.mapped_at_command, "unmapped before the device stops decoding");
	cr_assert_eq(seen.at[2], 0xc000);
	cr_assert_eq(seen.unmaps[0], 1);
}

Test(pci_config, a_move_is_one_unmap_and_one_map)
{
	set(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	set(0x1c, 4, 0xc8000000);
	cr_assert_eq(seen.maps[3], 2);
	cr_assert_eq(seen.unmaps[3], 1);
	cr_assert_eq(seen.at[3], 0xc8000000);
	cr_assert_eq(seen.maps[0], 1, "the others stay");
	set(0x1c, 4, 0xc8000123);
	cr_assert_eq(seen.maps[3], 2, "the same place");
}

Test(pci_config, sizing_while_decoding_maps_no_garbage)
{
	set(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	set(0x1c, 4, 0xffffffff);
	cr_assert_eq(seen.at[3], 0);
	set(0x1c, 4, 0xc0000000);
	cr_assert_eq(seen.at[3], 0xc0000000);
	/* Over RAM, over ECAM: a bridge forwards only its windows. */
	set(0x1c, 4, 0x1000);
	cr_assert_eq(seen.at[3], 0);
	set(0x1c, 4, 0xe0000000);
	cr_assert_eq(seen.at[3], 0);
	set(0x20, 4, 0xf0000000);
	set(0x24, 4, 0xffffffff);
	cr_assert_eq(seen.at[4], 0, "at the very top");
}

Test(pci_config, rom_needs_both_enables)
{
	set(PCI_ROM_ADDRESS, 4, 0xc0001001);
	cr_assert_eq(seen.maps[PCI_ROM], 0);
	set(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	cr_assert_eq(seen.at[PCI_ROM], 0xc0001000);
	set(PCI_ROM_ADDRESS, 1, 0);
	cr_assert_eq(seen.at[PCI_ROM], 0);
}

Test(pci_config, masks_and_write_one_to_clear)
{
	set(PCI_VENDOR_ID, 4, 0);
	cr_assert_eq(get(PCI_VENDOR_ID, 4), 0x00101b36);
	pci_set16(f.config, PCI_STATUS, 0xf910);
	set(PCI_STATUS, 2, 0x8000);
	cr_assert_eq(get(PCI_STATUS, 2), 0x7910);
	set(PCI_COMMAND, 4, 0xffff0000);
	cr_assert_eq(get(PCI_STATUS, 2), 0x0010);
}

Test(pci_config, odd_accesses_do_nothing)
{
	seen.writes = 0;
	set(PCI_COMMAND + 1, 2, 0xffff);
	set(0xffe, 4, 0xffffffff);
	set(0x1000, 1, 0xff);
	set(0, 8, 0);
	cr_assert_eq(seen.writes, 0);
	cr_assert_eq(get(2, 4), UINT32_MAX);
}

static uint64_t mmio(uint64_t addr, unsigned size)
{
	uint64_t value = 0;

	space_read(&rec.vm.mmio, &mmio_claim, addr, size, (uint8_t *)&value);
	return value;
}

static uint32_t in(uint16_t port, unsigned size)
{
	uint32_t value = 0;

	space_read(&rec.vm.pio, &pio_claim, port, size, (uint8_t *)&value);
	return value;
}

static void out(uint16_t port, unsigned size, uint32_t value)
{
	space_write(&rec.vm.pio, &pio_claim, port, size, (uint8_t *)&value);
}

Test(pci_config, ecam)
{
	const uint64_t function = windows.ecam.base + (PCI_DEVFN(1, 0) << 12);

	cr_assert_eq(mmio(function, 4), 0x00101b36);
	cr_assert_eq(mmio(function + 2, 2), 0x0010);
	cr_assert_eq(mmio(function + 1, 1), 0x1b);
	cr_assert_eq(mmio(function, 8), 0x00101b36);
	cr_assert_eq(mmio(function + 1, 4), 0x0000101b, "split into aligned pieces");
	cr_assert_eq(mmio(windows.ecam.base + (PCI_DEVFN(2, 0) << 12), 4), 0xffffffff, "nobody");
	cr_assert_eq(mmio(windows.ecam.base + 10, 2), 0x0600, "the host bridge's class");
	cr_assert_eq(mmio(windows.ecam.base + 0xfffff, 1), 0xff);
}

Test(pci_config, ports)
{
	out(0xcf8, 4, 0x80000800);
	cr_assert_eq(in(0xcf8, 4), 0x80000800);
	cr_assert_eq(in(0xcfc, 4), 0x00101b36);
	cr_assert_eq(in(0xcfe, 2), 0x0010);
	cr_assert_eq(in(0xcfd, 1), 0x1b);
	out(0xcf8, 1, 0xff);
	out(0xcfa, 2, 0xffff);
	cr_assert_eq(in(0xcf8, 4), 0x80000800, "the address register takes dwords alone");
	cr_assert_eq(in(0xcf9, 1), 0xff);
	out(0xcf8, 4, 0x00000800);
	cr_assert_eq(in(0xcfc, 4), 0xffffffff, "not enabled");
	out(0xcf8, 4, 0x80010800);
	cr_assert_eq(in(0xcfc, 4), 0xffffffff, "another bus");
	out(0xcf8, 4, 0x80000804);
	out(0xcfc, 1, PCI_COMMAND_MEMORY);
	cr_assert_eq(seen.at[3], 0xc0000000);
}

Test(pci_config, several_functions_in_a_slot_say_so)
{
	struct pci_function other;
	struct error err = {0};

	pci_function_init(&other, "other", &ops, NULL);
	cr_assert_eq(pci_bus_add(&bus, &other, PCI_DEVFN(1, 0), &err), -EBUSY);
	cr_assert(strstr(err.text, "01.0 is taken"), "%s", err.text);
	cr_assert_eq(pci_bus_add(&bus, &other, PCI_DEVFN(1, 3), NULL), 0);
	cr_assert_eq(get(PCI_HEADER_TYPE, 1), 0x80);
	cr_assert_eq(pci_config_read(&other, PCI_HEADER_TYPE, 1), 0x80);
	pci_function_destroy(&other);
}

Test(capability, lists_are_bounded)
{
	static uint8_t config[PCI_CONFIG_SIZE];

	pci_set16(config, PCI_STATUS, PCI_STATUS_CAP_LIST);
	config[PCI_CAPABILITY_LIST] = 0x40;
	config[0x40] = PCI_CAP_ID_PM;
	config[0x41] = 0x40;
	cr_assert_eq(pci_find_capability(config, PCI_CAP_ID_PM), 0x40);
	cr_assert_eq(pci_find_capability(config, PCI_CAP_ID_MSIX), 0);
	config[0x41] = 0x04;
	cr_assert_eq(pci_find_capability(config, PCI_CAP_ID_MSIX), 0, "into the header");
	pci_set32(config, 0x100, 0x10010001);
	cr_assert_eq(pci_find_ext_capability(config, PCI_EXT_CAP_ID_SRIOV), 0);
	pci_set32(config, 0x100, 0xffc10001);
	cr_assert_eq(pci_find_ext_capability(config, PCI_EXT_CAP_ID_SRIOV), 0, "at the end");
}
