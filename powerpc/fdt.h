/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* fdt: the device tree of a pseries partition, as its guest would find it after open firmware.
 * Pure. */
#ifndef CARILLON_POWERPC_FDT_H
#define CARILLON_POWERPC_FDT_H

#include "layout.h"

#define FDT_SEGMENT_CELLS 96

/* A function's DMA window, or none (size 0). */
struct fdt_window {
	uint32_t liobn;
	uint64_t start, size;
	bool dynamic; /* another one may be asked for */
};

struct fdt_function {
	const struct pci_function *function;
	struct fdt_window window;
};

/* What of the host's CPU the guest is told. */
struct fdt_cpu {
	uint32_t pvr;
	uint32_t timebase_hz, clock_hz;
	bool radix;
	uint32_t radix_ap[8]; /* page size encodings; n of them */
	unsigned n_radix_ap;
	/* With a hash MMU: log2 of the table's bytes, "ibm,segment-page-sizes", segments of 1 TiB.
	 */
	unsigned hash_order, slb_size;
	uint32_t segments[FDT_SEGMENT_CELLS];
	unsigned n_segments;
	bool segments_1t;
	uint8_t pa_features[128]; /* as the host's own device tree has them; size 0: it has none */
	unsigned pa_features_size;
};

struct fdt_machine {
	const struct arch_layout *layout;
	uint64_t rma; /* from 0 on: what is reached without an MMU, bytes */
	const struct irqchip *irqchip;
	unsigned cpus;
	struct fdt_cpu cpu;
	const char *params;
	struct range initrd; /* guest-physical; size 0: none */
	uint64_t rtas;	     /* where the code lies */
	uint8_t rng_seed[32];
	const struct fdt_function *functions;
	unsigned n_functions;
};

/* Fill buf with a tree of at most `size` bytes; -ENOSPC or -EINVAL. */
int fdt_build(const struct fdt_machine *m, void *buf, size_t size);

#endif
