/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* vm: ELF programs, good and hostile, before an architecture has its say on them. */
#include <criterion/criterion.h>
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "boot.h"

static struct error err;
static struct elf e;

/* Of the heap, so that ASan sees what is read beyond. */
static uint8_t *head, *phdr;

static void start(void)
{
	head = calloc(1, ELF_HEAD);
	phdr = calloc(1, ELF_PHDR_MAX);
}

static void finish(void)
{
	free(head);
	free(phdr);
}

TestSuite(elf, .init = start, .fini = finish);

static void good64(void)
{
	Elf64_Ehdr h = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB},
			.e_type = ET_DYN,
			.e_machine = EM_PPC64,
			.e_entry = 0xc000000000000000,
			.e_phoff = 64,
			.e_phentsize = 56,
			.e_phnum = 3};

	memcpy(head, &h, sizeof(h));
}

static void good32(void)
{
	Elf32_Ehdr h = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB},
			.e_type = ET_EXEC,
			.e_machine = EM_386,
			.e_entry = 0xc0100000,
			.e_phoff = 52,
			.e_phentsize = 32,
			.e_phnum = 2};

	memset(head, 0, ELF_HEAD);
	memcpy(head, &h, sizeof(h));
}

Test(elf, both_widths)
{
	good64();
	cr_assert(boot_elf_is(head));
	cr_assert_eq(boot_elf_header(head, 64 + 3 * 56, &e, &err), 0, "%s", err.text);
	cr_expect(e.wide && e.type == ET_DYN && e.machine == EM_PPC64);
	cr_expect(e.entry == 0xc000000000000000 && e.phoff == 64 && e.phnum == 3 &&
		  e.phentsize == 56);
	good32();
	cr_assert_eq(boot_elf_header(head, 52 + 2 * 32, &e, &err), 0, "%s", err.text);
	cr_expect(!e.wide && e.type == ET_EXEC && e.machine == EM_386);
	cr_expect(e.entry == 0xc0100000 && e.phoff == 52 && e.phnum == 2 && e.phentsize == 32);
	head[0] = 0x7e;
	cr_expect(!boot_elf_is(head));
}

static void set64(unsigned at, uint64_t value, unsigned size)
{
	good64();
	memcpy(head + at, &value, size);
}

static void refuses(uint64_t size, const char *text)
{
	cr_assert_eq(boot_elf_header(head, size, &e, &err), -ENOEXEC);
	cr_expect(strstr(err.text, text), "'%s' has no '%s'", err.text, text);
}

Test(elf, headers_that_are_none)
{
	static const struct {
		unsigned at;
		uint64_t value;
		unsigned size;
		const char *text;
	} bad[] = {
		{EI_CLASS, 0, 1, "little-endian"},
		{EI_CLASS, 3, 1, "little-endian"},
		{EI_DATA, ELFDATA2MSB, 1, "little-endian"},
		{offsetof(Elf64_Ehdr, e_type), ET_REL, 2, "no program"},
		{offsetof(Elf64_Ehdr, e_type), ET_CORE, 2, "no program"},
		{offsetof(Elf64_Ehdr, e_phentsize), 55, 2, "no program"},
		{offsetof(Elf64_Ehdr, e_phentsize), 32, 2, "no program"},
		{offsetof(Elf64_Ehdr, e_phentsize), 0xffff, 2, "no program"},
		{offsetof(Elf64_Ehdr, e_phnum), 0, 2, "0 program headers"},
		{offsetof(Elf64_Ehdr, e_phnum), 129, 2, "129 program headers"},
		{offsetof(Elf64_Ehdr, e_phnum), 0xffff, 2, "65535 program headers"},
		{offsetof(Elf64_Ehdr, e_phoff), 1 << 20, 8, "truncated"},
		{offsetof(Elf64_Ehdr, e_phoff), (1 << 20) - 1, 8, "truncated"},
		{offsetof(Elf64_Ehdr, e_phoff), (1 << 20) - 3 * 56 + 1, 8, "truncated"},
		{offsetof(Elf64_Ehdr, e_phoff), UINT64_MAX, 8, "truncated"},
		{offsetof(Elf64_Ehdr, e_phoff), UINT64_MAX - 100, 8, "truncated"},
	};
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		set64(bad[i].at, bad[i].value, bad[i].size);
		refuses(1 << 20, bad[i].text);
	}
	set64(offsetof(Elf64_Ehdr, e_phoff), (1 << 20) - 3 * 56, 8);
	cr_expect_eq(boot_elf_header(head, 1 << 20, &e, &err), 0, "the last bytes of the file");
	good64();
	for (i = 0; i < 64 + 3 * 56; i++)
		refuses(i, "truncated");
}

static const Elf64_Phdr good_segment = {.p_type = PT_LOAD,
					.p_offset = 0x1000,
					.p_filesz = 0xf000,
					.p_paddr = 0x100000,
					.p_memsz = 0x20000,
					.p_align = 0x10000};

static int segment(const Elf64_Phdr *p, struct elf_segment *s)
{
	e = (struct elf){.wide = true};
	memcpy(phdr, p, sizeof(*p));
	return boot_elf_segment(&e, phdr, 0x10000, s, &err);
}

Test(elf, segments)
{
	Elf32_Phdr narrow = {PT_NOTE, 0x1000, 0xc0000000, 0x100000, 0x10, 0x20, 4, 8};
	struct elf_segment s;
	Elf64_Phdr h;

	cr_assert_eq(segment(&good_segment, &s), 0, "%s", err.text);
	cr_expect(s.type == PT_LOAD && s.offset == 0x1000 && s.filesz == 0xf000 &&
		  s.paddr == 0x100000 && s.memsz == 0x20000 && s.align == 0x10000);
	e.wide = false;
	memcpy(phdr, &narrow, sizeof(narrow));
	cr_assert_eq(boot_elf_segment(&e, phdr, 0x10000, &s, &err), 0, "%s", err.text);
	cr_expect(s.type == PT_NOTE && s.offset == 0x1000 && s.filesz == 0x10 &&
		  s.paddr == 0x100000 && s.memsz == 0x20 && s.align == 8);
#define SEGMENT(change, code)                                 \
	do {                                                  \
		h = good_segment;                             \
		change;                                       \
		cr_expect_eq(segment(&h, &s), code, #change); \
	} while (0)
	SEGMENT(h.p_filesz++, -ENOEXEC);
	SEGMENT(h.p_offset++, -ENOEXEC);
	SEGMENT(h.p_offset = 0x10001, -ENOEXEC);
	SEGMENT(h.p_offset = UINT64_MAX, -ENOEXEC);
	SEGMENT(h.p_offset = UINT64_MAX - 0xefff, -ENOEXEC);
	SEGMENT(h.p_filesz = UINT64_MAX, -ENOEXEC);
	SEGMENT(h.p_memsz = 0xefff, -ENOEXEC);
	SEGMENT(h.p_memsz = 0, -ENOEXEC);
	SEGMENT(h.p_memsz = 0xf000, 0);
	SEGMENT((h.p_offset = 0x10000, h.p_filesz = 0), 0);
	SEGMENT((h.p_type = PT_NOTE, h.p_filesz = 0xf001), -ENOEXEC);
	/* A note takes no memory; what is neither is nobody's business. */
	SEGMENT((h.p_type = PT_NOTE, h.p_memsz = 0), 0);
	SEGMENT((h.p_type = PT_GNU_STACK, h.p_offset = UINT64_MAX), 0);
#undef SEGMENT
}

/* ---- into memory ------------------------------------------------------------------------------
 */

#define RAM 0x10000

static uint8_t *ram;
static struct guest_memory mem;
static struct boot_file file;

static void start_load(void)
{
	char path[] = "/tmp/carillon-elf-XXXXXX";
	uint8_t bytes[0x2000];

	ram = malloc(RAM);
	memset(ram, 0xa5, RAM);
	mem = (struct guest_memory){.fd = -1, .n = 1, .banks = {{.size = RAM, .host = ram}}};
	memset(bytes, 0x11, sizeof(bytes));
	file = (struct boot_file){.path = "program", .fd = mkstemp(path), .size = sizeof(bytes)};
	cr_assert_geq(file.fd, 0);
	unlink(path);
	cr_assert_eq(write(file.fd, bytes, sizeof(bytes)), (ssize_t)sizeof(bytes));
}

static void finish_load(void)
{
	boot_close(&file);
	free(ram);
}

static int load(uint64_t offset, uint64_t filesz, uint64_t memsz, uint64_t gpa)
{
	const struct elf_segment s = {PT_LOAD, offset, filesz, 0, memsz, 0};

	return boot_elf_load(&file, &s, &mem, gpa, &err);
}

static bool all(uint64_t from, uint64_t to, uint8_t value)
{
	for (; from < to; from++)
		if (ram[from] != value)
			return false;
	return true;
}

Test(elf, what_is_not_in_the_file_is_zero, .init = start_load, .fini = finish_load)
{
	cr_assert_eq(load(0x1000, 0x800, 0x3000, 0x4000), 0, "%s", err.text);
	cr_expect(all(0, 0x4000, 0xa5));
	cr_expect(all(0x4000, 0x4800, 0x11));
	cr_expect(all(0x4800, 0x7000, 0));
	cr_expect(all(0x7000, RAM, 0xa5));
	cr_assert_eq(load(0, 0x2000, 0x2000, RAM - 0x2000), 0, "%s", err.text);
	cr_assert_eq(load(0x2000, 0, 0x1000, 0), 0, "%s", err.text);
	cr_expect(all(0, 0x1000, 0));
}

Test(elf, nothing_is_loaded_beside_memory, .init = start_load, .fini = finish_load)
{
	cr_expect_eq(load(0, 0x2000, 0x2000, RAM - 0x1fff), -EFAULT);
	cr_expect_eq(load(0, 0x10, 0x2001, RAM - 0x2000), -EFAULT);
	cr_expect_eq(load(0, 0x10, UINT64_MAX, 0), -EFAULT);
	cr_expect_eq(load(0, 0x10, 0x10, RAM), -EFAULT);
	cr_expect_eq(load(0, 0x10, 0x10, UINT64_MAX - 0xf), -EFAULT);
	cr_expect(strstr(err.text, "program: no RAM at"), "%s", err.text);
	cr_expect(all(0, RAM, 0xa5));
	/* A file that has shrunk since it was measured. */
	cr_assert_eq(ftruncate(file.fd, 0x1000), 0);
	cr_expect_eq(load(0x800, 0x1000, 0x1000, 0), -EIO);
	cr_expect(strstr(err.text, "truncated"), "%s", err.text);
}

/* Whatever a header says: what is taken lies in the file. */
Test(elf, random_headers_stay_in_the_file)
{
	struct elf_segment s;
	unsigned i, k, good = 0;

	srandom(4);
	for (i = 0; i < 100000; i++) {
		uint64_t size = (uint64_t)random() % 0x10000;
		Elf64_Phdr h;

		good64();
		for (k = 0; k < 2; k++)
			head[32 + random() % 32] = (uint8_t)(random() % 3 * 0x7f);
		if (!boot_elf_header(head, size, &e, &err))
			cr_assert_leq(e.phoff + (uint64_t)e.phnum * e.phentsize, size);
		h = (Elf64_Phdr){.p_type = random() % 4 ? PT_LOAD : PT_NOTE};
		h.p_offset = (uint64_t)random() << 33 >> random() % 64;
		h.p_filesz = (uint64_t)random() << 33 >> random() % 64;
		h.p_memsz = random() % 2 ? h.p_filesz + (uint64_t)random() : (uint64_t)random();
		e = (struct elf){.wide = true};
		memcpy(phdr, &h, sizeof(h));
		if (boot_elf_segment(&e, phdr, size, &s, &err))
			continue;
		good++;
		cr_assert(s.offset <= size && s.filesz <= size - s.offset);
		cr_assert(s.type == PT_NOTE || s.filesz <= s.memsz);
	}
	cr_assert_gt(good, 1000);
}
