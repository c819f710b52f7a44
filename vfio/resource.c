/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Resources in sysfs, and what vfio-pci makes of them: see resource.h. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "resource.h"

unsigned vfio_parse_resources(const char *text, struct vfio_resource *out)
{
	unsigned n = 0;

	for (; n < RESOURCES_MAX; n++) {
		uint64_t words[3];
		unsigned i;

		for (i = 0; i < 3; i++) {
			char *end;

			words[i] = strtoull(text, &end, 16);
			if (end == text)
				return n;
			text = end;
		}
		out[n] = (struct vfio_resource){.flags = words[2]};
		if (words[1] > words[0])
			out[n].range = range_between(words[0], words[1]);
	}
	return n;
}

int vfio_read_resources(const struct vfio_paths *paths, const char *bdf, struct vfio_resource *out,
			struct error *err)
{
	char path[PATH_MAX], text[4096];
	int ret;

	memset(out, 0, RESOURCES_MAX * sizeof(*out));
	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s/resource", paths->sysfs, bdf);
	ret = read_file(path, text, sizeof(text));
	if (ret)
		return fail(err, -ret, "%s: %s", path, strerror(-ret));
	return (int)vfio_parse_resources(text, out);
}

/* ---- neighbours ---------------------------------------------------------------------------- */

static bool is_memory(const struct vfio_resource *r)
{
	return r->range.size && (r->flags & RESOURCE_MEM);
}

static bool is_placed_memory(const struct vfio_resource *r)
{
	return is_memory(r) && !(r->flags & RESOURCE_UNSET);
}

static struct range page_of(const struct vfio_resource *r, uint64_t page_size)
{
	return (struct range){align_down(r->range.base, page_size), page_size};
}

struct search {
	const struct vfio_paths *paths;
	const char *bdf;
	const struct vfio_resource *own;
	uint64_t page_size;
	struct vfio_in_page *out;
};

static void name_neighbour(const char *bdf, unsigned index, struct vfio_in_page *p)
{
	if (index < PCI_BARS)
		snprintf(p->neighbour, sizeof(p->neighbour), "BAR %u of %s", index, bdf);
	else
		snprintf(p->neighbour, sizeof(p->neighbour), "%s of %s",
			 index == PCI_ROM ? "the ROM" : "a window", bdf);
}

/* A window that holds the whole page is where the BAR lies, and not beside it. */
static void compare(struct search *s, unsigned bar, const struct vfio_host_device *d,
		    const struct vfio_resource *theirs, unsigned n)
{
	struct range page = page_of(&s->own[bar], s->page_size);
	bool same = !strcmp(d->bdf, s->bdf);
	unsigned i;

	for (i = 0; i < n && !*s->out[bar].neighbour; i++)
		if (!(same && i == bar) && is_placed_memory(&theirs[i]) &&
		    ranges_overlap(page, theirs[i].range) && !range_contains(theirs[i].range, page))
			name_neighbour(d->bdf, i, &s->out[bar]);
}

static void look_at(void *opaque, const struct vfio_host_device *d)
{
	struct vfio_resource theirs[RESOURCES_MAX];
	struct search *s = opaque;
	int n = vfio_read_resources(s->paths, d->bdf, theirs, NULL);
	unsigned bar;

	for (bar = 0; bar < PCI_BARS && n > 0; bar++)
		if (is_placed_memory(&s->own[bar]) && s->own[bar].range.size < s->page_size)
			compare(s, bar, d, theirs, (unsigned)n);
}

int vfio_find_neighbours(const struct vfio_paths *paths, const char *bdf,
			 const struct vfio_resource *own, uint64_t page_size,
			 struct vfio_in_page *out, struct error *err)
{
	struct search s = {paths, bdf, own, page_size, out};
	unsigned bar;

	memset(out, 0, PCI_BARS * sizeof(*out));
	for (bar = 0; bar < PCI_BARS; bar++)
		if (is_placed_memory(&own[bar]))
			out[bar].offset = own[bar].range.base % page_size;
	return vfio_host_devices(paths, -1, look_at, &s, err);
}

/* ---- prediction ---------------------------------------------------------------------------- */

/* vfio_pci_probe_mmaps in Linux' drivers/vfio/pci/vfio_pci_core.c. */
static bool is_mappable(const struct vfio_resource *r, const struct vfio_in_page *p,
			uint64_t page_size)
{
	return is_memory(r) && (r->range.size >= page_size || (!p->offset && !*p->neighbour));
}

void vfio_predict_regions(const struct vfio_resource *own, const struct vfio_in_page *in_page,
			  uint64_t page_size, struct vfio_region *out)
{
	unsigned bar;

	for (bar = 0; bar <= PCI_ROM; bar++) {
		out[bar] = (struct vfio_region){.size = own[bar].range.size};
		if (bar < PCI_ROM && is_mappable(&own[bar], &in_page[bar], page_size)) {
			out[bar].flags = VFIO_REGION_INFO_FLAG_MMAP;
			out[bar].msix_mappable = true;
		}
	}
}

static uint32_t bar_register(const struct vfio_resource *r)
{
	if (!r->range.size || (r->flags & RESOURCE_IO))
		return r->range.size ? PCI_BASE_ADDRESS_SPACE_IO : 0;
	return (r->flags & RESOURCE_MEM_64 ? PCI_BASE_ADDRESS_MEM_TYPE_64 : 0) |
	       (r->flags & RESOURCE_PREFETCH ? PCI_BASE_ADDRESS_MEM_PREFETCH : 0);
}

/* As vfio_bar_fixup in Linux' drivers/vfio/pci/vfio_pci_config.c: virtual functions have neither.
 */
void vfio_predict_config(const struct vfio_resource *own, const struct vfio_host_device *host,
			 uint8_t *physical)
{
	unsigned bar;

	pci_set16(physical, PCI_VENDOR_ID, host->vendor);
	pci_set16(physical, PCI_DEVICE_ID, host->device);
	for (bar = 0; bar < PCI_BARS; bar++)
		pci_set32(physical, PCI_BASE_ADDRESS_0 + 4 * bar, bar_register(&own[bar]));
}
