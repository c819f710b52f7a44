/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * vm: a trapped range stacked on mapped memory, byte by byte: what is around it still works,
 * through a memslot or by loads and stores of the guest's width, and never through neither.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "recorder.h"

#define BASE  0x40000000ULL
#define PAGES 3

static struct recorder rec;
static uint64_t page;

/* What lies at BASE + skew: memory, and the device's registers where they hide it. */
static struct region memory, registers;
static uint64_t size;
static uint8_t *host, *device, *model; /* model: what the guest must see */
static unsigned traps;

static uint64_t device_read(void *opaque, uint64_t offset, unsigned n)
{
	traps++;
	return load_exact((uint8_t *)opaque + offset, n);
}

static void device_write(void *opaque, uint64_t offset, unsigned n, uint64_t value)
{
	traps++;
	store_exact((uint8_t *)opaque + offset, n, value);
}

static const struct region_ops device_ops = {device_read, device_write};

static bool in_registers(uint64_t at)
{
	return range_contains((struct range){registers.base, registers.size},
			      (struct range){at, 1});
}

/* The memory, `skew` bytes behind a page of the guest's, its host address behind one of ours. */
static void start(uint64_t page_size, uint64_t skew, uint64_t host_skew)
{
	uint64_t i;

	page = page_size;
	size = PAGES * page;
	recorder_init_pages(&rec, page);
	host = aligned_alloc(page, size + page);
	device = aligned_alloc(page, size + page);
	model = aligned_alloc(8, size);
	memory = (struct region){
		.name = "memory", .base = BASE + skew, .size = size, .host = host + host_skew};
	for (i = 0; i < size; i++)
		memory.host[i] = (uint8_t)(i * 7 + (i >> 8) * 13);
	space_add(&rec.vm.mmio, &memory);
}

static void finish(void)
{
	recorder_destroy(&rec);
	free(host);
	free(device);
	free(model);
}

/* Registers at an offset within the memory. Their bytes there differ from the memory's. */
static void stack(uint64_t offset, uint64_t n)
{
	uint64_t i;

	registers = (struct region){.name = "registers",
				    .base = memory.base + offset,
				    .size = n,
				    .priority = memory.priority + 1,
				    .ops = &device_ops,
				    .opaque = device + memory.base % page + offset};
	memcpy(model, memory.host, size);
	for (i = 0; i < n; i++) {
		model[offset + i] = (uint8_t)~model[offset + i];
		device[memory.base % page + offset + i] = model[offset + i];
	}
	space_add(&rec.vm.mmio, &registers);
}

/* Memory with no register in its page, both addresses of which fall on pages, needs no exit. */
static bool wants_slot(uint64_t at)
{
	struct range whole = {align_down(at, page), page};

	return range_contains((struct range){memory.base, memory.size}, whole) &&
	       !ranges_overlap(whole, (struct range){registers.base, registers.size}) &&
	       (uintptr_t)memory.host % page == memory.base % page;
}

static uint64_t model_value(uint64_t offset, unsigned n)
{
	uint64_t value = 0;

	memcpy(&value, model + offset, n);
	return value;
}

static void check_access(uint64_t at, unsigned n)
{
	enum served wanted = wants_slot(at) ? BY_SLOT : BY_EXIT;
	uint64_t offset = at - memory.base, value, new = at * 0x9e3779b97f4a7c15;
	unsigned i, trapped = 0;

	for (i = 0; i < n; i++)
		trapped += in_registers(at + i);
	traps = 0;
	cr_assert_eq(recorder_load(&rec, at, n, &value), wanted, "0x%lx", at);
	cr_assert_eq(value, model_value(offset, n), "0x%lx, %u bytes", at, n);
	memcpy(model + offset, &new, n);
	cr_assert_eq(recorder_store(&rec, at, n, new), wanted, "0x%lx", at);
	cr_assert_eq(traps > 0, trapped > 0, "0x%lx: whose byte is it?", at);
	if (trapped == n)
		cr_assert_eq(traps, 2, "0x%lx: one access of %u bytes each", at, n);
	for (i = 0; i < n; i++)
		cr_assert_eq((in_registers(at + i) ? device + memory.base % page
						   : memory.host)[offset + i],
			     model[offset + i], "0x%lx", at + i);
}

/* What the map of the machine says must be what happens. */
static void check_parts(void)
{
	const struct view *view = atomic_load(&rec.vm.mmio.current);
	struct space_part parts[16];
	unsigned n = view_parts(view, rec.vm.mmio.slots, rec.vm.mmio.n_slots, parts), i;
	uint64_t next = memory.base, at;

	cr_assert_leq(3 * view->n, ARRAY_SIZE(parts));
	for (i = 0; i < n; next = range_last(parts[i++].range) + 1) {
		cr_assert_eq(parts[i].range.base, next);
		for (at = next; at <= range_last(parts[i].range); at++)
			cr_assert_eq(parts[i].kind, in_registers(at) ? PART_TRAPPED
						    : wants_slot(at) ? PART_MAPPED
								     : PART_DIRECT);
	}
	cr_assert_eq(next, memory.base + memory.size);
}

static void check(uint64_t offset, uint64_t n)
{
	uint64_t at, end = memory.base + memory.size;
	unsigned width;

	stack(offset, n);
	check_parts();
	for (width = 1; width <= 8; width *= 2)
		for (at = align_up(memory.base, width); at + width <= end; at += width)
			check_access(at, width);
	space_remove(&rec.vm.mmio, &registers);
	registers = (struct region){0};
	memcpy(model, memory.host, size);
	check_parts();
}

/* At the start of a page, in its middle, at its end, across an edge, and where the memory ends. */
static void check_places(void)
{
	check(page, 16);
	check(page + page / 2 + 5, 65);
	check(2 * page - 16, 16);
	check(2 * page - 8, 16);
	check(page - 1, page + 2);
	check(page, page);
	check(0, 1);
	check(size - 1, 1);
	check(0, size);
}

static void check_pages(uint64_t page_size)
{
	start(page_size, 0, 0);
	check_places();
	cr_assert_eq(recorder_slots(&rec), 1, "the whole memory again");
	finish();
}

Test(stacking, pages_of_4k)
{
	check_pages(4 * KIB);
}

Test(stacking, pages_of_16k)
{
	check_pages(16 * KIB);
}

Test(stacking, pages_of_64k)
{
	check_pages(64 * KIB);
}

Test(stacking, memory_that_begins_and_ends_inside_pages)
{
	start(4 * KIB, 0x730, 0x730);
	check_places();
	cr_assert_eq(recorder_slots(&rec), 1, "the pages between its ends");
	finish();
}

Test(stacking, memory_whose_two_addresses_disagree)
{
	start(4 * KIB, 0x800, 0x400);
	check_places();
	cr_assert_eq(recorder_slots(&rec), 0);
	finish();
}

/* Two devices' registers in one page, one of them hiding a piece of the other. */
Test(stacking, three_deep)
{
	struct region top = {
		.name = "top", .base = BASE + 0x1018, .size = 8, .priority = 2, .ops = &device_ops};
	uint8_t bytes[8] = {1, 2, 3, 4, 5, 6, 7, 8};
	uint64_t value;

	start(4 * KIB, 0, 0);
	stack(0x1010, 0x20);
	top.opaque = bytes;
	space_add(&rec.vm.mmio, &top);
	cr_assert_eq(recorder_load(&rec, BASE + 0x1018, 8, &value), BY_EXIT);
	cr_assert_eq(value, 0x0807060504030201);
	cr_assert_eq(recorder_load(&rec, BASE + 0x1010, 8, &value), BY_EXIT);
	cr_assert_eq(value, model_value(0x1010, 8));
	cr_assert_eq(recorder_load(&rec, BASE + 0x1020, 8, &value), BY_EXIT);
	cr_assert_eq(value, model_value(0x1020, 8));
	cr_assert_eq(recorder_load(&rec, BASE + 0x1030, 8, &value), BY_EXIT);
	cr_assert_eq(value, model_value(0x1030, 8), "memory again");
	cr_assert_eq(recorder_load(&rec, BASE + 0x2000, 8, &value), BY_SLOT);
	/* An access across the edge finds both. */
	cr_assert_eq(recorder_load(&rec, BASE + 0x1014, 8, &value), BY_EXIT);
	cr_assert_eq(value, model_value(0x1014, 4) | 0x04030201ULL << 32);
	finish();
}
