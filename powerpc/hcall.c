/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Hypercalls that KVM does not serve by itself. Whatever the guest passes, it gets an answer: what
 * is not known is H_FUNCTION.
 */
#include "hcall.h"

#include <errno.h>
#include <sys/ioctl.h>

#include "irqchip.h"
#include "rtas.h"

#define LPCR_ILE 0x02000000ULL
#define LPCR_AIL 0x01800000ULL

/* The second doubleword of a radix guest's partition table entry. */
#define PATE_RADIX    (1ULL << 63)
#define PATE_TABLE    0x0ffffffffffff000ULL
#define PATE_SIZE_MAX 24

static uint64_t set_lpcr(struct vcpu *c, uint64_t mask, uint64_t bits)
{
	switch (vcpu_set_lpcr(c, mask, bits)) {
	case 0:
		return H_SUCCESS;
	case -EBUSY:
		return H_RESOURCE;
	default:
		return H_HARDWARE;
	}
}

/* args: flags, resource, two values. */
static uint64_t set_mode(struct vcpu *c, const uint64_t args[9])
{
	if (args[2])
		return H_P3;
	if (args[3])
		return H_P4;
	switch (args[1]) {
	case SET_MODE_LE:
		if (args[0] > 1)
			return H_UNSUPPORTED_FLAG_START;
		return set_lpcr(c, LPCR_ILE, args[0] ? LPCR_ILE : 0);
	case SET_MODE_ADDR_TRANS:
		/* KVM has no mode 2, and mode 1 does not exist (kvmppc_h_set_mode in Linux). */
		if (args[0] != 0 && args[0] != 3)
			return H_UNSUPPORTED_FLAG_START;
		return set_lpcr(c, LPCR_AIL, args[0] ? LPCR_AIL : 0);
	default:
		return H_P2;
	}
}

/* args: flags, address, page size (0 for radix), size as log2 minus 12. */
static uint64_t register_proc_tbl(struct vcpu *c, const uint64_t args[9])
{
	const uint64_t radix = PROC_TBL_MODIFY | PROC_TBL_REGISTER | PROC_TBL_RADIX;
	struct ppc_machine *m = c->vm->arch;
	struct kvm_ppc_mmuv3_cfg cfg = {0};

	if (args[0] & ~(radix | PROC_TBL_GTSE))
		return H_PARAMETER;
	if (!(args[0] & PROC_TBL_MODIFY))
		return H_SUCCESS;
	if ((args[0] & radix) == radix) {
		if (!m->radix || (args[1] & ~PATE_TABLE))
			return H_P2;
		if (args[2])
			return H_P3;
		if (args[3] > PATE_SIZE_MAX)
			return H_P4;
		cfg.flags =
			KVM_PPC_MMUV3_RADIX | (args[0] & PROC_TBL_GTSE ? KVM_PPC_MMUV3_GTSE : 0);
		cfg.process_table = PATE_RADIX | args[1] | args[3];
	} else if (args[0] & (PROC_TBL_RADIX | PROC_TBL_REGISTER)) {
		return H_PARAMETER;
	} else if (m->radix) {
		/* Deregistered, as kexec does: an empty table. */
		cfg.flags = KVM_PPC_MMUV3_RADIX | KVM_PPC_MMUV3_GTSE;
		cfg.process_table = PATE_RADIX;
	}
	return ioctl(c->vm->fd, KVM_PPC_CONFIGURE_V3_MMU, &cfg) ? H_PARAMETER : H_SUCCESS;
}

static uint64_t cpu_characteristics(struct vcpu *c, uint64_t args[9])
{
	struct kvm_ppc_cpu_char is;

	if (ioctl(c->vm->fd, KVM_PPC_GET_CPU_CHAR, &is))
		return H_FUNCTION;
	args[0] = is.character & is.character_mask;
	args[1] = is.behaviour & is.behaviour_mask;
	return H_SUCCESS;
}

uint64_t hcall(struct vcpu *c, uint64_t nr, uint64_t args[9])
{
	struct ppc_machine *m = c->vm->arch;

	atomic_fetch_add_explicit(&m->hcalls, 1, memory_order_relaxed);
	switch (nr) {
	case H_RTAS:
		return rtas_call(c, args[0]);
	case H_PUT_TERM_CHAR:
		return vty_put(&m->vty, args);
	case H_GET_TERM_CHAR:
		return vty_get(&m->vty, args);
	case H_VIO_SIGNAL:
		return args[0] == VTY_REG ? H_SUCCESS : H_PARAMETER;
	case H_SET_MODE:
		return set_mode(c, args);
	case H_REGISTER_PROC_TBL:
		return register_proc_tbl(c, args);
	case H_GET_CPU_CHARACTERISTICS:
		return cpu_characteristics(c, args);
	case H_GET_TCE:
		return dma_get_tce(m, args);
	case H_PUT_TCE:
		return dma_put_tce(m, args);
	case H_PUT_TCE_INDIRECT:
		return dma_put_tce_indirect(m, args);
	case H_STUFF_TCE:
		return dma_stuff_tce(m, args);
	default:
		return m->irqchip->hcall ? m->irqchip->hcall(m, nr, args) : H_FUNCTION;
	}
}

void hcall_enable_in_kernel(struct vm *vm)
{
	static const uint64_t calls[] = {H_LOGICAL_CI_LOAD,  H_LOGICAL_CI_STORE, H_SET_MODE,
					 H_PAGE_INIT,	     H_CLEAR_MOD,	 H_CLEAR_REF,
					 H_PUT_TCE_INDIRECT, H_STUFF_TCE};
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		struct kvm_enable_cap cap = {.cap = KVM_CAP_PPC_ENABLE_HCALL,
					     .args = {calls[i], 1}};

		/* One that this KVM does not know comes to hcall(), which knows it or does not. */
		ioctl(vm->fd, KVM_ENABLE_CAP, &cap);
	}
}
