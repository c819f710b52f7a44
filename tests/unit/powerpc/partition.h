/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * partition: a POWER machine without KVM and without devices. The recorder stands in for KVM's
 * interrupts; what is told by ioctl, to other CPUs and to the host's DMA windows is kept here, and
 * refused on demand. Functions have sources that note what they are told.
 */
#ifndef CARILLON_TESTS_PARTITION_H
#define CARILLON_TESTS_PARTITION_H

#include "../../../powerpc/rtas.h"
#include "../recorder.h"
#include "chip.h"

#define GROUPS 2
#define GROUP  7 /* the first one's number */

/* What a function's messages are switched by. */
struct source {
	bool on;
	unsigned enables, disables, arms;
	unsigned n; /* with how many vectors it was switched on */
	int fds[128];
};

struct device {
	struct pci_function f;
	int group; /* -1: none */
	struct pci_msix msix;
	struct pci_msi msi;
	struct source msix_source, msi_source;
};

/* Places on the bus. */
enum {
	DEVICE_MSIX, /* MSIX_N vectors */
	DEVICE_MSI,  /* MSI_N vectors, in the second group */
	DEVICE_BOTH,
	DEVICE_NONE, /* neither, and no group */
	DEVICES,
};
#define MSIX_N	 70
#define MSI_N	 4
#define CAP_MSI	 0x50
#define CAP_MSIX 0x70

struct host_window {
	bool there;
	unsigned shift;
	uint64_t start, size;
	struct {
		void *host;
		uint32_t flags;
	} pages[1024];
	unsigned mapped;
};

struct host_group {
	struct vfio_spapr_info info;
	struct host_window windows[2];
};

struct partition {
	struct recorder rec;
	struct vcpu cpus[CPUS];
	struct ppc_machine *m;
	struct pci_bus bus;
	struct vfio vfio;
	struct vfio_group groups[GROUPS];
	struct device devices[DEVICES];
	uint8_t *ram;
	uint64_t ram_size;
	int terminal[2]; /* a pipe: what the guest says comes out of the first */

	/* KVM's ioctls. */
	long lacks; /* the capability that this KVM has not */
	struct chip chip;
	struct kvm_rtas_token_args tokens[8]; /* that KVM was told of */
	unsigned n_tokens;
	uint64_t enabled[64];
	unsigned n_enabled;
	struct kvm_ppc_mmuv3_cfg mmu;
	unsigned mmu_calls;
	uint32_t hash_order; /* of the page table that KVM was to make */
	bool any_page;	     /* hash guests' pages may be larger than those behind them */
	int mmu_errno, chars_errno, table_errno;
	struct kvm_ppc_cpu_char chars;
	struct kvm_create_spapr_tce_64 table;
	unsigned tables;

	/* Other CPUs. */
	unsigned begun; /* calls of vcpu_begin() */
	unsigned begun_cpu;
	uint64_t begun_pc, begun_r3, lpcr;
	int begin_errno, lpcr_errno;

	/* The host's DMA windows. */
	struct host_group host[GROUPS];
	unsigned maps, unmaps, creates, removes, accelerated;
	int info_errno, create_errno, remove_errno, map_errno, unmap_errno, accelerate_errno;
	unsigned remove_takes; /* so many microseconds */
	/* The default window at hand; partition_start_dma() leaves the first group's here. */
	const struct dma_window *dma32;
};

extern struct partition p;

/* What an ioctl returns that is refused with this errno, or not (0). */
int refused(int code);

/* Both groups have a 32-bit window of 4 MiB, at 0 and at DMA32_SECOND. */
#define DMA32_SIZE   (4 * MIB)
#define DMA32_SECOND 0x40000000ULL

void partition_start(uint64_t ram);
void partition_start_xive(uint64_t ram);
/* Nothing may be left open, attached or allocated. */
void partition_finish(void);
/* As partition_start(), with 1 MiB, and with the default windows made. */
void partition_start_dma(void);

/* The calls for a window's entries, as PAPR numbers them, and what they answer. */
#define GET	 0x1c
#define PUT	 0x20
#define STUFF	 0x138
#define INDIRECT 0x13c

#define SUCCESS	  0ULL
#define PARAMETER -4ULL
#define HARDWARE  -1ULL
#define RESOURCE  -16ULL

/* A hypercall of CPU 0: what r3 gets. Its arguments, and what it answers, are in regs. */
extern uint64_t regs[9];
uint64_t call(uint64_t nr, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3);
/* RTAS of CPU 0, from a block at RTAS_AT. Returns the status; what follows it is in rets. */
#define RTAS_AT 0x8000
extern uint32_t rets[RTAS_ARGS_MAX];
int rtas_at(uint64_t at, uint32_t token, unsigned n_rets, unsigned n_args, const uint32_t *args);
#define RTAS(name, n_rets, ...)                    \
	rtas_at(RTAS_AT, rtas_token(name), n_rets, \
		sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t), (uint32_t[]){__VA_ARGS__})

/* A function's address as RTAS has it, and the three cells that name it. */
uint32_t address_of(unsigned device, unsigned reg);
#define BUID_HIGH	   0x8000000
#define BUID_LOW	   0x20000000
#define NAMED(device, reg) address_of(device, reg), BUID_HIGH, BUID_LOW

/* Where the guest's big-endian words are. */
uint32_t ram32(uint64_t at);
void set_ram32(uint64_t at, uint32_t value);
void set_ram64(uint64_t at, uint64_t value);

#endif
