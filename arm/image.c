/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The header of an Image, and where in RAM its parts go. Pure. */
#include "image.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "boot.h"

#define MAGIC		0x644d5241 /* "ARM\x64" */
#define MAGIC_AT	56
#define HEADER_SIZE	64
#define TEXT_OFFSET	8
#define IMAGE_SIZE	16
#define FLAGS		24
#define FLAG_BIG_ENDIAN 1
/* Before Linux 3.17 image_size was 0, and text_offset not to be trusted. */
#define OLD_TEXT_OFFSET 0x80000
/* Of the PE file: where its header is; in that, and in a section's entry. */
#define PE_AT		 60
#define PE_SIZE		 24
#define PE_SECTIONS	 4 /* in the upper half */
#define PE_OPTIONAL_SIZE 20
#define SECTION_SIZE	 40
#define SECTION_RAW_SIZE 16
#define SECTION_RAW_AT	 20
#define BLOCK		 (2 * MIB)
/* Guests with 64K pages free the initrd page by page. */
#define GUEST_PAGE_MAX (64 * KIB)

static uint64_t field(const uint8_t *head, unsigned offset)
{
	uint64_t v;

	memcpy(&v, head + offset, sizeof(v));
	return le64toh(v);
}

/* Not the lower half of field(): a field may be the last of the head. */
static uint32_t field32(const uint8_t *head, unsigned offset)
{
	uint32_t v;

	memcpy(&v, head + offset, sizeof(v));
	return le32toh(v);
}

static int refuse(const uint8_t *head, struct error *err)
{
	const char *compression = boot_compression(head);

	if (compression)
		return fail(err, ENOEXEC, "is compressed with %s; unpack it", compression);
	/* An EFI zboot image, as CONFIG_EFI_ZBOOT makes it. */
	if (!memcmp(head, "MZ", 2) && !memcmp(head + 4, "zimg", 4))
		return fail(err, ENOEXEC, "is a compressed EFI image; use the kernel's Image");
	return fail(err, ENOEXEC, "is no 64-bit ARM Image");
}

/*
 * An Image with an EFI stub is a PE file too (Microsoft's PE format: COFF header, section table),
 * and as such says where its last section ends: the only way to see that the file's end is
 * missing. 0: it doesn't say.
 */
static uint64_t pe_end(const uint8_t head[IMAGE_HEAD])
{
	uint32_t pe = field32(head, PE_AT), section, n;
	uint64_t end = 0;

	if (memcmp(head, "MZ", 2) || pe > IMAGE_HEAD - PE_SIZE || memcmp(head + pe, "PE\0", 4))
		return 0;
	n = field32(head, pe + PE_SECTIONS) >> 16;
	section = pe + PE_SIZE + (field32(head, pe + PE_OPTIONAL_SIZE) & 0xffff);
	for (; n && section <= IMAGE_HEAD - SECTION_SIZE; n--, section += SECTION_SIZE) {
		uint64_t last = (uint64_t)field32(head, section + SECTION_RAW_AT) +
				field32(head, section + SECTION_RAW_SIZE);

		end = last > end ? last : end;
	}
	return end;
}

int image_header(const uint8_t head[IMAGE_HEAD], uint64_t file_size, struct image *out,
		 struct error *err)
{
	if (field32(head, MAGIC_AT) != MAGIC)
		return refuse(head, err);
	if (file_size < HEADER_SIZE)
		return fail(err, ENOEXEC, "is truncated: %llu of its header's %d bytes are there",
			    (unsigned long long)file_size, HEADER_SIZE);
	if (field(head, FLAGS) & FLAG_BIG_ENDIAN)
		return fail(err, ENOEXEC, "is a big-endian kernel; use a little-endian one");
	*out = (struct image){field(head, TEXT_OFFSET), field(head, IMAGE_SIZE)};
	if (pe_end(head) > file_size)
		return fail(err, ENOEXEC, "is truncated: %llu of %llu bytes are there",
			    (unsigned long long)file_size, (unsigned long long)pe_end(head));
	if (!out->size)
		*out = (struct image){OLD_TEXT_OFFSET, file_size};
	if (out->size < file_size)
		out->size = file_size;
	if (out->text_offset >= BLOCK)
		return fail(err, ENOEXEC, "is damaged: its text offset is 0x%llx",
			    (unsigned long long)out->text_offset);
	return 0;
}

/* Room in a bank, carved from its beginning; false: none. align is a power of two. */
static bool carve(struct range *bank, uint64_t align, uint64_t offset, uint64_t size, uint64_t *at)
{
	uint64_t skip = align_up(bank->base, align) - bank->base + offset;

	if (skip > bank->size || bank->size - skip < size)
		return false;
	*at = bank->base + skip;
	bank->base += skip + size;
	bank->size -= skip + size;
	return true;
}

/* Rounded up, without overflow: a damaged header may hold any size. */
static unsigned long long kib(uint64_t bytes)
{
	return bytes / KIB + !!(bytes % KIB);
}

int image_place(const struct image *image, uint64_t initrd_size, const struct range *ram,
		unsigned n_ram, struct image_places *out, struct error *err)
{
	uint64_t largest = 0;
	unsigned i;

	for (i = 0; i < n_ram; i++) {
		struct range bank = ram[i];

		if (carve(&bank, BLOCK, image->text_offset, image->size, &out->kernel) &&
		    carve(&bank, DTB_ROOM, 0, DTB_ROOM, &out->dtb) &&
		    carve(&bank, GUEST_PAGE_MAX, 0, initrd_size, &out->initrd))
			return 0;
		if (ram[i].size > largest)
			largest = ram[i].size;
	}
	return fail(err, ENOMEM,
		    "kernel (%llu KiB), device tree (2 MiB) and initrd (%llu KiB) do not fit one "
		    "piece of guest memory, the largest being %llu MiB; give the guest more with "
		    "-m",
		    kib(image->size), kib(initrd_size), largest / MIB);
}
