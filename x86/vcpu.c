/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * vCPUs as they leave the factory: CPUID, a few MSRs, FPU and local APIC. The first one then gets
 * the registers of its boot protocol; the others stay in wait-for-SIPI, in the in-kernel APIC.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "cpuid.h"
#include "layout.h"
#include "machine.h"
#include "vcpu.h"

#define MSR_MISC_ENABLE		 0x1a0
#define MISC_ENABLE_FAST_STRINGS (1ULL << 0)
#define MSR_MTRR_DEF_TYPE	 0x2ff
#define MTRR_ENABLE		 (1ULL << 11)
#define MTRR_WRITE_BACK		 6

/* Local vector table, SDM volume 3, 10.5.1: delivery mode in bits 8 to 10, mask in bit 16. */
#define APIC_LVT_LINT0 0x350
#define APIC_LVT_LINT1 0x360
#define LVT_MODE_MASK  (0x700U | 1U << 16)
#define LVT_NMI	       0x400
#define LVT_EXTINT     0x700

static int refused(const struct vcpu *c, const char *what, struct error *err)
{
	int code = errno;

	return fail(err, code, "vCPU %u: %s: %s", c->index, what, strerror(code));
}

static int set_cpuid(struct vcpu *c, struct error *err)
{
	const struct x86_machine *m = c->vm->arch;
	struct cpuid_vcpu v = {
		.apic_id = c->index, .cpus = c->vm->n_vcpus, .tsc_deadline = m->tsc_deadline};
	size_t size = sizeof(struct kvm_cpuid2) + CPUID_ROOM * sizeof(struct kvm_cpuid_entry2);
	struct kvm_cpuid2 *table = malloc(size);
	int ret;

	if (!table)
		return fail(err, ENOMEM, "vCPU %u: out of memory", c->index);
	memcpy(table, m->supported, size);
	ret = cpuid_filter(table, CPUID_ROOM, &v);
	if (ret)
		ret = fail(err, -ret, "vCPU %u: CPUID: %s", c->index, strerror(-ret));
	else if (ioctl(c->fd, KVM_SET_CPUID2, table))
		ret = refused(c, "KVM_SET_CPUID2", err);
	free(table);
	return ret;
}

/* OR bits into an MSR. A KVM that does not know it leaves the guest without: no harm is done. */
static int msr_set_bits(struct vcpu *c, uint32_t index, uint64_t bits, struct error *err)
{
	union {
		struct kvm_msrs list;
		uint8_t room[sizeof(struct kvm_msrs) + sizeof(struct kvm_msr_entry)];
	} m = {.list = {.nmsrs = 1}};

	m.list.entries[0].index = index;
	if (ioctl(c->fd, KVM_GET_MSRS, &m) != 1)
		return 0;
	m.list.entries[0].data |= bits;
	return ioctl(c->fd, KVM_SET_MSRS, &m) < 0 ? refused(c, "KVM_SET_MSRS", err) : 0;
}

/* As firmware leaves them: memory is write-back where no variable range says otherwise. */
static int set_msrs(struct vcpu *c, struct error *err)
{
	int ret = msr_set_bits(c, MSR_MISC_ENABLE, MISC_ENABLE_FAST_STRINGS, err);

	return ret ?: msr_set_bits(c, MSR_MTRR_DEF_TYPE, MTRR_ENABLE | MTRR_WRITE_BACK, err);
}

static int set_fpu(struct vcpu *c, struct error *err)
{
	/* After FNINIT: all exceptions masked, 64-bit precision; MXCSR as after reset. */
	struct kvm_fpu fpu = {.fcw = 0x37f, .mxcsr = 0x1f80};

	return ioctl(c->fd, KVM_SET_FPU, &fpu) ? refused(c, "KVM_SET_FPU", err) : 0;
}

static void set_lvt(struct kvm_lapic_state *apic, unsigned offset, uint32_t mode)
{
	uint32_t lvt;

	memcpy(&lvt, apic->regs + offset, sizeof(lvt));
	lvt = (lvt & ~LVT_MODE_MASK) | mode;
	memcpy(apic->regs + offset, &lvt, sizeof(lvt));
}

/* Virtual wire: the 8259 on LINT0, NMI on LINT1 (MultiProcessor Specification 1.4, 3.6.2). */
static int set_apic(struct vcpu *c, struct error *err)
{
	struct kvm_lapic_state apic;

	if (ioctl(c->fd, KVM_GET_LAPIC, &apic))
		return refused(c, "KVM_GET_LAPIC", err);
	set_lvt(&apic, APIC_LVT_LINT0, LVT_EXTINT);
	set_lvt(&apic, APIC_LVT_LINT1, LVT_NMI);
	return ioctl(c->fd, KVM_SET_LAPIC, &apic) ? refused(c, "KVM_SET_LAPIC", err) : 0;
}

static int vcpu_setup(struct vcpu *c, struct error *err)
{
	int ret = set_cpuid(c, err);

	if (!ret)
		ret = set_msrs(c, err);
	if (!ret)
		ret = set_fpu(c, err);
	return ret ?: set_apic(c, err);
}

static bool vcpu_exit(struct vcpu *c)
{
	(void)c; /* no exit of x86's own is switched on */
	return false;
}

const bool arch_by_hypercall = false;
const uint64_t arch_guest_page = 4 * KIB;

const struct vm_ops arch_vm_ops = {
	.board_gsis = GSI_BOARD,
	.kvm_cure = "; load KVM with: modprobe kvm_intel (or kvm_amd), and switch virtualization "
		    "on in the firmware",
	.vcpu_setup = vcpu_setup,
	.vcpu_exit = vcpu_exit,
};

static int write_long_mode_tables(struct vm *vm, struct error *err)
{
	uint64_t gdt[BOOT_GDT_ENTRIES];
	uint64_t *tables = malloc(BOOT_TABLES * GUEST_PAGE);
	int ret;

	if (!tables)
		return fail(err, ENOMEM, "page tables: out of memory");
	boot_gdt(gdt);
	boot_page_tables(tables);
	ret = guest_memory_write(&vm->memory, GDT_ADDR, gdt, sizeof(gdt));
	if (!ret)
		ret = guest_memory_write(&vm->memory, PAGE_TABLES_ADDR, tables,
					 BOOT_TABLES * GUEST_PAGE);
	free(tables);
	return ret ? fail(err, -ret, "page tables: no RAM below 64K") : 0;
}

int vcpu_boot(struct vcpu *c, const struct boot_entry *entry, struct error *err)
{
	struct kvm_regs regs = {.rip = entry->address, .rflags = 2};
	struct kvm_sregs sregs;
	int ret = 0;

	if (entry->long_mode) {
		regs.rsi = entry->info;
		ret = write_long_mode_tables(c->vm, err);
	} else {
		regs.rbx = entry->info;
	}
	if (ret)
		return ret;
	if (ioctl(c->fd, KVM_GET_SREGS, &sregs))
		return refused(c, "KVM_GET_SREGS", err);
	boot_sregs(entry, &sregs);
	if (ioctl(c->fd, KVM_SET_SREGS, &sregs))
		return refused(c, "KVM_SET_SREGS", err);
	return ioctl(c->fd, KVM_SET_REGS, &regs) ? refused(c, "KVM_SET_REGS", err) : 0;
}
