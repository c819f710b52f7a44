/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What a BAR plan means to its user: why bytes of the device are not mapped, and what would let
 * them be. Pure.
 */
#include "bar_plan.h"

static bool is_subpage(const struct vfio_bars_facts *f, unsigned bar)
{
	const struct vfio_bar_facts *b = &f->bars[bar];

	return bar < PCI_BARS && b->size && b->size < f->page_size &&
	       !(b->type & PCI_BASE_ADDRESS_SPACE_IO);
}

/* ---- why ----------------------------------------------------------------------------------- */

/* The pages of the host that hold a segment. */
static struct range pages_of(const struct vfio_report *r, const struct vfio_segment *s)
{
	uint64_t first = align_down(s->offset, r->facts.page_size);

	return range_between(first, align_up(s->offset + s->size, r->facts.page_size) - 1);
}

/* Does one of these pages hold something that is served in place of the device? */
static bool shares_with(const struct vfio_report *r, unsigned bar, const struct vfio_segment *s,
			enum vfio_segment_kind kind)
{
	const struct vfio_bar_plan *b = &r->plan.bars[bar];
	unsigned i;

	for (i = 0; i < b->n; i++)
		if (b->segments[i].kind == kind &&
		    ranges_overlap((struct range){b->segments[i].offset, b->segments[i].size},
				   pages_of(r, s)))
			return true;
	return false;
}

static void explain_served(const struct vfio_report *r, unsigned bar, const struct vfio_segment *s,
			   struct text *out)
{
	static const struct {
		enum vfio_segment_kind kind;
		const char *what;
	} served[] = {
		{SEGMENT_TABLE, "the MSI-X table"},
		{SEGMENT_PBA, "the pending bits"},
		{SEGMENT_QUIRK, "a back door to the MSI-X table"},
	};
	const char *glue = "in a page with ";
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(served); i++)
		if (shares_with(r, bar, s, served[i].kind)) {
			text_add(out, "%s%s", glue, served[i].what);
			glue = " and ";
		}
}

/* vfio_pci_probe_mmaps in Linux' drivers/vfio/pci/vfio_pci_core.c decides so. */
static void explain_subpage(const struct vfio_in_page *p, struct text *out)
{
	text_add(out, "smaller than a page of the host");
	if (p->offset)
		text_add(out, ", begins at 0x%llx of one", (unsigned long long)p->offset);
	if (*p->neighbour)
		text_add(out, ", shares it with %s", p->neighbour);
	else if (!p->offset)
		text_add(out, ", which the kernel could not reserve for it");
}

/* Does the kernel keep back pages of this segment, as the place of the device's own table? */
static bool is_refused(const struct vfio_report *r, unsigned bar, const struct vfio_segment *s)
{
	const struct vfio_bars_facts *f = &r->facts;

	return f->entries && f->table.bar == bar && !f->bars[bar].msix_mappable &&
	       ranges_overlap(pages_of(r, s),
			      (struct range){f->table.offset, vfio_table_size(f->entries)});
}

static bool is_in_sparse_area(const struct vfio_bar_facts *b, const struct vfio_segment *s)
{
	unsigned i;

	for (i = 0; i < b->n_sparse; i++)
		if (range_contains(b->sparse[i], (struct range){s->offset, s->size}))
			return true;
	return !b->n_sparse;
}

static void explain_kernel(const struct vfio_report *r, unsigned bar, const struct vfio_segment *s,
			   struct text *out)
{
	const struct vfio_bar_facts *b = &r->facts.bars[bar];
	const char *glue = out->len ? "; " : "";

	if (bar == PCI_ROM) {
		text_add(out, "%sthe kernel maps no ROM", glue);
	} else if (!b->mmap && is_subpage(&r->facts, bar)) {
		text_add(out, "%s", glue);
		explain_subpage(&r->in_page[bar], out);
	} else if (!b->mmap) {
		text_add(out, "%sthe kernel does not let it be mapped", glue);
	} else if (is_refused(r, bar, s)) {
		text_add(out,
			 "%sthe kernel maps no page of the device's own table; Linux 4.16 does",
			 glue);
	} else if (!is_in_sparse_area(b, s)) {
		text_add(out, "%soutside of what the host's driver lets be mapped", glue);
	}
}

static void explain_direct(const struct vfio_report *r, unsigned bar, const struct vfio_segment *s,
			   struct text *out)
{
	struct text why = {0};

	if (r->facts.bars[bar].type & PCI_BASE_ADDRESS_SPACE_IO) {
		text_add(out, "ports are not mapped");
		return;
	}
	explain_served(r, bar, s, &why);
	explain_kernel(r, bar, s, &why);
	text_add(out, "%s", why.data ? why.data : "");
	text_free(&why);
}

static void explain_mapped(const struct vfio_report *r, unsigned bar, const struct vfio_segment *s,
			   struct text *out)
{
	const struct vfio_bars_facts *f = &r->facts;
	struct range table = {f->table.offset, vfio_table_size(f->entries)};

	if (f->table.bar == bar && !vfio_msix_is_virtual(f, &r->plan) &&
	    ranges_overlap(table, (struct range){s->offset, s->size}))
		text_add(out, "the device's own MSI-X table with it");
	else if (is_subpage(f, bar))
		text_add(out, f->subpage == VFIO_SUBPAGE_EXACT
				      ? "while the guest has it alone at a page's beginning"
				      : "alone in its page");
}

void vfio_explain(const struct vfio_report *r, unsigned bar, const struct vfio_segment *s,
		  struct text *out)
{
	switch (s->kind) {
	case SEGMENT_MAP:
		explain_mapped(r, bar, s, out);
		break;
	case SEGMENT_DIRECT:
		explain_direct(r, bar, s, out);
		break;
	case SEGMENT_QUIRK:
		text_add(out, "a back door to the MSI-X table");
		break;
	case SEGMENT_TABLE:
		text_add(out, "virtual, %u vectors", r->facts.entries);
		break;
	case SEGMENT_PBA:
		text_add(out, "virtual");
		break;
	case SEGMENT_EMPTY:
		text_add(out, "beyond the device");
		break;
	}
}

/* ---- what would help ----------------------------------------------------------------------- */

/* What pci=resource_alignment does (pci_reassigndev_resource_alignment in Linux' pci.c). */
static void align_bars(struct vfio_bars_facts *f)
{
	unsigned bar;

	for (bar = 0; bar < PCI_BARS; bar++)
		if (is_subpage(f, bar))
			f->bars[bar].mmap = f->bars[bar].msix_mappable = true;
}

/* Note what is gained that way, if anything. Returns how many bytes. */
static uint64_t consider(struct vfio_report *r, bool align, enum vfio_relocation relocation,
			 uint64_t least)
{
	struct vfio_bars_facts facts = r->facts;
	struct vfio_bars_plan plan;
	uint64_t before = vfio_direct_bytes(&r->facts, &r->plan), after;

	facts.relocation = relocation;
	if (align)
		align_bars(&facts);
	if (vfio_plan_bars(&facts, &plan, NULL))
		return 0;
	after = vfio_direct_bytes(&facts, &plan);
	if (after <= before + least)
		return 0;
	r->advice[r->n_advice++] =
		(struct vfio_advice){align, relocation, after - before, plan.table};
	return after - before;
}

static void advise_relocation(struct vfio_report *r)
{
	unsigned relocation;

	if (r->facts.relocation != VFIO_RELOCATE_OFF)
		return;
	consider(r, false, VFIO_RELOCATE_AUTO, 0);
	for (relocation = VFIO_RELOCATE_BAR0; relocation <= VFIO_RELOCATE_BAR5; relocation++)
		if (!r->n_advice || relocation != VFIO_RELOCATE_BAR0 + r->advice[0].table.bar)
			consider(r, false, relocation, 0);
}

/* Either alone may gain nothing where both together do: a small BAR with the table in it. */
void vfio_advise(struct vfio_report *r)
{
	uint64_t relocated, aligned;

	r->n_advice = 0;
	advise_relocation(r);
	relocated = r->n_advice ? r->advice[0].bytes : 0;
	aligned = consider(r, true, r->facts.relocation, 0);
	if (r->facts.relocation == VFIO_RELOCATE_OFF)
		consider(r, true, VFIO_RELOCATE_AUTO, relocated > aligned ? relocated : aligned);
}
