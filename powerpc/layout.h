/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * layout: every guest-physical address and every number of the pseries machine.
 *
 *     0x0000_0000_0000   RAM: kernel at 0, then device tree, RTAS code and initrd
 *     0x2000_0000_0000   the ports of I/O BARs, 64 KiB
 *     0x2000_1000_0000   XIVE: thread context, as user and operating system see it, 64 KiB each
 *     0x2000_2000_0000   XIVE: two pages of 64 KiB for each source, by its number
 *     0x2000_8000_0000   PCI 32-bit window; bus address 0x8000_0000
 *     0x2100_0000_0000   PCI 64-bit window; bus address = guest-physical
 *
 * Devices see memory through windows that the guest fills by hypercall, so nothing that the host
 * reserves for DMA shapes this map. The 32-bit window of BARs begins above the 32-bit DMA window.
 */
#ifndef CARILLON_POWERPC_LAYOUT_H
#define CARILLON_POWERPC_LAYOUT_H

#include "arch.h"

#define PHB_PORTS_ADDR 0x200000000000ULL
#define PHB_PORTS_SIZE 0x10000ULL
#define PHB_MEM32_ADDR 0x200080000000ULL
#define PHB_MEM32_BUS  0x80000000ULL
#define PHB_MEM32_SIZE 0x80000000ULL
#define PHB_MEM64_ADDR 0x210000000000ULL
#define PHB_MEM64_ROOM 0x10000000000ULL /* at least; more if the BARs need it */
#define PHB_MEM64_END  0x400000000000ULL
#define PHB_BUID       0x800000020000000ULL
/* The largest page a guest may have: no two BARs share one. */
#define GUEST_PAGE_MAX (64 * KIB)

#define RAM_MIN (128 * MIB)
#define RAM_MAX PHB_PORTS_ADDR
/* Logical memory blocks: memory comes in these. */
#define LMB_SIZE (16 * MIB)

/* Interrupt sources. Up to 0xfff a XICS has its own, and a XIVE one for each CPU, for IPIs. */
#define SOURCE_FIRST	  0x1000
#define SOURCE_VTY	  0x1000
#define SOURCE_INTX_FIRST 0x1004
#define SOURCE_INTX_COUNT 4
#define SOURCE_MSI_FIRST  0x1010
#define SOURCE_END	  0x1800

/* A XIVE's pages. Of a source: one that triggers it, and one by which it is managed. */
#define XIVE_PAGE_SHIFT 16
#define XIVE_PAGE	(1ULL << XIVE_PAGE_SHIFT)
#define XIVE_TIMA_ADDR	0x200010000000ULL
#define XIVE_ESB_ADDR	0x200020000000ULL
#define XIVE_ESB_STRIDE (2 * XIVE_PAGE)
#define XIVE_ESB_FIRST	(SOURCE_FIRST * XIVE_ESB_STRIDE)
#define XIVE_ESB_SIZE	(SOURCE_END * XIVE_ESB_STRIDE)

/* What a guest may ask for at once, over all devices: "ibm,pe-total-#msi". */
#define MSI_TOTAL (SOURCE_END - SOURCE_MSI_FIRST)

/* The console's unit address on the virtual I/O bus. */
#define VTY_REG 0x71000000

/*
 * Pure: bytes of RAM that the guest reaches without its MMU (the RMA). With radix (order 0) that is
 * all of it; with a hash MMU it is what KVM maps at the start into the table of 1 << hash_order
 * bytes, given the pages behind RAM (kvmppc_map_vrma() in Linux).
 */
uint64_t rma_size(uint64_t ram, uint64_t page, unsigned hash_order);

enum mmu_wish {
	MMU_AUTO, /* radix where the host's KVM has it for guests */
	MMU_RADIX,
	MMU_HASH,
};

/* Pure: --cpu mmu=auto|radix|hash; text NULL: auto. */
int mmu_parse(const char *text, enum mmu_wish *out, struct error *err);

#endif
