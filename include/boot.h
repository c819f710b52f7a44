/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * boot: files that become guest memory: kernels and initrds. They may be hostile: every size and
 * offset is checked against the file and against guest memory before use.
 */
#ifndef CARILLON_BOOT_H
#define CARILLON_BOOT_H

#include "guest_memory.h"

struct boot_file {
	const char *path;
	int fd;
	uint64_t size;
};

/* A regular file; path must outlive it. */
int boot_open(struct boot_file *f, const char *path, struct error *err);
void boot_close(struct boot_file *f);
/* Exactly n bytes at offset: -EIO if the file ends before. */
int boot_read(const struct boot_file *f, uint64_t offset, void *buf, uint64_t n, struct error *err);
/* The same, into guest memory. */
int boot_load(const struct boot_file *f, uint64_t offset, uint64_t n,
	      const struct guest_memory *mem, uint64_t gpa, struct error *err);
/* Pure. Which program would unpack a file that begins so (8 bytes at least); NULL: none known. */
const char *boot_compression(const uint8_t *head);

/* ---- ELF programs, little-endian, 32 and 64 bits ------------------------------------------- */

#define ELF_HEAD      64 /* bytes of the file header */
#define ELF_PHDR_MAX  64 /* bytes of a program header: 56 or 32 */
#define ELF_PHNUM_MAX 128

struct elf {
	bool wide;		/* ELF64 */
	unsigned type, machine; /* ET_*, EM_* */
	uint64_t entry, phoff;
	unsigned phnum, phentsize;
};

struct elf_segment {
	uint32_t type; /* PT_* */
	uint64_t offset, filesz, paddr, memsz, align;
};

/* head: the file's first ELF_HEAD bytes, zeros behind its end. */
bool boot_elf_is(const uint8_t *head);
/* Pure. The file header; the program headers lie within the file. -ENOEXEC. */
int boot_elf_header(const uint8_t *head, uint64_t file_size, struct elf *out, struct error *err);
/* Pure. A program header; what PT_LOAD and PT_NOTE say of the file is true. -ENOEXEC. */
int boot_elf_segment(const struct elf *elf, const uint8_t *phdr, uint64_t file_size,
		     struct elf_segment *out, struct error *err);
/* A PT_LOAD into RAM at gpa, what is not in the file zeroed. */
int boot_elf_load(const struct boot_file *f, const struct elf_segment *s,
		  const struct guest_memory *mem, uint64_t gpa, struct error *err);

#endif
