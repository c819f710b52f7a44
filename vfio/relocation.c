/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Where a relocated MSI-X table goes: behind the bytes of a BAR that the device has, which becomes
 * larger, or into a BAR that it has not. Pure.
 *
 * Drivers take BARs by their numbers or by their order, so the free choice never comes before a BAR
 * of the device.
 */
#include <errno.h>

#include "bar_plan.h"

/* The largest 32-bit BAR (PCI 3.0, 6.2.5.1), and what an offset in the capability can say. */
#define BAR32_MAX  (2 * GIB)
#define OFFSET_END (4 * GIB)

/* Table and PBA in pages of their own, of the host's and of the guest's: it may map them on. */
static uint64_t area_size(const struct vfio_bars_facts *f)
{
	uint64_t page = f->guest_page > f->page_size ? f->guest_page : f->page_size;
	uint64_t bytes = vfio_table_size(f->entries) + vfio_pba_size(f->entries);

	return pow2_ceil(align_up(bytes, page));
}

/* Half of an extended BAR is the device's, half is ours. */
static uint64_t half_size(const struct vfio_bars_facts *f, const struct vfio_bars_plan *plan,
			  unsigned bar)
{
	uint64_t area = area_size(f);

	return plan->bars[bar].size > area ? plan->bars[bar].size : area;
}

static bool is_upper_half(const struct vfio_bars_facts *f, unsigned bar)
{
	return bar && vfio_bar_is_64bit(&f->bars[bar - 1]);
}

static bool is_io(const struct vfio_bars_facts *f, unsigned bar)
{
	return f->bars[bar].size && (f->bars[bar].type & PCI_BASE_ADDRESS_SPACE_IO);
}

static bool is_over_limit(const struct vfio_bars_facts *f, const struct vfio_bars_plan *plan,
			  unsigned bar)
{
	uint64_t half = half_size(f, plan, bar);

	return f->bars[bar].size &&
	       (vfio_bar_is_64bit(&f->bars[bar]) ? half >= OFFSET_END : half > BAR32_MAX / 2);
}

static bool is_usable(const struct vfio_bars_facts *f, const struct vfio_bars_plan *plan,
		      unsigned bar)
{
	return !is_upper_half(f, bar) && !is_io(f, bar) && !is_over_limit(f, plan, bar);
}

/* The table's own BAR, else the first one above all that the device has; PCI_BARS: there is none.
 */
static unsigned choose(const struct vfio_bars_facts *f, const struct vfio_bars_plan *plan)
{
	unsigned bar = PCI_BARS;

	if (is_usable(f, plan, f->table.bar))
		return f->table.bar;
	while (bar && !f->bars[bar - 1].size && !is_upper_half(f, bar - 1))
		bar--;
	return bar;
}

static int refuse(const struct vfio_bars_facts *f, const struct vfio_bars_plan *plan, unsigned bar,
		  struct error *err)
{
	unsigned other = choose(f, plan);
	char cure[32] = "msix-relocation=off", size[SIZE_TEXT];

	if (other < PCI_BARS)
		snprintf(cure, sizeof(cure), "msix-relocation=bar%u", other);
	if (is_upper_half(f, bar))
		return fail(err, EINVAL,
			    "msix-relocation=bar%u: BAR %u is the upper half of BAR %u; use %s",
			    bar, bar, bar - 1, cure);
	if (is_io(f, bar))
		return fail(err, EINVAL,
			    "msix-relocation=bar%u: BAR %u has I/O ports, and the table needs "
			    "memory; use %s",
			    bar, bar, cure);
	return fail(err, EINVAL,
		    "msix-relocation=bar%u: BAR %u of %s is too large to be extended; use %s", bar,
		    bar, size_text(size, f->bars[bar].size), cure);
}

/*
 * A new BAR is a 64-bit one if there is room for its upper half. Reads of a virtual table have no
 * side effects, so it may be prefetchable and fits any window.
 */
static void occupy(const struct vfio_bars_facts *f, struct vfio_bars_plan *plan, unsigned bar)
{
	struct vfio_bar_plan *b = &plan->bars[bar];

	plan->table = (struct vfio_place){bar, 0};
	if (b->size) {
		plan->table.offset = half_size(f, plan, bar);
		b->size = 2 * plan->table.offset;
	} else {
		b->size = area_size(f);
		b->type = PCI_BASE_ADDRESS_MEM_PREFETCH;
		if (bar + 1 < PCI_BARS && !f->bars[bar + 1].size)
			b->type |= PCI_BASE_ADDRESS_MEM_TYPE_64;
	}
	plan->pba = plan->table;
	plan->pba.offset += vfio_table_size(f->entries);
}

int vfio_relocate_msix(const struct vfio_bars_facts *facts, struct vfio_bars_plan *plan,
		       struct error *err)
{
	unsigned bar;

	if (!facts->entries)
		return fail(err, EINVAL,
			    "it has no MSI-X table; leave the option msix-relocation away");
	if (facts->relocation == VFIO_RELOCATE_AUTO)
		bar = choose(facts, plan);
	else
		bar = facts->relocation - VFIO_RELOCATE_BAR0;
	if (bar == PCI_BARS)
		return fail(err, ENOSPC,
			    "msix-relocation=auto: BAR %u can't be extended and no BAR above the "
			    "device's is free; use msix-relocation=off, or name a free one",
			    facts->table.bar);
	if (!is_usable(facts, plan, bar))
		return refuse(facts, plan, bar, err);
	occupy(facts, plan, bar);
	return 0;
}
