/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* machine: what vm->arch is on arm64, and the hands on KVM. */
#ifndef CARILLON_ARM_MACHINE_H
#define CARILLON_ARM_MACHINE_H

#include "hw.h"
#include "irqchip.h"
#include "layout.h"

struct arm_machine {
	struct vm *vm;
	enum irqchip irqchip;
	bool features[CPU_FEATURES];
	int gic, its; /* KVM devices, -1: none */
	struct region v2m;
	struct pl031 rtc;
	bool has_rtc;
};

/* gic.c: which controllers this KVM can make. */
struct irqchip_host gic_probe(struct vm *vm);
/* After all vCPUs: the controller at its place in the layout, and the board's routes. */
int gic_create(struct arm_machine *m, const struct arch_layout *layout, struct error *err);
void gic_destroy(struct arm_machine *m);

/* v2m.c: the frame that gives SPIs to messages (SBSA 3.0, appendix E), registers only. */
extern const struct region_ops v2m_ops;
/* Pure. A message to the frame is an SPI's edge. */
void v2m_route(struct kvm_irq_routing_entry *e);

/* vcpu.c. Registers of the first vCPU: where it begins, and where the device tree is. */
int vcpu_boot(struct vcpu *vcpu, uint64_t entry, uint64_t dtb, struct error *err);
/* Does KVM offer a CPU feature to this VM? */
bool vcpu_has_feature(const struct vm *vm, enum cpu_feature feature);
/* After gic_create(): the PMU's interrupt. */
int vcpu_init_pmus(struct vm *vm, struct error *err);

#endif
