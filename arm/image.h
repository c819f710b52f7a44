/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* image: the arm64 kernel's Image (Linux, Documentation/arch/arm64/booting.rst). Pure. */
#ifndef CARILLON_ARM_IMAGE_H
#define CARILLON_ARM_IMAGE_H

#include "arch.h"

/* Bytes of the kernel's beginning that the checks look at: its header and that of its PE file. */
#define IMAGE_HEAD 1024
/* The device tree may have so much, and begins at a multiple of it: one block maps it. */
#define DTB_ROOM (2 * MIB)

struct image {
	uint64_t text_offset; /* from a 2 MiB boundary */
	uint64_t size;	      /* in memory, what follows the file's end included */
};

/* Where everything goes, guest-physical. */
struct image_places {
	uint64_t kernel, dtb, initrd;
};

/* head: the file's first bytes, zeros behind its end. */
int image_header(const uint8_t head[IMAGE_HEAD], uint64_t file_size, struct image *out,
		 struct error *err);
/*
 * Kernel, device tree and initrd (initrd_size 0: none), in this order and without a common page, in
 * the first bank of RAM that holds them all: the kernel then finds them in its linear mapping.
 */
int image_place(const struct image *image, uint64_t initrd_size, const struct range *ram,
		unsigned n_ram, struct image_places *out, struct error *err);

#endif
