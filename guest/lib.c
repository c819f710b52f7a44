/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* lib: see lib.h and ports.h. Freestanding, 32 bits, no floating point. */
#include <stdarg.h>
#include <stddef.h>

#include "lib.h"
#include "ports.h"

#define COM1	  0x3f8
#define LSR_EMPTY 0x20
#define LAPIC_SVR 0xf0
#define LAPIC_EOI 0xb0
/* The board's page for each device without a bus. */
#define MMIO_FIRST 0xf0000000u
#define MMIO_BYTES 0x1000u
#define MMIO_SLOTS 10
#define ECAM	   0xe0000000u
/* With -m 64M; programs are at 1 MiB. */
#define MEMORY	     0x400000u
#define RAM_END	     0x4000000u
#define PORT_SLEEP   0x600
#define SLEEP_S5     0x34 /* SLP_EN, SLP_TYP 5: ACPI 6.5, 4.8.3.7 */
#define QEMU_PM1_CNT 0x604

volatile uint32_t interrupts[256];

/* gcc may turn loops into calls of these. */
void *memset(void *to, int c, size_t n);
void *memcpy(void *to, const void *from, size_t n);

void *memset(void *to, int c, size_t n)
{
	volatile uint8_t *p = to;

	while (n--)
		*p++ = (uint8_t)c;
	return to;
}

void *memcpy(void *to, const void *from, size_t n)
{
	volatile uint8_t *p = to;
	const uint8_t *q = from;

	while (n--)
		*p++ = *q++;
	return to;
}

static void put(char c)
{
	while (!(inb(COM1 + 5) & LSR_EMPTY))
		;
	outb(COM1, (uint8_t)c);
}

static void put_number(uint32_t v, uint32_t base)
{
	char digits[11];
	int n = 0;

	do {
		digits[n++] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	while (n)
		put(digits[--n]);
}

static void put_argument(char kind, va_list *args)
{
	const char *s;

	switch (kind) {
	case 's':
		for (s = va_arg(*args, const char *); *s; s++)
			put(*s);
		break;
	case 'x':
		put_number(va_arg(*args, uint32_t), 16);
		break;
	case '%':
		put('%');
		break;
	default:
		put_number(va_arg(*args, uint32_t), 10);
	}
}

void print(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	for (; *fmt; fmt++)
		if (*fmt == '%')
			put_argument(*++fmt, &args);
		else if (*fmt == '\n')
			put('\r'), put('\n');
		else
			put(*fmt);
	va_end(args);
}

bool same(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

static void pci_select(unsigned devfn, unsigned reg)
{
	outl(0xcf8, 0x80000000u | devfn << 8 | (reg & 0xfc));
}

uint32_t pci_read(unsigned devfn, unsigned reg)
{
	pci_select(devfn, reg);
	return inl(0xcfc);
}

void pci_write(unsigned devfn, unsigned reg, uint32_t v)
{
	pci_select(devfn, reg);
	outl(0xcfc, v);
}

uintptr_t pci_memory(unsigned devfn, unsigned bar)
{
	return pci_read(devfn, 0x10 + 4 * bar) & ~0xfu;
}

uintptr_t mmio_slot(unsigned n)
{
	return n < MMIO_SLOTS ? MMIO_FIRST + n * MMIO_BYTES : 0;
}

/* Some KVMs emulate each instruction: the string ones are by far the fastest way. */
void fill_words(uintptr_t at, uint32_t bytes, uint32_t value)
{
	uint32_t n = bytes / 4;

	__asm__ volatile("cld; rep stosl" : "+c"(n), "+D"(at) : "a"(value) : "memory");
}

bool has_words(uintptr_t at, uint32_t bytes, uint32_t value)
{
	uint32_t n = bytes / 4;
	bool equal;

	__asm__ volatile("cld; repe scasl"
			 : "+c"(n), "+D"(at), "=@cce"(equal)
			 : "a"(value)
			 : "memory");
	return equal;
}

struct gate {
	uint16_t low, selector;
	uint8_t zero, type;
	uint16_t high;
} __attribute__((packed));

extern const uint8_t interrupt_stubs[];
static struct gate idt[256];

void interrupts_init(void)
{
	struct {
		uint16_t limit;
		uint32_t base;
	} __attribute__((packed)) pointer = {sizeof(idt) - 1, (uint32_t)idt};
	unsigned i;

	for (i = 0; i < 256; i++) {
		uint32_t stub = (uint32_t)(interrupt_stubs + 16 * i);

		idt[i] = (struct gate){(uint16_t)stub, 8, 0, 0x8e, (uint16_t)(stub >> 16)};
	}
	__asm__ volatile("lidt %0" : : "m"(pointer));
	/* The 8259s' vectors of old look like exceptions: mask them all. */
	outb(0x21, 0xff);
	outb(0xa1, 0xff);
	*reg32(LAPIC + LAPIC_SVR) = 0x1ff; /* software enable, spurious vector 255 */
}

void interrupt(uint32_t vector)
{
	if (vector < 32) {
		print("exception %u\n", vector);
		end("guest", "exception");
	}
	interrupts[vector]++;
	*reg32(LAPIC + LAPIC_EOI) = 0;
}

bool wait_for(volatile uint32_t *counter, uint32_t want)
{
	uint32_t patience = 20000000;

	__asm__ volatile("sti");
	while (*counter < want && patience--)
		__asm__ volatile("pause");
	__asm__ volatile("cli");
	return *counter >= want;
}

void board_find(struct board *b)
{
	interrupts_init();
	*b = (struct board){
		.memory = MEMORY,
		.ram_end = RAM_END,
		.n_others = 2,
		.others = {{LAPIC, "the interrupt controller"}, {ECAM, "configuration space"}}};
}

void end(const char *name, const char *failure)
{
	if (failure)
		print("%s: FAIL %s\n", name, failure);
	else
		print("%s: PASS\n", name);
	outb(PORT_SLEEP, SLEEP_S5);
	__asm__ volatile("outw %0, %1" : : "a"((uint16_t)0x2000), "Nd"((uint16_t)QEMU_PM1_CNT));
	for (;;)
		__asm__ volatile("cli; hlt");
}

/* struct hvm_start_info: magic, version, flags, nr_modules, modlist (8), cmdline (8), … */
const char *command_line(const void *start_info)
{
	const uint32_t *info = start_info;

	return info[6] ? (const char *)info[6] : "";
}
