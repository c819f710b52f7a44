/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Dynamic DMA windows (LoPAR 2.x, 7.4.13): the guest asks for a window that holds all its memory,
 * and maps it there once and for all.
 */
#include "rtas.h"

/* What a guest with little memory may have all the same: as much as the default window. */
#define WINDOW_SIZE_MIN GIB

/* LoPAR's bits for page sizes. */
static const struct {
	unsigned shift;
	uint32_t bit;
} page_sizes[] = {{12, 0x01}, {16, 0x02}, {21, 0x100}, {24, 0x04}, {25, 0x08},
		  {26, 0x10}, {27, 0x20}, {28, 0x40},  {34, 0x80}};

/* The IOMMU group of the function that the call names; -1: none, or no windows for it. */
static int group_of(struct rtas *r)
{
	const struct pci_function *f = rtas_pci_function(r);
	int group = f ? vfio_function_group(f) : -1;

	return group >= 0 && dma_page_sizes(r->m, group) ? group : -1;
}

/*
 * A window is for mapping all memory, and "ibm,lrdr-capacity" says how much that can be. A larger
 * one would only be a table that the host has to keep.
 */
static uint64_t largest_window(const struct rtas *r)
{
	uint64_t ram = guest_memory_size(&r->m->vm->memory);

	return pow2_ceil(ram > WINDOW_SIZE_MIN ? ram : WINDOW_SIZE_MIN);
}

static uint32_t size_bits(uint64_t sizes)
{
	uint32_t bits = 0;
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(page_sizes); i++)
		if (sizes >> page_sizes[i].shift & 1)
			bits |= page_sizes[i].bit;
	return bits;
}

/* args: address, BUID high, low; returns: status, windows, largest block, page sizes, migration. */
int rtas_query_windows(struct rtas *r)
{
	int group = group_of(r);
	struct vfio_spapr_info info;
	uint64_t pages;

	if (group < 0 || vfio_spapr_info(r->m->vfio, group, &info))
		return RTAS_PARAMETER;
	pthread_mutex_lock(&r->m->dma_lock);
	r->rets[0] = info.windows > 1 && !dma_count_dynamic(r->m, group);
	pthread_mutex_unlock(&r->m->dma_lock);
	/* In pages of the size that is asked for later: of the smallest there are the most. */
	pages = largest_window(r) >> 12;
	r->rets[1] = pages < UINT32_MAX ? (uint32_t)pages : UINT32_MAX;
	r->rets[2] = size_bits(dma_page_sizes(r->m, group));
	return RTAS_SUCCESS;
}

/* args: address, BUID high, low, page shift, window shift; returns: status, LIOBN, start high, low.
 */
int rtas_create_window(struct rtas *r)
{
	int group = group_of(r);
	uint32_t page = r->args[3], window = r->args[4];
	const struct dma_window *w;

	if (group < 0 || page > 34 || !(dma_page_sizes(r->m, group) >> page & 1) || window < page ||
	    window > 63 || 1ULL << window > largest_window(r))
		return RTAS_PARAMETER;
	pthread_mutex_lock(&r->m->dma_lock);
	w = dma_add_window(r->m, group, page, window);
	if (w) {
		r->rets[0] = w->liobn;
		r->rets[1] = (uint32_t)(w->start >> 32);
		r->rets[2] = (uint32_t)w->start;
	}
	pthread_mutex_unlock(&r->m->dma_lock);
	return w ? RTAS_SUCCESS : RTAS_HARDWARE;
}

/* args: LIOBN. */
int rtas_remove_window(struct rtas *r)
{
	bool there;

	pthread_mutex_lock(&r->m->dma_lock);
	there = dma_drop_window(r->m, r->args[0]);
	pthread_mutex_unlock(&r->m->dma_lock);
	return there ? RTAS_SUCCESS : RTAS_PARAMETER;
}

/* args: address, BUID high, low: back to the default window alone. */
int rtas_reset_windows(struct rtas *r)
{
	int group = group_of(r);
	unsigned i;

	if (group < 0)
		return RTAS_PARAMETER;
	pthread_mutex_lock(&r->m->dma_lock);
	for (i = 0; i < WINDOWS_MAX; i++)
		if (r->m->windows[i].group == group)
			dma_drop_window(r->m, r->m->windows[i].liobn);
	pthread_mutex_unlock(&r->m->dma_lock);
	return RTAS_SUCCESS;
}
