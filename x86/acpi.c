/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The fixed tables: RSDP, XSDT, FADT, MADT, MCFG, and where each lies. */
#include <stddef.h>
#include <string.h>

#include "acpi.h"
#include "aml.h"
#include "layout.h"

#define RSDP_SIZE	  36
#define RSDP_V1_SIZE	  20
#define FADT_SIZE	  276
#define CHECKSUM_OFFSET	  9
#define RSDP_CHECKSUM	  8
#define RSDP_EXT_CHECKSUM 32

/* FADT, 5.2.9: offsets and bits */
#define FADT_DSDT	    40
#define FADT_IAPC_BOOT_ARCH 109
#define FADT_FLAGS	    112
#define FADT_RESET_REG	    116
#define FADT_RESET_VALUE    128
#define FADT_MINOR	    131
#define FADT_X_DSDT	    140
#define FADT_SLEEP_CONTROL  244
#define FADT_SLEEP_STATUS   256
#define FADT_HYPERVISOR	    268

#define BOOT_NO_VGA	   (1U << 2)
#define BOOT_NO_CMOS_RTC   (1U << 5)
#define FLAG_WBINVD	   (1U << 0)
#define FLAG_PWR_BUTTON	   (1U << 4) /* no fixed power button ... */
#define FLAG_SLP_BUTTON	   (1U << 5) /* ... and no fixed sleep button */
#define FLAG_RESET_REG_SUP (1U << 10)
#define FLAG_HW_REDUCED	   (1U << 20)

/* MADT, 5.2.12 */
#define MADT_LOCAL_APIC	    0
#define MADT_IO_APIC	    1
#define MADT_LOCAL_NMI	    4
#define MADT_LOCAL_X2APIC   9
#define MADT_LOCAL_X2NMI    10
#define MADT_ENABLED	    1
#define ALL_PROCESSORS	    0xff
#define ALL_PROCESSORS_UIDS 0xffffffff

#define TABLE_REVISION 1
#define OEM_ID	       "CARLLN"
#define OEM_TABLE_ID   "CARILLON"

static void set(uint8_t *table, size_t offset, uint64_t value, unsigned size)
{
	unsigned i;

	for (i = 0; i < size; i++)
		table[offset + i] = (uint8_t)(value >> (8 * i));
}

/* Without its NUL: fields are filled to the last byte. */
static void set_text(uint8_t *table, size_t offset, const char *text)
{
	while (*text)
		table[offset++] = (uint8_t)*text++;
}

uint8_t table_checksum(const uint8_t *data, size_t n)
{
	uint8_t sum = 0;

	while (n--)
		sum = (uint8_t)(sum + *data++);
	return (uint8_t)-sum;
}

/* Start a table on a 16-byte boundary; returns its offset. */
static size_t open_table(struct aml *a, const char *signature, uint8_t revision)
{
	size_t start;

	while (a->len % 16 && !a->full)
		aml_byte(a, 0);
	start = a->len;
	aml_bytes(a, signature, 4);
	aml_number(a, 0, 4); /* length: close_table() */
	aml_byte(a, revision);
	aml_byte(a, 0); /* checksum: close_table() */
	aml_bytes(a, OEM_ID, 6);
	aml_bytes(a, OEM_TABLE_ID, 8);
	aml_number(a, TABLE_REVISION, 4);
	aml_bytes(a, "CARL", 4);
	aml_number(a, TABLE_REVISION, 4);
	return start;
}

static void close_table(struct aml *a, size_t start)
{
	size_t length = a->len - start;

	if (a->full)
		return;
	set(a->data + start, 4, length, 4);
	a->data[start + CHECKSUM_OFFSET] = table_checksum(a->data + start, length);
}

/* Generic address structure (5.2.3.2) of an I/O port of one byte. */
static void set_port(uint8_t *table, size_t offset, uint16_t port)
{
	table[offset] = 1;     /* system I/O */
	table[offset + 1] = 8; /* bits */
	table[offset + 2] = 0;
	table[offset + 3] = 1; /* byte access */
	set(table, offset + 4, port, 8);
}

static void fadt(struct aml *a, uint64_t dsdt)
{
	uint8_t t[FADT_SIZE] = {0};
	size_t start = open_table(a, "FACP", 6);

	set(t, FADT_DSDT, dsdt, 4);
	set(t, FADT_IAPC_BOOT_ARCH, BOOT_NO_VGA | BOOT_NO_CMOS_RTC, 2);
	set(t, FADT_FLAGS,
	    FLAG_WBINVD | FLAG_PWR_BUTTON | FLAG_SLP_BUTTON | FLAG_RESET_REG_SUP | FLAG_HW_REDUCED,
	    4);
	set_port(t, FADT_RESET_REG, PORT_RESET);
	t[FADT_RESET_VALUE] = RESET_VALUE;
	t[FADT_MINOR] = 3;
	set(t, FADT_X_DSDT, dsdt, 8);
	set_port(t, FADT_SLEEP_CONTROL, PORT_SLEEP_CONTROL);
	set_port(t, FADT_SLEEP_STATUS, PORT_SLEEP_STATUS);
	set_text(t, FADT_HYPERVISOR, OEM_TABLE_ID);
	aml_bytes(a, t + ACPI_HEADER, FADT_SIZE - ACPI_HEADER);
	close_table(a, start);
}

static void madt_cpu(struct aml *a, unsigned id)
{
	if (id <= XAPIC_ID_LAST) {
		aml_bytes(a, (uint8_t[]){MADT_LOCAL_APIC, 8, (uint8_t)id, (uint8_t)id}, 4);
		aml_number(a, MADT_ENABLED, 4);
	} else {
		aml_bytes(a, (uint8_t[]){MADT_LOCAL_X2APIC, 16, 0, 0}, 4);
		aml_number(a, id, 4);
		aml_number(a, MADT_ENABLED, 4);
		aml_number(a, id, 4);
	}
}

static void madt(struct aml *a, unsigned cpus)
{
	size_t start = open_table(a, "APIC", 5);
	unsigned id;

	aml_number(a, LAPIC_ADDR, 4);
	aml_number(a, 0, 4); /* flags: no 8259 for the guest to switch off */
	for (id = 0; id < cpus; id++)
		madt_cpu(a, id);
	aml_bytes(a, (uint8_t[]){MADT_IO_APIC, 12, 0, 0}, 4);
	aml_number(a, IOAPIC_ADDR, 4);
	aml_number(a, 0, 4); /* its first GSI */
	aml_bytes(a, (uint8_t[]){MADT_LOCAL_NMI, 6, ALL_PROCESSORS, 0, 0, 1}, 6);
	if (cpus > XAPIC_ID_LAST + 1) {
		aml_bytes(a, (uint8_t[]){MADT_LOCAL_X2NMI, 12, 0, 0}, 4);
		aml_number(a, ALL_PROCESSORS_UIDS, 4);
		aml_bytes(a, (uint8_t[]){1, 0, 0, 0}, 4);
	}
	close_table(a, start);
}

/* PCI Firmware 3.3, 4.1.2 */
static void mcfg(struct aml *a, struct range ecam)
{
	size_t start = open_table(a, "MCFG", 1);

	aml_number(a, 0, 8);
	aml_number(a, ecam.base, 8);
	aml_number(a, 0, 2); /* segment */
	aml_byte(a, 0);
	aml_byte(a, (uint8_t)(ecam.size / MIB - 1));
	aml_number(a, 0, 4);
	close_table(a, start);
}

/* 5.2.5.3 */
static void rsdp(uint8_t *t, uint64_t xsdt)
{
	memset(t, 0, RSDP_SIZE);
	set_text(t, 0, "RSD PTR ");
	set_text(t, 9, OEM_ID);
	t[15] = 2;
	set(t, 20, RSDP_SIZE, 4);
	set(t, 24, xsdt, 8);
	t[RSDP_CHECKSUM] = table_checksum(t, RSDP_V1_SIZE);
	t[RSDP_EXT_CHECKSUM] = table_checksum(t, RSDP_SIZE);
}

size_t acpi_build(const struct acpi_machine *m, uint64_t base, uint8_t *buf, size_t room)
{
	struct aml a = {.data = buf, .room = room};
	size_t dsdt, tables[3], xsdt, i;

	aml_bytes(&a, (uint8_t[RSDP_SIZE]){0}, RSDP_SIZE);
	dsdt = open_table(&a, "DSDT", 2);
	acpi_dsdt(m, &a);
	close_table(&a, dsdt);
	tables[0] = align_up(a.len, 16);
	fadt(&a, base + dsdt);
	tables[1] = align_up(a.len, 16);
	madt(&a, m->cpus);
	tables[2] = align_up(a.len, 16);
	mcfg(&a, m->windows.ecam);
	xsdt = open_table(&a, "XSDT", 1);
	for (i = 0; i < ARRAY_SIZE(tables); i++)
		aml_number(&a, base + tables[i], 8);
	close_table(&a, xsdt);
	if (a.full)
		return 0;
	rsdp(buf, base + xsdt);
	return a.len;
}
