/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The MP table. CPUs, pins and their numbers are those of the MADT and of _PRT; which way an
 * interrupt is signalled is left to its bus: ISA's by an edge, PCI's by a level.
 */
#include <string.h>

#include "acpi.h"
#include "mptable.h"

#define REVISION 4 /* 1.4 */

enum entry_type { PROCESSOR, BUS, IO_APIC, IO_INTERRUPT, LOCAL_INTERRUPT };
enum interrupt_type { INT, NMI, SMI, EXT_INT };

#define PROCESSOR_ENABLED 1
#define PROCESSOR_BOOT	  2
#define FEATURE_FPU	  (1U << 0)
#define FEATURE_APIC	  (1U << 9)
#define FAMILY_6	  0x600
#define APIC_VERSION	  0x14
#define IO_APIC_ENABLED	  1
#define IO_APIC_VERSION	  0x11
#define ALL_LOCAL_APICS	  0xff

/* A PCI bus has its own number here, too. */
#define BUS_PCI	 0
#define BUS_ISA	 1
#define ISA_PINS GSI_PCI_FIRST
#define CASCADE	 2 /* the pin by which one 8259 hangs on the other */

struct floating_pointer {
	char signature[4];
	uint32_t table;
	uint8_t length, revision, checksum, features[5];
};

struct header {
	char signature[4];
	uint16_t length;
	uint8_t revision, checksum;
	char oem[8], product[12];
	uint32_t oem_table;
	uint16_t oem_size, entries;
	uint32_t local_apic;
	uint16_t extended_length;
	uint8_t extended_checksum, reserved;
};

struct processor {
	uint8_t type, apic_id, apic_version, flags;
	uint32_t signature, features, reserved[2];
};

struct bus {
	uint8_t type, id;
	char name[6];
};

struct io_apic {
	uint8_t type, id, version, flags;
	uint32_t address;
};

struct interrupt {
	uint8_t type, interrupt_type;
	uint16_t flags; /* 0: as the bus has it */
	uint8_t bus, irq, apic, pin;
};

#define PCI_PINS (32 * 4)
_Static_assert(sizeof(struct floating_pointer) + sizeof(struct header) +
			       (XAPIC_ID_LAST + 1) * sizeof(struct processor) +
			       2 * sizeof(struct bus) + sizeof(struct io_apic) +
			       (ISA_PINS + PCI_PINS + 2) * sizeof(struct interrupt) <=
		       MPTABLE_ROOM,
	       "an MP table may be larger than its room");

struct writer {
	uint8_t *at;
	uint16_t entries;
};

static void put(struct writer *w, const void *entry, size_t n)
{
	memcpy(w->at, entry, n);
	w->at += n;
	w->entries++;
}

static void put_processors(struct writer *w, unsigned cpus)
{
	unsigned id;

	for (id = 0; id < cpus && id <= XAPIC_ID_LAST; id++) {
		struct processor p = {
			.type = PROCESSOR,
			.apic_id = (uint8_t)id,
			.apic_version = APIC_VERSION,
			.flags = (uint8_t)(PROCESSOR_ENABLED | (id ? 0 : PROCESSOR_BOOT)),
			.signature = FAMILY_6,
			.features = FEATURE_FPU | FEATURE_APIC,
		};

		put(w, &p, sizeof(p));
	}
}

static void put_pin(struct writer *w, uint8_t bus, unsigned irq, unsigned pin)
{
	struct interrupt i = {
		.type = IO_INTERRUPT, .bus = bus, .irq = (uint8_t)irq, .pin = (uint8_t)pin};

	put(w, &i, sizeof(i));
}

static void put_pins(struct writer *w)
{
	unsigned irq, slot, pin;

	for (irq = 0; irq < ISA_PINS; irq++)
		if (irq != CASCADE)
			put_pin(w, BUS_ISA, irq, irq);
	for (slot = 0; slot < 32; slot++)
		for (pin = 0; pin < 4; pin++)
			put_pin(w, BUS_PCI, slot << 2 | pin,
				arch_intx_gsi(PCI_DEVFN(slot, 0), pin + 1));
}

/* The 8259s and the NMI lead to two pins of the local APICs. */
static void put_local_pins(struct writer *w)
{
	struct interrupt lint0 = {.type = LOCAL_INTERRUPT,
				  .interrupt_type = EXT_INT,
				  .bus = BUS_ISA,
				  .apic = ALL_LOCAL_APICS,
				  .pin = 0};
	struct interrupt lint1 = lint0;

	lint1.interrupt_type = NMI;
	lint1.pin = 1;
	put(w, &lint0, sizeof(lint0));
	put(w, &lint1, sizeof(lint1));
}

size_t mptable_build(unsigned cpus, uint64_t base, uint8_t buf[MPTABLE_ROOM])
{
	struct floating_pointer pointer = {.signature = {'_', 'M', 'P', '_'},
					   .table = (uint32_t)(base + sizeof(pointer)),
					   .length = sizeof(pointer) / 16,
					   .revision = REVISION};
	struct header header = {
		.signature = {'P', 'C', 'M', 'P'},
		.revision = REVISION,
		.oem = {'C', 'A', 'R', 'I', 'L', 'L', 'O', 'N'},
		.product = {'C', 'A', 'R', 'I', 'L', 'L', 'O', 'N', ' ', ' ', ' ', ' '},
		.local_apic = LAPIC_ADDR};
	struct bus pci = {BUS, BUS_PCI, {'P', 'C', 'I', ' ', ' ', ' '}};
	struct bus isa = {BUS, BUS_ISA, {'I', 'S', 'A', ' ', ' ', ' '}};
	struct io_apic io_apic = {IO_APIC, 0, IO_APIC_VERSION, IO_APIC_ENABLED, IOAPIC_ADDR};
	uint8_t *table = buf + sizeof(pointer);
	struct writer w = {.at = table + sizeof(header)};

	put_processors(&w, cpus);
	put(&w, &pci, sizeof(pci));
	put(&w, &isa, sizeof(isa));
	put(&w, &io_apic, sizeof(io_apic));
	put_pins(&w);
	put_local_pins(&w);
	header.length = (uint16_t)(w.at - table);
	header.entries = w.entries;
	memcpy(table, &header, sizeof(header));
	table[offsetof(struct header, checksum)] = table_checksum(table, header.length);
	memcpy(buf, &pointer, sizeof(pointer));
	buf[offsetof(struct floating_pointer, checksum)] = table_checksum(buf, sizeof(pointer));
	return (size_t)(w.at - buf);
}
