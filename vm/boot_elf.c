/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* ELF programs, 32 and 64 bits: decoding, and checks against the file. All offsets are hostile. */
#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "boot.h"

bool boot_elf_is(const uint8_t *head)
{
	return !memcmp(head, ELFMAG, SELFMAG);
}

int boot_elf_header(const uint8_t *head, uint64_t file_size, struct elf *out, struct error *err)
{
	Elf64_Ehdr h64;
	Elf32_Ehdr h32;
	bool known = head[EI_CLASS] == ELFCLASS32 || head[EI_CLASS] == ELFCLASS64;

	memcpy(&h64, head, sizeof(h64));
	memcpy(&h32, head, sizeof(h32));
	/* e_type and e_machine lie at the same place in both. */
	*out = (struct elf){
		.wide = head[EI_CLASS] == ELFCLASS64, .type = h64.e_type, .machine = h64.e_machine};
	out->entry = out->wide ? h64.e_entry : h32.e_entry;
	out->phoff = out->wide ? h64.e_phoff : h32.e_phoff;
	out->phnum = out->wide ? h64.e_phnum : h32.e_phnum;
	out->phentsize = out->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	if (!known || head[EI_DATA] != ELFDATA2LSB ||
	    (out->type != ET_EXEC && out->type != ET_DYN) ||
	    (out->wide ? h64.e_phentsize : h32.e_phentsize) != out->phentsize)
		return fail(err, ENOEXEC,
			    "is an ELF file, but no program of a little-endian machine");
	if (!out->phnum || out->phnum > ELF_PHNUM_MAX)
		return fail(err, ENOEXEC, "has %u program headers; 1 to %u are sensible",
			    out->phnum, ELF_PHNUM_MAX);
	if (out->phoff > file_size ||
	    (uint64_t)out->phnum * out->phentsize > file_size - out->phoff)
		return fail(err, ENOEXEC, "is truncated: its program headers lie beyond its end");
	return 0;
}

static struct elf_segment decode(const struct elf *elf, const uint8_t *phdr)
{
	Elf64_Phdr p64;
	Elf32_Phdr p32;

	if (elf->wide) {
		memcpy(&p64, phdr, sizeof(p64));
		return (struct elf_segment){p64.p_type,	 p64.p_offset, p64.p_filesz,
					    p64.p_paddr, p64.p_memsz,  p64.p_align};
	}
	memcpy(&p32, phdr, sizeof(p32));
	return (struct elf_segment){p32.p_type,	 p32.p_offset, p32.p_filesz,
				    p32.p_paddr, p32.p_memsz,  p32.p_align};
}

int boot_elf_segment(const struct elf *elf, const uint8_t *phdr, uint64_t file_size,
		     struct elf_segment *out, struct error *err)
{
	*out = decode(elf, phdr);
	if (out->type != PT_LOAD && out->type != PT_NOTE)
		return 0;
	if (out->offset > file_size || out->filesz > file_size - out->offset)
		return fail(err, ENOEXEC,
			    "is truncated: a segment lies at 0x%" PRIx64 " + 0x%" PRIx64
			    ", the file ends at 0x%" PRIx64,
			    out->offset, out->filesz, file_size);
	if (out->type == PT_LOAD && out->filesz > out->memsz)
		return fail(err, ENOEXEC,
			    "has a segment with more bytes in the file than in memory");
	return 0;
}

int boot_elf_load(const struct boot_file *f, const struct elf_segment *s,
		  const struct guest_memory *mem, uint64_t gpa, struct error *err)
{
	uint8_t *host = guest_memory_at(mem, gpa, s->memsz);

	if (!host)
		return fail(err, EFAULT, "%s: no RAM at 0x%" PRIx64, f->path, gpa);
	memset(host + s->filesz, 0, s->memsz - s->filesz);
	return boot_load(f, s->offset, s->filesz, mem, gpa, err);
}
