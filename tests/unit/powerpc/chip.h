/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * chip: stands in for the interrupt controller inside KVM. It asserts what the kernel would
 * complain of, and refuses on demand.
 */
#ifndef CARILLON_TESTS_CHIP_H
#define CARILLON_TESTS_CHIP_H

#include <asm/kvm.h>
#include <linux/kvm.h>
#include <stdbool.h>

#include "../../../powerpc/layout.h"

struct chip_source {
	bool there, level;
	uint64_t state; /* what it was made with */
};

struct chip {
	uint32_t type;
	int fd; /* 0: none */
	struct chip_source sources[SOURCE_END];
	int device_errno, source_errno;
};

/* KVM_CREATE_DEVICE, KVM_SET_DEVICE_ATTR: what the ioctl returns. */
int chip_create(struct chip *c, struct kvm_create_device *create);
int chip_set(struct chip *c, const struct kvm_device_attr *a);

#endif
