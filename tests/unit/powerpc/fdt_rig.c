/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* fdt_rig: see fdt_rig.h. */
#include "fdt_rig.h"

#include <criterion/criterion.h>
#include <string.h>

struct fdt_rig fdt_rig;

const struct sample fdt_rig_samples[FDT_RIG_SAMPLES] = {
	{"default", 1, 256 * MIB, 4096, {0x2c90000, 0x345678}, false, true, 0, &xics},
	{"smp", 4, 6 * GIB, 64 * KIB, {0}, false, false, 0, &xics},
	{"devices", 2, 512 * MIB, 64 * KIB, {0}, true, true, 0, &xics},
	{"hash", 1, 1 * GIB, 4096, {0}, false, false, 23, &xics},
	{"xive", 2, 256 * MIB, 64 * KIB, {0}, true, true, 0, &xive},
};

const uint8_t fdt_rig_pa_features[6] = {0x18, 0x00, 0xf6, 0x3f, 0xc7, 0xc0};

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

const struct fdt_window fdt_rig_windows[FUNCTIONS] = {
	[DISK] = {0x80000000, 0, 0x80000000, true},
	[NETWORK] = {0x80000001, 0x800000000000000, 0x40000000, false},
	[BARE] = {0x80000002, 0, 0x10000000, false},
};

static void add_function(unsigned i, int devfn, uint32_t class, uint8_t pin)
{
	struct pci_function *f = &fdt_rig.functions[i];

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
	cr_assert_eq(pci_bus_add(&fdt_rig.bus, f, devfn, NULL), 0);
}

static void add_messages(unsigned i, unsigned n_msix, unsigned n_msi_log2)
{
	struct pci_function *f = &fdt_rig.functions[i];

	if (n_msix) {
		pci_add_capability(f, PCI_CAP_ID_MSIX, 0x70, 12);
		pci_set16(f->config, 0x70 + PCI_MSIX_FLAGS, (uint16_t)(n_msix - 1));
		cr_assert_eq(pci_msix_init(&fdt_rig.msix[i], f, 0x70, false, &fdt_rig.rec.vm.irqs,
					   &source, NULL),
			     0);
	}
	if (n_msi_log2) {
		pci_add_capability(f, PCI_CAP_ID_MSI, 0x50, 24);
		pci_set16(f->config, 0x50 + PCI_MSI_FLAGS, (uint16_t)(n_msi_log2 << 1));
		cr_assert_eq(pci_msi_init(&fdt_rig.msi[i], f, 0x50, true, &fdt_rig.rec.vm.irqs,
					  &source, NULL),
			     0);
	}
}

void fdt_rig_start(void)
{
	recorder_init(&fdt_rig.rec);
	cr_assert_eq(pci_bus_init(&fdt_rig.bus, &fdt_rig.rec.vm, NULL), 0);
	add_function(DISK, PCI_DEVFN(1, 0), 0x010802, 1);
	pci_set_bar(&fdt_rig.functions[DISK], 0, 16 * KIB, PCI_BASE_ADDRESS_MEM_TYPE_64);
	add_messages(DISK, 65, 0);
	add_function(NETWORK, PCI_DEVFN(2, 0), 0x020000, 2);
	pci_set_bar(&fdt_rig.functions[NETWORK], 0, 8 * GIB,
		    PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH);
	pci_set_bar(&fdt_rig.functions[NETWORK], 2, 0x1000, 0);
	pci_set_bar(&fdt_rig.functions[NETWORK], 3, 32, PCI_BASE_ADDRESS_SPACE_IO);
	pci_set_bar(&fdt_rig.functions[NETWORK], PCI_ROM, 0x40000, 0);
	add_messages(NETWORK, 2048, 5);
	add_function(SECOND, PCI_DEVFN(2, 3), 0x020000, 4);
	pci_set_bar(&fdt_rig.functions[SECOND], 5, 0x100000, PCI_BASE_ADDRESS_MEM_PREFETCH);
	add_messages(SECOND, 0, 1);
	add_function(BARE, PCI_DEVFN(31, 0), 0xff0000, 0);
}

void fdt_rig_finish(void)
{
	unsigned i;

	for (i = 0; i < FUNCTIONS; i++) {
		if (fdt_rig.functions[i].msix)
			pci_msix_destroy(&fdt_rig.msix[i]);
		if (fdt_rig.functions[i].msi)
			pci_msi_destroy(&fdt_rig.msi[i]);
		pci_function_destroy(&fdt_rig.functions[i]);
	}
	pci_bus_destroy(&fdt_rig.bus);
	recorder_destroy(&fdt_rig.rec);
}
/* ---- machines ---- */

struct fdt_machine fdt_rig_machine(const struct sample *s, struct fdt_function fns[FUNCTIONS])
{
	struct arch_config config = {.ram = s->ram, .cpus = s->cpus};
	struct arch_host host = {.phys_bits = 46, .page_size = s->host_page};
	struct fdt_machine m = {.layout = &fdt_rig.layout,
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

	cr_assert_eq(pci_bus_needs(&fdt_rig.bus, &needs, NULL), 0);
	cr_assert_eq(arch_plan(&config, &host, &needs, &fdt_rig.layout, NULL), 0);
	cr_assert_eq(pci_bus_start(&fdt_rig.bus, &fdt_rig.layout.pci, NULL), 0);
	if (s->pa_features) {
		memcpy(m.cpu.pa_features, fdt_rig_pa_features, sizeof(fdt_rig_pa_features));
		m.cpu.pa_features_size = sizeof(fdt_rig_pa_features);
	}
	for (i = 0; i < sizeof(m.rng_seed); i++)
		m.rng_seed[i] = (uint8_t)(0x80 + i);
	for (i = 0; i < FUNCTIONS && s->devices; i++)
		fns[m.n_functions++] =
			(struct fdt_function){&fdt_rig.functions[i], fdt_rig_windows[i]};
	return m;
}

void fdt_rig_build(const struct sample *s)
{
	struct fdt_function fns[FUNCTIONS];
	struct fdt_machine m = fdt_rig_machine(s, fns);

	cr_assert_eq(fdt_build(&m, tree, TREE_ROOM), 0, "%s", s->name);
}
int fdt_rig_phb(void)
{
	return node("/pci@800000020000000");
}

/* Whatever its address. */
int fdt_rig_controller(void)
{
	return node("/interrupt-controller");
}
