/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* cpuid: what a vCPU answers to CPUID, made from what KVM supports. */
#ifndef CARILLON_X86_CPUID_H
#define CARILLON_X86_CPUID_H

#include <linux/kvm.h>

#include "base.h"

/* As many entries as KVM takes: KVM_MAX_CPUID_ENTRIES. */
#define CPUID_ROOM 256

struct cpuid_vcpu {
	unsigned apic_id; /* x2APIC ID, below cpus */
	unsigned cpus;	  /* one socket of so many cores */
	bool tsc_deadline;
};

/*
 * Pure. table: as KVM_GET_SUPPORTED_CPUID gave it, with room for `room` entries; becomes what this
 * vCPU is to be given. -ENOSPC if an entry that has to be added does not fit.
 */
int cpuid_filter(struct kvm_cpuid2 *table, unsigned room, const struct cpuid_vcpu *vcpu);
/* Pure. The entry of a leaf, or NULL. */
struct kvm_cpuid_entry2 *cpuid_find(struct kvm_cpuid2 *table, uint32_t function, uint32_t index);
/* Pure. Address bits that a guest may use (leaf 0x80000008). */
unsigned cpuid_phys_bits(struct kvm_cpuid2 *table);

#endif
