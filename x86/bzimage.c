/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * bzImage by the 64-bit boot protocol (Linux, Documentation/arch/x86/boot.rst). Zero page and
 * setup header are the structs of <asm/bootparam.h>.
 */
#include <asm/bootparam.h>
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "protocol.h"
#include "layout.h"

#define HEADER_OFFSET	       0x1f1
#define HEADER_MAGIC	       0x53726448 /* "HdrS" */
#define BOOT_FLAG	       0xaa55
#define VERSION_MIN	       0x020c /* 2.12: xloadflags */
#define SECTOR		       512
#define ENTRY_64	       0x200
#define LOADER_UNKNOWN	       0xff
#define VIDEO_MODE_ASK_NOTHING 0xffff

static struct setup_header get_header(const uint8_t head[BOOT_HEAD])
{
	struct setup_header h;

	memcpy(&h, head + HEADER_OFFSET, sizeof(h));
	return h;
}

bool bzimage_is(const uint8_t head[BOOT_HEAD])
{
	struct setup_header h = get_header(head);

	return h.boot_flag == BOOT_FLAG && h.header == HEADER_MAGIC;
}

static int check_header(const struct setup_header *h, const struct bzimage *k, struct error *err)
{
	if (h->version < VERSION_MIN)
		return fail(err, ENOEXEC,
			    "speaks boot protocol %u.%02u; a kernel of 2.12 (Linux 3.8) or later "
			    "is needed",
			    h->version >> 8, h->version & 0xff);
	/* The jump over the header says where it ends. */
	if (k->header_size < offsetof(struct setup_header, init_size) + sizeof(h->init_size))
		return fail(err, ENOEXEC, "its setup header is cut short");
	if (!(h->loadflags & LOADED_HIGH))
		return fail(err, ENOEXEC, "is a zImage, which loads low; a bzImage is needed");
	if (!(h->xloadflags & XLF_KERNEL_64))
		return fail(err, ENOEXEC, "is a 32-bit kernel; a 64-bit one is needed");
	return 0;
}

/* Where the kernel goes, and how far it reaches while it unpacks itself. */
static int place_kernel(const struct setup_header *h, uint64_t low_end, struct bzimage *k,
			struct error *err)
{
	/* Loaded lower than pref_address it would move itself up to there all the same. */
	uint64_t run = h->pref_address;
	uint64_t room = k->size > h->init_size ? k->size : h->init_size;

	k->load = h->relocatable_kernel ? run : HIGH_MEMORY_ADDR;
	if (run < HIGH_MEMORY_ADDR || run % GUEST_PAGE)
		return fail(err, ENOEXEC, "wants to be loaded at 0x%" PRIx64 ", which can't be",
			    run);
	if (run >= low_end || room > low_end - run)
		return fail(err, ENOMEM,
			    "needs %llu MiB of memory at %llu MiB, the guest's ends at %llu MiB; "
			    "give it more with -m",
			    align_up(room, MIB) / MIB, run / MIB, low_end / MIB);
	k->end = run + room;
	return 0;
}

int bzimage_plan(const uint8_t head[BOOT_HEAD], uint64_t file_size, uint64_t low_end,
		 struct bzimage *out, struct error *err)
{
	struct setup_header h = get_header(head);
	uint64_t sectors = h.setup_sects ? h.setup_sects : 4;
	int ret;

	/* The second byte of the short jump at 0x200 counts from 0x202. */
	*out = (struct bzimage){.header_size = 0x202 + (h.jump >> 8) - HEADER_OFFSET};
	if (out->header_size > sizeof(h))
		out->header_size = sizeof(h);
	ret = check_header(&h, out, err);
	if (ret)
		return ret;
	out->offset = (sectors + 1) * SECTOR;
	if (file_size <= out->offset || file_size - out->offset < h.syssize * 16ULL)
		return fail(err, ENOEXEC, "is truncated: %" PRIu64 " bytes of at least %llu",
			    file_size, out->offset + h.syssize * 16ULL);
	out->size = file_size - out->offset;
	out->initrd_highest = h.initrd_addr_max;
	out->cmdline_limit = h.cmdline_size;
	return place_kernel(&h, low_end, out, err);
}

static void fill_memory_map(struct boot_params *zero, const struct arch_layout *layout)
{
	struct memory_entry map[MEMORY_ENTRIES_MAX];
	unsigned n = memory_map(layout, map), i;

	for (i = 0; i < n; i++)
		zero->e820_table[i] = (struct boot_e820_entry){
			.addr = map[i].range.base, .size = map[i].range.size, .type = map[i].type};
	zero->e820_entries = (uint8_t)n;
}

static int write_zero_page(struct boot *b, const struct bzimage *k, struct error *err)
{
	struct boot_params zero = {0};

	memcpy(&zero.hdr, b->head + HEADER_OFFSET, k->header_size);
	zero.hdr.type_of_loader = LOADER_UNKNOWN;
	zero.hdr.vid_mode = VIDEO_MODE_ASK_NOTHING;
	zero.hdr.cmd_line_ptr = CMDLINE_ADDR;
	zero.hdr.ramdisk_image = (uint32_t)b->initrd_at.base;
	zero.hdr.ramdisk_size = (uint32_t)b->initrd_at.size;
	zero.hdr.setup_data = 0;
	zero.acpi_rsdp_addr = ACPI_ADDR;
	fill_memory_map(&zero, b->layout);
	return boot_write(b, ZERO_PAGE_ADDR, &zero, sizeof(zero), err);
}

int bzimage_load(struct boot *b, struct error *err)
{
	struct bzimage k;
	int ret = bzimage_plan(b->head, b->kernel.size, b->layout->ram[0].size, &k, err);

	if (ret) {
		error_prefix(err, "%s", b->kernel.path);
		return ret;
	}
	ret = boot_load(&b->kernel, k.offset, k.size, &b->vm->memory, k.load, err);
	if (!ret)
		ret = boot_initrd(b, k.initrd_highest, k.end, err);
	if (!ret)
		ret = boot_cmdline(b, k.cmdline_limit, err);
	if (!ret)
		ret = write_zero_page(b, &k, err);
	b->entry = (struct boot_entry){
		.long_mode = true, .address = k.load + ENTRY_64, .info = ZERO_PAGE_ADDR};
	return ret;
}
