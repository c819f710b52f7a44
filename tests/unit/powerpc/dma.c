/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* DMA windows: what guests put there by hypercall, and what the host is told of it. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "partition.h"

#define PAGE	 4096ULL
#define RAM	 p.ram_size
#define PAGES	 (DMA32_SIZE / PAGE)
#define NO_LIOBN 0x12345678ULL
#define LIST	 0x10000ULL /* where lists of entries lie */

TestSuite(powerpc_dma, .init = partition_start_dma, .fini = partition_finish);

static uint64_t get(uint64_t ioba)
{
	cr_assert_eq(call(GET, p.dma32->liobn, ioba, 0, 0), SUCCESS);
	return regs[0];
}

/* ---- default windows ------------------------------------------------------------------------- */

Test(powerpc_dma, each_group_has_a_window)
{
	const struct dma_window *second = dma_window_of(p.m, &p.devices[DEVICE_MSI].f);

	cr_assert_not_null(second);
	cr_expect_eq(dma_window_of(p.m, &p.devices[DEVICE_BOTH].f), p.dma32, "of the same group");
	cr_expect_neq(p.dma32->liobn, 0);
	cr_expect_neq(p.dma32->liobn, second->liobn);
	cr_expect_eq(p.dma32->start, 0);
	cr_expect_eq(second->start, DMA32_SECOND);
	cr_expect_eq(second->size, DMA32_SIZE);
	cr_expect_eq(p.removes, 0);
}

/* An emulated function has no group, and a window all the same: see powerpc/dma.c. */
Test(powerpc_dma, window_that_nothing_goes_through)
{
	p.dma32 = dma_window_of(p.m, &p.devices[DEVICE_NONE].f);
	cr_assert_not_null(p.dma32);
	cr_expect_neq(p.dma32->liobn, dma_window_of(p.m, &p.devices[DEVICE_MSIX].f)->liobn);
	cr_expect_neq(p.dma32->liobn, dma_window_of(p.m, &p.devices[DEVICE_MSI].f)->liobn);
	cr_expect_eq(p.dma32->size % PAGE, 0);
	cr_expect_eq(dma_page_sizes(p.m, p.dma32->group), 0, "no dynamic one");
	cr_expect_eq(
		call(PUT, p.dma32->liobn, p.dma32->start + p.dma32->size - PAGE, RAM - PAGE + 3, 0),
		SUCCESS);
	cr_expect_eq(get(p.dma32->start + p.dma32->size - PAGE), RAM - PAGE + 3);
	cr_expect_eq(call(PUT, p.dma32->liobn, p.dma32->start, RAM + 3, 0), PARAMETER,
		     "that is no RAM");
	cr_expect_eq(call(PUT, p.dma32->liobn, p.dma32->start + p.dma32->size, 3, 0), PARAMETER,
		     "beyond the end");
	cr_expect_eq(call(STUFF, p.dma32->liobn, p.dma32->start, 0, p.dma32->size / PAGE), SUCCESS);
	cr_expect_eq(get(p.dma32->start + p.dma32->size - PAGE), 0);
	cr_expect_eq(p.maps + p.unmaps, 0, "the host is not told");
}

static void start_bare(void)
{
	partition_start(1 * MIB);
}

Test(powerpc_dma_create, no_window_for_functions_that_are_not_there, .init = start_bare,
     .fini = partition_finish)
{
	static const struct arch_config config = {.no_tce_acceleration = true};
	unsigned i, n = 0;

	p.devices[DEVICE_NONE].group = GROUP;
	cr_assert_eq(dma_create(p.m, &config, NULL), 0);
	for (i = 0; i < WINDOWS_MAX; i++)
		n += p.m->windows[i].liobn != 0;
	cr_expect_eq(n, GROUPS);
}

static const struct arch_config served = {.no_tce_acceleration = true}, accelerated;

Test(powerpc_dma_create, what_the_host_refuses_ends_it, .init = start_bare,
     .fini = partition_finish)
{
	struct error err;

	p.create_errno = ENODEV;
	cr_expect_eq(dma_create(p.m, &served, &err), -ENODEV);
	cr_expect_str_eq(err.text, "group 8: no window");
	cr_expect_eq(p.creates, 1);
	cr_expect_null(dma_window_of(p.m, &p.devices[DEVICE_MSI].f));
}

Test(powerpc_dma_create, kvm_has_the_table_where_it_can, .init = start_bare,
     .fini = partition_finish)
{
	cr_assert_eq(dma_create(p.m, &accelerated, NULL), 0);
	cr_expect_eq(p.tables, 2);
	cr_expect_eq(p.accelerated, 2);
	p.dma32 = dma_window_of(p.m, &p.devices[DEVICE_MSI].f);
	cr_assert_eq(dma_create(p.m, &accelerated, NULL), 0);
	cr_expect_eq(p.table.page_shift, 12);
	cr_expect_eq(p.table.size, PAGES);
	/* Its calls don't come here; if one does, it must find no table of ours. */
	cr_expect_eq(call(PUT, p.dma32->liobn, p.dma32->start, 3, 0), PARAMETER);
	cr_expect_eq(call(GET, p.dma32->liobn, p.dma32->start, 0, 0), PARAMETER);
	cr_expect_eq(call(STUFF, p.dma32->liobn, p.dma32->start, 0, 1), PARAMETER);
	cr_expect_eq(call(INDIRECT, p.dma32->liobn, p.dma32->start, LIST, 1), PARAMETER);
	cr_expect_eq(p.maps, 0);
	cr_expect_eq(atomic_load(&p.m->tce_calls), 0);
}

Test(powerpc_dma_create, kvms_table_is_where_the_window_is, .init = start_bare,
     .fini = partition_finish)
{
	p.vfio.groups = &p.groups[1];
	p.groups[1].next = NULL;
	cr_assert_eq(dma_create(p.m, &accelerated, NULL), 0);
	p.dma32 = dma_window_of(p.m, &p.devices[DEVICE_MSI].f);
	cr_expect_eq(p.table.liobn, p.dma32->liobn);
	cr_expect_eq(p.table.offset, DMA32_SECOND >> 12, "in pages");
	cr_expect_eq(p.table.size, PAGES);
	cr_expect_eq(p.table.flags, 0);
	/* A dynamic one too, and it ends with it. */
	cr_assert_eq(RTAS("ibm,create-pe-dma-window", 4, NAMED(DEVICE_MSI, 0), 16, 20), 0);
	cr_expect_eq(p.accelerated, 2);
	cr_expect_eq(p.table.liobn, rets[0]);
	cr_expect_eq(p.table.page_shift, 16);
	cr_expect_eq(p.table.offset, (1ULL << 59) >> 16);
	cr_expect_eq(p.table.size, 16);
	cr_assert_eq(RTAS("ibm,remove-pe-dma-window", 1, rets[0]), 0);
	cr_expect(!p.host[1].windows[1].there);
}

/* Not only is it served by us then: no table may be left that KVM would serve from. */
static void expect_served(void)
{
	unsigned fds = open_fds();

	cr_assert_eq(dma_create(p.m, &accelerated, NULL), 0);
	p.dma32 = dma_window_of(p.m, &p.devices[DEVICE_MSIX].f);
	cr_expect_eq(open_fds(), fds);
	cr_expect_eq(call(PUT, p.dma32->liobn, p.dma32->start, 3, 0), SUCCESS);
	cr_expect_eq(p.maps, 1);
}

Test(powerpc_dma_create, vfio_that_can_not_share_a_table, .init = start_bare,
     .fini = partition_finish)
{
	p.accelerate_errno = ENOTTY;
	expect_served();
	cr_expect_eq(p.tables, 2);
}

Test(powerpc_dma_create, kvm_that_can_not_share_a_table, .init = start_bare,
     .fini = partition_finish)
{
	p.lacks = KVM_CAP_SPAPR_TCE_VFIO;
	expect_served();
	cr_expect_eq(p.tables, 0);
}

Test(powerpc_dma_create, kvm_that_refuses_a_table, .init = start_bare, .fini = partition_finish)
{
	p.table_errno = ENOMEM;
	expect_served();
}

/* ---- single entries -------------------------------------------------------------------------- */

#define HOST_PAGE(n) p.host[0].windows[0].pages[n]

Test(powerpc_dma, entries_and_their_permissions)
{
	cr_expect_eq(call(PUT, p.dma32->liobn, 0x5000, 0x12003, 0), SUCCESS);
	cr_expect_eq(HOST_PAGE(5).host, p.ram + 0x12000);
	cr_expect_eq(HOST_PAGE(5).flags, VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE);
	cr_expect_eq(get(0x5000), 0x12003);
	cr_expect_eq(call(PUT, p.dma32->liobn, 0x6000, 0x13001, 0), SUCCESS);
	cr_expect_eq(HOST_PAGE(6).flags, VFIO_DMA_MAP_FLAG_READ);
	cr_expect_eq(call(PUT, p.dma32->liobn, 0x7000, 0x13002, 0), SUCCESS);
	cr_expect_eq(HOST_PAGE(7).flags, VFIO_DMA_MAP_FLAG_WRITE);
	cr_expect_eq(p.unmaps, 0);
	/* Neither: the page goes, wherever the entry points. */
	cr_expect_eq(call(PUT, p.dma32->liobn, 0x5000, 0xfffffffffffff000, 0), SUCCESS);
	cr_expect_null(HOST_PAGE(5).host);
	cr_expect_eq(p.unmaps, 1);
	cr_expect_eq(get(0x5000), 0);
	cr_expect_eq(call(PUT, p.dma32->liobn, 0x5000, 0, 0), SUCCESS);
	cr_expect_eq(p.unmaps, 1, "it was gone already");
	/* The last of the window, the first and the last of RAM. */
	cr_expect_eq(call(PUT, p.dma32->liobn, DMA32_SIZE - PAGE, 3, 0), SUCCESS);
	cr_expect_eq(HOST_PAGE(PAGES - 1).host, p.ram);
	cr_expect_eq(call(PUT, p.dma32->liobn, 0, (RAM - PAGE) | 3, 0), SUCCESS);
	cr_expect_eq(HOST_PAGE(0).host, p.ram + RAM - PAGE);
	cr_expect_eq(atomic_load(&p.m->tce_calls), 9);
}

/* The recorder fails a test in which a page is mapped over another one. */
Test(powerpc_dma, an_entry_over_another_takes_that_away_first)
{
	cr_expect_eq(call(PUT, p.dma32->liobn, 0x5000, 0x12003, 0), SUCCESS);
	cr_expect_eq(call(PUT, p.dma32->liobn, 0x5000, 0x14001, 0), SUCCESS);
	cr_expect_eq(p.maps, 2);
	cr_expect_eq(p.unmaps, 1);
	cr_expect_eq(HOST_PAGE(5).host, p.ram + 0x14000);
	cr_expect_eq(HOST_PAGE(5).flags, VFIO_DMA_MAP_FLAG_READ);
	/* One that is refused before anything is done leaves what was there. */
	cr_expect_eq(call(PUT, p.dma32->liobn, 0x5000, RAM | 3, 0), PARAMETER);
	cr_expect_eq(HOST_PAGE(5).host, p.ram + 0x14000);
	cr_expect_eq(get(0x5000), 0x14001);
}

Test(powerpc_dma, what_is_no_ram_is_not_mapped)
{
	const uint64_t no_ram[] = {RAM,		 RAM + PAGE, PHB_PORTS_ADDR,	 PHB_MEM32_ADDR,
				   1ULL << 60,	 1ULL << 63, 0xfffffffffffff000, PHB_MEM64_ADDR,
				   0x1000000000, ~0ULL << 32};
	unsigned i, flags;

	for (i = 0; i < ARRAY_SIZE(no_ram); i++)
		for (flags = 1; flags <= 3; flags++) {
			cr_expect_eq(call(PUT, p.dma32->liobn, 0, no_ram[i] | flags, 0), PARAMETER);
			cr_expect_eq(call(STUFF, p.dma32->liobn, 0, no_ram[i] | flags, 3),
				     PARAMETER);
			set_ram64(LIST, no_ram[i] | flags);
			cr_expect_eq(call(INDIRECT, p.dma32->liobn, 0, LIST, 1), PARAMETER);
		}
	cr_expect_eq(p.maps + p.unmaps, 0);
	cr_expect_eq(get(0), 0);
}

static void expect_refused(uint64_t liobn, uint64_t ioba)
{
	cr_expect_eq(call(PUT, liobn, ioba, 3, 0), PARAMETER, "0x%lx", ioba);
	cr_expect_eq(call(GET, liobn, ioba, 0, 0), PARAMETER, "0x%lx", ioba);
	cr_expect_eq(call(STUFF, liobn, ioba, 0, 1), PARAMETER, "0x%lx", ioba);
	cr_expect_eq(call(INDIRECT, liobn, ioba, LIST, 1), PARAMETER, "0x%lx", ioba);
}

Test(powerpc_dma, addresses_that_are_not_the_windows)
{
	static const uint64_t outside[] = {1,
					   8,
					   0xfff,
					   0x1800,
					   DMA32_SIZE - 1,
					   DMA32_SIZE,
					   DMA32_SIZE + PAGE,
					   1ULL << 32,
					   1ULL << 59,
					   1ULL << 63,
					   UINT64_MAX,
					   UINT64_MAX - 0xfff,
					   DMA32_SECOND};
	const struct dma_window *second = dma_window_of(p.m, &p.devices[DEVICE_MSI].f);
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(outside); i++)
		expect_refused(p.dma32->liobn, outside[i]);
	expect_refused(second->liobn, 0);
	expect_refused(second->liobn, DMA32_SECOND - PAGE);
	expect_refused(second->liobn, DMA32_SECOND + DMA32_SIZE);
	cr_expect_eq(p.maps + p.unmaps, 0);
}

Test(powerpc_dma, windows_that_are_not_there)
{
	const uint64_t none[] = {0,	     1,		 p.dma32->liobn + 2ULL,	     1ULL << 32,
				 UINT32_MAX, UINT64_MAX, 1ULL << 32 | p.dma32->liobn};
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(none); i++)
		expect_refused(none[i], 0);
	cr_expect_eq(p.maps + p.unmaps, 0);
}

Test(powerpc_dma, refusals_of_the_host)
{
	cr_expect_eq(call(PUT, p.dma32->liobn, 0x5000, 0x12003, 0), SUCCESS);
	p.unmap_errno = EIO;
	cr_expect_eq(call(PUT, p.dma32->liobn, 0x5000, 0x13003, 0), HARDWARE);
	cr_expect_eq(HOST_PAGE(5).host, p.ram + 0x12000);
	cr_expect_eq(get(0x5000), 0x12003, "it is still there");
	p.unmap_errno = 0;
	p.map_errno = ENOMEM;
	cr_expect_eq(call(PUT, p.dma32->liobn, 0x5000, 0x13003, 0), RESOURCE);
	cr_expect_null(HOST_PAGE(5).host);
	cr_expect_eq(get(0x5000), 0);
	p.map_errno = 0;
	cr_expect_eq(call(PUT, p.dma32->liobn, 0x5000, 0x13003, 0), SUCCESS);
}

/* ---- lists and rows -------------------------------------------------------------------------- */

static void make_list(uint64_t at, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		set_ram64(at + 8ULL * i, PAGE * (i % (RAM / PAGE)) | 3);
}

Test(powerpc_dma, lists)
{
	unsigned i;

	make_list(LIST, 512);
	cr_expect_eq(call(INDIRECT, p.dma32->liobn, 0, LIST, 0), SUCCESS);
	cr_expect_eq(p.maps, 0);
	cr_expect_eq(call(INDIRECT, p.dma32->liobn, 0x5000, LIST, 3), SUCCESS);
	cr_expect_eq(p.maps, 3);
	cr_expect_eq(HOST_PAGE(5).host, p.ram);
	cr_expect_eq(HOST_PAGE(7).host, p.ram + 0x2000);
	cr_expect_eq(call(INDIRECT, p.dma32->liobn, DMA32_SIZE / 2, LIST, 512), SUCCESS);
	for (i = 0; i < 512; i++)
		cr_assert_eq(HOST_PAGE(PAGES / 2 + i).host, p.ram + PAGE * (i % (RAM / PAGE)));
	/* The last page of RAM, whole. */
	make_list(RAM - PAGE, 512);
	cr_expect_eq(call(INDIRECT, p.dma32->liobn, 0, RAM - PAGE, 512), SUCCESS);
}

Test(powerpc_dma, lists_that_are_none)
{
	static const uint64_t counts[] = {513,	      1024,	  1ULL << 32, 1ULL << 32 | 1,
					  1ULL << 61, 1ULL << 63, UINT64_MAX};
	const uint64_t places[] = {LIST + 8,   LIST + 1,   LIST + 4095,	       RAM,
				   RAM - 2048, 1ULL << 63, 0xfffffffffffff000, UINT64_MAX};
	unsigned i;

	make_list(LIST, 512);
	for (i = 0; i < ARRAY_SIZE(counts); i++)
		cr_expect_eq(call(INDIRECT, p.dma32->liobn, 0, LIST, counts[i]), PARAMETER, "%lu",
			     counts[i]);
	for (i = 0; i < ARRAY_SIZE(places); i++)
		cr_expect_eq(call(INDIRECT, p.dma32->liobn, 0, places[i], 1), PARAMETER, "0x%lx",
			     places[i]);
	cr_expect_eq(call(INDIRECT, p.dma32->liobn, DMA32_SIZE - PAGE, LIST, 2), PARAMETER);
	cr_expect_eq(call(INDIRECT, p.dma32->liobn, DMA32_SIZE - 511 * PAGE, LIST, 512), PARAMETER);
	cr_expect_eq(p.maps, 0);
}

Test(powerpc_dma, a_list_is_carried_out_as_far_as_it_is_good)
{
	make_list(LIST, 8);
	set_ram64(LIST + 8 * 3, RAM | 3);
	cr_expect_eq(call(INDIRECT, p.dma32->liobn, 0, LIST, 8), PARAMETER);
	cr_expect_eq(p.maps, 3);
	cr_expect_eq(get(0x2000), 0x2003);
	cr_expect_eq(get(0x3000), 0);
	cr_expect_eq(get(0x4000), 0);
}

Test(powerpc_dma, rows)
{
	static const uint64_t counts[] = {PAGES + 1,	    1ULL << 32, 1ULL << 52,
					  (1ULL << 52) + 1, 1ULL << 63, UINT64_MAX};
	unsigned i;

	cr_expect_eq(call(STUFF, p.dma32->liobn, 0, 0x7001, 0), SUCCESS);
	cr_expect_eq(p.maps, 0);
	cr_expect_eq(call(STUFF, p.dma32->liobn, 0, 0x7001, PAGES), SUCCESS);
	cr_expect_eq(p.maps, PAGES);
	cr_expect_eq(HOST_PAGE(PAGES - 1).host, p.ram + 0x7000);
	for (i = 0; i < ARRAY_SIZE(counts); i++)
		cr_expect_eq(call(STUFF, p.dma32->liobn, 0, 0, counts[i]), PARAMETER, "%lu",
			     counts[i]);
	cr_expect_eq(call(STUFF, p.dma32->liobn, DMA32_SIZE - PAGE, 0, 2), PARAMETER);
	cr_expect_eq(p.unmaps, 0);
	cr_expect_eq(call(STUFF, p.dma32->liobn, PAGE, 0, PAGES - 1), SUCCESS);
	cr_expect_eq(p.host[0].windows[0].mapped, 1);
	/* Linux clears whole windows at its start: what is empty costs no call to the host. */
	p.unmaps = 0;
	cr_expect_eq(call(STUFF, p.dma32->liobn, 0, 0, PAGES), SUCCESS);
	cr_expect_eq(p.unmaps, 1);
}

/* ---- all of it at random, against a model ------------------------------------------------------
 */

struct model {
	const struct dma_window *window;
	const struct host_window *host;
	uint64_t entries[1024];
};

static uint64_t model_set(struct model *m, uint64_t ioba, uint64_t tce)
{
	uint64_t page = 1ULL << m->window->page_shift;
	uint64_t *e = &m->entries[(ioba - m->window->start) / page];

	if ((tce & 3) && (tce & ~(page - 1)) > RAM - page)
		return PARAMETER;
	if (*e && p.unmap_errno)
		return HARDWARE;
	*e = 0;
	if ((tce & 3) && p.map_errno)
		return RESOURCE;
	*e = tce & 3 ? tce : 0;
	return SUCCESS;
}

static bool model_holds(const struct model *m, uint64_t ioba, uint64_t n)
{
	uint64_t page = 1ULL << m->window->page_shift, at;

	if (ioba % page || ioba < m->window->start)
		return false;
	at = (ioba - m->window->start) / page;
	return at < m->window->size / page && n <= m->window->size / page - at;
}

static uint64_t some_entry(void)
{
	uint64_t gpa = (uint64_t)random() % (RAM + RAM / 8) & ~0xfffULL;

	return gpa | (uint64_t)(random() % 5 ? random() % 4 : 0);
}

/* One call to both. What the call returns, and what the model says it should. */
static uint64_t random_call(struct model *m, uint64_t *expected)
{
	uint64_t page = 1ULL << m->window->page_shift, n = (uint64_t)random() % 9,
		 tce = some_entry(), i;
	uint64_t ioba =
		m->window->start + (uint64_t)random() % (m->window->size + 4 * page) / page * page;
	uint64_t nr = (const uint64_t[]){PUT, INDIRECT, STUFF}[random() % 3];

	ioba += random() % 50 ? 0 : 8;
	n = nr == PUT ? 1 : n;
	*expected = model_holds(m, ioba, n) ? SUCCESS : PARAMETER;
	for (i = 0; i < n; i++) {
		uint64_t one = nr == INDIRECT ? some_entry() : tce;

		set_ram64(LIST + 8 * i, one);
		if (*expected == SUCCESS)
			*expected = model_set(m, ioba + i * page, one);
	}
	if (nr == PUT)
		return call(PUT, m->window->liobn, ioba, tce, 0);
	return call(nr, m->window->liobn, ioba, nr == STUFF ? tce : LIST, n);
}

static void compare(const struct model *m, unsigned round)
{
	uint64_t page = 1ULL << m->window->page_shift, i;
	unsigned mapped = 0;

	for (i = 0; i < m->window->size / page; i++) {
		uint64_t e = m->entries[i];

		cr_assert_eq(m->host->pages[i].host, e ? p.ram + (e & ~(page - 1)) : NULL,
			     "round %u, page %lu", round, i);
		if (e)
			cr_assert_eq(m->host->pages[i].flags,
				     (e & 1 ? VFIO_DMA_MAP_FLAG_READ : 0) |
					     (e & 2 ? VFIO_DMA_MAP_FLAG_WRITE : 0));
		mapped += e != 0;
		cr_assert_eq(call(GET, m->window->liobn, m->window->start + i * page, 0, 0),
			     SUCCESS);
		cr_assert_eq(regs[0], e, "round %u, page %lu", round, i);
	}
	cr_assert_eq(m->host->mapped, mapped);
}

Test(powerpc_dma, the_host_has_what_the_guest_put_there)
{
	static struct model models[3];
	uint64_t ret, expected;
	unsigned round, k, good = 0;

	cr_assert_eq(RTAS("ibm,create-pe-dma-window", 4, NAMED(DEVICE_MSI, 0), 16, 22), 0);
	models[0] = (struct model){p.dma32, &p.host[0].windows[0], {0}};
	models[1] = (struct model){
		dma_window_of(p.m, &p.devices[DEVICE_MSI].f), &p.host[1].windows[0], {0}};
	for (k = 0; k < WINDOWS_MAX; k++)
		if (p.m->windows[k].dynamic)
			models[2] = (struct model){&p.m->windows[k], &p.host[1].windows[1], {0}};
	srandom(5);
	for (round = 0; round < 20000; round++) {
		struct model *m = &models[random() % 3];

		p.map_errno = random() % 50 ? 0 : ENOMEM;
		p.unmap_errno = random() % 50 ? 0 : EIO;
		ret = random_call(m, &expected);
		cr_assert_eq(ret, expected, "round %u", round);
		good += ret == SUCCESS;
		if (round % 100 == 0)
			for (k = 0; k < 3; k++)
				compare(&models[k], round);
	}
	cr_assert_gt(good, 5000);
}
