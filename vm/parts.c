/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* A view taken apart by who serves what: KVM alone, or which code here. Pure functions. */
#include "space.h"

/* How many bytes from `at`, at most `most`, lie in one memslot, or in none. */
static uint64_t alike(const struct memslot *slots, unsigned n, uint64_t at, uint64_t most,
		      bool *in_slot)
{
	const struct memslot *m;

	*in_slot = false;
	for (m = slots; m < slots + n; m++) {
		uint64_t into = at - m->gpa, ahead = m->gpa - at;

		if (into < m->size) {
			*in_slot = true;
			return m->size - into < most ? m->size - into : most;
		}
		if (m->size && ahead < most)
			most = ahead;
	}
	return most;
}

static enum space_part_kind kind_of(const struct region *r, bool in_slot)
{
	if (!r->host)
		return PART_TRAPPED;
	if (!in_slot)
		return PART_DIRECT;
	if (r->readonly)
		return PART_ROM;
	return r->priority == PRIORITY_RAM ? PART_RAM : PART_MAPPED;
}

static unsigned doorbells(const struct region *r, struct range within)
{
	unsigned i, n = 0;

	for (i = 0; i < r->n_ioeventfds; i++)
		n += range_contains(within, (struct range){r->ioeventfds[i].offset, 1});
	return n;
}

unsigned view_parts(const struct view *view, const struct memslot *slots, unsigned n_slots,
		    struct space_part *out)
{
	const struct view_range *r;
	uint64_t done, size;
	unsigned n = 0;
	bool in_slot;

	for (r = view->ranges; r < view->ranges + view->n; r++)
		for (done = 0; done < r->size; done += size) {
			size = alike(slots, n_slots, r->base + done, r->size - done, &in_slot);
			out[n++] = (struct space_part){
				.range = {r->base + done, size},
				.kind = kind_of(r->region, in_slot),
				.region = r->region,
				.ioeventfds = doorbells(r->region,
							(struct range){r->offset + done, size}),
			};
		}
	return n;
}
