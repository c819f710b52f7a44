/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The state in which a boot protocol wants the processor: flat 32 bits without paging (PVH), or
 * long mode with everything mapped onto itself (Linux' 64-bit protocol).
 */
#include "layout.h"
#include "vcpu.h"

#define CR0_PE	 (1U << 0)
#define CR0_ET	 (1U << 4)
#define CR0_PG	 (1U << 31)
#define CR4_PAE	 (1U << 5)
#define EFER_LME (1U << 8)
#define EFER_LMA (1U << 10)

#define PAGE_PRESENT  0x01
#define PAGE_WRITABLE 0x02
#define PAGE_LARGE    0x80

#define TYPE_DATA 3  /* read, write, accessed */
#define TYPE_CODE 11 /* execute, read, accessed */
#define TYPE_TSS  11 /* busy */

#define BOOT_CS 0x10
#define BOOT_DS 0x18
#define BOOT_TR 0x20

static struct kvm_segment flat_segment(uint16_t selector, uint8_t type, bool long_code)
{
	return (struct kvm_segment){
		.limit = 0xffffffff,
		.selector = selector,
		.type = type,
		.present = 1,
		.db = !long_code,
		.s = 1,
		.l = long_code,
		.g = 1,
	};
}

void boot_sregs(const struct boot_entry *entry, struct kvm_sregs *sregs)
{
	struct kvm_segment data = flat_segment(BOOT_DS, TYPE_DATA, false);

	sregs->cs = flat_segment(BOOT_CS, TYPE_CODE, entry->long_mode);
	sregs->ds = sregs->es = sregs->fs = sregs->gs = sregs->ss = data;
	sregs->tr = (struct kvm_segment){
		.limit = 0x67, .selector = BOOT_TR, .type = TYPE_TSS, .present = 1};
	sregs->idt = (struct kvm_dtable){0};
	sregs->gdt = (struct kvm_dtable){0};
	sregs->cr0 = CR0_PE | CR0_ET;
	sregs->cr3 = sregs->cr4 = sregs->efer = 0;
	if (!entry->long_mode)
		return;
	sregs->gdt = (struct kvm_dtable){.base = GDT_ADDR, .limit = BOOT_GDT_ENTRIES * 8 - 1};
	sregs->cr0 |= CR0_PG;
	sregs->cr3 = PAGE_TABLES_ADDR;
	sregs->cr4 = CR4_PAE;
	sregs->efer = EFER_LME | EFER_LMA;
}

void boot_gdt(uint64_t gdt[BOOT_GDT_ENTRIES])
{
	gdt[0] = gdt[1] = 0;
	gdt[BOOT_CS / 8] = 0x00af9b000000ffff;
	gdt[BOOT_DS / 8] = 0x00cf93000000ffff;
	gdt[BOOT_TR / 8] = 0x00008b0000000067;
	gdt[BOOT_TR / 8 + 1] = 0; /* a TSS descriptor has two entries in long mode */
}

void boot_page_tables(uint64_t tables[BOOT_TABLES * 512])
{
	const uint64_t flags = PAGE_PRESENT | PAGE_WRITABLE;
	uint64_t *pdpt = tables + 512, *directories = tables + 1024, i;

	for (i = 0; i < 1024; i++)
		tables[i] = 0;
	tables[0] = (PAGE_TABLES_ADDR + GUEST_PAGE) | flags;
	for (i = 0; i < 4; i++)
		pdpt[i] = (PAGE_TABLES_ADDR + (2 + i) * GUEST_PAGE) | flags;
	for (i = 0; i < 4 * 512; i++)
		directories[i] = i * 2 * MIB | flags | PAGE_LARGE;
}
