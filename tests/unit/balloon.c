/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The balloon: pages collected to pages of the host, and memory that is given back. */
#include "../../virtio/balloon_pages.h"
#include "cmd.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

/* Two banks with a hole between; nothing is behind them. */
static struct guest_memory memory_of(uint64_t page)
{
	return (struct guest_memory){
		.page = page,
		.fd = -1,
		.n = 2,
		.banks = {{.gpa = 0x40000, .size = 0x40000}, {.gpa = 0x100000, .size = 0x20000}}};
}

static void is(struct range r, uint64_t base, uint64_t size)
{
	cr_assert_eq(r.size, size, "%#lx bytes, not %#lx", r.size, size);
	if (size)
		cr_assert_eq(r.base, base, "at %#lx, not %#lx", r.base, base);
}

Test(balloon_pages, small_pages_go_at_once)
{
	struct guest_memory mem = memory_of(4 * KIB);
	struct balloon_pages p;

	cr_assert_eq(balloon_pages_init(&p, &mem), 0);
	is(balloon_pages_add(&p, 0x40), 0x40000, 0x1000);
	is(balloon_pages_add(&p, 0x40), 0x40000, 0x1000);
	is(balloon_pages_add(&p, 0x7f), 0x7f000, 0x1000);
	is(balloon_pages_add(&p, 0x3f), 0, 0);
	is(balloon_pages_add(&p, 0x80), 0, 0);
	is(balloon_pages_add(&p, UINT32_MAX), 0, 0);
	balloon_pages_remove(&p, 0x40);
	balloon_pages_remove(&p, UINT32_MAX);
	balloon_pages_destroy(&p);
}

Test(balloon_pages, large_pages_go_when_all_of_them_is_there)
{
	static const uint64_t sizes[] = {16 * KIB, 64 * KIB};
	unsigned k, i, parts;

	for (k = 0; k < ARRAY_SIZE(sizes); k++) {
		struct guest_memory mem = memory_of(sizes[k]);
		struct balloon_pages p;

		parts = (unsigned)(sizes[k] / BALLOON_PAGE);
		cr_assert_eq(balloon_pages_init(&p, &mem), 0);
		/* Downwards, as Linux does. */
		for (i = parts - 1; i; i--)
			is(balloon_pages_add(&p, 0x100 + i), 0, 0);
		is(balloon_pages_add(&p, 0x100 + parts), 0, 0);
		is(balloon_pages_add(&p, 0x100), 0x100000, sizes[k]);
		balloon_pages_destroy(&p);
	}
}

Test(balloon_pages, a_part_that_is_used_again_keeps_the_page)
{
	struct guest_memory mem = memory_of(16 * KIB);
	struct balloon_pages p;

	cr_assert_eq(balloon_pages_init(&p, &mem), 0);
	is(balloon_pages_add(&p, 0x44), 0, 0);
	is(balloon_pages_add(&p, 0x45), 0, 0);
	is(balloon_pages_add(&p, 0x46), 0, 0);
	balloon_pages_remove(&p, 0x45);
	is(balloon_pages_add(&p, 0x47), 0, 0);
	is(balloon_pages_add(&p, 0x45), 0x44000, 0x4000);
	balloon_pages_destroy(&p);
}

static void discards(const struct guest_memory_options *opt)
{
	static const struct range ranges[] = {{0, MIB}, {4 * MIB, MIB}};
	struct guest_memory mem;
	uint8_t *p, in_core[2];

	cr_assert_eq(guest_memory_create(&mem, ranges, 2, opt, NULL), 0);
	p = guest_memory_at(&mem, 4 * MIB, MIB);
	memset(p, 0x5a, MIB);
	cr_assert_eq(guest_memory_discard(&mem, p + 1, 3 * mem.page), 2 * (int64_t)mem.page,
		     "whole pages within");
	cr_assert_eq(p[mem.page - 1], 0x5a);
	cr_assert_eq(mincore(p + mem.page, 2 * mem.page, in_core), 0);
	cr_assert_eq((in_core[0] | in_core[1]) & 1, 0, "the host has not got it");
	cr_assert_eq(p[mem.page], 0);
	cr_assert_eq(p[3 * mem.page - 1], 0);
	cr_assert_eq(p[3 * mem.page], 0x5a);
	cr_assert_eq(guest_memory_discard(&mem, p, mem.page - 1), 0);
	cr_assert_eq(guest_memory_discard(&mem, p + mem.page - 1, 2), 0);
	cr_assert_eq(guest_memory_discard(&mem, p, MIB + 1), -EFAULT);
	cr_assert_eq(guest_memory_discard(&mem, p, UINT64_MAX), -EFAULT);
	cr_assert_eq(guest_memory_discard(&mem, in_core, 1), -EFAULT);
	cr_assert_eq(guest_memory_discard(&mem, p, MIB), (int64_t)MIB);
	guest_memory_destroy(&mem);
}

Test(discard, anonymous_memory)
{
	/* Whatever the host's default is. */
	struct guest_memory_options opt = {0};

	discards(&opt);
}

Test(discard, shared_memory)
{
	struct guest_memory_options opt = {.shared = true};

	discards(&opt);
}

Test(balloon_options, not_beside_devices_that_pin)
{
	char *good[] = {"run", "-k", "k", "--balloon", NULL};
	char *bad[] = {"run", "-k", "k", "--balloon", "--vfio", "03:00.0", NULL};
	struct machine_config config;
	struct error err = {0};
	bool help;

	cr_assert_eq(run_parse(4, good, &config, &help, &err), 0, "%s", err.text);
	cr_assert(config.virtio.balloon);
	cr_assert_eq(run_parse(6, bad, &config, &help, &err), -EINVAL);
	cr_assert(strstr(err.text, "devices pin all"), "%s", err.text);
}
