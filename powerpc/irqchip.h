/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * irqchip: what the guest's interrupts go through. It is a device inside KVM, with the sources that
 * layout.h lists; what the kinds have in common is in irqchip.c, each kind has a file of its own.
 */
#ifndef CARILLON_POWERPC_IRQCHIP_H
#define CARILLON_POWERPC_IRQCHIP_H

#include "machine.h"
#include "tree.h"

struct irqchip {
	const char *name;    /* as --irqchip has it */
	uint32_t device;     /* KVM_DEV_TYPE_* */
	uint32_t capability; /* KVM has it; enabled on a vCPU, it connects the vCPU */
	uint8_t vec5;	     /* what the guest is told in byte 23 of option vector 5 */
	bool by_rtas;	     /* sources are directed by RTAS calls, which KVM serves */
	/* What else belongs to it, with the device there but no source yet; NULL: nothing. */
	int (*create)(struct ppc_machine *m, unsigned cpus, struct error *err);
	void (*destroy)(struct ppc_machine *m);
	/* One source, masked. */
	int (*add_source)(const struct ppc_machine *m, unsigned source, struct error *err);
	/* Pure: say in the root what is to be said there, open its node, say what is its own. */
	void (*describe)(struct tree *t, unsigned cpus);
	/* Hypercalls, as hcall() has them; NULL: it has none but those that KVM serves. */
	uint64_t (*hcall)(struct ppc_machine *m, uint64_t nr, uint64_t args[9]);
};

extern const struct irqchip xics, xive;

/* The nodes of devices refer to the controller's by this. */
#define PHANDLE_IRQCHIP 1

/* Pure: --irqchip; text NULL: xics. */
int irqchip_parse(const char *text, const struct irqchip **out, struct error *err);
/* Pure: has the source a level as its input? The others have edges. */
bool irqchip_is_level(unsigned source);
/* Pure: its node. The root is open, and has no other node yet. */
void irqchip_describe(const struct irqchip *chip, struct tree *t, unsigned cpus);

/*
 * The one that text names, for so many vCPUs, with all its sources. -ENOTSUP: this host can't. On
 * error irqchip_destroy() takes away what there is.
 */
int irqchip_create(struct ppc_machine *m, const char *text, unsigned cpus, struct error *err);
int irqchip_connect(const struct ppc_machine *m, const struct vcpu *c, struct error *err);
void irqchip_destroy(struct ppc_machine *m);
/* KVM_SET_DEVICE_ATTR or KVM_GET_DEVICE_ATTR of its device; value may be NULL. 0 or -errno. */
int irqchip_attr(const struct ppc_machine *m, unsigned long request, uint32_t group, uint64_t attr,
		 void *value);

#endif
