/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What barrecord, in the host, hands to barwalk, in a guest: the bytes of a device's BARs as they
 * are read in each width. A file is a struct record, then struct run after struct run, each with
 * its bytes behind it, in the order of the machine.
 */
#ifndef CARILLON_GUEST_BARWALK_H
#define CARILLON_GUEST_BARWALK_H

#include <stdint.h>

#define BARS	  6
#define WIDTH_MAX 8

struct record {
	uint64_t page_size;   /* of the host */
	uint64_t sizes[BARS]; /* of the device's BARs, bytes; 0: it has none */
	uint8_t mmap[8];      /* by BAR: the kernel lets user space map it */
};

/* So many bytes of a BAR, which were read `width` at a time. */
struct run {
	uint32_t bar, width;
	uint64_t offset, size;
};

/*
 * One load or store of exactly this width. Never inlined: a compiler that is free to choose the
 * address's form may take one that moves the pointer on, which hypervisors can't emulate.
 */
static __attribute__((noinline, unused)) uint64_t load(const volatile void *at, unsigned width)
{
	switch (width) {
	case 1:
		return *(const volatile uint8_t *)at;
	case 2:
		return *(const volatile uint16_t *)at;
	case 4:
		return *(const volatile uint32_t *)at;
	default:
		return *(const volatile uint64_t *)at;
	}
}

static __attribute__((noinline, unused)) void store(volatile void *at, unsigned width,
						    uint64_t value)
{
	switch (width) {
	case 1:
		*(volatile uint8_t *)at = (uint8_t)value;
		break;
	case 2:
		*(volatile uint16_t *)at = (uint16_t)value;
		break;
	case 4:
		*(volatile uint32_t *)at = (uint32_t)value;
		break;
	default:
		*(volatile uint64_t *)at = value;
	}
}

#endif
