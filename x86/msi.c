/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Messages to CPUs beyond 255. A guest that was told KVM_FEATURE_MSI_EXT_DEST_ID (Linux,
 * Documentation/virt/kvm/x86/cpuid.rst) writes destination bits 8 to 14 into address bits 5 to 11,
 * reserved otherwise; KVM wants them in the upper half of the address, whose lowest byte has to be
 * zero: it would refuse the whole table for one bad message.
 */
#include "machine.h"

#define EXT_DEST_SHIFT 5
#define EXT_DEST_MASK  0x7fU

void msi_fix_route(struct kvm_irq_routing_entry *e)
{
	struct kvm_irq_routing_msi *msi = &e->u.msi;
	uint32_t ext = (msi->address_lo >> EXT_DEST_SHIFT) & EXT_DEST_MASK;

	msi->address_hi = ext << 8;
	msi->address_lo &= ~(EXT_DEST_MASK << EXT_DEST_SHIFT);
}
