/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The XIVE: what KVM is told of it, what a guest sees of its pages, and the hypercalls on it. Their
 * numbers and flags are written out, as Linux' arch/powerpc/sysdev/xive/spapr.c has them.
 */
#include <criterion/criterion.h>
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "../../../powerpc/xive.h"
#include "partition.h"

#define GET_SOURCE_INFO	  0x3a8
#define SET_SOURCE_CONFIG 0x3ac
#define GET_SOURCE_CONFIG 0x3b0
#define GET_QUEUE_INFO	  0x3b4
#define SET_QUEUE_CONFIG  0x3b8
#define GET_QUEUE_CONFIG  0x3bc
#define INT_ESB		  0x3c8
#define INT_SYNC	  0x3cc
#define INT_RESET	  0x3d0

#define SUCCESS	  0ULL
#define HARDWARE  -1ULL
#define FUNCTION  -2ULL
#define PARAMETER -4ULL
#define P2	  -55ULL
#define P3	  -56ULL
#define P4	  -57ULL
#define P5	  -58ULL

#define VTY   0x1000
#define INTX  0x1004
#define MSI   0x1010
#define LAST  0x17ff
#define PAGE  (64 * KIB)
#define TIMA  0x200010010000ULL
#define ESB   0x200020000000ULL
#define QUEUE 0x20000
#define EISN  77

static struct view_claim claim; /* of the guest, which looks at its pages */

static void start(void)
{
	partition_start_xive(512 * KIB);
	space_register_claim(&p.rec.vm.mmio, &claim);
}

TestSuite(powerpc_xive, .init = start, .fini = partition_finish);

/* A call with five arguments. */
static uint64_t call5(uint64_t nr, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4)
{
	const uint64_t args[9] = {a0, a1, a2, a3, a4};

	memcpy(regs, args, sizeof(regs));
	return hcall(&p.cpus[0], nr, regs);
}

static uint64_t set_queue(uint64_t cpu, uint64_t priority)
{
	return call5(SET_QUEUE_CONFIG, 1, cpu, priority, QUEUE, 16);
}

static const uint64_t no_sources[] = {CPUS,	  0xfff,      0x1800,
				      0x10000,	  1ULL << 32, 1ULL << 44,
				      1ULL << 63, UINT64_MAX, 1ULL << 32 | MSI};
static const uint64_t no_cpus[] = {CPUS, 512, 1ULL << 29, 1ULL << 32, 1ULL << 61, UINT64_MAX};
static const uint64_t no_priorities[] = {7, 8, 0xfe, 0x1ff, 1ULL << 32, UINT64_MAX};

/* ---- the device ------------------------------------------------------------------------------ */

Test(powerpc_xive, sources_that_kvm_makes)
{
	unsigned i, n = 0;

	cr_expect_eq(p.chip.type, KVM_DEV_TYPE_XIVE);
	cr_expect_eq(p.chip.servers, CPUS);
	for (i = 0; i < SOURCE_END; i++) {
		cr_expect_eq(p.chip.sources[i].there, i < CPUS || i >= 0x1000, "0x%x", i);
		cr_expect_eq(p.chip.sources[i].level, i >= INTX && i < INTX + 4, "0x%x", i);
		n += p.chip.sources[i].there;
	}
	cr_expect_eq(n, CPUS + 0x800);
	cr_expect_eq(p.n_tokens, 0, "no call of RTAS's directs them");
	cr_expect_eq(RTAS("ibm,int-on", 1, MSI), -3);
	cr_expect_eq(RTAS("ibm,get-xive", 3, MSI), -3);
}

static void mark(unsigned page, uint64_t offset, uint64_t value)
{
	value = htobe64(value);
	cr_assert_eq(pwrite(p.chip.fd, &value, sizeof(value), (off_t)(page * PAGE + offset)),
		     sizeof(value));
}

static uint64_t marked(unsigned page, uint64_t offset)
{
	uint64_t value;

	cr_assert_eq(pread(p.chip.fd, &value, sizeof(value), (off_t)(page * PAGE + offset)),
		     sizeof(value));
	return be64toh(value);
}

/* KVM has the sources' pages behind the four of the thread context. */
static unsigned page_of(unsigned source, bool manage)
{
	return 4 + 2 * source + manage;
}

static bool sees(uint64_t at, uint64_t *value)
{
	uint8_t buf[8];
	bool there = space_read(&p.rec.vm.mmio, &claim, at, sizeof(buf), buf);

	memcpy(value, buf, sizeof(*value));
	*value = be64toh(*value);
	return there;
}

static void expect_page(unsigned page, uint64_t at)
{
	uint64_t value;

	mark(page, 0x800, 0xabc000 + page);
	cr_expect(sees(at + 0x800, &value), "0x%lx", at);
	cr_expect_eq(value, 0xabc000 + page, "0x%lx: 0x%lx", at, value);
}

/* An access to a page that KVM does not show would end the machine. */
Test(powerpc_xive, pages_that_the_guest_sees)
{
	static const unsigned sources[] = {0, CPUS - 1, VTY, INTX, MSI, LAST};
	static const uint64_t none[] = {TIMA - PAGE,
					TIMA + PAGE,
					ESB - 8,
					ESB + CPUS * 2 * PAGE,
					ESB + 0x1000 * 2 * PAGE - 8,
					ESB + 0x1800 * 2 * PAGE};
	uint64_t value;
	unsigned i;

	expect_page(2, TIMA);
	for (i = 0; i < ARRAY_SIZE(sources); i++) {
		expect_page(page_of(sources[i], false), ESB + sources[i] * 2 * PAGE);
		expect_page(page_of(sources[i], true), ESB + sources[i] * 2 * PAGE + PAGE);
	}
	for (i = 0; i < ARRAY_SIZE(none); i++)
		cr_expect(!sees(none[i], &value), "0x%lx", none[i]);
}

/* ---- sources --------------------------------------------------------------------------------- */

Test(powerpc_xive, where_sources_are_managed)
{
	static const unsigned edges[] = {0, CPUS - 1, VTY, MSI, LAST};
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(edges); i++) {
		cr_expect_eq(call(GET_SOURCE_INFO, 0, edges[i], 0, 0), SUCCESS);
		cr_expect_eq(regs[0], 0);
		cr_expect_eq(regs[1], ESB + edges[i] * 2 * PAGE + PAGE, "management");
		cr_expect_eq(regs[2], ESB + edges[i] * 2 * PAGE, "trigger");
		cr_expect_eq(regs[3], 16);
	}
	for (i = INTX; i < INTX + 4; i++) {
		cr_expect_eq(call(GET_SOURCE_INFO, 0, i, 0, 0), SUCCESS);
		cr_expect_eq(regs[0], 8 | 4, "by H_INT_ESB, a level");
		cr_expect_eq(regs[1], UINT64_MAX);
		cr_expect_eq(regs[2], UINT64_MAX);
		cr_expect_eq(regs[3], 16);
	}
	cr_expect_eq(call(GET_SOURCE_INFO, 1, MSI, 0, 0), PARAMETER);
	cr_expect_eq(call(GET_SOURCE_INFO, 1ULL << 63, MSI, 0, 0), PARAMETER);
}

static void expect_config(unsigned source, uint64_t cpu, uint64_t priority, uint64_t eisn)
{
	cr_expect_eq(call(GET_SOURCE_CONFIG, 0, source, 0, 0), SUCCESS);
	cr_expect_eq(regs[0], cpu);
	cr_expect_eq(regs[1], priority);
	cr_expect_eq(regs[2], eisn);
	cr_expect_eq(p.chip.sources[source].masked, priority == 0xff);
	if (priority == 0xff)
		return;
	cr_expect_eq(p.chip.sources[source].server, cpu);
	cr_expect_eq(p.chip.sources[source].priority, priority);
	cr_expect_eq(p.chip.sources[source].eisn, eisn);
}

Test(powerpc_xive, sources_are_directed)
{
	expect_config(MSI, 0, 0xff, MSI);
	cr_assert_eq(set_queue(1, 6), SUCCESS);
	cr_assert_eq(set_queue(3, 0), SUCCESS);
	cr_expect_eq(call5(SET_SOURCE_CONFIG, 2, MSI, 1, 6, EISN), SUCCESS);
	expect_config(MSI, 1, 6, EISN);
	cr_expect_eq(call5(SET_SOURCE_CONFIG, 0, MSI, 3, 0, 5), SUCCESS, "the number stays");
	expect_config(MSI, 3, 0, EISN);
	cr_expect_eq(call5(SET_SOURCE_CONFIG, 0, 2, 1, 6, 5), SUCCESS, "an IPI, by its own number");
	expect_config(2, 1, 6, 2);
	cr_expect_eq(call5(SET_SOURCE_CONFIG, 2, LAST, 1, 6, 0x7ffffffe), SUCCESS);
	expect_config(LAST, 1, 6, 0x7ffffffe);
	cr_expect_eq(call5(SET_SOURCE_CONFIG, 2, 0, 1, 6, 0), SUCCESS);
	expect_config(0, 1, 6, 0);
	cr_expect_eq(p.chip.configs, 5);
}

/* As Linux shuts one down: priority 0xff, with a CPU and a number that are none. */
Test(powerpc_xive, sources_are_masked)
{
	cr_assert_eq(set_queue(0, 0), SUCCESS);
	cr_assert_eq(call5(SET_SOURCE_CONFIG, 2, MSI, 0, 0, 0), SUCCESS);
	cr_expect_eq(call5(SET_SOURCE_CONFIG, 2, MSI, UINT64_MAX, 0xff, 0xffffffff), SUCCESS);
	expect_config(MSI, 0, 0xff, 0);
	cr_expect_eq(call5(SET_SOURCE_CONFIG, 2, MSI, 0, 0, 0), SUCCESS);
	expect_config(MSI, 0, 0, 0);
	cr_expect_eq(call5(SET_SOURCE_CONFIG, 1, MSI, 0, 0, 0), SUCCESS, "by the flag");
	expect_config(MSI, 0, 0xff, 0);
}

Test(powerpc_xive, sources_that_are_none)
{
	unsigned i;

	cr_assert_eq(set_queue(0, 0), SUCCESS);
	for (i = 0; i < ARRAY_SIZE(no_sources); i++) {
		const uint64_t s = no_sources[i];

		cr_expect_eq(call(GET_SOURCE_INFO, 0, s, 0, 0), P2, "0x%lx", s);
		cr_expect_eq(call(GET_SOURCE_CONFIG, 0, s, 0, 0), P2, "0x%lx", s);
		cr_expect_eq(call5(SET_SOURCE_CONFIG, 2, s, 0, 0, EISN), P2, "0x%lx", s);
		cr_expect_eq(call5(SET_SOURCE_CONFIG, 0, s, 0, 0xff, 0), P2, "0x%lx", s);
		cr_expect_eq(call(INT_ESB, 0, s, 0x800, 0), P2, "0x%lx", s);
		cr_expect_eq(call(INT_ESB, 1, s, 0x400, 0), P2, "0x%lx", s);
		cr_expect_eq(call(INT_SYNC, 0, s, 0, 0), P2, "0x%lx", s);
	}
	cr_expect_eq(p.chip.configs + p.chip.syncs, 0);
}

Test(powerpc_xive, directions_that_are_none)
{
	static const uint64_t flags[] = {4, 1ULL << 32, 1ULL << 63 | 2, UINT64_MAX};
	static const uint64_t eisns[] = {0x7fffffff, 0x80000000, 1ULL << 32, UINT64_MAX};
	unsigned i;

	cr_assert_eq(set_queue(0, 0), SUCCESS);
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		cr_expect_eq(call5(SET_SOURCE_CONFIG, flags[i], MSI, 0, 0, EISN), PARAMETER);
		cr_expect_eq(call(GET_SOURCE_CONFIG, flags[i], MSI, 0, 0), PARAMETER);
	}
	for (i = 0; i < ARRAY_SIZE(no_cpus); i++)
		cr_expect_eq(call5(SET_SOURCE_CONFIG, 2, MSI, no_cpus[i], 0, EISN), P3);
	for (i = 0; i < ARRAY_SIZE(no_priorities); i++)
		cr_expect_eq(call5(SET_SOURCE_CONFIG, 2, MSI, 0, no_priorities[i], EISN), P4);
	for (i = 0; i < ARRAY_SIZE(eisns); i++)
		cr_expect_eq(call5(SET_SOURCE_CONFIG, 2, MSI, 0, 0, eisns[i]), P5);
	/* No queue: KVM is not even asked, see direct_source(). */
	cr_expect_eq(call5(SET_SOURCE_CONFIG, 2, MSI, 0, 1, EISN), HARDWARE);
	cr_expect_eq(call5(SET_SOURCE_CONFIG, 2, MSI, 1, 0, EISN), HARDWARE);
	cr_expect_eq(p.chip.configs, 0);
	expect_config(MSI, 0, 0xff, MSI);
	p.chip.refuses = EBUSY;
	cr_expect_eq(call5(SET_SOURCE_CONFIG, 2, MSI, 0, 0, EISN), HARDWARE);
	expect_config(MSI, 0, 0xff, MSI);
}

/* ---- queues ---------------------------------------------------------------------------------- */

static void expect_queue(uint64_t cpu, uint64_t priority, uint64_t at)
{
	cr_expect_eq(call(GET_QUEUE_CONFIG, 0, cpu, priority, 0), SUCCESS);
	cr_expect_eq(regs[0], at != 0);
	cr_expect_eq(regs[1], at);
	cr_expect_eq(regs[2], at ? 16 : 0);
	cr_expect_eq(regs[3], 0);
	cr_expect_eq(p.chip.queues[cpu][priority].qaddr, at);
}

Test(powerpc_xive, queues)
{
	cr_expect_eq(call(GET_QUEUE_INFO, 0, 3, 6, 0), SUCCESS);
	cr_expect_eq(regs[0], UINT64_MAX, "no page of its own");
	cr_expect_eq(regs[1], 0);
	expect_queue(3, 6, 0);
	cr_expect_eq(call5(SET_QUEUE_CONFIG, 1, 3, 6, 0x70000, 16), SUCCESS, "the last of memory");
	expect_queue(3, 6, 0x70000);
	cr_expect_eq(call5(SET_QUEUE_CONFIG, 1, 3, 6, 0x10000, 16), SUCCESS, "moved");
	expect_queue(3, 6, 0x10000);
	p.chip.queues[3][6].qindex = 41;
	cr_expect_eq(call(GET_QUEUE_CONFIG, 1, 3, 6, 0), SUCCESS);
	cr_expect_eq(regs[0], 2 | 1, "its generation, and that it notifies");
	cr_expect_eq(regs[3], 41);
	/* Given back, as before a CPU goes. */
	cr_expect_eq(call5(SET_QUEUE_CONFIG, 0, 3, 6, 0, 0), SUCCESS);
	expect_queue(3, 6, 0);
	cr_expect_eq(call5(SET_QUEUE_CONFIG, 0, 3, 6, 0x12345, 0), SUCCESS);
	cr_expect_eq(call5(SET_SOURCE_CONFIG, 2, MSI, 3, 6, EISN), HARDWARE);
}

Test(powerpc_xive, queues_that_are_none)
{
	static const uint64_t sizes[] = {1, 12, 15, 17, 21, 24, 64, 1ULL << 32, UINT64_MAX};
	static const uint64_t places[] = {1,	      0x1000,	  0x18000,	     0x80000,
					  1ULL << 32, 1ULL << 60, 0xffffffffffff0000};
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(no_cpus); i++) {
		cr_expect_eq(call(GET_QUEUE_INFO, 0, no_cpus[i], 0, 0), P2);
		cr_expect_eq(call(GET_QUEUE_CONFIG, 0, no_cpus[i], 0, 0), P2);
		cr_expect_eq(set_queue(no_cpus[i], 0), P2);
	}
	for (i = 0; i < ARRAY_SIZE(no_priorities); i++) {
		cr_expect_eq(call(GET_QUEUE_INFO, 0, 0, no_priorities[i], 0), P3);
		cr_expect_eq(call(GET_QUEUE_CONFIG, 0, 0, no_priorities[i], 0), P3);
		cr_expect_eq(set_queue(0, no_priorities[i]), P3);
	}
	cr_expect_eq(set_queue(0, 0xff), P3);
	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		cr_expect_eq(call5(SET_QUEUE_CONFIG, 1, 0, 0, QUEUE, sizes[i]), P5);
	for (i = 0; i < ARRAY_SIZE(places); i++)
		cr_expect_eq(call5(SET_QUEUE_CONFIG, 1, 0, 0, places[i], 16), P4, "0x%lx",
			     places[i]);
	cr_expect_eq(call5(SET_QUEUE_CONFIG, 1, 0, 0, ESB, 16), P4, "pages, but no RAM");
	cr_expect_eq(call5(SET_QUEUE_CONFIG, 0, 0, 0, QUEUE, 16), PARAMETER, "KVM always notifies");
	cr_expect_eq(call5(SET_QUEUE_CONFIG, 2, 0, 0, QUEUE, 16), PARAMETER);
	cr_expect_eq(call5(SET_QUEUE_CONFIG, 1ULL << 63, 0, 0, 0, 0), PARAMETER);
	cr_expect_eq(call(GET_QUEUE_INFO, 1, 0, 0, 0), PARAMETER);
	cr_expect_eq(call(GET_QUEUE_CONFIG, 2, 0, 0, 0), PARAMETER);
	expect_queue(0, 0, 0);
}

Test(powerpc_xive, queues_that_kvm_refuses)
{
	cr_assert_eq(set_queue(0, 0), SUCCESS);
	p.chip.refuses = EIO;
	cr_expect_eq(set_queue(0, 0), HARDWARE);
	cr_expect_eq(set_queue(1, 0), HARDWARE);
	cr_expect_eq(call(GET_QUEUE_CONFIG, 0, 0, 0, 0), HARDWARE);
	p.chip.refuses = 0;
	cr_expect_eq(call5(SET_SOURCE_CONFIG, 2, MSI, 1, 0, EISN), HARDWARE, "it is not there");
	cr_expect_eq(set_queue(0, 0), SUCCESS);
}

/* ---- pages by call --------------------------------------------------------------------------- */

Test(powerpc_xive, loads_and_stores)
{
	mark(page_of(INTX, true), 0x800, 0x3);
	cr_expect_eq(call(INT_ESB, 0, INTX, 0x800, 0), SUCCESS);
	cr_expect_eq(regs[0], 3);
	mark(page_of(LAST, true), 0xfff8, 0x123456789);
	cr_expect_eq(call(INT_ESB, 0, LAST, 0xfff8, 0), SUCCESS);
	cr_expect_eq(regs[0], 0x123456789);
	cr_expect_eq(call(INT_ESB, 1, 1, 0x400, 0xfedc), SUCCESS);
	cr_expect_eq(regs[0], UINT64_MAX);
	cr_expect_eq(marked(page_of(1, true), 0x400), 0xfedc);
}

Test(powerpc_xive, offsets_that_are_none)
{
	static const uint64_t offsets[] = {
		1, 4, 0xffff, 0x10000, 0x10008, 1ULL << 32, 1ULL << 63, UINT64_MAX, UINT64_MAX - 7};
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		cr_expect_eq(call(INT_ESB, 0, LAST, offsets[i], 0), P3, "0x%lx", offsets[i]);
		cr_expect_eq(call(INT_ESB, 1, LAST, offsets[i], 0), P3, "0x%lx", offsets[i]);
	}
	cr_expect_eq(call(INT_ESB, 2, INTX, 0, 0), PARAMETER);
	cr_expect_eq(call(INT_ESB, UINT64_MAX, INTX, 0, 0), PARAMETER);
}

#define NOT_TRIGGERED 0xffff

/* A store, whatever it stores, is the trigger. */
static bool triggered(unsigned source)
{
	bool was = marked(page_of(source, false), 0) != NOT_TRIGGERED;

	mark(page_of(source, false), 0, NOT_TRIGGERED);
	return was;
}

/*
 * The level is ours: KVM has but an edge for each time that it rises. What makes the source ready
 * (0xc00), or is to (0), finds it up or down.
 */
Test(powerpc_xive, a_level_that_stays_up)
{
	struct irq_table *irqs = &p.rec.vm.irqs;

	mark(page_of(INTX, true), 0xc00, 2);
	mark(page_of(INTX, true), 0, 0xbad);
	mark(page_of(INTX, true), 0xd00, 1);
	triggered(INTX);
	cr_expect_eq(call(INT_ESB, 0, INTX, 0, 0), SUCCESS);
	cr_expect_eq(regs[0], 2, "loaded from 0xc00");
	cr_expect(!triggered(INTX), "it is down");
	irq_line(irqs, INTX, true);
	cr_expect_eq(p.rec.lines[INTX], 1, "KVM triggers when it rises");
	cr_expect_eq(call(INT_ESB, 0, INTX, 0xd00, 0), SUCCESS);
	cr_expect(!triggered(INTX), "it is switched off");
	cr_expect_eq(call(INT_ESB, 0, INTX, 0xc00, 0), SUCCESS);
	cr_expect(triggered(INTX), "it is switched on");
	cr_expect_eq(call(INT_ESB, 0, INTX, 0, 0), SUCCESS);
	cr_expect(triggered(INTX), "and is up after it was handled");
	irq_line(irqs, INTX, false);
	cr_expect_eq(call(INT_ESB, 0, INTX, 0, 0), SUCCESS);
	cr_expect(!triggered(INTX));
	/* An edge is over. */
	triggered(VTY);
	irq_line(irqs, VTY, true);
	cr_expect_eq(call(INT_ESB, 0, VTY, 0xc00, 0), SUCCESS);
	cr_expect(!triggered(VTY));
	irq_line(irqs, VTY, false);
}

/* ---- the rest -------------------------------------------------------------------------------- */

Test(powerpc_xive, sync_and_reset)
{
	cr_expect_eq(call(INT_SYNC, 0, LAST, 0, 0), SUCCESS);
	cr_expect_eq(p.chip.syncs, 1);
	cr_expect_eq(p.chip.synced, LAST);
	cr_expect_eq(call(INT_SYNC, 1, LAST, 0, 0), PARAMETER);
	cr_assert_eq(set_queue(2, 5), SUCCESS);
	cr_assert_eq(call5(SET_SOURCE_CONFIG, 2, MSI, 2, 5, EISN), SUCCESS);
	cr_expect_eq(call(INT_RESET, 1, 0, 0, 0), PARAMETER);
	p.chip.refuses = EIO;
	cr_expect_eq(call(INT_RESET, 0, 0, 0, 0), HARDWARE);
	cr_expect_eq(call(INT_SYNC, 0, MSI, 0, 0), HARDWARE);
	p.chip.refuses = 0;
	expect_config(MSI, 2, 5, EISN);
	cr_expect_eq(call(INT_RESET, 0, 0, 0, 0), SUCCESS);
	cr_expect_eq(p.chip.resets, 1);
	expect_config(MSI, 0, 0xff, MSI);
	expect_queue(2, 5, 0);
	cr_expect_eq(call5(SET_SOURCE_CONFIG, 2, MSI, 2, 5, EISN), HARDWARE, "the queue is gone");
	cr_expect_eq(set_queue(2, 5), SUCCESS);
}

/* The registers' lines of a CPU are reported nowhere; neighbours are other people's. */
Test(powerpc_xive, what_is_none_of_its_calls)
{
	static const uint64_t none[] = {0x3a4, 0x3c0, 0x3c4, 0x3d4, 0x64, 0x68, 0x6c, 0x70, 0x74};
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(none); i++)
		cr_expect_eq(call(none[i], 0, 0, 0, 0), FUNCTION, "0x%lx", none[i]);
}
