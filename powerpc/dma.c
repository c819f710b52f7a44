/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * DMA windows. A device sees memory only where its guest has put a page into a window, by hypercall
 * (PAPR 2.11, 14.5.4.2). KVM serves these calls by itself where it and VFIO can share the window's
 * table; else we do, through VFIO's map and unmap.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "hcall.h"
#include "machine.h"

/* Of an entry: the page, and whether the device may read and write it. */
#define TCE_READ  1ULL
#define TCE_WRITE 2ULL

/*
 * Emulated functions have a window that nothing goes through: virtio devices are given addresses of
 * memory itself. But without one Linux takes the bus's for theirs, finds that no dynamic window is
 * to be had for them, and then asks for none for the assigned device whose window that is
 * (arch/powerpc/platforms/pseries/iommu.c, enable_ddw()). All of them share it: it need not be
 * large.
 */
#define EMULATED_SIZE (64 * MIB)

#define LIOBN_FIRST 0x80000000u
#define LIST_MAX    512
/* Functions of one group share a window. */
#define DEFAULT_WINDOW_MIN (256 * MIB)

static struct dma_window *find_window(struct ppc_machine *m, uint64_t liobn)
{
	unsigned i;

	for (i = 0; liobn && i < WINDOWS_MAX; i++)
		if (m->windows[i].liobn == liobn)
			return &m->windows[i];
	return NULL;
}

static struct dma_window *window_of_group(const struct ppc_machine *m, int group)
{
	unsigned i;

	for (i = 0; i < WINDOWS_MAX; i++)
		if (m->windows[i].liobn && m->windows[i].group == group && !m->windows[i].dynamic)
			return (struct dma_window *)&m->windows[i];
	return NULL;
}

const struct dma_window *dma_window_of(const struct ppc_machine *m, const struct pci_function *f)
{
	int group = vfio_function_group(f);

	return window_of_group(m, group < 0 ? NO_GROUP : group);
}

/* -1, and the calls come to us, if KVM or VFIO can't. */
static int make_table(struct ppc_machine *m, const struct dma_window *w)
{
	struct kvm_create_spapr_tce_64 create = {.liobn = w->liobn,
						 .page_shift = w->page_shift,
						 .offset = w->start >> w->page_shift,
						 .size = w->size >> w->page_shift};
	int table;

	if (!m->tce_acceleration || w->group == NO_GROUP ||
	    ioctl(m->vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_SPAPR_TCE_VFIO) <= 0)
		return -1;
	table = ioctl(m->vm->fd, KVM_CREATE_SPAPR_TCE_64, &create);
	if (table < 0)
		return -1;
	if (!vfio_spapr_accelerate(m->vfio, w->group, table))
		return table;
	close(table);
	return -1;
}

static struct dma_window *free_window(struct ppc_machine *m)
{
	unsigned i;

	for (i = 0; i < WINDOWS_MAX; i++)
		if (!m->windows[i].liobn)
			return &m->windows[i];
	return NULL;
}

static void forget_window(struct dma_window *w)
{
	if (w->table >= 0)
		close(w->table);
	free(w->entries);
	*w = (struct dma_window){.table = -1};
}

/*
 * A name and a table for the window w, its place in the list, which the host has made. Without
 * memory for a table of ours it is forgotten. Its LIOBN is its place: a counter would come around.
 */
static int name_window(struct ppc_machine *m, struct dma_window *w)
{
	w->liobn = LIOBN_FIRST + (uint32_t)(w - m->windows);
	w->table = make_table(m, w);
	if (w->table < 0)
		w->entries = calloc(w->size >> w->page_shift, sizeof(*w->entries));
	if (w->table >= 0 || w->entries)
		return 0;
	forget_window(w);
	return -ENOMEM;
}

/*
 * What the 32-bit window has to hold: all memory, as far as the host lets it. The guest clears it
 * when it starts, and bare metal tells its IOMMU of each entry: 2 GiB of them took a third of the
 * start.
 */
static uint64_t window_wanted(const struct ppc_machine *m)
{
	uint64_t ram = pow2_ceil(guest_memory_size(&m->vm->memory));

	return ram > DEFAULT_WINDOW_MIN ? ram : DEFAULT_WINDOW_MIN;
}

static int create_default(struct ppc_machine *m, int group, uint64_t start, uint64_t size,
			  struct error *err)
{
	struct dma_window *w = free_window(m);
	int ret;

	if (!w)
		return fail(err, ENOSPC, "DMA windows: more groups than %d", WINDOWS_MAX / 2);
	*w = (struct dma_window){.group = group,
				 .page_shift = VFIO_SPAPR_DMA32_SHIFT,
				 .start = start,
				 .size = size,
				 .table = -1};
	ret = name_window(m, w);
	return ret ? fail(err, -ret, "DMA windows: out of memory") : 0;
}

static bool has_emulated(const struct pci_bus *bus)
{
	const struct pci_function *f;
	unsigned devfn;

	for (devfn = 0; devfn < ARRAY_SIZE(bus->functions); devfn++) {
		f = bus->functions[devfn];
		if (f && f != bus->host_bridge && vfio_function_group(f) < 0)
			return true;
	}
	return false;
}

int dma_create(struct ppc_machine *m, const struct arch_config *config, struct error *err)
{
	struct vfio_spapr_info info;
	const struct vfio_group *g;
	int ret = 0;

	m->dynamic_windows = !config->no_dynamic_windows;
	m->tce_acceleration = !config->no_tce_acceleration;
	for (g = m->vfio->groups; g && !ret; g = g->next) {
		ret = vfio_spapr_default_window(m->vfio, g->number, window_wanted(m), &info, err);
		if (!ret)
			ret = create_default(m, g->number, info.dma32_start, info.dma32_size, err);
	}
	if (!ret && has_emulated(m->bus))
		ret = create_default(m, NO_GROUP, 0, EMULATED_SIZE, err);
	return ret;
}

uint64_t dma_page_sizes(const struct ppc_machine *m, int group)
{
	struct vfio_spapr_info info;

	if (!m->dynamic_windows || group == NO_GROUP || vfio_spapr_info(m->vfio, group, &info) ||
	    !info.dynamic)
		return 0;
	/* A page of the window has to be one piece of the host's memory. */
	return info.page_sizes & (2 * m->ram_page - 1);
}

unsigned dma_count_dynamic(const struct ppc_machine *m, int group)
{
	unsigned i, n = 0;

	for (i = 0; i < WINDOWS_MAX; i++)
		n += m->windows[i].liobn && m->windows[i].group == group && m->windows[i].dynamic;
	return n;
}

const struct dma_window *dma_add_window(struct ppc_machine *m, int group, unsigned page_shift,
					unsigned window_shift)
{
	struct dma_window *w = free_window(m);
	struct dma_window made = {.group = group,
				  .page_shift = page_shift,
				  .size = 1ULL << window_shift,
				  .dynamic = true,
				  .table = -1};

	if (!w || dma_count_dynamic(m, group) ||
	    vfio_spapr_create_window(m->vfio, group, page_shift, made.size, &made.start))
		return NULL;
	*w = made;
	if (!name_window(m, w))
		return w;
	vfio_spapr_remove_window(m->vfio, group, made.start);
	return NULL;
}

bool dma_drop_window(struct ppc_machine *m, uint32_t liobn)
{
	struct dma_window *w = find_window(m, liobn);

	if (!w || !w->dynamic)
		return false;
	/* KVM's table goes before the host's, which it refers to. */
	if (w->table >= 0)
		close(w->table);
	w->table = -1;
	vfio_spapr_remove_window(m->vfio, w->group, w->start);
	forget_window(w);
	return true;
}

/* The host's windows are gone already, with their containers. */
void dma_destroy(struct ppc_machine *m)
{
	unsigned i;

	for (i = 0; i < WINDOWS_MAX; i++)
		forget_window(&m->windows[i]);
}

/* n pages from ioba on lie in the window. */
static bool holds(const struct dma_window *w, uint64_t ioba, uint64_t n)
{
	uint64_t page = 1ULL << w->page_shift;

	return !(ioba & (page - 1)) && ioba >= w->start && ioba - w->start < w->size &&
	       n <= (w->size - (ioba - w->start)) >> w->page_shift;
}

static uint64_t *entry_at(const struct dma_window *w, uint64_t ioba)
{
	return &w->entries[(ioba - w->start) >> w->page_shift];
}

/* One entry. What is no RAM of the guest's is not mapped, and the call fails. */
static uint64_t set_entry(struct ppc_machine *m, struct dma_window *w, uint64_t ioba, uint64_t tce)
{
	uint64_t page = 1ULL << w->page_shift, *entry = entry_at(w, ioba);
	uint32_t flags = (tce & TCE_READ ? VFIO_DMA_MAP_FLAG_READ : 0) |
			 (tce & TCE_WRITE ? VFIO_DMA_MAP_FLAG_WRITE : 0);
	void *host = NULL;

	if (flags) {
		host = guest_memory_at(&m->vm->memory, align_down(tce, page), page);
		if (!host)
			return H_PARAMETER;
	}
	if (w->group == NO_GROUP) {
		*entry = flags ? tce : 0;
		return H_SUCCESS;
	}
	if (*entry && vfio_spapr_unmap(m->vfio, w->group, ioba, page))
		return H_HARDWARE;
	*entry = 0;
	if (flags && vfio_spapr_map(m->vfio, w->group, ioba, page, host, flags))
		return H_RESOURCE;
	*entry = flags ? tce : 0;
	return H_SUCCESS;
}

/*
 * The window that a call is about, if it is for us and holds n pages from ioba on. With dma_lock
 * held from here on: the guest may take its window away on another CPU.
 */
static struct dma_window *served_window(struct ppc_machine *m, uint64_t liobn, uint64_t ioba,
					uint64_t n)
{
	struct dma_window *w = find_window(m, liobn);

	if (!w || !w->entries || !holds(w, ioba, n))
		return NULL;
	atomic_fetch_add_explicit(&m->tce_calls, 1, memory_order_relaxed);
	return w;
}

/* args: LIOBN, I/O address, entry. */
uint64_t dma_put_tce(struct ppc_machine *m, const uint64_t args[9])
{
	struct dma_window *w;
	uint64_t ret = H_PARAMETER;

	pthread_mutex_lock(&m->dma_lock);
	w = served_window(m, args[0], args[1], 1);
	if (w)
		ret = set_entry(m, w, args[1], args[2]);
	pthread_mutex_unlock(&m->dma_lock);
	return ret;
}

/* args: LIOBN, I/O address, guest-physical address of a page with entries, their number. */
uint64_t dma_put_tce_indirect(struct ppc_machine *m, const uint64_t args[9])
{
	struct dma_window *w;
	uint64_t list[LIST_MAX], ret = H_PARAMETER, i;

	if (args[3] > LIST_MAX || args[2] % 4096 ||
	    guest_memory_read(&m->vm->memory, args[2], list, args[3] * sizeof(list[0])))
		return H_PARAMETER;
	pthread_mutex_lock(&m->dma_lock);
	w = served_window(m, args[0], args[1], args[3]);
	if (w)
		ret = H_SUCCESS;
	for (i = 0; i < args[3] && ret == H_SUCCESS; i++)
		ret = set_entry(m, w, args[1] + (i << w->page_shift), be64toh(list[i]));
	pthread_mutex_unlock(&m->dma_lock);
	return ret;
}

/* args: LIOBN, I/O address, one entry for all, number. Guests clear a window so. */
uint64_t dma_stuff_tce(struct ppc_machine *m, const uint64_t args[9])
{
	struct dma_window *w;
	uint64_t ret = H_PARAMETER, i;

	pthread_mutex_lock(&m->dma_lock);
	w = served_window(m, args[0], args[1], args[3]);
	if (w)
		ret = H_SUCCESS;
	for (i = 0; i < args[3] && ret == H_SUCCESS; i++) {
		uint64_t ioba = args[1] + (i << w->page_shift);

		if (*entry_at(w, ioba) || (args[2] & (TCE_READ | TCE_WRITE)))
			ret = set_entry(m, w, ioba, args[2]);
	}
	pthread_mutex_unlock(&m->dma_lock);
	return ret;
}

/* args: LIOBN, I/O address; out: the entry. */
uint64_t dma_get_tce(struct ppc_machine *m, uint64_t args[9])
{
	const struct dma_window *w;
	uint64_t ret = H_PARAMETER;

	pthread_mutex_lock(&m->dma_lock);
	w = served_window(m, args[0], args[1], 1);
	if (w) {
		args[0] = *entry_at(w, args[1]);
		ret = H_SUCCESS;
	}
	pthread_mutex_unlock(&m->dma_lock);
	return ret;
}
