/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* fdt_rig: machines of each kind, with functions of each kind, whose device trees are looked at. */
#ifndef CARILLON_TESTS_POWERPC_FDT_RIG_H
#define CARILLON_TESTS_POWERPC_FDT_RIG_H

#include "../../../powerpc/fdt.h"
#include "../../../powerpc/irqchip.h"
#include "../fdt/cells.h"
#include "../recorder.h"

/* What makes a machine; the rest follows from the plan. */
struct sample {
	const char *name;
	unsigned cpus;
	uint64_t ram, host_page;
	struct range initrd;
	bool devices, pa_features;
	unsigned hash_order; /* 0: radix */
	const struct irqchip *irqchip;
};

#define FDT_RIG_SAMPLES 5
extern const struct sample fdt_rig_samples[FDT_RIG_SAMPLES];
#define WITH_DEVICES (&fdt_rig_samples[2])
#define WITH_HASH    (&fdt_rig_samples[3])
#define WITH_XIVE    (&fdt_rig_samples[4])

extern const uint8_t fdt_rig_pa_features[6];

enum {
	DISK,	 /* 64-bit BAR, MSI-X */
	NETWORK, /* 64-bit prefetchable, 32-bit, I/O and ROM; both kinds of messages */
	SECOND,	 /* a second function, 32-bit prefetchable; MSI; no DMA */
	BARE,	 /* no BAR, no interrupt */
	FUNCTIONS,
};

extern const struct fdt_window fdt_rig_windows[FUNCTIONS];

struct fdt_rig {
	struct recorder rec;
	struct pci_bus bus;
	struct arch_layout layout; /* of the machine that was built last */
	struct pci_function functions[FUNCTIONS];
	struct pci_msix msix[FUNCTIONS];
	struct pci_msi msi[FUNCTIONS];
};

extern struct fdt_rig fdt_rig;

/* Before and after each test: the functions. */
void fdt_rig_start(void);
void fdt_rig_finish(void);
/* A machine, whose functions are in fns. */
struct fdt_machine fdt_rig_machine(const struct sample *s, struct fdt_function fns[FUNCTIONS]);
/* Build its tree, into `tree`. */
void fdt_rig_build(const struct sample *s);
/* Nodes of it. */
int fdt_rig_phb(void);
int fdt_rig_controller(void);

#endif
