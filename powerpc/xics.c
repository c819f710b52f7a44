/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The XICS (Documentation/virt/kvm/devices/xics.rst in Linux): driven by calls that KVM serves. */
#include <string.h>

#include "irqchip.h"

/* With any other priority the CPU that the interrupt goes to must exist already. */
#define PRIORITY_MASKED 0xffULL

/* As RTAS would leave it: the guest directs it to a CPU when it wants it. */
static int add_source(const struct ppc_machine *m, unsigned source, struct error *err)
{
	uint64_t state = PRIORITY_MASKED << KVM_XICS_PRIORITY_SHIFT;
	int ret;

	if (irqchip_is_level(source))
		state |= KVM_XICS_LEVEL_SENSITIVE;
	ret = irqchip_attr(m, KVM_SET_DEVICE_ATTR, KVM_DEV_XICS_GRP_SOURCES, source, &state);
	return ret ? fail(err, -ret, "xics: source 0x%x: %s", source, strerror(-ret)) : 0;
}

static void describe(struct tree *t, unsigned cpus)
{
	/* Reached by hypercall, so that it has no address. */
	tree_open(t, "interrupt-controller");
	tree_string(t, "device_type", "PowerPC-External-Interrupt-Presentation");
	tree_string(t, "compatible", "IBM,ppc-xicp");
	tree_list(t, "ibm,interrupt-server-ranges", 0, cpus);
}

const struct irqchip xics = {
	.name = "xics",
	.device = KVM_DEV_TYPE_XICS,
	.capability = KVM_CAP_IRQ_XICS,
	.by_rtas = true,
	.add_source = add_source,
	.describe = describe,
};
