/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The BAR plan: which bytes of a BAR the guest reaches by itself, and which through us. Pure.
 *
 * A host page may be mapped if the kernel lets us mmap it and no byte of it belongs to the MSI-X
 * table or the PBA. Everything else in the BAR is served byte by byte in its exact width.
 */
#include <errno.h>

#include "vfio.h"

static struct range pages_of(struct range r, uint64_t page)
{
	uint64_t first = align_down(r.base, page);

	return (struct range){first, r.size ? align_up(r.base + r.size, page) - first : 0};
}

/* Without MSIX_MAPPABLE and without sparse areas, an older kernel refuses the table's pages. */
static bool kernel_maps(const struct vfio_bar_facts *f, struct range page)
{
	unsigned i;

	if (!f->mmap)
		return false;
	for (i = 0; i < f->n_sparse; i++)
		if (range_contains(f->sparse[i], page))
			return true;
	/* A BAR smaller than a page has it to itself, or the kernel would not let us map it (4.8).
	 */
	return !f->n_sparse && (page.base + page.size <= f->size || f->size < page.size);
}

static bool is_mapped_page(const struct vfio_bar_facts *f, uint64_t base)
{
	struct range page = {base, f->page_size};

	return kernel_maps(f, page) && !ranges_overlap(page, pages_of(f->table, f->page_size)) &&
	       !ranges_overlap(page, pages_of(f->pba, f->page_size));
}

static enum vfio_segment_kind kind_at(const struct vfio_bar_facts *f, uint64_t at)
{
	struct range byte = {at, 1};

	if (range_contains(f->table, byte))
		return SEGMENT_TABLE;
	if (range_contains(f->pba, byte))
		return SEGMENT_PBA;
	if (is_mapped_page(f, align_down(at, f->page_size)))
		return SEGMENT_MAP;
	return SEGMENT_DIRECT;
}

/* Lower *next to edge if edge is the nearest one above at. */
static void nearest(uint64_t at, uint64_t edge, uint64_t *next)
{
	if (edge > at && edge < *next)
		*next = edge;
}

/* The next offset above `at` where the kind may change: an edge of something, not each page. */
static uint64_t next_edge(const struct vfio_bar_facts *f, uint64_t at)
{
	struct range trapped[] = {f->table, f->pba};
	uint64_t next = f->size;
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(trapped); i++) {
		struct range p = pages_of(trapped[i], f->page_size);

		nearest(at, trapped[i].base, &next);
		nearest(at, trapped[i].base + trapped[i].size, &next);
		nearest(at, p.base, &next);
		nearest(at, p.base + p.size, &next);
	}
	for (i = 0; i < f->n_sparse; i++) {
		nearest(at, align_up(f->sparse[i].base, f->page_size), &next);
		nearest(at, align_down(f->sparse[i].base + f->sparse[i].size, f->page_size), &next);
	}
	nearest(at, align_down(f->size, f->page_size), &next);
	return next;
}

static int check(const struct vfio_bar_facts *f, struct error *err)
{
	struct range bar = {0, f->size};

	if (f->table.size && !range_contains(bar, f->table))
		return fail(err, EINVAL, "its MSI-X table reaches beyond its BAR of %llu bytes",
			    (unsigned long long)f->size);
	if (f->pba.size && !range_contains(bar, f->pba))
		return fail(err, EINVAL, "its MSI-X PBA reaches beyond its BAR of %llu bytes",
			    (unsigned long long)f->size);
	if (ranges_overlap(f->table, f->pba))
		return fail(err, EINVAL, "its MSI-X table and PBA overlap");
	return 0;
}

int vfio_plan_bar(const struct vfio_bar_facts *facts, struct vfio_segment *out, struct error *err)
{
	uint64_t at = 0, next;
	int n = check(facts, err);

	if (n)
		return n;
	for (; at < facts->size; at = next) {
		enum vfio_segment_kind kind = kind_at(facts, at);

		next = next_edge(facts, at);
		if (n && out[n - 1].kind == kind) {
			out[n - 1].size += next - at;
			continue;
		}
		if (n == VFIO_SEGMENTS_MAX)
			return fail(err, E2BIG, "its BAR has too many mappable areas");
		out[n++] = (struct vfio_segment){kind, at, next - at, at};
	}
	return n;
}
