/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The AML writer: objects and their package lengths, then the resource descriptors. */
#include <string.h>

#include "aml.h"

enum {
	OP_ZERO = 0x00,
	OP_ONE = 0x01,
	OP_NAME = 0x08,
	OP_BYTE = 0x0a,
	OP_WORD = 0x0b,
	OP_DWORD = 0x0c,
	OP_STRING = 0x0d,
	OP_QWORD = 0x0e,
};

void aml_bytes(struct aml *a, const void *bytes, size_t n)
{
	if (a->full || n > a->room - a->len) {
		a->full = true;
		return;
	}
	memcpy(a->data + a->len, bytes, n);
	a->len += n;
}

void aml_byte(struct aml *a, uint8_t byte)
{
	aml_bytes(a, &byte, 1);
}

void aml_number(struct aml *a, uint64_t value, unsigned size)
{
	unsigned i;

	for (i = 0; i < size; i++)
		aml_byte(a, (uint8_t)(value >> (8 * i)));
}

void aml_name(struct aml *a, const char *name)
{
	aml_bytes(a, name, strlen(name));
}

void aml_int(struct aml *a, uint64_t value)
{
	unsigned size = value <= 0xff ? 1 : value <= 0xffff ? 2 : value <= 0xffffffff ? 4 : 8;

	if (value <= 1) {
		aml_byte(a, value ? OP_ONE : OP_ZERO);
		return;
	}
	aml_byte(a, size == 1 ? OP_BYTE : size == 2 ? OP_WORD : size == 4 ? OP_DWORD : OP_QWORD);
	aml_number(a, value, size);
}

void aml_string(struct aml *a, const char *text)
{
	aml_byte(a, OP_STRING);
	aml_bytes(a, text, strlen(text) + 1);
}

static uint32_t hex_digit(char c)
{
	return (uint32_t)(c <= '9' ? c - '0' : c - 'A' + 10);
}

void aml_eisaid(struct aml *a, const char *id)
{
	uint32_t letters = (id[0] & 0x1fU) << 10 | (id[1] & 0x1fU) << 5 | (id[2] & 0x1fU);
	uint32_t digits = hex_digit(id[3]) << 12 | hex_digit(id[4]) << 8 | hex_digit(id[5]) << 4 |
			  hex_digit(id[6]);

	/* The two halves are big-endian within the little-endian number. */
	aml_byte(a, OP_DWORD);
	aml_byte(a, (uint8_t)(letters >> 8));
	aml_byte(a, (uint8_t)letters);
	aml_byte(a, (uint8_t)(digits >> 8));
	aml_byte(a, (uint8_t)digits);
}

/*
 * PkgLength (20.2.4) in its four-byte form, 28 bits, wherever it stands: the writer need not move
 * anything when the length is known. It counts itself.
 */
#define PKG_LENGTH 4

size_t aml_open(struct aml *a, const char *opcode, size_t n)
{
	size_t mark;

	aml_bytes(a, opcode, n);
	mark = a->len;
	aml_number(a, 0, PKG_LENGTH);
	return mark;
}

void aml_close(struct aml *a, size_t mark)
{
	size_t length = a->len - mark;

	if (a->full)
		return;
	a->data[mark] = (uint8_t)((PKG_LENGTH - 1) << 6 | (length & 0xf));
	a->data[mark + 1] = (uint8_t)(length >> 4);
	a->data[mark + 2] = (uint8_t)(length >> 12);
	a->data[mark + 3] = (uint8_t)(length >> 20);
}

size_t aml_open_scope(struct aml *a, const char *name)
{
	size_t mark = aml_open(a, "\x10", 1);

	aml_name(a, name);
	return mark;
}

size_t aml_open_device(struct aml *a, const char *name)
{
	size_t mark = aml_open(a, "\x5b\x82", 2);

	aml_name(a, name);
	return mark;
}

size_t aml_open_method(struct aml *a, const char *name, unsigned args)
{
	size_t mark = aml_open(a, "\x14", 1);

	aml_name(a, name);
	/* Bit 3: serialized, as methods here create named objects. */
	aml_byte(a, (uint8_t)((args & 7) | 8));
	return mark;
}

size_t aml_open_package(struct aml *a, uint8_t elements)
{
	size_t mark = aml_open(a, "\x12", 1);

	aml_byte(a, elements);
	return mark;
}

size_t aml_open_if(struct aml *a)
{
	return aml_open(a, "\xa0", 1);
}

size_t aml_open_else(struct aml *a)
{
	return aml_open(a, "\xa1", 1);
}

void aml_buffer(struct aml *a, const void *bytes, size_t n)
{
	size_t mark = aml_open(a, "\x11", 1);

	aml_byte(a, OP_WORD);
	aml_number(a, n, 2);
	aml_bytes(a, bytes, n);
	aml_close(a, mark);
}

void aml_name_op(struct aml *a, const char *name)
{
	aml_byte(a, OP_NAME);
	aml_name(a, name);
}

void aml_name_int(struct aml *a, const char *name, uint64_t value)
{
	aml_name_op(a, name);
	aml_int(a, value);
}

void aml_name_eisaid(struct aml *a, const char *name, const char *id)
{
	aml_name_op(a, name);
	aml_eisaid(a, id);
}

void aml_name_resources(struct aml *a, const char *name, struct aml *r)
{
	/* End tag with checksum 0: "treat as if the checksum is right" (6.4.2.9). */
	aml_bytes(r, "\x79\x00", 2);
	a->full |= r->full;
	aml_name_op(a, name);
	aml_buffer(a, r->data, r->len);
}

/* 6.4.2.5: decodes 16 bits. */
void aml_res_io(struct aml *r, uint16_t base, uint8_t align, uint8_t size)
{
	aml_bytes(r, "\x47\x01", 2);
	aml_number(r, base, 2);
	aml_number(r, base, 2);
	aml_byte(r, align);
	aml_byte(r, size);
}

/* 6.4.3.4: writable. */
void aml_res_memory32_fixed(struct aml *r, uint32_t base, uint32_t size)
{
	aml_bytes(r, "\x86\x09\x00\x01", 4);
	aml_number(r, base, 4);
	aml_number(r, size, 4);
}

/* 6.4.3.6: consumer, active high, exclusive. */
static void irq(struct aml *r, uint8_t flags, uint32_t gsi)
{
	aml_bytes(r, "\x89\x06\x00", 3);
	aml_byte(r, flags);
	aml_byte(r, 1); /* one */
	aml_number(r, gsi, 4);
}

void aml_res_irq_edge(struct aml *r, uint32_t gsi)
{
	irq(r, 3, gsi);
}

void aml_res_irq_level(struct aml *r, uint32_t gsi)
{
	irq(r, 1, gsi);
}

/*
 * 6.4.3.5: address space descriptors, whose five numbers are granularity, minimum, maximum,
 * translation and length, `size` bytes each. General flags 0x0c: producer, positive decode, both
 * ends fixed.
 */
static void address_space(struct aml *r, uint8_t tag, unsigned size, uint8_t type, uint8_t flags,
			  struct range window)
{
	aml_byte(r, tag);
	aml_number(r, 3 + 5 * size, 2);
	aml_byte(r, type);
	aml_byte(r, 0x0c);
	aml_byte(r, flags);
	aml_number(r, 0, size);
	aml_number(r, window.base, size);
	aml_number(r, range_last(window), size);
	aml_number(r, 0, size);
	aml_number(r, window.size, size);
}

void aml_res_bus_window(struct aml *r, uint8_t first, uint8_t last)
{
	address_space(r, 0x88, 2, 2, 0, (struct range){first, last - first + 1U});
}

void aml_res_io_window(struct aml *r, uint16_t base, uint32_t size)
{
	/* Flags: the entire range, not only its ISA or non-ISA part. */
	address_space(r, 0x88, 2, 1, 3, (struct range){base, size});
}

void aml_res_memory_window(struct aml *r, struct range window)
{
	bool wide = range_last(window) > 0xffffffff;

	/* Flags: not cacheable, writable. */
	address_space(r, wide ? 0x8a : 0x87, wide ? 8 : 4, 0, 1, window);
}
