/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* ELF executables with a PVH note: checking and loading. All offsets are hostile. */
#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "protocol.h"
#include "layout.h"

#define NOTE_NAME "Xen"
/* Xen, public/elfnote.h: XEN_ELFNOTE_PHYS32_ENTRY */
#define NOTE_TYPE 18

/* Notes are small; a segment that claims more is not read further. */
#define ELF_NOTES_MAX (1 * MIB)

int elf_header(const uint8_t head[BOOT_HEAD], uint64_t file_size, struct elf *out,
	       struct error *err)
{
	int ret = boot_elf_header(head, file_size, out, err);

	if (!ret && out->machine != EM_386 && out->machine != EM_X86_64)
		ret = fail(err, ENOEXEC, "is an ELF file, but no x86 program");
	return ret;
}

int elf_segment(const struct elf *elf, const uint8_t *phdr, uint64_t file_size, uint64_t low_end,
		struct elf_segment *out, struct error *err)
{
	int ret = boot_elf_segment(elf, phdr, file_size, out, err);

	if (ret || out->type != PT_LOAD || !out->memsz)
		return ret;
	/* Below 1 MiB lie the boot protocol's own structures. */
	if (out->paddr < HIGH_MEMORY_ADDR)
		return fail(err, ENOEXEC, "has a segment at 0x%" PRIx64 ", below 1 MiB",
			    out->paddr);
	if (out->paddr >= low_end || out->memsz > low_end - out->paddr)
		return fail(err, ENOMEM,
			    "has a segment of 0x%" PRIx64 " bytes at 0x%" PRIx64
			    ", the guest's memory ends at 0x%" PRIx64 "; give it more with -m",
			    out->memsz, out->paddr, low_end);
	return 0;
}

int pvh_note(const uint8_t *notes, uint64_t n, uint64_t align, uint64_t *entry)
{
	/* The padding of a note segment is 4, or 8 where it says so (System V gABI, note section).
	 */
	uint64_t pad = align == 8 ? 8 : 4, desc, next;
	Elf32_Nhdr h;

	while (n >= sizeof(h)) {
		memcpy(&h, notes, sizeof(h));
		desc = align_up(sizeof(h) + h.n_namesz, pad);
		next = desc + align_up((uint64_t)h.n_descsz, pad);
		if (desc + h.n_descsz > n)
			return -ENOENT;
		if (h.n_type == NOTE_TYPE && h.n_namesz == sizeof(NOTE_NAME) &&
		    !memcmp(notes + sizeof(h), NOTE_NAME, sizeof(NOTE_NAME)) &&
		    (h.n_descsz == 4 || h.n_descsz == 8)) {
			*entry = 0;
			memcpy(entry, notes + desc, h.n_descsz);
			return 0;
		}
		if (next > n)
			return -ENOENT;
		notes += next;
		n -= next;
	}
	return -ENOENT;
}

static int read_note(struct boot *b, const struct elf_segment *s, uint64_t *entry,
		     struct error *err)
{
	uint64_t n = s->filesz < ELF_NOTES_MAX ? s->filesz : ELF_NOTES_MAX;
	uint8_t *notes = malloc(n + 1);
	int ret;

	if (!notes)
		return fail(err, ENOMEM, "%s: out of memory", b->kernel.path);
	ret = boot_read(&b->kernel, s->offset, notes, n, err);
	if (!ret && pvh_note(notes, n, s->align, entry))
		*entry = 0;
	free(notes);
	return ret;
}

/* All segments: loads each, finds the entry point and the end of the highest. */
static int load_segments(struct boot *b, const struct elf *elf, uint64_t *entry, uint64_t *end,
			 struct error *err)
{
	uint64_t low_end = b->layout->ram[0].size;
	uint8_t phdr[ELF_PHDR_MAX];
	struct elf_segment s;
	unsigned i;
	int ret;

	for (i = 0; i < elf->phnum; i++) {
		ret = boot_read(&b->kernel, elf->phoff + (uint64_t)i * elf->phentsize, phdr,
				elf->phentsize, err);
		if (ret)
			return ret;
		ret = elf_segment(elf, phdr, b->kernel.size, low_end, &s, err);
		if (ret) {
			error_prefix(err, "%s", b->kernel.path);
			return ret;
		}
		if (s.type == PT_NOTE && !*entry)
			ret = read_note(b, &s, entry, err);
		else if (s.type == PT_LOAD && s.memsz)
			ret = boot_elf_load(&b->kernel, &s, &b->vm->memory, s.paddr, err);
		if (ret)
			return ret;
		if (s.type == PT_LOAD && s.memsz && s.paddr + s.memsz > *end)
			*end = s.paddr + s.memsz;
	}
	return 0;
}

int elf_load(struct boot *b, struct error *err)
{
	uint64_t entry = 0, end = HIGH_MEMORY_ADDR;
	struct elf elf;
	int ret = elf_header(b->head, b->kernel.size, &elf, err);

	if (ret) {
		error_prefix(err, "%s", b->kernel.path);
		return ret;
	}
	ret = load_segments(b, &elf, &entry, &end, err);
	if (ret)
		return ret;
	if (!entry)
		return fail(err, ENOEXEC,
			    "%s: is neither a bzImage nor an ELF vmlinux with a PVH note (its "
			    "kernel needs CONFIG_PVH)",
			    b->kernel.path);
	if (entry < HIGH_MEMORY_ADDR || entry >= end)
		return fail(err, ENOEXEC, "%s: its PVH entry 0x%" PRIx64 " is outside the program",
			    b->kernel.path, entry);
	b->entry = (struct boot_entry){.address = entry, .info = PVH_INFO_ADDR};
	/* The start info is read with 32-bit addresses. */
	ret = boot_initrd(b, UINT32_MAX, end, err);
	if (!ret)
		ret = boot_cmdline(b, CMDLINE_ROOM - 1, err);
	return ret ?: pvh_info(b, err);
}
