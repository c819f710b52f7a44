/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Dynamic DMA windows: which ones guests get by RTAS, and lose again. */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>

#include "partition.h"

TestSuite(powerpc_dynamic_windows, .init = partition_start_dma, .fini = partition_finish);

static int query(unsigned device)
{
	return RTAS("ibm,query-pe-dma-window", 5, NAMED(device, 0));
}

static int create(unsigned device, uint32_t page, uint32_t window)
{
	return RTAS("ibm,create-pe-dma-window", 4, NAMED(device, 0), page, window);
}

static int drop(uint32_t liobn)
{
	return RTAS("ibm,remove-pe-dma-window", 1, liobn);
}

Test(powerpc_dynamic_windows, a_window_for_all_memory)
{
	unsigned creates;
	uint32_t liobn;

	cr_assert_eq(query(DEVICE_MSIX), 0);
	cr_expect_eq(rets[0], 1);
	cr_expect_geq(rets[1], 1u << 16, "pages in one");
	cr_expect_eq(rets[2], 0x3, "4 KiB and 64 KiB");
	cr_expect_eq(rets[3], 0);
	cr_assert_eq(create(DEVICE_MSIX, 16, 22), 0);
	liobn = rets[0];
	cr_expect_eq((uint64_t)rets[1] << 32 | rets[2], 1ULL << 59);
	cr_expect_eq(p.host[0].windows[1].shift, 16);
	cr_expect_eq(p.host[0].windows[1].size, 1u << 22);
	cr_expect_eq(call(PUT, liobn, (1ULL << 59) + 0x30000, 0x20003, 0), SUCCESS);
	cr_expect_eq(p.host[0].windows[1].pages[3].host, p.ram + 0x20000);
	/* A page of 64 KiB is one: what lies between is no address of its own. */
	cr_expect_eq(call(PUT, liobn, (1ULL << 59) + 0x1000, 3, 0), PARAMETER);
	cr_expect_eq(call(PUT, liobn, 0, 3, 0), PARAMETER);
	cr_expect_eq(call(PUT, p.dma32->liobn, 0, 3, 0), SUCCESS,
		     "the other window is there still");
	/* One each, for all functions of the group. */
	cr_assert_eq(query(DEVICE_BOTH), 0);
	cr_expect_eq(rets[0], 0);
	creates = p.creates;
	cr_expect_eq(create(DEVICE_BOTH, 16, 22), -1);
	cr_expect_eq(create(DEVICE_MSIX, 12, 20), -1);
	cr_expect_eq(p.creates, creates, "the host, which may have room, is not asked");
	cr_expect_eq(create(DEVICE_MSI, 12, 20), 0, "another group");
	cr_expect_neq(rets[0], liobn);
	/* What was mapped goes with the window. */
	cr_expect_eq(drop(liobn), 0);
	cr_expect(!p.host[0].windows[1].there);
	cr_expect(p.host[1].windows[1].there);
	cr_expect_eq(call(PUT, liobn, 1ULL << 59, 3, 0), PARAMETER);
	cr_expect_eq(drop(liobn), -3, "it is gone");
	cr_assert_eq(query(DEVICE_MSIX), 0);
	cr_expect_eq(rets[0], 1);
	cr_assert_eq(create(DEVICE_MSIX, 16, 22), 0);
	cr_expect_eq(call(GET, rets[0], (1ULL << 59) + 0x30000, 0, 0), SUCCESS);
	cr_expect_eq(regs[0], 0);
}

Test(powerpc_dynamic_windows, windows_that_can_not_be_removed)
{
	const uint32_t none[] = {
		0, 1, p.dma32->liobn, p.dma32->liobn + 1, p.dma32->liobn + 2, UINT32_MAX};
	unsigned i;

	p.removes = 0;
	for (i = 0; i < ARRAY_SIZE(none); i++)
		cr_expect_eq(drop(none[i]), -3, "0x%x", none[i]);
	cr_expect_eq(p.removes, 0);
}

Test(powerpc_dynamic_windows, reset)
{
	cr_expect_eq(RTAS("ibm,reset-pe-dma-window", 1, NAMED(DEVICE_MSIX, 0)), 0);
	cr_assert_eq(create(DEVICE_MSIX, 16, 22), 0);
	cr_assert_eq(create(DEVICE_MSI, 16, 22), 0);
	cr_expect_eq(call(PUT, p.dma32->liobn, 0x5000, 0x12003, 0), SUCCESS);
	cr_expect_eq(RTAS("ibm,reset-pe-dma-window", 1, NAMED(DEVICE_MSIX, 0)), 0);
	cr_expect(!p.host[0].windows[1].there);
	cr_expect(p.host[0].windows[0].there);
	cr_expect(p.host[1].windows[1].there, "of another group");
	cr_assert_eq(call(GET, p.dma32->liobn, 0x5000, 0, 0), SUCCESS);
	cr_expect_eq(regs[0], 0x12003);
}

/* A page of a window that is more than one piece of the host's memory could not be mapped. */
Test(powerpc_dynamic_windows, page_sizes_up_to_the_hosts_own)
{
	static const struct {
		uint64_t ram_page;
		uint32_t sizes;
		unsigned too_large;
	} hosts[] = {{4 * KIB, 0x1, 16},
		     {64 * KIB, 0x3, 21},
		     {2 * MIB, 0x103, 24},
		     {16 * MIB, 0x107, 25}};
	unsigned i;

	p.host[0].info.page_sizes = UINT64_MAX;
	for (i = 0; i < ARRAY_SIZE(hosts); i++) {
		p.m->ram_page = hosts[i].ram_page;
		cr_assert_eq(query(DEVICE_MSIX), 0);
		cr_expect_eq(rets[2], hosts[i].sizes, "0x%x", rets[2]);
		cr_expect_eq(create(DEVICE_MSIX, hosts[i].too_large, 32), -3);
	}
	/* What LoPAR has no name for is not offered; all that it has one for is. */
	p.m->ram_page = 1ULL << 40;
	cr_assert_eq(query(DEVICE_MSIX), 0);
	cr_expect_eq(rets[2], 0x1ff);
}

Test(powerpc_dynamic_windows, sizes_that_are_none)
{
	static const uint32_t bad[][2] = {
		{0, 22},	{11, 22},	  {13, 22},	    {15, 22},
		{17, 22},	{21, 22},	  {32, 40},	    {35, 40},
		{63, 63},	{64, 64},	  {76, 22},	    {80, 22},
		{1u << 31, 22}, {UINT32_MAX, 22}, {16, 15},	    {16, 0},
		{12, 31},	{12, 49},	  {16, 63},	    {16, 64},
		{16, 86},	{16, 0x80000016}, {16, UINT32_MAX}, {UINT32_MAX, UINT32_MAX}};
	unsigned i;

	p.creates = 0;
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		cr_expect_eq(create(DEVICE_MSIX, bad[i][0], bad[i][1]), -3, "%u %u", bad[i][0],
			     bad[i][1]);
	cr_expect_eq(p.creates, 0);
	cr_expect_eq(create(DEVICE_MSIX, 16, 16), 0, "of one page");
}

Test(powerpc_dynamic_windows, what_the_host_has_no_room_for)
{
	p.create_errno = ENOMEM;
	cr_expect_eq(create(DEVICE_MSIX, 16, 22), -1);
	p.create_errno = 0;
	cr_expect_eq(create(DEVICE_MSIX, 16, 22), 0, "nothing is left of those");
}

static void expect_no_dynamic(unsigned device)
{
	p.creates = 0;
	cr_expect_eq(query(device), -3);
	cr_expect_eq(create(device, 12, 20), -3);
	cr_expect_eq(RTAS("ibm,reset-pe-dma-window", 1, NAMED(device, 0)), -3);
	cr_expect_eq(p.creates, 0);
}

Test(powerpc_dynamic_windows, who_gets_no_dynamic_windows)
{
	expect_no_dynamic(DEVICE_NONE);
	p.host[0].info.dynamic = false;
	expect_no_dynamic(DEVICE_MSIX);
	p.host[0].info.dynamic = true;
	p.info_errno = EIO;
	expect_no_dynamic(DEVICE_MSIX);
	p.info_errno = 0;
	p.host[0].info.windows = 1;
	cr_assert_eq(query(DEVICE_MSIX), 0);
	cr_expect_eq(rets[0], 0);
	p.m->dynamic_windows = false;
	expect_no_dynamic(DEVICE_MSI);
}

/* ---- many CPUs ---------------------------------------------------------------------------------
 */

static _Atomic bool done;
static _Atomic uint32_t dynamic;

/* Calls of another CPU on a window that comes and goes: ASan sees if it is used after that. */
static void *hammer(void *opaque)
{
	unsigned i;

	(void)opaque;
	for (i = 0; !atomic_load(&done); i++) {
		uint64_t args[9] = {atomic_load(&dynamic), 1ULL << 59, i % 2 ? 3 : 0, 1};

		hcall(&p.cpus[1], (const uint64_t[]){PUT, STUFF, GET}[i % 3], args);
	}
	return NULL;
}

Test(powerpc_dynamic_windows, a_window_that_goes_while_it_is_filled)
{
	pthread_t thread;
	unsigned i;

	p.remove_takes = 100;
	atomic_store(&done, false);
	cr_assert_eq(pthread_create(&thread, NULL, hammer, NULL), 0);
	for (i = 0; i < 500; i++) {
		cr_assert_eq(create(DEVICE_MSIX, 16, 20), 0);
		atomic_store(&dynamic, rets[0]);
		cr_assert_eq(drop(rets[0]), 0);
	}
	atomic_store(&done, true);
	pthread_join(thread, NULL);
}
