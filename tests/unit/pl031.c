/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* hw: the PL031, as a driver sees it. */
#include <criterion/criterion.h>
#include <poll.h>
#include <sys/epoll.h>
#include <time.h>

#include "hw.h"
#include "recorder.h"

#define BASE 0xa010000
#define GSI  1

#define DR   0x000
#define MR   0x004
#define LR   0x008
#define CR   0x00c
#define IMSC 0x010
#define RIS  0x014
#define MIS  0x018
#define ICR  0x01c

static struct recorder rec;
static struct view_claim claim;
static struct pl031 rtc;

static void start(void)
{
	recorder_init(&rec);
	space_register_claim(&rec.vm.mmio, &claim);
	cr_assert_eq(loop_init(&rec.vm.loop, NULL), 0);
	cr_assert_eq(pl031_init(&rtc, &rec.vm, BASE, GSI, NULL), 0);
}

static void finish(void)
{
	pl031_destroy(&rtc);
	loop_destroy(&rec.vm.loop);
	recorder_destroy(&rec);
}

TestSuite(pl031, .init = start, .fini = finish);

static uint64_t in(unsigned reg, unsigned size)
{
	uint64_t v = 0;

	cr_assert(space_read(&rec.vm.mmio, &claim, BASE + reg, size, (uint8_t *)&v));
	return v;
}

static uint32_t inl(unsigned reg)
{
	return (uint32_t)in(reg, 4);
}

static void out(unsigned reg, unsigned size, uint64_t v)
{
	cr_assert(space_write(&rec.vm.mmio, &claim, BASE + reg, size, (const uint8_t *)&v));
}

static void outl(unsigned reg, uint32_t v)
{
	out(reg, 4, v);
}

/* What the loop would do: serve the timer if it fires within so many ms. */
static bool rings_within(int ms)
{
	struct pollfd p = {.fd = rtc.timer.source.fd, .events = POLLIN};

	if (poll(&p, 1, ms) <= 0)
		return false;
	rtc.timer.source.ready(&rtc.timer.source, EPOLLIN);
	return true;
}

/* Early in a second, so that some milliseconds later it is still the same. */
static uint32_t early(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (now.tv_nsec > 300000000) {
		struct timespec rest = {0, 1001000000 - now.tv_nsec};

		if (rest.tv_nsec >= 1000000000)
			rest.tv_nsec = 999999999;
		nanosleep(&rest, NULL);
	}
	return inl(DR);
}

Test(pl031, tells_the_hosts_time)
{
	uint32_t before = (uint32_t)time(NULL), now = inl(DR);

	cr_expect(now >= before && now <= (uint32_t)time(NULL));
	cr_expect_eq(inl(CR), 1, "it runs");
	outl(CR, 0);
	cr_expect_eq(inl(CR), 1, "and can't be stopped");
	outl(DR, 0);
	cr_expect_geq(inl(DR), before, "nor set by what only reads");
}

Test(pl031, is_identified)
{
	static const uint8_t want[] = {0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
	unsigned i;

	/* As the AMBA bus of Linux reads it: a byte of each register. */
	for (i = 0; i < ARRAY_SIZE(want); i++) {
		outl(0xfe0 + 4 * i, 0xff);
		cr_expect_eq(inl(0xfe0 + 4 * i), want[i]);
	}
	cr_expect_eq(inl(0xfdc), 0);
}

Test(pl031, is_set)
{
	uint32_t now;

	outl(LR, 1000000000);
	cr_expect_eq(inl(LR), 1000000000);
	now = inl(DR);
	cr_expect(now >= 1000000000 && now < 1000000010, "%u", now);
	/* Beyond 2038, and to the end of its 32 bits. */
	outl(LR, UINT32_MAX - 5);
	cr_expect_geq(inl(DR), UINT32_MAX - 5);
}

Test(pl031, rings)
{
	outl(MR, inl(DR) + 1);
	outl(IMSC, 1);
	cr_expect_eq(inl(RIS), 0);
	cr_assert(!rec.level[GSI]);
	cr_assert(rings_within(3000));
	cr_assert(rec.level[GSI]);
	cr_expect_geq(inl(DR), inl(MR), "not before its second");
	cr_expect_eq(inl(RIS), 1);
	cr_expect_eq(inl(MIS), 1);
	outl(ICR, 0);
	cr_assert(rec.level[GSI], "a zero acknowledges nothing");
	outl(ICR, 1);
	cr_assert(!rec.level[GSI]);
	cr_expect_eq(inl(RIS), 0);
	/* The second that it rang in lasts; the alarm must not come again and again until then. */
	cr_expect(!rings_within(100), "once");
}

Test(pl031, rings_unheard_while_masked)
{
	outl(MR, early());
	cr_assert(rings_within(1000));
	cr_expect(!rec.level[GSI]);
	cr_expect_eq(inl(RIS), 1);
	cr_expect_eq(inl(MIS), 0);
	outl(IMSC, 1);
	cr_expect(rec.level[GSI], "it is still on");
	cr_expect_eq(inl(MIS), 1);
	outl(IMSC, 0);
	cr_expect(!rec.level[GSI]);
}

Test(pl031, is_set_past_its_alarm)
{
	outl(IMSC, 1);
	outl(MR, inl(DR) - 10);
	cr_expect(!rings_within(50), "the past does not ring");
	outl(MR, inl(DR) + 1000);
	cr_expect(!rings_within(50));
	/* Setting the clock moves the alarm nearer. */
	outl(LR, inl(MR) - 1);
	cr_expect(rings_within(3000));
	cr_expect(rec.level[GSI]);
}

Test(pl031, a_removed_one_lets_go_of_its_timer)
{
	unsigned before;

	pl031_destroy(&rtc);
	before = open_fds();
	cr_assert_eq(pl031_init(&rtc, &rec.vm, BASE, GSI, NULL), 0);
	cr_assert_eq(open_fds(), before + 1);
	pl031_destroy(&rtc);
	cr_assert_eq(open_fds(), before);
	cr_assert_eq(pl031_init(&rtc, &rec.vm, BASE, GSI, NULL), 0);
}

Test(pl031, narrow_accesses)
{
	outl(MR, 0x12345678);
	out(MR, 2, 0xffff);
	out(MR + 1, 1, 0xff);
	out(MR + 2, 2, 0xffff);
	cr_expect_eq(inl(MR), 0x12345678, "no narrow write");
	cr_expect_eq(in(MR, 1), 0x78);
	cr_expect_eq(in(MR + 1, 1), 0x56);
	cr_expect_eq(in(MR + 2, 2), 0x1234);
}
