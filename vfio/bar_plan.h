/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The BAR plan's own parts, all pure. */
#ifndef CARILLON_VFIO_BAR_PLAN_H
#define CARILLON_VFIO_BAR_PLAN_H

#include "vfio.h"

/* The capability's sizes (PCI 3.0, 6.8.2): bytes of a table, and of a PBA, for so many vectors. */
static inline uint64_t vfio_table_size(unsigned entries)
{
	return entries * (uint64_t)PCI_MSIX_ENTRY_SIZE;
}

static inline uint64_t vfio_pba_size(unsigned entries)
{
	return (entries + 63) / 64 * 8ull;
}

/* Does this BAR take the register of the next one for its upper half? */
static inline bool vfio_bar_is_64bit(const struct vfio_bar_facts *b)
{
	return b->size && !(b->type & PCI_BASE_ADDRESS_SPACE_IO) &&
	       (b->type & PCI_BASE_ADDRESS_MEM_TYPE_64);
}

/* segments.c: what a BAR of the guest is made of. */
struct vfio_bar_layout {
	const struct vfio_bar_facts *device; /* the BAR of that number; its size may be 0 */
	uint64_t size;			     /* as the guest sees it */
	uint64_t page_size;
	struct range table, pba; /* virtual, in this BAR; size 0: elsewhere */
	struct range quirk;	 /* size 0: none, or its table is not virtual */
	struct range refused;	 /* the device's table, where the kernel lets nobody map it */
};

/* Fills segments; returns how many, or -E2BIG. */
int vfio_cut_bar(const struct vfio_bar_layout *l, struct vfio_segment *out, struct error *err);

/* bar_plan.c: how many of the device's own bytes the guest reaches by itself. */
uint64_t vfio_direct_bytes(const struct vfio_bars_facts *facts, const struct vfio_bars_plan *plan);

/*
 * relocation.c: move the table and the PBA of a plan, whose BARs have their sizes. Errors as
 * vfio_plan_bars().
 */
int vfio_relocate_msix(const struct vfio_bars_facts *facts, struct vfio_bars_plan *plan,
		       struct error *err);

#endif
