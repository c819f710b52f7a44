/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The POWER machine: what is decided with the host before vCPUs exist, and its taking apart. */
#include "machine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "cpu.h"
#include "irqchip.h"

const char arch_name[] = "powerpc";
const bool arch_by_hypercall = true;
const uint64_t arch_guest_page = GUEST_PAGE_MAX;

static bool has(const struct vm *vm, long cap)
{
	return ioctl(vm->fd, KVM_CHECK_EXTENSION, cap) > 0;
}

static int check_host(const struct vm *vm, const struct arch_config *config, struct error *err)
{
	if (!has(vm, KVM_CAP_PPC_PAPR) || !has(vm, KVM_CAP_IRQ_XICS) || !has(vm, KVM_CAP_PPC_RTAS))
		return fail(
			err, ENOTSUP,
			"/dev/kvm: this KVM can't run pseries guests; it takes KVM-HV: modprobe "
			"kvm-hv");
	if (config->cpus > CPUS_MAX)
		return fail(err, EINVAL, "-c %u: at most %d CPUs; use -c %d", config->cpus,
			    CPUS_MAX, CPUS_MAX);
	return 0;
}

int arch_create(struct vm *vm, const struct arch_config *config, struct error *err)
{
	struct ppc_machine *m = calloc(1, sizeof(*m));
	pthread_mutexattr_t attr;
	unsigned i;
	int ret;

	vm->arch = m;
	if (!m)
		return fail(err, ENOMEM, "powerpc: out of memory");
	m->vm = vm;
	m->irqchip_fd = -1;
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&m->dma_lock, &attr);
	pthread_mutexattr_destroy(&attr);
	for (i = 0; i < WINDOWS_MAX; i++)
		m->windows[i].table = -1;
	ret = check_host(vm, config, err);
	if (!ret)
		ret = cpu_choose_mmu(m, config->cpu, err);
	if (!ret)
		ret = cpu_make_page_table(m, config->ram, err);
	if (ret)
		return ret;
	hcall_enable_in_kernel(vm);
	return irqchip_create(m, config->irqchip, config->cpus, err);
}

void arch_destroy(struct vm *vm)
{
	struct ppc_machine *m = vm->arch;

	if (!m)
		return;
	dma_destroy(m);
	vty_destroy(&m->vty);
	irqchip_destroy(m);
	pthread_mutex_destroy(&m->dma_lock);
	free(m);
	vm->arch = NULL;
}

void arch_stat(const struct vm *vm, struct json *j)
{
	const struct ppc_machine *m = vm->arch;

	json_number(j, "hypercalls", atomic_load(&m->hcalls));
	json_number(j, "rtas_calls", atomic_load(&m->rtas_calls));
	json_number(j, "tce_hypercalls", atomic_load(&m->tce_calls));
}
