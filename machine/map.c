/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The map of I/O addresses: a plan, for people and programs to read. Pure. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"

struct map {
	struct map_part *parts;
	unsigned n;
};

static void add(struct map *m, struct range range, const char *kind, const char *what)
{
	struct map_part *p = &m->parts[m->n];

	if (!range.size)
		return;
	*p = (struct map_part){.range = range, .kind = kind};
	snprintf(p->what, sizeof(p->what), "%s", what);
	m->n++;
}

static void add_layout(struct map *m, const struct arch_layout *l)
{
	unsigned i;

	for (i = 0; i < l->n_ram; i++)
		add(m, l->ram[i], "ram", "RAM");
	add(m, l->msi_bank, "msi-bank", "MSI bank");
	add(m, l->doorbell, "doorbell", "the guest's doorbell");
	add(m, l->pci.mem32, "window", "BARs, 32-bit");
	add(m, l->pci.mem64, "window", "BARs, 64-bit");
}

/* The IOMMU reaches no region that is reserved: that says nothing more. */
static bool is_said(const struct vfio_reserved *r, const struct vfio_reserved *others, unsigned n)
{
	unsigned i;

	for (i = 0; r->kind == RESERVED_UNREACHABLE && i < n; i++)
		if (others[i].kind != RESERVED_UNREACHABLE &&
		    range_contains(others[i].range, r->range))
			return true;
	return false;
}

/* The end of the IOMMU's reach is cut to what is looked at. */
static void add_reserved(struct map *m, const struct vfio_reserved *r, struct range all)
{
	char text[RESERVED_TEXT];
	struct range range = r->range;

	if (!ranges_overlap(range, all))
		return;
	if (range_last(range) > range_last(all))
		range.size = all.size - range.base;
	add(m, range, r->kind == RESERVED_MSI ? "msi-window" : "reserved",
	    vfio_reserved_text(text, r));
}

/* By address; where two begin together, the one that holds the other first. */
static int compare(const void *a, const void *b)
{
	const struct map_part *x = a, *y = b;

	if (x->range.base != y->range.base)
		return x->range.base < y->range.base ? -1 : 1;
	if (x->range.size != y->range.size)
		return x->range.size > y->range.size ? -1 : 1;
	return strcmp(x->what, y->what);
}

static void add_free(struct map *m, struct range all)
{
	uint64_t at = all.base;
	unsigned i, n = m->n;

	for (i = 0; i < n; i++) {
		struct range r = m->parts[i].range;

		if (r.base > at)
			add(m, (struct range){at, r.base - at}, "free", "free");
		if (r.base + r.size > at)
			at = r.base + r.size;
	}
	if (at < all.size)
		add(m, (struct range){at, all.size - at}, "free", "free");
}

static void nest(struct map *m)
{
	unsigned i, k;

	for (i = 0; i < m->n; i++)
		for (k = 0; k < i; k++)
			m->parts[i].depth += range_contains(m->parts[k].range, m->parts[i].range);
}

int machine_map(const struct arch_layout *layout, const struct vfio_reserved *reserved,
		unsigned n_reserved, unsigned bits, struct map_part **out)
{
	struct range all = {0, 1ULL << bits};
	/* Of a layout: RAM, the bank, its doorbell, two windows. Between any two a gap. */
	unsigned room = 2 * (n_reserved + RAM_BANKS_MAX + 4) + 1, i;
	struct map m = {.parts = calloc(room, sizeof(*m.parts))};

	*out = m.parts;
	if (!m.parts)
		return -ENOMEM;
	add_layout(&m, layout);
	for (i = 0; i < n_reserved; i++)
		if (!is_said(&reserved[i], reserved, n_reserved))
			add_reserved(&m, &reserved[i], all);
	qsort(m.parts, m.n, sizeof(*m.parts), compare);
	add_free(&m, all);
	qsort(m.parts, m.n, sizeof(*m.parts), compare);
	nest(&m);
	return (int)m.n;
}
