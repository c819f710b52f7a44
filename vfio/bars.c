/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * From the BAR plan to the guest's address space: each segment is a region; mapped segments are
 * memory, the others are served by accesses of exact width on the device's fd.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "device.h"

uint64_t vfio_direct_read(struct vfio_piece *p, uint64_t offset, unsigned size)
{
	struct vfio_device *d = p->device;
	uint64_t at = d->regions[p->bar].offset + p->segment.physical + offset;
	uint64_t value = 0;

	if (pread(d->fd, &value, size, (off_t)at) != (ssize_t)size) {
		atomic_fetch_add_explicit(&d->io_errors, 1, memory_order_relaxed);
		value = UINT64_MAX;
	}
	vfio_intx_touched(d);
	return value;
}

void vfio_direct_write(struct vfio_piece *p, uint64_t offset, unsigned size, uint64_t value)
{
	struct vfio_device *d = p->device;
	uint64_t at = d->regions[p->bar].offset + p->segment.physical + offset;

	if (pwrite(d->fd, &value, size, (off_t)at) != (ssize_t)size)
		atomic_fetch_add_explicit(&d->io_errors, 1, memory_order_relaxed);
	vfio_intx_touched(d);
}

static uint64_t direct_read(void *opaque, uint64_t offset, unsigned size)
{
	return vfio_direct_read(opaque, offset, size);
}

static void direct_write(void *opaque, uint64_t offset, unsigned size, uint64_t value)
{
	vfio_direct_write(opaque, offset, size, value);
}

static const struct region_ops direct_ops = {direct_read, direct_write};

/* What lies beyond the device is what a bus answers where nobody is. */
static uint64_t empty_read(void *opaque, uint64_t offset, unsigned size)
{
	(void)opaque, (void)offset, (void)size;
	return UINT64_MAX;
}

static void empty_write(void *opaque, uint64_t offset, unsigned size, uint64_t value)
{
	(void)opaque, (void)offset, (void)size, (void)value;
}

static const struct region_ops empty_ops = {empty_read, empty_write};

static int map_piece(struct vfio_piece *p, struct error *err)
{
	const struct vfio_region *r = &p->device->regions[p->bar];
	int prot = (r->flags & VFIO_REGION_INFO_FLAG_READ ? PROT_READ : 0) |
		   (r->flags & VFIO_REGION_INFO_FLAG_WRITE ? PROT_WRITE : 0);
	void *host = mmap(NULL, p->segment.size, prot, MAP_SHARED, p->device->fd,
			  (off_t)(r->offset + p->segment.physical));

	if (host == MAP_FAILED)
		return fail(err, errno, "BAR %u: can't map 0x%llx-0x%llx: %s", p->bar,
			    (unsigned long long)p->segment.offset,
			    (unsigned long long)(p->segment.offset + p->segment.size - 1),
			    strerror(errno));
	p->host = host;
	return 0;
}

/* What the guest's map calls it. */
static const char *part_text(const struct vfio_piece *p)
{
	static const char *const bars[] = {"BAR 0", "BAR 1", "BAR 2", "BAR 3",
					   "BAR 4", "BAR 5", "ROM"};

	switch (p->segment.kind) {
	case SEGMENT_TABLE:
		return "MSI-X table";
	case SEGMENT_PBA:
		return "MSI-X PBA";
	case SEGMENT_QUIRK:
		return "back door to the MSI-X table";
	case SEGMENT_EMPTY:
		return "beyond the device";
	default:
		return bars[p->bar];
	}
}

static int init_piece(struct vfio_piece *p, struct error *err)
{
	struct vfio_device *d = p->device;
	int ret = 0;

	p->region = (struct region){.name = d->bdf,
				    .part = part_text(p),
				    .size = p->segment.size,
				    .priority = PRIORITY_PCI,
				    .ops = &direct_ops,
				    .opaque = p,
				    .traps = &d->bar_traps};
	switch (p->segment.kind) {
	case SEGMENT_TABLE:
		p->region.ops = &pci_msix_table_ops;
		p->region.opaque = &d->msix;
		p->region.traps = NULL;
		break;
	case SEGMENT_PBA:
		p->region.ops = &pci_msix_pba_ops;
		p->region.opaque = &d->msix;
		p->region.traps = NULL;
		break;
	case SEGMENT_EMPTY:
		p->region.ops = &empty_ops;
		break;
	case SEGMENT_QUIRK:
		p->region.ops = d->quirk->ops;
		break;
	case SEGMENT_DIRECT:
		break;
	case SEGMENT_MAP:
		p->overlay = p->region;
		p->overlay.priority++;
		ret = map_piece(p, err);
		p->region.host = p->host;
		break;
	}
	return ret;
}

static int create_bar(struct vfio_device *d, unsigned bar, const struct vfio_bar_plan *plan,
		      struct error *err)
{
	struct vfio_bar *b = &d->bars[bar];
	int ret = 0;

	b->pieces = calloc(plan->n, sizeof(*b->pieces));
	if (!b->pieces)
		return fail(err, ENOMEM, "BAR %u: out of memory", bar);
	for (b->n = 0; b->n < plan->n && !ret; b->n++) {
		b->pieces[b->n] = (struct vfio_piece){
			.device = d, .bar = bar, .segment = plan->segments[b->n]};
		ret = init_piece(&b->pieces[b->n], err);
	}
	return ret;
}

int vfio_bars_create(struct vfio_device *d, const struct vfio_bars_plan *plan, struct error *err)
{
	unsigned bar;
	int ret = 0;

	for (bar = 0; bar <= PCI_ROM && !ret; bar++) {
		const struct vfio_bar_plan *b = &plan->bars[bar];

		if (!b->size)
			continue;
		pci_set_bar(&d->function, bar, b->size, b->type);
		ret = create_bar(d, bar, b, err);
	}
	return ret;
}

void vfio_bars_destroy(struct vfio_device *d)
{
	unsigned bar, i;

	for (bar = 0; bar <= PCI_ROM; bar++) {
		for (i = 0; i < d->bars[bar].n; i++)
			if (d->bars[bar].pieces[i].host)
				munmap(d->bars[bar].pieces[i].host,
				       d->bars[bar].pieces[i].segment.size);
		free(d->bars[bar].pieces);
		d->bars[bar] = (struct vfio_bar){0};
	}
}

/*
 * Let the other assigned devices reach what of this BAR is mapped for the guest. Not every IOMMU
 * can: then they can't, which matters to few guests, so it is said once and not fatal.
 */
static void map_p2p(struct vfio_piece *p)
{
	struct vfio *v = p->device->vfio;
	bool whole_pages = !((p->region.base | p->region.size) % v->vm->mmio.page_size);
	int ret;

	if (!p->host || !whole_pages || !v->devices->next || !v->ops->identity)
		return;
	ret = vfio_dma_map(v, p->region.base, p->region.size, p->host);
	p->p2p = !ret;
	if (ret && !v->p2p_warned) {
		v->p2p_warned = true;
		warn("%s: BAR %u is out of reach for other devices' DMA: %s",
		     p->device->function.name, p->bar, strerror(-ret));
	}
}

/*
 * A BAR that the guest sees smaller than a page is a memslot only as the whole page: what else is
 * in it is nobody's (see segments.c), unless the guest has put another BAR there, which then comes
 * first. Where the guest does not align it to the page, it is served by loads and stores.
 */
static void place_region(struct vfio_piece *p, uint64_t base)
{
	uint64_t page = p->device->vfio->vm->mmio.page_size;
	bool whole = p->host && p->segment.size < page && base % page == 0;

	p->region.base = base;
	p->region.size = whole ? page : p->segment.size;
	p->region.priority = whole ? PRIORITY_PCI - 1 : PRIORITY_PCI;
}

void vfio_bar_map(struct pci_function *f, unsigned bar, uint64_t addr)
{
	struct vfio_device *d = f->opaque;
	uint64_t base;
	struct space *s = pci_bar_space(f, bar, addr, &base);
	unsigned i;

	for (i = 0; i < d->bars[bar].n; i++) {
		struct vfio_piece *p = &d->bars[bar].pieces[i];

		place_region(p, base + p->segment.offset);
		space_add(s, &p->region);
		map_p2p(p);
		if (!p->host)
			continue;
		p->overlay.base = p->region.base;
		if (d->trapping)
			space_add(s, &p->overlay);
	}
	d->bars[bar].mapped = true;
}

void vfio_bar_unmap(struct pci_function *f, unsigned bar)
{
	struct vfio_device *d = f->opaque;
	uint64_t base;
	struct space *s = pci_bar_space(f, bar, f->bars[bar].address, &base);
	unsigned i;

	d->bars[bar].mapped = false;
	for (i = 0; i < d->bars[bar].n; i++) {
		struct vfio_piece *p = &d->bars[bar].pieces[i];

		if (p->host && d->trapping)
			space_remove(s, &p->overlay);
		if (p->p2p)
			vfio_dma_unmap(d->vfio, p->region.base, p->region.size);
		p->p2p = false;
		space_remove(s, &p->region);
	}
}

void vfio_bars_trap(struct vfio_device *d, bool on)
{
	struct space *s = &d->vfio->vm->mmio;
	unsigned bar, i;

	space_begin(s);
	for (bar = 0; bar <= PCI_ROM && d->trapping != on; bar++)
		for (i = 0; d->bars[bar].mapped && i < d->bars[bar].n; i++) {
			struct vfio_piece *p = &d->bars[bar].pieces[i];

			if (p->host && on)
				space_add(s, &p->overlay);
			else if (p->host)
				space_remove(s, &p->overlay);
		}
	d->trapping = on;
	space_commit(s, NULL);
}
