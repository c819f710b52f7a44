/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The device tree of the arm64 machine. Bindings are those of Linux, Documentation/devicetree/
 * bindings: arm/cpus.yaml, arm/psci.yaml, interrupt-controller/arm,gic*.yaml, pci/host-generic-
 * pci.yaml, pci/pci-msi.txt, timer/arm,arch_timer.yaml, virtio/mmio.yaml.
 */
#include "fdt.h"

#include "tree_pci.h"

enum phandle {
	PHANDLE_GIC = 1,
	PHANDLE_MSI,
	PHANDLE_CLOCK,
};

/* The first and the last cell of an interrupt specifier (arm,gic-v3.yaml). */
#define GIC_SPI	   0
#define GIC_PPI	   1
#define LEVEL_HIGH 4
#define LEVEL_LOW  8

uint64_t fdt_mpidr(unsigned cpu)
{
	return (uint64_t)(cpu / 16) << 8 | cpu % 16;
}

static bool has_msi(const struct fdt_machine *m)
{
	return m->irqchip == IRQCHIP_GICV3_ITS || m->irqchip == IRQCHIP_GICV2M;
}

static void chosen(struct tree *t, const struct fdt_machine *m)
{
	struct range uart = board_range(m->layout, UART_OFFSET, UART_SIZE);
	char path[32];

	snprintf(path, sizeof(path), "/serial@%llx", (unsigned long long)uart.base);
	tree_open(t, "chosen");
	tree_string(t, "bootargs", m->params);
	tree_string(t, "stdout-path", path);
	tree_bytes(t, "kaslr-seed", m->kaslr_seed, sizeof(m->kaslr_seed));
	tree_bytes(t, "rng-seed", m->rng_seed, sizeof(m->rng_seed));
	if (m->initrd.size) {
		tree_u64(t, "linux,initrd-start", m->initrd.base);
		tree_u64(t, "linux,initrd-end", m->initrd.base + m->initrd.size);
	}
	tree_close(t);
}

static void memory(struct tree *t, const struct arch_layout *l)
{
	unsigned i;

	for (i = 0; i < l->n_ram; i++) {
		tree_open_at(t, "memory", l->ram[i].base);
		tree_string(t, "device_type", "memory");
		tree_reg(t, "reg", &l->ram[i], 1);
		tree_close(t);
	}
	/* Not RAM in any case; said so that a person finds what the hole is for. */
	tree_open(t, "reserved-memory");
	tree_u32(t, "#address-cells", 2);
	tree_u32(t, "#size-cells", 2);
	tree_empty(t, "ranges");
	tree_open_at(t, "msi-bank", l->msi_bank.base);
	tree_reg(t, "reg", &l->msi_bank, 1);
	tree_empty(t, "no-map");
	tree_close(t);
	tree_close(t);
}

static void cpus(struct tree *t, const struct fdt_machine *m)
{
	unsigned i;

	tree_open(t, "cpus");
	tree_u32(t, "#address-cells", 1);
	tree_u32(t, "#size-cells", 0);
	for (i = 0; i < m->cpus; i++) {
		tree_open_at(t, "cpu", fdt_mpidr(i));
		tree_string(t, "device_type", "cpu");
		tree_string(t, "compatible", "arm,armv8");
		tree_string(t, "enable-method", "psci");
		tree_u32(t, "reg", (uint32_t)fdt_mpidr(i));
		tree_close(t);
	}
	tree_close(t);
	tree_open(t, "psci");
	tree_strings(t, "compatible", "arm,psci-1.0\0arm,psci-0.2");
	tree_string(t, "method", "hvc");
	tree_close(t);
}

/* GICv2 wants to know in bits 8 to 15 to which CPUs a private interrupt is wired. */
static uint32_t ppi_flags(const struct fdt_machine *m, uint32_t level)
{
	return irqchip_is_v3(m->irqchip) ? level : level | ((1u << m->cpus) - 1) << 8;
}

static void timer(struct tree *t, const struct fdt_machine *m)
{
	uint32_t flags = ppi_flags(m, LEVEL_LOW);

	/* Secure, non-secure, virtual, hypervisor. */
	tree_open(t, "timer");
	tree_string(t, "compatible", "arm,armv8-timer");
	tree_list(t, "interrupts", GIC_PPI, 13, flags, GIC_PPI, 14, flags, GIC_PPI, 11, flags,
		  GIC_PPI, 10, flags);
	tree_empty(t, "always-on");
	tree_close(t);
	if (!m->pmu)
		return;
	tree_open(t, "pmu");
	tree_string(t, "compatible", "arm,armv8-pmuv3");
	tree_list(t, "interrupts", GIC_PPI, PPI_PMU, ppi_flags(m, LEVEL_HIGH));
	tree_close(t);
}

static void its(struct tree *t, const struct arch_layout *l)
{
	tree_open_at(t, "msi-controller", l->doorbell.base);
	tree_string(t, "compatible", "arm,gic-v3-its");
	tree_empty(t, "msi-controller");
	tree_u32(t, "#msi-cells", 1);
	tree_reg(t, "reg", &l->doorbell, 1);
	tree_u32(t, "phandle", PHANDLE_MSI);
	tree_close(t);
}

static void v2m(struct tree *t, const struct arch_layout *l)
{
	struct range frame = {l->doorbell.base, 0x1000};

	tree_open_at(t, "msi-controller", frame.base);
	tree_string(t, "compatible", "arm,gic-v2m-frame");
	tree_empty(t, "msi-controller");
	tree_reg(t, "reg", &frame, 1);
	tree_u32(t, "arm,msi-base-spi", 32 + SPI_V2M_FIRST);
	tree_u32(t, "arm,msi-num-spis", SPI_V2M_COUNT);
	tree_u32(t, "phandle", PHANDLE_MSI);
	tree_close(t);
}

static void gic(struct tree *t, const struct fdt_machine *m)
{
	const struct arch_layout *l = m->layout;
	bool v3 = irqchip_is_v3(m->irqchip);
	struct range v3_frames[] = {board_range(l, GICD_OFFSET, GICD_SIZE),
				    board_range(l, GICR_OFFSET, GICR_SIZE * m->cpus)};
	struct range v2_frames[] = {board_range(l, GICD_OFFSET, 0x1000),
				    board_range(l, GICC_OFFSET, GICC_SIZE)};

	tree_open_at(t, "interrupt-controller", v3_frames[0].base);
	tree_string(t, "compatible", v3 ? "arm,gic-v3" : "arm,gic-400");
	tree_empty(t, "interrupt-controller");
	tree_u32(t, "#interrupt-cells", 3);
	tree_u32(t, "#address-cells", 2);
	tree_u32(t, "#size-cells", 2);
	tree_empty(t, "ranges");
	tree_reg(t, "reg", v3 ? v3_frames : v2_frames, 2);
	tree_u32(t, "phandle", PHANDLE_GIC);
	if (m->irqchip == IRQCHIP_GICV3_ITS)
		its(t, l);
	else if (m->irqchip == IRQCHIP_GICV2M)
		v2m(t, l);
	tree_close(t);
}

static void board(struct tree *t, const struct arch_layout *l)
{
	struct range uart = board_range(l, UART_OFFSET, UART_SIZE);
	struct range rtc = board_range(l, RTC_OFFSET, RTC_SIZE);

	tree_open_at(t, "serial", uart.base);
	tree_string(t, "compatible", "ns16550a");
	tree_reg(t, "reg", &uart, 1);
	tree_u32(t, "clock-frequency", 1843200);
	tree_list(t, "interrupts", GIC_SPI, SPI_UART, LEVEL_HIGH);
	tree_close(t);

	tree_open(t, "clock");
	tree_string(t, "compatible", "fixed-clock");
	tree_u32(t, "#clock-cells", 0);
	tree_u32(t, "clock-frequency", 24000000);
	tree_u32(t, "phandle", PHANDLE_CLOCK);
	tree_close(t);

	tree_open_at(t, "rtc", rtc.base);
	tree_strings(t, "compatible", "arm,pl031\0arm,primecell");
	tree_reg(t, "reg", &rtc, 1);
	tree_list(t, "interrupts", GIC_SPI, SPI_RTC, LEVEL_HIGH);
	tree_u32(t, "clocks", PHANDLE_CLOCK);
	tree_string(t, "clock-names", "apb_pclk");
	tree_close(t);
}

static void virtio(struct tree *t, const struct arch_slot *slot)
{
	tree_open_at(t, "virtio", slot->registers.base);
	tree_string(t, "compatible", "virtio,mmio");
	tree_reg(t, "reg", &slot->registers, 1);
	tree_list(t, "interrupts", GIC_SPI, slot->gsi, LEVEL_HIGH);
	tree_empty(t, "dma-coherent");
	tree_close(t);
}

static void pcie(struct tree *t, const struct fdt_machine *m)
{
	const struct pci_windows *w = &m->layout->pci;
	const struct tree_pci_lines lines = {.slots = SPI_PCI_COUNT,
					     .line = arch_intx_gsi,
					     .parent = PHANDLE_GIC,
					     .cells = {0, 0, GIC_SPI, 0, LEVEL_HIGH},
					     .n_cells = 5,
					     .at = 3};

	tree_open_at(t, "pcie", w->ecam.base);
	tree_string(t, "compatible", "pci-host-ecam-generic");
	tree_string(t, "device_type", "pci");
	tree_reg(t, "reg", &w->ecam, 1);
	tree_list(t, "bus-range", 0, 0);
	tree_u32(t, "linux,pci-domain", 0);
	tree_pci_windows(t, w);
	tree_empty(t, "dma-coherent");
	tree_pci_interrupts(t, &lines);
	/* The device ID of a message is the requester ID, as pci_requester_id() has it. */
	if (has_msi(m))
		tree_list(t, "msi-map", 0, PHANDLE_MSI, 0, 0x10000);
	tree_close(t);
}

int fdt_build(const struct fdt_machine *m, void *buf, size_t size)
{
	struct tree t;
	unsigned i;

	tree_begin(&t, buf, size, (struct range){0});
	tree_string(&t, "compatible", "linux,dummy-virt");
	tree_string(&t, "model", "carillon");
	tree_u32(&t, "#address-cells", 2);
	tree_u32(&t, "#size-cells", 2);
	tree_u32(&t, "interrupt-parent", PHANDLE_GIC);
	chosen(&t, m);
	memory(&t, m->layout);
	cpus(&t, m);
	timer(&t, m);
	gic(&t, m);
	board(&t, m->layout);
	for (i = 0; i < m->n_slots; i++) {
		struct arch_slot slot = arch_slot(m->layout, i);

		virtio(&t, &slot);
	}
	pcie(&t, m);
	return tree_end(&t);
}
