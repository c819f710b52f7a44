/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* chip: see chip.h. It behaves as book3s_xics.c of Linux' KVM. */
#include <criterion/criterion.h>
#include <sys/mman.h>

#include "partition.h"

int chip_create(struct chip *c, struct kvm_create_device *create)
{
	if (c->device_errno)
		return refused(c->device_errno);
	cr_assert_eq(c->fd, 0, "there is one already");
	c->type = create->type;
	c->fd = memfd_create("chip", MFD_CLOEXEC);
	create->fd = (uint32_t)c->fd;
	return 0;
}

static int create_source(struct chip *c, uint64_t source, uint64_t state, bool level)
{
	if (c->source_errno)
		return refused(c->source_errno);
	cr_assert(source < SOURCE_END && !c->sources[source].there, "0x%lx", source);
	c->sources[source] = (struct chip_source){.there = true, .level = level, .state = state};
	return 0;
}

int chip_set(struct chip *c, const struct kvm_device_attr *a)
{
	cr_assert_eq(a->group, KVM_DEV_XICS_GRP_SOURCES);
	return create_source(c, a->attr, *(const uint64_t *)(uintptr_t)a->addr,
			     *(const uint64_t *)(uintptr_t)a->addr & KVM_XICS_LEVEL_SENSITIVE);
}
