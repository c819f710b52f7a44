/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The kernel's Image: which headers are taken, and where in RAM everything goes. */
#include <criterion/criterion.h>
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../../arm/image.h"

#define PE	 64
#define SECTIONS (PE + 24 + 160)

static uint8_t *head; /* of the heap: ASan sees what is read beyond it */
static struct image image;
static struct error err;

static void put(unsigned at, uint64_t value, unsigned size)
{
	value = htole64(value);
	memcpy(head + at, &value, size);
}

/* booting.rst, "Call the kernel image": what Linux 6.12 for Debian has there. */
static void start(void)
{
	head = calloc(1, IMAGE_HEAD);
	put(0, 0x91005a4d, 4);	/* add x13, x18, #0x16: also "MZ" */
	put(16, 0x2a00000, 8);	/* image_size */
	put(24, 0xa, 8);	/* 4K pages, anywhere */
	put(56, 0x644d5241, 4); /* "ARM\x64" */
	put(60, PE, 4);
	memcpy(head + PE, "PE\0", 4);
	put(PE + 6, 2, 2);    /* sections */
	put(PE + 20, 160, 2); /* optional header */
	put(SECTIONS + 16, 0x1000000, 4);
	put(SECTIONS + 20, 0x10000, 4);
	put(SECTIONS + 40 + 16, 0xe00000, 4);
	put(SECTIONS + 40 + 20, 0x1010000, 4);
}

static void finish(void)
{
	free(head);
}

TestSuite(arm64_image, .init = start, .fini = finish);

#define FILE_SIZE 0x1e10000 /* where the last section ends */

static void refuses(uint64_t size, const char *text)
{
	cr_assert_eq(image_header(head, size, &image, &err), -ENOEXEC);
	cr_expect_str_eq(err.text, text);
}

Test(arm64_image, header)
{
	cr_assert_eq(image_header(head, FILE_SIZE, &image, &err), 0, "%s", err.text);
	cr_expect_eq(image.text_offset, 0);
	cr_expect_eq(image.size, 0x2a00000);
	put(8, 0x80000, 8);
	cr_assert_eq(image_header(head, FILE_SIZE, &image, &err), 0, "%s", err.text);
	cr_expect_eq(image.text_offset, 0x80000);
	put(8, 0x1ff000, 8);
	cr_assert_eq(image_header(head, FILE_SIZE, &image, &err), 0);
}

Test(arm64_image, no_image)
{
	put(56, 0, 4);
	refuses(FILE_SIZE, "is no 64-bit ARM Image");
	memcpy(head + 4, "zimg", 4);
	refuses(FILE_SIZE, "is a compressed EFI image; use the kernel's Image");
	memcpy(head, "\x1f\x8b\x08", 4);
	refuses(FILE_SIZE, "is compressed with gzip; unpack it");
	memset(head, 0, IMAGE_HEAD);
	refuses(0, "is no 64-bit ARM Image");
}

Test(arm64_image, damaged)
{
	put(24, 0xb, 8);
	refuses(FILE_SIZE, "is a big-endian kernel; use a little-endian one");
	put(24, 0xa, 8);
	put(8, 2 * MIB, 8);
	refuses(FILE_SIZE, "is damaged: its text offset is 0x200000");
	put(8, UINT64_MAX, 8);
	refuses(FILE_SIZE, "is damaged: its text offset is 0xffffffffffffffff");
}

Test(arm64_image, truncated)
{
	refuses(FILE_SIZE - 1, "is truncated: 31522815 of 31522816 bytes are there");
	refuses(IMAGE_HEAD, "is truncated: 1024 of 31522816 bytes are there");
	refuses(64, "is truncated: 64 of 31522816 bytes are there");
	refuses(63, "is truncated: 63 of its header's 64 bytes are there");
	/* The end of the last section, not the end of the section that is last. */
	put(SECTIONS + 20, 0x4000000, 4);
	refuses(FILE_SIZE, "is truncated: 31522816 of 83886080 bytes are there");
	put(SECTIONS + 16, UINT32_MAX, 4);
	put(SECTIONS + 20, UINT32_MAX, 4);
	refuses(FILE_SIZE, "is truncated: 31522816 of 8589934590 bytes are there");
	/* Without an EFI stub there is nothing to know it by. */
	put(0, 0x14000000, 4);
	cr_assert_eq(image_header(head, FILE_SIZE, &image, &err), 0);
}

Test(arm64_image, sizes)
{
	/* A file longer than its memory is needed whole. */
	put(16, 0x1000000, 8);
	cr_assert_eq(image_header(head, FILE_SIZE, &image, &err), 0);
	cr_expect_eq(image.size, FILE_SIZE);
	/* Before Linux 3.17: neither size nor offset. */
	put(16, 0, 8);
	put(8, htobe64(0x80000), 8);
	cr_assert_eq(image_header(head, FILE_SIZE, &image, &err), 0);
	cr_expect_eq(image.size, FILE_SIZE);
	cr_expect_eq(image.text_offset, 0x80000);
}

/* Whatever the file says, nothing is read beyond its head, and what is taken is sound. */
Test(arm64_image, random_headers)
{
	unsigned i, k, taken = 0;

	srandom(1);
	for (i = 0; i < 20000; i++) {
		for (k = 0; k < IMAGE_HEAD; k++)
			head[k] = (uint8_t)random();
		memcpy(head, "MZ", 2);
		put(56, 0x644d5241, 4);
		put(24, 0, 1);
		put(8, (uint64_t)random() % (3 * MIB), 8);
		put(60, (uint64_t)random() % (IMAGE_HEAD + 8), 4);
		for (k = 0; k < 4 && head[60] + 256 * head[61] + k < IMAGE_HEAD; k++)
			head[head[60] + 256 * head[61] + k] = (uint8_t) "PE\0"[k];
		if (image_header(head, FILE_SIZE, &image, &err))
			continue;
		cr_assert_geq(image.size, FILE_SIZE);
		cr_assert_lt(image.text_offset, 2 * MIB);
		taken++;
	}
	cr_assert_gt(taken, 100);
}

/* ---- places --------------------------------------------------------------------------------- */

static const struct range bank = {0x40000000, 256 * MIB};

static int place(uint64_t text_offset, uint64_t size, uint64_t initrd, const struct range *ram,
		 unsigned n, struct image_places *at)
{
	struct image i = {text_offset, size};

	return image_place(&i, initrd, ram, n, at, &err);
}

Test(arm64_image, places)
{
	struct image_places at;

	cr_assert_eq(place(0, 0x2a00000, 5 * MIB, &bank, 1, &at), 0);
	cr_expect_eq(at.kernel, 0x40000000);
	cr_expect_eq(at.dtb, 0x42a00000);
	cr_expect_eq(at.initrd, 0x42c00000);
	cr_assert_eq(place(0x80000, 0x2a00000, 0, &bank, 1, &at), 0);
	cr_expect_eq(at.kernel, 0x40080000);
	cr_expect_eq(at.dtb, 0x42c00000);
}

Test(arm64_image, to_the_last_byte)
{
	struct image_places at;
	uint64_t rest = 256 * MIB - 0x2a00000 - DTB_ROOM;

	cr_assert_eq(place(0, 0x2a00000, rest, &bank, 1, &at), 0);
	cr_expect_eq(at.initrd + rest, bank.base + bank.size);
	cr_assert_eq(place(0, 0x2a00000, rest + 1, &bank, 1, &at), -ENOMEM);
	cr_expect_str_eq(err.text,
			 "kernel (43008 KiB), device tree (2 MiB) and initrd (217089 KiB) "
			 "do not fit one piece of guest memory, the largest being 256 "
			 "MiB; give the guest more with -m");
	/* No initrd needs no room. */
	cr_assert_eq(place(0, 254 * MIB, 0, &bank, 1, &at), 0);
	cr_expect_eq(at.dtb, bank.base + 254 * MIB);
	cr_assert_eq(place(1, 254 * MIB, 0, &bank, 1, &at), -ENOMEM);
}

Test(arm64_image, the_first_piece_that_holds_all)
{
	const struct range ram[] = {{0, 0x3000000}, {0x8200000, 0x8000000}, {GIB, GIB}};
	struct image_places at;

	cr_assert_eq(place(0, 0x2a00000, MIB, ram, 3, &at), 0);
	cr_expect_eq(at.kernel, 0);
	cr_assert_eq(place(0, 0x2a00000, 5 * MIB, ram, 3, &at), 0);
	cr_expect_eq(at.kernel, 0x8200000);
	cr_assert_eq(place(0, 0x2a00000, 256 * MIB, ram, 3, &at), 0);
	cr_expect_eq(at.kernel, GIB);
}

Test(arm64_image, sizes_that_a_damaged_header_makes_up)
{
	static const uint64_t huge[] = {UINT64_MAX, UINT64_MAX - MIB, 1ULL << 63, 1ULL << 40};
	const struct range high = {0xff000000000, 256 * MIB};
	struct image_places at;
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(huge); i++) {
		cr_expect_eq(place(0x1ff000, huge[i], 0, &high, 1, &at), -ENOMEM);
		cr_expect_eq(place(0, MIB, huge[i], &high, 1, &at), -ENOMEM);
	}
	cr_assert_eq(place(0, UINT64_MAX, 0, &bank, 1, &at), -ENOMEM);
	cr_expect(strstr(err.text, "kernel (18014398509481984 KiB)"), "%s", err.text);
	cr_assert_eq(place(0, MIB, 0, &bank, 0, &at), -ENOMEM);
}

static uint64_t random_size(unsigned bits)
{
	return ((uint64_t)random() << 31 | (uint64_t)random()) >> (62 - (unsigned)random() % bits);
}

static struct range whole(uint64_t base, uint64_t size)
{
	uint64_t end = align_up(base + size, 64 * KIB);

	base = align_down(base, 64 * KIB);
	return (struct range){base, end - base};
}

Test(arm64_image, random_places)
{
	unsigned i, k, good = 0, bad = 0;

	srandom(1);
	for (i = 0; i < 50000; i++) {
		struct range ram[3];
		uint64_t at = 0, text = random_size(21), size = 1 + random_size(27);
		uint64_t initrd = random() % 3 ? random_size(28) : 0;
		struct image_places p;
		bool held = false;

		for (k = 0; k < 3; k++) {
			ram[k].base = at + align_down(random_size(31), 4096);
			ram[k].size = 4096 + align_down(random_size(29), 4096);
			at = ram[k].base + ram[k].size;
		}
		if (place(text, size, initrd, ram, 3, &p)) {
			/* Alignment costs less than two blocks before and one after the kernel. */
			for (k = 0; k < 3; k++)
				cr_assert_lt(ram[k].size,
					     size + text + initrd + DTB_ROOM + 6 * MIB);
			bad++;
			continue;
		}
		cr_assert_eq((p.kernel - text) % (2 * MIB), 0);
		cr_assert_eq(p.dtb % (2 * MIB), 0);
		for (k = 0; k < 3; k++)
			held |= range_contains(ram[k],
					       (struct range){p.kernel - text, text + size}) &&
				range_contains(ram[k], (struct range){p.dtb, DTB_ROOM}) &&
				(!initrd ||
				 range_contains(ram[k], (struct range){p.initrd, initrd}));
		cr_assert(held, "all in one piece");
		cr_assert(!ranges_overlap(whole(p.kernel, size), whole(p.dtb, DTB_ROOM)));
		if (initrd) {
			cr_assert(!ranges_overlap(whole(p.kernel, size), whole(p.initrd, initrd)));
			cr_assert(!ranges_overlap(whole(p.dtb, DTB_ROOM), whole(p.initrd, initrd)));
		}
		good++;
	}
	cr_assert_gt(good, 5000);
	cr_assert_gt(bad, 5000);
}
