/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * arch: what an architecture must say. x86/, arm/ and powerpc/ each implement this header; which
 * one is linked is the only place where the choice is made.
 */
#ifndef CARILLON_ARCH_H
#define CARILLON_ARCH_H

#include "pci.h"
#include "vfio.h"
#include "vm.h"

/* What the user asked for, as far as an architecture needs to know it. */
struct arch_config {
	uint64_t ram;	   /* bytes */
	bool ram_placed;   /* -m SIZE@ADDR: at ram_base; else where the architecture likes it */
	uint64_t ram_base; /* guest-physical */
	unsigned cpus;
	const char *kernel, *initrd, *params; /* initrd and params may be NULL */
	const char *irqchip;		      /* NULL: the one that the architecture prefers */
	const char *cpu;		      /* features "pmu=off,sve=on"; NULL: as the host is */
	bool no_dynamic_windows;	      /* POWER: guests get the 32-bit DMA window alone */
	bool no_tce_acceleration; /* POWER: their DMA calls come to us even if KVM could serve them
				   */
	bool virtio_mmio;	  /* virtio devices are on no bus */
	const char *dump_dtb;	  /* a file to write the device tree to, or NULL */
	struct range msi_bank;	  /* size 0: the plan picks one */
};

/* What the host decides of a layout. */
struct arch_host {
	unsigned phys_bits;		      /* guest-physical address width */
	uint64_t page_size;		      /* bytes */
	const struct vfio_reserved *reserved; /* I/O addresses that are not to be had */
	unsigned n_reserved;
};

/* Where everything lies, guest-physical: the pure result of arch_plan(). */
struct arch_layout {
	struct range ram[RAM_BANKS_MAX];
	unsigned n_ram;
	struct pci_windows pci;
	struct range board; /* the board's own registers, where they move with the plan */
	/*
	 * Where messages pass through the IOMMU: I/O addresses set aside for doorbells, and within
	 * them the registers that the guest writes its messages to. size 0: they don't.
	 */
	struct range msi_bank, doorbell;
};

/* What of the machine firmware has to do with, where an architecture has firmware. */
struct arch_parts {
	struct pci_bus *bus;
	struct vfio *vfio;
	unsigned n_slots; /* in use, of those of arch_slot() */
};

/* Where a device that is on no bus has its registers, guest-physical, and its board GSI. */
struct arch_slot {
	struct range registers;
	unsigned gsi;
};

extern const struct vm_ops arch_vm_ops;
/* Guests ask for interrupts and DMA by hypercall (see struct vfio). */
extern const bool arch_by_hypercall;
/* The largest base page, in bytes, that a guest may use; 0: that is not known before it runs. */
extern const uint64_t arch_guest_page;
extern const char arch_name[];
/* How many devices that are on no bus this board has room for. */
extern const unsigned arch_slots;
/* What --console calls the console that the board has. */
extern const char arch_console[];

/* Pure. Refuses what this architecture has no use for, and words it does not know. */
int arch_check(const struct arch_config *config, struct error *err);
/*
 * Pure. needs: what the PCI windows must hold. Errors name what does not fit or collides, and a
 * value that would work.
 */
int arch_plan(const struct arch_config *config, const struct arch_host *host,
	      const struct pci_needs *needs, struct arch_layout *layout, struct error *err);
/* Guest-physical address bits that this KVM gives a guest. */
unsigned arch_phys_bits(int kvm);

/*
 * In this order: arch_create() after vm_create() and before RAM and vCPUs: what KVM wants to know
 * first; arch_load() after RAM and vCPUs exist and the bus is started: what has its place from the
 * layout, then kernel, initrd, tables. After it the interrupt controller and the board's routes
 * are there. arch_destroy() is safe at any point after arch_create() was tried.
 */
int arch_create(struct vm *vm, const struct arch_config *config, struct error *err);
void arch_destroy(struct vm *vm);
int arch_load(struct vm *vm, const struct arch_parts *parts, const struct arch_config *config,
	      const struct arch_layout *layout, struct error *err);

/* Counters of the architecture's own, into an open object. Any thread. */
void arch_stat(const struct vm *vm, struct json *j);

/* Pure. The n-th of them, n < arch_slots. */
struct arch_slot arch_slot(const struct arch_layout *layout, unsigned n);
/* The board GSI of a function's INTx pin (1..4). */
unsigned arch_intx_gsi(uint8_t devfn, unsigned pin);
/* Where the console's UART is: port or MMIO, its address, spacing of registers, its GSI. */
struct arch_uart {
	bool present; /* false: the console is the architecture's own affair */
	bool mmio;
	uint64_t base;
	unsigned gsi;
};
struct arch_uart arch_uart(const struct arch_layout *layout);

#endif
