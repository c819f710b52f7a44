/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* ports: what is x86's own in bare-metal guests: ports, the local APIC, interrupts. */
#ifndef CARILLON_GUEST_PORTS_H
#define CARILLON_GUEST_PORTS_H

#include <stdbool.h>
#include <stdint.h>

/* Where messages of devices go, with an interrupt vector for the first CPU as their data. */
#define LAPIC	     0xfee00000u
#define FIRST_VECTOR 0x40

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

/* Local APIC on, vectors 32 to 255 counted in interrupts[]; exceptions end the guest. */
extern volatile uint32_t interrupts[256];
void interrupts_init(void);
/* Let interrupts in until *counter >= want; false if that takes too long. */
bool wait_for(volatile uint32_t *counter, uint32_t want);
void interrupt(uint32_t vector);

#endif
