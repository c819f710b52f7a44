/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* machine: what vm->arch is on x86. */
#ifndef CARILLON_X86_MACHINE_H
#define CARILLON_X86_MACHINE_H

#include "vm.h"

struct x86_machine {
	struct vm *vm;
	struct kvm_cpuid2 *supported; /* as KVM gave it */
	bool tsc_deadline;
	struct region power, i8042;
};

/* KVM's table, to be freed with free(); NULL and -errno in *ret if it refuses. */
struct kvm_cpuid2 *get_supported_cpuid(int kvm, int *ret);

/* Power and reset registers in the port space, and out of it (ports.c). */
int ports_add(struct x86_machine *m, struct error *err);
void ports_remove(struct x86_machine *m);

/*
 * Pure. Messages as KVM wants them with KVM_X2APIC_API_USE_32BIT_IDS: bits 8 to 14 of the
 * destination, which the guest puts into address bits 5 to 11, go to the upper half.
 */
void msi_fix_route(struct kvm_irq_routing_entry *e);

#endif
