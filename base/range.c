/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Ranges of addresses among obstacles. Pure. */
#include "base.h"

const struct range *range_first_overlap(const struct range *ranges, unsigned n, struct range r)
{
	unsigned i;

	for (i = 0; i < n; i++)
		if (ranges_overlap(ranges[i], r))
			return &ranges[i];
	return NULL;
}

bool range_find_free(const struct range *obstacles, unsigned n, struct range within, uint64_t size,
		     uint64_t align, uint64_t *base)
{
	struct range at = {align_up(within.base, align), size};
	const struct range *hit;

	while (at.base >= within.base && range_contains(within, at)) {
		hit = range_first_overlap(obstacles, n, at);
		if (!hit) {
			*base = at.base;
			return true;
		}
		if (range_last(*hit) == UINT64_MAX)
			break;
		/* Wraps to 0 at the end of the space, which is then below within or not free. */
		at.base = align_up(range_last(*hit) + 1, align);
		if (at.base <= range_last(*hit))
			break;
	}
	return false;
}
