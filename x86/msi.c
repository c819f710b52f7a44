/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Messages to CPUs beyond 255. A guest that was told KVM_FEATURE_MSI_EXT_DEST_ID (Linux,
 * Documentation/virt/kvm/x86/cpuid.rst) writes destination bits 8 to 14 into address bits 5 to 11,
 * reserved otherwise; KVM wants them in the upper half of the address, whose lowest byte has to be
 * zero: it would refuse the whole table for one bad message. So the table is translated on its way.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"

#define EXT_DEST_SHIFT 5
#define EXT_DEST_MASK  0x7fU

void msi_fix_route(struct kvm_irq_routing_msi *msi)
{
	uint32_t ext = (msi->address_lo >> EXT_DEST_SHIFT) & EXT_DEST_MASK;

	msi->address_hi = ext << 8;
	msi->address_lo &= ~(EXT_DEST_MASK << EXT_DEST_SHIFT);
}

static int set_routes(void *opaque, const struct kvm_irq_routing *routing)
{
	struct x86_machine *m = opaque;
	size_t size = sizeof(*routing) + routing->nr * sizeof(routing->entries[0]);
	struct kvm_irq_routing *fixed = malloc(size);
	uint32_t i;
	int ret;

	if (!fixed)
		return -ENOMEM;
	memcpy(fixed, routing, size);
	for (i = 0; i < fixed->nr; i++)
		if (fixed->entries[i].type == KVM_IRQ_ROUTING_MSI)
			msi_fix_route(&fixed->entries[i].u.msi);
	ret = m->irq_backend->set_routes(m->irq_opaque, fixed);
	free(fixed);
	return ret;
}

static int irqfd(void *opaque, const struct kvm_irqfd *fd)
{
	struct x86_machine *m = opaque;

	return m->irq_backend->irqfd(m->irq_opaque, fd);
}

static int line(void *opaque, uint32_t gsi, bool level)
{
	struct x86_machine *m = opaque;

	return m->irq_backend->line(m->irq_opaque, gsi, level);
}

static const struct irq_backend wrapper = {set_routes, irqfd, line};

void msi_wrap(struct x86_machine *m)
{
	struct irq_table *t = &m->vm->irqs;

	m->irq_backend = t->backend;
	m->irq_opaque = t->opaque;
	t->backend = &wrapper;
	t->opaque = m;
}

void msi_unwrap(struct x86_machine *m)
{
	struct irq_table *t = &m->vm->irqs;

	if (t->backend != &wrapper)
		return;
	t->backend = m->irq_backend;
	t->opaque = m->irq_opaque;
}
