/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* base: ranges among obstacles. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "base.h"

Test(range, the_lowest_free_place)
{
	const struct range taken[] = {{0x3000, 0x1000}, {0x1000, 0x1000}};
	uint64_t at;

	cr_assert(range_find_free(taken, 2, (struct range){0, 0x10000}, 0x1000, 0x1000, &at));
	cr_expect_eq(at, 0);
	cr_assert(range_find_free(taken, 2, (struct range){0x800, 0x10000}, 0x1000, 0x1000, &at));
	cr_expect_eq(at, 0x2000);
	cr_assert(range_find_free(taken, 2, (struct range){0, 0x10000}, 0x2000, 0x1000, &at));
	cr_expect_eq(at, 0x4000, "two free pages with one between them are no two pages");
	cr_assert(range_find_free(taken, 2, (struct range){0, 0x10000}, 0x1000, 0x8000, &at));
	cr_expect_eq(at, 0);
	cr_assert(range_find_free(taken, 2, (struct range){1, 0xffff}, 0x1000, 0x8000, &at));
	cr_expect_eq(at, 0x8000);
}

Test(range, nowhere)
{
	const struct range low = {0, 0x1000}, all = {0, UINT64_MAX}, end = {0x8000, -0x8000ULL};
	uint64_t at;

	cr_expect(!range_find_free(&low, 1, (struct range){0, 0x1fff}, 0x1000, 0x1000, &at));
	cr_expect(!range_find_free(&all, 1, (struct range){0, UINT64_MAX}, 1, 1, &at));
	cr_expect(!range_find_free(&end, 1, (struct range){0x1000, UINT64_MAX - 0x1000}, 0x8000,
				   0x1000, &at));
	cr_expect(!range_find_free(NULL, 0, (struct range){UINT64_MAX - 10, 10}, 8, 4096, &at),
		  "aligning up wraps");
}

Test(range, free_is_free_and_nothing_lower_is)
{
	unsigned round, i;

	srand(7);
	for (round = 0; round < 20000; round++) {
		struct range taken[5], within = {(uint64_t)(rand() % 64), 64};
		uint64_t size = 1 + (uint64_t)(rand() % 16), align = 1ULL << rand() % 4, at = 0,
			 try;
		bool found;

		for (i = 0; i < 5; i++)
			taken[i] =
				(struct range){(uint64_t)(rand() % 128), (uint64_t)(rand() % 16)};
		found = range_find_free(taken, 5, within, size, align, &at);
		for (try = within.base; try <= range_last(within); try++) {
			struct range r = {try, size};

			if (try % align || !range_contains(within, r) ||
			    range_first_overlap(taken, 5, r))
				continue;
			cr_assert(found);
			cr_assert_eq(at, try);
			break;
		}
		cr_assert_eq(found, try <= range_last(within));
	}
}

Test(range, between_two_bytes)
{
	cr_expect_eq(range_between(0x1000, 0x1fff).size, 0x1000);
	cr_expect_eq(range_last(range_between(1, UINT64_MAX)), UINT64_MAX);
	cr_expect_eq(range_between(0, UINT64_MAX).size, UINT64_MAX);
}
