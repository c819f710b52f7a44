/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The DSDT: the host bridge with its windows and interrupt lines, the UART, virtio devices, S5. */
#include <stdio.h>

#include "acpi.h"
#include "aml.h"
#include "layout.h"

#define RESOURCES_ROOM 256

/* Opcodes of the one method (ACPI 6.5, 20.2.5). */
#define AML_LOCAL0	       0x60
#define AML_ARG0	       0x68
#define AML_ARG1	       0x69
#define AML_ARG3	       0x6b
#define AML_STORE	       0x70
#define AML_AND		       0x7b
#define AML_OR		       0x7d
#define AML_CREATE_DWORD_FIELD 0x8a
#define AML_LNOT	       0x92
#define AML_LEQUAL	       0x93
#define AML_RETURN	       0xa4

/* _OSC, PCI Firmware 3.3, 4.5: bits of the first dword, and what the guest may control itself:
 * native hot-plug, PME, AER and the PCIe capability; no SHPC, of which there is none. */
#define OSC_UNRECOGNIZED_UUID	  0x04
#define OSC_UNRECOGNIZED_REVISION 0x08
#define OSC_CAPABILITIES_MASKED	  0x10
#define OSC_CONTROL		  0x1d

/* 33DB4D5B-1FF7-401C-9657-7441C03DD766, the first three groups little-endian. */
static const uint8_t osc_uuid[16] = {0x5b, 0x4d, 0xdb, 0x33, 0xf7, 0x1f, 0x1c, 0x40,
				     0x96, 0x57, 0x74, 0x41, 0xc0, 0x3d, 0xd7, 0x66};

static void dword_field(struct aml *a, unsigned offset, const char *name)
{
	aml_byte(a, AML_CREATE_DWORD_FIELD);
	aml_byte(a, AML_ARG3);
	aml_int(a, offset);
	aml_name(a, name);
}

/* name |= bits */
static void or_into(struct aml *a, const char *name, uint8_t bits)
{
	aml_byte(a, AML_OR);
	aml_name(a, name);
	aml_int(a, bits);
	aml_name(a, name);
}

static void osc_pci(struct aml *a)
{
	size_t branch;

	aml_byte(a, AML_AND); /* Local0 = CDW3 & OSC_CONTROL */
	aml_name(a, "CDW3");
	aml_int(a, OSC_CONTROL);
	aml_byte(a, AML_LOCAL0);
	branch = aml_open_if(a); /* If (Arg1 != 1) */
	aml_bytes(a, (uint8_t[]){AML_LNOT, AML_LEQUAL, AML_ARG1}, 3);
	aml_int(a, 1);
	or_into(a, "CDW1", OSC_UNRECOGNIZED_REVISION);
	aml_close(a, branch);
	branch = aml_open_if(a); /* If (CDW3 != Local0) */
	aml_bytes(a, (uint8_t[]){AML_LNOT, AML_LEQUAL}, 2);
	aml_name(a, "CDW3");
	aml_byte(a, AML_LOCAL0);
	or_into(a, "CDW1", OSC_CAPABILITIES_MASKED);
	aml_close(a, branch);
	aml_bytes(a, (uint8_t[]){AML_STORE, AML_LOCAL0}, 2);
	aml_name(a, "CDW3");
}

static void osc_method(struct aml *a)
{
	size_t method = aml_open_method(a, "_OSC", 4), branch;

	dword_field(a, 0, "CDW1");
	branch = aml_open_if(a); /* If (Arg0 == uuid) */
	aml_bytes(a, (uint8_t[]){AML_LEQUAL, AML_ARG0}, 2);
	aml_buffer(a, osc_uuid, sizeof(osc_uuid));
	dword_field(a, 8, "CDW3");
	osc_pci(a);
	aml_close(a, branch);
	branch = aml_open_else(a);
	or_into(a, "CDW1", OSC_UNRECOGNIZED_UUID);
	aml_close(a, branch);
	aml_bytes(a, (uint8_t[]){AML_RETURN, AML_ARG3}, 2);
	aml_close(a, method);
}

/* Four pins of 32 devices, each hard-wired to a GSI (6.2.13). */
static void interrupt_lines(struct aml *a)
{
	size_t table, line;
	unsigned slot, pin;

	aml_name_op(a, "_PRT");
	table = aml_open_package(a, 32 * 4);
	for (slot = 0; slot < 32; slot++)
		for (pin = 0; pin < 4; pin++) {
			line = aml_open_package(a, 4);
			aml_int(a, slot << 16 | 0xffff);
			aml_int(a, pin);
			aml_int(a, 0);
			aml_int(a, arch_intx_gsi(PCI_DEVFN(slot, 0), pin + 1));
			aml_close(a, line);
		}
	aml_close(a, table);
}

static void host_bridge(struct aml *a, const struct pci_windows *w)
{
	uint8_t room[RESOURCES_ROOM];
	struct aml r = {.data = room, .room = sizeof(room)};
	size_t device = aml_open_device(a, "PCI0");

	aml_name_eisaid(a, "_HID", "PNP0A08");
	aml_name_eisaid(a, "_CID", "PNP0A03");
	aml_name_int(a, "_SEG", 0);
	aml_name_int(a, "_BBN", 0);
	aml_name_int(a, "_UID", 0);
	aml_res_bus_window(&r, 0, 0);
	aml_res_io(&r, 0xcf8, 1, 8);
	aml_res_io_window(&r, (uint16_t)w->io.base, (uint32_t)w->io.size);
	aml_res_memory_window(&r, w->mem32);
	if (w->mem64.size)
		aml_res_memory_window(&r, w->mem64);
	aml_name_resources(a, "_CRS", &r);
	interrupt_lines(a);
	osc_method(a);
	aml_close(a, device);
}

/* What belongs to the board itself: ECAM, and the registers of the FADT. */
static void board(struct aml *a, const struct pci_windows *w)
{
	uint8_t room[RESOURCES_ROOM];
	struct aml r = {.data = room, .room = sizeof(room)};
	size_t device = aml_open_device(a, "MBRD");

	aml_name_eisaid(a, "_HID", "PNP0C02");
	aml_name_int(a, "_UID", 0);
	aml_res_memory32_fixed(&r, (uint32_t)w->ecam.base, (uint32_t)w->ecam.size);
	aml_res_io(&r, PORT_SLEEP_CONTROL, 1, PORT_RESET - PORT_SLEEP_CONTROL + 1);
	aml_name_resources(a, "_CRS", &r);
	aml_close(a, device);
}

static void uart(struct aml *a)
{
	uint8_t room[RESOURCES_ROOM];
	struct aml r = {.data = room, .room = sizeof(room)};
	size_t device = aml_open_device(a, "COM1");

	aml_name_eisaid(a, "_HID", "PNP0501");
	aml_name_int(a, "_UID", 0);
	aml_res_io(&r, PORT_COM1, 1, 8);
	aml_res_irq_edge(&r, GSI_COM1);
	aml_name_resources(a, "_CRS", &r);
	aml_close(a, device);
}

/* Linux' drivers/virtio/virtio_mmio.c goes by this ID. */
static void virtio_device(struct aml *a, unsigned n)
{
	struct arch_slot slot = arch_slot(NULL, n);
	uint8_t room[RESOURCES_ROOM];
	struct aml r = {.data = room, .room = sizeof(room)};
	size_t device;
	char name[8];

	snprintf(name, sizeof(name), "VR%02X", n & 0xff);
	device = aml_open_device(a, name);
	aml_name_op(a, "_HID");
	aml_string(a, "LNRO0005");
	aml_name_int(a, "_UID", n);
	aml_name_int(a, "_CCA", 1);
	aml_res_memory32_fixed(&r, (uint32_t)slot.registers.base, (uint32_t)slot.registers.size);
	aml_res_irq_level(&r, slot.gsi);
	aml_name_resources(a, "_CRS", &r);
	aml_close(a, device);
}

static void soft_off(struct aml *a)
{
	size_t package;

	aml_name_op(a, "_S5_");
	package = aml_open_package(a, 4);
	aml_int(a, SLP_TYP_S5);
	aml_int(a, SLP_TYP_S5);
	aml_int(a, 0);
	aml_int(a, 0);
	aml_close(a, package);
}

void acpi_dsdt(const struct acpi_machine *m, struct aml *a)
{
	size_t scope = aml_open_scope(a, "\\_SB_");
	unsigned i;

	board(a, &m->windows);
	host_bridge(a, &m->windows);
	uart(a);
	for (i = 0; i < m->n_slots; i++)
		virtio_device(a, i);
	aml_close(a, scope);
	soft_off(a);
}
