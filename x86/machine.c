/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The board: interrupt controllers, their routes, and KVM's own pages. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "cpuid.h"
#include "layout.h"
#include "machine.h"

const char arch_name[] = "x86";

const char arch_console[] = "serial";

struct arch_uart arch_uart(const struct arch_layout *layout)
{
	(void)layout;
	return (struct arch_uart){
		.present = true, .mmio = false, .base = PORT_COM1, .gsi = GSI_COM1};
}

struct kvm_cpuid2 *get_supported_cpuid(int kvm, int *ret)
{
	struct kvm_cpuid2 *table =
		calloc(1, sizeof(*table) + CPUID_ROOM * sizeof(table->entries[0]));

	*ret = -ENOMEM;
	if (!table)
		return NULL;
	table->nent = CPUID_ROOM;
	*ret = ioctl(kvm, KVM_GET_SUPPORTED_CPUID, table) ? -errno : 0;
	if (!*ret)
		return table;
	free(table);
	return NULL;
}

unsigned arch_phys_bits(int kvm)
{
	struct kvm_cpuid2 none = {0}, *table;
	unsigned bits;
	int ret;

	table = get_supported_cpuid(kvm, &ret);
	bits = cpuid_phys_bits(table ? table : &none);
	free(table);
	return bits;
}

/* Real mode on Intel hosts without unrestricted guest needs pages of KVM's own in the hole. */
static int place_kvm_pages(struct vm *vm, struct error *err)
{
	uint64_t identity = KVM_IDENTITY_ADDR;

	if (ioctl(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_SET_IDENTITY_MAP_ADDR) > 0 &&
	    ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity))
		return fail(err, errno, "KVM_SET_IDENTITY_MAP_ADDR: %s", strerror(errno));
	if (ioctl(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_SET_TSS_ADDR) > 0 &&
	    ioctl(vm->fd, KVM_SET_TSS_ADDR, (unsigned long)KVM_TSS_ADDR))
		return fail(err, errno, "KVM_SET_TSS_ADDR: %s", strerror(errno));
	return 0;
}

static int create_chips(struct vm *vm, struct error *err)
{
	struct kvm_pit_config pit = {.flags = KVM_PIT_SPEAKER_DUMMY};
	struct kvm_enable_cap x2apic = {
		.cap = KVM_CAP_X2APIC_API,
		.args = {KVM_X2APIC_API_USE_32BIT_IDS | KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK},
	};

	if (ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0))
		return fail(err, errno, "KVM_CREATE_IRQCHIP: %s", strerror(errno));
	if (ioctl(vm->fd, KVM_CREATE_PIT2, &pit))
		return fail(err, errno, "KVM_CREATE_PIT2: %s", strerror(errno));
	/* APIC IDs from 255 on. A KVM without it allows no such number of vCPUs. */
	if (ioctl(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_X2APIC_API) > 0 &&
	    ioctl(vm->fd, KVM_ENABLE_CAP, &x2apic))
		return fail(err, errno, "KVM_CAP_X2APIC_API: %s", strerror(errno));
	return 0;
}

/* Every GSI is the I/O APIC pin of its number, the first 16 are the 8259s' pins too. */
static int route_pins(struct vm *vm, struct error *err)
{
	unsigned gsi;
	int ret = 0, committed;

	irq_begin(&vm->irqs);
	for (gsi = 0; gsi < GSI_BOARD && !ret; gsi++) {
		if (gsi < 16)
			ret = irq_route_pin(
				&vm->irqs, gsi,
				gsi < 8 ? KVM_IRQCHIP_PIC_MASTER : KVM_IRQCHIP_PIC_SLAVE, gsi % 8);
		if (!ret)
			ret = irq_route_pin(&vm->irqs, gsi, KVM_IRQCHIP_IOAPIC, gsi);
	}
	committed = irq_commit(&vm->irqs);
	ret = ret ?: committed;
	return ret ? fail(err, -ret, "interrupt routes: %s", strerror(-ret)) : 0;
}

static int fill_machine(struct x86_machine *m, struct error *err)
{
	struct vm *vm = m->vm;
	int ret;

	m->supported = get_supported_cpuid(vm->kvm, &ret);
	if (!m->supported)
		return fail(err, -ret, "KVM_GET_SUPPORTED_CPUID: %s", strerror(-ret));
	m->tsc_deadline = ioctl(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_TSC_DEADLINE_TIMER) > 0;
	ret = place_kvm_pages(vm, err);
	if (!ret)
		ret = create_chips(vm, err);
	if (ret)
		return ret;
	vm->irqs.translate = msi_fix_route;
	ret = route_pins(vm, err);
	return ret ?: ports_add(m, err);
}

int arch_create(struct vm *vm, const struct arch_config *config, struct error *err)
{
	struct x86_machine *m = calloc(1, sizeof(*m));

	(void)config;
	vm->arch = m;
	if (!m)
		return fail(err, ENOMEM, "x86: out of memory");
	m->vm = vm;
	return fill_machine(m, err);
}

void arch_destroy(struct vm *vm)
{
	struct x86_machine *m = vm->arch;

	if (!m)
		return;
	ports_remove(m);
	free(m->supported);
	free(m);
	vm->arch = NULL;
}

void arch_stat(const struct vm *vm, struct json *j)
{
	(void)vm, (void)j; /* all that there is to count is counted by the core */
}
