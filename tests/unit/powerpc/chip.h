/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * chip: stands in for an interrupt controller inside KVM, XICS or XIVE. It asserts what the kernel
 * would complain of, or pay for, and refuses on demand.
 */
#ifndef CARILLON_TESTS_CHIP_H
#define CARILLON_TESTS_CHIP_H

#include <asm/kvm.h>
#include <linux/kvm.h>
#include <stdbool.h>

#include "../../../powerpc/layout.h"

#define CPUS 4

struct chip_source {
	bool there, level, masked;
	uint64_t state; /* what it was made with */
	uint32_t server, eisn;
	uint8_t priority;
};

struct chip {
	uint32_t type;
	int fd; /* 0: none; a XIVE's pages are its contents */
	uint32_t servers;
	struct chip_source sources[SOURCE_END];
	struct kvm_ppc_xive_eq queues[CPUS][8];
	unsigned configs, resets, syncs;
	uint64_t synced;
	int refuses; /* errno of what is asked of it, once it is there */
	int device_errno, source_errno;
};

/* KVM_CREATE_DEVICE, KVM_SET_DEVICE_ATTR, KVM_GET_DEVICE_ATTR: what the ioctl returns. */
int chip_create(struct chip *c, struct kvm_create_device *create);
int chip_set(struct chip *c, const struct kvm_device_attr *a);
int chip_get(struct chip *c, const struct kvm_device_attr *a);

#endif
