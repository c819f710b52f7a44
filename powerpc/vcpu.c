/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* vCPUs of a partition: set up, started by RTAS, and their hypercalls. */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "irqchip.h"

#define MSR_SF (1ULL << 63)
#define MSR_ME (1ULL << 12)

static int refused(const struct vcpu *c, const char *what, struct error *err)
{
	int code = errno;

	return fail(err, code, "vCPU %u: %s: %s", c->index, what, strerror(code));
}

/* The others wait for RTAS start-cpu. */
static int vcpu_setup(struct vcpu *c, struct error *err)
{
	struct kvm_enable_cap papr = {.cap = KVM_CAP_PPC_PAPR};

	if (ioctl(c->fd, KVM_ENABLE_CAP, &papr))
		return refused(c, "KVM_CAP_PPC_PAPR", err);
	if (c->index)
		vcpu_hold(c);
	return irqchip_connect(c->vm->arch, c, err);
}

static int change_lpcr(const struct vcpu *c, uint64_t mask, uint64_t bits)
{
	uint64_t lpcr = 0;
	struct kvm_one_reg reg = {.id = KVM_REG_PPC_LPCR_64, .addr = (uintptr_t)&lpcr};

	if (ioctl(c->fd, KVM_GET_ONE_REG, &reg))
		return -errno;
	lpcr = (lpcr & ~mask) | bits;
	return ioctl(c->fd, KVM_SET_ONE_REG, &reg) ? -errno : 0;
}

int vcpu_begin(const struct vcpu *c, uint64_t pc, uint64_t r3)
{
	const struct ppc_machine *m = c->vm->arch;
	struct kvm_regs regs = {.pc = pc, .msr = MSR_SF | MSR_ME, .gpr[3] = r3};

	if (ioctl(c->fd, KVM_SET_REGS, &regs))
		return -errno;
	return m->lpcr_mask ? change_lpcr(c, m->lpcr_mask, m->lpcr_bits) : 0;
}

/*
 * A CPU that is in the guest holds its lock in the kernel for as long as it likes to stay there.
 * Guests set these modes while they have but one CPU.
 */
int vcpu_set_lpcr(struct vcpu *c, uint64_t mask, uint64_t bits)
{
	struct ppc_machine *m = c->vm->arch;
	unsigned i;

	for (i = 0; i < c->vm->n_vcpus; i++)
		if (&c->vm->vcpus[i] != c && !atomic_load(&c->vm->vcpus[i].held))
			return -EBUSY;
	m->lpcr_mask |= mask;
	m->lpcr_bits = (m->lpcr_bits & ~mask) | bits;
	return change_lpcr(c, mask, bits);
}

static bool vcpu_exit(struct vcpu *c)
{
	struct ppc_machine *m = c->vm->arch;
	struct kvm_run *run = c->run;

	if (run->exit_reason != KVM_EXIT_PAPR_HCALL)
		return false;
	run->papr_hcall.ret = hcall(c, run->papr_hcall.nr, (uint64_t *)run->papr_hcall.args);
	if (m->stopping[c->index]) {
		/* The result would otherwise overwrite the registers that it is started with. */
		vcpu_complete(c);
		m->stopping[c->index] = false;
		vcpu_hold(c);
	}
	return true;
}

static unsigned long vm_type(int kvm)
{
	(void)kvm;
	return KVM_VM_PPC_HV;
}

const struct vm_ops arch_vm_ops = {
	.board_gsis = SOURCE_MSI_FIRST,
	.gsi_limit = SOURCE_END,
	.kvm_cure = "; load KVM with: modprobe kvm-hv",
	.vm_type = vm_type,
	.vcpu_setup = vcpu_setup,
	.vcpu_exit = vcpu_exit,
};

/* Windows of BARs end below this; a radix guest has 52 bits. */
unsigned arch_phys_bits(int kvm)
{
	(void)kvm;
	return 46;
}
