/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* irqchip: which interrupt controller a guest gets, and which features its CPUs have. */
#ifndef CARILLON_ARM_IRQCHIP_H
#define CARILLON_ARM_IRQCHIP_H

#include "base.h"

enum irqchip {
	IRQCHIP_GICV3_ITS,
	IRQCHIP_GICV3,
	IRQCHIP_GICV2M,
	IRQCHIP_GICV2,
	IRQCHIP_AUTO, /* the first of them that the host's KVM offers */
};

/* What KVM can make for a guest. */
struct irqchip_host {
	bool gicv3, its, gicv2;
};

const char *irqchip_name(enum irqchip chip);
bool irqchip_is_v3(enum irqchip chip);
/* text NULL: IRQCHIP_AUTO. */
int irqchip_parse(const char *text, enum irqchip *out, struct error *err);
/* Pure: the wish, or the best there is. -ENOTSUP says what the host offers. */
int irqchip_choose(enum irqchip wish, const struct irqchip_host *host, enum irqchip *out,
		   struct error *err);
/* Pure: how many CPUs it serves. */
int irqchip_check_cpus(enum irqchip chip, unsigned cpus, struct error *err);

enum cpu_feature {
	CPU_PMU,
	CPU_SVE,
	CPU_PAUTH,
	CPU_MTE,
	CPU_FEATURES,
};

enum cpu_wish {
	CPU_AUTO, /* as the host has it; MTE: off */
	CPU_ON,
	CPU_OFF,
};

#define CPU_SYNTAX "FEATURE=on|off|auto[,...] with the features pmu, sve, pauth, mte"

const char *cpu_feature_name(enum cpu_feature feature);
/* text NULL: all CPU_AUTO. */
int cpu_parse(const char *text, enum cpu_wish wishes[CPU_FEATURES], struct error *err);
/* Pure: wish and host → does the guest get it? -ENOTSUP if it must and can't. */
int cpu_decide(enum cpu_feature feature, enum cpu_wish wish, bool host_has, bool *on,
	       struct error *err);

#endif
