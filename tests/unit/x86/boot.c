/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The boot plans of x86 against good and hostile files. */
#include <asm/bootparam.h>
#include <criterion/criterion.h>
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../../x86/protocol.h"
#include "../../../x86/layout.h"
#include "../../../x86/machine.h"
#include "../../../x86/vcpu.h"

/* ---- bzImage ---- */

static struct setup_header good_header(void)
{
	return (struct setup_header){
		.setup_sects = 3,
		.syssize = 0x1000,
		.boot_flag = 0xaa55,
		.jump = 0x6aeb,
		.header = 0x53726448,
		.version = 0x020f,
		.loadflags = LOADED_HIGH,
		.initrd_addr_max = 0x7fffffff,
		.relocatable_kernel = 1,
		.xloadflags = XLF_KERNEL_64,
		.cmdline_size = 2047,
		.pref_address = 0x1000000,
		.init_size = 0x2000000,
	};
}

#define GOOD_SIZE (4 * 512 + 0x10000)

static int plan(const struct setup_header *h, uint64_t file_size, uint64_t low_end,
		struct bzimage *k, struct error *err)
{
	uint8_t head[BOOT_HEAD] = {0};

	memcpy(head + 0x1f1, h, sizeof(*h));
	return bzimage_plan(head, file_size, low_end, k, err);
}

Test(x86_bzimage, good)
{
	struct setup_header h = good_header();
	struct bzimage k;

	cr_assert_eq(plan(&h, GOOD_SIZE, 0x3000000, &k, NULL), 0);
	cr_expect_eq(k.offset, 2048);
	cr_expect_eq(k.size, 0x10000);
	cr_expect_eq(k.load, 0x1000000);
	cr_expect_eq(k.end, 0x3000000);
	cr_expect_eq(k.initrd_highest, 0x7fffffff);
	cr_expect_eq(k.cmdline_limit, 2047);
	cr_expect_eq(k.header_size, 0x202 + 0x6a - 0x1f1);
	/* setup_sects 0 stands for 4. */
	h.setup_sects = 0;
	cr_assert_eq(plan(&h, GOOD_SIZE + 512, 0x3000000, &k, NULL), 0);
	cr_expect_eq(k.offset, 5 * 512);
	/* What can't be moved is loaded at 1 MiB and moves itself. */
	h.relocatable_kernel = 0;
	cr_assert_eq(plan(&h, GOOD_SIZE + 512, 0x3000000, &k, NULL), 0);
	cr_expect_eq(k.load, 0x100000);
	cr_expect_eq(k.end, 0x3000000);
}

Test(x86_bzimage, memory_too_small)
{
	struct setup_header h = good_header();
	struct error err;
	struct bzimage k;

	cr_assert_eq(plan(&h, GOOD_SIZE, 0x3000000 - 4096, &k, &err), -ENOMEM);
	cr_expect(strstr(err.text, "32 MiB of memory at 16 MiB"), "%s", err.text);
	cr_expect(strstr(err.text, "-m"), "%s", err.text);
	cr_assert_eq(plan(&h, GOOD_SIZE, 0x1000000, &k, &err), -ENOMEM);
	/* A file larger than init_size counts itself. */
	h.init_size = 1;
	cr_assert_eq(plan(&h, GOOD_SIZE, 0x1000000 + 0x10000, &k, &err), 0);
	cr_assert_eq(plan(&h, GOOD_SIZE, 0x1000000 + 0xffff, &k, &err), -ENOMEM);
}

Test(x86_bzimage, refused)
{
	struct setup_header h;
	struct error err;
	struct bzimage k;

#define REFUSED(change, part)                                               \
	do {                                                                \
		h = good_header();                                          \
		change;                                                     \
		cr_assert_eq(plan(&h, GOOD_SIZE, GIB, &k, &err), -ENOEXEC); \
		cr_expect(strstr(err.text, part), "%s", err.text);          \
	} while (0)
	REFUSED(h.version = 0x020b, "2.11");
	REFUSED(h.xloadflags = 0, "32-bit");
	REFUSED(h.loadflags = 0, "zImage");
	REFUSED(h.jump = 0x61eb, "cut short");
	REFUSED(h.syssize++, "truncated");
	REFUSED(h.syssize = UINT32_MAX, "truncated");
	REFUSED(h.setup_sects = 255, "truncated");
	REFUSED(h.pref_address = 0xff000, "0xff000");
	REFUSED(h.pref_address = 0x1000800, "0x1000800");
#undef REFUSED
	h = good_header();
	h.pref_address = UINT64_MAX & ~4095ULL;
	cr_assert_eq(plan(&h, GOOD_SIZE, GIB, &k, &err), -ENOMEM);
}

Test(x86_bzimage, random_headers_never_leave_ram)
{
	uint8_t head[BOOT_HEAD];
	struct setup_header h;
	struct bzimage k;
	unsigned i, j, good = 0;

	srandom(2);
	for (i = 0; i < 50000; i++) {
		uint64_t file = (uint64_t)random() % (64 * MIB);

		for (j = 0; j < sizeof(head); j++)
			head[j] = (uint8_t)random();
		memcpy(&h, head + 0x1f1, sizeof(h));
		h.version |= 0x300;
		h.loadflags |= LOADED_HIGH;
		h.xloadflags |= XLF_KERNEL_64;
		h.jump |= 0x8000;
		h.syssize >>= random() % 32;
		h.pref_address = (h.pref_address >> random() % 64) & ~4095ULL;
		memcpy(head + 0x1f1, &h, sizeof(h));
		if (bzimage_plan(head, file, GIB, &k, NULL))
			continue;
		good++;
		cr_assert_leq(k.offset + k.size, file);
		cr_assert_geq(k.load, 0x100000);
		cr_assert_leq(k.load + k.size, GIB);
		cr_assert_leq(k.end, GIB);
		cr_assert_leq(k.header_size, sizeof(struct setup_header));
	}
	cr_assert_gt(good, 100);
}

/* ---- initrd ---- */

Test(x86_initrd, as_high_as_it_may)
{
	struct error err;
	uint64_t gpa = 0;

	cr_assert_eq(initrd_place(5000, 0x8000000, 0x7fffffff, 0x3000001, &gpa, NULL), 0);
	cr_expect_eq(gpa, 0x7ffe000);
	cr_assert_eq(initrd_place(4096, 0xc0000000, 0x7fffffff, 0x3000000, &gpa, NULL), 0);
	cr_expect_eq(gpa, 0x7ffff000);
	cr_assert_eq(initrd_place(4096, 0x8000000, UINT64_MAX, 0x3000000, &gpa, NULL), 0);
	cr_expect_eq(gpa, 0x7fff000);
	/* Exactly all that is left, then a byte more. */
	cr_assert_eq(initrd_place(0x4fff000, 0x8000000, 0x7fffffff, 0x3000001, &gpa, NULL), 0);
	cr_expect_eq(gpa, 0x3001000);
	cr_assert_eq(initrd_place(0x4fff001, 0x8000000, 0x7fffffff, 0x3000001, &gpa, &err),
		     -ENOMEM);
	cr_expect(strstr(err.text, "81917 KiB"), "%s", err.text);
	cr_expect(strstr(err.text, "-m"), "%s", err.text);
	cr_assert_eq(initrd_place(UINT64_MAX, 0x8000000, 0x7fffffff, 0x3000000, &gpa, &err),
		     -ENOMEM);
	cr_assert_eq(initrd_place(1, 0x8000000, 0x1000, 0x3000000, &gpa, &err), -ENOMEM);
	cr_expect(strstr(err.text, "looks no further"), "%s", err.text);
}

/* ---- ELF ---- */

/* What makes them programs at all is vm's to say (tests/unit/elf.c). */
Test(x86_elf, headers)
{
	Elf32_Ehdr narrow = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB},
			     .e_type = ET_EXEC,
			     .e_machine = EM_386,
			     .e_phoff = 52,
			     .e_phentsize = 32,
			     .e_phnum = 2};
	Elf64_Ehdr wide = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB},
			   .e_type = ET_EXEC,
			   .e_machine = EM_X86_64,
			   .e_phoff = 64,
			   .e_phentsize = 56,
			   .e_phnum = 5};
	uint8_t head[BOOT_HEAD] = {0};
	struct error err;
	struct elf e;

	memcpy(head, &narrow, sizeof(narrow));
	cr_expect_eq(elf_header(head, 52 + 64, &e, NULL), 0);
	memcpy(head, &wide, sizeof(wide));
	cr_expect_eq(elf_header(head, 64 + 280, &e, NULL), 0);
	cr_expect_eq(elf_header(head, 64 + 279, &e, &err), -ENOEXEC);
	cr_expect(strstr(err.text, "truncated"), "%s", err.text);
	wide.e_machine = EM_AARCH64;
	memcpy(head, &wide, sizeof(wide));
	cr_expect_eq(elf_header(head, 64 + 280, &e, &err), -ENOEXEC);
	cr_expect(strstr(err.text, "no x86 program"), "%s", err.text);
}

static int segment(Elf64_Phdr p, struct elf_segment *s, struct error *err)
{
	struct elf e = {.wide = true};
	uint8_t bytes[ELF_PHDR_MAX];

	memcpy(bytes, &p, sizeof(p));
	return elf_segment(&e, bytes, 0x10000, 64 * MIB, s, err);
}

Test(x86_elf, segments)
{
	Elf64_Phdr good = {.p_type = PT_LOAD,
			   .p_offset = 0x1000,
			   .p_filesz = 0xf000,
			   .p_paddr = 0x100000,
			   .p_memsz = 0x20000},
		   p;
	struct elf_segment s;
	struct error err;

	cr_assert_eq(segment(good, &s, NULL), 0);
	cr_expect(s.type == PT_LOAD && s.offset == 0x1000 && s.filesz == 0xf000 &&
		  s.paddr == 0x100000 && s.memsz == 0x20000);
#define SEGMENT(change, code)                                      \
	do {                                                       \
		p = good;                                          \
		change;                                            \
		cr_expect_eq(segment(p, &s, &err), code, #change); \
	} while (0)
	SEGMENT(p.p_filesz++, -ENOEXEC);
	SEGMENT(p.p_paddr = 0xfffff, -ENOEXEC);
	SEGMENT(p.p_paddr = 64 * MIB - 0x20000, 0);
	SEGMENT(p.p_paddr = 64 * MIB - 0x1ffff, -ENOMEM);
	SEGMENT(p.p_paddr = UINT64_MAX - 0xffff, -ENOMEM);
	SEGMENT(p.p_memsz = UINT64_MAX, -ENOMEM);
	/* Where others lie is nobody's business; nor is an empty segment's place. */
	SEGMENT((p.p_type = PT_GNU_STACK, p.p_offset = UINT64_MAX), 0);
	SEGMENT((p.p_paddr = 0, p.p_memsz = p.p_filesz = 0), 0);
	SEGMENT((p.p_type = PT_NOTE, p.p_paddr = 0), 0);
#undef SEGMENT
}

static size_t note(uint8_t *out, const char *name, uint32_t type, const void *desc, uint32_t n)
{
	uint32_t words[3] = {(uint32_t)strlen(name) + 1, n, type};
	size_t at = 12 + align_up(words[0], 4);

	memcpy(out, words, 12);
	memcpy(out + 12, name, words[0]);
	memcpy(out + at, desc, n);
	return at + align_up(n, 4);
}

Test(x86_elf, notes)
{
	uint8_t notes[256] = {0};
	uint32_t entry32 = 0x1000250, huge = UINT32_MAX;
	uint64_t entry64 = 0x1000370, found = 0;
	size_t n, first;

	n = first = note(notes, "GNU", 18, &huge, 4);
	n += note(notes + n, "Xen", 5, "abc", 3);
	cr_expect_eq(pvh_note(notes, n, 4, &found), -ENOENT);
	n += note(notes + n, "Xen", 18, &entry32, 4);
	cr_assert_eq(pvh_note(notes, n, 4, &found), 0);
	cr_expect_eq(found, 0x1000250);
	cr_expect_eq(pvh_note(notes, n - 1, 4, &found), -ENOENT, "cut short");
	cr_expect_eq(pvh_note(notes, 0, 4, &found), -ENOENT);
	n = note(notes, "Xen", 18, &entry64, 8);
	cr_assert_eq(pvh_note(notes, n, 8, &found), 0);
	cr_expect_eq(found, 0x1000370);
	/* Sizes that would wrap in 32 bits. */
	memcpy(notes, &huge, 4);
	cr_expect_eq(pvh_note(notes, n, 4, &found), -ENOENT);
	memcpy(notes + 4, &huge, 4);
	cr_expect_eq(pvh_note(notes, n, 8, &found), -ENOENT);
}

Test(x86_elf, random_notes_stay_in_bounds)
{
	unsigned i, j;
	uint64_t entry;

	srandom(3);
	for (i = 0; i < 50000; i++) {
		size_t n = (size_t)random() % 100;
		uint8_t *notes = malloc(n + 1); /* ASan sees every byte beyond */

		for (j = 0; j < n; j++)
			notes[j] = random() % 4 ? 0 : (uint8_t)(random() % 20);
		pvh_note(notes, n, random() % 2 ? 4 : 8, &entry);
		free(notes);
	}
}

/* ---- registers ---- */

Test(x86_boot_regs, long_mode)
{
	struct boot_entry e = {.long_mode = true};
	struct kvm_sregs s = {.apic_base = 0xfee00900, .cr4 = ~0ULL};
	uint64_t gdt[BOOT_GDT_ENTRIES], *tables = malloc(BOOT_TABLES * 4096);

	boot_sregs(&e, &s);
	cr_expect_eq(s.cr0, 0x80000011);
	cr_expect_eq(s.cr3, 0x9000);
	cr_expect_eq(s.cr4, 0x20);
	cr_expect_eq(s.efer, 0x500);
	cr_expect_eq(s.cs.selector, 0x10);
	cr_expect(s.cs.l && !s.cs.db && s.cs.type == 11);
	cr_expect_eq(s.ds.selector, 0x18);
	cr_expect_eq(s.gdt.base, 0x500);
	cr_expect_eq(s.gdt.limit, 47);
	cr_expect_eq(s.apic_base, 0xfee00900, "not the protocol's business");
	boot_gdt(gdt);
	cr_expect_eq(gdt[2] >> 53 & 1, 1, "L of the code segment");
	boot_page_tables(tables);
	cr_expect_eq(tables[0], 0xa003);
	cr_expect_eq(tables[1], 0);
	cr_expect_eq(tables[512], 0xb003);
	cr_expect_eq(tables[515], 0xe003);
	cr_expect_eq(tables[516], 0);
	cr_expect_eq(tables[1024], 0x83);
	cr_expect_eq(tables[1025], 0x200083);
	cr_expect_eq(tables[3071], 0xffe00083);
	free(tables);
}

Test(x86_boot_regs, flat_32_bits)
{
	struct boot_entry e = {.long_mode = false};
	struct kvm_sregs s = {.cr4 = ~0ULL, .efer = ~0ULL, .cr3 = 1};

	boot_sregs(&e, &s);
	cr_expect_eq(s.cr0, 0x11);
	cr_expect_eq(s.cr3 | s.cr4 | s.efer, 0);
	cr_expect(!s.cs.l && s.cs.db && s.cs.g && s.cs.type == 11);
	cr_expect_eq(s.cs.limit, 0xffffffff);
	cr_expect_eq(s.tr.limit, 0x67);
	cr_expect_eq(s.tr.type, 11);
}

/* ---- messages ---- */

Test(x86_msi, destinations_beyond_255)
{
	struct kvm_irq_routing_entry e = {
		.u.msi = {.address_lo = 0xfee00000 | 0x2c << 12 | 1 << 5 | 1 << 2,
			  .address_hi = 0xdeadbeef,
			  .data = 0x4041}};
	struct kvm_irq_routing_msi *m = &e.u.msi;

	msi_fix_route(&e); /* CPU 0x12c */
	cr_expect_eq(m->address_lo, 0xfee2c004);
	cr_expect_eq(m->address_hi, 0x100);
	cr_expect_eq(m->data, 0x4041);
	msi_fix_route(&e);
	cr_expect_eq(m->address_hi, 0, "what the guest wrote there never counts");
	m->address_lo = 0xfeefffff;
	msi_fix_route(&e);
	cr_expect_eq(m->address_lo, 0xfeeff01f);
	cr_expect_eq(m->address_hi, 0x7f00);
}
