/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * From a BAR's layout to its segments: which bytes the guest reaches by itself, and which through
 * us. Pure.
 *
 * A host page may be mapped if the kernel lets us mmap it and no byte of it is served in place of
 * the device. Everything else in the BAR is served byte by byte in its exact width. Holes are cut
 * where the device has something: the device's own bytes are at the same offset in the guest's BAR
 * and in the physical one, and what was moved lies behind them.
 */
#include <errno.h>

#include "bar_plan.h"

#define SERVED 3

struct served {
	enum vfio_segment_kind kind;
	struct range range;
};

static void list_served(const struct vfio_bar_layout *l, struct served out[SERVED])
{
	out[0] = (struct served){SEGMENT_TABLE, l->table};
	out[1] = (struct served){SEGMENT_PBA, l->pba};
	out[2] = (struct served){SEGMENT_QUIRK, l->quirk};
}

static struct range pages_of(struct range r, uint64_t page)
{
	uint64_t first = align_down(r.base, page);

	return (struct range){first, r.size ? align_up(r.base + r.size, page) - first : 0};
}

static bool kernel_maps(const struct vfio_bar_layout *l, struct range page)
{
	const struct vfio_bar_facts *d = l->device;
	unsigned i;

	if (!d->mmap || ranges_overlap(page, pages_of(l->refused, l->page_size)))
		return false;
	for (i = 0; i < d->n_sparse; i++)
		if (range_contains(d->sparse[i], page))
			return true;
	/* A BAR smaller than a page has it to itself, or the kernel would not let us map it (4.8).
	 */
	return !d->n_sparse && page.base < d->size &&
	       (page.base + page.size <= d->size || d->size < page.size);
}

static bool is_mapped_page(const struct vfio_bar_layout *l, uint64_t base)
{
	struct range page = {base, l->page_size};
	struct served served[SERVED];
	unsigned i;

	list_served(l, served);
	for (i = 0; i < SERVED; i++)
		if (ranges_overlap(page, pages_of(served[i].range, l->page_size)))
			return false;
	return kernel_maps(l, page);
}

static enum vfio_segment_kind kind_at(const struct vfio_bar_layout *l, uint64_t at)
{
	struct served served[SERVED];
	unsigned i;

	list_served(l, served);
	for (i = 0; i < SERVED; i++)
		if (range_contains(served[i].range, (struct range){at, 1}))
			return served[i].kind;
	if (is_mapped_page(l, align_down(at, l->page_size)))
		return SEGMENT_MAP;
	return at < l->device->size ? SEGMENT_DIRECT : SEGMENT_EMPTY;
}

/* Lower *next to edge if edge is the nearest one above at. */
static void nearest(uint64_t at, uint64_t edge, uint64_t *next)
{
	if (edge > at && edge < *next)
		*next = edge;
}

static void nearest_of(uint64_t at, struct range r, uint64_t *next)
{
	nearest(at, r.base, next);
	nearest(at, r.base + r.size, next);
}

/* The next offset above `at` where the kind may change: an edge of something, not each page. */
static uint64_t next_edge(const struct vfio_bar_layout *l, uint64_t at)
{
	const struct vfio_bar_facts *d = l->device;
	struct served served[SERVED];
	uint64_t next = l->size;
	unsigned i;

	list_served(l, served);
	for (i = 0; i < SERVED; i++) {
		nearest_of(at, served[i].range, &next);
		nearest_of(at, pages_of(served[i].range, l->page_size), &next);
	}
	nearest_of(at, pages_of(l->refused, l->page_size), &next);
	for (i = 0; i < d->n_sparse; i++) {
		nearest(at, align_up(d->sparse[i].base, l->page_size), &next);
		nearest(at, align_down(d->sparse[i].base + d->sparse[i].size, l->page_size), &next);
	}
	nearest(at, align_down(d->size, l->page_size), &next);
	nearest(at, d->size, &next);
	nearest(at, align_up(d->size, l->page_size), &next);
	return next;
}

static bool is_the_devices(enum vfio_segment_kind kind)
{
	return kind == SEGMENT_MAP || kind == SEGMENT_DIRECT || kind == SEGMENT_QUIRK;
}

int vfio_cut_bar(const struct vfio_bar_layout *l, struct vfio_segment *out, struct error *err)
{
	uint64_t at = 0, next;
	int n = 0;

	for (; at < l->size; at = next) {
		enum vfio_segment_kind kind = kind_at(l, at);

		next = next_edge(l, at);
		if (n && out[n - 1].kind == kind) {
			out[n - 1].size += next - at;
			continue;
		}
		if (n == VFIO_SEGMENTS_MAX)
			return fail(err, E2BIG, "it has too many mappable areas");
		out[n++] =
			(struct vfio_segment){kind, at, next - at, is_the_devices(kind) ? at : 0};
	}
	return n;
}
