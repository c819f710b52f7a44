/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * aml: a writer of ACPI Machine Language (ACPI 6.5, chapter 20) and of the resource descriptors
 * (6.4). Names are segments of four characters, given in full ("PCI0", "_HID").
 */
#ifndef CARILLON_X86_AML_H
#define CARILLON_X86_AML_H

#include "base.h"

/* Bytes that grow within a fixed room; what does not fit sets `full` and is dropped. */
struct aml {
	uint8_t *data;
	size_t len, room;
	bool full;
};

void aml_bytes(struct aml *a, const void *bytes, size_t n);
void aml_byte(struct aml *a, uint8_t byte);
/* The low `size` bytes of value, little-endian, without an opcode. */
void aml_number(struct aml *a, uint64_t value, unsigned size);
/* A name segment, or a sequence of bytes such as "\\_SB_". */
void aml_name(struct aml *a, const char *name);
/* Integer constant in its shortest form. */
void aml_int(struct aml *a, uint64_t value);
void aml_string(struct aml *a, const char *text);
/* A compressed EISA ID such as "PNP0A08" (ACPI 6.5, 19.3.4). */
void aml_eisaid(struct aml *a, const char *id);

/*
 * What has a package length: open writes the opcode and keeps room for the length, close fills it
 * in. They nest; what open returned goes to close.
 */
size_t aml_open(struct aml *a, const char *opcode, size_t n);
void aml_close(struct aml *a, size_t mark);
size_t aml_open_scope(struct aml *a, const char *name);
size_t aml_open_device(struct aml *a, const char *name);
size_t aml_open_method(struct aml *a, const char *name, unsigned args);
size_t aml_open_package(struct aml *a, uint8_t elements);
size_t aml_open_if(struct aml *a);
size_t aml_open_else(struct aml *a);
/* A buffer of known size, up to 65535 bytes. */
void aml_buffer(struct aml *a, const void *bytes, size_t n);

/* Name (name, …): an object must follow. */
void aml_name_op(struct aml *a, const char *name);
void aml_name_int(struct aml *a, const char *name, uint64_t value);
void aml_name_eisaid(struct aml *a, const char *name, const char *id);
/* Name (name, the resource template that was written into r). Adds its end tag. */
void aml_name_resources(struct aml *a, const char *name, struct aml *r);

/* Resource descriptors, to be written into an aml of their own. */
void aml_res_io(struct aml *r, uint16_t base, uint8_t align, uint8_t size);
void aml_res_memory32_fixed(struct aml *r, uint32_t base, uint32_t size);
void aml_res_irq_edge(struct aml *r, uint32_t gsi);
void aml_res_irq_level(struct aml *r, uint32_t gsi);
/* Windows of a bridge: producer, both ends fixed, no translation. */
void aml_res_bus_window(struct aml *r, uint8_t first, uint8_t last);
void aml_res_io_window(struct aml *r, uint16_t base, uint32_t size);
void aml_res_memory_window(struct aml *r, struct range window);

#endif
