/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The arm64 machine: what is decided with the host before vCPUs exist, and its taking apart. */
#include "machine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

const char arch_name[] = "arm64";

static int enable(struct vm *vm, uint32_t what, const char *name, struct error *err)
{
	struct kvm_enable_cap cap = {.cap = what};

	if (ioctl(vm->fd, KVM_ENABLE_CAP, &cap))
		return fail(err, errno, "%s: %s", name, strerror(errno));
	return 0;
}

static int decide_features(struct arm_machine *m, const char *text, struct error *err)
{
	enum cpu_wish wishes[CPU_FEATURES];
	unsigned i;
	int ret = cpu_parse(text, wishes, err);

	for (i = 0; i < CPU_FEATURES && !ret; i++)
		ret = cpu_decide((enum cpu_feature)i, wishes[i],
				 vcpu_has_feature(m->vm, (enum cpu_feature)i), &m->features[i],
				 err);
	return ret;
}

static int decide(struct arm_machine *m, const struct arch_config *config, struct error *err)
{
	struct irqchip_host host = gic_probe(m->vm);
	enum irqchip wish;
	int ret = irqchip_parse(config->irqchip, &wish, err);

	if (!ret)
		ret = irqchip_choose(wish, &host, &m->irqchip, err);
	if (!ret)
		ret = irqchip_check_cpus(m->irqchip, config->cpus, err);
	return ret ?: decide_features(m, config->cpu, err);
}

/*
 * Accesses that KVM can't decode come to vcpu_exit() as an exit; without the capability, as an
 * error of KVM_RUN that would end the machine at a guest's whim.
 */
int arch_create(struct vm *vm, const struct arch_config *config, struct error *err)
{
	struct arm_machine *m = calloc(1, sizeof(*m));
	int ret;

	vm->arch = m;
	if (!m)
		return fail(err, ENOMEM, "arm64: out of memory");
	*m = (struct arm_machine){.vm = vm, .gic = -1, .its = -1};
	ret = decide(m, config, err);
	if (!ret && ioctl(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_ARM_NISV_TO_USER) > 0)
		ret = enable(vm, KVM_CAP_ARM_NISV_TO_USER, "KVM_CAP_ARM_NISV_TO_USER", err);
	if (!ret && m->features[CPU_MTE])
		ret = enable(vm, KVM_CAP_ARM_MTE, "KVM_CAP_ARM_MTE", err);
	return ret;
}

void arch_destroy(struct vm *vm)
{
	struct arm_machine *m = vm->arch;

	if (!m)
		return;
	gic_destroy(m);
	if (m->has_rtc)
		pl031_destroy(&m->rtc);
	free(m);
	vm->arch = NULL;
}

void arch_stat(const struct vm *vm, struct json *j)
{
	(void)vm, (void)j; /* all that there is to count is counted by the core */
}
