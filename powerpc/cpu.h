/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* cpu: what of the host's CPU the guest is told, and which MMU it gets. */
#ifndef CARILLON_POWERPC_CPU_H
#define CARILLON_POWERPC_CPU_H

#include "fdt.h"
#include "machine.h"

/*
 * --cpu mmu=radix|hash|auto; text NULL: auto. The MMU that the host's KVM can give to a guest,
 * radix if both; m->radix says which. -ENOTSUP says what the host has.
 */
int cpu_choose_mmu(struct ppc_machine *m, const char *text, struct error *err);
/* With a hash MMU: have KVM make the guest's page table. RAM bytes decide its size. */
int cpu_make_page_table(struct ppc_machine *m, uint64_t ram, struct error *err);
int cpu_describe(struct ppc_machine *m, struct fdt_cpu *cpu, struct error *err);

#endif
