/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * arch: what an architecture must say. x86/, arm/ and powerpc/ each implement this header; which
 * one is linked is the only place where the choice is made.
 */
#ifndef CARILLON_ARCH_H
#define CARILLON_ARCH_H

#include "pci.h"
#include "vm.h"

/* What the user asked for, as far as an architecture needs to know it. */
struct arch_config {
	uint64_t ram; /* bytes */
	unsigned cpus;
	const char *kernel, *initrd, *params; /* initrd and params may be NULL */
};

/* Where everything lies, guest-physical: the pure result of arch_plan(). */
struct arch_layout {
	struct range ram[RAM_BANKS_MAX];
	unsigned n_ram;
	struct pci_windows pci;
};

/* GSIs below this are the board's pins. */
extern const unsigned arch_first_dynamic_gsi;
extern const struct vcpu_ops arch_vcpu_ops;
/* Does the architecture reach config space by ports (CF8/CFC)? */
extern const bool arch_has_cf8;
/* arch_name: "x86". */
extern const char arch_name[];

/*
 * Pure. needs: what the PCI windows must hold. phys_bits: guest-physical address width. Errors
 * name what does not fit and the largest value that would.
 */
int arch_plan(const struct arch_config *config, const struct pci_needs *needs, unsigned phys_bits,
	      struct arch_layout *layout, struct error *err);
/* Guest-physical address bits that this KVM gives a guest. */
unsigned arch_phys_bits(int kvm);

/*
 * In this order: arch_create() after vm_create() and before RAM and vCPUs: interrupt controller,
 * board routes, and the board's own registers (power, reset) in the spaces; arch_load() after RAM
 * and vCPUs exist and the bus is started: kernel, initrd, tables. arch_destroy() is safe at any
 * point after arch_create() was tried.
 */
int arch_create(struct vm *vm, struct error *err);
void arch_destroy(struct vm *vm);
int arch_load(struct vm *vm, const struct arch_config *config, const struct arch_layout *layout,
	      struct error *err);

/* The board GSI of a function's INTx pin (1..4). */
unsigned arch_intx_gsi(uint8_t devfn, unsigned pin);
/* Where the console's UART is: port or MMIO, its address, spacing of registers, its GSI. */
struct arch_uart {
	bool mmio;
	uint64_t base;
	unsigned gsi;
};
extern const struct arch_uart arch_uart;

#endif
