/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The CPUID filter: one socket of N cores without threads, APIC IDs 0..N-1, described to Intel's
 * readers (leaves 1, 4, 0xb, 0x1f; SDM volume 2, CPUID) and AMD's (0x80000008, 0x8000001d,
 * 0x8000001e; APM volume 3, appendix E) alike: which of them a guest believes is its own choice.
 */
#include <errno.h>

#include "cpuid.h"

#define BIT(n) (1U << (n))

/* Leaf 1 */
#define ECX1_MONITOR	  BIT(3)
#define ECX1_X2APIC	  BIT(21)
#define ECX1_TSC_DEADLINE BIT(24)
#define ECX1_HYPERVISOR	  BIT(31)
#define EDX1_HTT	  BIT(28)
/* Leaf 0x80000001 */
#define ECX81_CMP_LEGACY BIT(1)
#define ECX81_TOPOEXT	 BIT(22)
#define ECX81_MONITORX	 BIT(29)

#define LEVEL_SMT  1
#define LEVEL_CORE 2

#define KVM_LEAF_FEATURES   0x40000001
#define KVM_MSI_EXT_DEST_ID BIT(15)

static uint32_t at_most(uint32_t value, uint32_t most)
{
	return value < most ? value : most;
}

/* Replace the bits of mask. */
static void set_field(uint32_t *reg, uint32_t mask, uint32_t value)
{
	*reg = (*reg & ~mask) | (value & mask);
}

struct kvm_cpuid_entry2 *cpuid_find(struct kvm_cpuid2 *table, uint32_t function, uint32_t index)
{
	uint32_t i;

	for (i = 0; i < table->nent; i++) {
		struct kvm_cpuid_entry2 *e = &table->entries[i];
		bool indexed = e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX;

		if (e->function == function && (!indexed || e->index == index))
			return e;
	}
	return NULL;
}

static void remove_leaf(struct kvm_cpuid2 *table, uint32_t function)
{
	uint32_t i = 0;

	while (i < table->nent)
		if (table->entries[i].function == function)
			table->entries[i] = table->entries[--table->nent];
		else
			i++;
}

static int append(struct kvm_cpuid2 *table, unsigned room, struct kvm_cpuid_entry2 entry)
{
	if (table->nent >= room)
		return -ENOSPC;
	table->entries[table->nent++] = entry;
	return 0;
}

/* Bits of an APIC ID that number the cores: the ceiling of log2(cpus). */
static unsigned core_bits(unsigned cpus)
{
	unsigned bits = 0;

	while (cpus > 1U << bits)
		bits++;
	return bits;
}

/* Leaf 0xb or 0x1f: a thread level, a core level, and the empty level that ends the list. */
static int put_levels(struct kvm_cpuid2 *table, unsigned room, uint32_t leaf,
		      const struct cpuid_vcpu *v)
{
	struct kvm_cpuid_entry2 e = {
		.function = leaf,
		.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
		.edx = v->apic_id,
	};
	int ret;

	remove_leaf(table, leaf);
	e.ebx = 1;
	e.ecx = LEVEL_SMT << 8;
	ret = append(table, room, e);
	e.index = 1;
	e.eax = core_bits(v->cpus);
	e.ebx = v->cpus;
	e.ecx = LEVEL_CORE << 8 | 1;
	ret = ret ?: append(table, room, e);
	e.index = 2;
	e.eax = e.ebx = 0;
	e.ecx = 2;
	return ret ?: append(table, room, e);
}

static int extended_topology(struct kvm_cpuid2 *table, unsigned room, const struct cpuid_vcpu *v)
{
	struct kvm_cpuid_entry2 *max = cpuid_find(table, 0, 0);
	int ret;

	if (max && max->eax < 0xb)
		max->eax = 0xb;
	ret = put_levels(table, room, 0xb, v);
	if (!ret && max && max->eax >= 0x1f)
		ret = put_levels(table, room, 0x1f, v);
	/* AMD's own form of the same list describes the host; Linux then reads 0xb. */
	remove_leaf(table, 0x80000026);
	return ret;
}

static void basic_features(struct kvm_cpuid2 *table, const struct cpuid_vcpu *v)
{
	struct kvm_cpuid_entry2 *e = cpuid_find(table, 1, 0);

	if (!e)
		return;
	/* Bits 31-24: initial APIC ID; 23-16: how many IDs the package may hold. */
	set_field(&e->ebx, 0xffff0000,
		  v->apic_id << 24 | at_most(1U << core_bits(v->cpus), 255) << 16);
	set_field(&e->edx, EDX1_HTT, v->cpus > 1 ? EDX1_HTT : 0);
	/* The in-kernel APIC has the x2APIC mode on any host. */
	e->ecx |= ECX1_HYPERVISOR | ECX1_X2APIC;
	e->ecx &= ~ECX1_MONITOR;
	/* KVM emulates the deadline timer but does not list it (api.rst, KVM_GET_SUPPORTED_CPUID).
	 */
	set_field(&e->ecx, ECX1_TSC_DEADLINE, v->tsc_deadline ? ECX1_TSC_DEADLINE : 0);
	e = cpuid_find(table, 5, 0);
	if (e)
		e->eax = e->ebx = e->ecx = e->edx = 0;
}

/*
 * Leaf 4 and 0x8000001d have one layout: EAX 4-0 type (0: none), 7-5 level, 25-14 how many APIC
 * IDs share the cache, less 1. Level 3 belongs to the socket, the others to a core. Intel's has in
 * 31-26 the core IDs of the package, less 1; the field is reserved in AMD's.
 */
static void caches(struct kvm_cpuid2 *table, const struct cpuid_vcpu *v)
{
	uint32_t ids = (1U << core_bits(v->cpus)) - 1, i;

	for (i = 0; i < table->nent; i++) {
		struct kvm_cpuid_entry2 *e = &table->entries[i];
		bool intel = e->function == 4;

		if ((!intel && e->function != 0x8000001d) || !(e->eax & 0x1f))
			continue;
		set_field(&e->eax, 0xfffU << 14,
			  ((e->eax >> 5) & 7) >= 3 ? at_most(ids, 0xfff) << 14 : 0);
		if (intel)
			set_field(&e->eax, 0x3fU << 26, at_most(ids, 0x3f) << 26);
	}
}

static bool is_amd(struct kvm_cpuid2 *table)
{
	struct kvm_cpuid_entry2 *e = cpuid_find(table, 0, 0);

	/* "AuthenticAMD", "HygonGenuine" */
	return e && (e->ebx == 0x68747541 || e->ebx == 0x6f677948);
}

static int amd_topology(struct kvm_cpuid2 *table, unsigned room, const struct cpuid_vcpu *v)
{
	struct kvm_cpuid_entry2 *features = cpuid_find(table, 0x80000001, 0);
	struct kvm_cpuid_entry2 *sizes = cpuid_find(table, 0x80000008, 0);
	bool topoext;

	if (features)
		features->ecx &= ~ECX81_MONITORX;
	if (!is_amd(table) || !features)
		return 0;
	set_field(&features->ecx, ECX81_CMP_LEGACY, v->cpus > 1 ? ECX81_CMP_LEGACY : 0);
	topoext = features->ecx & ECX81_TOPOEXT;
	/* ECX 7-0: cores less 1; 15-12: how many bits of the APIC ID number them. */
	if (sizes)
		set_field(&sizes->ecx, 0xf0ff,
			  at_most(v->cpus - 1, 0xff) | core_bits(v->cpus) << 12);
	remove_leaf(table, 0x8000001e);
	if (!topoext)
		return 0;
	/* EBX 7-0: the core, 15-8: its threads less 1; ECX: node 0 of 1. */
	return append(table, room,
		      (struct kvm_cpuid_entry2){
			      .function = 0x8000001e, .eax = v->apic_id, .ebx = v->apic_id & 0xff});
}

/*
 * KVM_FEATURE_MSI_EXT_DEST_ID: without it Linux leaves CPUs beyond 255 offline, as no interrupt
 * could reach them; msi_fix_route() translates such messages.
 */
static void many_cpus(struct kvm_cpuid2 *table, const struct cpuid_vcpu *v)
{
	struct kvm_cpuid_entry2 *e = cpuid_find(table, KVM_LEAF_FEATURES, 0);

	if (e)
		set_field(&e->eax, KVM_MSI_EXT_DEST_ID, v->cpus > 255 ? KVM_MSI_EXT_DEST_ID : 0);
}

int cpuid_filter(struct kvm_cpuid2 *table, unsigned room, const struct cpuid_vcpu *vcpu)
{
	int ret;

	basic_features(table, vcpu);
	caches(table, vcpu);
	many_cpus(table, vcpu);
	ret = extended_topology(table, room, vcpu);
	return ret ?: amd_topology(table, room, vcpu);
}

unsigned cpuid_phys_bits(struct kvm_cpuid2 *table)
{
	struct kvm_cpuid_entry2 *e = cpuid_find(table, 0x80000008, 0);
	unsigned host, guest;

	/* Without the leaf: SDM volume 3, 4.1.4. */
	if (!e)
		return 36;
	host = e->eax & 0xff;
	guest = (e->eax >> 16) & 0xff;
	/* EAX 23-16: what nested paging can map, where that is less. */
	return guest && guest < host ? guest : host;
}
