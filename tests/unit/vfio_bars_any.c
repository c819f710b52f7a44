/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* vfio: what holds of every BAR plan, over devices that chance has made. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>

#include "vfio.h"

#define ROUNDS 20000

static unsigned below(unsigned n)
{
	return (unsigned)rand() % n;
}

static bool chance(unsigned percent)
{
	return below(100) < percent;
}

static uint64_t table_size(const struct vfio_bars_facts *f)
{
	return f->entries * 16ull;
}

static uint64_t pba_size(const struct vfio_bars_facts *f)
{
	return (f->entries + 63) / 64 * 8ull;
}

/* Some areas, sorted, now and then of odd sizes. */
static void make_sparse(struct vfio_bar_facts *b)
{
	uint64_t at = 0, unit = b->size / 32;

	while (unit && b->n_sparse < VFIO_SPARSE_MAX && at + 2 * unit < b->size) {
		struct range *r = &b->sparse[b->n_sparse++];

		r->base = at + (chance(50) ? 0 : unit / 2);
		r->size = unit * (1 + below(2));
		at = r->base + r->size + unit * below(3);
	}
}

static void make_bar(struct vfio_bar_facts *b, bool io, bool wide)
{
	if (io) {
		*b = (struct vfio_bar_facts){.size = 4ull << below(7),
					     .type = PCI_BASE_ADDRESS_SPACE_IO};
		return;
	}
	*b = (struct vfio_bar_facts){.size = 16ull << below(chance(5) ? 30 : 17),
				     .type = wide ? PCI_BASE_ADDRESS_MEM_TYPE_64 : 0,
				     .mmap = chance(85)};
	if (b->mmap && chance(10))
		make_sparse(b);
	if (chance(10) && b->size >= 256)
		b->quirk = (struct range){
			4ull * below((unsigned)(b->size / 4 < 65536 ? b->size / 4 : 65536)), 4};
}

static struct vfio_place place_somewhere(const struct vfio_bars_facts *f, unsigned bar,
					 unsigned unit)
{
	uint64_t units = f->bars[bar].size / unit;

	return (struct vfio_place){
		bar, unit * (uint64_t)below(units > 1u << 20 ? 1u << 20 : (unsigned)units + 1)};
}

/* A device of any layout; its table may lie wherever the capability can say. */
static struct vfio_bars_facts make_device(void)
{
	struct vfio_bars_facts f = {.page_size = 4096ull << (2 * below(3)),
				    .guest_page = chance(50) ? 0 : 4096ull << (2 * below(3)),
				    .maps_msix = chance(20),
				    .relocation = (enum vfio_relocation)below(8),
				    .subpage = (enum vfio_subpage)below(2)};
	unsigned bar;

	for (bar = 0; bar < PCI_BARS; bar++) {
		bool wide = bar < PCI_BARS - 1 && chance(40);

		if (chance(60)) {
			make_bar(&f.bars[bar], chance(15), wide);
			bar += f.bars[bar].type == PCI_BASE_ADDRESS_MEM_TYPE_64;
		}
	}
	if (chance(30))
		f.bars[PCI_ROM].size = 2048ull << below(8);
	if (chance(90)) {
		f.entries = 1 + below(chance(10) ? 2048 : 64);
		f.table = place_somewhere(&f, below(PCI_BARS), 16);
		f.pba = place_somewhere(&f, chance(60) ? f.table.bar : below(PCI_BARS), 8);
		f.bars[f.table.bar].msix_mappable = f.bars[f.table.bar].mmap && chance(80);
	}
	return f;
}

static struct range in_bar(struct vfio_place place, unsigned bar, uint64_t size)
{
	return place.bar == bar ? (struct range){place.offset, size} : (struct range){0};
}

static struct range pages(struct range r, uint64_t page)
{
	uint64_t first = align_down(r.base, page);

	return r.size ? (struct range){first, align_up(r.base + r.size, page) - first} : r;
}

/* Does the guest have the table at its own place, as the device's register? */
static bool is_mapped_table(const struct vfio_bars_facts *f, const struct vfio_bars_plan *p)
{
	return f->maps_msix && !p->relocated && f->bars[f->table.bar].msix_mappable;
}

/* Said once more, in another way than the plan does: may this page of the device be mapped? */
static bool may_map(const struct vfio_bars_facts *f, const struct vfio_bars_plan *p, unsigned bar,
		    uint64_t base)
{
	const struct vfio_bar_facts *b = &f->bars[bar];
	struct range page = {base, f->page_size};
	bool within = !b->n_sparse && base + page.size <= align_up(b->size, page.size);
	unsigned i;

	for (i = 0; i < b->n_sparse; i++)
		within |= range_contains(b->sparse[i], page);
	if (!b->mmap || !within)
		return false;
	if (!f->entries)
		return true;
	if (!b->msix_mappable &&
	    ranges_overlap(page, pages(in_bar(f->table, bar, table_size(f)), page.size)))
		return false;
	return is_mapped_table(f, p) ||
	       (!ranges_overlap(page, b->quirk) &&
		!ranges_overlap(page, in_bar(p->table, bar, table_size(f))) &&
		!ranges_overlap(page, in_bar(p->pba, bar, pba_size(f))));
}

static void check_mapped(const struct vfio_bars_facts *f, const struct vfio_bars_plan *p,
			 unsigned bar, const struct vfio_segment *s)
{
	uint64_t page = f->page_size, at;
	uint64_t gpa = p->bars[bar].size * (1 + below(1000)) + s->offset;

	cr_assert_eq(s->physical, s->offset);
	for (at = s->offset; at < s->offset + s->size; at += page) {
		cr_assert(may_map(f, p, bar, at));
		/* A page is much like the next one. */
		if (s->size > 64 * page && at > s->offset + 8 * page)
			break;
	}
	/* Seen at its own size it is mapped only where the guest aligns it: that is the hand's. */
	if (p->bars[bar].size < page && f->subpage == VFIO_SUBPAGE_EXACT) {
		cr_assert(s->offset == 0 && s->size == f->bars[bar].size);
		return;
	}
	cr_assert_eq((gpa | s->size | s->physical) % page, 0);
}

/* Nothing is trapped without a reason: no whole page of a direct segment could be mapped. */
static void check_direct(const struct vfio_bars_facts *f, const struct vfio_bars_plan *p,
			 unsigned bar, const struct vfio_segment *s)
{
	uint64_t page = f->page_size, last = s->offset + s->size - 1;

	cr_assert_eq(s->physical, s->offset);
	cr_assert_leq(s->offset + s->size, f->bars[bar].size);
	cr_assert_not(may_map(f, p, bar, align_down(s->offset, page)));
	cr_assert_not(may_map(f, p, bar, align_down(last, page)));
	if (s->size > 2 * page)
		cr_assert_not(may_map(f, p, bar, align_down(s->offset + s->size / 2, page)));
}

static void check_segment(const struct vfio_bars_facts *f, const struct vfio_bars_plan *p,
			  unsigned bar, const struct vfio_segment *s)
{
	struct range r = {s->offset, s->size}, own = f->bars[bar].quirk, want;

	switch (s->kind) {
	case SEGMENT_MAP:
		check_mapped(f, p, bar, s);
		return;
	case SEGMENT_DIRECT:
		check_direct(f, p, bar, s);
		return;
	case SEGMENT_EMPTY:
		cr_assert_geq(s->offset, f->bars[bar].size);
		cr_assert_eq(s->physical, 0);
		return;
	case SEGMENT_QUIRK:
		cr_assert_eq(s->physical, s->offset);
		cr_assert(range_contains(own, r) && f->entries && !is_mapped_table(f, p));
		return;
	default:
		want = s->kind == SEGMENT_TABLE ? in_bar(p->table, bar, table_size(f))
						: in_bar(p->pba, bar, pba_size(f));
		cr_assert(f->entries && !is_mapped_table(f, p));
		cr_assert(r.base == want.base && r.size == want.size);
	}
}

static void check_bar(const struct vfio_bars_facts *f, const struct vfio_bars_plan *p, unsigned bar)
{
	const struct vfio_bar_plan *b = &p->bars[bar];
	uint64_t at = 0;
	unsigned i;

	for (i = 0; i < b->n; i++) {
		cr_assert_eq(b->segments[i].offset, at);
		cr_assert_gt(b->segments[i].size, 0);
		cr_assert(!i || b->segments[i].kind != b->segments[i - 1].kind);
		at += b->segments[i].size;
		check_segment(f, p, bar, &b->segments[i]);
	}
	cr_assert_eq(at, b->size);
	cr_assert(!b->size || is_pow2(b->size));
	if (b->size && f->subpage == VFIO_SUBPAGE_EXPAND && !(b->type & PCI_BASE_ADDRESS_SPACE_IO))
		cr_assert_geq(b->size, f->page_size);
}

static unsigned count(const struct vfio_bars_plan *p, enum vfio_segment_kind kind)
{
	unsigned bar, i, n = 0;

	for (bar = 0; bar <= PCI_ROM; bar++)
		for (i = 0; i < p->bars[bar].n; i++)
			n += p->bars[bar].segments[i].kind == kind;
	return n;
}

/* Bytes of the device that are mapped. */
static uint64_t direct(const struct vfio_bars_facts *f, const struct vfio_bars_plan *p)
{
	uint64_t sum = 0;
	unsigned bar, i;

	for (bar = 0; bar <= PCI_ROM; bar++)
		for (i = 0; i < p->bars[bar].n; i++) {
			const struct vfio_segment *s = &p->bars[bar].segments[i];
			uint64_t end = s->offset + s->size;

			if (s->kind == SEGMENT_MAP)
				sum += (end < f->bars[bar].size ? end : f->bars[bar].size) -
				       s->offset;
		}
	return sum;
}

/* Whatever moves, a driver finds the BARs of its device where they were, and as they were. */
static void check_relocation(const struct vfio_bars_facts *f, const struct vfio_bars_plan *p)
{
	struct vfio_bars_facts off = *f;
	static struct vfio_bars_plan before;
	unsigned bar, highest = 0;
	uint64_t now, then;

	off.relocation = VFIO_RELOCATE_OFF;
	if (vfio_plan_bars(&off, &before, NULL))
		return; /* its own PBA is a false one */
	now = direct(f, p);
	then = direct(f, &before);
	cr_assert_eq(p->made_direct, now > then ? now - then : 0);
	for (bar = 0; bar < PCI_BARS; bar++) {
		if (!f->bars[bar].size)
			continue;
		highest = bar + (f->bars[bar].type == PCI_BASE_ADDRESS_MEM_TYPE_64);
		cr_assert_eq(p->bars[bar].type, f->bars[bar].type);
		if (!p->relocated || bar != p->table.bar)
			cr_assert_eq(p->bars[bar].size, before.bars[bar].size);
	}
	if (!p->relocated)
		return;
	cr_assert_geq(p->table.offset, f->bars[p->table.bar].size);
	cr_assert(p->pba.bar == p->table.bar && p->pba.offset % 8 == 0);
	cr_assert_lt(p->pba.offset, 1ull << 32);
	if (f->relocation != VFIO_RELOCATE_AUTO)
		cr_assert_eq(p->table.bar, f->relocation - VFIO_RELOCATE_BAR0);
	else
		cr_assert(p->made_direct &&
			  (p->table.bar == f->table.bar || p->table.bar > highest));
}

Test(bar_plan, holds_for_any_device, .timeout = 120)
{
	static struct vfio_bars_plan p;
	unsigned round, bar, good = 0, moved = 0;

	srand(11);
	for (round = 0; round < ROUNDS; round++) {
		struct vfio_bars_facts f = make_device();

		if (vfio_plan_bars(&f, &p, NULL))
			continue;
		good++;
		moved += p.relocated;
		for (bar = 0; bar <= PCI_ROM; bar++)
			check_bar(&f, &p, bar);
		cr_assert_eq(count(&p, SEGMENT_TABLE), f.entries && !is_mapped_table(&f, &p));
		cr_assert_eq(count(&p, SEGMENT_PBA), count(&p, SEGMENT_TABLE));
		check_relocation(&f, &p);
	}
	/* Chance must have made devices that are worth the while. */
	cr_assert(good > ROUNDS / 5 && moved > ROUNDS / 50, "%u good, %u moved", good, moved);
}
