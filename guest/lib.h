/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * lib: what guest programs share that drive devices themselves, on the bare machine (x86: lib.c) or
 * as a process of Linux (linux.c). Either way guest-physical addresses are pointers.
 */
#ifndef CARILLON_GUEST_LIB_H
#define CARILLON_GUEST_LIB_H

#include <stdbool.h>
#include <stdint.h>

static inline volatile uint32_t *reg32(uintptr_t addr)
{
	return (volatile uint32_t *)addr;
}

/* %s %d %u %x and %%; 32-bit numbers. */
void print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
bool same(const char *a, const char *b);

/* Memory as words of one value; bytes is a multiple of 4. */
void fill_words(uintptr_t at, uint32_t bytes, uint32_t value);
bool has_words(uintptr_t at, uint32_t bytes, uint32_t value);

/* The first bus. */
uint32_t pci_read(unsigned devfn, unsigned reg);
void pci_write(unsigned devfn, unsigned reg, uint32_t v);
/* Where a memory BAR is. */
uintptr_t pci_memory(unsigned devfn, unsigned bar);
/* The devfn of vendor:device, or -1. */
int pci_find(uint16_t vendor, uint16_t device);
/* The offset of a capability, 0 if none. */
unsigned pci_capability(unsigned devfn, uint8_t id);

/* The page of the nth virtio device without a bus; 0: the board has no more. */
uintptr_t mmio_slot(unsigned n);

#define BOARD_MEMORY	 0x200000u
#define BOARD_OTHERS_MAX 8
#define BOARD_NAME	 32

/* The machine, guest-physical. */
struct board {
	uintptr_t memory; /* BOARD_MEMORY bytes that are the program's own */
	uint64_t ram_end;
	unsigned n_others;
	struct {
		uint64_t address;
		char name[BOARD_NAME];
	} others[BOARD_OTHERS_MAX]; /* what is there beside RAM */
};

/* On the bare machine exceptions end the guest afterwards. */
void board_find(struct board *b);

/* Print "NAME: PASS" or "NAME: FAIL what" and end: the guest, or the process. */
void end(const char *name, const char *failure) __attribute__((noreturn));
/* The command line. */
const char *command_line(const void *start_info);
void guest_main(const void *start_info);

#endif
