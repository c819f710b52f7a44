/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The device tree: PAPR 2.11, appendices B and C. What a guest negotiates with open firmware
 * (client-architecture-support) is decided here instead: the tree has the results.
 */
#include "fdt.h"

#include <string.h>

#include "fdt_pci.h"
#include "irqchip.h"
#include "rtas.h"
#include "tree.h"

/*
 * "ibm,architecture-vec-5" has a byte for its length less one, then byte 1 on. Linux'
 * arch/powerpc/include/asm/prom.h has the numbers of bytes and bits.
 */
#define VEC5_SIZE	28
#define VEC5_LPAR	2
#define VEC5_LPAR_BITS	0xd0 /* partition, shared processors, large pages */
#define VEC5_AFFINITY	5
#define VEC5_AFFINITY_1 0x80
#define VEC5_IRQCHIP	23
#define VEC5_MMU	24
#define VEC5_MMU_RADIX	0x40
#define VEC5_HASH_EXT	25
#define VEC5_RADIX_EXT	26
#define VEC5_RADIX_GTSE 0x40

static const uint8_t hypertas[] = "hcall-pft\0hcall-term\0hcall-interrupt\0hcall-tce\0hcall-vio\0"
				  "hcall-splpar\0hcall-join\0hcall-bulk\0hcall-set-mode\0"
				  "hcall-multi-tce\0hcall-dabr\0hcall-sprg0\0hcall-copy\0"
				  "hcall-debug";

static void chosen(struct tree *t, const struct fdt_machine *m)
{
	const uint8_t irqchip = m->irqchip->vec5;
	const uint8_t mmu = m->cpu.radix ? VEC5_MMU_RADIX : 0;
	const uint8_t gtse = m->cpu.radix ? VEC5_RADIX_GTSE : 0;
	uint8_t vec5[VEC5_SIZE] = {[0] = VEC5_SIZE - 2,
				   [VEC5_LPAR] = VEC5_LPAR_BITS,
				   [VEC5_AFFINITY] = VEC5_AFFINITY_1,
				   [VEC5_IRQCHIP] = irqchip,
				   [VEC5_MMU] = mmu,
				   [VEC5_RADIX_EXT] = gtse};
	const uint8_t support[] = {VEC5_IRQCHIP,  irqchip, VEC5_MMU,	   mmu,
				   VEC5_HASH_EXT, 0,	   VEC5_RADIX_EXT, gtse};
	char console[32];

	snprintf(console, sizeof(console), "/vdevice/vty@%x", VTY_REG);
	tree_open(t, "chosen");
	tree_string(t, "bootargs", m->params);
	tree_string(t, "stdout-path", console);
	tree_string(t, "linux,stdout-path", console);
	tree_bytes(t, "rng-seed", m->rng_seed, sizeof(m->rng_seed));
	tree_bytes(t, "ibm,arch-vec-5-platform-support", support, sizeof(support));
	tree_bytes(t, "ibm,architecture-vec-5", vec5, sizeof(vec5));
	if (m->initrd.size) {
		tree_u64(t, "linux,initrd-start", m->initrd.base);
		tree_u64(t, "linux,initrd-end", m->initrd.base + m->initrd.size);
	}
	tree_close(t);
}

static void memory_node(struct tree *t, struct range r)
{
	tree_open_at(t, "memory", r.base);
	tree_string(t, "device_type", "memory");
	tree_reg(t, "reg", &r, 1);
	tree_list(t, "ibm,associativity", 4, 0, 0, 0, 0);
	tree_close(t);
}

/*
 * Whole logical memory blocks. The first node is what a guest may use before it has an MMU (Linux:
 * early_init_dt_add_memory_arch()), another one the rest. "ibm,dynamic-reconfiguration-memory"
 * would say that blocks can come and go.
 */
static void memory(struct tree *t, const struct fdt_machine *m)
{
	uint64_t ram = m->layout->ram[0].size;

	memory_node(t, (struct range){0, m->rma});
	if (m->rma < ram)
		memory_node(t, (struct range){m->rma, ram - m->rma});
}

static void mmu(struct tree *t, const struct fdt_cpu *c)
{
	if (c->radix) {
		tree_cells(t, "ibm,processor-radix-AP-encodings", c->radix_ap, c->n_radix_ap);
		return;
	}
	tree_cells(t, "ibm,segment-page-sizes", c->segments, c->n_segments);
	/* Segments of 256 MiB, then perhaps of 1 TiB. */
	if (c->segments_1t)
		tree_list(t, "ibm,processor-segment-sizes", 0x1c, 0x28, UINT32_MAX, UINT32_MAX);
}

static void cpu(struct tree *t, const struct fdt_machine *m, unsigned index)
{
	tree_open_at(t, "PowerPC,POWER", index);
	tree_string(t, "device_type", "cpu");
	tree_u32(t, "reg", index);
	tree_string(t, "status", "okay");
	tree_u32(t, "cpu-version", m->cpu.pvr);
	tree_u32(t, "timebase-frequency", m->cpu.timebase_hz);
	tree_u32(t, "clock-frequency", m->cpu.clock_hz);
	tree_u32(t, "d-cache-block-size", 128);
	tree_u32(t, "d-cache-line-size", 128);
	tree_u32(t, "i-cache-block-size", 128);
	tree_u32(t, "i-cache-line-size", 128);
	tree_u32(t, "d-cache-size", 0x8000);
	tree_u32(t, "i-cache-size", 0x8000);
	tree_u32(t, "ibm,slb-size", m->cpu.slb_size);
	tree_u32(t, "slb-size", m->cpu.slb_size);
	tree_list(t, "ibm,pft-size", 0, m->cpu.hash_order);
	tree_u32(t, "ibm,vmx", 2);
	tree_u32(t, "ibm,dfp", 1);
	tree_empty(t, "64-bit");
	tree_u32(t, "ibm,chip-id", 0);
	tree_u32(t, "ibm,ppc-interrupt-server#s", index);
	tree_list(t, "ibm,ppc-interrupt-gserver#s", index, 0);
	tree_list(t, "ibm,associativity", 5, 0, 0, 0, 0, index);
	mmu(t, &m->cpu);
	if (m->cpu.pa_features_size)
		tree_bytes(t, "ibm,pa-features", m->cpu.pa_features, m->cpu.pa_features_size);
	tree_close(t);
}

static void cpus(struct tree *t, const struct fdt_machine *m)
{
	unsigned i;

	tree_open(t, "cpus");
	tree_u32(t, "#address-cells", 1);
	tree_u32(t, "#size-cells", 0);
	for (i = 0; i < m->cpus; i++)
		cpu(t, m, i);
	tree_close(t);
}

static void rtas(struct tree *t, const struct fdt_machine *m)
{
	uint64_t ram = m->layout->ram[0].size;
	unsigned i;

	tree_open(t, "rtas");
	tree_bytes(t, "ibm,hypertas-functions", hypertas, sizeof(hypertas));
	tree_list(t, "ibm,associativity-reference-points", 4, 4);
	tree_list(t, "ibm,max-associativity-domains", 4, 1, 1, 1, 1);
	/* How much memory there can ever be, in which blocks, and how many CPUs: Linux sizes its
	 * DMA window by this. */
	tree_list(t, "ibm,lrdr-capacity", (uint32_t)(ram >> 32), (uint32_t)ram, 0, LMB_SIZE,
		  m->cpus);
	tree_u32(t, "rtas-error-log-max", 2048);
	tree_u32(t, "rtas-event-scan-rate", 0);
	tree_u32(t, "rtas-size", RTAS_ROOM);
	tree_u32(t, "linux,rtas-base", (uint32_t)m->rtas);
	tree_u32(t, "linux,rtas-entry", (uint32_t)m->rtas);
	tree_empty(t, "ibm,change-msix-capable");
	for (i = 0; i < rtas_functions_count; i++)
		if (rtas_functions[i].call || m->irqchip->by_rtas)
			tree_u32(t, rtas_functions[i].name, rtas_token_at(i));
	tree_close(t);
}

static void vdevice(struct tree *t)
{
	tree_open(t, "vdevice");
	tree_string(t, "device_type", "vdevice");
	tree_string(t, "compatible", "IBM,vdevice");
	tree_u32(t, "#address-cells", 1);
	tree_u32(t, "#size-cells", 0);
	tree_u32(t, "#interrupt-cells", 2);
	tree_empty(t, "interrupt-controller");
	tree_open_at(t, "vty", VTY_REG);
	tree_string(t, "name", "vty");
	tree_string(t, "device_type", "serial");
	tree_string(t, "compatible", "hvterm1");
	tree_u32(t, "reg", VTY_REG);
	tree_list(t, "interrupts", SOURCE_VTY, 0);
	tree_close(t);
	tree_close(t);
}

static void hypervisor(struct tree *t)
{
	tree_open(t, "hypervisor");
	tree_string(t, "compatible", "linux,kvm");
	tree_close(t);
}

int fdt_build(const struct fdt_machine *m, void *buf, size_t size)
{
	struct tree t;

	tree_begin(&t, buf, size, (struct range){m->rtas, RTAS_ROOM});
	tree_string(&t, "device_type", "chrp");
	tree_string(&t, "model", "IBM pSeries (emulated by carillon)");
	tree_string(&t, "compatible", "carillon,pseries");
	tree_u32(&t, "#address-cells", 2);
	tree_u32(&t, "#size-cells", 2);
	irqchip_describe(m->irqchip, &t, m->cpus);
	chosen(&t, m);
	memory(&t, m);
	cpus(&t, m);
	rtas(&t, m);
	vdevice(&t);
	hypervisor(&t);
	fdt_pci(&t, m);
	return tree_end(&t);
}
