/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * layout: every guest-physical address and port of the x86 machine.
 *
 *     0x000000500           GDT of the 64-bit boot protocol
 *     0x000006000           PVH start info, at +0x40 its module list
 *     0x000007000           zero page (bzImage) or PVH memory map
 *     0x000009000           page tables that map the first 4 GiB onto themselves: 6 pages
 *     0x000020000           kernel command line, up to 64 KiB
 *     0x00009fc00           reserved: EBDA
 *     0x0000a0000           reserved: where a PC has video memory and ROMs
 *     0x0000e0000           reserved: ACPI tables, the RSDP first
 *     0x0000fe000           reserved: MP table, the floating pointer first
 *     0x0000ffff0           real mode's way to reset the machine
 *     0x000100000           RAM: kernel, initrd at the upper end ...
 *     mem32 base            PCI 32-bit window; 0xc0000000, or lower if BARs need it
 *     0x0e0000000           ECAM, bus 0; 256 MiB are kept for it
 *     0x0f0000000           virtio devices over MMIO, 4 KiB each
 *     0x0fec00000           I/O APIC
 *     0x0fee00000           local APIC, MSI doorbell
 *     0x0fffbc000           KVM: identity map page, then three pages of TSS (Intel real mode)
 *     0x100000000           RAM that did not fit below mem32 ...
 *     above RAM             PCI 64-bit window, aligned to its largest BAR
 *     0xfd00000000          12 GiB never used: AMD HyperTransport (RAM and window go on above)
 */
#ifndef CARILLON_X86_LAYOUT_H
#define CARILLON_X86_LAYOUT_H

#include "arch.h"

#define GDT_ADDR	    0x500
#define PVH_INFO_ADDR	    0x6000
#define PVH_MODLIST_ADDR    0x6040
#define PVH_MEMMAP_ADDR	    0x7000
#define ZERO_PAGE_ADDR	    0x7000
#define PAGE_TABLES_ADDR    0x9000
#define CMDLINE_ADDR	    0x20000
#define CMDLINE_ROOM	    0x10000
#define EBDA_ADDR	    0x9fc00
#define VIDEO_ADDR	    0xa0000
#define ACPI_ADDR	    0xe0000
#define ACPI_ROOM	    0x1e000
#define MPTABLE_ADDR	    0xfe000
#define MPTABLE_ROOM	    0x1ff0
#define RESET_VECTOR_ADDR   0xffff0
#define HIGH_MEMORY_ADDR    0x100000
#define MEM32_BASE_MIN	    0x40000000ULL
#define MEM32_BASE_DEFAULT  0xc0000000ULL
#define MEM32_END	    0xe0000000ULL
#define ECAM_ADDR	    0xe0000000ULL
#define ECAM_SIZE	    0x100000ULL
#define ECAM_ROOM	    0x10000000ULL
#define SLOT_ADDR	    0xf0000000U
#define SLOT_SIZE	    0x1000U
#define IOAPIC_ADDR	    0xfec00000U
#define LAPIC_ADDR	    0xfee00000U
#define KVM_IDENTITY_ADDR   0xfffbc000ULL
#define KVM_TSS_ADDR	    0xfffbd000ULL
#define KVM_PAGES_SIZE	    0x4000ULL
#define FOUR_GIB	    0x100000000ULL
#define HYPERTRANSPORT_ADDR 0xfd00000000ULL
#define HYPERTRANSPORT_END  0x10000000000ULL

#define PORT_I8042_COMMAND 0x64
#define PORT_COM1	   0x3f8
#define PORT_SLEEP_CONTROL 0x600
#define PORT_SLEEP_STATUS  0x601
#define PORT_RESET	   0x602
#define PORT_PCI_WINDOW	   0xc000
#define PORT_PCI_ROOM	   0x4000

#define GSI_COM1      4
#define GSI_PCI_FIRST 16
#define GSI_PCI_COUNT 8
/*
 * Of the pins that guests without ACPI know, those that are nobody's, one for each virtio device:
 * none of timer, keyboard, cascade, COM2, COM1 and RTC.
 */
#define GSI_SLOTS                                  \
	{                                          \
		5, 6, 7, 9, 10, 11, 12, 13, 14, 15 \
	}
#define SLOT_COUNT 10
#define GSI_BOARD  24 /* pins of the I/O APIC */

#define GUEST_PAGE 4096ULL
#define RAM_MIN	   (8 * MIB)

/* The memory map in the numbers of ACPI 6.5, table 15.2, which E820 and PVH share. */
enum memory_type {
	MEMORY_RAM = 1,
	MEMORY_RESERVED = 2,
};

struct memory_entry {
	struct range range;
	enum memory_type type;
};

#define MEMORY_ENTRIES_MAX (RAM_BANKS_MAX + 6)

/* Pure: sorted, not overlapping. Returns how many entries. */
unsigned memory_map(const struct arch_layout *layout, struct memory_entry map[MEMORY_ENTRIES_MAX]);

#endif
