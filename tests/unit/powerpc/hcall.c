/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Hypercalls. Numbers are written out here: those of Linux' arch/powerpc/include/asm/hvcall.h are
 * what guests call, whatever our header says.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "partition.h"

#define GET_TCE		    0x1c
#define PUT_TCE		    0x20
#define GET_TERM_CHAR	    0x54
#define PUT_TERM_CHAR	    0x58
#define VIO_SIGNAL	    0x104
#define STUFF_TCE	    0x138
#define PUT_TCE_INDIRECT    0x13c
#define CPU_CHARACTERISTICS 0x1c8
#define SET_MODE	    0x31c
#define REGISTER_PROC_TBL   0x37c
#define RTAS_CALL	    0xf000

#define SUCCESS		 0ULL
#define FUNCTION	 -2ULL
#define PARAMETER	 -4ULL
#define P2		 -55ULL
#define P3		 -56ULL
#define P4		 -57ULL
#define UNSUPPORTED_FLAG -256ULL

static void start(void)
{
	partition_start(128 * KIB);
}

TestSuite(powerpc_hcall, .init = start, .fini = partition_finish);

static bool is_ours(uint64_t nr)
{
	static const uint64_t ours[] = {
		GET_TCE,    PUT_TCE,	       GET_TERM_CHAR,	 PUT_TERM_CHAR,
		VIO_SIGNAL, STUFF_TCE,	       PUT_TCE_INDIRECT, CPU_CHARACTERISTICS,
		SET_MODE,   REGISTER_PROC_TBL, RTAS_CALL};
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(ours); i++)
		if (nr == ours[i])
			return true;
	return false;
}

Test(powerpc_hcall, what_is_unknown_is_no_function)
{
	static const uint64_t odd[] = {1,	   0x1d,	0xf001,	    0xf0000000,
				       1ULL << 32, 0x10000001c, 1ULL << 63, UINT64_MAX};
	uint64_t nr, none = 0;
	unsigned i;

	for (nr = 0; nr < 0x10000; nr += 4) {
		if (is_ours(nr))
			cr_expect_neq(call(nr, 0, 0, 0, 0), FUNCTION, "0x%lx", nr);
		else
			none += call(nr, 0, 0, 0, 0) == FUNCTION;
	}
	cr_expect_eq(none, 0x4000 - 11);
	for (i = 0; i < ARRAY_SIZE(odd); i++)
		cr_expect_eq(call(odd[i], 0, 0, 0, 0), FUNCTION, "0x%lx", odd[i]);
	cr_expect_eq(atomic_load(&p.m->hcalls), 0x4000 + ARRAY_SIZE(odd));
}

/* Page faults in a guest wait for none of these if KVM serves them. */
Test(powerpc_hcall, what_kvm_is_to_serve)
{
	static const uint64_t wanted[] = {0x10, 0x14, 0x2c, 0x3c, 0x40, 0x138, 0x13c, 0x31c};
	unsigned i, k;

	cr_expect_eq(p.n_enabled, ARRAY_SIZE(wanted));
	for (i = 0; i < ARRAY_SIZE(wanted); i++) {
		for (k = 0; k < p.n_enabled && p.enabled[k] != wanted[i]; k++)
			;
		cr_expect_lt(k, p.n_enabled, "0x%lx", wanted[i]);
	}
}

/* ---- modes ----------------------------------------------------------------------------------- */

#define ILE 0x02000000
#define AIL 0x01800000

Test(powerpc_hcall, interrupts_little_endian)
{
	cr_expect_eq(call(SET_MODE, 1, 4, 0, 0), SUCCESS);
	cr_expect_eq(p.lpcr, ILE);
	cr_expect_eq(call(SET_MODE, 3, 3, 0, 0), SUCCESS, "relocation on");
	cr_expect_eq(p.lpcr, ILE | AIL);
	cr_expect_eq(call(SET_MODE, 0, 4, 0, 0), SUCCESS);
	cr_expect_eq(p.lpcr, AIL);
	cr_expect_eq(call(SET_MODE, 0, 3, 0, 0), SUCCESS);
	cr_expect_eq(p.lpcr, 0);
}

Test(powerpc_hcall, modes_that_are_none)
{
	static const struct {
		uint64_t args[4], ret;
	} bad[] = {
		{{2, 4, 0, 0}, UNSUPPORTED_FLAG},
		{{UINT64_MAX, 4, 0, 0}, UNSUPPORTED_FLAG},
		{{1ULL << 32, 4, 0, 0}, UNSUPPORTED_FLAG},
		{{1, 3, 0, 0}, UNSUPPORTED_FLAG},
		{{2, 3, 0, 0}, UNSUPPORTED_FLAG},
		{{4, 3, 0, 0}, UNSUPPORTED_FLAG},
		{{1ULL << 63 | 3, 3, 0, 0}, UNSUPPORTED_FLAG},
		{{0, 0, 0, 0}, P2},
		{{0, 1, 0, 0}, P2},
		{{0, 1ULL << 32 | 4, 0, 0}, P2},
		{{1, UINT64_MAX, 0, 0}, P2},
		{{1, 4, 1, 0}, P3},
		{{3, 3, 1ULL << 32, 0}, P3},
		{{1, 4, 0, 1}, P4},
		{{3, 3, 0, UINT64_MAX}, P4},
	};
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		const uint64_t *a = bad[i].args;

		cr_expect_eq(call(SET_MODE, a[0], a[1], a[2], a[3]), bad[i].ret, "case %u", i);
	}
	cr_expect_eq(p.lpcr, 0);
}

Test(powerpc_hcall, modes_while_others_run)
{
	p.lpcr_errno = EBUSY;
	cr_expect_eq(call(SET_MODE, 1, 4, 0, 0), -16ULL, "H_RESOURCE");
	cr_expect_eq(p.lpcr, 0, "and it is not taken for set");
	p.lpcr_errno = EINVAL;
	cr_expect_eq(call(SET_MODE, 3, 3, 0, 0), -1ULL, "H_HARDWARE");
	cr_expect_eq(p.lpcr, 0);
}

#define RADIX (1ULL << 63)

/* As Linux does it: register, modify, radix, GTSE. */
Test(powerpc_hcall, process_table)
{
	cr_expect_eq(call(REGISTER_PROC_TBL, 0x1d, 0xe000000, 0, 0xc), SUCCESS);
	cr_expect_eq(p.mmu_calls, 1);
	cr_expect_eq(p.mmu.process_table, RADIX | 0xe00000c);
	cr_expect_eq(p.mmu.flags, KVM_PPC_MMUV3_RADIX | KVM_PPC_MMUV3_GTSE);
	cr_expect_eq(call(REGISTER_PROC_TBL, 0x1c, 0x0ffffffffffff000, 0, 24), SUCCESS);
	cr_expect_eq(p.mmu.process_table, RADIX | 0x0ffffffffffff018);
	cr_expect_eq(p.mmu.flags, KVM_PPC_MMUV3_RADIX);
	/* Given back, as before a kexec. */
	cr_expect_eq(call(REGISTER_PROC_TBL, 0x10, 0, 0, 0), SUCCESS);
	cr_expect_eq(p.mmu_calls, 3);
	cr_expect_eq(p.mmu.process_table, RADIX);
	cr_expect_eq(p.mmu.flags & KVM_PPC_MMUV3_RADIX, KVM_PPC_MMUV3_RADIX);
	p.mmu_errno = EINVAL;
	cr_expect_eq(call(REGISTER_PROC_TBL, 0x1d, 0xe000000, 0, 0xc), PARAMETER);
}

Test(powerpc_hcall, process_tables_that_are_none)
{
	static const struct {
		uint64_t args[4], ret;
	} bad[] = {
		{{0x3d, 0, 0, 0}, PARAMETER},
		{{0x1f, 0, 0, 0}, PARAMETER},
		{{1ULL << 63 | 0x1d, 0, 0, 0}, PARAMETER},
		{{0x18, 0, 0, 0}, PARAMETER}, /* hashed */
		{{0x14, 0, 0, 0}, PARAMETER},
		{{0x1d, 0x800, 0, 0}, P2},
		{{0x1d, 1, 0, 0}, P2},
		{{0x1d, 1ULL << 60, 0, 0}, P2},
		{{0x1d, RADIX, 0, 0}, P2},
		{{0x1d, 0xe000000, 12, 0}, P3},
		{{0x1d, 0xe000000, 1ULL << 40, 0}, P3},
		{{0x1d, 0xe000000, 0, 25}, P4},
		{{0x1d, 0xe000000, 0, 1ULL << 32}, P4},
		{{0x1d, 0xe000000, 0, RADIX}, P4},
	};
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		const uint64_t *a = bad[i].args;

		cr_expect_eq(call(REGISTER_PROC_TBL, a[0], a[1], a[2], a[3]), bad[i].ret, "case %u",
			     i);
	}
	cr_expect_eq(p.mmu_calls, 0);
}

/* KVM is asked for both halves: what it knows of, and which of that is so. */
Test(powerpc_hcall, characteristics)
{
	p.chars = (struct kvm_ppc_cpu_char){.character = 0xf0f0,
					    .behaviour = 1ULL << 63 | 0xff,
					    .character_mask = 0xff00,
					    .behaviour_mask = 1ULL << 63 | 0x0f};
	cr_expect_eq(call(CPU_CHARACTERISTICS, 0, 0, 0, 0), SUCCESS);
	cr_expect_eq(regs[0], 0xf000);
	cr_expect_eq(regs[1], 1ULL << 63 | 0x0f);
	p.chars_errno = ENOTTY;
	cr_expect_eq(call(CPU_CHARACTERISTICS, 0, 0, 0, 0), FUNCTION);
}

/* ---- the terminal ---------------------------------------------------------------------------- */

#define VTY  0x71000000
#define IRQ  0x1000
#define ABCD 0x4142434445464748ULL

static void said(const char *text)
{
	char got[64] = "";

	if (read(p.terminal[0], got, sizeof(got) - 1) < 0)
		cr_assert_eq(errno, EAGAIN);
	cr_expect_str_eq(got, text);
}

Test(powerpc_hcall, characters_out)
{
	cr_expect_eq(call(PUT_TERM_CHAR, VTY, 0, ABCD, ABCD), SUCCESS);
	said("");
	cr_expect_eq(call(PUT_TERM_CHAR, VTY, 1, ABCD, 0), SUCCESS);
	said("A");
	cr_expect_eq(call(PUT_TERM_CHAR, VTY, 9, ABCD, ABCD), SUCCESS);
	said("ABCDEFGHA");
	cr_expect_eq(call(PUT_TERM_CHAR, 0, 16, ABCD, 0x303132333435360a), SUCCESS, "0: the first");
	said("ABCDEFGH0123456\n");
}

Test(powerpc_hcall, terminals_and_counts_that_are_none)
{
	static const uint64_t none[] = {1,	    VTY - 1,	      VTY + 1,	 0x30000000,
					1ULL << 32, 1ULL << 32 | VTY, UINT64_MAX},
			      counts[] = {17,	      255,	 1ULL << 32, 1ULL << 32 | 1,
					  1ULL << 63, UINT64_MAX};
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(none); i++) {
		cr_expect_eq(call(PUT_TERM_CHAR, none[i], 1, ABCD, ABCD), PARAMETER);
		cr_expect_eq(call(GET_TERM_CHAR, none[i], 0, 0, 0), PARAMETER);
		cr_expect_eq(call(VIO_SIGNAL, none[i], 1, 0, 0), PARAMETER);
	}
	for (i = 0; i < ARRAY_SIZE(counts); i++)
		cr_expect_eq(call(PUT_TERM_CHAR, VTY, counts[i], ABCD, ABCD), PARAMETER, "%lu",
			     counts[i]);
	said("");
}

/* A guest must not hang because nobody reads what it says. */
Test(powerpc_hcall, a_full_terminal_loses_characters)
{
	unsigned i;

	for (i = 0; i < 65536 / 16 + 100; i++)
		cr_assert_eq(call(PUT_TERM_CHAR, VTY, 16, ABCD, ABCD), SUCCESS);
}

static unsigned type(const char *text, unsigned n)
{
	const struct console_port *c = &p.rec.vm.console;

	return c->input(c->opaque, (const uint8_t *)text, n);
}

Test(powerpc_hcall, characters_in)
{
	cr_expect_eq(call(GET_TERM_CHAR, VTY, 0, 0, 0), SUCCESS);
	cr_expect_eq(regs[0], 0);
	cr_expect_eq(type("0123456789ABCDEFGHI", 19), 19);
	cr_expect_eq(call(GET_TERM_CHAR, VTY, 0, 0, 0), SUCCESS);
	cr_expect_eq(regs[0], 16);
	cr_expect_eq(regs[1], 0x3031323334353637);
	cr_expect_eq(regs[2], 0x3839414243444546);
	cr_expect_eq(call(GET_TERM_CHAR, 0, 0, 0, 0), SUCCESS);
	cr_expect_eq(regs[0], 3);
	cr_expect_eq(regs[1], 0x4748490000000000);
	cr_expect_eq(regs[2], 0);
	cr_expect_eq(call(GET_TERM_CHAR, VTY, 0, 0, 0), SUCCESS);
	cr_expect_eq(regs[0], 0);
}

Test(powerpc_hcall, more_input_than_there_is_room_for)
{
	static char long_text[VTY_ROOM + 100];
	unsigned got = 0, i;

	/* Not from the start of the ring, so that it wraps. */
	cr_assert_eq(type("0123456789ABCDEF", 16), 16);
	cr_assert_eq(call(GET_TERM_CHAR, VTY, 0, 0, 0), SUCCESS);
	for (i = 0; i < sizeof(long_text); i++)
		long_text[i] = (char)('a' + i % 26);
	cr_expect_eq(type(long_text, sizeof(long_text)), VTY_ROOM, "the rest is to come again");
	cr_expect_eq(type("x", 1), 0);
	do {
		cr_assert_eq(call(GET_TERM_CHAR, VTY, 0, 0, 0), SUCCESS);
		for (i = 0; i < regs[0]; i++, got++)
			cr_assert_eq(regs[1 + i / 8] >> (56 - 8 * (i % 8)) & 0xff,
				     (uint64_t)long_text[got]);
	} while (regs[0]);
	cr_expect_eq(got, VTY_ROOM);
}

static void count_room(void *user)
{
	++*(unsigned *)user;
}

Test(powerpc_hcall, who_was_refused_is_told_of_room)
{
	static char long_text[VTY_ROOM + 1];
	unsigned told = 0;

	p.rec.vm.console.room = count_room;
	p.rec.vm.console.user = &told;
	type(long_text, VTY_ROOM);
	call(GET_TERM_CHAR, VTY, 0, 0, 0);
	cr_expect_eq(told, 0, "all was taken");
	type(long_text, 17);
	call(GET_TERM_CHAR, VTY, 0, 0, 0);
	cr_expect_eq(told, 1);
	call(GET_TERM_CHAR, VTY, 0, 0, 0);
	cr_expect_eq(told, 1);
}

/*
 * The source is an edge: up and down again for each input, whether the guest has asked for that
 * with H_VIO_SIGNAL or not. Linux doesn't, and waits for it.
 */
Test(powerpc_hcall, input_interrupts)
{
	type("a", 1);
	cr_expect_eq(p.rec.lines[IRQ], 2);
	cr_expect(!p.rec.level[IRQ]);
	cr_expect_eq(call(VIO_SIGNAL, VTY, 1, 0, 0), SUCCESS);
	type("bc", 2);
	cr_expect_eq(p.rec.lines[IRQ], 4);
	type("", 0);
	cr_expect_eq(p.rec.lines[IRQ], 4, "nothing came");
}
