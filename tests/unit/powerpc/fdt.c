/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The device tree: as text against golden/NAME.dts, which GOLDEN=write writes anew (make golden),
 * and its cells against the layout, the bus and the calls that they are to describe.
 */
#include <criterion/criterion.h>
#include <libfdt.h>
#include <string.h>
#include <unistd.h>

#include "../../../powerpc/fdt.h"
#include "../../../powerpc/irqchip.h"
#include "../../../powerpc/rtas.h"
#include "../fdt/cells.h"
#include "../fdt/golden.h"
#include "../recorder.h"

/* What makes a machine; the rest follows from the plan. */
struct sample {
	const char *name;
	unsigned cpus;
	uint64_t ram, host_page;
	struct range initrd;
	bool devices, pa_features;
	unsigned hash_order; /* 0: radix */
	const struct irqchip *irqchip;
};

static const struct sample samples[] = {
	{"default", 1, 256 * MIB, 4096, {0x2c90000, 0x345678}, false, true, 0, &xics},
	{"smp", 4, 6 * GIB, 64 * KIB, {0}, false, false, 0, &xics},
	{"devices", 2, 512 * MIB, 64 * KIB, {0}, true, true, 0, &xics},
	{"hash", 1, 1 * GIB, 4096, {0}, false, false, 23, &xics},
	{"xive", 2, 256 * MIB, 64 * KIB, {0}, true, true, 0, &xive},
};
#define WITH_DEVICES (&samples[2])
#define WITH_HASH    (&samples[3])
#define WITH_XIVE    (&samples[4])

static const uint8_t pa_features[] = {0x18, 0x00, 0xf6, 0x3f, 0xc7, 0xc0};

static struct recorder rec;
static struct pci_bus bus;
static struct arch_layout layout;

/* ---- functions with every kind of BAR ---------------------------------------------------------
 */

static void map(struct pci_function *f, unsigned bar, uint64_t addr)
{
	(void)f, (void)bar, (void)addr;
}

static void unmap(struct pci_function *f, unsigned bar)
{
	(void)f, (void)bar;
}

static const struct pci_function_ops function_ops = {.bar_map = map, .bar_unmap = unmap};
static const struct msi_source_ops source;

enum {
	DISK,	 /* 64-bit BAR, MSI-X */
	NETWORK, /* 64-bit prefetchable, 32-bit, I/O and ROM; both kinds of messages */
	SECOND,	 /* a second function, 32-bit prefetchable; MSI; no DMA */
	BARE,	 /* no BAR, no interrupt */
	FUNCTIONS,
};

static struct pci_function functions[FUNCTIONS];
static struct pci_msix msix[FUNCTIONS];
static struct pci_msi msi[FUNCTIONS];
static const struct fdt_window windows[FUNCTIONS] = {
	[DISK] = {0x80000000, 0, 0x80000000, true},
	[NETWORK] = {0x80000001, 0x800000000000000, 0x40000000, false},
	[BARE] = {0x80000002, 0, 0x10000000, false},
};

static void add_function(unsigned i, int devfn, uint32_t class, uint8_t pin)
{
	struct pci_function *f = &functions[i];

	pci_function_init(f, "test", &function_ops, NULL);
	pci_set16(f->config, PCI_VENDOR_ID, 0x1b36);
	pci_set16(f->config, PCI_DEVICE_ID, (uint16_t)(0x10 + i));
	pci_set32(f->config, PCI_REVISION_ID, class << 8 | (2 + i));
	pci_set16(f->config, PCI_SUBSYSTEM_VENDOR_ID, 0x1af4);
	pci_set16(f->config, PCI_SUBSYSTEM_ID, (uint16_t)(0x1100 + i));
	f->config[PCI_CACHE_LINE_SIZE] = 0x10;
	f->config[PCI_MIN_GNT] = 0xff;
	f->config[PCI_MAX_LAT] = 1;
	f->config[PCI_INTERRUPT_PIN] = pin;
	cr_assert_eq(pci_bus_add(&bus, f, devfn, NULL), 0);
}

static void add_messages(unsigned i, unsigned n_msix, unsigned n_msi_log2)
{
	struct pci_function *f = &functions[i];

	if (n_msix) {
		pci_add_capability(f, PCI_CAP_ID_MSIX, 0x70, 12);
		pci_set16(f->config, 0x70 + PCI_MSIX_FLAGS, (uint16_t)(n_msix - 1));
		cr_assert_eq(pci_msix_init(&msix[i], f, 0x70, false, &rec.vm.irqs, &source, NULL),
			     0);
	}
	if (n_msi_log2) {
		pci_add_capability(f, PCI_CAP_ID_MSI, 0x50, 24);
		pci_set16(f->config, 0x50 + PCI_MSI_FLAGS, (uint16_t)(n_msi_log2 << 1));
		cr_assert_eq(pci_msi_init(&msi[i], f, 0x50, true, &rec.vm.irqs, &source, NULL), 0);
	}
}

static void start(void)
{
	recorder_init(&rec);
	cr_assert_eq(pci_bus_init(&bus, &rec.vm, NULL), 0);
	add_function(DISK, PCI_DEVFN(1, 0), 0x010802, 1);
	pci_set_bar(&functions[DISK], 0, 16 * KIB, PCI_BASE_ADDRESS_MEM_TYPE_64);
	add_messages(DISK, 65, 0);
	add_function(NETWORK, PCI_DEVFN(2, 0), 0x020000, 2);
	pci_set_bar(&functions[NETWORK], 0, 8 * GIB,
		    PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH);
	pci_set_bar(&functions[NETWORK], 2, 0x1000, 0);
	pci_set_bar(&functions[NETWORK], 3, 32, PCI_BASE_ADDRESS_SPACE_IO);
	pci_set_bar(&functions[NETWORK], PCI_ROM, 0x40000, 0);
	add_messages(NETWORK, 2048, 5);
	add_function(SECOND, PCI_DEVFN(2, 3), 0x020000, 4);
	pci_set_bar(&functions[SECOND], 5, 0x100000, PCI_BASE_ADDRESS_MEM_PREFETCH);
	add_messages(SECOND, 0, 1);
	add_function(BARE, PCI_DEVFN(31, 0), 0xff0000, 0);
}

static void finish(void)
{
	unsigned i;

	for (i = 0; i < FUNCTIONS; i++) {
		if (functions[i].msix)
			pci_msix_destroy(&msix[i]);
		if (functions[i].msi)
			pci_msi_destroy(&msi[i]);
		pci_function_destroy(&functions[i]);
	}
	pci_bus_destroy(&bus);
	recorder_destroy(&rec);
}

TestSuite(powerpc_fdt, .init = start, .fini = finish);

static struct fdt_machine machine_of(const struct sample *s, struct fdt_function *fns)
{
	struct arch_config config = {.ram = s->ram, .cpus = s->cpus};
	struct arch_host host = {.phys_bits = 46, .page_size = s->host_page};
	struct fdt_machine m = {.layout = &layout,
				.rma = rma_size(s->ram, s->host_page, s->hash_order),
				.irqchip = s->irqchip,
				.cpus = s->cpus,
				.cpu = {.pvr = 0x4e1202,
					.radix = !s->hash_order,
					.hash_order = s->hash_order,
					.segments = {12, 0, 1, 12, 0},
					.n_segments = 5,
					.segments_1t = true,
					.slb_size = 32,
					.timebase_hz = 512000000,
					.clock_hz = 2200000000,
					.radix_ap = {0xc, 0xa0000010, 0x20000015, 0x4000001e},
					.n_radix_ap = 4},
				.params = "console=hvc0 quiet",
				.initrd = s->initrd,
				.rtas = 0xfff0000,
				.functions = fns};
	struct pci_needs needs;
	unsigned i;

	cr_assert_eq(pci_bus_needs(&bus, &needs, NULL), 0);
	cr_assert_eq(arch_plan(&config, &host, &needs, &layout, NULL), 0);
	cr_assert_eq(pci_bus_start(&bus, &layout.pci, NULL), 0);
	if (s->pa_features) {
		memcpy(m.cpu.pa_features, pa_features, sizeof(pa_features));
		m.cpu.pa_features_size = sizeof(pa_features);
	}
	for (i = 0; i < sizeof(m.rng_seed); i++)
		m.rng_seed[i] = (uint8_t)(0x80 + i);
	for (i = 0; i < FUNCTIONS && s->devices; i++)
		fns[m.n_functions++] = (struct fdt_function){&functions[i], windows[i]};
	return m;
}

static void build(const struct sample *s)
{
	struct fdt_function fns[FUNCTIONS];
	struct fdt_machine m = machine_of(s, fns);

	cr_assert_eq(fdt_build(&m, tree, TREE_ROOM), 0, "%s", s->name);
}

/* ---- as text -------------------------------------------------------------------------------- */

Test(powerpc_fdt, golden)
{
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(samples); i++) {
		build(&samples[i]);
		golden_check("tests/unit/powerpc/golden", samples[i].name, tree);
	}
}

/* ---- as cells ------------------------------------------------------------------------------- */

static int phb(void)
{
	return node("/pci@800000020000000");
}

/* Whatever its address. */
static int controller(void)
{
	return node("/interrupt-controller");
}

/* As a guest finds a function's node: by the first cell of its reg. */
static int node_of(unsigned i)
{
	int at;

	fdt_for_each_subnode(at, tree, phb())
	{
		if (cell(at, "reg", 0) == (uint32_t)functions[i].devfn << 8)
			return at;
	}
	cr_assert_fail("no node for function %u", i);
	return -1;
}

/* As the kernel finds the interrupt of a pin: mask the unit and the pin, then look it up. */
static uint32_t mapped_source(unsigned slot, unsigned pin)
{
	const char *map_name = "interrupt-map", *mask = "interrupt-map-mask";
	unsigned n = count_cells(phb(), map_name), i;
	uint32_t unit = PCI_DEVFN(slot, 0) << 8 & cell(phb(), mask, 0);

	cr_assert_eq(n % 7, 0);
	for (i = 0; i < n; i += 7) {
		if (cell(phb(), map_name, i) != unit ||
		    cell(phb(), map_name, i + 3) != (pin & cell(phb(), mask, 3)))
			continue;
		cr_assert_eq(cell64(phb(), map_name, i + 1), 0);
		cr_assert_eq(fdt_node_offset_by_phandle(tree, cell(phb(), map_name, i + 4)),
			     controller());
		cr_assert_eq(cell(phb(), map_name, i + 6), 1, "level");
		return cell(phb(), map_name, i + 5);
	}
	cr_assert_fail("slot %u pin %u is not in the map", slot, pin);
	return 0;
}

Test(powerpc_fdt, interrupt_map_says_what_the_machine_does)
{
	unsigned slot, pin;

	build(WITH_DEVICES);
	/* What is between the pin and the source: the controller's cells of address. */
	cr_assert_eq(cell(controller(), "#address-cells", 0), 0);
	cr_assert_eq(cell(controller(), "#interrupt-cells", 0), 2);
	cr_assert_eq(cell(phb(), "#interrupt-cells", 0), 1);
	cr_assert_eq(cell64(phb(), "interrupt-map-mask", 1), 0);
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

Test(powerpc_fdt, phandles_are_one_node_each)
{
	unsigned i, seen;
	uint32_t phandle;
	int at;

	for (i = 0; i < ARRAY_SIZE(samples); i++) {
		build(&samples[i]);
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
		cr_expect_eq(cell(controller(), "linux,phandle", 0),
			     fdt_get_phandle(tree, controller()));
	}
}

/* cells of a range: space, PCI address, CPU address, size. */
static void expect_window(unsigned i, uint32_t space, uint64_t pci, uint64_t cpu, uint64_t size)
{
	cr_expect_eq(cell(phb(), "ranges", 7 * i), space);
	cr_expect_eq(cell64(phb(), "ranges", 7 * i + 1), pci);
	cr_expect_eq(cell64(phb(), "ranges", 7 * i + 3), cpu);
	cr_expect_eq(cell64(phb(), "ranges", 7 * i + 5), size);
}

Test(powerpc_fdt, windows_are_those_of_the_layout)
{
	const struct pci_windows *w = &layout.pci;

	build(WITH_DEVICES);
	cr_expect_eq(count_cells(phb(), "ranges"), 21);
	expect_window(0, 0x01000000, w->io.base, w->io_gpa, w->io.size);
	expect_window(1, 0x02000000, w->mem32.base, w->mem32.base + w->mem32_offset, w->mem32.size);
	expect_window(2, 0x03000000, w->mem64.base, w->mem64.base, w->mem64.size);
	/* The BUID that configuration space is asked for by. */
	cr_expect_eq(cell64(phb(), "reg", 0), PHB_BUID);
	cr_expect_eq(cell64(phb(), "reg", 2), 0);
}

Test(powerpc_fdt, no_bus_without_functions)
{
	build(&samples[0]);
	cr_expect_lt(fdt_path_offset(tree, "/pci@800000020000000"), 0);
}

/* Where a BAR appears to the guest, by the tree alone. */
static uint64_t translate(uint32_t hi, uint64_t address, uint64_t size)
{
	unsigned i;

	for (i = 0; i < 21; i += 7) {
		uint64_t base = cell64(phb(), "ranges", i + 1);

		if ((cell(phb(), "ranges", i) & 0x03000000) == (hi & 0x03000000) &&
		    address >= base && address + size <= base + cell64(phb(), "ranges", i + 5))
			return address - base + cell64(phb(), "ranges", i + 3);
	}
	cr_assert_fail("0x%lx lies in no window", address);
	return 0;
}

static void expect_bar(unsigned fn, unsigned i, unsigned bar, uint32_t space, uint64_t size)
{
	const struct pci_function *f = &functions[fn];
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
	cr_expect_eq(pci_bar_space(f, bar, address, &base), &rec.vm.mmio);
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

Test(powerpc_fdt, bars_are_where_the_plan_has_put_them)
{
	build(WITH_DEVICES);
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

Test(powerpc_fdt, functions_are_what_configuration_space_says)
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

	build(WITH_DEVICES);
	for (i = 0; i < FUNCTIONS; i++) {
		at = node_of(i);
		cr_expect_str_eq(fdt_get_name(tree, at, NULL), names[i]);
		for (k = 0; k < ARRAY_SIZE(registers); k++)
			cr_expect_eq(
				cell(at, registers[k].name, 0),
				pci_config_read(&functions[i], registers[k].reg, registers[k].size),
				"%s", registers[k].name);
		cr_expect_eq(cell(at, "class-code", 0), pci_config_read(&functions[i], 8, 4) >> 8);
		/* Extended configuration space. */
		cr_expect_eq(cell(at, "ibm,pci-config-space-type", 0), 1);
	}
	fdt_for_each_subnode(at, tree, phb())
	{
		n++;
	}
	cr_expect_eq(n, FUNCTIONS);
}

Test(powerpc_fdt, messages)
{
	build(WITH_DEVICES);
	cr_expect_eq(cell(node_of(DISK), "ibm,req#msi-x", 0), 65);
	cr_expect(!has(node_of(DISK), "ibm,req#msi"));
	cr_expect_eq(cell(node_of(NETWORK), "ibm,req#msi-x", 0), 2048);
	cr_expect_eq(cell(node_of(NETWORK), "ibm,req#msi", 0), 32);
	cr_expect(!has(node_of(SECOND), "ibm,req#msi-x"));
	cr_expect_eq(cell(node_of(SECOND), "ibm,req#msi", 0), 2);
	cr_expect(!has(node_of(BARE), "ibm,req#msi") && !has(node_of(BARE), "ibm,req#msi-x"));
	/* What there is in all; without it a guest has no messages. */
	cr_expect_eq(cell(phb(), "ibm,pe-total-#msi", 0), SOURCE_END - SOURCE_MSI_FIRST);
}

static const char *const ddw[] = {"ibm,query-pe-dma-window", "ibm,create-pe-dma-window",
				  "ibm,remove-pe-dma-window"};

/* The first function's window is the bus's; Linux looks for the others from the function upwards.
 */
Test(powerpc_fdt, dma_windows)
{
	unsigned fn, i;

	build(WITH_DEVICES);
	cr_expect(!has(node_of(DISK), "ibm,dma-window"));
	for (fn = 0; fn < FUNCTIONS; fn++) {
		int at = fn == DISK ? phb() : node_of(fn);

		cr_expect_eq(has(at, "ibm,dma-window"), windows[fn].size != 0);
		cr_expect_eq(has(at, "ibm,ddw-applicable"), windows[fn].dynamic);
		cr_expect_eq(has(at, "ibm,ddw-extensions"), windows[fn].dynamic);
		if (!windows[fn].size)
			continue;
		cr_expect_eq(cell(at, "ibm,#dma-address-cells", 0), 2);
		cr_expect_eq(cell(at, "ibm,#dma-size-cells", 0), 2);
		cr_expect_eq(count_cells(at, "ibm,dma-window"), 5);
		cr_expect_eq(cell(at, "ibm,dma-window", 0), windows[fn].liobn);
		cr_expect_eq(cell64(at, "ibm,dma-window", 1), windows[fn].start);
		cr_expect_eq(cell64(at, "ibm,dma-window", 3), windows[fn].size);
	}
	/* As tokens: the same that the RTAS node has. */
	for (i = 0; i < ARRAY_SIZE(ddw); i++)
		cr_expect_eq(cell(phb(), "ibm,ddw-applicable", i), cell(node("/rtas"), ddw[i], 0));
	cr_expect_eq(cell(phb(), "ibm,ddw-extensions", 0), 1, "how many follow");
	cr_expect_eq(cell(phb(), "ibm,ddw-extensions", 1),
		     cell(node("/rtas"), "ibm,reset-pe-dma-window", 0));
}

/* Each of a group's functions has an allocator of its own in Linux: they must not meet. */
Test(powerpc_fdt, a_group_shares_its_window)
{
	static const unsigned sharers[] = {NETWORK, SECOND, BARE};
	struct fdt_window shared = {0x80000001, 0x1000, 0x40000000, true};
	struct fdt_function fns[FUNCTIONS];
	struct fdt_machine m = machine_of(WITH_DEVICES, fns);
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

/* ---- firmware -------------------------------------------------------------------------------- */

/* What Linux calls, by its name in the tree. */
static const char *const functions_of_linux[] = {"display-character",
						 "get-time-of-day",
						 "set-time-of-day",
						 "power-off",
						 "system-reboot",
						 "query-cpu-stopped-state",
						 "start-cpu",
						 "stop-self",
						 "check-exception",
						 "event-scan",
						 "ibm,get-system-parameter",
						 "read-pci-config",
						 "write-pci-config",
						 "ibm,read-pci-config",
						 "ibm,write-pci-config",
						 "ibm,change-msi",
						 "ibm,query-interrupt-source-number",
						 "ibm,query-pe-dma-window",
						 "ibm,create-pe-dma-window",
						 "ibm,remove-pe-dma-window",
						 "ibm,reset-pe-dma-window",
						 "ibm,set-xive",
						 "ibm,get-xive",
						 "ibm,int-off",
						 "ibm,int-on"};

Test(powerpc_fdt, each_function_has_its_token)
{
	const char *const *name = functions_of_linux;
	unsigned i, k;

	build(&samples[0]);
	for (i = 0; i < ARRAY_SIZE(functions_of_linux); i++) {
		uint32_t token = cell(node("/rtas"), name[i], 0);

		cr_expect_eq(token, rtas_token(name[i]), "%s", name[i]);
		cr_expect_neq(token, 0);
		for (k = 0; k < i; k++)
			cr_expect_neq(token, cell(node("/rtas"), name[k], 0), "%s and %s", name[k],
				      name[i]);
	}
	for (i = 0; i < rtas_functions_count; i++)
		cr_expect_eq(cell(node("/rtas"), rtas_functions[i].name, 0), rtas_token_at(i));
}

/* The kernel must not take the page: its code is called from for as long as it runs. */
Test(powerpc_fdt, the_code_is_reserved)
{
	uint64_t base, size, entry;
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(samples); i++) {
		build(&samples[i]);
		entry = cell(node("/rtas"), "linux,rtas-entry", 0);
		cr_expect_eq(entry, 0xfff0000);
		cr_expect_eq(cell(node("/rtas"), "linux,rtas-base", 0), entry);
		cr_expect_geq(cell(node("/rtas"), "rtas-size", 0), RTAS_CODE_SIZE);
		cr_assert_eq(fdt_num_mem_rsv(tree), 1);
		cr_assert_eq(fdt_get_mem_rsv(tree, 0, &base, &size), 0);
		cr_expect_leq(base, entry);
		cr_expect_geq(base + size, entry + cell(node("/rtas"), "rtas-size", 0));
		cr_expect_eq(size % (64 * KIB), 0, "whole pages of the guest's");
	}
}

static bool has_hypertas(const char *name)
{
	unsigned n;
	const char *list = (const char *)bytes(node("/rtas"), "ibm,hypertas-functions", &n);

	return fdt_stringlist_contains(list, (int)n, name);
}

/* What Linux leaves undone without them: multi-TCE calls, the console, H_SET_MODE. */
Test(powerpc_fdt, groups_of_hypercalls)
{
	static const char *const wanted[] = {"hcall-tce",  "hcall-multi-tce", "hcall-term",
					     "hcall-vio",  "hcall-interrupt", "hcall-set-mode",
					     "hcall-debug"};
	unsigned i, n;

	build(&samples[0]);
	for (i = 0; i < ARRAY_SIZE(wanted); i++)
		cr_expect(has_hypertas(wanted[i]), "%s", wanted[i]);
	cr_expect(!has_hypertas("hcall-"));
	/* One string's end is one byte. */
	cr_expect_eq(bytes(node("/rtas"), "ibm,hypertas-functions", &n)[n - 2], 'g');
}

/* Byte n of the vector is byte n of the property: Linux' OV5_INDX() into it. */
Test(powerpc_fdt, what_was_negotiated)
{
	const uint8_t *v, *s;
	unsigned n, i, found = 0;

	build(&samples[0]);
	v = bytes(node("/chosen"), "ibm,architecture-vec-5", &n);
	cr_assert_gt(n, 26);
	cr_expect_eq(v[0], n - 2, "its length, without this byte, less one");
	cr_expect_eq(v[2], 0x80 | 0x40 | 0x10, "partition, shared processors, large pages");
	cr_expect(has_hypertas("hcall-splpar"), "the processors are shared by calls");
	cr_expect_lt(fdt_path_offset(tree, "/ibm,dynamic-reconfiguration-memory"), 0);
	cr_expect_eq(v[5] & 0x80, 0x80, "form 1 of ibm,associativity");
	cr_expect_eq(v[23] & 0xc0, 0, "XICS");
	cr_expect_eq(v[24] & 0xc0, 0x40, "radix");
	cr_expect_eq(v[26] & 0x40, 0x40, "the guest flushes its TLB by itself");
	s = bytes(node("/chosen"), "ibm,arch-vec-5-platform-support", &n);
	cr_assert_eq(n % 2, 0);
	for (i = 0; i < n; i += 2) {
		static const uint8_t wanted[4] = {0, 0x40, 0, 0x40};

		cr_assert(s[i] >= 23 && s[i] <= 26);
		cr_expect_eq(s[i + 1], wanted[s[i] - 23], "byte %u", s[i]);
		found |= 1u << (s[i] - 23);
	}
	cr_expect_eq(found, 0xf);
}

/* As Linux' xive_spapr_init() looks for it. */
Test(powerpc_fdt, a_xive)
{
	const uint8_t *v;
	unsigned n, i;
	int at;

	build(WITH_XIVE);
	at = fdt_node_offset_by_compatible(tree, -1, "ibm,power-ivpe");
	cr_assert_eq(at, controller());
	cr_expect_eq(cell64(at, "reg", 4), XIVE_TIMA_ADDR + 64 * KIB, "resource 1");
	cr_expect_eq(cell64(at, "reg", 6), 64 * KIB);
	cr_expect_eq(cell64(at, "reg", 0) + cell64(at, "reg", 2), cell64(at, "reg", 4));
	/* The last is taken if none is the guest's page. */
	cr_expect_eq(count_cells(at, "ibm,xive-eq-sizes"), 1);
	cr_expect_eq(cell(at, "ibm,xive-eq-sizes", 0), 16);
	cr_expect_eq(count_cells(at, "ibm,xive-lisn-ranges"), 2);
	cr_expect_eq(cell(at, "ibm,xive-lisn-ranges", 0), 0);
	cr_expect_eq(count_cells(0, "ibm,plat-res-int-priorities"), 2);
	cr_expect_eq(cell(0, "ibm,plat-res-int-priorities", 0), 7);
	cr_expect_eq(cell(0, "ibm,plat-res-int-priorities", 1), 0xff - 7);
	v = bytes(node("/chosen"), "ibm,architecture-vec-5", &n);
	cr_expect_eq(v[23], 0x40, "exploitation");
	v = bytes(node("/chosen"), "ibm,arch-vec-5-platform-support", &n);
	for (i = 0; i < n && v[i] != 23; i += 2)
		;
	cr_assert_lt(i, n);
	cr_expect_eq(v[i + 1], 0x40);
	/* What directs the sources of a XICS, and only those. */
	for (i = 0; i < ARRAY_SIZE(functions_of_linux); i++)
		cr_expect_eq(has(node("/rtas"), functions_of_linux[i]), i < 21, "%s",
			     functions_of_linux[i]);
}

/* ---- the rest -------------------------------------------------------------------------------- */

Test(powerpc_fdt, chosen)
{
	int at;

	build(&samples[0]);
	at = node("/chosen");
	cr_expect_str_eq((const char *)fdt_getprop(tree, at, "bootargs", NULL),
			 "console=hvc0 quiet");
	cr_expect_eq(cell64(at, "linux,initrd-start", 0), 0x2c90000);
	cr_expect_eq(cell64(at, "linux,initrd-end", 0), 0x2c90000 + 0x345678);
	cr_expect_eq(cell(at, "rng-seed", 7), 0x9c9d9e9f);
	at = node((const char *)fdt_getprop(tree, at, "stdout-path", NULL));
	cr_expect_eq(fdt_node_check_compatible(tree, at, "hvterm1"), 0);
	cr_expect_eq(cell(at, "reg", 0), 0x71000000, "what H_PUT_TERM_CHAR is called with");
	cr_expect_eq(cell(at, "interrupts", 0), 0x1000);
	cr_expect_eq(cell(at, "interrupts", 1), 0, "an edge");
	build(&samples[1]);
	cr_expect(!has(node("/chosen"), "linux,initrd-start"));
}

static void expect_memory(const char *path, uint64_t base, uint64_t size)
{
	int at = node(path);

	cr_expect_str_eq((const char *)fdt_getprop(tree, at, "device_type", NULL), "memory");
	cr_expect_eq(cell64(at, "reg", 0), base);
	cr_expect_eq(cell64(at, "reg", 2), size);
	cr_expect_eq(count_cells(at, "reg"), 4);
	/* Of the one domain that the reference points of "rtas" make of it. */
	cr_expect_eq(cell(at, "ibm,associativity", 0), 4);
	cr_expect_eq(cell(at, "ibm,associativity", 4), 0);
}

Test(powerpc_fdt, memory)
{
	build(&samples[1]);
	expect_memory("/memory@0", 0, 6 * GIB);
	cr_expect_lt(fdt_path_offset(tree, "/memory@180000000"), 0);
	cr_expect_eq(cell64(node("/rtas"), "ibm,lrdr-capacity", 0), 6 * GIB);
	/* What is reached without the MMU, and the rest. */
	build(WITH_HASH);
	expect_memory("/memory@0", 0, 256 * MIB);
	expect_memory("/memory@10000000", 256 * MIB, 768 * MIB);
	cr_expect_eq(cell64(node("/rtas"), "ibm,lrdr-capacity", 0), 1 * GIB);
	cr_expect_eq(cell(node("/rtas"), "ibm,lrdr-capacity", 3), LMB_SIZE);
}

Test(powerpc_fdt, a_hash_mmu)
{
	unsigned n;
	int at;

	build(WITH_HASH);
	at = node("/cpus/PowerPC,POWER@0");
	cr_expect(!has(at, "ibm,processor-radix-AP-encodings"));
	cr_expect_eq(cell(at, "ibm,pft-size", 1), 23);
	cr_expect_eq(count_cells(at, "ibm,segment-page-sizes"), 5);
	cr_expect_eq(cell(at, "ibm,processor-segment-sizes", 1), 40);
	cr_expect_eq(bytes(node("/chosen"), "ibm,architecture-vec-5", &n)[24] & 0xc0, 0);
}

Test(powerpc_fdt, cpus)
{
	char path[64];
	unsigned i, k, n;
	int at;

	for (i = 0; i < ARRAY_SIZE(samples); i++) {
		build(&samples[i]);
		for (k = 0; k < samples[i].cpus; k++) {
			snprintf(path, sizeof(path), "/cpus/PowerPC,POWER@%x", k);
			at = node(path);
			cr_expect_eq(cell(at, "reg", 0), k);
			cr_expect_eq(cell(at, "ibm,ppc-interrupt-server#s", 0), k);
			cr_expect_eq(cell(at, "ibm,ppc-interrupt-gserver#s", 0), k);
			cr_expect_eq(cell(at, "cpu-version", 0), 0x4e1202);
			cr_expect_eq(cell(at, "timebase-frequency", 0), 512000000);
			if (!samples[i].hash_order)
				cr_expect_eq(cell(at, "ibm,processor-radix-AP-encodings", 1),
					     0xa0000010);
			cr_expect_eq(cell(at, "ibm,associativity", 0) + 1,
				     count_cells(at, "ibm,associativity"));
			cr_expect_eq(has(at, "ibm,pa-features"), samples[i].pa_features);
			if (samples[i].pa_features)
				cr_expect(!memcmp(bytes(at, "ibm,pa-features", &n), pa_features,
						  sizeof(pa_features)));
		}
		snprintf(path, sizeof(path), "/cpus/PowerPC,POWER@%x", k);
		cr_expect_lt(fdt_path_offset(tree, path), 0);
		cr_expect_eq(cell(controller(),
				  samples[i].irqchip == &xive ? "ibm,xive-lisn-ranges"
							      : "ibm,interrupt-server-ranges",
				  1),
			     samples[i].cpus);
	}
}

Test(powerpc_fdt, five_hundred_and_twelve_cpus)
{
	static char large[1 * MIB]; /* what the loader gives it */
	struct sample s = {"", 512, 256 * MIB, 4096, {0}, true, true, 0, &xics};
	struct fdt_function fns[FUNCTIONS];
	struct fdt_machine m = machine_of(&s, fns);

	cr_assert_eq(fdt_build(&m, large, sizeof(large)), 0);
	cr_expect_geq(fdt_path_offset(large, "/cpus/PowerPC,POWER@1ff"), 0);
	cr_expect_lt(fdt_path_offset(large, "/cpus/PowerPC,POWER@200"), 0);
}

static int build_in(const void *machine, void *buf, size_t size)
{
	return fdt_build(machine, buf, size);
}

Test(powerpc_fdt, too_small_a_buffer)
{
	struct fdt_function fns[FUNCTIONS];
	struct fdt_machine m = machine_of(WITH_DEVICES, fns);

	expect_room_minded(build_in, &m);
}
