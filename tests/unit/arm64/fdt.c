/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The device tree: as text against golden/NAME.dts, which GOLDEN=write writes anew (make golden),
 * and its cells against the layout that they are to describe.
 */
#include <criterion/criterion.h>
#include <libfdt.h>
#include <string.h>
#include <unistd.h>

#include "../../../arm/fdt.h"
#include "../fdt/cells.h"
#include "../fdt/golden.h"

/* What makes a machine; the rest follows from the plan. */
struct sample {
	const char *name;
	unsigned cpus;
	enum irqchip irqchip;
	bool pmu, placed;
	uint64_t ram, ram_base;
	struct range initrd;
	uint64_t mem64; /* bytes of 64-bit BARs */
	unsigned n_slots;
};

static const struct sample samples[] = {
	{"default", 1, IRQCHIP_GICV3_ITS, true, false, 256 * MIB, 0, {0x42600000, 0x345678}, 0, 0},
	{"smp", 4, IRQCHIP_GICV3_ITS, true, false, 256 * MIB, 0, {0}, 0, 0},
	{"clusters", 20, IRQCHIP_GICV3_ITS, true, false, 256 * MIB, 0, {0}, 0, 0},
	{"no-pmu", 1, IRQCHIP_GICV3_ITS, false, false, 256 * MIB, 0, {0}, 0, 0},
	{"gicv3", 1, IRQCHIP_GICV3, true, false, 256 * MIB, 0, {0}, 0, 0},
	{"gicv2m", 2, IRQCHIP_GICV2M, true, false, 256 * MIB, 0, {0}, 0, 0},
	{"gicv2", 8, IRQCHIP_GICV2, true, false, 256 * MIB, 0, {0}, 0, 0},
	{"two-pieces", 1, IRQCHIP_GICV3_ITS, true, true, 256 * MIB, 0, {0}, 0, 0},
	{"mem64", 1, IRQCHIP_GICV3_ITS, true, false, 6 * GIB, 0, {0}, 16 * GIB, 0},
	{"virtio", 1, IRQCHIP_GICV3, true, false, 256 * MIB, 0, {0}, 0, 16},
};

static const struct vfio_reserved window = {{0x8000000, MIB}, RESERVED_MSI, 3};

static struct arch_layout layout;

static struct fdt_machine machine_of(const struct sample *s)
{
	struct arch_config config = {
		.ram = s->ram, .ram_placed = s->placed, .ram_base = s->ram_base, .cpus = s->cpus};
	struct arch_host host = {40, 4096, &window, 1};
	struct pci_needs needs = {.mem64 = s->mem64, .align64 = s->mem64};
	struct fdt_machine m = {.layout = &layout,
				.cpus = s->cpus,
				.irqchip = s->irqchip,
				.pmu = s->pmu,
				.n_slots = s->n_slots,
				.params = "console=ttyS0 quiet",
				.initrd = s->initrd};
	unsigned i;

	cr_assert_eq(arch_plan(&config, &host, &needs, &layout, NULL), 0);
	for (i = 0; i < sizeof(m.rng_seed); i++)
		m.rng_seed[i] = (uint8_t)(0x80 + i);
	for (i = 0; i < sizeof(m.kaslr_seed); i++)
		m.kaslr_seed[i] = (uint8_t)(0xa0 + i);
	return m;
}

static void build(const struct sample *s)
{
	struct fdt_machine m = machine_of(s);

	cr_assert_eq(fdt_build(&m, tree, TREE_ROOM), 0, "%s", s->name);
}

/* ---- as text -------------------------------------------------------------------------------- */

Test(arm64_fdt, golden)
{
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(samples); i++) {
		build(&samples[i]);
		golden_check("tests/unit/arm64/golden", samples[i].name, tree);
	}
}

/* ---- as cells ------------------------------------------------------------------------------- */

static void expect_reg(int at, unsigned i, struct range want)
{
	cr_expect_eq(cell64(at, "reg", 4 * i), want.base, "0x%lx", want.base);
	cr_expect_eq(cell64(at, "reg", 4 * i + 2), want.size, "at 0x%lx", want.base);
}

static int pcie(void)
{
	return node_at("", "pcie", layout.pci.ecam.base);
}

static int gic(void)
{
	return node_at("", "interrupt-controller", layout.board.base + GICD_OFFSET);
}

/* As the kernel finds the interrupt of a pin: mask the unit and the pin, then look it up. */
static uint32_t mapped_spi(int pci, unsigned slot, unsigned pin)
{
	const char *name = "interrupt-map";
	unsigned n = count_cells(pci, name), i;
	uint32_t unit = PCI_DEVFN(slot, 0) << 8 & cell(pci, "interrupt-map-mask", 0);

	cr_assert_eq(n % 10, 0);
	for (i = 0; i < n; i += 10) {
		if (cell(pci, name, i) != unit ||
		    cell(pci, name, i + 3) != (pin & cell(pci, "interrupt-map-mask", 3)))
			continue;
		cr_assert_eq(fdt_node_offset_by_phandle(tree, cell(pci, name, i + 4)), gic());
		cr_assert_eq(cell(pci, name, i + 7), 0, "an SPI");
		cr_assert_eq(cell(pci, name, i + 9), 4, "level, high");
		return cell(pci, name, i + 8);
	}
	cr_assert_fail("slot %u pin %u is not in the map", slot, pin);
	return 0;
}

Test(arm64_fdt, interrupt_map_says_what_the_machine_does)
{
	unsigned i, slot, pin;

	for (i = 0; i < ARRAY_SIZE(samples); i++) {
		build(&samples[i]);
		/* What is between the pin and the SPI: the controller's cells of address. */
		cr_assert_eq(cell(gic(), "#address-cells", 0), 2);
		cr_assert_eq(cell(pcie(), "interrupt-map-mask", 1), 0);
		cr_assert_eq(cell(pcie(), "interrupt-map-mask", 2), 0);
		for (slot = 0; slot < 32; slot++)
			for (pin = 1; pin <= 4; pin++)
				cr_assert_eq(mapped_spi(pcie(), slot, pin),
					     arch_intx_gsi(PCI_DEVFN(slot, 0), pin),
					     "slot %u pin %u", slot, pin);
	}
}

Test(arm64_fdt, memory_is_that_of_the_layout)
{
	unsigned i, k;
	int at, n;

	for (i = 0; i < ARRAY_SIZE(samples); i++) {
		build(&samples[i]);
		for (k = 0; k < layout.n_ram; k++)
			expect_reg(node_at("", "memory", layout.ram[k].base), 0, layout.ram[k]);
		n = 0;
		fdt_for_each_subnode(at, tree, 0) n +=
			!strncmp(fdt_get_name(tree, at, NULL), "memory@", 7);
		cr_expect_eq(n, (int)layout.n_ram, "%s", samples[i].name);
		expect_reg(node_at("/reserved-memory", "msi-bank", layout.msi_bank.base), 0,
			   layout.msi_bank);
	}
}

/* cells of a range: space, PCI address, CPU address, size. */
static void expect_window(unsigned i, uint32_t space, uint64_t pci, uint64_t cpu, uint64_t size)
{
	int at = pcie();

	cr_expect_eq(cell(at, "ranges", 7 * i), space);
	cr_expect_eq(cell64(at, "ranges", 7 * i + 1), pci);
	cr_expect_eq(cell64(at, "ranges", 7 * i + 3), cpu);
	cr_expect_eq(cell64(at, "ranges", 7 * i + 5), size);
}

Test(arm64_fdt, windows_are_those_of_the_layout)
{
	const struct pci_windows *w = &layout.pci;
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(samples); i++) {
		build(&samples[i]);
		expect_reg(pcie(), 0, w->ecam);
		cr_expect_eq(count_cells(pcie(), "ranges"), samples[i].mem64 ? 21 : 14);
		expect_window(0, 0x01000000, w->io.base, w->io_gpa, w->io.size);
		expect_window(1, 0x02000000, w->mem32.base, w->mem32.base, w->mem32.size);
		if (samples[i].mem64)
			expect_window(2, 0x03000000, w->mem64.base, w->mem64.base, w->mem64.size);
		/* One bus fills the ECAM. */
		cr_expect_eq(cell(pcie(), "bus-range", 1), 0);
	}
}

Test(arm64_fdt, virtio_nodes_are_the_slots)
{
	const struct sample *s = &samples[ARRAY_SIZE(samples) - 1];
	struct arch_slot slot;
	unsigned i;
	int at;

	cr_assert_eq(s->n_slots, arch_slots);
	build(s);
	for (i = 0; i < s->n_slots; i++) {
		slot = arch_slot(&layout, i);
		at = node_at("", "virtio", slot.registers.base);
		cr_expect_eq(fdt_node_check_compatible(tree, at, "virtio,mmio"), 0);
		expect_reg(at, 0, slot.registers);
		cr_expect_eq(cell(at, "interrupts", 0), 0, "shared");
		cr_expect_eq(cell(at, "interrupts", 1), slot.gsi);
		cr_expect_eq(cell(at, "interrupts", 2), 4, "level, high");
		cr_expect_not_null(fdt_getprop(tree, at, "dma-coherent", NULL));
	}
	build(&samples[0]);
	cr_expect_lt(fdt_node_offset_by_compatible(tree, -1, "virtio,mmio"), 0,
		     "only if asked for");
}

Test(arm64_fdt, messages_go_to_the_doorbell)
{
	struct range frame;
	unsigned i;
	int msi;

	for (i = 0; i < ARRAY_SIZE(samples); i++) {
		enum irqchip chip = samples[i].irqchip;

		build(&samples[i]);
		if (chip == IRQCHIP_GICV3 || chip == IRQCHIP_GICV2) {
			cr_expect_null(fdt_getprop(tree, pcie(), "msi-map", NULL));
			cr_expect_lt(fdt_first_subnode(tree, gic()), 0);
			continue;
		}
		msi = fdt_node_offset_by_phandle(tree, cell(pcie(), "msi-map", 1));
		cr_assert_geq(msi, 0);
		cr_expect_not_null(fdt_getprop(tree, msi, "msi-controller", NULL));
		cr_expect_eq(fdt_parent_offset(tree, msi), gic());
		/* Every requester ID, as it is. */
		cr_expect_eq(cell(pcie(), "msi-map", 0), 0);
		cr_expect_eq(cell(pcie(), "msi-map", 2), 0);
		cr_expect_eq(cell(pcie(), "msi-map", 3), 0x10000);
		frame = layout.doorbell;
		if (chip == IRQCHIP_GICV2M)
			frame.size = 0x1000;
		expect_reg(msi, 0, frame);
		cr_expect_eq(fdt_node_check_compatible(tree, msi,
						       chip == IRQCHIP_GICV2M ? "arm,gic-v2m-frame"
									      : "arm,gic-v3-its"),
			     0);
	}
}

Test(arm64_fdt, controllers_and_cpus)
{
	unsigned i, k;

	for (i = 0; i < ARRAY_SIZE(samples); i++) {
		const struct sample *s = &samples[i];
		bool v3 = irqchip_is_v3(s->irqchip);

		build(s);
		cr_expect_eq(fdt_node_offset_by_phandle(tree, cell(0, "interrupt-parent", 0)),
			     gic());
		expect_reg(gic(), 0, board_range(&layout, GICD_OFFSET, v3 ? 0x10000 : 0x1000));
		expect_reg(gic(), 1,
			   v3 ? board_range(&layout, GICR_OFFSET, 0x20000 * s->cpus)
			      : board_range(&layout, GICC_OFFSET, 0x2000));
		for (k = 0; k < s->cpus; k++)
			cr_expect_eq(cell(node_at("/cpus", "cpu", fdt_mpidr(k)), "reg", 0),
				     k / 16 << 8 | k % 16);
		/* GICv2's private interrupts say to which CPUs they go. */
		cr_expect_eq(cell(node("/timer"), "interrupts", 2),
			     v3 ? 8 : 8 | ((1u << s->cpus) - 1) << 8);
		cr_expect_eq(fdt_path_offset(tree, "/pmu") >= 0, s->pmu);
		if (s->pmu)
			cr_expect_eq(cell(node("/pmu"), "interrupts", 1), 7);
	}
}

Test(arm64_fdt, chosen)
{
	struct arch_uart uart;
	char path[64];
	int at;

	build(&samples[0]);
	at = node("/chosen");
	cr_expect_str_eq((const char *)fdt_getprop(tree, at, "bootargs", NULL),
			 "console=ttyS0 quiet");
	cr_expect_eq(cell64(at, "linux,initrd-start", 0), 0x42600000);
	cr_expect_eq(cell64(at, "linux,initrd-end", 0), 0x42600000 + 0x345678);
	uart = arch_uart(&layout);
	snprintf(path, sizeof(path), "/serial@%lx", uart.base);
	cr_expect_str_eq((const char *)fdt_getprop(tree, at, "stdout-path", NULL), path);
	cr_expect_eq(cell64(node(path), "reg", 0), uart.base);
	cr_expect_eq(cell(node(path), "interrupts", 1), uart.gsi);
	cr_expect_eq(cell64(at, "kaslr-seed", 0), 0xa0a1a2a3a4a5a6a7);
	cr_expect_eq(cell(at, "rng-seed", 7), 0x9c9d9e9f);
	build(&samples[1]);
	cr_expect_null(fdt_getprop(tree, node("/chosen"), "linux,initrd-start", NULL));
}

/* As a kernel does: whatever has interrupts, clocks or messages finds their provider. */
Test(arm64_fdt, phandles_are_one_node_each)
{
	unsigned i, seen;
	uint32_t p;
	int at;

	for (i = 0; i < ARRAY_SIZE(samples); i++) {
		build(&samples[i]);
		cr_assert_eq(fdt_check_full(tree, TREE_ROOM), 0);
		seen = 0;
		for (at = 0; at >= 0; at = fdt_next_node(tree, at, NULL)) {
			p = fdt_get_phandle(tree, at);
			if (!p)
				continue;
			cr_assert(p < 32 && !(seen & 1u << p), "phandle %u", p);
			seen |= 1u << p;
		}
		at = node_at("", "rtc", layout.board.base + RTC_OFFSET);
		at = fdt_node_offset_by_phandle(tree, cell(at, "clocks", 0));
		cr_assert_geq(at, 0);
		cr_expect_eq(fdt_node_check_compatible(tree, at, "fixed-clock"), 0);
	}
}

Test(arm64_fdt, five_hundred_and_twelve_cpus)
{
	static char large[2 * MIB];
	struct sample s = {"", 512, IRQCHIP_GICV3_ITS, true, false, 256 * MIB, 0, {0}, 0, 0};
	struct fdt_machine m = machine_of(&s);

	cr_assert_eq(fdt_build(&m, large, sizeof(large)), 0);
	cr_expect_geq(fdt_path_offset(large, "/cpus/cpu@1f0f"), 0);
	cr_expect_lt(fdt_path_offset(large, "/cpus/cpu@2000"), 0);
}

static int build_in(const void *machine, void *buf, size_t size)
{
	return fdt_build(machine, buf, size);
}

Test(arm64_fdt, too_small_a_buffer)
{
	struct fdt_machine m = machine_of(&samples[0]);

	expect_room_minded(build_in, &m);
}
