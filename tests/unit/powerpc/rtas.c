/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* RTAS: blocks of hostile guests, and the functions that are neither PCI's nor DMA's. */
#include <criterion/criterion.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "partition.h"

#define RAM (128 * KIB)

static uint8_t *before; /* the guest's memory, as it was */

static void start(void)
{
	partition_start(RAM);
	before = malloc(RAM);
}

static void finish(void)
{
	free(before);
	partition_finish();
}

TestSuite(powerpc_rtas, .init = start, .fini = finish);

static void remember(void)
{
	memcpy(before, p.ram, RAM);
}

/* All but n bytes at `at` is as it was. */
static bool untouched_but(uint64_t at, uint64_t n)
{
	return !memcmp(before, p.ram, at) && !memcmp(before + at + n, p.ram + at + n, RAM - at - n);
}

static void fill(void)
{
	unsigned i;

	for (i = 0; i < RAM; i++)
		p.ram[i] = (uint8_t)(i * 7 + 1);
}

static uint64_t block(uint64_t at)
{
	return call(0xf000, at, 0, 0, 0);
}

static bool running(void)
{
	return p.rec.vm.end == VM_RUNNING;
}

Test(powerpc_rtas, blocks_outside_memory)
{
	static const uint64_t nowhere[] = {
		RAM,
		RAM + 1,
		RAM - 1,
		RAM - 8,
		RAM - 11,
		1ULL << 32,
		1ULL << 60,
		1ULL << 63,
		UINT64_MAX,
		UINT64_MAX - 3,
		UINT64_MAX - 4,
		UINT64_MAX - 11,
		UINT64_MAX - 12,
		UINT64_MAX - 75,
	};
	unsigned i;

	fill();
	remember();
	for (i = 0; i < ARRAY_SIZE(nowhere); i++)
		cr_expect_eq(block(nowhere[i]), -4ULL, "0x%lx", nowhere[i]);
	cr_expect(untouched_but(0, 0));
}

/* power-off has two arguments and an answer: 24 bytes in all. */
Test(powerpc_rtas, a_call_that_can_not_be_answered_is_not_carried_out)
{
	uint64_t at;

	for (at = RAM - 23; at < RAM - 11; at++) {
		set_ram32(at, rtas_token("power-off"));
		set_ram32(at + 4, 2);
		set_ram32(at + 8, 1);
		remember();
		cr_expect_eq(block(at), -4ULL, "%lu bytes before the end", RAM - at);
		cr_expect(untouched_but(0, 0));
		cr_assert(running());
	}
	cr_expect_eq(rtas_at(RAM - 24, rtas_token("power-off"), 1, 2, (uint32_t[]){0, 0}), 0);
	cr_expect_eq(p.rec.vm.end, VM_POWEROFF);
}

Test(powerpc_rtas, a_block_may_lie_at_any_byte)
{
	uint64_t at;

	for (at = 0x4000; at < 0x4010; at++) {
		cr_expect_eq(
			rtas_at(at, rtas_token("query-cpu-stopped-state"), 2, 1, (uint32_t[]){1}),
			0);
		cr_expect_eq(rets[0], 0);
	}
}

/* Counts that only look right when they are added, or multiplied by four, in 32 bits. */
Test(powerpc_rtas, counts_without_bounds)
{
	static const uint32_t counts[] = {0,	      1,	  2,	      8,
					  15,	      16,	  17,	      0x1000,
					  0x3fffffff, 0x40000000, 0x40000001, 0x7fffffff,
					  0x80000000, 0xfffffff0, 0xffffffff};
	unsigned i, k;

	for (i = 0; i < ARRAY_SIZE(counts); i++)
		for (k = 0; k < ARRAY_SIZE(counts); k++) {
			bool fits = (uint64_t)counts[i] + counts[k] <= RTAS_ARGS_MAX;

			fill();
			set_ram32(RTAS_AT, rtas_token("ibm,set-xive"));
			set_ram32(RTAS_AT + 4, counts[i]);
			set_ram32(RTAS_AT + 8, counts[k]);
			remember();
			cr_expect_eq(block(RTAS_AT), fits ? 0 : -4ULL, "%u and %u", counts[i],
				     counts[k]);
			cr_expect(untouched_but(RTAS_AT + 12 + 4ULL * (fits ? counts[i] : 0),
						4ULL * (fits ? counts[k] : 0)),
				  "%u and %u", counts[i], counts[k]);
		}
}

Test(powerpc_rtas, unknown_tokens_and_those_that_are_kvms)
{
	static const char *const kvms[] = {"ibm,set-xive", "ibm,get-xive", "ibm,int-off",
					   "ibm,int-on"};
	const uint32_t args[3] = {0x1000, 0, 5},
		       unknown[] = {
			       0,	   1,	       0x1fff,	  0x2000 + rtas_functions_count,
			       0x7fffffff, 0x80002000, UINT32_MAX};
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(unknown); i++)
		cr_expect_eq(rtas_at(RTAS_AT, unknown[i], 1, 0, NULL), -3, "0x%x", unknown[i]);
	for (i = 0; i < ARRAY_SIZE(kvms); i++) {
		cr_expect_neq(rtas_token(kvms[i]), 0);
		cr_expect_eq(rtas_at(RTAS_AT, rtas_token(kvms[i]), 1, 3, args), -3);
		cr_expect_eq(rtas_at(RTAS_AT, rtas_token(kvms[i]), 3, 1, args), -3);
	}
	cr_expect_eq(rtas_token("ibm,os-term"), 0);
}

/* What any call could have done. */
static bool nothing_happened(void)
{
	unsigned i;

	for (i = 0; i < CPUS; i++)
		if (p.m->stopping[i] || atomic_load(&p.cpus[i].held) != (i != 0))
			return false;
	return running() && !p.begun && !p.creates && !p.removes && !p.m->clock_offset;
}

Test(powerpc_rtas, wrong_counts_are_refused_by_each_function)
{
	uint32_t args[RTAS_ARGS_MAX] = {NAMED(DEVICE_MSIX, 0), 4, 1};
	unsigned i, n_args, n_rets;

	for (i = 0; i < rtas_functions_count; i++)
		for (n_args = 0; n_args < RTAS_ARGS_MAX; n_args++)
			for (n_rets = 1; n_args + n_rets <= RTAS_ARGS_MAX; n_rets++) {
				const struct rtas_function *f = &rtas_functions[i];

				if (n_args == f->args && n_rets >= f->rets)
					continue;
				cr_expect_eq(
					rtas_at(RTAS_AT, rtas_token_at(i), n_rets, n_args, args),
					-3, "%s: %u, %u", f->name, n_args, n_rets);
				cr_assert(nothing_happened(), "%s: %u, %u", f->name, n_args,
					  n_rets);
			}
	cr_expect_eq(p.devices[DEVICE_MSIX].msix.assigned, 0);
}

Test(powerpc_rtas, without_room_for_a_status_nothing_is_done)
{
	unsigned i;

	for (i = 0; i < rtas_functions_count; i++) {
		set_ram32(RTAS_AT, rtas_token_at(i));
		set_ram32(RTAS_AT + 4, rtas_functions[i].args);
		set_ram32(RTAS_AT + 8, 0);
		remember();
		cr_expect_eq(block(RTAS_AT), 0);
		cr_expect(untouched_but(0, 0), "%s", rtas_functions[i].name);
		cr_expect(nothing_happened(), "%s", rtas_functions[i].name);
	}
}

Test(powerpc_rtas, answers_go_to_the_returns_and_nowhere_else)
{
	unsigned i, k, n;

	for (i = 0; i < rtas_functions_count; i++)
		for (n = rtas_functions[i].rets; n + rtas_functions[i].args <= RTAS_ARGS_MAX; n++) {
			uint64_t at = RTAS_AT + 12 + 4ULL * rtas_functions[i].args;

			fill();
			set_ram32(RTAS_AT, rtas_token_at(i));
			set_ram32(RTAS_AT + 4, rtas_functions[i].args);
			set_ram32(RTAS_AT + 8, n);
			remember();
			cr_expect_eq(block(RTAS_AT), 0);
			cr_expect(untouched_but(at, 4ULL * n), "%s", rtas_functions[i].name);
			/* More than there is to say is zero, never what happened to be there. */
			for (k = rtas_functions[i].rets + 1; k < n; k++)
				cr_expect_eq(ram32(at + 4ULL * k), 0, "%s: return %u",
					     rtas_functions[i].name, k);
		}
}

Test(powerpc_rtas, the_ends_of_the_machine)
{
	cr_expect_eq(RTAS("power-off", 1, 0, 0), 0);
	cr_expect_eq(p.rec.vm.end, VM_POWEROFF);
	p.rec.vm.end = VM_RUNNING;
	cr_expect_eq(rtas_at(RTAS_AT, rtas_token("system-reboot"), 1, 0, NULL), 0);
	cr_expect_eq(p.rec.vm.end, VM_RESET);
}

Test(powerpc_rtas, characters)
{
	char said[4] = "";

	cr_expect_eq(RTAS("display-character", 1, 'h'), 0);
	cr_expect_eq(RTAS("display-character", 1, 0xffffff00u | 'i'), 0);
	cr_expect_eq(read(p.terminal[0], said, sizeof(said)), 2);
	cr_expect_str_eq(said, "hi");
}

Test(powerpc_rtas, no_errors_are_pending_and_no_parameters_there)
{
	cr_expect_eq(RTAS("check-exception", 1, 0x500, 0, 0x80000000, 0, 0x100, 0x800), 1);
	cr_expect_eq(RTAS("event-scan", 1, 0xf0000000, 0, 0x100, 0x800), 1);
	cr_expect_eq(RTAS("ibm,get-system-parameter", 1, 55, 0x100, 0x800), -3);
}

/* ---- the clock ------------------------------------------------------------------------------- */

static int get_time(void)
{
	return rtas_at(RTAS_AT, rtas_token("get-time-of-day"), 8, 0, NULL);
}

static time_t told_time(void)
{
	struct tm tm;

	cr_assert_eq(get_time(), 0);
	cr_assert_lt(rets[6], 1000000000);
	tm = (struct tm){.tm_year = (int)rets[0] - 1900,
			 .tm_mon = (int)rets[1] - 1,
			 .tm_mday = (int)rets[2],
			 .tm_hour = (int)rets[3],
			 .tm_min = (int)rets[4],
			 .tm_sec = (int)rets[5]};
	return timegm(&tm);
}

static bool is_about(time_t a, time_t b)
{
	return a >= b && a <= b + 60;
}

Test(powerpc_rtas, the_clock_is_the_hosts_until_it_is_set)
{
	static const uint32_t times[][7] = {{2031, 2, 3, 4, 5, 6, 7},
					    {1970, 1, 1, 0, 0, 0, 0},
					    {2000, 2, 29, 23, 59, 0, 0},
					    {2100, 12, 31, 0, 0, 0, 0},
					    {1999, 7, 4, 12, 0, 0, 0}};
	unsigned i;

	cr_expect(is_about(told_time(), time(NULL)));
	for (i = 0; i < ARRAY_SIZE(times); i++) {
		struct tm tm = {.tm_year = (int)times[i][0] - 1900,
				.tm_mon = (int)times[i][1] - 1,
				.tm_mday = (int)times[i][2],
				.tm_hour = (int)times[i][3],
				.tm_min = (int)times[i][4],
				.tm_sec = (int)times[i][5]};

		cr_assert_eq(rtas_at(RTAS_AT, rtas_token("set-time-of-day"), 1, 7, times[i]), 0);
		cr_expect(is_about(told_time(), timegm(&tm)), "case %u", i);
	}
}

/* Fields that are no date and no time, up to those that overflow when anything is done to them. */
Test(powerpc_rtas, no_date_is_no_date)
{
	static const uint32_t good[7] = {2031, 2, 3, 4, 5, 6, 0};
	static const struct {
		unsigned field;
		uint32_t value;
	} bad[] = {
		{0, 0},		 {0, 0x7fffffff}, {0, 0x80000000}, {0, UINT32_MAX}, {0, 10000},
		{1, 0},		 {1, 13},	  {1, 0x80000000}, {1, UINT32_MAX}, {1, 0x7fffffff},
		{2, 0},		 {2, 29},	  {2, 32},	   {2, 0x80000000}, {2, UINT32_MAX},
		{3, 24},	 {3, UINT32_MAX}, {4, 60},	   {4, 0x80000000}, {5, 60},
		{5, 0x7fffffff},
	};
	uint32_t args[7];
	time_t now;
	unsigned i;

	cr_assert_eq(rtas_at(RTAS_AT, rtas_token("set-time-of-day"), 1, 7, good), 0);
	now = told_time();
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		memcpy(args, good, sizeof(args));
		args[bad[i].field] = bad[i].value;
		cr_expect_eq(rtas_at(RTAS_AT, rtas_token("set-time-of-day"), 1, 7, args), -3,
			     "case %u", i);
		cr_expect(is_about(told_time(), now), "case %u", i);
	}
}

/* ---- CPUs ------------------------------------------------------------------------------------ */

static uint32_t state_of(uint32_t cpu)
{
	cr_assert_eq(RTAS("query-cpu-stopped-state", 2, cpu), 0);
	return rets[0];
}

Test(powerpc_rtas, cpus_are_started_once)
{
	cr_expect_eq(state_of(0), 2, "not stopped");
	cr_expect_eq(state_of(2), 0, "stopped");
	cr_assert_eq(RTAS("start-cpu", 1, 2, 0x12345678, 0xfedcba98), 0);
	cr_expect_eq(p.begun, 1);
	cr_expect_eq(p.begun_cpu, 2);
	cr_expect_eq(p.begun_pc, 0x12345678);
	cr_expect_eq(p.begun_r3, 0xfedcba98);
	cr_expect_eq(state_of(2), 2);
	cr_expect_eq(state_of(1), 0);
	cr_expect_neq(RTAS("start-cpu", 1, 2, 0, 0), 0, "it runs already");
	cr_expect_neq(RTAS("start-cpu", 1, 0, 0, 0), 0, "it is the caller");
	cr_expect_eq(p.begun, 1);
}

Test(powerpc_rtas, cpus_that_are_not_there)
{
	static const uint32_t none[] = {CPUS, 0x7fffffff, 0x80000000, UINT32_MAX};
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(none); i++) {
		cr_expect_eq(RTAS("query-cpu-stopped-state", 2, none[i]), -3);
		cr_expect_eq(RTAS("start-cpu", 1, none[i], 0, 0), -3);
	}
	cr_expect_eq(p.begun, 0);
}

Test(powerpc_rtas, a_cpu_that_kvm_refuses_stays_stopped)
{
	p.begin_errno = 5;
	cr_expect_eq(RTAS("start-cpu", 1, 1, 0, 0), -1);
	cr_expect_eq(state_of(1), 0);
	p.begin_errno = 0;
	cr_expect_eq(RTAS("start-cpu", 1, 1, 0, 0), 0);
	cr_expect_eq(state_of(1), 2);
}

/* Not stopped before its own thread has left the call. */
Test(powerpc_rtas, stop_self)
{
	cr_expect_eq(rtas_at(RTAS_AT, rtas_token("stop-self"), 1, 0, NULL), 0);
	cr_expect(p.m->stopping[0]);
	cr_expect(!p.m->stopping[1]);
	cr_expect_eq(state_of(0), 2);
}

/* ---- whatever a guest may say -----------------------------------------------------------------
 */

static uint32_t some_word(void)
{
	static const uint32_t words[] = {0,	     1,		 2,	     3,		 4,
					 6,	     12,	 16,	     21,	 24,
					 0x50,	     0x70,	 0x72,	     0x8000,	 0xc000,
					 BUID_HIGH,  BUID_LOW,	 0x7fffffff, 0x80000000, 0x80000001,
					 0x80000002, 0x80000003, UINT32_MAX};

	return random() % 4 ? words[(unsigned)random() % ARRAY_SIZE(words)]
			    : (uint32_t)random() << (random() % 2);
}

static void make_block(uint64_t at)
{
	unsigned i = (unsigned)random() % rtas_functions_count, device = (unsigned)random() % 5, k;

	for (k = 0; k < 20; k++)
		set_ram32(at + 4 * k, some_word());
	if (random() % 8) {
		set_ram32(at, rtas_token_at(i));
		set_ram32(at + 4, rtas_functions[i].args);
		set_ram32(at + 8, rtas_functions[i].rets + (unsigned)random() % 2);
	}
	if (random() % 2) {
		set_ram32(at + 12, device < DEVICES ? address_of(device, some_word()) : 0);
		set_ram32(at + 16, BUID_HIGH);
		set_ram32(at + 20, BUID_LOW);
	}
}

/* What else would hardly ever be said: a function's messages on and off. */
static void make_switch(uint64_t at)
{
	unsigned cap = random() % 2 ? CAP_MSIX : CAP_MSI, device = (unsigned)random() % DEVICES;
	const uint32_t words[] = {rtas_token("ibm,write-pci-config"),
				  5,
				  1,
				  NAMED(device, cap + 2),
				  2,
				  (uint32_t)(random() % 4) << 14 | (random() % 2)};
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		set_ram32(at + 4ULL * i, words[i]);
}

static bool may_end(uint64_t at)
{
	uint32_t token = ram32(at);

	return (token == rtas_token("power-off") && ram32(at + 4) == 2 && ram32(at + 8)) ||
	       (token == rtas_token("system-reboot") && !ram32(at + 4) && ram32(at + 8));
}

/* The answer, if there is one, is all that changes in a block and around it. */
static void check_block(uint64_t at, uint64_t ret, unsigned round)
{
	uint64_t n_args = ram32(at + 4), n_rets = ram32(at + 8), first = 12 + 4 * n_args;
	const uint64_t end = at + 256;

	cr_assert(ret == 0 || ret == -4ULL, "round %u", round);
	if (ret)
		n_rets = first = 0;
	cr_assert(!memcmp(before + at - 64, p.ram + at - 64, 64 + first), "round %u", round);
	first += at + 4 * n_rets;
	cr_assert(!memcmp(before + first, p.ram + first, end - first), "round %u", round);
}

Test(powerpc_rtas, anything_goes_and_nothing_breaks)
{
	static const struct arch_config config = {.no_tce_acceleration = true};
	unsigned round, ends = 0, answered = 0;
	char said[256];

	cr_assert_eq(dma_create(p.m, &config, NULL), 0);
	srandom(1);
	for (round = 0; round < 100000; round++) {
		uint64_t at = 64 + (uint64_t)random() % (RAM - 512), ret;

		if (random() % 16)
			make_block(at);
		else
			make_switch(at);
		memcpy(before + at - 64, p.ram + at - 64, 512);
		ret = block(at);
		answered += !ret;
		check_block(at, ret, round);
		if (!running()) {
			cr_assert(may_end(at), "round %u", round);
			ends++;
			p.rec.vm.end = VM_RUNNING;
		}
		while (read(p.terminal[0], said, sizeof(said)) > 0)
			;
	}
	cr_assert_gt(ends, 1000);
	cr_assert_gt(answered, 50000);
	cr_assert_gt(p.begun, 0);
	cr_assert_gt(p.creates, GROUPS);
	cr_assert_gt(p.devices[DEVICE_MSIX].msix_source.enables, 10);
	cr_assert_gt(p.devices[DEVICE_MSI].msi_source.enables, 10);
}
