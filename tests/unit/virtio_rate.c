/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Rate limits, with a clock that is a number. */
#include <criterion/criterion.h>

#include "../../virtio/rate.h"

#define SECOND 1000000000ULL

/* Take n at a time as fast as it goes, until `end`; how many were taken. */
static uint64_t take_all(struct rate *r, uint64_t n, uint64_t start, uint64_t end)
{
	uint64_t now = start, taken = 0, wait;

	while (now < end) {
		wait = rate_wait(r, now);
		if (!wait) {
			rate_take(r, n);
			taken += n;
		}
		now += wait;
	}
	return taken;
}

Test(virtio_rate, no_limit_never_waits)
{
	struct rate r;

	rate_init(&r, 0, 0);
	rate_take(&r, RATE_MAX);
	cr_assert_eq(rate_wait(&r, 0), 0);
}

Test(virtio_rate, over_time_it_is_the_rate)
{
	static const uint64_t rates[] = {1, 3, 1000, 123457, 1ULL << 30};
	static const uint64_t sizes[] = {1, 7, 4096};
	struct rate r;
	unsigned i, j;

	for (i = 0; i < sizeof(rates) / sizeof(*rates); i++)
		for (j = 0; j < sizeof(sizes) / sizeof(*sizes); j++) {
			uint64_t seconds = 1 + 100000 / rates[i], got, want = rates[i] * seconds;

			rate_init(&r, rates[i], 5);
			got = take_all(&r, sizes[j] * (rates[i] / 1000 + 1), 5,
				       5 + seconds * SECOND);
			cr_assert(got >= want - want / 50 - 1, "%lu: %lu < %lu", rates[i], got,
				  want);
			/* A full bucket at the start, one debt at the end. */
			cr_assert(got <= want + rates[i] / 10 + 1 +
						  sizes[j] * (rates[i] / 1000 + 1),
				  "%lu: %lu > %lu", rates[i], got, want);
		}
}

Test(virtio_rate, a_wait_is_enough_and_not_more)
{
	struct rate r;
	uint64_t wait;

	rate_init(&r, 1000, 0);
	rate_take(&r, 1100);
	wait = rate_wait(&r, 0);
	/* 1000 of debt, and one to begin with. */
	cr_assert_eq(wait, SECOND + SECOND / 1000);
	cr_assert_eq(rate_wait(&r, wait - 1), 1);
	cr_assert_eq(rate_wait(&r, wait), 0);
}

Test(virtio_rate, idle_time_is_not_saved_up)
{
	struct rate r;

	rate_init(&r, 100, 0);
	cr_assert_eq(rate_wait(&r, 1000000 * SECOND), 0);
	rate_take(&r, 10);
	cr_assert_neq(rate_wait(&r, 1000000 * SECOND), 0);
}

Test(virtio_rate, the_largest_numbers_do_not_overflow)
{
	struct rate r;
	uint64_t wait;

	rate_init(&r, RATE_MAX, 0);
	rate_take(&r, RATE_MAX);
	wait = rate_wait(&r, 0);
	cr_assert(wait > 0 && wait <= SECOND);
	cr_assert_eq(rate_wait(&r, UINT64_MAX), 0);
	rate_init(&r, 1, 0);
	rate_take(&r, UINT32_MAX);
	cr_assert_eq(rate_wait(&r, 0), UINT32_MAX * SECOND);
}
