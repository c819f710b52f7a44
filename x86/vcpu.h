/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* vcpu: the first state of a vCPU. */
#ifndef CARILLON_X86_VCPU_H
#define CARILLON_X86_VCPU_H

#include "protocol.h"

/* Pure. The system registers of a boot protocol, from those of a vCPU after reset. */
void boot_sregs(const struct boot_entry *entry, struct kvm_sregs *sregs);
/* Pure. The GDT that long mode starts with: 0x10 code, 0x18 data, 0x20 TSS. */
#define BOOT_GDT_ENTRIES 6
void boot_gdt(uint64_t gdt[BOOT_GDT_ENTRIES]);
/* Pure. Page tables at PAGE_TABLES_ADDR: 4 GiB onto themselves in 2 MiB pages. */
#define BOOT_TABLES 6
void boot_page_tables(uint64_t tables[BOOT_TABLES * 512]);

/* Give the first vCPU the registers of its boot protocol. RAM exists. */
int vcpu_boot(struct vcpu *vcpu, const struct boot_entry *entry, struct error *err);

#endif
