/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The flat view of an address space: from regions with priorities to a sorted list of ranges that
 * don't overlap, and from that to the memslots. Pure functions.
 */
#include <stdlib.h>

#include "space.h"

static int compare_addresses(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static bool hides(const struct region *r, const struct region *other)
{
	if (r->priority != other->priority)
		return r->priority > other->priority;
	return r->order > other->order;
}

/* The visible region at [addr, addr + 1): the one that hides all the others there. */
static struct region *topmost(struct region *regions, uint64_t addr)
{
	struct region *r, *top = NULL;

	for (r = regions; r; r = r->next)
		if (addr >= r->base && addr - r->base < r->size && (!top || hides(r, top)))
			top = r;
	return top;
}

static void append(struct view *v, uint64_t base, uint64_t size, struct region *r)
{
	struct view_range *last = v->n ? &v->ranges[v->n - 1] : NULL;

	if (last && last->region == r && last->base + last->size == base)
		last->size += size;
	else
		v->ranges[v->n++] = (struct view_range){base, size, r, base - r->base};
}

struct view *view_flatten(struct region *regions)
{
	uint64_t *edges;
	struct region *r;
	struct view *v;
	unsigned n = 0, i;

	for (r = regions; r; r = r->next)
		n += 2;
	v = malloc(sizeof(*v) + (n + 1) * sizeof(v->ranges[0]));
	edges = malloc((n + 1) * sizeof(*edges));
	if (!v || !edges) {
		free(v);
		free(edges);
		return NULL;
	}
	v->n = 0;
	v->retired_next = NULL;
	n = 0;
	for (r = regions; r; r = r->next) {
		edges[n++] = r->base;
		/* A region that ends at 2^64 has its second edge at 0: sorted first, harmless. */
		edges[n++] = r->base + r->size;
	}
	qsort(edges, n, sizeof(*edges), compare_addresses);
	for (i = 0; i < n; i++) {
		uint64_t size = (i + 1 < n ? edges[i + 1] : 0) - edges[i];

		if (i + 1 < n && !size)
			continue;
		r = topmost(regions, edges[i]);
		if (r)
			append(v, edges[i], size, r);
	}
	free(edges);
	return v;
}

const struct view_range *view_find(const struct view *view, uint64_t addr)
{
	unsigned low = 0, high = view->n;

	while (low < high) {
		unsigned mid = low + (high - low) / 2;
		const struct view_range *r = &view->ranges[mid];

		if (addr < r->base)
			high = mid;
		else if (addr - r->base >= r->size)
			low = mid + 1;
		else
			return r;
	}
	return NULL;
}

unsigned view_memslots(const struct view *view, uint64_t page_size, struct memslot *out)
{
	unsigned n = 0, i;

	for (i = 0; i < view->n; i++) {
		const struct view_range *r = &view->ranges[i];
		uint64_t first = align_up(r->base, page_size);
		uint64_t end = align_down(r->base + r->size, page_size);
		uint8_t *host;

		if (!r->region->host || first < r->base || end <= first)
			continue;
		host = r->region->host + r->offset + (first - r->base);
		/* KVM wants the host address aligned too: a segment that starts inside a page. */
		if ((uintptr_t)host % page_size)
			continue;
		if (out)
			out[n] = (struct memslot){first, end - first, host, r->region->readonly};
		n++;
	}
	return n;
}
