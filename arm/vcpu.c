/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * vCPUs: KVM_ARM_VCPU_INIT with the features that user and host agree on. The first one runs, the
 * others wait for PSCI, which is KVM's own (Documentation/virt/kvm/api.rst, KVM_ARM_VCPU_INIT).
 */
#include <asm/kvm.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>

#include "fdt.h"
#include "machine.h"

#define REG_CORE(field)                                        \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | \
	 (offsetof(struct kvm_regs, field) / sizeof(uint32_t)))
#define REG_MPIDR ARM64_SYS_REG(3, 0, 0, 0, 5)

/* PSTATE on entry: EL1h, all interrupts masked (booting.rst, "CPU mode" and "primary CPU"). */
#define PSTATE_ENTRY 0x3c5

static int refused(const struct vcpu *c, const char *what, struct error *err)
{
	int code = errno;

	return fail(err, code, "vCPU %u: %s: %s", c->index, what, strerror(code));
}

static bool has_cap(const struct vm *vm, long cap)
{
	return ioctl(vm->fd, KVM_CHECK_EXTENSION, cap) > 0;
}

bool vcpu_has_feature(const struct vm *vm, enum cpu_feature feature)
{
	switch (feature) {
	case CPU_PMU:
		return has_cap(vm, KVM_CAP_ARM_PMU_V3);
	case CPU_SVE:
		return has_cap(vm, KVM_CAP_ARM_SVE);
	case CPU_PAUTH:
		return has_cap(vm, KVM_CAP_ARM_PTRAUTH_ADDRESS) &&
		       has_cap(vm, KVM_CAP_ARM_PTRAUTH_GENERIC);
	default:
		return has_cap(vm, KVM_CAP_ARM_MTE);
	}
}

static void want(struct kvm_vcpu_init *init, unsigned bit)
{
	init->features[bit / 32] |= 1u << bit % 32;
}

static struct kvm_vcpu_init init_of(const struct vcpu *c, uint32_t target)
{
	const struct arm_machine *m = c->vm->arch;
	struct kvm_vcpu_init init = {.target = target};

	want(&init, KVM_ARM_VCPU_PSCI_0_2);
	if (c->index)
		want(&init, KVM_ARM_VCPU_POWER_OFF);
	if (m->features[CPU_PMU])
		want(&init, KVM_ARM_VCPU_PMU_V3);
	if (m->features[CPU_SVE])
		want(&init, KVM_ARM_VCPU_SVE);
	if (m->features[CPU_PAUTH]) {
		want(&init, KVM_ARM_VCPU_PTRAUTH_ADDRESS);
		want(&init, KVM_ARM_VCPU_PTRAUTH_GENERIC);
	}
	return init;
}

/* The device tree has promised an affinity: what KVM has given must be the same. */
static int check_mpidr(const struct vcpu *c, struct error *err)
{
	uint64_t mpidr = 0;
	struct kvm_one_reg reg = {.id = REG_MPIDR, .addr = (uintptr_t)&mpidr};

	if (ioctl(c->fd, KVM_GET_ONE_REG, &reg))
		return refused(c, "MPIDR_EL1", err);
	if ((mpidr & 0xff00ffffffULL) != fdt_mpidr(c->index))
		return fail(err, ENOTSUP, "vCPU %u: KVM calls it 0x%llx, not 0x%llx", c->index,
			    (unsigned long long)mpidr, (unsigned long long)fdt_mpidr(c->index));
	return 0;
}

static int vcpu_setup(struct vcpu *c, struct error *err)
{
	const struct arm_machine *m = c->vm->arch;
	struct kvm_vcpu_init preferred, init;
	int sve = KVM_ARM_VCPU_SVE;

	if (ioctl(c->vm->fd, KVM_ARM_PREFERRED_TARGET, &preferred))
		return refused(c, "KVM_ARM_PREFERRED_TARGET", err);
	init = init_of(c, preferred.target);
	if (ioctl(c->fd, KVM_ARM_VCPU_INIT, &init))
		return refused(c, "KVM_ARM_VCPU_INIT", err);
	if (m->features[CPU_SVE] && ioctl(c->fd, KVM_ARM_VCPU_FINALIZE, &sve))
		return refused(c, "KVM_ARM_VCPU_FINALIZE", err);
	return check_mpidr(c, err);
}

/*
 * An access whose instruction KVM could not read off the fault (a pair, a vector, with write-back):
 * no device is meant to be accessed so. It gets what a bus would give: an external abort.
 */
static bool vcpu_exit(struct vcpu *c)
{
	struct kvm_vcpu_events events = {.exception.ext_dabt_pending = 1};

	return c->run->exit_reason == KVM_EXIT_ARM_NISV &&
	       !ioctl(c->fd, KVM_SET_VCPU_EVENTS, &events);
}

static unsigned long vm_type(int kvm)
{
	return KVM_VM_TYPE_ARM_IPA_SIZE(arch_phys_bits(kvm));
}

static uint32_t irq_line_of(uint32_t gsi)
{
	return KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT | (32 + gsi);
}

const bool arch_by_hypercall = false;
const uint64_t arch_guest_page = 0;

const struct vm_ops arch_vm_ops = {
	.board_gsis = SPI_BOARD,
	.kvm_cure = "; KVM is built into arm64 kernels: they must be started in hypervisor mode "
		    "(EL2)",
	.vm_type = vm_type,
	.vcpu_setup = vcpu_setup,
	.vcpu_exit = vcpu_exit,
	.irq_line = irq_line_of,
};

/* 0: KVM has but one size, of 40 bits, and KVM_CREATE_VM takes no other (api.rst, 4.1). */
unsigned arch_phys_bits(int kvm)
{
	int bits = ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_VM_IPA_SIZE);

	return bits > 0 ? (unsigned)bits : 40;
}

static int set_reg(const struct vcpu *c, uint64_t id, uint64_t value, struct error *err)
{
	struct kvm_one_reg reg = {.id = id, .addr = (uintptr_t)&value};

	return ioctl(c->fd, KVM_SET_ONE_REG, &reg) ? refused(c, "KVM_SET_ONE_REG", err) : 0;
}

int vcpu_boot(struct vcpu *c, uint64_t entry, uint64_t dtb, struct error *err)
{
	int ret = set_reg(c, REG_CORE(regs.pc), entry, err);

	if (!ret)
		ret = set_reg(c, REG_CORE(regs.pstate), PSTATE_ENTRY, err);
	return ret ?: set_reg(c, REG_CORE(regs.regs[0]), dtb, err);
}

int vcpu_init_pmus(struct vm *vm, struct error *err)
{
	int intid = 16 + PPI_PMU;
	struct kvm_device_attr attrs[] = {
		{.group = KVM_ARM_VCPU_PMU_V3_CTRL,
		 .attr = KVM_ARM_VCPU_PMU_V3_IRQ,
		 .addr = (uintptr_t)&intid},
		{.group = KVM_ARM_VCPU_PMU_V3_CTRL, .attr = KVM_ARM_VCPU_PMU_V3_INIT},
	};
	unsigned i, k;

	for (i = 0; i < vm->n_vcpus; i++)
		for (k = 0; k < ARRAY_SIZE(attrs); k++)
			if (ioctl(vm->vcpus[i].fd, KVM_SET_DEVICE_ATTR, &attrs[k]))
				return refused(&vm->vcpus[i], "PMU", err);
	return 0;
}
