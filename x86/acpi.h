/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* acpi: the tables that describe the machine to the guest (ACPI 6.5). */
#ifndef CARILLON_X86_ACPI_H
#define CARILLON_X86_ACPI_H

#include "pci.h"

/* Sleep type of S5, soft off: what the guest writes into SLP_TYP; any number will do. */
#define SLP_TYP_S5 5
/* Sleep control register (4.8.3.7) and reset value. */
#define SLP_EN	    0x20
#define SLP_TYP(t)  ((t) << 2)
#define RESET_VALUE 0x06

struct acpi_machine {
	unsigned cpus; /* APIC IDs 0..cpus-1 */
	struct pci_windows windows;
	unsigned n_slots; /* virtio devices over MMIO */
};

struct aml;

#define ACPI_HEADER 36

#define XAPIC_ID_LAST 254 /* 255 is the broadcast of an xAPIC */

/* Pure. The byte that makes the sum of all 0, in ACPI's tables and in the MP table. */
uint8_t table_checksum(const uint8_t *data, size_t n);

/*
 * Pure. Fill buf, which will lie at guest-physical base (16-byte aligned, below 4 GiB), with all
 * the tables; the RSDP comes first. Returns how many bytes, 0 if they don't fit into room.
 */
size_t acpi_build(const struct acpi_machine *m, uint64_t base, uint8_t *buf, size_t room);
/* Pure. The definition block of the DSDT, without its header. */
void acpi_dsdt(const struct acpi_machine *m, struct aml *a);

#endif
