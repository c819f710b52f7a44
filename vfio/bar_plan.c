/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The BAR plan of a whole device: how large each BAR is to the guest, where the guest finds the
 * MSI-X table, and with that the segments of each BAR. Pure.
 */
#include <errno.h>

#include "bar_plan.h"

static bool is_memory(const struct vfio_bar_facts *b)
{
	return b->size && !(b->type & PCI_BASE_ADDRESS_SPACE_IO);
}

/* What a place of `size` bytes is in BAR `bar`: nothing if it is in another. */
static struct range range_in(struct vfio_place place, unsigned bar, uint64_t size)
{
	return place.bar == bar ? (struct range){place.offset, size} : (struct range){0};
}

static bool is_within_bar(const struct vfio_bars_facts *f, struct vfio_place place, uint64_t size)
{
	return place.bar < PCI_BARS && is_memory(&f->bars[place.bar]) &&
	       range_contains((struct range){0, f->bars[place.bar].size},
			      (struct range){place.offset, size});
}

/* A PBA that can't be where the device says it is. */
static bool has_a_false_pba(const struct vfio_bars_facts *f)
{
	uint64_t size = vfio_pba_size(f->entries);

	return f->entries &&
	       (!is_within_bar(f, f->pba, size) ||
		ranges_overlap(range_in(f->table, f->pba.bar, vfio_table_size(f->entries)),
			       (struct range){f->pba.offset, size}));
}

static int check_msix(const struct vfio_bars_facts *f, struct error *err)
{
	if (!f->entries)
		return 0;
	if (!is_within_bar(f, f->table, vfio_table_size(f->entries)))
		return fail(err, EINVAL, "its MSI-X table reaches beyond BAR %u", f->table.bar);
	if (has_a_false_pba(f) && f->relocation == VFIO_RELOCATE_OFF)
		return fail(err, EINVAL,
			    "its MSI-X PBA reaches beyond BAR %u or into the table; "
			    "msix-relocation=auto gives the guest one that does not",
			    f->pba.bar);
	return 0;
}

/*
 * A page of the host holds no second BAR if no BAR is smaller than one: that holds whoever places
 * them, and a guest's own pages may be smaller.
 */
static uint64_t presented_size(const struct vfio_bars_facts *f, const struct vfio_bar_facts *b)
{
	uint64_t size = pow2_ceil(b->size);

	if (f->subpage == VFIO_SUBPAGE_EXACT || !is_memory(b) || size > f->page_size)
		return size;
	return f->page_size;
}

static void present(const struct vfio_bars_facts *f, struct vfio_bars_plan *plan)
{
	unsigned i;

	*plan = (struct vfio_bars_plan){.table = f->table, .pba = f->pba};
	for (i = 0; i <= PCI_ROM; i++)
		if (f->bars[i].size) {
			plan->bars[i].size = presented_size(f, &f->bars[i]);
			plan->bars[i].type = f->bars[i].type;
		}
}

/* The table is virtual, unless the guest may have the device's own and the kernel maps it. */
bool vfio_msix_is_virtual(const struct vfio_bars_facts *f, const struct vfio_bars_plan *plan)
{
	return f->entries &&
	       (plan->relocated || !f->maps_msix || !f->bars[f->table.bar].msix_mappable);
}

static int cut(const struct vfio_bars_facts *f, struct vfio_bars_plan *plan, struct error *err)
{
	uint64_t table_size = vfio_table_size(f->entries), pba_size = vfio_pba_size(f->entries);
	bool virtual = vfio_msix_is_virtual(f, plan);
	unsigned bar;
	int n;

	for (bar = 0; bar <= PCI_ROM; bar++) {
		struct vfio_bar_layout l = {.device = &f->bars[bar],
					    .size = plan->bars[bar].size,
					    .page_size = f->page_size};

		if (virtual) {
			l.table = range_in(plan->table, bar, table_size);
			l.pba = range_in(plan->pba, bar, pba_size);
			l.quirk = f->bars[bar].quirk;
		}
		if (f->entries && !f->bars[bar].msix_mappable)
			l.refused = range_in(f->table, bar, table_size);
		n = vfio_cut_bar(&l, plan->bars[bar].segments, err);
		if (n < 0) {
			error_prefix(err, "BAR %u", bar);
			return n;
		}
		plan->bars[bar].n = (unsigned)n;
	}
	return 0;
}

uint64_t vfio_direct_bytes(const struct vfio_bars_facts *f, const struct vfio_bars_plan *plan)
{
	uint64_t sum = 0;
	unsigned bar, i;

	for (bar = 0; bar <= PCI_ROM; bar++)
		for (i = 0; i < plan->bars[bar].n; i++) {
			const struct vfio_segment *s = &plan->bars[bar].segments[i];
			uint64_t own = f->bars[bar].size - s->offset;

			if (s->kind == SEGMENT_MAP)
				sum += s->size < own ? s->size : own;
		}
	return sum;
}

/* What would be direct if table and PBA were in nobody's way. */
static int direct_without_table(const struct vfio_bars_facts *f, uint64_t *bytes, struct error *err)
{
	struct vfio_bars_plan plan;
	int ret;

	present(f, &plan);
	plan.relocated = true;
	plan.table.bar = plan.pba.bar = PCI_BARS + 1;
	ret = cut(f, &plan, err);
	*bytes = vfio_direct_bytes(f, &plan);
	return ret;
}

int vfio_plan_bars(const struct vfio_bars_facts *facts, struct vfio_bars_plan *plan,
		   struct error *err)
{
	uint64_t before, after;
	int ret = check_msix(facts, err);

	if (ret)
		return ret;
	present(facts, plan);
	ret = cut(facts, plan, err);
	if (ret || facts->relocation == VFIO_RELOCATE_OFF)
		return ret;
	before = vfio_direct_bytes(facts, plan);
	ret = direct_without_table(facts, &after, err);
	if (ret)
		return ret;
	if (facts->relocation == VFIO_RELOCATE_AUTO && after <= before && !has_a_false_pba(facts))
		return 0;
	ret = vfio_relocate_msix(facts, plan, err);
	if (ret)
		return ret;
	plan->relocated = true;
	/* A mapped table that was moved all the same has made nothing direct. */
	plan->made_direct = after > before ? after - before : 0;
	return cut(facts, plan, err);
}
