/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* fdt: the device tree, from the layout that the machine is built from. Pure. */
#ifndef CARILLON_ARM_FDT_H
#define CARILLON_ARM_FDT_H

#include "irqchip.h"
#include "layout.h"

struct fdt_machine {
	const struct arch_layout *layout;
	unsigned cpus;
	enum irqchip irqchip;
	bool pmu;
	unsigned n_slots;    /* virtio devices over MMIO */
	const char *params;  /* the kernel's command line */
	struct range initrd; /* guest-physical; size 0: none */
	uint8_t kaslr_seed[8], rng_seed[32];
};

/* The affinity of a vCPU as KVM sets it in MPIDR_EL1: sixteen to a cluster, for GICv3's sake. */
uint64_t fdt_mpidr(unsigned cpu);
/* Fill buf with a tree of at most `size` bytes, its size in its header; -ENOSPC or -EINVAL. */
int fdt_build(const struct fdt_machine *m, void *buf, size_t size);

#endif
