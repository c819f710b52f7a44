/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* machine: what vm->arch is on POWER: a pseries partition, whose firmware we are. */
#ifndef CARILLON_POWERPC_MACHINE_H
#define CARILLON_POWERPC_MACHINE_H

#include <asm/kvm.h>

#include "layout.h"

#define CPUS_MAX 512
#define VTY_ROOM 1024

/* A console: characters by hypercall (PAPR 2.11, 16.2). */
struct vty {
	struct vm *vm;
	int out_fd;
	pthread_mutex_t lock;
	uint8_t rx[VTY_ROOM];
	unsigned head, count;
	bool refused; /* input waits for room */
};

/* A DMA window: where a group's devices see memory, page by page as the guest maps it. */
struct dma_window {
	uint32_t liobn; /* 0: none */
	int group;	/* VFIO's number of the IOMMU group; NO_GROUP: of emulated functions */
	unsigned page_shift;
	uint64_t start, size; /* I/O addresses, bytes */
	bool dynamic;
	int table;	   /* KVM's copy, which serves the guest's calls; -1: we do */
	uint64_t *entries; /* what is mapped, as the guest wrote it; NULL with a table */
};

#define NO_GROUP (-1)
/* The default window and a dynamic one, of each group; and that of emulated functions. */
#define WINDOWS_MAX (2 * 16 + 1)

struct irqchip;
struct xive;

struct ppc_machine {
	struct vm *vm;
	struct pci_bus *bus;
	struct vfio *vfio;
	const struct irqchip *irqchip;
	int irqchip_fd;	   /* the KVM device, -1: none */
	struct xive *xive; /* NULL: another irqchip */
	bool radix;
	unsigned hash_order; /* with a hash MMU: log2 of the page table's bytes */
	/* What H_SET_MODE has decided on, and how: for CPUs that start later. */
	uint64_t lpcr_mask, lpcr_bits;
	_Atomic int64_t clock_offset; /* of the guest's clock, seconds ahead of the host's */
	struct vty vty;
	pthread_mutex_t dma_lock; /* windows, and what is mapped in them; recursive */
	bool dynamic_windows, tce_acceleration;
	uint64_t ram_page; /* the size of the pages behind all RAM, bytes */
	struct dma_window windows[WINDOWS_MAX];
	_Atomic uint64_t hcalls, rtas_calls, tce_calls;
	bool stopping[CPUS_MAX]; /* by CPU, its own thread's: stop-self was called */
};

/* vcpu.c. A CPU begins: in real mode, big-endian, r3 as given. It is held, or was never run. */
int vcpu_begin(const struct vcpu *c, uint64_t pc, uint64_t r3);
/* Set bits of the LPCR in the calling CPU and in those that are held; -EBUSY if another one runs.
 */
int vcpu_set_lpcr(struct vcpu *c, uint64_t mask, uint64_t bits);

/* hcall.c: PAPR's hypercalls that KVM leaves to us. Returns what r3 gets; args are in and out. */
uint64_t hcall(struct vcpu *c, uint64_t nr, uint64_t args[9]);
/* Have KVM serve what it can by itself. */
void hcall_enable_in_kernel(struct vm *vm);

/* vty.c */
void vty_init(struct vty *v, struct vm *vm, int out_fd);
void vty_destroy(struct vty *v);
uint64_t vty_put(struct vty *v, const uint64_t args[9]);
uint64_t vty_get(struct vty *v, uint64_t args[9]);

/* dma.c: the windows of all functions, and the calls that fill them. */
int dma_create(struct ppc_machine *m, const struct arch_config *config, struct error *err);
/*
 * A second window of a group: 1 << window_shift bytes in pages of 1 << page_shift. NULL if the host
 * or we have none left.
 */
const struct dma_window *dma_add_window(struct ppc_machine *m, int group, unsigned page_shift,
					unsigned window_shift);
/* Give a dynamic window back; false: there is no such. */
bool dma_drop_window(struct ppc_machine *m, uint32_t liobn);
/* Dynamic windows of the group that are there. */
unsigned dma_count_dynamic(const struct ppc_machine *m, int group);
/* Page sizes that a dynamic window of the group may have, a bit each; 0: it gets none. */
uint64_t dma_page_sizes(const struct ppc_machine *m, int group);
void dma_destroy(struct ppc_machine *m);
/* The default window of a function's group, or that of emulated functions. */
const struct dma_window *dma_window_of(const struct ppc_machine *m, const struct pci_function *f);
uint64_t dma_put_tce(struct ppc_machine *m, const uint64_t args[9]);
uint64_t dma_put_tce_indirect(struct ppc_machine *m, const uint64_t args[9]);
uint64_t dma_stuff_tce(struct ppc_machine *m, const uint64_t args[9]);
uint64_t dma_get_tce(struct ppc_machine *m, uint64_t args[9]);

#endif
