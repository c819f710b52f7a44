/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* lib: what bare-metal guests share: ports, the serial line, PCI, the local APIC, the end. */
#ifndef CARILLON_GUEST_LIB_H
#define CARILLON_GUEST_LIB_H

#include <stdbool.h>
#include <stdint.h>

static inline void outb(uint16_t port, uint8_t v)
{
	__asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}

static inline uint8_t inb(uint16_t port)
{
	uint8_t v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline void outl(uint16_t port, uint32_t v)
{
	__asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port));
}

static inline uint32_t inl(uint16_t port)
{
	uint32_t v;

	__asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline volatile uint32_t *reg32(uint32_t addr)
{
	return (volatile uint32_t *)addr;
}

/* %s %d %u %x and %%; 32-bit numbers. */
void print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
bool same(const char *a, const char *b);

/* By CF8/CFC, bus 0. */
uint32_t pci_read(unsigned devfn, unsigned reg);
void pci_write(unsigned devfn, unsigned reg, uint32_t v);
/* The devfn of vendor:device, or -1. */
int pci_find(uint16_t vendor, uint16_t device);
/* The offset of a capability, 0 if none. */
unsigned pci_capability(unsigned devfn, uint8_t id);

/* Local APIC on, vectors 32 to 255 counted in interrupts[]; exceptions end the guest. */
extern volatile uint32_t interrupts[256];
void interrupts_init(void);
/* Let interrupts in until *counter >= want; false if that takes too long. */
bool wait_for(volatile uint32_t *counter, uint32_t want);

/* Print "NAME: PASS" or "NAME: FAIL what" and power off. */
void end(const char *name, const char *failure) __attribute__((noreturn));
/* The command line. */
const char *command_line(const void *start_info);
void guest_main(const void *start_info);
void interrupt(uint32_t vector);

#endif
