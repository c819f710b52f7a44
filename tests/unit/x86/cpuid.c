/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The CPUID filter, as readers of Intel's and AMD's leaves see its result. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../../x86/cpuid.h"

#define INDEXED KVM_CPUID_FLAG_SIGNIFCANT_INDEX

static void add(struct kvm_cpuid2 *t, struct kvm_cpuid_entry2 e)
{
	t->entries[t->nent++] = e;
}

static struct kvm_cpuid2 *empty_table(void)
{
	return calloc(1, sizeof(struct kvm_cpuid2) + CPUID_ROOM * sizeof(struct kvm_cpuid_entry2));
}

static struct kvm_cpuid2 *table_of(bool amd)
{
	struct kvm_cpuid2 *t = empty_table();

	add(t, (struct kvm_cpuid_entry2){.function = 0,
					 .eax = amd ? 0xd : 0x1f,
					 .ebx = amd ? 0x68747541 : 0x756e6547});
	/* Everything that the filter decides has the other value here. */
	add(t, (struct kvm_cpuid_entry2){.function = 1,
					 .eax = 0xa10f11,
					 .ebx = 0x37800800,
					 .ecx = 1U << 3 | 1U << 26,
					 .edx = 1U << 28 | 1U << 9});
	add(t, (struct kvm_cpuid_entry2){.function = 5, .eax = 64, .ebx = 64, .ecx = 3});
	add(t, (struct kvm_cpuid_entry2){.function = 0x40000000, .eax = 0x40000001});
	add(t, (struct kvm_cpuid_entry2){.function = 0x40000001, .eax = 0x1007efb});
	add(t, (struct kvm_cpuid_entry2){.function = 0x80000000, .eax = 0x80000021});
	add(t, (struct kvm_cpuid_entry2){.function = 0x80000001,
					 .ecx = (amd ? 1U << 22 : 0) | 1U << 29 | 1});
	add(t, (struct kvm_cpuid_entry2){.function = 0x80000008, .eax = 0x3030, .ecx = 0x3f01f});
	if (amd) {
		add(t, (struct kvm_cpuid_entry2){0x8000001d, 0, INDEXED, .eax = 0x4121, .ebx = 7});
		add(t, (struct kvm_cpuid_entry2){0x8000001d, 3, INDEXED, .eax = 0x1c163});
		add(t, (struct kvm_cpuid_entry2){0x8000001d, 4, INDEXED, .eax = 0});
		add(t, (struct kvm_cpuid_entry2){.function = 0x8000001e, .eax = 99, .ecx = 0x305});
		add(t, (struct kvm_cpuid_entry2){0x80000026, 0, INDEXED, .eax = 9});
	} else {
		add(t, (struct kvm_cpuid_entry2){4, 0, INDEXED, .eax = 0x1c004121});
		add(t, (struct kvm_cpuid_entry2){4, 3, INDEXED, .eax = 0x1c03c163});
		add(t, (struct kvm_cpuid_entry2){4, 4, INDEXED, .eax = 0});
		add(t, (struct kvm_cpuid_entry2){0xb, 0, INDEXED, .eax = 7, .edx = 99});
		add(t, (struct kvm_cpuid_entry2){0xb, 1, INDEXED, .eax = 7, .edx = 99});
		add(t, (struct kvm_cpuid_entry2){0x1f, 0, INDEXED, .eax = 7, .edx = 99});
	}
	return t;
}

static struct kvm_cpuid2 *filtered(bool amd, unsigned id, unsigned cpus, bool deadline)
{
	struct kvm_cpuid2 *t = table_of(amd);
	struct cpuid_vcpu v = {.apic_id = id, .cpus = cpus, .tsc_deadline = deadline};

	cr_assert_eq(cpuid_filter(t, CPUID_ROOM, &v), 0);
	return t;
}

static struct kvm_cpuid_entry2 leaf(struct kvm_cpuid2 *t, uint32_t function, uint32_t index)
{
	struct kvm_cpuid_entry2 *e = cpuid_find(t, function, index);

	cr_assert(e, "leaf 0x%x.%u", function, index);
	return *e;
}

Test(x86_cpuid, features)
{
	struct kvm_cpuid2 *t = filtered(false, 5, 6, true);
	struct kvm_cpuid_entry2 e = leaf(t, 1, 0);

	cr_expect_eq(e.eax, 0xa10f11);
	cr_expect_eq(e.ebx, 5U << 24 | 8U << 16 | 0x0800);
	cr_expect_eq(e.ecx, 1U << 31 | 1U << 26 | 1U << 24 | 1U << 21);
	cr_expect_eq(e.edx, 1U << 28 | 1U << 9);
	e = leaf(t, 5, 0);
	cr_expect_eq(e.eax | e.ebx | e.ecx | e.edx, 0);
	cr_expect_eq(leaf(t, 0x40000000, 0).eax, 0x40000001);
	cr_expect_eq(leaf(t, 0x40000001, 0).eax, 0x1007efb);
	cr_expect_eq(leaf(t, 0x80000001, 0).ecx, 1, "MONITORX is gone, CMP_LEGACY is AMD's");
	cr_expect_eq(leaf(t, 0x80000008, 0).ecx, 0x3f01f, "reserved on Intel");
	free(t);
	t = filtered(false, 0, 1, false);
	e = leaf(t, 1, 0);
	cr_expect_eq(e.ebx, 0x10800);
	cr_expect_eq(e.ecx, 1U << 31 | 1U << 26 | 1U << 21);
	cr_expect_eq(e.edx, 1U << 9, "a single CPU has no HTT");
	free(t);
}

static void expect_levels(struct kvm_cpuid2 *t, uint32_t function, unsigned bits, unsigned cpus,
			  unsigned id)
{
	struct kvm_cpuid_entry2 e = leaf(t, function, 0);

	cr_expect_eq(e.eax, 0);
	cr_expect_eq(e.ebx, 1);
	cr_expect_eq(e.ecx, 0x100);
	cr_expect_eq(e.edx, id);
	e = leaf(t, function, 1);
	cr_expect_eq(e.eax, bits);
	cr_expect_eq(e.ebx, cpus);
	cr_expect_eq(e.ecx, 0x201);
	cr_expect_eq(e.edx, id);
	e = leaf(t, function, 2);
	cr_expect_eq(e.eax | e.ebx, 0);
	cr_expect_eq(e.ecx, 2);
	cr_expect_eq(e.edx, id);
	cr_expect_eq(e.flags, INDEXED);
}

Test(x86_cpuid, intel_topology)
{
	struct kvm_cpuid2 *t = filtered(false, 4, 6, true);

	expect_levels(t, 0xb, 3, 6, 4);
	expect_levels(t, 0x1f, 3, 6, 4);
	/* L1: one core. L3: all 8 IDs. Core IDs: 8. */
	cr_expect_eq(leaf(t, 4, 0).eax, 0x1c000121);
	cr_expect_eq(leaf(t, 4, 3).eax, 0x1c01c163);
	cr_expect_eq(leaf(t, 4, 4).eax, 0, "the end of the list stays the end");
	cr_expect_null(cpuid_find(t, 0x8000001e, 0));
	free(t);
	t = filtered(false, 0, 1, true);
	expect_levels(t, 0xb, 0, 1, 0);
	cr_expect_eq(leaf(t, 4, 3).eax, 0x163);
	free(t);
}

Test(x86_cpuid, amd_topology)
{
	struct kvm_cpuid2 *t = filtered(true, 2, 3, true);
	struct kvm_cpuid_entry2 e;

	cr_expect_eq(leaf(t, 0, 0).eax, 0xd);
	expect_levels(t, 0xb, 2, 3, 2);
	cr_expect_null(cpuid_find(t, 0x1f, 0));
	cr_expect_null(cpuid_find(t, 0x80000026, 0));
	cr_expect_eq(leaf(t, 0x80000001, 0).ecx, 1U << 22 | 3);
	cr_expect_eq(leaf(t, 0x80000008, 0).ecx, 0x32002, "the other bits stay");
	cr_expect_eq(leaf(t, 0x8000001d, 0).eax, 0x121);
	cr_expect_eq(leaf(t, 0x8000001d, 3).eax, 0xc163);
	e = leaf(t, 0x8000001e, 0);
	cr_expect_eq(e.eax, 2);
	cr_expect_eq(e.ebx, 2);
	cr_expect_eq(e.ecx, 0);
	free(t);
}

Test(x86_cpuid, old_maximum_is_raised)
{
	struct kvm_cpuid2 *t = table_of(true);
	struct cpuid_vcpu v = {.cpus = 2};

	t->entries[0].eax = 7;
	cr_assert_eq(cpuid_filter(t, CPUID_ROOM, &v), 0);
	cr_expect_eq(leaf(t, 0, 0).eax, 0xb);
	free(t);
}

Test(x86_cpuid, many_cpus)
{
	struct kvm_cpuid2 *t = filtered(false, 300, 1024, true);

	cr_expect_eq(leaf(t, 1, 0).ebx, 44U << 24 | 255U << 16 | 0x800);
	expect_levels(t, 0xb, 10, 1024, 300);
	cr_expect_eq(leaf(t, 4, 3).eax, 63U << 26 | 1023U << 14 | 0x163);
	cr_expect_eq(leaf(t, 0x40000001, 0).eax, 0x1007efb | 1U << 15);
	free(t);
	t = filtered(true, 4095, 4096, true);
	cr_expect_eq(leaf(t, 0x80000008, 0).ecx, 0x3c0ff);
	cr_expect_eq(leaf(t, 0x8000001d, 3).eax, 0xfffU << 14 | 0x163);
	cr_expect_eq(leaf(t, 0x8000001e, 0).eax, 4095);
	free(t);
	t = filtered(true, 254, 255, true);
	cr_expect_eq(leaf(t, 0x40000001, 0).eax, 0x1007efb);
	free(t);
}

/* No two vCPUs may look alike, and the core bits must tell them apart. */
Test(x86_cpuid, ids_are_unique_within_the_package)
{
	unsigned cpus, id;

	for (cpus = 1; cpus <= 130; cpus += 7)
		for (id = 0; id < cpus; id++) {
			struct kvm_cpuid2 *t = filtered(id & 1, id, cpus, true);

			cr_assert_eq(leaf(t, 0xb, 0).edx, id);
			cr_assert_eq(id >> leaf(t, 0xb, 1).eax, 0);
			cr_assert_eq(leaf(t, 1, 0).ebx >> 24, id);
			free(t);
		}
}

Test(x86_cpuid, full_and_empty_tables)
{
	struct kvm_cpuid2 *t = empty_table();
	struct cpuid_vcpu v = {.cpus = 2};
	unsigned i;

	cr_expect_eq(cpuid_filter(t, CPUID_ROOM, &v), 0);
	cr_expect_eq(t->nent, 3);
	cr_expect_eq(cpuid_phys_bits(t), 36);
	t->nent = 0;
	for (i = 0; i < CPUID_ROOM; i++)
		add(t, (struct kvm_cpuid_entry2){.function = 0x10 + i});
	cr_expect_eq(cpuid_filter(t, CPUID_ROOM, &v), -ENOSPC);
	cr_expect_leq(t->nent, CPUID_ROOM);
	free(t);
}

Test(x86_cpuid, address_bits)
{
	struct kvm_cpuid2 *t = empty_table();

	add(t, (struct kvm_cpuid_entry2){.function = 0x80000008, .eax = 0x3028});
	cr_expect_eq(cpuid_phys_bits(t), 40);
	t->entries[0].eax = 0x303934; /* 52 bits, of which nested paging maps 48 */
	cr_expect_eq(cpuid_phys_bits(t), 48);
	t->entries[0].eax = 0x343028;
	cr_expect_eq(cpuid_phys_bits(t), 40);
	free(t);
}
