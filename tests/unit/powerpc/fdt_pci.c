/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The device tree's PCI host bridge: its cells against the layout, the bus and the functions. */
#include <criterion/criterion.h>
#include <libfdt.h>
#include <string.h>

#include "fdt_rig.h"

TestSuite(powerpc_fdt_pci, .init = fdt_rig_start, .fini = fdt_rig_finish);

/* As a guest finds a function's node: by the first cell of its reg. */
static int node_of(unsigned i)
{
	int at;

	fdt_for_each_subnode(at, tree, fdt_rig_phb())
	{
		if (cell(at, "reg", 0) == (uint32_t)fdt_rig.functions[i].devfn << 8)
			return at;
	}
	cr_assert_fail("no node for function %u", i);
	return -1;
}

/* As the kernel finds the interrupt of a pin: mask the unit and the pin, then look it up. */
static uint32_t mapped_source(unsigned slot, unsigned pin)
{
	const char *map_name = "interrupt-map", *mask = "interrupt-map-mask";
	unsigned n = count_cells(fdt_rig_phb(), map_name), i;
	uint32_t unit = PCI_DEVFN(slot, 0) << 8 & cell(fdt_rig_phb(), mask, 0);

	cr_assert_eq(n % 7, 0);
	for (i = 0; i < n; i += 7) {
		if (cell(fdt_rig_phb(), map_name, i) != unit ||
		    cell(fdt_rig_phb(), map_name, i + 3) != (pin & cell(fdt_rig_phb(), mask, 3)))
			continue;
		cr_assert_eq(cell64(fdt_rig_phb(), map_name, i + 1), 0);
		cr_assert_eq(fdt_node_offset_by_phandle(tree, cell(fdt_rig_phb(), map_name, i + 4)),
			     fdt_rig_controller());
		cr_assert_eq(cell(fdt_rig_phb(), map_name, i + 6), 1, "level");
		return cell(fdt_rig_phb(), map_name, i + 5);
	}
	cr_assert_fail("slot %u pin %u is not in the map", slot, pin);
	return 0;
}

Test(powerpc_fdt_pci, interrupt_map_says_what_the_machine_does)
{
	unsigned slot, pin;

	fdt_rig_build(WITH_DEVICES);
	/* What is between the pin and the source: the controller's cells of address. */
	cr_assert_eq(cell(fdt_rig_controller(), "#address-cells", 0), 0);
	cr_assert_eq(cell(fdt_rig_controller(), "#interrupt-cells", 0), 2);
	cr_assert_eq(cell(fdt_rig_phb(), "#interrupt-cells", 0), 1);
	cr_assert_eq(cell64(fdt_rig_phb(), "interrupt-map-mask", 1), 0);
	for (slot = 0; slot < 32; slot++)
		for (pin = 1; pin <= 4; pin++)
			cr_assert_eq(mapped_source(slot, pin),
				     arch_intx_gsi(PCI_DEVFN(slot, 0), pin), "slot %u pin %u", slot,
				     pin);
	cr_expect_eq(cell(node_of(NETWORK), "interrupts", 0), 2, "the pin");
	cr_expect_eq(cell(node_of(SECOND), "interrupts", 0), 4);
	cr_expect(!has(node_of(BARE), "interrupts"));
}

static bool is_phandle_of(int at, uint32_t p)
{
	return fdt_get_phandle(tree, at) == p && fdt_node_offset_by_phandle(tree, p) == at;
}

Test(powerpc_fdt_pci, phandles_are_one_node_each)
{
	unsigned i, seen;
	uint32_t phandle;
	int at;

	for (i = 0; i < FDT_RIG_SAMPLES; i++) {
		fdt_rig_build(&fdt_rig_samples[i]);
		cr_assert_eq(fdt_check_full(tree, TREE_ROOM), 0);
		seen = 0;
		for (at = 0; at >= 0; at = fdt_next_node(tree, at, NULL)) {
			phandle = fdt_get_phandle(tree, at);
			if (!phandle)
				continue;
			cr_assert(phandle < 32 && !(seen & 1u << phandle), "phandle %u", phandle);
			cr_assert(is_phandle_of(at, phandle));
			seen |= 1u << phandle;
		}
		/* Old kernels look for the other name. */
		cr_expect_eq(cell(fdt_rig_controller(), "linux,phandle", 0),
			     fdt_get_phandle(tree, fdt_rig_controller()));
	}
}

/* cells of a range: space, PCI address, CPU address, size. */
static void expect_window(unsigned i, uint32_t space, uint64_t pci, uint64_t cpu, uint64_t size)
{
	cr_expect_eq(cell(fdt_rig_phb(), "ranges", 7 * i), space);
	cr_expect_eq(cell64(fdt_rig_phb(), "ranges", 7 * i + 1), pci);
	cr_expect_eq(cell64(fdt_rig_phb(), "ranges", 7 * i + 3), cpu);
	cr_expect_eq(cell64(fdt_rig_phb(), "ranges", 7 * i + 5), size);
}

Test(powerpc_fdt_pci, windows_are_those_of_the_layout)
{
	const struct pci_windows *w = &fdt_rig.layout.pci;

	fdt_rig_build(WITH_DEVICES);
	cr_expect_eq(count_cells(fdt_rig_phb(), "ranges"), 21);
	expect_window(0, 0x01000000, w->io.base, w->io_gpa, w->io.size);
	expect_window(1, 0x02000000, w->mem32.base, w->mem32.base + w->mem32_offset, w->mem32.size);
	expect_window(2, 0x03000000, w->mem64.base, w->mem64.base, w->mem64.size);
	/* The BUID that configuration space is asked for by. */
	cr_expect_eq(cell64(fdt_rig_phb(), "reg", 0), PHB_BUID);
	cr_expect_eq(cell64(fdt_rig_phb(), "reg", 2), 0);
}

Test(powerpc_fdt_pci, no_bus_without_functions)
{
	fdt_rig_build(&fdt_rig_samples[0]);
	cr_expect_lt(fdt_path_offset(tree, "/pci@800000020000000"), 0);
}

/* Where a BAR appears to the guest, by the tree alone. */
static uint64_t translate(uint32_t hi, uint64_t address, uint64_t size)
{
	unsigned i;

	for (i = 0; i < 21; i += 7) {
		uint64_t base = cell64(fdt_rig_phb(), "ranges", i + 1);

		if ((cell(fdt_rig_phb(), "ranges", i) & 0x03000000) == (hi & 0x03000000) &&
		    address >= base &&
		    address + size <= base + cell64(fdt_rig_phb(), "ranges", i + 5))
			return address - base + cell64(fdt_rig_phb(), "ranges", i + 3);
	}
	cr_assert_fail("0x%lx lies in no window", address);
	return 0;
}

static void expect_bar(unsigned fn, unsigned i, unsigned bar, uint32_t space, uint64_t size)
{
	const struct pci_function *f = &fdt_rig.functions[fn];
	unsigned reg = bar == PCI_ROM ? 0x30 : 0x10 + 4 * bar;
	uint32_t hi = space | (uint32_t)f->devfn << 8 | reg;
	uint64_t address = pci_bar_address(f, bar), base;
	int at = node_of(fn);

	cr_expect_eq(cell(at, "reg", 5 * (i + 1)), hi, "0x%x", cell(at, "reg", 5 * (i + 1)));
	cr_expect_eq(cell64(at, "reg", 5 * (i + 1) + 1), 0);
	cr_expect_eq(cell64(at, "reg", 5 * (i + 1) + 3), size);
	cr_expect_eq(cell(at, "assigned-addresses", 5 * i), hi | 0x80000000);
	cr_expect_eq(cell64(at, "assigned-addresses", 5 * i + 1), address);
	cr_expect_eq(cell64(at, "assigned-addresses", 5 * i + 3), size);
	cr_expect_eq(pci_bar_space(f, bar, address, &base), &fdt_rig.rec.vm.mmio);
	cr_expect_eq(translate(hi, address, size), base, "BAR %u", bar);
	/* No two BARs in a page, of the guest or the host. */
	if (!(space & 0x01000000) || (space & 0x02000000))
		cr_expect_eq(base % (64 * KIB), 0, "BAR %u", bar);
}

static void expect_bars(unsigned fn, unsigned n)
{
	cr_expect_eq(count_cells(node_of(fn), "reg"), 5 * (n + 1));
	cr_expect_eq(count_cells(node_of(fn), "assigned-addresses"), 5 * n);
	cr_expect_eq(cell64(node_of(fn), "reg", 1) | cell64(node_of(fn), "reg", 3), 0);
}

Test(powerpc_fdt_pci, bars_are_where_the_plan_has_put_them)
{
	fdt_rig_build(WITH_DEVICES);
	expect_bars(DISK, 1);
	expect_bar(DISK, 0, 0, 0x03000000, 16 * KIB);
	expect_bars(NETWORK, 4);
	expect_bar(NETWORK, 0, 0, 0x43000000, 8 * GIB);
	expect_bar(NETWORK, 1, 2, 0x02000000, 0x1000);
	expect_bar(NETWORK, 2, 3, 0x01000000, 32);
	expect_bar(NETWORK, 3, PCI_ROM, 0x02000000, 0x40000);
	expect_bars(SECOND, 1);
	expect_bar(SECOND, 0, 5, 0x42000000, 0x100000);
	expect_bars(BARE, 0);
}

Test(powerpc_fdt_pci, functions_are_what_configuration_space_says)
{
	static const struct {
		const char *name;
		unsigned reg, size;
	} registers[] = {{"vendor-id", 0, 2},	    {"device-id", 2, 2},
			 {"revision-id", 8, 1},	    {"subsystem-vendor-id", 0x2c, 2},
			 {"subsystem-id", 0x2e, 2}, {"cache-line-size", 0xc, 1},
			 {"min-grant", 0x3e, 1},    {"max-latency", 0x3f, 1}};
	static const char *const names[] = {"pci1b36,10@1", "pci1b36,11@2", "pci1b36,12@2,3",
					    "pci1b36,13@1f"};
	unsigned i, k, n = 0;
	int at;

	fdt_rig_build(WITH_DEVICES);
	for (i = 0; i < FUNCTIONS; i++) {
		at = node_of(i);
		cr_expect_str_eq(fdt_get_name(tree, at, NULL), names[i]);
		for (k = 0; k < ARRAY_SIZE(registers); k++)
			cr_expect_eq(cell(at, registers[k].name, 0),
				     pci_config_read(&fdt_rig.functions[i], registers[k].reg,
						     registers[k].size),
				     "%s", registers[k].name);
		cr_expect_eq(cell(at, "class-code", 0),
			     pci_config_read(&fdt_rig.functions[i], 8, 4) >> 8);
		/* Extended configuration space. */
		cr_expect_eq(cell(at, "ibm,pci-config-space-type", 0), 1);
	}
	fdt_for_each_subnode(at, tree, fdt_rig_phb())
	{
		n++;
	}
	cr_expect_eq(n, FUNCTIONS);
}

Test(powerpc_fdt_pci, messages)
{
	fdt_rig_build(WITH_DEVICES);
	cr_expect_eq(cell(node_of(DISK), "ibm,req#msi-x", 0), 65);
	cr_expect(!has(node_of(DISK), "ibm,req#msi"));
	cr_expect_eq(cell(node_of(NETWORK), "ibm,req#msi-x", 0), 2048);
	cr_expect_eq(cell(node_of(NETWORK), "ibm,req#msi", 0), 32);
	cr_expect(!has(node_of(SECOND), "ibm,req#msi-x"));
	cr_expect_eq(cell(node_of(SECOND), "ibm,req#msi", 0), 2);
	cr_expect(!has(node_of(BARE), "ibm,req#msi") && !has(node_of(BARE), "ibm,req#msi-x"));
	/* What there is in all; without it a guest has no messages. */
	cr_expect_eq(cell(fdt_rig_phb(), "ibm,pe-total-#msi", 0), SOURCE_END - SOURCE_MSI_FIRST);
}

static const char *const ddw[] = {"ibm,query-pe-dma-window", "ibm,create-pe-dma-window",
				  "ibm,remove-pe-dma-window"};

/* The first function's window is the bus's; Linux looks for the others from the function upwards.
 */
Test(powerpc_fdt_pci, dma_windows)
{
	unsigned fn, i;

	fdt_rig_build(WITH_DEVICES);
	cr_expect(!has(node_of(DISK), "ibm,dma-window"));
	for (fn = 0; fn < FUNCTIONS; fn++) {
		int at = fn == DISK ? fdt_rig_phb() : node_of(fn);

		cr_expect_eq(has(at, "ibm,dma-window"), fdt_rig_windows[fn].size != 0);
		cr_expect_eq(has(at, "ibm,ddw-applicable"), fdt_rig_windows[fn].dynamic);
		cr_expect_eq(has(at, "ibm,ddw-extensions"), fdt_rig_windows[fn].dynamic);
		if (!fdt_rig_windows[fn].size)
			continue;
		cr_expect_eq(cell(at, "ibm,#dma-address-cells", 0), 2);
		cr_expect_eq(cell(at, "ibm,#dma-size-cells", 0), 2);
		cr_expect_eq(count_cells(at, "ibm,dma-window"), 5);
		cr_expect_eq(cell(at, "ibm,dma-window", 0), fdt_rig_windows[fn].liobn);
		cr_expect_eq(cell64(at, "ibm,dma-window", 1), fdt_rig_windows[fn].start);
		cr_expect_eq(cell64(at, "ibm,dma-window", 3), fdt_rig_windows[fn].size);
	}
	/* As tokens: the same that the RTAS node has. */
	for (i = 0; i < ARRAY_SIZE(ddw); i++)
		cr_expect_eq(cell(fdt_rig_phb(), "ibm,ddw-applicable", i),
			     cell(node("/rtas"), ddw[i], 0));
	cr_expect_eq(cell(fdt_rig_phb(), "ibm,ddw-extensions", 0), 1, "how many follow");
	cr_expect_eq(cell(fdt_rig_phb(), "ibm,ddw-extensions", 1),
		     cell(node("/rtas"), "ibm,reset-pe-dma-window", 0));
}

/* Each of a group's functions has an allocator of its own in Linux: they must not meet. */
Test(powerpc_fdt_pci, a_group_shares_its_window)
{
	static const unsigned sharers[] = {NETWORK, SECOND, BARE};
	struct fdt_window shared = {0x80000001, 0x1000, 0x40000000, true};
	struct fdt_function fns[FUNCTIONS];
	struct fdt_machine m = fdt_rig_machine(WITH_DEVICES, fns);
	uint64_t at = shared.start;
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(sharers); i++)
		fns[sharers[i]].window = shared;
	cr_assert_eq(fdt_build(&m, tree, TREE_ROOM), 0);
	for (i = 0; i < ARRAY_SIZE(sharers); i++) {
		int fn = node_of(sharers[i]);

		cr_expect_eq(cell(fn, "ibm,dma-window", 0), shared.liobn);
		cr_expect_eq(cell64(fn, "ibm,dma-window", 1), at);
		cr_expect_eq(cell64(fn, "ibm,dma-window", 3), 0x15555000);
		cr_expect(!has(fn, "ibm,ddw-applicable"), "one would reset it under the others");
		at += 0x15555000;
	}
	cr_expect_leq(at, shared.start + shared.size);
}
