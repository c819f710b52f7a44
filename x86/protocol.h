/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * protocol: from files to a guest that is ready to run: the two boot protocols and what they share.
 * The plans (bzimage_plan, elf_header, elf_segment, pvh_note, initrd_place) are pure: they take
 * bytes of files, which may be hostile, and decide; the rest carries out.
 */
#ifndef CARILLON_X86_PROTOCOL_H
#define CARILLON_X86_PROTOCOL_H

#include "arch.h"
#include "boot.h"

/* Bytes of the kernel's beginning that the checks look at. */
#define BOOT_HEAD 1024

/* How the first vCPU begins. */
struct boot_entry {
	bool long_mode;	  /* paging by identity, rsi = info; else 32-bit flat, ebx = info */
	uint64_t address; /* of the first instruction */
	uint64_t info;	  /* zero page or PVH start info */
};

struct boot {
	struct vm *vm;
	const struct arch_parts *parts;
	const struct arch_config *config;
	const struct arch_layout *layout;
	struct boot_file kernel, initrd; /* initrd.path NULL: none */
	uint8_t head[BOOT_HEAD];	 /* zeros follow where the kernel is shorter */
	struct range initrd_at;		 /* guest-physical; size 0: none */
	struct boot_entry entry;	 /* out */
};

/* ---- what both protocols do (boot.c) ------------------------------------------------------- */

/* Pure. As high as it may lie: below low_end and at or below `highest`, above kernel_end. */
int initrd_place(uint64_t size, uint64_t low_end, uint64_t highest, uint64_t kernel_end,
		 uint64_t *gpa, struct error *err);
/* Place and load the initrd, if there is one. */
int boot_initrd(struct boot *b, uint64_t highest, uint64_t kernel_end, struct error *err);
/* Pure. Where in the parameters init's own words begin: at the first word "--", or at the end. */
size_t cmdline_init_words(const char *params);
/* Pure. The parameters with a word for each virtio device over MMIO, before init's own. */
void cmdline_build(const char *params, unsigned n_slots, struct text *out);
/* Write the command line; limit: the longest the kernel takes, without the NUL. */
int boot_cmdline(struct boot *b, uint64_t limit, struct error *err);
/* Copy into guest memory what belongs to the machine; false only if the layout were wrong. */
int boot_write(struct boot *b, uint64_t gpa, const void *data, uint64_t n, struct error *err);

/* ---- bzImage (bzimage.c) ------------------------------------------------------------------- */

struct bzimage {
	uint64_t offset, size; /* of the protected-mode kernel within the file */
	uint64_t load;	       /* its guest-physical address */
	uint64_t end;	       /* of what it uses before it reads the memory map */
	uint64_t initrd_highest;
	uint64_t cmdline_limit;
	uint64_t header_size; /* of the setup header, from 0x1f1 */
};

bool bzimage_is(const uint8_t head[BOOT_HEAD]);
/* low_end: RAM from 0 to there. */
int bzimage_plan(const uint8_t head[BOOT_HEAD], uint64_t file_size, uint64_t low_end,
		 struct bzimage *out, struct error *err);
int bzimage_load(struct boot *b, struct error *err);

/* ---- ELF with a PVH note (elf.c, pvh.c) ---------------------------------------------------- */

/* An x86 program. */
int elf_header(const uint8_t head[BOOT_HEAD], uint64_t file_size, struct elf *out,
	       struct error *err);
/* boot_elf_segment(), and the segment lies in RAM where the boot protocol has nothing of its own.
 */
int elf_segment(const struct elf *elf, const uint8_t *phdr, uint64_t file_size, uint64_t low_end,
		struct elf_segment *out, struct error *err);
/* Look for XEN_ELFNOTE_PHYS32_ENTRY among notes; 0, or -ENOENT. */
int pvh_note(const uint8_t *notes, uint64_t n, uint64_t align, uint64_t *entry);
int elf_load(struct boot *b, struct error *err);
/* Start info, module list, memory map. */
int pvh_info(struct boot *b, struct error *err);

#endif
