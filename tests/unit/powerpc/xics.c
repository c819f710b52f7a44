/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The XICS: what KVM is told of it, and which calls KVM serves. */
#include <criterion/criterion.h>

#include "partition.h"

static void start(void)
{
	partition_start(128 * KIB);
}

TestSuite(powerpc_xics, .init = start, .fini = partition_finish);

/* Masked: the guest directs them when it wants them. */
Test(powerpc_xics, sources_that_kvm_makes)
{
	unsigned i;

	cr_expect_eq(p.chip.type, KVM_DEV_TYPE_XICS);
	for (i = 0; i < SOURCE_END; i++) {
		cr_expect_eq(p.chip.sources[i].there, i >= 0x1000, "0x%x", i);
		cr_expect_eq(p.chip.sources[i].level, i >= 0x1004 && i < 0x1008, "0x%x", i);
		if (i >= 0x1000)
			cr_expect_eq(p.chip.sources[i].state >> 32 & 0xff, 0xff, "0x%x", i);
	}
}

Test(powerpc_xics, calls_that_kvm_serves)
{
	static const char *const names[] = {"ibm,set-xive", "ibm,get-xive", "ibm,int-off",
					    "ibm,int-on"};
	unsigned i;

	cr_assert_eq(p.n_tokens, ARRAY_SIZE(names));
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		cr_expect_str_eq(p.tokens[i].name, names[i]);
		cr_expect_eq(p.tokens[i].token, rtas_token(names[i]));
	}
}
