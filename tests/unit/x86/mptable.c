/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The MP table: found as a guest finds it, and read entry by entry. */
#include <criterion/criterion.h>
#include <string.h>

#include "../../../x86/mptable.h"
#include "tables.h"

#define POINTER 16
#define HEADER	44

/* The nth entry of this type; NULL: there are no more. On the way all must be of a known type. */
static const uint8_t *find(const uint8_t *buf, unsigned type, unsigned n)
{
	const uint8_t *table = buf + POINTER, *p = table + HEADER, *end = table + get(table + 4, 2);
	unsigned entries = 0;
	const uint8_t *found = NULL;

	for (; p < end; p += *p ? 8 : 20, entries++) {
		cr_assert_leq(*p, 4);
		if (*p == type && !n--)
			found = p;
	}
	cr_assert_eq(p, end);
	cr_assert_eq(entries, get(table + 34, 2));
	return found;
}

static unsigned count(const uint8_t *buf, unsigned type)
{
	unsigned n = 0;

	while (find(buf, type, n))
		n++;
	return n;
}

/* To which pin of the I/O APIC a bus's interrupt leads; -1: to none. */
static int pin_of(const uint8_t *buf, unsigned bus, unsigned irq)
{
	const uint8_t *p;
	unsigned n;

	for (n = 0; (p = find(buf, 3, n)); n++)
		if (p[4] == bus && p[5] == irq)
			return p[7];
	return -1;
}

Test(x86_mptable, is_found_by_its_pointer)
{
	uint8_t buf[MPTABLE_ROOM];
	size_t n = mptable_build(2, MPTABLE_ADDR, buf);
	const uint8_t *table = buf + POINTER;

	cr_expect_eq(MPTABLE_ADDR % 16, 0);
	cr_expect_geq(MPTABLE_ADDR, 0xf0000, "where a guest looks for it");
	cr_expect_eq(memcmp(buf, "_MP_", 4), 0);
	cr_expect_eq(get(buf + 4, 4), MPTABLE_ADDR + POINTER);
	cr_expect_eq(buf[8], 1, "paragraphs");
	cr_expect_eq(buf[9], 4, "1.4");
	cr_expect_eq(get(buf + 11, 5), 0, "a table, and no IMCR");
	cr_expect_eq(sum(buf, POINTER), 0);
	cr_expect_eq(memcmp(table, "PCMP", 4), 0);
	cr_expect_eq(table[6], 4);
	cr_expect_eq(get(table + 36, 4), LAPIC_ADDR);
	cr_expect_eq(get(table + 4, 2) + POINTER, n);
	cr_expect_eq(sum(table, n - POINTER), 0);
}

Test(x86_mptable, cpus)
{
	static const struct {
		unsigned cpus, named;
	} cases[] = {{1, 1}, {2, 2}, {255, 255}, {256, 255}, {4096, 255}};
	uint8_t buf[MPTABLE_ROOM];
	unsigned i, id;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		cr_expect_leq(mptable_build(cases[i].cpus, MPTABLE_ADDR, buf), MPTABLE_ROOM);
		cr_assert_eq(count(buf, 0), cases[i].named);
		for (id = 0; id < cases[i].named; id++) {
			const uint8_t *cpu = find(buf, 0, id);

			cr_expect_eq(cpu[1], id);
			cr_expect_eq(cpu[3], id ? 1 : 3, "enabled; the first one boots");
		}
	}
}

Test(x86_mptable, interrupts)
{
	uint8_t buf[MPTABLE_ROOM];
	const uint8_t *p;
	unsigned irq, slot, pin;

	mptable_build(1, MPTABLE_ADDR, buf);
	cr_expect_eq(memcmp(find(buf, 1, 0), "\1\0PCI   ", 8), 0);
	cr_expect_eq(memcmp(find(buf, 1, 1), "\1\1ISA   ", 8), 0);
	cr_expect_eq(count(buf, 1), 2);
	p = find(buf, 2, 0);
	cr_expect_eq(p[3], 1);
	cr_expect_eq(get(p + 4, 4), IOAPIC_ADDR);
	for (irq = 0; irq < GSI_PCI_FIRST; irq++)
		cr_expect_eq(pin_of(buf, 1, irq), irq == 2 ? -1 : (int)irq);
	for (slot = 0; slot < 32; slot++)
		for (pin = 0; pin < 4; pin++)
			cr_expect_eq(pin_of(buf, 0, slot << 2 | pin),
				     (int)arch_intx_gsi(PCI_DEVFN(slot, 0), pin + 1));
	for (irq = 0; (p = find(buf, 3, irq)); irq++)
		cr_expect_eq(get(p + 1, 3), 0, "an interrupt, signalled as its bus does");
	cr_expect_eq(get(find(buf, 4, 0), 8), 0x00ff000100000304, "8259s at LINT0");
	cr_expect_eq(get(find(buf, 4, 1), 8), 0x01ff000100000104, "NMI at LINT1");
}
