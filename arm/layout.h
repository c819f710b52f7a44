/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * layout: every guest-physical address of the arm64 machine, where nothing is in the way:
 *
 *     0x08000000           MSI bank: the host's window, and beside it the guest's doorbell
 *     0x0a000000           board:
 *       + 0x000000           UART
 *       + 0x010000           RTC
 *       + 0x020000           GIC distributor
 *       + 0x030000           GICv2 CPU interface
 *       + 0x040000           virtio devices over MMIO, 4 KiB each
 *       + 0x100000           the ports of I/O BARs
 *       + 0x200000           ECAM, bus 0
 *       + 0x400000           GICv3 redistributors, 128 KiB a CPU
 *     0x10000000           PCI 32-bit window
 *     0x40000000           RAM
 *     above 4 GiB and RAM  PCI 64-bit window, aligned to its largest BAR
 *
 * The user may place the bank and RAM elsewhere (--msi-bank, -m SIZE@ADDRESS), the host may
 * withhold I/O addresses; then the board and the windows evade, and RAM is laid around all of it.
 */
#ifndef CARILLON_ARM_LAYOUT_H
#define CARILLON_ARM_LAYOUT_H

#include "arch.h"

#define BANK_DEFAULT  0x08000000ULL
#define BOARD_DEFAULT 0x0a000000ULL
#define MEM32_DEFAULT 0x10000000ULL
#define MEM32_SIZE    0x10000000ULL /* where there is room */
#define RAM_DEFAULT   0x40000000ULL
#define FOUR_GIB      0x100000000ULL

/* Register frames keep to themselves on hosts and guests with pages of 64 KiB. */
#define FRAME_ALIGN (64 * KIB)
/* An ITS: control and translation frame. A GICv2m frame takes the first page of the same place. */
#define DOORBELL_SIZE (128 * KIB)

#define UART_OFFSET  0x000000
#define RTC_OFFSET   0x010000
#define GICD_OFFSET  0x020000
#define GICC_OFFSET  0x030000
#define SLOTS_OFFSET 0x040000
#define PORTS_OFFSET 0x100000
#define ECAM_OFFSET  0x200000
#define GICR_OFFSET  0x400000
#define UART_SIZE    0x1000ULL
#define RTC_SIZE     0x1000ULL
#define GICD_SIZE    0x10000ULL
#define GICC_SIZE    0x2000ULL
#define SLOT_SIZE    0x1000ULL
#define PORTS_SIZE   0x10000ULL
#define ECAM_SIZE    0x100000ULL
#define GICR_SIZE    0x20000ULL /* of each CPU */

/* Shared peripheral interrupts, counted from 0: they are the board's GSIs. */
#define SPI_UART       0
#define SPI_RTC	       1
#define SPI_PCI_FIRST  3
#define SPI_PCI_COUNT  4
#define SPI_SLOT_FIRST 16
#define SLOT_COUNT     16
#define SPI_BOARD      32
/* Those that a GICv2m frame gives to messages; edge-triggered. */
#define SPI_V2M_FIRST 64
#define SPI_V2M_COUNT 128
#define SPI_COUNT     (SPI_V2M_FIRST + SPI_V2M_COUNT)
/* Private ones, counted from 0. */
#define PPI_PMU 7

#define RAM_MIN	   (16 * MIB)
#define RAM_PIECE  (2 * MIB) /* banks begin and end so that huge pages fill them */
#define GICV2_CPUS 8
#define GICV3_CPUS 512

static inline struct range board_range(const struct arch_layout *l, uint64_t offset, uint64_t size)
{
	return (struct range){l->board.base + offset, size};
}

/*
 * Pure. The bank: the user's, checked, or one that fits; and within it the place of the doorbell.
 * span: where RAM would lie if nothing were in its way.
 */
int bank_plan(const struct arch_config *config, const struct arch_host *host, struct range span,
	      struct range *bank, struct range *doorbell, struct error *err);
/* Pure. A bank for this host that evades the span; false: there is none. */
bool bank_choose(const struct arch_host *host, struct range span, struct range *bank);
/*
 * Pure. For a configuration that can't be planned, whose error err is: add what to ask for instead,
 * if there is something that works.
 */
void layout_advise(const struct arch_config *config, const struct arch_host *host,
		   const struct pci_needs *needs, struct error *err);
/* Pure. As arch_plan(), but errors say only what is wrong. */
int layout_plan(const struct arch_config *config, const struct arch_host *host,
		const struct pci_needs *needs, struct arch_layout *layout, struct error *err);

#endif
