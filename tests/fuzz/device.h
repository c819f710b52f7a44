/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * device: a virtio device behind its real transport, in a machine without KVM, driven by a fuzzer's
 * input. A target for a device is one call: see rng.c.
 *
 * The input is little-endian:
 *	8 bytes		features that the driver accepts, of those offered
 *	1 byte		how many operations follow
 *	1 byte		its lowest bit: the device is on no bus (MMIO), and not a PCI function
 *	6 bytes		nothing
 *	8 bytes each	operations: what (enum fuzz_what), log2 of a width, 16-bit offset, 32-bit
 *value the rest	guest memory, from address 0 on
 *
 * Rings of 8 entries lie at the start of memory, FUZZ_RING_BYTES each. They are enabled and the
 *device started before the first operation, so that an input may be no more than rings.
 */
#ifndef CARILLON_FUZZ_DEVICE_H
#define CARILLON_FUZZ_DEVICE_H

#include "../../virtio/device.h"

#define FUZZ_MEMORY	(64 * KIB)
#define FUZZ_RING	8 /* entries */
#define FUZZ_RING_BYTES 256
#define FUZZ_DRIVER	128 /* offset of the driver area */
#define FUZZ_DEVICE	160

enum fuzz_what {
	FUZZ_WRITE, /* a register, in BAR 0 or the device's page, at the offset */
	FUZZ_READ,
	FUZZ_KICK,	   /* the queue of that number, and serve it */
	FUZZ_MEMORY_WRITE, /* 32 bits of guest memory */
	FUZZ_CONFIG,	   /* 32 bits of configuration space, where there is one */
	FUZZ_START,	   /* reset, and start as at the beginning */
	FUZZ_WHATS,
};

/* Makes the device of a run. 0, or -errno: there is none, and the run is over. */
typedef int fuzz_create(struct virtio *v, struct virtio_device **out, struct error *err);

/* One run: make the device, do what the input says, give everything back. */
void fuzz_device(fuzz_create *create, const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
