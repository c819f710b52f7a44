/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The plan of the windows: what the BARs of a bus need, and where each goes. Pure. */
#include <errno.h>
#include <stdlib.h>

#include "pci.h"

static int by_size(const void *a, const void *b)
{
	const struct pci_placement *const *x = (const struct pci_placement *const *)a;
	const struct pci_placement *const *y = (const struct pci_placement *const *)b;

	if ((*x)->size != (*y)->size)
		return (*x)->size > (*y)->size ? -1 : 1;
	/* Equal sizes keep their order, so that a machine is laid out alike each time. */
	return *x < *y ? -1 : 1;
}

/* Largest first and naturally aligned: with powers of two this leaves no gaps between BARs. */
static bool take(struct range *free, uint64_t size, uint64_t align, uint64_t *address)
{
	uint64_t at = align_up(free->base, align), skip = at - free->base;

	if (at < free->base || skip > free->size || free->size - skip < size)
		return false;
	*address = at;
	free->base = at + size;
	free->size -= skip + size;
	return true;
}

static const char *window_name(const struct pci_placement *b, bool mem64)
{
	if (b->io)
		return "I/O";
	return b->mem64 && mem64 ? "64-bit" : "32-bit";
}

/* Pages of the host or the guest may be larger than a BAR. */
static uint64_t alignment(const struct pci_placement *b, const struct pci_windows *windows)
{
	return b->io || b->size > windows->bar_align ? b->size : windows->bar_align;
}

int pci_plan_bars(struct pci_placement *bars, unsigned n, const struct pci_windows *windows,
		  struct error *err)
{
	struct range io = windows->io, mem32 = windows->mem32, mem64 = windows->mem64;
	struct pci_placement **order =
		(struct pci_placement **)calloc(n + 1, sizeof(struct pci_placement *));
	unsigned i;
	int ret = 0;

	if (!order)
		return fail(err, ENOMEM, "PCI: out of memory");
	for (i = 0; i < n; i++)
		order[i] = &bars[i];
	qsort((void *)order, n, sizeof(struct pci_placement *), by_size);
	for (i = 0; i < n && !ret; i++) {
		struct pci_placement *b = order[i];
		struct range *window = b->io ? &io : &mem32;

		if (!b->io && b->mem64 && windows->mem64.size)
			window = &mem64;
		if (!take(window, b->size, alignment(b, windows), &b->address))
			ret = fail(err, ENOSPC,
				   "%s: BAR %u of 0x%llx bytes finds no room in the %s window",
				   b->owner, b->bar, (unsigned long long)b->size,
				   window_name(b, windows->mem64.size));
	}
	free((void *)order);
	return ret;
}

static void need(uint64_t *total, uint64_t *align, uint64_t size)
{
	*total = *total > UINT64_MAX - size ? UINT64_MAX : *total + size;
	if (align && size > *align)
		*align = size;
}

void pci_sum_needs(const struct pci_placement *bars, unsigned n, struct pci_needs *needs)
{
	unsigned i;

	*needs = (struct pci_needs){0};
	for (i = 0; i < n; i++) {
		if (bars[i].io)
			need(&needs->io, NULL, bars[i].size);
		else if (bars[i].mem64)
			need(&needs->mem64, &needs->align64, bars[i].size);
		else
			need(&needs->mem32, &needs->align32, bars[i].size);
	}
}
